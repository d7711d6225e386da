//! The faults of a run: everything that went wrong, in words, with its line of the log.

use crate::report::feed::LogEvent;
use crate::report::format::push_expectation;
use crate::report::origins::SourceOrigin;
use scenario_log::event::{Event, Source, SpawnExit};
use scenario_log::sanitize::sanitize;
use scenario_log::signal::Signal;
use scenario_log::time::Moment;

/// How many faults are kept; the others are counted.
const MAX_KEPT: usize = 10;

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFault {
    /// The line of the log, counted from 1.
    pub line: u64,
    /// When it happened.
    pub t: Moment,
    /// Its source, if it has one.
    pub source: Option<Source>,
    /// The message, without control characters.
    pub message: String,
    /// The last lines of the program that failed, as [`last_lines`] has them.
    pub output: Vec<String>,
}

/// The first faults of a run.
#[derive(Clone, Debug, Default)]
pub struct RunFaults {
    /// The first faults, in their order.
    pub first: Vec<RunFault>,
    /// How many faults there were.
    pub count: u64,
}

impl RunFaults {
    /// Takes an event, and notes it if something went wrong.
    pub fn on_event(&mut self, logged: &LogEvent<'_, '_>) {
        let LogEvent { line, t, event: Some(event), origin } = *logged else { return };
        let Some((source, what)) = logged_fault(event, origin) else { return };
        self.count += 1;
        if self.first.len() < MAX_KEPT {
            let of = source.map(|source| match origin {
                Some(origin) => format!("{source} ({}) ", sanitize(&origin.group.name)),
                None => format!("{source} "),
            });
            let what = format!("{}{}", of.unwrap_or_default(), sanitize(&what));
            let output = last_lines(event, origin);
            self.first.push(RunFault { line, t, source, message: what, output });
        }
    }
}

/// An end with code 0 that is not as expected, for people.
pub const UNWANTED_SUCCESS: &str =
    "by itself with code 0, while the run still needed it or its `exits` wanted another code";

/// The reason of a run's end for people, on one line and without control characters. The log has it as the
/// first release wrote it, where an end with code 0 reads as if nothing was wrong.
#[must_use]
pub fn readable_reason(reason: &str) -> String {
    match reason.strip_suffix(") ended with code 0").filter(|program| program.starts_with("ps#")) {
        Some(program) => format!("{}) ended {UNWANTED_SUCCESS}", sanitize(program)),
        None => sanitize(reason),
    }
}

/// The last lines of a program, if this event says that it failed: it ended otherwise than expected, or
/// never became ready. `| ` stands before those of standard output and `! ` before those of standard error;
/// control characters are visible.
#[must_use]
pub fn last_lines(event: &Event<'_>, origin: Option<&SourceOrigin>) -> Vec<String> {
    let has_failed = matches!(event, Event::SpawnExited { ok: false, .. } | Event::SpawnFailed { .. });
    origin.filter(|_| has_failed).map_or_else(Vec::new, |origin| origin.output.marked_lines())
}

/// The fault of an event, if it has one: the source, and words that follow the source's name. What is tried
/// again has none.
#[must_use]
pub fn logged_fault(event: &Event<'_>, origin: Option<&SourceOrigin>) -> Option<(Option<Source>, String)> {
    let fault = event_fault(event).filter(|_| origin.is_none_or(|origin| !origin.is_tried_again));
    match (event, origin.and_then(|origin| origin.unhealthy.as_ref())) {
        // How a program ends that is stopped because it is not alive says nothing about it.
        (Event::SpawnExited { .. }, Some(probes)) => {
            fault.map(|(source, _)| (source, format!("was not alive: {probes}")))
        }
        _ => fault,
    }
}

fn event_fault(event: &Event<'_>) -> Option<(Option<Source>, String)> {
    match *event {
        Event::SpawnExited { source, killed: true, ok: false, .. } => {
            Some((Some(source), "left programs that had to be killed".to_owned()))
        }
        Event::SpawnExited { source, ok: false, reason: Some(reason), .. } => {
            Some((Some(source), reason.to_owned()))
        }
        Event::SpawnExited { source, exit: SpawnExit::Code(0), ok: false, .. } => {
            Some((Some(source), format!("ended {UNWANTED_SUCCESS}")))
        }
        Event::SpawnExited { source, exit, ok: false, usage, .. } => {
            let limit = usage.exceeded.map(|limit| format!(": it {}", limit.excess())).unwrap_or_default();
            Some((Some(source), format!("ended with {exit}{limit}")))
        }
        Event::SpawnFailed { source, error, .. } => Some((Some(source), format!("failed: {error}"))),
        Event::FetchFinished { source, fetched, ok: false, .. } => {
            let what = match &fetched.check {
                Some(check) => format!("is not as expected: {check}"),
                None => format!("was answered {}", fetched.status),
            };
            Some((Some(source), what))
        }
        Event::FetchFailed { source, kind, error, .. } => {
            Some((Some(source), format!("failed ({}): {error}", kind.name())))
        }
        Event::Expect(expected) if !expected.ok => {
            let mut message = "expected ".to_owned();
            push_expectation(&mut message, expected);
            Some((None, message))
        }
        Event::Sent { source: Some(source), error: Some(error), .. } => {
            Some((Some(source), format!("could not be sent a line: {error}")))
        }
        Event::Sent { error: Some(error), .. } => Some((None, format!("a line could not be sent: {error}"))),
        Event::Signalled { signal, error: Some(error), .. } => {
            Some((None, format!("the signal {signal} reached nothing: {error}")))
        }
        Event::Stopping { source, entry, signal, reason, error, .. } => {
            stopping_fault(source, entry.is_some(), signal, (reason, error))
        }
        Event::SpawnExited { ok: true, .. }
        | Event::FetchFinished { ok: true, .. }
        | Event::Expect(_)
        | Event::Sent { error: None, .. }
        | Event::Signalled { error: None, .. }
        // The exit of a program that is not alive is the fault.
        | Event::SpawnUnhealthy { .. }
        | Event::StopFailed { .. }
        | Event::SpawnRestarted { .. }
        | Event::LinkOpened { .. }
        | Event::LinkClosed { .. }
        | Event::LinkChanged { .. }
        | Event::RunStarted { .. }
        | Event::ClockTick { .. }
        | Event::SpawnStarted { .. }
        | Event::SpawnReady { .. }
        | Event::SpawnSuspended { .. }
        | Event::SpawnResumed { .. }
        | Event::SpawnSampled { .. }
        | Event::StepEnded { .. }
        | Event::PlayerEnded { .. }
        | Event::Move { .. }
        | Event::Step { .. }
        | Event::Lines { .. }
        | Event::UnfinishedText { .. }
        | Event::LineMatched { .. }
        | Event::FetchStarted { .. }
        | Event::FetchResponded { .. }
        | Event::FetchLine { .. }
        | Event::TypedInput { .. }
        | Event::Mark { .. }
        | Event::EntrySkipped { .. }
        | Event::EntryRetried { .. }
        | Event::RunPaused
        | Event::RunResumed { .. }
        | Event::PlayerJoined { .. }
        | Event::PlayerLeft { .. }
        | Event::WorldState { .. }
        | Event::Deadlock { .. }
        | Event::RunFinished(_) => None,
    }
}

/// Whether the reason of a `stopping` without a source is that a load or an `until` starts no more, which stops
/// nothing else.
#[must_use]
pub fn is_load_end(reason: &str) -> bool {
    reason.starts_with("no more requests of ") || reason.starts_with("no more tries of ")
}

/// Whether the reason of a `stopping` without a source is the end of a program with `on_exit = "stop"`, which is
/// no fault.
#[must_use]
pub fn is_program_end(reason: &str) -> bool {
    reason.starts_with("ps#") && reason.ends_with("and its `on_exit` ends the run")
}

/// The fault of a `stopping`: a stop that failed, or a stop of the whole run that was not planned.
fn stopping_fault(
    source: Option<Source>,
    has_entry: bool,
    signal: Option<Signal>,
    (reason, error): (Option<&str>, Option<&str>),
) -> Option<(Option<Source>, String)> {
    let is_of_all = source.is_none() && !has_entry;
    let what = match (signal, reason, error) {
        (_, _, Some(error)) if is_of_all => format!("`scenario` itself has a fault: {error}"),
        (_, _, Some(error)) if source.is_none() => format!("nothing could be stopped: {error}"),
        (_, _, Some(error)) => format!("could not be stopped: {error}"),
        (Some(signal), _, _) => format!("the run was stopped by {signal}"),
        (_, Some(reason), _) if is_of_all && (is_load_end(reason) || is_program_end(reason)) => return None,
        (_, Some(reason), _) if is_of_all && reason.starts_with("no request of ") => reason.to_owned(),
        (_, Some(reason), _) if is_of_all => format!("the run was stopped: {reason}"),
        _ => return None,
    };
    Some((source, what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_end_with_code_0_needs_other_words() {
        let init = "ps#1 (init) ended by itself with code 0, while";
        assert!(readable_reason("ps#1 (init) ended with code 0").starts_with(init));
        for reason in [
            "ps#1 (init) ended with code 1",
            "ps#1 (init) ended with code 0 before it was ready",
            "`#2` waits for a line that ended with code 0",
        ] {
            assert_eq!(readable_reason(reason), reason);
        }
        assert_eq!(readable_reason("a\u{1b}b"), "a\\x1bb");
    }
}
