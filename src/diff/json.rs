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
//! What comes in twos is of the left log and of the right one; `null` where one has it not. `events`
//! of `first` are the lines themselves. `cut` is the last whole line of a log that was cut short.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::diff::counts::{Counted, End};
use crate::diff::keys::differing;
use crate::diff::{Comparison, Difference, Pair};
use scenario_log::sanitize::visible_json;

#[derive(Serialize)]
struct Printed<'c> {
    level: &'static str,
    same: bool,
    logs: Pair<&'c str>,
    events: Pair<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequences: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    differing: Option<u64>,
    first: Option<PrintedDifference<'c>>,
    counts: Vec<PrintedCount>,
    notes: &'c [String],
    cut: Pair<Option<u64>>,
}

#[derive(Serialize)]
struct PrintedDifference<'c> {
    sequence: Option<String>,
    keys: Vec<String>,
    lines: Pair<Option<u64>>,
    events: Pair<Option<&'c RawValue>>,
}

#[derive(Serialize)]
struct PrintedCount {
    of: &'static str,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    how: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ok: Option<bool>,
    counts: Pair<u64>,
}

/// What came of it, with a newline behind it.
#[must_use]
pub fn json(comparison: &Comparison, names: Pair<&str>) -> String {
    let printed = Printed {
        level: comparison.level.name(),
        same: comparison.is_same,
        logs: names,
        events: comparison.events,
        sequences: comparison.sequences.map(|(all, _)| all),
        differing: comparison.sequences.map(|(_, differing)| differing),
        first: comparison.first.as_ref().map(printed_difference),
        counts: comparison.counts.rows().map(printed_count).collect(),
        notes: &comparison.notes,
        cut: comparison.cuts.each_ref().map(|cut| cut.as_ref().map(|cut| cut.line)),
    };
    // Numbers, texts and lists of these: nothing that JSON could not hold.
    serde_json::to_string(&printed).map_or_else(|error| error.to_string(), |json| visible_json(&json) + "\n")
}

fn printed_count((counted, counts): (Counted, Pair<u64>)) -> PrintedCount {
    let (of, name, end) = match counted {
        Counted::Event(name) => ("event", name.to_owned(), None),
        Counted::Outcome(outcome) => ("outcome", outcome.to_owned(), None),
        Counted::Exit(preset, end) => ("exit", preset, Some(end)),
        Counted::Answer(job, end) => ("answer", job, Some(end)),
        Counted::Expectation(name, ok) => {
            let how = if ok { "ok" } else { "missed" };
            ("expectation", name, Some(End { how: how.to_owned(), ok }))
        }
    };
    let ok = end.as_ref().map(|end| end.ok);
    PrintedCount { of, name, how: end.map(|end| end.how), ok, counts }
}

fn printed_difference(difference: &Difference) -> PrintedDifference<'_> {
    let places = difference.places.each_ref();
    PrintedDifference {
        sequence: difference.of.as_ref().map(ToString::to_string),
        keys: differing(difference).into_iter().map(|(key, _)| key).collect(),
        lines: places.map(|place| place.as_ref().map(|place| place.number)),
        events: places.map(|place| serde_json::from_slice(place.as_ref()?.bytes.as_deref()?).ok()),
    }
}
