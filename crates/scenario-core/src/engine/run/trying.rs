//! Carries out what `until` decides: which fault fails the run, and what is stopped when the time is over.

use super::RunState;
use super::acting::ActionOrigin;
use crate::engine::names::entry_name;
use crate::engine::output::EngineOutput;
use crate::engine::timeline::tries::TryVerdict;
use crate::scenario::model::ActionTarget;
use scenario_log::event::{Event, Source};
use scenario_log::time::{Moment, Span};

/// The consequence for the entry of something that is not as expected.
#[derive(Debug, Default)]
pub(super) struct FaultTry {
    /// The entry tries again, so that the fault fails nothing.
    pub(super) again: bool,
    /// The first fault of a try, which an event reports after that of the fault.
    retry: Option<RetryReport>,
}

impl FaultTry {
    /// What was not as expected is done again, and the end of its source says so alone.
    pub(super) fn without_report() -> FaultTry {
        FaultTry { again: true, retry: None }
    }
}

#[derive(Debug)]
struct RetryReport {
    entry: usize,
    n: u64,
    reason: String,
    wait: Span,
}

impl RunState {
    /// Something of an entry was not as expected: fails the entry and the run, unless the entry tries again.
    /// [`RunState::report_retry`] must follow the event of the fault.
    pub(super) fn record_entry_fault(
        &mut self,
        entry: Option<usize>,
        reason: String,
        out: &EngineOutput<'_>,
    ) -> FaultTry {
        let tried = self.judge_fault(entry, &reason, out);
        if !tried.again {
            self.lifecycle.record_failure(|| reason);
            self.entry_failed(entry);
        }
        tried
    }

    /// Decides whether an entry tries again after a fault.
    pub(super) fn judge_fault(
        &mut self,
        entry: Option<usize>,
        reason: &str,
        out: &EngineOutput<'_>,
    ) -> FaultTry {
        match (self.timeline.judge_try(entry, out.now()), entry) {
            (TryVerdict::Again { n, wait }, Some(entry)) => {
                let retry = RetryReport { entry, n, reason: reason.to_owned(), wait };
                FaultTry { again: true, retry: Some(retry) }
            }
            (TryVerdict::AgainAnyway, _) => FaultTry { again: true, retry: None },
            (TryVerdict::Last { count, timeout }, Some(entry)) => {
                let name = entry_name(&self.scenario, entry);
                let (tries, timeout) = (if count == 1 { "try" } else { "tries" }, timeout.format_human());
                self.lifecycle.record_failure(|| {
                    format!(
                        "{name} was not as expected within {timeout} ({count} {tries}); the last: {reason}"
                    )
                });
                FaultTry::default()
            }
            _ => FaultTry::default(),
        }
    }

    /// Reports that an entry tries again.
    pub(super) fn report_retry(&self, tried: &FaultTry, source: Source, out: &mut EngineOutput<'_>) {
        if let Some(RetryReport { entry, n, reason, wait }) = &tried.retry {
            let entry = self.scenario.timeline[*entry].event_name(*entry);
            out.event(&Event::EntryRetried { entry, source, n: *n, reason, wait: *wait });
        }
    }

    /// A stop of an entry that waits for its next try: there is none. False if it does not wait for one. `by` is
    /// the origin of the stop; none for a typed one.
    pub(super) fn cancel_tries(
        &mut self,
        target: &ActionTarget,
        by: Option<ActionOrigin>,
        out: &mut EngineOutput<'_>,
    ) -> bool {
        let Some(entry) = target.entry.filter(|entry| self.timeline.cancel_tries(*entry, out.now())) else {
            return false;
        };
        let reason = format!("no more tries of `{}` start", target.name);
        out.event(&Event::Stopping {
            due: by.map(|by| by.due),
            source: None,
            entry: by.and_then(|by| self.origin_name(by)),
            signal: None,
            reason: Some(&reason),
            error: None,
        });
        self.check_entry_over(entry, out);
        true
    }

    /// The time of an `until` is over. What still runs of its entry is stopped.
    pub(super) fn until_timed_out(&mut self, entry: usize, due: Moment, out: &mut EngineOutput<'_>) {
        if !self.timeline.expire_tries(entry, due) {
            return;
        }
        let Some(until) = &self.scenario.timeline[entry].until else { return };
        let (name, timeout) = (entry_name(&self.scenario, entry), until.timeout.format_human());
        self.lifecycle.record_failure(|| {
            format!("{name} was not as expected within {timeout}; its last try had not ended")
        });
        for source in self.sources_of(entry) {
            out.emit_stopping(Some(source), "the time of its `until` is over");
            self.stop_source(source, out);
        }
        self.check_entry_over(entry, out);
    }
}
