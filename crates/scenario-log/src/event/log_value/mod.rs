//! The types that a key of an event can have. Each type knows its JSON Schema, how it is decoded and
//! encoded, and how an expectation observes it. Nothing here knows which event has which key.
//!
//! # How it works
//!
//! A row of the event table is `due: Required<Moment>`: a key with its presence and its type.
//! [`LogValue`] is the type, [`LogKey`] is the type with its presence. This module and
//! [`rust_types`] use the same names, so that the table's macro can make both the field
//! of the Rust enum (`rust_types::Text` is `&str`) and the behaviour of the key ([`texts::Text`]) from
//! one word.

mod collections;
mod load_metrics;
mod numbers;
mod sources;
mod texts;
mod words;

use std::marker::PhantomData;

use serde::de::IgnoredAny;
use serde_json::Value;

pub(crate) use collections::{
    Captured, Headers, OptionalTimings, Position, Positions, SeqList, SharedCells, TieChoices, Waiting,
};
pub(crate) use load_metrics::LoadMetricsByJob;
pub(crate) use numbers::{
    Checksum, Count, ExitStatus, Flag, FormatNumber, Lateness, Pid, Register, Sha256, Status,
};
pub(crate) use sources::{EntryRef, GuestId, MoverId, Player, RequestId, SpawnId, TargetId};
pub(crate) use texts::{GeneratorName, LineBase64, LineText, Name, ResolvedScenario, Text};
pub(crate) use words::{
    ClockKind, FetchErrorKind, LimitKind, LinkEnd, MoveWord, OutputStream, RunOutcome, Signal,
};

pub(crate) use crate::time::{Moment, Span};

use crate::decode_error::DecodeError;
use crate::event::observable::{EventKeyType, EventValue};
use crate::event::{EntryName, Source};

/// The Rust types of the fields of an event, under the names that the event table uses for them. They are
/// aliases, so that the compiler knows that an event with a longer lifetime fits a shorter one. (With
/// associated types it does not know.)
pub(crate) mod rust_types {
    use crate::{captured_value, event, name, signal, time};

    pub(crate) type Required<T> = T;
    pub(crate) type Optional<T> = Option<T>;
    pub(crate) type UnlessEmpty<T> = T;

    pub(crate) type Moment<'a> = time::Moment;
    pub(crate) type Span<'a> = time::Span;
    pub(crate) type Count<'a> = u64;
    pub(crate) type Pid<'a> = u32;
    pub(crate) type Status<'a> = u16;
    pub(crate) type Register<'a> = i64;
    pub(crate) type Flag<'a> = bool;
    pub(crate) type Text<'a> = &'a str;
    pub(crate) type Name<'a> = &'a str;
    pub(crate) type Player<'a> = name::PlayerName<'a>;
    pub(crate) type EntryRef<'a> = event::EntryName<'a>;
    pub(crate) type SpawnId<'a> = event::Source;
    pub(crate) type RequestId<'a> = event::Source;
    pub(crate) type GuestId<'a> = event::Source;
    pub(crate) type MoverId<'a> = event::Source;
    pub(crate) type TargetId<'a> = event::Source;
    pub(crate) type MoveWord<'a> = event::MoveDirection<'a>;
    pub(crate) type Signal<'a> = signal::Signal;
    pub(crate) type Captured<'a> = &'a [captured_value::CapturedValue];
    pub(crate) type Headers<'a> = &'a [event::HttpHeader];
    pub(crate) type Position<'a> = [u32; 2];
    pub(crate) type Positions<'a> = &'a event::WorldPositions;
    pub(crate) type LinkEnd<'a> = event::LinkEnd;
    pub(crate) type Waiting<'a> = &'a [(String, String)];
}

/// The type of a key's value.
pub(crate) trait LogValue {
    /// The value as serde reads it, borrowed from the line.
    type Json<'l>;
    /// The value in Rust.
    type Value<'e>: Copy;
    /// The type that an expectation compares with; `None` if no expectation can look at the value.
    const OBSERVED: Option<EventKeyType>;

    /// The JSON Schema of the value.
    fn schema() -> Value;

    /// The value that the JSON stands for. `key` is for the message.
    fn decode<'e, 'l: 'e>(
        key: &'static str,
        json: &'e Self::Json<'l>,
    ) -> Result<Self::Value<'e>, DecodeError>;

    /// Appends the value as JSON.
    fn encode(value: Self::Value<'_>, buffer: &mut Vec<u8>);

    /// Whether this type writes the value at all: a line is either a text or Base64.
    fn is_written(_value: Self::Value<'_>) -> bool {
        true
    }

    /// The value as an expectation observes it.
    fn observe<'e>(_value: Self::Value<'e>) -> Option<EventValue<'e>> {
        None
    }

    /// The planned moment, if the value is one.
    fn due(_value: Self::Value<'_>) -> Option<Moment> {
        None
    }

    /// The source, if the value is one.
    fn source(_value: Self::Value<'_>) -> Option<Source> {
        None
    }

    /// The timeline entry, if the value names one.
    fn entry(_value: Self::Value<'_>) -> Option<EntryName<'_>> {
        None
    }
}

/// A type that has a value for "nothing", which lines leave out.
pub(crate) trait OmittableValue: LogValue {
    /// The value of a key that a line leaves out.
    fn omitted<'e>() -> Self::Value<'e>;

    /// Whether a line leaves this value out.
    fn is_omitted(value: Self::Value<'_>) -> bool;
}

/// A key of an event: a type and when the key is present.
pub(crate) trait LogKey {
    /// The type of the value.
    type Of: LogValue;
    /// The value in Rust.
    type Value<'e>: Copy;
    /// Whether every line of the event has the key.
    const IS_REQUIRED: bool;

    /// The value that a line has, or the one that it implies by leaving the key out.
    fn decode<'e, 'l: 'e>(
        key: &'static str,
        json: Option<&'e <Self::Of as LogValue>::Json<'l>>,
    ) -> Result<Self::Value<'e>, DecodeError>;

    /// The value to observe; `None` if the event has none.
    fn get(value: Self::Value<'_>) -> Option<<Self::Of as LogValue>::Value<'_>>;

    /// The value to write; `None` if the line leaves the key out.
    fn written(value: Self::Value<'_>) -> Option<<Self::Of as LogValue>::Value<'_>> {
        Self::get(value).filter(|value| Self::Of::is_written(*value))
    }
}

/// Receives the keys of an event, in the log's order.
pub(crate) trait KeyVisitor<'e> {
    /// Takes one key. `json_key` is the key as it stands in a line, with its comma and colon.
    fn visit<K: LogKey>(&mut self, key: &'static str, json_key: &'static str, value: K::Value<'e>);
}

/// A key that every line of the event has.
pub(crate) struct Required<T>(PhantomData<T>);

/// A key that a line has if the event has a value for it.
pub(crate) struct Optional<T>(PhantomData<T>);

/// A key that a line has unless its value is nothing: `false`, 0, an empty list.
pub(crate) struct UnlessEmpty<T>(PhantomData<T>);

/// A key whose value does not come from the event: it comes from the format, or from the log's writer.
pub(crate) struct Fixed<T>(PhantomData<T>);

impl<T: LogValue> LogKey for Required<T> {
    type Of = T;
    type Value<'e> = T::Value<'e>;
    const IS_REQUIRED: bool = true;

    fn decode<'e, 'l: 'e>(
        key: &'static str,
        json: Option<&'e T::Json<'l>>,
    ) -> Result<T::Value<'e>, DecodeError> {
        T::decode(key, json.ok_or_else(|| DecodeError::missing(key))?)
    }

    fn get(value: T::Value<'_>) -> Option<T::Value<'_>> {
        Some(value)
    }
}

impl<T: LogValue> LogKey for Optional<T> {
    type Of = T;
    type Value<'e> = Option<T::Value<'e>>;
    const IS_REQUIRED: bool = false;

    fn decode<'e, 'l: 'e>(
        key: &'static str,
        json: Option<&'e T::Json<'l>>,
    ) -> Result<Option<T::Value<'e>>, DecodeError> {
        json.map(|json| T::decode(key, json)).transpose()
    }

    fn get(value: Option<T::Value<'_>>) -> Option<T::Value<'_>> {
        value
    }
}

impl<T: OmittableValue> LogKey for UnlessEmpty<T> {
    type Of = T;
    type Value<'e> = T::Value<'e>;
    const IS_REQUIRED: bool = false;

    fn decode<'e, 'l: 'e>(
        key: &'static str,
        json: Option<&'e T::Json<'l>>,
    ) -> Result<T::Value<'e>, DecodeError> {
        json.map_or_else(|| Ok(T::omitted()), |json| T::decode(key, json))
    }

    fn get(value: T::Value<'_>) -> Option<T::Value<'_>> {
        Some(value)
    }

    fn written(value: T::Value<'_>) -> Option<T::Value<'_>> {
        Some(value).filter(|value| !T::is_omitted(*value))
    }
}

/// A type with a single value. Decoding does not look at it.
pub(crate) trait FixedValue: for<'e, 'l> LogValue<Value<'e> = (), Json<'l> = IgnoredAny> {}

impl<T: FixedValue> LogKey for Fixed<T> {
    type Of = T;
    type Value<'e> = ();
    const IS_REQUIRED: bool = true;

    fn decode<'e, 'l: 'e>(_key: &'static str, _json: Option<&'e IgnoredAny>) -> Result<(), DecodeError> {
        Ok(())
    }

    fn get<'e>(value: Self::Value<'e>) -> Option<<T as LogValue>::Value<'e>> {
        Some(value)
    }
}
