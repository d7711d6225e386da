//! Warns of entries that wait for what cannot come, as far as the file shows it.

use crate::diagnostic::{Diagnostic, quoted};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::model::{
    EntryAction, EntryTrigger, ExitRule, Preset, PresetKind, Scenario, TimelineEntry,
};
use scenario_log::event::SpawnExit;
use scenario_log::signal::Signal;

/// Warns of each entry that alone waits for a moment that never comes. Those that wait for several are left to
/// their author.
pub(super) fn warn_of_waits_without_end(scenario: &Scenario, found: &mut Diagnostics) {
    let may_stop = may_stop_something(scenario);
    for entry in &scenario.timeline {
        let Some(trigger) = &entry.trigger else { continue };
        let Some(awaited) = trigger.awaited_entry() else { continue };
        let other = &scenario.timeline[awaited];
        let name = other.id.as_deref().map_or_else(|| format!("entry {}", awaited + 1), quoted);
        if let Some((why, help)) = never_comes(trigger, other, scenario, may_stop) {
            let message = format!("this entry never happens: {name} {why}");
            found.add(Diagnostic::warning(entry.place, message).with_help(help));
        }
    }
}

/// Whether an entry or a step stops anything.
fn may_stop_something(scenario: &Scenario) -> bool {
    let steps = scenario.presets.iter().filter_map(Preset::players).flat_map(|players| players.programs());
    scenario.timeline.iter().any(|entry| matches!(entry.action, EntryAction::Stop(_)))
        || steps.into_iter().any(|program| program.has_stop())
}

/// Why a condition on an entry never comes, and the way out.
fn never_comes(
    condition: &EntryTrigger,
    of: &TimelineEntry,
    scenario: &Scenario,
    may_stop: bool,
) -> Option<(&'static str, &'static str)> {
    let preset = match of.action {
        EntryAction::Spawn(preset) => scenario.presets.get(preset).map(|preset| &preset.kind),
        _ => None,
    };
    match (condition, preset, &of.action) {
        (EntryTrigger::Failed(_), _, EntryAction::Mark(text)) if text.capture_names().next().is_none() => {
            Some(("notes a text, which cannot fail", "wait for its \"finished\", or for another entry"))
        }
        (EntryTrigger::Passed(_), Some(PresetKind::Command(command)), _)
            if command.background && command.exits == ExitRule::Codes(Vec::new()) && !may_stop =>
        {
            Some((
                "runs in the background until the end of the run, and nothing stops it",
                "wait for its \"ready\", add an entry that stops it, or name the exits that it may have",
            ))
        }
        (EntryTrigger::Exit { exits, .. }, Some(PresetKind::Players(_)), _)
            if !exits.allows(SpawnExit::Code(0)) && !exits.allows(SpawnExit::Signal(Signal::TERM)) =>
        {
            Some(("spawns players, which exit with code 0", "wait for `exit = 0`, or for its \"finished\""))
        }
        _ => None,
    }
}
