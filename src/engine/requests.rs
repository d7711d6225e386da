//! Fetch jobs: which request starts when, and what its end means.

use std::rc::Rc;

use crate::engine::expect::Origin;
use crate::engine::{Out, Run};
use crate::scenario::model::FetchMode;
use crate::words::event::{Event, FetchFault, Fetched, Source};
use crate::words::order::Order;
use crate::words::time::{Moment, Span};

/// One run of a fetch job.
pub(crate) struct JobRun {
    job: usize,
    /// Which entry; none for a typed one.
    pub(crate) entry: Option<usize>,
    /// The next URL to ask for.
    next: usize,
    /// Requests in flight.
    live: usize,
    /// The runner has asked it to end.
    stopped: bool,
}

/// A request in flight.
pub(crate) struct Request {
    /// Which run of a job.
    pub(crate) job_run: u32,
    url: usize,
    lines: u64,
    cancelled: bool,
}

impl Run {
    /// Starts a fetch job, planned for `due`.
    pub(crate) fn fetch(&mut self, job: usize, entry: Option<usize>, due: Moment, out: &mut Out<'_>) {
        self.last_job += 1;
        let job_run = self.last_job;
        self.jobs.insert(job_run, JobRun { job, entry, next: 0, live: 0, stopped: false });
        self.foreground += 1;
        self.entry_gained(entry);
        let scenario = Rc::clone(&self.scenario);
        let at_once = match scenario.fetches[job].mode {
            FetchMode::Concurrent => scenario.fetches[job].urls.len(),
            FetchMode::Sequential => 1,
        };
        for _ in 0..at_once {
            self.request(job_run, due, out);
        }
        if let Some(entry) = entry {
            self.entry_started(entry, due, out);
        }
    }

    /// Sends the next request of a job.
    fn request(&mut self, job_run: u32, due: Moment, out: &mut Out<'_>) {
        let scenario = Rc::clone(&self.scenario);
        let Some(run) = self.jobs.get_mut(&job_run) else { return };
        let (job, url) = (run.job, run.next);
        run.next += 1;
        run.live += 1;
        self.last_request += 1;
        let source = Source::Request(self.last_request);
        self.requests.insert(self.last_request, Request { job_run, url, lines: 0, cancelled: false });
        let fetch = &scenario.fetches[job];
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
        out.order(Order::Fetch { source, job, url, captured });
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

    /// Whether a request has been sent and not ended.
    pub(crate) fn is_in_flight(&self, source: Source) -> bool {
        matches!(source, Source::Request(number) if self.requests.contains_key(&number))
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
        if !run.stopped && run.next < scenario.fetches[run.job].urls.len() {
            let now = out.now;
            return self.request(job_run, now, out);
        }
        if run.live == 0 {
            let entry = run.entry;
            self.jobs.remove(&job_run);
            self.foreground -= 1;
            self.entry_lost(entry, out.now, out);
        }
    }
}
