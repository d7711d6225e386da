//! What loads and shared cells came to, read from a log's last line.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{DecodeError, parse_name, parse_span, unknown_value};
use crate::event::FetchErrorKind;
use crate::load_metrics::{LatencyQuantiles, LoadMetrics};

/// What cells hold, sorted by name.
#[derive(Debug)]
pub(super) struct SharedCells(pub(super) Vec<(String, i64)>);

impl<'de> Deserialize<'de> for SharedCells {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SharedCells, D::Error> {
        BTreeMap::deserialize(deserializer).map(|cells| SharedCells(cells.into_iter().collect()))
    }
}

/// Figures by the fetches' names.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct LoadMetricsFields<'a>(#[serde(borrow)] BTreeMap<String, JobMetricsFields<'a>>);

#[derive(Debug, Deserialize)]
struct JobMetricsFields<'a> {
    requests: u64,
    #[serde(borrow)]
    statuses: BTreeMap<u16, StatusMetricsFields<'a>>,
    failures: BTreeMap<String, u64>,
    given_up: u64,
    bytes: u64,
    opened: u64,
    reused: u64,
    delayed: u64,
    unsent: u64,
    #[serde(borrow)]
    latency: QuantileFields<'a>,
    #[serde(borrow)]
    from_start: QuantileFields<'a>,
    #[serde(borrow)]
    took: &'a RawValue,
}

#[derive(Debug, Deserialize)]
struct StatusMetricsFields<'a> {
    requests: u64,
    #[serde(borrow)]
    latency: QuantileFields<'a>,
}

#[derive(Debug, Deserialize)]
struct QuantileFields<'a> {
    #[serde(borrow)]
    p50: &'a RawValue,
    #[serde(borrow)]
    p90: &'a RawValue,
    #[serde(borrow)]
    p99: &'a RawValue,
    #[serde(borrow, rename = "p99.9")]
    p999: &'a RawValue,
    #[serde(borrow)]
    max: &'a RawValue,
}

impl LoadMetricsFields<'_> {
    pub(super) fn decode(&self) -> Result<Vec<LoadMetrics>, DecodeError> {
        self.0.iter().map(|(job, load)| load.decode(job)).collect()
    }
}

impl JobMetricsFields<'_> {
    fn decode(&self, job: &str) -> Result<LoadMetrics, DecodeError> {
        let statuses = self.statuses.iter();
        let statuses = statuses.map(|(status, of)| Ok((*status, of.requests, of.latency.decode()?)));
        let kind =
            |kind: &str| FetchErrorKind::from_name(kind).ok_or_else(|| unknown_value("failures", kind));
        let failures = self.failures.iter().map(|(name, count)| Ok((kind(name)?, *count)));
        Ok(LoadMetrics {
            job: parse_name("fetches", Some(job))?.to_owned(),
            requests: self.requests,
            statuses: statuses.collect::<Result<_, DecodeError>>()?,
            failures: failures.collect::<Result<_, DecodeError>>()?,
            given_up: self.given_up,
            bytes: self.bytes,
            opened: self.opened,
            reused: self.reused,
            delayed: self.delayed,
            unsent: self.unsent,
            latency: self.latency.decode()?,
            from_start: self.from_start.decode()?,
            took: parse_span("took", Some(self.took))?,
        })
    }
}

impl QuantileFields<'_> {
    fn decode(&self) -> Result<LatencyQuantiles, DecodeError> {
        Ok(LatencyQuantiles {
            p50: parse_span("p50", Some(self.p50))?,
            p90: parse_span("p90", Some(self.p90))?,
            p99: parse_span("p99", Some(self.p99))?,
            p999: parse_span("p99.9", Some(self.p999))?,
            max: parse_span("max", Some(self.max))?,
        })
    }
}
