//! The part of an event that an expectation can observe: its keys that are texts, whole numbers or
//! booleans, by their names in the log. Times are not such keys: expectations measure them instead.

use std::borrow::Cow;

/// The type of a key that an expectation can look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKeyType {
    /// A text.
    Text,
    /// A whole number.
    Number,
    /// `true` or `false`. A boolean that the line leaves out is `false`.
    Boolean,
}

/// The value that an event has for a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventValue<'a> {
    /// A text, or the bytes of a line.
    Text(Cow<'a, [u8]>),
    /// A whole number.
    Number(i128),
    /// A boolean.
    Boolean(bool),
}

/// The thing that the events of a kind belong to. An expectation can select events by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventScope {
    /// The run as a whole, and nothing smaller.
    Run,
    /// A spawn.
    Spawn,
    /// A request.
    Request,
    /// A timeline entry, and nothing else.
    Entry,
    /// A spawn, a request or a timeline entry.
    Any,
}

impl<'a> EventValue<'a> {
    pub(crate) fn text(text: &'a str) -> EventValue<'a> {
        EventValue::Text(Cow::Borrowed(text.as_bytes()))
    }

    pub(crate) fn displayed(value: impl std::fmt::Display) -> EventValue<'a> {
        EventValue::Text(Cow::Owned(value.to_string().into_bytes()))
    }
}
