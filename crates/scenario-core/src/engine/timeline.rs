//! The timeline: which entry happens when, and what that lets happen next. Carries out no action.
//!
//! # How it works
//!
//! An entry without `after` has a timer from the start; one with `after` gets its timer when that moment
//! has come. The occurrences of a repeating entry are drawn one after the other, each from the planned
//! moment of the one before, so nothing drifts and no list of occurrences is ever built.

use std::rc::Rc;

use regex::bytes::Regex;

use crate::engine::arrival_schedule::ArrivalSchedule;
use crate::engine::lifecycle::RunFailure;
use crate::engine::names::entry_name;
use crate::engine::random::{RandomStream, RandomStreamId};
use crate::engine::timer_queue::{Timer, TimerQueue};
use crate::scenario::model::{
    ArrivalProcess, EntryAction, EntryPace, EntryRepeat, EntryTrigger, Scenario, TimelineEntry,
};
use scenario_log::time::{Moment, Span};

/// The state of one entry.
#[derive(Clone, Debug, Default)]
struct EntryState {
    /// The planned moment of its first occurrence, once it has happened.
    first_occurrence: Option<Moment>,
    /// Occurrences so far.
    occurrences: u64,
    /// It will not happen again.
    is_exhausted: bool,
    /// Spawns or jobs of this entry that have not ended.
    live_sources: u32,
    /// Whether any of its spawns or jobs has really started.
    has_started: bool,
    /// Whether any of its spawns is or was ready.
    was_ready: bool,
    /// When the last of its spawns or jobs ended, as planned where that is known.
    ended_at: Moment,
    /// Draws its `every`.
    random: Option<RandomStream>,
    /// The start of its rate, and the moments after it that have not come.
    arrivals: Option<(Moment, Box<ArrivalSchedule>)>,
    /// Its rate has no moment at all.
    has_no_arrival: bool,
    /// Entries that wait for this one.
    dependents: Vec<u32>,
    /// The line it waits for, from the moment it can come until it came.
    line_regex: Option<Box<Regex>>,
    /// The number of dependents that wait for a line of this entry's spawns.
    line_waiters: u32,
    /// Its own wait is over.
    is_triggered: bool,
}

/// One of the moments of an entry that others can wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Milestone {
    Started,
    Ready,
    Finished,
}

impl Milestone {
    fn from_after(after: &EntryTrigger) -> Option<Milestone> {
        match after {
            EntryTrigger::Started(_) => Some(Milestone::Started),
            EntryTrigger::Ready(_) => Some(Milestone::Ready),
            EntryTrigger::Finished(_) => Some(Milestone::Finished),
            EntryTrigger::Line { .. } => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Milestone::Started => "started",
            Milestone::Ready => "ready",
            Milestone::Finished => "finished",
        }
    }
}

/// The random stream of an entry, for its `every` or its arrivals. It depends on the seed and the entry's id, or, without an id,
/// on the action and the number of earlier entries with the same action; so entries of other presets
/// change nothing.
fn entry_random(scenario: &Scenario, seed: u64, entry: usize, purpose: &str) -> RandomStream {
    let TimelineEntry { id, action, .. } = &scenario.timeline[entry];
    let purpose = RandomStreamId::new(seed, purpose);
    if let Some(id) = id {
        return purpose.with_text("id").with_text(id).stream();
    }
    let key = action_key(scenario, action);
    let before = scenario.timeline[..entry]
        .iter()
        .filter(|other| other.id.is_none() && action_key(scenario, &other.action) == key)
        .count();
    purpose.with_text(key.0).with_text(&key.1).with_number(before as u64).stream()
}

fn action_key(scenario: &Scenario, action: &EntryAction) -> (&'static str, String) {
    match action {
        EntryAction::Spawn(preset) => ("spawn", scenario.presets[*preset].name.clone()),
        EntryAction::Fetch(job) => ("fetch", scenario.fetches[*job].name.clone()),
        EntryAction::Stop(_)
        | EntryAction::Send(_)
        | EntryAction::Signal(_)
        | EntryAction::Kill(_)
        | EntryAction::Restart(_)
        | EntryAction::Mark(_) => {
            let target = action.target().map(|target| target.name.clone());
            (action.key(), target.unwrap_or_default())
        }
    }
}

/// All entries of a run.
#[derive(Clone)]
pub(crate) struct Timeline {
    scenario: Rc<Scenario>,
    seed: u64,
    entries: Vec<EntryState>,
    /// Entries that have not happened for the last time.
    entries_left: usize,
    /// The run is ending: nothing is triggered any more.
    is_closed: bool,
}

impl Timeline {
    pub(crate) fn new(scenario: Rc<Scenario>, seed: u64) -> Timeline {
        Timeline { scenario, seed, entries: Vec::new(), entries_left: 0, is_closed: false }
    }

    /// Sets the timers of the entries that wait for nothing, and links the others to those they wait for.
    pub(crate) fn begin(&mut self, timers: &mut TimerQueue) {
        let scenario = Rc::clone(&self.scenario);
        self.entries_left = scenario.timeline.len();
        self.entries.resize_with(scenario.timeline.len(), EntryState::default);
        for (index, entry) in scenario.timeline.iter().enumerate() {
            match &entry.trigger {
                None => self.trigger(index, Moment::ZERO, timers),
                Some(after) => {
                    let target = &mut self.entries[after.awaited_entry()];
                    target.dependents.push(index as u32);
                    target.line_waiters += u32::from(matches!(after, EntryTrigger::Line { .. }));
                }
            }
        }
    }

    /// Triggers nothing from now on.
    pub(crate) fn close(&mut self) {
        self.is_closed = true;
    }

    /// Entries that have not happened for the last time.
    pub(crate) fn entries_left(&self) -> usize {
        self.entries_left
    }

    /// Whether an entry has happened at least once.
    pub(crate) fn has_occurred(&self, entry: usize) -> bool {
        self.entries.get(entry).is_some_and(|entry| entry.first_occurrence.is_some())
    }

    /// Whether an entry waits for a line of this one's spawns.
    #[inline]
    pub(crate) fn awaits_line_of(&self, entry: usize) -> bool {
        self.entries[entry].line_waiters > 0
    }

    /// The moment that an entry counts its `at` from has come.
    fn trigger(&mut self, entry: usize, moment: Moment, timers: &mut TimerQueue) {
        if self.is_closed {
            return;
        }
        self.entries[entry].is_triggered = true;
        let start = moment.saturating_add(self.scenario.timeline[entry].at);
        timers.push(self.first_occurrence(entry, start), Timer::Entry(entry));
    }

    /// The moment of the first occurrence of an entry that may happen from `start` on. If its rate has no moment
    /// within its time, that is the end of this time.
    fn first_occurrence(&mut self, entry: usize, start: Moment) -> Moment {
        let Some(EntryRepeat { pace: EntryPace::Arrivals { rate, arrivals }, times, duration }) =
            &self.scenario.timeline[entry].repeat
        else {
            return start;
        };
        let random = || entry_random(&self.scenario, self.seed, entry, "entry arrivals");
        let random = (*arrivals == ArrivalProcess::Poisson).then(random);
        let mut schedule = ArrivalSchedule::new(rate.clone(), random, *times, *duration);
        let state = &mut self.entries[entry];
        let first = schedule.next_arrival();
        state.has_no_arrival = first.is_none();
        state.arrivals = Some((start, Box::new(schedule)));
        start.saturating_add(first.or(*duration).unwrap_or_default())
    }

    /// Notes the end of an entry whose rate has no moment at all; false if it has one.
    pub(crate) fn record_no_arrival(&mut self, entry: usize) -> bool {
        let state = &mut self.entries[entry];
        if state.has_no_arrival && !state.is_exhausted {
            state.is_exhausted = true;
            self.entries_left -= 1;
        }
        state.has_no_arrival
    }

    /// Notes the occurrence of an entry at `due`, and sets the timer of the next, if there is one.
    pub(crate) fn record_occurrence(&mut self, entry: usize, due: Moment, timers: &mut TimerQueue) {
        let state = &mut self.entries[entry];
        let first = *state.first_occurrence.get_or_insert(due);
        state.occurrences += 1;
        let occurred = state.occurrences;
        let next = self.scenario.timeline[entry].repeat.as_ref().and_then(|repeat| {
            if repeat.times.is_some_and(|times| occurred >= times) {
                return None;
            }
            let EntryPace::Every(every) = &repeat.pace else {
                let (start, arrivals) = state.arrivals.as_mut()?;
                return start.checked_add(arrivals.next_arrival()?);
            };
            let random = || entry_random(&self.scenario, self.seed, entry, "entry");
            let next = due.checked_add(state.random.get_or_insert_with(random).sample(every))?;
            let within = |span: Span| next.since(first) < span;
            repeat.duration.is_none_or(within).then_some(next)
        });
        match next {
            Some(next) => timers.push(next, Timer::Entry(entry)),
            None => {
                state.is_exhausted = true;
                self.entries_left -= 1;
            }
        }
    }

    /// Notes that the action of an entry was carried out and leaves nothing running.
    pub(crate) fn record_instant_action(
        &mut self,
        entry: usize,
        due: Moment,
        timers: &mut TimerQueue,
    ) -> Result<(), RunFailure> {
        self.entries[entry].ended_at = due;
        self.record_started(entry, due, timers)
    }

    /// Notes that a spawn or job of an entry has started.
    pub(crate) fn record_started(
        &mut self,
        entry: usize,
        moment: Moment,
        timers: &mut TimerQueue,
    ) -> Result<(), RunFailure> {
        if std::mem::replace(&mut self.entries[entry].has_started, true) {
            return Ok(());
        }
        self.reach_milestone(entry, Milestone::Started, moment, timers);
        self.start_line_timeouts(entry, moment, timers)
    }

    /// Notes that a spawn of an entry is ready.
    pub(crate) fn record_ready(&mut self, entry: usize, moment: Moment, timers: &mut TimerQueue) {
        if !std::mem::replace(&mut self.entries[entry].was_ready, true) {
            self.reach_milestone(entry, Milestone::Ready, moment, timers);
        }
    }

    /// Triggers the entries that wait for this milestone of an entry.
    fn reach_milestone(
        &mut self,
        entry: usize,
        milestone: Milestone,
        moment: Moment,
        timers: &mut TimerQueue,
    ) {
        for at in 0..self.entries[entry].dependents.len() {
            let dependent = self.entries[entry].dependents[at] as usize;
            let after = self.scenario.timeline[dependent].trigger.as_ref();
            if !self.entries[dependent].is_triggered
                && after.and_then(Milestone::from_after) == Some(milestone)
            {
                self.trigger(dependent, moment, timers);
            }
        }
    }

    /// Notes one more spawn or job of an entry.
    pub(crate) fn add_source(&mut self, entry: Option<usize>) {
        if let Some(entry) = entry {
            self.entries[entry].live_sources += 1;
        }
    }

    /// Notes that a spawn or job of an entry ended at this moment. [`Timeline::check_over`] must follow.
    pub(crate) fn remove_source(&mut self, entry: usize, moment: Moment) {
        let state = &mut self.entries[entry];
        state.live_sources -= 1;
        state.ended_at = state.ended_at.max(moment);
    }

    /// If an entry is over, triggers the entries that waited for its end. `may_become_ready` returns whether
    /// any of its spawns can still become ready.
    ///
    /// # Errors
    /// If another entry waits for something that can no longer come.
    pub(crate) fn check_over(
        &mut self,
        entry: usize,
        may_become_ready: impl FnOnce() -> bool,
        timers: &mut TimerQueue,
    ) -> Result<(), RunFailure> {
        let state = &self.entries[entry];
        if !state.is_exhausted || self.is_closed {
            return Ok(());
        }
        if state.live_sources > 0 {
            return self.check_ready(entry, may_become_ready);
        }
        if state.has_started {
            self.reach_milestone(entry, Milestone::Finished, state.ended_at, timers);
        }
        let waiting = |dependent: &&u32| !self.entries[**dependent as usize].is_triggered;
        let Some(dependent) = self.entries[entry].dependents.iter().find(waiting).map(|d| *d as usize) else {
            return Ok(());
        };
        let (waits, target) = (self.name(dependent), self.name(entry));
        Err(RunFailure(match &self.scenario.timeline[dependent].trigger {
            Some(EntryTrigger::Line { regex, .. }) => {
                format!("{waits} waits for a line like /{regex}/, but {target} ended without one")
            }
            after => {
                let milestone =
                    after.as_ref().and_then(Milestone::from_after).map_or("moment", Milestone::name);
                let why = if self.entries[entry].has_started { "became ready" } else { "started" };
                format!("{waits} waits for `{milestone}` of {target}, which never {why}")
            }
        }))
    }

    /// Checks that an entry whose `ready` is waited for was ready, or can still become it.
    ///
    /// # Errors
    /// If it cannot.
    pub(crate) fn check_ready(
        &self,
        entry: usize,
        may_become_ready: impl FnOnce() -> bool,
    ) -> Result<(), RunFailure> {
        let state = &self.entries[entry];
        if state.was_ready || !state.is_exhausted {
            return Ok(());
        }
        let waits = |dependent: &usize| {
            let after = self.scenario.timeline[*dependent].trigger.as_ref();
            after.and_then(Milestone::from_after) == Some(Milestone::Ready)
        };
        match state.dependents.iter().map(|dependent| *dependent as usize).find(waits) {
            Some(dependent) if !may_become_ready() => {
                let (waits, target) = (self.name(dependent), self.name(entry));
                Err(RunFailure(format!("{waits} waits for `ready` of {target}, which never became ready")))
            }
            _ => Ok(()),
        }
    }

    /// Starts the waits for a line of this entry's spawns.
    fn start_line_timeouts(
        &mut self,
        entry: usize,
        moment: Moment,
        timers: &mut TimerQueue,
    ) -> Result<(), RunFailure> {
        for at in 0..self.entries[entry].dependents.len() {
            let dependent = self.entries[entry].dependents[at] as usize;
            if let Some(EntryTrigger::Line { regex, timeout, .. }) =
                &self.scenario.timeline[dependent].trigger
            {
                let compiled = Regex::new(regex)
                    .map_err(|error| RunFailure(format!("the regex /{regex}/ is not one: {error}")))?;
                self.entries[dependent].line_regex = Some(Box::new(compiled));
                timers.push(moment.saturating_add(*timeout), Timer::LineTimeout(dependent));
            }
        }
        Ok(())
    }

    /// The entries that wait for a line like this one of an entry's spawns.
    pub(crate) fn entries_matched(&self, entry: usize, line: &[u8]) -> Vec<usize> {
        let matches = |dependent: &usize| {
            self.entries[*dependent].line_regex.as_ref().is_some_and(|regex| regex.is_match(line))
        };
        self.entries[entry].dependents.iter().map(|dependent| *dependent as usize).filter(matches).collect()
    }

    /// Triggers those of these entries that wait for a line of an entry's spawns: the line has come.
    pub(crate) fn trigger_matched(
        &mut self,
        entry: usize,
        matched: &[usize],
        now: Moment,
        timers: &mut TimerQueue,
    ) {
        for at in 0..self.entries[entry].dependents.len() {
            let dependent = self.entries[entry].dependents[at] as usize;
            if matched.contains(&dependent) && self.entries[dependent].line_regex.take().is_some() {
                self.entries[entry].line_waiters -= 1;
                self.trigger(dependent, now, timers);
            }
        }
    }

    /// Checks an entry whose time to wait for its line is over.
    ///
    /// # Errors
    /// If the line has not come.
    pub(crate) fn check_line_timeout(&self, entry: usize) -> Result<(), RunFailure> {
        match &self.scenario.timeline[entry].trigger {
            Some(EntryTrigger::Line { regex, of, timeout }) if !self.entries[entry].is_triggered => {
                let (waits, target) = (self.name(entry), self.name(*of));
                let timeout = timeout.format_human();
                Err(RunFailure(format!(
                    "{waits} waited {timeout} for a line like /{regex}/ of {target}, and none came"
                )))
            }
            _ => Ok(()),
        }
    }

    fn name(&self, entry: usize) -> String {
        entry_name(&self.scenario, entry)
    }

    /// Everything by which two states of a run can differ.
    pub(crate) fn state_key(&self) -> impl std::fmt::Debug {
        (&self.entries, self.entries_left)
    }
}
