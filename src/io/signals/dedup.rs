//! Counts the signals of one kind that come in by two routes. The keys of a terminal and `kill --
//! -GROUP` reach both the runner and its guard; `kill PID` reaches one of them. So the number of
//! signals is that of the route that received more.
//!
//! It reads no clock: the caller gives the time.

use std::time::Duration;

use super::DUPLICATE_WINDOW;

/// After a silence of this length, a signal that arrives does not belong to the ones before.
const RESET_AFTER: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignalRoute {
    /// To this process itself.
    ToProcess,
    /// To its guard.
    ToGuard,
}

/// The signals of one kind so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SignalDedup {
    counts: [u32; 2],
    last_times: [Option<Duration>; 2],
}

impl SignalDedup {
    /// Records a signal that came at this time of some clock, and gives whether it is a new one.
    pub(super) fn record(&mut self, route: SignalRoute, now: Duration) -> bool {
        if self.last_times.iter().flatten().all(|last| now.saturating_sub(*last) > RESET_AFTER) {
            *self = SignalDedup::default();
        }
        let route = route as usize;
        if self.last_times[route].is_some_and(|last| now.saturating_sub(last) < DUPLICATE_WINDOW) {
            return false;
        }
        self.last_times[route] = Some(now);
        let most = self.counts.into_iter().max();
        self.counts[route] += 1;
        Some(self.counts[route]) > most
    }
}

#[cfg(test)]
mod tests {
    use super::SignalRoute::{ToGuard, ToProcess};
    use super::*;

    /// Gives those of these signals, at times in milliseconds, that are new.
    fn new(signals: &[(u64, SignalRoute)]) -> Vec<u64> {
        let mut count = SignalDedup::default();
        let mut is_new = |at: u64, route| count.record(route, Duration::from_millis(at));
        signals.iter().filter(|(at, route)| is_new(*at, *route)).map(|(at, _)| *at).collect()
    }

    #[test]
    fn a_terminal_key_counts_once_however_late_the_guard_is() {
        assert_eq!(new(&[(0, ToProcess), (1, ToGuard)]), [0]);
        assert_eq!(new(&[(0, ToGuard), (600, ToProcess)]), [0]);
        assert_eq!(new(&[(0, ToProcess), (1, ToGuard), (100, ToGuard), (101, ToProcess)]), [0, 100]);
        assert_eq!(new(&[(0, ToProcess), (100, ToProcess), (101, ToGuard), (200, ToGuard)]), [0, 100]);
    }

    #[test]
    fn each_signal_to_one_of_the_two_counts() {
        assert_eq!(new(&[(0, ToGuard), (20, ToGuard), (40, ToGuard)]), [0, 20, 40]);
        assert_eq!(new(&[(0, ToProcess), (20, ToProcess)]), [0, 20]);
        assert_eq!(new(&[(0, ToGuard), (5_000, ToProcess)]), [0, 5_000]);
    }

    #[test]
    fn both_signals_of_timeout_count_once() {
        // `timeout` sends one to the process, and one to its group.
        assert_eq!(new(&[(0, ToGuard), (0, ToGuard), (0, ToProcess)]), [0]);
        assert_eq!(new(&[(0, ToGuard), (0, ToProcess), (1, ToGuard)]), [0]);
    }
}
