//! The lane of a load: its requests in the least time. Each is handed to a worker that keeps its
//! connection, and is made of parts that were prepared once; the worker that was used last comes
//! first, and where none is idle there is a new one.
//!
//! What a lane does not do itself (follow a redirect) goes the way of all other requests. A fetch that
//! is tried again, decoded, judged, or filled with captured values has no lane ([`Lane::of`]).

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use hyper::body::Incoming;
use hyper::{Method, Response};
use tokio::task::AbortHandle;

use crate::io::inbox::Seen;
use scenario_core::scenario::model::{Body as Payload, FetchJob, Text};
use scenario_log::event::{Fetched, Source};
use scenario_log::time::Span;

use super::deadlines::{Deadline, Deadlines};
use crate::io::http::attempt::{Answer, Try};
use crate::io::http::conn::connection::Link;
use crate::io::http::conn::pool::{Endpoint, IDLE, Lease, Line};
use crate::io::http::error::Fault;
use crate::io::http::load::fast_path::{Bare, Heard, Scratch, Whole};
use crate::io::http::request;
use crate::io::http::request::redirect::Hop;
use crate::io::http::request::{Prepared, To};
use crate::io::http::response::body;
use crate::io::http::timing::Progress;
use crate::io::http::{InFlight, Shared, given_up, retry};

/// The lanes of a run, by fetch; `None` where there can be none. Only ever looked up.
pub(crate) type Lanes = HashMap<usize, Option<Rc<Lane>>>;

/// The workers of one load.
pub(crate) struct Lane {
    shared: Rc<Shared>,
    in_flight: Rc<InFlight>,
    job: usize,
    /// One for each URL.
    routes: Vec<Route>,
    /// By endpoint, the last used last.
    idle: RefCell<Vec<Vec<Rc<Worker>>>>,
    is_swept: Cell<bool>,
    scratch: Scratch,
    deadlines: Rc<Deadlines>,
}

/// What is known beforehand of the requests to one URL.
struct Route {
    hop: Hop,
    endpoint: Endpoint,
    /// The first URL with the same endpoint.
    group: usize,
    /// The request as HTTP/1.1 and as HTTP/2 have it.
    prepared: [Prepared; 2],
    /// The request as bytes, where they can be sent as they are.
    bytes: Vec<u8>,
    manner: Cell<Manner>,
}

/// How the requests of a route go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// On bare connections.
    Bare,
    /// By the library, until it is known that the server speaks HTTP/1.1.
    Unknown,
    /// By the library.
    Library,
}

/// The connection of an idle worker.
enum Kept {
    Bare(Bare),
    Link(Link),
}

/// One request to be sent.
#[derive(Clone, Copy)]
struct Work {
    source: Source,
    url: usize,
    started: Instant,
}

/// Where a worker is handed its requests.
struct Worker {
    work: Cell<Option<Work>>,
    waker: RefCell<Option<Waker>>,
    /// Its connection, while it is idle, and since when.
    kept: RefCell<Option<(Kept, Instant)>>,
    task: RefCell<Option<AbortHandle>>,
    deadline: Rc<Deadline>,
}

impl Lane {
    /// The lane of a fetch, if it can have one.
    pub(crate) fn of(shared: &Rc<Shared>, in_flight: &Rc<InFlight>, job: usize) -> Option<Rc<Lane>> {
        let fetch = &shared.context.scenario.fetches[job];
        if !is_plain(fetch) {
            return None;
        }
        let mut routes: Vec<Route> = Vec::with_capacity(fetch.urls.len());
        for (n, url) in fetch.urls.iter().enumerate() {
            let hop = request::first(fetch, url).ok()?;
            let endpoint = Endpoint::new(&hop.url, fetch);
            let first = endpoint.forwarder().map_or(To::Server, To::Proxy);
            let prepare = |to| Prepared::new(&hop, fetch, to).ok();
            let prepared = [prepare(first)?, prepare(To::Server2)?];
            let group = routes.iter().position(|route| route.endpoint == endpoint).unwrap_or(n);
            let manner = match endpoint.may_be_bare().filter(|_| hop.method != Method::HEAD) {
                Some(true) => Manner::Bare,
                Some(false) => Manner::Unknown,
                None => Manner::Library,
            };
            let bytes = prepared[0].bytes();
            routes.push(Route { hop, endpoint, group, prepared, bytes, manner: Cell::new(manner) });
        }
        Some(Rc::new(Lane {
            shared: Rc::clone(shared),
            in_flight: Rc::clone(in_flight),
            job,
            idle: RefCell::new(routes.iter().map(|_| Vec::new()).collect()),
            routes,
            is_swept: Cell::new(false),
            scratch: Scratch::default(),
            deadlines: Deadlines::new(&shared.inbox, fetch.timeout.to_std()),
        }))
    }

    /// Sends a request.
    pub(crate) fn start(self: &Rc<Lane>, source: Source, url: usize, started: Instant) {
        let idle = self.idle.borrow_mut()[self.routes[url].group].pop();
        let worker = idle.unwrap_or_else(|| self.hire());
        self.in_flight.borrow_mut().insert(source, (started, worker.task.borrow().clone()));
        worker.work.set(Some(Work { source, url, started }));
        if let Some(waker) = worker.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    /// A new worker.
    fn hire(self: &Rc<Lane>) -> Rc<Worker> {
        let worker = Rc::new(Worker::new(self.deadlines.add()));
        let (lane, own) = (Rc::clone(self), Rc::clone(&worker));
        let task = tokio::task::spawn_local(async move {
            loop {
                let work = own.next().await;
                let account = Account { lane: &lane, work };
                let outcome = lane.fetch(&own, work).await;
                account.close(outcome, &own);
            }
        });
        *worker.task.borrow_mut() = Some(task.abort_handle());
        worker
    }

    /// Fetches once; what comes back is the request's account.
    async fn fetch(&self, worker: &Worker, work: Work) -> Seen {
        let job = self.fetch_job();
        let progress = Progress::default();
        let this = Try {
            shared: &self.shared,
            source: work.source,
            job,
            url: &job.urls[work.url],
            judge: None,
            last: true,
            progress: &progress,
        };
        let now = Instant::now();
        let answer = self.answer(&this, &self.routes[work.url], (worker, now));
        let outcome = self.deadlines.limit(&worker.deadline, now, answer).await;
        match outcome.unwrap_or_else(|| Err(progress.timed_out(job.timeout))) {
            Ok(Received { status, bytes, sha256, at }) => {
                let fetched = Fetched {
                    status,
                    bytes,
                    sha256,
                    took: Span::from_std(at.saturating_duration_since(work.started)),
                    timings: progress.timings(),
                    reused: Some(progress.reused()),
                    check: None,
                    captured: Vec::new(),
                };
                Seen::Fetched { source: work.source, fetched: Box::new(fetched) }
            }
            Err(fault) => retry::failed(&self.shared, work.source, (&fault, &progress, 1), work.started),
        }
    }

    /// Sends the request, on the worker's connection if it has one, and receives the whole answer. What
    /// is rare stands in boxes, since all of this is moved before it begins.
    async fn answer(
        &self,
        this: &Try<'_>,
        route: &Route,
        (worker, now): (&Worker, Instant),
    ) -> Result<Received, Fault> {
        let kept = worker.kept.borrow_mut().take();
        let is_fresh = |since: &Instant| now.saturating_duration_since(*since) < IDLE;
        let kept = kept.filter(|(_, since)| is_fresh(since)).map(|(kept, _)| kept);
        if route.manner.get() != Manner::Bare {
            let kept = match kept {
                Some(Kept::Link(link)) => Some(Lease { link, reused: true }),
                Some(Kept::Bare(_)) | None => None,
            };
            return Box::pin(self.answer_by_library(this, route, kept, worker)).await;
        }
        match self.answer_bare(this, route, kept, (worker, now)).await? {
            Bared::Whole(received) => Ok(received),
            Bared::Other(answer) => Box::pin(self.receive(this, route, *answer, worker)).await,
            Bared::Not(lease) => Box::pin(self.answer_by_library(this, route, Some(*lease), worker)).await,
        }
    }

    /// The same by all that the library knows.
    async fn answer_by_library(
        &self,
        this: &Try<'_>,
        route: &Route,
        kept: Option<Lease>,
        worker: &Worker,
    ) -> Result<Received, Fault> {
        let answer = this.send_prepared(&route.prepared, &route.endpoint, kept).await?;
        if route.manner.get() == Manner::Unknown {
            route.manner.set(if answer.1.link.is_http2() { Manner::Library } else { Manner::Bare });
        }
        self.receive(this, route, answer, worker).await
    }

    /// Receives an answer, or that to which it leads.
    async fn receive(
        &self,
        this: &Try<'_>,
        route: &Route,
        (response, lease): (Response<Incoming>, Lease),
        worker: &Worker,
    ) -> Result<Received, Fault> {
        if this.is_redirect(&response) {
            let followed = this.follow(route.hop.clone(), route.endpoint.clone(), response, lease).await?;
            return match followed {
                Answer::Whole { status, received, .. } => Ok(Received::new(status, &received)),
                // Not the last try: there is no other.
                Answer::Again => Err(this.progress.timed_out(this.job.timeout)),
            };
        }
        let (status, received, link) = this.receive_plain(response, lease).await?;
        let received = Received::new(status, &received);
        // A shared one is the pool's, which counts who shares it.
        if route.endpoint.keeps(&link) {
            worker.keep(Kept::Link(link), received.at);
        }
        Ok(received)
    }

    /// The same on a bare connection.
    async fn answer_bare(
        &self,
        this: &Try<'_>,
        route: &Route,
        kept: Option<Kept>,
        (worker, now): (&Worker, Instant),
    ) -> Result<Bared, Fault> {
        let kept = match kept {
            Some(Kept::Bare(mut bare)) => bare.is_open().then_some(bare),
            Some(Kept::Link(_)) | None => None,
        };
        let (mut bare, now) = match kept {
            Some(bare) => {
                this.progress.on(true);
                (bare, now)
            }
            None => {
                let Line { stream, http2, peer } =
                    Box::pin(self.shared.pool.connect(&route.endpoint, this.progress)).await?;
                this.progress.on(false);
                if http2 {
                    route.manner.set(Manner::Library);
                    let link = Box::pin(Line { stream, http2, peer }.speak()).await?;
                    return Ok(Bared::Not(Box::new(Lease { link, reused: false })));
                }
                (Bare::new(stream, peer), Instant::now())
            }
        };
        match bare.ask((&route.bytes, now), this.job.max_body, &self.scratch, this.progress).await {
            Heard::Whole(Whole { status, bytes, sha256, keeps }, at) => {
                if keeps {
                    worker.keep(Kept::Bare(bare), at);
                }
                Ok(Bared::Whole(Received { status, bytes, sha256, at }))
            }
            Heard::Other { is_answer } => {
                if is_answer {
                    route.manner.set(Manner::Library);
                }
                let heard = Box::pin(this.hear_on(bare, &route.prepared[0])).await?;
                Ok(Bared::Other(Box::new(heard)))
            }
        }
    }

    fn fetch_job(&self) -> &FetchJob {
        &self.shared.context.scenario.fetches[self.job]
    }

    /// Sees to it that the connections of idle workers are closed in time.
    fn sweep(self: &Rc<Lane>) {
        if self.is_swept.replace(true) {
            return;
        }
        let lane: Weak<Lane> = Rc::downgrade(self);
        tokio::task::spawn_local(async move {
            loop {
                tokio::time::sleep(IDLE / 4).await;
                let Some(lane) = lane.upgrade() else { return };
                for worker in lane.idle.borrow().iter().flatten() {
                    let mut kept = worker.kept.borrow_mut();
                    if kept.as_ref().is_some_and(|(_, since)| since.elapsed() >= IDLE) {
                        *kept = None;
                    }
                }
            }
        });
    }
}

/// Whether nothing is to be done to a fetch's requests and answers but to send and receive them.
fn is_plain(fetch: &FetchJob) -> bool {
    let wants = fetch.urls.iter().chain(fetch.headers.iter().map(|(_, value)| value)).flat_map(Text::wanted);
    fetch.load.is_some()
        && fetch.retries == 0
        && !fetch.decode
        && fetch.check.is_none()
        && fetch.capture.is_empty()
        && fetch.auth.is_none()
        && fetch
            .body
            .as_ref()
            .is_none_or(|body| matches!(body, Payload::Text(text) if text.wanted().next().is_none()))
        && wants.count() == 0
        && fetch.timeout.to_std() > Duration::ZERO
}

/// A whole answer, and when it was there.
struct Received {
    status: u16,
    bytes: u64,
    sha256: [u8; 32],
    at: Instant,
}

impl Received {
    /// One that is there now.
    fn new(status: u16, body: &body::Received) -> Received {
        Received { status, bytes: body.bytes, sha256: body.sha256, at: Instant::now() }
    }
}

/// What came on a bare connection.
enum Bared {
    Whole(Received),
    Other(Box<(Response<Incoming>, Lease)>),
    /// Nothing yet: a new connection turned out to be for HTTP/2.
    Not(Box<Lease>),
}

impl Worker {
    fn new(deadline: Rc<Deadline>) -> Worker {
        Worker {
            work: Cell::default(),
            waker: RefCell::default(),
            kept: RefCell::default(),
            task: RefCell::default(),
            deadline,
        }
    }

    /// Keeps a connection, idle from now on, for the next request.
    fn keep(&self, kept: Kept, now: Instant) {
        *self.kept.borrow_mut() = Some((kept, now));
    }

    /// Waits for a request.
    async fn next(&self) -> Work {
        std::future::poll_fn(|context| match self.work.take() {
            Some(work) => Poll::Ready(work),
            None => {
                *self.waker.borrow_mut() = Some(context.waker().clone());
                Poll::Pending
            }
        })
        .await
    }
}

/// The promise that a request is accounted for exactly once, however its worker ends.
struct Account<'a> {
    lane: &'a Rc<Lane>,
    work: Work,
}

impl Account<'_> {
    /// Accounts for the request with `outcome`; the worker is idle.
    fn close(self, outcome: Seen, worker: &Rc<Worker>) {
        if self.lane.in_flight.borrow_mut().remove(&self.work.source).is_some() {
            self.lane.shared.inbox.put(outcome);
        }
        let group = self.lane.routes[self.work.url].group;
        self.lane.idle.borrow_mut()[group].push(Rc::clone(worker));
        self.lane.sweep();
    }
}

impl Drop for Account<'_> {
    fn drop(&mut self) {
        let Work { source, started, .. } = self.work;
        if self.lane.in_flight.borrow_mut().remove(&source).is_some() {
            self.lane.shared.inbox.put(given_up(source, started));
        }
    }
}
