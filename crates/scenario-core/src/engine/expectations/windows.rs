//! Judges a statistic in each window of a run, one after the other, and keeps what came of the windows.
//!
//! # How it works
//!
//! Windows have one length and follow each other without a gap. Only the values of the current one are kept.
//! A window ends when an event comes behind it, or when somebody asks; the windows without any event between
//! two events have all the same result, and are counted at once.

use crate::engine::expectations::threshold_monitor::{MeasuredValue, ThresholdMonitor};
use crate::scenario::model::expect::StatThreshold;
use scenario_log::time::Span;

/// The windows of one statistic.
#[derive(Clone, Debug)]
pub(super) struct Windows {
    length: Span,
    never: bool,
    current: ThresholdMonitor,
    /// The number of the current window, from 0.
    index: u64,
    tally: WindowTally,
    /// The verdict on a window without any event.
    empty: Option<(bool, MeasuredValue)>,
}

/// The verdict on the windows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct WindowTally {
    pub(super) judged: u64,
    pub(super) held: u64,
    /// The first window that misses.
    pub(super) first_miss: Option<WindowResult>,
    /// The window that holds and is nearest to the limit.
    pub(super) closest: Option<WindowResult>,
}

/// The verdict on one window.
#[derive(Clone, Copy, Debug)]
pub(super) struct WindowResult {
    pub(super) index: u64,
    pub(super) got: MeasuredValue,
    pub(super) seq: Option<u64>,
    distance: f64,
}

impl Windows {
    pub(super) fn new(figure: StatThreshold, length: Span, never: bool) -> Windows {
        let current = ThresholdMonitor::small(figure);
        let empty = current.judge(length);
        Windows { length, never, current, index: 0, tally: WindowTally::default(), empty }
    }

    pub(super) fn length(&self) -> Span {
        self.length
    }

    /// Takes a value that came so long after the start of the first window. Returns whether a window misses.
    #[inline]
    pub(super) fn record(&mut self, value: u64, seq: u64, after: Span) -> bool {
        let has_missed = self.end_before(after);
        self.current.record(value, seq);
        let missed_now = self.current.verdict_so_far(self.length) == Some(self.never);
        has_missed || missed_now
    }

    /// Ends the windows that are over so long after the start of the first one. Returns whether one of them
    /// misses.
    pub(super) fn end_before(&mut self, after: Span) -> bool {
        let index = after.0 / self.length.0;
        if index <= self.index {
            return false;
        }
        self.tally = self.tally_before(index);
        self.current.reset();
        self.index = index;
        self.tally.first_miss.is_some()
    }

    /// The verdict on the windows before this one, which is behind the current one.
    fn tally_before(&self, index: u64) -> WindowTally {
        let mut tally = self.tally;
        let of_current = self.current.judge(self.length);
        tally.add(1, self.result(self.index, of_current, self.current.deciding_event()), self.never);
        let others = index - self.index - 1;
        tally.add(others, self.result(self.index + 1, self.empty, None), self.never);
        tally
    }

    fn result(
        &self,
        index: u64,
        judged: Option<(bool, MeasuredValue)>,
        seq: Option<u64>,
    ) -> Option<(bool, WindowResult)> {
        let (holds, got) = judged?;
        Some((holds, WindowResult { index, got, seq, distance: self.current.distance(got) }))
    }

    /// The verdict on all windows, if they end so long after the start of the first one. The last window may be cut
    /// short: its values are judged, but its totals only where no later event could change the result.
    pub(super) fn tally_at(&self, end: Span) -> WindowTally {
        let index = end.0 / self.length.0;
        if index > self.index {
            return self.tally_before(index);
        }
        let mut tally = self.tally;
        let is_judged = !self.current.is_empty()
            && (!self.current.is_total() || self.current.verdict_so_far(self.length).is_some());
        let judged = self.current.judge(self.length).filter(|_| is_judged);
        tally.add(1, self.result(self.index, judged, self.current.deciding_event()), self.never);
        tally
    }

    /// How long after the start of the first window the current one ends, if its end can make a difference.
    pub(super) fn next_end(&self) -> Option<Span> {
        let misses_empty = self.empty.is_some_and(|(holds, _)| holds == self.never);
        let matters = !self.current.is_empty() || misses_empty;
        matters.then(|| self.index.checked_add(1)?.checked_mul(self.length.0)).flatten().map(Span)
    }
}

impl WindowTally {
    /// Adds so many windows with one result; none if they had nothing to measure.
    fn add(&mut self, count: u64, result: Option<(bool, WindowResult)>, never: bool) {
        let Some((holds, result)) = result.filter(|_| count > 0) else { return };
        self.judged += count;
        if holds == never {
            self.first_miss.get_or_insert(result);
            return;
        }
        self.held += count;
        if self.closest.is_none_or(|closest| result.distance < closest.distance) {
            self.closest = Some(result);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scenario::model::expect::{LimitComparison, LimitValue, Statistic};

    const COMPARISONS: [LimitComparison; 5] = [
        LimitComparison::Below,
        LimitComparison::AtMost,
        LimitComparison::Equals,
        LimitComparison::AtLeast,
        LimitComparison::Above,
    ];

    /// The statistic of these values as a fraction, computed at once; `None` if there is nothing to measure.
    fn statistic(stat: Statistic, values: &[u64], length: u64) -> Option<(u128, u128)> {
        let mut sorted: Vec<u128> = values.iter().map(|value| u128::from(*value)).collect();
        sorted.sort_unstable();
        let count = sorted.len() as u128;
        Some(match stat {
            Statistic::Count => (count, 1),
            Statistic::Rate => (count * 1_000_000_000, u128::from(length)),
            _ if sorted.is_empty() => return None,
            Statistic::Sum => (sorted.iter().sum(), 1),
            Statistic::Min => (sorted[0], 1),
            Statistic::Max => (sorted[sorted.len() - 1], 1),
            Statistic::Mean => (sorted.iter().sum(), count),
            _ => (sorted[(count as usize * 95).div_ceil(100) - 1], 1),
        })
    }

    /// The number of windows that are judged, of those that hold, and the first that does not, from all events
    /// at once.
    fn by_hand(
        (figure, never): (StatThreshold, bool),
        (length, end): (u64, u64),
        limit: u64,
        events: &[(u64, u64)],
    ) -> (u64, u64, Option<u64>) {
        let (mut judged, mut held, mut first_miss) = (0, 0, None);
        for index in 0..=end / length {
            let times = index * length..(index + 1) * length;
            let values: Vec<u64> =
                events.iter().filter(|(at, _)| times.contains(at)).map(|(_, value)| *value).collect();
            let Some((over, under)) = statistic(figure.stat, &values, length) else { continue };
            let holds = figure.comparison.holds(over.cmp(&(u128::from(limit) * under)));
            let is_cut = times.end > end;
            let is_total = matches!(figure.stat, Statistic::Count | Statistic::Rate | Statistic::Sum);
            if is_cut
                && (values.is_empty() || is_total && can_change(figure.comparison, holds, over, limit, under))
            {
                continue;
            }
            judged += 1;
            if holds == never {
                first_miss.get_or_insert(index);
            } else {
                held += 1;
            }
        }
        (judged, held, first_miss)
    }

    /// Whether the result of a total can still change if it grows.
    fn can_change(comparison: LimitComparison, holds: bool, over: u128, limit: u64, under: u128) -> bool {
        match comparison {
            LimitComparison::Below | LimitComparison::AtMost => holds,
            LimitComparison::AtLeast | LimitComparison::Above => !holds,
            LimitComparison::Equals => over <= u128::from(limit) * under,
        }
    }

    fn statistics() -> impl Strategy<Value = Statistic> {
        proptest::sample::select(vec![
            Statistic::Count,
            Statistic::Rate,
            Statistic::Sum,
            Statistic::Min,
            Statistic::Max,
            Statistic::Mean,
            Statistic::Percentile(95_000),
        ])
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

        #[test]
        fn windows_agree_with_a_judgement_of_all_events_at_once(
            (stat, never) in (statistics(), any::<bool>()),
            (length, rest, limit) in (1_000_000_000..4_000_000_000_u64, 0..9_000_000_000_u64, 0..8_u64),
            times in proptest::collection::vec((0..20_000_000_000_u64, 0..8_u64), 0..40),
        ) {
            // Some events are exactly at the limits of windows.
            let place = |at: u64| if at.is_multiple_of(3) { at / length * length } else { at };
            let mut events: Vec<(u64, u64)> =
                times.into_iter().map(|(at, value)| (place(at), value)).collect();
            events.sort_by_key(|(at, _)| *at);
            let end = events.last().map_or(0, |(at, _)| *at) + rest;
            for comparison in COMPARISONS {
                let unit = if stat == Statistic::Rate { LimitValue::Rate(limit as f64) } else { LimitValue::Count(limit) };
                let figure = StatThreshold { stat, comparison, limit: unit };
                let mut windows = Windows::new(figure, Span(length), never);
                let mut has_missed = false;
                for (seq, (at, value)) in events.iter().enumerate() {
                    has_missed |= windows.record(*value, seq as u64, Span(*at));
                }
                let tally = windows.tally_at(Span(end));
                let wanted = by_hand((figure, never), (length, end), limit, &events);
                let first_miss = tally.first_miss.map(|window| window.index);
                prop_assert_eq!((tally.judged, tally.held, first_miss), wanted, "{:?}", figure);
                // What ends a run early is missed in the end.
                prop_assert!(!has_missed || first_miss.is_some(), "{:?}", figure);
            }
        }
    }
}
