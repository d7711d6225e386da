//! The distribution of values: few are kept exactly, many to three significant figures.

use hdrhistogram::Histogram;

/// How many values are kept exactly.
const MAX_EXACT: usize = 256;

/// Values; any number of them takes little memory.
#[derive(Clone, Debug, Default)]
pub struct Distribution {
    exact_values: Vec<u64>,
    /// All values, once they are no longer few.
    histogram: Option<Histogram<u64>>,
    /// How many values are 0, as most are on the virtual clock; the fields above have the others.
    zeros: u64,
    count: u64,
    max: u64,
}

impl Distribution {
    pub(crate) fn add(&mut self, value: u64) {
        self.count += 1;
        if value == 0 {
            self.zeros += 1;
            return;
        }
        self.max = self.max.max(value);
        if let Some(many) = &mut self.histogram {
            record(many, value);
        } else if self.exact_values.len() < MAX_EXACT {
            self.exact_values.push(value);
        } else {
            let many = Histogram::new(3);
            let Ok(mut many) = many else {
                unreachable!("3 significant values are within what a histogram takes")
            };
            for value in self.exact_values.drain(..).chain([value]) {
                record(&mut many, value);
            }
            self.histogram = Some(many);
        }
    }

    /// How many values there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The largest value, exactly; 0 if there is none.
    #[must_use]
    pub fn max(&self) -> u64 {
        self.max
    }

    /// The smallest value that at least this many of a thousand values do not exceed.
    #[must_use]
    pub fn value_at_per_mille(&self, per_mille: u64) -> u64 {
        self.value_at_per_million(per_mille * 1_000)
    }

    /// The same for this many of a million.
    #[must_use]
    pub fn value_at_per_million(&self, per_million: u64) -> u64 {
        let rank = (u128::from(self.count) * u128::from(per_million)).div_ceil(1_000_000).max(1);
        let rank = u64::try_from(rank).unwrap_or(u64::MAX);
        let Some(rank) = rank.checked_sub(self.zeros).filter(|rank| *rank > 0) else { return 0 };
        self.value_at_rank(rank)
    }

    /// The value of a rank, counted from 1, among those that are not 0.
    fn value_at_rank(&self, rank: u64) -> u64 {
        if let Some(many) = &self.histogram {
            let mut below = 0;
            for recorded in many.iter_recorded() {
                below += recorded.count_at_value();
                if below >= rank {
                    return recorded.value_iterated_to().min(self.max);
                }
            }
            return self.max;
        }
        let mut few = self.exact_values.clone();
        few.sort_unstable();
        let index = usize::try_from(rank - 1).unwrap_or(usize::MAX);
        few.get(index).copied().unwrap_or(self.max)
    }

    /// The smallest value that is not 0.
    #[must_use]
    pub fn min_nonzero(&self) -> Option<u64> {
        (self.count > self.zeros).then(|| self.value_at_rank(1))
    }

    /// How many values are greater than `above` and at most `up_to`, with the bounds taken to three
    /// significant figures.
    #[must_use]
    pub fn count_between(&self, above: Option<u64>, up_to: u64) -> u64 {
        let zeros = if above.is_none() { self.zeros } else { 0 };
        let is_in = |value: u64| above.is_none_or(|above| value > above) && value <= up_to;
        zeros
            + match &self.histogram {
                Some(many) => many
                    .iter_recorded()
                    .filter(|recorded| is_in(recorded.value_iterated_to().min(self.max)))
                    .map(|recorded| recorded.count_at_value())
                    .sum(),
                None => self.exact_values.iter().filter(|value| is_in(**value)).count() as u64,
            }
    }
}

fn record(many: &mut Histogram<u64>, value: u64) {
    // The histogram grows to hold any value, so it refuses none.
    let recorded = many.record(value);
    debug_assert!(recorded.is_ok(), "it holds all of u64");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl IntoIterator<Item = u64>) -> Distribution {
        let mut distribution = Distribution::default();
        values.into_iter().for_each(|value| distribution.add(value));
        distribution
    }

    #[test]
    fn few_are_exact() {
        let few = of([1_000_001, 3_000_003, 2_000_002]);
        assert_eq!(
            (few.value_at_per_mille(500), few.value_at_per_mille(990), few.max()),
            (2_000_002, 3_000_003, 3_000_003)
        );
        assert_eq!(of([]).value_at_per_mille(500), 0);
        assert_eq!(of([0, 0, 0, 7]).value_at_per_mille(750), 0);
        assert_eq!(of([0, 0, 0, 7]).value_at_per_mille(751), 7);
    }

    #[test]
    fn many_are_right_to_three_figures() {
        let many = of((1..=10_000).map(|n| n * 1_001));
        for (per_mille, wanted) in [(500, 5_005_000u64), (900, 9_009_000), (990, 9_909_900)] {
            let got = many.value_at_per_mille(per_mille);
            assert!(got.abs_diff(wanted) * 1_000 <= wanted, "{got} for {wanted}");
        }
        assert_eq!(many.max(), 10_010_000, "exactly");
        assert_eq!(of((0..1_000).map(|n| u64::MAX - n)).max(), u64::MAX);
        let split = 5_000_000;
        assert_eq!(many.count_between(None, split) + many.count_between(Some(split), u64::MAX), 10_000);
    }
}
