//! Bounds of a run for any draws and any world: the earliest and latest moments of each entry and of the end.

use super::load;
use crate::scenario::model::{
    ArrivalProcess, EntryAction, EntryPace, EntryRepeat, EntryTrigger, FetchMode, PlayersPreset, PresetKind,
    Scenario,
};
use scenario_log::time::{Moment, Span};

/// The earliest and latest moments of each entry, for any draws and any world.
pub(super) struct TimeBounds {
    /// For each entry, the start of its first occurrence and the end of its last.
    entries: Vec<Option<EntryTimeBounds>>,
}

#[derive(Clone, Copy)]
struct EntryTimeBounds {
    starts: (Moment, Option<Moment>),
    ends: (Moment, Option<Moment>),
    /// The earliest start if everything that it waits for is stopped at once.
    least: Moment,
    /// Whether it happens in every run that goes on to its end: it waits for no way of another entry's end.
    is_certain: bool,
}

/// The bounds of the moment that an entry waits for.
#[derive(Clone, Copy)]
struct TriggerBounds {
    earliest: Moment,
    latest: Option<Moment>,
    least: Moment,
    is_certain: bool,
}

/// The start of the run.
const RUN_START: TriggerBounds = TriggerBounds {
    earliest: Moment::ZERO,
    latest: Some(Moment::ZERO),
    least: Moment::ZERO,
    is_certain: true,
};

impl TriggerBounds {
    /// The bounds of the later moment, or of the earlier one. The latest moment is that of both in any case:
    /// nobody knows which of them comes.
    fn join(self, other: TriggerBounds, is_later: bool) -> TriggerBounds {
        let pick = |one: Moment, other: Moment| if is_later { one.max(other) } else { one.min(other) };
        TriggerBounds {
            earliest: pick(self.earliest, other.earliest),
            latest: self.latest.zip(other.latest).map(|(one, other)| one.max(other)),
            least: pick(self.least, other.least),
            is_certain: match is_later {
                true => self.is_certain && other.is_certain,
                false => self.is_certain || other.is_certain,
            },
        }
    }
}

impl TimeBounds {
    pub(super) fn new(scenario: &Scenario) -> TimeBounds {
        let mut bounds = TimeBounds { entries: vec![None; scenario.timeline.len()] };
        let awaited = |entry: usize| {
            let trigger = scenario.timeline[entry].trigger.as_ref();
            trigger.map(EntryTrigger::awaited_entries).unwrap_or_default().into_iter()
        };
        for first in 0..scenario.timeline.len() {
            if bounds.entries[first].is_some() {
                continue;
            }
            // A chain of `after` may be as long as the timeline, so a loop follows it, not recursion.
            let mut path = vec![(first, awaited(first))];
            while let Some((entry, left)) = path.last_mut() {
                match left.find(|before| bounds.entries[*before].is_none()) {
                    Some(before) => path.push((before, awaited(before))),
                    None => {
                        bounds.entries[*entry] = Some(bounds.entry_bounds(scenario, *entry));
                        path.pop();
                    }
                }
            }
        }
        bounds
    }

    fn trigger_bounds(&self, scenario: &Scenario, trigger: &EntryTrigger) -> TriggerBounds {
        let join = |parts: &[EntryTrigger], is_later: bool| {
            let parts = parts.iter().map(|part| self.trigger_bounds(scenario, part));
            parts.reduce(|one, other| one.join(other, is_later)).unwrap_or(RUN_START)
        };
        match trigger {
            EntryTrigger::All(parts) => return join(parts, true),
            EntryTrigger::Any(parts) => return join(parts, false),
            _ => {}
        }
        let Some(of) = trigger.awaited_entry() else { return RUN_START };
        let Some(bounds) = self.entries[of] else { return RUN_START };
        let EntryTimeBounds { starts, ends, least, is_certain } = bounds;
        let within = |patience: Span| (starts.0, starts.1.map(|start| start.saturating_add(patience)));
        let (earliest, latest) = match trigger {
            EntryTrigger::Ready(_) if is_restarted(scenario, of) => (starts.0, None),
            EntryTrigger::Ready(_) => within(ready_timeout(scenario, of)),
            EntryTrigger::Line { timeout, .. } => within(*timeout),
            EntryTrigger::Quiet { duration, .. } => (starts.0.saturating_add(*duration), None),
            EntryTrigger::Finished(_) | EntryTrigger::Passed(_) | EntryTrigger::Failed(_) => ends,
            // The first exit decides, and the others may come later.
            EntryTrigger::Exit { .. } => (starts.0, ends.1),
            EntryTrigger::Started(_) | EntryTrigger::All(_) | EntryTrigger::Any(_) => starts,
        };
        let least = match trigger {
            EntryTrigger::Quiet { duration, .. } => least.saturating_add(*duration),
            _ => least,
        };
        TriggerBounds { earliest, latest, least, is_certain: is_certain && !trigger.is_outcome() }
    }

    fn entry_bounds(&self, scenario: &Scenario, index: usize) -> EntryTimeBounds {
        let entry = &scenario.timeline[index];
        let trigger = entry.trigger.as_ref();
        let TriggerBounds { earliest, latest, least: least_base, is_certain } =
            trigger.map_or(RUN_START, |trigger| self.trigger_bounds(scenario, trigger));
        let base = (earliest.saturating_add(entry.at), latest.map(|latest| latest.saturating_add(entry.at)));
        let (soonest, slowest) = entry.repeat.as_ref().map_or((Span::ZERO, Some(Span::ZERO)), first_bounds);
        let (shortest, longest) = entry.repeat.as_ref().map_or((Span::ZERO, Some(Span::ZERO)), repeat_bounds);
        let (least, most) = action_bounds(scenario, &entry.action);
        let tries = entry.until.as_ref().map_or(Span::ZERO, |until| until.timeout);
        let most = most.and_then(|most| most.checked_add(tries));
        let add = |moment: Option<Moment>, span: Option<Span>| Some(moment?.saturating_add(span?));
        let starts = (base.0.saturating_add(soonest), add(base.1, slowest));
        let ends = (base.0.saturating_add(shortest).saturating_add(least), add(add(base.1, longest), most));
        EntryTimeBounds { starts, ends, least: least_base.saturating_add(entry.at), is_certain }
    }

    /// The earliest start of each entry. What is stopped may end before its time, so where anything is stopped,
    /// an end counts as early as its start.
    pub(super) fn earliest_starts(&self, scenario: &Scenario) -> Vec<Moment> {
        let has_stop = scenario.timeline.iter().any(|entry| entry.action.may_end_spawns());
        let start = |bounds: EntryTimeBounds| if has_stop { bounds.least } else { bounds.starts.0 };
        self.entries.iter().map(|bounds| bounds.map_or(Moment::ZERO, start)).collect()
    }

    /// Whether each entry happens in every run that goes on to its end.
    pub(super) fn certain_entries(&self) -> Vec<bool> {
        self.entries.iter().map(|bounds| bounds.is_some_and(|bounds| bounds.is_certain)).collect()
    }

    /// The earliest end of the run: entries that may be skipped do not count.
    pub(super) fn earliest(&self, scenario: &Scenario) -> Moment {
        let end = |is_last: bool| {
            let certain = self.waited_for(scenario, is_last).filter(|bounds| bounds.is_certain);
            certain.map(|bounds| bounds.ends.0).max().unwrap_or_default()
        };
        end(false).saturating_add(end(true).since(Moment::ZERO))
    }

    pub(super) fn latest(&self, scenario: &Scenario) -> Option<Moment> {
        let end = |is_last: bool| {
            let mut bounds = self.waited_for(scenario, is_last);
            bounds.try_fold(Moment::ZERO, |latest, bounds| Some(latest.max(bounds.ends.1?)))
        };
        Some(end(false)?.saturating_add(end(true)?.since(Moment::ZERO)))
    }

    /// The bounds of every entry with `always`, which count from the end of all others, or of every other. For the
    /// end of the run, a background program ends with its start.
    fn waited_for<'b>(
        &'b self,
        scenario: &'b Scenario,
        is_last: bool,
    ) -> impl Iterator<Item = EntryTimeBounds> + 'b {
        let entries = scenario.timeline.iter().zip(&self.entries);
        let entries = entries.filter(move |(entry, _)| entry.always == is_last);
        entries.filter_map(|(entry, bounds)| {
            let mut bounds = (*bounds)?;
            if let EntryAction::Spawn(preset) = entry.action
                && let PresetKind::Command(command) = &scenario.presets[preset].kind
                && command.background
            {
                bounds.ends = bounds.starts;
            }
            Some(bounds)
        })
    }
}

/// The time that the spawns of an entry have to become ready.
pub(super) fn ready_timeout(scenario: &Scenario, entry: usize) -> Span {
    match scenario.timeline[entry].action {
        EntryAction::Spawn(preset) => {
            scenario.presets[preset].ready().map_or(Span::ZERO, |ready| ready.timeout)
        }
        _ => Span::ZERO,
    }
}

/// Whether the programs of an entry are started again when they end.
fn is_restarted(scenario: &Scenario, entry: usize) -> bool {
    let EntryAction::Spawn(preset) = scenario.timeline[entry].action else { return false };
    scenario.presets[preset].command().is_some_and(|command| command.life.restart.is_some())
}

/// The shortest and the longest time to the first occurrence.
fn first_bounds(repeat: &EntryRepeat) -> (Span, Option<Span>) {
    match (&repeat.pace, repeat.planned_arrivals()) {
        (EntryPace::Every(_), _) => (Span::ZERO, Some(Span::ZERO)),
        (EntryPace::Arrivals { arrivals: ArrivalProcess::Constant, .. }, Some((_, first, _))) => {
            (first, Some(first))
        }
        (EntryPace::Arrivals { .. }, _) => (Span::ZERO, repeat.duration),
    }
}

/// The shortest and the longest time to the last occurrence.
fn repeat_bounds(repeat: &EntryRepeat) -> (Span, Option<Span>) {
    let EntryRepeat { pace, times, duration: within } = repeat;
    let every = match (pace, repeat.planned_arrivals()) {
        (EntryPace::Every(every), _) => every,
        (EntryPace::Arrivals { arrivals: ArrivalProcess::Constant, .. }, Some((_, _, last))) => {
            return (last, Some(last));
        }
        (EntryPace::Arrivals { .. }, _) => return (Span::ZERO, *within),
    };
    let all = |gap: Span, times: u64| Span(gap.0.saturating_mul(times.saturating_sub(1)));
    let by_times =
        times.map(|times| (all(every.shortest(), times), every.longest().map(|gap| all(gap, times))));
    match (by_times, within) {
        (Some((least, most)), Some(within)) => {
            (least.min(*within), Some(most.map_or(*within, |most| most.min(*within))))
        }
        (Some(bounds), None) => bounds,
        (None, Some(within)) => (Span::ZERO, Some(*within)),
        (None, None) => (Span::ZERO, Some(Span::ZERO)),
    }
}

/// The shortest and the longest duration of what an action starts.
fn action_bounds(scenario: &Scenario, action: &EntryAction) -> (Span, Option<Span>) {
    match action {
        EntryAction::Spawn(preset) => match &scenario.presets[*preset].kind {
            PresetKind::Players(players) => players_bounds(players),
            PresetKind::Command(_) => (Span::ZERO, None),
        },
        EntryAction::Fetch(job) => {
            let job = &scenario.fetches[*job];
            if let Some(load) = &job.load {
                return load::load_bounds(job, load);
            }
            let in_turn = match job.mode {
                FetchMode::Concurrent => 1,
                FetchMode::Sequential => job.urls.len() as u64,
            };
            // Retries wait between the attempts, so there is no latest end.
            let most = (job.retries == 0).then(|| Span(job.timeout.0.saturating_mul(in_turn)));
            (Span::ZERO, most)
        }
        EntryAction::Link(action) => {
            // `heal` may end it early.
            let heals = |other: &EntryAction| matches!(other, EntryAction::Link(other) if other.heal && other.link == action.link);
            let most = action.duration.unwrap_or_default();
            let is_healed = scenario.timeline.iter().any(|entry| heals(&entry.action));
            (if is_healed { Span::ZERO } else { most }, Some(most))
        }
        EntryAction::Stop(_)
        | EntryAction::Send(_)
        | EntryAction::Signal(_)
        | EntryAction::Kill(_)
        | EntryAction::Restart(_)
        | EntryAction::Mark(_) => (Span::ZERO, Some(Span::ZERO)),
    }
}

fn players_bounds(players: &PlayersPreset) -> (Span, Option<Span>) {
    let bounds = || players.groups.iter().map(|group| group.behavior.duration_bounds());
    let least = bounds().map(|(least, _)| least).max();
    let most = bounds().try_fold(Span::ZERO, |most, (_, longest)| Some(most.max(longest?)));
    // A player that waits for a lock depends on the holder, and may wait forever.
    (least.unwrap_or_default(), most.filter(|_| !players.may_wait()))
}
