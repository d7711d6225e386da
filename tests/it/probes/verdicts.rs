//! The engine's decisions about what the driver's probes and commands came to.

use scenario_core::engine::Engine;
use scenario_core::engine::effect::{Effect, RunVerdict};
use scenario_core::engine::input::Input;
use scenario_log::event::{OutputStream, Source, SpawnExit};
use scenario_log::signal::Signal;
use scenario_log::time::Moment;

use crate::engine::{Recorder, scenario, start};

const WATCHED: &str = r#"
tick = "0s"
[presets.plain]
command = ["p"]
[presets.watched]
command = ["p"]
ready = { line = "up", times = 2 }
alive = { tcp = "h:1", failures = 3 }
stop = { command = ["c"], signal = "INT" }
[presets.at_once]
command = ["p"]
alive = { tcp = "h:1" }
[[timeline]]
spawn = "plain"
[[timeline]]
spawn = "watched"
[[timeline]]
spawn = "at_once"
"#;

const PLAIN: Source = Source::Spawn(1);
const WATCHED_SPAWN: Source = Source::Spawn(2);
const AT_ONCE: Source = Source::Spawn(3);

/// The three spawns, started.
fn started() -> (Engine, Recorder) {
    let (mut engine, mut recorder) = start(&scenario(WATCHED));
    engine.advance(Moment(1), &mut recorder);
    recorder.orders.clear();
    for (number, source) in [(1, PLAIN), (2, WATCHED_SPAWN), (3, AT_ONCE)] {
        engine.handle_input(Moment(2), &Input::SpawnStarted { source, pid: number }, &mut recorder);
    }
    (engine, recorder)
}

fn unhealthy(source: Source) -> Input {
    Input::SpawnUnhealthy { source, last_try: "status 503".to_owned() }
}

fn stop_failed(source: Source) -> Input {
    Input::StopFailed { source, error: "code 1".to_owned() }
}

fn lines(chunk: &[u8]) -> Input {
    Input::SpawnLines {
        source: WATCHED_SPAWN,
        stream: OutputStream::Stdout,
        chunk: chunk.to_vec(),
        said: None,
        partial: false,
    }
}

fn exited(source: Source, exit: SpawnExit) -> Input {
    Input::SpawnExited { source, exit, held: false, killed: false, skipped: 0, usage: Default::default() }
}

#[test]
fn a_spawn_is_watched_from_its_readiness_on() {
    let (mut engine, mut recorder) = started();
    assert_eq!(recorder.orders, [Effect::WatchSpawn { source: AT_ONCE }]);
    engine.handle_input(Moment(3), &lines(b"up\n"), &mut recorder);
    assert_eq!(recorder.orders.len(), 1);
    engine.handle_input(Moment(4), &lines(b"up\n"), &mut recorder);
    assert_eq!(recorder.orders[1..], [Effect::WatchSpawn { source: WATCHED_SPAWN }]);
}

#[test]
fn only_a_ready_spawn_that_is_watched_can_be_unhealthy() {
    let (mut engine, mut recorder) = started();
    let before = recorder.story().len();
    // Not watched, not ready, and none at all.
    for source in [PLAIN, WATCHED_SPAWN, Source::Spawn(9), Source::Request(1)] {
        engine.handle_input(Moment(3), &unhealthy(source), &mut recorder);
        engine.handle_input(Moment(3), &stop_failed(source), &mut recorder);
    }
    assert_eq!(recorder.story().len(), before);
    engine.handle_input(Moment(4), &lines(b"up\nup\n"), &mut recorder);
    recorder.orders.clear();
    for _ in 0..2 {
        engine.handle_input(Moment(5), &unhealthy(WATCHED_SPAWN), &mut recorder);
    }
    assert_eq!(recorder.orders, [Effect::StopSpawn { source: WATCHED_SPAWN }]);
    engine.handle_input(Moment(6), &stop_failed(WATCHED_SPAWN), &mut recorder);
    let story = recorder.story();
    let wanted = [
        r#":"spawn.unhealthy","source":"ps#2","failures":3,"last_try":"status 503"}"#,
        r#":"stopping","source":"ps#2","reason":"it is not alive"}"#,
        r#":"stop.failed","source":"ps#2","signal":"INT","error":"code 1"}"#,
    ];
    assert_eq!(story[story.len() - 3..], wanted);
}

#[test]
fn the_exit_of_an_unhealthy_spawn_fails_the_run_whatever_it_is() {
    for exit in [SpawnExit::Code(0), SpawnExit::Signal(Signal::INT), SpawnExit::Signal(Signal::KILL)] {
        let (mut engine, mut recorder) = started();
        engine.handle_input(Moment(5), &unhealthy(AT_ONCE), &mut recorder);
        // A kill on top of it, or its expected exit, excuses nothing.
        engine.handle_input(Moment(6), &exited(AT_ONCE, exit), &mut recorder);
        assert!(recorder.story().last().unwrap().contains(r#""ok":false,"running":2"#));
        engine.handle_input(Moment(7), &exited(PLAIN, SpawnExit::Code(0)), &mut recorder);
        engine.handle_input(Moment(7), &lines(b"up\nup\n"), &mut recorder);
        engine.handle_input(Moment(8), &exited(WATCHED_SPAWN, SpawnExit::Code(0)), &mut recorder);
        assert_eq!(engine.verdict(), Some(RunVerdict::Failed));
        let reason =
            r#""reason":"ps#3 (at_once) was not alive: 3 probes in a row failed (the last try: status 503)""#;
        assert!(recorder.story().last().unwrap().contains(reason), "{:?}", recorder.story().last());
    }
}

#[test]
fn a_spawn_that_is_being_stopped_is_judged_no_more() {
    let (mut engine, mut recorder) = started();
    engine.handle_input(Moment(3), &Input::SignalReceived(Signal::INT), &mut recorder);
    let before = recorder.story().len();
    engine.handle_input(Moment(4), &unhealthy(AT_ONCE), &mut recorder);
    assert_eq!(recorder.story().len(), before);
    engine.handle_input(Moment(5), &exited(AT_ONCE, SpawnExit::Signal(Signal::TERM)), &mut recorder);
    assert!(recorder.story().last().unwrap().contains(r#""ok":true"#));
}
