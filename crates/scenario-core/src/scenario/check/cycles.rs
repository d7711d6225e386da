//! Entries that wait for other entries: none may wait for itself through others, and the latest moment of
//! each must fit 64 bits.

use super::DefinitionsByName;
use crate::diagnostic::{Diagnostic, FilePlace, quoted};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::model::{
    ArrivalProcess, EntryAction, EntryPace, EntryRepeat, EntryTrigger, PlayerBehavior, Preset, PresetKind,
    TimelineEntry,
};
use scenario_log::time::Span;

/// The largest number of entries of a cycle that a message names.
const MAX_NAMED_IN_CYCLE: usize = 20;

/// The places of an entry's times, for messages about their sums.
pub(super) struct EntryPlaces {
    /// The value of `at`, or else the entry.
    pub(super) at: FilePlace,
    /// The value of `every`, or else the entry.
    pub(super) every: FilePlace,
    /// The value of `after`, or else the entry.
    pub(super) after: FilePlace,
}

/// Reports cycles, and sums that do not fit 64 bits. Invalid entries are skipped.
pub(super) fn check_cycles(
    entries: &[Option<TimelineEntry>],
    places: &[EntryPlaces],
    presets: &DefinitionsByName<Preset>,
    found: &mut Diagnostics,
) {
    let bodies: Vec<Option<&Preset>> = presets.names().map(|name| presets.get(name).flatten()).collect();
    let mut ends: Vec<Option<LatestMoments>> = vec![None; entries.len()];
    let mut marks = vec![VisitMark::New; entries.len()];
    for start in 0..entries.len() {
        for index in awaited_first(start, entries, places, &mut marks, found) {
            let Some(entry) = &entries[index] else { continue };
            let base = match &entry.trigger {
                None => Some(Span::ZERO),
                Some(trigger) => latest_of(trigger, &ends),
            };
            // Without a base, the entry before it was reported, is invalid, or is part of a cycle.
            ends[index] = base.and_then(|base| match latest_moments(entry, base, &bodies) {
                Ok(ends) => Some(ends),
                Err(repeats) => {
                    let place = if repeats { places[index].every } else { places[index].at };
                    let message =
                        "this may be later than 584 years after the start of the run, which is the latest time that can be counted";
                    found.add(
                        Diagnostic::error(place, message)
                            .with_help("time is counted in 64 bits of nanoseconds"),
                    );
                    None
                }
            });
        }
    }
}

/// The latest moments of an entry, as far as they are known before a run.
#[derive(Clone, Copy)]
struct LatestMoments {
    started: Span,
    /// The longest time until a spawn of it is ready.
    ready_timeout: Span,
    finished: Option<Span>,
}

/// The latest moment of a trigger; `None` if it does not fit 64 bits. Which of several moments decides is not
/// known, so that it is the latest of all.
fn latest_of(trigger: &EntryTrigger, ends: &[Option<LatestMoments>]) -> Option<Span> {
    trigger.conditions().into_iter().try_fold(Span::ZERO, |latest, condition| {
        let of = ends[condition.awaited_entry()?]?;
        Some(latest.max(of.of_condition(condition)?))
    })
}

impl LatestMoments {
    fn of_condition(self, condition: &EntryTrigger) -> Option<Span> {
        match condition {
            EntryTrigger::Started(_) => Some(self.started),
            EntryTrigger::Ready(_) => self.started.checked_add(self.ready_timeout),
            EntryTrigger::Line { timeout, .. } => self.started.checked_add(*timeout),
            EntryTrigger::Quiet { duration, .. } => self.started.checked_add(*duration),
            EntryTrigger::Finished(_)
            | EntryTrigger::Passed(_)
            | EntryTrigger::Failed(_)
            | EntryTrigger::Exit { .. } => self.finished,
            EntryTrigger::All(_) | EntryTrigger::Any(_) => None,
        }
    }
}

/// The latest moments of an entry whose `after` comes at `base`. The error is `true` if its repetitions
/// cause the overflow.
fn latest_moments(
    entry: &TimelineEntry,
    base: Span,
    presets: &[Option<&Preset>],
) -> Result<LatestMoments, bool> {
    let first = base.checked_add(entry.at).ok_or(false)?;
    let repeated = match &entry.repeat {
        None => Some(Span::ZERO),
        Some(repeat) => repeat_duration(repeat),
    };
    let last = repeated.and_then(|span| first.checked_add(span)).ok_or(true)?;
    let preset = match entry.action {
        EntryAction::Spawn(preset) => presets.get(preset).copied().flatten(),
        _ => None,
    };
    let tries = entry.until.as_ref().map_or(Span::ZERO, |until| until.timeout);
    let last = last.checked_add(tries).ok_or(false)?;
    let plays = preset.map_or(Some(Span::ZERO), longest_play);
    let finished = plays.and_then(|span| last.checked_add(span)).ok_or(false)?;
    let patience = preset.and_then(Preset::ready).map_or(Span::ZERO, |ready| ready.timeout);
    Ok(LatestMoments { started: first, ready_timeout: patience, finished: Some(finished) })
}

/// The longest time from the first occurrence to the last; a draw without an upper bound counts as 0.
fn repeat_duration(repeat: &EntryRepeat) -> Option<Span> {
    let every = match (&repeat.pace, repeat.planned_arrivals()) {
        (EntryPace::Every(every), _) => every,
        (EntryPace::Arrivals { arrivals: ArrivalProcess::Constant, .. }, Some((_, _, last))) => {
            return Some(last);
        }
        (EntryPace::Arrivals { .. }, _) => return Some(repeat.duration.unwrap_or_default()),
    };
    let by_times = match (repeat.times, every.longest()) {
        (Some(times), Some(longest)) => longest.checked_mul(times.saturating_sub(1)),
        _ => Some(Span::ZERO),
    };
    match (repeat.times, repeat.duration) {
        (None, Some(within)) => Some(within),
        (Some(_), Some(within)) => Some(by_times.map_or(within, |span| span.min(within))),
        _ => by_times,
    }
}

fn longest_play(preset: &Preset) -> Option<Span> {
    let PresetKind::Players(players) = &preset.kind else { return Some(Span::ZERO) };
    players.groups.iter().try_fold(Span::ZERO, |longest, group| {
        let play = match &group.behavior {
            PlayerBehavior::Moves { moves, every } => {
                every.longest().unwrap_or_default().checked_mul((*moves).into())?
            }
            PlayerBehavior::Steps(program) => program.longest_pauses()?,
        };
        Some(longest.max(play))
    })
}

/// Whether a walk has come to an entry.
#[derive(Clone, Copy, PartialEq, Eq)]
enum VisitMark {
    New,
    /// It is on the way from the start to where the walk is.
    OnPath,
    Done,
}

/// The entries that this one waits for and that no walk has come to yet, each after those that it waits for
/// itself; this one is the last. A way may be as long as the timeline, so a loop follows it, not recursion.
fn awaited_first(
    start: usize,
    entries: &[Option<TimelineEntry>],
    places: &[EntryPlaces],
    marks: &mut [VisitMark],
    found: &mut Diagnostics,
) -> Vec<usize> {
    let mut in_order = Vec::new();
    if marks[start] != VisitMark::New {
        return in_order;
    }
    let awaited = |index: usize| {
        let trigger = entries[index].as_ref().and_then(|entry| entry.trigger.as_ref());
        trigger.map(EntryTrigger::awaited_entries).unwrap_or_default().into_iter()
    };
    marks[start] = VisitMark::OnPath;
    let mut path = vec![(start, awaited(start))];
    while let Some((index, left)) = path.last_mut() {
        let Some(next) = left.next() else {
            marks[*index] = VisitMark::Done;
            in_order.push(*index);
            path.pop();
            continue;
        };
        match marks[next] {
            VisitMark::Done => {}
            VisitMark::OnPath => {
                let ring: Vec<usize> =
                    path.iter().map(|(index, _)| *index).skip_while(|index| *index != next).collect();
                report_cycle(&ring, entries, places, found);
            }
            VisitMark::New => {
                marks[next] = VisitMark::OnPath;
                path.push((next, awaited(next)));
            }
        }
    }
    in_order
}

fn report_cycle(
    ring: &[usize],
    entries: &[Option<TimelineEntry>],
    places: &[EntryPlaces],
    found: &mut Diagnostics,
) {
    let name = |index: &usize| {
        let id = entries[*index].as_ref().and_then(|entry| entry.id.as_deref());
        id.map_or_else(|| format!("entry {}", index + 1), quoted)
    };
    // Begin with the entry that is the first in the file.
    let first = ring.iter().enumerate().min_by_key(|(_, index)| **index).map_or(0, |(at, _)| at);
    let ring: Vec<usize> = ring[first..].iter().chain(&ring[..first]).copied().collect();
    let mut names: Vec<String> = ring.iter().take(MAX_NAMED_IN_CYCLE).map(name).collect();
    if ring.len() > MAX_NAMED_IN_CYCLE {
        names.push("…".to_owned());
    }
    names.extend(ring.first().map(name));
    let Some(place) = ring.first().map(|index| places[*index].after) else { return };
    let what =
        if ring.len() == 1 { "this entry waits for itself" } else { "these entries wait for each other" };
    let fault = Diagnostic::error(place, format!("{what}: {}", names.join(" -> ")));
    let others = ring.iter().skip(1).take(MAX_NAMED_IN_CYCLE);
    found.add(
        others.fold(fault, |fault, index| fault.with_related(places[*index].after, "which waits for this")),
    );
}
