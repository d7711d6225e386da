//! The world: its keys, and that the players of a preset find room in it.

use super::Collected;
use crate::diagnostic::Diagnostic;
use crate::scenario::file::RawWorld;
use crate::scenario::findings::Findings;
use crate::scenario::model::{MOST_IN_WORLD, Preset, PresetKind, World};
use crate::scenario::schema::Slot;
use scenario_log::time::{SECOND, Span};

/// The world, if there is one; `None` if what is wrong with it has been told.
pub(super) fn world(
    raw: Slot<RawWorld>,
    presets: &Collected<Preset>,
    found: &mut Findings,
) -> Option<Option<World>> {
    let raw = match raw {
        Slot::Absent => return Some(None),
        Slot::Broken => return None,
        Slot::Given(raw) => raw.value,
    };
    for preset in presets.names().filter_map(|name| presets.get(name)?) {
        has_room(preset, found);
    }
    let [wide, high] = raw.size.value()?.0.map(|side| u32::try_from(side.0).ok());
    let broadcast = raw.broadcast.value().map_or(Span(SECOND), |broadcast| broadcast.0);
    Some(Some(World {
        size: [wide?, high?],
        edges: raw.edges.value().unwrap_or_default(),
        broadcast: (broadcast != Span::ZERO).then_some(broadcast),
    }))
}

fn has_room(preset: &Preset, found: &mut Findings) {
    let PresetKind::Players(players) = &preset.kind else { return };
    let all: u64 = players.groups.iter().map(|group| u64::from(group.count)).sum();
    if all > MOST_IN_WORLD as u64 {
        let message = format!("a world holds at most {MOST_IN_WORLD} players; this preset alone has {all}");
        found.add(Diagnostic::error(preset.place, message).help("without `[world]` there may be that many"));
    }
}
