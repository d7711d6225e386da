//! When to wake where moments come thick.
//!
//! A wake costs 20 to 30 µs of processor, an event a tenth of one. So when moments come closer than
//! [`DENSE`] on the average, a wait goes on until a quantum after the last one, for what is due by
//! then to happen together: 200 µs, and more the closer they come, up to a millisecond. How close they
//! are is told by the waits themselves: from one wake to the next moment that somebody wants to be
//! woken for is, on the average, as long as from one moment to the next, whether some were gathered
//! between or not.
//!
//! It reads no clock and sets no timer; all its times are the machine's, in nanoseconds.

/// Moments that are less than this apart on the average are gathered, in nanoseconds.
const DENSE_GAP: u64 = 200_000;

/// The shortest and the longest quantum, in nanoseconds.
const QUANTUM_RANGE: (u64, u64) = (200_000, 1_000_000);

/// Quantum times average gap, in square nanoseconds: a millisecond at 100,000 moments a second, the
/// shortest quantum up to 20,000.
const QUANTUM_BY_GAP: u64 = 1_000_000 * 10_000;

/// The longest gap that is counted: so much sparser makes no difference, and a pause is soon
/// noticed.
const MAX_GAP: u64 = 1_000_000;

/// What one gap weighs in the average is one part in this.
const AVERAGE_WINDOW: u64 = 32;

/// How close moments come of late; in the machine's nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct WakeCoalescer {
    /// When it last was a moment somebody had waited for.
    last_wake: u64,
    /// From a wake to the next moment, on the average.
    average_gap: u64,
}

impl WakeCoalescer {
    /// Nothing has come yet.
    pub(super) fn new(now: u64) -> WakeCoalescer {
        WakeCoalescer { last_wake: now, average_gap: MAX_GAP }
    }

    /// When to wake for something that is due at `due`.
    pub(super) fn wake_time(self, due: u64) -> u64 {
        if self.average_gap >= DENSE_GAP {
            return due;
        }
        let quantum = (QUANTUM_BY_GAP / self.average_gap.max(1)).clamp(QUANTUM_RANGE.0, QUANTUM_RANGE.1);
        due.max(self.last_wake.saturating_add(quantum))
    }

    /// Takes note of a wake for something that was due at `due`.
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
