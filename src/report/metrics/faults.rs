//! What went wrong in a run, in words, with the line of the log that tells it.

use crate::report::format::push_expectation;
use crate::report::origins::SourceOrigin;
use scenario_log::event::{Event, Source};
use scenario_log::sanitize::sanitize;
use scenario_log::signal::Signal;
use scenario_log::time::Moment;

/// So many are kept; the others are counted.
const MAX_KEPT: usize = 10;

/// One thing that went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFault {
    /// The line of the log, from 1.
    pub line: u64,
    /// When.
    pub t: Moment,
    /// What it is of, if of a spawn or request.
    pub source: Option<Source>,
    /// What, without control characters.
    pub message: String,
}

/// The first things that went wrong.
#[derive(Clone, Debug, Default)]
pub struct RunFaults {
    /// In their order; the first ones.
    pub first: Vec<RunFault>,
    /// How many there were.
    pub count: u64,
}

impl RunFaults {
    /// Takes an event, and notes it if something went wrong. `origin` is that of its source.
    pub(super) fn on_event(
        &mut self,
        (line, t): (u64, Moment),
        event: &Event<'_>,
        origin: Option<&SourceOrigin>,
    ) {
        let Some((source, what)) = event_fault(event) else { return };
        self.count += 1;
        if self.first.len() < MAX_KEPT {
            let of = source.map(|source| match origin {
                Some(origin) => format!("{source} ({}) ", sanitize(&origin.group.name)),
                None => format!("{source} "),
            });
            let what = format!("{}{}", of.unwrap_or_default(), sanitize(&what));
            self.first.push(RunFault { line, t, source, message: what });
        }
    }
}

/// What an event says went wrong, in words that follow its source's name.
#[must_use]
pub fn event_fault(event: &Event<'_>) -> Option<(Option<Source>, String)> {
    match *event {
        Event::SpawnExited { source, exit, ok: false, .. } => {
            Some((Some(source), format!("ended with {exit}")))
        }
        Event::SpawnFailed { source, error, .. } => Some((Some(source), format!("failed: {error}"))),
        Event::FetchFinished { source, fetched, ok: false } => {
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
            let mut said = "expected ".to_owned();
            push_expectation(&mut said, expected);
            Some((None, said))
        }
        Event::Sent { source: Some(source), error: Some(error), .. } => {
            Some((Some(source), format!("could not be sent a line: {error}")))
        }
        Event::Sent { error: Some(error), .. } => Some((None, format!("a line could not be sent: {error}"))),
        Event::Stopping { source, entry, signal, reason, error, .. } => {
            stopping_fault(source, entry.is_some(), signal, (reason, error))
        }
        Event::SpawnExited { ok: true, .. }
        | Event::FetchFinished { ok: true, .. }
        | Event::Expect(_)
        | Event::Sent { error: None, .. }
        | Event::RunStarted { .. }
        | Event::ClockTick { .. }
        | Event::SpawnStarted { .. }
        | Event::SpawnReady { .. }
        | Event::SpawnSuspended { .. }
        | Event::SpawnResumed { .. }
        | Event::Move { .. }
        | Event::Step { .. }
        | Event::Lines { .. }
        | Event::FetchStarted { .. }
        | Event::FetchResponded { .. }
        | Event::FetchLine { .. }
        | Event::TypedInput { .. }
        | Event::Mark { .. }
        | Event::RunPaused
        | Event::RunResumed { .. }
        | Event::PlayerJoined { .. }
        | Event::PlayerLeft { .. }
        | Event::WorldState { .. }
        | Event::Deadlock { .. }
        | Event::RunFinished(_) => None,
    }
}

/// The same of a `stopping`: a stop that could not be, or one of the whole run that nobody has planned.
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
        (_, Some(reason), _) if is_of_all => format!("the run was stopped: {reason}"),
        _ => return None,
    };
    Some((source, what))
}
