//! Replay: a log drives the engine that wrote it, and every event that the engine gives is compared
//! with the logged one. Starts no process, opens no socket, asks no clock.
//!
//! # How it works
//!
//! The first line of a log gives the scenario, the seed and the clock. From then on each line is one
//! of two kinds. What came from outside (a line of a process, an answer, typed text) is
//! [observed], at the moment it was logged. Anything else the engine decided: it is told
//! the moment, and must say the same. Either way the engine's events are held to the lines that
//! follow ([`compare`]), as they come, so that nothing is kept of a log of any size. On the virtual
//! clock moments are the engine's own, and are compared too.
//!
//! The first line that is not what the engine says is a
//! [`Divergence`](crate::replay::outcome::Divergence). What the log says happened
//! outside is taken as it is: that it was not changed is for the checksum to say.

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

/// Replays a log; with `against`, that scenario stands in the place of the logged one.
pub fn replay(log: impl Read, against: Option<&Scenario>) -> ReplayResult {
    let Ok(replayed) = replay_with_expectations::<Infallible>(log, against, |_| Ok(Vec::new()), None);
    replayed
}

/// Who is told the events that a replay finds to be the same.
pub type EventCallback<'a> = &'a mut dyn FnMut(&LogEvent<'_, '_>);

/// Replays a log, and judges what is expected of its run: what `expecting` says when it is told the
/// scenario. The events that are the same are told to `ear`, if there is one.
///
/// # Errors
/// When `expecting` has none for it.
pub fn replay_with_expectations<E>(
    log: impl Read,
    against: Option<&Scenario>,
    expecting: impl FnOnce(&Scenario) -> Result<Vec<Expectation>, E>,
    ear: Option<EventCallback<'_>>,
) -> Result<ReplayResult, E> {
    let mut comparison = ReplayComparer::new(LogReader::new(log), ear);
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
        // Of a run that is not the logged one nothing can be said.
        expected.clear();
    }
    Ok(ReplayResult { run, events, unknown_lines: unknown, end: ended, expectations: expected, finding })
}

/// What the first line says.
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
    /// Whether the engine has been told the time, or will be by the line of an event.
    has_begun: bool,
    /// The line that is being told, apart from the reader, which goes on while the engine speaks.
    line: Vec<u8>,
}

/// What a line asks of the engine.
enum ReplayStep {
    /// To let happen what was due by this moment.
    Advance(Moment),
    /// To let happen what is due next, in virtual time; until then, if that is later.
    AdvanceToNext {
        /// The end of time, but for a line that nobody knows.
        until: Moment,
    },
    /// To take what came from outside.
    HandleInput(Moment, Input),
}

impl ReplayDriver {
    /// Reads the first line, and makes the engine that it says. `Err(None)` if there is none.
    fn start<R: Read>(
        comparison: &mut ReplayComparer<'_, R>,
        against: Option<&Scenario>,
    ) -> Result<(ReplayDriver, LogStart), Option<LogReadError>> {
        let first = match comparison.peek()? {
            Some(line) => LogStart::read(&line).map_err(|what| Some(LogReadError::damaged(1, what)))?,
            None => return Err(None),
        };
        let scenario = match against {
            // What it is called does not change what it does.
            Some(scenario) => Scenario { name: first.run.name.clone(), ..scenario.clone() },
            None => load_logged_scenario(&first).map_err(|what| Some(LogReadError::damaged(1, what)))?,
        };
        let scenario = Rc::new(scenario);
        let engine = Engine::new(Rc::clone(&scenario), first.run.seed);
        let has_begun = first.run.clock == ClockKind::Virtual || scenario.tick.is_some();
        Ok((ReplayDriver { engine, scenario, clock: first.run.clock, has_begun, line: Vec::new() }, first))
    }

    /// Starts the engine with what the first line says.
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

    /// Goes through the log to its end, or to where it differs.
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

    /// Tells the engine the time before the first thing that came from outside, since a run can begin
    /// with orders alone, and no event. (One that ticks cannot.) Only what a person did before the run
    /// comes before that: at moment zero, or, in logs of runs that tick, before the first tick.
    fn advance_before_first_input<R: Read>(&mut self, now: Moment, comparison: &mut ReplayComparer<'_, R>) {
        if !self.has_begun && now > Moment::ZERO {
            self.has_begun = true;
            self.engine.advance(now, comparison);
        }
    }

    /// Lets moments pass as the virtual clock does, up to one in which something happens.
    fn advance_to_next<R: Read>(&mut self, until: Moment, comparison: &mut ReplayComparer<'_, R>) {
        let before = comparison.lines_passed();
        while comparison.lines_passed() == before
            && !comparison.is_halted()
            && let Some(due) = self.engine.next_due().filter(|due| *due <= until)
        {
            self.engine.advance(due, comparison);
        }
    }

    /// What the next line asks of the engine. `reached` is the moment of the line before.
    fn next_step(&mut self, line: &LogLine<'_>, reached: Moment) -> Result<ReplayStep, String> {
        let outside = input::read_input(line, &mut self.line)?;
        if self.clock == ClockKind::Real {
            return Ok(outside
                .map_or(ReplayStep::Advance(line.t), |outside| ReplayStep::HandleInput(line.t, outside)));
        }
        // In virtual time nearly nothing is outside, and what is comes between two moments.
        if let Some(outside) = outside.filter(input::is_possible_in_virtual_time) {
            return Ok(ReplayStep::HandleInput(reached, outside));
        }
        let is_known = input::is_known(line.event_name());
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
}

/// What the file of a logged scenario is called.
const LOGGED_FILE_NAME: &str = "scenario.toml";

/// The scenario of a log, checked as any other.
fn load_logged_scenario(first: &LogStart) -> Result<Scenario, String> {
    let toml = resolved::json_to_toml(&first.scenario)
        .map_err(|error| format!("has a `scenario` that is none: {error}"))?;
    let options = ScenarioOptions { vars: &[], env: &|_| None, clock: first.run.clock };
    match load_scenario(Path::new(LOGGED_FILE_NAME), &LoggedScenarioFile(toml), &options) {
        Ok(loaded) => Ok(loaded.scenario),
        Err(failure) => {
            let first = failure.diagnostics.first().map_or("", |diagnostic| &diagnostic.message);
            Err(format!("has a `scenario` that this release does not take: {first}"))
        }
    }
}
