//! What went wrong with a request: the phase for machines, the words for people, and whether
//! another try could do better. Never holds a secret once [`Fault::words`] has been through
//! [`crate::io::http::response::redact`].

use std::error::Error;
use std::io;

use scenario_log::event::FetchFault;

use crate::io::http::conn::stream::Received;
use crate::io::http::conn::tls_error;

/// Why a request failed.
#[derive(Debug)]
pub(crate) struct Fault {
    /// The phase or limit.
    pub(crate) kind: FetchFault,
    /// In words.
    pub(crate) words: String,
    /// Whether another try could do better.
    pub(crate) passing: bool,
}

impl Fault {
    /// A failure that another try would meet again.
    pub(crate) fn lasting(kind: FetchFault, words: impl Into<String>) -> Fault {
        Fault { kind, words: words.into(), passing: false }
    }

    /// A failure that another try may not meet.
    pub(crate) fn passing(kind: FetchFault, words: impl Into<String>) -> Fault {
        Fault { kind, words: words.into(), passing: true }
    }
}

/// What was received before the connection failed, for the words.
#[derive(Clone, Copy)]
pub(crate) enum Stage<'a> {
    /// No whole head yet; the connection's counter, where it counts this answer only (HTTP/1).
    Head(Option<&'a Received>),
    /// So many bytes of the body, of so many where the head said so.
    Body(u64, Option<u64>),
}

impl Stage<'_> {
    /// `after 120 of 1000 bytes of the body`.
    fn words(self) -> String {
        match self {
            Stage::Head(None) => "before the answer's head".to_owned(),
            Stage::Head(Some(received)) => match received.bytes() {
                0 => "before the answer's first byte".to_owned(),
                bytes => format!("after {bytes} bytes, within the answer's head"),
            },
            Stage::Body(got, Some(whole)) => format!("after {got} of {whole} bytes of the body"),
            Stage::Body(got, None) => format!("after {got} bytes of the body, before its end"),
        }
    }
}

/// The failure behind hyper's error.
pub(crate) fn of_hyper(error: &hyper::Error, stage: Stage<'_>) -> Fault {
    let when = stage.words();
    if let Some(h2) = source::<h2::Error>(error) {
        return of_h2(h2, &when);
    }
    // hyper has `is_parse_too_large` for servers only.
    if error.is_parse() && error.to_string().contains("too large") {
        let words = "the answer's head is too large: more than 100 headers or about 400 KiB";
        return Fault::lasting(FetchFault::Protocol, words);
    }
    if error.is_parse() {
        return Fault::lasting(FetchFault::Protocol, not_http(error, stage));
    }
    if error.is_canceled()
        && let Stage::Head(Some(received)) = stage
        && received.bytes() > 0
    {
        let words =
            format!("the server spoke before it was asked, which is not HTTP; {}", beginning(received));
        return Fault::lasting(FetchFault::Protocol, words);
    }
    if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        return Fault::passing(FetchFault::Reset, format!("the server closed the connection {when}"));
    }
    match source::<io::Error>(error) {
        Some(io) => of_io(io, error, &when),
        None => Fault::lasting(FetchFault::Protocol, format!("{}, {when}", chain(error))),
    }
}

/// The failure behind an error of the connection itself. hyper tells broken chunks as such, too.
fn of_io(io: &io::Error, error: &hyper::Error, when: &str) -> Fault {
    use io::ErrorKind as Kind;
    if error.is_user() {
        return Fault::lasting(FetchFault::Protocol, format!("the request's body could not be read: {io}"));
    }
    // With TLS 1.3 a server looks at the client's certificate when the handshake is done for the client.
    if let Some(words) = tls_error::of_client(io) {
        return Fault::lasting(FetchFault::Tls, words);
    }
    match io.kind() {
        Kind::InvalidData | Kind::InvalidInput => {
            Fault::lasting(FetchFault::Protocol, format!("the answer is broken {when}: {io}"))
        }
        Kind::UnexpectedEof => {
            Fault::passing(FetchFault::Reset, format!("the server closed the connection {when} ({io})"))
        }
        _ => Fault::passing(FetchFault::Reset, format!("the connection broke {when}: {io}")),
    }
}

/// The failure behind an error of HTTP/2.
fn of_h2(error: &h2::Error, when: &str) -> Fault {
    if let Some(io) = error.get_io() {
        return Fault::passing(FetchFault::Reset, format!("the connection broke {when}: {io}"));
    }
    match error.reason() {
        Some(reason) if error.is_remote() => Fault::passing(
            FetchFault::Reset,
            format!("the server gave the HTTP/2 stream up {when}: {}", reason.description()),
        ),
        _ => Fault::lasting(
            FetchFault::Protocol,
            format!("the answer is no HTTP/2 that holds, {when}: {error}"),
        ),
    }
}

/// Whether the server says that it did not look at the request, so that it may be sent again.
pub(crate) fn unprocessed(error: &hyper::Error) -> bool {
    source::<h2::Error>(error).is_some_and(|h2| {
        h2.is_remote()
            && (h2.reason() == Some(h2::Reason::REFUSED_STREAM)
                || (h2.is_go_away() && h2.reason() == Some(h2::Reason::NO_ERROR)))
    })
}

/// The words for an answer that does not parse: what is wrong, and how it begins.
fn not_http(error: &hyper::Error, stage: Stage<'_>) -> String {
    let Stage::Head(Some(received)) = stage else {
        return format!("the answer is broken {}: {error}", stage.words());
    };
    match received.first().as_slice() {
        // A TLS alert or handshake record of any version.
        [0x15 | 0x16, 3, ..] => {
            "the answer is not HTTP but TLS: the URL of this port begins with https://".to_owned()
        }
        _ => format!("the answer is not HTTP ({error}); {}", beginning(received)),
    }
}

/// How an answer begins.
fn beginning(received: &Received) -> String {
    format!("it begins with \"{}\"", received.first().escape_ascii())
}

/// The first error of this type behind `error`.
fn source<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
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
fn chain(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        words = format!("{words}: {error}");
        next = error.source();
    }
    words
}
