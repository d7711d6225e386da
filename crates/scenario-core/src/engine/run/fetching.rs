//! Starts the requests of fetch jobs, takes their responses, and ends the jobs. When the requests of a load
//! start is decided in `loading`.

use std::rc::Rc;

use super::RunState;
use crate::engine::effect::{Effect, RequestingPlayer};
use crate::engine::expectations::outcome::EventOrigin;
use crate::engine::job::JobRun;
use crate::engine::load_metrics_recorder::LoadMetricsRecorder;
use crate::engine::output::EngineOutput;
use crate::engine::player_sessions::PlayerSession;
use crate::engine::run::trying::FaultTry;
use crate::scenario::model::{FetchMode, ScenarioText};
use scenario_log::captured_value::CapturedValue;
use scenario_log::event::{Event, FetchErrorKind, FetchedResponse, SendCounts, Source};
use scenario_log::time::{Moment, Span};

impl RunState {
    /// Starts a fetch job, planned for `due`.
    pub(super) fn start_fetch(
        &mut self,
        job: usize,
        entry: Option<usize>,
        due: Moment,
        out: &mut EngineOutput<'_>,
    ) {
        let load = self.loads.create_run(job, due);
        let is_load = load.is_some();
        let series = self.request_values.begin_run(job);
        let job_run = self.jobs.add(job, entry, load, series);
        self.timeline.add_source(entry);
        if is_load {
            self.start_load(job_run, due, out);
        } else if self.claim_round(job_run, out) {
            let at_once = match self.scenario.fetches[job].mode {
                FetchMode::Concurrent => self.scenario.fetches[job].urls.len(),
                FetchMode::Sequential => 1,
            };
            for _ in 0..at_once {
                self.start_request(job_run, due, out);
            }
        }
        self.entry_started(entry, due, out);
        self.finish_job_if_over(job_run, out);
    }

    /// Sends the next request of a job.
    pub(super) fn start_request(&mut self, job_run: u32, due: Moment, out: &mut EngineOutput<'_>) {
        let Some(url) = self.jobs.take_url(job_run) else { return };
        let Some(run) = self.jobs.get(job_run) else { return };
        let (job, entry) = (run.job(), run.entry());
        let scenario = Rc::clone(&self.scenario);
        let fetch = &scenario.fetches[job];
        let counts_from = run.load().filter(|load| load.is_open_loop()).map(|_| due);
        let source = self.requests.add(job_run, url, out.now().since(due));
        let round = run.round();
        let origin = match round {
            Some(round) => self.player_origin(round.player, job),
            None => EventOrigin::for_request(job, entry),
        };
        out.expectations().register_source(source, origin);
        let entry = entry.map(|entry| self.scenario.timeline[entry].event_name(entry));
        let starting = self.jobs.get_mut(job_run).and_then(JobRun::series_mut);
        let starting = starting.map(|series| self.request_values.next_request(job, series));
        let starting = match round {
            Some(round) => self.player_request(round, (job, url), starting),
            None => starting,
        };
        let table = starting.as_ref().and_then(|request| request.table_of(&scenario));
        let table = table.filter(|table| !table.is_in_log());
        // The rows of a file are in no log.
        let logged = match table {
            Some(table) if table.rows.is_none() => out.logged_row_values(),
            _ => Vec::new(),
        };
        let own = |name: &str| starting.as_ref()?.value_of(name, &scenario, &logged);
        let session = round.and_then(|round| self.sessions.get(round.player));
        let of_player = session.map(PlayerSession::captured);
        let (captured, shown) = self.captures.for_request(fetch, (job, url), of_player, own);
        let shown_values = table.map(|_| row_values_in(&fetch.urls[url], &captured));
        let player = round.map(|round| self.players.step_player(round.player, &scenario).1);
        let step = round.map(|round| &*self.fetch_of(round, &scenario).label);
        if let Some(step) = step {
            self.loads.record_step_start(step, out.now());
        }
        out.event(&Event::FetchStarted {
            due,
            source,
            job: &fetch.name,
            entry,
            player,
            step,
            method: &fetch.method,
            url: &shown,
            row: starting.as_ref().and_then(|request| request.row).map(u64::from),
            values: shown_values.as_deref().filter(|values| !values.is_empty()),
        });
        let player = round.map(|round| RequestingPlayer {
            id: round.player,
            keeps_cookies: self.players.group_of(round.player, &scenario).cookies,
        });
        out.effect(Effect::StartRequest { source, job, url, due: counts_from, captured, player });
    }

    /// Takes the row of a run of a fetch that is no load; false if there is none, so that no request starts.
    pub(super) fn claim_round(&mut self, job_run: u32, out: &mut EngineOutput<'_>) -> bool {
        let Err(reason) = self.take_row(job_run) else { return true };
        let Some(job) = self.jobs.get(job_run).map(JobRun::job) else { return false };
        let reason = format!("no request of `{}` starts: {reason}", self.scenario.fetches[job].name);
        out.emit_stopping(None, &reason);
        self.lifecycle.record_failure(|| reason);
        self.jobs.refuse(job_run);
        false
    }

    /// Takes the row of the next requests of a run of a fetch.
    ///
    /// # Errors
    /// The reason why there is none.
    pub(super) fn take_row(&mut self, job_run: u32) -> Result<(), String> {
        let Some(run) = self.jobs.get_mut(job_run) else { return Ok(()) };
        let job = run.job();
        run.series_mut().map_or(Ok(()), |series| self.request_values.take_row(job, series))
    }

    /// Takes lines of a response.
    pub(super) fn body_lines(&mut self, source: Source, chunk: &[u8], out: &mut EngineOutput<'_>) {
        let Source::Request(number) = source else { return };
        for line in chunk.split_inclusive(|byte| *byte == b'\n') {
            let Some(n) = self.requests.count_line(number) else { return };
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            out.event(&Event::FetchLine { source, n, text });
            if out.must_abort() {
                // The consequences of a line come right after it: a log does not show which lines were
                // read together.
                self.settle(out);
            }
        }
    }

    /// A response is complete.
    pub(super) fn fetch_finished(
        &mut self,
        source: Source,
        fetched: &FetchedResponse,
        out: &mut EngineOutput<'_>,
    ) {
        let Some((number, job)) = self.request_of(source) else { return };
        let Some(request) = self.requests.get(number) else { return };
        let (url, late, job_run) = (request.url(), request.start_lateness(), request.job_run());
        let scenario = Rc::clone(&self.scenario);
        let is_expected = scenario.fetches[job].status.allows(fetched.status);
        let ok = is_expected && fetched.check.is_none();
        let entry = self.jobs.get(job_run).and_then(JobRun::entry);
        let describe = || {
            let (name, url) =
                (&scenario.fetches[job].name, scenario.fetches[job].urls[url].display_with_gaps());
            match &fetched.check {
                Some(check) if is_expected => {
                    format!("{source} ({name}) is not as expected: {check} ({url})")
                }
                _ => format!("{source} ({name}) was answered {}: {url}", fetched.status),
            }
        };
        let tried = match ok {
            true => FaultTry::default(),
            false => self.judge_request((entry, job_run), &describe, out),
        };
        out.event(&Event::FetchFinished { source, fetched, ok, again: tried.again });
        self.report_retry(&tried, source, out);
        if let Some(metrics) = self.metrics_of_request(number, job) {
            metrics.record_response(out.now(), fetched, late);
        }
        if !tried.again {
            self.jobs.record_end(job_run, ok);
        }
        if ok {
            let round = self.jobs.get(job_run).and_then(JobRun::round);
            let own = round.and_then(|round| self.sessions.get_mut(round.player));
            self.captures.store(job, fetched, own.map(PlayerSession::captured_mut));
            self.failure_budgets.record_success(job);
        } else {
            self.jobs.record_failure(job_run);
            if !tried.again {
                self.record_failed_request((job, job_run), describe);
            }
        }
        self.finish_request(number, out);
    }

    /// A request failed.
    pub(super) fn fetch_failed(
        &mut self,
        source: Source,
        (kind, error, took, sent): (FetchErrorKind, &str, Span, SendCounts),
        out: &mut EngineOutput<'_>,
    ) {
        let Some((number, job)) = self.request_of(source) else { return };
        let Some(request) = self.requests.get(number) else { return };
        let (is_cancelled, job_run) = (request.is_cancelled(), request.job_run());
        self.jobs.record_failure(job_run);
        let scenario = Rc::clone(&self.scenario);
        let entry = self.jobs.get(job_run).and_then(JobRun::entry);
        let describe = || format!("{source} ({}) failed: {error}", scenario.fetches[job].name);
        let tried = match is_cancelled {
            true => FaultTry::default(),
            false => self.judge_request((entry, job_run), &describe, out),
        };
        out.event(&Event::FetchFailed { source, kind, error, took, sent, again: tried.again });
        self.report_retry(&tried, source, out);
        if let Some(metrics) = self.metrics_of_request(number, job) {
            metrics.record_failure(out.now(), (kind, is_cancelled), sent);
        }
        if !is_cancelled && !tried.again {
            self.jobs.record_end(job_run, false);
            self.record_failed_request((job, job_run), describe);
        }
        self.finish_request(number, out);
    }

    /// Decides whether the entry of a request that is not as expected tries again. Then nothing more of this try
    /// starts.
    fn judge_request(
        &mut self,
        (entry, job_run): (Option<usize>, u32),
        describe: &impl Fn() -> String,
        out: &EngineOutput<'_>,
    ) -> FaultTry {
        if entry.is_none_or(|entry| self.scenario.timeline[entry].until.is_none()) {
            return FaultTry::default();
        }
        let tried = self.judge_fault(entry, &describe(), out);
        if tried.again {
            self.jobs.stop(job_run);
        }
        tried
    }

    /// A request failed. So does the run, unless the fetch may have one more failed request; and so does the entry
    /// of the player that made it.
    fn record_failed_request(&mut self, (job, job_run): (usize, u32), describe: impl FnOnce() -> String) {
        let name = &self.scenario.fetches[job].name;
        let Some(reason) = self.failure_budgets.record_failure((job, name), describe) else { return };
        self.lifecycle.record_failure(|| reason);
        let round = self.jobs.get(job_run).and_then(JobRun::round);
        let spawn = round.map(|round| self.players.step_player(round.player, &self.scenario).0);
        if let Some(Source::Spawn(number)) = spawn {
            self.entry_failed(self.spawns.get(number).and_then(|spawn| spawn.entry()));
        }
    }

    /// Gives a request up, and the rest of its job.
    pub(super) fn cancel_request(&mut self, number: u32, out: &mut EngineOutput<'_>) {
        let Some(request) = self.requests.get(number) else { return };
        self.jobs.stop(request.job_run());
        if self.requests.cancel(number) {
            out.effect(Effect::CancelRequest { source: Source::Request(number) });
        }
    }

    /// Whether a request is in flight, and the head of its response is logged. That of a load or of a player is
    /// not: they have too many.
    pub(super) fn logs_response_head(&self, source: Source) -> bool {
        let Some((number, job)) = self.request_of(source) else { return false };
        let run = self.requests.get(number).and_then(|request| self.jobs.get(request.job_run()));
        self.scenario.fetches[job].load.is_none() && run.is_some_and(|run| run.round().is_none())
    }

    /// The metrics that a request counts for: those of its load, or of the step of its player.
    fn metrics_of_request(&mut self, number: u32, job: usize) -> Option<&mut LoadMetricsRecorder> {
        let round = self.requests.get(number).and_then(|request| self.jobs.get(request.job_run())?.round());
        let Some(round) = round else { return self.loads.metrics_of(job) };
        let scenario = Rc::clone(&self.scenario);
        self.loads.metrics_of_step(&self.fetch_of(round, &scenario).label)
    }

    /// The number and the job of a request in flight.
    fn request_of(&self, source: Source) -> Option<(u32, usize)> {
        let Source::Request(number) = source else { return None };
        let request = self.requests.get(number)?;
        Some((number, self.jobs.get(request.job_run())?.job()))
    }

    fn finish_request(&mut self, number: u32, out: &mut EngineOutput<'_>) {
        out.counters().fetched += 1;
        let Some(job_run) = self.requests.remove(number).map(|request| request.job_run()) else { return };
        let Some(run) = self.jobs.finish_request(job_run) else { return };
        if run.load().is_some() {
            self.continue_load(job_run, out);
        } else if self.jobs.get(job_run).is_some_and(|run| self.jobs.has_next_url(run)) {
            return self.start_request(job_run, out.now(), out);
        }
        self.finish_job_if_over(job_run, out);
    }

    /// Ends a job that has nothing in flight and nothing to come.
    pub(super) fn finish_job_if_over(&mut self, job_run: u32, out: &mut EngineOutput<'_>) {
        let Some(run) = self.jobs.get(job_run).filter(|run| run.is_over()) else { return };
        let (entry, round, is_expected) = (run.entry(), run.round(), !run.has_failed());
        let run_is_expected = run.is_expected();
        self.count_unsent(job_run, out.now());
        if !run_is_expected {
            self.entry_failed(entry);
        }
        self.jobs.remove(job_run);
        self.entry_source_removed(entry, out.now(), out);
        if let Some(round) = round {
            self.player_round_ended(round, is_expected, out);
        }
    }
}

/// The values of a row that stand in a URL, each under the name of its column.
fn row_values_in(url: &ScenarioText, values: &[CapturedValue]) -> Vec<CapturedValue> {
    let is_in_url = |value: &&CapturedValue| url.capture_names().any(|name| name == value.name);
    let of_row = |value: &CapturedValue| {
        let name = value.name.strip_prefix("row.")?.to_owned();
        Some(CapturedValue { name, ..value.clone() })
    };
    values.iter().filter(is_in_url).filter_map(of_row).collect()
}
