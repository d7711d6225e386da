//! The fetch hand: sends the requests that the engine orders and leaves in the inbox what came back.
//!
//! Each request is a local task that ends with exactly one `Fetched` or `FetchFailed`, whatever the
//! server does and however the task ends. It never judges a status (the engine does), reads no proxy
//! variables and keeps no cookies.
//!
//! # How it works
//!
//! | module | its one job |
//! | --- | --- |
//! | `lane` | the requests of a load, handed to workers that keep their connections |
//! | `deadlines` | the time limit of all of them |
//! | `bare` | such a connection to a plain server, which speaks HTTP/1.1 by hand |
//! | `tries` | tries of one request until one is final; the time limit of each |
//! | `follow` | one try: requests and redirects until there is an answer |
//! | `redirect` | where a redirect leads and what goes along; pure |
//! | `request`, `auth`, `upload` | the request on the wire, its credentials, its body |
//! | `body`, `decode` | the answer's body: decoded, counted, hashed, cut into lines |
//! | `judge`, `take` | what a job wants of an answer and takes out of it |
//! | `pool`, `link` | connections kept for the next request; one connection that speaks HTTP |
//! | `connect`, `way`, `proxy`, `wire` | names, addresses, TCP; sockets; proxies; the bytes of a connection, counted |
//! | `tls`, `verify`, `client_cert` | TLS settings and handshake; which certificates are trusted; which is shown |
//! | `probe` | whether a program is ready that says so by a port or a URL |
//! | `elsewhere` | work that blocks, on threads of its own |
//! | `fault`, `tls_fault`, `progress` | what went wrong, in words |
//! | `redact` | what of an answer may be logged |

pub mod conn;

pub mod response;

pub mod load;

mod attempt;
mod blocking;
mod error;
pub mod probe;
mod request;
mod retry;
mod timing;

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::rc::Rc;
use std::time::Instant;

use tokio::task::AbortHandle;

use crate::io::RunContext;
use crate::io::inbox::{Inbox, Input};
use scenario_log::captured_value::CapturedValue;
use scenario_log::event::{FetchErrorKind, Source};
use scenario_log::time::Span;

/// The requests in flight. Only ever looked up by source, so its order cannot show.
type InFlightRequests =
    RefCell<HashMap<Source, (Instant, Option<AbortHandle>), BuildHasherDefault<SourceHasher>>>;

/// Hashes numbers that come one after the other: one multiplication each (Knuth, The Art of Computer
/// Programming, volume 3, section 6.4), since nobody from outside chooses them.
#[derive(Default)]
pub(crate) struct SourceHasher(u64);

impl Hasher for SourceHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0 ^ u64::from(number)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn finish(&self) -> u64 {
        self.0.rotate_left(32)
    }
}

/// The hand that fetches. It needs a `LocalSet` around it.
pub struct Fetcher {
    context: Rc<FetchContext>,
    in_flight: Rc<InFlightRequests>,
    load_workers: crate::io::http::load::workers::LoadWorkersByJob,
}

/// What all requests of a run share.
pub(crate) struct FetchContext {
    run_context: Rc<RunContext>,
    inbox: Rc<Inbox>,
    pool: crate::io::http::conn::pool::ConnPool,
    checkers: crate::io::http::response::check::ResponseCheckers,
}

impl Fetcher {
    /// A hand without connections.
    #[must_use]
    pub fn new(context: Rc<RunContext>, inbox: Rc<Inbox>) -> Fetcher {
        let pool = crate::io::http::conn::pool::ConnPool::new(context.folder.clone());
        Fetcher {
            context: Rc::new(FetchContext {
                run_context: context,
                inbox,
                pool,
                checkers: Default::default(),
            }),
            in_flight: Rc::default(),
            load_workers: crate::io::http::load::workers::LoadWorkersByJob::new(),
        }
    }

    /// Sends a request: the `url`th of the `job`th fetch of the scenario, with these captured values. What
    /// comes back is left in the inbox under `source`, and in the end exactly one `Fetched` or
    /// `FetchFailed`.
    ///
    /// # Panics
    ///
    /// If there is no such fetch or URL, or if no `LocalSet` is around.
    pub fn start(&mut self, source: Source, job: usize, url: usize, captured: Vec<CapturedValue>) {
        self.start_late(source, (job, url, captured), Span::ZERO);
    }

    /// The same for a request that should have been sent so long ago, from when its time counts.
    ///
    /// # Panics
    ///
    /// As [`Fetches::start`].
    pub fn start_late(
        &mut self,
        source: Source,
        (job, url, captured): (usize, usize, Vec<CapturedValue>),
        late: Span,
    ) {
        assert!(
            self.context.run_context.scenario.fetches.get(job).is_some_and(|job| url < job.urls.len()),
            "the engine orders only fetches of the scenario"
        );
        let now = Instant::now();
        let started = now.checked_sub(late.to_std()).unwrap_or(now);
        if captured.is_empty()
            && let Some(lane) = self.load_workers(job)
        {
            return lane.start(source, url, started);
        }
        let account = FetchCompletion {
            source,
            started,
            context: Rc::clone(&self.context),
            in_flight: Rc::clone(&self.in_flight),
        };
        self.in_flight.borrow_mut().insert(source, (started, None));
        let task = tokio::task::spawn_local(async move {
            let outcome = crate::io::http::retry::fetch_with_retries(
                &account.context,
                source,
                (job, url, captured),
                started,
            )
            .await;
            account.complete(outcome);
        });
        self.in_flight.borrow_mut().insert(source, (started, Some(task.abort_handle())));
    }

    /// The lane of a load, if it has one.
    fn load_workers(&mut self, job: usize) -> Option<Rc<crate::io::http::load::workers::LoadWorkers>> {
        self.context.run_context.scenario.fetches[job].load.as_ref()?;
        let of = || crate::io::http::load::workers::LoadWorkers::for_job(&self.context, &self.in_flight, job);
        self.load_workers.entry(job).or_insert_with(of).clone()
    }

    /// Gives a request up, if it is still in flight; it is accounted for as `FetchFailed` at once.
    pub fn cancel(&mut self, source: Source) {
        let Some((started, task)) = self.in_flight.borrow_mut().remove(&source) else { return };
        if let Some(task) = task {
            task.abort();
        }
        self.context.inbox.push(aborted_input(source, started));
    }
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetches").field("in_flight", &self.in_flight.borrow().len()).finish_non_exhaustive()
    }
}

/// The promise that a request is accounted for exactly once. Dropped before it is closed (the task
/// was ended from outside, or a bug ended it), it says that the request was given up.
struct FetchCompletion {
    source: Source,
    started: Instant,
    context: Rc<FetchContext>,
    in_flight: Rc<InFlightRequests>,
}

impl FetchCompletion {
    /// Accounts for the request with `outcome`.
    fn complete(self, outcome: Input) {
        if self.in_flight.borrow_mut().remove(&self.source).is_some() {
            self.context.inbox.push(outcome);
        }
    }
}

impl Drop for FetchCompletion {
    fn drop(&mut self) {
        if self.in_flight.borrow_mut().remove(&self.source).is_some() {
            self.context.inbox.push(aborted_input(self.source, self.started));
        }
    }
}

/// The account of a request that nobody waits for any longer.
fn aborted_input(source: Source, started: Instant) -> Input {
    Input::FetchFailed {
        source,
        kind: FetchErrorKind::Reset,
        error: "given up before the answer was whole: it was stopped, or the run ended".to_owned(),
        took: Span::from_std(started.elapsed()),
    }
}
