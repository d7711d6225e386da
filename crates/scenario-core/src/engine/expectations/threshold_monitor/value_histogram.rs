//! The values of a percentile, as far as people see it. The fine form has three significant digits and takes up
//! to half a megabyte; the coarse form has fewer, and takes memory only for the values that came.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

/// The bits of a value that the coarse form keeps.
const COARSE_BITS: u32 = 8;

/// Counts values by their size.
#[derive(Clone, Debug)]
pub(super) enum ValueHistogram {
    Fine(Histogram<u64>),
    /// The number of values by the index of their bucket.
    Coarse(BTreeMap<u16, u32>),
}

impl ValueHistogram {
    pub(super) fn fine() -> ValueHistogram {
        let values = Histogram::new(3);
        let Ok(values) = values else { unreachable!("a histogram takes 3 significant digits") };
        ValueHistogram::Fine(values)
    }

    pub(super) fn coarse() -> ValueHistogram {
        ValueHistogram::Coarse(BTreeMap::new())
    }

    pub(super) fn record(&mut self, value: u64) {
        match self {
            // The histogram grows to hold any value, so it refuses none.
            ValueHistogram::Fine(values) => drop(values.record(value)),
            ValueHistogram::Coarse(buckets) => {
                let count = buckets.entry(bucket_of(value)).or_default();
                *count = count.saturating_add(1);
            }
        }
    }

    /// A number near the value at this part of all values, which has this rank.
    pub(super) fn value_at(&self, quantile: f64, rank: u128) -> u64 {
        match self {
            ValueHistogram::Fine(values) => {
                round_to_digits(values.median_equivalent(values.value_at_quantile(quantile)), 4)
            }
            ValueHistogram::Coarse(buckets) => {
                let mut seen = 0;
                let found = buckets.iter().find(|(_, count)| {
                    seen += u128::from(**count);
                    seen >= rank
                });
                let last = found.or(buckets.last_key_value());
                round_to_digits(last.map_or(0, |(bucket, _)| middle_of(*bucket)), 3)
            }
        }
    }

    pub(super) fn clear(&mut self) {
        match self {
            ValueHistogram::Fine(values) => values.reset(),
            ValueHistogram::Coarse(buckets) => buckets.clear(),
        }
    }
}

/// The bucket of a value: the value itself if it is small, else its first bits and how many follow.
fn bucket_of(value: u64) -> u16 {
    let dropped = (u64::BITS - value.leading_zeros()).saturating_sub(COARSE_BITS);
    let first_bits = value >> dropped;
    let half = 1 << (COARSE_BITS - 1);
    // Without dropped bits every value has its own bucket; with them, the first bit is always set.
    u16::try_from(u64::from(dropped) * half + first_bits).unwrap_or(u16::MAX)
}

/// The middle of a bucket.
fn middle_of(bucket: u16) -> u64 {
    let half = 1_u64 << (COARSE_BITS - 1);
    let bucket = u64::from(bucket);
    let dropped = (bucket / half).saturating_sub(1);
    let first_bits = bucket - dropped * half;
    (first_bits << dropped) + ((1 << dropped) >> 1)
}

/// Rounds a number to so many digits.
fn round_to_digits(value: u64, digits: u32) -> u64 {
    let unit = 10u64.pow((value.checked_ilog10().unwrap_or(0) + 1).saturating_sub(digits));
    value.saturating_add(unit / 2) / unit * unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_near_its_values() {
        let edges = (0..64).flat_map(|bit| [(1_u64 << bit) - 1, 1 << bit, (1 << bit) + 1, 3 << bit >> 1]);
        for value in edges.chain([u64::MAX]) {
            let middle = middle_of(bucket_of(value)) as f64;
            assert!((middle - value as f64).abs() <= value as f64 / 256.0, "{value}: {middle}");
        }
        let buckets: Vec<u16> = (0..100_000).map(bucket_of).collect();
        assert!(buckets.is_sorted());
    }

    #[test]
    fn a_number_is_rounded_to_its_digits() {
        assert_eq!(round_to_digits(1_912_499, 4), 1_912_000);
        assert_eq!(round_to_digits(1_915_000, 3), 1_920_000);
        assert_eq!([0, 7, 999].map(|small| round_to_digits(small, 3)), [0, 7, 999]);
    }
}
