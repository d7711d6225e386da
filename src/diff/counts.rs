//! Counts of events and results in two runs, as one table.

use std::collections::BTreeMap;
use std::fmt;

use crate::diff::{DiffLevel, DiffSide, PerSide};
use scenario_log::event::{Event, Source};
use scenario_log::sanitize::sanitize;

/// How something ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CountedEnd {
    /// The code or signal, the status, or what failed.
    pub how: String,
    /// Whether that was expected.
    pub ok: bool,
}

impl fmt::Display for CountedEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.how, if self.ok { "" } else { " (not expected)" })
    }
}

/// The subject of a row of the table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CountKey {
    /// Events of this kind.
    Event(&'static str),
    /// Runs with this outcome.
    Outcome(&'static str),
    /// Ends of spawns of a preset.
    Exit(String, CountedEnd),
    /// Ends of requests of a job.
    Response(String, CountedEnd),
    /// Expectations of this name, with whether they hold.
    Expectation(String, bool),
}

impl fmt::Display for CountKey {
    /// Without control characters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CountKey::Event(name) => f.write_str(name),
            CountKey::Outcome(outcome) => write!(f, "outcome {outcome}"),
            CountKey::Exit(preset, end) => write!(f, "preset {}: {end}", sanitize(preset)),
            CountKey::Expectation(name, ok) => {
                write!(f, "expectation {}: {}", sanitize(name), if *ok { "ok" } else { "missed" })
            }
            CountKey::Response(job, end) => write!(f, "fetch {}: {end}", sanitize(job)),
        }
    }
}

/// The table of counts.
#[derive(Debug)]
pub struct DiffCounts {
    level: DiffLevel,
    events: BTreeMap<&'static str, PerSide<u64>>,
    results: BTreeMap<CountKey, PerSide<u64>>,
    /// The presets and jobs of the sources that have not ended.
    source_names: PerSide<BTreeMap<Source, String>>,
}

impl DiffCounts {
    pub(super) fn new(level: DiffLevel) -> DiffCounts {
        DiffCounts {
            level,
            events: BTreeMap::new(),
            results: BTreeMap::new(),
            source_names: PerSide::default(),
        }
    }

    pub(super) fn count_event(&mut self, side: DiffSide, event: &Event<'_>) {
        if self.level != DiffLevel::Exact
            && matches!(
                event,
                Event::ClockTick { .. }
                    | Event::WorldState { .. }
                    | Event::UnfinishedText { .. }
                    | Event::LineMatched { .. }
                    | Event::EntryRetried { .. }
                    | Event::LinkOpened { .. }
                    | Event::LinkClosed { .. }
            )
        {
            return;
        }
        if self.level == DiffLevel::Summary && !is_outcome(event) {
            return;
        }
        self.events.entry(event.name()).or_default()[side as usize] += 1;
        if self.level == DiffLevel::Summary {
            self.count_result(side, event);
        }
    }

    /// Counts an event that is a result.
    fn count_result(&mut self, side: DiffSide, event: &Event<'_>) {
        let counted = match *event {
            Event::SpawnStarted { source, preset: name, .. }
            | Event::FetchStarted { source, job: name, .. } => {
                self.source_names[side as usize].insert(source, name.to_owned());
                return;
            }
            Event::SpawnExited { source, exit, ok, .. } => {
                CountKey::Exit(self.take_source_name(side, source), CountedEnd { how: exit.to_string(), ok })
            }
            Event::FetchFinished { source, fetched, ok, .. } => {
                let how = format!("status {}", fetched.status);
                CountKey::Response(self.take_source_name(side, source), CountedEnd { how, ok })
            }
            Event::FetchFailed { source, kind, .. } => {
                let how = kind.name().to_owned();
                CountKey::Response(self.take_source_name(side, source), CountedEnd { how, ok: false })
            }
            Event::Expect(expected) => CountKey::Expectation(expected.title().into_owned(), expected.ok),
            Event::RunFinished(summary) => CountKey::Outcome(summary.outcome.name()),
            Event::RunStarted { .. }
            | Event::ClockTick { .. }
            | Event::SpawnReady { .. }
            | Event::SpawnUnhealthy { .. }
            | Event::StopFailed { .. }
            | Event::SpawnRestarted { .. }
            | Event::SpawnSuspended { .. }
            | Event::SpawnResumed { .. }
            | Event::SpawnSampled { .. }
            | Event::StepEnded { .. }
            | Event::PlayerEnded { .. }
            | Event::Move { .. }
            | Event::Step { .. }
            | Event::Lines { .. }
            | Event::UnfinishedText { .. }
            | Event::LineMatched { .. }
            | Event::SpawnFailed { .. }
            | Event::FetchResponded { .. }
            | Event::FetchLine { .. }
            | Event::TypedInput { .. }
            | Event::Mark { .. }
            | Event::EntrySkipped { .. }
            | Event::EntryRetried { .. }
            | Event::Sent { .. }
            | Event::Signalled { .. }
            | Event::Stopping { .. }
            | Event::RunPaused
            | Event::RunResumed { .. }
            | Event::PlayerJoined { .. }
            | Event::PlayerLeft { .. }
            | Event::WorldState { .. }
            | Event::LinkOpened { .. }
            | Event::LinkClosed { .. }
            | Event::LinkChanged { .. }
            | Event::Deadlock { .. } => return,
        };
        self.results.entry(counted).or_default()[side as usize] += 1;
    }

    /// The preset or job of a source that ends.
    fn take_source_name(&mut self, side: DiffSide, source: Source) -> String {
        self.source_names[side as usize].remove(&source).unwrap_or_else(|| source.to_string())
    }

    /// All rows, in their order.
    pub fn rows(&self) -> impl Iterator<Item = (CountKey, PerSide<u64>)> {
        let events = self.events.iter().map(|(name, counts)| (CountKey::Event(name), *counts));
        events.chain(self.results.iter().map(|(counted, counts)| (counted.clone(), *counts)))
    }

    /// Whether all counts are equal. A smaller count in a log that was cut short is not a difference: the
    /// missing events may be in the missing end.
    pub(super) fn is_same(&self, is_cut: PerSide<bool>) -> bool {
        let mut counts = self.events.values().chain(self.results.values());
        counts
            .all(|[left, right]| left == right || (left < right && is_cut[0]) || (right < left && is_cut[1]))
    }
}

/// Whether an event is something that came of a run. What a person typed and how long a run stood still is
/// not: a scenario that does the same by itself has no typed lines.
pub(super) fn is_outcome(event: &Event<'_>) -> bool {
    !matches!(
        event,
        Event::TypedInput { .. }
            | Event::RunPaused
            | Event::RunResumed { .. }
            | Event::SpawnSuspended { .. }
            | Event::SpawnResumed { .. }
            | Event::SpawnSampled { .. }
    )
}
