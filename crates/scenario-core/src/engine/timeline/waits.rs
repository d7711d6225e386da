//! The conditions that entries wait for: which come, and which no longer can.

use std::rc::Rc;

use regex::bytes::Regex;

use super::Timeline;
use crate::engine::lifecycle::RunFailure;
use crate::engine::timer_queue::{Timer, TimerQueue};
use crate::engine::trigger_state::{LostReason, WaitState};
use crate::engine::unfinished::LineWait;
use crate::scenario::model::EntryTrigger;
use scenario_log::event::SpawnExit;
use scenario_log::time::Moment;

impl Timeline {
    /// Counts the conditions of an entry on lines and on silence.
    pub(super) fn count_waiters(&mut self, trigger: &EntryTrigger) {
        for condition in trigger.conditions() {
            match condition {
                EntryTrigger::Line { of, .. } => self.entries[*of].line_waiters += 1,
                EntryTrigger::Quiet { of, .. } => self.entries[*of].quiet_waiters += 1,
                _ => {}
            }
        }
    }

    /// Whether an entry waits for a line of this one's spawns.
    #[inline]
    pub(crate) fn awaits_line_of(&self, entry: usize) -> bool {
        self.entries[entry].line_waiters > 0
    }

    /// The entries that are skipped, with the reason, once.
    pub(crate) fn take_skipped(&mut self) -> Vec<(usize, String)> {
        std::mem::take(&mut self.skipped)
    }

    fn condition(&self, wait: usize) -> Option<&EntryTrigger> {
        self.triggers.condition(wait, &self.scenario)
    }

    /// The open conditions on an entry, of the kind that `is_meant` says.
    fn open_waits(&self, entry: usize, is_meant: impl Fn(&EntryTrigger) -> bool) -> Vec<usize> {
        let open = self.triggers.open_on(entry);
        open.filter(|wait| self.condition(*wait).is_some_and(&is_meant)).collect()
    }

    /// Notes that a condition has come.
    fn meet(&mut self, wait: usize, moment: Moment, timers: &mut TimerQueue) {
        if !self.triggers.is_open(wait) {
            return;
        }
        self.drop_waiter(wait);
        let (dependent, _) = self.triggers.place(wait);
        let scenario = Rc::clone(&self.scenario);
        if let WaitState::Met(moment) = self.triggers.settle(wait, WaitState::Met(moment), &scenario) {
            self.forget_waits(dependent);
            self.trigger(dependent, moment, timers);
        }
    }

    /// Notes that a condition can no longer come. Skips its entry, and everything that waits for that, if another
    /// way was taken.
    ///
    /// # Errors
    /// If it should have come, and its entry waits for nothing else that may come.
    fn lose(&mut self, wait: usize, reason: LostReason) -> Result<(), RunFailure> {
        let scenario = Rc::clone(&self.scenario);
        let mut failure = None;
        let mut lost = vec![(wait, reason)];
        while let Some((wait, reason)) = lost.pop() {
            let (dependent, _) = self.triggers.place(wait);
            if !self.is_open(dependent) || !self.triggers.is_open(wait) {
                continue;
            }
            self.drop_waiter(wait);
            let follows = self.triggers.settle(wait, WaitState::Lost(reason), &scenario);
            let WaitState::Lost(reason) = follows else { continue };
            self.forget_waits(dependent);
            match reason {
                LostReason::Missed(reason) if !scenario.timeline[dependent].always => {
                    failure.get_or_insert(RunFailure(reason));
                }
                // At the end of the run others may still happen.
                LostReason::Missed(reason) | LostReason::NotTaken(reason) => {
                    let behind = format!("{} was skipped", self.name(dependent));
                    self.skip(dependent, reason);
                    let behind = self
                        .triggers
                        .open_on(dependent)
                        .map(|wait| (wait, LostReason::NotTaken(behind.clone())));
                    let behind: Vec<_> = behind.collect();
                    lost.extend(behind.into_iter().rev());
                }
            }
        }
        failure.map_or(Ok(()), Err)
    }

    fn skip(&mut self, entry: usize, reason: String) {
        self.entries[entry].is_decided = true;
        self.leave(entry);
        self.skipped.push((entry, reason));
    }

    /// Forgets the conditions of an entry that waits no longer.
    fn forget_waits(&mut self, entry: usize) {
        let open: Vec<usize> = self.triggers.open_of(entry).collect();
        open.into_iter().for_each(|wait| self.drop_waiter(wait));
        self.triggers.forget(entry);
    }

    /// Waits no longer for the line or the silence of a condition.
    fn drop_waiter(&mut self, wait: usize) {
        self.line_regexes.remove(&wait);
        match self.condition(wait) {
            Some(EntryTrigger::Line { of, .. }) => {
                let of = *of;
                self.entries[of].line_waiters -= 1;
            }
            Some(EntryTrigger::Quiet { of, .. }) => {
                let of = *of;
                self.entries[of].quiet_waiters -= 1;
            }
            _ => {}
        }
    }

    /// Meets the conditions on the start of an entry, and starts the waits for lines and silence of its spawns.
    pub(super) fn start_waits(
        &mut self,
        entry: usize,
        moment: Moment,
        timers: &mut TimerQueue,
    ) -> Result<(), RunFailure> {
        for wait in self.open_waits(entry, |condition| matches!(condition, EntryTrigger::Started(_))) {
            self.meet(wait, moment, timers);
        }
        self.entries[entry].last_said = moment;
        for wait in self.triggers.open_on(entry).collect::<Vec<_>>() {
            match self.condition(wait) {
                Some(EntryTrigger::Line { regex, timeout, .. }) => {
                    let compiled = Regex::new(regex)
                        .map_err(|error| RunFailure(format!("the regex /{regex}/ is not one: {error}")))?;
                    timers.push(moment.saturating_add(*timeout), Timer::LineTimeout(wait));
                    self.line_regexes.insert(wait, compiled);
                }
                Some(EntryTrigger::Quiet { duration, .. }) => {
                    timers.push(moment.saturating_add(*duration), Timer::Quiet(wait));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Meets the conditions on the readiness of an entry.
    pub(super) fn meet_ready(&mut self, entry: usize, moment: Moment, timers: &mut TimerQueue) {
        for wait in self.open_waits(entry, |condition| matches!(condition, EntryTrigger::Ready(_))) {
            self.meet(wait, moment, timers);
        }
    }

    /// Notes that something of an entry was not as expected.
    pub(crate) fn record_failure(&mut self, entry: usize) {
        self.entries[entry].has_failed = true;
    }

    /// Whether something of an entry was not as expected.
    pub(crate) fn has_failed(&self, entry: usize) -> bool {
        self.entries[entry].has_failed
    }

    /// Notes the exit of a spawn of an entry.
    pub(crate) fn record_exit(
        &mut self,
        entry: usize,
        exit: SpawnExit,
        moment: Moment,
        timers: &mut TimerQueue,
    ) {
        self.entries[entry].last_exit = Some(exit);
        let is_met = |condition: &EntryTrigger| matches!(condition, EntryTrigger::Exit { exits, .. } if exits.allows(exit));
        for wait in self.open_waits(entry, is_met) {
            self.meet(wait, moment, timers);
        }
    }

    /// Notes that a spawn of an entry wrote something.
    #[inline]
    pub(crate) fn record_said(&mut self, entry: usize, now: Moment) {
        self.entries[entry].last_said = now;
    }

    /// The time of a silence is over: it has come, unless something was written meanwhile.
    pub(crate) fn check_silence(&mut self, wait: usize, due: Moment, timers: &mut TimerQueue) {
        let Some(EntryTrigger::Quiet { duration, of }) = self.condition(wait) else { return };
        let end = self.entries[*of].last_said.saturating_add(*duration);
        if end <= due {
            self.meet(wait, due, timers);
        } else if self.triggers.is_open(wait) {
            timers.push(end, Timer::Quiet(wait));
        }
    }

    /// If an entry is over, decides the conditions on it. `may_become_ready` returns whether any of its spawns
    /// can still become ready.
    ///
    /// # Errors
    /// If another entry waits for something that can no longer come.
    pub(crate) fn check_over(
        &mut self,
        entry: usize,
        may_become_ready: impl FnOnce() -> bool,
        timers: &mut TimerQueue,
    ) -> Result<(), RunFailure> {
        self.settle_try(entry, timers);
        let state = &self.entries[entry];
        if !state.is_exhausted || !self.is_open(entry) {
            return Ok(());
        }
        if state.live_sources > 0 {
            return self.check_ready(entry, may_become_ready);
        }
        let (ended_at, has_started, has_failed) = (state.ended_at, state.has_started, state.has_failed);
        let is_met = |condition: &EntryTrigger| match condition {
            EntryTrigger::Finished(_) => has_started,
            EntryTrigger::Passed(_) => has_started && !has_failed,
            EntryTrigger::Failed(_) => has_failed,
            _ => false,
        };
        for wait in self.open_waits(entry, is_met) {
            self.meet(wait, ended_at, timers);
        }
        let mut result = Ok(());
        for wait in self.open_waits(entry, |_| true) {
            if let Some(reason) = self.reason_at_end(wait, entry) {
                result = result.and(self.lose(wait, reason));
            }
        }
        result
    }

    /// Why a condition on an entry that is over can no longer come.
    fn reason_at_end(&self, wait: usize, entry: usize) -> Option<LostReason> {
        let state = &self.entries[entry];
        let (dependent, _) = self.triggers.place(wait);
        let (waits, target) = (self.name(dependent), self.name(entry));
        let missed = |moment: &str| {
            let why = if state.has_started { "became ready" } else { "started" };
            LostReason::Missed(format!("{waits} waits for `{moment}` of {target}, which never {why}"))
        };
        let has_ended = state.has_started || state.has_failed;
        Some(match self.condition(wait)? {
            EntryTrigger::Line { regex, .. } => LostReason::Missed(format!(
                "{waits} waits for a line like /{regex}/, but {target} ended without one"
            )),
            EntryTrigger::Quiet { duration, .. } => {
                let duration = duration.format_human();
                LostReason::Missed(format!(
                    "{waits} waits for {duration} of quiet of {target}, which ended before that"
                ))
            }
            EntryTrigger::Passed(_) if has_ended => LostReason::NotTaken(format!("{target} failed")),
            EntryTrigger::Failed(_) if has_ended => LostReason::NotTaken(format!("{target} passed")),
            EntryTrigger::Exit { .. } if has_ended => LostReason::NotTaken(match state.last_exit {
                Some(exit) => format!("{target} ended with {exit}"),
                None => format!("{target} did not start"),
            }),
            EntryTrigger::Started(_) => missed("started"),
            EntryTrigger::Ready(_) => missed("ready"),
            EntryTrigger::Finished(_) => missed("finished"),
            EntryTrigger::Passed(_) => missed("passed"),
            EntryTrigger::Failed(_) => missed("failed"),
            EntryTrigger::Exit { .. } => missed("exit"),
            EntryTrigger::All(_) | EntryTrigger::Any(_) => return None,
        })
    }

    /// Checks that an entry whose `ready` is waited for was ready, or can still become it.
    ///
    /// # Errors
    /// If it cannot.
    pub(crate) fn check_ready(
        &mut self,
        entry: usize,
        may_become_ready: impl FnOnce() -> bool,
    ) -> Result<(), RunFailure> {
        let state = &self.entries[entry];
        if state.was_ready || !state.is_exhausted {
            return Ok(());
        }
        let waits = self.open_waits(entry, |condition| matches!(condition, EntryTrigger::Ready(_)));
        if waits.is_empty() || may_become_ready() {
            return Ok(());
        }
        let mut result = Ok(());
        for wait in waits {
            let (dependent, _) = self.triggers.place(wait);
            let (waits, target) = (self.name(dependent), self.name(entry));
            let reason = format!("{waits} waits for `ready` of {target}, which never became ready");
            result = result.and(self.lose(wait, LostReason::Missed(reason)));
        }
        result
    }

    /// The lines that entries wait for and that a text of an entry's spawns is like.
    pub(crate) fn lines_matched(&self, entry: usize, text: &[u8]) -> Vec<LineWait> {
        let open = self.triggers.open_on(entry);
        let matched =
            open.filter(|wait| self.line_regexes.get(wait).is_some_and(|regex| regex.is_match(text)));
        matched
            .map(|wait| {
                let (entry, nth) = self.triggers.place(wait);
                LineWait { entry, nth }
            })
            .collect()
    }

    /// Meets these conditions on a line of an entry's spawns: the line has come.
    pub(crate) fn meet_lines(
        &mut self,
        entry: usize,
        lines: &[LineWait],
        now: Moment,
        timers: &mut TimerQueue,
    ) {
        let waits_here: Vec<usize> = self.triggers.open_on(entry).collect();
        let meant: Vec<usize> =
            lines.iter().filter_map(|line| self.triggers.find(line.entry, line.nth)).collect();
        for wait in waits_here {
            if meant.contains(&wait) && self.line_regexes.contains_key(&wait) {
                self.meet(wait, now, timers);
            }
        }
    }

    /// Decides about a line whose time is over.
    ///
    /// # Errors
    /// If it has not come, and its entry waits for nothing else that may come.
    pub(crate) fn check_line_timeout(&mut self, wait: usize) -> Result<(), RunFailure> {
        let (dependent, _) = self.triggers.place(wait);
        match self.condition(wait) {
            Some(EntryTrigger::Line { regex, of, timeout }) if self.triggers.is_open(wait) => {
                let (waits, target) = (self.name(dependent), self.name(*of));
                let timeout = timeout.format_human();
                let reason =
                    format!("{waits} waited {timeout} for a line like /{regex}/ of {target}, and none came");
                self.lose(wait, LostReason::Missed(reason))
            }
            _ => Ok(()),
        }
    }
}
