//! The metrics of loads, by the names of their fetches: a value of the log's last line.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::collections::push_object;
use super::numbers::{decode_span, push_span, quantile_schema};
use super::texts::push_unescaped;
use super::{Count, LogValue, OmittableValue, Span};
use crate::decode_error::DecodeError;
use crate::encode_text::{push_digits, push_json_string};
use crate::event::observable::EventKeyType;
use crate::fetch_error_kind::FetchErrorKind;
use crate::load_metrics::{LatencyQuantiles, LoadMetrics, STEP_SUFFIX};
use crate::name;

/// The metrics of every load of a run.
pub(crate) struct LoadMetricsByJob;

/// The loads of a line. A value that the format does not have is an error of the decoding, not of the
/// JSON.
#[derive(Debug)]
pub(crate) struct DecodedLoads(Result<Vec<LoadMetrics>, DecodeError>);

impl<'de> Deserialize<'de> for DecodedLoads {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<DecodedLoads, D::Error> {
        let jobs: BTreeMap<String, JobMetricsFields<'de>> = BTreeMap::deserialize(deserializer)?;
        Ok(DecodedLoads(jobs.iter().map(|(job, fields)| fields.decode(job)).collect()))
    }
}

impl LogValue for LoadMetricsByJob {
    type Json<'l> = DecodedLoads;
    type Value<'e> = &'e [LoadMetrics];
    const OBSERVED: Option<EventKeyType> = None;

    fn schema() -> Value {
        json!({ "type": "object", "additionalProperties": load_schema() })
    }

    fn decode<'e, 'l: 'e>(_: &'static str, json: &'e DecodedLoads) -> Result<&'e [LoadMetrics], DecodeError> {
        json.0.as_deref().map_err(Clone::clone)
    }

    fn encode(loads: &[LoadMetrics], buffer: &mut Vec<u8>) {
        push_object(buffer, loads, |buffer, load| {
            push_json_string(buffer, &load.job);
            buffer.push(b':');
            push_load(buffer, load);
        });
    }
}

impl OmittableValue for LoadMetricsByJob {
    fn omitted<'e>() -> Self::Value<'e> {
        &[]
    }

    fn is_omitted(value: &[LoadMetrics]) -> bool {
        value.is_empty()
    }
}

fn load_schema() -> Value {
    let status = json!({
        "type": "object",
        "properties": {
            "requests": described(Count::schema(), "Number of answers with this status."),
            "latency": quantiles_schema("How long the answers with this status took, in seconds."),
        },
        "required": ["requests", "latency"],
        "additionalProperties": false,
    });
    let statuses = json!({ "type": "object", "additionalProperties": status });
    let kinds = json!({ "enum": FetchErrorKind::ALL.map(FetchErrorKind::name) });
    let failures =
        json!({ "type": "object", "propertyNames": kinds, "additionalProperties": Count::schema() });
    let count = |description| described(Count::schema(), description);
    let keys = [
        ("requests", count("Number of requests that were started.")),
        ("statuses", described(statuses, "The answers by their HTTP status.")),
        ("failures", described(failures, "Number of failed requests by the kind of the failure.")),
        ("given_up", count("Number of requests that were in flight when the load or the run was stopped.")),
        ("bytes", count("Size of all complete bodies together, in bytes.")),
        ("opened", count("Number of connections that were opened.")),
        ("reused", count("Number of answers over a connection that had been used before.")),
        (
            "resent",
            count(
                "Number of times that requests were sent again at once, because the server had closed the connection or had refused to process the request. Left out if it is 0.",
            ),
        ),
        ("delayed", count("Number of requests that started late because too many were in flight.")),
        (
            "unsent",
            count("Number of planned requests that were never started because too many were in flight."),
        ),
        (
            "latency",
            quantiles_schema(
                "How long the answers took, in seconds. With a `rate`, the time counts from the planned moment of each request.",
            ),
        ),
        (
            "from_start",
            quantiles_schema("How long the answers took from the real start of each request, in seconds."),
        ),
        ("took", described(Span::schema(), "The time from the first start to the last end, in seconds.")),
    ];
    let required: Vec<&str> = keys.iter().map(|(name, _)| *name).filter(|name| *name != "resent").collect();
    let properties: Map<String, Value> = keys.into_iter().map(|(name, key)| (name.to_owned(), key)).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

fn described(mut schema: Value, description: &str) -> Value {
    schema["description"] = description.into();
    schema
}

fn quantiles_schema(description: &str) -> Value {
    let names = ["p50", "p90", "p99", "p99.9", "max"];
    let properties: Map<String, Value> =
        names.iter().map(|name| ((*name).to_owned(), quantile_schema(name))).collect();
    json!({
        "description": description,
        "type": "object",
        "properties": properties,
        "required": names,
        "additionalProperties": false,
    })
}

fn push_load(buffer: &mut Vec<u8>, load: &LoadMetrics) {
    let push_count = |buffer: &mut Vec<u8>, key: &[u8], count: u64| {
        buffer.extend_from_slice(key);
        push_digits(buffer, count);
    };
    let LoadMetrics { given_up, bytes, opened, reused, resent, delayed, unsent, .. } = load;
    push_count(buffer, br#"{"requests":"#, load.requests);
    buffer.extend_from_slice(br#","statuses":"#);
    push_object(buffer, &load.statuses, |buffer, (status, count, latency)| {
        push_unescaped(buffer, &status.to_string());
        push_count(buffer, br#":{"requests":"#, *count);
        push_quantiles(buffer, br#","latency":"#, latency);
        buffer.push(b'}');
    });
    buffer.extend_from_slice(br#","failures":"#);
    push_object(buffer, &load.failures, |buffer, (kind, count)| {
        push_unescaped(buffer, kind.name());
        push_count(buffer, b":", *count);
    });
    push_count(buffer, br#","given_up":"#, *given_up);
    push_count(buffer, br#","bytes":"#, *bytes);
    push_count(buffer, br#","opened":"#, *opened);
    push_count(buffer, br#","reused":"#, *reused);
    if *resent > 0 {
        push_count(buffer, br#","resent":"#, *resent);
    }
    push_count(buffer, br#","delayed":"#, *delayed);
    push_count(buffer, br#","unsent":"#, *unsent);
    push_quantiles(buffer, br#","latency":"#, &load.latency);
    push_quantiles(buffer, br#","from_start":"#, &load.from_start);
    buffer.extend_from_slice(br#","took":"#);
    push_span(buffer, load.took);
    buffer.push(b'}');
}

fn push_quantiles(buffer: &mut Vec<u8>, key: &[u8], quantiles: &LatencyQuantiles) {
    let LatencyQuantiles { p50, p90, p99, p999, max } = *quantiles;
    let members: [(&[u8], Span); 5] = [
        (br#"{"p50":"#, p50),
        (br#","p90":"#, p90),
        (br#","p99":"#, p99),
        (br#","p99.9":"#, p999),
        (br#","max":"#, max),
    ];
    buffer.extend_from_slice(key);
    for (name, span) in members {
        buffer.extend_from_slice(name);
        push_span(buffer, span);
    }
    buffer.push(b'}');
}

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
    #[serde(default)]
    resent: u64,
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

/// The name of a fetch, or of a step of players, which may have spaces.
fn check_label(label: &str) -> Result<&str, DecodeError> {
    match name::step_label_error(label.strip_suffix(STEP_SUFFIX).unwrap_or(label)) {
        None => Ok(label),
        Some(_) => Err(DecodeError::unknown_value("fetches", label)),
    }
}

impl JobMetricsFields<'_> {
    fn decode(&self, job: &str) -> Result<LoadMetrics, DecodeError> {
        let statuses = self.statuses.iter();
        let statuses = statuses.map(|(status, of)| Ok((*status, of.requests, of.latency.decode()?)));
        let kind = |kind: &str| {
            FetchErrorKind::from_name(kind).ok_or_else(|| DecodeError::unknown_value("failures", kind))
        };
        let failures = self.failures.iter().map(|(name, count)| Ok((kind(name)?, *count)));
        Ok(LoadMetrics {
            job: check_label(job)?.to_owned(),
            requests: self.requests,
            statuses: statuses.collect::<Result<_, DecodeError>>()?,
            failures: failures.collect::<Result<_, DecodeError>>()?,
            given_up: self.given_up,
            bytes: self.bytes,
            opened: self.opened,
            reused: self.reused,
            resent: self.resent,
            delayed: self.delayed,
            unsent: self.unsent,
            latency: self.latency.decode()?,
            from_start: self.from_start.decode()?,
            took: decode_span("took", self.took)?,
        })
    }
}

impl QuantileFields<'_> {
    fn decode(&self) -> Result<LatencyQuantiles, DecodeError> {
        Ok(LatencyQuantiles {
            p50: decode_span("p50", self.p50)?,
            p90: decode_span("p90", self.p90)?,
            p99: decode_span("p99", self.p99)?,
            p999: decode_span("p99.9", self.p999)?,
            max: decode_span("max", self.max)?,
        })
    }
}
