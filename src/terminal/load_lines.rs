//! Loads on the screen: a line when one begins, its first failures, and what it came to. Its requests
//! are too many to be shown one by one.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::report::format::{format_span, pluralize};
use scenario_log::load_metrics::{LatencyQuantiles, LoadMetrics};

/// How many requests of a load that fail, or are answered with another status, are shown.
const MAX_FAILURES_SHOWN: u64 = 3;

/// The loads of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct LoadTracker {
    /// How many of each have been shown to fail; none before it has begun.
    failures_shown: BTreeMap<String, Option<u64>>,
}

/// What a request of a load is to the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoadStartKind {
    /// It is of no load.
    NotOfLoad,
    /// The first of its load.
    First,
    /// Another one.
    Further,
}

/// Of the resolved scenario, what says which fetches are loads.
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
    /// Those of the scenario in a log's first line; none if it is not readable.
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

    /// A request of this job starts.
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

    /// A request of a load has failed: whether that is shown, and whether it is the last one to be.
    pub(crate) fn fail_request(&mut self) -> Option<bool> {
        // Which load it is of is not known any more; the first that has begun counts for all.
        let failed = self.failures_shown.values_mut().flatten().next()?;
        *failed += 1;
        (*failed <= MAX_FAILURES_SHOWN).then_some(*failed == MAX_FAILURES_SHOWN)
    }
}

/// What a load came to, in lines.
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
    lines.push(format!("{job}: {}; {opened}", ends.join(", ")));
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
