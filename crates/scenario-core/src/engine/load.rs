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

use crate::engine::arrivals::Arrivals;
use crate::engine::effect::Order;
use crate::engine::event_queue::Item;
use crate::engine::load_metrics::Figures;
use crate::engine::random::Purpose;
use crate::engine::{Out, Phase, Run};
use crate::scenario::model;
use crate::scenario::model::{Load, Pace};
use scenario_log::event::Event;
use scenario_log::load_metrics::JobFigures;
use scenario_log::time::Moment;

/// What lets the requests of one run of a load start.
pub(crate) struct LoadRun {
    start: Moment,
    /// No request starts at this moment or later.
    end: Option<Moment>,
    pace: RunPace,
}

enum RunPace {
    Closed {
        connections: u32,
        /// How many may still start.
        left: u64,
    },
    Open {
        arrivals: Arrivals,
        /// The next planned moment.
        next: Option<Moment>,
        most: usize,
        /// It has passed while there were too many in flight.
        is_held: bool,
    },
}

impl LoadRun {
    /// Whether requests start at planned moments.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.pace, RunPace::Open { .. })
    }

    /// Whether no request is to come.
    pub(crate) fn is_over(&self) -> bool {
        match &self.pace {
            // What is in flight lets the next start; nothing else does.
            RunPace::Closed { .. } => true,
            RunPace::Open { next, .. } => next.is_none(),
        }
    }

    /// Goes on to the next planned moment.
    fn plan_next(&mut self) -> Option<Moment> {
        let RunPace::Open { arrivals, next, .. } = &mut self.pace else { return None };
        *next = arrivals.next().and_then(|span| self.start.checked_add(span));
        *next
    }
}

impl Run {
    /// The load of a job that is one, planned for `due`.
    pub(crate) fn new_load(&mut self, job: usize, due: Moment) -> Option<LoadRun> {
        let scenario = Rc::clone(&self.scenario);
        let fetch = &scenario.fetches[job];
        let Load { pace, requests, within } = fetch.load.as_ref()?;
        let nth = self.loads_of[job];
        self.loads_of[job] += 1;
        let pace = match pace {
            Pace::Closed { connections } => {
                RunPace::Closed { connections: *connections, left: requests.unwrap_or(u64::MAX) }
            }
            Pace::Open { rate, arrivals, most } => {
                let die = || Purpose::new(self.seed, "arrivals").text(&fetch.name).number(nth).die();
                let die = (*arrivals == model::Arrivals::Poisson).then(die);
                RunPace::Open {
                    arrivals: Arrivals::new(rate.clone(), die, *requests, *within),
                    next: None,
                    most: *most as usize,
                    is_held: false,
                }
            }
        };
        Some(LoadRun { start: due, end: within.map(|within| due.saturating_add(within)), pace })
    }

    /// Lets the first requests of a load start.
    pub(crate) fn begin_load(&mut self, job_run: u32, due: Moment, out: &mut Out<'_>) {
        let Some(load) = self.load_of(job_run) else { return };
        match load.pace {
            RunPace::Closed { connections, .. } => {
                for _ in 0..connections {
                    if !out.wants_more() || !self.take_turn(job_run, due) {
                        return;
                    }
                    self.load_request(job_run, due, out);
                }
            }
            RunPace::Open { .. } => {
                load.plan_next();
                self.await_next(job_run);
            }
        }
    }

    /// The planned moment of a request has come.
    pub(crate) fn arrive(&mut self, job_run: u32, due: Moment, out: &mut Out<'_>) {
        let Some(run) = self.jobs.get_mut(&job_run).filter(|run| !run.stopped) else { return };
        let (job, live) = (run.job, run.live);
        let Some(load) = run.load.as_mut() else { return };
        if let RunPace::Open { most, is_held, .. } = &mut load.pace
            && live >= *most
        {
            *is_held = true;
            let most = *most;
            return self.tell_held(job, most, out);
        }
        load.plan_next();
        self.load_request(job_run, due, out);
        self.await_next(job_run);
    }

    /// A request of a load has ended: another may start.
    pub(crate) fn load_goes_on(&mut self, job_run: u32, out: &mut Out<'_>) {
        let now = out.now;
        let Some(run) = self.jobs.get_mut(&job_run).filter(|run| !run.stopped) else { return };
        let Some(load) = run.load.as_mut() else { return };
        match &mut load.pace {
            RunPace::Closed { .. } => {
                if self.phase == Phase::Running && self.take_turn(job_run, now) {
                    self.load_request(job_run, now, out);
                }
            }
            RunPace::Open { next: Some(due), is_held, .. } if *is_held => {
                let due = *due;
                if load.end.is_some_and(|end| end <= now) {
                    return self.leave_unsent(job_run, now);
                }
                *is_held = false;
                load.plan_next();
                if let Some(figures) = self.figures_of_run(job_run) {
                    figures.delayed += 1;
                }
                self.load_request(job_run, due, out);
                self.await_next(job_run);
            }
            RunPace::Open { .. } => {}
        }
    }

    /// Counts what a load that ends leaves unsent.
    pub(crate) fn close_load(&mut self, job_run: u32, out: &mut Out<'_>) {
        self.leave_unsent(job_run, out.now);
    }

    /// Stops the loads of an entry, by a `stop` of the timeline if that has a `due`, and says so: they may
    /// have nothing in flight. What is in flight is stopped as any other request.
    pub(crate) fn stop_loads(&mut self, entry: usize, due: Option<Moment>, out: &mut Out<'_>) -> bool {
        let scenario = Rc::clone(&self.scenario);
        let of_entry = |(job_run, run): (&u32, &crate::engine::requests::JobRun)| {
            (run.entry == Some(entry) && run.load.is_some() && !run.stopped).then_some((*job_run, run.job))
        };
        let loads: Vec<(u32, usize)> = self.jobs.iter().filter_map(of_entry).collect();
        for (_, job) in &loads {
            let reason = format!("no more requests of `{}` start", scenario.fetches[*job].name);
            out.event(&Event::Stopping {
                due,
                source: None,
                entry: due.map(|_| scenario.timeline[entry].name(entry)),
                signal: None,
                reason: Some(&reason),
                error: None,
            });
        }
        for (job_run, _) in &loads {
            if let Some(run) = self.jobs.get_mut(job_run) {
                run.stopped = true;
            }
            self.look_whether_job_over(*job_run, out);
        }
        !loads.is_empty()
    }

    /// Whether a load of this entry runs.
    pub(crate) fn has_load(&self, entry: usize) -> bool {
        self.jobs.values().any(|run| run.entry == Some(entry) && run.load.is_some() && !run.stopped)
    }

    /// The figures of all loads that made requests.
    pub(crate) fn figures(&self) -> Vec<JobFigures> {
        let name = |job: &usize| &self.scenario.fetches[*job].name;
        self.figures.iter().map(|(job, figures)| figures.summary(name(job))).collect()
    }

    /// The figures of a fetch, if it is a load.
    pub(crate) fn figures_of(&mut self, job: usize) -> Option<&mut Figures> {
        self.figures.get_mut(&job)
    }

    fn figures_of_run(&mut self, job_run: u32) -> Option<&mut Figures> {
        let job = self.jobs.get(&job_run)?.job;
        self.figures.get_mut(&job)
    }

    fn load_of(&mut self, job_run: u32) -> Option<&mut LoadRun> {
        self.jobs.get_mut(&job_run)?.load.as_deref_mut()
    }

    /// Whether a closed loop lets one more start now; it then counts as started.
    fn take_turn(&mut self, job_run: u32, now: Moment) -> bool {
        let Some(load) = self.load_of(job_run) else { return false };
        let is_in_time = load.end.is_none_or(|end| now < end);
        match &mut load.pace {
            RunPace::Closed { left, .. } if is_in_time && *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }

    fn load_request(&mut self, job_run: u32, due: Moment, out: &mut Out<'_>) {
        if self.last_request == u32::MAX {
            return self.fail_now("there are no numbers left for requests".to_owned(), out);
        }
        if let Some(run) = self.jobs.get(&job_run) {
            self.figures.entry(run.job).or_insert_with(|| Figures::new(out.now)).started();
        }
        self.request(job_run, due, out);
    }

    /// Puts the next request of an open loop on the agenda.
    fn await_next(&mut self, job_run: u32) {
        if self.phase != Phase::Running {
            return;
        }
        if let Some(LoadRun { pace: RunPace::Open { next: Some(next), .. }, .. }) = self.load_of(job_run) {
            let next = *next;
            self.agenda.push(next, Item::Arrival(job_run));
        }
    }

    /// Counts the planned requests of a held load that never start, and plans no more.
    fn leave_unsent(&mut self, job_run: u32, now: Moment) {
        let Some(run) = self.jobs.get_mut(&job_run) else { return };
        let (job, is_stopped, load) = (run.job, run.stopped, run.load.as_deref_mut());
        let Some(load) = load else { return };
        let RunPace::Open { next, is_held: true, .. } = &load.pace else { return };
        let (mut due, mut unsent) = (*next, 0);
        while due.is_some_and(|due| due <= now) {
            unsent += 1;
            due = load.plan_next();
        }
        if let RunPace::Open { next, is_held, .. } = &mut load.pace {
            (*next, *is_held) = (None, false);
        }
        if let Some(figures) = self.figures.get_mut(&job) {
            figures.unsent += unsent;
        }
        if self.phase == Phase::Running && unsent > 0 && !is_stopped {
            let scenario = Rc::clone(&self.scenario);
            self.note_fault(|| {
                let name = &scenario.fetches[job].name;
                format!("{unsent} requests of {name} never started: there were too many in flight")
            });
        }
    }

    /// Says, once for each fetch, that its requests begin to start late.
    fn tell_held(&mut self, job: usize, most: usize, out: &mut Out<'_>) {
        if let Some(figures) = self.figures_of(job)
            && !std::mem::replace(&mut figures.is_told, true)
        {
            let job = self.scenario.fetches[job].name.clone();
            let text =
                format!("{most} requests in flight, as many as `max_connections` lets: more start late");
            out.order(Order::Tell { job, text });
        }
    }
}
