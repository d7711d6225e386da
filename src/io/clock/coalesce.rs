//! Delays wakes where moments come thick, so that one wake serves several of them.
//!
//! A wake costs 20 to 30 µs of processor time, an event a tenth of that. So when moments are closer
//! than [`DENSE_GAP`] on average, a wait goes on until a quantum after the last wake, and everything
//! that is due by then happens together. The quantum is 200 µs, and grows up to a millisecond as the
//! moments come closer. The waits themselves show how close they are: the average span from a wake to
//! the next moment that is waited for equals the average span between moments, whether some of them
//! were gathered or not.
//!
//! It reads no clock and sets no timer. All times are the machine's, in nanoseconds.

/// Moments are gathered when the average gap between them is below this, in nanoseconds.
const DENSE_GAP: u64 = 200_000;

/// The shortest and the longest quantum, in nanoseconds.
const QUANTUM_RANGE: (u64, u64) = (200_000, 1_000_000);

/// Quantum times average gap, in square nanoseconds: a millisecond at 100,000 moments a second, and
/// the shortest quantum up to 20,000 moments a second.
const QUANTUM_BY_GAP: u64 = 1_000_000 * 10_000;

/// The longest gap that is counted, in nanoseconds. A longer one would change nothing, and with this
/// bound a pause is noticed soon.
const MAX_GAP: u64 = 1_000_000;

/// One gap counts for one part in this many of the average.
const AVERAGE_WINDOW: u64 = 32;

/// How close moments have come recently.
#[derive(Clone, Copy, Debug)]
pub(super) struct WakeCoalescer {
    /// The last wake for a moment that was waited for.
    last_wake: u64,
    /// The average span from a wake to the next moment.
    average_gap: u64,
}

impl WakeCoalescer {
    pub(super) fn new(now: u64) -> WakeCoalescer {
        WakeCoalescer { last_wake: now, average_gap: MAX_GAP }
    }

    /// When to wake for a moment that is due at `due`.
    pub(super) fn wake_time(self, due: u64) -> u64 {
        if self.average_gap >= DENSE_GAP {
            return due;
        }
        let quantum = (QUANTUM_BY_GAP / self.average_gap.max(1)).clamp(QUANTUM_RANGE.0, QUANTUM_RANGE.1);
        due.max(self.last_wake.saturating_add(quantum))
    }

    /// Records a wake for a moment that was due at `due`.
    pub(super) fn record_wake(&mut self, due: u64, now: u64) {
        let gap = due.saturating_sub(self.last_wake).min(MAX_GAP);
        self.average_gap = (self.average_gap * (AVERAGE_WINDOW - 1) + gap) / AVERAGE_WINDOW;
        self.last_wake = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantum_grows_with_the_rate() {
        let quantum = |gap| WakeCoalescer { last_wake: 0, average_gap: gap }.wake_time(1);
        assert_eq!([quantum(1_000_000), quantum(200_000)], [1, 1]);
        assert_eq!([quantum(199_999), quantum(50_000)], [200_000, 200_000]);
        assert_eq!([quantum(20_000), quantum(10_000), quantum(0)], [500_000, 1_000_000, 1_000_000]);
    }
}
