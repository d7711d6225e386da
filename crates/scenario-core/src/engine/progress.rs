//! The progress of a run, for people who watch it. Changes nothing.

pub use crate::engine::expectations::outcome::{ExpectationProgress, ExpectationStatus};

use crate::engine::Engine;
use crate::engine::expectations::outcome::RunTotals;
use scenario_log::event::Source;
use scenario_log::time::Moment;

/// The most running spawns that are named.
const MAX_LISTED_SPAWNS: usize = 8;

/// The progress of a run at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunProgress {
    /// The first running spawns: the source, its preset's name, and the planned moment of its start.
    pub spawns: Vec<(Source, String, Moment)>,
    /// The number of running spawns.
    pub running_spawns: usize,
    /// Requests in flight.
    pub requests: usize,
    /// The number of timeline entries that have happened for the last time, and of all entries.
    pub entries: (usize, usize),
    /// Moves so far.
    pub moves: u64,
    /// Lines so far.
    pub lines: u64,
    /// Ended requests so far.
    pub fetched: u64,
    /// The scenario's expectations, in the order of the file.
    pub expectations: Vec<ExpectationProgress>,
}

impl Engine {
    /// The progress of the run at `now`.
    #[must_use]
    pub fn progress(&self, now: Moment) -> RunProgress {
        let run = &self.state;
        let scenario = run.scenario();
        let spawns = run
            .spawns()
            .iter()
            .take(MAX_LISTED_SPAWNS)
            .map(|(source, spawn)| (source, scenario.presets[spawn.preset()].name.clone(), spawn.due()));
        let all = scenario.timeline.len();
        RunProgress {
            spawns: spawns.collect(),
            running_spawns: run.spawns().len(),
            requests: run.request_count(),
            entries: (all.saturating_sub(run.timeline().entries_left()), all),
            moves: self.counters.moves,
            lines: self.counters.lines,
            fetched: self.counters.fetched,
            expectations: self.expectations.progress(&RunTotals {
                duration: now.since(Moment::ZERO),
                shared_cells: &run.shared_cells(),
            }),
        }
    }
}
