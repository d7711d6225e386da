//! What a load came to: the figures of its requests, for the log's last line and the screen.

use crate::fetch_error_kind::FetchErrorKind;
use crate::time::Span;

/// How long things took: to three significant figures, the largest exactly.
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
    /// The largest.
    pub max: Span,
}

/// All requests of a load, in all runs of its job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadMetrics {
    /// The fetch's name.
    pub job: String,
    /// Requests that were started.
    pub requests: u64,
    /// How many were answered with each status, and how long these took.
    pub statuses: Vec<(u16, u64, LatencyQuantiles)>,
    /// How many failed, by kind.
    pub failures: Vec<(FetchErrorKind, u64)>,
    /// How many were in flight when they were stopped, or the run was.
    pub given_up: u64,
    /// Bytes of all whole bodies.
    pub bytes: u64,
    /// Answers over a connection that was new.
    pub opened: u64,
    /// Answers over one that had been used before.
    pub reused: u64,
    /// Requests that started late since there were too many in flight.
    pub delayed: u64,
    /// Requests that were planned and never started, for the same reason.
    pub unsent: u64,
    /// How long answers took: of a load with a `rate` from the planned moments.
    pub latency: LatencyQuantiles,
    /// The same from the real starts.
    pub from_start: LatencyQuantiles,
    /// From the first start to the last end.
    pub took: Span,
}
