//! Loads on the terminal: a line when one begins, its first failures, and its result. Its requests are too
//! many to be shown one by one.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::report::format::{format_span, pluralize};
use scenario_log::load_metrics::{LatencyQuantiles, LoadMetrics};

/// How many failed requests of a load are shown, or requests with an unexpected status.
const MAX_FAILURES_SHOWN: u64 = 3;

/// The loads of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct LoadTracker {
    /// How many failures of each load have been shown; none before the load has begun.
    failures_shown: BTreeMap<String, Option<u64>>,
}

/// The meaning of a request's start for the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoadStartKind {
    /// The request does not belong to a load.
    NotOfLoad,
    /// It is the first one of its load.
    First,
    /// It is a later one of its load.
    Further,
}

/// The part of the resolved scenario that says which fetches are loads.
#[derive(Deserialize)]
struct LoadScenario {
    #[serde(default)]
    fetches: BTreeMap<String, LoadFetch>,
}

#[derive(Deserialize)]
struct LoadFetch {
    connections: Option<serde::de::IgnoredAny>,
    rate: Option<serde::de::IgnoredAny>,
}

impl LoadTracker {
    /// The loads of the scenario in a log's first line; none if it cannot be read.
    pub(crate) fn from_scenario(scenario: &str) -> LoadTracker {
        let fetches = serde_json::from_str(scenario)
            .map_or_else(|_| BTreeMap::new(), |LoadScenario { fetches }| fetches);
        let loads =
            fetches.into_iter().filter(|(_, fetch)| fetch.connections.is_some() || fetch.rate.is_some());
        LoadTracker { failures_shown: loads.map(|(name, _)| (name, None)).collect() }
    }

    /// Whether there are any.
    pub(crate) fn has_loads(&self) -> bool {
        !self.failures_shown.is_empty()
    }

    /// Notes that a request of this job starts.
    pub(crate) fn start_request(&mut self, job: &str) -> LoadStartKind {
        if self.failures_shown.is_empty() {
            return LoadStartKind::NotOfLoad;
        }
        match self.failures_shown.get_mut(job) {
            None => LoadStartKind::NotOfLoad,
            Some(Some(_)) => LoadStartKind::Further,
            Some(failed) => {
                *failed = Some(0);
                LoadStartKind::First
            }
        }
    }

    /// Notes that a request of a load has failed. Some if that is to be shown: whether it is the last
    /// failure to be shown.
    pub(crate) fn fail_request(&mut self) -> Option<bool> {
        // The event does not say which load; the first one that has begun counts for all.
        let failed = self.failures_shown.values_mut().flatten().next()?;
        *failed += 1;
        (*failed <= MAX_FAILURES_SHOWN).then_some(*failed == MAX_FAILURES_SHOWN)
    }
}

/// The result of a load, in lines.
pub(crate) fn summary_lines(load: &LoadMetrics) -> Vec<String> {
    let LoadMetrics { job, requests, took, given_up, delayed, unsent, .. } = load;
    let rate = if took.0 == 0 { 0.0 } else { *requests as f64 * 1e9 / took.0 as f64 };
    let decimals = if rate < 10.0 { 2 } else { usize::from(rate < 100.0) };
    let bytes = pluralize(load.bytes, "byte");
    let mut lines = vec![format!(
        "{job}: {} in {}, {rate:.decimals$}/s; {bytes}",
        pluralize(*requests, "request"),
        format_span(*took)
    )];
    let statuses = load.statuses.iter().map(|(status, count, _)| format!("{count} answered {status}"));
    let failures = load.failures.iter().map(|(kind, count)| format!("{count} failed ({})", kind.name()));
    let mut ends: Vec<String> = statuses.chain(failures).collect();
    if *given_up > 0 {
        ends.push(format!("{given_up} given up"));
    }
    let opened = pluralize(load.opened, "new connection");
    let resent = match load.resent {
        0 => String::new(),
        resent => format!("; {} sent again", pluralize(resent, "request")),
    };
    lines.push(format!("{job}: {}; {opened}{resent}", ends.join(", ")));
    let of = |name: &str, times: &LatencyQuantiles| {
        let LatencyQuantiles { p50, p90, p99, p999, max } = *times;
        let [p50, p90, p99, p999, max] = [p50, p90, p99, p999, max].map(format_span);
        format!("{job}: {name} {p50} (p50), {p90} (p90), {p99} (p99), {p999} (p99.9), {max} (max)")
    };
    if !load.statuses.is_empty() {
        lines.push(of("latency", &load.latency));
    }
    if *delayed + *unsent > 0 {
        if !load.statuses.is_empty() {
            lines.push(of("from the real start", &load.from_start));
        }
        lines.push(format!("{job}: {delayed} started late and {unsent} never, with too many in flight"));
    }
    lines
}
