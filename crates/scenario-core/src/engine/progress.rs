//! How a run stands: what people watch while it runs. Changes nothing.

pub use crate::engine::expectations::outcome::ExpectationStatus;

use crate::engine::Engine;
use crate::engine::expectations::outcome::RunTotals;
use scenario_log::event::Source;
use scenario_log::time::Moment;

/// How many of the spawns that run are named.
const MAX_LISTED_SPAWNS: usize = 8;

/// How a run stands at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunProgress {
    /// The first of the spawns that run: which, its preset's name, and since when.
    pub spawns: Vec<(Source, String, Moment)>,
    /// How many run.
    pub running_spawns: usize,
    /// Requests in flight.
    pub requests: usize,
    /// How many entries of the timeline have happened for the last time, and how many there are.
    pub entries: (usize, usize),
    /// So far.
    pub moves: u64,
    /// So far.
    pub lines: u64,
    /// Requests that have ended so far.
    pub fetched: u64,
    /// The scenario's own expectations by name, in their order.
    pub expectations: Vec<(String, ExpectationStatus)>,
}

impl Engine {
    /// How the run stands now.
    #[must_use]
    pub fn progress(&self, now: Moment) -> RunProgress {
        let run = &self.state;
        let spawns = run.spawns.iter().take(MAX_LISTED_SPAWNS).map(|(number, spawn)| {
            (Source::Spawn(*number), run.scenario.presets[spawn.preset].name.clone(), spawn.due)
        });
        let all = run.scenario.timeline.len();
        RunProgress {
            spawns: spawns.collect(),
            running_spawns: run.spawns.len(),
            requests: run.requests.len(),
            entries: (all.saturating_sub(run.entries_left), all),
            moves: self.counters.moves,
            lines: self.counters.lines,
            fetched: self.counters.fetched,
            expectations: self.expectations.statuses(&RunTotals {
                duration: now.since(Moment::ZERO),
                shared_cells: &run.shared_cells(),
            }),
        }
    }
}
