//! The metrics of a run, collected event by event: the numbers of all reports. Their memory does not grow
//! with the log, but with the number of presets and jobs.

pub mod distribution;
pub mod faults;
pub mod injected_faults;
pub mod move_counts;
pub mod recoveries;
pub mod resources;
pub mod source_metrics;
pub mod time_series;

use std::collections::BTreeMap;
use std::io;

use crate::report::feed::{EventConsumer, LogEvent};
use crate::report::metrics::distribution::Distribution;
use crate::report::metrics::faults::RunFaults;
use crate::report::metrics::injected_faults::InjectedFaults;
use crate::report::metrics::move_counts::MoveCounts;
use crate::report::metrics::recoveries::Recoveries;
use crate::report::metrics::resources::ResourceMetrics;
use crate::report::metrics::source_metrics::MetricsByName;
use crate::report::metrics::time_series::TimeSeries;
use crate::report::origins::is_ok_or_tried_again;
use scenario_log::event::{ClockKind, Event, ExpectationResult, OutputStream, RunOutcome};
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
    /// Passed, failed or interrupted.
    pub outcome: RunOutcome,
    /// Why it did not pass.
    pub reason: Option<String>,
    /// From the start of the run.
    pub took: Span,
}

/// A kind of event that is frequent enough to be shown over time.
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

/// The metrics of a run.
#[derive(Debug, Default)]
pub struct RunMetrics {
    /// How it began.
    pub start: Option<ReportedRunStart>,
    /// How it ended; none if the log was cut short.
    pub end: Option<ReportedRunEnd>,
    /// Lines of the log.
    pub events: u64,
    /// Lines whose kind this release does not know.
    pub unknown_events: u64,
    /// The moment of the last event.
    pub last_moment: Moment,
    /// By preset.
    pub spawns: MetricsByName,
    /// By job.
    pub fetches: MetricsByName,
    /// By direction.
    pub moves: MoveCounts,
    /// Lateness in nanoseconds, by the event's name.
    pub lateness: BTreeMap<&'static str, Distribution>,
    /// Counts over time.
    pub flows: BTreeMap<EventFlow, TimeSeries>,
    /// The faults that the run itself put on links and programs.
    pub injected: InjectedFaults,
    /// Everything that went wrong.
    pub faults: RunFaults,
    /// The programs that ended and came back.
    pub recoveries: Recoveries,
    /// Typed lines: how many were accepted, and how many were refused.
    pub typed: [u64; 2],
    /// The entries that were skipped, with the reasons.
    pub skipped: Vec<(String, String)>,
    /// The results of the expectations.
    pub expectations: Vec<ExpectationResult>,
    /// The metrics of loads, as the log's last line has them.
    pub loads: Vec<LoadMetrics>,
    /// The last values of the shared cells, by name.
    pub shared: Vec<(String, i64)>,
    /// Steps of players.
    pub steps: u64,
    /// How many times the run was paused.
    pub pauses: u64,
    /// What programs used.
    pub resources: ResourceMetrics,
}

impl RunMetrics {
    /// Takes the next event.
    pub fn on_event(&mut self, logged: &LogEvent<'_, '_>) {
        let LogEvent { line, t, event, origin } = *logged;
        self.events = line;
        self.last_moment = t;
        let Some(event) = event else {
            self.unknown_events += 1;
            return;
        };
        if let Some(due) = event.due() {
            self.lateness.entry(event.name()).or_default().add(t.since(due).0);
        }
        self.faults.on_event(logged);
        self.recoveries.on_event(logged);
        self.injected.on_event(t, line, event);
        match *event {
            Event::RunStarted { name, seed, clock, started_at, .. } => {
                let at = started_at.map(str::to_owned);
                self.start = Some(ReportedRunStart { name: name.to_owned(), seed, clock, at });
            }
            Event::SpawnStarted { preset, .. } => {
                self.count_flow(EventFlow::Spawns, t);
                self.spawns.start(preset);
            }
            Event::Move { direction, .. } => {
                self.count_flow(EventFlow::Moves, t);
                self.moves.add(direction);
                self.spawns.add_move(origin);
            }
            Event::Step { .. } => {
                self.count_flow(EventFlow::Steps, t);
                self.steps += 1;
            }
            Event::Lines { stream, .. } => {
                self.count_flow(EventFlow::Lines, t);
                self.spawns.add_line(origin, stream);
            }
            Event::SpawnSampled { source, memory, cpu, .. } => {
                self.resources.add_sample((t, source), origin, (memory, cpu));
            }
            Event::SpawnExited { source, exit, ok, usage, .. } => {
                self.resources.end((t, source), origin, usage);
                self.spawns.end_spawn(t, origin, exit, is_ok_or_tried_again(ok, origin));
            }
            Event::SpawnFailed { again: Some(true), .. } => {}
            Event::SpawnFailed { .. } => self.spawns.fail_spawn(origin),
            Event::FetchStarted { job, .. } => {
                self.count_flow(EventFlow::Requests, t);
                self.fetches.start(job);
            }
            Event::FetchLine { .. } => self.fetches.add_line(origin, OutputStream::Stdout),
            Event::FetchFinished { fetched, ok, .. } => {
                let status = fetched.status.to_string();
                let ok = is_ok_or_tried_again(ok, origin);
                let metrics = self.fetches.end_request(origin, fetched.took, status, ok);
                if origin.is_some() {
                    metrics.bytes = metrics.bytes.saturating_add(fetched.bytes);
                }
            }
            Event::FetchFailed { kind, took, .. } => {
                let ok = is_ok_or_tried_again(false, origin);
                self.fetches.end_request(origin, took, kind.name().to_owned(), ok);
            }
            Event::TypedInput { accepted, .. } => self.typed[usize::from(!accepted)] += 1,
            Event::Expect(expected) => self.expectations.push(expected.clone()),
            Event::RunPaused => self.pauses += 1,
            Event::EntrySkipped { entry, reason } => {
                self.skipped.push((entry.to_string(), reason.to_owned()));
            }
            Event::RunFinished(summary) => {
                let reason = summary.reason.clone();
                self.loads.clone_from(&summary.fetches);
                self.shared.clone_from(&summary.shared);
                self.end = Some(ReportedRunEnd { outcome: summary.outcome, reason, took: summary.took });
            }
            Event::ClockTick { .. }
            | Event::UnfinishedText { .. }
            | Event::LineMatched { .. }
            | Event::SpawnReady { .. }
            | Event::SpawnUnhealthy { .. }
            | Event::StopFailed { .. }
            | Event::SpawnRestarted { .. }
            | Event::LinkOpened { .. }
            | Event::LinkClosed { .. }
            | Event::LinkChanged { .. }
            | Event::SpawnSuspended { .. }
            | Event::SpawnResumed { .. }
            | Event::StepEnded { .. }
            | Event::PlayerEnded { .. }
            | Event::FetchResponded { .. }
            | Event::Mark { .. }
            | Event::EntryRetried { .. }
            | Event::Sent { .. }
            | Event::Signalled { .. }
            | Event::Stopping { .. }
            | Event::RunResumed { .. }
            | Event::PlayerJoined { .. }
            | Event::PlayerLeft { .. }
            | Event::WorldState { .. }
            | Event::Deadlock { .. } => {}
        }
    }

    fn count_flow(&mut self, flow: EventFlow, t: Moment) {
        self.flows.entry(flow).or_default().add(t);
    }

    /// How long the run took, as far as is known.
    #[must_use]
    pub fn took(&self) -> Span {
        self.end.as_ref().map_or(Span(self.last_moment.0), |finished| finished.took)
    }
}

impl EventConsumer for RunMetrics {
    fn consume(&mut self, logged: &LogEvent<'_, '_>, _bytes: &[u8]) -> io::Result<()> {
        self.on_event(logged);
        Ok(())
    }
}
