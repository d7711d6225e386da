//! Guests: players that come from outside, over the network. Each guest has one player, and its moves are
//! taken as they come. A guest is not a spawn: no run waits for it, and no run ends with it.
//!
//! The server that admits guests numbers them from 1.

use std::collections::BTreeMap;

use scenario_log::name;
use scenario_log::name::PlayerName;

/// The players of the guests that are there.
#[derive(Clone, Default)]
pub(crate) struct GuestPlayers {
    /// The player's name, by the guest's number.
    names: BTreeMap<u32, String>,
}

impl GuestPlayers {
    /// Adds a guest; false if it is there already, or its player's name is not valid.
    pub(crate) fn join(&mut self, number: u32, player: &str) -> bool {
        let joins = !self.names.contains_key(&number) && name::player_name_error(player).is_none();
        if joins {
            self.names.insert(number, player.to_owned());
        }
        joins
    }

    pub(crate) fn player(&self, number: u32) -> Option<PlayerName<'_>> {
        self.names.get(&number).map(|name| PlayerName::from_full_name(name))
    }

    /// Removes a guest; false if it is not there.
    pub(crate) fn leave(&mut self, number: u32) -> bool {
        self.names.remove(&number).is_some()
    }
}
