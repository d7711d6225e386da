//! One request of a player and its answer, on a connection that the pool keeps. hyper does what is not usual.
//! Keeps no time limit.

use std::borrow::Cow;
use std::time::Instant;

use scenario_core::scenario::model::FetchJob;
use scenario_core::scenario::vars::fill;
use scenario_log::event::FetchErrorKind;

use super::target::PlayerTarget;
use super::worker::PlayerRequest;
use crate::io::http::attempt::{AttemptOutcome, FetchAttempt};
use crate::io::http::conn::pool::{LeasedConn, RawLease};
use crate::io::http::error::FetchError;
use crate::io::http::load::exchange::LoadResponse;
use crate::io::http::load::fast_path::FastPathConn;
use crate::io::http::load::fast_request::{FastAnswer, FastOutcome, FastRequest};
use crate::io::http::resend;

/// One request of a player.
pub(super) struct PlayerExchange<'a> {
    pub(super) attempt: &'a FetchAttempt<'a>,
    pub(super) request: &'a PlayerRequest,
    /// The bytes of the request.
    pub(super) bytes: &'a [u8],
}

impl PlayerExchange<'_> {
    /// Sends the request and receives the whole answer. The rare branches are boxed, because the whole future is
    /// moved before it starts.
    pub(super) async fn run(&self, now: Instant) -> Result<LoadResponse, FetchError> {
        let Some(target) = self.request.job.target(self.attempt.context, self.request.url_index) else {
            return Box::pin(self.run_by_hyper(None)).await;
        };
        let (context, progress) = (self.attempt.context, self.attempt.progress);
        let is_repeatable = resend::is_repeatable(target.template.method());
        let mut was_sent = false;
        loop {
            let kept = (!was_sent).then(|| target.conns.take_raw()).flatten();
            let (conn, is_reused) = match kept {
                Some(raw) => (FastPathConn::new(raw), true),
                None => {
                    let lease = context.pool.open_raw_or_take_idle(&target.endpoint, &target.conns, progress);
                    match Box::pin(lease).await? {
                        RawLease::Raw(raw, is_reused) => (FastPathConn::new(raw), is_reused),
                        RawLease::Http2(new) => {
                            progress.set_reused(false);
                            let lease = LeasedConn { conn: Box::pin(new.start_http()).await?, reused: false };
                            return Box::pin(self.run_by_hyper(Some(lease))).await;
                        }
                    }
                }
            };
            progress.set_reused(is_reused);
            let mut conn = conn;
            if is_reused && !is_repeatable {
                // The runtime takes note of a close in the meantime.
                tokio::task::yield_now().await;
                if !conn.is_open() {
                    continue;
                }
            }
            let request = FastRequest {
                attempt: self.attempt,
                bytes: self.bytes,
                closes: target.template.closes(),
                may_resend: is_reused && is_repeatable && !was_sent,
                scratch: &self.request.job.scratch,
            };
            let now = if is_reused && !was_sent { now } else { Instant::now() };
            match request.send(conn, now).await {
                FastOutcome::Unanswered => {
                    progress.count_resent();
                    was_sent = true;
                }
                FastOutcome::Complete(answer, conn) => return Ok(self.take_answer(target, answer, conn)),
                FastOutcome::NeedsHyper { conn, is_odd } => {
                    target.is_odd.set(target.is_odd.get() || is_odd);
                    return Box::pin(self.read_by_hyper(target, conn)).await;
                }
            }
        }
    }

    /// Keeps the connection and the cookies of an answer.
    fn take_answer(
        &self,
        target: &PlayerTarget,
        answer: FastAnswer,
        conn: Option<FastPathConn>,
    ) -> LoadResponse {
        let FastAnswer { status, bytes, sha256, received_at, found } = answer;
        let context = self.attempt.context;
        if let Some(conn) = conn {
            context.pool.release_raw(&target.endpoint, &target.conns, conn.into_raw(), received_at);
        }
        if let Some(session) = self.attempt.session.filter(|_| !found.cookies.is_empty())
            && let Some(url) = target.template.url_of(self.bytes)
        {
            context.cookies.store_values(session, &url, &found.cookies);
        }
        LoadResponse { status, bytes, sha256, received_at, found: found.findings }
    }

    /// Reads an answer that is not usual, and follows where it leads.
    async fn read_by_hyper(
        &self,
        target: &PlayerTarget,
        conn: FastPathConn,
    ) -> Result<LoadResponse, FetchError> {
        let conn = conn.into_hyper().await?;
        let job = self.filled_job()?;
        let attempt = self.attempt_of(&job);
        let (hop, request) = attempt.build_first(&conn, &target.endpoint).await?;
        let (response, lease) = attempt.resend_with_hyper(conn, request).await?;
        attempt.store_cookies(&hop.url, &response);
        let endpoint = target.endpoint.clone();
        completed(&attempt, attempt.run_from_redirect(hop, endpoint, response, lease).await?)
    }

    /// Sends the request with hyper, on this connection if there is one.
    async fn run_by_hyper(&self, conn: Option<LeasedConn>) -> Result<LoadResponse, FetchError> {
        let job = self.filled_job()?;
        let attempt = self.attempt_of(&job);
        completed(&attempt, attempt.run_on(conn).await?)
    }

    /// The fetch with the values of the request in it.
    fn filled_job(&self) -> Result<Cow<'_, FetchJob>, FetchError> {
        let PlayerRequest { url_index, captured, .. } = self.request;
        match fill::fill_captures(self.attempt.job, *url_index, captured.clone()) {
            Ok(Some(filled)) => Ok(Cow::Owned(filled)),
            Ok(None) => Ok(Cow::Borrowed(self.attempt.job)),
            Err(error) => Err(FetchError::permanent(FetchErrorKind::Capture, error.to_string())),
        }
    }

    fn attempt_of<'j>(&'j self, job: &'j FetchJob) -> FetchAttempt<'j> {
        FetchAttempt { job, url: &job.urls[self.request.url_index], ..*self.attempt }
    }
}

/// The answer of an attempt.
fn completed(attempt: &FetchAttempt<'_>, outcome: AttemptOutcome) -> Result<LoadResponse, FetchError> {
    match outcome {
        AttemptOutcome::Complete { status, received, found, .. } => {
            Ok(LoadResponse::new(status, &received, found))
        }
        // Only an attempt that is not the last one ends so, and there is one attempt.
        AttemptOutcome::Retry(_) => Err(attempt.progress.timeout_error(attempt.job.timeout)),
    }
}
