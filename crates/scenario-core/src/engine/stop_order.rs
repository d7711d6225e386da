//! The order in which programs are stopped at the end of a run: those that waited for others go first, and have
//! ended before the others are asked to end.
//!
//! Of the entries between two programs only the way counts: a program whose entry comes after a mark that comes
//! after a database waited for that database.

use std::collections::{BTreeMap, BTreeSet};

/// The programs that run at the end, by their entries, and the entries that must be over before each.
#[derive(Clone, Debug, Default)]
pub(crate) struct StopOrder {
    /// The programs of each entry that have not ended.
    running: BTreeMap<usize, BTreeSet<u32>>,
    /// The entries whose programs must end before those of the entry.
    blockers: BTreeMap<usize, BTreeSet<usize>>,
}

impl StopOrder {
    /// The order of these programs, each with its entry; `awaited` returns the entries that an entry waits for,
    /// which never lead back to it.
    pub(crate) fn new(
        programs: impl Iterator<Item = (u32, Option<usize>)>,
        awaited: impl Fn(usize) -> Vec<usize>,
    ) -> StopOrder {
        let mut order = StopOrder::default();
        for (number, entry) in programs {
            if let Some(entry) = entry {
                order.running.entry(entry).or_default().insert(number);
            }
        }
        for entry in order.running.keys() {
            // The ways that lead on from another program are its own.
            let mut open = awaited(*entry);
            let mut seen = BTreeSet::new();
            while let Some(before) = open.pop() {
                if !seen.insert(before) {
                    continue;
                }
                if order.running.contains_key(&before) {
                    order.blockers.entry(before).or_default().insert(*entry);
                } else {
                    open.extend(awaited(before));
                }
            }
        }
        order
    }

    /// Whether no program must wait for another.
    pub(crate) fn is_empty(&self) -> bool {
        self.blockers.is_empty()
    }

    /// Whether the programs of an entry must wait for others.
    pub(crate) fn is_blocked(&self, entry: Option<usize>) -> bool {
        entry.is_some_and(|entry| self.blockers.contains_key(&entry))
    }

    /// Notes that a program has ended; returns those that need wait no longer, by their numbers.
    pub(crate) fn record_end(&mut self, number: u32, entry: Option<usize>) -> Vec<u32> {
        let Some(entry) = entry else { return Vec::new() };
        let Some(programs) = self.running.get_mut(&entry) else { return Vec::new() };
        programs.remove(&number);
        if !programs.is_empty() {
            return Vec::new();
        }
        self.running.remove(&entry);
        let mut free = Vec::new();
        self.blockers.retain(|blocked, by| {
            if by.remove(&entry) && by.is_empty() {
                free.push(*blocked);
            }
            !by.is_empty()
        });
        let programs = free.iter().filter_map(|entry| self.running.get(entry));
        let mut numbers: Vec<u32> = programs.flatten().copied().collect();
        numbers.sort_unstable();
        numbers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entry 2 waits for 1, and 1 for 0; entry 3 waits for 0 by the mark 4.
    fn order(programs: &[(u32, Option<usize>)]) -> StopOrder {
        let awaited = |entry: usize| match entry {
            2 => vec![1],
            1 | 4 => vec![0],
            3 => vec![4],
            _ => Vec::new(),
        };
        StopOrder::new(programs.iter().copied(), awaited)
    }

    #[test]
    fn what_waited_for_others_goes_first() {
        let mut order = order(&[(1, Some(0)), (2, Some(1)), (3, Some(2)), (4, Some(3)), (5, None)]);
        let blocked: Vec<usize> = (0..5).filter(|entry| order.is_blocked(Some(*entry))).collect();
        assert_eq!(blocked, [0, 1]);
        assert!(!order.is_blocked(None));
        assert!(order.record_end(5, None).is_empty());
        assert_eq!(order.record_end(3, Some(2)), [2]);
        assert!(order.record_end(4, Some(3)).is_empty());
        assert_eq!(order.record_end(2, Some(1)), [1]);
        assert!(order.is_empty());
    }

    #[test]
    fn all_programs_of_an_entry_must_end() {
        let mut order = order(&[(1, Some(0)), (2, Some(2)), (3, Some(2))]);
        assert!(order.record_end(2, Some(2)).is_empty());
        assert_eq!(order.record_end(3, Some(2)), [1]);
    }

    #[test]
    fn programs_without_a_relation_have_no_order() {
        assert!(order(&[(1, Some(2)), (2, Some(3)), (3, None)]).is_empty());
    }
}
