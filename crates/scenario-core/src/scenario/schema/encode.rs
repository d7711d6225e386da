//! Checked values as a file has them: the way back of [`TomlSchema::decode`](super::TomlSchema::decode)
//! for values of one piece. Values of several forms encode beside their decoding. Which keys are
//! written is not decided here but in the rows of [`table!`](super::table::table).

use std::path::{Path, PathBuf};

use crate::scenario::format::format_span;
use crate::scenario::model::ScenarioText;
use crate::scenario::vars::template::escape;
use crate::scenario::write::json::Json;
use scenario_log::name::NamePattern;
use scenario_log::signal::Signal;
use scenario_log::time::Span;

/// A checked value that a scenario file can hold.
pub(crate) trait TomlEncode {
    /// The value as the file has it; `None`: its key is left out.
    fn encode(self) -> Option<Json>;
}

impl TomlEncode for Json {
    fn encode(self) -> Option<Json> {
        Some(self)
    }
}

impl<T: TomlEncode> TomlEncode for Option<T> {
    fn encode(self) -> Option<Json> {
        self.and_then(TomlEncode::encode)
    }
}

impl<T: TomlEncode> TomlEncode for Vec<T> {
    fn encode(self) -> Option<Json> {
        Some(Json::List(self.into_iter().filter_map(TomlEncode::encode).collect()))
    }
}

impl TomlEncode for bool {
    fn encode(self) -> Option<Json> {
        Some(Json::Bool(self))
    }
}

impl TomlEncode for i64 {
    fn encode(self) -> Option<Json> {
        Some(Json::Int(self))
    }
}

impl TomlEncode for u64 {
    fn encode(self) -> Option<Json> {
        Some(self.into())
    }
}

impl TomlEncode for u32 {
    fn encode(self) -> Option<Json> {
        u64::from(self).encode()
    }
}

/// A plain string: a `${` in it is escaped, since a file's strings are templates.
impl TomlEncode for &str {
    fn encode(self) -> Option<Json> {
        Some(Json::Text(escape(self)))
    }
}

impl TomlEncode for &String {
    fn encode(self) -> Option<Json> {
        self.as_str().encode()
    }
}

impl TomlEncode for String {
    fn encode(self) -> Option<Json> {
        self.as_str().encode()
    }
}

/// A text as it may be shown: a secret is `[redacted]`.
impl TomlEncode for &ScenarioText {
    fn encode(self) -> Option<Json> {
        Some(Json::Text(self.to_display_template()))
    }
}

impl TomlEncode for &Path {
    fn encode(self) -> Option<Json> {
        (&*self.to_string_lossy()).encode()
    }
}

impl TomlEncode for &PathBuf {
    fn encode(self) -> Option<Json> {
        self.as_path().encode()
    }
}

impl TomlEncode for Span {
    fn encode(self) -> Option<Json> {
        Some(Json::Text(format_span(self)))
    }
}

impl TomlEncode for Signal {
    fn encode(self) -> Option<Json> {
        Some(self.to_string().into())
    }
}

/// A pattern of names, with `{n}` where the number goes.
impl TomlEncode for &NamePattern {
    fn encode(self) -> Option<Json> {
        let number = if self.numbered { "{n}" } else { "" };
        format!("{}{number}{}", self.prefix, self.suffix).encode()
    }
}

/// Values under their names, in this order.
pub(crate) fn encode_named<'a, T: TomlEncode>(items: impl Iterator<Item = (&'a str, T)>) -> Json {
    let items = items.filter_map(|(name, value)| Some((name.to_owned(), value.encode()?)));
    Json::Object(items.collect())
}

/// A list or a table, unless it is empty.
pub(crate) fn unless_empty(value: Json) -> Option<Json> {
    let is_empty = matches!(&value, Json::List(items) if items.is_empty())
        || matches!(&value, Json::Object(items) if items.is_empty());
    (!is_empty).then_some(value)
}

/// One number for itself, several as a list.
pub(crate) fn encode_one_or_list(numbers: impl Iterator<Item = u64>) -> Json {
    let numbers: Vec<u64> = numbers.collect();
    match numbers[..] {
        [one] => one.into(),
        _ => numbers.into_iter().collect(),
    }
}
