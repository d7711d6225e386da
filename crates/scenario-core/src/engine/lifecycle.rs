//! Whether a run goes on, stops or is over, and the first thing that went wrong. Stops nothing itself.

use std::error::Error;
use std::fmt;

use crate::engine::effect::RunVerdict;

/// The phases of a run, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RunPhase {
    /// The timeline happens.
    Running,
    /// The entries with `always` happen, and nothing else of the timeline. What runs goes on.
    Closing(RunVerdict),
    /// Nothing new starts. Everything that still runs is being stopped, and then the run is over.
    Stopping(RunVerdict),
    /// The last event has been emitted.
    Over(RunVerdict),
}

/// Why a run must fail at once.
#[derive(Debug)]
pub(crate) struct RunFailure(pub(crate) String);

impl fmt::Display for RunFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for RunFailure {}

/// The phase of a run, and the first thing that went wrong in it.
#[derive(Clone, Debug)]
pub(crate) struct Lifecycle {
    phase: RunPhase,
    /// The first thing that went wrong.
    failure: Option<String>,
    is_paused: bool,
}

impl Lifecycle {
    pub(crate) fn new() -> Lifecycle {
        Lifecycle { phase: RunPhase::Running, failure: None, is_paused: false }
    }

    pub(crate) fn phase(&self) -> &RunPhase {
        &self.phase
    }

    pub(crate) fn is_running(&self) -> bool {
        self.phase == RunPhase::Running
    }

    #[inline]
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.phase, RunPhase::Over(_))
    }

    /// The verdict, once the run is over.
    pub(crate) fn verdict(&self) -> Option<RunVerdict> {
        match self.phase {
            RunPhase::Over(verdict) => Some(verdict),
            _ => None,
        }
    }

    pub(crate) fn failure(&self) -> Option<&String> {
        self.failure.as_ref()
    }

    /// Starts to close the run, or changes the verdict of one that closes.
    pub(crate) fn begin_closing(&mut self, verdict: RunVerdict) {
        self.phase = RunPhase::Closing(verdict);
    }

    /// Starts to stop the run, or changes the verdict of one that stops.
    pub(crate) fn begin_stopping(&mut self, verdict: RunVerdict) {
        self.phase = RunPhase::Stopping(verdict);
    }

    pub(crate) fn finish(&mut self, verdict: RunVerdict) {
        self.phase = RunPhase::Over(verdict);
    }

    /// Notes that something went wrong. The run goes on, but it can no longer pass.
    pub(crate) fn record_failure(&mut self, reason: impl FnOnce() -> String) {
        self.failure.get_or_insert_with(reason);
    }

    /// Notes a failure of the runner itself, in place of any other: the others may be its consequences.
    pub(crate) fn record_internal_error(&mut self, reason: String) {
        self.failure = Some(reason);
    }

    /// Notes that the run is suspended; false if it already was.
    pub(crate) fn pause(&mut self) -> bool {
        !std::mem::replace(&mut self.is_paused, true)
    }

    /// Notes that the run continues; false if it was not suspended.
    pub(crate) fn resume(&mut self) -> bool {
        std::mem::replace(&mut self.is_paused, false)
    }

    /// Everything by which two states of a run can differ.
    pub(crate) fn state_key(&self) -> impl std::fmt::Debug {
        (&self.phase, &self.failure)
    }
}
