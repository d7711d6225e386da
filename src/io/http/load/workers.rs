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

use crate::io::inbox::Input;
use scenario_core::scenario::model::{FetchBody as Payload, FetchJob, ScenarioText};
use scenario_log::event::{FetchedResponse, Source};
use scenario_log::time::Span;

use super::deadlines::{LoadDeadlines, RequestDeadline};
use crate::io::http::attempt::{AttemptOutcome, FetchAttempt};
use crate::io::http::conn::connection::HttpConn;
use crate::io::http::conn::pool::{Endpoint, IDLE_TIMEOUT, LeasedConn, RawConn};
use crate::io::http::error::FetchError;
use crate::io::http::load::fast_path::{FastPathConn, FastPathOutcome, FastPathResponse, LoadScratch};
use crate::io::http::request;
use crate::io::http::request::redirect::RequestHop;
use crate::io::http::request::{PreparedRequest, RequestForm};
use crate::io::http::response::body;
use crate::io::http::timing::AttemptProgress;
use crate::io::http::{FetchContext, InFlightRequests, aborted_input, retry};

/// The lanes of a run, by fetch; `None` where there can be none. Only ever looked up.
pub(crate) type LoadWorkersByJob = HashMap<usize, Option<Rc<LoadWorkers>>>;

/// The workers of one load.
pub(crate) struct LoadWorkers {
    context: Rc<FetchContext>,
    in_flight: Rc<InFlightRequests>,
    job_index: usize,
    /// One for each URL.
    targets: Vec<LoadTarget>,
    /// By endpoint, the last used last.
    idle_workers: RefCell<Vec<Vec<Rc<LoadWorker>>>>,
    has_sweeper: Cell<bool>,
    scratch: LoadScratch,
    deadlines: Rc<LoadDeadlines>,
}

/// What is known beforehand of the requests to one URL.
struct LoadTarget {
    hop: RequestHop,
    endpoint: Endpoint,
    /// The first URL with the same endpoint.
    endpoint_index: usize,
    /// The request as HTTP/1.1 and as HTTP/2 have it.
    prepared: [PreparedRequest; 2],
    /// The request as bytes, where they can be sent as they are.
    raw_request: Vec<u8>,
    protocol: Cell<LoadProtocol>,
}

/// How the requests of a route go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LoadProtocol {
    /// On bare connections.
    FastPath,
    /// By the library, until it is known that the server speaks HTTP/1.1.
    Unknown,
    /// By the library.
    Hyper,
}

/// The connection of an idle worker.
enum IdleLoadConn {
    FastPath(FastPathConn),
    Hyper(HttpConn),
}

/// One request to be sent.
#[derive(Clone, Copy)]
struct WorkerRequest {
    source: Source,
    url_index: usize,
    started: Instant,
}

/// Where a worker is handed its requests.
struct LoadWorker {
    pending_request: Cell<Option<WorkerRequest>>,
    waker: RefCell<Option<Waker>>,
    /// Its connection, while it is idle, and since when.
    idle_conn: RefCell<Option<(IdleLoadConn, Instant)>>,
    task: RefCell<Option<AbortHandle>>,
    deadline: Rc<RequestDeadline>,
}

impl LoadWorkers {
    /// The lane of a fetch, if it can have one.
    pub(crate) fn for_job(
        shared: &Rc<FetchContext>,
        in_flight: &Rc<InFlightRequests>,
        job: usize,
    ) -> Option<Rc<LoadWorkers>> {
        let fetch = &shared.run_context.scenario.fetches[job];
        if !is_plain_load(fetch) {
            return None;
        }
        let mut routes: Vec<LoadTarget> = Vec::with_capacity(fetch.urls.len());
        for (n, url) in fetch.urls.iter().enumerate() {
            let hop = request::first_hop(fetch, url).ok()?;
            let endpoint = Endpoint::new(&hop.url, fetch);
            let first = endpoint.forward_proxy().map_or(RequestForm::Http1Origin, RequestForm::Http1Proxy);
            let prepare = |to| PreparedRequest::new(&hop, fetch, to).ok();
            let prepared = [prepare(first)?, prepare(RequestForm::Http2Origin)?];
            let group = routes.iter().position(|route| route.endpoint == endpoint).unwrap_or(n);
            let manner = match endpoint.fast_path_support().filter(|_| hop.method != Method::HEAD) {
                Some(true) => LoadProtocol::FastPath,
                Some(false) => LoadProtocol::Unknown,
                None => LoadProtocol::Hyper,
            };
            let bytes = prepared[0].encode_http1();
            routes.push(LoadTarget {
                hop,
                endpoint,
                endpoint_index: group,
                prepared,
                raw_request: bytes,
                protocol: Cell::new(manner),
            });
        }
        Some(Rc::new(LoadWorkers {
            context: Rc::clone(shared),
            in_flight: Rc::clone(in_flight),
            job_index: job,
            idle_workers: RefCell::new(routes.iter().map(|_| Vec::new()).collect()),
            targets: routes,
            has_sweeper: Cell::new(false),
            scratch: LoadScratch::default(),
            deadlines: LoadDeadlines::new(&shared.inbox, fetch.timeout.to_std()),
        }))
    }

    /// Sends a request.
    pub(crate) fn start(self: &Rc<LoadWorkers>, source: Source, url: usize, started: Instant) {
        let idle = self.idle_workers.borrow_mut()[self.targets[url].endpoint_index].pop();
        let worker = idle.unwrap_or_else(|| self.spawn_worker());
        self.in_flight.borrow_mut().insert(source, (started, worker.task.borrow().clone()));
        worker.pending_request.set(Some(WorkerRequest { source, url_index: url, started }));
        if let Some(waker) = worker.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    /// A new worker.
    fn spawn_worker(self: &Rc<LoadWorkers>) -> Rc<LoadWorker> {
        let worker = Rc::new(LoadWorker::new(self.deadlines.add()));
        let (lane, own) = (Rc::clone(self), Rc::clone(&worker));
        let task = tokio::task::spawn_local(async move {
            loop {
                let work = own.next_request().await;
                let account = LoadCompletion { workers: &lane, request: work };
                let outcome = lane.run_request(&own, work).await;
                account.complete(outcome, &own);
            }
        });
        *worker.task.borrow_mut() = Some(task.abort_handle());
        worker
    }

    /// Fetches once; what comes back is the request's account.
    async fn run_request(&self, worker: &LoadWorker, work: WorkerRequest) -> Input {
        let job = self.fetch_job();
        let progress = AttemptProgress::default();
        let this = FetchAttempt {
            context: &self.context,
            source: work.source,
            job,
            url: &job.urls[work.url_index],
            checker: None,
            is_last: true,
            progress: &progress,
        };
        let now = Instant::now();
        let answer = self.exchange(&this, &self.targets[work.url_index], (worker, now));
        let outcome = self.deadlines.run_until_deadline(&worker.deadline, now, answer).await;
        match outcome.unwrap_or_else(|| Err(progress.timeout_error(job.timeout))) {
            Ok(LoadResponse { status, bytes, sha256, received_at: at }) => {
                let fetched = FetchedResponse {
                    status,
                    bytes,
                    sha256,
                    took: Span::from_std(at.saturating_duration_since(work.started)),
                    timings: progress.timings(),
                    reused: Some(progress.is_reused()),
                    check: None,
                    captured: Vec::new(),
                };
                Input::FetchFinished { source: work.source, fetched: Box::new(fetched) }
            }
            Err(fault) => {
                retry::failed_input(&self.context, work.source, (&fault, &progress, 1), work.started)
            }
        }
    }

    /// Sends the request, on the worker's connection if it has one, and receives the whole answer. What
    /// is rare stands in boxes, since all of this is moved before it begins.
    async fn exchange(
        &self,
        this: &FetchAttempt<'_>,
        route: &LoadTarget,
        (worker, now): (&LoadWorker, Instant),
    ) -> Result<LoadResponse, FetchError> {
        let kept = worker.idle_conn.borrow_mut().take();
        let is_fresh = |since: &Instant| now.saturating_duration_since(*since) < IDLE_TIMEOUT;
        let kept = kept.filter(|(_, since)| is_fresh(since)).map(|(kept, _)| kept);
        if route.protocol.get() != LoadProtocol::FastPath {
            let kept = match kept {
                Some(IdleLoadConn::Hyper(link)) => Some(LeasedConn { conn: link, reused: true }),
                Some(IdleLoadConn::FastPath(_)) | None => None,
            };
            return Box::pin(self.exchange_by_hyper(this, route, kept, worker)).await;
        }
        match self.exchange_by_fast_path(this, route, kept, (worker, now)).await? {
            FastPathAttempt::Complete(received) => Ok(received),
            FastPathAttempt::AnsweredByHyper(answer) => {
                Box::pin(self.receive_or_follow(this, route, *answer, worker)).await
            }
            FastPathAttempt::Http2Instead(lease) => {
                Box::pin(self.exchange_by_hyper(this, route, Some(*lease), worker)).await
            }
        }
    }

    /// The same by all that the library knows.
    async fn exchange_by_hyper(
        &self,
        this: &FetchAttempt<'_>,
        route: &LoadTarget,
        kept: Option<LeasedConn>,
        worker: &LoadWorker,
    ) -> Result<LoadResponse, FetchError> {
        let answer = this.send_prepared(&route.prepared, &route.endpoint, kept).await?;
        if route.protocol.get() == LoadProtocol::Unknown {
            route.protocol.set(if answer.1.conn.is_http2() {
                LoadProtocol::Hyper
            } else {
                LoadProtocol::FastPath
            });
        }
        self.receive_or_follow(this, route, answer, worker).await
    }

    /// Receives an answer, or that to which it leads.
    async fn receive_or_follow(
        &self,
        this: &FetchAttempt<'_>,
        route: &LoadTarget,
        (response, lease): (Response<Incoming>, LeasedConn),
        worker: &LoadWorker,
    ) -> Result<LoadResponse, FetchError> {
        if this.is_redirect(&response) {
            let followed =
                this.run_from_redirect(route.hop.clone(), route.endpoint.clone(), response, lease).await?;
            return match followed {
                AttemptOutcome::Complete { status, received, .. } => Ok(LoadResponse::new(status, &received)),
                // Not the last try: there is no other.
                AttemptOutcome::Retry => Err(this.progress.timeout_error(this.job.timeout)),
            };
        }
        let (status, received, link) = this.receive_plain(response, lease).await?;
        let received = LoadResponse::new(status, &received);
        // A shared one is the pool's, which counts who shares it.
        if route.endpoint.is_conn_exclusive(&link) {
            worker.store_idle_conn(IdleLoadConn::Hyper(link), received.received_at);
        }
        Ok(received)
    }

    /// The same on a bare connection.
    async fn exchange_by_fast_path(
        &self,
        this: &FetchAttempt<'_>,
        route: &LoadTarget,
        kept: Option<IdleLoadConn>,
        (worker, now): (&LoadWorker, Instant),
    ) -> Result<FastPathAttempt, FetchError> {
        let kept = match kept {
            Some(IdleLoadConn::FastPath(mut bare)) => bare.is_open().then_some(bare),
            Some(IdleLoadConn::Hyper(_)) | None => None,
        };
        let (mut bare, now) = match kept {
            Some(bare) => {
                this.progress.set_reused(true);
                (bare, now)
            }
            None => {
                let RawConn { stream, is_http2: http2, peer } =
                    Box::pin(self.context.pool.connect(&route.endpoint, this.progress)).await?;
                this.progress.set_reused(false);
                if http2 {
                    route.protocol.set(LoadProtocol::Hyper);
                    let link = Box::pin(RawConn { stream, is_http2: http2, peer }.start_http()).await?;
                    return Ok(FastPathAttempt::Http2Instead(Box::new(LeasedConn {
                        conn: link,
                        reused: false,
                    })));
                }
                (FastPathConn::new(stream, peer), Instant::now())
            }
        };
        match bare.exchange((&route.raw_request, now), this.job.max_body, &self.scratch, this.progress).await
        {
            FastPathOutcome::Complete(FastPathResponse { status, bytes, sha256, keep_alive: keeps }, at) => {
                if keeps {
                    worker.store_idle_conn(IdleLoadConn::FastPath(bare), at);
                }
                Ok(FastPathAttempt::Complete(LoadResponse { status, bytes, sha256, received_at: at }))
            }
            FastPathOutcome::NeedsHyper { is_answer } => {
                if is_answer {
                    route.protocol.set(LoadProtocol::Hyper);
                }
                let heard = Box::pin(this.resend_with_hyper(bare, &route.prepared[0])).await?;
                Ok(FastPathAttempt::AnsweredByHyper(Box::new(heard)))
            }
        }
    }

    fn fetch_job(&self) -> &FetchJob {
        &self.context.run_context.scenario.fetches[self.job_index]
    }

    /// Sees to it that the connections of idle workers are closed in time.
    fn start_sweeper(self: &Rc<LoadWorkers>) {
        if self.has_sweeper.replace(true) {
            return;
        }
        let lane: Weak<LoadWorkers> = Rc::downgrade(self);
        tokio::task::spawn_local(async move {
            loop {
                tokio::time::sleep(IDLE_TIMEOUT / 4).await;
                let Some(lane) = lane.upgrade() else { return };
                for worker in lane.idle_workers.borrow().iter().flatten() {
                    let mut kept = worker.idle_conn.borrow_mut();
                    if kept.as_ref().is_some_and(|(_, since)| since.elapsed() >= IDLE_TIMEOUT) {
                        *kept = None;
                    }
                }
            }
        });
    }
}

/// Whether nothing is to be done to a fetch's requests and answers but to send and receive them.
fn is_plain_load(fetch: &FetchJob) -> bool {
    let wants = fetch
        .urls
        .iter()
        .chain(fetch.headers.iter().map(|(_, value)| value))
        .flat_map(ScenarioText::capture_names);
    fetch.load.is_some()
        && fetch.retries == 0
        && !fetch.decode_body
        && fetch.check.is_none()
        && fetch.captures.is_empty()
        && fetch.auth.is_none()
        && fetch
            .body
            .as_ref()
            .is_none_or(|body| matches!(body, Payload::Text(text) if text.capture_names().next().is_none()))
        && wants.count() == 0
        && fetch.timeout.to_std() > Duration::ZERO
}

/// A whole answer, and when it was there.
struct LoadResponse {
    status: u16,
    bytes: u64,
    sha256: [u8; 32],
    received_at: Instant,
}

impl LoadResponse {
    /// One that is there now.
    fn new(status: u16, body: &body::ReceivedBody) -> LoadResponse {
        LoadResponse { status, bytes: body.bytes, sha256: body.sha256, received_at: Instant::now() }
    }
}

/// What came on a bare connection.
enum FastPathAttempt {
    Complete(LoadResponse),
    AnsweredByHyper(Box<(Response<Incoming>, LeasedConn)>),
    /// Nothing yet: a new connection turned out to be for HTTP/2.
    Http2Instead(Box<LeasedConn>),
}

impl LoadWorker {
    fn new(deadline: Rc<RequestDeadline>) -> LoadWorker {
        LoadWorker {
            pending_request: Cell::default(),
            waker: RefCell::default(),
            idle_conn: RefCell::default(),
            task: RefCell::default(),
            deadline,
        }
    }

    /// Keeps a connection, idle from now on, for the next request.
    fn store_idle_conn(&self, kept: IdleLoadConn, now: Instant) {
        *self.idle_conn.borrow_mut() = Some((kept, now));
    }

    /// Waits for a request.
    async fn next_request(&self) -> WorkerRequest {
        std::future::poll_fn(|context| match self.pending_request.take() {
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
struct LoadCompletion<'a> {
    workers: &'a Rc<LoadWorkers>,
    request: WorkerRequest,
}

impl LoadCompletion<'_> {
    /// Accounts for the request with `outcome`; the worker is idle.
    fn complete(self, outcome: Input, worker: &Rc<LoadWorker>) {
        if self.workers.in_flight.borrow_mut().remove(&self.request.source).is_some() {
            self.workers.context.inbox.push(outcome);
        }
        let group = self.workers.targets[self.request.url_index].endpoint_index;
        self.workers.idle_workers.borrow_mut()[group].push(Rc::clone(worker));
        self.workers.start_sweeper();
    }
}

impl Drop for LoadCompletion<'_> {
    fn drop(&mut self) {
        let WorkerRequest { source, started, .. } = self.request;
        if self.workers.in_flight.borrow_mut().remove(&source).is_some() {
            self.workers.context.inbox.push(aborted_input(source, started));
        }
    }
}
