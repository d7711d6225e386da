//! Fetch jobs: which request starts when, and what its end means.

use std::rc::Rc;

use crate::engine::effect::Effect;
use crate::engine::expectations::outcome::EventOrigin;
use crate::engine::load::LoadRun;
use crate::engine::{EngineOutput, RunState};
use crate::scenario::model::FetchMode;
use scenario_log::event::{Event, FetchErrorKind, FetchedResponse, Source};
use scenario_log::time::{Moment, Span};

/// One run of a fetch job.
pub(crate) struct JobRun {
    pub(crate) job: usize,
    /// Which entry; none for a typed one.
    pub(crate) entry: Option<usize>,
    /// The next URL to ask for.
    next_url: usize,
    /// Requests in flight.
    pub(crate) in_flight: usize,
    /// The runner has asked it to end.
    pub(crate) is_stopped: bool,
    /// What lets the requests of a load start.
    pub(crate) load: Option<Box<LoadRun>>,
}

/// A request in flight.
pub(crate) struct ActiveRequest {
    /// Which run of a job.
    pub(crate) job_run: u32,
    url: usize,
    line_count: u64,
    is_cancelled: bool,
    /// How long after its planned moment it started.
    start_lateness: Span,
}

impl RunState {
    /// Starts a fetch job, planned for `due`.
    pub(crate) fn start_fetch(
        &mut self,
        job: usize,
        entry: Option<usize>,
        due: Moment,
        out: &mut EngineOutput<'_>,
    ) {
        self.last_job_run += 1;
        let job_run = self.last_job_run;
        let load = self.create_load_run(job, due).map(Box::new);
        let is_load = load.is_some();
        self.job_runs
            .insert(job_run, JobRun { job, entry, next_url: 0, in_flight: 0, is_stopped: false, load });
        self.foreground_count += 1;
        self.entry_source_added(entry);
        let scenario = Rc::clone(&self.scenario);
        let at_once = match scenario.fetches[job].mode {
            _ if is_load => 0,
            FetchMode::Concurrent => scenario.fetches[job].urls.len(),
            FetchMode::Sequential => 1,
        };
        for _ in 0..at_once {
            self.start_request(job_run, due, out);
        }
        if is_load {
            self.start_load(job_run, due, out);
        }
        if let Some(entry) = entry {
            self.entry_started(entry, due, out);
        }
        self.finish_job_if_over(job_run, out);
    }

    /// Sends the next request of a job.
    pub(crate) fn start_request(&mut self, job_run: u32, due: Moment, out: &mut EngineOutput<'_>) {
        let scenario = Rc::clone(&self.scenario);
        let Some(run) = self.job_runs.get_mut(&job_run) else { return };
        let (job, url) = (run.job, run.next_url);
        let fetch = &scenario.fetches[job];
        run.next_url = if run.load.is_some() && url + 1 == fetch.urls.len() { 0 } else { url + 1 };
        run.in_flight += 1;
        let counts_from = run.load.as_ref().filter(|load| load.is_open_loop()).map(|_| due);
        self.last_request += 1;
        let source = Source::Request(self.last_request);
        let late = out.now.since(due);
        self.requests.insert(
            self.last_request,
            ActiveRequest { job_run, url, line_count: 0, is_cancelled: false, start_lateness: late },
        );
        out.expectations.register_source(source, EventOrigin::for_request(job, run.entry));
        let entry = run.entry.map(|entry| scenario.timeline[entry].event_name(entry));
        let (captured, shown) = self.captures_for_request(fetch, url);
        out.event(&Event::FetchStarted {
            due,
            source,
            job: &fetch.name,
            entry,
            method: &fetch.method,
            url: &shown,
        });
        out.effect(Effect::StartRequest { source, job, url, due: counts_from, captured });
    }

    /// Lines of an answer.
    pub(crate) fn body_lines(&mut self, source: Source, chunk: &[u8], out: &mut EngineOutput<'_>) {
        let Source::Request(number) = source else { return };
        for line in chunk.split_inclusive(|byte| *byte == b'\n') {
            let Some(request) = self.requests.get_mut(&number) else { return };
            request.line_count += 1;
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            out.event(&Event::FetchLine { source, n: request.line_count, text });
            if out.must_abort() {
                // What hangs on a line happens right behind it: a log knows nothing of reads.
                self.settle(out);
            }
        }
    }

    /// An answer is whole.
    pub(crate) fn fetch_finished(
        &mut self,
        source: Source,
        fetched: &FetchedResponse,
        out: &mut EngineOutput<'_>,
    ) {
        let Some((number, job, url)) = self.request_of(source) else { return };
        let scenario = Rc::clone(&self.scenario);
        let is_expected = scenario.fetches[job].status.allows(fetched.status);
        let ok = is_expected && fetched.check.is_none();
        out.event(&Event::FetchFinished { source, fetched, ok });
        let late = self.requests.get(&number).map_or(Span::ZERO, |request| request.start_lateness);
        if let Some(figures) = self.metrics_of_job(job) {
            figures.record_response(out.now, fetched, late);
        }
        if ok {
            self.store_captured(job, fetched);
        }
        let (name, url) = (&scenario.fetches[job].name, scenario.fetches[job].urls[url].display_with_gaps());
        if !is_expected {
            self.record_failure(|| format!("{source} ({name}) was answered {}: {url}", fetched.status));
        } else if let Some(check) = &fetched.check {
            self.record_failure(|| format!("{source} ({name}) is not as expected: {check} ({url})"));
        }
        self.finish_request(number, out);
    }

    /// A request failed.
    pub(crate) fn fetch_failed(
        &mut self,
        source: Source,
        (kind, error, took): (FetchErrorKind, &str, Span),
        out: &mut EngineOutput<'_>,
    ) {
        let Some((number, job, _)) = self.request_of(source) else { return };
        let cancelled = self.requests.get(&number).is_some_and(|request| request.is_cancelled);
        out.event(&Event::FetchFailed { source, kind, error, took });
        if let Some(figures) = self.metrics_of_job(job) {
            figures.record_failure(out.now, kind, cancelled);
        }
        if !cancelled {
            let scenario = Rc::clone(&self.scenario);
            self.record_failure(|| format!("{source} ({}) failed: {error}", scenario.fetches[job].name));
        }
        self.finish_request(number, out);
    }

    /// Gives a request up, and the rest of its job.
    pub(crate) fn cancel_request(&mut self, number: u32, out: &mut EngineOutput<'_>) {
        let Some(request) = self.requests.get_mut(&number) else { return };
        if let Some(run) = self.job_runs.get_mut(&request.job_run) {
            run.is_stopped = true;
        }
        if !std::mem::replace(&mut request.is_cancelled, true) {
            out.effect(Effect::CancelRequest { source: Source::Request(number) });
        }
    }

    /// Whether a request has been sent and not ended, and the head of its answer is told: a load has
    /// too many of them.
    pub(crate) fn logs_response_head(&self, source: Source) -> bool {
        let job = self.request_of(source).map(|(_, job, _)| job);
        job.is_some_and(|job| self.scenario.fetches[job].load.is_none())
    }

    fn request_of(&self, source: Source) -> Option<(u32, usize, usize)> {
        let Source::Request(number) = source else { return None };
        let request = self.requests.get(&number)?;
        Some((number, self.job_runs.get(&request.job_run)?.job, request.url))
    }

    fn finish_request(&mut self, number: u32, out: &mut EngineOutput<'_>) {
        out.counters.fetched += 1;
        let Some(request) = self.requests.remove(&number) else { return };
        let job_run = request.job_run;
        let scenario = Rc::clone(&self.scenario);
        let Some(run) = self.job_runs.get_mut(&job_run) else { return };
        run.in_flight -= 1;
        if run.load.is_some() {
            self.continue_load(job_run, out);
        } else if !run.is_stopped && run.next_url < scenario.fetches[run.job].urls.len() {
            let now = out.now;
            return self.start_request(job_run, now, out);
        }
        self.finish_job_if_over(job_run, out);
    }

    /// Ends a job that has nothing in flight, and nothing to come.
    pub(crate) fn finish_job_if_over(&mut self, job_run: u32, out: &mut EngineOutput<'_>) {
        let Some(run) = self.job_runs.get(&job_run) else { return };
        let is_over = run.is_stopped || run.load.as_ref().is_none_or(|load| load.has_no_more());
        if run.in_flight == 0 && is_over {
            let entry = run.entry;
            self.finish_load(job_run, out);
            self.job_runs.remove(&job_run);
            self.foreground_count -= 1;
            self.entry_source_removed(entry, out.now, out);
        }
    }
}
