//! Keys that name the thing that an event belongs to: a source, a timeline entry, a player.

use serde_json::{Value, json};

use super::LogValue;
use super::texts::{check_name, push_unescaped};
use crate::decode_error::DecodeError;
use crate::encode_text::{push_digits, push_escaped};
use crate::event::observable::{EventKeyType, EventValue};
use crate::event::{EntryName, Source};
use crate::name::PlayerName;
use crate::raw_fields::CowStr;

/// A spawn: `ps#1`.
pub(crate) struct SpawnId;

/// A request: `get#1`.
pub(crate) struct RequestId;

/// A guest: `net#1`.
pub(crate) struct GuestId;

/// A spawn or a guest: each of them moves players.
pub(crate) struct MoverId;

/// A spawn or a request: each of them can be stopped.
pub(crate) struct TargetId;

macro_rules! source_values {
    ($($Type:ident: $prefixes:literal),*) => {$(
        impl LogValue for $Type {
            type Json<'l> = CowStr<'l>;
            type Value<'e> = Source;
            const OBSERVED: Option<EventKeyType> = Some(EventKeyType::Text);

            fn schema() -> Value {
                json!({ "type": "string", "pattern": concat!("^", $prefixes, "#[1-9][0-9]*$") })
            }

            fn decode<'e, 'l: 'e>(key: &'static str, json: &'e CowStr<'l>) -> Result<Source, DecodeError> {
                Source::from_name(json).ok_or_else(|| DecodeError::unknown_value(key, json))
            }

            fn encode(value: Source, buffer: &mut Vec<u8>) {
                push_source(buffer, value);
            }

            fn observe<'e>(value: Self::Value<'e>) -> Option<EventValue<'e>> {
                Some(EventValue::displayed(value))
            }

            fn source(value: Source) -> Option<Source> {
                Some(value)
            }
        }
    )*};
}

source_values!(SpawnId: "ps", RequestId: "get", GuestId: "net", MoverId: "(ps|net)", TargetId: "(ps|get)");

fn push_source(buffer: &mut Vec<u8>, source: Source) {
    let (prefix, number): (&[u8], u32) = match source {
        Source::Spawn(number) => (b"\"ps#", number),
        Source::Request(number) => (b"\"get#", number),
        Source::Guest(number) => (b"\"net#", number),
    };
    buffer.extend_from_slice(prefix);
    push_digits(buffer, number.into());
    buffer.push(b'"');
}

/// A timeline entry, by its `id` or its number: `#3`.
pub(crate) struct EntryRef;

impl LogValue for EntryRef {
    type Json<'l> = CowStr<'l>;
    type Value<'e> = EntryName<'e>;
    const OBSERVED: Option<EventKeyType> = Some(EventKeyType::Text);

    fn schema() -> Value {
        json!({ "type": "string" })
    }

    fn decode<'e, 'l: 'e>(key: &'static str, json: &'e CowStr<'l>) -> Result<EntryName<'e>, DecodeError> {
        let text: &str = json;
        match EntryName::from_name(text) {
            EntryName::Id(id) => check_name(key, id).map(EntryName::Id),
            number if number.to_string() == text => Ok(number),
            EntryName::Number(_) => Err(DecodeError::unknown_value(key, text)),
        }
    }

    fn encode(value: EntryName<'_>, buffer: &mut Vec<u8>) {
        match value {
            EntryName::Id(id) => push_unescaped(buffer, id),
            EntryName::Number(number) => {
                buffer.extend_from_slice(b"\"#");
                push_digits(buffer, number as u64);
                buffer.push(b'"');
            }
        }
    }

    fn observe<'e>(value: Self::Value<'e>) -> Option<EventValue<'e>> {
        Some(EventValue::displayed(value))
    }

    fn entry<'e>(value: Self::Value<'e>) -> Option<EntryName<'e>> {
        Some(value)
    }
}

/// A player's name: any text without control characters. (A player's number may make it longer than names
/// in scenarios are.)
pub(crate) struct Player;

impl LogValue for Player {
    type Json<'l> = CowStr<'l>;
    type Value<'e> = PlayerName<'e>;
    const OBSERVED: Option<EventKeyType> = Some(EventKeyType::Text);

    fn schema() -> Value {
        json!({ "type": "string" })
    }

    fn decode<'e, 'l: 'e>(key: &'static str, json: &'e CowStr<'l>) -> Result<PlayerName<'e>, DecodeError> {
        let name: &str = json;
        if name.is_empty() || name.chars().any(char::is_control) {
            return Err(DecodeError::unknown_value(key, name));
        }
        Ok(PlayerName::from_full_name(name))
    }

    fn encode(PlayerName { prefix, number, suffix }: PlayerName<'_>, buffer: &mut Vec<u8>) {
        buffer.push(b'"');
        push_escaped(buffer, prefix);
        if let Some(number) = number {
            push_digits(buffer, number.into());
        }
        push_escaped(buffer, suffix);
        buffer.push(b'"');
    }

    fn observe<'e>(value: Self::Value<'e>) -> Option<EventValue<'e>> {
        Some(EventValue::displayed(value))
    }
}
