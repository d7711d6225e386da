//! The timeline: which entry happens when, and what that lets happen next. Carries out no action.
//!
//! # How it works
//!
//! An entry without `after` has a timer from the start; one with `after` gets its timer when that moment
//! has come. The occurrences of a repeating entry are drawn one after the other, each from the planned
//! moment of the one before, so nothing drifts and no list of occurrences is ever built.

mod always;
pub(crate) mod tries;
mod waits;

use std::collections::BTreeMap;
use std::rc::Rc;

use regex::bytes::Regex;

use crate::engine::arrival_schedule::ArrivalSchedule;
use crate::engine::lifecycle::RunFailure;
use crate::engine::names::entry_name;
use crate::engine::random::{RandomStream, RandomStreamId};
use crate::engine::timeline::always::AlwaysEntries;
use crate::engine::timeline::tries::TryState;
use crate::engine::timer_queue::{Timer, TimerQueue};
use crate::engine::trigger_state::TriggerStates;
use crate::scenario::model::{ArrivalProcess, EntryAction, EntryPace, EntryRepeat, Scenario, TimelineEntry};
use scenario_log::event::SpawnExit;
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
    /// Something that it started, or its own action, was not as expected.
    has_failed: bool,
    /// The number of conditions on a line of this entry's spawns that are open.
    line_waiters: u32,
    /// The same for conditions on their silence.
    quiet_waiters: u32,
    /// When its spawns started or last wrote something.
    last_said: Moment,
    /// The last exit of its spawns.
    last_exit: Option<SpawnExit>,
    /// Its own wait is over: it happens, or it is skipped.
    is_decided: bool,
    /// Its tries, from the first on, if it has `until`.
    tries: Option<Box<TryState>>,
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
        EntryAction::Link(action) => ("link", scenario.links[action.link].name.clone()),
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
    /// The conditions that entries wait for.
    triggers: TriggerStates,
    /// The lines that entries wait for, by the numbers of the conditions, from the moment they can come until
    /// they came.
    line_regexes: BTreeMap<usize, Regex>,
    /// Entries that are skipped, with the reason, and whose skips have not been reported.
    skipped: Vec<(usize, String)>,
    /// Entries that have not happened for the last time, without those with `always`.
    entries_left: usize,
    /// The run is ending: nothing is triggered any more, except of the entries with `always`.
    is_closed: bool,
    /// The entries with `always`.
    always: AlwaysEntries,
}

impl Timeline {
    pub(crate) fn new(scenario: Rc<Scenario>, seed: u64) -> Timeline {
        Timeline {
            scenario,
            seed,
            entries: Vec::new(),
            triggers: TriggerStates::default(),
            line_regexes: BTreeMap::new(),
            skipped: Vec::new(),
            entries_left: 0,
            is_closed: false,
            always: AlwaysEntries::default(),
        }
    }

    /// Sets the timers of the entries that wait for nothing, and links the others to those they wait for.
    pub(crate) fn begin(&mut self, timers: &mut TimerQueue) {
        let scenario = Rc::clone(&self.scenario);
        self.always = AlwaysEntries::of(&scenario);
        self.entries_left = scenario.timeline.len() - self.always.left();
        self.entries.resize_with(scenario.timeline.len(), EntryState::default);
        self.triggers = TriggerStates::new(&scenario);
        for (index, entry) in scenario.timeline.iter().enumerate() {
            match &entry.trigger {
                None if entry.always => {}
                None => self.trigger(index, Moment::ZERO, timers),
                Some(trigger) => self.count_waiters(trigger),
            }
        }
    }

    /// Triggers nothing from now on.
    pub(crate) fn close(&mut self) {
        self.is_closed = true;
        self.always.close();
    }

    /// Entries that have not happened for the last time.
    pub(crate) fn entries_left(&self) -> usize {
        self.entries_left
    }

    /// Whether an entry has happened at least once.
    pub(crate) fn has_occurred(&self, entry: usize) -> bool {
        self.entries.get(entry).is_some_and(|entry| entry.first_occurrence.is_some())
    }

    /// Whether the last occurrence of an entry has ended.
    pub(crate) fn has_finished(&self, entry: usize) -> bool {
        let state = &self.entries[entry];
        state.is_exhausted && state.live_sources == 0 && state.has_started
    }

    /// The moment that an entry counts its `at` from has come.
    fn trigger(&mut self, entry: usize, moment: Moment, timers: &mut TimerQueue) {
        if !self.is_open(entry) {
            return;
        }
        self.entries[entry].is_decided = true;
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
            self.leave(entry);
        }
        self.entries[entry].has_no_arrival
    }

    /// Notes the occurrence of an entry at `due`, and sets the timer of the next, if there is one.
    pub(crate) fn record_occurrence(&mut self, entry: usize, due: Moment, timers: &mut TimerQueue) {
        let is_tried = self.begin_try(entry, due, timers);
        self.start_always_time(entry, due, timers);
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
            // Whether there is another try is decided when this one has ended.
            None if is_tried => {}
            None => self.leave(entry),
        }
    }

    /// Notes that an entry will not happen again.
    fn leave(&mut self, entry: usize) {
        self.entries[entry].is_exhausted = true;
        if self.scenario.timeline[entry].always {
            self.always.leave();
        } else {
            self.entries_left -= 1;
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
        self.start_waits(entry, moment, timers)
    }

    /// Notes that a spawn of an entry is ready.
    pub(crate) fn record_ready(&mut self, entry: usize, moment: Moment, timers: &mut TimerQueue) {
        if !std::mem::replace(&mut self.entries[entry].was_ready, true) {
            self.meet_ready(entry, moment, timers);
        }
    }

    /// Notes one more spawn or job of an entry.
    pub(crate) fn add_source(&mut self, entry: Option<usize>) {
        if let Some(entry) = entry {
            self.entries[entry].live_sources += 1;
            self.always.add_source(self.scenario.timeline[entry].always);
        }
    }

    /// Notes that a spawn or job of an entry ended at this moment. [`Timeline::check_over`] must follow.
    pub(crate) fn remove_source(&mut self, entry: usize, moment: Moment) {
        let state = &mut self.entries[entry];
        state.live_sources -= 1;
        state.ended_at = state.ended_at.max(moment);
        self.always.remove_source(self.scenario.timeline[entry].always);
    }

    fn name(&self, entry: usize) -> String {
        entry_name(&self.scenario, entry)
    }

    /// Everything by which two states of a run can differ.
    pub(crate) fn state_key(&self) -> impl std::fmt::Debug {
        (&self.entries, &self.triggers, self.entries_left, &self.always)
    }
}
