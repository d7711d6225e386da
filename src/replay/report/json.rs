//! A replay for programs: one JSON object.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::replay::outcome::{Divergence, Finding, Now, Replayed};
use crate::replay::report::{cause, differing};
use scenario_log::event::Expected;
use scenario_log::sanitize::visible_json;

/// A replay as one JSON object.
#[derive(Serialize)]
struct Report<'a> {
    log: &'a str,
    /// `same`, `different`, `cut`, `damaged`, `newer`, `unreadable`.
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    events: u64,
    unknown: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    took: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
    /// What came of that which was expected beside the log's own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    expect: Vec<Expectation<'a>>,
    #[serde(flatten)]
    difference: Option<Difference>,
}

#[derive(Serialize)]
struct Expectation<'a> {
    name: &'a str,
    ok: bool,
    wanted: &'a str,
    /// Not there if there was nothing to measure.
    #[serde(skip_serializing_if = "Option::is_none")]
    got: Option<&'a str>,
    /// The `seq` of the events that decided.
    events: &'a [u64],
}

#[derive(Serialize)]
struct Difference {
    logged: Box<RawValue>,
    /// What is said in its place; null for nothing.
    now: Option<Box<RawValue>>,
    differs: Vec<String>,
    before: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    /// Whether the log's own checksum is right; null if it has none.
    as_written: Option<bool>,
}

/// One log's replay, as one line.
#[must_use]
pub fn json(log: &str, replayed: &Replayed) -> String {
    let mut report = Report {
        log,
        result: "same",
        name: replayed.run.as_ref().map(|run| &*run.name),
        events: replayed.events,
        unknown: replayed.unknown,
        outcome: replayed.ended.map(|(outcome, _)| outcome.name()),
        took: replayed.ended.and_then(|(_, took)| raw(&took.to_string())),
        line: None,
        error: None,
        help: None,
        expect: replayed.expected.iter().map(expectation).collect(),
        difference: None,
    };
    match &replayed.finding {
        Finding::Same => {}
        Finding::CutShort(cut) => {
            report.result = "cut";
            report.line = Some(cut.line);
            report.error = Some(cut.to_string());
        }
        Finding::Different(divergence) => {
            report.result = "different";
            report.line = Some(divergence.logged.line);
            report.difference = difference(divergence);
        }
        Finding::Unreadable(unreadable) => {
            report.result = unreadable.kind();
            report.line = unreadable.line();
            report.error = Some(unreadable.to_string());
            report.help = unreadable.help();
        }
    }
    // All of it is text and numbers.
    visible_json(&serde_json::to_string(&report).unwrap_or_default())
}

fn expectation(expected: &Expected) -> Expectation<'_> {
    let Expected { name, ok, wanted, got, events } = expected;
    Expectation { name, ok: *ok, wanted, got: got.as_deref(), events }
}

fn difference(divergence: &Divergence) -> Option<Difference> {
    Some(Difference {
        logged: raw(&divergence.logged.text)?,
        now: match &divergence.now {
            Now::Event(now) => raw(now),
            Now::Over | Now::Nothing { .. } => None,
        },
        differs: differing(divergence),
        before: divergence.before.iter().filter_map(|told| raw(&told.text)).collect(),
        cause: cause(divergence),
        as_written: divergence.is_as_written,
    })
}

fn raw(json: &str) -> Option<Box<RawValue>> {
    RawValue::from_string(json.to_owned()).ok()
}
