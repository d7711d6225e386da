//! One try: a request, the redirects it is sent on, and the answer at the end of them. Knows no
//! other tries; its time limit is kept by [`crate::io::http::retry`].
//!
//! With `redirects = 0` a redirect is itself the answer; with more, one more than allowed is a failure.

use std::time::{Duration, Instant};

use hyper::body::{Body as _, Incoming};
use hyper::http::response::Parts;
use hyper::{Request, Response, Version};

use crate::io::inbox::Seen;
use scenario_core::scenario::model::{FetchJob, Text};
use scenario_log::event::{FetchFault, Source};

use super::Shared;
use super::request::{self, Prepared, To};
use crate::io::http::conn::connection::{Link, Sent};
use crate::io::http::conn::pool::{Endpoint, Lease};
use crate::io::http::error::Fault;
use crate::io::http::load::fast_path::Bare;
use crate::io::http::request::body::Upload;
use crate::io::http::request::redirect;
use crate::io::http::request::redirect::Hop;
use crate::io::http::response::body;
use crate::io::http::response::body::{Body, Lines, Received};
use crate::io::http::response::check::{Found, Judge};
use crate::io::http::response::decode::Decoder;
use crate::io::http::response::redact;
use crate::io::http::timing::{Phase, Progress};

/// A redirect's own body is read to keep its connection if it is at most this large …
const DRAINED: u64 = 64 << 10;

/// … and comes within this time.
const DRAIN: Duration = Duration::from_millis(500);

/// One try of a request.
pub(crate) struct Try<'a> {
    /// What all requests share.
    pub(crate) shared: &'a Shared,
    /// The request.
    pub(crate) source: Source,
    /// Its job.
    pub(crate) job: &'a FetchJob,
    /// Its URL.
    pub(crate) url: &'a Text,
    /// What the job wants of an answer.
    pub(crate) judge: Option<&'a Judge>,
    /// There is no other try after this one.
    pub(crate) last: bool,
    /// How far it has come.
    pub(crate) progress: &'a Progress,
}

/// How a try ended.
pub(crate) enum Answer {
    /// With an answer; its head, if it has not been told yet.
    Whole {
        /// The status of the last answer.
        status: u16,
        /// Its body.
        received: Received,
        /// What the job wants, looked for in it.
        found: Found,
        /// To be left in the inbox first.
        head: Option<Seen>,
    },
    /// With a status that asks for another try; nothing was told.
    Again,
}

impl Try<'_> {
    /// Runs to the end of the answer.
    pub(crate) async fn run(&self) -> Result<Answer, Fault> {
        self.progress.at(self.url.shown().to_owned());
        let hop = request::first(self.job, self.url)?;
        let endpoint = Endpoint::new(&hop.url, self.job);
        let (response, lease) = self.send(&hop, &endpoint).await?;
        self.go_on(hop, endpoint, response, lease).await
    }

    /// Goes on behind the answer to the first request, which is a redirect.
    pub(crate) async fn follow(
        &self,
        hop: Hop,
        endpoint: Endpoint,
        response: Response<Incoming>,
        lease: Lease,
    ) -> Result<Answer, Fault> {
        self.progress.at(self.url.shown().to_owned());
        self.go_on(hop, endpoint, response, lease).await
    }

    /// Follows redirects up to the end of an answer that is none.
    async fn go_on(
        &self,
        mut hop: Hop,
        mut endpoint: Endpoint,
        mut response: Response<Incoming>,
        mut lease: Lease,
    ) -> Result<Answer, Fault> {
        loop {
            let status = response.status().as_u16();
            match redirect::location(status, response.headers()) {
                Some(location) if self.job.redirects > 0 => {
                    hop = self.redirect(hop, status, &location)?;
                    self.drain(response.into_body(), &endpoint, lease).await;
                    endpoint = Endpoint::new(&hop.url, self.job);
                    (response, lease) = self.send(&hop, &endpoint).await?;
                }
                _ => return self.answer(response, &endpoint, lease).await,
            }
        }
    }

    /// Sends one request: on an idle connection if there is one, and once more on a new one if that
    /// had gone before the server saw the request.
    async fn send(&self, hop: &Hop, endpoint: &Endpoint) -> Result<(Response<Incoming>, Lease), Fault> {
        let mut fresh = false;
        loop {
            let mut lease = self.shared.pool.lease(endpoint, fresh, self.progress).await?;
            self.progress.on(lease.reused);
            let folder = &self.shared.context.folder;
            let to = match endpoint.forwarder() {
                Some(proxy) => To::Proxy(proxy),
                None if lease.link.is_http2() => To::Server2,
                None => To::Server,
            };
            let request = request::build(hop, self.job, folder, to).await?;
            match self.ask(&mut lease.link, request).await? {
                Sent::Answered(response) => return Ok((response, lease)),
                Sent::Unseen(_) if lease.reused && !fresh => fresh = true,
                Sent::Unseen(fault) | Sent::Failed(fault) => return Err(fault),
            }
        }
    }

    /// Sends one request on a connection, and waits for the head of an answer whose end is certain.
    async fn ask(&self, link: &mut Link, request: Request<Upload>) -> Result<Sent, Fault> {
        self.progress.enter(Phase::Head(link.peer(), link.received()));
        let started = Instant::now();
        let sent = link.send(request).await;
        self.progress.took(|timings| &mut timings.first_byte, started.elapsed());
        if let Sent::Answered(response) = &sent {
            unambiguous(response)?;
        }
        Ok(sent)
    }

    /// Whether an answer sends the request on.
    pub(crate) fn is_redirect(&self, response: &Response<Incoming>) -> bool {
        self.job.redirects > 0 && redirect::location(response.status().as_u16(), response.headers()).is_some()
    }

    /// Sends a request that was prepared, as [`Try::send`] does one that is not: on a connection that was
    /// kept, if there is one.
    pub(crate) async fn send_prepared(
        &self,
        prepared: &[Prepared; 2],
        endpoint: &Endpoint,
        mut kept: Option<Lease>,
    ) -> Result<(Response<Incoming>, Lease), Fault> {
        let mut fresh = false;
        loop {
            let usable = match kept.take() {
                Some(mut lease) => lease.link.is_usable().await.then_some(lease),
                None => None,
            };
            let mut lease = match usable {
                Some(lease) => lease,
                None => self.shared.pool.lease(endpoint, fresh, self.progress).await?,
            };
            self.progress.on(lease.reused);
            let request = prepared[usize::from(lease.link.is_http2())].request();
            match self.ask(&mut lease.link, request).await? {
                Sent::Answered(response) => return Ok((response, lease)),
                Sent::Unseen(_) if lease.reused && !fresh => fresh = true,
                Sent::Unseen(fault) | Sent::Failed(fault) => return Err(fault),
            }
        }
    }

    /// Hears on with all that the library knows, where a bare connection did not understand an answer.
    pub(crate) async fn hear_on(
        &self,
        bare: Bare,
        prepared: &Prepared,
    ) -> Result<(Response<Incoming>, Lease), Fault> {
        let mut link = bare.resigned().await?;
        match self.ask(&mut link, prepared.request()).await? {
            Sent::Answered(response) => Ok((response, Lease { link, reused: self.progress.reused() })),
            Sent::Unseen(fault) | Sent::Failed(fault) => Err(fault),
        }
    }

    /// Receives an answer of which nothing is wanted but its size and digest; its connection can be used
    /// again.
    pub(crate) async fn receive_plain(
        &self,
        response: Response<Incoming>,
        lease: Lease,
    ) -> Result<(u16, Received, Link), Fault> {
        let status = response.status().as_u16();
        let started = Instant::now();
        let body = Body::new(self.job.max_body, None, None);
        let received = body::receive(response.into_body(), body, self.progress).await?;
        self.progress.took(|timings| &mut timings.body, started.elapsed());
        lease.link.rest();
        Ok((status, received, lease.link))
    }

    /// The request after a redirect.
    fn redirect(&self, hop: Hop, status: u16, location: &str) -> Result<Hop, Fault> {
        let refused = |words: &str| {
            let words = format!("{} -> {location}: {words}", self.progress.chain());
            Err(Fault::lasting(FetchFault::Redirects, words))
        };
        let next = match hop.redirected(status, location) {
            Ok(next) => next,
            Err(words) => return refused(&words),
        };
        if self.progress.followed() >= self.job.redirects as usize {
            let round = if self.progress.was_at(next.url.as_str()) { ", and it goes round" } else { "" };
            return refused(&format!("more than {} redirects{round}", self.job.redirects));
        }
        self.progress.at(next.url.as_str().to_owned());
        Ok(next)
    }

    /// Reads a redirect's own body, if it is small, to keep the connection.
    async fn drain(&self, body: Incoming, endpoint: &Endpoint, lease: Lease) {
        if body.size_hint().lower() > DRAINED {
            return;
        }
        let unseen = Progress::default();
        let read =
            tokio::time::timeout(DRAIN, body::receive(body, Body::new(DRAINED, None, None), &unseen)).await;
        if let Ok(Ok(_)) = read {
            self.shared.pool.give_back(endpoint, lease);
        }
    }

    /// Tells the answer's head and receives its body.
    async fn answer(
        &self,
        response: Response<Incoming>,
        endpoint: &Endpoint,
        lease: Lease,
    ) -> Result<Answer, Fault> {
        let status = response.status().as_u16();
        if !self.last && asks_again(status) && !self.job.status.allows(status) {
            self.drain(response.into_body(), endpoint, lease).await;
            return Ok(Answer::Again);
        }
        let (head, body) = response.into_parts();
        let secretive = self.judge.is_some_and(Judge::finds_secrets);
        // While there may be another try, what is told could become untrue: the head waits for the
        // whole body. Lines cannot wait; once they are told this try is the last. Only where a secret is
        // to be found everything waits for it, since it must not be told.
        let tells = (self.last || self.job.lines) && !secretive;
        if tells {
            self.tell(&head);
        }
        let decoder = if self.job.decode { Decoder::of(&head.headers)? } else { None };
        let lines = || self.job.lines.then(|| Lines::new(self.shared, self.source));
        let expected = self.judge.filter(|_| self.job.status.allows(status));
        let mut whole = Body::new(self.job.max_body, decoder, if tells { lines() } else { None });
        if secretive || expected.is_some_and(Judge::reads_body) {
            whole = whole.kept();
        }
        let started = Instant::now();
        let received = body::receive(body, whole, self.progress).await?;
        self.progress.took(|timings| &mut timings.body, started.elapsed());
        self.shared.pool.give_back(endpoint, lease);
        // An answer that is not expected has secrets, too.
        let found =
            self.judge.map(|judge| judge.look(&received, &head.headers, &self.shared.context.secrets));
        let found = found.filter(|_| expected.is_some()).unwrap_or_default();
        if secretive && self.job.lines {
            self.tell(&head);
            if let Some(mut lines) = lines() {
                lines.push(&received.kept).await;
                lines.finish().await;
            }
        }
        let head = (!self.progress.told()).then(|| self.head(&head));
        Ok(Answer::Whole { status, received, found, head })
    }

    /// Tells an answer's head.
    fn tell(&self, head: &Parts) {
        self.progress.tell();
        self.shared.inbox.put(self.head(head));
    }

    /// An answer's head, fit for the log.
    fn head(&self, head: &Parts) -> Seen {
        Seen::Responded {
            source: self.source,
            status: head.status.as_u16(),
            version: match head.version {
                Version::HTTP_10 => "HTTP/1.0",
                Version::HTTP_2 => "HTTP/2",
                _ => "HTTP/1.1",
            },
            headers: redact::headers(&head.headers, &self.shared.context.secrets),
        }
    }
}

/// Whether a status says that another try may do better.
fn asks_again(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
}

/// Refuses an answer whose end two headers put at two places (RFC 9112, section 6.3: what follows
/// it could be taken for the next answer).
fn unambiguous(response: &Response<Incoming>) -> Result<(), Fault> {
    use hyper::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
    let headers = response.headers();
    if headers.contains_key(CONTENT_LENGTH) && headers.contains_key(TRANSFER_ENCODING) {
        let words = "the answer has both a Content-Length and a Transfer-Encoding: its end is ambiguous";
        return Err(Fault::lasting(FetchFault::Protocol, words));
    }
    Ok(())
}
