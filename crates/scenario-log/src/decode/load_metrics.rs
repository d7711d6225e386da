//! What loads and shared cells came to, read from a log's last line.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{Fault, name, span, unknown};
use crate::event::FetchFault;
use crate::load_metrics::{JobFigures, Quantiles};

/// What cells hold, sorted by name.
#[derive(Debug)]
pub(super) struct Cells(pub(super) Vec<(String, i64)>);

impl<'de> Deserialize<'de> for Cells {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Cells, D::Error> {
        BTreeMap::deserialize(deserializer).map(|cells| Cells(cells.into_iter().collect()))
    }
}

/// Figures by the fetches' names.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Loads<'a>(#[serde(borrow)] BTreeMap<String, Load<'a>>);

#[derive(Debug, Deserialize)]
struct Load<'a> {
    requests: u64,
    #[serde(borrow)]
    statuses: BTreeMap<u16, Status<'a>>,
    failures: BTreeMap<String, u64>,
    given_up: u64,
    bytes: u64,
    opened: u64,
    reused: u64,
    delayed: u64,
    unsent: u64,
    #[serde(borrow)]
    latency: Times<'a>,
    #[serde(borrow)]
    from_start: Times<'a>,
    #[serde(borrow)]
    took: &'a RawValue,
}

#[derive(Debug, Deserialize)]
struct Status<'a> {
    requests: u64,
    #[serde(borrow)]
    latency: Times<'a>,
}

#[derive(Debug, Deserialize)]
struct Times<'a> {
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

impl Loads<'_> {
    pub(super) fn read(&self) -> Result<Vec<JobFigures>, Fault> {
        self.0.iter().map(|(job, load)| load.read(job)).collect()
    }
}

impl Load<'_> {
    fn read(&self, job: &str) -> Result<JobFigures, Fault> {
        let statuses = self.statuses.iter();
        let statuses = statuses.map(|(status, of)| Ok((*status, of.requests, of.latency.read()?)));
        let kind = |kind: &str| FetchFault::from_name(kind).ok_or_else(|| unknown("failures", kind));
        let failures = self.failures.iter().map(|(name, count)| Ok((kind(name)?, *count)));
        Ok(JobFigures {
            job: name("fetches", Some(job))?.to_owned(),
            requests: self.requests,
            statuses: statuses.collect::<Result<_, Fault>>()?,
            failures: failures.collect::<Result<_, Fault>>()?,
            given_up: self.given_up,
            bytes: self.bytes,
            opened: self.opened,
            reused: self.reused,
            delayed: self.delayed,
            unsent: self.unsent,
            latency: self.latency.read()?,
            from_start: self.from_start.read()?,
            took: span("took", Some(self.took))?,
        })
    }
}

impl Times<'_> {
    fn read(&self) -> Result<Quantiles, Fault> {
        Ok(Quantiles {
            p50: span("p50", Some(self.p50))?,
            p90: span("p90", Some(self.p90))?,
            p99: span("p99", Some(self.p99))?,
            p999: span("p99.9", Some(self.p999))?,
            max: span("max", Some(self.max))?,
        })
    }
}
