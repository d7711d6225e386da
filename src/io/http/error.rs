//! What went wrong with a request: the phase for machines, the words for people, and whether
//! another try could do better. Never holds a secret once [`Fault::words`] has been through
//! [`crate::io::http::response::redact`].

use std::error::Error;
use std::io;

use scenario_log::event::FetchErrorKind;

use crate::io::http::conn::stream::ReceiveCounter;
use crate::io::http::conn::tls_error;

/// Why a request failed.
#[derive(Debug)]
pub(crate) struct FetchError {
    /// The phase or limit.
    pub(crate) kind: FetchErrorKind,
    /// In words.
    pub(crate) message: String,
    /// Whether another try could do better.
    pub(crate) is_transient: bool,
}

impl FetchError {
    /// A failure that another try would meet again.
    pub(crate) fn permanent(kind: FetchErrorKind, words: impl Into<String>) -> FetchError {
        FetchError { kind, message: words.into(), is_transient: false }
    }

    /// A failure that another try may not meet.
    pub(crate) fn transient(kind: FetchErrorKind, words: impl Into<String>) -> FetchError {
        FetchError { kind, message: words.into(), is_transient: true }
    }
}

/// What was received before the connection failed, for the words.
#[derive(Clone, Copy)]
pub(crate) enum ReceiveStage<'a> {
    /// No whole head yet; the connection's counter, where it counts this answer only (HTTP/1).
    Head(Option<&'a ReceiveCounter>),
    /// So many bytes of the body, of so many where the head said so.
    Body(u64, Option<u64>),
}

impl ReceiveStage<'_> {
    /// `after 120 of 1000 bytes of the body`.
    fn describe(self) -> String {
        match self {
            ReceiveStage::Head(None) => "before the answer's head".to_owned(),
            ReceiveStage::Head(Some(received)) => match received.bytes() {
                0 => "before the answer's first byte".to_owned(),
                bytes => format!("after {bytes} bytes, within the answer's head"),
            },
            ReceiveStage::Body(got, Some(whole)) => format!("after {got} of {whole} bytes of the body"),
            ReceiveStage::Body(got, None) => format!("after {got} bytes of the body, before its end"),
        }
    }
}

/// The failure behind hyper's error.
pub(crate) fn from_hyper(error: &hyper::Error, stage: ReceiveStage<'_>) -> FetchError {
    let when = stage.describe();
    if let Some(h2) = find_source::<h2::Error>(error) {
        return from_h2(h2, &when);
    }
    // hyper has `is_parse_too_large` for servers only.
    if error.is_parse() && error.to_string().contains("too large") {
        let words = "the answer's head is too large: more than 100 headers or about 400 KiB";
        return FetchError::permanent(FetchErrorKind::Protocol, words);
    }
    if error.is_parse() {
        return FetchError::permanent(FetchErrorKind::Protocol, not_http_message(error, stage));
    }
    if error.is_canceled()
        && let ReceiveStage::Head(Some(received)) = stage
        && received.bytes() > 0
    {
        let words = format!(
            "the server spoke before it was asked, which is not HTTP; {}",
            first_bytes_message(received)
        );
        return FetchError::permanent(FetchErrorKind::Protocol, words);
    }
    if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        return FetchError::transient(
            FetchErrorKind::Reset,
            format!("the server closed the connection {when}"),
        );
    }
    match find_source::<io::Error>(error) {
        Some(io) => from_io(io, error, &when),
        None => FetchError::permanent(FetchErrorKind::Protocol, format!("{}, {when}", error_chain(error))),
    }
}

/// The failure behind an error of the connection itself. hyper tells broken chunks as such, too.
fn from_io(io: &io::Error, error: &hyper::Error, when: &str) -> FetchError {
    use io::ErrorKind as Kind;
    if error.is_user() {
        return FetchError::permanent(
            FetchErrorKind::Protocol,
            format!("the request's body could not be read: {io}"),
        );
    }
    // With TLS 1.3 a server looks at the client's certificate when the handshake is done for the client.
    if let Some(words) = tls_error::client_cert_message(io) {
        return FetchError::permanent(FetchErrorKind::Tls, words);
    }
    match io.kind() {
        Kind::InvalidData | Kind::InvalidInput => {
            FetchError::permanent(FetchErrorKind::Protocol, format!("the answer is broken {when}: {io}"))
        }
        Kind::UnexpectedEof => FetchError::transient(
            FetchErrorKind::Reset,
            format!("the server closed the connection {when} ({io})"),
        ),
        _ => FetchError::transient(FetchErrorKind::Reset, format!("the connection broke {when}: {io}")),
    }
}

/// The failure behind an error of HTTP/2.
fn from_h2(error: &h2::Error, when: &str) -> FetchError {
    if let Some(io) = error.get_io() {
        return FetchError::transient(FetchErrorKind::Reset, format!("the connection broke {when}: {io}"));
    }
    match error.reason() {
        Some(reason) if error.is_remote() => FetchError::transient(
            FetchErrorKind::Reset,
            format!("the server gave the HTTP/2 stream up {when}: {}", reason.description()),
        ),
        _ => FetchError::permanent(
            FetchErrorKind::Protocol,
            format!("the answer is no HTTP/2 that holds, {when}: {error}"),
        ),
    }
}

/// Whether the server says that it did not look at the request, so that it may be sent again.
pub(crate) fn is_unprocessed(error: &hyper::Error) -> bool {
    find_source::<h2::Error>(error).is_some_and(|h2| {
        h2.is_remote()
            && (h2.reason() == Some(h2::Reason::REFUSED_STREAM)
                || (h2.is_go_away() && h2.reason() == Some(h2::Reason::NO_ERROR)))
    })
}

/// The words for an answer that does not parse: what is wrong, and how it begins.
fn not_http_message(error: &hyper::Error, stage: ReceiveStage<'_>) -> String {
    let ReceiveStage::Head(Some(received)) = stage else {
        return format!("the answer is broken {}: {error}", stage.describe());
    };
    match received.first_bytes().as_slice() {
        // A TLS alert or handshake record of any version.
        [0x15 | 0x16, 3, ..] => {
            "the answer is not HTTP but TLS: the URL of this port begins with https://".to_owned()
        }
        _ => format!("the answer is not HTTP ({error}); {}", first_bytes_message(received)),
    }
}

/// How an answer begins.
fn first_bytes_message(received: &ReceiveCounter) -> String {
    format!("it begins with \"{}\"", received.first_bytes().escape_ascii())
}

/// The first error of this type behind `error`.
fn find_source<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = error.source();
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// An error and all behind it.
fn error_chain(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        words = format!("{words}: {error}");
        next = error.source();
    }
    words
}
