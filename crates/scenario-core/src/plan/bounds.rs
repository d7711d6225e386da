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
}

impl TimeBounds {
    pub(super) fn new(scenario: &Scenario) -> TimeBounds {
        let mut bounds = TimeBounds { entries: vec![None; scenario.timeline.len()] };
        for first in 0..scenario.timeline.len() {
            // A chain of `after` may be as long as the timeline, so a loop follows it, not recursion.
            let mut chain = vec![first];
            while let Some(&entry) = chain.last() {
                let before = scenario.timeline[entry].trigger.as_ref().map(EntryTrigger::awaited_entry);
                match before.filter(|before| bounds.entries[*before].is_none()) {
                    Some(before) if chain.len() <= scenario.timeline.len() => chain.push(before),
                    _ => {
                        bounds.entries[entry] = Some(bounds.entry_bounds(scenario, entry));
                        chain.pop();
                    }
                }
            }
        }
        bounds
    }

    fn entry_bounds(&self, scenario: &Scenario, index: usize) -> EntryTimeBounds {
        let entry = &scenario.timeline[index];
        let nothing = (Moment::ZERO, Some(Moment::ZERO));
        let of = |entry: usize| self.entries[entry];
        let (earliest, latest) = match &entry.trigger {
            None => nothing,
            Some(EntryTrigger::Started(other)) => of(*other).map_or(nothing, |b| b.starts),
            Some(EntryTrigger::Ready(other)) => {
                let patience = ready_timeout(scenario, *other);
                of(*other).map_or(nothing, |b| (b.starts.0, b.starts.1.map(|t| t.saturating_add(patience))))
            }
            Some(EntryTrigger::Finished(other)) => of(*other).map_or(nothing, |b| b.ends),
            Some(EntryTrigger::Line { of: other, timeout, .. }) => {
                of(*other).map_or(nothing, |b| (b.starts.0, b.starts.1.map(|t| t.saturating_add(*timeout))))
            }
        };
        let base = (earliest.saturating_add(entry.at), latest.map(|latest| latest.saturating_add(entry.at)));
        let (soonest, slowest) = entry.repeat.as_ref().map_or((Span::ZERO, Some(Span::ZERO)), first_bounds);
        let (shortest, longest) = entry.repeat.as_ref().map_or((Span::ZERO, Some(Span::ZERO)), repeat_bounds);
        let (least, most) = action_bounds(scenario, &entry.action);
        let add = |moment: Option<Moment>, span: Option<Span>| Some(moment?.saturating_add(span?));
        let starts = (base.0.saturating_add(soonest), add(base.1, slowest));
        let ends = (base.0.saturating_add(shortest).saturating_add(least), add(add(base.1, longest), most));
        EntryTimeBounds { starts, ends }
    }

    /// The earliest start of each entry. What is stopped may end before its time, so where anything is stopped,
    /// an end counts as early as its start.
    pub(super) fn earliest_starts(&self, scenario: &Scenario) -> Vec<Moment> {
        let has_stop = scenario.timeline.iter().any(|entry| entry.action.may_end_spawns());
        let start = |entry: usize| self.entries[entry].map_or(Moment::ZERO, |bounds| bounds.starts.0);
        let least = |mut entry: usize| {
            let mut sum = Span::ZERO;
            // A chain of `after` is at most as long as the timeline.
            for _ in 0..=scenario.timeline.len() {
                let row = &scenario.timeline[entry];
                sum = Span(sum.0.saturating_add(row.at.0));
                match &row.trigger {
                    Some(trigger) => entry = trigger.awaited_entry(),
                    None => break,
                }
            }
            Moment::ZERO.saturating_add(sum)
        };
        (0..scenario.timeline.len()).map(|entry| if has_stop { least(entry) } else { start(entry) }).collect()
    }

    pub(super) fn earliest(&self, scenario: &Scenario) -> Moment {
        let ends = self.waited_for(scenario).map(|bounds| bounds.ends.0);
        ends.max().unwrap_or_default()
    }

    pub(super) fn latest(&self, scenario: &Scenario) -> Option<Moment> {
        self.waited_for(scenario).try_fold(Moment::ZERO, |latest, bounds| Some(latest.max(bounds.ends.1?)))
    }

    /// The bounds of every entry. For the end of the run, a background program ends with its start.
    fn waited_for<'b>(&'b self, scenario: &'b Scenario) -> impl Iterator<Item = EntryTimeBounds> + 'b {
        let entries = scenario.timeline.iter().zip(&self.entries);
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
