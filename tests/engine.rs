//! The engine by itself: what it decides depends on moments and observations only, not on how often
//! it is woken or how what came from outside was cut into pieces. Replay stands on this.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::rc::Rc;

use proptest::prelude::*;
use scenario::engine::{Engine, Sink, Start};
use scenario::paper::log::encoder::Encoder;
use scenario::scenario::model::Scenario;
use scenario::scenario::{FileRead, Files, Options, ReadFault, load};
use scenario::words::event::{ClockKind, Event, Exit, Source, Stream};
use scenario::words::observed::Observed;
use scenario::words::order::{Order, Verdict};
use scenario::words::signal::Signal;
use scenario::words::time::Moment;

struct Memory(&'static str);

impl Files for Memory {
    fn read(&self, _path: &Path) -> Result<FileRead, ReadFault> {
        Ok(FileRead { bytes: self.0.as_bytes().to_vec(), identity: String::new() })
    }
}

fn scenario(text: &'static str) -> Rc<Scenario> {
    let options = Options { vars: &[], env: &|_| None, clock: ClockKind::Real };
    match load(Path::new("s.toml"), &Memory(text), &options) {
        Ok(loaded) => Rc::new(loaded.scenario),
        Err(failure) => panic!("{:?}", failure.diagnostics),
    }
}

/// A log in memory, and the orders.
#[derive(Default)]
struct Recorder {
    encoder: Encoder,
    orders: Vec<Order>,
    lines: Vec<u8>,
}

impl Sink for Recorder {
    fn event(&mut self, t: Moment, event: &Event<'_>) {
        self.encoder.write(t, event);
    }

    fn order(&mut self, order: Order) {
        self.orders.push(order);
    }
}

impl Recorder {
    fn log(&mut self) -> Vec<String> {
        self.lines.extend(self.encoder.take(Vec::new()));
        String::from_utf8_lossy(&self.lines).lines().map(str::to_owned).collect()
    }

    /// The lines without their `seq` and `t`.
    fn story(&mut self) -> Vec<String> {
        let told = self.log();
        told.iter().map(|line| line.split_once(",\"event\"").unwrap().1.to_owned()).collect()
    }
}

fn start(scenario: &Rc<Scenario>) -> (Engine, Recorder) {
    let mut engine = Engine::new(Rc::clone(scenario), 7);
    let mut recorder = Recorder::default();
    let clock = ClockKind::Real;
    engine.start(&Start { seed: 7, clock, started_at: None, resolved: "{}" }, &mut recorder);
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
    assert_eq!(engine.verdict(), Some(Verdict::Passed));
    assert!(recorder.log().last().unwrap().contains("\"outcome\":\"passed\""));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Woken whenever, it says the same things in the same order; only `t` (and the lateness at the
    /// end) tell of the wakes.
    #[test]
    fn how_often_it_is_woken_changes_nothing(gaps in prop::collection::vec(1u64..700_000_000, 1..40)) {
        // Without the stop, whose effect hangs on the real moment.
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
        // A late wake sees more ticks before the end.
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
    assert_eq!(recorder.orders, [Order::Start { source, preset: 0, nth: 0 }]);
    engine.observe(Moment(2), Observed::Started { source, pid: 42 }, &mut recorder);
    for chunk in chunks {
        let stream = Stream::Stdout;
        engine.observe(Moment(3), Observed::Lines { source, stream, chunk, partial: false }, &mut recorder);
    }
    engine.advance(Moment(2_000_000), &mut recorder);
    engine.observe(Moment(3_000_000), Observed::Exited { source, exit: Exit::Code(0) }, &mut recorder);
    engine.advance(Moment(4_000_000), &mut recorder);
    assert_eq!(engine.verdict(), Some(Verdict::Passed));
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
        Observed::Started { source, pid: 1 },
        Observed::CouldNotStart { source: other, error },
        Observed::Lines { source, stream: Stream::Stderr, chunk: b"x\n", partial: false },
        Observed::Exited { source, exit: Exit::Code(0) },
        Observed::NotSent { source, error },
        Observed::BodyLines { source: other, chunk: b"x\n" },
        Observed::Responded { source: other, status: 200, version: "HTTP/1.1", headers: &[] },
        Observed::Exited { source: other, exit: Exit::Code(0) },
    ] {
        engine.observe(Moment(0), observed, &mut recorder);
    }
    let lines = recorder.log();
    assert_eq!(lines.len(), told, "{lines:?}");
    // And once the run is over, nothing is said any more.
    engine.observe(Moment(5), Observed::Signalled(Signal::INT), &mut recorder);
    engine.observe(Moment(5), Observed::Started { source: Source::Spawn(1), pid: 1 }, &mut recorder);
    engine.observe(
        Moment(5),
        Observed::Exited { source: Source::Spawn(1), exit: Exit::Code(0) },
        &mut recorder,
    );
    assert_eq!(engine.verdict(), Some(Verdict::Interrupted(Some(Signal::INT))));
    let told = recorder.log().len();
    engine.observe(Moment(6), Observed::Typed { text: "status" }, &mut recorder);
    engine.advance(Moment(7), &mut recorder);
    assert_eq!(recorder.log().len(), told);
    assert_eq!(engine.next_due(), None);
}

#[test]
fn the_first_signal_stops_and_the_second_kills() {
    let (mut engine, mut recorder) = start(&scenario(PROGRAM));
    let source = Source::Spawn(1);
    engine.advance(Moment(1), &mut recorder);
    engine.observe(Moment(2), Observed::Started { source, pid: 42 }, &mut recorder);
    recorder.orders.clear();
    engine.observe(Moment(3), Observed::Signalled(Signal::TERM), &mut recorder);
    assert_eq!(recorder.orders, [Order::Stop { source }]);
    engine.observe(Moment(4), Observed::Signalled(Signal::INT), &mut recorder);
    assert_eq!(recorder.orders[1..], [Order::Kill { source }]);
    engine.observe(Moment(5), Observed::Exited { source, exit: Exit::Signal(Signal::KILL) }, &mut recorder);
    assert_eq!(engine.verdict(), Some(Verdict::Interrupted(Some(Signal::TERM))));
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
