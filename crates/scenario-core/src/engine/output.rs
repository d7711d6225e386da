//! Where the events and effects of one call go, and what is counted and checked on their way. Decides
//! nothing about the run.

use std::sync::Arc;

use crate::engine::counters::RunCounters;
use crate::engine::effect::Effect;
use crate::engine::expectations::Expectations;
use crate::engine::world::{PlacementSeed, WorldState};
use crate::scenario::model::PlayerGroup;
use crate::scenario::model::expect_parts::EntryPhase;
use scenario_log::captured_value::CapturedValue;
use scenario_log::event::{Event, MoveDirection, Source};
use scenario_log::name::PlayerName;
use scenario_log::time::{Moment, Span};

/// Receives events and effects.
pub trait EngineSink {
    /// Receives an event that happened at `t`. `t` never goes back.
    fn event(&mut self, t: Moment, event: &Event<'_>);
    /// Receives an effect that the driver must carry out.
    fn effect(&mut self, effect: Effect);
    /// Whether later events still matter. Once they do not, the engine returns soon, and what it does
    /// until then means nothing: the replay of a log that was tampered with stops at its first
    /// difference, and not at the end of the time that the log claims to last.
    fn wants_more(&self) -> bool {
        true
    }
    /// The log line of the last event, if that was a state of the world and somebody may be listening.
    fn world_line(&self) -> Option<Arc<[u8]>> {
        None
    }
    /// The `seq` of the next event, where events are numbered.
    fn next_event_seq(&self) -> u64 {
        0
    }
    /// The values of a row that stand in the URL of the request that starts now, as the log has them; `None` if
    /// no log is read. The rows of a file are in no log.
    fn logged_row_values(&mut self) -> Option<Vec<CapturedValue>> {
        None
    }
    /// Whether the programs of a run that ends now were stopped in order, where a log says it; `None` if no log is
    /// read. Older releases stopped all of them at once.
    fn logged_stop_in_order(&mut self) -> Option<bool> {
        None
    }
    /// The `last_try` of the next event, where a log says what comes next and that is the `spawn.failed` of
    /// this spawn. Nothing before it in the log has that.
    fn logged_last_try(&mut self, source: Source) -> Option<String> {
        let _ = source;
        None
    }
}

/// The output of one call of the engine.
pub(crate) struct EngineOutput<'a> {
    now: Moment,
    sink: &'a mut dyn EngineSink,
    counters: &'a mut RunCounters,
    expectations: &'a mut Expectations,
    /// The positions of the players, if the scenario has a world.
    world: Option<&'a mut WorldState>,
}

impl<'a> EngineOutput<'a> {
    pub(crate) fn new(
        now: Moment,
        sink: &'a mut dyn EngineSink,
        counters: &'a mut RunCounters,
        expectations: &'a mut Expectations,
        world: Option<&'a mut WorldState>,
    ) -> EngineOutput<'a> {
        EngineOutput { now, sink, counters, expectations, world }
    }

    /// The moment of this call.
    #[inline]
    pub(crate) fn now(&self) -> Moment {
        self.now
    }

    #[inline]
    pub(crate) fn counters(&mut self) -> &mut RunCounters {
        self.counters
    }

    #[inline]
    pub(crate) fn expectations(&mut self) -> &mut Expectations {
        self.expectations
    }

    #[inline]
    pub(crate) fn event(&mut self, event: &Event<'_>) {
        if let Some(due) = event.due() {
            self.counters.record_lateness(self.now.since(due));
        }
        self.sink.event(self.now, event);
        if !self.expectations.is_empty() {
            self.expectations.observe(self.now, event, self.sink.next_event_seq());
        }
    }

    pub(crate) fn effect(&mut self, effect: Effect) {
        self.sink.effect(effect);
    }

    /// The values of the row of the request that starts now, if a log is read.
    pub(crate) fn logged_row_values(&mut self) -> Vec<CapturedValue> {
        self.sink.logged_row_values().unwrap_or_default()
    }

    pub(crate) fn logged_last_try(&mut self, source: Source) -> Option<String> {
        self.sink.logged_last_try(source)
    }

    /// Whether programs are stopped in order, those first that waited for others.
    pub(crate) fn stops_in_order(&mut self) -> bool {
        self.sink.logged_stop_in_order().unwrap_or(true)
    }

    pub(crate) fn wants_more(&self) -> bool {
        self.sink.wants_more()
    }

    /// Lets the expectations judge what is over by now.
    #[inline]
    pub(crate) fn pass_time(&mut self) {
        self.expectations.pass_time(self.now);
    }

    /// Notes that a moment of an entry has come: later events are behind it.
    pub(crate) fn reach_phase(&mut self, entry: usize, phase: EntryPhase) {
        self.expectations.reach_phase(entry, phase, self.now);
    }

    /// Whether an expectation has just ended the run.
    #[inline]
    pub(crate) fn must_abort(&self) -> bool {
        self.expectations.is_broken()
    }

    /// Why an expectation has just ended the run. The next call returns none.
    pub(crate) fn take_broken_message(&mut self) -> Option<String> {
        self.expectations.take_broken_message(Span(self.now.0))
    }

    /// Reports that the runner asks a source, or everything, to stop, and why.
    pub(crate) fn emit_stopping(&mut self, source: Option<Source>, reason: &str) {
        let reason = Some(reason);
        self.event(&Event::Stopping { due: None, source, entry: None, signal: None, reason, error: None });
    }

    /// Reports a move, and makes it in the world, if there is one.
    #[inline]
    pub(crate) fn emit_move(
        &mut self,
        due: Option<Moment>,
        source: Source,
        player: PlayerName<'_>,
        direction: MoveDirection<'_>,
    ) {
        self.counters.moves += 1;
        self.event(&Event::Move { due, source, player, direction });
        if let Some(world) = &mut self.world {
            if let MoveDirection::Compass(direction) = direction {
                world.move_player(source, player, direction);
            }
            if world.broadcast_interval().is_none() {
                self.emit_world(due);
            }
        }
    }

    /// Reports the positions of all players.
    pub(crate) fn emit_world(&mut self, due: Option<Moment>) {
        if let Some(world) = self.world.take() {
            self.event(&Event::WorldState { due, players: world.positions() });
            if let Some(line) = self.sink.world_line() {
                self.effect(Effect::BroadcastWorld { line, skipped: 0 });
            }
            self.world = Some(world);
        }
    }

    pub(crate) fn has_world(&self) -> bool {
        self.world.is_some()
    }

    /// The time between two broadcasts of the world, if they follow the clock.
    pub(crate) fn broadcast_interval(&self) -> Option<Span> {
        self.world.as_ref().and_then(|world| world.broadcast_interval())
    }

    /// Whether the world, if there is one, has room for the players of a spawn.
    pub(crate) fn has_world_room(&self, groups: &[PlayerGroup]) -> bool {
        let count = || groups.iter().map(|group| u64::from(group.count)).sum();
        self.world.as_ref().is_none_or(|world| world.has_room_for(count()))
    }

    /// Places all players of a spawn, before the first of them moves.
    pub(crate) fn place_players(&mut self, source: Source, home: PlacementSeed<'_>, groups: &[PlayerGroup]) {
        let Some(world) = &mut self.world else { return };
        for group in groups {
            for n in 1..=group.count {
                world.place_player(source, home, group.name.nth(n));
            }
        }
    }

    /// Whether a player that a process names can move. Its first move places it, if the world has room.
    pub(crate) fn ensure_placed(
        &mut self,
        source: Source,
        home: PlacementSeed<'_>,
        player: PlayerName<'_>,
    ) -> bool {
        self.world.as_mut().is_none_or(|world| world.place_player(source, home, player))
    }

    /// Reports a guest and its player, and places the player if there is a world with room for it.
    pub(crate) fn emit_guest_joined(&mut self, source: Source, number: u32, player: PlayerName<'_>) {
        let home = PlacementSeed { preset: "", nth: number.into() };
        let placed = self.world.as_mut().and_then(|world| {
            world.place_player(source, home, player);
            world.find_player(source, player)
        });
        let (key, place) = placed.map_or((None, None), |(key, place)| (Some(key), Some(place)));
        let name = player.to_string();
        let called = key.as_deref().filter(|key| *key != name);
        self.event(&Event::PlayerJoined { source, player, called, place });
    }

    /// Removes the players of a source that has ended.
    pub(crate) fn remove_from_world(&mut self, source: Source) {
        if let Some(world) = &mut self.world {
            world.remove_players(source);
        }
    }
}
