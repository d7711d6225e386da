//! Counts of events in each second of the run.

use std::collections::BTreeMap;

/// The counts of one second.
#[derive(Debug, Default)]
pub(super) struct PerSecondCounts {
    second: u64,
    counts: BTreeMap<&'static str, u64>,
}

impl PerSecondCounts {
    pub(super) fn add(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// Goes on to a second; returns the counts of the seconds before it, where they change.
    pub(super) fn advance_to(&mut self, second: u64) -> Vec<(u64, &'static str, u64)> {
        let done = self.second;
        if second == done {
            return Vec::new();
        }
        self.second = second;
        let mut changes = Vec::new();
        for (what, count) in &mut self.counts {
            changes.push((done, *what, std::mem::take(count)));
            // Nothing happened in the seconds between.
            if second > done + 1 {
                changes.push((done + 1, *what, 0));
            }
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_has_no_count() {
        let mut rates = PerSecondCounts::default();
        rates.add("a");
        rates.add("a");
        assert_eq!(rates.advance_to(0), []);
        assert_eq!(rates.advance_to(1), [(0, "a", 2)]);
        rates.add("a");
        assert_eq!(rates.advance_to(9), [(1, "a", 1), (2, "a", 0)]);
    }
}
