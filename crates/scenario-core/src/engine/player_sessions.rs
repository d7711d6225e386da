//! The sessions of players that fetch: the values that each captured, and the round of fetches that it waits
//! for. A player that fetches nothing has no session.

use std::collections::BTreeMap;

use scenario_log::captured_value::CapturedValues;
use scenario_log::time::Moment;

/// The session of one player.
#[derive(Clone, Debug)]
pub(crate) struct PlayerSession {
    /// The moment of the player's start.
    started_at: Moment,
    captured: CapturedValues,
    /// The row that it took from its table, if it has one.
    row: Option<u32>,
    /// How often it has made each of its fetches, by the index of the fetch.
    rounds: Vec<(u32, u32)>,
    /// The fetches of its step that have not ended.
    fetches_left: u32,
    /// Whether one of them is not as expected.
    has_failed: bool,
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
                self.rounds.push((fetch, 1));
                0
            }
        }
    }

    pub(crate) fn started_at(&self) -> Moment {
        self.started_at
    }

    /// The values that the player has captured.
    pub(crate) fn captured(&self) -> &CapturedValues {
        &self.captured
    }

    /// The same, to add to them.
    pub(crate) fn captured_mut(&mut self) -> &mut CapturedValues {
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
        self.captured.clear();
    }
}

/// The sessions of all players that fetch, by the players' ids.
#[derive(Clone, Debug, Default)]
pub(crate) struct PlayerSessions {
    by_player: BTreeMap<u32, PlayerSession>,
    /// The rows that the players of each row of a preset have taken.
    rows_taken: BTreeMap<(u32, u32), u64>,
}

impl PlayerSessions {
    /// Adds the session of a player that starts.
    pub(crate) fn add(&mut self, player: u32, started_at: Moment, row: Option<u32>) {
        let captured = CapturedValues::new();
        let rounds = Vec::new();
        let session = PlayerSession { started_at, captured, row, rounds, fetches_left: 0, has_failed: false };
        self.by_player.insert(player, session);
    }

    /// Counts one more row for the players of a row of a preset; returns how many there were before.
    pub(crate) fn count_row(&mut self, preset: u32, group: u32) -> u64 {
        let taken = self.rows_taken.entry((preset, group)).or_default();
        *taken += 1;
        *taken - 1
    }

    pub(crate) fn get(&self, player: u32) -> Option<&PlayerSession> {
        self.by_player.get(&player)
    }

    pub(crate) fn get_mut(&mut self, player: u32) -> Option<&mut PlayerSession> {
        self.by_player.get_mut(&player)
    }

    /// Removes the session of a player that has ended.
    pub(crate) fn remove(&mut self, player: u32) -> Option<PlayerSession> {
        self.by_player.remove(&player)
    }
}
