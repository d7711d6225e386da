//! The timeline of the model: what happens, and when.

use super::{ActionTarget, ArrivalProcess, EntryTrigger, LinkAction, ScenarioText, SendAction, SignalAction};
use crate::diagnostic::FilePlace;
use crate::scenario::interval::Interval;
use crate::scenario::rate::{Ramp, RampArea};
use scenario_log::event::EntryName;
use scenario_log::time::Span;

/// One entry of the timeline.
#[derive(Clone, Debug, PartialEq)]
pub struct TimelineEntry {
    /// A unique name.
    pub id: Option<String>,
    /// The time from the start of the run or from the moment of `trigger`.
    pub at: Span,
    /// The moment that it waits for.
    pub trigger: Option<EntryTrigger>,
    /// The action.
    pub action: EntryAction,
    /// How often it happens at the same moment; at least 1.
    pub count: u32,
    /// How it is repeated.
    pub repeat: Option<EntryRepeat>,
    /// How it is tried again; it happens once then.
    pub until: Option<EntryUntil>,
    /// It happens at the end of the run, in whatever way the run ends.
    pub always: bool,
    /// The place of its header or its braces.
    pub place: FilePlace,
}

impl TimelineEntry {
    /// The name of the entry in events; `index` is its position in the timeline, from 0.
    #[must_use]
    pub fn event_name(&self, index: usize) -> EntryName<'_> {
        self.id.as_deref().map_or(EntryName::Number(index + 1), EntryName::Id)
    }
}

/// The action of an entry. Entries, presets and fetches are indices into the scenario's lists.
#[derive(Clone, Debug, PartialEq)]
pub enum EntryAction {
    /// Start a preset.
    Spawn(usize),
    /// Start a fetch job.
    Fetch(usize),
    /// Stop what runs of a target.
    Stop(ActionTarget),
    /// Write a line to the programs of a target, which have `stdin = "open"`.
    Send(SendAction),
    /// Send a signal to the programs of a target.
    Signal(SignalAction),
    /// Kill the spawns of a target at once.
    Kill(ActionTarget),
    /// Stop the spawns of a target in order, and spawn each again.
    Restart(ActionTarget),
    /// Note a text in the log.
    Mark(ScenarioText),
    /// Change a link.
    Link(LinkAction),
}

impl EntryAction {
    /// The name of its key in an entry.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            EntryAction::Spawn(_) => "spawn",
            EntryAction::Fetch(_) => "fetch",
            EntryAction::Stop(_) => "stop",
            EntryAction::Send(_) => "send",
            EntryAction::Signal(_) => "signal",
            EntryAction::Kill(_) => "kill",
            EntryAction::Restart(_) => "restart",
            EntryAction::Mark(_) => "mark",
            EntryAction::Link(_) => "link",
        }
    }

    /// The target of an action on what runs.
    #[must_use]
    pub fn target(&self) -> Option<&ActionTarget> {
        match self {
            EntryAction::Stop(target) | EntryAction::Kill(target) | EntryAction::Restart(target) => {
                Some(target)
            }
            EntryAction::Send(send) => Some(&send.to),
            EntryAction::Signal(signal) => Some(&signal.to),
            EntryAction::Spawn(_) | EntryAction::Fetch(_) | EntryAction::Mark(_) | EntryAction::Link(_) => {
                None
            }
        }
    }

    /// Whether it may end what runs before its time.
    #[must_use]
    pub fn may_end_spawns(&self) -> bool {
        matches!(
            self,
            EntryAction::Stop(_) | EntryAction::Signal(_) | EntryAction::Kill(_) | EntryAction::Restart(_)
        )
    }
}

/// How an entry is tried again until it is as expected.
#[derive(Clone, Debug, PartialEq)]
pub struct EntryUntil {
    /// The time from the end of a try to the next one.
    pub every: Interval,
    /// The time that all tries have, from the first; more than zero.
    pub timeout: Span,
}

/// How an entry is repeated: `times` in all, or everything that starts within `duration`, or whichever of
/// the two ends first. At least one of them is there.
#[derive(Clone, Debug, PartialEq)]
pub struct EntryRepeat {
    /// The moments of the occurrences.
    pub pace: EntryPace,
    /// The number of occurrences in all.
    pub times: Option<u64>,
    /// The time from the first occurrence, or from the start of the rate, in which the others start; its end is
    /// excluded.
    pub duration: Option<Span>,
}

/// The moments of the occurrences of an entry.
#[derive(Clone, Debug, PartialEq)]
pub enum EntryPace {
    /// The time between one occurrence and the next, drawn anew each time. The first is at once.
    Every(Interval),
    /// As the requests of an open loop.
    Arrivals {
        /// The rate over time. It is more than zero somewhere.
        rate: Ramp,
        /// How the occurrences are spread over time.
        arrivals: ArrivalProcess,
    },
}

impl EntryRepeat {
    /// The number of occurrences of a rate, and the times of the first and the last from its start: of
    /// `"poisson"` they are only the average. `None` if it is not a rate, or has no occurrences.
    pub(crate) fn planned_arrivals(&self) -> Option<(u64, Span, Span)> {
        let EntryPace::Arrivals { rate, .. } = &self.pace else { return None };
        let within = self.duration.map(|within| rate.requests_before(within));
        let count = [within, self.times, rate.total_requests()].into_iter().flatten().min()?;
        let at = |n: u64| rate.time_of_area(RampArea::from_requests(n));
        Some((count, at(0)?, at(count.checked_sub(1)?)?))
    }
}
