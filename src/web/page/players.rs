//! The players on the board: where each one is, as far as the events say.
//!
//! In a world, the log gives all positions from time to time, and moves give the changes between. Without a
//! world, players have no positions: each starts on a spot of its own, and the board has no edges.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Serialize, Serializer};

use crate::web::page::moment_to_seconds;
use scenario_core::scenario::model::{Scenario, WorldEdges};
use scenario_log::event::{Direction, Event, MoveDirection, Source, WorldPositions};
use scenario_log::name::PlayerName;
use scenario_log::time::Moment;

/// How many players are shown; the others are counted. Guests are always shown: people who join want to see
/// herself.
const MAX_PLAYERS: usize = 5_000;

/// How many players are shown with those guests that come when there are too many players already.
const MAX_PLAYERS_WITH_GUESTS: usize = 2 * MAX_PLAYERS;

/// How many players that are gone are still shown.
const MAX_DEPARTED: usize = 200;

/// The distance between the spots of players without a world.
const SPOT_DISTANCE: i64 = 4;

#[derive(Clone, Debug, Serialize)]
pub(super) struct LivePlayer {
    at: [i64; 2],
    direction: Option<&'static str>,
    #[serde(serialize_with = "serialize_source")]
    source: Option<Source>,
    moves: u64,
    /// When it moved last, in seconds.
    t: Option<f64>,
    is_gone: bool,
    #[serde(skip)]
    is_changed: bool,
}

fn serialize_source<S: Serializer>(source: &Option<Source>, serializer: S) -> Result<S::Ok, S::Error> {
    match source {
        Some(source) => serializer.collect_str(source),
        None => serializer.serialize_none(),
    }
}

/// Some of the players, by their keys.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct PlayerChanges<'a>(BTreeMap<&'a str, &'a LivePlayer>);

/// All players. The key of a player is its name, or, if that is taken when it comes, `john@ps#2`.
#[derive(Clone, Debug, Default)]
pub(super) struct LivePlayers {
    players: BTreeMap<String, LivePlayer>,
    /// The keys of each source's players, by their names.
    keys: BTreeMap<Source, BTreeMap<String, String>>,
    world: Option<BoardWorld>,
    /// How many spots have been given away; without a world only.
    spots_given: i64,
    /// The players that are gone, in that order.
    departed: VecDeque<String>,
    /// How many players of the world are not shown.
    hidden_in_world: u64,
    /// Without a world: hashes of the names of each source's players that are not shown.
    hidden: BTreeMap<Source, HashSet<u64>>,
    hidden_count: u64,
    /// The guests that have joined, with the names under which they are shown, until somebody asks.
    joined: Vec<(u32, String)>,
    name_buffer: String,
}

#[derive(Clone, Copy, Debug)]
struct BoardWorld {
    size: [i64; 2],
    wraps: bool,
}

impl LivePlayers {
    /// The players of a run of this scenario: none yet.
    pub(super) fn from_scenario(scenario: &Scenario) -> LivePlayers {
        let world = scenario.world.map(|rules| BoardWorld {
            size: rules.size.map(i64::from),
            wraps: rules.edges == WorldEdges::Wrap,
        });
        LivePlayers { world, ..LivePlayers::default() }
    }

    /// Takes an event.
    #[expect(clippy::wildcard_enum_match_arm, reason = "of all events, these alone move players")]
    pub(super) fn on_event(&mut self, t: Moment, event: &Event<'_>) {
        match *event {
            Event::Move { source, player, direction, .. } => self.apply_move(t, source, player, direction),
            Event::PlayerJoined { source, player, called, place } => {
                self.join(source, player, called, place.map(|place| place.map(i64::from)));
            }
            Event::SpawnExited { source, .. } | Event::PlayerLeft { source } => self.remove_source(source),
            Event::WorldState { players, .. } => self.apply_positions(players),
            _ => {}
        }
    }

    fn apply_move(&mut self, t: Moment, source: Source, name: PlayerName<'_>, direction: MoveDirection<'_>) {
        let world = self.world;
        let Some(player) = self.find_or_add(source, name) else { return self.note_hidden(source) };
        player.moves += 1;
        player.t = Some(moment_to_seconds(t));
        player.is_changed = true;
        // Another word than a direction of the world changes no place.
        let MoveDirection::Compass(direction) = direction else { return };
        player.direction = Some(direction.letter());
        let (axis, step) = match direction {
            Direction::N => (1, -1),
            Direction::S => (1, 1),
            Direction::E => (0, 1),
            Direction::W => (0, -1),
        };
        let to = player.at[axis] + step;
        player.at[axis] = match world {
            None => to,
            Some(BoardWorld { size, wraps: true }) => to.rem_euclid(size[axis]),
            Some(BoardWorld { size, wraps: false }) => to.clamp(0, size[axis] - 1),
        };
    }

    /// Adds the player of a guest. In a world it has the name by which the world calls it.
    fn join(&mut self, source: Source, name: PlayerName<'_>, called: Option<&str>, place: Option<[i64; 2]>) {
        self.name_buffer.clear();
        // Writing to a string cannot fail.
        let _ = write!(self.name_buffer, "{name}");
        let key = match called {
            Some(called) => self.add_with_key(source, called.to_owned()),
            None => self.add_named(source),
        };
        let Some(key) = key else { return };
        if let (Some(player), Some(place)) = (self.players.get_mut(&key), place) {
            player.at = place;
            player.is_changed = true;
        }
        if let Source::Guest(number) = source {
            self.joined.push((number, key));
        }
    }

    /// The guests that have joined since the last call, with the names under which they are shown.
    pub(super) fn take_joined(&mut self) -> Vec<(u32, String)> {
        std::mem::take(&mut self.joined)
    }

    /// Counts the player whose name is in `name_buffer`, once. In a world its states count all.
    fn note_hidden(&mut self, source: Source) {
        if self.world.is_none() {
            let mut hasher = DefaultHasher::new();
            self.name_buffer.hash(&mut hasher);
            let is_new = self.hidden.entry(source).or_default().insert(hasher.finish());
            self.hidden_count += u64::from(is_new);
        }
    }

    /// Applies a state of the world: the positions of all players.
    fn apply_positions(&mut self, places: &WorldPositions) {
        self.hidden_in_world = 0;
        for (key, place) in places {
            let place = place.map(i64::from);
            match self.players.get_mut(key) {
                Some(player) if player.at == place && !player.is_gone => {}
                Some(player) => {
                    (player.at, player.is_gone) = (place, false);
                    player.is_changed = true;
                }
                None => {
                    let is_hidden = self.add(key.clone(), place, MAX_PLAYERS).is_none();
                    self.hidden_in_world += u64::from(is_hidden);
                }
            }
        }
        // A player that has never moved belongs to no source that could end.
        for (key, player) in &mut self.players {
            if player.source.is_none() && !player.is_gone && !places.contains_key(key) {
                player.is_gone = true;
                player.is_changed = true;
                self.departed.push_back(key.clone());
            }
        }
    }

    /// The player of a source by its name, added if it is new; none if there are too many.
    fn find_or_add(&mut self, source: Source, name: PlayerName<'_>) -> Option<&mut LivePlayer> {
        self.name_buffer.clear();
        // Writing to a string cannot fail.
        let _ = write!(self.name_buffer, "{name}");
        let known = self.keys.get(&source).and_then(|keys| keys.get(&self.name_buffer));
        let key = match known {
            Some(key) => key.clone(),
            None => self.add_named(source)?,
        };
        self.players.get_mut(&key)
    }

    /// Adds a player with the name in `name_buffer`; returns its key.
    fn add_named(&mut self, source: Source) -> Option<String> {
        // A player that a state of the world has named does not belong to a source yet.
        let is_taken = |key: &str| self.players.get(key).is_some_and(|player| player.source.is_some());
        let mut key = self.name_buffer.clone();
        // A player may have the name that another one is told apart by.
        while is_taken(&key) {
            let _ = write!(key, "@{source}");
        }
        self.add_with_key(source, key)
    }

    /// Adds a player whose name is in `name_buffer` and whose key is known; returns the key.
    fn add_with_key(&mut self, source: Source, key: String) -> Option<String> {
        let most = if matches!(source, Source::Guest(_)) { MAX_PLAYERS_WITH_GUESTS } else { MAX_PLAYERS };
        match self.players.get_mut(&key).filter(|player| !player.is_gone) {
            Some(player) => player.source = Some(source),
            None => {
                let place = self.next_spot();
                self.add(key.clone(), place, most)?.source = Some(source);
            }
        }
        self.keys.entry(source).or_default().insert(self.name_buffer.clone(), key.clone());
        Some(key)
    }

    fn add(&mut self, key: String, place: [i64; 2], most: usize) -> Option<&mut LivePlayer> {
        if self.players.len() >= most && !self.players.contains_key(&key) {
            return None;
        }
        let (source, direction, t) = (None, None, None);
        let player =
            LivePlayer { at: place, direction, source, moves: 0, t, is_gone: false, is_changed: true };
        Some(self.players.entry(key).insert_entry(player).into_mut())
    }

    fn next_spot(&mut self) -> [i64; 2] {
        match self.world {
            Some(BoardWorld { size, .. }) => size.map(|side| side / 2),
            None => {
                // A square that grows: along its next side to the corner, and back along the other.
                let (side, left) =
                    (self.spots_given.isqrt(), self.spots_given - self.spots_given.isqrt().pow(2));
                self.spots_given += 1;
                let spot = if left <= side { [side, left] } else { [2 * side - left, side] };
                spot.map(|at| at * SPOT_DISTANCE)
            }
        }
    }

    /// The players of a source are gone, and their names are free.
    fn remove_source(&mut self, source: Source) {
        let hidden = self.hidden.remove(&source).map_or(0, |names| names.len() as u64);
        self.hidden_count -= hidden;
        for key in self.keys.remove(&source).into_iter().flat_map(BTreeMap::into_values) {
            if let Some(player) = self.players.get_mut(&key) {
                player.is_gone = true;
                player.source = None;
                player.is_changed = true;
                self.departed.push_back(key);
            }
        }
    }

    pub(super) fn all(&self) -> PlayerChanges<'_> {
        self.select(|_| true)
    }

    pub(super) fn changed(&self) -> PlayerChanges<'_> {
        self.select(|player| player.is_changed)
    }

    /// How many players there are that are too many to be shown.
    pub(super) fn hidden_players(&self) -> u64 {
        if self.world.is_some() { self.hidden_in_world } else { self.hidden_count }
    }

    pub(super) fn forget_changes(&mut self) {
        self.players.values_mut().for_each(|player| player.is_changed = false);
        while self.departed.len() > MAX_DEPARTED
            && let Some(key) = self.departed.pop_front()
        {
            // Another player of that name may have come.
            if self.players.get(&key).is_some_and(|player| player.is_gone) {
                self.players.remove(&key);
            }
        }
    }

    fn select(&self, which: impl Fn(&LivePlayer) -> bool) -> PlayerChanges<'_> {
        let shown = self.players.iter().filter(|(_, player)| which(player));
        PlayerChanges(shown.map(|(key, player)| (&**key, player)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn move_of(players: &mut LivePlayers, source: Source, direction: Direction) {
        let player = PlayerName::from_full_name("john");
        players.on_event(Moment(1), &Event::Move { due: None, source, player, direction: direction.into() });
    }

    fn places(players: &LivePlayers) -> Vec<(String, [i64; 2])> {
        players.all().0.iter().map(|(key, player)| ((*key).to_owned(), player.at)).collect()
    }

    fn exit(source: Source) -> Event<'static> {
        let exit = scenario_log::event::SpawnExit::Code(0);
        Event::SpawnExited {
            source,
            exit,
            ok: true,
            running: 0,
            held: false,
            killed: false,
            skipped: 0,
            again: false,
            reason: None,
            restarts_in: None,
            usage: Default::default(),
        }
    }

    #[test]
    fn without_a_world_each_starts_on_a_spot_of_its_own() {
        let mut players = LivePlayers::default();
        let (first, second) = (Source::Spawn(1), Source::Spawn(2));
        move_of(&mut players, first, Direction::N);
        move_of(&mut players, second, Direction::E);
        move_of(&mut players, first, Direction::N);
        assert_eq!(
            places(&players),
            [("john".to_owned(), [0, -2]), ("john@ps#2".to_owned(), [SPOT_DISTANCE + 1, 0])]
        );
        players.on_event(Moment(2), &exit(first));
        players.forget_changes();
        assert!(players.all().0["john"].is_gone);
        let third = Source::Spawn(3);
        move_of(&mut players, third, Direction::S);
        assert_eq!(players.all().0["john"].source, Some(third), "the name is free again");
    }

    #[test]
    fn in_a_world_its_state_says_where_all_are_and_moves_what_has_changed_since() {
        let file = "world = { size = [3, 3], edges = \"wrap\", broadcast = \"1s\" }";
        let mut players = LivePlayers::from_scenario(&crate::report::logged_scenario::scenario_of(file));
        let at =
            |john: [u32; 2]| WorldPositions::from([("john".to_owned(), john), ("still".to_owned(), [1, 1])]);
        players.on_event(Moment(0), &Event::WorldState { due: None, players: &at([2, 0]) });
        move_of(&mut players, Source::Spawn(1), Direction::E);
        move_of(&mut players, Source::Spawn(1), Direction::N);
        assert_eq!(places(&players), [("john".to_owned(), [0, 2]), ("still".to_owned(), [1, 1])]);
        players.on_event(
            Moment(1),
            &Event::WorldState { due: None, players: &WorldPositions::from([("john".to_owned(), [0, 2])]) },
        );
        assert!(players.all().0["still"].is_gone, "a player that is not in it any more is gone");
    }

    #[test]
    fn some_players_that_are_gone_are_kept() {
        let mut players = LivePlayers::default();
        for n in 1..=300 {
            move_of(&mut players, Source::Spawn(n), Direction::N);
        }
        for n in 1..=300 {
            players.on_event(Moment(2), &exit(Source::Spawn(n)));
        }
        players.forget_changes();
        assert_eq!(players.all().0.len(), MAX_DEPARTED);
        assert!(players.all().0.contains_key("john@ps#300"));
    }

    #[test]
    fn those_that_are_too_many_are_counted_once() {
        let mut players = LivePlayers::default();
        for _ in 0..2 {
            for n in 0..u32::try_from(MAX_PLAYERS).unwrap() + 3 {
                move_of(&mut players, Source::Spawn(n + 1), Direction::N);
            }
        }
        assert_eq!((players.all().0.len(), players.hidden_players()), (MAX_PLAYERS, 3));
        players.on_event(Moment(2), &exit(Source::Spawn(u32::try_from(MAX_PLAYERS).unwrap() + 1)));
        assert_eq!(players.hidden_players(), 2);
    }

    fn join(players: &mut LivePlayers, guest: u32, name: &str, called: Option<&str>) {
        let (source, player) = (Source::Guest(guest), PlayerName::from_full_name(name));
        players.on_event(Moment(1), &Event::PlayerJoined { source, player, called, place: Some([7, 8]) });
    }

    #[test]
    fn a_guest_is_shown_however_large_the_world_is() {
        let file = "world = { size = [99, 99], edges = \"wrap\", broadcast = \"1s\" }";
        let mut players = LivePlayers::from_scenario(&crate::report::logged_scenario::scenario_of(file));
        let many = u32::try_from(MAX_PLAYERS).unwrap() + 1_000;
        let mut all: WorldPositions = (0..many).map(|n| (format!("p{n:05}"), [1, 1])).collect();
        players.on_event(Moment(0), &Event::WorldState { due: None, players: &all });
        assert_eq!((players.all().0.len(), players.hidden_players()), (MAX_PLAYERS, 1_000));
        join(&mut players, 1, "zoe", None);
        // Another player of the world, who is not shown, has this name.
        join(&mut players, 2, "p05999", Some("p05999@net#2"));
        assert_eq!(players.take_joined(), [(1, "zoe".to_owned()), (2, "p05999@net#2".to_owned())]);
        all.extend([("zoe".to_owned(), [7, 8]), ("p05999@net#2".to_owned(), [7, 8])]);
        players.on_event(Moment(2), &Event::WorldState { due: None, players: &all });
        let shown = players.all().0;
        for (name, guest) in [("zoe", 1), ("p05999@net#2", 2)] {
            assert_eq!((shown[name].at, shown[name].source), ([7, 8], Some(Source::Guest(guest))), "{name}");
        }
        assert_eq!((shown.len(), players.hidden_players()), (MAX_PLAYERS + 2, 1_000));
    }
}
