//! Starts the requests of loads when they may start, and counts those that never do.

use super::RunState;
use crate::engine::effect::Effect;
use crate::engine::job::JobRun;
use crate::engine::load::{LoadArrival, LoadContinuation, LoadRun};
use crate::engine::output::EngineOutput;
use crate::engine::timer_queue::Timer;
use scenario_log::event::Event;
use scenario_log::time::Moment;

impl RunState {
    /// Starts the first requests of a load.
    pub(super) fn start_load(&mut self, job_run: u32, due: Moment, out: &mut EngineOutput<'_>) {
        let Some(load) = self.load_mut(job_run) else { return };
        match load.first_requests() {
            Some(first) => {
                for _ in 0..first {
                    if !out.wants_more() || !self.claim_request(job_run, due) {
                        return;
                    }
                    if !self.start_load_request(job_run, due, out) {
                        return;
                    }
                }
            }
            None => {
                load.advance_arrival();
                self.schedule_next_arrival(job_run);
            }
        }
    }

    /// The planned moment of a request has come.
    pub(super) fn request_arrived(&mut self, job_run: u32, out: &mut EngineOutput<'_>) {
        let Some(run) = self.jobs.get_mut(job_run).filter(|run| !run.is_stopped()) else { return };
        let (job, in_flight) = (run.job(), run.in_flight());
        match run.load_mut().and_then(|load| load.arrive(in_flight)) {
            Some(LoadArrival::Held(most)) => self.warn_delayed(job, most, out),
            Some(LoadArrival::Start(due)) => {
                if self.start_load_request(job_run, due, out) {
                    self.schedule_next_arrival(job_run);
                } else {
                    self.finish_job_if_over(job_run, out);
                }
            }
            None => {}
        }
    }

    /// A request of a load has ended: another may start.
    pub(super) fn continue_load(&mut self, job_run: u32, out: &mut EngineOutput<'_>) {
        let now = out.now();
        let Some(run) = self.jobs.get_mut(job_run).filter(|run| !run.is_stopped()) else { return };
        let job = run.job();
        let Some(load) = run.load_mut() else { return };
        match load.continue_after_request(now) {
            LoadContinuation::Nothing => {}
            LoadContinuation::StartNext => {
                if self.lifecycle.is_running() && self.claim_request(job_run, now) {
                    self.start_load_request(job_run, now, out);
                }
            }
            LoadContinuation::StartHeld(due) => {
                if !self.start_load_request(job_run, due, out) {
                    return;
                }
                if let Some(metrics) = self.loads.metrics_of(job) {
                    metrics.record_delayed();
                }
                self.schedule_next_arrival(job_run);
            }
            LoadContinuation::Expired => self.count_unsent(job_run, now),
        }
    }

    /// Stops some loads, and reports this for each, since a load may have nothing in flight. `planned` is the
    /// moment if an entry of the timeline stops them. Requests in flight are stopped like any other. Returns
    /// whether there was a load.
    pub(super) fn stop_loads(
        &mut self,
        loads: &[(u32, usize)],
        planned: Option<Moment>,
        out: &mut EngineOutput<'_>,
    ) -> bool {
        for (job_run, job) in loads {
            let of_load = planned.and_then(|_| self.jobs.get(*job_run)?.entry());
            let reason = format!("no more requests of `{}` start", self.scenario.fetches[*job].name);
            out.event(&Event::Stopping {
                due: planned,
                source: None,
                entry: of_load.map(|entry| self.scenario.timeline[entry].event_name(entry)),
                signal: None,
                reason: Some(&reason),
                error: None,
            });
        }
        for (job_run, _) in loads {
            self.jobs.stop(*job_run);
            self.finish_job_if_over(*job_run, out);
        }
        !loads.is_empty()
    }

    fn load_mut(&mut self, job_run: u32) -> Option<&mut LoadRun> {
        self.jobs.get_mut(job_run)?.load_mut()
    }

    /// Whether a closed loop starts one more request now.
    fn claim_request(&mut self, job_run: u32, now: Moment) -> bool {
        self.load_mut(job_run).is_some_and(|load| load.claim_request(now))
    }

    /// Starts a request, unless there is no row for it: then the load starts no more, and false is given.
    fn start_load_request(&mut self, job_run: u32, due: Moment, out: &mut EngineOutput<'_>) -> bool {
        if self.requests.is_exhausted() {
            self.fail_now("there are no numbers left for requests".to_owned(), out);
            return false;
        }
        let Some(job) = self.jobs.get(job_run).map(JobRun::job) else { return false };
        if let Err(reason) = self.take_row(job_run) {
            let name = &self.scenario.fetches[job].name;
            out.emit_stopping(None, &format!("no more requests of `{name}` start: {reason}"));
            self.jobs.stop(job_run);
            return false;
        }
        self.loads.record_start(job, out.now());
        self.start_request(job_run, due, out);
        true
    }

    /// Sets the timer of the next request of an open loop. Its planned moment has passed already if the
    /// requests before it started late.
    fn schedule_next_arrival(&mut self, job_run: u32) {
        let next = self.jobs.get(job_run).and_then(|run| run.load()?.next_arrival());
        if let Some(next) = next.filter(|_| self.lifecycle.is_running()) {
            self.timers.push_overdue(next, Timer::Arrival(job_run));
        }
    }

    /// Counts the planned requests of a held load that never start, and plans no more.
    pub(super) fn count_unsent(&mut self, job_run: u32, now: Moment) {
        let Some(run) = self.jobs.get_mut(job_run) else { return };
        let (job, is_stopped) = (run.job(), run.is_stopped());
        let Some(unsent) = run.load_mut().and_then(|load| load.end_if_held(now)) else { return };
        if let Some(metrics) = self.loads.metrics_of(job) {
            metrics.record_unsent(unsent);
        }
        if self.lifecycle.is_running() && unsent > 0 && !is_stopped {
            let name = &self.scenario.fetches[job].name;
            self.lifecycle.record_failure(|| {
                format!("{unsent} requests of {name} never started: there were too many in flight")
            });
        }
    }

    /// Warns, once for each fetch, that its requests begin to start late.
    fn warn_delayed(&mut self, job: usize, most: usize, out: &mut EngineOutput<'_>) {
        if self.loads.metrics_of(job).is_some_and(|metrics| metrics.claim_delay_report()) {
            let job = self.scenario.fetches[job].name.clone();
            let text =
                format!("{most} requests in flight, as many as `max_connections` lets: more start late");
            out.effect(Effect::WarnAboutFetch { job, text });
        }
    }
}
