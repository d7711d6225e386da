//! The workers of a load. Each request is handed to an idle worker, the one used last first; if none is
//! idle, a new one starts. Decides nothing about how a request is sent.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::time::Instant;

use scenario_core::engine::input::Input;
use scenario_core::scenario::model::FetchJob;
use scenario_log::event::Source;

use super::deadlines::LoadDeadlines;
use super::exchange::LoadExchange;
use super::fast_path::LoadScratch;
use super::handoff::ConnHandoff;
use super::target::LoadTarget;
use super::worker::{LoadWorker, WorkerRequest};
use crate::io::http::attempt::FetchAttempt;
use crate::io::http::conn::pool::IDLE_TIMEOUT;
use crate::io::http::in_flight::FetchCompletion;
use crate::io::http::response::check::ResponseChecker;
use crate::io::http::timing::AttemptProgress;
use crate::io::http::{FetchContext, retry};

/// The workers of a run, by job; `None` for a job that cannot have them. Only ever looked up.
pub(crate) type LoadWorkersByJob = HashMap<usize, Option<Rc<LoadWorkers>>>;

/// The workers of one load.
pub(crate) struct LoadWorkers {
    context: Rc<FetchContext>,
    job_index: usize,
    checker: Option<Rc<ResponseChecker>>,
    /// One for each URL.
    targets: Vec<LoadTarget>,
    /// By endpoint; the one used last is the last.
    idle_workers: RefCell<Vec<Vec<Rc<LoadWorker>>>>,
    /// By endpoint.
    handoffs: Vec<ConnHandoff>,
    has_sweeper: Cell<bool>,
    scratch: LoadScratch,
    deadlines: Rc<LoadDeadlines>,
}

impl LoadWorkers {
    /// The workers of a job. `None` if its requests need more than to be sent, received and checked: further
    /// attempts, decoding, or captured values.
    pub(crate) fn for_job(context: &Rc<FetchContext>, job_index: usize) -> Option<Rc<LoadWorkers>> {
        let job = &context.run_context.scenario.fetches[job_index];
        let targets = LoadTarget::for_job(job)?;
        let checker = context.checkers.for_job(job_index, job).ok()?;
        Some(Rc::new(LoadWorkers {
            context: Rc::clone(context),
            job_index,
            checker,
            idle_workers: RefCell::new(targets.iter().map(|_| Vec::new()).collect()),
            handoffs: targets.iter().map(|_| ConnHandoff::default()).collect(),
            targets,
            has_sweeper: Cell::new(false),
            scratch: LoadScratch::default(),
            deadlines: LoadDeadlines::new(&context.inbox, job.timeout.to_std()),
        }))
    }

    /// Sends a request.
    pub(crate) fn start(self: &Rc<LoadWorkers>, source: Source, url_index: usize, started: Instant) {
        let idle = self.idle_workers.borrow_mut()[self.targets[url_index].endpoint_index].pop();
        let worker = idle.unwrap_or_else(|| self.spawn_worker());
        let sent = Rc::clone(&worker.sent);
        self.context.in_flight.insert(source, (started, sent), worker.task.borrow().clone());
        worker.assign(WorkerRequest { source, url_index, started });
    }

    fn spawn_worker(self: &Rc<LoadWorkers>) -> Rc<LoadWorker> {
        let worker = Rc::new(LoadWorker::new(self.deadlines.add()));
        let (workers, own) = (Rc::clone(self), Rc::clone(&worker));
        let task = tokio::task::spawn_local(async move {
            loop {
                let request = own.next_request().await;
                let completion = FetchCompletion::new(&workers.context.in_flight, request.source);
                completion.finish(workers.run_request(&own, request).await);
                workers.store_idle_worker(&own, request.url_index);
            }
        });
        *worker.task.borrow_mut() = Some(task.abort_handle());
        worker
    }

    /// Sends a request once. Returns its last input for the engine.
    async fn run_request(&self, worker: &LoadWorker, request: WorkerRequest) -> Input {
        let WorkerRequest { source, url_index, started } = request;
        let job = self.fetch_job();
        let progress = AttemptProgress::new(Rc::clone(&worker.sent));
        let attempt = FetchAttempt {
            session: None,
            context: &self.context,
            source,
            job,
            url: &job.urls[url_index],
            checker: self.checker.as_deref(),
            is_last: true,
            progress: &progress,
        };
        let target = &self.targets[url_index];
        let handoff = &self.handoffs[target.endpoint_index];
        let exchange = LoadExchange { attempt: &attempt, target, worker, handoff, scratch: &self.scratch };
        let now = Instant::now();
        let outcome = self.deadlines.run_until_deadline(&worker.deadline, now, exchange.run(now)).await;
        match outcome.unwrap_or_else(|| Err(progress.timeout_error(job.timeout))) {
            Ok(response) => response.into_input(&attempt, started),
            Err(error) => retry::failed_input(&self.context, source, (&error, &progress, 1), started),
        }
    }

    fn fetch_job(&self) -> &FetchJob {
        &self.context.run_context.scenario.fetches[self.job_index]
    }

    /// The worker is idle, after a request to this URL.
    fn store_idle_worker(self: &Rc<LoadWorkers>, worker: &Rc<LoadWorker>, url_index: usize) {
        let endpoint_index = self.targets[url_index].endpoint_index;
        self.idle_workers.borrow_mut()[endpoint_index].push(Rc::clone(worker));
        self.start_sweeper();
    }

    /// Starts the task that closes the connections of idle workers in time.
    fn start_sweeper(self: &Rc<LoadWorkers>) {
        if self.has_sweeper.replace(true) {
            return;
        }
        let workers: Weak<LoadWorkers> = Rc::downgrade(self);
        tokio::task::spawn_local(async move {
            loop {
                tokio::time::sleep(IDLE_TIMEOUT / 4).await;
                let Some(workers) = workers.upgrade() else { return };
                for worker in workers.idle_workers.borrow().iter().flatten() {
                    worker.close_expired_conn();
                }
            }
        });
    }
}
