//! The players that the runner plays itself: rows of a [calendar](crate::engine::calendar_queue), not
//! tasks. A player says a direction and its name, waits one draw of its interval, and so on; its
//! spawn ends when the last of its players has ended its last wait. Players that take [steps](Steps)
//! stand beside the calendar; at one instant those who move come before them.

use crate::engine::Out;
use crate::engine::calendar_queue::{Calendar, Row};
use crate::engine::random;
use crate::engine::steps::{Role, Steps, Taken};
use crate::engine::tie_break::Ties;
use crate::scenario::interval::Interval;
use crate::scenario::model::{Part, PlayerGroup, Players as Preset, PresetKind, Scenario};
use scenario_log::event::{Event, Source};
use scenario_log::time::Moment;

/// One spawn of players.
#[derive(Clone, Debug)]
struct Play {
    source: Source,
    /// Players that have not ended.
    left: u32,
    /// Those of them that move, and take no steps.
    moving: u32,
    /// Its players are not asked any more.
    stopped: bool,
}

/// Players of one spawn that share a row of the scenario: their ids follow each other.
#[derive(Clone, Debug)]
struct Group {
    /// The id of its first player.
    first: u32,
    /// Index into the plays.
    play: u32,
    /// Which preset, and which row of it.
    preset: u32,
    row: u32,
}

/// Who chooses among players that could take their next step at the same instant.
#[derive(Clone, Debug)]
pub(crate) enum Chooser {
    /// The seed, or a schedule.
    Ties(Ties),
    /// Somebody else: every step is waited for.
    Walker,
}

/// All players in the runner.
#[derive(Clone, Debug)]
pub(crate) struct Players {
    /// Where those that take steps stand; who they are is in `roles`.
    pub(crate) steps: Steps,
    roles: Vec<Role>,
    pub(crate) chooser: Chooser,
    /// Players that move, and have not ended.
    moving: u64,
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
    /// Every player that is left waits for a lock.
    Deadlock,
    /// A step is to be taken, and the walker says whose.
    Step,
}

/// The players of a preset, if it is one of players.
pub(crate) fn players_of(scenario: &Scenario, preset: usize) -> Option<&Preset> {
    match &scenario.presets[preset].kind {
        PresetKind::Players(players) => Some(players),
        PresetKind::Command(_) => None,
    }
}

impl Players {
    /// None yet. Ties are drawn from this seed.
    pub(crate) fn new(scenario: &Scenario, seed: u64) -> Players {
        Players {
            steps: Steps::new(scenario),
            roles: Vec::new(),
            chooser: Chooser::Ties(Ties::new(seed)),
            moving: 0,
            calendar: Calendar::default(),
            plays: Vec::new(),
            groups: Vec::new(),
            next_id: 0,
            last: 0,
        }
    }

    /// When the next player moves, takes a step or ends.
    pub(crate) fn next_due(&mut self) -> Option<Moment> {
        match (self.calendar.next_due(), self.steps.next_due()) {
            (Some(moves), Some(steps)) => Some(moves.min(steps)),
            (moves, steps) => moves.or(steps),
        }
    }

    /// Who the players are that take steps.
    pub(crate) fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// Whether a run can have as many players more as this preset has: ids are 32 bits.
    pub(crate) fn has_room(&self, scenario: &Scenario, preset: usize) -> bool {
        let groups = players_of(scenario, preset).map_or(&[][..], |players| &players.groups);
        groups.iter().try_fold(self.next_id, |id, group| id.checked_add(group.count)).is_some()
    }

    /// Starts a spawn of players at its planned moment: those that move do so at once, in the order of
    /// the file. Its name among the plays is given back for [`Players::stop`]; `None` if it has no
    /// player with a move or a step, and so has ended already.
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
        self.plays.push(Play { source, left: 0, moving: 0, stopped: false });
        let name = &scenario.presets[preset].name;
        let purpose = random::player_purpose(seed, name, nth);
        let groups = players_of(scenario, preset).map_or(&[][..], |players| &players.groups);
        for (row, group) in groups.iter().enumerate() {
            let first = self.next_id;
            self.groups.push(Group { first, play: play as u32, preset: preset as u32, row: row as u32 });
            self.next_id = first.checked_add(group.count).expect("has_room was asked");
            for n in 0..if group.has_part() { group.count } else { 0 } {
                if !out.wants_more() {
                    return None;
                }
                let die = purpose.player(group.name.nth(n + 1)).die();
                self.plays[play].left += 1;
                match &group.part {
                    Part::Moves { moves, every } => {
                        self.plays[play].moving += 1;
                        self.moving += 1;
                        let row = Row { due, die, id: first + n, left: *moves };
                        self.make_move(row, n, (group, every), source, out);
                    }
                    Part::Steps(_) => {
                        self.roles.push(Role {
                            play: play as u32,
                            preset: preset as u32,
                            row: row as u32,
                            n,
                        });
                        self.steps.add(due, die);
                    }
                }
            }
        }
        (self.plays[play].left > 0).then_some(play)
    }

    /// Ends a spawn: its players are not asked any more.
    pub(crate) fn stop(&mut self, play: usize) {
        let stopped = &mut self.plays[play];
        stopped.stopped = true;
        self.moving -= u64::from(std::mem::take(&mut stopped.moving));
        self.steps.stop(play as u32, &self.roles);
    }

    /// Plays all that is due by `now` and before `until`, or up to the end of a spawn.
    pub(crate) fn play(&mut self, scenario: &Scenario, until: Option<Moment>, out: &mut Out<'_>) -> Played {
        let now = out.now;
        let due_now = |due: Moment| due <= now && until.is_none_or(|until| due < until);
        while out.wants_more() && !out.is_to_end() {
            let moves = self.calendar.next_due().filter(|due| due_now(*due));
            let steps = self.steps.next_due().filter(|due| due_now(*due));
            if steps.is_some_and(|steps| moves.is_none_or(|moves| steps < moves)) {
                match self.step(scenario, out) {
                    Played::Nothing => continue,
                    played => return played,
                }
            }
            if moves.is_none() {
                let is_deadlock = self.moving == 0 && self.steps.are_stuck();
                return if is_deadlock { Played::Deadlock } else { Played::Nothing };
            }
            let Some(row) = self.calendar.pop() else { break };
            let group = self.group_of(row.id);
            let Group { first, play, preset, row: in_preset } = self.groups[group];
            let play = &mut self.plays[play as usize];
            if play.stopped {
                continue;
            }
            if row.left == 0 {
                play.left -= 1;
                play.moving -= 1;
                self.moving -= 1;
                if play.left == 0 {
                    return Played::Ended(play.source, row.due);
                }
                continue;
            }
            let source = play.source;
            let Some(players) = players_of(scenario, preset as usize) else { continue };
            let n = row.id - first;
            let group = &players.groups[in_preset as usize];
            let Part::Moves { every, .. } = &group.part else { continue };
            self.make_move(row, n, (group, every), source, out);
        }
        Played::Nothing
    }

    /// Lets one player take its next step, or one end whose last pause is over.
    fn step(&mut self, scenario: &Scenario, out: &mut Out<'_>) -> Played {
        if let Some(id) = self.steps.gather(scenario, &self.roles) {
            return self.end_steps(id);
        }
        let count = self.steps.ready();
        if count == 0 {
            // All that were due wait for locks.
            return Played::Nothing;
        }
        match &mut self.chooser {
            Chooser::Walker => Played::Step,
            Chooser::Ties(ties) => {
                let k = ties.choose(count);
                self.take_step(k, scenario, out)
            }
        }
    }

    /// The `k`th of those that could take a step takes it.
    pub(crate) fn take_step(&mut self, k: usize, scenario: &Scenario, out: &mut Out<'_>) -> Played {
        let taken = self.steps.take(k, scenario, &self.roles);
        let Taken { id, step, register, direction, has_ended } = taken;
        let role = self.roles[id as usize];
        let (due, source) = (self.steps.instant(), self.plays[role.play as usize].source);
        let player = role.group(scenario).name.nth(role.n + 1);
        let text = &role.steps(scenario)[step].text;
        out.event(&Event::Step { due, source, player, step: text, register });
        if let Some(direction) = direction {
            out.moved(Some(due), source, player, direction);
        }
        if has_ended { self.end_steps(id) } else { Played::Nothing }
    }

    /// A player has taken its last step.
    pub(crate) fn end_steps(&mut self, id: u32) -> Played {
        let play = &mut self.plays[self.roles[id as usize].play as usize];
        play.left -= 1;
        if play.left == 0 { Played::Ended(play.source, self.steps.instant()) } else { Played::Nothing }
    }

    /// What there is of spawns and of players that move, as values that tell two states apart.
    pub(crate) fn moving_key(&self) -> impl std::fmt::Debug {
        let plays: Vec<_> = self.plays.iter().map(|play| (play.source, play.left, play.stopped)).collect();
        let roles: Vec<_> = self.roles.iter().map(|role| (role.play, role.row, role.n)).collect();
        (plays, roles, self.calendar.sorted(), self.next_id)
    }

    /// Who waits for which lock, by their names; those of one name with their spawns.
    pub(crate) fn waiting(&self, scenario: &Scenario) -> Vec<(String, String)> {
        let waiting = self.steps.waiting();
        let name = |id: u32| {
            let role = self.roles[id as usize];
            role.group(scenario).name.nth(role.n + 1).to_string()
        };
        let mut names: Vec<String> = waiting.iter().map(|(id, _)| name(*id)).collect();
        names.sort_unstable();
        let is_doubled = |name: &String| {
            names.partition_point(|one| one <= name) - names.partition_point(|one| one < name) > 1
        };
        let told = waiting.iter().map(|(id, lock)| {
            let mut player = name(*id);
            if is_doubled(&player) {
                let source = self.plays[self.roles[*id as usize].play as usize].source;
                player = format!("{source} {player}");
            }
            (player, scenario.locks[*lock].clone())
        });
        told.collect()
    }

    /// One move of the `n`th player (from 0) of a group, and its wait.
    fn make_move(
        &mut self,
        mut row: Row,
        n: u32,
        (group, every): (&PlayerGroup, &Interval),
        source: Source,
        out: &mut Out<'_>,
    ) {
        let direction = group.directions[row.die.below(group.directions.len() as u32) as usize];
        let player = group.name.nth(n + 1);
        out.moved(Some(row.due), source, player, direction);
        row.due = row.due.saturating_add(row.die.span(every));
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
