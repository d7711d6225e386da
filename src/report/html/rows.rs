//! The rows of a table of spawns or requests: all of them while they are few, else those that went
//! wrong, those that did not end, and the longest.

use crate::report::html::lanes::{Bar, State};
use scenario_log::time::Span;

/// How many rows a table has.
pub(super) const ROWS: usize = 300;

/// A source that has ended, or that the log leaves open.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) bar: Bar,
    /// The preset or job.
    pub(super) of: String,
    pub(super) entry: Option<String>,
    pub(super) late: Span,
    pub(super) took: Span,
    /// How it ended.
    pub(super) how: String,
    pub(super) counts: Counts,
}

/// What a source did.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) moves: u64,
    pub(super) steps: u64,
    pub(super) lines: u64,
    /// Of the body.
    pub(super) bytes: u64,
}

/// The rows that are shown, as far as is known.
#[derive(Debug, Default)]
pub(super) struct Rows {
    kept: Vec<Row>,
    pub(super) count: u64,
}

impl Rows {
    /// Takes one more.
    pub(super) fn add(&mut self, row: Row) {
        self.count += 1;
        self.kept.push(row);
        if self.kept.len() >= 2 * ROWS {
            self.cut();
        }
    }

    /// Lets go of all but the worst.
    fn cut(&mut self) {
        let rank = |row: &Row| {
            let badness = match row.bar.state {
                State::Wrong => 0,
                State::Open => 1,
                State::Ok => 2,
            };
            (badness, std::cmp::Reverse(row.took), row.bar.start, row.bar.source)
        };
        self.kept.sort_by_key(rank);
        self.kept.truncate(ROWS);
    }

    /// The rows: in the order of their start if that is all of them, else the worst first.
    pub(super) fn into_rows(mut self) -> Vec<Row> {
        if self.count > ROWS as u64 {
            self.cut();
        } else {
            self.kept.sort_by_key(|row| (row.bar.start, row.bar.source));
        }
        self.kept
    }
}
