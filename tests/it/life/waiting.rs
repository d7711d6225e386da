//! A program that has ended and waits for its restart: what a stop, a kill, a restart, a signal and the end of the run
//! do then. The world is played by the test, so that the program surely waits.

use scenario_core::engine::Engine;
use scenario_core::engine::effect::{Effect, RunVerdict};
use scenario_core::engine::input::Input;
use scenario_log::event::{Source, SpawnExit};
use scenario_log::time::Moment;

use crate::engine::{Recorder, scenario, start};

const SECOND: u64 = 1_000_000_000;

/// A run of the program `p`, which waits 10 s for each restart and ends with code 1 one second after its start.
struct Waiting {
    engine: Engine,
    recorder: Recorder,
}

impl Waiting {
    fn new(rest: &str) -> Waiting {
        let text = format!(
            "tick = \"0s\"\n[presets.p]\ncommand = [\"p\"]\nrestart = {{ wait = \"10s\" }}\n\
             [[timeline]]\nid = \"p\"\nspawn = \"p\"\n[[timeline]]\nafter = \"p.finished\"\nmark = \"over\"\n{rest}"
        );
        let (mut engine, mut recorder) = start(&scenario(text.leak()));
        engine.advance(Moment(0), &mut recorder);
        let mut run = Waiting { engine, recorder };
        run.input(0, &Input::SpawnStarted { source: Source::Spawn(1), pid: 1 });
        run.exits(1, 1, 1);
        run
    }

    fn input(&mut self, second: u64, input: &Input) {
        self.engine.handle_input(Moment(second * SECOND), input, &mut self.recorder);
    }

    fn exits(&mut self, second: u64, number: u32, code: i32) {
        let (source, exit) = (Source::Spawn(number), SpawnExit::Code(code));
        self.input(
            second,
            &Input::SpawnExited {
                source,
                exit,
                held: false,
                killed: false,
                skipped: 0,
                usage: Default::default(),
            },
        );
    }

    fn typed(&mut self, second: u64, text: &str) {
        self.input(second, &Input::CommandTyped { text: text.to_owned(), unredacted: None });
    }

    fn advance(&mut self, second: u64) {
        self.engine.advance(Moment(second * SECOND), &mut self.recorder);
    }

    fn has(&mut self, part: &str) -> bool {
        self.recorder.log().iter().any(|line| line.contains(part))
    }

    fn has_started(&self, number: u32) -> bool {
        let order = |order: &Effect| matches!(order, Effect::StartSpawn { source: Source::Spawn(n), .. } if *n == number);
        self.recorder.orders.iter().any(order)
    }
}

#[test]
fn it_comes_back_when_its_wait_is_over() {
    let mut run = Waiting::new("");
    run.advance(10);
    assert!(!run.has_started(2) && run.engine.verdict().is_none());
    run.advance(11);
    assert!(run.has_started(2) && run.has("\"spawn.restarted\",\"source\":\"ps#2\",\"replaces\":\"ps#1\""));
    run.input(12, &Input::SpawnStarted { source: Source::Spawn(2), pid: 2 });
    assert!(run.has("\"spawn.started\",\"due\":11.000000000"));
    run.exits(13, 2, 0);
    assert!(run.has("\"mark\"") && run.engine.verdict() == Some(RunVerdict::Passed));
}

#[test]
fn a_stop_takes_the_restart_back() {
    for typed in [false, true] {
        let mut run = Waiting::new(if typed { "" } else { "[[timeline]]\nat = \"3s\"\nstop = \"p\"\n" });
        if typed {
            run.typed(3, "stop p");
        }
        run.advance(4);
        assert!(run.has("\"stopping\"") && run.has("\"mark\""));
        assert_eq!(run.engine.verdict(), Some(RunVerdict::Passed), "{typed}");
        assert!(!run.has_started(2));
    }
}

#[test]
fn a_kill_and_a_signal_find_nothing_and_it_comes_back() {
    let mut run = Waiting::new("[[timeline]]\nat = \"3s\"\nkill = \"p\"\n");
    run.typed(4, "kill p");
    run.typed(4, "signal p HUP");
    assert!(run.has("\"accepted\":false,\"error\":\"`p` is no program that could get a signal\""));
    run.advance(11);
    assert!(run.has_started(2) && run.has("\"signalled\""));
    run.input(11, &Input::SpawnStarted { source: Source::Spawn(2), pid: 2 });
    run.exits(12, 2, 0);
    assert_eq!(run.engine.verdict(), Some(RunVerdict::Passed));

    let mut run = Waiting::new("[[timeline]]\nat = \"3s\"\nsignal = { to = \"p\", name = \"HUP\" }\n");
    run.advance(3);
    assert!(run.has("ps#1 has ended, and waits for its restart"));
}

#[test]
fn a_restart_comes_at_once() {
    for typed in [false, true] {
        let mut run = Waiting::new(if typed { "" } else { "[[timeline]]\nat = \"3s\"\nrestart = \"p\"\n" });
        if typed {
            run.typed(3, "restart p");
        }
        run.advance(3);
        assert!(run.has_started(2), "{typed}");
        run.input(4, &Input::SpawnStarted { source: Source::Spawn(2), pid: 2 });
        run.advance(11);
        assert!(!run.has_started(3), "its own restart is not due any more");
        run.exits(12, 2, 0);
        assert_eq!(run.engine.verdict(), Some(RunVerdict::Passed));
    }
}

#[test]
fn the_end_of_the_run_takes_the_restart_back() {
    let mut run = Waiting::new("");
    run.typed(3, "quit");
    assert_eq!(run.engine.verdict(), Some(RunVerdict::Interrupted(None)));
    assert!(!run.has_started(2));

    let text = "tick = \"0s\"\n[presets.p]\ncommand = [\"p\"]\nbackground = true\nrestart = \"always\"\n\
                [presets.w]\ncommand = [\"w\"]\n[[timeline]]\nspawn = \"p\"\n[[timeline]]\nspawn = \"w\"\n";
    let (mut engine, mut recorder) = start(&scenario(text));
    engine.advance(Moment(0), &mut recorder);
    let mut run = Waiting { engine, recorder };
    for number in [1, 2] {
        run.input(0, &Input::SpawnStarted { source: Source::Spawn(number), pid: number });
    }
    run.exits(1, 1, 1);
    run.exits(1, 2, 0);
    assert_eq!(run.engine.verdict(), Some(RunVerdict::Passed), "the run does not wait for it");
    assert!(!run.has("\"stopping\""));
}

#[test]
fn time_spent_waiting_does_not_shorten_its_time_to_get_ready() {
    let text = "tick = \"0s\"\n[presets.p]\ncommand = [\"p\"]\nready = { line = \"up\", timeout = \"5s\" }\n\
                restart = { times = 1, wait = \"10s\" }\n[[timeline]]\nid = \"p\"\nspawn = \"p\"\n\
                [[timeline]]\nafter = \"p.ready\"\nmark = \"up\"\n";
    let (mut engine, mut recorder) = start(&scenario(text));
    engine.advance(Moment(0), &mut recorder);
    let mut run = Waiting { engine, recorder };
    run.input(0, &Input::SpawnStarted { source: Source::Spawn(1), pid: 1 });
    run.exits(1, 1, 1);
    run.advance(11);
    run.input(11, &Input::SpawnStarted { source: Source::Spawn(2), pid: 2 });
    run.advance(15);
    assert!(run.engine.verdict().is_none() && !run.has("\"spawn.failed\""));
    run.advance(16);
    assert!(run.has("never became ready") || run.has("no line like"));
    run.exits(17, 2, 0);
    assert!(run.has("for the 2nd time; its `restart` gives up after 1"));
}
