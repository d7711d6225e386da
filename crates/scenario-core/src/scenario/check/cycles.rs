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
    let mut chain_of = vec![usize::MAX; entries.len()];
    for start in 0..entries.len() {
        for index in waiting_chain(start, entries, places, &mut chain_of, found).into_iter().rev() {
            let Some(entry) = &entries[index] else { continue };
            let base = match &entry.trigger {
                None => Some(Span::ZERO),
                Some(after) => ends[after.awaited_entry()].and_then(|ends| ends.of_trigger(after)),
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

impl LatestMoments {
    /// The latest moment of `after`; `None` if it does not fit 64 bits.
    fn of_trigger(self, after: &EntryTrigger) -> Option<Span> {
        match after {
            EntryTrigger::Started(_) => Some(self.started),
            EntryTrigger::Ready(_) => self.started.checked_add(self.ready_timeout),
            EntryTrigger::Finished(_) => self.finished,
            EntryTrigger::Line { timeout, .. } => self.started.checked_add(*timeout),
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

/// The entries without a chain yet, from this one to the one that all others of them wait for.
fn waiting_chain(
    start: usize,
    entries: &[Option<TimelineEntry>],
    places: &[EntryPlaces],
    chain_of: &mut [usize],
    found: &mut Diagnostics,
) -> Vec<usize> {
    let mut chain = Vec::new();
    let mut next = Some(start);
    while let Some(index) = next {
        if chain_of[index] == start {
            let from = chain.iter().position(|one| *one == index).unwrap_or_default();
            report_cycle(&chain[from..], entries, places, found);
            break;
        }
        if chain_of[index] != usize::MAX {
            break;
        }
        chain_of[index] = start;
        chain.push(index);
        next =
            entries[index].as_ref().and_then(|entry| entry.trigger.as_ref()).map(EntryTrigger::awaited_entry);
    }
    chain
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
