//! The processes that were asked to end and have not: for how long, and what comes next. For the
//! screen; decides nothing.

use std::fmt;
use std::time::{Duration, Instant};

use crate::io::process::registry::{ProcessRegistry, ProcessStopState};
use scenario_log::event::Source;
use scenario_log::signal::Signal;

/// A process that was asked to end and has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnresponsiveProcess {
    /// The spawn.
    pub source: Source,
    /// The last thing that was done to end it, and how long ago.
    last_step: (StopStep, Duration),
    /// How long it is until KILL, if KILL has not been sent.
    until_kill: Option<Duration>,
}

/// Something that is done to end a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StopStep {
    /// Its stop command was started.
    Command,
    /// It was sent this signal.
    Signal(Signal),
}

impl fmt::Display for StopStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StopStep::Command => f.write_str("the start of its stop command"),
            StopStep::Signal(signal) => signal.fmt(f),
        }
    }
}

impl UnresponsiveProcess {
    fn from_stop_state(source: Source, end: &ProcessStopState, now: Instant) -> Option<UnresponsiveProcess> {
        let since = |moment: Instant| now.saturating_duration_since(moment);
        let (sent, left) = match end {
            ProcessStopState::NotRequested(_) => return None,
            ProcessStopState::Commanded(at) => ((StopStep::Command, since(*at)), None),
            ProcessStopState::Killed(at) => ((StopStep::Signal(Signal::KILL), since(*at)), None),
            ProcessStopState::Requested(stop, at) => match stop.grace.to_std().checked_sub(since(*at)) {
                Some(left) => ((StopStep::Signal(stop.signal), since(*at)), Some(left)),
                None => ((StopStep::Signal(Signal::KILL), since(*at) - stop.grace.to_std()), None),
            },
        };
        Some(UnresponsiveProcess { source, last_step: sent, until_kill: left })
    }
}

impl fmt::Display for UnresponsiveProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (step, ago) = self.last_step;
        write!(f, "has not ended, {} s after {step}", ago.as_secs())?;
        match self.until_kill {
            Some(left) => write!(f, "; KILL in {} s", left.as_millis().div_ceil(1_000)),
            None => Ok(()),
        }
    }
}

impl ProcessRegistry {
    /// The processes that were asked to end before `now` and have not, in order.
    pub(super) fn unresponsive(&self, now: Instant) -> Vec<UnresponsiveProcess> {
        let running = self.running.borrow();
        running
            .iter()
            .filter_map(|(source, process)| {
                UnresponsiveProcess::from_stop_state(*source, &process.stop_state, now)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenario_core::scenario::model::StopPolicy;
    use scenario_log::time::Span;

    #[test]
    fn the_last_signal_and_the_next_step_are_shown() {
        let asked = Instant::now();
        let grace = Span::from_std(Duration::from_secs(5));
        let stop = StopPolicy { signal: Signal::INT, grace, command: Vec::new() };
        let shown = |end: ProcessStopState, seconds| {
            let now = asked + Duration::from_millis(seconds);
            UnresponsiveProcess::from_stop_state(Source::Spawn(3), &end, now)
                .map(|process| process.to_string())
        };
        assert_eq!(shown(ProcessStopState::NotRequested(stop.clone()), 1_000), None);
        let end = ProcessStopState::Requested(stop, asked);
        assert_eq!(shown(end.clone(), 2_010).as_deref(), Some("has not ended, 2 s after INT; KILL in 3 s"));
        assert_eq!(
            shown(ProcessStopState::Commanded(asked), 2_010).as_deref(),
            Some("has not ended, 2 s after the start of its stop command")
        );
        assert_eq!(shown(end, 6_010).as_deref(), Some("has not ended, 1 s after KILL"));
        assert_eq!(
            shown(ProcessStopState::Killed(asked), 2_010).as_deref(),
            Some("has not ended, 2 s after KILL")
        );
    }
}
