//! A set of numbers that may say that it has a number which it does not have, but never the other way.

/// How many bits there are for each number, at least.
const BITS_PER_NUMBER: usize = 16;

/// The smallest filter, in words of 64 bits.
const MIN_WORDS: usize = 64;

/// The filter: one bit for the hash of each number.
#[derive(Clone, Default)]
pub(super) struct BitFilter {
    /// Empty, or a power of two of words.
    words: Vec<u64>,
    count: usize,
}

impl BitFilter {
    /// Adds a number. If the filter has to grow, it needs `all` numbers again.
    pub(super) fn add<I: Iterator<Item = u64>>(&mut self, number: u64, all: impl FnOnce() -> I) {
        self.count += 1;
        if self.count * BITS_PER_NUMBER > self.words.len() * 64 {
            self.words = vec![0; (2 * self.words.len()).max(MIN_WORDS)];
            all().for_each(|number| self.set(number));
        }
        self.set(number);
    }

    /// Whether it may have the number.
    pub(super) fn may_have(&self, number: u64) -> bool {
        if self.words.is_empty() {
            return false;
        }
        let bit = self.bit(number);
        self.words[bit / 64] >> (bit % 64) & 1 == 1
    }

    fn set(&mut self, number: u64) {
        let bit = self.bit(number);
        self.words[bit / 64] |= 1 << (bit % 64);
    }

    /// The bit of a number; there must be words.
    fn bit(&self, number: u64) -> usize {
        let bits = (self.words.len() * 64).trailing_zeros();
        // The multiplier is that of Fibonacci hashing: 2^64 divided by the golden ratio.
        (number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - bits)) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_what_was_added() {
        let mut filter = BitFilter::default();
        assert!(!filter.may_have(0));
        for number in 0..10_000 {
            filter.add(number * 7, || (0..number).map(|number| number * 7));
        }
        assert!((0..10_000).all(|number| filter.may_have(number * 7)));
        let wrong = (100_000..200_000).filter(|number| filter.may_have(*number)).count();
        assert!(wrong < 20_000, "most others are told apart: {wrong}");
    }
}
