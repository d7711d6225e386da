//! One request that is written by hand on a connection of HTTP/1.1, and its answer, if that is a usual one.
//! Opens no connection, and does nothing about an answer that is not usual.

use std::time::Instant;

use super::answer_judge::{AnswerJudge, JudgedAnswer};
use super::fast_path::{FastPathConn, FastPathOutcome, FastPathResponse, LoadScratch};
use crate::io::http::attempt::FetchAttempt;

/// A request as the bytes of HTTP/1.1.
pub(crate) struct FastRequest<'a> {
    pub(crate) attempt: &'a FetchAttempt<'a>,
    pub(crate) bytes: &'a [u8],
    /// The request asks the server to close the connection.
    pub(crate) closes: bool,
    /// It is sent again if a kept connection is closed before the first byte of an answer.
    pub(crate) may_resend: bool,
    pub(crate) scratch: &'a LoadScratch,
}

/// A complete answer.
#[derive(Debug)]
pub(crate) struct FastAnswer {
    pub(crate) status: u16,
    pub(crate) bytes: u64,
    pub(crate) sha256: [u8; 32],
    pub(crate) received_at: Instant,
    pub(crate) found: JudgedAnswer,
}

/// The outcome of a request.
#[derive(Debug)]
pub(crate) enum FastOutcome {
    /// The answer, and the connection if it can be used again.
    Complete(FastAnswer, Option<FastPathConn>),
    /// The server closed the kept connection before the first byte of an answer, and the request may be sent
    /// again.
    Unanswered,
    /// hyper must read the answer; it gets the connection. Most likely it must read all answers of this target
    /// if this one is `odd`.
    NeedsHyper { conn: FastPathConn, is_odd: bool },
}

impl FastRequest<'_> {
    /// Sends the request at the time `now`, and receives the answer.
    pub(crate) async fn send(&self, mut conn: FastPathConn, now: Instant) -> FastOutcome {
        let (attempt, scratch) = (self.attempt, self.scratch);
        let judge = AnswerJudge::new(attempt, &scratch.last_findings);
        let answer = (attempt.job.max_body, judge.as_ref());
        match conn.exchange((self.bytes, now), answer, scratch, attempt.progress).await {
            // The last one says that the connection had been idle for too long: it may have crossed the
            // request (RFC 9110, section 15.5.9).
            FastPathOutcome::Closed
            | FastPathOutcome::Complete(FastPathResponse { status: 408, keep_alive: false, .. }, _)
                if self.may_resend =>
            {
                FastOutcome::Unanswered
            }
            FastPathOutcome::Complete(response, received_at) => {
                let FastPathResponse { status, bytes, sha256, keep_alive } = response;
                let found = judge.map(AnswerJudge::into_found).unwrap_or_default();
                let conn = (keep_alive && !self.closes).then_some(conn);
                FastOutcome::Complete(FastAnswer { status, bytes, sha256, received_at, found }, conn)
            }
            outcome => FastOutcome::NeedsHyper { conn, is_odd: outcome == FastPathOutcome::OddAnswer },
        }
    }
}
