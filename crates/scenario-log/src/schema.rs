//! The JSON Schema of a line of the log, made from the table of events.

use serde_json::{Map, Value, json};

use crate::event::LOG_FORMAT;
use crate::event::log_value::{Count, LogValue};
use crate::event::table::{EVENT_SPECS, EventSpec};
use crate::time::Moment;

/// Whether there is an event with this name.
#[must_use]
pub fn is_event(name: &str) -> bool {
    EVENT_SPECS.iter().any(|event| event.name == name)
}

/// The names of all keys that events have of their own: first `due`, `source` and `entry`, which most
/// have, then the others in the order of the table.
#[must_use]
pub fn all_keys() -> Vec<&'static str> {
    let mut keys = vec!["due", "source", "entry"];
    for key in EVENT_SPECS.iter().flat_map(|event| event.keys) {
        if !keys.contains(&key.name) {
            keys.push(key.name);
        }
    }
    keys
}

/// Whether the event with this name can have this key.
#[must_use]
pub fn is_key(event: &str, key: &str) -> bool {
    let spec = EVENT_SPECS.iter().find(|spec| spec.name == event);
    matches!(key, "seq" | "t" | "event")
        || spec.is_some_and(|spec| spec.keys.iter().any(|known| known.name == key))
}

/// The keys that an event has got since the first release of this format, and that follow from the lines
/// before it. An older log does not have them.
const LATER_KEYS: [(&str, &str); 2] = [("spawn.failed", "preset"), ("spawn.failed", "entry")];

/// Whether a log of this format may lack a key that the event has now, since an older release wrote it.
#[must_use]
pub fn is_later_key(event: &str, key: &str) -> bool {
    LATER_KEYS.contains(&(event, key))
}

/// The schema of one line of the log, as pretty JSON with a newline at its end: the content of the file
/// `schema/event.schema.json`.
#[must_use]
pub fn event_schema() -> String {
    let events: Vec<Value> = EVENT_SPECS.iter().map(event_object).collect();
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line of a scenario log",
        "description": format!(
            "A line of a log of format {LOG_FORMAT}. Moments and durations are in seconds, with nine decimals."
        ),
        "oneOf": events,
    });
    format!("{schema:#}\n")
}

fn event_object(event: &EventSpec) -> Value {
    let mut properties = Map::new();
    let common = [
        ("seq", described(Count::schema(), "The number of the line, counted from 0 without gaps.")),
        (
            "t",
            described(
                Moment::schema(),
                "The moment of the event, in seconds since the start of the run. It never decreases.",
            ),
        ),
        ("event", described(json!({ "const": event.name }), "The name of the event.")),
    ];
    properties.extend(common.map(|(name, schema)| (name.to_owned(), schema)));
    properties.extend(
        event.keys.iter().map(|key| (key.name.to_owned(), described((key.schema)(), &joined(key.doc)))),
    );
    let required: Vec<&str> = ["seq", "t", "event"]
        .into_iter()
        .chain(event.keys.iter().filter(|key| key.is_required).map(|key| key.name))
        .collect();
    json!({
        "title": event.name,
        "description": joined(event.doc),
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn described(mut schema: Value, description: &str) -> Value {
    schema["description"] = description.into();
    schema
}

/// The lines of a comment as one text.
fn joined(doc: &[&str]) -> String {
    doc.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_description_is_a_sentence() {
        for event in EVENT_SPECS {
            let descriptions = event.keys.iter().map(|key| joined(key.doc)).chain([joined(event.doc)]);
            for description in descriptions {
                let starts = description.starts_with(char::is_uppercase);
                assert!(starts && description.ends_with('.'), "{}: {description}", event.name);
            }
        }
    }
}
