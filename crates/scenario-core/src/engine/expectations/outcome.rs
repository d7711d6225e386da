//! The plain values that go into the expectations and come out of them. Nothing here is checked or
//! counted.

use scenario_log::event::Source;
use scenario_log::time::{Moment, Span};

/// The parts of the scenario that a source belongs to, as indices into the scenario's lists.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct EventOrigin {
    pub(super) preset: Option<usize>,
    pub(super) fetch: Option<usize>,
    pub(super) entry: Option<usize>,
    /// The spawn of the player that makes the request.
    pub(super) spawn: Option<Source>,
    /// When the source started.
    pub(super) started_at: Option<Moment>,
}

impl EventOrigin {
    pub(in crate::engine) fn for_spawn(preset: usize, entry: Option<usize>) -> EventOrigin {
        EventOrigin { preset: Some(preset), fetch: None, entry, spawn: None, started_at: None }
    }

    /// A request that a player of this spawn makes.
    pub(in crate::engine) fn for_player_request(
        spawn: Source,
        preset: Option<usize>,
        job: usize,
        entry: Option<usize>,
    ) -> EventOrigin {
        EventOrigin { preset, fetch: Some(job), entry, spawn: Some(spawn), started_at: None }
    }

    pub(in crate::engine) fn for_request(job: usize, entry: Option<usize>) -> EventOrigin {
        EventOrigin { preset: None, fetch: Some(job), entry, spawn: None, started_at: None }
    }
}

/// The values at the end of a run; while it runs, the values that it would end with now.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct RunTotals<'a> {
    pub(in crate::engine) duration: Span,
    /// The value of each shared cell, by name.
    pub(in crate::engine) shared_cells: &'a [(String, i64)],
}

/// Whether an expectation holds while the run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectationStatus {
    /// If the run ended now, it would hold.
    Holds,
    /// If the run ended now, it would be missed; it can still come to hold.
    Open,
    /// It can no longer hold.
    Missed,
}

/// An expectation while the run goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectationProgress {
    /// Its name.
    pub name: String,
    /// Whether it holds.
    pub status: ExpectationStatus,
    /// The condition, for people.
    pub wanted: String,
    /// The value, for people, once the condition can no longer hold.
    pub got: Option<String>,
}

impl ExpectationStatus {
    /// The status of an expectation that would hold or not if the run ended now.
    pub(super) fn new(would_hold: bool, is_missed: bool) -> ExpectationStatus {
        match (is_missed, would_hold) {
            (true, _) => ExpectationStatus::Missed,
            (false, true) => ExpectationStatus::Holds,
            (false, false) => ExpectationStatus::Open,
        }
    }
}
