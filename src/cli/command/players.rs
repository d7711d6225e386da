//! `scenario players`: plays one preset alone, in real time, and writes a line like `N john` to standard
//! output for each move. A preset with `isolation = "process"` runs as this command.

use std::io::{ErrorKind, Write};
use std::rc::Rc;

use crate::cli::args::PlayersArgs;
use crate::cli::command::{choose_seed, load_or_report, report_error};
use crate::cli::exit_code::ExitCode;
use crate::io::clock::RunClock;
use crate::io::runtime;
use scenario_core::diagnostic::FilePlace;
use scenario_core::engine::effect::{Effect, RunVerdict};
use scenario_core::engine::{Engine, EngineSink};
use scenario_core::scenario::model::{EntryAction, Isolation, PresetKind, Scenario, TimelineEntry};
use scenario_log::event::{ClockKind, Event};
use scenario_log::time::{Moment, Span};

pub(super) fn players(arguments: &PlayersArgs) -> ExitCode {
    let loaded = match load_or_report(&arguments.file, &arguments.variables, ClockKind::Real) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    let mut scenario = loaded.scenario;
    let Some(preset) = scenario.preset_by_key(&arguments.preset) else {
        let known: Vec<&str> = scenario.presets.iter().map(|preset| preset.key()).collect();
        report_error(format_args!("no preset `{}`; there are: {}", arguments.preset, known.join(", ")));
        return ExitCode::Usage;
    };
    let PresetKind::Players(players) = &mut scenario.presets[preset].kind else {
        report_error(format_args!("preset `{}` is a program, not players", arguments.preset));
        return ExitCode::Usage;
    };
    players.isolation = Isolation::Task;
    let seed = match choose_seed(arguments.seed, &scenario) {
        Ok(seed) => seed,
        Err(exit) => return exit,
    };
    keep_only_preset(&mut scenario, preset);
    play(Engine::for_single_spawn(Rc::new(scenario), seed, preset, arguments.nth), arguments.speed)
}

/// Reduces the timeline to one entry: the spawn of this preset at the start.
fn keep_only_preset(scenario: &mut Scenario, preset: usize) {
    scenario.tick = None;
    scenario.world = None;
    scenario.time_limit = None;
    scenario.expectations.clear();
    scenario.timeline = vec![TimelineEntry {
        id: None,
        at: Span::ZERO,
        trigger: None,
        action: EntryAction::Spawn(preset),
        count: 1,
        repeat: None,
        until: None,
        always: false,
        place: FilePlace::default(),
    }];
}

/// Collects the lines of moves.
struct MoveLines {
    bytes: Vec<u8>,
}

impl EngineSink for MoveLines {
    fn event(&mut self, _t: Moment, event: &Event<'_>) {
        if let Event::Move { player, direction, .. } = event {
            // Writing to memory cannot fail.
            let _ = writeln!(self.bytes, "{} {player}", direction.word());
        }
    }

    fn effect(&mut self, _effect: Effect) {}
}

/// Plays to the end, or until the reader closes the pipe.
fn play(mut engine: Engine, speed: f64) -> ExitCode {
    let mut lines = MoveLines { bytes: Vec::new() };
    let runtime = match runtime::build() {
        Ok(runtime) => runtime,
        Err(error) => return report_refused(format_args!("the runtime cannot start: {error}")),
    };
    engine.begin_without_event();
    runtime.block_on(async {
        let clock = match RunClock::start(speed, false) {
            Ok(clock) => clock,
            Err(error) => return report_refused(format_args!("there is no timer: {error}")),
        };
        while let Some(due) = engine.next_due() {
            clock.sleep_until(due).await;
            engine.advance(clock.now(), &mut lines);
            let mut stdout = std::io::stdout().lock();
            match stdout.write_all(&lines.bytes).and_then(|()| stdout.flush()) {
                Err(error) if error.kind() == ErrorKind::BrokenPipe => break,
                Err(error) => {
                    return report_refused(format_args!("cannot write to standard output: {error}"));
                }
                Ok(()) => lines.bytes.clear(),
            }
        }
        if engine.verdict() == Some(RunVerdict::Failed) {
            report_error("every player that is left waits for a lock: a deadlock");
            return ExitCode::Failed;
        }
        ExitCode::Passed
    })
}

fn report_refused(why: std::fmt::Arguments<'_>) -> ExitCode {
    report_error(why);
    ExitCode::Refused
}
