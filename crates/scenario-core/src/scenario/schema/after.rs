//! What an entry waits for, and variables as they are written: values whose meaning needs the rest of
//! the scenario.

use super::numbers::Int;
use super::text::{Open, Pattern};
use super::times::Duration;
use super::unions::tables_or_string;
use super::{Cx, Shape, Sp, table::Rule, table::table};
use crate::diagnostic::quoted;
use crate::scenario::toml::{Node, Value};
use crate::scenario::write::json::{Json, object};

/// Which moment of an entry is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryMoment {
    Started,
    Ready,
    Finished,
}

/// What an entry waits for, with names not looked up yet.
#[derive(Debug)]
pub(crate) enum RawAfter {
    /// `ID.started` and the like.
    Moment {
        /// The id.
        id: String,
        /// The moment.
        moment: EntryMoment,
    },
    /// A line.
    Line(Box<LineTable>),
}

table! {
    /// The first line of another entry's programs that matches.
    LineTable is "`after`" with [
        Rule::Required("line", "line = \"a regular expression\""),
        Rule::Required("of", "of = \"ID\""),
    ] {
        /// A regular expression.
        "line" line: Pattern,
        /// The id of the entry whose programs print it.
        "of" of: Open,
        /// How long to wait, from the entry's start.
        "timeout" timeout: Duration = "10s",
    }
}

const AFTERS: &str = "\"ID.started\", \"ID.ready\", \"ID.finished\" or { line = \"REGEX\", of = \"ID\" }";

impl Shape for RawAfter {
    fn decode(cx: &mut Cx<'_>, node: Node) -> Option<RawAfter> {
        let at = node.at;
        if let Value::Table(_) = node.value {
            return LineTable::decode(cx, node).map(|table| RawAfter::Line(Box::new(table)));
        }
        let text = cx.open_text(node, "a moment", AFTERS)?;
        let moments = [
            ("started", EntryMoment::Started),
            ("ready", EntryMoment::Ready),
            ("finished", EntryMoment::Finished),
        ];
        let Some((id, name)) = text.rsplit_once('.') else {
            let fault = format!("{} names no moment of an entry", quoted(&text));
            cx.error_with_help(at, fault, format!("there is {AFTERS}"));
            return None;
        };
        match moments.iter().find(|(known, _)| *known == name) {
            Some((_, moment)) if !id.is_empty() => {
                Some(RawAfter::Moment { id: id.to_owned(), moment: *moment })
            }
            _ => {
                let nearest = cx.found.nearest(name, moments.iter().map(|(known, _)| *known));
                let help = nearest.map_or_else(String::new, |near| format!("did you mean \"{id}.{near}\"? "));
                let fault = format!("{} is no moment of an entry", quoted(name));
                cx.error_with_help(at, fault, format!("{help}there is {AFTERS}"));
                None
            }
        }
    }

    fn schema() -> Json {
        tables_or_string(r"^.+\.(started|ready|finished)$", &[LineTable::schema()])
    }
}

/// A variable's value as it was written.
#[derive(Clone, Debug)]
pub(crate) enum RawVar {
    /// A string; nothing is put in yet.
    Text(Sp<crate::scenario::toml::Str>),
    /// An integer.
    Integer(i64),
    /// A boolean.
    Boolean(bool),
}

impl Shape for RawVar {
    fn decode(cx: &mut Cx<'_>, node: Node) -> Option<RawVar> {
        let place = cx.place(node.at);
        match node.value {
            Value::String(value) => Some(RawVar::Text(Sp { value, place })),
            Value::Integer(_) => {
                Int::<{ i64::MIN }, { i64::MAX }>::decode(cx, node).map(|int| RawVar::Integer(int.0))
            }
            Value::Boolean(value) => Some(RawVar::Boolean(value)),
            _ => {
                cx.wrong_type(&node, "a string, an integer or a boolean", "\"text\"");
                None
            }
        }
    }

    fn schema() -> Json {
        let integer = object([
            ("type", "integer".into()),
            ("minimum", Json::Int(i64::MIN)),
            ("maximum", Json::Int(i64::MAX)),
        ]);
        let string = object([("type", "string".into())]);
        object([("anyOf", Json::List(vec![string, integer, bool::schema()]))])
    }
}
