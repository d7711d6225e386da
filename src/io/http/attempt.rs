//! One attempt: a request, the redirects that it leads to, and the answer at their end. Knows no other
//! attempts; [`super::retry`] and [`super::load`] keep its time limit.
//!
//! With `redirects = 0` a redirect is itself the answer; with more, one redirect too many is a failure.

use std::borrow::Cow;
use std::time::{Duration, Instant, SystemTime};

use hyper::body::Incoming;
use hyper::http::response::Parts;
use hyper::{HeaderMap, Request, Response, Version};
use url::Url;

use scenario_core::engine::input::Input;
use scenario_core::scenario::model::{FetchJob, ScenarioText};
use scenario_log::event::{FetchErrorKind, Source};

use super::FetchContext;
use super::conn::connection::{HttpConn, SendOutcome};
use super::conn::endpoint::Endpoint;
use super::conn::pool::LeasedConn;
use super::error::FetchError;
use super::request::body::RequestBody;
use super::request::hop::RequestHop;
use super::request::{self, PreparedRequest, redirect};
use super::resend::{self, RequestResends};
use super::response::body::{self, BodyReceiver, IncomingBody, ReceivedBody};
use super::response::charset;
use super::response::check::{ResponseChecker, ResponseFindings};
use super::response::decode::BodyDecoder;
use super::response::lines::BodyLineWriter;
use super::response::{redact, retry_after};
use super::timing::{AttemptPhase, AttemptProgress};
use super::unanswered::{self, UnansweredRequest};

/// A redirect's own body is read, to keep its connection, if it is at most this large …
const MAX_DRAIN_LEN: u64 = 64 << 10;

/// … and arrives within this time.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(500);

/// One attempt of a request.
pub(super) struct FetchAttempt<'a> {
    pub(super) context: &'a FetchContext,
    pub(super) source: Source,
    pub(super) job: &'a FetchJob,
    pub(super) url: &'a ScenarioText,
    /// `None` if the job checks and captures nothing.
    pub(super) checker: Option<&'a ResponseChecker>,
    /// No other attempt follows.
    pub(super) is_last: bool,
    /// The session whose cookies are sent and kept.
    pub(super) session: Option<u32>,
    pub(super) progress: &'a AttemptProgress,
}

/// How an attempt ended, if it did not fail.
pub(super) enum AttemptOutcome {
    Complete {
        /// The status of the last answer.
        status: u16,
        received: ReceivedBody,
        found: ResponseFindings,
        /// The answer's head, if it is not in the inbox yet. It must be pushed first.
        head: Option<Input>,
    },
    /// The status asks for another attempt, not before this time is over, and nothing of the answer is in
    /// the inbox.
    Retry(Duration),
}

impl FetchAttempt<'_> {
    /// Runs the attempt to the end of its answer.
    pub(super) async fn run(&self) -> Result<AttemptOutcome, FetchError> {
        self.run_on(None).await
    }

    /// The same; the first request goes on the `kept` connection, if that is still usable.
    pub(super) async fn run_on(&self, kept: Option<LeasedConn>) -> Result<AttemptOutcome, FetchError> {
        self.progress.push_url(self.url.display_text().to_owned());
        let hop = RequestHop::first(self.job, self.url)?;
        let endpoint = Endpoint::new(&hop.url, self.job);
        let (response, lease) = self.send_hop(&hop, &endpoint, kept).await?;
        self.follow_redirects(hop, endpoint, response, lease).await
    }

    /// Runs the rest of the attempt, if the answer to the first request is a redirect.
    pub(super) async fn run_from_redirect(
        &self,
        hop: RequestHop,
        endpoint: Endpoint,
        response: Response<Incoming>,
        lease: LeasedConn,
    ) -> Result<AttemptOutcome, FetchError> {
        self.progress.push_url(self.url.display_text().to_owned());
        self.follow_redirects(hop, endpoint, response, lease).await
    }

    /// Follows redirects to the end of an answer that is not a redirect.
    async fn follow_redirects(
        &self,
        mut hop: RequestHop,
        mut endpoint: Endpoint,
        mut response: Response<Incoming>,
        mut lease: LeasedConn,
    ) -> Result<AttemptOutcome, FetchError> {
        loop {
            let status = response.status().as_u16();
            match redirect::redirect_location(status, response.headers()) {
                Some(location) if self.job.redirects > 0 => {
                    hop = self.redirected_hop(hop, status, &location)?;
                    self.drain(response, &endpoint, lease).await;
                    endpoint = Endpoint::new(&hop.url, self.job);
                    (response, lease) = self.send_hop(&hop, &endpoint, None).await?;
                }
                _ => return self.receive_answer(response, &endpoint, lease).await,
            }
        }
    }

    /// Whether an answer is a redirect that is followed.
    pub(super) fn is_redirect(&self, response: &Response<Incoming>) -> bool {
        self.job.redirects > 0
            && redirect::redirect_location(response.status().as_u16(), response.headers()).is_some()
    }

    async fn send_hop(
        &self,
        hop: &RequestHop,
        endpoint: &Endpoint,
        kept: Option<LeasedConn>,
    ) -> Result<(Response<Incoming>, LeasedConn), FetchError> {
        let with_cookies = self.with_cookies(hop);
        let sent = with_cookies.as_ref().unwrap_or(hop);
        let answer = self.send(endpoint, kept, async |conn| self.build(sent, conn, endpoint).await).await?;
        self.store_cookies(&hop.url, &answer.0);
        Ok(answer)
    }

    /// The first request, and the same for this connection.
    pub(super) async fn build_first(
        &self,
        conn: &HttpConn,
        endpoint: &Endpoint,
    ) -> Result<(RequestHop, Request<RequestBody>), FetchError> {
        let hop = RequestHop::first(self.job, self.url)?;
        let with_cookies = self.with_cookies(&hop);
        let request = self.build(with_cookies.as_ref().unwrap_or(&hop), conn, endpoint).await?;
        Ok((hop, request))
    }

    async fn build(
        &self,
        hop: &RequestHop,
        conn: &HttpConn,
        endpoint: &Endpoint,
    ) -> Result<Request<RequestBody>, FetchError> {
        let folder = &self.context.run_context.folder;
        request::build_request(hop, self.job, folder, endpoint.request_form(conn)).await
    }

    /// A request with the cookies of the session; `None` if there are none for it.
    fn with_cookies(&self, hop: &RequestHop) -> Option<RequestHop> {
        self.session.and_then(|session| self.context.cookies.add_cookies(session, hop))
    }

    /// Keeps the cookies of an answer from this URL.
    pub(super) fn store_cookies(&self, url: &Url, response: &Response<Incoming>) {
        if let Some(session) = self.session {
            self.context.cookies.store(session, url, response.headers());
        }
    }

    /// Sends a prepared request: the first form is for HTTP/1.1, the second for HTTP/2. It goes on the
    /// `kept` connection, if that is still usable.
    pub(super) async fn send_prepared(
        &self,
        prepared: &[PreparedRequest; 2],
        endpoint: &Endpoint,
        kept: Option<LeasedConn>,
    ) -> Result<(Response<Incoming>, LeasedConn), FetchError> {
        let build = async |conn: &HttpConn| Ok(prepared[usize::from(conn.is_http2())].to_request());
        self.send(endpoint, kept, build).await
    }

    /// Sends one request, and waits for the head of its answer. If the server did not process the request,
    /// or closed a kept connection before it answered, the request is sent again.
    async fn send(
        &self,
        endpoint: &Endpoint,
        mut kept: Option<LeasedConn>,
        build: impl AsyncFn(&HttpConn) -> Result<Request<RequestBody>, FetchError>,
    ) -> Result<(Response<Incoming>, LeasedConn), FetchError> {
        let mut resends = RequestResends::default();
        loop {
            let usable = match kept.take() {
                Some(mut lease) => lease.conn.wait_until_usable().await.then_some(lease),
                None => None,
            };
            let mut lease = match usable {
                Some(lease) => lease,
                None => self.context.pool.lease(endpoint, resends.needs_new_conn(), self.progress).await?,
            };
            self.progress.set_reused(lease.reused);
            let request = build(&lease.conn).await?;
            let method = request.method().clone();
            if lease.reused && !resend::is_repeatable(&method) && !lease.conn.is_still_open().await {
                continue;
            }
            let unanswered = match self.send_on(&mut lease.conn, request).await {
                SendOutcome::Response(response) if unanswered::is_late(&response, &lease) => {
                    UnansweredRequest::Late(response)
                }
                SendOutcome::Response(response) => return Ok((response, lease)),
                SendOutcome::Unanswered(reason, error) => UnansweredRequest::Failed(reason, error),
                SendOutcome::Failed(error) => return Err(error),
            };
            let conn_state = (lease.reused, lease.conn.is_http2());
            let Some(pause) = resends.pause_after(unanswered.reason(), conn_state, &method) else {
                return unanswered.into_outcome(lease);
            };
            self.progress.count_resent();
            if resends.gives_up_conn() {
                lease.conn.close_after_answer();
            }
            drop(lease);
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
        }
    }

    /// Reads with hyper an answer that the fast path does not understand: `conn` replays the answer as soon
    /// as the request is sent again.
    pub(super) async fn resend_with_hyper(
        &self,
        mut conn: HttpConn,
        request: Request<RequestBody>,
    ) -> Result<(Response<Incoming>, LeasedConn), FetchError> {
        match self.send_on(&mut conn, request).await {
            SendOutcome::Response(response) => {
                Ok((response, LeasedConn { conn, reused: self.progress.is_reused() }))
            }
            SendOutcome::Unanswered(_, error) | SendOutcome::Failed(error) => Err(error),
        }
    }

    /// Sends one request on a connection, and waits for the head of its answer.
    async fn send_on(&self, conn: &mut HttpConn, request: Request<RequestBody>) -> SendOutcome {
        self.progress.enter(AttemptPhase::Head(conn.peer(), conn.receive_counter()));
        let started = Instant::now();
        let sent = conn.send(request).await;
        self.progress.add_time(|timings| &mut timings.first_byte, started.elapsed());
        sent
    }

    /// The request after a redirect.
    fn redirected_hop(&self, hop: RequestHop, status: u16, location: &str) -> Result<RequestHop, FetchError> {
        let refused = |reason: &str| {
            let location = self.context.run_context.secrets.redact_url(location);
            let message = format!("{} -> {location}: {reason}", self.progress.url_chain());
            Err(FetchError::permanent(FetchErrorKind::Redirects, message))
        };
        let next = match hop.redirect_to(status, location) {
            Ok(next) => next,
            Err(error) => return refused(&error.to_string()),
        };
        if self.progress.redirect_count() >= self.job.redirects as usize {
            let circle =
                if self.progress.has_visited(next.url.as_str()) { ", and they go in a circle" } else { "" };
            return refused(&format!("more than {} redirects{circle}", self.job.redirects));
        }
        self.progress.push_url(next.url.as_str().to_owned());
        Ok(next)
    }

    /// Reads the body of an answer that is not used, if it is small, to keep the connection.
    async fn drain(&self, response: Response<Incoming>, endpoint: &Endpoint, lease: LeasedConn) {
        let version = response.version();
        let body = self.incoming_body(response.into_body(), version);
        if body.least_len() > MAX_DRAIN_LEN {
            return;
        }
        let unused = AttemptProgress::default();
        let read = tokio::time::timeout(
            DRAIN_TIMEOUT,
            body::receive_body(body, BodyReceiver::new(MAX_DRAIN_LEN, None, None), &unused),
        )
        .await;
        if let Ok(Ok(_)) = read {
            self.context.pool.release(endpoint, lease);
        }
    }

    /// Receives and checks an answer of which nothing but its end is logged, and returns its connection, which
    /// can be used again.
    pub(super) async fn receive_plain(
        &self,
        response: Response<Incoming>,
        lease: LeasedConn,
    ) -> Result<(u16, (ReceivedBody, ResponseFindings), HttpConn), FetchError> {
        let (status, version) = (response.status().as_u16(), response.version());
        let (head, body) = response.into_parts();
        let mut receiver = BodyReceiver::new(self.job.max_body, None, None);
        if self.retains_body(status) {
            receiver = receiver.retaining();
        }
        let body = self.incoming_body(body, version);
        let received = self.receive_timed(body, receiver).await?;
        lease.conn.finish_response();
        let found = self.judge(status, (&received.content, &received.sha256), &head.headers);
        Ok((status, (received, found), lease.conn))
    }

    /// Whether the body of an answer with this status is needed as a whole.
    fn retains_body(&self, status: u16) -> bool {
        self.checker.is_some_and(|checker| {
            checker.captures_secrets() || self.job.status.allows(status) && checker.needs_body()
        })
    }

    /// Checks an answer. Even one with an unexpected status is evaluated if there are secrets in it: they must be
    /// masked, too.
    pub(super) fn judge(
        &self,
        status: u16,
        body: (&[u8], &[u8; 32]),
        headers: &HeaderMap,
    ) -> ResponseFindings {
        let is_expected = self.job.status.allows(status);
        let checker = self.checker.filter(|checker| is_expected || checker.captures_secrets());
        let found = checker.map(|checker| checker.evaluate(body, headers, &self.context.run_context.secrets));
        found.filter(|_| is_expected).unwrap_or_default()
    }

    fn incoming_body(&self, incoming: Incoming, version: Version) -> IncomingBody {
        IncomingBody::new(incoming, version, self.job.body.is_some())
    }

    async fn receive_timed(
        &self,
        body: IncomingBody,
        receiver: BodyReceiver<'_>,
    ) -> Result<ReceivedBody, FetchError> {
        let started = Instant::now();
        let received = body::receive_body(body, receiver, self.progress).await?;
        self.progress.add_time(|timings| &mut timings.body, started.elapsed());
        Ok(received)
    }

    /// Receives the last answer, and checks it.
    async fn receive_answer(
        &self,
        response: Response<Incoming>,
        endpoint: &Endpoint,
        lease: LeasedConn,
    ) -> Result<AttemptOutcome, FetchError> {
        let status = response.status().as_u16();
        if !self.is_last
            && is_retryable(status)
            && !self.job.status.allows(status)
            && let Some(pause) = retry_after::retry_pause(response.headers(), SystemTime::now())
        {
            self.drain(response, endpoint, lease).await;
            return Ok(AttemptOutcome::Retry(pause));
        }
        let (head, body) = response.into_parts();
        let has_secrets = self.checker.is_some_and(ResponseChecker::captures_secrets);
        // While another attempt may follow, the head waits for the whole body: this answer may not be the
        // one that counts. Lines cannot wait; once one is emitted, no other attempt follows. An answer
        // with a secret to capture waits in any case: the secret must be known before anything is emitted.
        let emits_at_once = (self.is_last || self.job.log_lines) && !has_secrets;
        if emits_at_once {
            self.emit_head(&head);
        }
        let decoder = if self.job.decode_body { BodyDecoder::for_headers(&head.headers)? } else { None };
        let lines = || self.job.log_lines.then(|| BodyLineWriter::new(self.context, self.source));
        let mut receiver =
            BodyReceiver::new(self.job.max_body, decoder, if emits_at_once { lines() } else { None })
                .decoding_lines(&head.headers);
        let last_line =
            self.checker.filter(|_| self.job.status.allows(status)).and_then(ResponseChecker::lines_until);
        receiver = receiver.ending_with(last_line);
        if self.retains_body(status) {
            receiver = receiver.retaining();
        }
        let received = self.receive_timed(self.incoming_body(body, head.version), receiver).await?;
        if !received.is_cut {
            self.context.pool.release(endpoint, lease);
        }
        let mut found = self.judge(status, (&received.content, &received.sha256), &head.headers);
        if let Some(regex) = last_line.filter(|_| !received.has_last_line) {
            found = found.with_mismatch(format!("it ended, and no line of it matched /{regex}/"));
        }
        if has_secrets && self.job.log_lines {
            self.emit_head(&head);
            if let Some(mut lines) = lines() {
                lines.push(&charset::decode_text(&received.content, &head.headers)).await;
                lines.finish().await;
            }
        }
        let head = (!self.progress.has_emitted()).then(|| self.head_input(&head));
        Ok(AttemptOutcome::Complete { status, received, found, head })
    }

    fn emit_head(&self, head: &Parts) {
        self.progress.set_emitted();
        self.context.inbox.push(self.head_input(head));
    }

    /// The head of an answer, fit for the log.
    fn head_input(&self, head: &Parts) -> Input {
        Input::ResponseStarted {
            source: self.source,
            status: head.status.as_u16(),
            version: Cow::Borrowed(match head.version {
                Version::HTTP_10 => "HTTP/1.0",
                Version::HTTP_2 => "HTTP/2",
                _ => "HTTP/1.1",
            }),
            headers: redact::redact_headers(&head.headers, &self.context.run_context.secrets),
        }
    }
}

/// Whether another attempt may succeed after this status.
fn is_retryable(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
}
