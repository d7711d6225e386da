//! Why a request failed: a kind for programs, a message for people, and whether another attempt may
//! succeed. A message may contain secrets until `response::redact` has masked it.

use std::error::Error;
use std::fmt;

use scenario_log::event::FetchErrorKind;

/// Why a request failed.
#[derive(Debug)]
pub(super) struct FetchError {
    /// The phase or the limit.
    pub(super) kind: FetchErrorKind,
    pub(super) message: String,
    /// Whether another attempt may succeed.
    pub(super) is_transient: bool,
    /// The first bytes of what the server sent instead, for the end of the message. They are not redacted
    /// yet, and may end within a secret.
    pub(super) first_bytes: Option<Vec<u8>>,
}

impl FetchError {
    /// A failure that another attempt would meet again.
    pub(super) fn permanent(kind: FetchErrorKind, message: impl Into<String>) -> FetchError {
        FetchError { kind, message: message.into(), is_transient: false, first_bytes: None }
    }

    /// The same failure, whose message ends with the first bytes of what came.
    pub(super) fn with_first_bytes(self, bytes: Vec<u8>) -> FetchError {
        FetchError { first_bytes: Some(bytes), ..self }
    }

    /// A failure that another attempt may not meet.
    pub(super) fn transient(kind: FetchErrorKind, message: impl Into<String>) -> FetchError {
        FetchError { kind, message: message.into(), is_transient: true, first_bytes: None }
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for FetchError {}
