//! The tries of entries with `until`: which try is the last, and when the next one is.

use std::rc::Rc;

use super::{Timeline, entry_random};
use crate::engine::random::RandomStream;
use crate::engine::timer_queue::{Timer, TimerQueue};
use scenario_log::time::{Moment, Span};

/// The state of an entry with `until`.
#[derive(Clone, Debug)]
pub(super) struct TryState {
    /// No try starts from this moment on.
    deadline: Moment,
    /// The tries that have started.
    count: u64,
    /// Something of the try that runs has not ended.
    is_trying: bool,
    /// The try was not as expected; the next one comes this long after its end.
    next_after: Option<Span>,
    /// There is no further try.
    is_over: bool,
    random: Option<RandomStream>,
}

/// The meaning of something that was not as expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TryVerdict {
    /// It fails its entry: there is no `until`.
    Untried,
    /// The entry tries again, so it fails nothing. It is the first fault of the `n`th try.
    Again {
        /// The number of the try, from 1.
        n: u64,
        /// The time from the end of this try to the next one.
        wait: Span,
    },
    /// The same for a further fault of the try.
    AgainAnyway,
    /// It was the last try that `until` has time for.
    Last {
        /// How many tries there were.
        count: u64,
        /// The time that they had.
        timeout: Span,
    },
}

impl Timeline {
    /// Notes the start of a try of an entry with `until`; false if it has none.
    pub(super) fn begin_try(&mut self, entry: usize, due: Moment, timers: &mut TimerQueue) -> bool {
        let Some(until) = &self.scenario.timeline[entry].until else { return false };
        let tries = self.entries[entry].tries.get_or_insert_with(|| {
            let deadline = due.saturating_add(until.timeout);
            timers.push(deadline, Timer::UntilTimeout(entry));
            let random = None;
            Box::new(TryState {
                deadline,
                count: 0,
                is_trying: true,
                next_after: None,
                is_over: false,
                random,
            })
        });
        tries.count += 1;
        tries.is_trying = true;
        true
    }

    /// Decides what it means that something of an entry is not as expected.
    pub(crate) fn judge_try(&mut self, entry: Option<usize>, now: Moment) -> TryVerdict {
        let Some(entry) = entry else { return TryVerdict::Untried };
        let scenario = Rc::clone(&self.scenario);
        let seed = self.seed;
        let Some(until) = &scenario.timeline[entry].until else { return TryVerdict::Untried };
        let is_closed = self.is_closed;
        let Some(tries) = &mut self.entries[entry].tries else { return TryVerdict::Untried };
        if tries.is_over || is_closed {
            return TryVerdict::Untried;
        }
        if tries.next_after.is_some() {
            return TryVerdict::AgainAnyway;
        }
        let random = || entry_random(&scenario, seed, entry, "entry until");
        let wait = tries.random.get_or_insert_with(random).sample(&until.every);
        if now.saturating_add(wait) >= tries.deadline {
            tries.is_over = true;
            return TryVerdict::Last { count: tries.count, timeout: until.timeout };
        }
        tries.next_after = Some(wait);
        TryVerdict::Again { n: tries.count, wait }
    }

    /// If a try of an entry has ended, sets the timer of the next, or notes that there is none.
    pub(super) fn settle_try(&mut self, entry: usize, timers: &mut TimerQueue) {
        let state = &mut self.entries[entry];
        let Some(tries) = state.tries.as_mut().filter(|tries| tries.is_trying) else { return };
        if state.live_sources > 0 {
            return;
        }
        tries.is_trying = false;
        match tries.next_after.take().filter(|_| !tries.is_over) {
            Some(wait) => timers.push_overdue(state.ended_at.saturating_add(wait), Timer::Entry(entry)),
            None => self.end_tries(entry),
        }
    }

    /// Whether an entry still tries when its time is over. Then there is no further try, and the entry has
    /// failed.
    pub(crate) fn expire_tries(&mut self, entry: usize, due: Moment) -> bool {
        let Some(tries) = self.entries[entry].tries.as_mut().filter(|tries| !tries.is_over) else {
            return false;
        };
        tries.is_over = true;
        let is_between = !tries.is_trying;
        self.record_failure(entry);
        if is_between {
            self.entries[entry].ended_at = due;
            self.end_tries(entry);
        }
        true
    }

    /// A stop comes between two tries of an entry: there is no further try, and nothing of the entry has failed.
    /// False if the entry is not between two tries.
    pub(crate) fn cancel_tries(&mut self, entry: usize, now: Moment) -> bool {
        if !self.is_between_tries(entry) {
            return false;
        }
        self.entries[entry].ended_at = now;
        self.end_tries(entry);
        true
    }

    /// Whether an entry waits for its next try.
    pub(crate) fn is_between_tries(&self, entry: usize) -> bool {
        self.entries[entry].tries.as_ref().is_some_and(|tries| !tries.is_over && !tries.is_trying)
    }

    /// Whether the tries of an entry are over, so that a timer of the next one means nothing.
    pub(crate) fn has_ended_tries(&self, entry: usize) -> bool {
        self.entries[entry].tries.as_ref().is_some_and(|tries| tries.is_over)
    }

    fn end_tries(&mut self, entry: usize) {
        let state = &mut self.entries[entry];
        if let Some(tries) = &mut state.tries {
            tries.is_over = true;
        }
        if !state.is_exhausted {
            self.leave(entry);
        }
    }
}
