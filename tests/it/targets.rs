//! What a typed `stop` or `send` means: whatever runs now of an id, of a preset, of a fetch, or of one
//! source. And the end of a run whose programs have only just been started.

use scenario_core::engine::Engine;
use scenario_core::engine::effect::{Effect, RunVerdict};
use scenario_core::engine::input::Input;
use scenario_log::event::{Source, SpawnExit};
use scenario_log::signal::Signal;
use scenario_log::time::Moment;

use crate::engine::{Recorder, scenario, start};

const STACK: &str = r#"
tick = "0s"
[presets.api]
command = ["p"]
background = true
stdin = "open"
[presets.worker]
command = ["p"]
[fetches.load]
urls = ["http://h/"]
connections = 1
for = "1h"
[[timeline]]
id = "api"
spawn = "api"
[[timeline]]
id = "jobs"
spawn = "worker"
[[timeline]]
id = "load"
fetch = "load"
"#;

/// A run whose inputs come one after the other, a nanosecond apart.
struct Typing {
    engine: Engine,
    recorder: Recorder,
    now: u64,
}

impl Typing {
    /// The stack of [`STACK`]: the API is ps#1, the worker ps#2.
    fn new() -> Typing {
        let (mut engine, mut recorder) = start(&scenario(STACK));
        engine.advance(Moment(1), &mut recorder);
        let mut typing = Typing { engine, recorder, now: 1 };
        typing.started(1);
        typing.started(2);
        typing
    }

    fn input(&mut self, input: &Input) {
        self.now += 1;
        self.engine.handle_input(Moment(self.now), input, &mut self.recorder);
    }

    fn started(&mut self, number: u32) {
        self.input(&Input::SpawnStarted { source: Source::Spawn(number), pid: number });
    }

    fn ended(&mut self, number: u32) {
        let exit = SpawnExit::Signal(Signal::TERM);
        self.input(&Input::SpawnExited {
            source: Source::Spawn(number),
            exit,
            held: false,
            killed: false,
            skipped: 0,
            usage: Default::default(),
        });
    }

    /// Types a line; gives its effects.
    fn typed(&mut self, text: &str) -> Vec<Effect> {
        self.recorder.orders.clear();
        self.input(&Input::CommandTyped { text: text.to_owned(), unredacted: None });
        std::mem::take(&mut self.recorder.orders)
    }

    /// Types a line that is refused; gives the reason.
    fn refused(&mut self, text: &str) -> String {
        self.typed(text);
        let last = self.recorder.log().pop().unwrap();
        let last: serde_json::Value = serde_json::from_str(&last).unwrap();
        last["error"].as_str().unwrap_or_else(|| panic!("`{text}` was accepted: {last}")).to_owned()
    }
}

fn stop(number: u32) -> Effect {
    Effect::StopSpawn { source: Source::Spawn(number) }
}

#[test]
fn a_name_means_what_runs_now() {
    let mut run = Typing::new();
    assert_eq!(run.typed("stop api"), [stop(1)]);
    run.ended(1);
    assert_eq!(run.refused("stop api"), "`api` does not run");
    run.typed("api");
    run.started(3);
    assert_eq!(run.typed("stop api"), [stop(3)], "what was typed is stopped by its preset's name");
    run.ended(3);
    // Two at once, and one of them by its number.
    run.typed("spawn api x3");
    (4..=6).for_each(|number| run.started(number));
    assert_eq!(run.typed("stop ps#5"), [stop(5)]);
    run.ended(5);
    assert_eq!(run.refused("stop ps#5"), "`ps#5` does not run");
    assert_eq!(run.typed("stop api"), [stop(4), stop(6)]);
}

#[test]
fn an_id_of_another_preset_means_its_entry_only_while_that_runs() {
    let mut run = Typing::new();
    run.typed("worker");
    run.started(3);
    assert_eq!(run.typed("stop jobs"), [stop(2)]);
    run.ended(2);
    assert_eq!(run.refused("stop jobs"), "`jobs` does not run", "the typed one is no part of the entry");
    assert_eq!(run.typed("stop worker"), [stop(3)]);
}

#[test]
fn lines_go_to_what_runs_and_reads() {
    let mut run = Typing::new();
    let sent = |number| Effect::SendInput { source: Source::Spawn(number), bytes: b"hello\n".to_vec() };
    run.typed("api");
    run.started(3);
    assert_eq!(run.typed("send api hello"), [sent(1), sent(3)]);
    assert_eq!(run.typed("send ps#3 hello"), [sent(3)]);
    assert!(run.refused("send ps#2 hello").starts_with("it reads nothing"));
    assert!(run.refused("send worker hello").starts_with("it reads nothing"));
    assert_eq!(run.refused("send ps#9 hello"), "`ps#9` does not run");
}

#[test]
fn a_load_is_stopped_by_its_name() {
    let mut run = Typing::new();
    let stopped = run.typed("stop load");
    assert_eq!(stopped, [Effect::CancelRequest { source: Source::Request(1) }]);
    assert!(run.recorder.log().iter().any(|line| line.contains("no more requests of `load` start")));
}

#[test]
fn help_and_refusals_list_what_there_is() {
    let mut run = Typing::new();
    let lines = |effects: Vec<Effect>| -> String {
        let lines = effects.into_iter().map(|effect| match effect {
            Effect::ShowLines { lines } => lines.join("\n"),
            other => panic!("{other:?}"),
        });
        lines.collect()
    };
    let help = lines(run.typed("help"));
    for part in
        ["spawn PRESET", "presets: api, worker", "fetches: load", "ps#1 (api), ps#2 (worker), load load"]
    {
        assert!(help.contains(part), "{help}");
    }
    assert_eq!(lines(run.typed("spawn ap")), "presets: api, worker");
    assert_eq!(lines(run.typed("fetch x")), "fetches: load");
    assert!(lines(run.typed("stop nobody")).starts_with("runs: ps#1 (api)"));
    let commands =
        "commands: spawn, fetch, mark, stop, send, restart, signal, kill, attach, status, help, quit";
    assert!(lines(run.typed("hlep")).contains(commands));
    // The log has the reason alone, as the logs before had it.
    assert_eq!(run.refused("stop nobody"), "no id `nobody`");
}

#[test]
fn a_run_does_not_end_while_programs_are_being_started() {
    let only =
        "tick = \"0s\"\n[presets.a]\ncommand = [\"p\"]\nbackground = true\n[[timeline]]\nspawn = \"a\"\n";
    let (source, exit) = (Source::Spawn(1), SpawnExit::Signal(Signal::TERM));
    let (mut engine, mut recorder) = start(&scenario(only));
    engine.advance(Moment(1), &mut recorder);
    assert_eq!(recorder.orders.len(), 1, "it is started, and not stopped yet: {:?}", recorder.orders);
    engine.handle_input(Moment(2), &Input::SpawnStarted { source, pid: 1 }, &mut recorder);
    assert_eq!(recorder.orders[1..], [stop(1)]);
    engine.handle_input(
        Moment(3),
        &Input::SpawnExited {
            source,
            exit,
            held: false,
            killed: false,
            skipped: 0,
            usage: Default::default(),
        },
        &mut recorder,
    );
    assert_eq!(engine.verdict(), Some(RunVerdict::Passed));
    let events: Vec<String> =
        recorder.story().iter().map(|line| line.split('"').nth(1).unwrap_or_default().to_owned()).collect();
    assert_eq!(events, ["run.started", "spawn.started", "stopping", "spawn.exited", "run.finished"]);

    // One that cannot start fails the run.
    let (mut engine, mut recorder) = start(&scenario(only));
    engine.advance(Moment(1), &mut recorder);
    engine.handle_input(
        Moment(2),
        &Input::SpawnFailed { source, error: "no such file".into() },
        &mut recorder,
    );
    assert_eq!(engine.verdict(), Some(RunVerdict::Failed));

    // The log of an older release, in which the end came first, replays.
    let (mut engine, mut recorder) = start(&scenario(only));
    engine.end_before_starts();
    engine.advance(Moment(1), &mut recorder);
    assert_eq!(recorder.orders[1..], [stop(1)]);
}
