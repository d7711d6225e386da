//! Looks up values in JSON bodies by JSON Pointer (RFC 6901), and compares them. Reads no body itself.
//!
//! A body stays text: a number is its literal, so that none is rounded, and none is too large.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use scenario_log::secrets::Secrets;

use super::json_number::numbers_equal;
use super::text::value_excerpt;

/// A value that a job expects.
#[derive(Debug)]
pub(super) struct ExpectedJson {
    /// A JSON Pointer; empty for the whole body.
    pub(super) pointer: String,
    pub(super) value: Box<RawValue>,
    /// The value as messages may show it: a secret is redacted.
    pub(super) shown: String,
}

/// Reads a body.
pub(super) fn parse_json(body: &[u8]) -> serde_json::Result<&RawValue> {
    serde_json::from_slice(body)
}

/// Why a body does not have an expected value; `None` if it has. What it has instead is shown unless
/// `is_hidden`.
pub(super) fn json_mismatch(
    body: &RawValue,
    expected: &ExpectedJson,
    is_hidden: bool,
    secrets: &Secrets,
) -> Option<String> {
    let found = lookup(body, &expected.pointer);
    if found.is_some_and(|value| json_equal(value, &expected.value)) {
        return None;
    }
    let (named, shown) = (pointer_name(&expected.pointer), value_excerpt(&expected.shown, secrets));
    match found {
        Some(_) if is_hidden => Some(format!("{named} is not {shown}")),
        Some(value) => {
            Some(format!("{named} is {} and not {shown}", value_excerpt(&compact(value.get()), secrets)))
        }
        None => Some(format!("{named} is not there, and should be {shown}")),
    }
}

/// The string, number or boolean at a pointer, as text. The error is a message.
pub(super) fn json_scalar(body: &RawValue, pointer: &str) -> Result<String, String> {
    let named = pointer_name(pointer);
    let Some(found) = lookup(body, pointer) else { return Err(format!("{named} is not there")) };
    let found = match found.get().as_bytes().first() {
        Some(b'"') => {
            return serde_json::from_str(found.get())
                .map_err(|error| format!("{named} is not a string of Unicode: {error}"));
        }
        Some(b'n') => "is null",
        Some(b'[') => "is a list",
        Some(b'{') => "is an object",
        _ => return Ok(found.get().to_owned()),
    };
    Err(format!("{named} {found}, not a string, number or boolean"))
}

/// The texts of all strings and numbers at a pointer and inside of what is there.
pub(super) fn all_scalars(body: &RawValue, pointer: &str) -> Vec<String> {
    let mut waiting: Vec<&RawValue> = lookup(body, pointer).into_iter().collect();
    let mut scalars = Vec::new();
    while let Some(value) = waiting.pop() {
        match value.get().as_bytes().first() {
            Some(b'[') => waiting.extend(items(value).unwrap_or_default()),
            Some(b'{') => waiting.extend(members(value).unwrap_or_default().into_values()),
            Some(b'"') => scalars.extend(serde_json::from_str::<String>(value.get())),
            _ => scalars.push(value.get().to_owned()),
        }
    }
    scalars
}

pub(super) fn pointer_name(pointer: &str) -> &str {
    if pointer.is_empty() { "the body" } else { pointer }
}

/// The value at a pointer.
pub(super) fn lookup<'a>(body: &'a RawValue, pointer: &str) -> Option<&'a RawValue> {
    let mut value = body;
    for token in pointer.split('/').skip(1) {
        let name = match token.contains('~') {
            true => Cow::Owned(token.replace("~1", "/").replace("~0", "~")),
            false => Cow::Borrowed(token),
        };
        value = match value.get().as_bytes().first() {
            Some(b'{') => member(value, &name)?,
            Some(b'[') => {
                let is_index = name == "0" || !name.starts_with(['0', '+']);
                let index: usize = is_index.then(|| name.parse().ok())??;
                items(value)?.into_iter().nth(index)?
            }
            _ => return None,
        };
    }
    Some(value)
}

/// The member of an object with this name; of several the last one.
fn member<'a>(object: &'a RawValue, name: &str) -> Option<&'a RawValue> {
    let mut json = serde_json::Deserializer::from_str(object.get());
    json.deserialize_map(FindMember(name)).ok()?
}

/// Finds the member with a name, without keeping the others.
struct FindMember<'n>(&'n str);

impl<'de> Visitor<'de> for FindMember<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut members: M) -> Result<Self::Value, M::Error> {
        let mut found = None;
        while let Some(is_named) = members.next_key_seed(NameIs(self.0))? {
            if is_named {
                found = Some(members.next_value()?);
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// Whether the name of a member is this one.
struct NameIs<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for NameIs<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, name: D) -> Result<bool, D::Error> {
        name.deserialize_str(self)
    }
}

impl Visitor<'_> for NameIs<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
    }
}

/// The members of an object. Of those with the same name, the last one counts.
pub(super) fn members(object: &RawValue) -> Option<BTreeMap<Cow<'_, str>, &RawValue>> {
    serde_json::from_str(object.get()).ok()
}

/// The number of items of a list.
pub(super) fn count_items(list: &RawValue) -> Option<usize> {
    let items: Vec<IgnoredAny> = serde_json::from_str(list.get()).ok()?;
    Some(items.len())
}

fn items(list: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(list.get()).ok()
}

/// Deep equality. Numbers are equal if their values are (`1` and `1.0`), exactly.
fn json_equal(one: &RawValue, other: &RawValue) -> bool {
    let first = |value: &RawValue| value.get().bytes().next().unwrap_or_default();
    match (first(one), first(other)) {
        (b'"', b'"') => {
            let text = |value: &RawValue| serde_json::from_str::<String>(value.get()).ok();
            text(one).is_some_and(|text_of_one| Some(text_of_one) == text(other))
        }
        (b'[', b'[') => match (items(one), items(other)) {
            (Some(one), Some(other)) => {
                one.len() == other.len() && one.iter().zip(other).all(|(one, other)| json_equal(one, other))
            }
            _ => false,
        },
        (b'{', b'{') => match (members(one), members(other)) {
            (Some(one), Some(other)) => {
                one.len() == other.len()
                    && one.iter().all(|(key, one)| other.get(key).is_some_and(|other| json_equal(one, other)))
            }
            _ => false,
        },
        (b'-' | b'0'..=b'9', b'-' | b'0'..=b'9') => numbers_equal(one.get(), other.get()),
        _ => one.get() == other.get(),
    }
}

/// The same JSON without white space between its tokens.
pub(super) fn compact(json: &str) -> Cow<'_, str> {
    if !json.contains([' ', '\t', '\n', '\r']) {
        return Cow::Borrowed(json);
    }
    let (mut is_text, mut is_escaped) = (false, false);
    Cow::Owned(
        json.chars()
            .filter(|c| {
                match c {
                    _ if is_escaped => is_escaped = false,
                    '\\' if is_text => is_escaped = true,
                    '"' => is_text = !is_text,
                    _ => {}
                }
                is_text || !c.is_ascii_whitespace()
            })
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mismatch(body: &str, pointer: &str, expected: &str) -> Option<String> {
        let expected = ExpectedJson {
            pointer: pointer.to_owned(),
            value: RawValue::from_string(expected.to_owned()).unwrap(),
            shown: expected.to_owned(),
        };
        json_mismatch(parse_json(body.as_bytes()).unwrap(), &expected, false, &Secrets::default())
    }

    #[test]
    fn values_are_compared_deeply() {
        let body = r#"{"a":[ 1, {"b/c":1.5, "~":"x"} ],"n":1.0,"big":9007199254740993,"t":"a \" b","huge":1e400,"twice":1,"twice":2,"\u00e4":1}"#;
        for (pointer, expected) in [
            ("/a/1/b~1c", "1.5"),
            ("/a/1/~0", "\"x\""),
            ("/a", r#"[1.0,{"~":"x","b/c":1.5}]"#),
            ("/n", "1"),
            ("/t", r#""\u0061 \" b""#),
            ("/twice", "2"),
            ("/ä", "1"),
            ("/huge", "10E399"),
            ("", body),
        ] {
            assert_eq!(mismatch(body, pointer, expected), None, "{pointer} {expected}");
        }
        for (pointer, expected, message) in [
            ("/a/0", "2", "/a/0 is 1 and not 2"),
            ("/a/0", "\"1\"", "/a/0 is 1 and not \"1\""),
            ("/a/2", "2", "/a/2 is not there, and should be 2"),
            ("/a/00", "1", "/a/00 is not there, and should be 1"),
            ("/a", "[1]", "/a is [1,{\"b/c\":1.5,\"~\":\"x\"}] and not [1]"),
            ("/a/1", "{\"~\":\"x\"}", "/a/1 is {\"b/c\":1.5,\"~\":\"x\"} and not {\"~\":\"x\"}"),
            ("/big", "9007199254740992", "/big is 9007199254740993 and not 9007199254740992"),
            ("/big", "9007199254740992.0", "/big is 9007199254740993 and not 9007199254740992.0"),
            ("/t", "1", "/t is \"a \\\" b\" and not 1"),
        ] {
            assert_eq!(mismatch(body, pointer, expected).as_deref(), Some(message));
        }
    }

    #[test]
    fn a_long_value_is_cut() {
        let body = format!("\"{}\"", "é".repeat(300));
        let message = mismatch(&body, "", "1").unwrap();
        assert!(message.ends_with("é… and not 1") && message.chars().count() < 250, "{message}");
    }

    #[test]
    fn a_number_is_its_literal() {
        for literal in
            ["12.10", "-0", "1E2", "1e400", "340282366920938463463374607431768211455", "0.30000000000000004"]
        {
            let body = format!("{{\"v\": {literal} }}");
            assert_eq!(json_scalar(parse_json(body.as_bytes()).unwrap(), "/v").as_deref(), Ok(literal));
        }
    }
}
