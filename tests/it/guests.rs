//! Guests, which are players over the network, in the engine: their events, that nothing depends on
//! them, and that their logs replay and compare like all others.

use std::path::Path;
use std::rc::Rc;

use crate::common::{Folder, Log};
use proptest::prelude::*;
use scenario::replay;
use scenario::replay::outcome::ReplayFinding;
use scenario_core::engine::effect::Effect;
use scenario_core::engine::input::Input;
use scenario_core::engine::{Engine, EngineSink, RunStart};
use scenario_core::scenario::write::resolved::to_json;
use scenario_core::scenario::{FileContent, FileProvider, FileReadError, ScenarioOptions, load_scenario};
use scenario_log::encode::EventEncoder;
use scenario_log::event::{ClockKind, Direction, Event, Source};
use scenario_log::time::Moment;

struct Memory(String);

impl FileProvider for Memory {
    fn read(&self, _path: &Path) -> Result<FileContent, FileReadError> {
        Ok(FileContent { bytes: self.0.clone().into_bytes(), identity: String::new() })
    }
}

#[derive(Default)]
struct Recorder(EventEncoder);

impl EngineSink for Recorder {
    fn event(&mut self, t: Moment, event: &Event<'_>) {
        self.0.encode(t, event);
    }

    fn effect(&mut self, _order: Effect) {}
}

/// An action of a guest.
#[derive(Clone, Debug)]
enum Does {
    Join(u32, &'static str),
    Move(u32, Direction),
    Leave(u32),
}

use Does::{Join, Leave, Move};

/// The log of a run on the real clock in which guests did this at these milliseconds. Nothing is late
/// except for actions between two moments.
fn run(text: &str, done: &[(u64, Does)]) -> Log {
    let options = ScenarioOptions { vars: &[], env: &|_| None, clock: ClockKind::Real };
    let loaded = load_scenario(Path::new("s.toml"), &Memory(text.to_owned()), &options);
    let scenario = Rc::new(loaded.unwrap_or_else(|failure| panic!("{:?}", failure.diagnostics)).scenario);
    let resolved = to_json(&scenario);
    let (mut engine, mut log) = (Engine::new(scenario, 7), Recorder::default());
    let started_at = Some("2026-01-01T00:00:00.000Z");
    let start =
        RunStart { seed: 7, clock: ClockKind::Real, started_at, schedule: &[], scenario_json: &resolved };
    engine.start(&start, &mut log);
    engine.advance(Moment::ZERO, &mut log);
    for (at, does) in done {
        let now = Moment(at * 1_000_000);
        let observed = match does {
            Join(n, player) => {
                Input::PlayerJoined { source: Source::Guest(*n), player: (*player).to_owned() }
            }
            Move(n, direction) => Input::PlayerMoved { source: Source::Guest(*n), direction: *direction },
            Leave(n) => Input::PlayerLeft { source: Source::Guest(*n) },
        };
        engine.handle_input(now, &observed, &mut log);
    }
    while let Some(next) = engine.next_due() {
        engine.advance(next, &mut log);
    }
    assert!(engine.verdict().is_some(), "guests hold no run open");
    let mut bytes = log.0.swap_buffer(Vec::new());
    let last = bytes.iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    let sum = crc32c::crc32c(&bytes[..last]);
    bytes.extend_from_slice(format!(",\"crc32c\":\"{sum:08x}\"}}\n").as_bytes());
    let found = replay::replay(&bytes[..], None).finding;
    assert!(matches!(found, ReplayFinding::Same), "{found:?}");
    let folder = Folder::new();
    Log::read(&folder.file("l.jsonl", bytes))
}

const WORLD: &str = "[world]\nsize = [9, 5]\nbroadcast = \"0s\"\n";
const SECOND: &str = "tick = \"0s\"\n[presets.p]\nplayers = [{ name = \"ann\", moves = 1, every = \"1s\" }]\n\
    [[timeline]]\nspawn = \"p\"\n";

/// The lines without `seq`, without the first and the last.
fn event_lines(log: &Log) -> Vec<String> {
    let text = String::from_utf8(log.bytes.clone()).unwrap();
    let lines: Vec<_> =
        text.lines().map(|line| line.split_once(",\"event\":").unwrap().1.to_owned()).collect();
    lines[1..lines.len() - 1].to_vec()
}

const VISIT: [(u64, Does); 9] = [
    (100, Join(1, "bob")),
    (200, Move(1, Direction::E)),
    (300, Join(2, "ann")),
    (400, Move(2, Direction::N)),
    (400, Join(1, "again")),
    (500, Move(3, Direction::N)),
    (600, Leave(1)),
    (700, Move(1, Direction::N)),
    (800, Leave(4)),
];

#[test]
fn a_guest_comes_moves_and_goes() {
    let log = run(&[SECOND, WORLD].concat(), &VISIT);
    assert_eq!(
        event_lines(&log)[3..],
        [
            r#""player.joined","source":"net#1","player":"bob","place":[6,3]}"#,
            r#""move","source":"net#1","player":"bob","direction":"E"}"#,
            r#""world.state","players":{"ann":[5,3],"bob":[7,3]}}"#,
            r#""player.joined","source":"net#2","player":"ann","called":"ann@net#2","place":[4,0]}"#,
            r#""move","source":"net#2","player":"ann","direction":"N"}"#,
            r#""world.state","players":{"ann":[5,3],"ann@net#2":[4,4],"bob":[7,3]}}"#,
            r#""player.left","source":"net#1"}"#,
            r#""spawn.exited","source":"ps#1","code":0,"ok":true,"running":0}"#,
        ]
    );
    assert_eq!(log.last()["moves"], 3);
}

#[test]
fn without_a_world_and_at_the_end() {
    let log = run(SECOND, &VISIT);
    let told = event_lines(&log);
    assert_eq!(told[2], r#""player.joined","source":"net#1","player":"bob"}"#);
    assert_eq!(told.len(), 2 + 5 + 1, "{told:#?}");
    assert_eq!(log.last()["moves"], 3);
    // Nothing of the guests once the end has begun: here the run is over.
    let late = run(SECOND, &[(1_000, Join(1, "bob")), (1_001, Move(1, Direction::E)), (1_002, Leave(1))]);
    assert!(late.of("player.joined").is_empty() && late.of("player.left").is_empty());
    // A guest without a valid name does not come.
    let nameless = run(SECOND, &[(10, Join(1, "a\tb")), (10, Join(1, "")), (11, Move(1, Direction::E))]);
    assert_eq!((nameless.of("player.joined").len(), nameless.of("move").len()), (0, 1));
}

#[test]
fn a_guest_in_a_full_world_has_no_place() {
    let crowd = "tick = \"0s\"\n[presets.p]\nplayers = [{ name = \"p\", count = 99_999, moves = 0, every = \"1s\" }, \
        { name = \"q\", moves = 1, every = \"1s\" }]\n[[timeline]]\nspawn = \"p\"\n[world]\nsize = [2, 2]\nbroadcast = \"1h\"\n";
    let log = run(crowd, &[(10, Join(1, "bob")), (20, Move(1, Direction::E)), (30, Leave(1))]);
    let joined = log.of("player.joined")[0];
    assert!(joined.get("place").is_none() && joined.get("called").is_none(), "{joined}");
    assert_eq!((log.of("move").len(), log.of("player.left").len()), (2, 1));
}

#[test]
fn logs_with_guests_are_compared_extracted_and_reported() {
    let folder = Folder::new();
    let text = [SECOND, WORLD].concat();
    folder.file("a.jsonl", run(&text, &VISIT).bytes);
    // The same at other times, and the other guest first: the name decides who is who.
    let other = [
        (10, Join(1, "ann")),
        (150, Join(2, "bob")),
        (160, Move(1, Direction::N)),
        (250, Move(2, Direction::E)),
        (900, Leave(2)),
    ];
    folder.file("b.jsonl", run(&text, &other).bytes);
    folder.scenario(&["diff", "a.jsonl", "b.jsonl"]).end().expect(0);
    let mut moved = other.to_vec();
    moved[2] = (160, Move(1, Direction::S));
    folder.file("c.jsonl", run(&text, &moved).bytes);
    let ended = folder.scenario(&["diff", "a.jsonl", "c.jsonl"]).end().expect(3);
    assert!(ended.stderr.contains("player ann of net#2, then net#1 (guest ann)"), "{}", ended.stderr);
    folder.file("d.jsonl", run(&text, &other[..4]).bytes);
    let ended = folder.scenario(&["diff", "a.jsonl", "d.jsonl"]).end().expect(3);
    assert!(ended.stderr.contains("(guest bob)"), "{}", ended.stderr);

    let extracted = folder.scenario(&["extract", "a.jsonl"]).end().expect(0).stdout;
    assert!(extracted.contains("#   network  2 players joined over it"), "{extracted}");
    folder.file("s.toml", &extracted);
    folder.scenario(&["check", "s.toml"]).end().expect(0);

    let shown = folder.scenario(&["play", "--speed", "max", "a.jsonl"]).end().expect(0);
    for line in [
        "net#1   joined as bob, at [6, 3]",
        "net#2   joined as ann, called ann@net#2, at [4, 0]",
        "net#1   left",
    ] {
        assert!(shown.stderr.contains(line), "{line} in {}", shown.stderr);
    }
    let report =
        ["report", "-o", "r.html", "--trace", "t.json", "--csv", "c.csv", "--junit", "j.xml", "a.jsonl"];
    folder.scenario(&report).end().expect(0);
    let page = std::fs::read_to_string(folder.path().join("r.html")).unwrap();
    assert!(page.contains("net#1 joined as bob"));
    assert!(std::fs::read_to_string(folder.path().join("t.json")).unwrap().contains("bob joined"));
    let table = std::fs::read_to_string(folder.path().join("c.csv")).unwrap();
    assert!(table.contains("net#2") && table.contains("ann@net#2"), "{table}");
    // A changed decision is found.
    let log = std::fs::read_to_string(folder.path().join("a.jsonl")).unwrap();
    folder.file("e.jsonl", log.replace("\"place\":[4,0]", "\"place\":[4,1]"));
    let ended = folder.scenario(&["replay", "e.jsonl"]).end().expect(3);
    assert!(ended.stderr.contains("a player over the network"), "{}", ended.stderr);
}

/// Any sequence of actions of guests.
fn deeds() -> impl Strategy<Value = Vec<(u64, Does)>> {
    let name = prop::sample::select(vec!["ann", "bob", "p1", "", "a\tb", "Miss Čeda", "x@y", "ann@net#2"]);
    let deed = prop_oneof![
        (1..6_u32, name).prop_map(|(n, name)| Join(n, name)),
        (1..6_u32, 0..4_usize).prop_map(|(n, way)| Move(n, Direction::ALL[way])),
        (1..6_u32, 0..4_usize).prop_map(|(n, way)| Move(n, Direction::ALL[way])),
        (1..6_u32).prop_map(Leave),
    ];
    prop::collection::vec((0..200_u64, deed), 0..40).prop_map(|mut deeds| {
        deeds.iter_mut().fold(0, |before, (at, _)| {
            *at += before;
            *at
        });
        deeds
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn all_actions_of_guests_replay(deeds in deeds(), world in 0..3_usize) {
        let world = ["", "[world]\nsize = [3, 2]\nedges = \"stop\"\nbroadcast = \"0s\"\n", "[world]\nsize = [3, 2]\nbroadcast = \"300ms\"\n"][world];
        let players = "tick = \"700ms\"\n[presets.p]\nplayers = [{ name = \"p\", count = 2, moves = 4, every = \"0s..1s\" }]\n\
            [[timeline]]\nspawn = \"p\"\n[[timeline]]\nat = \"1s\"\nspawn = \"p\"\n";
        let log = run(&[players, world].concat(), &deeds);
        prop_assert_eq!(log.of("move").len() as u64, log.last()["moves"].as_u64().unwrap());
        let (joined, left) = (log.of("player.joined").len(), log.of("player.left").len());
        prop_assert!(left <= joined && joined <= 40);
    }
}
