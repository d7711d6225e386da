//! The figures of a run, gathered event by event: what a report says of it. In memory that does not
//! grow with the log, but with what runs at once and with how many presets and jobs there are.

pub mod course;
pub mod distribution;
pub mod sources;
pub mod wrong;

use std::collections::BTreeMap;
use std::io;

use crate::report::feed::{Hear, Told};
use crate::report::metrics::course::Course;
use crate::report::metrics::distribution::Distribution;
use crate::report::metrics::sources::Sources;
use crate::report::metrics::wrong::Wrong;
use scenario_log::event::{ClockKind, Direction, Event, Expected, Outcome, Source};
use scenario_log::load_metrics::JobFigures;
use scenario_log::time::{Moment, Span};

/// How a run began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// The scenario's name.
    pub name: String,
    /// The seed.
    pub seed: u64,
    /// The clock.
    pub clock: ClockKind,
    /// RFC 3339; on the real clock only.
    pub at: Option<String>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// How.
    pub outcome: Outcome,
    /// Why, where it did not pass.
    pub reason: Option<String>,
    /// From the start.
    pub took: Span,
}

/// What happens often enough that it is worth seeing when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flow {
    /// Spawns started.
    Spawns,
    /// Moves.
    Moves,
    /// Steps.
    Steps,
    /// Lines of processes.
    Lines,
    /// Requests started.
    Requests,
}

impl Flow {
    /// Its name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Flow::Spawns => "spawns",
            Flow::Moves => "moves",
            Flow::Steps => "steps",
            Flow::Lines => "lines",
            Flow::Requests => "requests",
        }
    }
}

/// All of them.
#[derive(Debug, Default)]
pub struct Figures {
    /// How it began.
    pub started: Option<Started>,
    /// How it ended; none if the log was cut short.
    pub finished: Option<Finished>,
    /// Lines of the log.
    pub events: u64,
    /// Lines of kinds that this release does not know.
    pub unknown: u64,
    /// When the last event was.
    pub reached: Moment,
    /// By preset.
    pub spawns: Sources,
    /// By job.
    pub fetches: Sources,
    /// By direction, in the order of [`Direction::ALL`].
    pub moves: [u64; 4],
    /// How late what was due was, in nanoseconds, by the event's name.
    pub late: BTreeMap<&'static str, Distribution>,
    /// What happened when.
    pub course: BTreeMap<Flow, Course>,
    /// What went wrong.
    pub wrong: Wrong,
    /// Typed lines that were commands, and those that were not.
    pub typed: [u64; 2],
    /// What was expected of the run.
    pub expected: Vec<Expected>,
    /// What the log itself says of loads.
    pub loads: Vec<JobFigures>,
    /// What the shared cells held at last, by name.
    pub shared: Vec<(String, i64)>,
    /// Steps of players.
    pub steps: u64,
    /// How often the run was paused.
    pub pauses: u64,
}

impl Figures {
    /// Takes an event.
    pub fn take(&mut self, told: &Told<'_, '_>) {
        let Told { line, t, event } = *told;
        self.events = line;
        self.reached = t;
        let Some(event) = event else {
            self.unknown += 1;
            return;
        };
        if let Some(due) = event.due() {
            self.late.entry(event.name()).or_default().add(t.since(due).0);
        }
        let name =
            source(event).and_then(|source| self.spawns.name(source).or_else(|| self.fetches.name(source)));
        self.wrong.take((line, t), event, name);
        let flow = match event {
            Event::SpawnStarted { .. } => Some(Flow::Spawns),
            Event::Move { .. } => Some(Flow::Moves),
            Event::Step { .. } => Some(Flow::Steps),
            Event::Lines { .. } => Some(Flow::Lines),
            Event::FetchStarted { .. } => Some(Flow::Requests),
            _ => None,
        };
        if let Some(flow) = flow {
            self.course.entry(flow).or_default().add(t);
        }
        self.spawns.take_spawn(t, event);
        self.fetches.take_fetch(t, event);
        self.take_own(event);
    }

    /// Takes what is told of the run as a whole.
    fn take_own(&mut self, event: &Event<'_>) {
        match *event {
            Event::RunStarted { name, seed, clock, started_at, .. } => {
                let at = started_at.map(str::to_owned);
                self.started = Some(Started { name: name.to_owned(), seed, clock, at });
            }
            Event::Move { direction, .. } => {
                let index = Direction::ALL.iter().position(|other| *other == direction);
                self.moves[index.unwrap_or_default()] += 1;
            }
            Event::Step { .. } => self.steps += 1,
            Event::Input { accepted, .. } => self.typed[usize::from(!accepted)] += 1,
            Event::Expect(expected) => self.expected.push(expected.clone()),
            Event::RunPaused => self.pauses += 1,
            Event::RunFinished(summary) => {
                let reason = summary.reason.clone();
                self.loads.clone_from(&summary.fetches);
                self.shared.clone_from(&summary.shared);
                self.finished = Some(Finished { outcome: summary.outcome, reason, took: summary.took });
            }
            _ => {}
        }
    }

    /// How long the run took, as far as is known.
    #[must_use]
    pub fn took(&self) -> Span {
        self.finished.as_ref().map_or(Span(self.reached.0), |finished| finished.took)
    }
}

/// What an event is of, where something can go wrong with it.
fn source(event: &Event<'_>) -> Option<Source> {
    wrong::fault(event).and_then(|(source, _)| source)
}

impl Hear for Figures {
    fn hear(&mut self, told: &Told<'_, '_>, _bytes: &[u8]) -> io::Result<()> {
        self.take(told);
        Ok(())
    }
}
