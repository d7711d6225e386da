//! Measures the requests of a load as they end: counts and latencies. Decides nothing.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use scenario_log::event::{FetchErrorKind, FetchedResponse, SendCounts};
use scenario_log::load_metrics::{LatencyQuantiles, LoadMetrics};
use scenario_log::time::{Moment, Span};

/// The metrics of one fetch so far.
#[derive(Clone)]
pub(crate) struct LoadMetricsRecorder {
    first_at: Moment,
    last_at: Moment,
    requests: u64,
    latency: LatencyHistogram,
    from_start: LatencyHistogram,
    statuses: BTreeMap<u16, LatencyHistogram>,
    failures: [u64; FetchErrorKind::ALL.len()],
    given_up: u64,
    bytes: u64,
    opened: u64,
    reused: u64,
    resent: u64,
    delayed: u64,
    unsent: u64,
    /// A warning about late requests was shown.
    is_delay_reported: bool,
}

impl LoadMetricsRecorder {
    /// The metrics of a fetch whose first request starts now.
    pub(crate) fn new(now: Moment) -> LoadMetricsRecorder {
        LoadMetricsRecorder {
            first_at: now,
            last_at: now,
            requests: 0,
            latency: LatencyHistogram::default(),
            from_start: LatencyHistogram::default(),
            statuses: BTreeMap::new(),
            failures: [0; FetchErrorKind::ALL.len()],
            given_up: 0,
            bytes: 0,
            opened: 0,
            reused: 0,
            resent: 0,
            delayed: 0,
            unsent: 0,
            is_delay_reported: false,
        }
    }

    pub(crate) fn record_start(&mut self) {
        self.requests += 1;
    }

    /// Records the response to a request that started `late` after its planned moment.
    pub(crate) fn record_response(&mut self, now: Moment, fetched: &FetchedResponse, late: Span) {
        self.last_at = now;
        self.bytes = self.bytes.saturating_add(fetched.bytes);
        self.opened = self.opened.saturating_add(fetched.opened_conns());
        self.resent = self.resent.saturating_add(fetched.sent.resent);
        self.reused += u64::from(fetched.reused == Some(true));
        self.latency.record(fetched.took);
        self.from_start.record(Span(fetched.took.0.saturating_sub(late.0)));
        self.statuses.entry(fetched.status).or_default().record(fetched.took);
    }

    /// Records a request that failed or was given up.
    pub(crate) fn record_failure(
        &mut self,
        now: Moment,
        (kind, is_given_up): (FetchErrorKind, bool),
        sent: SendCounts,
    ) {
        self.last_at = now;
        self.opened = self.opened.saturating_add(sent.opened);
        self.resent = self.resent.saturating_add(sent.resent);
        if is_given_up {
            self.given_up += 1;
        } else if let Some(at) = FetchErrorKind::ALL.iter().position(|other| *other == kind) {
            self.failures[at] += 1;
        }
    }

    /// Notes that a request started late, since too many were in flight.
    pub(crate) fn record_delayed(&mut self) {
        self.delayed += 1;
    }

    /// Notes planned requests that never start.
    pub(crate) fn record_unsent(&mut self, count: u64) {
        self.unsent += count;
    }

    /// Whether a warning about late requests is still to be shown; true only once.
    pub(crate) fn claim_delay_report(&mut self) -> bool {
        !std::mem::replace(&mut self.is_delay_reported, true)
    }

    /// The metrics for the log and the screen.
    pub(crate) fn to_metrics(&self, job: &str) -> LoadMetrics {
        let statuses = self.statuses.iter();
        let failures = FetchErrorKind::ALL.into_iter().zip(self.failures);
        LoadMetrics {
            job: job.to_owned(),
            requests: self.requests,
            statuses: statuses.map(|(status, times)| (*status, times.count(), times.quantiles())).collect(),
            failures: failures.filter(|(_, count)| *count > 0).collect(),
            given_up: self.given_up,
            bytes: self.bytes,
            opened: self.opened,
            reused: self.reused,
            resent: self.resent,
            delayed: self.delayed,
            unsent: self.unsent,
            latency: self.latency.quantiles(),
            from_start: self.from_start.quantiles(),
            took: self.last_at.since(self.first_at),
        }
    }
}

/// A histogram of durations.
#[derive(Clone)]
struct LatencyHistogram {
    histogram: Histogram<u64>,
    /// The longest duration, which the histogram would round up.
    longest: Span,
}

impl Default for LatencyHistogram {
    fn default() -> LatencyHistogram {
        let Ok(histogram) = Histogram::new(3) else { unreachable!("a histogram takes 3 significant digits") };
        LatencyHistogram { histogram, longest: Span::ZERO }
    }
}

impl LatencyHistogram {
    fn record(&mut self, span: Span) {
        self.longest = self.longest.max(span);
        // The histogram grows to hold any value, so it refuses none.
        let _ = self.histogram.record(span.0);
    }

    fn count(&self) -> u64 {
        self.histogram.len()
    }

    fn quantiles(&self) -> LatencyQuantiles {
        let at = |quantile| Span(self.histogram.value_at_quantile(quantile)).min(self.longest);
        LatencyQuantiles { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: self.longest }
    }
}
