//! The scheduler: what of the timeline happens when, and what that lets happen next.
//!
//! An entry without `after` is on the agenda from the start; one with `after` gets there when its
//! moment has come. Occurrences of a repeating entry are drawn one after the other, each from the
//! planned moment of the one before, so that nothing drifts and nothing is expanded.

use std::rc::Rc;

use regex::bytes::Regex;

use crate::engine::effect::Effect;
use crate::engine::random::{RandomStream, RandomStreamId};
use crate::engine::timer_queue::Timer;
use crate::engine::{EngineOutput, RunPhase, RunState};
use crate::scenario::model::{EntryAction, EntryTrigger, Scenario, ScenarioText, TimelineEntry};
use scenario_log::event::{Event, Source};
use scenario_log::time::{Moment, Span};

/// What has become of an entry.
#[derive(Clone, Debug, Default)]
pub(crate) struct EntryState {
    /// The planned moment of its first occurrence, once it has happened.
    first_occurrence: Option<Moment>,
    /// Occurrences so far.
    occurrences: u64,
    /// It will not happen again.
    is_exhausted: bool,
    /// Spawns or jobs it started that have not ended.
    live_sources: u32,
    /// Whether anything it started has really started.
    has_started: bool,
    /// Whether anything it started is or was ready.
    was_ready: bool,
    /// When the last of what it started ended, as planned where that is known.
    ended_at: Moment,
    /// What draws its `every`.
    random: Option<RandomStream>,
    /// Entries that wait for this one.
    dependents: Vec<u32>,
    /// The line it waits for, from the moment it can come until it came.
    line_regex: Option<Box<Regex>>,
    /// How many dependents wait for a line of what this one started.
    pub(crate) line_waiters: u32,
    /// Its own wait is over.
    is_triggered: bool,
}

impl EntryState {
    /// Whether it has happened at least once.
    pub(crate) fn has_occurred(&self) -> bool {
        self.first_occurrence.is_some()
    }
}

/// One of the moments that an entry can be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Milestone {
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

/// An entry for a message: its id or number in backquotes.
pub(crate) fn entry_name(scenario: &Scenario, entry: usize) -> String {
    format!("`{}`", scenario.timeline[entry].event_name(entry))
}

/// What draws an entry's `every`: it depends on the seed and the entry's id, or, without one, on
/// what it does and how many entries before it do the same; so entries of other presets change
/// nothing.
fn entry_random(scenario: &Scenario, seed: u64, entry: usize) -> RandomStream {
    let TimelineEntry { id, action, .. } = &scenario.timeline[entry];
    let purpose = RandomStreamId::new(seed, "entry");
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
    let id = |entry: usize| scenario.timeline[entry].id.clone().unwrap_or_default();
    match action {
        EntryAction::Spawn(preset) => ("spawn", scenario.presets[*preset].name.clone()),
        EntryAction::Fetch(job) => ("fetch", scenario.fetches[*job].name.clone()),
        EntryAction::Stop(entry) => ("stop", id(*entry)),
        EntryAction::Send { to, .. } => ("send", id(*to)),
        EntryAction::Mark(_) => ("mark", String::new()),
    }
}

impl RunState {
    /// Puts the entries that wait for nothing on the agenda and ties the others to what they wait for.
    pub(crate) fn begin_timeline(&mut self) {
        let scenario = Rc::clone(&self.scenario);
        self.entries_left = scenario.timeline.len();
        self.entries.resize_with(scenario.timeline.len(), EntryState::default);
        for (index, entry) in scenario.timeline.iter().enumerate() {
            match &entry.trigger {
                None => self.trigger(index, Moment::ZERO),
                Some(after) => {
                    let target = &mut self.entries[after.awaited_entry()];
                    target.dependents.push(index as u32);
                    target.line_waiters += u32::from(matches!(after, EntryTrigger::Line { .. }));
                }
            }
        }
    }

    /// The moment that an entry counts its `at` from has come.
    fn trigger(&mut self, entry: usize, moment: Moment) {
        if self.phase != RunPhase::Running {
            return;
        }
        self.entries[entry].is_triggered = true;
        let due = moment.saturating_add(self.scenario.timeline[entry].at);
        self.timers.push(due, Timer::Entry(entry));
    }

    /// One occurrence of an entry, and the agenda's next.
    pub(crate) fn run_entry(&mut self, entry: usize, due: Moment, out: &mut EngineOutput<'_>) {
        let scenario = Rc::clone(&self.scenario);
        let row = &scenario.timeline[entry];
        self.schedule_next(entry, row, due);
        for _ in 0..row.count {
            if !out.wants_more() {
                return;
            }
            match &row.action {
                EntryAction::Spawn(preset) => self.start_spawn(*preset, Some(entry), due, out),
                EntryAction::Fetch(job) => self.start_fetch(*job, Some(entry), due, out),
                EntryAction::Stop(target) => self.run_stop_entry(entry, *target, due, out),
                EntryAction::Send { to, text } => self.run_send_entry(entry, *to, text, due, out),
                EntryAction::Mark(text) => {
                    let (text, missing) = self.fill_text(text);
                    out.event(&Event::Mark {
                        due,
                        entry: Some(row.event_name(entry)),
                        text: &text.display_with_gaps(),
                    });
                    if let Some(missing) = missing {
                        self.record_failure(|| {
                            format!("{} has no text: {missing}", entry_name(&scenario, entry))
                        });
                    }
                }
            }
        }
        if !matches!(row.action, EntryAction::Spawn(_) | EntryAction::Fetch(_)) {
            self.entry_started(entry, due, out);
            self.entries[entry].ended_at = due;
        }
        self.check_entry_over(entry, out);
    }

    /// Whether and when an entry happens again after its occurrence at `due`.
    fn schedule_next(&mut self, entry: usize, row: &TimelineEntry, due: Moment) {
        let seed = self.seed;
        let state = &mut self.entries[entry];
        let first = *state.first_occurrence.get_or_insert(due);
        state.occurrences += 1;
        let occurred = state.occurrences;
        let next = row.repeat.as_ref().and_then(|repeat| {
            if repeat.times.is_some_and(|times| occurred >= times) {
                return None;
            }
            let die = state.random.get_or_insert_with(|| entry_random(&self.scenario, seed, entry));
            let next = due.checked_add(die.sample(&repeat.every))?;
            let within = |span: Span| next.since(first) < span;
            repeat.duration.is_none_or(within).then_some(next)
        });
        match next {
            Some(next) => self.timers.push(next, Timer::Entry(entry)),
            None => {
                state.is_exhausted = true;
                self.entries_left -= 1;
            }
        }
    }

    /// Something that an entry started runs.
    pub(crate) fn entry_started(&mut self, entry: usize, moment: Moment, out: &mut EngineOutput<'_>) {
        if std::mem::replace(&mut self.entries[entry].has_started, true) {
            return;
        }
        self.reach_milestone(entry, Milestone::Started, moment);
        self.start_line_timeouts(entry, moment, out);
    }

    /// Something that an entry started is ready.
    pub(crate) fn entry_ready(&mut self, entry: usize, moment: Moment) {
        if !std::mem::replace(&mut self.entries[entry].was_ready, true) {
            self.reach_milestone(entry, Milestone::Ready, moment);
        }
    }

    /// Triggers what waited for this milestone of an entry.
    fn reach_milestone(&mut self, entry: usize, milestone: Milestone, moment: Moment) {
        for at in 0..self.entries[entry].dependents.len() {
            let dependent = self.entries[entry].dependents[at] as usize;
            let after = self.scenario.timeline[dependent].trigger.as_ref();
            if !self.entries[dependent].is_triggered
                && after.and_then(Milestone::from_after) == Some(milestone)
            {
                self.trigger(dependent, moment);
            }
        }
    }

    /// One more spawn or job of an entry.
    pub(crate) fn entry_source_added(&mut self, entry: Option<usize>) {
        if let Some(entry) = entry {
            self.entries[entry].live_sources += 1;
        }
    }

    /// A spawn or job of an entry is over, at this moment.
    pub(crate) fn entry_source_removed(
        &mut self,
        entry: Option<usize>,
        moment: Moment,
        out: &mut EngineOutput<'_>,
    ) {
        let Some(entry) = entry else { return };
        let state = &mut self.entries[entry];
        state.live_sources -= 1;
        state.ended_at = state.ended_at.max(moment);
        self.check_entry_over(entry, out);
    }

    /// If an entry is over, triggers what waited for its end, and fails what waits in vain.
    fn check_entry_over(&mut self, entry: usize, out: &mut EngineOutput<'_>) {
        let state = &self.entries[entry];
        if !state.is_exhausted || self.phase != RunPhase::Running {
            return;
        }
        if state.live_sources > 0 {
            return self.fail_if_never_ready(entry, out);
        }
        if state.has_started {
            self.reach_milestone(entry, Milestone::Finished, state.ended_at);
        }
        let waiting = |dependent: &&u32| !self.entries[**dependent as usize].is_triggered;
        let Some(dependent) = self.entries[entry].dependents.iter().find(waiting).map(|d| *d as usize) else {
            return;
        };
        let scenario = Rc::clone(&self.scenario);
        let (waits, target) = (entry_name(&scenario, dependent), entry_name(&scenario, entry));
        let reason = match &scenario.timeline[dependent].trigger {
            Some(EntryTrigger::Line { regex, .. }) => {
                format!("{waits} waits for a line like /{regex}/, but {target} ended without one")
            }
            after => {
                let milestone =
                    after.as_ref().and_then(Milestone::from_after).map_or("moment", Milestone::name);
                let why = if self.entries[entry].has_started { "became ready" } else { "started" };
                format!("{waits} waits for `{milestone}` of {target}, which never {why}")
            }
        };
        self.fail_now(reason, out);
    }

    /// Fails what waits for an entry to get ready, if nothing can that it started and that still runs.
    pub(crate) fn fail_if_never_ready(&mut self, entry: usize, out: &mut EngineOutput<'_>) {
        let state = &self.entries[entry];
        if state.was_ready || !state.is_exhausted {
            return;
        }
        let waits = |dependent: &usize| {
            let after = self.scenario.timeline[*dependent].trigger.as_ref();
            after.and_then(Milestone::from_after) == Some(Milestone::Ready)
        };
        let Some(dependent) = state.dependents.iter().map(|dependent| *dependent as usize).find(waits) else {
            return;
        };
        if self.spawns.values().any(|spawn| spawn.entry == Some(entry) && spawn.may_become_ready()) {
            return;
        }
        let (waits, target) = (entry_name(&self.scenario, dependent), entry_name(&self.scenario, entry));
        self.fail_now(format!("{waits} waits for `ready` of {target}, which never became ready"), out);
    }

    /// Lines of what this entry starts are waited for from now on.
    fn start_line_timeouts(&mut self, entry: usize, moment: Moment, out: &mut EngineOutput<'_>) {
        for at in 0..self.entries[entry].dependents.len() {
            let dependent = self.entries[entry].dependents[at] as usize;
            if let Some(EntryTrigger::Line { regex, timeout, .. }) =
                &self.scenario.timeline[dependent].trigger
            {
                match Regex::new(regex) {
                    Ok(regex) => self.entries[dependent].line_regex = Some(Box::new(regex)),
                    Err(error) => {
                        return self.fail_now(format!("the regex /{regex}/ is not one: {error}"), out);
                    }
                }
                self.timers.push(moment.saturating_add(*timeout), Timer::LineTimeout(dependent));
            }
        }
    }

    /// A line of what an entry started: triggers what waited for one like it.
    pub(crate) fn match_entry_line(&mut self, entry: usize, line: &[u8], now: Moment) {
        for at in 0..self.entries[entry].dependents.len() {
            let dependent = self.entries[entry].dependents[at] as usize;
            if self.entries[dependent].line_regex.as_ref().is_some_and(|regex| regex.is_match(line)) {
                self.entries[dependent].line_regex = None;
                self.entries[entry].line_waiters -= 1;
                self.trigger(dependent, now);
            }
        }
    }

    /// An entry has waited long enough for its line.
    pub(crate) fn line_timed_out(&mut self, entry: usize, out: &mut EngineOutput<'_>) {
        if self.entries[entry].is_triggered {
            return;
        }
        let scenario = Rc::clone(&self.scenario);
        if let Some(EntryTrigger::Line { regex, of, timeout }) = &scenario.timeline[entry].trigger {
            let (waits, target) = (entry_name(&scenario, entry), entry_name(&scenario, *of));
            let timeout = timeout.format_human();
            self.fail_now(
                format!("{waits} waited {timeout} for a line like /{regex}/ of {target}, and none came"),
                out,
            );
        }
    }

    /// The `stop` of an entry: reaches all that runs of its target.
    fn run_stop_entry(&mut self, entry: usize, target: usize, due: Moment, out: &mut EngineOutput<'_>) {
        let scenario = Rc::clone(&self.scenario);
        let name = Some(scenario.timeline[entry].event_name(entry));
        let sources = self.sources_of(target);
        let has_load = self.stop_loads(target, Some(due), out);
        for source in &sources {
            let due = Some(due);
            out.event(&Event::Stopping {
                due,
                source: Some(*source),
                entry: name,
                signal: None,
                reason: None,
                error: None,
            });
            self.stop_source(*source, out);
        }
        if sources.is_empty() && !has_load {
            let error = format!("{} does not run", entry_name(&scenario, target));
            out.event(&Event::Stopping {
                due: Some(due),
                source: None,
                entry: name,
                signal: None,
                reason: None,
                error: Some(&error),
            });
            self.record_failure(|| {
                format!("{} could not stop anything: {error}", entry_name(&scenario, entry))
            });
        }
    }

    /// The `send` of an entry: reaches all that runs of its target, unless its text is not whole.
    fn run_send_entry(
        &mut self,
        entry: usize,
        to: usize,
        text: &ScenarioText,
        due: Moment,
        out: &mut EngineOutput<'_>,
    ) {
        let scenario = Rc::clone(&self.scenario);
        let name = Some(scenario.timeline[entry].event_name(entry));
        let (text, missing) = self.fill_text(text);
        let sources = if missing.is_some() { Vec::new() } else { self.sources_of(to) };
        let (shown, sent) = (&*text.display_with_gaps(), text.reveal());
        for source in &sources {
            let (due, source) = (Some(due), *source);
            out.event(&Event::Sent {
                due,
                source: Some(source),
                entry: name,
                text: Some(shown),
                error: None,
            });
            out.effect(Effect::SendLine { source, bytes: format!("{sent}\n").into_bytes() });
        }
        if sources.is_empty() {
            let error = missing.unwrap_or_else(|| format!("{} does not run", entry_name(&scenario, to)));
            let (due, error) = (Some(due), error.as_str());
            out.event(&Event::Sent { due, source: None, entry: name, text: Some(shown), error: Some(error) });
            self.record_failure(|| format!("{} could not send: {error}", entry_name(&scenario, entry)));
        }
    }

    /// What an entry started that has not ended, in the order it started.
    pub(crate) fn sources_of(&self, entry: usize) -> Vec<Source> {
        let spawns = self.spawns.iter().filter(|(_, spawn)| spawn.entry == Some(entry));
        let requests = self.requests.iter().filter(|(_, request)| {
            self.job_runs.get(&request.job_run).is_some_and(|job| job.entry == Some(entry))
        });
        let spawns = spawns.map(|(number, _)| Source::Spawn(*number));
        spawns.chain(requests.map(|(number, _)| Source::Request(*number))).collect()
    }
}
