//! A JSON value that keeps the order of its keys, with two ways to write it. `serde_json`'s own value sorts
//! the keys or not as the features of other crates decide, and the log and the schema must not depend on
//! that.

use std::fmt::Write as _;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number; it is finite.
    Float(f64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Json>),
    /// Keys and values, in order.
    Object(Vec<(String, Json)>),
}

impl From<&str> for Json {
    fn from(text: &str) -> Json {
        Json::Text(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Json {
        Json::Text(text)
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Json {
        Json::Bool(value)
    }
}

impl From<u64> for Json {
    fn from(number: u64) -> Json {
        i64::try_from(number).map_or(Json::Float(number as f64), Json::Int)
    }
}

impl<T: Into<Json>> FromIterator<T> for Json {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Json {
        Json::List(values.into_iter().map(Into::into).collect())
    }
}

/// An object of these keys and values.
pub(crate) fn object<const N: usize>(items: [(&str, Json); N]) -> Json {
    Json::Object(items.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

impl Json {
    /// The object with another key at its end; has no effect on other values.
    #[must_use]
    pub(crate) fn with(mut self, key: &str, value: impl Into<Json>) -> Json {
        if let Json::Object(items) = &mut self {
            items.push((key.to_owned(), value.into()));
        }
        self
    }

    /// The value in one line, without spaces.
    pub(crate) fn to_line(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        match self {
            Json::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    item.write(out);
                }
                out.push(']');
            }
            Json::Object(items) => {
                out.push('{');
                for (index, (key, value)) in items.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    write_json_string(out, key);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
            scalar => scalar.write_scalar(out),
        }
    }

    /// The value in many lines, indented by two spaces for each level; lists of scalars are in one line.
    pub(crate) fn to_pretty(&self) -> String {
        let mut out = String::new();
        self.write_pretty(&mut out, 0);
        out.push('\n');
        out
    }

    fn write_pretty(&self, out: &mut String, depth: usize) {
        let break_line = |out: &mut String, depth: usize| {
            out.push('\n');
            out.extend(std::iter::repeat_n("  ", depth));
        };
        match self {
            Json::List(items) if items.iter().any(|item| matches!(item, Json::List(_) | Json::Object(_))) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    break_line(out, depth + 1);
                    item.write_pretty(out, depth + 1);
                }
                break_line(out, depth);
                out.push(']');
            }
            Json::List(items) => {
                let items: Vec<String> = items.iter().map(Json::to_line).collect();
                let _ = write!(out, "[{}]", items.join(", "));
            }
            Json::Object(items) if !items.is_empty() => {
                out.push('{');
                for (index, (key, value)) in items.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    break_line(out, depth + 1);
                    write_json_string(out, key);
                    out.push_str(": ");
                    value.write_pretty(out, depth + 1);
                }
                break_line(out, depth);
                out.push('}');
            }
            other => other.write(out),
        }
    }

    /// Writing to a String cannot fail, so that the results below are ignored.
    fn write_scalar(&self, out: &mut String) {
        match self {
            Json::Bool(value) => {
                let _ = write!(out, "{value}");
            }
            Json::Int(number) => {
                let _ = write!(out, "{number}");
            }
            Json::Float(number) => {
                // `{:?}` always has a point or an exponent, so that it is read back as a float.
                let _ = write!(out, "{number:?}");
            }
            Json::Text(text) => write_json_string(out, text),
            _ => out.push_str("null"),
        }
    }
}

/// Writes a text in quotes.
fn write_json_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' || c == '\u{7f}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

impl From<i32> for Json {
    fn from(number: i32) -> Json {
        Json::Int(number.into())
    }
}

impl<const N: usize> From<[&str; N]> for Json {
    fn from(texts: [&str; N]) -> Json {
        texts.into_iter().collect()
    }
}

impl From<Option<Json>> for Json {
    fn from(json: Option<Json>) -> Json {
        json.unwrap_or(Json::Null)
    }
}

impl Json {
    /// Reads a JSON text, and keeps the order of its keys.
    ///
    /// # Errors
    ///
    /// The text is not JSON.
    pub(crate) fn parse(text: &str) -> Result<Json, serde_json::Error> {
        serde_json::from_str(text)
    }
}

impl<'de> serde::Deserialize<'de> for Json {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> serde::de::Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Int(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        Ok(Json::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(text.into())
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut object = Vec::new();
        while let Some(item) = items.next_entry()? {
            object.push(item);
        }
        Ok(Json::Object(object))
    }
}
