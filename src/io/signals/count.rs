//! Counts the signals of one kind that come in two ways. The keys of a terminal and `kill -- -GROUP`
//! reach the runner and its guard, `kill PID` reaches one of them: so there have been as many as the
//! one heard that heard more.
//!
//! Knows no clock: it is told when.

use std::time::Duration;

use super::ONE_SIGNAL;

/// After so long a silence nothing that is still on its way belongs to what was heard before.
const SILENCE: Duration = Duration::from_secs(1);

/// How a signal came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// To this process itself.
    Direct,
    /// To its guard.
    Guard,
}

/// The signals of one kind.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Count {
    heard: [u32; 2],
    last: [Option<Duration>; 2],
}

impl Count {
    /// One came at this time of some clock. Whether it is a new one.
    pub(super) fn came(&mut self, way: Way, now: Duration) -> bool {
        if self.last.iter().flatten().all(|last| now.saturating_sub(*last) > SILENCE) {
            *self = Count::default();
        }
        let way = way as usize;
        if self.last[way].is_some_and(|last| now.saturating_sub(last) < ONE_SIGNAL) {
            return false;
        }
        self.last[way] = Some(now);
        let most = self.heard.into_iter().max();
        self.heard[way] += 1;
        Some(self.heard[way]) > most
    }
}

#[cfg(test)]
mod tests {
    use super::Way::{Direct, Guard};
    use super::*;

    /// Which of these, at so many milliseconds, are new.
    fn new(signals: &[(u64, Way)]) -> Vec<u64> {
        let mut count = Count::default();
        let mut is_new = |at: u64, way| count.came(way, Duration::from_millis(at));
        signals.iter().filter(|(at, way)| is_new(*at, *way)).map(|(at, _)| *at).collect()
    }

    #[test]
    fn a_key_of_the_terminal_is_one_signal_however_late_the_guard_is() {
        assert_eq!(new(&[(0, Direct), (1, Guard)]), [0]);
        assert_eq!(new(&[(0, Guard), (600, Direct)]), [0]);
        assert_eq!(new(&[(0, Direct), (1, Guard), (100, Guard), (101, Direct)]), [0, 100]);
        assert_eq!(new(&[(0, Direct), (100, Direct), (101, Guard), (200, Guard)]), [0, 100]);
    }

    #[test]
    fn each_signal_to_one_of_the_two_counts() {
        assert_eq!(new(&[(0, Guard), (20, Guard), (40, Guard)]), [0, 20, 40]);
        assert_eq!(new(&[(0, Direct), (20, Direct)]), [0, 20]);
        assert_eq!(new(&[(0, Guard), (5_000, Direct)]), [0, 5_000]);
    }

    #[test]
    fn the_two_of_timeout_are_one() {
        // `timeout` sends one to the process, and one to its group.
        assert_eq!(new(&[(0, Guard), (0, Guard), (0, Direct)]), [0]);
        assert_eq!(new(&[(0, Guard), (0, Direct), (1, Guard)]), [0]);
    }
}
