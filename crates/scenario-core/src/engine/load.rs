//! Loads: which request of one starts when. A closed loop lets the next start when one has ended; an
//! open loop at planned moments, whatever the answers do.
//!
//! # How it works
//!
//! An open loop has one item on the agenda, for its next request. While there are as many in flight
//! as may be, it has none: the planned moments that pass are not kept, since [`Arrivals`] gives them
//! again. When a request ends, the next starts, late, with the moment that was planned for it. What
//! could not start before the end of `for` never does, and is counted.

use std::rc::Rc;

use crate::engine::arrival_schedule::ArrivalSchedule;
use crate::engine::effect::Effect;
use crate::engine::load_metrics_recorder::LoadMetricsRecorder;
use crate::engine::random::RandomStreamId;
use crate::engine::timer_queue::Timer;
use crate::engine::{EngineOutput, RunPhase, RunState};
use crate::scenario::model;
use crate::scenario::model::{LoadModel, LoadProfile};
use scenario_log::event::Event;
use scenario_log::load_metrics::LoadMetrics;
use scenario_log::time::Moment;

/// What lets the requests of one run of a load start.
pub(crate) struct LoadRun {
    start: Moment,
    /// No request starts at this moment or later.
    end: Option<Moment>,
    model: LoadRunModel,
}

enum LoadRunModel {
    ClosedLoop {
        connections: u32,
        /// How many may still start.
        left: u64,
    },
    OpenLoop {
        arrivals: ArrivalSchedule,
        /// The next planned moment.
        next: Option<Moment>,
        most: usize,
        /// It has passed while there were too many in flight.
        is_held: bool,
    },
}

impl LoadRun {
    /// Whether requests start at planned moments.
    pub(crate) fn is_open_loop(&self) -> bool {
        matches!(self.model, LoadRunModel::OpenLoop { .. })
    }

    /// Whether no request is to come.
    pub(crate) fn has_no_more(&self) -> bool {
        match &self.model {
            // What is in flight lets the next start; nothing else does.
            LoadRunModel::ClosedLoop { .. } => true,
            LoadRunModel::OpenLoop { next, .. } => next.is_none(),
        }
    }

    /// Goes on to the next planned moment.
    fn advance_arrival(&mut self) -> Option<Moment> {
        let LoadRunModel::OpenLoop { arrivals, next, .. } = &mut self.model else { return None };
        *next = arrivals.next_arrival().and_then(|span| self.start.checked_add(span));
        *next
    }
}

impl RunState {
    /// The load of a job that is one, planned for `due`.
    pub(crate) fn create_load_run(&mut self, job: usize, due: Moment) -> Option<LoadRun> {
        let scenario = Rc::clone(&self.scenario);
        let fetch = &scenario.fetches[job];
        let LoadProfile { model: pace, max_requests: requests, duration: within } = fetch.load.as_ref()?;
        let nth = self.loads_per_job[job];
        self.loads_per_job[job] += 1;
        let pace = match pace {
            LoadModel::Closed { connections } => {
                LoadRunModel::ClosedLoop { connections: *connections, left: requests.unwrap_or(u64::MAX) }
            }
            LoadModel::Open { rate, arrivals, max_connections: most } => {
                let die = || {
                    RandomStreamId::new(self.seed, "arrivals")
                        .with_text(&fetch.name)
                        .with_number(nth)
                        .stream()
                };
                let die = (*arrivals == model::ArrivalProcess::Poisson).then(die);
                LoadRunModel::OpenLoop {
                    arrivals: ArrivalSchedule::new(rate.clone(), die, *requests, *within),
                    next: None,
                    most: *most as usize,
                    is_held: false,
                }
            }
        };
        Some(LoadRun { start: due, end: within.map(|within| due.saturating_add(within)), model: pace })
    }

    /// Lets the first requests of a load start.
    pub(crate) fn start_load(&mut self, job_run: u32, due: Moment, out: &mut EngineOutput<'_>) {
        let Some(load) = self.load_run(job_run) else { return };
        match load.model {
            LoadRunModel::ClosedLoop { connections, .. } => {
                for _ in 0..connections {
                    if !out.wants_more() || !self.claim_request(job_run, due) {
                        return;
                    }
                    self.start_load_request(job_run, due, out);
                }
            }
            LoadRunModel::OpenLoop { .. } => {
                load.advance_arrival();
                self.schedule_next_arrival(job_run);
            }
        }
    }

    /// The planned moment of a request has come.
    pub(crate) fn request_arrived(&mut self, job_run: u32, due: Moment, out: &mut EngineOutput<'_>) {
        let Some(run) = self.job_runs.get_mut(&job_run).filter(|run| !run.is_stopped) else { return };
        let (job, live) = (run.job, run.in_flight);
        let Some(load) = run.load.as_mut() else { return };
        if let LoadRunModel::OpenLoop { most, is_held, .. } = &mut load.model
            && live >= *most
        {
            *is_held = true;
            let most = *most;
            return self.warn_delayed(job, most, out);
        }
        load.advance_arrival();
        self.start_load_request(job_run, due, out);
        self.schedule_next_arrival(job_run);
    }

    /// A request of a load has ended: another may start.
    pub(crate) fn continue_load(&mut self, job_run: u32, out: &mut EngineOutput<'_>) {
        let now = out.now;
        let Some(run) = self.job_runs.get_mut(&job_run).filter(|run| !run.is_stopped) else { return };
        let Some(load) = run.load.as_mut() else { return };
        match &mut load.model {
            LoadRunModel::ClosedLoop { .. } => {
                if self.phase == RunPhase::Running && self.claim_request(job_run, now) {
                    self.start_load_request(job_run, now, out);
                }
            }
            LoadRunModel::OpenLoop { next: Some(due), is_held, .. } if *is_held => {
                let due = *due;
                if load.end.is_some_and(|end| end <= now) {
                    return self.count_unsent(job_run, now);
                }
                *is_held = false;
                load.advance_arrival();
                if let Some(figures) = self.metrics_of_job_run(job_run) {
                    figures.delayed += 1;
                }
                self.start_load_request(job_run, due, out);
                self.schedule_next_arrival(job_run);
            }
            LoadRunModel::OpenLoop { .. } => {}
        }
    }

    /// Counts what a load that ends leaves unsent.
    pub(crate) fn finish_load(&mut self, job_run: u32, out: &mut EngineOutput<'_>) {
        self.count_unsent(job_run, out.now);
    }

    /// Stops the loads of an entry, by a `stop` of the timeline if that has a `due`, and says so: they may
    /// have nothing in flight. What is in flight is stopped as any other request.
    pub(crate) fn stop_loads(
        &mut self,
        entry: usize,
        due: Option<Moment>,
        out: &mut EngineOutput<'_>,
    ) -> bool {
        let scenario = Rc::clone(&self.scenario);
        let of_entry = |(job_run, run): (&u32, &crate::engine::requests::JobRun)| {
            (run.entry == Some(entry) && run.load.is_some() && !run.is_stopped).then_some((*job_run, run.job))
        };
        let loads: Vec<(u32, usize)> = self.job_runs.iter().filter_map(of_entry).collect();
        for (_, job) in &loads {
            let reason = format!("no more requests of `{}` start", scenario.fetches[*job].name);
            out.event(&Event::Stopping {
                due,
                source: None,
                entry: due.map(|_| scenario.timeline[entry].event_name(entry)),
                signal: None,
                reason: Some(&reason),
                error: None,
            });
        }
        for (job_run, _) in &loads {
            if let Some(run) = self.job_runs.get_mut(job_run) {
                run.is_stopped = true;
            }
            self.finish_job_if_over(*job_run, out);
        }
        !loads.is_empty()
    }

    /// Whether a load of this entry runs.
    pub(crate) fn has_active_load(&self, entry: usize) -> bool {
        self.job_runs.values().any(|run| run.entry == Some(entry) && run.load.is_some() && !run.is_stopped)
    }

    /// The figures of all loads that made requests.
    pub(crate) fn all_load_metrics(&self) -> Vec<LoadMetrics> {
        let name = |job: &usize| &self.scenario.fetches[*job].name;
        self.load_metrics.iter().map(|(job, figures)| figures.to_metrics(name(job))).collect()
    }

    /// The figures of a fetch, if it is a load.
    pub(crate) fn metrics_of_job(&mut self, job: usize) -> Option<&mut LoadMetricsRecorder> {
        self.load_metrics.get_mut(&job)
    }

    fn metrics_of_job_run(&mut self, job_run: u32) -> Option<&mut LoadMetricsRecorder> {
        let job = self.job_runs.get(&job_run)?.job;
        self.load_metrics.get_mut(&job)
    }

    fn load_run(&mut self, job_run: u32) -> Option<&mut LoadRun> {
        self.job_runs.get_mut(&job_run)?.load.as_deref_mut()
    }

    /// Whether a closed loop lets one more start now; it then counts as started.
    fn claim_request(&mut self, job_run: u32, now: Moment) -> bool {
        let Some(load) = self.load_run(job_run) else { return false };
        let is_in_time = load.end.is_none_or(|end| now < end);
        match &mut load.model {
            LoadRunModel::ClosedLoop { left, .. } if is_in_time && *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }

    fn start_load_request(&mut self, job_run: u32, due: Moment, out: &mut EngineOutput<'_>) {
        if self.last_request == u32::MAX {
            return self.fail_now("there are no numbers left for requests".to_owned(), out);
        }
        if let Some(run) = self.job_runs.get(&job_run) {
            self.load_metrics
                .entry(run.job)
                .or_insert_with(|| LoadMetricsRecorder::new(out.now))
                .record_start();
        }
        self.start_request(job_run, due, out);
    }

    /// Puts the next request of an open loop on the agenda.
    fn schedule_next_arrival(&mut self, job_run: u32) {
        if self.phase != RunPhase::Running {
            return;
        }
        if let Some(LoadRun { model: LoadRunModel::OpenLoop { next: Some(next), .. }, .. }) =
            self.load_run(job_run)
        {
            let next = *next;
            self.timers.push(next, Timer::Arrival(job_run));
        }
    }

    /// Counts the planned requests of a held load that never start, and plans no more.
    fn count_unsent(&mut self, job_run: u32, now: Moment) {
        let Some(run) = self.job_runs.get_mut(&job_run) else { return };
        let (job, is_stopped, load) = (run.job, run.is_stopped, run.load.as_deref_mut());
        let Some(load) = load else { return };
        let LoadRunModel::OpenLoop { next, is_held: true, .. } = &load.model else { return };
        let (mut due, mut unsent) = (*next, 0);
        while due.is_some_and(|due| due <= now) {
            unsent += 1;
            due = load.advance_arrival();
        }
        if let LoadRunModel::OpenLoop { next, is_held, .. } = &mut load.model {
            (*next, *is_held) = (None, false);
        }
        if let Some(figures) = self.load_metrics.get_mut(&job) {
            figures.unsent += unsent;
        }
        if self.phase == RunPhase::Running && unsent > 0 && !is_stopped {
            let scenario = Rc::clone(&self.scenario);
            self.record_failure(|| {
                let name = &scenario.fetches[job].name;
                format!("{unsent} requests of {name} never started: there were too many in flight")
            });
        }
    }

    /// Says, once for each fetch, that its requests begin to start late.
    fn warn_delayed(&mut self, job: usize, most: usize, out: &mut EngineOutput<'_>) {
        if let Some(figures) = self.metrics_of_job(job)
            && !std::mem::replace(&mut figures.is_delay_reported, true)
        {
            let job = self.scenario.fetches[job].name.clone();
            let text =
                format!("{most} requests in flight, as many as `max_connections` lets: more start late");
            out.effect(Effect::WarnAboutFetch { job, text });
        }
    }
}
