//! Keys that are numbers, times, booleans or digits.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{FixedValue, LogValue, OmittableValue};
use crate::decode_error::DecodeError;
use crate::encode_text::{EncodedSeconds, push_digits, push_hex};
use crate::event::observable::{EventKeyType, EventValue};
use crate::event::{LOG_FORMAT, LatenessQuantiles};
use crate::parse_seconds;
use crate::raw_fields::CowStr;
use crate::time::{Moment, Span};

/// A count from 0 that fits 64 bits.
pub(crate) struct Count;

/// The number of a process.
pub(crate) struct Pid;

/// The status of an HTTP answer.
pub(crate) struct Status;

macro_rules! unsigned_values {
    ($($Type:ident: $rust:ty),*) => {$(
        impl LogValue for $Type {
            type Json<'l> = $rust;
            type Value<'e> = $rust;
            const OBSERVED: Option<EventKeyType> = Some(EventKeyType::Number);

            fn schema() -> Value {
                json!({ "type": "integer", "minimum": 0 })
            }

            fn decode<'e, 'l: 'e>(_: &'static str, json: &'e $rust) -> Result<$rust, DecodeError> {
                Ok(*json)
            }

            fn encode(value: $rust, buffer: &mut Vec<u8>) {
                push_digits(buffer, value.into());
            }

            fn observe<'e>(value: Self::Value<'e>) -> Option<EventValue<'e>> {
                Some(EventValue::Number(value.into()))
            }
        }
    )*};
}

unsigned_values!(Count: u64, Pid: u32, Status: u16);

impl OmittableValue for Count {
    fn omitted<'e>() -> Self::Value<'e> {
        0
    }

    fn is_omitted(value: u64) -> bool {
        value == 0
    }
}

/// The exit code of a process, 0 to 255.
pub(crate) struct ExitStatus;

impl LogValue for ExitStatus {
    type Json<'l> = i32;
    type Value<'e> = i32;
    const OBSERVED: Option<EventKeyType> = Some(EventKeyType::Number);

    fn schema() -> Value {
        Count::schema()
    }

    fn decode<'e, 'l: 'e>(_: &'static str, json: &'e i32) -> Result<i32, DecodeError> {
        Ok(*json)
    }

    fn encode(value: i32, buffer: &mut Vec<u8>) {
        push_digits(buffer, u64::try_from(value).unwrap_or_default());
    }

    fn observe<'e>(value: Self::Value<'e>) -> Option<EventValue<'e>> {
        Some(EventValue::Number(u64::try_from(value).ok()?.into()))
    }
}

/// The value of a register: a signed number of 64 bits.
pub(crate) struct Register;

impl LogValue for Register {
    type Json<'l> = i64;
    type Value<'e> = i64;
    const OBSERVED: Option<EventKeyType> = Some(EventKeyType::Number);

    fn schema() -> Value {
        json!({ "type": "integer" })
    }

    fn decode<'e, 'l: 'e>(_: &'static str, json: &'e i64) -> Result<i64, DecodeError> {
        Ok(*json)
    }

    fn encode(value: i64, buffer: &mut Vec<u8>) {
        push_signed(buffer, value);
    }

    fn observe<'e>(value: Self::Value<'e>) -> Option<EventValue<'e>> {
        Some(EventValue::Number(value.into()))
    }
}

/// Appends a signed number.
pub(super) fn push_signed(buffer: &mut Vec<u8>, number: i64) {
    if number < 0 {
        buffer.push(b'-');
    }
    push_digits(buffer, number.unsigned_abs());
}

/// A boolean.
pub(crate) struct Flag;

impl LogValue for Flag {
    type Json<'l> = bool;
    type Value<'e> = bool;
    const OBSERVED: Option<EventKeyType> = Some(EventKeyType::Boolean);

    fn schema() -> Value {
        json!({ "type": "boolean" })
    }

    fn decode<'e, 'l: 'e>(_: &'static str, json: &'e bool) -> Result<bool, DecodeError> {
        Ok(*json)
    }

    fn encode(value: bool, buffer: &mut Vec<u8>) {
        buffer.extend_from_slice(if value { b"true" } else { b"false" });
    }

    fn observe<'e>(value: Self::Value<'e>) -> Option<EventValue<'e>> {
        Some(EventValue::Boolean(value))
    }
}

impl OmittableValue for Flag {
    fn omitted<'e>() -> Self::Value<'e> {
        false
    }

    fn is_omitted(value: bool) -> bool {
        !value
    }
}

/// The span that a JSON number stands for, in seconds with nine decimals.
pub(super) fn decode_span(key: &str, json: &RawValue) -> Result<Span, DecodeError> {
    let nanoseconds = parse_seconds::parse_seconds(json.get());
    nanoseconds.map(Span).ok_or_else(|| DecodeError::unknown_value(key, json.get()))
}

/// Appends a span in seconds with nine decimals.
pub(super) fn push_span(buffer: &mut Vec<u8>, Span(nanoseconds): Span) {
    EncodedSeconds::new(nanoseconds).push_to(buffer);
}

impl LogValue for Moment {
    type Json<'l> = &'l RawValue;
    type Value<'e> = Moment;
    const OBSERVED: Option<EventKeyType> = None;

    fn schema() -> Value {
        Span::schema()
    }

    fn decode<'e, 'l: 'e>(key: &'static str, json: &'e &'l RawValue) -> Result<Moment, DecodeError> {
        decode_span(key, json).map(|Span(nanoseconds)| Moment(nanoseconds))
    }

    fn encode(Moment(nanoseconds): Moment, buffer: &mut Vec<u8>) {
        push_span(buffer, Span(nanoseconds));
    }

    fn due(value: Moment) -> Option<Moment> {
        Some(value)
    }
}

impl LogValue for Span {
    type Json<'l> = &'l RawValue;
    type Value<'e> = Span;
    const OBSERVED: Option<EventKeyType> = None;

    fn schema() -> Value {
        json!({ "type": "number", "minimum": 0 })
    }

    fn decode<'e, 'l: 'e>(key: &'static str, json: &'e &'l RawValue) -> Result<Span, DecodeError> {
        decode_span(key, json)
    }

    fn encode(value: Span, buffer: &mut Vec<u8>) {
        push_span(buffer, value);
    }
}

/// How late the events of a run were.
pub(crate) struct Lateness;

/// The quantiles as a line has them.
#[derive(Debug, Deserialize)]
pub(crate) struct LatenessFields<'l> {
    #[serde(borrow)]
    p50: &'l RawValue,
    #[serde(borrow)]
    p99: &'l RawValue,
    #[serde(borrow)]
    max: &'l RawValue,
}

/// The schema of a quantile of durations: `p99`, `max`.
pub(super) fn quantile_schema(name: &str) -> Value {
    let mut schema = Span::schema();
    schema["description"] = match name.strip_prefix('p') {
        Some("50") => "The median, in seconds.".into(),
        Some(percent) => format!("{percent} % are not longer than this, in seconds.").into(),
        None => "The longest, in seconds.".into(),
    };
    schema
}

impl LogValue for Lateness {
    type Json<'l> = LatenessFields<'l>;
    type Value<'e> = LatenessQuantiles;
    const OBSERVED: Option<EventKeyType> = None;

    fn schema() -> Value {
        let names = ["p50", "p99", "max"];
        let properties: serde_json::Map<String, Value> =
            names.iter().map(|name| ((*name).to_owned(), quantile_schema(name))).collect();
        json!({ "type": "object", "properties": properties, "required": names, "additionalProperties": false })
    }

    fn decode<'e, 'l: 'e>(
        _: &'static str,
        json: &'e LatenessFields<'l>,
    ) -> Result<LatenessQuantiles, DecodeError> {
        Ok(LatenessQuantiles {
            p50: decode_span("p50", json.p50)?,
            p99: decode_span("p99", json.p99)?,
            max: decode_span("max", json.max)?,
        })
    }

    fn encode(LatenessQuantiles { p50, p99, max }: LatenessQuantiles, buffer: &mut Vec<u8>) {
        for (name, span) in [(&br#"{"p50":"#[..], p50), (br#","p99":"#, p99), (br#","max":"#, max)] {
            buffer.extend_from_slice(name);
            push_span(buffer, span);
        }
        buffer.push(b'}');
    }
}

/// Lower-case hexadecimal digits of a fixed count, as JSON Schema.
fn hex_schema(digits: u32) -> Value {
    json!({ "type": "string", "pattern": format!("^[0-9a-f]{{{digits}}}$") })
}

/// A SHA-256 as 64 lower-case hexadecimal digits.
pub(crate) struct Sha256;

impl LogValue for Sha256 {
    type Json<'l> = CowStr<'l>;
    type Value<'e> = [u8; 32];
    const OBSERVED: Option<EventKeyType> = Some(EventKeyType::Text);

    fn schema() -> Value {
        hex_schema(64)
    }

    fn decode<'e, 'l: 'e>(key: &'static str, json: &'e CowStr<'l>) -> Result<[u8; 32], DecodeError> {
        parse_sha256(json).ok_or_else(|| DecodeError::unknown_value(key, json))
    }

    fn encode(value: [u8; 32], buffer: &mut Vec<u8>) {
        buffer.push(b'"');
        push_hex(buffer, &value);
        buffer.push(b'"');
    }

    fn observe<'e>(value: Self::Value<'e>) -> Option<EventValue<'e>> {
        let mut digits = Vec::with_capacity(64);
        push_hex(&mut digits, &value);
        Some(EventValue::Text(digits.into()))
    }
}

fn parse_sha256(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() != 64 || !text.bytes().all(is_digit) {
        return None;
    }
    for (n, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * n..2 * n + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// The version of the log's format. The reader checks it; the decoder does not.
pub(crate) struct FormatNumber;

impl LogValue for FormatNumber {
    type Json<'l> = IgnoredAny;
    type Value<'e> = ();
    const OBSERVED: Option<EventKeyType> = None;

    fn schema() -> Value {
        Count::schema()
    }

    fn decode<'e, 'l: 'e>(_: &'static str, _: &'e IgnoredAny) -> Result<(), DecodeError> {
        Ok(())
    }

    fn encode((): (), buffer: &mut Vec<u8>) {
        push_digits(buffer, LOG_FORMAT.into());
    }
}

impl FixedValue for FormatNumber {}

/// The CRC-32C of all bytes before the last line. The log's writer adds it, since only the writer has
/// seen these bytes; the reader checks it.
pub(crate) struct Checksum;

impl LogValue for Checksum {
    type Json<'l> = IgnoredAny;
    type Value<'e> = ();
    const OBSERVED: Option<EventKeyType> = None;

    fn schema() -> Value {
        hex_schema(8)
    }

    fn decode<'e, 'l: 'e>(_: &'static str, _: &'e IgnoredAny) -> Result<(), DecodeError> {
        Ok(())
    }

    fn encode((): (), _: &mut Vec<u8>) {}

    fn is_written((): ()) -> bool {
        false
    }
}

impl FixedValue for Checksum {}
