//! Counts of events over the run's time, in bounded memory.

use scenario_log::time::Moment;

/// How many parts the time is divided into by default. Whenever it needs more, the parts become twice as
/// long.
const DEFAULT_MAX_BUCKETS: usize = 1 << 14;

/// Counts over time.
#[derive(Clone, Debug)]
pub struct TimeSeries {
    counts: Vec<u32>,
    /// The length of a part is 2 to this power, in nanoseconds.
    bucket_power: u32,
    /// How many parts there may be.
    max_buckets: usize,
}

impl Default for TimeSeries {
    fn default() -> TimeSeries {
        TimeSeries::with_max_buckets(DEFAULT_MAX_BUCKETS)
    }
}

impl TimeSeries {
    /// Counts in at most this many parts of time, at least 1.
    pub(crate) fn with_max_buckets(parts: usize) -> TimeSeries {
        // About a microsecond at first.
        TimeSeries { counts: Vec::new(), bucket_power: 10, max_buckets: parts }
    }

    /// Counts an event at this moment.
    pub(crate) fn add(&mut self, t: Moment) {
        loop {
            let part = usize::try_from(t.0 >> self.bucket_power).unwrap_or(usize::MAX);
            if part < self.max_buckets {
                if part >= self.counts.len() {
                    self.counts.resize(part + 1, 0);
                }
                self.counts[part] = self.counts[part].saturating_add(1);
                return;
            }
            self.merge_buckets();
        }
    }

    /// Merges every two parts into one.
    fn merge_buckets(&mut self) {
        let halved =
            self.counts.chunks(2).map(|pair| pair.iter().fold(0, |sum: u32, n| sum.saturating_add(*n)));
        self.counts = halved.collect();
        self.bucket_power += 1;
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// The counts of this many columns that divide the time up to `end`.
    #[must_use]
    pub fn columns(&self, end: Moment, columns: usize) -> Vec<u64> {
        let mut out = vec![0; columns];
        for (part, count) in self.counts.iter().enumerate() {
            // The middle of a part decides its column, so that parts are spread evenly.
            let middle =
                (((part as u128) << self.bucket_power) + (1 << self.bucket_power) / 2).min(u128::from(end.0));
            let column = middle * columns as u128 / u128::from(end.0.max(1));
            let column = usize::try_from(column).unwrap_or(usize::MAX).min(columns - 1);
            out[column] += u64::from(*count);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenario_log::time::NANOS_PER_SECOND;

    #[test]
    fn nothing_is_lost_however_long_it_takes() {
        let mut series = TimeSeries::default();
        for n in 0..10_000u64 {
            series.add(Moment(n * NANOS_PER_SECOND));
        }
        assert!(series.counts.len() <= DEFAULT_MAX_BUCKETS);
        let end = Moment(10_000 * NANOS_PER_SECOND);
        let columns = series.columns(end, 50);
        assert_eq!(columns.iter().sum::<u64>(), 10_000);
        assert!(columns.iter().all(|count| (196..=204).contains(count)), "{columns:?}");
        series.add(Moment(u64::MAX));
        assert_eq!(series.columns(Moment(u64::MAX), 2), [10_000, 1]);
    }

    #[test]
    fn a_run_that_takes_no_time_has_one_column() {
        let mut series = TimeSeries::default();
        series.add(Moment::ZERO);
        assert_eq!(series.columns(Moment::ZERO, 3).iter().sum::<u64>(), 1);
    }
}
