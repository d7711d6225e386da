//! Builds the world of the model, and checks that it has room for the players of each preset.

use super::DefinitionsByName;
use crate::diagnostic::Diagnostic;
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::file::RawWorld;
use crate::scenario::model::{MAX_PLAYERS_IN_WORLD, Preset, PresetKind, WorldRules};
use crate::scenario::schema::KeySlot;
use scenario_log::time::Span;

/// The world, if there is one; the outer `None`: it is wrong, which has been reported.
pub(super) fn build_world(
    raw: KeySlot<RawWorld>,
    presets: &DefinitionsByName<Preset>,
    found: &mut Diagnostics,
) -> Option<Option<WorldRules>> {
    let raw = match raw {
        KeySlot::Absent => return Some(None),
        KeySlot::Invalid => return None,
        KeySlot::Given(raw) => raw.value,
    };
    for preset in presets.names().filter_map(|name| presets.get(name)?) {
        check_room(preset, found);
    }
    let [wide, high] = raw.size.into_value()?.0.map(|side| u32::try_from(side.0).ok());
    let broadcast = raw.broadcast.or_default().0;
    Some(Some(WorldRules {
        size: [wide?, high?],
        edges: raw.edges.or_default(),
        broadcast: (broadcast != Span::ZERO).then_some(broadcast),
    }))
}

fn check_room(preset: &Preset, found: &mut Diagnostics) {
    let PresetKind::Players(players) = &preset.kind else { return };
    let all: u64 = players.groups.iter().map(|group| u64::from(group.count)).sum();
    if all > MAX_PLAYERS_IN_WORLD as u64 {
        let message =
            format!("a world holds at most {MAX_PLAYERS_IN_WORLD} players; this preset alone has {all}");
        found.add(
            Diagnostic::error(preset.place, message)
                .with_help("without `[world]` a preset may have that many"),
        );
    }
}
