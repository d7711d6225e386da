//! The players that take steps: the next step of each, the values of the cells, the holders of the locks, the
//! messages in the channels. Decides which players can take a step, and what a step does; never which of
//! them takes it.
//!
//! # How it works
//!
//! Each player follows the [instructions](crate::scenario::model::step_program) of its row. All players that are
//! due at one instant and do not have to wait for others are *ready*. One of them takes a step, which takes no
//! time, so it is ready again at the same instant, unless it has ended, pauses, fetches, or comes to a step that
//! must wait: a lock that another player holds, a condition that does not hold, a channel that is full or
//! empty. Then it is *blocked* until what it waits for has changed. When no player is ready, all steps of the
//! instant have been taken, and the next instant comes.
//!
//! Where a step can go in several ways (a message of a lossy channel arrives or is lost, one of several messages is
//! received), each way is a choice of its own, beside the choice of the player.
//!
//! The constant properties of a player (its steps, its spawn, its name) are in its [`StepRole`], apart from
//! its state, so that a state is small: an exhaustive walk keeps very many of them.

use std::collections::VecDeque;

use crate::engine::random::RandomStream;
use crate::engine::ready_set::ReadySet;
use crate::engine::sleeping_players::SleepingPlayers;
use crate::engine::step_resources::{StepResources, waited_resources};
use crate::scenario::interval::Interval;
use crate::scenario::model::step_program::Instruction;
use crate::scenario::model::step_program::StepProgram;
use crate::scenario::model::steps::{
    Chance, ChannelOrder, ConditionInputs, ConditionTest, PlayerStep, StepAction,
};
use crate::scenario::model::{PlayerBehavior, PlayerGroup, PresetKind, Scenario};
use scenario_log::event::MoveDirection;
use scenario_log::time::Moment;

/// The most rounds of loops that a player makes at one moment. A loop that lets no time pass would never end.
const MAX_ROUNDS_AT_ONCE: u32 = 1_000_000;

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

    pub(crate) fn program(self, scenario: &Scenario) -> &StepProgram {
        match &self.group(scenario).behavior {
            PlayerBehavior::Steps(program) => program,
            PlayerBehavior::Moves { .. } => unreachable!("a player that moves takes no steps"),
        }
    }
}

/// The thing that a player waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PlayerState {
    /// For its start, or for the end of a pause.
    Sleeping,
    /// For nothing.
    Ready,
    /// For others, before its next step.
    Blocked,
    /// For the answers to its requests.
    Fetching,
    /// It has ended, or was stopped.
    Ended,
}

/// The state of a player.
#[derive(Clone, Debug)]
struct StepPlayer {
    register: i64,
    random: RandomStream,
    /// The index of its next instruction, from 0.
    next: u32,
    /// Where its counters begin.
    counters: u32,
    /// The rounds of loops since it last waited.
    rounds: u32,
    state: PlayerState,
    /// Whether its last fetch is as expected.
    last_fetch: Option<bool>,
    /// Whether a failed fetch has ended it.
    has_given_up: bool,
}

/// The effects of a step.
#[derive(Debug)]
pub(crate) struct TakenStep<'s> {
    /// The player that took it.
    pub(crate) id: u32,
    /// The index of its instruction, from 0.
    pub(crate) instruction: usize,
    /// The value of the player's register after the step.
    pub(crate) register: i64,
    /// The direction of its move, if the step was one.
    pub(crate) direction: Option<MoveDirection<'s>>,
    /// The task that the run has for this step.
    pub(crate) request: Option<StepRequest>,
    /// Whether that was its last step, so that it has ended.
    pub(crate) has_ended: bool,
}

/// A task that a step gives the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StepRequest {
    /// Fail: the condition of an `assert` does not hold.
    FailAssert,
    /// Fail: the player releases a lock that it does not have.
    FailUnlock,
    /// Fail: the player takes steps without an end at one moment.
    FailEndless,
    /// Set a mark.
    Mark,
    /// Spawn a preset.
    Spawn(usize),
    /// Stop whatever runs of the target of the step.
    Stop,
    /// Start the fetches of the step.
    Fetch,
}

/// Where the instructions between two steps lead.
enum ControlFlow {
    Step,
    End,
    Endless,
}

/// All players that take steps.
#[derive(Clone, Debug, Default)]
pub(crate) struct StepMachine {
    players: Vec<StepPlayer>,
    /// The rounds that are left in the loops of each player.
    counters: Vec<u32>,
    /// The value of each cell.
    cells: Vec<i64>,
    /// The holder of each lock.
    holders: Vec<Option<u32>>,
    /// The messages in each channel: as they were sent, or sorted if they are received in any order.
    channels: Vec<VecDeque<i64>>,
    /// The instant of the steps that are being taken.
    instant: Moment,
    /// The players that can take a step now.
    ready: ReadySet,
    /// The players that become ready at a later moment.
    sleeping: SleepingPlayers,
    /// The players that wait for each resource.
    resources: StepResources,
    blocked_count: usize,
    fetching_count: usize,
    /// Whether a step can go in several ways.
    has_variants: bool,
}

impl StepMachine {
    /// No player yet, and the cells with their initial values.
    pub(crate) fn new(scenario: &Scenario) -> StepMachine {
        StepMachine {
            cells: scenario.shared_cells.iter().map(|(_, value)| *value).collect(),
            holders: vec![None; scenario.locks.len()],
            channels: vec![VecDeque::new(); scenario.channels.len()],
            resources: StepResources::new(scenario),
            has_variants: scenario
                .channels
                .iter()
                .any(|channel| channel.lossy || channel.order == ChannelOrder::Any),
            ..StepMachine::default()
        }
    }

    /// The value of each cell, in the order of the scenario.
    pub(crate) fn cells(&self) -> &[i64] {
        &self.cells
    }

    /// Makes room for so many players.
    pub(crate) fn reserve(&mut self, players: usize, program: &StepProgram) {
        self.players.reserve(players);
        self.counters.reserve(players * program.counter_count as usize);
    }

    /// Adds a player that is due at this moment. Its id is the number of players before it.
    pub(crate) fn add_player(&mut self, due: Moment, random: RandomStream, program: &StepProgram) {
        let id = self.players.len() as u32;
        self.players.push(StepPlayer {
            register: 0,
            random,
            next: 0,
            counters: self.counters.len() as u32,
            rounds: 0,
            state: PlayerState::Sleeping,
            last_fetch: None,
            has_given_up: false,
        });
        self.counters.resize(self.counters.len() + program.counter_count as usize, 0);
        self.sleeping.push(due, id);
    }

    /// The moment of the next step or end of a player.
    #[inline]
    pub(crate) fn next_due(&self) -> Option<Moment> {
        let later = self.sleeping.next_due();
        if self.ready.is_empty() {
            later
        } else {
            Some(later.map_or(self.instant, |due| due.min(self.instant)))
        }
    }

    /// Whether players are left, and all of them are blocked.
    pub(crate) fn is_deadlocked(&self) -> bool {
        self.blocked_count > 0
            && self.fetching_count == 0
            && self.ready.is_empty()
            && self.sleeping.is_empty()
    }

    /// The players that are blocked, in the order of their start.
    pub(crate) fn blocked_players(&self) -> impl Iterator<Item = u32> {
        let ids = self.players.iter().enumerate();
        ids.filter(|(_, player)| player.state == PlayerState::Blocked).map(|(id, _)| id as u32)
    }

    /// The index of a player's next instruction.
    pub(crate) fn next_instruction(&self, id: u32) -> usize {
        self.players[id as usize].next as usize
    }

    /// Makes the players ready that are due at the next instant. Returns the first of them that has ended
    /// with its last pause or fetch, or that would never end; the others are left for the next call.
    pub(crate) fn wake_due(
        &mut self,
        scenario: &Scenario,
        roles: &[StepRole],
    ) -> Option<(u32, Option<StepRequest>)> {
        if self.ready.is_empty() {
            self.instant = self.instant.max(self.sleeping.next_due()?);
        }
        while self.sleeping.next_due().is_some_and(|due| due <= self.instant)
            && let Some(id) = self.sleeping.pop()
        {
            let program = roles[id as usize].program(scenario);
            match self.follow_control(id, program) {
                ControlFlow::Step => self.make_ready(id, program, scenario),
                ControlFlow::End => {
                    self.players[id as usize].state = PlayerState::Ended;
                    return Some((id, None));
                }
                ControlFlow::Endless => {
                    self.players[id as usize].state = PlayerState::Ended;
                    return Some((id, Some(StepRequest::FailEndless)));
                }
            }
        }
        None
    }

    /// The instant of the steps that are being taken.
    pub(crate) fn instant(&self) -> Moment {
        self.instant
    }

    /// The number of choices for the next step.
    pub(crate) fn choice_count(&self, scenario: &Scenario, roles: &[StepRole]) -> usize {
        if !self.has_variants {
            return self.ready.len();
        }
        self.ready.iter().map(|id| self.variant_count(id, scenario, roles)).sum()
    }

    /// Whether a player can take a step now.
    pub(crate) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Whether only a step can come next.
    pub(crate) fn is_at_choice(&self) -> bool {
        !self.ready.is_empty() && self.sleeping.next_due().is_none_or(|due| due > self.instant)
    }

    /// The number of ways in which the next step of a ready player can go.
    fn variant_count(&self, id: u32, scenario: &Scenario, roles: &[StepRole]) -> usize {
        let program = roles[id as usize].program(scenario);
        match &program.instructions[self.next_instruction(id)] {
            Instruction::Step(PlayerStep { action: StepAction::Receive(at), .. })
                if scenario.channels[*at].order == ChannelOrder::Any =>
            {
                self.channels[*at].len()
            }
            Instruction::Step(PlayerStep { action: StepAction::Send(at), .. })
                if scenario.channels[*at].lossy && !self.is_full(*at, scenario) =>
            {
                2
            }
            _ => 1,
        }
    }

    /// The player of a choice, and the way in which its step goes.
    fn chosen(&self, mut choice: usize, scenario: &Scenario, roles: &[StepRole]) -> (u32, usize) {
        if !self.has_variants {
            return (self.ready.nth(choice), 0);
        }
        for id in self.ready.iter() {
            let count = self.variant_count(id, scenario, roles);
            if choice < count {
                return (id, choice);
            }
            choice -= count;
        }
        unreachable!("a choice is less than the number of choices")
    }

    /// Follows the instructions up to the next step.
    fn follow_control(&mut self, id: u32, program: &StepProgram) -> ControlFlow {
        let player = &mut self.players[id as usize];
        loop {
            let at = player.next;
            player.next = match program.instructions.get(at as usize) {
                None => return ControlFlow::End,
                Some(Instruction::Step(_) | Instruction::Test { .. }) => return ControlFlow::Step,
                Some(Instruction::Jump(to)) => {
                    if *to <= at {
                        player.rounds += 1;
                        if player.rounds > MAX_ROUNDS_AT_ONCE {
                            return ControlFlow::Endless;
                        }
                    }
                    *to
                }
                Some(Instruction::SetCounter { counter, from, to }) => {
                    let more = if from == to { 0 } else { player.random.below(to - from + 1) };
                    self.counters[(player.counters + counter) as usize] = from + more;
                    at + 1
                }
                Some(Instruction::CountRound { counter, end }) => {
                    let left = &mut self.counters[(player.counters + counter) as usize];
                    match left.checked_sub(1) {
                        Some(fewer) => {
                            *left = fewer;
                            at + 1
                        }
                        None => *end,
                    }
                }
                Some(Instruction::Chance { chance, otherwise }) => {
                    if player.random.below(Chance::ALWAYS) < chance.0 { at + 1 } else { *otherwise }
                }
                Some(Instruction::Choose(choices)) => {
                    let sum = choices.last().map_or(1, |(sum, _)| *sum);
                    let drawn = player.random.below(sum);
                    choices[choices.partition_point(|(sum, _)| *sum <= drawn)].1
                }
            };
        }
    }

    /// Makes a player ready, or lets it wait for what its next step needs.
    fn make_ready(&mut self, id: u32, program: &StepProgram, scenario: &Scenario) {
        if self.is_blocked(id, program, scenario) {
            self.block(id, program);
        } else {
            self.players[id as usize].state = PlayerState::Ready;
            self.ready.insert(id);
        }
    }

    /// Whether the next step of a player must wait.
    fn is_blocked(&self, id: u32, program: &StepProgram, scenario: &Scenario) -> bool {
        let Instruction::Step(step) = &program.instructions[self.next_instruction(id)] else { return false };
        match &step.action {
            StepAction::Lock(lock) => self.holders[*lock].is_some(),
            StepAction::Wait(condition) => !self.holds(id, &condition.test),
            StepAction::Send(channel) => {
                !scenario.channels[*channel].lossy && self.is_full(*channel, scenario)
            }
            StepAction::Receive(channel) => self.channels[*channel].is_empty(),
            _ => false,
        }
    }

    fn is_full(&self, channel: usize, scenario: &Scenario) -> bool {
        self.channels[channel].len() >= scenario.channels[channel].capacity as usize
    }

    fn holds(&self, id: u32, condition: &ConditionTest<usize>) -> bool {
        let player = &self.players[id as usize];
        condition.holds(&ConditionInputs {
            cells: &self.cells,
            register: player.register,
            last_fetch: player.last_fetch,
        })
    }

    fn block(&mut self, id: u32, program: &StepProgram) {
        let player = &mut self.players[id as usize];
        player.state = PlayerState::Blocked;
        player.rounds = 0;
        self.blocked_count += 1;
        self.ready.remove(id);
        self.resources.add_waiter(id, &program.instructions[player.next as usize]);
    }

    fn unblock(&mut self, id: u32, program: &StepProgram) {
        let player = &mut self.players[id as usize];
        player.state = PlayerState::Ready;
        self.blocked_count -= 1;
        self.ready.insert(id);
        self.resources.remove_waiter(id, &program.instructions[player.next as usize]);
    }

    /// A resource has changed by a step of a player: others may go on, or must wait now.
    fn resource_changed(&mut self, resource: usize, by: u32, scenario: &Scenario, roles: &[StepRole]) {
        if !self.resources.is_waited_for(resource) {
            return;
        }
        for id in self.resources.waiters(resource).to_vec() {
            let program = roles[id as usize].program(scenario);
            if !self.is_blocked(id, program, scenario) {
                self.unblock(id, program);
            }
        }
        let must_wait = |id: &u32| {
            if *id == by {
                return false;
            }
            let program = roles[*id as usize].program(scenario);
            let next = &program.instructions[self.next_instruction(*id)];
            waited_resources(next, &self.resources).any(|one| one == resource)
                && self.is_blocked(*id, program, scenario)
        };
        let blocked: Vec<u32> = self.ready.iter().filter(must_wait).collect();
        for id in blocked {
            self.block(id, roles[id as usize].program(scenario));
        }
    }

    /// Makes one of the possible choices: a player takes its next step.
    ///
    /// # Panics
    /// If there are fewer choices.
    pub(crate) fn take_step<'s>(
        &mut self,
        choice: usize,
        scenario: &'s Scenario,
        roles: &[StepRole],
    ) -> TakenStep<'s> {
        let (id, variant) = self.chosen(choice, scenario, roles);
        let program = roles[id as usize].program(scenario);
        let at = self.next_instruction(id);
        let (mut direction, mut request) = (None, None);
        self.players[id as usize].next += 1;
        match &program.instructions[at] {
            Instruction::Test { condition, otherwise, .. } => {
                if !self.holds(id, condition) {
                    self.players[id as usize].next = *otherwise;
                }
            }
            Instruction::Step(step) => match &step.action {
                StepAction::Move => {
                    let directions = &roles[id as usize].group(scenario).directions;
                    let random = &mut self.players[id as usize].random;
                    let drawn = &directions[random.below(directions.len() as u32) as usize];
                    direction = Some(MoveDirection::from_word(drawn));
                }
                StepAction::Pause(interval) => self.pause(id, interval),
                StepAction::Fetch(_) => {
                    self.set_fetching(id);
                    request = Some(StepRequest::Fetch);
                }
                StepAction::End => self.players[id as usize].next = program.instructions.len() as u32,
                action => request = self.act(id, action, variant, scenario, roles),
            },
            _ => unreachable!("a player stands before a step"),
        }
        let register = self.players[id as usize].register;
        let mut taken = TakenStep { id, instruction: at, register, direction, request, has_ended: false };
        if self.players[id as usize].state == PlayerState::Ready {
            match self.follow_control(id, program) {
                ControlFlow::Step => {
                    if self.is_blocked(id, program, scenario) {
                        self.block(id, program);
                    }
                }
                ControlFlow::End => taken.has_ended = true,
                ControlFlow::Endless => {
                    taken.has_ended = true;
                    taken.request = Some(StepRequest::FailEndless);
                }
            }
            if taken.has_ended {
                self.ready.remove(id);
                self.players[id as usize].state = PlayerState::Ended;
            }
        }
        taken
    }

    /// The effects of a step on the register, the cells, the locks and the channels.
    fn act(
        &mut self,
        id: u32,
        action: &StepAction,
        variant: usize,
        scenario: &Scenario,
        roles: &[StepRole],
    ) -> Option<StepRequest> {
        let player = &mut self.players[id as usize];
        match action {
            StepAction::Assert(condition) => {
                return (!self.holds(id, &condition.test)).then_some(StepRequest::FailAssert);
            }
            StepAction::Load(cell) => player.register = self.cells[*cell],
            StepAction::Store(cell) => {
                let value = player.register;
                self.set_cell(*cell, value, id, scenario, roles);
            }
            StepAction::Set(number) => player.register = *number,
            StepAction::Add(number) => player.register = player.register.wrapping_add(*number),
            StepAction::Mul(number) => player.register = player.register.wrapping_mul(*number),
            StepAction::CompareAndSwap { cell, expected, new } => {
                let is_swapped = self.cells[*cell] == *expected;
                player.register = i64::from(is_swapped);
                if is_swapped {
                    self.set_cell(*cell, *new, id, scenario, roles);
                }
            }
            StepAction::Lock(lock) => {
                self.holders[*lock] = Some(id);
                self.resource_changed(self.resources.lock(*lock), id, scenario, roles);
            }
            StepAction::Unlock(lock) => {
                if self.holders[*lock] != Some(id) {
                    return Some(StepRequest::FailUnlock);
                }
                self.holders[*lock] = None;
                self.resource_changed(self.resources.lock(*lock), id, scenario, roles);
            }
            StepAction::Send(channel) => {
                let value = player.register;
                self.send(*channel, value, variant, scenario);
                self.resource_changed(self.resources.channel(*channel), id, scenario, roles);
            }
            StepAction::Receive(channel) => {
                let received = self.channels[*channel].remove(variant);
                player.register = received.expect("a player that receives waits for a message");
                self.resource_changed(self.resources.channel(*channel), id, scenario, roles);
            }
            StepAction::Mark => return Some(StepRequest::Mark),
            StepAction::Spawn(preset) => return Some(StepRequest::Spawn(*preset)),
            StepAction::Stop(_) => return Some(StepRequest::Stop),
            _ => {}
        }
        None
    }

    fn set_cell(&mut self, cell: usize, value: i64, by: u32, scenario: &Scenario, roles: &[StepRole]) {
        if std::mem::replace(&mut self.cells[cell], value) != value {
            self.resource_changed(self.resources.cell(cell), by, scenario, roles);
        }
    }

    /// Puts a message into a channel; a lossy one loses it in its second variant, and when it is full.
    fn send(&mut self, channel: usize, value: i64, variant: usize, scenario: &Scenario) {
        if variant == 1 || self.is_full(channel, scenario) {
            return;
        }
        let messages = &mut self.channels[channel];
        match scenario.channels[channel].order {
            ChannelOrder::Fifo => messages.push_back(value),
            ChannelOrder::Any => {
                let place = messages.partition_point(|other| *other <= value);
                messages.insert(place, value);
            }
        }
    }

    /// Lets a ready player pause for one draw.
    fn pause(&mut self, id: u32, interval: &Interval) {
        self.ready.remove(id);
        let player = &mut self.players[id as usize];
        player.state = PlayerState::Sleeping;
        if interval.longest() != Some(scenario_log::time::Span::ZERO) {
            player.rounds = 0;
        }
        let wait = player.random.sample(interval);
        self.sleeping.push(self.instant.saturating_add(wait), id);
    }

    /// Lets a ready player wait for answers.
    fn set_fetching(&mut self, id: u32) {
        self.ready.remove(id);
        self.fetching_count += 1;
        let player = &mut self.players[id as usize];
        player.state = PlayerState::Fetching;
        player.rounds = 0;
    }

    /// The player's own draws.
    pub(crate) fn random_mut(&mut self, id: u32) -> &mut RandomStream {
        &mut self.players[id as usize].random
    }

    /// Lets a player that waits for answers go on at this moment. Returns whether it did wait.
    pub(crate) fn end_fetching(&mut self, id: u32, now: Moment, is_expected: bool) -> bool {
        let player = &mut self.players[id as usize];
        if player.state != PlayerState::Fetching {
            return false;
        }
        player.state = PlayerState::Sleeping;
        player.last_fetch = Some(is_expected);
        self.fetching_count -= 1;
        self.sleeping.push(now, id);
        true
    }

    /// The value of a player's register.
    pub(crate) fn register(&self, id: u32) -> i64 {
        self.players[id as usize].register
    }

    /// Lets a player that is about to go on begin again with its first step.
    pub(crate) fn restart(&mut self, id: u32) {
        let player = &mut self.players[id as usize];
        player.next = 0;
        player.register = 0;
        player.last_fetch = None;
    }

    /// Lets a player that is about to go on end instead, because of a failed fetch.
    pub(crate) fn give_up(&mut self, id: u32, program: &StepProgram) {
        let player = &mut self.players[id as usize];
        player.next = program.instructions.len() as u32;
        player.has_given_up = true;
    }

    /// Whether a failed fetch has ended a player.
    pub(crate) fn has_given_up(&self, id: u32) -> bool {
        self.players[id as usize].has_given_up
    }

    /// Lets the players of a spawn take no more steps. The locks that they hold stay locked.
    pub(crate) fn remove_spawn(&mut self, spawn: u32, scenario: &Scenario, roles: &[StepRole]) {
        let is_left = |id: u32| roles[id as usize].spawn != spawn;
        for id in (0..self.players.len() as u32).filter(|id| !is_left(*id)) {
            let player = &mut self.players[id as usize];
            match std::mem::replace(&mut player.state, PlayerState::Ended) {
                PlayerState::Ready => self.ready.remove(id),
                PlayerState::Blocked => {
                    let next = player.next as usize;
                    self.blocked_count -= 1;
                    let program = roles[id as usize].program(scenario);
                    self.resources.remove_waiter(id, &program.instructions[next]);
                }
                PlayerState::Fetching => self.fetching_count -= 1,
                PlayerState::Sleeping | PlayerState::Ended => {}
            }
        }
        self.sleeping.retain(is_left);
    }

    /// Appends everything that can still make a difference, as bytes: two states with the same bytes are
    /// the same. (Without branches the holders of the locks and the states of the random streams follow from
    /// the steps that were taken.) A register makes no difference if nothing reads it any more.
    pub(crate) fn push_state_key(&self, key: &mut Vec<u8>, scenario: &Scenario, roles: &[StepRole]) {
        for cell in &self.cells {
            key.extend_from_slice(&cell.to_le_bytes());
        }
        for messages in &self.channels {
            key.extend_from_slice(&(messages.len() as u32).to_le_bytes());
            messages.iter().for_each(|message| key.extend_from_slice(&message.to_le_bytes()));
        }
        if roles.iter().any(|role| role.program(scenario).is_branching) {
            for holder in &self.holders {
                key.extend_from_slice(&holder.unwrap_or(u32::MAX).to_le_bytes());
            }
        }
        for (player, role) in self.players.iter().zip(roles) {
            player.push_state_key(key, role.program(scenario), &self.counters);
        }
        for (due, id) in self.sleeping.sorted() {
            key.extend_from_slice(&due.0.to_le_bytes());
            key.extend_from_slice(&id.to_le_bytes());
        }
    }
}

impl StepPlayer {
    fn push_state_key(&self, key: &mut Vec<u8>, program: &StepProgram, counters: &[u32]) {
        key.extend_from_slice(&self.next.to_le_bytes());
        if program.is_register_live[self.next as usize] {
            key.extend_from_slice(&self.register.to_le_bytes());
        }
        if program.is_branching && self.state != PlayerState::Ended {
            let own = self.counters as usize..(self.counters + program.counter_count) as usize;
            counters[own].iter().for_each(|left| key.extend_from_slice(&left.to_le_bytes()));
            if program.draws {
                key.extend_from_slice(format!("{:?}", self.random).as_bytes());
            }
        }
    }
}
