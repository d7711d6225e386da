//! How some figures are spread: few of them exactly, many to three significant figures.

use hdrhistogram::Histogram;

/// Up to so many are kept as they are.
const MAX_EXACT: usize = 256;

/// Figures, of which any number takes little memory.
#[derive(Clone, Debug, Default)]
pub struct Distribution {
    exact_values: Vec<u64>,
    /// All of them, once they are no longer few.
    histogram: Option<Histogram<u64>>,
    /// How many are 0, which is what most are on the virtual clock; the others are above.
    zeros: u64,
    count: u64,
    max: u64,
}

impl Distribution {
    /// Takes one more.
    pub(crate) fn add(&mut self, figure: u64) {
        self.count += 1;
        if figure == 0 {
            self.zeros += 1;
            return;
        }
        self.max = self.max.max(figure);
        if let Some(many) = &mut self.histogram {
            record(many, figure);
        } else if self.exact_values.len() < MAX_EXACT {
            self.exact_values.push(figure);
        } else {
            let many = Histogram::new(3);
            let Ok(mut many) = many else {
                unreachable!("3 significant figures are within what a histogram takes")
            };
            for figure in self.exact_values.drain(..).chain([figure]) {
                record(&mut many, figure);
            }
            self.histogram = Some(many);
        }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The largest, exactly; 0 if there is none.
    #[must_use]
    pub fn max(&self) -> u64 {
        self.max
    }

    /// The smallest figure that so many per thousand are not above.
    #[must_use]
    pub fn value_at_per_mille(&self, per_mille: u64) -> u64 {
        self.value_at_per_million(per_mille * 1_000)
    }

    /// The same for so many per million.
    #[must_use]
    pub fn value_at_per_million(&self, per_million: u64) -> u64 {
        let rank = (u128::from(self.count) * u128::from(per_million)).div_ceil(1_000_000).max(1);
        let rank = u64::try_from(rank).unwrap_or(u64::MAX);
        let Some(rank) = rank.checked_sub(self.zeros).filter(|rank| *rank > 0) else { return 0 };
        self.value_at_rank(rank)
    }

    /// The figure of a rank, from 1, among those that are not 0.
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

    /// The smallest that is not 0; none if there is none.
    #[must_use]
    pub fn min_nonzero(&self) -> Option<u64> {
        (self.count > self.zeros).then(|| self.value_at_rank(1))
    }

    /// How many are above one bound and not above the other, to three significant figures of the
    /// bounds.
    #[must_use]
    pub fn count_between(&self, above: Option<u64>, up_to: u64) -> u64 {
        let zeros = if above.is_none() { self.zeros } else { 0 };
        let is_in = |figure: u64| above.is_none_or(|above| figure > above) && figure <= up_to;
        zeros
            + match &self.histogram {
                Some(many) => many
                    .iter_recorded()
                    .filter(|recorded| is_in(recorded.value_iterated_to().min(self.max)))
                    .map(|recorded| recorded.count_at_value())
                    .sum(),
                None => self.exact_values.iter().filter(|figure| is_in(**figure)).count() as u64,
            }
    }
}

fn record(many: &mut Histogram<u64>, figure: u64) {
    // It grows to hold any value, so it refuses none.
    let recorded = many.record(figure);
    debug_assert!(recorded.is_ok(), "it holds all of u64");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(figures: impl IntoIterator<Item = u64>) -> Distribution {
        let mut distribution = Distribution::default();
        figures.into_iter().for_each(|figure| distribution.add(figure));
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
