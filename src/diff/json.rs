//! A comparison for programs: one line of JSON.
//!
//! ```json
//! {"level":"source","same":false,"logs":["a.jsonl","b.jsonl"],"events":[56,57],
//!  "sequences":14,"differing":2,
//!  "first":{"sequence":"player mary of ps#1 (preset 1, entry #1)","keys":["direction"],
//!   "lines":[7,9],"events":[{…},{…}]},
//!  "counts":[{"of":"event","name":"move","counts":[37,36]},
//!   {"of":"exit","name":"server","how":"code 0","ok":true,"counts":[1,1]}],"notes":[],"cut":[null,12]}
//! ```
//!
//! Pairs are of the left and of the right log; `null` stands for what one of them does not have. `events`
//! of `first` are the lines themselves. `cut` is the number of the last whole line of a log that was cut
//! short.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::diff::counts::{CountKey, CountedEnd};
use crate::diff::differing_fields::differing_fields;
use crate::diff::{LogComparison, LogDifference, PerSide};
use scenario_log::sanitize::sanitize_json;

#[derive(Serialize)]
struct DiffJson<'c> {
    level: &'static str,
    same: bool,
    logs: PerSide<&'c str>,
    events: PerSide<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequences: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    differing: Option<u64>,
    first: Option<DifferenceJson<'c>>,
    counts: Vec<DiffCountJson>,
    notes: &'c [String],
    cut: PerSide<Option<u64>>,
}

#[derive(Serialize)]
struct DifferenceJson<'c> {
    sequence: Option<String>,
    keys: Vec<String>,
    lines: PerSide<Option<u64>>,
    events: PerSide<Option<&'c RawValue>>,
}

#[derive(Serialize)]
struct DiffCountJson {
    of: &'static str,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    how: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ok: Option<bool>,
    counts: PerSide<u64>,
}

/// The comparison as one line of JSON, with a newline.
#[must_use]
pub fn render_json(comparison: &LogComparison, names: PerSide<&str>) -> String {
    let printed = DiffJson {
        level: comparison.level.name(),
        same: comparison.is_same,
        logs: names,
        events: comparison.events,
        sequences: comparison.sequences.map(|(all, _)| all),
        differing: comparison.sequences.map(|(_, differing)| differing),
        first: comparison.first_difference.as_ref().map(difference_json),
        counts: comparison.counts.rows().map(count_json).collect(),
        notes: &comparison.notes,
        cut: comparison.cuts.each_ref().map(|cut| cut.as_ref().map(|cut| cut.last_line)),
    };
    // It consists of numbers, texts and lists of these, which all have a JSON form.
    serde_json::to_string(&printed).map_or_else(|error| error.to_string(), |json| sanitize_json(&json) + "\n")
}

fn count_json((counted, counts): (CountKey, PerSide<u64>)) -> DiffCountJson {
    let (of, name, end) = match counted {
        CountKey::Event(name) => ("event", name.to_owned(), None),
        CountKey::Outcome(outcome) => ("outcome", outcome.to_owned(), None),
        CountKey::Exit(preset, end) => ("exit", preset, Some(end)),
        CountKey::Response(job, end) => ("answer", job, Some(end)),
        CountKey::Expectation(name, ok) => {
            let how = if ok { "ok" } else { "missed" };
            ("expectation", name, Some(CountedEnd { how: how.to_owned(), ok }))
        }
    };
    let ok = end.as_ref().map(|end| end.ok);
    DiffCountJson { of, name, how: end.map(|end| end.how), ok, counts }
}

fn difference_json(difference: &LogDifference) -> DifferenceJson<'_> {
    let places = difference.lines.each_ref();
    DifferenceJson {
        sequence: difference.sequence.as_ref().map(ToString::to_string),
        keys: differing_fields(difference).into_iter().map(|(key, _)| key).collect(),
        lines: places.map(|place| place.as_ref().map(|place| place.number)),
        events: places.map(|place| serde_json::from_slice(place.as_ref()?.bytes.as_deref()?).ok()),
    }
}
