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
const DENSE: u64 = 200_000;

/// The shortest and the longest quantum, in nanoseconds.
const QUANTUM: (u64, u64) = (200_000, 1_000_000);

/// Quantum times average gap, in square nanoseconds: a millisecond at 100,000 moments a second, the
/// shortest quantum up to 20,000.
const QUANTUM_BY_GAP: u64 = 1_000_000 * 10_000;

/// The longest gap that is counted: so much sparser makes no difference, and a pause is soon
/// noticed.
const SPARSE: u64 = 1_000_000;

/// What one gap weighs in the average is one part in this.
const MEMORY: u64 = 32;

/// How close moments come of late; in the machine's nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// When it last was a moment somebody had waited for.
    last: u64,
    /// From a wake to the next moment, on the average.
    gap: u64,
}

impl Pace {
    /// Nothing has come yet.
    pub(super) fn starting(now: u64) -> Pace {
        Pace { last: now, gap: SPARSE }
    }

    /// When to wake for something that is due at `due`.
    pub(super) fn wake(self, due: u64) -> u64 {
        if self.gap >= DENSE {
            return due;
        }
        let quantum = (QUANTUM_BY_GAP / self.gap.max(1)).clamp(QUANTUM.0, QUANTUM.1);
        due.max(self.last.saturating_add(quantum))
    }

    /// Takes note of a wake for something that was due at `due`.
    pub(super) fn woken(&mut self, due: u64, now: u64) {
        let gap = due.saturating_sub(self.last).min(SPARSE);
        self.gap = (self.gap * (MEMORY - 1) + gap) / MEMORY;
        self.last = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantum_grows_with_the_rate() {
        let quantum = |gap| Pace { last: 0, gap }.wake(1);
        assert_eq!([quantum(1_000_000), quantum(200_000)], [1, 1]);
        assert_eq!([quantum(199_999), quantum(50_000)], [200_000, 200_000]);
        assert_eq!([quantum(20_000), quantum(10_000), quantum(0)], [500_000, 1_000_000, 1_000_000]);
    }
}
