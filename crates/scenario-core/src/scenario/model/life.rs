//! The life of a program: how long it must and may run, and what follows its end.

use crate::scenario::interval::Interval;
use scenario_log::time::Span;

/// The rules for the life of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LifeRules {
    /// What its end means for the run.
    pub on_exit: OnExit,
    /// The time that it must run at least, from its start; `None`: it may end at once.
    pub lives: Option<Span>,
    /// The longest time that it may run, from its start; `None`: there is no limit.
    pub timeout: Option<Span>,
    /// How it is started again when it has ended; `None`: it is not.
    pub restart: Option<RestartPolicy>,
}

/// What the end of a program means for the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnExit {
    /// The run goes on.
    #[default]
    GoOn,
    /// The run ends in order.
    Stop,
}

/// How a program is started again when it has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestartPolicy {
    /// The ends after which it is started again.
    pub on: RestartCause,
    /// The most restarts: in any time of `within`, or, without it, in all. At least 1.
    pub times: u64,
    /// The time from its end to its next start.
    pub wait: Interval,
    /// The time in which restarts are counted.
    pub within: Option<Span>,
}

/// The ends after which a program is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestartCause {
    /// Those that would fail the run, and those by a kill or a signal of the run.
    Failure,
    /// All that the run did not ask for.
    Always,
}

impl RestartPolicy {
    /// The policy in words: `restarted after a failure, 5 times at most within 1m, each time after 100ms..1s`.
    #[must_use]
    pub fn describe(&self) -> String {
        let cause = match self.on {
            RestartCause::Failure => "a failure",
            RestartCause::Always => "each end",
        };
        let times = if self.times == 1 { "once".to_owned() } else { format!("{} times", self.times) };
        let within = self.within.map(|within| format!(" within {}", within.format_human()));
        let (within, wait) = (within.unwrap_or_default(), self.wait.describe());
        format!("restarted after {cause}, {times} at most{within}, each time after {wait}")
    }
}
