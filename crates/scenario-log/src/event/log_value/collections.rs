//! Keys that are lists or objects.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::numbers::{decode_span, push_signed, push_span};
use super::{Count, LogValue, OmittableValue, Register, Span, Text};
use crate::captured_value::CapturedValue;
use crate::decode_error::DecodeError;
use crate::encode_text::{push_digits, push_json_string};
use crate::event::observable::EventKeyType;
use crate::event::{FetchTimings, HttpHeader, WorldPositions};

/// Appends an object with one member for each item.
pub(super) fn push_object<T>(
    buffer: &mut Vec<u8>,
    items: impl IntoIterator<Item = T>,
    mut push_member: impl FnMut(&mut Vec<u8>, T),
) {
    buffer.push(b'{');
    let start = buffer.len();
    for item in items {
        if buffer.len() > start {
            buffer.push(b',');
        }
        push_member(buffer, item);
    }
    buffer.push(b'}');
}

fn push_member_name(buffer: &mut Vec<u8>, name: &str) {
    push_json_string(buffer, name);
    buffer.push(b':');
}

fn push_text_member(buffer: &mut Vec<u8>, name: &str, value: &str) {
    push_member_name(buffer, name);
    push_json_string(buffer, value);
}

fn push_texts_member(buffer: &mut Vec<u8>, name: &str, values: &[&str]) {
    push_member_name(buffer, name);
    buffer.push(b'[');
    for (n, value) in values.iter().enumerate() {
        if n > 0 {
            buffer.push(b',');
        }
        push_json_string(buffer, value);
    }
    buffer.push(b']');
}

/// The schema of an object whose members all have the same type.
fn map_schema(member: &Value) -> Value {
    json!({ "type": "object", "additionalProperties": member })
}

/// The choices at ties: which of the candidates went first.
pub(crate) struct TieChoices;

/// The `seq` of some events.
pub(crate) struct SeqList;

macro_rules! list_values {
    ($($Type:ident: $rust:ty),*) => {$(
        impl LogValue for $Type {
            type Json<'l> = Vec<$rust>;
            type Value<'e> = &'e [$rust];
            const OBSERVED: Option<EventKeyType> = None;

            fn schema() -> Value {
                json!({ "type": "array", "items": Count::schema() })
            }

            fn decode<'e, 'l: 'e>(_: &'static str, json: &'e Vec<$rust>) -> Result<&'e [$rust], DecodeError> {
                Ok(json)
            }

            fn encode(value: &[$rust], buffer: &mut Vec<u8>) {
                buffer.push(b'[');
                for (n, number) in value.iter().enumerate() {
                    if n > 0 {
                        buffer.push(b',');
                    }
                    push_digits(buffer, (*number).into());
                }
                buffer.push(b']');
            }
        }

        impl OmittableValue for $Type {
            fn omitted<'e>() -> Self::Value<'e> {
                &[]
            }

            fn is_omitted(value: &[$rust]) -> bool {
                value.is_empty()
            }
        }
    )*};
}

list_values!(TieChoices: u32, SeqList: u64);

/// Pairs of texts, in the order of the line.
#[derive(Debug)]
pub(crate) struct TextPairs<T>(Vec<T>);

/// An item that is made of a name and a text.
pub(crate) trait TextPair {
    /// Whether a name may have a list of texts: an item for each of them.
    const HAS_LISTS: bool = false;

    /// The item of this name and text.
    fn from_pair(name: String, value: String) -> Self;
}

impl TextPair for HttpHeader {
    const HAS_LISTS: bool = true;

    fn from_pair(name: String, value: String) -> HttpHeader {
        HttpHeader { name, value }
    }
}

impl TextPair for CapturedValue {
    /// Of a log the value is known as it was shown.
    fn from_pair(name: String, value: String) -> CapturedValue {
        CapturedValue { name, value, secret: false }
    }
}

impl TextPair for (String, String) {
    fn from_pair(name: String, value: String) -> (String, String) {
        (name, value)
    }
}

/// The value of a name in the line.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMoreTexts {
    One(String),
    More(Vec<String>),
}

impl<'de, T: TextPair> Deserialize<'de> for TextPairs<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<TextPairs<T>, D::Error> {
        struct TextPairsVisitor<T>(PhantomData<T>);
        impl<'de, T: TextPair> Visitor<'de> for TextPairsVisitor<T> {
            type Value = TextPairs<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("texts by name")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<TextPairs<T>, A::Error> {
                let mut pairs = Vec::new();
                while let Some((name, value)) = map.next_entry()? {
                    let name: String = name;
                    match value {
                        OneOrMoreTexts::One(value) => pairs.push(T::from_pair(name, value)),
                        OneOrMoreTexts::More(values) if T::HAS_LISTS && values.len() > 1 => {
                            pairs.extend(values.into_iter().map(|value| T::from_pair(name.clone(), value)));
                        }
                        OneOrMoreTexts::More(_) => return Err(A::Error::custom("a value is not a text")),
                    }
                }
                Ok(TextPairs(pairs))
            }
        }
        deserializer.deserialize_map(TextPairsVisitor(PhantomData))
    }
}

/// The headers of an answer, by name.
pub(crate) struct Headers;

impl LogValue for Headers {
    type Json<'l> = TextPairs<HttpHeader>;
    type Value<'e> = &'e [HttpHeader];
    const OBSERVED: Option<EventKeyType> = None;

    fn schema() -> Value {
        let list = json!({ "type": "array", "items": Text::schema(), "minItems": 2 });
        map_schema(&json!({ "anyOf": [Text::schema(), list] }))
    }

    fn decode<'e, 'l: 'e>(
        _: &'static str,
        json: &'e TextPairs<HttpHeader>,
    ) -> Result<&'e [HttpHeader], DecodeError> {
        Ok(&json.0)
    }

    /// The values of a name that came several times are a list. (Older releases joined them by a comma.)
    fn encode(headers: &[HttpHeader], buffer: &mut Vec<u8>) {
        let is_first = |n: usize| headers[..n].iter().all(|earlier| earlier.name != headers[n].name);
        push_object(buffer, (0..headers.len()).filter(|n| is_first(*n)), |buffer, n| {
            let same = headers[n..].iter().filter(|other| other.name == headers[n].name);
            let values: Vec<&str> = same.map(|header| header.value.as_str()).collect();
            match values[..] {
                [value] => push_text_member(buffer, &headers[n].name, value),
                _ => push_texts_member(buffer, &headers[n].name, &values),
            }
        });
    }
}

/// The values that were captured from an answer, by name.
pub(crate) struct Captured;

impl LogValue for Captured {
    type Json<'l> = TextPairs<CapturedValue>;
    type Value<'e> = &'e [CapturedValue];
    const OBSERVED: Option<EventKeyType> = None;

    fn schema() -> Value {
        map_schema(&Text::schema())
    }

    fn decode<'e, 'l: 'e>(
        _: &'static str,
        json: &'e TextPairs<CapturedValue>,
    ) -> Result<&'e [CapturedValue], DecodeError> {
        Ok(&json.0)
    }

    fn encode(captured: &[CapturedValue], buffer: &mut Vec<u8>) {
        push_object(buffer, captured, |buffer, one| {
            push_text_member(buffer, &one.name, one.display_value());
        });
    }
}

impl OmittableValue for Captured {
    fn omitted<'e>() -> Self::Value<'e> {
        &[]
    }

    fn is_omitted(value: &[CapturedValue]) -> bool {
        value.is_empty()
    }
}

/// Players, each with the lock that it waits for.
pub(crate) struct Waiting;

impl LogValue for Waiting {
    type Json<'l> = TextPairs<(String, String)>;
    type Value<'e> = &'e [(String, String)];
    const OBSERVED: Option<EventKeyType> = None;

    fn schema() -> Value {
        map_schema(&Text::schema())
    }

    fn decode<'e, 'l: 'e>(
        _: &'static str,
        json: &'e TextPairs<(String, String)>,
    ) -> Result<&'e [(String, String)], DecodeError> {
        Ok(&json.0)
    }

    fn encode(waiting: &[(String, String)], buffer: &mut Vec<u8>) {
        push_object(buffer, waiting, |buffer, (player, lock)| push_text_member(buffer, player, lock));
    }
}

/// The values of the shared cells, by name.
pub(crate) struct SharedCells;

/// The cells of a line, sorted by name.
#[derive(Debug)]
pub(crate) struct SortedCells(Vec<(String, i64)>);

impl<'de> Deserialize<'de> for SortedCells {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SortedCells, D::Error> {
        BTreeMap::deserialize(deserializer).map(|cells| SortedCells(cells.into_iter().collect()))
    }
}

impl LogValue for SharedCells {
    type Json<'l> = SortedCells;
    type Value<'e> = &'e [(String, i64)];
    const OBSERVED: Option<EventKeyType> = None;

    fn schema() -> Value {
        map_schema(&Register::schema())
    }

    fn decode<'e, 'l: 'e>(
        _: &'static str,
        json: &'e SortedCells,
    ) -> Result<&'e [(String, i64)], DecodeError> {
        Ok(&json.0)
    }

    fn encode(cells: &[(String, i64)], buffer: &mut Vec<u8>) {
        push_object(buffer, cells, |buffer, (cell, value)| {
            push_member_name(buffer, cell);
            push_signed(buffer, *value);
        });
    }
}

impl OmittableValue for SharedCells {
    fn omitted<'e>() -> Self::Value<'e> {
        &[]
    }

    fn is_omitted(value: &[(String, i64)]) -> bool {
        value.is_empty()
    }
}

/// A place in the world: `[x, y]`.
pub(crate) struct Position;

impl LogValue for Position {
    type Json<'l> = [u32; 2];
    type Value<'e> = [u32; 2];
    const OBSERVED: Option<EventKeyType> = None;

    fn schema() -> Value {
        json!({ "type": "array", "items": Count::schema(), "minItems": 2, "maxItems": 2 })
    }

    fn decode<'e, 'l: 'e>(_: &'static str, json: &'e [u32; 2]) -> Result<[u32; 2], DecodeError> {
        Ok(*json)
    }

    fn encode([x, y]: [u32; 2], buffer: &mut Vec<u8>) {
        buffer.push(b'[');
        push_digits(buffer, x.into());
        buffer.push(b',');
        push_digits(buffer, y.into());
        buffer.push(b']');
    }
}

/// The places of players in the world, by name.
pub(crate) struct Positions;

impl LogValue for Positions {
    type Json<'l> = WorldPositions;
    type Value<'e> = &'e WorldPositions;
    const OBSERVED: Option<EventKeyType> = None;

    fn schema() -> Value {
        map_schema(&Position::schema())
    }

    fn decode<'e, 'l: 'e>(
        _: &'static str,
        json: &'e WorldPositions,
    ) -> Result<&'e WorldPositions, DecodeError> {
        Ok(json)
    }

    fn encode(players: &WorldPositions, buffer: &mut Vec<u8>) {
        push_object(buffer, players, |buffer, (player, at)| {
            push_member_name(buffer, player);
            Position::encode(*at, buffer);
        });
    }
}

/// How long the phases of a request took; a phase that did not happen has no member.
pub(crate) struct OptionalTimings;

/// The phases as a line has them.
#[derive(Debug, Deserialize)]
pub(crate) struct TimingFields<'l> {
    #[serde(borrow)]
    dns: Option<&'l RawValue>,
    #[serde(borrow)]
    connect: Option<&'l RawValue>,
    #[serde(borrow)]
    tls: Option<&'l RawValue>,
    #[serde(borrow)]
    first_byte: Option<&'l RawValue>,
    #[serde(borrow)]
    body: Option<&'l RawValue>,
}

impl LogValue for OptionalTimings {
    type Json<'l> = TimingFields<'l>;
    type Value<'e> = FetchTimings;
    const OBSERVED: Option<EventKeyType> = None;

    fn schema() -> Value {
        let phases = [
            ("dns", "The lookup of the host's name, in seconds."),
            ("connect", "The opening of the connection, in seconds."),
            ("tls", "The TLS handshake, in seconds."),
            ("first_byte", "From the sent request to the first byte of the answer, in seconds."),
            ("body", "From the first byte of the answer to its last one, in seconds."),
        ];
        let described = |(name, description): (&str, &str)| {
            let mut schema = Span::schema();
            schema["description"] = description.into();
            (name.to_owned(), schema)
        };
        let properties: Map<String, Value> = phases.into_iter().map(described).collect();
        json!({ "type": "object", "properties": properties, "required": [], "additionalProperties": false })
    }

    fn decode<'e, 'l: 'e>(_: &'static str, json: &'e TimingFields<'l>) -> Result<FetchTimings, DecodeError> {
        let span = |key, json: Option<&RawValue>| json.map(|json| decode_span(key, json)).transpose();
        Ok(FetchTimings {
            dns: span("dns", json.dns)?,
            connect: span("connect", json.connect)?,
            tls: span("tls", json.tls)?,
            first_byte: span("first_byte", json.first_byte)?,
            body: span("body", json.body)?,
        })
    }

    fn encode(timings: FetchTimings, buffer: &mut Vec<u8>) {
        let FetchTimings { dns, connect, tls, first_byte, body } = timings;
        let phases: [(&[u8], Option<Span>); 5] = [
            (b"\"dns\":", dns),
            (b"\"connect\":", connect),
            (b"\"tls\":", tls),
            (b"\"first_byte\":", first_byte),
            (b"\"body\":", body),
        ];
        let known = phases.into_iter().filter_map(|(name, span)| Some((name, span?)));
        push_object(buffer, known, |buffer, (name, span)| {
            buffer.extend_from_slice(name);
            push_span(buffer, span);
        });
    }
}
