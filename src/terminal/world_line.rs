//! The state of a world as a line for people, and whether states are too frequent to be shown.

use serde::Deserialize;

use scenario_log::event::WorldPositions;
use scenario_log::sanitize::push_sanitized;

/// How many players of a world are named on its line.
const MAX_PLAYERS_NAMED: usize = 5;

/// Appends the positions of the first players.
pub(crate) fn push_positions(out: &mut String, players: &WorldPositions) {
    match players.len() {
        0 => out.push_str("nobody"),
        1 => out.push_str("1 player:"),
        count => out.push_str(&format!("{count} players:")),
    }
    for (n, (name, [x, y])) in players.iter().take(MAX_PLAYERS_NAMED).enumerate() {
        out.push_str(if n == 0 { " " } else { ", " });
        push_sanitized(out, name);
        out.push_str(&format!(" [{x}, {y}]"));
    }
    if players.len() > MAX_PLAYERS_NAMED {
        out.push_str(", …");
    }
}

/// Appends the position of a player that has joined, and its name in the world.
pub(crate) fn push_join_details(out: &mut String, called: Option<&str>, place: Option<[u32; 2]>) {
    if let Some(called) = called {
        out.push_str(", called ");
        push_sanitized(out, called);
    }
    if let Some([x, y]) = place {
        out.push_str(&format!(", at [{x}, {y}]"));
    }
}

/// Whether the scenario of a log has a state of its world after every move.
pub(crate) fn broadcasts_every_move(scenario: &str) -> bool {
    #[derive(Deserialize)]
    struct BroadcastScenario {
        world: Option<BroadcastWorld>,
    }
    #[derive(Deserialize)]
    struct BroadcastWorld {
        broadcast: Option<String>,
    }
    let world = serde_json::from_str(scenario).ok().and_then(|scenario: BroadcastScenario| scenario.world);
    world.and_then(|world| world.broadcast).is_some_and(|broadcast| broadcast == "0s")
}
