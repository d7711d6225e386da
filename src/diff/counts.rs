//! How often what happened in two runs, as one table.

use std::collections::BTreeMap;
use std::fmt;

use crate::diff::{Level, Pair, Side};
use scenario_log::event::{Event, Source};
use scenario_log::sanitize::visible;

/// How something ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct End {
    /// The code or signal, the status, or what failed.
    pub how: String,
    /// Whether that was expected.
    pub ok: bool,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.how, if self.ok { "" } else { " (not expected)" })
    }
}

/// What is counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counted {
    /// Events of this kind.
    Event(&'static str),
    /// Runs that ended like this.
    Outcome(&'static str),
    /// Ends of spawns of a preset.
    Exit(String, End),
    /// Ends of requests of a job.
    Answer(String, End),
    /// Expectations of this name that hold, or do not.
    Expectation(String, bool),
}

impl fmt::Display for Counted {
    /// Without control characters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Counted::Event(name) => f.write_str(name),
            Counted::Outcome(outcome) => write!(f, "outcome {outcome}"),
            Counted::Exit(preset, end) => write!(f, "preset {}: {end}", visible(preset)),
            Counted::Expectation(name, ok) => {
                write!(f, "expectation {}: {}", visible(name), if *ok { "ok" } else { "missed" })
            }
            Counted::Answer(job, end) => write!(f, "fetch {}: {end}", visible(job)),
        }
    }
}

/// The table.
#[derive(Debug)]
pub struct Counts {
    level: Level,
    events: BTreeMap<&'static str, Pair<u64>>,
    results: BTreeMap<Counted, Pair<u64>>,
    /// The presets and jobs of the sources that have not ended.
    names: Pair<BTreeMap<Source, String>>,
}

impl Counts {
    pub(super) fn new(level: Level) -> Counts {
        Counts { level, events: BTreeMap::new(), results: BTreeMap::new(), names: Pair::default() }
    }

    /// Counts an event.
    pub(super) fn take(&mut self, side: Side, event: &Event<'_>) {
        if self.level != Level::Exact && matches!(event, Event::ClockTick { .. } | Event::WorldState { .. }) {
            return;
        }
        self.events.entry(event.name()).or_default()[side as usize] += 1;
        if self.level == Level::Summary {
            self.result(side, event);
        }
    }

    /// Counts how things ended.
    fn result(&mut self, side: Side, event: &Event<'_>) {
        let counted = match *event {
            Event::SpawnStarted { source, preset: name, .. }
            | Event::FetchStarted { source, job: name, .. } => {
                self.names[side as usize].insert(source, name.to_owned());
                return;
            }
            Event::SpawnExited { source, exit, ok, .. } => {
                Counted::Exit(self.name(side, source), End { how: exit.to_string(), ok })
            }
            Event::FetchFinished { source, fetched, ok } => {
                let how = format!("status {}", fetched.status);
                Counted::Answer(self.name(side, source), End { how, ok })
            }
            Event::FetchFailed { source, kind, .. } => {
                let how = kind.name().to_owned();
                Counted::Answer(self.name(side, source), End { how, ok: false })
            }
            Event::Expect(expected) => Counted::Expectation(expected.name.clone(), expected.ok),
            Event::RunFinished(summary) => Counted::Outcome(summary.outcome.name()),
            _ => return,
        };
        self.results.entry(counted).or_default()[side as usize] += 1;
    }

    /// The preset or job of a source that ends.
    fn name(&mut self, side: Side, source: Source) -> String {
        self.names[side as usize].remove(&source).unwrap_or_else(|| source.to_string())
    }

    /// All rows, in their order.
    pub fn rows(&self) -> impl Iterator<Item = (Counted, Pair<u64>)> {
        let events = self.events.iter().map(|(name, counts)| (Counted::Event(name), *counts));
        events.chain(self.results.iter().map(|(counted, counts)| (counted.clone(), *counts)))
    }

    /// Whether all counts are the same. What a log that was cut short has less of may be in the end
    /// that it misses.
    pub(super) fn are_same(&self, is_cut: Pair<bool>) -> bool {
        let mut counts = self.events.values().chain(self.results.values());
        counts
            .all(|[left, right]| left == right || (left < right && is_cut[0]) || (right < left && is_cut[1]))
    }
}
