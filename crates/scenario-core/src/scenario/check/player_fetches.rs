//! Checks the fetches of players, and warns of captured values that several requests would share.

use crate::diagnostic::{Diagnostic, quoted};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::model::steps::StepAction;
use crate::scenario::model::{EntryAction, PlayersPreset, Preset, Scenario, ScenarioText};
use crate::scenario::vars::fill;

/// Reports players that make a load: players are one themselves.
pub(super) fn check_player_fetches(scenario: &Scenario, found: &mut Diagnostics) {
    for preset in &scenario.presets {
        let programs = preset.players().into_iter().flat_map(PlayersPreset::programs);
        let mut loads: Vec<usize> = Vec::new();
        for step in programs.flat_map(|program| program.steps()) {
            let StepAction::Fetch(fetches) = &step.action else { continue };
            let is_load = |fetch: &usize| scenario.fetches[*fetch].load.is_some();
            loads.extend(fetches.iter().map(|one| one.fetch).filter(is_load));
        }
        loads.sort_unstable();
        loads.dedup();
        for load in loads {
            let fetch = &scenario.fetches[load];
            let message = format!(
                "the players of {} make the fetch {}, which is a load",
                quoted(&preset.name),
                quoted(&fetch.name)
            );
            let help =
                "remove its `connections` or `rate`: the players are the load, as many as their `count`";
            let fault = Diagnostic::error(fetch.place, message).with_help(help);
            found.add(fault.with_related(preset.place, "the players are here"));
        }
    }
}

/// Warns of a fetch of the timeline that captures values by several requests at once.
pub(super) fn warn_of_shared_captures(scenario: &Scenario, found: &mut Diagnostics) {
    for (index, fetch) in scenario.fetches.iter().enumerate() {
        let is_used = |name: &str| {
            let texts = scenario.timeline.iter().filter_map(|entry| match &entry.action {
                EntryAction::Mark(text) | EntryAction::Send { text, .. } => Some(text),
                _ => None,
            });
            scenario.fetches.iter().any(|job| fill::needs_capture(job, name))
                || texts.flat_map(ScenarioText::capture_names).any(|own| own == name)
        };
        let Some(capture) = fetch.captures.iter().find(|capture| is_used(&capture.name)) else { continue };
        let several = scenario.timeline.iter().any(|entry| {
            let is_started = matches!(entry.action, EntryAction::Fetch(job) if job == index);
            is_started && (entry.count > 1 || fetch.load.is_some())
        });
        if several {
            let name = &fetch.name;
            let message = format!(
                "several requests of {} capture {} at once, and what comes later uses the last value",
                quoted(name),
                quoted(&capture.name)
            );
            let help = format!(
                "let players make the fetch, each with values of its own:\n\n[presets.user]\n\
                 players = [{{ name = \"user\", count = 10, steps = [\"fetch {name}\"] }}]"
            );
            found.add(Diagnostic::warning(fetch.place, message).with_help(help));
        }
    }
}

/// Warns of presets whose players spawn the same preset again, at once and without an end.
pub(super) fn warn_of_endless_spawns(scenario: &Scenario, found: &mut Diagnostics) {
    let spawned = |preset: &Preset| -> Vec<usize> {
        let programs = preset.players().into_iter().flat_map(PlayersPreset::programs);
        let spawns = programs.flat_map(|program| program.steps()).filter_map(|step| match step.action {
            StepAction::Spawn(preset) => Some(preset),
            _ => None,
        });
        spawns.collect()
    };
    for (index, preset) in scenario.presets.iter().enumerate() {
        let (mut reached, mut left) = (vec![false; scenario.presets.len()], spawned(preset));
        while let Some(next) = left.pop() {
            if !std::mem::replace(&mut reached[next], true) {
                left.extend(spawned(&scenario.presets[next]));
            }
        }
        if reached[index] {
            let message = format!("the players of {} spawn the same preset again", quoted(&preset.name));
            let help = "without a condition, such as { chance = 0.5, steps = […] }, this never ends";
            found.add(Diagnostic::warning(preset.place, message).with_help(help));
        }
    }
}
