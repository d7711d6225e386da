//! A connection of a load that speaks HTTP/1.1 without hyper: it writes a prepared request, and parses the
//! answer in the buffer that it was read into.
//!
//! It understands only the most common answers: a head that arrives at once and states the body's length,
//! and a body that is not long. For all other answers and for every error, hyper gets the connection as if
//! nothing had been read ([`FastPathConn::into_hyper`]); so one place decides what is refused, and with
//! which message.

use std::cell::RefCell;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Instant;

use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead as _, AsyncWriteExt as _, ReadBuf};

use super::answer_judge::{AnswerJudge, LastFindings};
use crate::io::http::conn::connection::{Http1Conn, HttpConn};
use crate::io::http::conn::connector::RawConn;
use crate::io::http::conn::stream::CountedStream;
use crate::io::http::error::FetchError;
use crate::io::http::timing::{AttemptPhase, AttemptProgress};

/// The longest body that is read here.
const MAX_BODY_LEN: usize = 256 << 10;

/// The most headers of an answer that is read here.
const MAX_HEADERS: usize = 64;

/// The buffer that reads use, one after the other.
#[derive(Debug)]
pub(crate) struct ReadBuffer(RefCell<Box<[u8]>>);

impl Default for ReadBuffer {
    fn default() -> ReadBuffer {
        ReadBuffer(RefCell::new(vec![0; 64 << 10].into_boxed_slice()))
    }
}

/// The values that all requests of a fetch share.
#[derive(Debug, Default)]
pub(crate) struct LoadScratch {
    read_buffer: Rc<ReadBuffer>,
    digest_cache: RefCell<DigestCache>,
    pub(super) last_findings: RefCell<LastFindings>,
}

impl LoadScratch {
    pub(crate) fn new(read_buffer: Rc<ReadBuffer>) -> LoadScratch {
        LoadScratch { read_buffer, ..LoadScratch::default() }
    }
}

/// The last body and its SHA-256. Most answers of a load have the same body, and comparing is cheaper than
/// hashing.
#[derive(Debug, Default)]
struct DigestCache(Option<(Vec<u8>, [u8; 32])>);

impl DigestCache {
    /// The digest of a body, and whether the body is the last one again.
    fn sha256(&mut self, body: &[u8]) -> ([u8; 32], bool) {
        match &mut self.0 {
            Some((last, digest)) if last == body => (*digest, true),
            Some((last, kept)) => {
                *kept = Sha256::digest(body).into();
                last.clear();
                last.extend_from_slice(body);
                (*kept, false)
            }
            last => {
                let digest = Sha256::digest(body).into();
                *last = Some((body.to_vec(), digest));
                (digest, false)
            }
        }
    }
}

/// A connection that speaks HTTP/1.1 without hyper.
#[derive(Debug)]
pub(crate) struct FastPathConn {
    raw: RawConn,
    /// The answer so far, if it did not arrive in one read.
    partial: Vec<u8>,
}

/// An answer that the fast path understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FastPathResponse {
    pub(crate) status: u16,
    pub(crate) bytes: u64,
    pub(crate) sha256: [u8; 32],
    /// The connection can be used again.
    pub(crate) keep_alive: bool,
}

/// The outcome of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FastPathOutcome {
    /// The answer, and when it was complete.
    Complete(FastPathResponse, Instant),
    /// The server closed the connection before the first byte of an answer.
    Closed,
    /// hyper must read the answer, and most likely all answers of this target.
    OddAnswer,
    /// hyper must say what is wrong: this does not begin like an answer, or the connection broke.
    Broken,
}

/// The result of parsing the bytes so far.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FastPathParse {
    Complete(FastPathResponse),
    /// How many bytes of the body arrived, and its length.
    Partial(u64, u64),
    NeedsHyper,
}

impl FastPathConn {
    pub(crate) fn new(raw: RawConn) -> FastPathConn {
        FastPathConn { raw, partial: Vec::new() }
    }

    /// Whether a request may be sent on it.
    pub(crate) fn is_open(&mut self) -> bool {
        self.raw.is_open()
    }

    /// The connection between two requests.
    pub(crate) fn into_raw(self) -> RawConn {
        self.raw
    }

    /// Sends a request, at the time `sent`, and receives the answer, with a body of at most `max_body` bytes.
    /// The judge sees the whole answer.
    pub(super) async fn exchange(
        &mut self,
        (request, sent): (&[u8], Instant),
        (max_body, judge): (u64, Option<&AnswerJudge<'_>>),
        scratch: &LoadScratch,
        progress: &AttemptProgress,
    ) -> FastPathOutcome {
        progress.enter(AttemptPhase::Head(Rc::clone(&self.raw.peer), None));
        self.partial.clear();
        let mut written = self.raw.stream.write_all(request).await;
        if written.is_ok() {
            // TLS may still hold some of it back.
            written = self.raw.stream.flush().await;
        }
        if written.is_err() {
            // The server may have sent the reason before it closed the connection.
            return if self.take_arrived(scratch) {
                FastPathOutcome::Broken
            } else {
                FastPathOutcome::Closed
            };
        }
        let mut head = None;
        loop {
            let parsed =
                std::future::poll_fn(|context| self.poll_response(context, (max_body, judge), scratch)).await;
            let now = Instant::now();
            head.get_or_insert(now);
            match parsed {
                Ok(FastPathParse::Complete(response)) => {
                    let head = head.unwrap_or(now);
                    progress.add_time(|timings| &mut timings.first_byte, head - sent);
                    progress.add_time(|timings| &mut timings.body, now - head);
                    return FastPathOutcome::Complete(response, now);
                }
                Ok(FastPathParse::Partial(bytes, length)) => {
                    progress.enter(AttemptPhase::Body(bytes, Some(length)))
                }
                Ok(FastPathParse::NeedsHyper) => {
                    return match self.partial.starts_with(b"HTTP/1.") {
                        true => FastPathOutcome::OddAnswer,
                        false if self.partial.is_empty() => FastPathOutcome::Closed,
                        false => FastPathOutcome::Broken,
                    };
                }
                Err(_) if self.partial.is_empty() => return FastPathOutcome::Closed,
                Err(_) => return FastPathOutcome::Broken,
            }
        }
    }

    /// Takes the bytes that have arrived already; whether there are any.
    fn take_arrived(&mut self, scratch: &LoadScratch) -> bool {
        let mut buffer = scratch.read_buffer.0.borrow_mut();
        let mut read = ReadBuf::new(&mut buffer);
        let mut no_waker = Context::from_waker(Waker::noop());
        let _ = Pin::new(&mut self.raw.stream).poll_read(&mut no_waker, &mut read);
        self.partial.extend_from_slice(read.filled());
        !self.partial.is_empty()
    }

    /// Reads once, and parses all that arrived so far.
    fn poll_response(
        &mut self,
        context: &mut Context<'_>,
        answer: (u64, Option<&AnswerJudge<'_>>),
        scratch: &LoadScratch,
    ) -> Poll<io::Result<FastPathParse>> {
        let (mut buffer, mut digests) =
            (scratch.read_buffer.0.borrow_mut(), scratch.digest_cache.borrow_mut());
        let mut read = ReadBuf::new(&mut buffer);
        ready!(Pin::new(&mut self.raw.stream).poll_read(context, &mut read))?;
        let read = read.filled();
        let parsed = match (read.is_empty(), self.partial.is_empty()) {
            (true, _) => FastPathParse::NeedsHyper,
            (false, true) => parse_response(read, answer, &mut digests),
            (false, false) => {
                self.partial.extend_from_slice(read);
                return Poll::Ready(Ok(parse_response(&self.partial, answer, &mut digests)));
            }
        };
        if !matches!(parsed, FastPathParse::Complete(_)) {
            self.partial.extend_from_slice(read);
        }
        Poll::Ready(Ok(parsed))
    }

    /// The connection for hyper, for this one answer. The request must be sent again: it is not written a
    /// second time, and hyper reads what arrived already.
    pub(crate) async fn into_hyper(self) -> Result<HttpConn, FetchError> {
        let stream = CountedStream::with_replay(self.raw.stream, self.partial);
        Ok(HttpConn::Http1(Http1Conn::new(stream, self.raw.peer).await?.single_use()))
    }
}

/// Parses an answer as [`FastPathConn::exchange`] does.
pub(crate) fn parse_answer(bytes: &[u8], max_body: u64) -> FastPathParse {
    parse_response(bytes, (max_body, None), &mut DigestCache::default())
}

/// Parses the bytes of an answer from its first byte on. RFC 9112, section 6, says where the body ends. The
/// judge sees an answer that is whole.
fn parse_response(
    bytes: &[u8],
    (max_body, judge): (u64, Option<&AnswerJudge<'_>>),
    digests: &mut DigestCache,
) -> FastPathParse {
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
    let (mut length, mut keep_alive) = (None, true);
    for header in &*response.headers {
        match header.name.len() {
            14 if header.name.eq_ignore_ascii_case("content-length") => {
                let Some(bytes) = parse_length(header.value).filter(|_| length.is_none()) else {
                    return FastPathParse::NeedsHyper;
                };
                length = Some(bytes);
            }
            17 if header.name.eq_ignore_ascii_case("transfer-encoding") => return FastPathParse::NeedsHyper,
            // A redirect.
            8 if (300..400).contains(&status) && header.name.eq_ignore_ascii_case("location") => {
                return FastPathParse::NeedsHyper;
            }
            10 if header.name.eq_ignore_ascii_case("connection") => {
                keep_alive &= header.value.eq_ignore_ascii_case(b"keep-alive");
            }
            _ => {}
        }
    }
    let length = if matches!(status, 204 | 304) { Some(0) } else { length };
    let Some(length) = length.filter(|length| *length <= max_body.min(MAX_BODY_LEN as u64)) else {
        return FastPathParse::NeedsHyper;
    };
    let body = &bytes[head..];
    match usize::try_from(length).ok().and_then(|length| body.split_at_checked(length)) {
        Some((body, rest)) => {
            let keep_alive = keep_alive && rest.is_empty();
            let (sha256, is_last_body) = digests.sha256(body);
            if let Some(judge) = judge {
                judge.judge(status, response.headers, (body, &sha256), is_last_body);
            }
            FastPathParse::Complete(FastPathResponse { status, bytes: length, sha256, keep_alive })
        }
        None => FastPathParse::Partial(body.len() as u64, length),
    }
}

/// A length that consists of digits only.
fn parse_length(value: &[u8]) -> Option<u64> {
    let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(value).ok().filter(|_| is_number)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(status: u16, body: &str, keep_alive: bool) -> FastPathParse {
        let (bytes, sha256) = (body.len() as u64, Sha256::digest(body).into());
        FastPathParse::Complete(FastPathResponse { status, bytes, sha256, keep_alive })
    }

    #[test]
    fn only_the_most_common_answers_are_understood() {
        let at = |head: &str, body: &str| parse_answer(format!("{head}\r\n\r\n{body}").as_bytes(), 100);
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
        assert_eq!(parse_answer(b"HTTP/1.1 200 OK\r\nContent-Le", 100), FastPathParse::NeedsHyper);
    }

    #[test]
    fn a_digest_is_that_of_the_body() {
        let mut digests = DigestCache::default();
        let mut last = None;
        for body in ["one", "one", "two", "", "", "one", "onE"] {
            let digest = <[u8; 32]>::from(Sha256::digest(body));
            assert_eq!(digests.sha256(body.as_bytes()), (digest, last == Some(body)), "{body}");
            last = Some(body);
        }
    }
}
