//! Replay: a log drives the engine that wrote it, and every event that the engine gives is compared
//! with the logged one. Starts no process, opens no socket, asks no clock.
//!
//! # How it works
//!
//! The first line of a log gives the scenario, the seed and the clock. Every later line is of one of two
//! kinds. An [input] came from outside (a line of a process, an answer, a typed command): the
//! engine gets it again, at the moment of the line. All other events were decided by the engine: it is
//! advanced to the moment of the line, and must decide the same. In both cases the engine's events are
//! [compared](compare) with the lines as they come, so that memory does not grow with the log. On the
//! virtual clock the engine decides the moments itself, and they are compared too.
//!
//! The first line that differs is a [`ReplayDivergence`](crate::replay::outcome::ReplayDivergence). Inputs
//! are taken as the log has them: only the checksum shows whether somebody changed them.

pub mod outcome;
pub mod report;

mod compare;
mod input;

use std::convert::Infallible;
use std::io::Read;
use std::path::Path;
use std::rc::Rc;

use compare::{HaltReason, ReplayComparer};

use crate::replay::outcome::{LoggedRun, ReplayFinding, ReplayResult};
use crate::report::feed::LogEvent;
use scenario_core::engine::input::Input;
use scenario_core::engine::{Engine, RunStart};
use scenario_core::scenario::model::Scenario;
use scenario_core::scenario::model::expect::Expectation;
use scenario_core::scenario::write::resolved;
use scenario_core::scenario::{FileContent, FileProvider, FileReadError, ScenarioOptions, load_scenario};
use scenario_log::decode::LogRecord;
use scenario_log::event::{ClockKind, Event};
use scenario_log::reader::{LogLine, LogReadError, LogReader};
use scenario_log::time::Moment;

/// Replays a log. The scenario of `against` replaces the logged one, if it is given.
pub fn replay(log: impl Read, against: Option<&Scenario>) -> ReplayResult {
    let Ok(replayed) = replay_with_expectations::<Infallible>(log, against, |_| Ok(Vec::new()), None);
    replayed
}

/// A callback for the events that are the same in the log and the replay.
pub type EventCallback<'a> = &'a mut dyn FnMut(&LogEvent<'_, '_>);

/// Replays a log, and judges extra expectations of its run: `expecting` makes them for the log's scenario.
/// `on_event` gets the events that are the same, if it is given.
///
/// # Errors
/// The error of `expecting`.
pub fn replay_with_expectations<E>(
    log: impl Read,
    against: Option<&Scenario>,
    expecting: impl FnOnce(&Scenario) -> Result<Vec<Expectation>, E>,
    on_event: Option<EventCallback<'_>>,
) -> Result<ReplayResult, E> {
    let mut comparison = ReplayComparer::new(LogReader::new(log), on_event);
    let mut expected = Vec::new();
    let run = match ReplayDriver::start(&mut comparison, against) {
        Ok((mut drive, first)) => {
            drive.engine.add_extra_expectations(&expecting(&drive.scenario)?);
            drive.start_engine(&first, &mut comparison);
            drive.replay_lines(&mut comparison);
            expected = drive.engine.extra_results();
            Some(first.run)
        }
        Err(None) => None,
        Err(Some(unreadable)) => {
            comparison.halt(HaltReason::Unreadable(unreadable));
            None
        }
    };
    let (events, unknown, ended) =
        (comparison.matching_events(), comparison.unknown_lines(), comparison.end());
    let finding = comparison.into_finding();
    if !matches!(finding, ReplayFinding::Same | ReplayFinding::CutShort(_)) {
        // The engine's run is not the logged one from the difference on, so nothing is known about that.
        expected.clear();
    }
    Ok(ReplayResult {
        run,
        events,
        unknown_lines: unknown,
        end: ended,
        must_pass: false,
        expectations: expected,
        finding,
    })
}

/// The first line of a log.
struct LogStart {
    run: LoggedRun,
    started_at: Option<String>,
    schedule: Vec<u32>,
    scenario: String,
}

/// An engine driven by a log.
struct ReplayDriver {
    engine: Engine,
    scenario: Rc<Scenario>,
    clock: ClockKind,
    /// Whether the engine has been advanced, or will be by the line of an event.
    has_begun: bool,
    /// The bytes of the current input. They are copied because the reader goes on while the engine handles
    /// it.
    line: Vec<u8>,
}

/// One step of the engine.
enum ReplayStep {
    /// Advance to this moment.
    Advance(Moment),
    /// Advance to the next moment in which something happens, in virtual time.
    AdvanceToNext {
        /// The last moment to advance to: the end of time, but the moment of the line if its kind is
        /// unknown.
        until: Moment,
    },
    /// Handle an input at this moment.
    HandleInput(Moment, Input),
}

impl ReplayDriver {
    /// Reads the first line, and makes the engine for it. `Err(None)` if the log has no line.
    fn start<R: Read>(
        comparison: &mut ReplayComparer<'_, R>,
        against: Option<&Scenario>,
    ) -> Result<(ReplayDriver, LogStart), Option<LogReadError>> {
        let first = match comparison.peek()? {
            Some(line) => LogStart::read(&line).map_err(|what| Some(LogReadError::damaged(1, what)))?,
            None => return Err(None),
        };
        let scenario = match against {
            // The name of a scenario does not change the run.
            Some(scenario) => Scenario { name: first.run.name.clone(), ..scenario.clone() },
            None => load_logged_scenario(&first).map_err(|what| Some(LogReadError::damaged(1, what)))?,
        };
        let scenario = Rc::new(scenario);
        let engine = Engine::new(Rc::clone(&scenario), first.run.seed);
        let has_begun = first.run.clock == ClockKind::Virtual || scenario.tick.is_some();
        Ok((ReplayDriver { engine, scenario, clock: first.run.clock, has_begun, line: Vec::new() }, first))
    }

    /// Starts the engine as the first line has it.
    fn start_engine<R: Read>(&mut self, first: &LogStart, comparison: &mut ReplayComparer<'_, R>) {
        let start = RunStart {
            seed: first.run.seed,
            clock: first.run.clock,
            started_at: first.started_at.as_deref(),
            schedule: &first.schedule,
            scenario_json: &first.scenario,
        };
        comparison.set_scenario(Rc::clone(&self.scenario));
        self.engine.start(&start, comparison);
    }

    /// Replays the lines to the end of the log, or to the first difference.
    fn replay_lines<R: Read>(&mut self, comparison: &mut ReplayComparer<'_, R>) {
        while !comparison.is_halted() {
            let reached = comparison.last_moment();
            let step = match comparison.peek() {
                Ok(Some(line)) => match self.next_step(&line, reached) {
                    Ok(step) => step,
                    Err(what) => {
                        let number = line.number;
                        return comparison.halt(HaltReason::Unreadable(LogReadError::damaged(number, what)));
                    }
                },
                Ok(None) => return,
                Err(unreadable) => return comparison.halt(HaltReason::Unreadable(unreadable)),
            };
            let before = comparison.lines_passed();
            match step {
                ReplayStep::Advance(now) => self.engine.advance(now, comparison),
                ReplayStep::AdvanceToNext { until } => self.advance_to_next(until, comparison),
                ReplayStep::HandleInput(now, input) => {
                    self.advance_before_first_input(now, comparison);
                    self.engine.handle_input(now, &input, comparison);
                    if let Some(buffer) = input.into_buffer() {
                        self.line = buffer;
                    }
                }
            }
            if comparison.lines_passed() == before && !comparison.is_halted() {
                let next = self.engine.next_due();
                let is_over = self.engine.verdict().is_some();
                comparison.handle_silence(is_over, next);
            }
        }
    }

    /// Advances the engine before the first input, since a run can begin with effects alone and no event.
    /// (A run with ticks cannot.) Only inputs of a person from before the run come earlier: at moment zero,
    /// or before the first tick in logs of runs with ticks.
    fn advance_before_first_input<R: Read>(&mut self, now: Moment, comparison: &mut ReplayComparer<'_, R>) {
        if !self.has_begun && now > Moment::ZERO {
            self.has_begun = true;
            self.engine.advance(now, comparison);
        }
    }

    /// Advances as the virtual clock does, up to a moment in which something happens.
    fn advance_to_next<R: Read>(&mut self, until: Moment, comparison: &mut ReplayComparer<'_, R>) {
        let before = comparison.lines_passed();
        while comparison.lines_passed() == before
            && !comparison.is_halted()
            && let Some(due) = self.engine.next_due().filter(|due| *due <= until)
        {
            self.engine.advance(due, comparison);
        }
    }

    /// The step for the next line. `reached` is the moment of the line before.
    fn next_step(&mut self, line: &LogLine<'_>, reached: Moment) -> Result<ReplayStep, String> {
        let input = input::read_input(line, &mut self.line)?;
        if self.clock == ClockKind::Real {
            if input::ends_run(line) {
                // Programs that were being started are no reason to wait: an older release did not.
                self.engine.end_before_starts();
            }
            return Ok(
                input.map_or(ReplayStep::Advance(line.t), |input| ReplayStep::HandleInput(line.t, input))
            );
        }
        // In virtual time there are few inputs, and each comes between two moments.
        if let Some(input) = input.filter(input::is_possible_in_virtual_time) {
            return Ok(ReplayStep::HandleInput(reached, input));
        }
        let is_known = input::is_known(line);
        Ok(ReplayStep::AdvanceToNext { until: if is_known { Moment(u64::MAX) } else { line.t } })
    }
}

impl LogStart {
    fn read(line: &LogLine<'_>) -> Result<LogStart, String> {
        let record = LogRecord::decode(line.bytes)?;
        let Some(Event::RunStarted { name, seed, clock, started_at, schedule, scenario }) = record.event()?
        else {
            return Err("is not `run.started`".to_owned());
        };
        match (clock, started_at) {
            (ClockKind::Real, None) => Err("does not say when it started, on the real clock".to_owned()),
            (ClockKind::Virtual, Some(_)) => Err("says when it started, on the virtual clock".to_owned()),
            _ => Ok(LogStart {
                run: LoggedRun { name: name.to_owned(), seed, clock },
                started_at: started_at.map(str::to_owned),
                schedule: schedule.to_vec(),
                scenario: scenario.to_owned(),
            }),
        }
    }
}

/// The one file of a logged scenario.
struct LoggedScenarioFile(String);

impl FileProvider for LoggedScenarioFile {
    fn read(&self, path: &Path) -> Result<FileContent, FileReadError> {
        if path != Path::new(LOGGED_FILE_NAME) {
            return Err(FileReadError("a logged scenario is whole, and includes nothing".to_owned()));
        }
        Ok(FileContent { bytes: self.0.clone().into_bytes(), identity: LOGGED_FILE_NAME.to_owned() })
    }

    fn is_log(&self) -> bool {
        true
    }
}

/// The file name of a logged scenario.
const LOGGED_FILE_NAME: &str = "scenario.toml";

/// The scenario of a log, checked like any other scenario.
fn load_logged_scenario(first: &LogStart) -> Result<Scenario, String> {
    let toml = resolved::json_to_toml(&first.scenario)
        .map_err(|error| format!("has a `scenario` that cannot be read: {error}"))?;
    let options = ScenarioOptions { vars: &[], env: &|_| None, clock: first.run.clock };
    match load_scenario(Path::new(LOGGED_FILE_NAME), &LoggedScenarioFile(toml), &options) {
        Ok(loaded) => Ok(loaded.scenario),
        Err(failure) => {
            let first = failure.diagnostics.first().map_or("", |diagnostic| &diagnostic.message);
            Err(format!("has a `scenario` that this release does not take: {first}"))
        }
    }
}
