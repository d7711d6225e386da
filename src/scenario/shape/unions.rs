//! Values that may be written in several ways: a word, a number, a list, a table.

use super::numbers::{Int, int_or_list, out_of_range};
use super::text::{FilePath, Open, Pattern, pattern};
use super::times::Duration;
use super::{Cx, Shape, Slot, Sp, table::table};
use crate::scenario::document::{Node, Value};
use crate::scenario::json::{Json, object};
use crate::scenario::model::{Body, Exits, StatusRule, Stdin, Text};
use crate::scenario::shape::table::Rule;
use crate::words::diagnostic::quoted;
use crate::words::signal::Signal;

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

const STDINS: &str = "\"null\", \"open\", { text = \"…\" } or { file = \"…\" }";

#[derive(Clone, Copy)]
enum StdinWord {
    Null,
    Open,
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
        let words = [("null", StdinWord::Null), ("open", StdinWord::Open)];
        Some(match word(cx, node, "what a program can read", &words, STDINS)? {
            StdinWord::Null => Stdin::Null,
            StdinWord::Open => Stdin::Open,
        })
    }

    fn schema() -> Json {
        tables_or_string("^(null|open)$", &[StdinTable::schema()])
    }
}

table! {
    /// The body of a request: exactly one of the three.
    BodyTable is "`body`" with [Rule::ExactlyOne(&["text", "file", "json"])] {
        /// This text.
        "text" text: Text,
        /// This file.
        "file" file: FilePath,
        /// This value as JSON.
        "json" json: JsonText,
    }
}

impl Shape for Body {
    fn decode(cx: &mut Cx<'_>, node: Node) -> Option<Body> {
        if !matches!(node.value, Value::Table(_)) {
            cx.wrong_type(
                &node,
                "a body",
                "{ text = \"…\" }, { file = \"…\" } or { json = { key = \"value\" } }",
            );
            return None;
        }
        let table = BodyTable::decode(cx, node)?;
        match (table.text, table.file, table.json) {
            (Slot::Given(text), _, _) => Some(Body::Text(text.value)),
            (_, Slot::Given(file), _) => Some(Body::File(file.value.0)),
            (_, _, Slot::Given(json)) => Some(Body::Json(json.value.0)),
            _ => None,
        }
    }

    fn schema() -> Json {
        BodyTable::schema()
    }
}

/// A TOML value as JSON text, with variables put into its strings.
#[derive(Debug)]
pub(crate) struct JsonText(pub(crate) Text);

impl Shape for JsonText {
    fn decode(cx: &mut Cx<'_>, node: Node) -> Option<JsonText> {
        let (plain, shown) = json_pair(cx, node)?;
        let (plain, shown) = (plain.line(), shown.line());
        Some(JsonText(if plain == shown { Text::plain(plain) } else { Text::secret(plain, shown) }))
    }

    fn schema() -> Json {
        object([])
    }
}

/// A value as it is sent, and as it is shown. Nesting is bounded by the document's limits.
fn json_pair(cx: &mut Cx<'_>, node: Node) -> Option<(Json, Json)> {
    let at = node.at;
    let both = |json: Json| Some((json.clone(), json));
    match node.value {
        Value::Boolean(value) => both(Json::Bool(value)),
        Value::Integer(Some(number)) => both(Json::Int(number)),
        Value::Integer(None) => {
            out_of_range(cx, at, i64::MIN, i64::MAX);
            None
        }
        Value::Float => {
            let source = std::rc::Rc::clone(&cx.source);
            match at.of(&source).replace('_', "").parse::<f64>() {
                Ok(number) if number.is_finite() => both(Json::Float(number)),
                _ => {
                    cx.error(at, "JSON has no such number");
                    None
                }
            }
        }
        Value::Datetime => {
            cx.error_with_help(at, "JSON has no dates", "write it as a string");
            None
        }
        Value::String(_) => {
            let text = cx.text(node, "a string", "\"text\"")?;
            Some((text.reveal().into(), text.shown().into()))
        }
        Value::Array(items) => {
            let pairs: Option<Vec<(Json, Json)>> =
                items.into_iter().map(|item| json_pair(cx, item)).collect();
            let (plain, shown) = pairs?.into_iter().unzip();
            Some((Json::List(plain), Json::List(shown)))
        }
        Value::Table(table) => {
            let source = std::rc::Rc::clone(&cx.source);
            let (mut plain, mut shown) = (Vec::new(), Vec::new());
            for item in cx.document.take(table) {
                let key = item.key.get(&source).to_owned();
                let (value, seen) = json_pair(cx, item.node)?;
                plain.push((key.clone(), value));
                shown.push((key, seen));
            }
            Some((Json::Object(plain), Json::Object(shown)))
        }
    }
}

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
    Text(Sp<crate::scenario::document::Str>),
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
