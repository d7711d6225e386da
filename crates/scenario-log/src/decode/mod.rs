//! Decodes a line of a log into its event.
//!
//! Lines of any JSON form are read, with their keys in any order. Keys and events that are not known
//! are ignored, since a later release may have added them (`docs/format.md`).
//!
//! # How it works
//!
//! The name of the event decides which keys are parsed. In a line of the form that the encoder writes,
//! the name is found by its place, and the line is parsed once. In any other line a first pass finds
//! the name. Texts stay borrowed from the line unless they have escapes.

use serde::Deserialize;

pub use crate::decode_error::DecodeError;

use crate::event::Event;
use crate::event::table::ParsedLine;
use crate::raw_fields::CowStr;

/// A line of a log, parsed. Its event borrows from it.
#[derive(Debug)]
pub struct LogRecord<'a> {
    line: ParsedLine<'a>,
}

/// The one key that every line has to have.
#[derive(Deserialize)]
struct EventNameField<'a> {
    #[serde(borrow)]
    event: CowStr<'a>,
}

impl<'a> LogRecord<'a> {
    /// Parses a line.
    ///
    /// # Errors
    /// If the line is not JSON, or a key of its event has a value of another JSON type than the format
    /// has.
    pub fn decode(line: &'a [u8]) -> Result<LogRecord<'a>, DecodeError> {
        let text = std::str::from_utf8(line).map_err(|_| DecodeError::new("is not UTF-8"))?;
        let parsed = match canonical_event_name(text) {
            Some(name) => ParsedLine::parse(name, text),
            None => Ok(ParsedLine::Unknown),
        };
        let line = match parsed.map_err(|error| DecodeError::json(&error))? {
            // The name is at another place, or it is not known; then the line still has to be JSON.
            ParsedLine::Unknown => parse_any_json(text).map_err(|error| DecodeError::json(&error))?,
            known => known,
        };
        Ok(LogRecord { line })
    }

    /// The event; `None` if this release does not know it.
    ///
    /// # Errors
    /// If a key is missing, or has a value that the format does not have.
    pub fn event(&self) -> Result<Option<Event<'_>>, DecodeError> {
        self.line.event()
    }
}

fn parse_any_json(line: &str) -> Result<ParsedLine<'_>, serde_json::Error> {
    let EventNameField { event } = serde_json::from_str(line)?;
    ParsedLine::parse(&event, line)
}

/// The event's name in a line that begins like those of the encoder:
/// `{"seq":12,"t":0.500000000,"event":"move"`.
fn canonical_event_name(line: &str) -> Option<&str> {
    let rest = line.strip_prefix(r#"{"seq":"#)?.trim_start_matches(|c: char| c.is_ascii_digit());
    let rest = rest.strip_prefix(r#","t":"#)?.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let rest = rest.strip_prefix(r#","event":""#)?;
    let end = rest.bytes().position(|byte| !(byte.is_ascii_lowercase() || byte == b'.'))?;
    rest[end..].starts_with('"').then(|| &rest[..end])
}

#[cfg(test)]
mod tests;
