//! The runs of fetch jobs that have not ended: which URL comes next, how many requests are in flight.
//! Sends nothing and emits nothing.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::engine::failure_budgets::FailureTally;
use crate::engine::load::LoadRun;
use crate::engine::request_values::RequestSeries;
use crate::scenario::model::{FailureBudget, Scenario};
use scenario_log::time::Moment;

/// The step of a player that a run of a fetch job belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PlayerRound {
    /// The id of the player.
    pub(crate) player: u32,
    /// The index of its instruction.
    pub(crate) instruction: u32,
    /// The index of the fetch in the step.
    pub(crate) index: u32,
    /// How often the player has made this fetch before.
    pub(crate) n: u32,
    /// The moment when the step began.
    pub(crate) started_at: Moment,
}

/// One run of a fetch job.
#[derive(Clone)]
pub(crate) struct JobRun {
    job: usize,
    /// The entry that ordered it; none for a typed one.
    entry: Option<usize>,
    /// The next URL to request.
    next_url: usize,
    /// Requests in flight.
    in_flight: usize,
    is_stopped: bool,
    /// Whether a request was not as expected.
    has_failed: bool,
    /// Its requests that failed and were not given up, against the failures that its fetch may have.
    failures: FailureTally,
    /// Whether it could not start its requests.
    is_refused: bool,
    /// The player and the step that it belongs to, if a player made it.
    round: Option<PlayerRound>,
    /// Decides when requests start, if the job is a load.
    load: Option<Box<LoadRun>>,
    /// The basis of the values of its requests, if they have such values.
    series: Option<Box<RequestSeries>>,
}

impl JobRun {
    fn new(job: usize, budget: FailureBudget) -> JobRun {
        JobRun {
            job,
            entry: None,
            next_url: 0,
            in_flight: 0,
            is_stopped: false,
            has_failed: false,
            failures: FailureTally::new(budget),
            is_refused: false,
            round: None,
            load: None,
            series: None,
        }
    }

    pub(crate) fn job(&self) -> usize {
        self.job
    }

    pub(crate) fn entry(&self) -> Option<usize> {
        self.entry
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Whether the runner has asked it to end.
    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    /// The player and the step that it belongs to, if a player made it.
    pub(crate) fn round(&self) -> Option<PlayerRound> {
        self.round
    }

    /// Whether a request was not as expected.
    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// Whether it was as expected: no more of its requests have failed than may.
    pub(crate) fn is_expected(&self) -> bool {
        !self.is_refused && !self.failures.is_exceeded()
    }

    pub(crate) fn load(&self) -> Option<&LoadRun> {
        self.load.as_deref()
    }

    pub(crate) fn load_mut(&mut self) -> Option<&mut LoadRun> {
        self.load.as_deref_mut()
    }

    pub(crate) fn series_mut(&mut self) -> Option<&mut RequestSeries> {
        self.series.as_deref_mut()
    }

    /// Whether nothing is in flight, and nothing is to come.
    pub(crate) fn is_over(&self) -> bool {
        let has_no_more = self.is_stopped || self.load().is_none_or(LoadRun::has_no_more);
        self.in_flight == 0 && has_no_more
    }
}

/// All runs of fetch jobs that have not ended.
#[derive(Clone)]
pub(crate) struct Jobs {
    scenario: Rc<Scenario>,
    /// By number.
    active: BTreeMap<u32, JobRun>,
    last_number: u32,
}

impl Jobs {
    pub(crate) fn new(scenario: Rc<Scenario>) -> Jobs {
        Jobs { scenario, active: BTreeMap::new(), last_number: 0 }
    }

    /// Adds a run of a job; returns its number.
    pub(crate) fn add(
        &mut self,
        job: usize,
        entry: Option<usize>,
        load: Option<LoadRun>,
        series: Option<RequestSeries>,
    ) -> u32 {
        self.last_number += 1;
        let (load, series) = (load.map(Box::new), series.map(Box::new));
        let run = JobRun { entry, load, series, ..self.new_run(job) };
        self.active.insert(self.last_number, run);
        self.last_number
    }

    fn new_run(&self, job: usize) -> JobRun {
        JobRun::new(job, self.scenario.fetches[job].may_fail)
    }

    /// Counts a request of a run that has ended, and that was not given up.
    pub(crate) fn record_end(&mut self, number: u32, is_expected: bool) {
        if let Some(run) = self.active.get_mut(&number) {
            run.failures.record(is_expected);
        }
    }

    /// Notes that a run cannot start its requests.
    pub(crate) fn refuse(&mut self, number: u32) {
        if let Some(run) = self.active.get_mut(&number) {
            run.is_stopped = true;
            run.is_refused = true;
        }
    }

    /// Adds a run of a job that a player makes; returns its number.
    pub(crate) fn add_round(&mut self, job: usize, round: PlayerRound, series: Option<RequestSeries>) -> u32 {
        self.last_number += 1;
        let series = series.map(Box::new);
        let run = JobRun { round: Some(round), series, ..self.new_run(job) };
        self.active.insert(self.last_number, run);
        self.last_number
    }

    /// Notes that a request of a run was not as expected.
    pub(crate) fn record_failure(&mut self, number: u32) {
        if let Some(run) = self.active.get_mut(&number) {
            run.has_failed = true;
        }
    }

    /// Runs that have not ended. The run of the scenario waits for all of them.
    pub(crate) fn len(&self) -> usize {
        self.active.len()
    }

    pub(crate) fn get(&self, number: u32) -> Option<&JobRun> {
        self.active.get(&number)
    }

    pub(crate) fn get_mut(&mut self, number: u32) -> Option<&mut JobRun> {
        self.active.get_mut(&number)
    }

    /// Counts one more request in flight; returns its URL. A load starts again after its last URL.
    pub(crate) fn take_url(&mut self, number: u32) -> Option<usize> {
        let run = self.active.get_mut(&number)?;
        let url = run.next_url;
        let is_last = url + 1 == self.scenario.fetches[run.job].urls.len();
        run.next_url = if run.load.is_some() && is_last { 0 } else { url + 1 };
        run.in_flight += 1;
        Some(url)
    }

    /// Counts one request less in flight.
    pub(crate) fn finish_request(&mut self, number: u32) -> Option<&JobRun> {
        let run = self.active.get_mut(&number)?;
        run.in_flight -= 1;
        Some(run)
    }

    /// Whether a job without a load has another URL to request.
    pub(crate) fn has_next_url(&self, run: &JobRun) -> bool {
        !run.is_stopped && run.next_url < self.scenario.fetches[run.job].urls.len()
    }

    /// Lets no more requests of a run start.
    pub(crate) fn stop(&mut self, number: u32) {
        if let Some(run) = self.active.get_mut(&number) {
            run.is_stopped = true;
        }
    }

    /// Lets no more requests of any run start.
    pub(crate) fn stop_all(&mut self) {
        self.active.values_mut().for_each(|run| run.is_stopped = true);
    }

    pub(crate) fn remove(&mut self, number: u32) {
        self.active.remove(&number);
    }

    /// The loads of an entry that were not stopped: the number and the job of each run.
    pub(crate) fn loads_of_entry(&self, entry: usize) -> impl Iterator<Item = (u32, usize)> {
        self.loads_where(move |run| run.entry == Some(entry))
    }

    /// The loads of a fetch that were not stopped: the number and the job of each run.
    pub(crate) fn loads_of_fetch(&self, fetch: usize) -> impl Iterator<Item = (u32, usize)> {
        self.loads_where(move |run| run.job == fetch)
    }

    /// The jobs of all loads that were not stopped.
    pub(crate) fn loads(&self) -> impl Iterator<Item = usize> {
        self.loads_where(|_| true).map(|(_, job)| job)
    }

    fn loads_where(&self, is_meant: impl Fn(&JobRun) -> bool) -> impl Iterator<Item = (u32, usize)> {
        let is_load = move |run: &JobRun| run.load.is_some() && !run.is_stopped && is_meant(run);
        self.active.iter().filter(move |(_, run)| is_load(run)).map(|(number, run)| (*number, run.job))
    }
}
