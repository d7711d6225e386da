//! The sessions of players that fetch: the values that each captured, and the round of fetches that it waits
//! for. A player that fetches nothing has no session.
//!
//! Players may be a hundred thousand, so a session is small: what all players of a spawn share is kept once, and
//! nothing that is empty takes memory of its own.

use std::collections::BTreeMap;
use std::mem;

use scenario_log::time::Moment;

/// The most sessions for which room is made before they begin.
const MAX_RESERVED: usize = 1 << 20;

/// The session of one player.
#[derive(Clone, Debug)]
pub(crate) struct PlayerSession {
    captured: PlayerCaptures,
    /// How often it has made each of its fetches whose requests depend on that.
    rounds: Box<[(u32, u32)]>,
    /// The row that it took from its table, if it has one.
    row: Option<u32>,
    /// The fetches of its step that have not ended.
    fetches_left: u32,
    /// Whether one of them is not as expected.
    has_failed: bool,
}

/// The values that a player has captured, by the numbers of their names.
#[derive(Clone, Debug, Default)]
pub(crate) struct PlayerCaptures(Box<[PlayerCapture]>);

/// A value that a player has captured.
#[derive(Clone)]
pub(crate) struct PlayerCapture {
    name: u32,
    pub(crate) secret: bool,
    pub(crate) value: Box<str>,
}

/// The sessions of the players of one spawn.
#[derive(Clone, Debug)]
struct SpawnSessions {
    /// The moment of the players' start.
    started_at: Moment,
    /// By the number of the player in the spawn; `None` for one that has ended or fetches nothing.
    sessions: Vec<Option<PlayerSession>>,
    /// The sessions that are left.
    count: u32,
}

impl PlayerSession {
    /// The row that the player took from its table.
    pub(crate) fn row(&self) -> Option<u32> {
        self.row
    }

    /// Counts one more round of a fetch; returns how many there were before.
    pub(crate) fn count_round(&mut self, fetch: usize) -> u32 {
        let fetch = fetch as u32;
        match self.rounds.iter_mut().find(|(own, _)| *own == fetch) {
            Some((_, count)) => {
                *count += 1;
                *count - 1
            }
            None => {
                push_exactly(&mut self.rounds, (fetch, 1));
                0
            }
        }
    }

    /// The values that the player has captured.
    pub(crate) fn captured(&self) -> &PlayerCaptures {
        &self.captured
    }

    /// The same, to add to them.
    pub(crate) fn captured_mut(&mut self) -> &mut PlayerCaptures {
        &mut self.captured
    }

    /// Begins a step of so many fetches.
    pub(crate) fn begin_step(&mut self, fetches: u32) {
        self.fetches_left = fetches;
        self.has_failed = false;
    }

    /// Notes that a fetch of the step has ended. Returns whether all were as expected, once all have ended.
    pub(crate) fn end_fetch(&mut self, is_expected: bool) -> Option<bool> {
        self.has_failed |= !is_expected;
        self.fetches_left = self.fetches_left.saturating_sub(1);
        (self.fetches_left == 0).then_some(!self.has_failed)
    }

    /// Forgets what the player captured: it begins again.
    pub(crate) fn forget(&mut self) {
        self.captured = PlayerCaptures::default();
    }
}

impl PlayerCaptures {
    /// The last value of a name.
    pub(crate) fn get(&self, name: u32) -> Option<&PlayerCapture> {
        self.0.iter().find(|capture| capture.name == name)
    }

    /// Keeps a value in the place of the one before it.
    pub(crate) fn set(&mut self, name: u32, value: &str, secret: bool) {
        match self.0.iter_mut().find(|capture| capture.name == name) {
            Some(capture) => {
                capture.secret = secret;
                if *capture.value != *value {
                    capture.value = value.into();
                }
            }
            None => push_exactly(&mut self.0, PlayerCapture { name, secret, value: value.into() }),
        }
    }
}

impl std::fmt::Debug for PlayerCapture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The value may be a secret.
        write!(f, "{}", self.name)
    }
}

/// Appends an element, without room for more.
fn push_exactly<T>(slice: &mut Box<[T]>, element: T) {
    let mut elements = mem::take(slice).into_vec();
    elements.reserve_exact(1);
    elements.push(element);
    *slice = elements.into_boxed_slice();
}

/// The sessions of all players that fetch, by the players' ids.
#[derive(Clone, Debug, Default)]
pub(crate) struct PlayerSessions {
    /// By the id of the first player of the spawn; the ids of a spawn are consecutive.
    by_spawn: BTreeMap<u32, SpawnSessions>,
    /// The rows that the players of each row of a preset have taken.
    rows_taken: BTreeMap<(u32, u32), u64>,
}

impl PlayerSessions {
    /// Adds the session of a player that starts. The players of its spawn have the ids `spawn`; those with
    /// smaller ids come before it.
    pub(crate) fn add(
        &mut self,
        spawn: std::ops::Range<u32>,
        player: u32,
        started_at: Moment,
        row: Option<u32>,
    ) {
        let own = self.by_spawn.entry(spawn.start).or_insert_with(|| SpawnSessions {
            started_at,
            sessions: Vec::with_capacity(spawn.len().min(MAX_RESERVED)),
            count: 0,
        });
        own.sessions.resize((player - spawn.start) as usize, None);
        own.count += 1;
        own.sessions.push(Some(PlayerSession {
            captured: PlayerCaptures::default(),
            rounds: Box::default(),
            row,
            fetches_left: 0,
            has_failed: false,
        }));
    }

    /// Counts one more row for the players of a row of a preset; returns how many there were before.
    pub(crate) fn count_row(&mut self, preset: u32, group: u32) -> u64 {
        let taken = self.rows_taken.entry((preset, group)).or_default();
        *taken += 1;
        *taken - 1
    }

    pub(crate) fn get(&self, player: u32) -> Option<&PlayerSession> {
        let (first, spawn) = self.by_spawn.range(..=player).next_back()?;
        spawn.sessions.get((player - first) as usize)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, player: u32) -> Option<&mut PlayerSession> {
        let (first, spawn) = self.by_spawn.range_mut(..=player).next_back()?;
        spawn.sessions.get_mut((player - first) as usize)?.as_mut()
    }

    /// Removes the session of a player that has ended. Returns the moment of its start, if it had a session.
    pub(crate) fn remove(&mut self, player: u32) -> Option<Moment> {
        let (first, spawn) = self.by_spawn.range_mut(..=player).next_back()?;
        let (first, started_at) = (*first, spawn.started_at);
        spawn.sessions.get_mut((player - first) as usize)?.take()?;
        spawn.count -= 1;
        if spawn.count == 0 {
            self.by_spawn.remove(&first);
        }
        Some(started_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_found_by_the_ids_of_players() {
        let mut sessions = PlayerSessions::default();
        for (spawn, player) in [(2..5, 2), (2..5, 4), (7..8, 7)] {
            sessions.add(spawn, player, Moment(u64::from(player)), Some(player));
        }
        let found: Vec<u32> = (0..10).filter_map(|id| sessions.get(id)?.row()).collect();
        assert_eq!(found, [2, 4, 7], "one that fetches nothing has none");
        assert_eq!(sessions.remove(4), Some(Moment(2)), "the players of a spawn start together");
        assert_eq!((sessions.remove(4), sessions.remove(3), sessions.remove(9)), (None, None, None));
        assert!(sessions.get_mut(2).is_some_and(|session| session.row() == Some(2)));
        assert_eq!((sessions.remove(2), sessions.by_spawn.len()), (Some(Moment(2)), 1));
    }

    #[test]
    fn a_session_is_small() {
        assert_eq!((size_of::<Option<PlayerSession>>(), size_of::<PlayerCapture>()), (48, 24));
        let mut captured = PlayerCaptures::default();
        for (name, value) in [(3, "a"), (1, "b"), (3, "c")] {
            captured.set(name, value, false);
        }
        let value = |name| captured.get(name).map(|capture| &*capture.value);
        assert_eq!((value(3), value(1), value(2), captured.0.len()), (Some("c"), Some("b"), None, 2));
    }
}
