//! Turns hyper's errors into failures of a request: what happened, and after how many bytes.

use std::error::Error;
use std::io;

use scenario_log::event::FetchErrorKind;

use super::stream::UncleanCloseError;
use super::{h2_words, tls_error};
use crate::io::http::error::FetchError;
use crate::io::http::receive_counter::ReceiveCounter;
use crate::io::http::resend::UnansweredReason;

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
        let message = "the answer's head is too large: more than 5000 headers or about 400 KiB";
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
        Some(io) => from_io(io, error, stage),
        None => FetchError::permanent(FetchErrorKind::Protocol, format!("{}, {when}", error_chain(error))),
    }
}

/// The failure that an error of the connection means. hyper reports broken chunks this way, too.
fn from_io(io: &io::Error, error: &hyper::Error, stage: ReceiveStage<'_>) -> FetchError {
    let when = stage.describe();
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
        Kind::UnexpectedEof if is_unclean_close(io) => {
            let cure = match stage {
                ReceiveStage::Body(_, None) => {
                    ": the answer may have been cut; `allow_unclean_close = true` takes it as it is"
                }
                ReceiveStage::Head(_) | ReceiveStage::Body(_, Some(_)) => "",
            };
            FetchError::transient(
                FetchErrorKind::Reset,
                format!("the server closed the connection {when}, {UncleanCloseError}{cure}"),
            )
        }
        _ if is_close(io) => {
            FetchError::transient(FetchErrorKind::Reset, format!("the server closed the connection {when}"))
        }
        _ => FetchError::transient(FetchErrorKind::Reset, format!("the connection broke {when}: {io}")),
    }
}

/// Whether the server closed a connection of TLS without a goodbye. h2 keeps only the words of an error.
fn is_unclean_close(io: &io::Error) -> bool {
    io.kind() == io::ErrorKind::UnexpectedEof && io.to_string() == UncleanCloseError.to_string()
}

/// Whether an error says only that the server closed the connection, in words of hyper or h2.
fn is_close(io: &io::Error) -> bool {
    matches!(io.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe)
        || io.to_string() == "bytes remaining on stream"
}

/// The failure of a body on a stream of HTTP/2 that the server gave up without an error.
pub(crate) fn given_up_stream(stage: ReceiveStage<'_>) -> FetchError {
    let when = stage.describe();
    let message = format!("the server gave up the HTTP/2 stream {when}: it gave no error (NO_ERROR)");
    FetchError::transient(FetchErrorKind::Reset, message)
}

/// The failure that an error of HTTP/2 means.
fn from_h2(error: &h2::Error, when: &str) -> FetchError {
    let transient = |message| FetchError::transient(FetchErrorKind::Reset, message);
    match error.get_io() {
        Some(io) if is_unclean_close(io) => {
            return transient(format!("the server closed the connection {when}, {io}"));
        }
        Some(io) if is_close(io) => return transient(format!("the server closed the connection {when}")),
        Some(io) => return transient(format!("the connection broke {when}: {io}")),
        None => {}
    }
    match error.reason() {
        Some(reason) if error.is_remote() => transient(h2_words::remote_message(error, reason, when)),
        Some(reason) => FetchError::permanent(
            FetchErrorKind::Protocol,
            format!("the answer is not valid HTTP/2, {when} ({})", h2_words::reason_name(reason)),
        ),
        None => transient(format!("the server closed the HTTP/2 connection {when}")),
    }
}

/// Why there is no byte of an answer; `None` if there is one, or if the answer is broken.
pub(super) fn unanswered_reason(
    error: &hyper::Error,
    received: Option<&ReceiveCounter>,
) -> Option<UnansweredReason> {
    let Some(h2) = find_source::<h2::Error>(error) else {
        let is_empty = received.is_none_or(|received| received.bytes() == 0);
        return (is_empty && !error.is_parse() && !error.is_user()).then_some(UnansweredReason::Closed);
    };
    match h2.reason() {
        Some(h2::Reason::REFUSED_STREAM) if h2.is_remote() => Some(UnansweredReason::Refused),
        Some(h2::Reason::NO_ERROR) if h2.is_remote() && h2.is_go_away() => Some(UnansweredReason::Refused),
        Some(_) if h2.is_remote() && h2.is_go_away() => Some(UnansweredReason::GoneAway),
        Some(_) => None,
        None if h2.is_io() => Some(UnansweredReason::Closed),
        // h2 takes no more requests after the server has said that it goes away.
        None => Some(UnansweredReason::Refused),
    }
}

/// Whether the server refused this request alone, and may take others on the same connection.
pub(super) fn is_stream_refused(error: &hyper::Error) -> bool {
    find_source::<h2::Error>(error)
        .is_some_and(|h2| h2.is_reset() && h2.reason() == Some(h2::Reason::REFUSED_STREAM))
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
        _ => match received.head_error() {
            Some(error) => permanent(format!("the answer is not HTTP: {error}")),
            None => permanent(format!("the answer is not HTTP ({error})"))
                .with_first_bytes(received.first_bytes()),
        },
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
