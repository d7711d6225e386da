//! Figures of many values, made as the values come, in constant memory, and held to their limits.
//!
//! # How it works
//!
//! Nothing but the figure is kept. Only a percentile is made of more than that: whether it stands
//! below, at or above its limit is exact all the same, since that hangs on how many values do, which
//! is counted; what it is, for people, comes of a histogram, to three significant digits, and never
//! on the other side of the limit.

use std::cmp::Ordering;

use hdrhistogram::Histogram;

use crate::scenario::model::expect::{Comparison, Figure, Limit, Stat};
use scenario_log::time::{SECOND, Span};

/// Of how many in all 100,000 parts are thousandths of a per cent.
const WHOLE: u128 = 100_000;

/// What there is of a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Got {
    /// Exactly this, in the unit of the limit.
    Exact(u64),
    /// About this.
    About(u64),
    /// A mean: this sum of so many.
    Mean(u128, u64),
    /// More than anything that is measured: a sum.
    Huge(u128),
    /// So many a second.
    Rate(f64),
    /// What a cell holds.
    Cell(i64),
}

/// A figure of the values so far.
#[derive(Debug)]
pub(super) struct Made {
    figure: Figure,
    /// The limit as a number; no meaning for a rate.
    limit: u64,
    count: u64,
    sum: u128,
    /// The value that is furthest on the wrong side, or the figure itself; with its `seq`.
    furthest: Option<(u64, u64)>,
    /// The `seq` of the last value, until nothing can change the outcome any more.
    last: Option<u64>,
    settled: Option<bool>,
    ranks: Option<Box<Ranks>>,
}

/// How many values stand below and at the limit, and where the values are.
#[derive(Debug)]
struct Ranks {
    below: u64,
    at: u64,
    values: Histogram<u64>,
}

impl Made {
    pub(super) fn new(figure: Figure) -> Made {
        let limit = match figure.limit {
            Limit::Count(limit) | Limit::Bytes(limit) | Limit::Span(Span(limit)) => limit,
            Limit::Rate(_) | Limit::Value(_) => 0,
        };
        let ranks = matches!(figure.stat, Stat::Percentile(_)).then(|| {
            let values = Histogram::new(3);
            let Ok(values) = values else {
                unreachable!("3 significant figures are within what a histogram takes")
            };
            Box::new(Ranks { below: 0, at: 0, values })
        });
        Made { figure, limit, count: 0, sum: 0, furthest: None, last: None, settled: None, ranks }
    }

    /// Takes the next value, of the event with this `seq`. Whether that has settled the comparison, for
    /// good.
    #[inline]
    pub(super) fn take(&mut self, value: u64, seq: u64) -> Option<bool> {
        self.count += 1;
        match self.figure.stat {
            Stat::Count | Stat::Rate => {}
            _ => self.measure(value, seq),
        }
        if self.settled.is_none() {
            self.last = Some(seq);
            self.settled = self.settle();
            return self.settled;
        }
        None
    }

    fn measure(&mut self, value: u64, seq: u64) {
        self.sum += u128::from(value);
        let wants_greatest = match self.figure.stat {
            Stat::Min => false,
            Stat::Max | Stat::Value | Stat::Sum => true,
            _ => !matches!(self.figure.holds, Comparison::AtLeast | Comparison::Above),
        };
        let is_further = |(furthest, _): (u64, u64)| {
            if wants_greatest { value > furthest } else { value < furthest }
        };
        if self.furthest.is_none_or(is_further) {
            self.furthest = Some((value, seq));
        }
        if let Some(ranks) = &mut self.ranks {
            match value.cmp(&self.limit) {
                Ordering::Less => ranks.below += 1,
                Ordering::Equal => ranks.at += 1,
                Ordering::Greater => {}
            }
            // It grows to hold any value, so it refuses none.
            let _ = ranks.values.record(value);
        }
    }

    /// What no value that may come can change: the figure only grows, or only shrinks, and is past
    /// its limit already.
    fn settle(&self) -> Option<bool> {
        let holds = self.figure.holds;
        let so_far = match self.figure.stat {
            Stat::Count => self.count.cmp(&self.limit),
            Stat::Sum => self.sum.cmp(&u128::from(self.limit)),
            Stat::Max | Stat::Value => self.furthest?.0.cmp(&self.limit),
            Stat::Min => self.furthest?.0.cmp(&self.limit).reverse(),
            Stat::Rate | Stat::Mean | Stat::Percentile(_) => return None,
        };
        // Of what shrinks everything is the other way round.
        let holds = if self.figure.stat == Stat::Min { turned(holds) } else { holds };
        match (holds, so_far) {
            (Comparison::Below, Ordering::Equal | Ordering::Greater)
            | (Comparison::AtMost | Comparison::Equals, Ordering::Greater) => Some(false),
            (Comparison::AtLeast, Ordering::Equal | Ordering::Greater)
            | (Comparison::Above, Ordering::Greater) => Some(true),
            _ => None,
        }
    }

    /// The figure and whether it holds; `None` if there was nothing to measure. `lasted` is how long
    /// the run took.
    pub(super) fn judge(&self, lasted: Span) -> Option<(bool, Got)> {
        let limit = self.limit;
        let (ordering, got) = match self.figure.stat {
            Stat::Count => (self.count.cmp(&limit), Got::Exact(self.count)),
            Stat::Value => (lasted.0.cmp(&limit), Got::Exact(lasted.0)),
            Stat::Rate => return self.rate(lasted),
            _ if self.count == 0 => return None,
            Stat::Sum => {
                let got = u64::try_from(self.sum).map_or(Got::Huge(self.sum), Got::Exact);
                (self.sum.cmp(&u128::from(limit)), got)
            }
            Stat::Mean => {
                let total = u128::from(limit) * u128::from(self.count);
                (self.sum.cmp(&total), Got::Mean(self.sum, self.count))
            }
            Stat::Min | Stat::Max => {
                let (value, _) = self.furthest?;
                (value.cmp(&limit), Got::Exact(value))
            }
            Stat::Percentile(thousandths) => self.ranks.as_ref()?.at(thousandths, self.count, limit),
        };
        Some((self.figure.holds.holds(ordering), got))
    }

    /// What a cell holds, held to this limit.
    pub(super) fn judge_cell(&self, cell: &str, limit: i64, shared: &[(String, i64)]) -> Option<(bool, Got)> {
        let (_, value) = shared.iter().find(|(name, _)| name == cell)?;
        Some((self.figure.holds.holds(value.cmp(&limit)), Got::Cell(*value)))
    }

    /// A run without any time has no rate.
    fn rate(&self, lasted: Span) -> Option<(bool, Got)> {
        let Limit::Rate(limit) = self.figure.limit else { return None };
        if lasted == Span::ZERO {
            return None;
        }
        let rate = (u128::from(self.count) * u128::from(SECOND)) as f64 / lasted.0 as f64;
        let ordering = rate.partial_cmp(&limit)?;
        Some((self.figure.holds.holds(ordering), Got::Rate(rate)))
    }

    /// The `seq` of the event that decided, if a single one did.
    pub(super) fn decided_by(&self) -> Option<u64> {
        match self.figure.stat {
            Stat::Count | Stat::Sum | Stat::Rate => self.last,
            // The end of the run decides.
            Stat::Value => None,
            _ => self.furthest.map(|(_, seq)| seq),
        }
    }
}

impl Ranks {
    /// How the value of this part of all stands to the limit, and what it is.
    fn at(&self, thousandths: u32, count: u64, limit: u64) -> (Ordering, Got) {
        let rank = (u128::from(count) * u128::from(thousandths)).div_ceil(WHOLE).max(1);
        let values = &self.values;
        let about = values.median_equivalent(values.value_at_quantile(f64::from(thousandths) / WHOLE as f64));
        let about = shown(about);
        if u128::from(self.below) >= rank {
            (Ordering::Less, Got::About(about.min(limit - 1)))
        } else if u128::from(self.below + self.at) >= rank {
            (Ordering::Equal, Got::Exact(limit))
        } else {
            (Ordering::Greater, Got::About(about.max(limit + 1)))
        }
    }
}

/// A number rounded to four digits.
fn shown(value: u64) -> u64 {
    let unit = 10u64.pow(value.checked_ilog10().unwrap_or(0).saturating_sub(3));
    value.saturating_add(unit / 2) / unit * unit
}

fn turned(holds: Comparison) -> Comparison {
    match holds {
        Comparison::Below => Comparison::Above,
        Comparison::AtMost => Comparison::AtLeast,
        Comparison::Equals => Comparison::Equals,
        Comparison::AtLeast => Comparison::AtMost,
        Comparison::Above => Comparison::Below,
    }
}

#[cfg(test)]
mod tests;
