//! A replay for programs: one JSON object.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::replay::outcome::{ReplayDivergence, ReplayFinding, ReplayResult, ReplayedEvent};
use crate::replay::report::{describe_cause, differing_keys};
use scenario_log::event::ExpectationResult;
use scenario_log::sanitize::sanitize_json;

/// A replay as one JSON object.
#[derive(Serialize)]
struct ReplayJson<'a> {
    log: &'a str,
    /// `same`, `different`, `cut`, `damaged`, `newer`, `unreadable`.
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    events: u64,
    unknown: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    /// Why the logged run did not pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    took: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
    /// The results of the expectations that are not the log's own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    expect: Vec<ReplayExpectationJson<'a>>,
    #[serde(flatten)]
    difference: Option<DivergenceJson>,
}

#[derive(Serialize)]
struct ReplayExpectationJson<'a> {
    name: &'a str,
    /// Left out if the expectation judges all events together.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    ok: bool,
    wanted: &'a str,
    /// Left out if there was nothing to measure.
    #[serde(skip_serializing_if = "Option::is_none")]
    got: Option<&'a str>,
    /// The `seq` of the deciding events.
    events: &'a [u64],
}

#[derive(Serialize)]
struct DivergenceJson {
    logged: Box<RawValue>,
    /// The event that happens now in its place; null for none.
    now: Option<Box<RawValue>>,
    differs: Vec<String>,
    before: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    /// Whether the log's own checksum is right; null if it has none.
    as_written: Option<bool>,
}

/// The replay of one log, as one line.
#[must_use]
pub fn render_json(log: &str, replayed: &ReplayResult) -> String {
    let mut report = ReplayJson {
        log,
        result: "same",
        name: replayed.run.as_ref().map(|run| &*run.name),
        events: replayed.events,
        unknown: replayed.unknown_lines,
        outcome: replayed.end.as_ref().map(|end| end.outcome.name()),
        reason: replayed.end.as_ref().and_then(|end| end.reason.as_deref()),
        took: replayed.end.as_ref().and_then(|end| raw_json(&end.took.to_string())),
        line: None,
        error: None,
        help: None,
        expect: replayed.expectations.iter().map(expectation_json).collect(),
        difference: None,
    };
    match &replayed.finding {
        ReplayFinding::Same => {}
        ReplayFinding::CutShort(cut) => {
            report.result = "cut";
            report.line = Some(cut.last_line);
            report.error = Some(cut.to_string());
        }
        ReplayFinding::Different(divergence) => {
            report.result = "different";
            report.line = Some(divergence.logged.line);
            report.difference = divergence_json(divergence);
        }
        ReplayFinding::Unreadable(unreadable) => {
            report.result = unreadable.kind();
            report.line = unreadable.line();
            report.error = Some(unreadable.to_string());
            report.help = unreadable.help();
        }
    }
    // It consists of texts and numbers, which have a JSON form.
    sanitize_json(&serde_json::to_string(&report).unwrap_or_default())
}

fn expectation_json(expected: &ExpectationResult) -> ReplayExpectationJson<'_> {
    let ExpectationResult { name, group, ok, wanted, got, events } = expected;
    ReplayExpectationJson { name, group: group.as_deref(), ok: *ok, wanted, got: got.as_deref(), events }
}

fn divergence_json(divergence: &ReplayDivergence) -> Option<DivergenceJson> {
    Some(DivergenceJson {
        logged: raw_json(&divergence.logged.text)?,
        now: match &divergence.replayed {
            ReplayedEvent::Event(now) => raw_json(now),
            ReplayedEvent::RunOver | ReplayedEvent::Nothing { .. } => None,
        },
        differs: differing_keys(divergence),
        before: divergence.previous_lines.iter().filter_map(|previous| raw_json(&previous.text)).collect(),
        cause: describe_cause(divergence),
        as_written: divergence.is_checksum_valid,
    })
}

fn raw_json(json: &str) -> Option<Box<RawValue>> {
    RawValue::from_string(json.to_owned()).ok()
}
