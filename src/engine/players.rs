//! The players that the runner plays itself: rows of a [calendar](crate::engine::calendar), not
//! tasks. A player says a direction and its name, waits one draw of its interval, and so on; its
//! spawn ends when the last of its players has ended its last wait.

use crate::engine::Out;
use crate::engine::calendar::{Calendar, Row};
use crate::engine::draw;
use crate::scenario::model::{PlayerGroup, Players as Preset, PresetKind, Scenario};
use crate::words::event::{Event, Source};
use crate::words::time::Moment;

/// One spawn of players.
struct Play {
    source: Source,
    /// Players that have not ended.
    left: u32,
    /// Its players are not asked any more.
    stopped: bool,
}

/// Players of one spawn that share a row of the scenario: their ids follow each other.
struct Group {
    /// The id of its first player.
    first: u32,
    /// Index into the plays.
    play: u32,
    /// Which preset, and which row of it.
    preset: u32,
    row: u32,
}

/// All players in the runner.
#[derive(Default)]
pub(crate) struct Players {
    calendar: Calendar,
    plays: Vec<Play>,
    groups: Vec<Group>,
    next_id: u32,
    /// The group of the player that moved last: the next is likely to be of the same.
    last: usize,
}

/// What the players have come to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Played {
    /// Nothing more is due.
    Nothing,
    /// The last player of this spawn has ended its last wait, at this planned moment.
    Ended(Source, Moment),
}

/// The players of a preset, if it is one of players.
pub(crate) fn players_of(scenario: &Scenario, preset: usize) -> Option<&Preset> {
    match &scenario.presets[preset].kind {
        PresetKind::Players(players) => Some(players),
        PresetKind::Command(_) => None,
    }
}

impl Players {
    /// When the next player moves or ends.
    pub(crate) fn next_due(&mut self) -> Option<Moment> {
        self.calendar.next_due()
    }

    /// Whether a run can have as many players more as this preset has: ids are 32 bits.
    pub(crate) fn has_room(&self, scenario: &Scenario, preset: usize) -> bool {
        let groups = players_of(scenario, preset).map_or(&[][..], |players| &players.groups);
        groups.iter().try_fold(self.next_id, |id, group| id.checked_add(group.count)).is_some()
    }

    /// Starts a spawn of players at its planned moment: all of them move at once, in the order of
    /// the file. Its name among the plays is given back for [`Players::stop`]; `None` if it has no
    /// player with a move, and so has ended already.
    ///
    /// # Panics
    /// If [`Players::has_room`] was not asked.
    pub(crate) fn start(
        &mut self,
        scenario: &Scenario,
        (source, preset, nth): (Source, usize, u64),
        seed: u64,
        due: Moment,
        out: &mut Out<'_>,
    ) -> Option<usize> {
        let play = self.plays.len();
        self.plays.push(Play { source, left: 0, stopped: false });
        let name = &scenario.presets[preset].name;
        let purpose = draw::player_purpose(seed, name, nth);
        let groups = players_of(scenario, preset).map_or(&[][..], |players| &players.groups);
        for (row, group) in groups.iter().enumerate() {
            let first = self.next_id;
            self.groups.push(Group { first, play: play as u32, preset: preset as u32, row: row as u32 });
            self.next_id = first.checked_add(group.count).expect("has_room was asked");
            // Who never moves is not looked at, however many there are.
            for n in 0..if group.moves > 0 { group.count } else { 0 } {
                if !out.wants_more() {
                    return None;
                }
                let die = purpose.player(group.name.nth(n + 1)).die();
                let row = Row { due, die, id: first + n, left: group.moves };
                self.plays[play].left += 1;
                self.make_move(row, n, group, source, out);
            }
        }
        (self.plays[play].left > 0).then_some(play)
    }

    /// Ends a spawn: its players are not asked any more.
    pub(crate) fn stop(&mut self, play: usize) {
        self.plays[play].stopped = true;
    }

    /// Plays all that is due by `now` and before `until`, or up to the end of a spawn.
    pub(crate) fn play(&mut self, scenario: &Scenario, until: Option<Moment>, out: &mut Out<'_>) -> Played {
        let now = out.now;
        let due_now = |due: Moment| due <= now && until.is_none_or(|until| due < until);
        while self.calendar.next_due().is_some_and(due_now) && out.wants_more() && !out.is_to_end() {
            let Some(row) = self.calendar.pop() else { break };
            let group = self.group_of(row.id);
            let Group { first, play, preset, row: in_preset } = self.groups[group];
            let play = &mut self.plays[play as usize];
            if play.stopped {
                continue;
            }
            if row.left == 0 {
                play.left -= 1;
                if play.left == 0 {
                    return Played::Ended(play.source, row.due);
                }
                continue;
            }
            let source = play.source;
            let Some(players) = players_of(scenario, preset as usize) else { continue };
            let n = row.id - first;
            self.make_move(row, n, &players.groups[in_preset as usize], source, out);
        }
        Played::Nothing
    }

    /// One move of the `n`th player (from 0) of a group, and its wait.
    fn make_move(&mut self, mut row: Row, n: u32, group: &PlayerGroup, source: Source, out: &mut Out<'_>) {
        let direction = group.directions[row.die.below(group.directions.len() as u32) as usize];
        let player = group.name.nth(n + 1);
        out.tally.moves += 1;
        out.event(&Event::Move { due: Some(row.due), source, player, direction });
        row.due = row.due.saturating_add(row.die.span(&group.every));
        row.left -= 1;
        self.calendar.push(row);
    }

    /// Which group a player is of.
    fn group_of(&mut self, id: u32) -> usize {
        let starts = |at: usize| self.groups.get(at).is_none_or(|next| id < next.first);
        if !(self.groups[self.last].first <= id && starts(self.last + 1)) {
            self.last = self.groups.partition_point(|group| group.first <= id) - 1;
        }
        self.last
    }
}
