//! How a run stands: what people watch while it runs. Changes nothing.

use crate::engine::Engine;
use crate::engine::expect::Ended;
use scenario_log::event::Source;
use scenario_log::time::Moment;

/// How many of the spawns that run are named.
const NAMED: usize = 8;

/// How an expectation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    /// If the run ended now, it would hold.
    Holds,
    /// If the run ended now, it would be missed; it can still come to hold.
    Open,
    /// It can no longer hold.
    Missed,
}

/// How a run stands at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The first of the spawns that run: which, its preset's name, and since when.
    pub spawns: Vec<(Source, String, Moment)>,
    /// How many run.
    pub running: usize,
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
    pub expected: Vec<(String, Stand)>,
}

impl Engine {
    /// How the run stands now.
    #[must_use]
    pub fn standing(&self, now: Moment) -> Standing {
        let run = &self.run;
        let spawns = run.spawns.iter().take(NAMED).map(|(number, spawn)| {
            (Source::Spawn(*number), run.scenario.presets[spawn.preset].name.clone(), spawn.due)
        });
        let all = run.scenario.timeline.len();
        Standing {
            spawns: spawns.collect(),
            running: run.spawns.len(),
            requests: run.requests.len(),
            entries: (all.saturating_sub(run.entries_left), all),
            moves: self.tally.moves,
            lines: self.tally.lines,
            fetched: self.tally.fetched,
            expected: self.expected.stand(&Ended { lasted: now.since(Moment::ZERO), shared: &run.shared() }),
        }
    }
}

/// How one stands that holds or not as far as the run has come.
pub(super) fn stand(holds: bool, is_missed: bool) -> Stand {
    match (is_missed, holds) {
        (true, _) => Stand::Missed,
        (false, true) => Stand::Holds,
        (false, false) => Stand::Open,
    }
}
