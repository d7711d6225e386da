//! The moments that entries wait for, and variables as they are written: values whose meaning needs the
//! rest of the scenario.

use super::durations::DurationValue;
use super::encode::TomlEncode;
use super::numbers::{BoundedInt, integer_schema};
use super::strings::{PublicString, RegexText};
use super::unions::tables_or_string_schema;
use super::{DecodeContext, Located, TomlSchema, table::TableRule, table::table};
use crate::scenario::model::VarValue;
use crate::scenario::toml::{TomlNode, TomlValue};
use crate::scenario::write::json::{Json, object};
use scenario_log::time::Span;

/// A moment of an entry that another entry waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryMoment {
    Started,
    Ready,
    Finished,
}

/// The moment that an entry waits for; its names have not been looked up.
#[derive(Debug)]
pub(crate) enum RawTrigger {
    /// `ID.started`, `ID.ready` or `ID.finished`.
    Moment {
        id: String,
        moment: EntryMoment,
    },
    Line(Box<LineTriggerTable>),
    /// A text that names no moment; the error needs the ids of the timeline.
    NoMoment(String),
}

table! {
    /// The moment of the first matching line in the output of another entry's programs.
    LineTriggerTable is "`after`" from ((&str, &str, Span)) like "{ line = \"listening\", of = \"server\" }" with [
        TableRule::Required("line", "line = \"a regular expression\""),
        TableRule::Required("of", "of = \"ID\""),
    ] {
        /// A regular expression that the line must match.
        "line" line: RegexText => |(regex, _, _)| *regex,
        /// The id of the entry whose programs print the line.
        "of" of: PublicString => |(_, of, _)| *of,
        /// How long to wait for the line, as a duration from the start of the other entry; if there is no
        /// such line by then, the run has failed.
        "timeout" timeout: DurationValue = "10s" => |(_, _, timeout)| *timeout,
    }
}

/// The moments of entries, by the words for them.
pub(crate) const MOMENTS: [(&str, EntryMoment); 3] =
    [("started", EntryMoment::Started), ("ready", EntryMoment::Ready), ("finished", EntryMoment::Finished)];

/// The moment that a word of another kind probably means.
pub(crate) fn meant_moment(word: &str) -> Option<&'static str> {
    match word.to_ascii_lowercase().as_str() {
        "start" | "starts" | "begin" | "begins" | "began" | "running" | "run" | "spawned" | "launched" => {
            Some("started")
        }
        "healthy" | "up" | "listening" | "available" | "alive" | "service_healthy" => Some("ready"),
        "exited" | "exit" | "exits" | "done" | "completed" | "complete" | "end" | "ended" | "ends"
        | "stopped" | "finish" | "finishes" | "over" | "passed" | "success" => Some("finished"),
        _ => None,
    }
}

/// The forms of `after`, for messages.
pub(crate) const AFTER_FORMS: &str =
    "\"ID.started\", \"ID.ready\", \"ID.finished\" or { line = \"REGEX\", of = \"ID\" }";

impl TomlSchema for RawTrigger {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<RawTrigger> {
        if let TomlValue::Table(_) = node.value {
            return LineTriggerTable::decode(cx, node).map(|table| RawTrigger::Line(Box::new(table)));
        }
        let text = cx.decode_public_text(node, "a moment", AFTER_FORMS)?;
        let moment = text.rsplit_once('.').and_then(|(id, name)| {
            let (_, moment) = MOMENTS.iter().find(|(known, _)| *known == name)?;
            (!id.is_empty()).then(|| RawTrigger::Moment { id: id.to_owned(), moment: *moment })
        });
        Some(moment.unwrap_or(RawTrigger::NoMoment(text)))
    }

    fn schema() -> Json {
        tables_or_string_schema(r"^.+\.(started|ready|finished)$", &[LineTriggerTable::schema()])
            .with("examples", Json::from(["server.ready", "wave-1.finished"]))
    }
}

/// The value of a variable as it is written.
#[derive(Clone, Debug)]
pub(crate) enum RawVar {
    /// A string whose own variables have not been replaced.
    Text(Located<crate::scenario::toml::TomlStr>),
    Integer(i64),
    Boolean(bool),
}

impl TomlSchema for RawVar {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<RawVar> {
        let place = cx.place(node.at);
        match node.value {
            TomlValue::String(value) => Some(RawVar::Text(Located { value, place })),
            TomlValue::Integer(_) => {
                BoundedInt::<{ i64::MIN }, { i64::MAX }>::decode(cx, node).map(|int| RawVar::Integer(int.0))
            }
            TomlValue::Boolean(value) => Some(RawVar::Boolean(value)),
            _ => {
                cx.report_wrong_type(&node, "a string, an integer or a boolean", "\"text\"");
                None
            }
        }
    }

    fn schema() -> Json {
        let [string, boolean] = ["string", "boolean"].map(|kind| object([("type", kind.into())]));
        object([("anyOf", Json::List(vec![string, integer_schema(i64::MIN, i64::MAX), boolean]))])
    }
}

impl TomlEncode for &VarValue {
    fn encode(self) -> Option<Json> {
        match self {
            VarValue::Text(text) => text.encode(),
            VarValue::Integer(number) => number.encode(),
            VarValue::Boolean(value) => value.encode(),
        }
    }
}
