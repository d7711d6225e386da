//! Loads: when each of their requests may start. In a closed loop the next starts when one has ended; in
//! an open loop they start at planned moments, however fast the responses come. Sends nothing.
//!
//! # How it works
//!
//! An open loop has one timer, for its next request. While the allowed number of requests is in flight, it
//! is *held* and has no timer: the planned moments that pass are not kept, since [`ArrivalSchedule`]
//! produces them again. When a request ends, the next starts, late, with its planned moment. A request that
//! could not start before the end of `for` never starts, and is counted.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::engine::arrival_schedule::ArrivalSchedule;
use crate::engine::load_metrics_recorder::LoadMetricsRecorder;
use crate::engine::random::RandomStreamId;
use crate::scenario::model::{ArrivalProcess, LoadModel, LoadProfile, Scenario};
use scenario_log::load_metrics::{LoadMetrics, STEP_SUFFIX};
use scenario_log::time::Moment;

/// One run of a load.
#[derive(Clone)]
pub(crate) struct LoadRun {
    start: Moment,
    /// No request starts at this moment or later.
    end: Option<Moment>,
    model: LoadRunModel,
}

#[derive(Clone)]
enum LoadRunModel {
    ClosedLoop {
        /// Requests in flight at a time.
        at_once: u32,
        /// Requests that may still start.
        left: u64,
    },
    OpenLoop {
        arrivals: ArrivalSchedule,
        /// The next planned moment.
        next: Option<Moment>,
        max_in_flight: usize,
        /// The planned moment has passed while too many requests were in flight.
        is_held: bool,
    },
}

/// The consequence when the planned moment of a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoadArrival {
    /// The request that was planned for this moment starts.
    Start(Moment),
    /// Too many requests are in flight: this many.
    Held(usize),
}

/// The consequence when a request of a load has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoadContinuation {
    Nothing,
    /// A closed loop may start its next request.
    StartNext,
    /// The request that was planned for this moment starts, late.
    StartHeld(Moment),
    /// The time of the load is over: the requests that were held never start.
    Expired,
}

impl LoadRun {
    /// Whether requests start at planned moments.
    pub(crate) fn is_open_loop(&self) -> bool {
        matches!(self.model, LoadRunModel::OpenLoop { .. })
    }

    /// The number of requests that a closed loop starts with; none in an open loop.
    pub(crate) fn first_requests(&self) -> Option<u32> {
        match self.model {
            LoadRunModel::ClosedLoop { at_once, .. } => Some(at_once),
            LoadRunModel::OpenLoop { .. } => None,
        }
    }

    /// Whether nothing but a request in flight can start another.
    pub(crate) fn has_no_more(&self) -> bool {
        match &self.model {
            LoadRunModel::ClosedLoop { .. } => true,
            LoadRunModel::OpenLoop { next, .. } => next.is_none(),
        }
    }

    /// The next planned moment.
    pub(crate) fn next_arrival(&self) -> Option<Moment> {
        match self.model {
            LoadRunModel::OpenLoop { next, .. } => next,
            LoadRunModel::ClosedLoop { .. } => None,
        }
    }

    /// Goes on to the next planned moment.
    pub(crate) fn advance_arrival(&mut self) -> Option<Moment> {
        let LoadRunModel::OpenLoop { arrivals, next, .. } = &mut self.model else { return None };
        *next = arrivals.next_arrival().and_then(|span| self.start.checked_add(span));
        *next
    }

    /// Counts one more request of a closed loop as started; false if none may start now.
    pub(crate) fn claim_request(&mut self, now: Moment) -> bool {
        let is_in_time = self.end.is_none_or(|end| now < end);
        match &mut self.model {
            LoadRunModel::ClosedLoop { left, .. } if is_in_time && *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }

    /// The planned moment of the next request has come.
    pub(crate) fn arrive(&mut self, in_flight: usize) -> Option<LoadArrival> {
        let due = self.next_arrival()?;
        if let LoadRunModel::OpenLoop { max_in_flight, is_held, .. } = &mut self.model
            && in_flight >= *max_in_flight
        {
            *is_held = true;
            return Some(LoadArrival::Held(*max_in_flight));
        }
        self.advance_arrival();
        Some(LoadArrival::Start(due))
    }

    /// A request has ended.
    pub(crate) fn continue_after_request(&mut self, now: Moment) -> LoadContinuation {
        match &mut self.model {
            LoadRunModel::ClosedLoop { .. } => LoadContinuation::StartNext,
            LoadRunModel::OpenLoop { next: Some(due), is_held, .. } if *is_held => {
                if self.end.is_some_and(|end| end <= now) {
                    return LoadContinuation::Expired;
                }
                let due = *due;
                *is_held = false;
                self.advance_arrival();
                LoadContinuation::StartHeld(due)
            }
            LoadRunModel::OpenLoop { .. } => LoadContinuation::Nothing,
        }
    }

    /// Ends the plan of a held load; returns the number of requests that were planned by now and never
    /// start. None if the load is not held.
    pub(crate) fn end_if_held(&mut self, now: Moment) -> Option<u64> {
        let LoadRunModel::OpenLoop { next, is_held: true, .. } = &self.model else { return None };
        let (mut due, mut unsent) = (*next, 0);
        while due.is_some_and(|due| due <= now) {
            unsent += 1;
            due = self.advance_arrival();
        }
        if let LoadRunModel::OpenLoop { next, is_held, .. } = &mut self.model {
            (*next, *is_held) = (None, false);
        }
        Some(unsent)
    }
}

/// The loads of a run, by their fetch: how often each has run, and its metrics.
#[derive(Clone)]
pub(crate) struct Loads {
    scenario: Rc<Scenario>,
    seed: u64,
    runs_per_job: Vec<u64>,
    metrics: BTreeMap<usize, LoadMetricsRecorder>,
    /// The metrics of players' steps, by their names.
    step_metrics: BTreeMap<String, LoadMetricsRecorder>,
}

impl Loads {
    pub(crate) fn new(scenario: Rc<Scenario>, seed: u64) -> Loads {
        Loads {
            seed,
            runs_per_job: vec![0; scenario.fetches.len()],
            metrics: BTreeMap::new(),
            step_metrics: BTreeMap::new(),
            scenario,
        }
    }

    /// The next run of a fetch, planned for `due`, if the fetch is a load.
    pub(crate) fn create_run(&mut self, job: usize, due: Moment) -> Option<LoadRun> {
        let fetch = &self.scenario.fetches[job];
        let LoadProfile { model, max_requests, duration } = fetch.load.as_ref()?;
        let nth = self.runs_per_job[job];
        self.runs_per_job[job] += 1;
        let model = match model {
            LoadModel::Closed { connections } => LoadRunModel::ClosedLoop {
                at_once: fetch.requests_at_once(*connections),
                left: max_requests.unwrap_or(u64::MAX),
            },
            LoadModel::Open { rate, arrivals, max_connections } => {
                let random = || {
                    let id = RandomStreamId::new(self.seed, "arrivals");
                    id.with_text(&fetch.name).with_number(nth).stream()
                };
                let random = (*arrivals == ArrivalProcess::Poisson).then(random);
                LoadRunModel::OpenLoop {
                    arrivals: ArrivalSchedule::new(rate.clone(), random, *max_requests, *duration),
                    next: None,
                    max_in_flight: *max_connections as usize,
                    is_held: false,
                }
            }
        };
        Some(LoadRun { start: due, end: duration.map(|duration| due.saturating_add(duration)), model })
    }

    /// Notes that a request of a load starts.
    pub(crate) fn record_start(&mut self, job: usize, now: Moment) {
        self.metrics.entry(job).or_insert_with(|| LoadMetricsRecorder::new(now)).record_start();
    }

    /// The metrics of a fetch; none if it is not a load, or has made no request.
    pub(crate) fn metrics_of(&mut self, job: usize) -> Option<&mut LoadMetricsRecorder> {
        self.metrics.get_mut(&job)
    }

    /// Notes that a request of a player's step starts.
    pub(crate) fn record_step_start(&mut self, step: &str, now: Moment) {
        if !self.step_metrics.contains_key(step) {
            self.step_metrics.insert(step.to_owned(), LoadMetricsRecorder::new(now));
        }
        if let Some(metrics) = self.step_metrics.get_mut(step) {
            metrics.record_start();
        }
    }

    /// The metrics of the players' steps of a name.
    pub(crate) fn metrics_of_step(&mut self, step: &str) -> Option<&mut LoadMetricsRecorder> {
        self.step_metrics.get_mut(step)
    }

    /// The metrics of every load that made requests, and of every step of players.
    pub(crate) fn all_metrics(&self) -> Vec<LoadMetrics> {
        let name = |job: &usize| &self.scenario.fetches[*job].name;
        let loads = self.metrics.iter().map(|(job, metrics)| metrics.to_metrics(name(job)));
        let is_load = |step: &str| self.metrics.keys().any(|job| name(job) == step);
        let steps = self.step_metrics.iter().map(|(step, metrics)| match is_load(step) {
            true => metrics.to_metrics(&format!("{step}{STEP_SUFFIX}")),
            false => metrics.to_metrics(step),
        });
        loads.chain(steps).collect()
    }
}
