//! The moments that entries wait for, and variables as they are written: values whose meaning needs the
//! rest of the scenario.

use std::collections::BTreeMap;

use super::collections::ListOf;
use super::durations::DurationValue;
use super::encode::TomlEncode;
use super::numbers::{BoundedInt, integer_schema};
use super::strings::{PublicString, RegexText};
use super::unions::tables_or_string_schema;
use super::{DecodeContext, KeySlot, Located, TomlSchema, table::TableRule, table::table};
use crate::scenario::model::{EntryTrigger, ExitRule, VarValue};
use crate::scenario::toml::{TomlNode, TomlValue};
use crate::scenario::write::json::{Json, object};

/// A moment of an entry that another entry waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryMoment {
    Started,
    Ready,
    Finished,
    Passed,
    Failed,
}

/// The moment that an entry waits for; its names have not been looked up.
#[derive(Debug)]
pub(crate) enum RawTrigger {
    /// `ID.started`, `ID.ready`, `ID.finished`, `ID.passed` or `ID.failed`.
    Moment {
        id: String,
        moment: EntryMoment,
    },
    /// The same of an id that stands for several entries.
    MomentOfGroup {
        ids: Vec<String>,
        moment: EntryMoment,
    },
    Table(Box<TriggerTable>),
    /// A text that names no moment; the error needs the ids of the timeline.
    NoMoment(String),
}

impl RawTrigger {
    /// Finds the entries of ids that stand for several.
    pub(crate) fn resolve_groups(&mut self, groups: &BTreeMap<String, Vec<String>>) {
        match self {
            RawTrigger::Moment { id, moment } => {
                if let Some(ids) = groups.get(id) {
                    *self = RawTrigger::MomentOfGroup { ids: ids.clone(), moment: *moment };
                }
            }
            RawTrigger::Table(table) => {
                let lists = [&mut table.all, &mut table.any].into_iter().filter_map(KeySlot::as_given_mut);
                let parts = lists.flat_map(|list| &mut list.value.0);
                parts.for_each(|part| part.value.0.resolve_groups(groups));
            }
            RawTrigger::MomentOfGroup { .. } | RawTrigger::NoMoment(_) => {}
        }
    }
}

/// A part of a group.
#[derive(Debug)]
pub(crate) struct NestedTrigger(pub(crate) RawTrigger);

/// A trigger of the model, and what knows the names of entries.
pub(crate) struct NamedTrigger<'a> {
    pub(crate) trigger: &'a EntryTrigger,
    pub(crate) name: &'a dyn Fn(usize) -> String,
}

impl NamedTrigger<'_> {
    /// The trigger as a file has it.
    pub(crate) fn write(&self) -> Json {
        let moment = |of: &usize, moment: &str| format!("{}.{moment}", (self.name)(*of)).into();
        match self.trigger {
            EntryTrigger::Started(of) => moment(of, "started"),
            EntryTrigger::Ready(of) => moment(of, "ready"),
            EntryTrigger::Finished(of) => moment(of, "finished"),
            EntryTrigger::Passed(of) => moment(of, "passed"),
            EntryTrigger::Failed(of) => moment(of, "failed"),
            _ => TriggerTable::write(self),
        }
    }

    fn write_all(&self, parts: &[EntryTrigger]) -> Json {
        parts.iter().map(|trigger| NamedTrigger { trigger, name: self.name }.write()).collect()
    }
}

table! {
    /// A line, a silence or an exit of another entry's programs, or several moments. It has exactly one of
    /// `line`, `quiet`, `exit`, `all` and `any`.
    TriggerTable is "`after`" from (NamedTrigger<'_>) like "{ line = \"listening\", of = \"server\" }" with [
        TableRule::ExactlyOne(&["line", "quiet", "exit", "all", "any"]),
        TableRule::NeedsAny("line", &["of"]),
        TableRule::NeedsAny("quiet", &["of"]),
        TableRule::NeedsAny("exit", &["of"]),
        TableRule::NeedsAny("of", &["line", "quiet", "exit"]),
        TableRule::NeedsAny("timeout", &["line"]),
    ] {
        /// A regular expression that a line of the other entry's programs must match.
        "line" line: RegexText => |of| match of.trigger {
            EntryTrigger::Line { regex, .. } => Some(regex),
            _ => None,
        },
        /// How long the other entry's programs must have written nothing, as a duration from their start or from
        /// the last text that one of them wrote.
        "quiet" quiet: DurationValue<true> => |of| match of.trigger {
            EntryTrigger::Quiet { duration, .. } => Some(*duration),
            _ => None,
        },
        /// The exit of the other entry's spawns that is waited for: an exit code from 0 to 255, `"any"`,
        /// `{ signal = "TERM" }`, or a list of codes and signals. The entry is skipped if they end without such an exit.
        "exit" exit: ExitRule => |of| match of.trigger {
            EntryTrigger::Exit { exits, .. } => Some(exits),
            _ => None,
        },
        /// Moments of which all must have come, in any of the forms of `after`.
        "all" all: ListOf<NestedTrigger, 1> => |of| match of.trigger {
            EntryTrigger::All(parts) => Some(of.write_all(parts)),
            _ => None,
        },
        /// Moments of which one must have come, in any of the forms of `after`.
        "any" any: ListOf<NestedTrigger, 1> => |of| match of.trigger {
            EntryTrigger::Any(parts) => Some(of.write_all(parts)),
            _ => None,
        },
        /// The id of the entry whose programs print the line, are quiet or exit.
        "of" of: PublicString => |of| match of.trigger {
            EntryTrigger::Line { of: awaited, .. }
            | EntryTrigger::Quiet { of: awaited, .. }
            | EntryTrigger::Exit { of: awaited, .. } => Some((of.name)(*awaited)),
            _ => None,
        },
        /// How long to wait for the line, as a duration from the start of the other entry; if there is no
        /// such line by then, the run has failed.
        "timeout" timeout: DurationValue = "10s" => |of| match of.trigger {
            EntryTrigger::Line { timeout, .. } => Some(*timeout),
            _ => None,
        },
    }
}

/// The moments of entries, by the words for them.
pub(crate) const MOMENTS: [(&str, EntryMoment); 5] = [
    ("started", EntryMoment::Started),
    ("ready", EntryMoment::Ready),
    ("finished", EntryMoment::Finished),
    ("passed", EntryMoment::Passed),
    ("failed", EntryMoment::Failed),
];

/// The moment that a word of another kind probably means.
pub(crate) fn meant_moment(word: &str) -> Option<&'static str> {
    match word.to_ascii_lowercase().as_str() {
        "start" | "starts" | "begin" | "begins" | "began" | "running" | "run" | "spawned" | "launched" => {
            Some("started")
        }
        "healthy" | "up" | "listening" | "available" | "alive" | "service_healthy" => Some("ready"),
        "exited" | "exit" | "exits" | "done" | "completed" | "complete" | "end" | "ended" | "ends"
        | "stopped" | "finish" | "finishes" | "over" => Some("finished"),
        "success"
        | "succeeded"
        | "succeeds"
        | "ok"
        | "pass"
        | "passes"
        | "service_completed_successfully" => Some("passed"),
        "fail" | "fails" | "failure" | "error" | "errored" | "crashed" => Some("failed"),
        _ => None,
    }
}

/// The forms of `after`, for messages.
pub(crate) const AFTER_FORMS: &str = "\"ID.started\", \"ID.ready\", \"ID.finished\", \"ID.passed\", \"ID.failed\", \
     { line = \"REGEX\", of = \"ID\" }, { quiet = \"1s\", of = \"ID\" }, { exit = 3, of = \"ID\" }, { all = […] } or { any = […] }";

impl TomlSchema for RawTrigger {
    const EXAMPLE: &'static str = r#""server.ready""#;

    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<RawTrigger> {
        if let TomlValue::Table(_) = node.value {
            return TriggerTable::decode(cx, node).map(|table| RawTrigger::Table(Box::new(table)));
        }
        if let TomlValue::Array(_) = node.value {
            let help = "write { all = […] } to wait for all of them, or { any = […] } to wait for the first";
            cx.report_wrong_type_with_help(&node, "a moment", help.to_owned());
            return None;
        }
        let text = cx.decode_public_text(node, "a moment", AFTER_FORMS)?;
        let moment = text.rsplit_once('.').and_then(|(id, name)| {
            let (_, moment) = MOMENTS.iter().find(|(known, _)| *known == name)?;
            (!id.is_empty()).then(|| RawTrigger::Moment { id: id.to_owned(), moment: *moment })
        });
        Some(moment.unwrap_or(RawTrigger::NoMoment(text)))
    }

    fn schema() -> Json {
        tables_or_string_schema(r"^.+\.(started|ready|finished|passed|failed)$", &[TriggerTable::schema()])
            .with("examples", Json::from(["server.ready", "wave-1.finished", "migrate.failed"]))
    }
}

impl TomlSchema for NestedTrigger {
    const EXAMPLE: &'static str = RawTrigger::EXAMPLE;

    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<NestedTrigger> {
        RawTrigger::decode(cx, node).map(NestedTrigger)
    }

    /// Refers to the schema of `after`: a schema within itself would have no end.
    fn schema() -> Json {
        object([("$ref", "#/$defs/after".into())])
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
