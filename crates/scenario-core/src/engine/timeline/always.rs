//! The entries with `always`: how many are left, and how much of what they started runs.

use super::Timeline;
use crate::engine::ALWAYS_TIME;
use crate::engine::timer_queue::{Timer, TimerQueue};
use crate::scenario::model::Scenario;
use scenario_log::time::Moment;

/// The entries of a timeline that have `always`.
#[derive(Clone, Debug, Default)]
pub(super) struct AlwaysEntries {
    /// Those that have not happened.
    left: usize,
    /// The spawns and jobs of them that have not ended.
    live_sources: usize,
    /// They may happen: the run is at its end.
    is_open: bool,
}

impl AlwaysEntries {
    pub(super) fn of(scenario: &Scenario) -> AlwaysEntries {
        let left = scenario.timeline.iter().filter(|entry| entry.always).count();
        AlwaysEntries { left, ..AlwaysEntries::default() }
    }

    pub(super) fn left(&self) -> usize {
        self.left
    }

    pub(super) fn leave(&mut self) {
        self.left -= 1;
    }

    pub(super) fn close(&mut self) {
        self.is_open = false;
    }

    pub(super) fn add_source(&mut self, is_own: bool) {
        self.live_sources += usize::from(is_own);
    }

    pub(super) fn remove_source(&mut self, is_own: bool) {
        self.live_sources -= usize::from(is_own);
    }
}

impl Timeline {
    /// Whether there are entries with `always` that have not happened.
    pub(crate) fn has_always(&self) -> bool {
        self.always.left > 0
    }

    /// Whether the entries with `always` have happened, and what they started has ended.
    pub(crate) fn is_always_over(&self) -> bool {
        self.always.left == 0 && self.always.live_sources == 0
    }

    /// Whether an entry may still happen.
    pub(super) fn is_open(&self, entry: usize) -> bool {
        match self.scenario.timeline[entry].always {
            true => self.always.is_open,
            false => !self.is_closed,
        }
    }

    /// The run is at its end: only the entries with `always` happen from now on.
    pub(crate) fn begin_always(&mut self, now: Moment, timers: &mut TimerQueue) {
        self.is_closed = true;
        self.always.is_open = true;
        let scenario = std::rc::Rc::clone(&self.scenario);
        for (index, entry) in scenario.timeline.iter().enumerate() {
            if entry.always && entry.trigger.is_none() {
                self.trigger(index, now, timers);
            }
        }
    }

    /// Starts the time of what an entry with `always` starts now.
    pub(super) fn start_always_time(&self, entry: usize, due: Moment, timers: &mut TimerQueue) {
        if self.scenario.timeline[entry].always {
            timers.push(due.saturating_add(ALWAYS_TIME), Timer::AlwaysTimeout(entry));
        }
    }
}
