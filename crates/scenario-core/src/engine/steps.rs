//! Players that take steps: where each of them stands, what the cells hold, who has which lock. Decides
//! who could go next, and what a step does; never who of them goes.
//!
//! # How it works
//!
//! All players that are due at one instant, and do not wait for a lock, are *ready*. One of them takes a
//! step, which takes no time, so that it is ready again at the same instant, unless it has ended, pauses,
//! or comes to a lock that somebody has; then it *waits* until that lock is given back. Steps of one
//! instant have been taken when nobody is ready; then the next instant comes.
//!
//! What does not change while a player plays (its steps, its spawn, its name) stands in its [`Role`],
//! apart from what does, so that a state is small: an exhaustive walk keeps very many of them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::engine::random::Die;
use crate::scenario::interval::Interval;
use crate::scenario::model::steps::{Act, Step};
use crate::scenario::model::{Part, PlayerGroup, PresetKind, Scenario};
use scenario_log::event::Direction;
use scenario_log::time::Moment;

/// Which player one is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Role {
    /// Index into the plays.
    pub(crate) play: u32,
    /// Which preset, and which row of it.
    pub(crate) preset: u32,
    pub(crate) row: u32,
    /// Which of the row's players, from 0.
    pub(crate) n: u32,
}

impl Role {
    /// Its row of the scenario.
    pub(crate) fn group(self, scenario: &Scenario) -> &PlayerGroup {
        match &scenario.presets[self.preset as usize].kind {
            PresetKind::Players(players) => &players.groups[self.row as usize],
            PresetKind::Command(_) => unreachable!("only players take steps"),
        }
    }

    /// Its steps.
    pub(crate) fn steps(self, scenario: &Scenario) -> &[Step] {
        match &self.group(scenario).part {
            Part::Steps(steps) => steps,
            Part::Moves { .. } => &[],
        }
    }
}

/// Where a player stands.
#[derive(Clone, Debug)]
struct Player {
    /// Its next step, from 0.
    at: u32,
    register: i64,
    die: Die,
}

/// What came of a step.
#[derive(Debug)]
pub(crate) struct Taken {
    /// Who has taken it.
    pub(crate) id: u32,
    /// Which of its steps it was, from 0.
    pub(crate) step: usize,
    /// What its register holds now.
    pub(crate) register: i64,
    /// Where it has moved.
    pub(crate) direction: Option<Direction>,
    /// Whether that was its last, and it has ended.
    pub(crate) has_ended: bool,
}

/// All players that take steps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Steps {
    players: Vec<Player>,
    /// What each cell holds.
    cells: Vec<i64>,
    /// Who has each lock.
    holders: Vec<Option<u32>>,
    /// The instant whose steps are being taken.
    instant: Moment,
    /// Who could take a step now, in the order of their start.
    ready: Vec<u32>,
    /// Who is due at a moment of its own.
    later: BinaryHeap<Reverse<(Moment, u32)>>,
    /// Who waits, by the lock that it waits for, in the order of their start.
    waiting: Vec<Vec<u32>>,
    /// How many wait.
    waiters: usize,
}

impl Steps {
    /// Nobody yet, and the cells as the scenario has them.
    pub(crate) fn new(scenario: &Scenario) -> Steps {
        Steps {
            cells: scenario.shared.iter().map(|(_, value)| *value).collect(),
            holders: vec![None; scenario.locks.len()],
            waiting: vec![Vec::new(); scenario.locks.len()],
            ..Steps::default()
        }
    }

    /// What each cell holds, in the order of the scenario.
    pub(crate) fn cells(&self) -> &[i64] {
        &self.cells
    }

    /// One more player, due at this moment; its id is the number of those before it.
    pub(crate) fn add(&mut self, due: Moment, die: Die) {
        let id = self.players.len() as u32;
        self.players.push(Player { at: 0, register: 0, die });
        self.later.push(Reverse((due, id)));
    }

    /// When the next step or end is due.
    #[inline]
    pub(crate) fn next_due(&self) -> Option<Moment> {
        let later = self.later.peek().map(|Reverse((due, _))| *due);
        if self.ready.is_empty() {
            later
        } else {
            Some(later.map_or(self.instant, |due| due.min(self.instant)))
        }
    }

    /// Whether there are players left, and all of them wait.
    pub(crate) fn are_stuck(&self) -> bool {
        self.waiters > 0 && self.ready.is_empty() && self.later.is_empty()
    }

    /// Who waits, with the lock that it waits for, in the order of their start.
    pub(crate) fn waiting(&self) -> Vec<(u32, usize)> {
        let of_locks = self.waiting.iter().enumerate();
        let mut waiting: Vec<_> =
            of_locks.flat_map(|(lock, ids)| ids.iter().map(move |id| (*id, lock))).collect();
        waiting.sort_unstable();
        waiting
    }

    /// Makes ready who is due at the next instant; one whose last pause is over by then has ended, and
    /// comes back.
    pub(crate) fn gather(&mut self, scenario: &Scenario, roles: &[Role]) -> Option<u32> {
        if self.ready.is_empty() {
            self.instant = self.instant.max(self.later.peek()?.0.0);
        }
        while let Some(Reverse((due, id))) = self.later.peek().copied()
            && due <= self.instant
        {
            self.later.pop();
            if self.players[id as usize].at as usize == roles[id as usize].steps(scenario).len() {
                return Some(id);
            }
            self.make_ready(id, scenario, roles);
        }
        None
    }

    /// The moment of the steps that are taken now.
    pub(crate) fn instant(&self) -> Moment {
        self.instant
    }

    /// How many could take a step now.
    pub(crate) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// Whether nothing but a step can come next.
    pub(crate) fn are_at_a_step(&self) -> bool {
        !self.ready.is_empty() && self.later.peek().is_none_or(|Reverse((due, _))| *due > self.instant)
    }

    /// Who has not ended takes its place among the ready, or waits.
    fn make_ready(&mut self, id: u32, scenario: &Scenario, roles: &[Role]) {
        match self.next_lock(id, scenario, roles) {
            Some(lock) if self.holders[lock].is_some() => self.wait(id, lock),
            _ => insert(&mut self.ready, id),
        }
    }

    /// A player waits for a lock.
    fn wait(&mut self, id: u32, lock: usize) {
        insert(&mut self.waiting[lock], id);
        self.waiters += 1;
    }

    /// The lock that a player takes with its next step.
    fn next_lock(&self, id: u32, scenario: &Scenario, roles: &[Role]) -> Option<usize> {
        let steps = roles[id as usize].steps(scenario);
        match steps.get(self.players[id as usize].at as usize)?.act {
            Act::Lock(lock) => Some(lock),
            _ => None,
        }
    }

    /// The `k`th of the ready players takes its next step.
    ///
    /// # Panics
    /// If there are not as many.
    pub(crate) fn take(&mut self, k: usize, scenario: &Scenario, roles: &[Role]) -> Taken {
        let id = self.ready[k];
        let role = roles[id as usize];
        let steps = role.steps(scenario);
        let player = &mut self.players[id as usize];
        let step = player.at as usize;
        player.at += 1;
        let is_last = step + 1 == steps.len();
        let mut taken = Taken { id, step, register: 0, direction: None, has_ended: is_last };
        match &steps[step].act {
            Act::Load(cell) => player.register = self.cells[*cell],
            Act::Store(cell) => self.cells[*cell] = player.register,
            Act::Add(number) => player.register = player.register.wrapping_add(*number),
            Act::Mul(number) => player.register = player.register.wrapping_mul(*number),
            Act::Move => {
                let directions = &role.group(scenario).directions;
                taken.direction = Some(directions[player.die.below(directions.len() as u32) as usize]);
            }
            Act::Say => {}
            Act::Pause(interval) => {
                self.pause(k, interval);
                taken.has_ended = false;
                taken.register = self.players[id as usize].register;
                return taken;
            }
            Act::Lock(lock) => self.lock(*lock, id, scenario, roles),
            Act::Unlock(lock) => self.unlock(*lock),
        }
        taken.register = self.players[id as usize].register;
        self.settle(id, is_last, scenario, roles);
        taken
    }

    /// Who has taken a step leaves the ready, if it has ended or has to wait.
    fn settle(&mut self, id: u32, has_ended: bool, scenario: &Scenario, roles: &[Role]) {
        let lock = self.next_lock(id, scenario, roles).filter(|lock| self.holders[*lock].is_some());
        if (has_ended || lock.is_some())
            && let Ok(place) = self.ready.binary_search(&id)
        {
            self.ready.remove(place);
        }
        if let Some(lock) = lock {
            self.wait(id, lock);
        }
    }

    /// The `k`th of the ready players waits for one draw.
    fn pause(&mut self, k: usize, interval: &Interval) {
        let id = self.ready.remove(k);
        let wait = self.players[id as usize].die.span(interval);
        self.later.push(Reverse((self.instant.saturating_add(wait), id)));
    }

    /// A lock is taken: the others that come to it wait.
    fn lock(&mut self, lock: usize, holder: u32, scenario: &Scenario, roles: &[Role]) {
        self.holders[lock] = Some(holder);
        let mut ready = std::mem::take(&mut self.ready);
        let comes_to_it = |id: &mut u32| *id != holder && self.next_lock(*id, scenario, roles) == Some(lock);
        // Nobody waits yet: until now it was free.
        self.waiting[lock] = ready.extract_if(.., comes_to_it).collect();
        self.waiters += self.waiting[lock].len();
        self.ready = ready;
    }

    /// A lock is given back: who waited for it is ready again.
    fn unlock(&mut self, lock: usize) {
        self.holders[lock] = None;
        let freed = std::mem::take(&mut self.waiting[lock]);
        self.waiters -= freed.len();
        self.ready.extend(freed);
        // Two runs in order, which it puts together.
        self.ready.sort();
    }

    /// The players of a spawn take no more steps. What they have locked stays locked.
    pub(crate) fn stop(&mut self, play: u32, roles: &[Role]) {
        let is_left = |id: u32| roles[id as usize].play != play;
        self.ready.retain(|id| is_left(*id));
        self.waiting.iter_mut().for_each(|ids| ids.retain(|id| is_left(*id)));
        self.waiters = self.waiting.iter().map(Vec::len).sum();
        self.later.retain(|Reverse((_, id))| is_left(*id));
    }

    /// All that can still make a difference, as bytes: two states with the same are one. (Who has which
    /// lock follows from where the players stand, and their dice from what they have thrown.) A register
    /// that is not stored before it is loaded again makes none.
    pub(crate) fn push_key(&self, key: &mut Vec<u8>, scenario: &Scenario, roles: &[Role]) {
        for cell in &self.cells {
            key.extend_from_slice(&cell.to_le_bytes());
        }
        for (player, role) in self.players.iter().zip(roles) {
            key.extend_from_slice(&player.at.to_le_bytes());
            if is_live(&role.steps(scenario)[player.at as usize..]) {
                key.extend_from_slice(&player.register.to_le_bytes());
            }
        }
        let mut later: Vec<(Moment, u32)> = self.later.iter().map(|Reverse(one)| *one).collect();
        later.sort_unstable();
        for (due, id) in later {
            key.extend_from_slice(&due.0.to_le_bytes());
            key.extend_from_slice(&id.to_le_bytes());
        }
    }
}

/// Puts an id into its place; one that is there already is there once.
fn insert(ids: &mut Vec<u32>, id: u32) {
    if let Err(place) = ids.binary_search(&id) {
        ids.insert(place, id);
    }
}

/// Whether what the register holds before these steps can reach a cell.
fn is_live(steps: &[Step]) -> bool {
    let decides = |step: &Step| match step.act {
        Act::Store(_) => Some(true),
        Act::Load(_) | Act::Mul(0) => Some(false),
        _ => None,
    };
    steps.iter().find_map(decides).unwrap_or(false)
}
