//! The players that take steps: the next step of each, the values of the cells, the holders of the locks.
//! Decides which players can take a step, and what a step does; never which of them takes it.
//!
//! # How it works
//!
//! All players that are due at one instant and do not wait for a lock are *ready*. One of them takes a
//! step, which takes no time, so it is ready again at the same instant, unless it has ended, pauses, or
//! comes to a lock that another player holds; then it *waits* until that lock is released. When no player is
//! ready, all steps of the instant have been taken, and the next instant comes.
//!
//! The constant properties of a player (its steps, its spawn, its name) are in its [`StepRole`], apart from
//! its state, so that a state is small: an exhaustive walk keeps very many of them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::engine::random::RandomStream;
use crate::scenario::interval::Interval;
use crate::scenario::model::steps::{PlayerStep, StepAction};
use crate::scenario::model::{PlayerBehavior, PlayerGroup, PresetKind, Scenario};
use scenario_log::event::MoveDirection;
use scenario_log::time::Moment;

/// The identity of a player that takes steps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StepRole {
    /// Index into the spawns of the scheduler of the players.
    pub(crate) spawn: u32,
    pub(crate) preset: u32,
    /// The row of the preset.
    pub(crate) group: u32,
    /// The number of the player in its row, from 0.
    pub(crate) n: u32,
}

impl StepRole {
    pub(crate) fn group(self, scenario: &Scenario) -> &PlayerGroup {
        match &scenario.presets[self.preset as usize].kind {
            PresetKind::Players(players) => &players.groups[self.group as usize],
            PresetKind::Command(_) => unreachable!("only players take steps"),
        }
    }

    pub(crate) fn steps(self, scenario: &Scenario) -> &[PlayerStep] {
        match &self.group(scenario).behavior {
            PlayerBehavior::Steps(steps) => steps,
            PlayerBehavior::Moves { .. } => &[],
        }
    }
}

/// The state of a player.
#[derive(Clone, Debug)]
struct StepPlayer {
    /// The index of its next step, from 0.
    next_step: u32,
    register: i64,
    random: RandomStream,
}

/// The effects of a step.
#[derive(Debug)]
pub(crate) struct TakenStep<'s> {
    /// The player that took it.
    pub(crate) id: u32,
    /// The index of the step, from 0.
    pub(crate) step: usize,
    /// The value of the player's register after the step.
    pub(crate) register: i64,
    /// The direction of its move, if the step was one.
    pub(crate) direction: Option<MoveDirection<'s>>,
    /// Whether that was its last step, so that it has ended.
    pub(crate) has_ended: bool,
}

/// All players that take steps.
#[derive(Clone, Debug, Default)]
pub(crate) struct StepMachine {
    players: Vec<StepPlayer>,
    /// The value of each cell.
    cells: Vec<i64>,
    /// The holder of each lock.
    holders: Vec<Option<u32>>,
    /// The instant of the steps that are being taken.
    instant: Moment,
    /// The players that can take a step now, in the order of their start.
    ready: Vec<u32>,
    /// The players that become ready at a later moment.
    sleeping: BinaryHeap<Reverse<(Moment, u32)>>,
    /// The players that wait for each lock, in the order of their start.
    lock_waiters: Vec<Vec<u32>>,
    waiter_count: usize,
}

impl StepMachine {
    /// No player yet, and the cells with their initial values.
    pub(crate) fn new(scenario: &Scenario) -> StepMachine {
        StepMachine {
            cells: scenario.shared_cells.iter().map(|(_, value)| *value).collect(),
            holders: vec![None; scenario.locks.len()],
            lock_waiters: vec![Vec::new(); scenario.locks.len()],
            ..StepMachine::default()
        }
    }

    /// The value of each cell, in the order of the scenario.
    pub(crate) fn cells(&self) -> &[i64] {
        &self.cells
    }

    /// Adds a player that is due at this moment. Its id is the number of players before it.
    pub(crate) fn add_player(&mut self, due: Moment, random: RandomStream) {
        let id = self.players.len() as u32;
        self.players.push(StepPlayer { next_step: 0, register: 0, random });
        self.sleeping.push(Reverse((due, id)));
    }

    /// The moment of the next step or end of a player.
    #[inline]
    pub(crate) fn next_due(&self) -> Option<Moment> {
        let later = self.sleeping.peek().map(|Reverse((due, _))| *due);
        if self.ready.is_empty() {
            later
        } else {
            Some(later.map_or(self.instant, |due| due.min(self.instant)))
        }
    }

    /// Whether players are left, and all of them wait.
    pub(crate) fn is_deadlocked(&self) -> bool {
        self.waiter_count > 0 && self.ready.is_empty() && self.sleeping.is_empty()
    }

    /// The players that wait, each with its lock, in the order of their start.
    pub(crate) fn lock_waits(&self) -> Vec<(u32, usize)> {
        let of_locks = self.lock_waiters.iter().enumerate();
        let mut waiting: Vec<_> =
            of_locks.flat_map(|(lock, ids)| ids.iter().map(move |id| (*id, lock))).collect();
        waiting.sort_unstable();
        waiting
    }

    /// Makes the players ready that are due at the next instant. Returns the first of them whose last pause
    /// is over: it has ended, and the others are left for the next call.
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

    /// The instant of the steps that are being taken.
    pub(crate) fn instant(&self) -> Moment {
        self.instant
    }

    /// The number of players that can take a step now.
    pub(crate) fn ready_count(&self) -> usize {
        self.ready.len()
    }

    /// Whether only a step can come next.
    pub(crate) fn is_at_choice(&self) -> bool {
        !self.ready.is_empty() && self.sleeping.peek().is_none_or(|Reverse((due, _))| *due > self.instant)
    }

    /// Makes a player ready, or lets it wait for a lock.
    fn make_ready(&mut self, id: u32, scenario: &Scenario, roles: &[StepRole]) {
        match self.next_lock(id, scenario, roles) {
            Some(lock) if self.holders[lock].is_some() => self.wait_for_lock(id, lock),
            _ => insert_sorted(&mut self.ready, id),
        }
    }

    fn wait_for_lock(&mut self, id: u32, lock: usize) {
        insert_sorted(&mut self.lock_waiters[lock], id);
        self.waiter_count += 1;
    }

    /// The lock that a player takes with its next step, if that step takes one.
    fn next_lock(&self, id: u32, scenario: &Scenario, roles: &[StepRole]) -> Option<usize> {
        let steps = roles[id as usize].steps(scenario);
        match steps.get(self.players[id as usize].next_step as usize)?.action {
            StepAction::Lock(lock) => Some(lock),
            _ => None,
        }
    }

    /// Lets the `k`th of the ready players take its next step.
    ///
    /// # Panics
    /// If fewer players are ready.
    pub(crate) fn take_step<'s>(
        &mut self,
        k: usize,
        scenario: &'s Scenario,
        roles: &[StepRole],
    ) -> TakenStep<'s> {
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
                let drawn = &directions[player.random.below(directions.len() as u32) as usize];
                taken.direction = Some(MoveDirection::from_word(drawn));
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

    /// Removes a player that has taken a step from the ready players, if it has ended or must wait.
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

    /// Lets the `k`th of the ready players pause for one draw.
    fn sleep(&mut self, k: usize, interval: &Interval) {
        let id = self.ready.remove(k);
        let wait = self.players[id as usize].random.sample(interval);
        self.sleeping.push(Reverse((self.instant.saturating_add(wait), id)));
    }

    /// Takes a lock: the other players whose next step takes it wait.
    fn acquire_lock(&mut self, lock: usize, holder: u32, scenario: &Scenario, roles: &[StepRole]) {
        self.holders[lock] = Some(holder);
        let mut ready = std::mem::take(&mut self.ready);
        let must_wait = |id: &mut u32| *id != holder && self.next_lock(*id, scenario, roles) == Some(lock);
        // No player waits for it yet: until now it was free.
        self.lock_waiters[lock] = ready.extract_if(.., must_wait).collect();
        self.waiter_count += self.lock_waiters[lock].len();
        self.ready = ready;
    }

    /// Releases a lock: the players that waited for it are ready again.
    fn release_lock(&mut self, lock: usize) {
        self.holders[lock] = None;
        let freed = std::mem::take(&mut self.lock_waiters[lock]);
        self.waiter_count -= freed.len();
        self.ready.extend(freed);
        // Two sorted parts, which the sort merges.
        self.ready.sort();
    }

    /// Lets the players of a spawn take no more steps. The locks that they hold stay locked.
    pub(crate) fn remove_spawn(&mut self, spawn: u32, roles: &[StepRole]) {
        let is_left = |id: u32| roles[id as usize].spawn != spawn;
        self.ready.retain(|id| is_left(*id));
        self.lock_waiters.iter_mut().for_each(|ids| ids.retain(|id| is_left(*id)));
        self.waiter_count = self.lock_waiters.iter().map(Vec::len).sum();
        self.sleeping.retain(|Reverse((_, id))| is_left(*id));
    }

    /// Appends everything that can still make a difference, as bytes: two states with the same bytes are
    /// the same. (The holders of the locks and the states of the random streams follow from the steps that
    /// were taken.) A register makes no difference if it is loaded again before it is stored.
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

/// Inserts an id into sorted ids, unless it is among them.
fn insert_sorted(ids: &mut Vec<u32>, id: u32) {
    if let Err(place) = ids.binary_search(&id) {
        ids.insert(place, id);
    }
}

/// Whether the value of the register before these steps can reach a cell.
fn is_register_live(steps: &[PlayerStep]) -> bool {
    let decides = |step: &PlayerStep| match step.action {
        StepAction::Store(_) => Some(true),
        StepAction::Load(_) | StepAction::Mul(0) => Some(false),
        _ => None,
    };
    steps.iter().find_map(decides).unwrap_or(false)
}
