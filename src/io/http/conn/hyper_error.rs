//! Turns hyper's errors into failures of a request: what happened, and after how many bytes.

use std::error::Error;
use std::io;

use scenario_log::event::FetchErrorKind;

use super::tls_error;
use crate::io::http::error::FetchError;
use crate::io::http::receive_counter::ReceiveCounter;

/// How much of an answer had arrived when the connection failed, for the message.
#[derive(Clone, Copy)]
pub(crate) enum ReceiveStage<'a> {
    /// The head was not complete. With HTTP/1, the connection's counter counts this answer only.
    Head(Option<&'a ReceiveCounter>),
    /// How many bytes of the body arrived, and its length if the head states one.
    Body(u64, Option<u64>),
}

impl ReceiveStage<'_> {
    /// For example `after 120 of 1000 bytes of the body`.
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

/// The failure that an error of hyper means.
pub(crate) fn from_hyper(error: &hyper::Error, stage: ReceiveStage<'_>) -> FetchError {
    let when = stage.describe();
    if let Some(h2) = find_source::<h2::Error>(error) {
        return from_h2(h2, &when);
    }
    // hyper has `is_parse_too_large` for servers only.
    if error.is_parse() && error.to_string().contains("too large") {
        let message = "the answer's head is too large: more than 100 headers or about 400 KiB";
        return FetchError::permanent(FetchErrorKind::Protocol, message);
    }
    if error.is_parse() {
        return not_http_error(error, stage);
    }
    if error.is_canceled()
        && let ReceiveStage::Head(Some(received)) = stage
        && received.bytes() > 0
    {
        let message = "the server sent bytes before the request, which is not HTTP";
        return FetchError::permanent(FetchErrorKind::Protocol, message)
            .with_first_bytes(received.first_bytes());
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

/// The failure that an error of the connection means. hyper reports broken chunks this way, too.
fn from_io(io: &io::Error, error: &hyper::Error, when: &str) -> FetchError {
    use io::ErrorKind as Kind;
    if error.is_user() {
        return FetchError::permanent(
            FetchErrorKind::Protocol,
            format!("the request's body could not be read: {io}"),
        );
    }
    // With TLS 1.3 the server checks the client's certificate after the client's handshake is done.
    if let Some(message) = tls_error::client_cert_message(io) {
        return FetchError::permanent(FetchErrorKind::Tls, message);
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

/// The failure that an error of HTTP/2 means.
fn from_h2(error: &h2::Error, when: &str) -> FetchError {
    if let Some(io) = error.get_io() {
        return FetchError::transient(FetchErrorKind::Reset, format!("the connection broke {when}: {io}"));
    }
    match error.reason() {
        Some(reason) if error.is_remote() => FetchError::transient(
            FetchErrorKind::Reset,
            format!("the server gave up the HTTP/2 stream {when}: {}", reason.description()),
        ),
        _ => FetchError::permanent(
            FetchErrorKind::Protocol,
            format!("the answer is not valid HTTP/2, {when}: {error}"),
        ),
    }
}

/// Whether the server states that it did not process the request, so that it may be sent again.
pub(super) fn is_unprocessed(error: &hyper::Error) -> bool {
    find_source::<h2::Error>(error).is_some_and(|h2| {
        h2.is_remote()
            && (h2.reason() == Some(h2::Reason::REFUSED_STREAM)
                || (h2.is_go_away() && h2.reason() == Some(h2::Reason::NO_ERROR)))
    })
}

/// The failure of an answer that is not valid HTTP: the error, and the answer's first bytes.
fn not_http_error(error: &hyper::Error, stage: ReceiveStage<'_>) -> FetchError {
    let permanent = |message: String| FetchError::permanent(FetchErrorKind::Protocol, message);
    let ReceiveStage::Head(Some(received)) = stage else {
        return permanent(format!("the answer is broken {}: {error}", stage.describe()));
    };
    match received.first_bytes().as_slice() {
        // A TLS alert or handshake record of any version.
        [0x15 | 0x16, 3, ..] => permanent(
            "the answer is not HTTP but TLS: the URL of this port must begin with https://".to_owned(),
        ),
        _ => permanent(format!("the answer is not HTTP ({error})")).with_first_bytes(received.first_bytes()),
    }
}

/// The first error of this type among the sources of `error`.
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

/// An error and all its sources.
fn error_chain(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        message = format!("{message}: {error}");
        next = error.source();
    }
    message
}
