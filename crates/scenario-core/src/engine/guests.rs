//! Guests: players that come from outside, over the network. Each has one player; what it does is taken
//! as it comes. They are no spawns: no run waits for them, and none ends with them.
//!
//! Who lets them in numbers them from 1. Once the run's end has begun, nothing of them is heard.

use crate::engine::{Out, Phase, Run};
use scenario_log::event::{Direction, Event, Source};
use scenario_log::name;
use scenario_log::name::PlayerName;

impl Run {
    /// The guest that a source is, as long as it is heard.
    fn guest(&self, source: Source) -> Option<u32> {
        match source {
            Source::Guest(number) if self.phase == Phase::Running => Some(number),
            _ => None,
        }
    }

    /// A guest comes with its player.
    pub(crate) fn guest_joined(&mut self, source: Source, player: &str, out: &mut Out<'_>) {
        let Some(number) = self.guest(source).filter(|number| !self.guests.contains_key(number)) else {
            return;
        };
        if name::fault(player).is_none() {
            self.guests.insert(number, player.to_owned());
            out.guest_joined(source, number, PlayerName::whole(player));
        }
    }

    /// A guest moves.
    pub(crate) fn guest_moved(&mut self, source: Source, direction: Direction, out: &mut Out<'_>) {
        let player = self.guest(source).and_then(|number| self.guests.get(&number));
        if let Some(player) = player {
            out.moved(None, source, PlayerName::whole(player), direction);
        }
    }

    /// A guest goes.
    pub(crate) fn guest_left(&mut self, source: Source, out: &mut Out<'_>) {
        if self.guest(source).and_then(|number| self.guests.remove(&number)).is_some() {
            out.event(&Event::PlayerLeft { source });
            out.leave(source);
        }
    }
}
