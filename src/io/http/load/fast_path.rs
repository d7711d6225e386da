//! A connection of a load to a server of HTTP/1.1, with nothing between: the request is bytes
//! that were made once, and the answer is looked at where it lies.
//!
//! It knows only the commonest answers: a head that comes at once and says how long the body is, and
//! a body that is not long. All others, and whatever goes wrong, are hyper's, which is given the
//! connection as if nothing had been read ([`Bare::resigned`]); so what is refused, and in which words,
//! is decided in one place.

use std::cell::RefCell;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Instant;

use hyper::http::request::Parts;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead as _, AsyncWriteExt as _, ReadBuf};

use crate::io::http::conn::connection::{Link, One};
use crate::io::http::conn::stream::{Stream, Wire};
use crate::io::http::error::Fault;
use crate::io::http::timing::{Phase, Progress};

/// The longest answer that is read here.
const LONGEST: usize = 256 << 10;

/// The most headers of an answer that is read here.
const MOST_HEADERS: usize = 64;

/// What all connections of a load share.
#[derive(Debug)]
pub(crate) struct Scratch {
    /// What is read into, for one read after the other.
    read: RefCell<Box<[u8]>>,
    digests: RefCell<Digests>,
}

impl Default for Scratch {
    fn default() -> Scratch {
        let read = RefCell::new(vec![0; 64 << 10].into_boxed_slice());
        Scratch { read, digests: RefCell::default() }
    }
}

/// The last body and its SHA-256: most answers of a load have the same one, and to compare is cheaper
/// than to digest.
#[derive(Debug, Default)]
struct Digests(Option<(Vec<u8>, [u8; 32])>);

impl Digests {
    /// The SHA-256 of a body.
    fn of(&mut self, body: &[u8]) -> [u8; 32] {
        match &mut self.0 {
            Some((last, digest)) if last == body => *digest,
            last => {
                let digest = Sha256::digest(body).into();
                *last = Some((body.to_vec(), digest));
                digest
            }
        }
    }
}

/// A connection that speaks HTTP/1.1 by hand.
#[derive(Debug)]
pub(crate) struct Bare {
    stream: Stream,
    peer: Rc<str>,
    /// What came of the answer, where it did not come at once.
    begun: Vec<u8>,
}

/// An answer that was understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Whole {
    pub(crate) status: u16,
    pub(crate) bytes: u64,
    pub(crate) sha256: [u8; 32],
    /// The connection can be used again.
    pub(crate) keeps: bool,
}

/// What came of a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Its answer, and when it was there.
    Whole(Whole, Instant),
    /// Something for hyper: most likely all answers are, if it `is_answer`.
    Other { is_answer: bool },
}

/// What the bytes so far are.
#[derive(Debug, PartialEq, Eq)]
enum Look {
    Whole(Whole),
    /// So much of the body, of so much.
    Begun(u64, u64),
    Other,
}

impl Bare {
    /// Speaks on a new connection.
    pub(crate) fn new(stream: Stream, peer: Rc<str>) -> Bare {
        Bare { stream, peer, begun: Vec::new() }
    }

    /// Whether it can take a request, as far as is known without asking: nothing has come, and no end.
    pub(crate) fn is_open(&mut self) -> bool {
        let mut byte = [0];
        let mut nobody = Context::from_waker(Waker::noop());
        Pin::new(&mut self.stream).poll_read(&mut nobody, &mut ReadBuf::new(&mut byte)).is_pending()
    }

    /// Sends a request, which is now, and hears the answer, of at most `most` bytes of body; `scratch` is
    /// to read into.
    pub(crate) async fn ask(
        &mut self,
        (request, sent): (&[u8], Instant),
        most: u64,
        scratch: &Scratch,
        progress: &Progress,
    ) -> Heard {
        progress.enter(Phase::Head(Rc::clone(&self.peer), None));
        self.begun.clear();
        let mut written = self.stream.write_all(request).await;
        if written.is_ok() {
            // Of TLS some may still wait.
            written = self.stream.flush().await;
        }
        if written.is_err() {
            // What the server has said before it went away may say why.
            return Heard::Other { is_answer: false };
        }
        let mut head = None;
        loop {
            let look = std::future::poll_fn(|context| self.poll_look(context, most, scratch)).await;
            let now = Instant::now();
            head.get_or_insert(now);
            match look {
                Ok(Look::Whole(whole)) => {
                    let head = head.unwrap_or(now);
                    progress.took(|timings| &mut timings.first_byte, head - sent);
                    progress.took(|timings| &mut timings.body, now - head);
                    return Heard::Whole(whole, now);
                }
                Ok(Look::Begun(bytes, whole)) => progress.enter(Phase::Body(bytes, Some(whole))),
                Ok(Look::Other) => return Heard::Other { is_answer: self.begun.starts_with(b"HTTP/1.") },
                Err(_) => return Heard::Other { is_answer: false },
            }
        }
    }

    /// Reads once, and looks at all that came.
    fn poll_look(
        &mut self,
        context: &mut Context<'_>,
        most: u64,
        scratch: &Scratch,
    ) -> Poll<io::Result<Look>> {
        let (mut buffer, mut digests) = (scratch.read.borrow_mut(), scratch.digests.borrow_mut());
        let mut read = ReadBuf::new(&mut buffer);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut read))?;
        let read = read.filled();
        let look = match (read.is_empty(), self.begun.is_empty()) {
            (true, _) => Look::Other,
            (false, true) => look(read, most, &mut digests),
            (false, false) => {
                self.begun.extend_from_slice(read);
                return Poll::Ready(Ok(look(&self.begun, most, &mut digests)));
            }
        };
        if !matches!(look, Look::Whole(_)) {
            self.begun.extend_from_slice(read);
        }
        Poll::Ready(Ok(look))
    }

    /// The same connection for hyper, to which the request that was sent is to be sent once more: it is
    /// not written again, and what came is read again. Good for this one answer.
    pub(crate) async fn resigned(self) -> Result<Link, Fault> {
        let wire = Wire::replaying(self.stream, self.begun);
        Ok(Link::One(One::new(wire, self.peer).await?.for_one_answer()))
    }
}

/// The bytes of a request, as hyper would write it.
pub(crate) fn request(parts: &Parts, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{} {} HTTP/1.1\r\n", parts.method, parts.uri).into_bytes();
    for (name, value) in &parts.headers {
        let mut begins = true;
        bytes.extend(name.as_str().bytes().map(|byte| {
            let letter = if begins { byte.to_ascii_uppercase() } else { byte };
            begins = byte == b'-';
            letter
        }));
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}

/// What these bytes are, from the first of an answer on. (RFC 9112, section 6, where its body ends.)
fn look(bytes: &[u8], most: u64, digests: &mut Digests) -> Look {
    let mut headers = [const { MaybeUninit::uninit() }; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut []);
    let parsed = httparse::ParserConfig::default().parse_response_with_uninit_headers(
        &mut response,
        bytes,
        &mut headers,
    );
    let Ok(httparse::Status::Complete(head)) = parsed else { return Look::Other };
    let (Some(1), Some(status @ 200..=599)) = (response.version, response.code) else { return Look::Other };
    let (mut length, mut keeps) = (None, true);
    for header in &*response.headers {
        match header.name.len() {
            14 if header.name.eq_ignore_ascii_case("content-length") => {
                let Some(bytes) = digits(header.value).filter(|_| length.is_none()) else {
                    return Look::Other;
                };
                length = Some(bytes);
            }
            17 if header.name.eq_ignore_ascii_case("transfer-encoding") => return Look::Other,
            // One that sends the request on.
            8 if (300..400).contains(&status) && header.name.eq_ignore_ascii_case("location") => {
                return Look::Other;
            }
            10 if header.name.eq_ignore_ascii_case("connection") => {
                keeps &= header.value.eq_ignore_ascii_case(b"keep-alive");
            }
            _ => {}
        }
    }
    let length = if matches!(status, 204 | 304) { Some(0) } else { length };
    let Some(length) = length.filter(|length| *length <= most.min(LONGEST as u64)) else {
        return Look::Other;
    };
    let body = &bytes[head..];
    match usize::try_from(length).ok().and_then(|length| body.split_at_checked(length)) {
        Some((body, rest)) => {
            let keeps = keeps && rest.is_empty();
            Look::Whole(Whole { status, bytes: length, sha256: digests.of(body), keeps })
        }
        None => Look::Begun(body.len() as u64, length),
    }
}

/// A length of nothing but digits.
fn digits(value: &[u8]) -> Option<u64> {
    let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(value).ok().filter(|_| is_number)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(status: u16, body: &str, keeps: bool) -> Look {
        let sha256 = Sha256::digest(body).into();
        Look::Whole(Whole { status, bytes: body.len() as u64, sha256, keeps })
    }

    #[test]
    fn the_commonest_answers_are_understood_and_no_others() {
        let at = |head: &str, body: &str| {
            look(format!("{head}\r\n\r\n{body}").as_bytes(), 100, &mut Digests::default())
        };
        assert_eq!(at("HTTP/1.1 200 OK\r\nContent-Length: 2", "ok"), whole(200, "ok", true));
        assert_eq!(at("HTTP/1.1 404 No\r\ncontent-length: 0", ""), whole(404, "", true));
        assert_eq!(at("HTTP/1.1 204 No Content", ""), whole(204, "", true));
        assert_eq!(at("HTTP/1.1 304 Not Modified\r\nContent-Length: 9", ""), whole(304, "", true));
        let closes = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2";
        assert_eq!(at(closes, "ok"), whole(200, "ok", false));
        assert_eq!(at("HTTP/1.1 200 OK\r\nContent-Length: 2", "ok and more"), whole(200, "ok", false));
        assert_eq!(at("HTTP/1.1 200 OK\r\nContent-Length: 9", "begun"), Look::Begun(5, 9));
        for other in [
            "HTTP/1.0 200 OK\r\nContent-Length: 2",
            "HTTP/1.1 200 OK",
            "HTTP/1.1 100 Continue\r\nContent-Length: 0",
            "HTTP/1.1 999 What\r\nContent-Length: 2",
            "HTTP/1.1 200 OK\r\nContent-Length: +2",
            "HTTP/1.1 200 OK\r\nContent-Length: 2, 2",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked",
            "HTTP/1.1 200 OK\r\nContent-Length: 101",
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999",
            "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 2",
            "what?",
        ] {
            assert_eq!(at(other, "ok"), Look::Other, "{other}");
        }
        assert_eq!(look(b"HTTP/1.1 200 OK\r\nContent-Le", 100, &mut Digests::default()), Look::Other);
    }

    #[test]
    fn a_digest_is_the_body_s_own() {
        let mut digests = Digests::default();
        for body in ["one", "one", "two", "", "", "one", "onE"] {
            assert_eq!(digests.of(body.as_bytes()), <[u8; 32]>::from(Sha256::digest(body)), "{body}");
        }
    }

    #[test]
    fn a_request_is_written_as_it_is() {
        let parts = hyper::Request::post("/a?b")
            .header("host", "h:1")
            .header("x-own-name", "v")
            .header("content-length", "2")
            .body(())
            .unwrap()
            .into_parts()
            .0;
        let wanted = "POST /a?b HTTP/1.1\r\nHost: h:1\r\nX-Own-Name: v\r\nContent-Length: 2\r\n\r\nhi";
        assert_eq!(String::from_utf8(request(&parts, b"hi")).unwrap(), wanted);
    }
}
