//! Sends the HTTP requests that the engine orders, and leaves their answers in the inbox.
//!
//! Each request ends with exactly one `FetchFinished` or `FetchFailed`, whatever the server does and
//! however its task ends. This module never judges a status (the engine does), reads no proxy variables,
//! and keeps cookies only for players.
//!
//! # How it works
//!
//! A plain fetch goes through these files:
//!
//! 1. [`Fetcher::start`] spawns a task, which fills in captured values and makes attempts until one is
//!    final, each within the time limit (`retry`).
//! 2. An attempt (`attempt`) writes its first request (`request`), follows redirects, and receives the last
//!    answer.
//! 3. For each of its requests it leases a connection (`conn::pool`): a kept one, or a new one
//!    (`conn::connector`, over TCP, TLS, a proxy or a Unix socket).
//! 4. It receives the body (`response::body`), which is decoded, counted, hashed and cut into lines, and
//!    compares the answer with what the job expects (`response::check`).
//! 5. The outcome is left in the inbox (`in_flight`).
//!
//! A load sends the same few requests many times, so it prepares them once and keeps its connections itself:
//!
//! 1. [`Fetcher::start_late`] hands the request to an idle worker (`load::workers`).
//! 2. The worker sends the prepared bytes on its own connection (`load::exchange`) and reads the usual
//!    answers by itself (`load::fast_path`). For anything else it uses hyper and `attempt`.
//! 3. One timer ends all requests that take too long (`load::deadlines`).
//! 4. The outcome is left in the inbox (`in_flight`).
//!
//! Players send the same few requests, too, each with values and cookies of its own:
//!
//! 1. [`Fetcher::start_late`] hands the request to an idle worker (`player::requests`), filled with the values
//!    (`request::template`).
//! 2. The worker takes a connection that the pool keeps for all players, and speaks HTTP/1.1 by hand, as in a
//!    load (`player::exchange`, `load::fast_path`). HTTP/2, proxies that forward, retries and the like go the way
//!    of a plain fetch.
//!
//! | module | its one job |
//! | --- | --- |
//! | `request` | what is sent |
//! | `conn` | from a URL to a stream that speaks HTTP |
//! | `response` | what comes back, and whether it is as expected |
//! | `attempt` | one attempt: requests and redirects until there is an answer |
//! | `retry` | attempts of one request until one is final |
//! | `resend`, `unanswered` | whether a request goes again at once, because the server did not answer it |
//! | `load` | the requests of a load |
//! | `player` | the requests of players |
//! | `cookies` | the cookies of players |
//! | `in_flight` | exactly one outcome for each request |
//! | `probe` | whether a program is ready, by its port or its URL |
//! | `error`, `timing`, `receive_counter` | why a request failed; how far it got, and how long that took |
//! | `fuzzing` | what must hold for any bytes of an answer, for fuzzers and tests |
//! | `blocking` | work that blocks, on threads of its own |
//!
//! All modules but `probe` and `fuzzing` are private to this one, so their `pub(crate)` items are visible only here.

mod attempt;
mod blocking;
mod conn;
mod cookies;
mod error;
pub mod fuzzing;
mod in_flight;
mod load;
mod player;
pub mod probe;
mod receive_counter;
mod request;
mod resend;
mod response;
mod retry;
mod timing;
mod unanswered;

use std::fmt;
use std::rc::Rc;
use std::time::Instant;

use crate::io::RunContext;
use crate::io::inbox::Inbox;
use conn::pool::ConnPool;
use conn::socket::SocketShortage;
use cookies::CookieJars;
use in_flight::{FetchCompletion, InFlightRequests};
use load::workers::{LoadWorkers, LoadWorkersByJob};
use player::requests::PlayerRequests;
use response::check::ResponseCheckers;
use scenario_core::engine::effect::RequestingPlayer;
use scenario_log::captured_value::CapturedValue;
use scenario_log::event::Source;
use scenario_log::time::Span;
use timing::SendCounter;

/// Sends the requests of a run. It needs a `LocalSet` around it.
pub struct Fetcher {
    context: Rc<FetchContext>,
    load_workers: LoadWorkersByJob,
    players: Rc<PlayerRequests>,
}

/// The state that all requests of a run share.
struct FetchContext {
    run_context: Rc<RunContext>,
    inbox: Rc<Inbox>,
    pool: ConnPool,
    checkers: ResponseCheckers,
    cookies: CookieJars,
    in_flight: Rc<InFlightRequests>,
}

impl Fetcher {
    /// A fetcher without connections.
    #[must_use]
    pub fn new(run_context: Rc<RunContext>, inbox: Rc<Inbox>) -> Fetcher {
        let pool = ConnPool::new(run_context.folder.clone());
        let in_flight = InFlightRequests::new(Rc::clone(&inbox));
        let checkers = ResponseCheckers::default();
        let cookies = CookieJars::default();
        let context = FetchContext { run_context, inbox, pool, checkers, cookies, in_flight };
        let context = Rc::new(context);
        let players = PlayerRequests::new(Rc::clone(&context));
        Fetcher { context, load_workers: LoadWorkersByJob::new(), players }
    }

    /// Sends a request: URL number `url` of fetch number `job` of the scenario, with these captured values.
    /// Everything about it in the inbox has this `source`.
    ///
    /// # Panics
    ///
    /// If there is no such fetch or URL, or if there is no `LocalSet` around.
    pub fn start(&mut self, source: Source, job: usize, url: usize, captured: Vec<CapturedValue>) {
        self.start_late(source, (job, url, captured), None, Span::ZERO);
    }

    /// Sends a request that was due a time `late` ago. Its time counts from then.
    ///
    /// # Panics
    ///
    /// As [`Fetcher::start`].
    pub fn start_late(
        &mut self,
        source: Source,
        (job, url, mut captured): (usize, usize, Vec<CapturedValue>),
        player: Option<RequestingPlayer>,
        late: Span,
    ) {
        assert!(
            self.context.run_context.scenario.fetches.get(job).is_some_and(|job| url < job.urls.len()),
            "the engine orders only fetches of the scenario"
        );
        let now = Instant::now();
        let started = now.checked_sub(late.to_std()).unwrap_or(now);
        if captured.is_empty()
            && let Some(workers) = self.load_workers(job)
        {
            return workers.start(source, url, started);
        }
        let session = player.and_then(|player| player.session());
        if player.is_some() {
            match self.players.start(source, (job, url, captured), session, started) {
                Ok(()) => return,
                Err(unused) => captured = unused,
            }
        }
        let context = Rc::clone(&self.context);
        let completion = FetchCompletion::new(&context.in_flight, source);
        let counter = SendCounter::default();
        let counts = Rc::clone(&counter);
        let task = tokio::task::spawn_local(async move {
            let request = (job, url, captured);
            completion.finish(
                retry::fetch_with_retries(&context, (source, counts, session), request, started).await,
            );
        });
        self.context.in_flight.insert(source, (started, counter), Some(task.abort_handle()));
    }

    /// The workers of a load; `None` if the fetch is not a load, or needs more than they do.
    fn load_workers(&mut self, job: usize) -> Option<Rc<LoadWorkers>> {
        self.context.run_context.scenario.fetches[job].load.as_ref()?;
        let new = || LoadWorkers::for_job(&self.context, job);
        self.load_workers.entry(job).or_insert_with(new).clone()
    }

    /// A note for people, which is told once: the system has no socket for new connections.
    #[must_use]
    pub fn take_note(&self) -> Option<String> {
        self.context.pool.connector().take_untold_shortage().map(SocketShortage::advice)
    }

    /// Forgets the cookies of a session.
    pub fn end_session(&mut self, session: u32) {
        self.context.cookies.remove(session);
    }

    /// Aborts a request, if it is still in flight; `FetchFailed` is left in the inbox at once.
    pub fn cancel(&mut self, source: Source) {
        self.context.in_flight.abort(source);
    }
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetcher").field("in_flight", &self.context.in_flight.count()).finish_non_exhaustive()
    }
}
