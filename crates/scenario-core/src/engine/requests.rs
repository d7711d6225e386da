//! The requests in flight. Sends nothing and emits nothing.

use std::collections::BTreeMap;

use scenario_log::event::Source;
use scenario_log::time::Span;

/// A request in flight.
#[derive(Clone)]
pub(crate) struct ActiveRequest {
    job_run: u32,
    url: usize,
    /// Lines of the response so far.
    line_count: u64,
    is_cancelled: bool,
    start_lateness: Span,
}

impl ActiveRequest {
    /// The run of a job that it is part of.
    pub(crate) fn job_run(&self) -> u32 {
        self.job_run
    }

    /// The index of its URL in the job.
    pub(crate) fn url(&self) -> usize {
        self.url
    }

    /// Whether the runner has given it up.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.is_cancelled
    }

    /// The time from its planned moment to its start.
    pub(crate) fn start_lateness(&self) -> Span {
        self.start_lateness
    }
}

/// All requests in flight.
#[derive(Clone, Default)]
pub(crate) struct Requests {
    /// By number.
    active: BTreeMap<u32, ActiveRequest>,
    last_number: u32,
}

impl Requests {
    /// Whether no number is left for another request.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.last_number == u32::MAX
    }

    /// Adds a request; returns its source.
    pub(crate) fn add(&mut self, job_run: u32, url: usize, start_lateness: Span) -> Source {
        self.last_number += 1;
        let request = ActiveRequest { job_run, url, line_count: 0, is_cancelled: false, start_lateness };
        self.active.insert(self.last_number, request);
        Source::Request(self.last_number)
    }

    pub(crate) fn get(&self, number: u32) -> Option<&ActiveRequest> {
        self.active.get(&number)
    }

    /// The requests in flight in the order of their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Source, &ActiveRequest)> {
        self.active.iter().map(|(number, request)| (Source::Request(*number), request))
    }

    pub(crate) fn numbers(&self) -> Vec<u32> {
        self.active.keys().copied().collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.active.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.active.is_empty()
    }

    /// Counts one more line of a response; returns its number from 1.
    pub(crate) fn count_line(&mut self, number: u32) -> Option<u64> {
        let request = self.active.get_mut(&number)?;
        request.line_count += 1;
        Some(request.line_count)
    }

    /// Notes that a request is given up; false if it already was.
    pub(crate) fn cancel(&mut self, number: u32) -> bool {
        let request = self.active.get_mut(&number);
        request.is_some_and(|request| !std::mem::replace(&mut request.is_cancelled, true))
    }

    pub(crate) fn remove(&mut self, number: u32) -> Option<ActiveRequest> {
        self.active.remove(&number)
    }
}
