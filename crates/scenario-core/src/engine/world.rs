//! The world: who is where, and what a move changes. Knows no clock; when its state is told is for
//! [`Out`] and the agenda to say.
//!
//! # How it works
//!
//! A player comes at a place of its own, drawn from the seed by what the player is (the preset, how many
//! spawns of it came before, its name; of a guest, no preset and its number), so that nobody's place changes with who else is there. It is in
//! the world under a *key*: its name, or `john@ps#2` where somebody else has the name when it comes. It
//! keeps its key until its source ends, and then all that came from there leave.

use std::collections::BTreeMap;

use crate::engine::Out;
use crate::engine::effect::Order;
use crate::engine::random::Purpose;
use crate::scenario::model::{Edges, MOST_IN_WORLD, PlayerGroup, World as Rules};
use scenario_log::event::{Direction, Event, Places, Source};
use scenario_log::name::PlayerName;
use scenario_log::time::{Moment, Span};

/// All who are in the world.
#[derive(Debug)]
pub(crate) struct World {
    rules: Rules,
    seed: u64,
    /// By key.
    places: Places,
    /// The keys of those who came from a source, by their names.
    keys: BTreeMap<Source, BTreeMap<String, String>>,
}

/// What players belong to, by which their places are drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Home<'a> {
    /// Their preset's name.
    pub(crate) preset: &'a str,
    /// How many spawns of the preset came before.
    pub(crate) nth: u64,
}

impl World {
    /// A world without anybody.
    pub(crate) fn new(rules: Rules, seed: u64) -> World {
        World { rules, seed, places: Places::new(), keys: BTreeMap::new() }
    }

    /// Whether so many more find room.
    pub(crate) fn has_room(&self, count: u64) -> bool {
        count <= MOST_IN_WORLD.saturating_sub(self.places.len()) as u64
    }

    /// A player comes, unless it is there already; false if there is no room.
    pub(crate) fn come(&mut self, source: Source, home: Home<'_>, player: PlayerName<'_>) -> bool {
        let name = player.to_string();
        let is_there = self.keys.get(&source).is_some_and(|keys| keys.contains_key(&name));
        if is_there || !self.has_room(1) {
            return is_there;
        }
        let purpose = Purpose::new(self.seed, "world place").text(home.preset).number(home.nth);
        let mut die = purpose.player(player).die();
        let at = self.rules.size.map(|side| die.below(side));
        let key = match self.places.contains_key(&name) {
            true => format!("{name}@{source}"),
            false => name.clone(),
        };
        self.places.insert(key.clone(), at);
        self.keys.entry(source).or_default().insert(name, key);
        true
    }

    /// The key and the place of a player that is there.
    fn find(&self, source: Source, player: PlayerName<'_>) -> Option<(String, [u32; 2])> {
        let key = self.keys.get(&source)?.get(&player.to_string())?;
        Some((key.clone(), *self.places.get(key)?))
    }

    /// Who is there takes one step.
    fn step(&mut self, source: Source, player: PlayerName<'_>, direction: Direction) {
        let name = player.to_string();
        let key = self.keys.get(&source).and_then(|keys| keys.get(&name));
        if let Some([x, y]) = key.and_then(|key| self.places.get_mut(key)) {
            let ([wide, high], edges) = (self.rules.size, self.rules.edges);
            match direction {
                Direction::N => back(y, high, edges),
                Direction::S => on(y, high, edges),
                Direction::E => on(x, wide, edges),
                Direction::W => back(x, wide, edges),
            }
        }
    }

    /// All who came from a source leave.
    pub(crate) fn leave(&mut self, source: Source) {
        for key in self.keys.remove(&source).unwrap_or_default().into_values() {
            self.places.remove(&key);
        }
    }
}

/// One more, in a world of this size.
fn on(at: &mut u32, size: u32, edges: Edges) {
    match edges {
        _ if *at + 1 < size => *at += 1,
        Edges::Wrap => *at = 0,
        Edges::Stop => {}
    }
}

/// One less.
fn back(at: &mut u32, size: u32, edges: Edges) {
    match edges {
        _ if *at > 0 => *at -= 1,
        Edges::Wrap => *at = size - 1,
        Edges::Stop => {}
    }
}

impl Out<'_> {
    /// A player moves, and where there is a world, in it.
    #[inline]
    pub(crate) fn moved(
        &mut self,
        due: Option<Moment>,
        source: Source,
        player: PlayerName<'_>,
        direction: Direction,
    ) {
        self.tally.moves += 1;
        self.event(&Event::Move { due, source, player, direction });
        if let Some(world) = &mut self.world {
            world.step(source, player, direction);
            if world.rules.broadcast.is_none() {
                self.tell_world(due);
            }
        }
    }

    /// Tells where everybody is.
    pub(crate) fn tell_world(&mut self, due: Option<Moment>) {
        if let Some(world) = self.world.take() {
            self.event(&Event::WorldState { due, players: &world.places });
            if let Some(line) = self.sink.world_line() {
                self.order(Order::Broadcast { line, skipped: 0 });
            }
            self.world = Some(world);
        }
    }

    /// How long it is from one telling to the next, if they come by the clock.
    pub(crate) fn broadcast(&self) -> Option<Span> {
        self.world.as_ref().and_then(|world| world.rules.broadcast)
    }

    /// Whether the world, if there is one, has room for the players of a spawn.
    pub(crate) fn has_room_for(&self, groups: &[PlayerGroup]) -> bool {
        let count = || groups.iter().map(|group| u64::from(group.count)).sum();
        self.world.as_ref().is_none_or(|world| world.has_room(count()))
    }

    /// The players of a spawn come, all of them, before the first of them moves.
    pub(crate) fn come(&mut self, source: Source, home: Home<'_>, groups: &[PlayerGroup]) {
        let Some(world) = &mut self.world else { return };
        for group in groups {
            for n in 1..=group.count {
                world.come(source, home, group.name.nth(n));
            }
        }
    }

    /// Whether a player of whom a process tells can move: it comes with its first move, if the world has
    /// room for it.
    pub(crate) fn can_move(&mut self, source: Source, home: Home<'_>, player: PlayerName<'_>) -> bool {
        self.world.as_mut().is_none_or(|world| world.come(source, home, player))
    }

    /// A guest comes with its player, and where there is a world with room for it, to its place there.
    pub(crate) fn guest_joined(&mut self, source: Source, number: u32, player: PlayerName<'_>) {
        let home = Home { preset: "", nth: number.into() };
        let seen = self.world.as_mut().and_then(|world| {
            world.come(source, home, player);
            world.find(source, player)
        });
        let (called, place) = seen.map_or((None, None), |(key, place)| (Some(key), Some(place)));
        let name = player.to_string();
        let called = called.as_deref().filter(|called| *called != name);
        self.event(&Event::PlayerJoined { source, player, called, place });
    }

    /// A source has ended.
    pub(crate) fn leave(&mut self, source: Source) {
        if let Some(world) = &mut self.world {
            world.leave(source);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOME: Home<'_> = Home { preset: "p", nth: 0 };

    fn world(size: [u32; 2], edges: Edges) -> World {
        World::new(Rules { size, edges, broadcast: None }, 2018)
    }

    /// Where `a` is after these steps from a place.
    fn walked(size: [u32; 2], edges: Edges, from: [u32; 2], steps: &[Direction]) -> [u32; 2] {
        let mut world = world(size, edges);
        let (source, player) = (Source::Spawn(1), PlayerName::whole("a"));
        assert!(world.come(source, HOME, player));
        world.places.insert("a".to_owned(), from);
        for step in steps {
            world.step(source, player, *step);
        }
        world.places["a"]
    }

    #[test]
    fn edges_wrap_or_stop() {
        use Direction::{E, N, S, W};
        for (step, wraps, stops) in
            [(N, [0, 2], [0, 0]), (W, [3, 0], [0, 0]), (S, [0, 1], [0, 1]), (E, [1, 0], [1, 0])]
        {
            assert_eq!(walked([4, 3], Edges::Wrap, [0, 0], &[step]), wraps, "{step:?}");
            assert_eq!(walked([4, 3], Edges::Stop, [0, 0], &[step]), stops, "{step:?}");
        }
        for (step, wraps, stops) in [(S, [3, 0], [3, 2]), (E, [0, 2], [3, 2])] {
            assert_eq!(walked([4, 3], Edges::Wrap, [3, 2], &[step]), wraps, "{step:?}");
            assert_eq!(walked([4, 3], Edges::Stop, [3, 2], &[step]), stops, "{step:?}");
        }
        for edges in [Edges::Wrap, Edges::Stop] {
            assert_eq!(walked([1, 1], edges, [0, 0], &Direction::ALL), [0, 0]);
        }
    }

    #[test]
    fn a_taken_name_is_told_with_its_source_for_as_long_as_its_player_is_there() {
        let mut world = world([9, 9], Edges::Wrap);
        let john = PlayerName { prefix: "john-", number: Some(1), suffix: "" };
        for n in 1..=3 {
            assert!(world.come(Source::Spawn(n), Home { nth: n.into(), ..HOME }, john));
            assert!(
                world.come(Source::Spawn(n), Home { nth: n.into(), ..HOME }, john),
                "it is there already"
            );
        }
        let keys = |world: &World| world.places.keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&world), ["john-1", "john-1@ps#2", "john-1@ps#3"]);
        let second = world.places["john-1@ps#2"];
        world.leave(Source::Spawn(1));
        world.step(Source::Spawn(2), john, Direction::E);
        assert_eq!(keys(&world), ["john-1@ps#2", "john-1@ps#3"]);
        assert_eq!(world.places["john-1@ps#2"], [(second[0] + 1) % 9, second[1]]);
        assert!(world.come(Source::Spawn(4), HOME, PlayerName::whole("john-1")));
        assert_eq!(keys(&world), ["john-1", "john-1@ps#2", "john-1@ps#3"]);
    }

    #[test]
    fn a_full_world_takes_nobody() {
        let mut world = world([10, 10], Edges::Wrap);
        let player = |n| PlayerName { prefix: "p", number: Some(n), suffix: "" };
        let (first, last) = (Source::Spawn(1), MOST_IN_WORLD as u32);
        assert!((0..last).all(|n| world.come(first, HOME, player(n))));
        assert!(!world.come(first, HOME, player(last)) && !world.has_room(1));
        assert!(world.come(first, HOME, player(7)), "who is there stays");
        world.leave(first);
        assert!(world.places.is_empty() && world.has_room(MOST_IN_WORLD as u64));
    }

    #[test]
    fn places_never_change() {
        let mut world = world([40, 20], Edges::Wrap);
        for name in ["john", "mary"] {
            world.come(Source::Spawn(1), HOME, PlayerName::whole(name));
        }
        assert_eq!(world.places.into_values().collect::<Vec<_>>(), GOLDEN);
    }
    const GOLDEN: [[u32; 2]; 2] = [[0, 10], [15, 19]];

    proptest! {
        #[test]
        fn moves_add_up_and_nobody_leaves_the_world(
            size in (1..30_u32, 1..30_u32), seed in any::<u64>(), steps in prop::collection::vec(0..4_usize, 0..200),
        ) {
            let (source, player, size) = (Source::Spawn(1), PlayerName::whole("a"), [size.0, size.1]);
            let mut worlds = [Edges::Wrap, Edges::Stop]
                .map(|edges| World::new(Rules { size, edges, broadcast: None }, seed));
            worlds.iter_mut().for_each(|world| assert!(world.come(source, HOME, player)));
            let from = worlds[0].places["a"];
            prop_assert_eq!(from, worlds[1].places["a"]);
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
                    world.step(source, player, direction);
                    let [x, y] = world.places["a"];
                    prop_assert!(x < size[0] && y < size[1], "{x} {y}");
                }
                let wrapped = [0, 1].map(|n| sum[n].rem_euclid(i64::from(size[n])) as u32);
                prop_assert_eq!(worlds[0].places["a"], wrapped);
            }
        }
    }
}
