//! The figures of a run, gathered event by event: what a report says of it. In memory that does not
//! grow with the log, but with what runs at once and with how many presets and jobs there are.

pub mod distribution;
pub mod faults;
pub mod source_metrics;
pub mod time_series;

use std::collections::BTreeMap;
use std::io;

use crate::report::feed::{EventConsumer, LogEvent};
use crate::report::metrics::distribution::Distribution;
use crate::report::metrics::faults::RunFaults;
use crate::report::metrics::source_metrics::MetricsByName;
use crate::report::metrics::time_series::TimeSeries;
use scenario_log::event::{ClockKind, Direction, Event, ExpectationResult, RunOutcome, Source};
use scenario_log::load_metrics::LoadMetrics;
use scenario_log::time::{Moment, Span};

/// How a run began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportedRunStart {
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
pub struct ReportedRunEnd {
    /// How.
    pub outcome: RunOutcome,
    /// Why, where it did not pass.
    pub reason: Option<String>,
    /// From the start.
    pub took: Span,
}

/// What happens often enough that it is worth seeing when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventFlow {
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

impl EventFlow {
    /// Its name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            EventFlow::Spawns => "spawns",
            EventFlow::Moves => "moves",
            EventFlow::Steps => "steps",
            EventFlow::Lines => "lines",
            EventFlow::Requests => "requests",
        }
    }
}

/// All of them.
#[derive(Debug, Default)]
pub struct RunMetrics {
    /// How it began.
    pub start: Option<ReportedRunStart>,
    /// How it ended; none if the log was cut short.
    pub end: Option<ReportedRunEnd>,
    /// Lines of the log.
    pub events: u64,
    /// Lines of kinds that this release does not know.
    pub unknown_events: u64,
    /// When the last event was.
    pub last_moment: Moment,
    /// By preset.
    pub spawns: MetricsByName,
    /// By job.
    pub fetches: MetricsByName,
    /// By direction, in the order of [`Direction::ALL`].
    pub moves: [u64; 4],
    /// How late what was due was, in nanoseconds, by the event's name.
    pub lateness: BTreeMap<&'static str, Distribution>,
    /// What happened when.
    pub flows: BTreeMap<EventFlow, TimeSeries>,
    /// What went wrong.
    pub faults: RunFaults,
    /// Typed lines that were commands, and those that were not.
    pub typed: [u64; 2],
    /// What was expected of the run.
    pub expectations: Vec<ExpectationResult>,
    /// What the log itself says of loads.
    pub loads: Vec<LoadMetrics>,
    /// What the shared cells held at last, by name.
    pub shared: Vec<(String, i64)>,
    /// Steps of players.
    pub steps: u64,
    /// How often the run was paused.
    pub pauses: u64,
}

impl RunMetrics {
    /// Takes an event.
    pub fn on_event(&mut self, told: &LogEvent<'_, '_>) {
        let LogEvent { line, t, event } = *told;
        self.events = line;
        self.last_moment = t;
        let Some(event) = event else {
            self.unknown_events += 1;
            return;
        };
        if let Some(due) = event.due() {
            self.lateness.entry(event.name()).or_default().add(t.since(due).0);
        }
        let name = fault_source(event)
            .and_then(|source| self.spawns.name(source).or_else(|| self.fetches.name(source)));
        self.faults.on_event((line, t), event, name);
        let flow = match event {
            Event::SpawnStarted { .. } => Some(EventFlow::Spawns),
            Event::Move { .. } => Some(EventFlow::Moves),
            Event::Step { .. } => Some(EventFlow::Steps),
            Event::Lines { .. } => Some(EventFlow::Lines),
            Event::FetchStarted { .. } => Some(EventFlow::Requests),
            _ => None,
        };
        if let Some(flow) = flow {
            self.flows.entry(flow).or_default().add(t);
        }
        self.spawns.on_spawn_event(t, event);
        self.fetches.on_fetch_event(t, event);
        self.on_run_event(event);
    }

    /// Takes what is told of the run as a whole.
    fn on_run_event(&mut self, event: &Event<'_>) {
        match *event {
            Event::RunStarted { name, seed, clock, started_at, .. } => {
                let at = started_at.map(str::to_owned);
                self.start = Some(ReportedRunStart { name: name.to_owned(), seed, clock, at });
            }
            Event::Move { direction, .. } => {
                let index = Direction::ALL.iter().position(|other| *other == direction);
                self.moves[index.unwrap_or_default()] += 1;
            }
            Event::Step { .. } => self.steps += 1,
            Event::TypedInput { accepted, .. } => self.typed[usize::from(!accepted)] += 1,
            Event::Expect(expected) => self.expectations.push(expected.clone()),
            Event::RunPaused => self.pauses += 1,
            Event::RunFinished(summary) => {
                let reason = summary.reason.clone();
                self.loads.clone_from(&summary.fetches);
                self.shared.clone_from(&summary.shared);
                self.end = Some(ReportedRunEnd { outcome: summary.outcome, reason, took: summary.took });
            }
            _ => {}
        }
    }

    /// How long the run took, as far as is known.
    #[must_use]
    pub fn took(&self) -> Span {
        self.end.as_ref().map_or(Span(self.last_moment.0), |finished| finished.took)
    }
}

/// What an event is of, where something can go wrong with it.
fn fault_source(event: &Event<'_>) -> Option<Source> {
    faults::event_fault(event).and_then(|(source, _)| source)
}

impl EventConsumer for RunMetrics {
    fn consume(&mut self, told: &LogEvent<'_, '_>, _bytes: &[u8]) -> io::Result<()> {
        self.on_event(told);
        Ok(())
    }
}
