//! Guests: players that come from outside, over the network. Each has one player; what it does is taken
//! as it comes. They are no spawns: no run waits for them, and none ends with them.
//!
//! Who lets them in numbers them from 1. Once the run's end has begun, nothing of them is heard.

use crate::engine::{EngineOutput, RunPhase, RunState};
use scenario_log::event::{Direction, Event, Source};
use scenario_log::name;
use scenario_log::name::PlayerName;

impl RunState {
    /// The guest that a source is, as long as it is heard.
    fn active_guest(&self, source: Source) -> Option<u32> {
        match source {
            Source::Guest(number) if self.phase == RunPhase::Running => Some(number),
            _ => None,
        }
    }

    /// A guest comes with its player.
    pub(crate) fn guest_joined(&mut self, source: Source, player: &str, out: &mut EngineOutput<'_>) {
        let Some(number) = self.active_guest(source).filter(|number| !self.guests.contains_key(number))
        else {
            return;
        };
        if name::name_error(player).is_none() {
            self.guests.insert(number, player.to_owned());
            out.emit_guest_joined(source, number, PlayerName::from_full_name(player));
        }
    }

    /// A guest moves.
    pub(crate) fn guest_moved(&mut self, source: Source, direction: Direction, out: &mut EngineOutput<'_>) {
        let player = self.active_guest(source).and_then(|number| self.guests.get(&number));
        if let Some(player) = player {
            out.emit_move(None, source, PlayerName::from_full_name(player), direction);
        }
    }

    /// A guest goes.
    pub(crate) fn guest_left(&mut self, source: Source, out: &mut EngineOutput<'_>) {
        if self.active_guest(source).and_then(|number| self.guests.remove(&number)).is_some() {
            out.event(&Event::PlayerLeft { source });
            out.remove_from_world(source);
        }
    }
}
