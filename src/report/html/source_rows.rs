//! The rows of a table of spawns or requests: all of them while they are few, else those that failed, those
//! that did not end, and the longest.

use crate::report::html::lanes::{BarState, LaneBar};
use scenario_log::time::Span;

/// How many rows a table has at most.
pub(super) const MAX_ROWS: usize = 300;

/// A source that has ended, or that the log leaves open.
#[derive(Clone, Debug)]
pub(super) struct SourceRow {
    pub(super) bar: LaneBar,
    /// The preset or job.
    pub(super) name: String,
    pub(super) entry: Option<String>,
    pub(super) lateness: Span,
    pub(super) took: Span,
    /// How it ended.
    pub(super) end: String,
    pub(super) counts: SourceCounts,
}

/// Counts of what a source did.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SourceCounts {
    pub(super) moves: u64,
    pub(super) steps: u64,
    pub(super) lines: u64,
    /// Bytes of the body.
    pub(super) bytes: u64,
}

/// The rows to be shown, as far as they are known.
#[derive(Debug, Default)]
pub(super) struct SourceRows {
    kept: Vec<SourceRow>,
    pub(super) count: u64,
}

impl SourceRows {
    pub(super) fn add(&mut self, row: SourceRow) {
        self.count += 1;
        self.kept.push(row);
        if self.kept.len() >= 2 * MAX_ROWS {
            self.keep_worst();
        }
    }

    /// Drops all rows but the worst.
    fn keep_worst(&mut self) {
        let rank = |row: &SourceRow| {
            let badness = match row.bar.state {
                BarState::Failed => 0,
                BarState::Open => 1,
                BarState::Ok => 2,
            };
            (badness, std::cmp::Reverse(row.took), row.bar.start, row.bar.source)
        };
        self.kept.sort_by_key(rank);
        self.kept.truncate(MAX_ROWS);
    }

    /// The rows: in the order of their start if these are all, else the worst first.
    pub(super) fn into_rows(mut self) -> Vec<SourceRow> {
        if self.count > MAX_ROWS as u64 {
            self.keep_worst();
        } else {
            self.kept.sort_by_key(|row| (row.bar.start, row.bar.source));
        }
        self.kept
    }
}
