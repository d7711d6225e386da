//! One try: a request, the redirects it is sent on, and the answer at the end of them. Knows no
//! other tries; its time limit is kept by [`crate::io::http::retry`].
//!
//! With `redirects = 0` a redirect is itself the answer; with more, one more than allowed is a failure.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use hyper::body::{Body as _, Incoming};
use hyper::http::response::Parts;
use hyper::{Request, Response, Version};

use crate::io::inbox::Input;
use scenario_core::scenario::model::{FetchJob, ScenarioText};
use scenario_log::event::{FetchErrorKind, Source};

use super::FetchContext;
use super::request::{self, PreparedRequest, RequestForm};
use crate::io::http::conn::connection::{HttpConn, SendOutcome};
use crate::io::http::conn::pool::{Endpoint, LeasedConn};
use crate::io::http::error::FetchError;
use crate::io::http::load::fast_path::FastPathConn;
use crate::io::http::request::body::RequestBody;
use crate::io::http::request::redirect;
use crate::io::http::request::redirect::RequestHop;
use crate::io::http::response::body;
use crate::io::http::response::body::{BodyLineWriter, BodyReceiver, ReceivedBody};
use crate::io::http::response::check::{ResponseChecker, ResponseFindings};
use crate::io::http::response::decode::BodyDecoder;
use crate::io::http::response::redact;
use crate::io::http::timing::{AttemptPhase, AttemptProgress};

/// A redirect's own body is read to keep its connection if it is at most this large …
const MAX_DRAIN_LEN: u64 = 64 << 10;

/// … and comes within this time.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(500);

/// One try of a request.
pub(crate) struct FetchAttempt<'a> {
    /// What all requests share.
    pub(crate) context: &'a FetchContext,
    /// The request.
    pub(crate) source: Source,
    /// Its job.
    pub(crate) job: &'a FetchJob,
    /// Its URL.
    pub(crate) url: &'a ScenarioText,
    /// What the job wants of an answer.
    pub(crate) checker: Option<&'a ResponseChecker>,
    /// There is no other try after this one.
    pub(crate) is_last: bool,
    /// How far it has come.
    pub(crate) progress: &'a AttemptProgress,
}

/// How a try ended.
pub(crate) enum AttemptOutcome {
    /// With an answer; its head, if it has not been told yet.
    Complete {
        /// The status of the last answer.
        status: u16,
        /// Its body.
        received: ReceivedBody,
        /// What the job wants, looked for in it.
        found: ResponseFindings,
        /// To be left in the inbox first.
        head: Option<Input>,
    },
    /// With a status that asks for another try; nothing was told.
    Retry,
}

impl FetchAttempt<'_> {
    /// Runs to the end of the answer.
    pub(crate) async fn run(&self) -> Result<AttemptOutcome, FetchError> {
        self.progress.push_url(self.url.display_text().to_owned());
        let hop = request::first_hop(self.job, self.url)?;
        let endpoint = Endpoint::new(&hop.url, self.job);
        let (response, lease) = self.send(&hop, &endpoint).await?;
        self.follow_redirects(hop, endpoint, response, lease).await
    }

    /// Goes on behind the answer to the first request, which is a redirect.
    pub(crate) async fn run_from_redirect(
        &self,
        hop: RequestHop,
        endpoint: Endpoint,
        response: Response<Incoming>,
        lease: LeasedConn,
    ) -> Result<AttemptOutcome, FetchError> {
        self.progress.push_url(self.url.display_text().to_owned());
        self.follow_redirects(hop, endpoint, response, lease).await
    }

    /// Follows redirects up to the end of an answer that is none.
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
                    self.drain(response.into_body(), &endpoint, lease).await;
                    endpoint = Endpoint::new(&hop.url, self.job);
                    (response, lease) = self.send(&hop, &endpoint).await?;
                }
                _ => return self.receive_answer(response, &endpoint, lease).await,
            }
        }
    }

    /// Sends one request: on an idle connection if there is one, and once more on a new one if that
    /// had gone before the server saw the request.
    async fn send(
        &self,
        hop: &RequestHop,
        endpoint: &Endpoint,
    ) -> Result<(Response<Incoming>, LeasedConn), FetchError> {
        let mut fresh = false;
        loop {
            let mut lease = self.context.pool.lease(endpoint, fresh, self.progress).await?;
            self.progress.set_reused(lease.reused);
            let folder = &self.context.run_context.folder;
            let to = match endpoint.forward_proxy() {
                Some(proxy) => RequestForm::Http1Proxy(proxy),
                None if lease.conn.is_http2() => RequestForm::Http2Origin,
                None => RequestForm::Http1Origin,
            };
            let request = request::build_request(hop, self.job, folder, to).await?;
            match self.send_on(&mut lease.conn, request).await? {
                SendOutcome::Response(response) => return Ok((response, lease)),
                SendOutcome::NotProcessed(_) if lease.reused && !fresh => fresh = true,
                SendOutcome::NotProcessed(fault) | SendOutcome::Failed(fault) => return Err(fault),
            }
        }
    }

    /// Sends one request on a connection, and waits for the head of an answer whose end is certain.
    async fn send_on(
        &self,
        link: &mut HttpConn,
        request: Request<RequestBody>,
    ) -> Result<SendOutcome, FetchError> {
        self.progress.enter(AttemptPhase::Head(link.peer(), link.receive_counter()));
        let started = Instant::now();
        let sent = link.send(request).await;
        self.progress.add_time(|timings| &mut timings.first_byte, started.elapsed());
        if let SendOutcome::Response(response) = &sent {
            reject_ambiguous_length(response)?;
        }
        Ok(sent)
    }

    /// Whether an answer sends the request on.
    pub(crate) fn is_redirect(&self, response: &Response<Incoming>) -> bool {
        self.job.redirects > 0
            && redirect::redirect_location(response.status().as_u16(), response.headers()).is_some()
    }

    /// Sends a request that was prepared, as [`Try::send`] does one that is not: on a connection that was
    /// kept, if there is one.
    pub(crate) async fn send_prepared(
        &self,
        prepared: &[PreparedRequest; 2],
        endpoint: &Endpoint,
        mut kept: Option<LeasedConn>,
    ) -> Result<(Response<Incoming>, LeasedConn), FetchError> {
        let mut fresh = false;
        loop {
            let usable = match kept.take() {
                Some(mut lease) => lease.conn.wait_until_usable().await.then_some(lease),
                None => None,
            };
            let mut lease = match usable {
                Some(lease) => lease,
                None => self.context.pool.lease(endpoint, fresh, self.progress).await?,
            };
            self.progress.set_reused(lease.reused);
            let request = prepared[usize::from(lease.conn.is_http2())].to_request();
            match self.send_on(&mut lease.conn, request).await? {
                SendOutcome::Response(response) => return Ok((response, lease)),
                SendOutcome::NotProcessed(_) if lease.reused && !fresh => fresh = true,
                SendOutcome::NotProcessed(fault) | SendOutcome::Failed(fault) => return Err(fault),
            }
        }
    }

    /// Hears on with all that the library knows, where a bare connection did not understand an answer.
    pub(crate) async fn resend_with_hyper(
        &self,
        bare: FastPathConn,
        prepared: &PreparedRequest,
    ) -> Result<(Response<Incoming>, LeasedConn), FetchError> {
        let mut link = bare.into_hyper().await?;
        match self.send_on(&mut link, prepared.to_request()).await? {
            SendOutcome::Response(response) => {
                Ok((response, LeasedConn { conn: link, reused: self.progress.is_reused() }))
            }
            SendOutcome::NotProcessed(fault) | SendOutcome::Failed(fault) => Err(fault),
        }
    }

    /// Receives an answer of which nothing is wanted but its size and digest; its connection can be used
    /// again.
    pub(crate) async fn receive_plain(
        &self,
        response: Response<Incoming>,
        lease: LeasedConn,
    ) -> Result<(u16, ReceivedBody, HttpConn), FetchError> {
        let status = response.status().as_u16();
        let started = Instant::now();
        let body = BodyReceiver::new(self.job.max_body, None, None);
        let received = body::receive_body(response.into_body(), body, self.progress).await?;
        self.progress.add_time(|timings| &mut timings.body, started.elapsed());
        lease.conn.finish_response();
        Ok((status, received, lease.conn))
    }

    /// The request after a redirect.
    fn redirected_hop(&self, hop: RequestHop, status: u16, location: &str) -> Result<RequestHop, FetchError> {
        let refused = |words: &str| {
            let words = format!("{} -> {location}: {words}", self.progress.url_chain());
            Err(FetchError::permanent(FetchErrorKind::Redirects, words))
        };
        let next = match hop.redirect_to(status, location) {
            Ok(next) => next,
            Err(words) => return refused(&words),
        };
        if self.progress.redirect_count() >= self.job.redirects as usize {
            let round = if self.progress.has_visited(next.url.as_str()) { ", and it goes round" } else { "" };
            return refused(&format!("more than {} redirects{round}", self.job.redirects));
        }
        self.progress.push_url(next.url.as_str().to_owned());
        Ok(next)
    }

    /// Reads a redirect's own body, if it is small, to keep the connection.
    async fn drain(&self, body: Incoming, endpoint: &Endpoint, lease: LeasedConn) {
        if body.size_hint().lower() > MAX_DRAIN_LEN {
            return;
        }
        let unseen = AttemptProgress::default();
        let read = tokio::time::timeout(
            DRAIN_TIMEOUT,
            body::receive_body(body, BodyReceiver::new(MAX_DRAIN_LEN, None, None), &unseen),
        )
        .await;
        if let Ok(Ok(_)) = read {
            self.context.pool.release(endpoint, lease);
        }
    }

    /// Tells the answer's head and receives its body.
    async fn receive_answer(
        &self,
        response: Response<Incoming>,
        endpoint: &Endpoint,
        lease: LeasedConn,
    ) -> Result<AttemptOutcome, FetchError> {
        let status = response.status().as_u16();
        if !self.is_last && is_retryable(status) && !self.job.status.allows(status) {
            self.drain(response.into_body(), endpoint, lease).await;
            return Ok(AttemptOutcome::Retry);
        }
        let (head, body) = response.into_parts();
        let secretive = self.checker.is_some_and(ResponseChecker::captures_secrets);
        // While there may be another try, what is told could become untrue: the head waits for the
        // whole body. Lines cannot wait; once they are told this try is the last. Only where a secret is
        // to be found everything waits for it, since it must not be told.
        let tells = (self.is_last || self.job.log_lines) && !secretive;
        if tells {
            self.emit_head(&head);
        }
        let decoder = if self.job.decode_body { BodyDecoder::for_headers(&head.headers)? } else { None };
        let lines = || self.job.log_lines.then(|| BodyLineWriter::new(self.context, self.source));
        let expected = self.checker.filter(|_| self.job.status.allows(status));
        let mut whole = BodyReceiver::new(self.job.max_body, decoder, if tells { lines() } else { None });
        if secretive || expected.is_some_and(ResponseChecker::needs_body) {
            whole = whole.retaining();
        }
        let started = Instant::now();
        let received = body::receive_body(body, whole, self.progress).await?;
        self.progress.add_time(|timings| &mut timings.body, started.elapsed());
        self.context.pool.release(endpoint, lease);
        // An answer that is not expected has secrets, too.
        let found = self
            .checker
            .map(|judge| judge.evaluate(&received, &head.headers, &self.context.run_context.secrets));
        let found = found.filter(|_| expected.is_some()).unwrap_or_default();
        if secretive && self.job.log_lines {
            self.emit_head(&head);
            if let Some(mut lines) = lines() {
                lines.push(&received.content).await;
                lines.finish().await;
            }
        }
        let head = (!self.progress.has_emitted()).then(|| self.head_input(&head));
        Ok(AttemptOutcome::Complete { status, received, found, head })
    }

    /// Tells an answer's head.
    fn emit_head(&self, head: &Parts) {
        self.progress.set_emitted();
        self.context.inbox.push(self.head_input(head));
    }

    /// An answer's head, fit for the log.
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

/// Whether a status says that another try may do better.
fn is_retryable(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
}

/// Refuses an answer whose end two headers put at two places (RFC 9112, section 6.3: what follows
/// it could be taken for the next answer).
fn reject_ambiguous_length(response: &Response<Incoming>) -> Result<(), FetchError> {
    use hyper::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
    let headers = response.headers();
    if headers.contains_key(CONTENT_LENGTH) && headers.contains_key(TRANSFER_ENCODING) {
        let words = "the answer has both a Content-Length and a Transfer-Encoding: its end is ambiguous";
        return Err(FetchError::permanent(FetchErrorKind::Protocol, words));
    }
    Ok(())
}
