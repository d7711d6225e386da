//! The summary for programs: one JSON object. Times are seconds with nine decimals, as in the log.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::report::metrics::RunMetrics;
use crate::report::metrics::distribution::Distribution;
use crate::report::metrics::recoveries::Recoveries;
use crate::report::metrics::source_metrics::{MetricsByName, SourceMetrics};
use scenario_log::event::ExpectationResult;
use scenario_log::sanitize::sanitize_json;
use scenario_log::time::{Moment, Span};

#[derive(Serialize)]
struct SummaryJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clock: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<&'a str>,
    /// Null if the log was cut short.
    outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    took: Box<RawValue>,
    events: u64,
    unknown: u64,
    wrong: FaultsJson<'a>,
    /// The programs that ended and came back.
    #[serde(skip_serializing_if = "Option::is_none")]
    back: Option<RecoveriesJson<'a>>,
    expected: Vec<SummaryExpectationJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    skipped: Vec<SkippedEntryJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    injected: Vec<InjectedFaultJson<'a>>,
    spawns: BTreeMap<&'a str, SpawnsJson<'a>>,
    fetches: BTreeMap<&'a str, FetchesJson<'a>>,
    moves: BTreeMap<&'a str, u64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    shared: BTreeMap<&'a str, i64>,
    #[serde(skip_serializing_if = "is_zero")]
    steps: u64,
    lateness: BTreeMap<&'static str, DistributionJson>,
    inputs: InputsJson,
    pauses: u64,
}

#[derive(Serialize)]
struct FaultsJson<'a> {
    count: u64,
    first: Vec<FaultJson<'a>>,
}

#[derive(Serialize)]
struct FaultJson<'a> {
    line: u64,
    t: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    what: &'a str,
    /// The last lines of a program that failed.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    output: &'a [String],
}

#[derive(Serialize)]
struct RecoveriesJson<'a> {
    count: u64,
    first: Vec<RecoveryJson<'a>>,
}

#[derive(Serialize)]
struct RecoveryJson<'a> {
    line: u64,
    t: Box<RawValue>,
    source: String,
    what: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    output: &'a [String],
    /// The spawn that took its place; left out if none did.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ready: Option<Box<RawValue>>,
}

#[derive(Serialize)]
struct SummaryExpectationJson<'a> {
    name: &'a str,
    /// Left out if the expectation judges all events together.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    ok: bool,
    wanted: &'a str,
    /// Null if there was nothing to measure.
    got: Option<&'a str>,
    events: &'a [u64],
}

/// An entry that was skipped.
#[derive(Serialize)]
struct SkippedEntryJson<'a> {
    entry: &'a str,
    reason: &'a str,
}

/// A fault that the run put on a link or a program.
#[derive(Serialize)]
struct InjectedFaultJson<'a> {
    from: Box<RawValue>,
    /// Null if it held until the end of the run.
    to: Option<Box<RawValue>>,
    what: &'a str,
}

#[derive(Serialize)]
struct SourceEndsJson<'a> {
    started: u64,
    ok: u64,
    wrong: u64,
    open: u64,
    ends: &'a BTreeMap<String, u64>,
    took: DistributionJson,
}

#[derive(Serialize)]
struct SpawnsJson<'a> {
    #[serde(flatten)]
    ends: SourceEndsJson<'a>,
    moves: u64,
    stdout: u64,
    stderr: u64,
    /// The processor time of those that have ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu: Option<Box<RawValue>>,
    /// The largest peak of one of them, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    peak_memory: Option<u64>,
    /// The largest memory of all at once by their samples, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    sampled_memory: Option<u64>,
}

#[derive(Serialize)]
struct FetchesJson<'a> {
    #[serde(flatten)]
    ends: SourceEndsJson<'a>,
    bytes: u64,
    lines: u64,
}

#[derive(Serialize)]
struct DistributionJson {
    count: u64,
    p50: Box<RawValue>,
    p90: Box<RawValue>,
    p99: Box<RawValue>,
    max: Box<RawValue>,
}

#[derive(Serialize)]
struct InputsJson {
    accepted: u64,
    refused: u64,
}

/// The summary, as one line.
///
/// # Errors
/// If they have no JSON form.
pub fn render_json(metrics: &RunMetrics) -> serde_json::Result<String> {
    summary_json(metrics)
        .and_then(|report| serde_json::to_string(&report))
        .map(|json| sanitize_json(&json) + "\n")
}

fn summary_json(metrics: &RunMetrics) -> serde_json::Result<SummaryJson<'_>> {
    let started = metrics.start.as_ref();
    let finished = metrics.end.as_ref();
    let faults = metrics.faults.first.iter().map(|fault| {
        let source = fault.source.map(|source| source.to_string());
        let (what, output) = (&*fault.message, &*fault.output);
        Ok(FaultJson { line: fault.line, t: moment_json(fault.t)?, source, what, output })
    });
    let injected = metrics.injected.kept.iter().map(|fault| {
        let to = fault.end.map(moment_json).transpose()?;
        Ok(InjectedFaultJson { from: moment_json(fault.start)?, to, what: &fault.text })
    });
    let late = metrics.lateness.iter().map(|(event, late)| Ok((*event, distribution_json(late)?)));
    Ok(SummaryJson {
        name: started.map(|started| &*started.name),
        seed: started.map(|started| started.seed),
        clock: started.map(|started| started.clock.name()),
        started_at: started.and_then(|started| started.at.as_deref()),
        outcome: finished.map(|finished| finished.outcome.name()),
        reason: finished.and_then(|finished| finished.reason.as_deref()),
        took: span_json(metrics.took())?,
        events: metrics.events,
        unknown: metrics.unknown_events,
        wrong: FaultsJson { count: metrics.faults.count, first: faults.collect::<serde_json::Result<_>>()? },
        back: recoveries_json(&metrics.recoveries)?,
        expected: metrics.expectations.iter().map(expectation_json).collect(),
        skipped: metrics.skipped.iter().map(|(entry, reason)| SkippedEntryJson { entry, reason }).collect(),
        injected: injected.collect::<serde_json::Result<_>>()?,
        spawns: metrics_json(&metrics.spawns, |name, group, ends| {
            let usage = metrics.resources.of_preset(name);
            SpawnsJson {
                ends,
                moves: group.moves,
                stdout: group.stdout,
                stderr: group.stderr,
                cpu: usage.and_then(|usage| span_json(usage.cpu?).ok()),
                peak_memory: usage.and_then(|usage| usage.peak_memory),
                sampled_memory: usage.and_then(|usage| usage.largest_sample),
            }
        })?,
        fetches: metrics_json(&metrics.fetches, |_, group, ends| FetchesJson {
            ends,
            bytes: group.bytes,
            lines: group.stdout,
        })?,
        moves: metrics.moves.by_word().collect(),
        shared: metrics.shared.iter().map(|(cell, value)| (cell.as_str(), *value)).collect(),
        steps: metrics.steps,
        lateness: late.collect::<serde_json::Result<_>>()?,
        inputs: InputsJson { accepted: metrics.typed[0], refused: metrics.typed[1] },
        pauses: metrics.pauses,
    })
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

fn expectation_json(expected: &ExpectationResult) -> SummaryExpectationJson<'_> {
    let ExpectationResult { name, group, ok, wanted, got, events } = expected;
    SummaryExpectationJson { name, group: group.as_deref(), ok: *ok, wanted, got: got.as_deref(), events }
}

fn metrics_json<'a, T>(
    sources: &'a MetricsByName,
    whole: impl Fn(&'a str, &'a SourceMetrics, SourceEndsJson<'a>) -> T,
) -> serde_json::Result<BTreeMap<&'a str, T>> {
    let group = |(name, group): (&'a str, &'a SourceMetrics)| {
        let took = distribution_json(&group.took)?;
        let SourceMetrics { started, ok, failed: wrong, ends, .. } = group;
        let ends = SourceEndsJson {
            started: *started,
            ok: *ok,
            wrong: *wrong,
            open: group.unfinished(),
            ends,
            took,
        };
        Ok((name, whole(name, group, ends)))
    };
    sources.by_name().map(group).collect()
}

fn distribution_json(distribution: &Distribution) -> serde_json::Result<DistributionJson> {
    let at = |per_mille| span_json(Span(distribution.value_at_per_mille(per_mille)));
    Ok(DistributionJson {
        count: distribution.count(),
        p50: at(500)?,
        p90: at(900)?,
        p99: at(990)?,
        max: at(1_000)?,
    })
}

fn span_json(span: Span) -> serde_json::Result<Box<RawValue>> {
    RawValue::from_string(span.to_string())
}

fn moment_json(moment: Moment) -> serde_json::Result<Box<RawValue>> {
    RawValue::from_string(moment.to_string())
}

fn recoveries_json(all: &Recoveries) -> serde_json::Result<Option<RecoveriesJson<'_>>> {
    let mut first = Vec::with_capacity(all.first.len());
    for recovery in &all.first {
        let (started, ready) =
            (recovery.back.map(|back| back.started), recovery.back.and_then(|back| back.ready));
        let [started, ready] = [started, ready].map(|moment| moment.map(moment_json).transpose());
        let (started, ready) = (started?, ready?);
        first.push(RecoveryJson {
            line: recovery.line,
            t: moment_json(recovery.t)?,
            source: recovery.source.to_string(),
            what: &recovery.message,
            output: &recovery.output,
            by: recovery.back.map(|back| back.source.to_string()),
            started,
            ready,
        });
    }
    Ok((all.count > 0).then_some(RecoveriesJson { count: all.count, first }))
}
