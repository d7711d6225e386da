//! Why a line of a log is not an event.

use std::error::Error;
use std::fmt;

/// Why a line cannot be decoded into an event. The text follows the words "line 7", as in "has no
/// `due`".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError(String);

impl DecodeError {
    pub(crate) fn new(what: impl Into<String>) -> DecodeError {
        DecodeError(what.into())
    }

    /// A key has a value that the format does not have.
    pub(crate) fn unknown_value(key: &str, value: &str) -> DecodeError {
        DecodeError(format!("has the `{key}` `{value}`, which the format does not know"))
    }

    /// A key is missing.
    pub(crate) fn missing(key: &str) -> DecodeError {
        DecodeError(format!("has no `{key}`"))
    }

    /// The line is not JSON, or a key's value has a JSON type other than the format's.
    pub(crate) fn json(error: &serde_json::Error) -> DecodeError {
        // serde_json counts lines within the line.
        DecodeError(format!(
            "is not readable: {}",
            error.to_string().replace(" at line 1 column ", " at column ")
        ))
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for DecodeError {}

impl From<DecodeError> for String {
    fn from(error: DecodeError) -> String {
        error.0
    }
}
