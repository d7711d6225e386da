//! Looks up values in JSON bodies by JSON Pointer (RFC 6901), and compares them. Reads no body itself.

use serde_json::{Number, Value};

use super::text::value_excerpt;
use scenario_log::secrets::Secrets;

/// A value that a job expects.
#[derive(Debug)]
pub(super) struct ExpectedJson {
    /// A JSON Pointer; empty for the whole body.
    pub(super) pointer: String,
    pub(super) value: Value,
    /// The value as messages may show it: a secret is redacted.
    pub(super) shown: String,
}

/// Why a body does not have an expected value; `None` if it has.
pub(super) fn json_mismatch(body: &Value, expected: &ExpectedJson, secrets: &Secrets) -> Option<String> {
    let (named, shown) = (pointer_name(&expected.pointer), value_excerpt(&expected.shown, secrets));
    match body.pointer(&expected.pointer) {
        Some(value) if json_equal(value, &expected.value) => None,
        Some(value) => {
            Some(format!("{named} is {} and not {shown}", value_excerpt(&value.to_string(), secrets)))
        }
        None => Some(format!("{named} is not there, and should be {shown}")),
    }
}

/// The string, number or boolean at a pointer, as text. The error is a message.
pub(super) fn json_scalar(body: &Value, pointer: &str) -> Result<String, String> {
    let named = pointer_name(pointer);
    let found = match body.pointer(pointer) {
        Some(Value::String(text)) => return Ok(text.clone()),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => return Ok(value.to_string()),
        Some(Value::Null) => "is null",
        Some(Value::Array(_)) => "is a list",
        Some(Value::Object(_)) => "is an object",
        None => return Err(format!("{named} is not there")),
    };
    Err(format!("{named} {found}, not a string, number or boolean"))
}

fn pointer_name(pointer: &str) -> &str {
    if pointer.is_empty() { "the body" } else { pointer }
}

/// Deep equality. Numbers are equal if their values are (`1` and `1.0`).
fn json_equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || (is_any_float(one, other) && one.as_f64() == other.as_f64())
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| json_equal(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let same =
                |(key, one): (&String, &Value)| other.get(key).is_some_and(|other| json_equal(one, other));
            one.len() == other.len() && one.iter().all(same)
        }
        (one, other) => one == other,
    }
}

/// Whether one of them is not a whole number. (Two whole numbers are compared exactly.)
fn is_any_float(one: &Number, other: &Number) -> bool {
    one.is_f64() || other.is_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mismatch(body: &str, pointer: &str, expected: &str) -> Option<String> {
        let expected = ExpectedJson {
            pointer: pointer.to_owned(),
            value: serde_json::from_str(expected).unwrap(),
            shown: expected.to_owned(),
        };
        json_mismatch(&serde_json::from_str(body).unwrap(), &expected, &Secrets::default())
    }

    #[test]
    fn values_are_compared_deeply() {
        let body = r#"{"a":[1,{"b/c":1.5,"~":"x"}],"n":1.0,"big":9007199254740993}"#;
        for (pointer, expected) in [
            ("/a/1/b~1c", "1.5"),
            ("/a/1/~0", "\"x\""),
            ("/a", r#"[1.0,{"~":"x","b/c":1.5}]"#),
            ("/n", "1"),
            ("", body),
        ] {
            assert_eq!(mismatch(body, pointer, expected), None, "{pointer} {expected}");
        }
        for (pointer, expected, message) in [
            ("/a/0", "2", "/a/0 is 1 and not 2"),
            ("/a/0", "\"1\"", "/a/0 is 1 and not \"1\""),
            ("/a/2", "2", "/a/2 is not there, and should be 2"),
            ("/a", "[1]", "/a is [1,{\"b/c\":1.5,\"~\":\"x\"}] and not [1]"),
            ("/a/1", "{\"~\":\"x\"}", "/a/1 is {\"b/c\":1.5,\"~\":\"x\"} and not {\"~\":\"x\"}"),
            ("/big", "9007199254740992", "/big is 9007199254740993 and not 9007199254740992"),
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
}
