//! The engine by itself: its decisions depend only on moments and inputs, not on how often it is woken, or on
//! how the output of a process was cut into chunks. Replay relies on this.

use std::path::Path;
use std::rc::Rc;

use proptest::prelude::*;
use scenario_core::engine::effect::{Effect, RunVerdict};
use scenario_core::engine::input::Input;
use scenario_core::engine::{Engine, EngineSink, RunStart};
use scenario_core::scenario::model::Scenario;
use scenario_core::scenario::{FileContent, FileProvider, FileReadError, ScenarioOptions, load_scenario};
use scenario_log::encode::EventEncoder;
use scenario_log::event::{ClockKind, Event, FetchErrorKind, OutputStream, Source, SpawnExit};
use scenario_log::signal::Signal;
use scenario_log::time::{Moment, Span};

struct Memory(&'static str);

impl FileProvider for Memory {
    fn read(&self, _path: &Path) -> Result<FileContent, FileReadError> {
        Ok(FileContent { bytes: self.0.as_bytes().to_vec(), identity: String::new() })
    }
}

pub(crate) fn scenario(text: &'static str) -> Rc<Scenario> {
    let options = ScenarioOptions { vars: &[], env: &|_| None, clock: ClockKind::Real };
    match load_scenario(Path::new("s.toml"), &Memory(text), &options) {
        Ok(loaded) => Rc::new(loaded.scenario),
        Err(failure) => panic!("{:?}", failure.diagnostics),
    }
}

/// A log in memory, and the effects.
#[derive(Default)]
pub(crate) struct Recorder {
    encoder: EventEncoder,
    pub(crate) orders: Vec<Effect>,
    lines: Vec<u8>,
}

impl EngineSink for Recorder {
    fn event(&mut self, t: Moment, event: &Event<'_>) {
        self.encoder.encode(t, event);
    }

    fn effect(&mut self, order: Effect) {
        self.orders.push(order);
    }
}

impl Recorder {
    pub(crate) fn log(&mut self) -> Vec<String> {
        self.lines.extend(self.encoder.swap_buffer(Vec::new()));
        String::from_utf8_lossy(&self.lines).lines().map(str::to_owned).collect()
    }

    /// The lines without their `seq` and `t`.
    pub(crate) fn story(&mut self) -> Vec<String> {
        let told = self.log();
        told.iter().map(|line| line.split_once(",\"event\"").unwrap().1.to_owned()).collect()
    }
}

pub(crate) fn start(scenario: &Rc<Scenario>) -> (Engine, Recorder) {
    let mut engine = Engine::new(Rc::clone(scenario), 7);
    let mut recorder = Recorder::default();
    let clock = ClockKind::Real;
    engine.start(
        &RunStart { seed: 7, clock, started_at: None, schedule: &[], scenario_json: "{}" },
        &mut recorder,
    );
    (engine, recorder)
}

const CROWD: &str = r#"
tick = "300ms"
[presets.a]
players = [{ name = "a", count = 30, moves = 5, every = "0s..2s" }, { name = "b", moves = 3, every = { exponential = "500ms" } }]
[[timeline]]
id = "first"
at = "100ms"
spawn = "a"
every = "0s..1s"
times = 3
[[timeline]]
after = "first.finished"
at = "1s"
spawn = "a"
[[timeline]]
at = "1500ms"
stop = "first"
"#;

#[test]
fn it_ends_by_itself_in_virtual_time() {
    let (mut engine, mut recorder) = start(&scenario(CROWD));
    while let Some(now) = engine.next_due() {
        engine.advance(now, &mut recorder);
    }
    assert_eq!(engine.verdict(), Some(RunVerdict::Passed));
    assert!(recorder.log().last().unwrap().contains("\"outcome\":\"passed\""));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whenever it is woken, it emits the same events in the same order; only `t` (and the lateness at the
    /// end) show the wakes.
    #[test]
    fn how_often_it_is_woken_changes_nothing(gaps in prop::collection::vec(1u64..700_000_000, 1..40)) {
        // Without the stop, whose effect depends on the real moment.
        let text: &'static str = CROWD.split("[[timeline]]\nat = \"1500ms\"").next().unwrap().to_owned().leak();
        let scenario = scenario(text);
        let (mut engine, mut exact) = start(&scenario);
        while let Some(now) = engine.next_due() {
            engine.advance(now, &mut exact);
        }
        let (mut engine, mut woken) = start(&scenario);
        let mut now = 0;
        for gap in gaps.iter().cycle() {
            now += gap;
            engine.advance(Moment(now), &mut woken);
            if engine.verdict().is_some() {
                break;
            }
        }
        let (mut exact, mut woken) = (exact.story(), woken.story());
        exact.pop();
        woken.pop();
        // After a late wake there are more ticks before the end.
        let told = |story: Vec<String>| -> Vec<String> {
            story.into_iter().filter(|line| !line.contains("clock.tick")).collect()
        };
        prop_assert_eq!(told(exact), told(woken));
    }
}

const PROGRAM: &str = r#"
tick = "0s"
[presets.p]
command = ["p"]
[[timeline]]
id = "p"
spawn = "p"
[[timeline]]
after = { line = "go", of = "p" }
mark = "went"
[[timeline]]
after = { line = "go (\\d)", of = "p" }
at = "1ms"
mark = "went by number"
"#;

fn programmed(chunks: &[&[u8]]) -> Vec<String> {
    let (mut engine, mut recorder) = start(&scenario(PROGRAM));
    engine.advance(Moment(1), &mut recorder);
    let source = Source::Spawn(1);
    assert_eq!(recorder.orders, [Effect::StartSpawn { source, preset: 0, nth: 0, instance: 1 }]);
    engine.handle_input(Moment(2), &Input::SpawnStarted { source, pid: 42 }, &mut recorder);
    for chunk in chunks {
        let stream = OutputStream::Stdout;
        engine.handle_input(
            Moment(3),
            &Input::SpawnLines { source, stream, chunk: chunk.to_vec(), said: None, partial: false },
            &mut recorder,
        );
    }
    engine.advance(Moment(2_000_000), &mut recorder);
    engine.handle_input(
        Moment(3_000_000),
        &Input::SpawnExited {
            source,
            exit: SpawnExit::Code(0),
            held: false,
            killed: false,
            skipped: 0,
            usage: Default::default(),
        },
        &mut recorder,
    );
    engine.advance(Moment(4_000_000), &mut recorder);
    assert_eq!(engine.verdict(), Some(RunVerdict::Passed));
    recorder.log()
}

#[test]
fn how_lines_were_cut_into_reads_changes_nothing() {
    let whole = programmed(&[b"one\ngo 7\ngo\nlast\n"]);
    let single = programmed(&[b"one\n", b"go 7\n", b"go\n", b"last\n"]);
    assert_eq!(whole, single);
    let marks: Vec<usize> = (0..whole.len()).filter(|n| whole[*n].contains("\"mark\"")).collect();
    assert_eq!(marks, [4, 7], "{whole:#?}");
}

#[test]
fn what_is_unknown_or_late_is_ignored() {
    let (mut engine, mut recorder) = start(&scenario(PROGRAM));
    engine.advance(Moment(0), &mut recorder);
    let told = recorder.log().len();
    let (source, other) = (Source::Spawn(9), Source::Request(3));
    let error = "x";
    for observed in [
        Input::SpawnStarted { source, pid: 1 },
        Input::SpawnFailed { source: other, error: error.to_owned() },
        Input::SpawnLines {
            source,
            stream: OutputStream::Stderr,
            chunk: b"x\n".to_vec(),
            said: None,
            partial: false,
        },
        Input::SpawnExited {
            source,
            exit: SpawnExit::Code(0),
            held: false,
            killed: false,
            skipped: 0,
            usage: Default::default(),
        },
        Input::SendFailed { source, error: error.to_owned() },
        Input::ResponseLines { source: other, chunk: b"x\n".to_vec() },
        Input::ResponseStarted {
            source: other,
            status: 200,
            version: "HTTP/1.1".into(),
            headers: Vec::new(),
        },
        Input::SpawnExited {
            source: other,
            exit: SpawnExit::Code(0),
            held: false,
            killed: false,
            skipped: 0,
            usage: Default::default(),
        },
    ] {
        engine.handle_input(Moment(0), &observed, &mut recorder);
    }
    let lines = recorder.log();
    assert_eq!(lines.len(), told, "{lines:?}");
    // And once the run is over, nothing is emitted any more.
    engine.handle_input(Moment(5), &Input::SignalReceived(Signal::INT), &mut recorder);
    engine.handle_input(Moment(5), &Input::SpawnStarted { source: Source::Spawn(1), pid: 1 }, &mut recorder);
    engine.handle_input(
        Moment(5),
        &Input::SpawnExited {
            source: Source::Spawn(1),
            exit: SpawnExit::Code(0),
            held: false,
            killed: false,
            skipped: 0,
            usage: Default::default(),
        },
        &mut recorder,
    );
    assert_eq!(engine.verdict(), Some(RunVerdict::Interrupted(Some(Signal::INT))));
    let told = recorder.log().len();
    engine.handle_input(
        Moment(6),
        &Input::CommandTyped { text: "status".to_owned(), unredacted: None },
        &mut recorder,
    );
    engine.advance(Moment(7), &mut recorder);
    assert_eq!(recorder.log().len(), told);
    assert_eq!(engine.next_due(), None);
}

#[test]
fn the_first_signal_stops_and_the_second_kills() {
    let (mut engine, mut recorder) = start(&scenario(PROGRAM));
    let source = Source::Spawn(1);
    engine.advance(Moment(1), &mut recorder);
    engine.handle_input(Moment(2), &Input::SpawnStarted { source, pid: 42 }, &mut recorder);
    recorder.orders.clear();
    engine.handle_input(Moment(3), &Input::SignalReceived(Signal::TERM), &mut recorder);
    assert_eq!(recorder.orders, [Effect::StopSpawn { source }]);
    engine.handle_input(Moment(4), &Input::SignalReceived(Signal::INT), &mut recorder);
    assert_eq!(recorder.orders[1..], [Effect::KillSpawn { source }]);
    engine.handle_input(
        Moment(5),
        &Input::SpawnExited {
            source,
            exit: SpawnExit::Signal(Signal::KILL),
            held: false,
            killed: false,
            skipped: 0,
            usage: Default::default(),
        },
        &mut recorder,
    );
    assert_eq!(engine.verdict(), Some(RunVerdict::Interrupted(Some(Signal::TERM))));
}

#[test]
fn time_that_goes_back_does_not_turn_it_round() {
    let (mut engine, mut recorder) = start(&scenario(CROWD));
    for now in [5_000_000_000, 1, 3_000_000_000, 4, 60_000_000_000] {
        engine.advance(Moment(now), &mut recorder);
    }
    let lines = recorder.log();
    let times: Vec<&str> = lines.iter().map(|line| line.split(['{', ',']).nth(2).unwrap()).collect();
    assert!(times.is_sorted_by_key(|t| t.trim_start_matches("\"t\":").parse::<f64>().unwrap() as u64));
}

const READY: &str = r#"
tick = "0s"
[presets.line]
command = ["p"]
ready = { line = "up", timeout = "1s" }
[presets.port]
command = ["p"]
ready = { tcp = "h:1", timeout = "1s" }
[[timeline]]
id = "line"
spawn = "line"
[[timeline]]
after = "line.ready"
mark = "said"
[[timeline]]
id = "port"
spawn = "port"
[[timeline]]
after = "port.ready"
at = "1ms"
mark = "answered"
"#;

const SECOND: u64 = 1_000_000_000;

/// Both spawns of [`READY`], started at 2 ns.
fn readying() -> (Engine, Recorder) {
    let (mut engine, mut recorder) = start(&scenario(READY));
    engine.advance(Moment(1), &mut recorder);
    for number in [1, 2] {
        let observed = Input::SpawnStarted { source: Source::Spawn(number), pid: number };
        engine.handle_input(Moment(2), &observed, &mut recorder);
    }
    recorder.orders.clear();
    (engine, recorder)
}

/// The events after the two starts, each as its name, its source or text, and its moment in s.
fn since_started(recorder: &mut Recorder) -> Vec<String> {
    let lines = recorder.log();
    let value = |line: &String| serde_json::from_str::<serde_json::Value>(line).unwrap();
    let short = |event: serde_json::Value| {
        let who = event["source"].as_str().or(event["text"].as_str()).unwrap_or("-").to_owned();
        format!("{} {who} {}", event["event"].as_str().unwrap(), event["t"])
    };
    lines.iter().skip(3).map(|line| short(value(line))).collect()
}

fn lines(number: u32, chunk: &[u8], partial: bool) -> Input {
    Input::SpawnLines {
        source: Source::Spawn(number),
        stream: OutputStream::Stderr,
        chunk: chunk.to_vec(),
        said: None,
        partial,
    }
}

#[test]
fn a_spawn_is_ready_once_by_what_its_preset_says() {
    let (mut engine, mut recorder) = readying();
    // Neither the other spawn's kind of sign nor another spawn's line makes it ready.
    for observed in [
        Input::SpawnReady { source: Source::Spawn(1) },
        Input::SpawnReady { source: Source::Spawn(9) },
        Input::SpawnReady { source: Source::Request(2) },
        lines(2, b"up\n", false),
    ] {
        engine.handle_input(Moment(3), &observed, &mut recorder);
    }
    assert_eq!(since_started(&mut recorder), ["line ps#2 3e-9"]);
    engine.handle_input(Moment(4), &lines(1, b"a\nupper\nup\n", false), &mut recorder);
    for _ in 0..2 {
        engine.handle_input(Moment(5), &Input::SpawnReady { source: Source::Spawn(2) }, &mut recorder);
    }
    engine.advance(Moment(3 * SECOND), &mut recorder);
    assert!(recorder.orders.is_empty(), "nobody is stopped: {:?}", recorder.orders);
    let wanted = [
        "line ps#1 4e-9",
        "line ps#1 4e-9",
        "spawn.ready ps#1 4e-9",
        "mark said 4e-9",
        "line ps#1 4e-9",
        "spawn.ready ps#2 5e-9",
        "mark answered 3.0",
    ];
    assert_eq!(since_started(&mut recorder)[1..], wanted);
}

#[test]
fn a_part_of_a_line_can_make_ready() {
    let (mut engine, mut recorder) = readying();
    engine.handle_input(Moment(4), &lines(1, b"and up", true), &mut recorder);
    assert_eq!(since_started(&mut recorder)[1..], ["spawn.ready ps#1 4e-9", "mark said 4e-9"]);
}

#[test]
fn a_late_spawn_has_failed_even_if_it_is_ready_in_the_same_turn() {
    let (mut engine, mut recorder) = readying();
    let (source, late) = (Source::Spawn(2), Moment(2 + SECOND));
    engine.handle_input(Moment(3), &lines(1, b"up\n", false), &mut recorder);
    engine.handle_input(Moment(late.0 - 1), &lines(2, b"x\n", false), &mut recorder);
    engine.handle_input(late, &Input::SpawnReady { source }, &mut recorder);
    let wanted = ["line ps#2 1.000000001", "spawn.failed ps#2 1.000000002", "stopping ps#2 1.000000002"];
    assert_eq!(since_started(&mut recorder)[3..6], wanted);
    assert_eq!(
        recorder.orders,
        [Effect::StopSpawn { source }, Effect::StopSpawn { source: Source::Spawn(1) }]
    );
    for number in [1, 2] {
        let observed = Input::SpawnExited {
            source: Source::Spawn(number),
            exit: SpawnExit::Signal(Signal::TERM),
            held: false,
            killed: false,
            skipped: 0,
            usage: Default::default(),
        };
        engine.handle_input(late, &observed, &mut recorder);
    }
    assert_eq!(engine.verdict(), Some(RunVerdict::Failed));
    let told = recorder.log();
    let running: Vec<&str> = told.iter().filter_map(|line| line.split("\"running\":").nth(1)).collect();
    assert_eq!(running, ["2}", "1}", "0}"], "it runs until it has ended");
    assert!(
        told.last().unwrap().contains("ps#2 (port) never became ready: h:1 took no connection within 1s")
    );
}

#[test]
fn an_entry_that_waits_for_many_fails_as_soon_as_none_of_them_can_become_ready() {
    let text = READY.replace("spawn = \"line\"", "spawn = \"line\"\ncount = 2");
    let (mut engine, mut recorder) = start(&scenario(text.leak()));
    engine.advance(Moment(1), &mut recorder);
    let started = |number| Input::SpawnStarted { source: Source::Spawn(number), pid: number };
    engine.handle_input(Moment(2), &started(1), &mut recorder);
    engine.handle_input(Moment(SECOND / 2), &started(2), &mut recorder);
    recorder.orders.clear();
    engine.advance(Moment(2 + SECOND), &mut recorder);
    assert_eq!(recorder.orders, [Effect::StopSpawn { source: Source::Spawn(1) }], "the other has time left");
    // The first is still being stopped, but it can no longer become ready.
    let exit = SpawnExit::Code(0);
    engine.handle_input(
        Moment(3 + SECOND),
        &Input::SpawnExited {
            source: Source::Spawn(2),
            exit,
            held: false,
            killed: false,
            skipped: 0,
            usage: Default::default(),
        },
        &mut recorder,
    );
    let told = recorder.log();
    let reason = "\"reason\":\"`#2` waits for `ready` of `line`, which never became ready\"";
    assert!(told.last().unwrap().contains(reason), "{told:#?}");
}

const HELD_LOAD: &str = r#"
tick = "10ms"
[fetches.f]
urls = ["http://h/"]
rate = "100/s"
requests = 4
max_connections = 1
[[timeline]]
fetch = "f"
"#;

#[test]
fn a_held_request_keeps_its_planned_moment_though_later_timers_have_fired() {
    let (mut engine, mut recorder) = start(&scenario(HELD_LOAD));
    engine.advance(Moment(0), &mut recorder);
    engine.advance(Moment(35_000_000), &mut recorder);
    for number in 1..=4 {
        let input = Input::FetchFailed {
            source: Source::Request(number),
            kind: FetchErrorKind::Timeout,
            error: "x".to_owned(),
            took: Span::ZERO,
            sent: Default::default(),
        };
        engine.handle_input(Moment(35_000_000 + u64::from(number)), &input, &mut recorder);
    }
    assert_eq!(engine.verdict(), Some(RunVerdict::Failed));
    let lines = recorder.log();
    let due = |line: &String| {
        let event = serde_json::from_str::<serde_json::Value>(line).unwrap();
        event["due"].as_f64().unwrap()
    };
    let due: Vec<f64> = lines.iter().filter(|line| line.contains("fetch.started")).map(due).collect();
    assert_eq!(due, [0.0, 0.01, 0.02, 0.03]);
}
