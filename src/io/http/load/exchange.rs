//! One request of a load and its answer, on the worker's connection if it has one. Tries the fast path
//! first; hyper does the rest. Keeps no time limit.

use std::time::Instant;

use hyper::Response;
use hyper::body::Incoming;

use scenario_core::engine::input::Input;
use scenario_log::event::FetchedResponse;
use scenario_log::time::Span;

use super::fast_path::{FastPathConn, LoadScratch};
use super::fast_request::{FastAnswer, FastOutcome, FastRequest};
use super::handoff::ConnHandoff;
use super::target::{LoadProtocol, LoadTarget};
use super::worker::{IdleLoadConn, LoadWorker};
use crate::io::http::attempt::{AttemptOutcome, FetchAttempt};
use crate::io::http::conn::pool::LeasedConn;
use crate::io::http::error::FetchError;
use crate::io::http::response::body::ReceivedBody;
use crate::io::http::response::check::ResponseFindings;
use crate::io::http::{resend, retry};

/// A complete answer.
pub(crate) struct LoadResponse {
    pub(crate) status: u16,
    pub(crate) bytes: u64,
    pub(crate) sha256: [u8; 32],
    pub(crate) received_at: Instant,
    pub(crate) found: ResponseFindings,
}

impl LoadResponse {
    /// An answer that is complete now.
    pub(crate) fn new(status: u16, body: &ReceivedBody, found: ResponseFindings) -> LoadResponse {
        let received_at = Instant::now();
        LoadResponse { status, bytes: body.bytes, sha256: body.sha256, received_at, found }
    }

    /// The last input of a request that was sent once, at `started`, and answered so.
    pub(crate) fn into_input(self, attempt: &FetchAttempt<'_>, started: Instant) -> Input {
        let LoadResponse { status, bytes, sha256, received_at, found } = self;
        let progress = attempt.progress;
        let took = Span::from_std(received_at.saturating_duration_since(started));
        let found = found.in_time(took);
        let fetched = FetchedResponse {
            status,
            bytes,
            sha256,
            took,
            timings: progress.timings(),
            reused: Some(progress.is_reused()),
            sent: progress.answered_counts(),
            check: found.mismatch.map(|message| retry::loggable_message(attempt.context, &message)),
            captured: found.captured,
        };
        Input::FetchFinished { source: attempt.source, fetched: Box::new(fetched) }
    }
}

/// The outcome of the fast path.
enum FastPathAttempt {
    Complete(LoadResponse),
    /// hyper has read the head of the answer.
    AnsweredByHyper(Box<(Response<Incoming>, LeasedConn)>),
    /// Nothing is sent yet: a new connection turned out to speak HTTP/2.
    Http2Instead(Box<LeasedConn>),
    /// The server closed the kept connection before the first byte of an answer, and the request may be
    /// sent again.
    Unanswered,
}

/// A connection that a worker did not keep.
enum NewConn {
    FastPath(FastPathConn),
    Http2(Box<LeasedConn>),
}

/// One request of a load.
pub(super) struct LoadExchange<'a> {
    pub(super) attempt: &'a FetchAttempt<'a>,
    pub(super) target: &'a LoadTarget,
    pub(super) worker: &'a LoadWorker,
    pub(super) handoff: &'a ConnHandoff,
    pub(super) scratch: &'a LoadScratch,
}

impl LoadExchange<'_> {
    /// Sends the request and receives the whole answer. The rare branches are boxed, because the whole
    /// future is moved before it starts.
    pub(super) async fn run(&self, now: Instant) -> Result<LoadResponse, FetchError> {
        let kept = self.worker.take_idle_conn(now);
        if self.target.protocol.get() != LoadProtocol::FastPath {
            let kept = match kept {
                Some(IdleLoadConn::Hyper(conn)) => Some(LeasedConn { conn, reused: true }),
                Some(IdleLoadConn::FastPath(_)) | None => None,
            };
            return Box::pin(self.run_by_hyper(kept)).await;
        }
        let mut outcome = self.run_by_fast_path(kept, now).await?;
        if matches!(outcome, FastPathAttempt::Unanswered) {
            self.attempt.progress.count_resent();
            outcome = Box::pin(self.run_by_fast_path(None, now)).await?;
        }
        match outcome {
            FastPathAttempt::Complete(response) => Ok(response),
            FastPathAttempt::AnsweredByHyper(answer) => Box::pin(self.receive_or_follow(*answer)).await,
            FastPathAttempt::Http2Instead(lease) => Box::pin(self.run_by_hyper(Some(*lease))).await,
            // Only a kept connection ends so.
            FastPathAttempt::Unanswered => Err(self.attempt.progress.timeout_error(self.attempt.job.timeout)),
        }
    }

    async fn run_by_hyper(&self, kept: Option<LeasedConn>) -> Result<LoadResponse, FetchError> {
        let LoadTarget { prepared, endpoint, protocol, .. } = self.target;
        let answer = self.attempt.send_prepared(prepared, endpoint, kept).await?;
        if protocol.get() == LoadProtocol::Unknown {
            let is_http2 = answer.1.conn.is_http2();
            protocol.set(if is_http2 { LoadProtocol::Hyper } else { LoadProtocol::FastPath });
        }
        self.receive_or_follow(answer).await
    }

    /// Receives an answer, or the answer that its redirects lead to.
    async fn receive_or_follow(
        &self,
        (response, lease): (Response<Incoming>, LeasedConn),
    ) -> Result<LoadResponse, FetchError> {
        let (attempt, LoadTarget { hop, endpoint, .. }) = (self.attempt, self.target);
        if attempt.is_redirect(&response) {
            return match attempt.run_from_redirect(hop.clone(), endpoint.clone(), response, lease).await? {
                AttemptOutcome::Complete { status, received, found, .. } => {
                    Ok(LoadResponse::new(status, &received, found))
                }
                // Only an attempt that is not the last one ends so, and a load has one attempt.
                AttemptOutcome::Retry(_) => Err(attempt.progress.timeout_error(attempt.job.timeout)),
            };
        }
        let (status, (received, found), conn) = attempt.receive_plain(response, lease).await?;
        let response = LoadResponse::new(status, &received, found);
        // The pool keeps a shared connection, and counts the requests that share it.
        if endpoint.is_conn_exclusive(&conn) {
            self.worker.store_idle_conn(IdleLoadConn::Hyper(conn), response.received_at);
        }
        Ok(response)
    }

    /// A new connection or, if the system has no socket for it, the next one that another worker hands on.
    async fn connect_or_wait(&self) -> Result<NewConn, FetchError> {
        let (attempt, target) = (self.attempt, self.target);
        let progress = attempt.progress;
        let connector = attempt.context.pool.connector();
        let new = tokio::select! {
            biased;
            new = connector.connect(&target.endpoint, progress) => new?,
            conn = self.handoff.wait(progress) => {
                progress.set_shortage(None);
                progress.set_reused(true);
                return Ok(NewConn::FastPath(conn));
            }
        };
        progress.set_reused(false);
        if new.is_http2 {
            target.protocol.set(LoadProtocol::Hyper);
            let conn = new.start_http().await?;
            return Ok(NewConn::Http2(Box::new(LeasedConn { conn, reused: false })));
        }
        Ok(NewConn::FastPath(FastPathConn::new(new)))
    }

    async fn run_by_fast_path(
        &self,
        kept: Option<IdleLoadConn>,
        now: Instant,
    ) -> Result<FastPathAttempt, FetchError> {
        let (attempt, target) = (self.attempt, self.target);
        let kept = match kept {
            Some(IdleLoadConn::FastPath(mut conn)) => {
                if !resend::is_repeatable(&target.hop.method) {
                    // The runtime takes note of a close in the meantime.
                    tokio::task::yield_now().await;
                }
                conn.is_open().then_some(conn)
            }
            Some(IdleLoadConn::Hyper(_)) | None => None,
        };
        let (conn, now) = match kept {
            Some(conn) => {
                attempt.progress.set_reused(true);
                (conn, now)
            }
            None => match Box::pin(self.connect_or_wait()).await? {
                NewConn::FastPath(conn) => (conn, Instant::now()),
                NewConn::Http2(lease) => return Ok(FastPathAttempt::Http2Instead(lease)),
            },
        };
        let request = FastRequest {
            attempt,
            bytes: &target.raw_request,
            closes: target.closes,
            may_resend: attempt.progress.is_reused() && resend::is_repeatable(&target.hop.method),
            scratch: self.scratch,
        };
        match request.send(conn, now).await {
            FastOutcome::Unanswered => Ok(FastPathAttempt::Unanswered),
            FastOutcome::Complete(answer, conn) => {
                if let Some(conn) = conn.and_then(|conn| self.handoff.offer(conn)) {
                    self.worker.store_idle_conn(IdleLoadConn::FastPath(conn), answer.received_at);
                }
                let FastAnswer { status, bytes, sha256, received_at, found } = answer;
                let found = found.findings;
                Ok(FastPathAttempt::Complete(LoadResponse { status, bytes, sha256, received_at, found }))
            }
            FastOutcome::NeedsHyper { conn, is_odd } => {
                if is_odd {
                    target.protocol.set(LoadProtocol::Hyper);
                }
                let conn = Box::pin(conn.into_hyper()).await?;
                let again = target.prepared[0].to_request();
                let answer = Box::pin(attempt.resend_with_hyper(conn, again)).await?;
                Ok(FastPathAttempt::AnsweredByHyper(Box::new(answer)))
            }
        }
    }
}
