//! Checks the fetches of players and the rows that they take, and warns of players that spawn themselves.

use crate::diagnostic::{Diagnostic, quoted};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::model::steps::StepAction;
use crate::scenario::model::{FetchJob, PlayerBehavior, PlayerGroup, PlayersPreset, Preset, Scenario};
use crate::scenario::vars::fill;
use crate::scenario::vars::request_values::RequestValue;

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

/// Checks the values of rows that the fetches of players name.
pub(super) fn check_player_rows(scenario: &Scenario, found: &mut Diagnostics) {
    for preset in &scenario.presets {
        for group in preset.players().map_or(&[][..], |players| &players.groups) {
            let PlayerBehavior::Steps(program) = &group.behavior else { continue };
            for fetch in program.fetches() {
                check_rows_of_fetch(scenario, preset, group, &scenario.fetches[fetch], found);
            }
        }
    }
}

fn check_rows_of_fetch(
    scenario: &Scenario,
    preset: &Preset,
    group: &PlayerGroup,
    fetch: &FetchJob,
    found: &mut Diagnostics,
) {
    let Some(source) = group.data.as_ref().or(fetch.data.as_ref()) else {
        let is_row = |name: &str| matches!(RequestValue::parse(name), Some(Ok(RequestValue::Row(_))));
        let is_captured = |name: &str| fetch.captures.iter().any(|capture| capture.name == name);
        let place = fill::job_texts(fetch).flat_map(|text| text.gap_places());
        let place =
            place.filter(|(name, _)| is_row(name) && !is_captured(name)).map(|(_, place)| place).next();
        if let Some(place) = place {
            let message = format!(
                "the players of {} take no rows, and make the fetch {}",
                quoted(&preset.name),
                quoted(&fetch.name)
            );
            let table = scenario.data.first().map_or("people", |table| &table.name);
            let help = format!("add data = \"{table}\" beside their `steps`, for the rows of [data.{table}]");
            let fault = Diagnostic::error(place.unwrap_or(fetch.place), message).with_help(help);
            found.add(fault.with_related(preset.place, "the players are here"));
        }
        return;
    };
    let table = &scenario.data[source.table];
    for (name, place) in fill::job_texts(fetch).flat_map(|text| text.gap_places()) {
        let Some(Ok(RequestValue::Row(column))) = RequestValue::parse(name) else { continue };
        if table.column(column).is_none() && !found.count_if_full() {
            let message = format!("the rows of {} have no value {}", quoted(&source.name), quoted(column));
            let fault = Diagnostic::error(place.unwrap_or(fetch.place), message);
            let columns = table.columns.iter().map(String::as_str);
            let fault = found.did_you_mean(fault, column, columns, "values");
            found.add(fault);
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
