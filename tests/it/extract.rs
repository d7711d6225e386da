//! An extracted scenario does by itself what was done in the run: the same moves, whatever was typed and
//! whenever.

use std::path::Path;
use std::rc::Rc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use scenario::extract::extract;
use scenario::io::log_file::writer::append_checksum;
use scenario_core::engine::effect::Effect;
use scenario_core::engine::input::Input;
use scenario_core::engine::{Engine, EngineSink, RunStart};
use scenario_core::scenario::write::resolved::to_json;
use scenario_core::scenario::{
    FileContent, FileProvider, FileReadError, LoadedScenario, ScenarioOptions, load_scenario,
};
use scenario_log::encode::EventEncoder;
use scenario_log::event::{ClockKind, Event, Source};
use scenario_log::reader::LogReader;
use scenario_log::signal::Signal;
use scenario_log::time::Moment;

struct Memory<'a>(&'a str);

impl FileProvider for Memory<'_> {
    fn read(&self, _path: &Path) -> Result<FileContent, FileReadError> {
        Ok(FileContent { bytes: self.0.as_bytes().to_vec(), identity: String::new() })
    }
}

/// A scenario without errors and warnings, but for one: a run may have been told something at its very end.
fn loaded(text: &str) -> LoadedScenario {
    let options = ScenarioOptions { vars: &[], env: &|_| None, clock: ClockKind::Virtual };
    let is_late = |message: &str| message.contains("at the earliest, and `time_limit` is");
    match load_scenario(Path::new("s.toml"), &Memory(text), &options) {
        Ok(loaded) if loaded.warnings.iter().all(|warning| is_late(&warning.message)) => loaded,
        Ok(loaded) => panic!("{:?}\n{text}", loaded.warnings),
        Err(failure) => panic!("{:?}\n{text}", failure.diagnostics),
    }
}

/// Something from outside, and when.
#[derive(Clone, Debug)]
enum Outside {
    Typed(u64, String),
    Signal(u64),
}

impl Outside {
    fn t(&self) -> Moment {
        let (Outside::Typed(t, _) | Outside::Signal(t)) = self;
        Moment(*t)
    }

    fn observed(&self) -> Input {
        match self {
            Outside::Typed(_, text) => Input::CommandTyped { text: text.clone(), unredacted: None },
            Outside::Signal(_) => Input::SignalReceived(Signal::INT),
        }
    }
}

/// A log in memory, and the parts of it that must come again.
#[derive(Default)]
struct Recorder {
    encoder: EventEncoder,
    moves: Vec<(Moment, Source, String)>,
    marks: Vec<String>,
}

impl EngineSink for Recorder {
    fn event(&mut self, t: Moment, event: &Event<'_>) {
        self.encoder.encode(t, event);
        match event {
            Event::Move { due, source, player, direction } => {
                self.moves.push((due.unwrap(), *source, format!("{player} {}", direction.word())));
            }
            Event::SpawnStarted { due, source, preset, .. } => {
                self.moves.push((*due, *source, format!("starts {preset}")));
            }
            Event::Mark { due, text, .. } => self.marks.push(format!("{due} {text}")),
            _ => {}
        }
    }

    fn effect(&mut self, _order: Effect) {}
}

/// Runs a scenario in virtual time. Input from outside at 0 comes before everything else, as it does when
/// it is typed before a run.
fn run(text: &str, seed: u64, outside: &[Outside]) -> (Vec<u8>, Recorder) {
    let scenario = Rc::new(loaded(text).scenario);
    let resolved = to_json(&scenario);
    let mut engine = Engine::new(scenario, seed);
    let mut recorder = Recorder::default();
    let start = RunStart {
        seed,
        clock: ClockKind::Virtual,
        started_at: None,
        schedule: &[],
        scenario_json: &resolved,
    };
    engine.start(&start, &mut recorder);
    let mut outside = outside.iter().peekable();
    while let Some(first) = outside.next_if(|one| one.t() == Moment::ZERO) {
        engine.handle_input(Moment::ZERO, &first.observed(), &mut recorder);
    }
    while let Some(now) = engine.next_due() {
        match outside.next_if(|one| one.t() < now) {
            Some(one) => engine.handle_input(one.t(), &one.observed(), &mut recorder),
            None => engine.advance(now, &mut recorder),
        }
    }
    // What different spawns do in the same nanosecond may come in another order.
    recorder.moves.sort_by_key(|(due, source, _)| (*due, *source));
    let bytes = recorder.encoder.swap_buffer(Vec::new());
    (append_checksum(0, bytes), recorder)
}

fn extracted(log: &[u8]) -> String {
    extract(&mut LogReader::new(log)).unwrap().unwrap()
}

#[track_caller]
fn assert_same(text: &str, outside: &[Outside]) {
    let (log, first) = run(text, 11, outside);
    let again = extracted(&log);
    let scenario = loaded(&again).scenario;
    assert_eq!(scenario.seed, Some(11), "{again}");
    let (log, second) = run(&again, 11, &[]);
    assert_eq!(first.moves, second.moves, "{text}\n{outside:?}\n{again}");
    assert_eq!(first.marks, second.marks, "{text}\n{outside:?}\n{again}");
    // And an extracted scenario is complete: extracting it again gives the same.
    let (_, third) = run(&extracted(&log), 11, &[]);
    assert_eq!(second.moves, third.moves, "{again}");
}

const INTERVALS: [&str; 6] = [
    "\"0s..800ms\"",
    "\"100ms\"",
    "\"0s\"",
    "{ exponential = \"300ms\" }",
    "{ normal = { mean = \"1s\", sd = \"1s\" } }",
    "{ choice = [\"1s\", \"0s\"] }",
];

const ENTRIES: [&str; 9] = [
    "spawn = \"a\"",
    "spawn = \"b\"\ncount = 2",
    "spawn = \"a\"\nevery = \"0s..1s\"\ntimes = 3",
    "spawn = \"b\"\nevery = { exponential = \"1s\" }\nfor = \"3s\"",
    "mark = \"m ${not} $${x}\"\nevery = \"0s..1s\"\ntimes = 4",
    "mark = \"n\"",
    "after = \"typed-2.finished\"\nspawn = \"a\"",
    "after = \"typed-2.started\"\nstop = \"typed-2\"",
    "id = \"other\"\nspawn = \"b\"\nevery = \"0s..1s\"\ntimes = 2",
];

prop_compose! {
    fn players()(name in select(vec!["john", "mary{n}"]), count in 1..4, moves in 0..12, every in select(INTERVALS.to_vec())) -> String {
        let name = if count == 1 { "john" } else { name };
        format!("players = [{{ name = \"{name}\", count = {count}, moves = {moves}, every = {every} }}]\n")
    }
}

prop_compose! {
    /// Its first entry has an id that a typed line would have got.
    fn text()(
        a in players(), b in players(), tick in select(vec!["0s", "1s", "300ms"]), limit in select(vec!["", "time_limit = \"4s\"\n"]),
        entries in vec((0..3_000_u64, select(ENTRIES.to_vec())), 0..6), first in 0..2_000_u64,
    ) -> String {
        let mut text = format!(
            "tick = \"{tick}\"\n{limit}[vars]\nnot = \"so\"\n[presets.a]\n{a}[presets.b]\n{b}\
             [[timeline]]\nid = \"typed-2\"\nat = \"{first}ms\"\nspawn = \"a\"\n"
        );
        let mut has_other = false;
        for (at, entry) in entries {
            if entry.starts_with("id") && std::mem::replace(&mut has_other, true) {
                continue;
            }
            text.push_str(&format!("[[timeline]]\nat = \"{at}ms\"\n{entry}\n"));
        }
        text
    }
}

/// Before the run, or, one or two together, at moments at which nothing else is due: in the same
/// nanosecond, a typed `stop` lets a player move first, and that of an entry does not.
fn outside() -> impl Strategy<Value = Vec<Outside>> {
    let t = prop_oneof![1 => Just(0), 3 => (0..5_000_u64).prop_map(|ms| ms * 1_000_000 + 123_457)];
    let lines = [
        "a",
        "b",
        "spawn a x3",
        " spawn  b ",
        "mark hello ${x}",
        "mark \"\u{202e}\u{1b}[2J#\\",
        "stop typed-2",
        "status",
        "nonsense\u{7f}",
        "quit",
    ];
    let one = (t, select(lines.to_vec()), 0..20).prop_map(|(t, line, other)| match other {
        0 => Outside::Signal(t),
        _ => Outside::Typed(t, line.to_owned()),
    });
    vec(one, 0..8).prop_map(|mut all| {
        all.sort_by_key(Outside::t);
        let mut last = 0;
        for (n, one) in all.iter_mut().enumerate() {
            let (Outside::Typed(t, _) | Outside::Signal(t)) = one;
            // An odd one shares the moment of the one before it.
            if *t > 0 && (n % 2 == 0 || last == 0) {
                last = *t + 1_009 * n as u64;
            }
            *t = if *t > 0 { last } else { 0 };
        }
        all
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    /// Also texts that are not logs any more.
    #[test]
    fn no_log_panics(text in text(), outside in outside(), at in any::<usize>(), byte in any::<u8>(), is_cut in any::<bool>()) {
        let (mut log, _) = run(&text, 11, &outside);
        let at = at % log.len();
        log[at] = byte;
        if is_cut {
            // Without its checksum.
            log.truncate(log[..log.len() - 1].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1));
        }
        if let Ok(Some(text)) = extract(&mut LogReader::new(&log[..])) {
            let options = ScenarioOptions { vars: &[], env: &|_| None, clock: ClockKind::Real };
            prop_assert!(load_scenario(Path::new("s.toml"), &Memory(&text), &options).is_ok(), "{text}");
        }
    }

    #[test]
    fn the_extract_makes_the_same_moves(text in text(), outside in outside()) {
        assert_same(&text, &outside);
    }
}

const WAVES: &str = "name = \"waves\"\n[presets.1]\nplayers = [{ name = \"john\", moves = 3, every = \"0s..800ms\" }]\n\
    [[timeline]]\nspawn = \"1\"\nevery = \"0s..2s\"\ntimes = 3\n[[timeline]]\nspawn = \"1\"\nevery = \"0s..2s\"\ntimes = 3\n";

fn typed(t: u64, line: &str) -> Outside {
    Outside::Typed(t, line.to_owned())
}

#[test]
fn draws_and_their_order_stay_the_same() {
    let jane = "[presets.2]\nplayers = [{ name = \"jane\", moves = 2, every = \"0s..800ms\" }]\n[[timeline]]";
    let text = WAVES.replacen("[[timeline]]", jane, 1);
    // Before the run, and so before what is due at its start; between; and of the same preset again.
    let lines = [typed(0, "2"), typed(0, "spawn 1 x2"), typed(500_000_001, "1"), typed(1_700_000_001, "2")];
    assert_same(&text, &lines);
}

#[test]
fn an_end_before_all_else_leaves_nothing_but_what_was_typed() {
    for end in [typed(0, "quit"), Outside::Signal(0)] {
        assert_same(WAVES, std::slice::from_ref(&end));
        assert_same(&WAVES.replace("0s..800ms", "0s"), &[typed(0, "spawn 1 x2"), end]);
    }
}

#[test]
fn lines_that_came_before_what_was_due_stay_before_it() {
    // On the real clock, the first look at the clock comes a little after the start of the run.
    let log = |spawn: &str| {
        let (log, _) = run(WAVES, 11, &[typed(0, "1")]);
        String::from_utf8(log).unwrap().lines().next().unwrap().to_owned() + spawn
    };
    let text = extracted(
        log("\n{\"seq\":1,\"t\":0.000012345,\"event\":\"input\",\"text\":\"1\",\"accepted\":true}\n\
             {\"seq\":2,\"t\":0.000012345,\"event\":\"spawn.started\",\"due\":0.000012345,\"source\":\"ps#1\",\"preset\":\"1\"}\n\
             {\"seq\":3,\"t\":0.000012345,\"event\":\"clock.tick\",\"due\":0.000000000,\"n\":0}\n")
        .as_bytes(),
    );
    let timeline = text.split("[[timeline]]").nth(1).unwrap();
    assert!(timeline.starts_with("\nid = \"typed-1\"\nat = \"0s\"\nspawn = \"1\"\n"), "{text}");
    assert!(text.contains("# typed at 0.000 s, but before all else: 1\n"), "{text}");
}
