//! `scenario players`: one preset alone on standard output, in real time; a line `N john` a move.
//! This is also what plays a preset with `isolation = "process"`.

use std::io::{ErrorKind, Write};
use std::rc::Rc;

use crate::cli::args::Players;
use crate::cli::command::{read, seed_of, tell_error};
use crate::cli::exit_code::ExitCode;
use crate::io::clock::Clock;
use crate::io::runtime;
use scenario_core::diagnostic::Place;
use scenario_core::engine::effect::{Order, Verdict};
use scenario_core::engine::{Engine, Sink};
use scenario_core::scenario::model::{Action, Entry, Isolation, PresetKind, Scenario};
use scenario_log::event::{ClockKind, Event};
use scenario_log::time::{Moment, Span};

pub(super) fn players(arguments: &Players) -> ExitCode {
    let loaded = match read(&arguments.file, &arguments.reading, ClockKind::Real) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    let mut scenario = loaded.scenario;
    let Some(preset) = scenario.presets.iter().position(|preset| preset.name == arguments.preset) else {
        let known: Vec<&str> = scenario.presets.iter().map(|preset| &*preset.name).collect();
        tell_error(format_args!("no preset `{}`; there are: {}", arguments.preset, known.join(", ")));
        return ExitCode::Usage;
    };
    let PresetKind::Players(players) = &mut scenario.presets[preset].kind else {
        tell_error(format_args!("preset `{}` is a program, not players", arguments.preset));
        return ExitCode::Usage;
    };
    players.isolation = Isolation::Task;
    let seed = match seed_of(arguments.seed, &scenario) {
        Ok(seed) => seed,
        Err(exit) => return exit,
    };
    only_this(&mut scenario, preset);
    play(Engine::resume(Rc::new(scenario), seed, preset, arguments.nth), arguments.speed)
}

/// Leaves one entry in the timeline: the spawn of this preset at the start.
fn only_this(scenario: &mut Scenario, preset: usize) {
    scenario.tick = None;
    scenario.world = None;
    scenario.time_limit = None;
    scenario.expect.clear();
    scenario.timeline = vec![Entry {
        id: None,
        at: Span::ZERO,
        after: None,
        action: Action::Spawn(preset),
        count: 1,
        repeat: None,
        place: Place::default(),
    }];
}

/// Lines of moves, and whether someone still reads them.
struct Lines {
    bytes: Vec<u8>,
}

impl Sink for Lines {
    fn event(&mut self, _t: Moment, event: &Event<'_>) {
        if let Event::Move { player, direction, .. } = event {
            // Writing to memory cannot fail.
            let _ = writeln!(self.bytes, "{} {player}", direction.letter());
        }
    }

    fn order(&mut self, _order: Order) {}
}

/// Plays to the end, or until nobody reads any more.
fn play(mut engine: Engine, speed: f64) -> ExitCode {
    let mut lines = Lines { bytes: Vec::new() };
    let runtime = match runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return refuse(format_args!("the runtime cannot start: {error}")),
    };
    engine.begin();
    runtime.block_on(async {
        let clock = match Clock::start(speed, false) {
            Ok(clock) => clock,
            Err(error) => return refuse(format_args!("there is no timer: {error}")),
        };
        while let Some(due) = engine.next_due() {
            clock.until(due).await;
            engine.advance(clock.now(), &mut lines);
            let mut stdout = std::io::stdout().lock();
            match stdout.write_all(&lines.bytes).and_then(|()| stdout.flush()) {
                Err(error) if error.kind() == ErrorKind::BrokenPipe => break,
                Err(error) => return refuse(format_args!("cannot write to standard output: {error}")),
                Ok(()) => lines.bytes.clear(),
            }
        }
        if engine.verdict() == Some(Verdict::Failed) {
            tell_error("every player that is left waits for a lock: a deadlock");
            return ExitCode::Failed;
        }
        ExitCode::Passed
    })
}

fn refuse(why: std::fmt::Arguments<'_>) -> ExitCode {
    tell_error(why);
    ExitCode::Refused
}
