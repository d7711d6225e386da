//! Keys that are one of a closed set of words.

use serde_json::{Value, json};

use super::LogValue;
use super::texts::{Text, push_unescaped};
use crate::decode_error::DecodeError;
use crate::event::observable::{EventKeyType, EventValue};
use crate::event::{self, Direction};
use crate::name;
use crate::raw_fields::CowStr;

pub(crate) use crate::event::{ClockKind, FetchErrorKind, LimitKind, LinkEnd, OutputStream, RunOutcome};
pub(crate) use crate::signal::Signal;

macro_rules! word_values {
    ($($Type:ident: $from_word:ident, $word:ident);*) => {$(
        impl LogValue for $Type {
            type Json<'l> = CowStr<'l>;
            type Value<'e> = $Type;
            const OBSERVED: Option<EventKeyType> = Some(EventKeyType::Text);

            fn schema() -> Value {
                json!({ "enum": $Type::ALL.map($Type::$word) })
            }

            fn decode<'e, 'l: 'e>(key: &'static str, json: &'e CowStr<'l>) -> Result<$Type, DecodeError> {
                $Type::$from_word(json).ok_or_else(|| DecodeError::unknown_value(key, json))
            }

            fn encode(value: $Type, buffer: &mut Vec<u8>) {
                push_unescaped(buffer, value.$word());
            }

            fn observe<'e>(value: Self::Value<'e>) -> Option<EventValue<'e>> {
                Some(EventValue::text(value.$word()))
            }
        }
    )*};
}

word_values!(
    ClockKind: from_name, name;
    OutputStream: from_name, name;
    RunOutcome: from_name, name;
    FetchErrorKind: from_name, name;
    LimitKind: from_name, name;
    LinkEnd: from_name, name
);

/// The direction of a move: a letter of the four directions, or a word of the scenario.
pub(crate) struct MoveWord;

impl LogValue for MoveWord {
    type Json<'l> = CowStr<'l>;
    type Value<'e> = event::MoveDirection<'e>;
    const OBSERVED: Option<EventKeyType> = Some(EventKeyType::Text);

    /// The letters are examples only: without a world any word is a direction.
    fn schema() -> Value {
        json!({ "type": "string", "examples": Direction::ALL.map(Direction::letter) })
    }

    fn decode<'e, 'l: 'e>(
        key: &'static str,
        json: &'e CowStr<'l>,
    ) -> Result<event::MoveDirection<'e>, DecodeError> {
        match name::direction_error(json) {
            None => Ok(event::MoveDirection::from_word(json)),
            Some(_) => Err(DecodeError::unknown_value(key, json)),
        }
    }

    fn encode(value: event::MoveDirection<'_>, buffer: &mut Vec<u8>) {
        Text::encode(value.word(), buffer);
    }

    fn observe<'e>(value: Self::Value<'e>) -> Option<EventValue<'e>> {
        Some(EventValue::text(value.word()))
    }
}

impl LogValue for Signal {
    type Json<'l> = CowStr<'l>;
    type Value<'e> = Signal;
    const OBSERVED: Option<EventKeyType> = Some(EventKeyType::Text);

    /// Names are examples only: a real-time signal is written as its number.
    fn schema() -> Value {
        json!({ "type": "string", "examples": Signal::names().collect::<Vec<&str>>() })
    }

    fn decode<'e, 'l: 'e>(key: &'static str, json: &'e CowStr<'l>) -> Result<Signal, DecodeError> {
        Signal::from_name(json).ok_or_else(|| DecodeError::unknown_value(key, json))
    }

    fn encode(value: Signal, buffer: &mut Vec<u8>) {
        push_unescaped(buffer, &value.to_string());
    }

    fn observe<'e>(value: Self::Value<'e>) -> Option<EventValue<'e>> {
        Some(EventValue::displayed(value))
    }
}
