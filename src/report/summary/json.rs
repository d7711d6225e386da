//! The figures of a run for programs: one JSON object. Times are seconds with nine decimals, as in the
//! log.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::report::metrics::Figures;
use crate::report::metrics::distribution::Distribution;
use crate::report::metrics::sources::{Group, Sources};
use scenario_log::event::{Direction, Expected};
use scenario_log::sanitize::visible_json;
use scenario_log::time::{Moment, Span};

#[derive(Serialize)]
struct Report<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clock: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<&'a str>,
    /// None of a log that was cut short.
    outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    took: Box<RawValue>,
    events: u64,
    unknown: u64,
    wrong: Wrong<'a>,
    expected: Vec<Expectation<'a>>,
    spawns: BTreeMap<&'a str, Spawns<'a>>,
    fetches: BTreeMap<&'a str, Fetches<'a>>,
    moves: BTreeMap<&'static str, u64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    shared: BTreeMap<&'a str, i64>,
    #[serde(skip_serializing_if = "is_none")]
    steps: u64,
    lateness: BTreeMap<&'static str, Spread>,
    inputs: Inputs,
    pauses: u64,
}

#[derive(Serialize)]
struct Wrong<'a> {
    count: u64,
    first: Vec<Fault<'a>>,
}

#[derive(Serialize)]
struct Fault<'a> {
    line: u64,
    t: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    what: &'a str,
}

#[derive(Serialize)]
struct Expectation<'a> {
    name: &'a str,
    ok: bool,
    wanted: &'a str,
    /// None where there was nothing to measure.
    got: Option<&'a str>,
    events: &'a [u64],
}

#[derive(Serialize)]
struct Ends<'a> {
    started: u64,
    ok: u64,
    wrong: u64,
    open: u64,
    ends: &'a BTreeMap<String, u64>,
    took: Spread,
}

#[derive(Serialize)]
struct Spawns<'a> {
    #[serde(flatten)]
    ends: Ends<'a>,
    moves: u64,
    stdout: u64,
    stderr: u64,
}

#[derive(Serialize)]
struct Fetches<'a> {
    #[serde(flatten)]
    ends: Ends<'a>,
    bytes: u64,
    lines: u64,
}

#[derive(Serialize)]
struct Spread {
    count: u64,
    p50: Box<RawValue>,
    p90: Box<RawValue>,
    p99: Box<RawValue>,
    max: Box<RawValue>,
}

#[derive(Serialize)]
struct Inputs {
    accepted: u64,
    refused: u64,
}

/// The figures, as one line.
///
/// # Errors
/// In words, why they cannot be written.
pub fn json(figures: &Figures) -> Result<String, String> {
    report(figures)
        .and_then(|report| serde_json::to_string(&report))
        .map(|json| visible_json(&json) + "\n")
        .map_err(|error| error.to_string())
}

fn report(figures: &Figures) -> serde_json::Result<Report<'_>> {
    let started = figures.started.as_ref();
    let finished = figures.finished.as_ref();
    let faults = figures.wrong.first.iter().map(|fault| {
        let source = fault.source.map(|source| source.to_string());
        Ok(Fault { line: fault.line, t: moment(fault.t)?, source, what: &fault.what })
    });
    let late = figures.late.iter().map(|(event, late)| Ok((*event, spread(late)?)));
    let directions = Direction::ALL.iter().map(|direction| direction.letter());
    Ok(Report {
        name: started.map(|started| &*started.name),
        seed: started.map(|started| started.seed),
        clock: started.map(|started| started.clock.name()),
        started_at: started.and_then(|started| started.at.as_deref()),
        outcome: finished.map(|finished| finished.outcome.name()),
        reason: finished.and_then(|finished| finished.reason.as_deref()),
        took: span(figures.took())?,
        events: figures.events,
        unknown: figures.unknown,
        wrong: Wrong { count: figures.wrong.count, first: faults.collect::<serde_json::Result<_>>()? },
        expected: figures.expected.iter().map(expectation).collect(),
        spawns: groups(&figures.spawns, |group, ends| Spawns {
            ends,
            moves: group.moves,
            stdout: group.stdout,
            stderr: group.stderr,
        })?,
        fetches: groups(&figures.fetches, |group, ends| Fetches {
            ends,
            bytes: group.bytes,
            lines: group.stdout,
        })?,
        moves: directions.zip(figures.moves).collect(),
        shared: figures.shared.iter().map(|(cell, value)| (cell.as_str(), *value)).collect(),
        steps: figures.steps,
        lateness: late.collect::<serde_json::Result<_>>()?,
        inputs: Inputs { accepted: figures.typed[0], refused: figures.typed[1] },
        pauses: figures.pauses,
    })
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

fn expectation(expected: &Expected) -> Expectation<'_> {
    let Expected { name, ok, wanted, got, events } = expected;
    Expectation { name, ok: *ok, wanted, got: got.as_deref(), events }
}

fn groups<'a, T>(
    sources: &'a Sources,
    whole: impl Fn(&'a Group, Ends<'a>) -> T,
) -> serde_json::Result<BTreeMap<&'a str, T>> {
    let group = |(name, group): (&'a str, &'a Group)| {
        let took = spread(&group.took)?;
        let Group { started, ok, wrong, ends, .. } = group;
        let ends = Ends { started: *started, ok: *ok, wrong: *wrong, open: group.open(), ends, took };
        Ok((name, whole(group, ends)))
    };
    sources.by_name().map(group).collect()
}

fn spread(distribution: &Distribution) -> serde_json::Result<Spread> {
    let at = |per_mille| span(Span(distribution.per_mille(per_mille)));
    Ok(Spread { count: distribution.count(), p50: at(500)?, p90: at(900)?, p99: at(990)?, max: at(1_000)? })
}

fn span(span: Span) -> serde_json::Result<Box<RawValue>> {
    RawValue::from_string(span.to_string())
}

fn moment(moment: Moment) -> serde_json::Result<Box<RawValue>> {
    RawValue::from_string(moment.to_string())
}
