//! The metrics of a load: its requests in numbers, for the log's last line and the screen. Nothing here
//! measures.

use crate::fetch_error_kind::FetchErrorKind;
use crate::time::Span;

/// The text behind the name of a step of players if a load has the same name.
pub const STEP_SUFFIX: &str = " (step)";

/// Quantiles of durations, to three significant figures. The maximum is exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LatencyQuantiles {
    /// The median.
    pub p50: Span,
    /// The 90th percentile.
    pub p90: Span,
    /// The 99th percentile.
    pub p99: Span,
    /// The 99.9th percentile.
    pub p999: Span,
    /// The maximum.
    pub max: Span,
}

/// The metrics of all requests of a load, in all of its runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadMetrics {
    /// The name of the fetch, or of a step of players.
    pub job: String,
    /// The number of requests that were started.
    pub requests: u64,
    /// For each HTTP status the number of answers, and how long they took.
    pub statuses: Vec<(u16, u64, LatencyQuantiles)>,
    /// The number of failed requests by the kind of the failure.
    pub failures: Vec<(FetchErrorKind, u64)>,
    /// The number of requests that were in flight when the load or the run was stopped.
    pub given_up: u64,
    /// The size of all complete bodies together, in bytes.
    pub bytes: u64,
    /// The number of connections that were opened.
    pub opened: u64,
    /// The number of answers over a connection that had been used before.
    pub reused: u64,
    /// The number of times that requests were sent again at once, because the server had closed the
    /// connection or had refused to process the request.
    pub resent: u64,
    /// The number of requests that started late because too many were in flight.
    pub delayed: u64,
    /// The number of planned requests that were never started, for the same reason.
    pub unsent: u64,
    /// How long the answers took. With a `rate`, the time counts from the planned moments.
    pub latency: LatencyQuantiles,
    /// How long the answers took from the real starts.
    pub from_start: LatencyQuantiles,
    /// The time from the first start to the last end.
    pub took: Span,
}
