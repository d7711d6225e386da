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

use crate::io::http::conn::connection::{Http1Conn, HttpConn};
use crate::io::http::conn::stream::{ConnStream, CountedStream};
use crate::io::http::error::FetchError;
use crate::io::http::timing::{AttemptPhase, AttemptProgress};

/// The longest answer that is read here.
const MAX_BODY_LEN: usize = 256 << 10;

/// The most headers of an answer that is read here.
const MAX_HEADERS: usize = 64;

/// What all connections of a load share.
#[derive(Debug)]
pub(crate) struct LoadScratch {
    /// What is read into, for one read after the other.
    read_buffer: RefCell<Box<[u8]>>,
    digest_cache: RefCell<DigestCache>,
}

impl Default for LoadScratch {
    fn default() -> LoadScratch {
        let read = RefCell::new(vec![0; 64 << 10].into_boxed_slice());
        LoadScratch { read_buffer: read, digest_cache: RefCell::default() }
    }
}

/// The last body and its SHA-256: most answers of a load have the same one, and to compare is cheaper
/// than to digest.
#[derive(Debug, Default)]
struct DigestCache(Option<(Vec<u8>, [u8; 32])>);

impl DigestCache {
    /// The SHA-256 of a body.
    fn sha256(&mut self, body: &[u8]) -> [u8; 32] {
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
pub(crate) struct FastPathConn {
    stream: ConnStream,
    peer: Rc<str>,
    /// What came of the answer, where it did not come at once.
    partial: Vec<u8>,
}

/// An answer that was understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FastPathResponse {
    pub(crate) status: u16,
    pub(crate) bytes: u64,
    pub(crate) sha256: [u8; 32],
    /// The connection can be used again.
    pub(crate) keep_alive: bool,
}

/// What came of a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FastPathOutcome {
    /// Its answer, and when it was there.
    Complete(FastPathResponse, Instant),
    /// Something for hyper: most likely all answers are, if it `is_answer`.
    NeedsHyper { is_answer: bool },
}

/// What the bytes so far are.
#[derive(Debug, PartialEq, Eq)]
enum FastPathParse {
    Complete(FastPathResponse),
    /// So much of the body, of so much.
    Partial(u64, u64),
    NeedsHyper,
}

impl FastPathConn {
    /// Speaks on a new connection.
    pub(crate) fn new(stream: ConnStream, peer: Rc<str>) -> FastPathConn {
        FastPathConn { stream, peer, partial: Vec::new() }
    }

    /// Whether it can take a request, as far as is known without asking: nothing has come, and no end.
    pub(crate) fn is_open(&mut self) -> bool {
        let mut byte = [0];
        let mut nobody = Context::from_waker(Waker::noop());
        Pin::new(&mut self.stream).poll_read(&mut nobody, &mut ReadBuf::new(&mut byte)).is_pending()
    }

    /// Sends a request, which is now, and hears the answer, of at most `most` bytes of body; `scratch` is
    /// to read into.
    pub(crate) async fn exchange(
        &mut self,
        (request, sent): (&[u8], Instant),
        most: u64,
        scratch: &LoadScratch,
        progress: &AttemptProgress,
    ) -> FastPathOutcome {
        progress.enter(AttemptPhase::Head(Rc::clone(&self.peer), None));
        self.partial.clear();
        let mut written = self.stream.write_all(request).await;
        if written.is_ok() {
            // Of TLS some may still wait.
            written = self.stream.flush().await;
        }
        if written.is_err() {
            // What the server has said before it went away may say why.
            return FastPathOutcome::NeedsHyper { is_answer: false };
        }
        let mut head = None;
        loop {
            let look = std::future::poll_fn(|context| self.poll_response(context, most, scratch)).await;
            let now = Instant::now();
            head.get_or_insert(now);
            match look {
                Ok(FastPathParse::Complete(whole)) => {
                    let head = head.unwrap_or(now);
                    progress.add_time(|timings| &mut timings.first_byte, head - sent);
                    progress.add_time(|timings| &mut timings.body, now - head);
                    return FastPathOutcome::Complete(whole, now);
                }
                Ok(FastPathParse::Partial(bytes, whole)) => {
                    progress.enter(AttemptPhase::Body(bytes, Some(whole)))
                }
                Ok(FastPathParse::NeedsHyper) => {
                    return FastPathOutcome::NeedsHyper { is_answer: self.partial.starts_with(b"HTTP/1.") };
                }
                Err(_) => return FastPathOutcome::NeedsHyper { is_answer: false },
            }
        }
    }

    /// Reads once, and looks at all that came.
    fn poll_response(
        &mut self,
        context: &mut Context<'_>,
        most: u64,
        scratch: &LoadScratch,
    ) -> Poll<io::Result<FastPathParse>> {
        let (mut buffer, mut digests) = (scratch.read_buffer.borrow_mut(), scratch.digest_cache.borrow_mut());
        let mut read = ReadBuf::new(&mut buffer);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut read))?;
        let read = read.filled();
        let look = match (read.is_empty(), self.partial.is_empty()) {
            (true, _) => FastPathParse::NeedsHyper,
            (false, true) => parse_response(read, most, &mut digests),
            (false, false) => {
                self.partial.extend_from_slice(read);
                return Poll::Ready(Ok(parse_response(&self.partial, most, &mut digests)));
            }
        };
        if !matches!(look, FastPathParse::Complete(_)) {
            self.partial.extend_from_slice(read);
        }
        Poll::Ready(Ok(look))
    }

    /// The same connection for hyper, to which the request that was sent is to be sent once more: it is
    /// not written again, and what came is read again. Good for this one answer.
    pub(crate) async fn into_hyper(self) -> Result<HttpConn, FetchError> {
        let wire = CountedStream::with_replay(self.stream, self.partial);
        Ok(HttpConn::Http1(Http1Conn::new(wire, self.peer).await?.single_use()))
    }
}

/// The bytes of a request, as hyper would write it.
pub(crate) fn encode_request(parts: &Parts, body: &[u8]) -> Vec<u8> {
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
fn parse_response(bytes: &[u8], most: u64, digests: &mut DigestCache) -> FastPathParse {
    let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut []);
    let parsed = httparse::ParserConfig::default().parse_response_with_uninit_headers(
        &mut response,
        bytes,
        &mut headers,
    );
    let Ok(httparse::Status::Complete(head)) = parsed else { return FastPathParse::NeedsHyper };
    let (Some(1), Some(status @ 200..=599)) = (response.version, response.code) else {
        return FastPathParse::NeedsHyper;
    };
    let (mut length, mut keeps) = (None, true);
    for header in &*response.headers {
        match header.name.len() {
            14 if header.name.eq_ignore_ascii_case("content-length") => {
                let Some(bytes) = parse_length(header.value).filter(|_| length.is_none()) else {
                    return FastPathParse::NeedsHyper;
                };
                length = Some(bytes);
            }
            17 if header.name.eq_ignore_ascii_case("transfer-encoding") => return FastPathParse::NeedsHyper,
            // One that sends the request on.
            8 if (300..400).contains(&status) && header.name.eq_ignore_ascii_case("location") => {
                return FastPathParse::NeedsHyper;
            }
            10 if header.name.eq_ignore_ascii_case("connection") => {
                keeps &= header.value.eq_ignore_ascii_case(b"keep-alive");
            }
            _ => {}
        }
    }
    let length = if matches!(status, 204 | 304) { Some(0) } else { length };
    let Some(length) = length.filter(|length| *length <= most.min(MAX_BODY_LEN as u64)) else {
        return FastPathParse::NeedsHyper;
    };
    let body = &bytes[head..];
    match usize::try_from(length).ok().and_then(|length| body.split_at_checked(length)) {
        Some((body, rest)) => {
            let keeps = keeps && rest.is_empty();
            FastPathParse::Complete(FastPathResponse {
                status,
                bytes: length,
                sha256: digests.sha256(body),
                keep_alive: keeps,
            })
        }
        None => FastPathParse::Partial(body.len() as u64, length),
    }
}

/// A length of nothing but digits.
fn parse_length(value: &[u8]) -> Option<u64> {
    let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(value).ok().filter(|_| is_number)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(status: u16, body: &str, keeps: bool) -> FastPathParse {
        let sha256 = Sha256::digest(body).into();
        FastPathParse::Complete(FastPathResponse {
            status,
            bytes: body.len() as u64,
            sha256,
            keep_alive: keeps,
        })
    }

    #[test]
    fn the_commonest_answers_are_understood_and_no_others() {
        let at = |head: &str, body: &str| {
            parse_response(format!("{head}\r\n\r\n{body}").as_bytes(), 100, &mut DigestCache::default())
        };
        assert_eq!(at("HTTP/1.1 200 OK\r\nContent-Length: 2", "ok"), whole(200, "ok", true));
        assert_eq!(at("HTTP/1.1 404 No\r\ncontent-length: 0", ""), whole(404, "", true));
        assert_eq!(at("HTTP/1.1 204 No Content", ""), whole(204, "", true));
        assert_eq!(at("HTTP/1.1 304 Not Modified\r\nContent-Length: 9", ""), whole(304, "", true));
        let closes = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2";
        assert_eq!(at(closes, "ok"), whole(200, "ok", false));
        assert_eq!(at("HTTP/1.1 200 OK\r\nContent-Length: 2", "ok and more"), whole(200, "ok", false));
        assert_eq!(at("HTTP/1.1 200 OK\r\nContent-Length: 9", "begun"), FastPathParse::Partial(5, 9));
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
            assert_eq!(at(other, "ok"), FastPathParse::NeedsHyper, "{other}");
        }
        assert_eq!(
            parse_response(b"HTTP/1.1 200 OK\r\nContent-Le", 100, &mut DigestCache::default()),
            FastPathParse::NeedsHyper
        );
    }

    #[test]
    fn a_digest_is_the_body_s_own() {
        let mut digests = DigestCache::default();
        for body in ["one", "one", "two", "", "", "one", "onE"] {
            assert_eq!(digests.sha256(body.as_bytes()), <[u8; 32]>::from(Sha256::digest(body)), "{body}");
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
        assert_eq!(String::from_utf8(encode_request(&parts, b"hi")).unwrap(), wanted);
    }
}
