//! Hands the requests of players to workers: each to an idle one, the one used last first; if none is idle, a new
//! one starts. Decides nothing about how a request is sent.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Instant;

use scenario_core::engine::input::Input;
use scenario_log::captured_value::CapturedValue;
use scenario_log::event::Source;

use super::exchange::PlayerExchange;
use super::target::{PlayerJob, PlayerTarget};
use super::worker::{PlayerRequest, PlayerWorker};
use crate::io::http::attempt::FetchAttempt;
use crate::io::http::in_flight::FetchCompletion;
use crate::io::http::load::fast_path::ReadBuffer;
use crate::io::http::timing::AttemptProgress;
use crate::io::http::{FetchContext, retry};

/// How many idle workers are kept.
const MAX_IDLE_WORKERS: usize = 256;

/// The requests of all players of a run.
pub(crate) struct PlayerRequests {
    context: Rc<FetchContext>,
    /// By fetch; `None` if all its requests go the general way.
    jobs: RefCell<BTreeMap<usize, Option<Rc<PlayerJob>>>>,
    idle_workers: RefCell<Vec<Rc<PlayerWorker>>>,
    read_buffer: Rc<ReadBuffer>,
}

impl PlayerRequests {
    pub(crate) fn new(context: Rc<FetchContext>) -> Rc<PlayerRequests> {
        Rc::new(PlayerRequests {
            context,
            jobs: RefCell::default(),
            idle_workers: RefCell::default(),
            read_buffer: Rc::default(),
        })
    }

    /// Sends a request with these values, and with the cookies of its session.
    ///
    /// # Errors
    ///
    /// The values, if the request must go the general way.
    pub(crate) fn start(
        self: &Rc<PlayerRequests>,
        source: Source,
        (job, url_index, captured): (usize, usize, Vec<CapturedValue>),
        session: Option<u32>,
        started: Instant,
    ) -> Result<(), Vec<CapturedValue>> {
        let Some(job) = self.job(job) else { return Err(captured) };
        let target = job.target(&self.context, url_index);
        let Some(target) = target.filter(|target| target.is_fast()) else { return Err(captured) };
        let worker = self.idle_workers.borrow_mut().pop().unwrap_or_else(|| self.spawn_worker());
        let mut bytes = worker.take_buffer();
        let is_filled = self.fill(target, &captured, session, &mut bytes);
        worker.store_buffer(bytes);
        if !is_filled {
            self.idle_workers.borrow_mut().push(worker);
            return Err(captured);
        }
        worker.sent.take();
        let task = worker.task.borrow().clone();
        self.context.in_flight.insert(source, (started, Rc::clone(&worker.sent)), task);
        worker.slot.put(PlayerRequest { source, job, url_index, started, session, captured });
        Ok(())
    }

    /// Writes the bytes of a request; false if it must go the general way.
    fn fill(
        &self,
        target: &PlayerTarget,
        captured: &[CapturedValue],
        session: Option<u32>,
        bytes: &mut Vec<u8>,
    ) -> bool {
        let cookies = &self.context.cookies;
        let session = session.filter(|session| cookies.has_any(*session));
        if session.is_some() && !target.template.takes_cookies() {
            return false;
        }
        match session {
            Some(session) => {
                target.template.fill(captured, Some(&|url| cookies.header_text(session, url)), bytes)
            }
            None => target.template.fill(captured, None, bytes),
        }
    }

    fn job(&self, index: usize) -> Option<Rc<PlayerJob>> {
        let mut jobs = self.jobs.borrow_mut();
        let new = || PlayerJob::new(&self.context, index, &self.read_buffer).map(Rc::new);
        jobs.entry(index).or_insert_with(new).clone()
    }

    fn spawn_worker(self: &Rc<PlayerRequests>) -> Rc<PlayerWorker> {
        let worker = Rc::new(PlayerWorker::default());
        let (requests, own) = (Rc::clone(self), Rc::clone(&worker));
        let task = tokio::task::spawn_local(async move {
            loop {
                let request = own.slot.take().await;
                let completion = FetchCompletion::new(&requests.context.in_flight, request.source);
                completion.finish(requests.run_request(&own, &request).await);
                drop(request);
                let mut idle = requests.idle_workers.borrow_mut();
                if idle.len() >= MAX_IDLE_WORKERS {
                    return;
                }
                idle.push(Rc::clone(&own));
            }
        });
        *worker.task.borrow_mut() = Some(task.abort_handle());
        worker
    }

    /// Sends a request once. Returns its last input for the engine.
    async fn run_request(&self, worker: &PlayerWorker, request: &PlayerRequest) -> Input {
        let PlayerRequest { source, url_index, started, session, ref job, .. } = *request;
        let fetch = &self.context.run_context.scenario.fetches[job.index];
        let progress = AttemptProgress::new(Rc::clone(&worker.sent));
        let attempt = FetchAttempt {
            context: &self.context,
            source,
            job: fetch,
            url: &fetch.urls[url_index],
            checker: job.checker.as_deref(),
            is_last: true,
            session,
            progress: &progress,
        };
        let bytes = worker.take_buffer();
        let now = Instant::now();
        let deadline = job.deadlines.lend();
        let exchange = PlayerExchange { attempt: &attempt, request, bytes: &bytes };
        let outcome = job.deadlines.run_until_deadline(&deadline, now, exchange.run(now)).await;
        job.deadlines.take_back(deadline);
        worker.recycle_buffer(bytes);
        match outcome.unwrap_or_else(|| Err(progress.timeout_error(fetch.timeout))) {
            Ok(response) => response.into_input(&attempt, started),
            Err(error) => retry::failed_input(&self.context, source, (&error, &progress, 1), started),
        }
    }
}
