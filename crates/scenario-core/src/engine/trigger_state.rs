//! The state of the conditions that entries wait for, and the consequence for an entry that waits for
//! several. Knows no time limits and no timers.

use crate::scenario::model::{EntryTrigger, Scenario};
use scenario_log::time::Moment;

/// The most reasons that are named of a group that can no longer come.
const MAX_NAMED_REASONS: usize = 3;

/// Why a moment can no longer come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LostReason {
    /// Another way was taken: the entry is skipped, and that is no failure.
    NotTaken(String),
    /// It should have come: the run has failed.
    Missed(String),
}

impl LostReason {
    pub(crate) fn text(&self) -> &str {
        match self {
            LostReason::NotTaken(text) | LostReason::Missed(text) => text,
        }
    }
}

/// The state of a condition, or of all that an entry waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WaitState {
    /// It may come.
    Open,
    /// It came at this moment.
    Met(Moment),
    /// It can no longer come.
    Lost(LostReason),
}

/// A condition that an entry waits for.
#[derive(Clone, Debug)]
struct Wait {
    dependent: u32,
    /// Its index among the conditions of the entry.
    nth: u32,
    state: WaitState,
}

/// All conditions of a timeline. Each has a number, in the order of the file.
#[derive(Clone, Debug, Default)]
pub(crate) struct TriggerStates {
    waits: Vec<Wait>,
    /// The number of the first condition of each entry, and one more at the end.
    first_wait: Vec<u32>,
    /// The numbers of the conditions on each entry.
    waits_on: Vec<Vec<u32>>,
}

impl TriggerStates {
    pub(crate) fn new(scenario: &Scenario) -> TriggerStates {
        let mut states = TriggerStates::default();
        states.waits_on.resize_with(scenario.timeline.len(), Vec::new);
        for (dependent, entry) in scenario.timeline.iter().enumerate() {
            states.first_wait.push(states.waits.len() as u32);
            let conditions = entry.trigger.iter().flat_map(EntryTrigger::conditions);
            for (nth, condition) in conditions.enumerate() {
                if let Some(awaited) = condition.awaited_entry() {
                    states.waits_on[awaited].push(states.waits.len() as u32);
                }
                let wait = Wait { dependent: dependent as u32, nth: nth as u32, state: WaitState::Open };
                states.waits.push(wait);
            }
        }
        states.first_wait.push(states.waits.len() as u32);
        states
    }

    /// The numbers of the conditions on an entry that are open.
    pub(crate) fn open_on(&self, entry: usize) -> impl Iterator<Item = usize> {
        let open = |wait: &usize| self.waits[*wait].state == WaitState::Open;
        self.waits_on[entry].iter().map(|wait| *wait as usize).filter(open)
    }

    /// The numbers of the conditions of an entry that are open.
    pub(crate) fn open_of(&self, entry: usize) -> impl Iterator<Item = usize> {
        let all = self.first_wait[entry] as usize..self.first_wait[entry + 1] as usize;
        all.filter(|wait| self.waits[*wait].state == WaitState::Open)
    }

    pub(crate) fn is_open(&self, wait: usize) -> bool {
        self.waits[wait].state == WaitState::Open
    }

    /// The entry that waits for a condition, and the index of the condition among those of the entry.
    pub(crate) fn place(&self, wait: usize) -> (usize, usize) {
        (self.waits[wait].dependent as usize, self.waits[wait].nth as usize)
    }

    /// The number of the `nth` condition of an entry, if there is one.
    pub(crate) fn find(&self, entry: usize, nth: usize) -> Option<usize> {
        let first = *self.first_wait.get(entry)? as usize;
        let end = *self.first_wait.get(entry + 1)? as usize;
        Some(first + nth).filter(|wait| *wait < end)
    }

    /// A condition.
    pub(crate) fn condition<'s>(&self, wait: usize, scenario: &'s Scenario) -> Option<&'s EntryTrigger> {
        let (dependent, nth) = self.place(wait);
        let trigger = scenario.timeline[dependent].trigger.as_ref()?;
        match trigger.parts() {
            [] => Some(trigger),
            _ => trigger.conditions().get(nth).copied(),
        }
    }

    /// Notes what has become of a condition; returns what follows for its entry.
    pub(crate) fn settle(&mut self, wait: usize, state: WaitState, scenario: &Scenario) -> WaitState {
        self.waits[wait].state = state;
        let (dependent, _) = self.place(wait);
        let Some(trigger) = &scenario.timeline[dependent].trigger else { return WaitState::Open };
        let mut own = self.waits[self.first_wait[dependent] as usize..].iter().map(|wait| &wait.state);
        state_of(trigger, &mut own)
    }

    /// Forgets the conditions of an entry that waits no longer.
    pub(crate) fn forget(&mut self, entry: usize) {
        for wait in self.first_wait[entry] as usize..self.first_wait[entry + 1] as usize {
            if self.waits[wait].state == WaitState::Open {
                self.waits[wait].state = WaitState::Lost(LostReason::NotTaken(String::new()));
            }
        }
    }
}

/// The state of a trigger, by the states of its conditions in file order.
fn state_of(trigger: &EntryTrigger, conditions: &mut dyn Iterator<Item = &WaitState>) -> WaitState {
    match trigger {
        EntryTrigger::All(parts) => {
            state_of_all(parts.iter().map(|part| state_of(part, conditions)).collect())
        }
        EntryTrigger::Any(parts) => {
            state_of_any(parts.iter().map(|part| state_of(part, conditions)).collect())
        }
        _ => conditions.next().cloned().unwrap_or(WaitState::Open),
    }
}

/// All have come with the last of them. One that can no longer come decides.
fn state_of_all(parts: Vec<WaitState>) -> WaitState {
    let mut last = Some(Moment::ZERO);
    let mut lost = Vec::new();
    for part in parts {
        match part {
            WaitState::Open => last = None,
            WaitState::Met(moment) => last = last.map(|last| last.max(moment)),
            WaitState::Lost(reason) => lost.push(reason),
        }
    }
    match (lost.is_empty(), last) {
        (false, _) => WaitState::Lost(join_reasons(&lost)),
        (true, Some(last)) => WaitState::Met(last),
        (true, None) => WaitState::Open,
    }
}

/// One has come with the first of them. None can, once all can no longer come.
fn state_of_any(parts: Vec<WaitState>) -> WaitState {
    let mut first: Option<Moment> = None;
    let mut is_open = false;
    let mut lost = Vec::new();
    for part in parts {
        match part {
            WaitState::Open => is_open = true,
            WaitState::Met(moment) => first = Some(first.map_or(moment, |first| first.min(moment))),
            WaitState::Lost(reason) => lost.push(reason),
        }
    }
    match (first, is_open) {
        (Some(first), _) => WaitState::Met(first),
        (None, true) => WaitState::Open,
        (None, false) => WaitState::Lost(join_reasons(&lost)),
    }
}

/// The reason of a group. It is a failure only if each of its parts is one.
fn join_reasons(lost: &[LostReason]) -> LostReason {
    let is_missed = lost.iter().all(|reason| matches!(reason, LostReason::Missed(_)));
    let mut texts: Vec<&str> = lost.iter().take(MAX_NAMED_REASONS).map(LostReason::text).collect();
    texts.dedup();
    let mut text = texts.join(", and ");
    if lost.len() > MAX_NAMED_REASONS {
        text.push_str(&format!(", and {} more", lost.len() - MAX_NAMED_REASONS));
    }
    if is_missed { LostReason::Missed(text) } else { LostReason::NotTaken(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(seconds: u64) -> WaitState {
        WaitState::Met(Moment(seconds))
    }

    fn skipped(text: &str) -> WaitState {
        WaitState::Lost(LostReason::NotTaken(text.to_owned()))
    }

    fn missed(text: &str) -> WaitState {
        WaitState::Lost(LostReason::Missed(text.to_owned()))
    }

    #[test]
    fn all_comes_with_the_last_and_is_lost_with_the_first_lost() {
        for (parts, wanted) in [
            (vec![met(3), met(5), met(4)], met(5)),
            (vec![met(3), WaitState::Open], WaitState::Open),
            (vec![WaitState::Open, skipped("a passed")], skipped("a passed")),
            (vec![met(1), missed("no line")], missed("no line")),
            (vec![skipped("a passed"), missed("no line")], skipped("a passed, and no line")),
        ] {
            assert_eq!(state_of_all(parts.clone()), wanted, "{parts:?}");
        }
    }

    #[test]
    fn any_comes_with_the_first_and_is_lost_when_all_are() {
        for (parts, wanted) in [
            (vec![met(5), met(3), WaitState::Open], met(3)),
            (vec![skipped("a passed"), met(5)], met(5)),
            (vec![skipped("a passed"), WaitState::Open], WaitState::Open),
            (vec![skipped("a passed"), skipped("b passed")], skipped("a passed, and b passed")),
            (vec![missed("x"), skipped("a passed")], skipped("x, and a passed")),
            (vec![missed("x"), missed("x")], missed("x")),
        ] {
            assert_eq!(state_of_any(parts.clone()), wanted, "{parts:?}");
        }
    }

    #[test]
    fn groups_take_their_conditions_in_the_order_of_the_file() {
        let trigger = EntryTrigger::All(vec![
            EntryTrigger::Any(vec![EntryTrigger::Passed(0), EntryTrigger::Failed(1)]),
            EntryTrigger::Started(2),
        ]);
        for (states, wanted) in [
            ([skipped("a"), met(2), met(1)], met(2)),
            ([WaitState::Open, WaitState::Open, met(1)], WaitState::Open),
            ([skipped("a"), skipped("b"), met(1)], skipped("a, and b")),
        ] {
            assert_eq!(state_of(&trigger, &mut states.iter()), wanted, "{states:?}");
        }
    }
}
