//! Values that may be written in several ways: a word, a number, a list, a table.

use super::form::Form;
use super::json_text::JsonText;
use super::numbers::{int_or_list, out_of_range};
use super::text::{FilePath, Late, pattern};
use super::{Cx, Shape, Slot, table::table};
use crate::diagnostic::quoted;
use crate::scenario::model::{Body, Exits, StatusRule, Stdin, Text};
use crate::scenario::schema::table::Rule;
use crate::scenario::toml::{Node, Value};
use crate::scenario::write::json::{Json, object};
use scenario_log::signal::Signal;

/// The schema of a string of a pattern, or one of these tables.
pub(crate) fn tables_or_string(regex: &str, tables: &[Json]) -> Json {
    let forms = std::iter::once(pattern(regex)).chain(tables.iter().cloned());
    object([("anyOf", Json::List(forms.collect()))])
}

/// A string that must be one of a few words; says what the forms are if it is none.
fn word<T: Copy>(cx: &mut Cx<'_>, node: Node, what: &str, words: &[(&str, T)], forms: &str) -> Option<T> {
    let at = node.at;
    let written = cx.open_text(node, what, forms)?;
    let found = words.iter().find(|(word, _)| *word == written).map(|(_, meaning)| *meaning);
    if found.is_none() {
        let nearest = cx.found.nearest(&written, words.iter().map(|(word, _)| *word));
        let help = nearest.map_or_else(String::new, |word| format!("did you mean {word:?}? "));
        cx.error_with_help(
            at,
            format!("{} is not {what}", quoted(&written)),
            format!("{help}there is {forms}"),
        );
    }
    found
}

/// One integer or a list of them, within a range.
fn integers(cx: &mut Cx<'_>, node: Node, least: i64, most: i64, what: &str, forms: &str) -> Option<Vec<i64>> {
    match node.value {
        Value::Integer(Some(number)) if (least..=most).contains(&number) => Some(vec![number]),
        Value::Integer(_) => {
            out_of_range(cx, node.at, least, most);
            None
        }
        Value::Array(items) if items.is_empty() => {
            cx.error_with_help(
                node.at,
                "this list is empty: nothing would be allowed",
                format!("there is {forms}"),
            );
            None
        }
        Value::Array(items) => {
            let mut numbers = Vec::with_capacity(items.len());
            for item in items {
                match item.value {
                    Value::Integer(Some(number)) if (least..=most).contains(&number) => numbers.push(number),
                    Value::Integer(_) => {
                        out_of_range(cx, item.at, least, most);
                        return None;
                    }
                    _ => {
                        cx.wrong_type(
                            &item,
                            &format!("an integer from {least} to {most}"),
                            &most.to_string(),
                        );
                        return None;
                    }
                }
            }
            Some(numbers)
        }
        _ => {
            cx.wrong_type(&node, what, forms);
            None
        }
    }
}

table! {
    /// Death by a signal.
    ExitTable is "`exits`" with [Rule::Required("signal", "signal = \"TERM\"")] {
        /// The signal's name.
        "signal" signal: Signal,
    }
}

const EXITS: &str = "0, [0, 3], \"any\" or { signal = \"TERM\" }";

impl Shape for Exits {
    fn decode(cx: &mut Cx<'_>, node: Node) -> Option<Exits> {
        match node.value {
            Value::String(_) => word(cx, node, "an exit", &[("any", ())], EXITS).map(|()| Exits::Any),
            Value::Table(_) => Some(Exits::Signal(ExitTable::decode(cx, node)?.signal.value()?)),
            _ => {
                let codes =
                    integers(cx, node, 0, 255, "an exit code, a list of them, \"any\", or a signal", EXITS)?;
                Some(Exits::Codes(codes.into_iter().filter_map(|code| u8::try_from(code).ok()).collect()))
            }
        }
    }

    fn schema() -> Json {
        object([("anyOf", Json::List(vec![pattern("^any$"), int_or_list(0, 255), ExitTable::schema()]))])
    }
}

const STATUSES: &str = "\"2xx\", 200, [200, 404] or \"any\"";

impl Shape for StatusRule {
    fn decode(cx: &mut Cx<'_>, node: Node) -> Option<StatusRule> {
        if !matches!(node.value, Value::String(_)) {
            let codes =
                integers(cx, node, 100, 999, "a status, a list of them, \"2xx\" or \"any\"", STATUSES)?;
            let codes = codes.into_iter().filter_map(|code| u16::try_from(code).ok()).collect();
            return Some(StatusRule::Codes(codes));
        }
        let at = node.at;
        let text = cx.text(node, "a status", STATUSES)?;
        let class = text.reveal().strip_suffix("xx").and_then(|class| class.parse::<u8>().ok());
        match (text.reveal(), class) {
            ("any", _) => Some(StatusRule::Any),
            (written, Some(class @ 1..=9)) if written.len() == 3 => Some(StatusRule::Class(class)),
            (written, _) => {
                let fault = if text.is_secret() {
                    "this value is no status".to_owned()
                } else {
                    format!("{} is no status", quoted(written))
                };
                cx.error_with_help(at, fault, format!("there is {STATUSES}"));
                None
            }
        }
    }

    fn schema() -> Json {
        object([("anyOf", Json::List(vec![pattern("^([1-9]xx|any)$"), int_or_list(100, 999)]))])
    }
}

table! {
    /// What a program reads, and then end of file.
    StdinTable is "`stdin`" with [Rule::ExactlyOne(&["text", "file"])] {
        /// This text.
        "text" text: Text,
        /// This file.
        "file" file: FilePath,
    }
}

const STDINS: &str = "\"null\", \"open\", \"world\", { text = \"…\" } or { file = \"…\" }";

#[derive(Clone, Copy)]
enum StdinWord {
    Null,
    Open,
    World,
}

impl Shape for Stdin {
    fn decode(cx: &mut Cx<'_>, node: Node) -> Option<Stdin> {
        if let Value::Table(_) = node.value {
            let table = StdinTable::decode(cx, node)?;
            return match (table.text, table.file) {
                (Slot::Given(text), _) => Some(Stdin::Text(text.value)),
                (_, Slot::Given(file)) => Some(Stdin::File(file.value.0)),
                _ => None,
            };
        }
        let words = [("null", StdinWord::Null), ("open", StdinWord::Open), ("world", StdinWord::World)];
        Some(match word(cx, node, "what a program can read", &words, STDINS)? {
            StdinWord::Null => Stdin::Null,
            StdinWord::Open => Stdin::Open,
            StdinWord::World => Stdin::World,
        })
    }

    fn schema() -> Json {
        tables_or_string("^(null|open|world)$", &[StdinTable::schema()])
    }
}

table! {
    /// The body of a request: exactly one of the four.
    BodyTable is "`body`" with [Rule::ExactlyOne(&["text", "file", "form", "json"])] {
        /// This text.
        "text" text: Late,
        /// This file.
        "file" file: FilePath,
        /// These fields as a form sends them; a value is a string, an integer, a boolean or a list of them.
        "form" form: Form,
        /// This value as JSON.
        "json" json: JsonText<true>,
    }
}

impl Shape for Body {
    fn decode(cx: &mut Cx<'_>, node: Node) -> Option<Body> {
        if !matches!(node.value, Value::Table(_)) {
            cx.wrong_type(
                &node,
                "a body",
                "{ text = \"…\" }, { file = \"…\" }, { form = { key = \"value\" } } or { json = { key = \"value\" } }",
            );
            return None;
        }
        let table = BodyTable::decode(cx, node)?;
        match (table.text, table.file, table.form, table.json) {
            (Slot::Given(text), ..) => Some(Body::Text(text.value.0)),
            (_, Slot::Given(file), ..) => Some(Body::File(file.value.0)),
            (_, _, Slot::Given(form), _) => Some(Body::Form(form.value.0)),
            (.., Slot::Given(json)) => Some(Body::Json(json.value.0)),
            _ => None,
        }
    }

    fn schema() -> Json {
        BodyTable::schema()
    }
}
