//! The steps of the players in a plan, as their file has them.

use std::fmt;

use serde::Serialize;
use serde_json::value::RawValue;

use scenario_core::plan::Plan;
use scenario_core::scenario::model::{PlayerBehavior, PlayerGroup, Preset, PresetKind, Scenario};
use scenario_core::scenario::write::resolved;

/// A row of players that take steps.
#[derive(Serialize)]
pub(super) struct SteppingGroup<'s> {
    preset: &'s str,
    /// The name of each player, with `{n}` in the place of its number.
    player: String,
    count: u32,
    /// The steps, as JSON.
    steps: Box<RawValue>,
}

impl fmt::Display for SteppingGroup<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.player, self.preset)?;
        if self.count > 1 {
            write!(f, ", {} times", self.count)?;
        }
        write!(f, ": {}", self.steps)
    }
}

/// The rows of players with steps that a plan spawns.
pub(super) fn spawned_groups<'s>(scenario: &'s Scenario, plan: &Plan) -> Vec<SteppingGroup<'s>> {
    let is_spawned =
        |preset: &&Preset| plan.rows.iter().any(|row| row.action == "spawn" && row.target == preset.name);
    let presets = scenario.presets.iter().filter(is_spawned);
    presets.flat_map(|preset| groups_of(preset).filter_map(|group| stepping_group(preset, group))).collect()
}

fn groups_of(preset: &Preset) -> impl Iterator<Item = &PlayerGroup> {
    let groups = match &preset.kind {
        PresetKind::Players(players) => &players.groups[..],
        PresetKind::Command(_) => &[],
    };
    groups.iter()
}

fn stepping_group<'s>(preset: &'s Preset, group: &PlayerGroup) -> Option<SteppingGroup<'s>> {
    let PlayerBehavior::Steps(program) = &group.behavior else { return None };
    let name = &group.name;
    let number = if name.numbered { "{n}" } else { "" };
    Some(SteppingGroup {
        preset: &preset.name,
        player: format!("{}{number}{}", name.prefix, name.suffix),
        count: group.count,
        steps: RawValue::from_string(resolved::steps_to_json(program)).ok()?,
    })
}
