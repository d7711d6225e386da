//! Keys that are texts, and the bytes of lines.

use std::borrow::Cow;
use std::ops::Deref;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{FixedValue, LogValue};
use crate::decode_error::DecodeError;
use crate::encode_text::push_json_string;
use crate::event::observable::{EventKeyType, EventValue};
use crate::raw_fields::CowStr;

/// The program that wrote the log. It has no version: one scenario and seed give the same bytes in every release
/// with the same format.
const GENERATOR: &str = "scenario";

/// Any text.
pub(crate) struct Text;

impl LogValue for Text {
    type Json<'l> = CowStr<'l>;
    type Value<'e> = &'e str;
    const OBSERVED: Option<EventKeyType> = Some(EventKeyType::Text);

    fn schema() -> Value {
        json!({ "type": "string" })
    }

    fn decode<'e, 'l: 'e>(_: &'static str, json: &'e CowStr<'l>) -> Result<&'e str, DecodeError> {
        Ok(json)
    }

    fn encode(value: &str, buffer: &mut Vec<u8>) {
        push_json_string(buffer, value);
    }

    fn observe<'e>(value: Self::Value<'e>) -> Option<EventValue<'e>> {
        Some(EventValue::text(value))
    }
}

/// A name as scenarios give them (a player's number may make it longer). It is written and shown
/// without escapes.
pub(crate) struct Name;

impl LogValue for Name {
    type Json<'l> = CowStr<'l>;
    type Value<'e> = &'e str;
    const OBSERVED: Option<EventKeyType> = Some(EventKeyType::Text);

    fn schema() -> Value {
        Text::schema()
    }

    fn decode<'e, 'l: 'e>(key: &'static str, json: &'e CowStr<'l>) -> Result<&'e str, DecodeError> {
        check_name(key, json)
    }

    fn encode(value: &str, buffer: &mut Vec<u8>) {
        push_unescaped(buffer, value);
    }

    fn observe<'e>(value: Self::Value<'e>) -> Option<EventValue<'e>> {
        Some(EventValue::text(value))
    }
}

/// `text`, if it has only the characters of names.
pub(super) fn check_name<'a>(key: &str, text: &'a str) -> Result<&'a str, DecodeError> {
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    if text.is_empty() || !text.bytes().all(is_of_name) {
        Err(DecodeError::unknown_value(key, text))
    } else {
        Ok(text)
    }
}

/// Appends a text that needs no escape: a name, a word of the format.
pub(super) fn push_unescaped(buffer: &mut Vec<u8>, text: &str) {
    buffer.push(b'"');
    buffer.extend_from_slice(text.as_bytes());
    buffer.push(b'"');
}

/// The bytes of a line that is UTF-8.
pub(crate) struct LineText;

impl LogValue for LineText {
    type Json<'l> = CowStr<'l>;
    type Value<'e> = &'e [u8];
    const OBSERVED: Option<EventKeyType> = Some(EventKeyType::Text);

    fn schema() -> Value {
        Text::schema()
    }

    fn decode<'e, 'l: 'e>(_: &'static str, json: &'e CowStr<'l>) -> Result<&'e [u8], DecodeError> {
        Ok(json.deref().as_bytes())
    }

    fn encode(value: &[u8], buffer: &mut Vec<u8>) {
        push_json_string(buffer, std::str::from_utf8(value).unwrap_or_default());
    }

    fn is_written(value: &[u8]) -> bool {
        std::str::from_utf8(value).is_ok()
    }

    /// A line that is not UTF-8 is observed too, by its bytes.
    fn observe<'e>(value: Self::Value<'e>) -> Option<EventValue<'e>> {
        Some(EventValue::Text(Cow::Borrowed(value)))
    }
}

/// The bytes of a line that is not UTF-8, in Base64 (RFC 4648, section 4).
pub(crate) struct LineBase64;

/// The bytes that a text in Base64 stands for. A text that is not Base64 is an error of the decoding,
/// not of the JSON.
#[derive(Debug)]
pub(crate) struct Base64Bytes(Result<Vec<u8>, DecodeError>);

impl<'de> Deserialize<'de> for Base64Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Base64Bytes, D::Error> {
        let text = CowStr::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text.as_bytes());
        Ok(Base64Bytes(
            bytes.map_err(|error| DecodeError::new(format!("has a `base64` that is not Base64: {error}"))),
        ))
    }
}

impl LogValue for LineBase64 {
    type Json<'l> = Base64Bytes;
    type Value<'e> = &'e [u8];
    const OBSERVED: Option<EventKeyType> = None;

    fn schema() -> Value {
        Text::schema()
    }

    fn decode<'e, 'l: 'e>(_: &'static str, json: &'e Base64Bytes) -> Result<&'e [u8], DecodeError> {
        json.0.as_deref().map_err(Clone::clone)
    }

    fn encode(value: &[u8], buffer: &mut Vec<u8>) {
        push_unescaped(buffer, &STANDARD.encode(value));
    }

    fn is_written(value: &[u8]) -> bool {
        !LineText::is_written(value)
    }
}

/// The resolved scenario as a JSON object, not interpreted.
pub(crate) struct ResolvedScenario;

impl LogValue for ResolvedScenario {
    type Json<'l> = &'l RawValue;
    type Value<'e> = &'e str;
    const OBSERVED: Option<EventKeyType> = None;

    fn schema() -> Value {
        json!({ "type": "object" })
    }

    fn decode<'e, 'l: 'e>(_: &'static str, json: &'e &'l RawValue) -> Result<&'e str, DecodeError> {
        Ok(json.get())
    }

    fn encode(value: &str, buffer: &mut Vec<u8>) {
        buffer.extend_from_slice(value.as_bytes());
    }
}

/// The program that wrote the log.
pub(crate) struct GeneratorName;

impl LogValue for GeneratorName {
    type Json<'l> = IgnoredAny;
    type Value<'e> = ();
    const OBSERVED: Option<EventKeyType> = Some(EventKeyType::Text);

    fn schema() -> Value {
        Text::schema()
    }

    fn decode<'e, 'l: 'e>(_: &'static str, _: &'e IgnoredAny) -> Result<(), DecodeError> {
        Ok(())
    }

    fn encode((): (), buffer: &mut Vec<u8>) {
        push_unescaped(buffer, GENERATOR);
    }

    fn observe<'e>((): Self::Value<'e>) -> Option<EventValue<'e>> {
        Some(EventValue::text(GENERATOR))
    }
}

impl FixedValue for GeneratorName {}
