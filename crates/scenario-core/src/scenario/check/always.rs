//! Checks entries with `always`, which happen at the end of every run.

use crate::diagnostic::{Diagnostic, quoted};
use crate::engine::ALWAYS_TIME;
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::model::{EntryAction, EntryTrigger, Preset, PresetKind, TimelineEntry};

/// Reports entries with `always` that could not happen at the end of a run, and entries that wait for entries at
/// the other side of that end. Invalid entries are skipped.
pub(super) fn check_always(
    entries: &[Option<TimelineEntry>],
    presets: &[Option<&Preset>],
    found: &mut Diagnostics,
) {
    for entry in entries.iter().flatten() {
        check_sides(entry, entries, found);
        if entry.always {
            check_entry(entry, presets, found);
        }
    }
}

fn check_sides(entry: &TimelineEntry, entries: &[Option<TimelineEntry>], found: &mut Diagnostics) {
    let awaited = entry.trigger.as_ref().map(EntryTrigger::awaited_entries).unwrap_or_default();
    let others = awaited.into_iter().filter_map(|index| Some((index, entries.get(index)?.as_ref()?)));
    let Some((index, other)) = others.into_iter().find(|(_, other)| other.always != entry.always) else {
        return;
    };
    let name = other.id.as_deref().map_or_else(|| format!("entry {}", index + 1), quoted);
    let (message, help) = match entry.always {
        true => (
            format!("this entry happens at the end of the run, and {name} may never have happened then"),
            "an entry with `always` can wait only for others with `always`",
        ),
        false => (
            format!("{name} happens at the end of the run, when this entry can no longer happen"),
            "give this entry `always = true` too, or let it wait for another entry",
        ),
    };
    let fault = Diagnostic::error(entry.place, message).with_related(other.place, "the other entry");
    found.add(fault.with_help(help));
}

fn check_entry(entry: &TimelineEntry, presets: &[Option<&Preset>], found: &mut Diagnostics) {
    let limit = ALWAYS_TIME.format_human();
    let is_background = |preset: usize| {
        let kind = presets.get(preset).copied().flatten().map(|preset| &preset.kind);
        matches!(kind, Some(PresetKind::Command(command)) if command.background)
    };
    let fault = match &entry.action {
        _ if entry.repeat.is_some() => Some((
            "an entry with `always` happens once".to_owned(),
            "remove `every`, `rate`, `times` and `for`",
        )),
        _ if entry.until.is_some() => Some((
            "an entry with `always` is not tried again".to_owned(),
            "remove `until`: the end of a run does not wait for something to become right",
        )),
        _ if entry.at > ALWAYS_TIME => Some((
            format!("the end of a run waits at most {limit} for an entry with `always`"),
            "make `at` shorter: it counts from the end of the run",
        )),
        EntryAction::Link(link) if link.duration.is_some() => Some((
            "the end of a run does not wait for a link to be well again".to_owned(),
            "remove `for`: nothing happens after it",
        )),
        EntryAction::Spawn(preset) if is_background(*preset) => Some((
            "a background program would be stopped as soon as it has started".to_owned(),
            "remove `background = true` from its preset: the end of the run waits for it",
        )),
        _ => None,
    };
    if let Some((message, help)) = fault {
        found.add(Diagnostic::error(entry.place, message).with_help(help));
    }
}
