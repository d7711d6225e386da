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

use crate::engine::random::RandomStream;
use crate::scenario::interval::Interval;
use crate::scenario::model::steps::{PlayerStep, StepAction};
use crate::scenario::model::{PlayerBehavior, PlayerGroup, PresetKind, Scenario};
use scenario_log::event::Direction;
use scenario_log::time::Moment;

/// Which player one is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StepRole {
    /// Index into the plays.
    pub(crate) spawn: u32,
    /// Which preset, and which row of it.
    pub(crate) preset: u32,
    pub(crate) group: u32,
    /// Which of the row's players, from 0.
    pub(crate) n: u32,
}

impl StepRole {
    /// Its row of the scenario.
    pub(crate) fn group(self, scenario: &Scenario) -> &PlayerGroup {
        match &scenario.presets[self.preset as usize].kind {
            PresetKind::Players(players) => &players.groups[self.group as usize],
            PresetKind::Command(_) => unreachable!("only players take steps"),
        }
    }

    /// Its steps.
    pub(crate) fn steps(self, scenario: &Scenario) -> &[PlayerStep] {
        match &self.group(scenario).behavior {
            PlayerBehavior::Steps(steps) => steps,
            PlayerBehavior::Moves { .. } => &[],
        }
    }
}

/// Where a player stands.
#[derive(Clone, Debug)]
struct StepPlayer {
    /// Its next step, from 0.
    next_step: u32,
    register: i64,
    random: RandomStream,
}

/// What came of a step.
#[derive(Debug)]
pub(crate) struct TakenStep {
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
pub(crate) struct StepMachine {
    players: Vec<StepPlayer>,
    /// What each cell holds.
    cells: Vec<i64>,
    /// Who has each lock.
    holders: Vec<Option<u32>>,
    /// The instant whose steps are being taken.
    instant: Moment,
    /// Who could take a step now, in the order of their start.
    ready: Vec<u32>,
    /// Who is due at a moment of its own.
    sleeping: BinaryHeap<Reverse<(Moment, u32)>>,
    /// Who waits, by the lock that it waits for, in the order of their start.
    lock_waiters: Vec<Vec<u32>>,
    /// How many wait.
    waiter_count: usize,
}

impl StepMachine {
    /// Nobody yet, and the cells as the scenario has them.
    pub(crate) fn new(scenario: &Scenario) -> StepMachine {
        StepMachine {
            cells: scenario.shared_cells.iter().map(|(_, value)| *value).collect(),
            holders: vec![None; scenario.locks.len()],
            lock_waiters: vec![Vec::new(); scenario.locks.len()],
            ..StepMachine::default()
        }
    }

    /// What each cell holds, in the order of the scenario.
    pub(crate) fn cells(&self) -> &[i64] {
        &self.cells
    }

    /// One more player, due at this moment; its id is the number of those before it.
    pub(crate) fn add_player(&mut self, due: Moment, die: RandomStream) {
        let id = self.players.len() as u32;
        self.players.push(StepPlayer { next_step: 0, register: 0, random: die });
        self.sleeping.push(Reverse((due, id)));
    }

    /// When the next step or end is due.
    #[inline]
    pub(crate) fn next_due(&self) -> Option<Moment> {
        let later = self.sleeping.peek().map(|Reverse((due, _))| *due);
        if self.ready.is_empty() {
            later
        } else {
            Some(later.map_or(self.instant, |due| due.min(self.instant)))
        }
    }

    /// Whether there are players left, and all of them wait.
    pub(crate) fn is_deadlocked(&self) -> bool {
        self.waiter_count > 0 && self.ready.is_empty() && self.sleeping.is_empty()
    }

    /// Who waits, with the lock that it waits for, in the order of their start.
    pub(crate) fn lock_waits(&self) -> Vec<(u32, usize)> {
        let of_locks = self.lock_waiters.iter().enumerate();
        let mut waiting: Vec<_> =
            of_locks.flat_map(|(lock, ids)| ids.iter().map(move |id| (*id, lock))).collect();
        waiting.sort_unstable();
        waiting
    }

    /// Makes ready who is due at the next instant; one whose last pause is over by then has ended, and
    /// comes back.
    pub(crate) fn wake_due(&mut self, scenario: &Scenario, roles: &[StepRole]) -> Option<u32> {
        if self.ready.is_empty() {
            self.instant = self.instant.max(self.sleeping.peek()?.0.0);
        }
        while let Some(Reverse((due, id))) = self.sleeping.peek().copied()
            && due <= self.instant
        {
            self.sleeping.pop();
            if self.players[id as usize].next_step as usize == roles[id as usize].steps(scenario).len() {
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
    pub(crate) fn ready_count(&self) -> usize {
        self.ready.len()
    }

    /// Whether nothing but a step can come next.
    pub(crate) fn is_at_choice(&self) -> bool {
        !self.ready.is_empty() && self.sleeping.peek().is_none_or(|Reverse((due, _))| *due > self.instant)
    }

    /// Who has not ended takes its place among the ready, or waits.
    fn make_ready(&mut self, id: u32, scenario: &Scenario, roles: &[StepRole]) {
        match self.next_lock(id, scenario, roles) {
            Some(lock) if self.holders[lock].is_some() => self.wait_for_lock(id, lock),
            _ => insert_sorted(&mut self.ready, id),
        }
    }

    /// A player waits for a lock.
    fn wait_for_lock(&mut self, id: u32, lock: usize) {
        insert_sorted(&mut self.lock_waiters[lock], id);
        self.waiter_count += 1;
    }

    /// The lock that a player takes with its next step.
    fn next_lock(&self, id: u32, scenario: &Scenario, roles: &[StepRole]) -> Option<usize> {
        let steps = roles[id as usize].steps(scenario);
        match steps.get(self.players[id as usize].next_step as usize)?.action {
            StepAction::Lock(lock) => Some(lock),
            _ => None,
        }
    }

    /// The `k`th of the ready players takes its next step.
    ///
    /// # Panics
    /// If there are not as many.
    pub(crate) fn take_step(&mut self, k: usize, scenario: &Scenario, roles: &[StepRole]) -> TakenStep {
        let id = self.ready[k];
        let role = roles[id as usize];
        let steps = role.steps(scenario);
        let player = &mut self.players[id as usize];
        let step = player.next_step as usize;
        player.next_step += 1;
        let is_last = step + 1 == steps.len();
        let mut taken = TakenStep { id, step, register: 0, direction: None, has_ended: is_last };
        match &steps[step].action {
            StepAction::Load(cell) => player.register = self.cells[*cell],
            StepAction::Store(cell) => self.cells[*cell] = player.register,
            StepAction::Add(number) => player.register = player.register.wrapping_add(*number),
            StepAction::Mul(number) => player.register = player.register.wrapping_mul(*number),
            StepAction::Move => {
                let directions = &role.group(scenario).directions;
                taken.direction = Some(directions[player.random.below(directions.len() as u32) as usize]);
            }
            StepAction::Say => {}
            StepAction::Pause(interval) => {
                self.sleep(k, interval);
                taken.has_ended = false;
                taken.register = self.players[id as usize].register;
                return taken;
            }
            StepAction::Lock(lock) => self.acquire_lock(*lock, id, scenario, roles),
            StepAction::Unlock(lock) => self.release_lock(*lock),
        }
        taken.register = self.players[id as usize].register;
        self.update_ready(id, is_last, scenario, roles);
        taken
    }

    /// Who has taken a step leaves the ready, if it has ended or has to wait.
    fn update_ready(&mut self, id: u32, has_ended: bool, scenario: &Scenario, roles: &[StepRole]) {
        let lock = self.next_lock(id, scenario, roles).filter(|lock| self.holders[*lock].is_some());
        if (has_ended || lock.is_some())
            && let Ok(place) = self.ready.binary_search(&id)
        {
            self.ready.remove(place);
        }
        if let Some(lock) = lock {
            self.wait_for_lock(id, lock);
        }
    }

    /// The `k`th of the ready players waits for one draw.
    fn sleep(&mut self, k: usize, interval: &Interval) {
        let id = self.ready.remove(k);
        let wait = self.players[id as usize].random.sample(interval);
        self.sleeping.push(Reverse((self.instant.saturating_add(wait), id)));
    }

    /// A lock is taken: the others that come to it wait.
    fn acquire_lock(&mut self, lock: usize, holder: u32, scenario: &Scenario, roles: &[StepRole]) {
        self.holders[lock] = Some(holder);
        let mut ready = std::mem::take(&mut self.ready);
        let comes_to_it = |id: &mut u32| *id != holder && self.next_lock(*id, scenario, roles) == Some(lock);
        // Nobody waits yet: until now it was free.
        self.lock_waiters[lock] = ready.extract_if(.., comes_to_it).collect();
        self.waiter_count += self.lock_waiters[lock].len();
        self.ready = ready;
    }

    /// A lock is given back: who waited for it is ready again.
    fn release_lock(&mut self, lock: usize) {
        self.holders[lock] = None;
        let freed = std::mem::take(&mut self.lock_waiters[lock]);
        self.waiter_count -= freed.len();
        self.ready.extend(freed);
        // Two runs in order, which it puts together.
        self.ready.sort();
    }

    /// The players of a spawn take no more steps. What they have locked stays locked.
    pub(crate) fn remove_spawn(&mut self, play: u32, roles: &[StepRole]) {
        let is_left = |id: u32| roles[id as usize].spawn != play;
        self.ready.retain(|id| is_left(*id));
        self.lock_waiters.iter_mut().for_each(|ids| ids.retain(|id| is_left(*id)));
        self.waiter_count = self.lock_waiters.iter().map(Vec::len).sum();
        self.sleeping.retain(|Reverse((_, id))| is_left(*id));
    }

    /// All that can still make a difference, as bytes: two states with the same are one. (Who has which
    /// lock follows from where the players stand, and their dice from what they have thrown.) A register
    /// that is not stored before it is loaded again makes none.
    pub(crate) fn push_state_key(&self, key: &mut Vec<u8>, scenario: &Scenario, roles: &[StepRole]) {
        for cell in &self.cells {
            key.extend_from_slice(&cell.to_le_bytes());
        }
        for (player, role) in self.players.iter().zip(roles) {
            key.extend_from_slice(&player.next_step.to_le_bytes());
            if is_register_live(&role.steps(scenario)[player.next_step as usize..]) {
                key.extend_from_slice(&player.register.to_le_bytes());
            }
        }
        let mut later: Vec<(Moment, u32)> = self.sleeping.iter().map(|Reverse(one)| *one).collect();
        later.sort_unstable();
        for (due, id) in later {
            key.extend_from_slice(&due.0.to_le_bytes());
            key.extend_from_slice(&id.to_le_bytes());
        }
    }
}

/// Puts an id into its place; one that is there already is there once.
fn insert_sorted(ids: &mut Vec<u32>, id: u32) {
    if let Err(place) = ids.binary_search(&id) {
        ids.insert(place, id);
    }
}

/// Whether what the register holds before these steps can reach a cell.
fn is_register_live(steps: &[PlayerStep]) -> bool {
    let decides = |step: &PlayerStep| match step.action {
        StepAction::Store(_) => Some(true),
        StepAction::Load(_) | StepAction::Mul(0) => Some(false),
        _ => None,
    };
    steps.iter().find_map(decides).unwrap_or(false)
}
