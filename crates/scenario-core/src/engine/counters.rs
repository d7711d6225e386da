//! Counts events for the summary in `run.finished`. Emits nothing.

use hdrhistogram::Histogram;

use scenario_log::event::LatenessQuantiles;
use scenario_log::time::Span;

/// The counts of a run so far.
#[derive(Debug)]
pub(crate) struct RunCounters {
    pub(crate) spawned: u64,
    pub(crate) exited: u64,
    pub(crate) fetched: u64,
    pub(crate) moves: u64,
    pub(crate) lines: u64,
    /// Events that were not late: on the virtual clock, all of them.
    on_time_count: u64,
    late_histogram: Histogram<u64>,
    /// The largest lateness, which the histogram would round up.
    max_lateness: Span,
}

impl Default for RunCounters {
    fn default() -> RunCounters {
        let late = Histogram::new(3);
        let Ok(late) = late else { unreachable!("a histogram takes 3 significant digits") };
        RunCounters {
            spawned: 0,
            exited: 0,
            fetched: 0,
            moves: 0,
            lines: 0,
            on_time_count: 0,
            late_histogram: late,
            max_lateness: Span::ZERO,
        }
    }
}

impl RunCounters {
    /// Counts an event that was `span` late.
    pub(crate) fn record_lateness(&mut self, span: Span) {
        if span == Span::ZERO {
            self.on_time_count += 1;
        } else {
            self.max_lateness = self.max_lateness.max(span);
            // The histogram grows to hold any value, so it refuses none.
            let _ = self.late_histogram.record(span.0);
        }
    }

    /// The percentiles, to three significant digits; the maximum is exact.
    pub(crate) fn lateness(&self) -> LatenessQuantiles {
        let mut all = self.late_histogram.clone();
        // To record zeros one by one would slow down a run of millions of events; all at once is free.
        let _ = all.record_n(0, self.on_time_count);
        let at = |quantile| Span(all.value_at_quantile(quantile)).min(self.max_lateness);
        LatenessQuantiles { p50: at(0.5), p99: at(0.99), max: self.max_lateness }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lateness_counts_what_was_on_time() {
        let mut tally = RunCounters::default();
        assert_eq!(tally.lateness(), LatenessQuantiles::default());
        for n in 1..=100u64 {
            tally.record_lateness(Span(n * 1_001));
        }
        assert_eq!(tally.lateness().max, Span(100_100), "not rounded");
        assert_eq!(tally.lateness().p50.0 / 1_001, 50);
        for _ in 0..200 {
            tally.record_lateness(Span::ZERO);
        }
        assert_eq!(tally.lateness().p50, Span::ZERO);
        assert_eq!(tally.lateness().p99.0 / 1_001, 97);
    }
}
