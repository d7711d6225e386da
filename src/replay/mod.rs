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

use crate::replay::input::Outside;
use compare::{Comparison, Halt};

use crate::replay::outcome::{Finding, Replayed, Run};
use crate::report::feed::Told;
use scenario_core::engine::{Engine, Start};
use scenario_core::scenario::model::Scenario;
use scenario_core::scenario::model::expect::Expectation;
use scenario_core::scenario::write::resolved;
use scenario_core::scenario::{FileRead, Files, Options, ReadFault, load};
use scenario_log::decode::Record;
use scenario_log::event::{ClockKind, Event};
use scenario_log::reader::{Line, Reader, Unreadable};
use scenario_log::time::Moment;

/// Replays a log; with `against`, that scenario stands in the place of the logged one.
pub fn replay(log: impl Read, against: Option<&Scenario>) -> Replayed {
    let Ok(replayed) = replay_expecting::<Infallible>(log, against, |_| Ok(Vec::new()), None);
    replayed
}

/// Who is told the events that a replay finds to be the same.
pub type Ear<'a> = &'a mut dyn FnMut(&Told<'_, '_>);

/// Replays a log, and judges what is expected of its run: what `expecting` says when it is told the
/// scenario. The events that are the same are told to `ear`, if there is one.
///
/// # Errors
/// When `expecting` has none for it.
pub fn replay_expecting<E>(
    log: impl Read,
    against: Option<&Scenario>,
    expecting: impl FnOnce(&Scenario) -> Result<Vec<Expectation>, E>,
    ear: Option<Ear<'_>>,
) -> Result<Replayed, E> {
    let mut comparison = Comparison::new(Reader::new(log), ear);
    let mut expected = Vec::new();
    let run = match Drive::start(&mut comparison, against) {
        Ok((mut drive, first)) => {
            drive.engine.expect_others(&expecting(&drive.scenario)?);
            drive.begin_log(&first, &mut comparison);
            drive.run(&mut comparison);
            expected = drive.engine.others();
            Some(first.run)
        }
        Err(None) => None,
        Err(Some(unreadable)) => {
            comparison.halt(Halt::Unreadable(unreadable));
            None
        }
    };
    let (events, unknown, ended) = (comparison.events(), comparison.unknown(), comparison.ended());
    let finding = comparison.finding();
    if !matches!(finding, Finding::Same | Finding::CutShort(_)) {
        // Of a run that is not the logged one nothing can be said.
        expected.clear();
    }
    Ok(Replayed { run, events, unknown, ended, expected, finding })
}

/// What the first line says.
struct First {
    run: Run,
    started_at: Option<String>,
    schedule: Vec<u32>,
    scenario: String,
}

/// An engine driven by a log.
struct Drive {
    engine: Engine,
    scenario: Rc<Scenario>,
    clock: ClockKind,
    /// Whether the engine has been told the time, or will be by the line of an event.
    has_begun: bool,
    /// The line that is being told, apart from the reader, which goes on while the engine speaks.
    line: Vec<u8>,
}

/// What a line asks of the engine.
enum Step {
    /// To let happen what was due by this moment.
    Advance(Moment),
    /// To let happen what is due next, in virtual time; until then, if that is later.
    AdvanceToNext {
        /// The end of time, but for a line that nobody knows.
        until: Moment,
    },
    /// To take what came from outside.
    Observe(Moment, Outside),
}

impl Drive {
    /// Reads the first line, and makes the engine that it says. `Err(None)` if there is none.
    fn start<R: Read>(
        comparison: &mut Comparison<'_, R>,
        against: Option<&Scenario>,
    ) -> Result<(Drive, First), Option<Unreadable>> {
        let first = match comparison.peek()? {
            Some(line) => First::read(&line).map_err(|what| Some(Unreadable::damaged(1, what)))?,
            None => return Err(None),
        };
        let scenario = match against {
            // What it is called does not change what it does.
            Some(scenario) => Scenario { name: first.run.name.clone(), ..scenario.clone() },
            None => logged_scenario(&first).map_err(|what| Some(Unreadable::damaged(1, what)))?,
        };
        let scenario = Rc::new(scenario);
        let engine = Engine::new(Rc::clone(&scenario), first.run.seed);
        let has_begun = first.run.clock == ClockKind::Virtual || scenario.tick.is_some();
        Ok((Drive { engine, scenario, clock: first.run.clock, has_begun, line: Vec::new() }, first))
    }

    /// Starts the engine with what the first line says.
    fn begin_log<R: Read>(&mut self, first: &First, comparison: &mut Comparison<'_, R>) {
        let start = Start {
            seed: first.run.seed,
            clock: first.run.clock,
            started_at: first.started_at.as_deref(),
            schedule: &first.schedule,
            resolved: &first.scenario,
        };
        comparison.set_scenario(Rc::clone(&self.scenario));
        self.engine.start(&start, comparison);
    }

    /// Goes through the log to its end, or to where it differs.
    fn run<R: Read>(&mut self, comparison: &mut Comparison<'_, R>) {
        while !comparison.is_halted() {
            let reached = comparison.reached();
            let step = match comparison.peek() {
                Ok(Some(line)) => match self.step(&line, reached) {
                    Ok(step) => step,
                    Err(what) => {
                        let number = line.number;
                        return comparison.halt(Halt::Unreadable(Unreadable::damaged(number, what)));
                    }
                },
                Ok(None) => return,
                Err(unreadable) => return comparison.halt(Halt::Unreadable(unreadable)),
            };
            let before = comparison.passed();
            match step {
                Step::Advance(now) => self.engine.advance(now, comparison),
                Step::AdvanceToNext { until } => self.advance_to_next(until, comparison),
                Step::Observe(now, outside) => {
                    self.begin(now, comparison);
                    self.engine.observe(now, outside.observed(&self.line), comparison);
                }
            }
            if comparison.passed() == before && !comparison.is_halted() {
                let next = self.engine.next_due();
                let is_over = self.engine.verdict().is_some();
                comparison.nothing_came(is_over, next);
            }
        }
    }

    /// Tells the engine the time before the first thing that came from outside, since a run can begin
    /// with orders alone, and no event. (One that ticks cannot.) Only what a person did before the run
    /// comes before that: at moment zero, or, in logs of runs that tick, before the first tick.
    fn begin<R: Read>(&mut self, now: Moment, comparison: &mut Comparison<'_, R>) {
        if !self.has_begun && now > Moment::ZERO {
            self.has_begun = true;
            self.engine.advance(now, comparison);
        }
    }

    /// Lets moments pass as the virtual clock does, up to one in which something happens.
    fn advance_to_next<R: Read>(&mut self, until: Moment, comparison: &mut Comparison<'_, R>) {
        let before = comparison.passed();
        while comparison.passed() == before
            && !comparison.is_halted()
            && let Some(due) = self.engine.next_due().filter(|due| *due <= until)
        {
            self.engine.advance(due, comparison);
        }
    }

    /// What the next line asks of the engine. `reached` is the moment of the line before.
    fn step(&mut self, line: &Line<'_>, reached: Moment) -> Result<Step, String> {
        let outside = Outside::of(line, &mut self.line)?;
        if self.clock == ClockKind::Real {
            return Ok(outside.map_or(Step::Advance(line.t), |outside| Step::Observe(line.t, outside)));
        }
        // In virtual time nearly nothing is outside, and what is comes between two moments.
        if let Some(outside) = outside.filter(Outside::is_heard_in_virtual_time) {
            return Ok(Step::Observe(reached, outside));
        }
        let is_known = crate::replay::input::is_known(line.event());
        Ok(Step::AdvanceToNext { until: if is_known { Moment(u64::MAX) } else { line.t } })
    }
}

impl First {
    fn read(line: &Line<'_>) -> Result<First, String> {
        let record = Record::read(line.bytes)?;
        let Some(Event::RunStarted { name, seed, clock, started_at, schedule, scenario }) = record.event()?
        else {
            return Err("is not `run.started`".to_owned());
        };
        match (clock, started_at) {
            (ClockKind::Real, None) => Err("does not say when it started, on the real clock".to_owned()),
            (ClockKind::Virtual, Some(_)) => Err("says when it started, on the virtual clock".to_owned()),
            _ => Ok(First {
                run: Run { name: name.to_owned(), seed, clock },
                started_at: started_at.map(str::to_owned),
                schedule: schedule.to_vec(),
                scenario: scenario.to_owned(),
            }),
        }
    }
}

/// The one file of a logged scenario.
struct Logged(String);

impl Files for Logged {
    fn read(&self, path: &Path) -> Result<FileRead, ReadFault> {
        if path != Path::new(LOGGED) {
            return Err(ReadFault("a logged scenario is whole, and includes nothing".to_owned()));
        }
        Ok(FileRead { bytes: self.0.clone().into_bytes(), identity: LOGGED.to_owned() })
    }
}

/// What the file of a logged scenario is called.
const LOGGED: &str = "scenario.toml";

/// The scenario of a log, checked as any other.
fn logged_scenario(first: &First) -> Result<Scenario, String> {
    let toml = resolved::json_to_toml(&first.scenario)
        .map_err(|error| format!("has a `scenario` that is none: {error}"))?;
    let options = Options { vars: &[], env: &|_| None, clock: first.run.clock };
    match load(Path::new(LOGGED), &Logged(toml), &options) {
        Ok(loaded) => Ok(loaded.scenario),
        Err(failure) => {
            let first = failure.diagnostics.first().map_or("", |diagnostic| &diagnostic.message);
            Err(format!("has a `scenario` that this release does not take: {first}"))
        }
    }
}
