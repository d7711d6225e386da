//! Monitors a statistic of many values, which is computed as the values come, in constant memory, and
//! compared to a limit.
//!
//! # How it works
//!
//! Only the statistic itself is kept. A percentile needs more: whether it is below, at or above its limit is
//! exact too, since that depends only on how many values are below and at the limit, and these are counted.
//! The value that people see comes from a histogram with three significant digits, and is never on the other
//! side of the limit.

mod value_histogram;

use std::cmp::Ordering;

use value_histogram::ValueHistogram;

use crate::scenario::model::expect::{LimitComparison, LimitValue, StatThreshold, Statistic};
use scenario_log::time::{NANOS_PER_SECOND, Span};

/// 100 per cent, in thousandths of a per cent.
const FULL_PERCENTILE: u128 = 100_000;

/// A measured value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum MeasuredValue {
    /// An exact value, in the unit of the limit.
    Exact(u64),
    /// A value from a histogram, in the unit of the limit.
    Approximate(u64),
    /// A mean: the sum and the number of the values.
    Mean(u128, u64),
    /// A sum that is larger than any single value can be.
    LargeSum(u128),
    /// A rate per second.
    Rate(f64),
    /// The value of a cell.
    Cell(i64),
    /// So many of so many.
    Share(u64, u64),
}

impl MeasuredValue {
    /// The value as a number that is near it.
    fn as_f64(self) -> f64 {
        match self {
            MeasuredValue::Exact(value) | MeasuredValue::Approximate(value) => value as f64,
            MeasuredValue::Mean(sum, count) => sum as f64 / count as f64,
            MeasuredValue::LargeSum(sum) => sum as f64,
            MeasuredValue::Rate(rate) => rate,
            MeasuredValue::Cell(value) => value as f64,
            MeasuredValue::Share(part, whole) => part as f64 / whole as f64,
        }
    }
}

/// The statistic of the values so far.
#[derive(Clone, Debug)]
pub(super) struct ThresholdMonitor {
    threshold: StatThreshold,
    /// The limit as a number; without meaning for a rate, a share or a cell.
    limit: u64,
    count: u64,
    sum: u128,
    /// The value that is furthest on the wrong side of the limit, or the statistic itself; with its `seq`.
    extreme: Option<(u64, u64)>,
    /// The `seq` of the last value that could change the result.
    last_seq: Option<u64>,
    decided: Option<bool>,
    ranks: Option<Box<PercentileRanks>>,
}

/// The numbers of values below and at the limit, and a histogram of all values.
#[derive(Clone, Debug)]
struct PercentileRanks {
    below: u64,
    equal: u64,
    values: ValueHistogram,
}

impl ThresholdMonitor {
    /// A monitor of all values of a run.
    pub(super) fn new(figure: StatThreshold) -> ThresholdMonitor {
        ThresholdMonitor::with_values(figure, ValueHistogram::fine)
    }

    /// One of many monitors, which takes less memory and shows a percentile with fewer digits.
    pub(super) fn small(figure: StatThreshold) -> ThresholdMonitor {
        ThresholdMonitor::with_values(figure, ValueHistogram::coarse)
    }

    fn with_values(figure: StatThreshold, values: fn() -> ValueHistogram) -> ThresholdMonitor {
        let limit = match figure.limit {
            LimitValue::Count(limit) | LimitValue::Bytes(limit) | LimitValue::Span(Span(limit)) => limit,
            LimitValue::Rate(_) | LimitValue::Value(_) | LimitValue::Share(_) => 0,
        };
        let ranks = matches!(figure.stat, Statistic::Percentile(_))
            .then(|| Box::new(PercentileRanks { below: 0, equal: 0, values: values() }));
        ThresholdMonitor {
            threshold: figure,
            limit,
            count: 0,
            sum: 0,
            extreme: None,
            last_seq: None,
            decided: None,
            ranks,
        }
    }

    /// Takes the next value, from the event with this `seq`. Returns whether the comparison holds, if this
    /// value has settled it for good.
    #[inline]
    pub(super) fn record(&mut self, value: u64, seq: u64) -> Option<bool> {
        self.count += 1;
        match self.threshold.stat {
            Statistic::Count | Statistic::Rate => {}
            // The value is 1 for an event that is part of the share.
            Statistic::Share => self.sum += u128::from(value),
            _ => self.record_value(value, seq),
        }
        if self.decided.is_none() {
            self.last_seq = Some(seq);
            self.decided = self.early_verdict();
            return self.decided;
        }
        None
    }

    fn record_value(&mut self, value: u64, seq: u64) {
        self.sum += u128::from(value);
        let wants_greatest = match self.threshold.stat {
            Statistic::Min => false,
            Statistic::Max | Statistic::Value | Statistic::Sum => true,
            _ => !matches!(self.threshold.comparison, LimitComparison::AtLeast | LimitComparison::Above),
        };
        let is_further = |(furthest, _): (u64, u64)| {
            if wants_greatest { value > furthest } else { value < furthest }
        };
        if self.extreme.is_none_or(is_further) {
            self.extreme = Some((value, seq));
        }
        if let Some(ranks) = &mut self.ranks {
            match value.cmp(&self.limit) {
                Ordering::Less => ranks.below += 1,
                Ordering::Equal => ranks.equal += 1,
                Ordering::Greater => {}
            }
            ranks.values.record(value);
        }
    }

    /// Whether the comparison holds, if no later value can change that: the statistic only grows, or only
    /// shrinks, and is past its limit already.
    fn early_verdict(&self) -> Option<bool> {
        let holds = self.threshold.comparison;
        let so_far = match self.threshold.stat {
            Statistic::Count => self.count.cmp(&self.limit),
            Statistic::Sum => self.sum.cmp(&u128::from(self.limit)),
            Statistic::Max | Statistic::Value => self.extreme?.0.cmp(&self.limit),
            Statistic::Min => self.extreme?.0.cmp(&self.limit).reverse(),
            Statistic::Rate | Statistic::Mean | Statistic::Share | Statistic::Percentile(_) => return None,
        };
        // A minimum shrinks, so everything is the other way round.
        let holds = if self.threshold.stat == Statistic::Min { mirrored(holds) } else { holds };
        match (holds, so_far) {
            (LimitComparison::Below, Ordering::Equal | Ordering::Greater)
            | (LimitComparison::AtMost | LimitComparison::Equals, Ordering::Greater) => Some(false),
            (LimitComparison::AtLeast, Ordering::Equal | Ordering::Greater)
            | (LimitComparison::Above, Ordering::Greater) => Some(true),
            _ => None,
        }
    }

    /// Whether the comparison holds, and the statistic; `None` if there was nothing to measure. `lasted` is
    /// the duration of the run.
    pub(super) fn judge(&self, lasted: Span) -> Option<(bool, MeasuredValue)> {
        let limit = self.limit;
        let (ordering, got) = match self.threshold.stat {
            Statistic::Count => (self.count.cmp(&limit), MeasuredValue::Exact(self.count)),
            Statistic::Value => (lasted.0.cmp(&limit), MeasuredValue::Exact(lasted.0)),
            Statistic::Rate => return self.judge_rate(lasted),
            _ if self.count == 0 => return None,
            Statistic::Share => {
                let LimitValue::Share(limit) = self.threshold.limit else { return None };
                let part = u64::try_from(self.sum).unwrap_or(self.count);
                (limit.compare(part, self.count), MeasuredValue::Share(part, self.count))
            }
            Statistic::Sum => {
                let got =
                    u64::try_from(self.sum).map_or(MeasuredValue::LargeSum(self.sum), MeasuredValue::Exact);
                (self.sum.cmp(&u128::from(limit)), got)
            }
            Statistic::Mean => {
                let total = u128::from(limit) * u128::from(self.count);
                (self.sum.cmp(&total), MeasuredValue::Mean(self.sum, self.count))
            }
            Statistic::Min | Statistic::Max => {
                let (value, _) = self.extreme?;
                (value.cmp(&limit), MeasuredValue::Exact(value))
            }
            Statistic::Percentile(thousandths) => {
                self.ranks.as_ref()?.judge_percentile(thousandths, self.count, limit)
            }
        };
        Some((self.threshold.comparison.holds(ordering), got))
    }

    /// Compares the value of a cell to this limit.
    pub(super) fn judge_cell(
        &self,
        cell: &str,
        limit: i64,
        shared: &[(String, i64)],
    ) -> Option<(bool, MeasuredValue)> {
        let (_, value) = shared.iter().find(|(name, _)| name == cell)?;
        Some((self.threshold.comparison.holds(value.cmp(&limit)), MeasuredValue::Cell(*value)))
    }

    /// Compares the rate; a run that took no time has none.
    fn judge_rate(&self, lasted: Span) -> Option<(bool, MeasuredValue)> {
        let LimitValue::Rate(limit) = self.threshold.limit else { return None };
        let rate = self.rate(lasted)?;
        let ordering = rate.partial_cmp(&limit)?;
        Some((self.threshold.comparison.holds(ordering), MeasuredValue::Rate(rate)))
    }

    fn rate(&self, lasted: Span) -> Option<f64> {
        let count = (u128::from(self.count) * u128::from(NANOS_PER_SECOND)) as f64;
        (lasted != Span::ZERO).then(|| count / lasted.0 as f64)
    }

    /// Forgets all values.
    pub(super) fn reset(&mut self) {
        (self.count, self.sum, self.extreme, self.last_seq, self.decided) = (0, 0, None, None, None);
        if let Some(ranks) = &mut self.ranks {
            (ranks.below, ranks.equal) = (0, 0);
            ranks.values.clear();
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether the statistic is a total: of no values it is 0, or it grows with the time.
    pub(super) fn is_total(&self) -> bool {
        matches!(self.threshold.stat, Statistic::Count | Statistic::Rate | Statistic::Sum)
    }

    /// Whether the comparison holds for a time of this length, if no later value can change that.
    pub(super) fn verdict_so_far(&self, length: Span) -> Option<bool> {
        if self.threshold.stat != Statistic::Rate {
            return self.decided;
        }
        let (holds, _) = self.judge_rate(length)?;
        // A rate of a given time only grows.
        match self.threshold.comparison {
            LimitComparison::Below | LimitComparison::AtMost => (!holds).then_some(false),
            LimitComparison::AtLeast | LimitComparison::Above => holds.then_some(true),
            LimitComparison::Equals => self.is_rate_above(length).then_some(false),
        }
    }

    fn is_rate_above(&self, length: Span) -> bool {
        let LimitValue::Rate(limit) = self.threshold.limit else { return false };
        self.rate(length).is_some_and(|rate| rate > limit)
    }

    /// How far a statistic is from the limit.
    pub(super) fn distance(&self, got: MeasuredValue) -> f64 {
        let limit = match self.threshold.limit {
            LimitValue::Rate(limit) => limit,
            LimitValue::Share(limit) => limit.fraction(),
            LimitValue::Value(limit) => limit as f64,
            LimitValue::Count(_) | LimitValue::Bytes(_) | LimitValue::Span(_) => self.limit as f64,
        };
        (got.as_f64() - limit).abs()
    }

    /// The `seq` of the event that decided the result, if a single event did.
    pub(super) fn deciding_event(&self) -> Option<u64> {
        match self.threshold.stat {
            Statistic::Count | Statistic::Sum | Statistic::Rate | Statistic::Share => self.last_seq,
            // The end of the run decides.
            Statistic::Value => None,
            _ => self.extreme.map(|(_, seq)| seq),
        }
    }
}

impl PercentileRanks {
    /// Compares the percentile to the limit; also returns the percentile.
    fn judge_percentile(&self, thousandths: u32, count: u64, limit: u64) -> (Ordering, MeasuredValue) {
        let rank = (u128::from(count) * u128::from(thousandths)).div_ceil(FULL_PERCENTILE).max(1);
        let about = self.values.value_at(f64::from(thousandths) / FULL_PERCENTILE as f64, rank);
        if u128::from(self.below) >= rank {
            (Ordering::Less, MeasuredValue::Approximate(about.min(limit - 1)))
        } else if u128::from(self.below + self.equal) >= rank {
            (Ordering::Equal, MeasuredValue::Exact(limit))
        } else {
            (Ordering::Greater, MeasuredValue::Approximate(about.max(limit + 1)))
        }
    }
}

fn mirrored(holds: LimitComparison) -> LimitComparison {
    match holds {
        LimitComparison::Below => LimitComparison::Above,
        LimitComparison::AtMost => LimitComparison::AtLeast,
        LimitComparison::Equals => LimitComparison::Equals,
        LimitComparison::AtLeast => LimitComparison::AtMost,
        LimitComparison::Above => LimitComparison::Below,
    }
}

#[cfg(test)]
mod tests;
