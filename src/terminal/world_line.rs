//! The state of a world as a line for people, and whether it is one of so many that none is shown.

use serde::Deserialize;

use scenario_log::event::Places;
use scenario_log::sanitize::push_visible;

/// How many players of a world are named on its line.
const MOST_PLACES: usize = 5;

/// Who is where.
pub(crate) fn push_places(out: &mut String, players: &Places) {
    match players.len() {
        0 => out.push_str("nobody"),
        1 => out.push_str("1 player:"),
        count => out.push_str(&format!("{count} players:")),
    }
    for (n, (name, [x, y])) in players.iter().take(MOST_PLACES).enumerate() {
        out.push_str(if n == 0 { " " } else { ", " });
        push_visible(out, name);
        out.push_str(&format!(" [{x}, {y}]"));
    }
    if players.len() > MOST_PLACES {
        out.push_str(", …");
    }
}

/// Where a player is that has come, and what it is called there.
pub(crate) fn push_place(out: &mut String, called: Option<&str>, place: Option<[u32; 2]>) {
    if let Some(called) = called {
        out.push_str(", called ");
        push_visible(out, called);
    }
    if let Some([x, y]) = place {
        out.push_str(&format!(", at [{x}, {y}]"));
    }
}

/// Whether the scenario of a log has its world told after every move.
pub(crate) fn tells_every_move(scenario: &str) -> bool {
    #[derive(Deserialize)]
    struct Scenario {
        world: Option<World>,
    }
    #[derive(Deserialize)]
    struct World {
        broadcast: Option<String>,
    }
    let world = serde_json::from_str(scenario).ok().and_then(|scenario: Scenario| scenario.world);
    world.and_then(|world| world.broadcast).is_some_and(|broadcast| broadcast == "0s")
}
