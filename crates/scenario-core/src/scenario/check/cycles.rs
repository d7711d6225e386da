//! Entries that wait for entries: that none waits for itself by way of others, and that the latest
//! moment of each can still be counted.

use super::Collected;
use super::players::sum_of_pauses;
use super::timeline::Places;
use crate::diagnostic::{Diagnostic, quoted};
use crate::scenario::findings::Findings;
use crate::scenario::model::{Action, After, Entry, Part, Preset, PresetKind, Repeat};
use scenario_log::time::Span;

/// The most entries of a ring that are named.
const MOST_NAMED: usize = 20;

/// Tells rings and sums that overflow. Broken entries are passed over.
pub(super) fn check(
    entries: &[Option<Entry>],
    places: &[Places],
    presets: &Collected<Preset>,
    found: &mut Findings,
) {
    let bodies: Vec<Option<&Preset>> = presets.names().map(|name| presets.get(name).flatten()).collect();
    let mut ends: Vec<Option<Ends>> = vec![None; entries.len()];
    let mut chain_of = vec![usize::MAX; entries.len()];
    for start in 0..entries.len() {
        for index in waiting_chain(start, entries, places, &mut chain_of, found).into_iter().rev() {
            let Some(entry) = &entries[index] else { continue };
            let base = match &entry.after {
                None => Some(Span::ZERO),
                Some(after) => ends[after.entry()].and_then(|ends| ends.moment(after)),
            };
            // Without a base the entry before it was told, or is broken, or part of a ring.
            ends[index] = base.and_then(|base| match latest(entry, base, &bodies) {
                Ok(ends) => Some(ends),
                Err(repeats) => {
                    let place = if repeats { places[index].every } else { places[index].at };
                    let message =
                        "this may be later than 584 years after the run's start, the end of time here";
                    found.add(
                        Diagnostic::error(place, message).help("time is counted in 64 bits of nanoseconds"),
                    );
                    None
                }
            });
        }
    }
}

/// The latest moments of an entry, as far as they are known beforehand.
#[derive(Clone, Copy)]
struct Ends {
    first: Span,
    /// How long what it spawns has to get ready.
    patience: Span,
    finished: Option<Span>,
}

impl Ends {
    /// When `after` comes at the latest; `None` if that cannot be counted.
    fn moment(self, after: &After) -> Option<Span> {
        match after {
            After::Started(_) => Some(self.first),
            After::Ready(_) => self.first.checked_add(self.patience),
            After::Finished(_) => self.finished,
            After::Line { timeout, .. } => self.first.checked_add(*timeout),
        }
    }
}

/// The ends of an entry whose `after` comes at `base`; the error says whether its repetitions are to blame.
fn latest(entry: &Entry, base: Span, presets: &[Option<&Preset>]) -> Result<Ends, bool> {
    let first = base.checked_add(entry.at).ok_or(false)?;
    let repeated = match &entry.repeat {
        None => Some(Span::ZERO),
        Some(repeat) => repetitions(repeat),
    };
    let last = repeated.and_then(|span| first.checked_add(span)).ok_or(true)?;
    let preset = match entry.action {
        Action::Spawn(preset) => presets.get(preset).copied().flatten(),
        _ => None,
    };
    let plays = preset.map_or(Some(Span::ZERO), longest_play);
    let finished = plays.and_then(|span| last.checked_add(span)).ok_or(false)?;
    let patience = preset.and_then(Preset::ready).map_or(Span::ZERO, |ready| ready.timeout);
    Ok(Ends { first, patience, finished: Some(finished) })
}

/// From the first to the last, at most; draws without an end count as none.
fn repetitions(repeat: &Repeat) -> Option<Span> {
    let by_times = match (repeat.times, repeat.every.longest()) {
        (Some(times), Some(longest)) => longest.checked_mul(times.saturating_sub(1)),
        _ => Some(Span::ZERO),
    };
    match (repeat.times, repeat.within) {
        (None, Some(within)) => Some(within),
        (Some(_), Some(within)) => Some(by_times.map_or(within, |span| span.min(within))),
        _ => by_times,
    }
}

fn longest_play(preset: &Preset) -> Option<Span> {
    let PresetKind::Players(players) = &preset.kind else { return Some(Span::ZERO) };
    players.groups.iter().try_fold(Span::ZERO, |longest, group| {
        let play = match &group.part {
            Part::Moves { moves, every } => {
                every.longest().unwrap_or_default().checked_mul((*moves).into())?
            }
            Part::Steps(steps) => sum_of_pauses(steps)?,
        };
        Some(longest.max(play))
    })
}

/// The entries that have not been looked at (they have no chain yet), from this one to the one that all the others wait for.
fn waiting_chain(
    start: usize,
    entries: &[Option<Entry>],
    places: &[Places],
    chain_of: &mut [usize],
    found: &mut Findings,
) -> Vec<usize> {
    let mut chain = Vec::new();
    let mut next = Some(start);
    while let Some(index) = next {
        if chain_of[index] == start {
            let from = chain.iter().position(|one| *one == index).unwrap_or_default();
            tell_ring(&chain[from..], entries, places, found);
            break;
        }
        if chain_of[index] != usize::MAX {
            break;
        }
        chain_of[index] = start;
        chain.push(index);
        next = entries[index].as_ref().and_then(|entry| entry.after.as_ref()).map(After::entry);
    }
    chain
}

fn tell_ring(ring: &[usize], entries: &[Option<Entry>], places: &[Places], found: &mut Findings) {
    let name = |index: &usize| {
        let id = entries[*index].as_ref().and_then(|entry| entry.id.as_deref());
        id.map_or_else(|| format!("entry {}", index + 1), quoted)
    };
    // Begin with the one that stands first in the file.
    let first = ring.iter().enumerate().min_by_key(|(_, index)| **index).map_or(0, |(at, _)| at);
    let ring: Vec<usize> = ring[first..].iter().chain(&ring[..first]).copied().collect();
    let mut names: Vec<String> = ring.iter().take(MOST_NAMED).map(name).collect();
    if ring.len() > MOST_NAMED {
        names.push("…".to_owned());
    }
    names.extend(ring.first().map(name));
    let Some(place) = ring.first().map(|index| places[*index].after) else { return };
    let what =
        if ring.len() == 1 { "this entry waits for itself" } else { "these entries wait for each other" };
    let fault = Diagnostic::error(place, format!("{what}: {}", names.join(" -> ")));
    let others = ring.iter().skip(1).take(MOST_NAMED);
    found.add(others.fold(fault, |fault, index| fault.related(places[*index].after, "which waits for this")));
}
