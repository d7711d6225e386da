//! The world: the positions of the players, and what a move changes. Knows no clock and emits no event:
//! the [output](crate::engine::output) and the timers decide when its state is reported.
//!
//! # How it works
//!
//! Each player has a starting place of its own. The seed draws it from what identifies the player (its
//! preset, the number of earlier spawns of the preset, its name; for a guest no preset, and its number), so
//! no place depends on the other players. A player is in the world under a *key*: its name, or `john@ps#2`
//! if another player has that name when it comes. It keeps its key until its source ends; then all players
//! of that source leave.

use std::collections::BTreeMap;

use crate::engine::random::RandomStreamId;
use crate::scenario::model::{MAX_PLAYERS_IN_WORLD, WorldEdges, WorldRules as Rules};
use scenario_log::event::{Direction, Source, WorldPositions};
use scenario_log::name::PlayerName;
use scenario_log::time::Span;

/// The positions of all players in the world.
#[derive(Debug)]
pub(crate) struct WorldState {
    rules: Rules,
    seed: u64,
    positions: WorldPositions,
    /// The keys of the players of each source, by their names.
    keys_by_source: BTreeMap<Source, BTreeMap<String, String>>,
}

/// The identity of a player's spawn, for the draw of the player's place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlacementSeed<'a> {
    pub(crate) preset: &'a str,
    /// The number of earlier spawns of the preset.
    pub(crate) nth: u64,
}

impl WorldState {
    pub(crate) fn new(rules: Rules, seed: u64) -> WorldState {
        WorldState { rules, seed, positions: WorldPositions::new(), keys_by_source: BTreeMap::new() }
    }

    /// The positions of all players, by key.
    pub(crate) fn positions(&self) -> &WorldPositions {
        &self.positions
    }

    /// The time between two broadcasts; none if every move is followed by one.
    #[inline]
    pub(crate) fn broadcast_interval(&self) -> Option<Span> {
        self.rules.broadcast
    }

    /// Whether the world has room for this many more players.
    pub(crate) fn has_room_for(&self, count: u64) -> bool {
        count <= MAX_PLAYERS_IN_WORLD.saturating_sub(self.positions.len()) as u64
    }

    /// Places a player, unless it is there already; false if there is no room.
    pub(crate) fn place_player(
        &mut self,
        source: Source,
        home: PlacementSeed<'_>,
        player: PlayerName<'_>,
    ) -> bool {
        let name = player.to_string();
        let is_there = self.keys_by_source.get(&source).is_some_and(|keys| keys.contains_key(&name));
        if is_there || !self.has_room_for(1) {
            return is_there;
        }
        let purpose =
            RandomStreamId::new(self.seed, "world place").with_text(home.preset).with_number(home.nth);
        let mut die = purpose.with_player(player).stream();
        let at = self.rules.size.map(|side| die.below(side));
        let mut key = name.clone();
        // A player may have the name that another one is told apart by, so this may take more than once.
        while self.positions.contains_key(&key) {
            key = format!("{key}@{source}");
        }
        self.positions.insert(key.clone(), at);
        self.keys_by_source.entry(source).or_default().insert(name, key);
        true
    }

    /// The key and the place of a player; none if it is not there.
    pub(crate) fn find_player(&self, source: Source, player: PlayerName<'_>) -> Option<(String, [u32; 2])> {
        let key = self.keys_by_source.get(&source)?.get(&player.to_string())?;
        Some((key.clone(), *self.positions.get(key)?))
    }

    /// Moves a player by one step, if it is there.
    pub(crate) fn move_player(&mut self, source: Source, player: PlayerName<'_>, direction: Direction) {
        let name = player.to_string();
        let key = self.keys_by_source.get(&source).and_then(|keys| keys.get(&name));
        if let Some([x, y]) = key.and_then(|key| self.positions.get_mut(key)) {
            let ([wide, high], edges) = (self.rules.size, self.rules.edges);
            match direction {
                Direction::N => step_back(y, high, edges),
                Direction::S => step_forward(y, high, edges),
                Direction::E => step_forward(x, wide, edges),
                Direction::W => step_back(x, wide, edges),
            }
        }
    }

    /// Removes all players of a source.
    pub(crate) fn remove_players(&mut self, source: Source) {
        for key in self.keys_by_source.remove(&source).unwrap_or_default().into_values() {
            self.positions.remove(&key);
        }
    }
}

/// Adds one to a coordinate, in a world of this size.
fn step_forward(at: &mut u32, size: u32, edges: WorldEdges) {
    match edges {
        _ if *at + 1 < size => *at += 1,
        WorldEdges::Wrap => *at = 0,
        WorldEdges::Stop => {}
    }
}

/// Subtracts one from a coordinate, in a world of this size.
fn step_back(at: &mut u32, size: u32, edges: WorldEdges) {
    match edges {
        _ if *at > 0 => *at -= 1,
        WorldEdges::Wrap => *at = size - 1,
        WorldEdges::Stop => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOME: PlacementSeed<'_> = PlacementSeed { preset: "p", nth: 0 };

    fn world(size: [u32; 2], edges: WorldEdges) -> WorldState {
        WorldState::new(Rules { size, edges, broadcast: None }, 2018)
    }

    /// The place of `a` after these steps from a place.
    fn walked(size: [u32; 2], edges: WorldEdges, from: [u32; 2], steps: &[Direction]) -> [u32; 2] {
        let mut world = world(size, edges);
        let (source, player) = (Source::Spawn(1), PlayerName::from_full_name("a"));
        assert!(world.place_player(source, HOME, player));
        world.positions.insert("a".to_owned(), from);
        for step in steps {
            world.move_player(source, player, *step);
        }
        world.positions["a"]
    }

    #[test]
    fn edges_wrap_or_stop() {
        use Direction::{E, N, S, W};
        for (step, wraps, stops) in
            [(N, [0, 2], [0, 0]), (W, [3, 0], [0, 0]), (S, [0, 1], [0, 1]), (E, [1, 0], [1, 0])]
        {
            assert_eq!(walked([4, 3], WorldEdges::Wrap, [0, 0], &[step]), wraps, "{step:?}");
            assert_eq!(walked([4, 3], WorldEdges::Stop, [0, 0], &[step]), stops, "{step:?}");
        }
        for (step, wraps, stops) in [(S, [3, 0], [3, 2]), (E, [0, 2], [3, 2])] {
            assert_eq!(walked([4, 3], WorldEdges::Wrap, [3, 2], &[step]), wraps, "{step:?}");
            assert_eq!(walked([4, 3], WorldEdges::Stop, [3, 2], &[step]), stops, "{step:?}");
        }
        for edges in [WorldEdges::Wrap, WorldEdges::Stop] {
            assert_eq!(walked([1, 1], edges, [0, 0], &Direction::ALL), [0, 0]);
        }
    }

    #[test]
    fn a_taken_name_is_told_with_its_source_for_as_long_as_its_player_is_there() {
        let mut world = world([9, 9], WorldEdges::Wrap);
        let john = PlayerName { prefix: "john-", number: Some(1), suffix: "" };
        for n in 1..=3 {
            assert!(world.place_player(Source::Spawn(n), PlacementSeed { nth: n.into(), ..HOME }, john));
            assert!(
                world.place_player(Source::Spawn(n), PlacementSeed { nth: n.into(), ..HOME }, john),
                "it is there already"
            );
        }
        let keys = |world: &WorldState| world.positions.keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&world), ["john-1", "john-1@ps#2", "john-1@ps#3"]);
        let second = world.positions["john-1@ps#2"];
        world.remove_players(Source::Spawn(1));
        world.move_player(Source::Spawn(2), john, Direction::E);
        assert_eq!(keys(&world), ["john-1@ps#2", "john-1@ps#3"]);
        assert_eq!(world.positions["john-1@ps#2"], [(second[0] + 1) % 9, second[1]]);
        assert!(world.place_player(Source::Spawn(4), HOME, PlayerName::from_full_name("john-1")));
        assert_eq!(keys(&world), ["john-1", "john-1@ps#2", "john-1@ps#3"]);
    }

    #[test]
    fn a_name_like_a_key_takes_no_place_of_another_player() {
        let mut world = world([9, 9], WorldEdges::Wrap);
        let place = |world: &mut WorldState, n, name| {
            assert!(world.place_player(Source::Spawn(n), HOME, PlayerName::from_full_name(name)));
        };
        for (n, name) in [(1, "john"), (1, "john@ps#2"), (2, "john")] {
            place(&mut world, n, name);
        }
        assert_eq!(world.positions.keys().collect::<Vec<_>>(), ["john", "john@ps#2", "john@ps#2@ps#2"]);
    }

    #[test]
    fn a_full_world_takes_nobody() {
        let mut world = world([10, 10], WorldEdges::Wrap);
        let player = |n| PlayerName { prefix: "p", number: Some(n), suffix: "" };
        let (first, last) = (Source::Spawn(1), MAX_PLAYERS_IN_WORLD as u32);
        assert!((0..last).all(|n| world.place_player(first, HOME, player(n))));
        assert!(!world.place_player(first, HOME, player(last)) && !world.has_room_for(1));
        assert!(world.place_player(first, HOME, player(7)), "who is there stays");
        world.remove_players(first);
        assert!(world.positions.is_empty() && world.has_room_for(MAX_PLAYERS_IN_WORLD as u64));
    }

    #[test]
    fn places_never_change() {
        let mut world = world([40, 20], WorldEdges::Wrap);
        for name in ["john", "mary"] {
            world.place_player(Source::Spawn(1), HOME, PlayerName::from_full_name(name));
        }
        assert_eq!(world.positions.into_values().collect::<Vec<_>>(), GOLDEN);
    }
    const GOLDEN: [[u32; 2]; 2] = [[0, 10], [15, 19]];

    proptest! {
        #[test]
        fn moves_add_up_and_nobody_leaves_the_world(
            size in (1..30_u32, 1..30_u32), seed in any::<u64>(), steps in prop::collection::vec(0..4_usize, 0..200),
        ) {
            let (source, player, size) = (Source::Spawn(1), PlayerName::from_full_name("a"), [size.0, size.1]);
            let mut worlds = [WorldEdges::Wrap, WorldEdges::Stop]
                .map(|edges| WorldState::new(Rules { size, edges, broadcast: None }, seed));
            worlds.iter_mut().for_each(|world| assert!(world.place_player(source, HOME, player)));
            let from = worlds[0].positions["a"];
            prop_assert_eq!(from, worlds[1].positions["a"]);
            let mut sum = from.map(i64::from);
            for step in steps {
                let direction = Direction::ALL[step];
                match direction {
                    Direction::N => sum[1] -= 1,
                    Direction::S => sum[1] += 1,
                    Direction::E => sum[0] += 1,
                    Direction::W => sum[0] -= 1,
                }
                for world in &mut worlds {
                    world.move_player(source, player, direction);
                    let [x, y] = world.positions["a"];
                    prop_assert!(x < size[0] && y < size[1], "{x} {y}");
                }
                let wrapped = [0, 1].map(|n| sum[n].rem_euclid(i64::from(size[n])) as u32);
                prop_assert_eq!(worlds[0].positions["a"], wrapped);
            }
        }
    }
}
