//! Fetch jobs: which request starts when, and what its end means.

use std::rc::Rc;

use crate::engine::effect::Order;
use crate::engine::expect::Origin;
use crate::engine::load::LoadRun;
use crate::engine::{Out, Run};
use crate::scenario::model::FetchMode;
use scenario_log::event::{Event, FetchFault, Fetched, Source};
use scenario_log::time::{Moment, Span};

/// One run of a fetch job.
pub(crate) struct JobRun {
    pub(crate) job: usize,
    /// Which entry; none for a typed one.
    pub(crate) entry: Option<usize>,
    /// The next URL to ask for.
    next: usize,
    /// Requests in flight.
    pub(crate) live: usize,
    /// The runner has asked it to end.
    pub(crate) stopped: bool,
    /// What lets the requests of a load start.
    pub(crate) load: Option<Box<LoadRun>>,
}

/// A request in flight.
pub(crate) struct Request {
    /// Which run of a job.
    pub(crate) job_run: u32,
    url: usize,
    lines: u64,
    cancelled: bool,
    /// How long after its planned moment it started.
    late: Span,
}

impl Run {
    /// Starts a fetch job, planned for `due`.
    pub(crate) fn fetch(&mut self, job: usize, entry: Option<usize>, due: Moment, out: &mut Out<'_>) {
        self.last_job += 1;
        let job_run = self.last_job;
        let load = self.new_load(job, due).map(Box::new);
        let is_load = load.is_some();
        self.jobs.insert(job_run, JobRun { job, entry, next: 0, live: 0, stopped: false, load });
        self.foreground += 1;
        self.entry_gained(entry);
        let scenario = Rc::clone(&self.scenario);
        let at_once = match scenario.fetches[job].mode {
            _ if is_load => 0,
            FetchMode::Concurrent => scenario.fetches[job].urls.len(),
            FetchMode::Sequential => 1,
        };
        for _ in 0..at_once {
            self.request(job_run, due, out);
        }
        if is_load {
            self.begin_load(job_run, due, out);
        }
        if let Some(entry) = entry {
            self.entry_started(entry, due, out);
        }
        self.look_whether_job_over(job_run, out);
    }

    /// Sends the next request of a job.
    pub(crate) fn request(&mut self, job_run: u32, due: Moment, out: &mut Out<'_>) {
        let scenario = Rc::clone(&self.scenario);
        let Some(run) = self.jobs.get_mut(&job_run) else { return };
        let (job, url) = (run.job, run.next);
        let fetch = &scenario.fetches[job];
        run.next = if run.load.is_some() && url + 1 == fetch.urls.len() { 0 } else { url + 1 };
        run.live += 1;
        let counts_from = run.load.as_ref().filter(|load| load.is_open()).map(|_| due);
        self.last_request += 1;
        let source = Source::Request(self.last_request);
        let late = out.now.since(due);
        self.requests.insert(self.last_request, Request { job_run, url, lines: 0, cancelled: false, late });
        out.expected.ordered(source, Origin::request(job, run.entry));
        let entry = run.entry.map(|entry| scenario.timeline[entry].name(entry));
        let (captured, shown) = self.captured_for(fetch, url);
        out.event(&Event::FetchStarted {
            due,
            source,
            job: &fetch.name,
            entry,
            method: &fetch.method,
            url: &shown,
        });
        out.order(Order::Fetch { source, job, url, due: counts_from, captured });
    }

    /// Lines of an answer.
    pub(crate) fn body_lines(&mut self, source: Source, chunk: &[u8], out: &mut Out<'_>) {
        let Source::Request(number) = source else { return };
        for line in chunk.split_inclusive(|byte| *byte == b'\n') {
            let Some(request) = self.requests.get_mut(&number) else { return };
            request.lines += 1;
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            out.event(&Event::FetchLine { source, n: request.lines, text });
            if out.is_to_end() {
                // What hangs on a line happens right behind it: a log knows nothing of reads.
                self.settle(out);
            }
        }
    }

    /// An answer is whole.
    pub(crate) fn fetched(&mut self, source: Source, fetched: &Fetched, out: &mut Out<'_>) {
        let Some((number, job, url)) = self.request_of(source) else { return };
        let scenario = Rc::clone(&self.scenario);
        let is_expected = scenario.fetches[job].status.allows(fetched.status);
        let ok = is_expected && fetched.check.is_none();
        out.event(&Event::FetchFinished { source, fetched, ok });
        let late = self.requests.get(&number).map_or(Span::ZERO, |request| request.late);
        if let Some(figures) = self.figures_of(job) {
            figures.answered(out.now, fetched, late);
        }
        if ok {
            self.keep_captured(job, fetched);
        }
        let (name, url) = (&scenario.fetches[job].name, scenario.fetches[job].urls[url].written());
        if !is_expected {
            self.note_fault(|| format!("{source} ({name}) was answered {}: {url}", fetched.status));
        } else if let Some(check) = &fetched.check {
            self.note_fault(|| format!("{source} ({name}) is not as expected: {check} ({url})"));
        }
        self.forget_request(number, out);
    }

    /// A request failed.
    pub(crate) fn fetch_failed(
        &mut self,
        source: Source,
        (kind, error, took): (FetchFault, &str, Span),
        out: &mut Out<'_>,
    ) {
        let Some((number, job, _)) = self.request_of(source) else { return };
        let cancelled = self.requests.get(&number).is_some_and(|request| request.cancelled);
        out.event(&Event::FetchFailed { source, kind, error, took });
        if let Some(figures) = self.figures_of(job) {
            figures.failed(out.now, kind, cancelled);
        }
        if !cancelled {
            let scenario = Rc::clone(&self.scenario);
            self.note_fault(|| format!("{source} ({}) failed: {error}", scenario.fetches[job].name));
        }
        self.forget_request(number, out);
    }

    /// Gives a request up, and the rest of its job.
    pub(crate) fn cancel(&mut self, number: u32, out: &mut Out<'_>) {
        let Some(request) = self.requests.get_mut(&number) else { return };
        if let Some(run) = self.jobs.get_mut(&request.job_run) {
            run.stopped = true;
        }
        if !std::mem::replace(&mut request.cancelled, true) {
            out.order(Order::Cancel { source: Source::Request(number) });
        }
    }

    /// Whether a request has been sent and not ended, and the head of its answer is told: a load has
    /// too many of them.
    pub(crate) fn tells_heads(&self, source: Source) -> bool {
        let job = self.request_of(source).map(|(_, job, _)| job);
        job.is_some_and(|job| self.scenario.fetches[job].load.is_none())
    }

    fn request_of(&self, source: Source) -> Option<(u32, usize, usize)> {
        let Source::Request(number) = source else { return None };
        let request = self.requests.get(&number)?;
        Some((number, self.jobs.get(&request.job_run)?.job, request.url))
    }

    fn forget_request(&mut self, number: u32, out: &mut Out<'_>) {
        out.tally.fetched += 1;
        let Some(request) = self.requests.remove(&number) else { return };
        let job_run = request.job_run;
        let scenario = Rc::clone(&self.scenario);
        let Some(run) = self.jobs.get_mut(&job_run) else { return };
        run.live -= 1;
        if run.load.is_some() {
            self.load_goes_on(job_run, out);
        } else if !run.stopped && run.next < scenario.fetches[run.job].urls.len() {
            let now = out.now;
            return self.request(job_run, now, out);
        }
        self.look_whether_job_over(job_run, out);
    }

    /// Ends a job that has nothing in flight, and nothing to come.
    pub(crate) fn look_whether_job_over(&mut self, job_run: u32, out: &mut Out<'_>) {
        let Some(run) = self.jobs.get(&job_run) else { return };
        let is_over = run.stopped || run.load.as_ref().is_none_or(|load| load.is_over());
        if run.live == 0 && is_over {
            let entry = run.entry;
            self.close_load(job_run, out);
            self.jobs.remove(&job_run);
            self.foreground -= 1;
            self.entry_lost(entry, out.now, out);
        }
    }
}
