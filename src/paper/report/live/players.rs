//! The players on the board: where each is, as far as the events tell.
//!
//! In a world the log says where everybody is now and then, and moves say what changes between. Without
//! one nobody has a place: each starts on a spot of its own, and the board has no edges.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::paper::report::live::at;
use crate::words::event::{Direction, Event, Source};
use crate::words::name::PlayerName;
use crate::words::time::Moment;

/// How many players are shown; of more, the moves are counted.
const MOST: usize = 5_000;

/// How far the spots are from each other where there is no world, and how many are in a row.
const APART: i64 = 4;
const IN_A_ROW: i64 = 8;

/// A player.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Player {
    at: [i64; 2],
    direction: Option<&'static str>,
    #[serde(serialize_with = "as_text")]
    source: Option<Source>,
    moves: u64,
    /// When it moved last, in seconds.
    t: Option<f64>,
    is_gone: bool,
    #[serde(skip)]
    is_changed: bool,
}

fn as_text<S: Serializer>(source: &Option<Source>, serializer: S) -> Result<S::Ok, S::Error> {
    match source {
        Some(source) => serializer.collect_str(source),
        None => serializer.serialize_none(),
    }
}

/// Some of them, by their keys.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Shown<'a>(BTreeMap<&'a str, &'a Player>);

/// All of them. The key of a player is its name; or, if that is taken when it comes, `john@ps#2`.
#[derive(Clone, Debug, Default)]
pub(super) struct Players {
    players: BTreeMap<String, Player>,
    /// The keys of each source's players, by their names.
    keys: BTreeMap<Source, BTreeMap<String, String>>,
    world: Option<World>,
    /// How many spots have been given away, where there is no world.
    spots: i64,
    more: u64,
    name: String,
}

#[derive(Clone, Copy, Debug)]
struct World {
    size: [i64; 2],
    wraps: bool,
}

impl Players {
    /// Those of a resolved scenario: none yet.
    pub(super) fn of(scenario: &Value) -> Players {
        let world = scenario.get("world").and_then(|world| {
            let side = |n: usize| world["size"][n].as_i64().filter(|side| *side > 0);
            Some(World { size: [side(0)?, side(1)?], wraps: world["edges"] == "wrap" })
        });
        Players { world, ..Players::default() }
    }

    pub(super) fn take(&mut self, t: Moment, event: &Event<'_>) {
        match *event {
            Event::Move { source, player, direction, .. } => self.moves(t, source, player, direction),
            Event::SpawnExited { source, .. } => self.leave(source),
            _ => {}
        }
    }

    fn moves(&mut self, t: Moment, source: Source, name: PlayerName<'_>, direction: Direction) {
        let world = self.world;
        let Some(player) = self.player(source, name) else {
            self.more += 1;
            return;
        };
        player.moves += 1;
        player.t = Some(at(t));
        player.direction = Some(direction.letter());
        player.is_changed = true;
        let (axis, step) = match direction {
            Direction::N => (1, -1),
            Direction::S => (1, 1),
            Direction::E => (0, 1),
            Direction::W => (0, -1),
        };
        let to = player.at[axis] + step;
        player.at[axis] = match world {
            None => to,
            Some(World { size, wraps: true }) => to.rem_euclid(size[axis]),
            Some(World { size, wraps: false }) => to.clamp(0, size[axis] - 1),
        };
    }

    /// The player of a source by its name; a new one, if it is that. `None` if there are too many.
    fn player(&mut self, source: Source, name: PlayerName<'_>) -> Option<&mut Player> {
        self.name.clear();
        // Writing to a string cannot fail.
        let _ = write!(self.name, "{name}");
        let known = self.keys.get(&source).and_then(|keys| keys.get(&self.name));
        let key = match known {
            Some(key) => key.clone(),
            None => self.come(source)?,
        };
        self.players.get_mut(&key)
    }

    /// One comes of the name that was written.
    fn come(&mut self, source: Source) -> Option<String> {
        // One that a state has named already is of no source yet.
        let is_taken = |key: &str| self.players.get(key).is_some_and(|player| player.source.is_some());
        let mut key = self.name.clone();
        if is_taken(&key) {
            let _ = write!(key, "@{source}");
        }
        match self.players.get_mut(&key) {
            Some(player) => player.source = Some(source),
            None => {
                let place = self.spot();
                self.add(key.clone(), place)?.source = Some(source);
            }
        }
        self.keys.entry(source).or_default().insert(self.name.clone(), key.clone());
        Some(key)
    }

    fn add(&mut self, key: String, place: [i64; 2]) -> Option<&mut Player> {
        if self.players.len() >= MOST && !self.players.contains_key(&key) {
            return None;
        }
        let (source, direction, t) = (None, None, None);
        let player = Player { at: place, direction, source, moves: 0, t, is_gone: false, is_changed: true };
        Some(self.players.entry(key).insert_entry(player).into_mut())
    }

    fn spot(&mut self) -> [i64; 2] {
        match self.world {
            Some(World { size, .. }) => size.map(|side| side / 2),
            None => {
                self.spots += 1;
                [(self.spots - 1) % IN_A_ROW * APART, (self.spots - 1) / IN_A_ROW * APART]
            }
        }
    }

    /// Who belongs to a source is gone, and its name is free.
    fn leave(&mut self, source: Source) {
        for key in self.keys.remove(&source).into_iter().flat_map(BTreeMap::into_values) {
            if let Some(player) = self.players.get_mut(&key) {
                player.is_gone = true;
                player.source = None;
                player.is_changed = true;
            }
        }
    }

    pub(super) fn all(&self) -> Shown<'_> {
        self.shown(|player| !player.is_gone)
    }

    pub(super) fn changed(&self) -> Shown<'_> {
        self.shown(|player| player.is_changed)
    }

    /// How many moves there were of players that are too many to be shown.
    pub(super) fn more(&self) -> u64 {
        self.more
    }

    pub(super) fn forget_changes(&mut self) {
        self.players.retain(|_, player| {
            player.is_changed = false;
            !player.is_gone
        });
    }

    fn shown(&self, which: impl Fn(&Player) -> bool) -> Shown<'_> {
        let shown = self.players.iter().filter(|(_, player)| which(player));
        Shown(shown.map(|(key, player)| (&**key, player)).collect())
    }
}
