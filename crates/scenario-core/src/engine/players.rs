//! The players that the runner plays itself: timers in a [calendar queue](crate::engine::calendar_queue),
//! not tasks. A player moves, waits one draw of its interval, moves again, and so on; its spawn ends when the
//! last of its players has ended its last wait. Players that take [steps](StepMachine) are not in the
//! calendar; at one instant the moves come before the steps.

use crate::engine::calendar_queue::{CalendarQueue, PlayerTimer};
use crate::engine::output::EngineOutput;
use crate::engine::random;
use crate::engine::random::RandomStream;
use crate::engine::steps::{StepMachine, StepRequest, StepRole, TakenStep};
use crate::engine::tie_break::TieBreaker;
use crate::scenario::interval::Interval;
use crate::scenario::model::steps::StepAction;
use crate::scenario::model::{
    OnFailure, PlayerBehavior, PlayerGroup, PlayersPreset as Preset, PresetKind, Scenario,
};
use scenario_log::event::{Event, MoveDirection, Source};
use scenario_log::name::PlayerName;
use scenario_log::time::Moment;

/// The most players for which room is made before they start.
const MAX_RESERVED: usize = 1 << 20;

/// One spawn of players.
#[derive(Clone, Debug)]
struct PlayerSpawn {
    source: Source,
    players_left: u32,
    /// How many of these move and take no steps.
    movers_left: u32,
    /// Its players do nothing any more.
    stopped: bool,
}

/// The players of one spawn that share a row of the scenario. Their ids are consecutive.
#[derive(Clone, Debug)]
struct SpawnedGroup {
    first_id: u32,
    /// Index into [`Players::spawns`].
    spawn: u32,
    preset: u32,
    /// The row of the preset.
    group: u32,
}

/// The choice among the players that can take a step at the same instant.
#[derive(Clone, Debug)]
enum StepChooser {
    /// The seed, or a schedule.
    TieBreak(TieBreaker),
    /// The caller: every step waits for its choice.
    External,
}

/// All players in the runner.
#[derive(Clone, Debug)]
pub(crate) struct Players {
    /// The players that take steps; `step_roles` identifies them.
    steps: StepMachine,
    step_roles: Vec<StepRole>,
    chooser: StepChooser,
    /// Players that move and have not ended.
    movers_left: u64,
    calendar: CalendarQueue,
    spawns: Vec<PlayerSpawn>,
    groups: Vec<SpawnedGroup>,
    next_id: u32,
    /// The group of the player that moved last: the next player is likely to be in the same group.
    last_group: usize,
}

/// Why the players stop playing for now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PlayResult {
    /// Nothing more is due.
    Idle,
    /// The last player of this spawn has ended its last wait, at this planned moment.
    SpawnEnded(Source, Moment),
    /// A player that takes steps has ended.
    StepPlayerEnded(u32),
    /// Every player that is left waits for others.
    Deadlock,
    /// A step asks the run to do something.
    StepRequested(RequestedStep),
    /// A step is to be taken, and the caller must choose whose.
    ChoiceNeeded,
}

/// A step that asks the run to do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestedStep {
    /// The player that took it.
    pub(crate) id: u32,
    /// The index of its instruction.
    pub(crate) instruction: usize,
    pub(crate) request: StepRequest,
    /// Whether the player has ended with it.
    pub(crate) has_ended: bool,
}

/// The players of a preset, if the preset is one of players.
pub(crate) fn players_preset(scenario: &Scenario, preset: usize) -> Option<&Preset> {
    match &scenario.presets[preset].kind {
        PresetKind::Players(players) => Some(players),
        PresetKind::Command(_) => None,
    }
}

impl Players {
    /// No player yet. The seed draws the ties.
    pub(crate) fn new(scenario: &Scenario, seed: u64) -> Players {
        Players {
            steps: StepMachine::new(scenario),
            step_roles: Vec::new(),
            chooser: StepChooser::TieBreak(TieBreaker::new(seed)),
            movers_left: 0,
            calendar: CalendarQueue::default(),
            spawns: Vec::new(),
            groups: Vec::new(),
            next_id: 0,
            last_group: 0,
        }
    }

    /// The moment of the next move, step or end of a player.
    pub(crate) fn next_due(&mut self) -> Option<Moment> {
        match (self.calendar.next_due(), self.steps.next_due()) {
            (Some(moves), Some(steps)) => Some(moves.min(steps)),
            (moves, steps) => moves.or(steps),
        }
    }

    /// Lets this schedule decide the first ties.
    pub(crate) fn set_schedule(&mut self, schedule: &[u32]) {
        if let StepChooser::TieBreak(ties) = &mut self.chooser {
            ties.set_schedule(schedule);
        }
    }

    /// Waits at every step for a choice from outside.
    pub(crate) fn choose_externally(&mut self) {
        self.chooser = StepChooser::External;
    }

    /// The players that take steps, and the cells.
    pub(crate) fn steps(&self) -> &StepMachine {
        &self.steps
    }

    /// Takes the players that take steps out; [`Players::set_steps`] must follow before anything else.
    pub(crate) fn take_steps(&mut self) -> StepMachine {
        std::mem::take(&mut self.steps)
    }

    pub(crate) fn set_steps(&mut self, steps: StepMachine) {
        self.steps = steps;
    }

    /// A player that takes steps: its spawn and its name.
    pub(crate) fn step_player<'s>(&self, id: u32, scenario: &'s Scenario) -> (Source, PlayerName<'s>) {
        let role = self.step_roles[id as usize];
        (self.spawns[role.spawn as usize].source, role.group(scenario).name.nth(role.n + 1))
    }

    /// The row of a player that takes steps.
    pub(crate) fn group_of<'s>(&self, id: u32, scenario: &'s Scenario) -> &'s PlayerGroup {
        self.step_roles[id as usize].group(scenario)
    }

    /// The ids of the players of a spawn that take steps: they were added together.
    pub(crate) fn players_of_spawn(&self, play: usize) -> std::ops::Range<u32> {
        let before =
            |spawn: usize| self.step_roles.partition_point(|role| (role.spawn as usize) < spawn) as u32;
        before(play)..before(play + 1)
    }

    /// Lets a player that waits for answers go on, as its row says if they are not as expected.
    pub(crate) fn end_fetching(
        &mut self,
        id: u32,
        now: Moment,
        is_expected: bool,
        on_failure: Option<OnFailure>,
        scenario: &Scenario,
    ) {
        if !self.steps.end_fetching(id, now, is_expected) {
            return;
        }
        match on_failure {
            Some(OnFailure::End) => {
                self.steps.give_up(id, self.step_roles[id as usize].program(scenario));
            }
            Some(OnFailure::Again) => self.steps.restart(id),
            Some(OnFailure::GoOn) | None => {}
        }
    }

    /// The player's own draws.
    pub(crate) fn random_mut(&mut self, id: u32) -> &mut RandomStream {
        self.steps.random_mut(id)
    }

    /// Lets a player end instead of its next step.
    pub(crate) fn give_up(&mut self, id: u32, scenario: &Scenario) {
        self.steps.give_up(id, self.step_roles[id as usize].program(scenario));
    }

    /// Whether a failed fetch has ended a player.
    pub(crate) fn has_given_up(&self, id: u32) -> bool {
        self.steps.has_given_up(id)
    }

    /// The roles of the players that take steps, by their ids.
    pub(crate) fn step_roles(&self) -> &[StepRole] {
        &self.step_roles
    }

    /// Whether there are ids left for the players of one more spawn of a preset: ids have 32 bits.
    pub(crate) fn has_ids_left(&self, scenario: &Scenario, preset: usize) -> bool {
        let groups = players_preset(scenario, preset).map_or(&[][..], |players| &players.groups);
        groups.iter().try_fold(self.next_id, |id, group| id.checked_add(group.count)).is_some()
    }

    /// Starts a spawn of players at its planned moment: players that move do so at once, in the order of
    /// the file. Returns its index, for [`Players::stop_spawn`]; `None` if it has no player with a move or a
    /// step, and so has ended already.
    ///
    /// # Panics
    /// If [`Players::has_ids_left`] is false for it.
    pub(crate) fn start_spawn(
        &mut self,
        scenario: &Scenario,
        (source, preset, nth): (Source, usize, u64),
        seed: u64,
        due: Moment,
        out: &mut EngineOutput<'_>,
    ) -> Option<usize> {
        let play = self.spawns.len();
        self.spawns.push(PlayerSpawn { source, players_left: 0, movers_left: 0, stopped: false });
        let name = &scenario.presets[preset].name;
        let purpose = random::player_stream_id(seed, name, nth);
        let groups = players_preset(scenario, preset).map_or(&[][..], |players| &players.groups);
        for (row, group) in groups.iter().enumerate() {
            let first = self.next_id;
            self.groups.push(SpawnedGroup {
                first_id: first,
                spawn: play as u32,
                preset: preset as u32,
                group: row as u32,
            });
            self.next_id = first.checked_add(group.count).expect("the caller has checked `has_ids_left`");
            let active = if group.is_active() { group.count } else { 0 };
            if let PlayerBehavior::Steps(program) = &group.behavior {
                let room = (active as usize).min(MAX_RESERVED);
                self.step_roles.reserve(room);
                self.steps.reserve(room, program);
            }
            for n in 0..active {
                if !out.wants_more() {
                    return None;
                }
                let random = purpose.with_player(group.name.nth(n + 1)).stream();
                self.spawns[play].players_left += 1;
                match &group.behavior {
                    PlayerBehavior::Moves { moves, every } => {
                        self.spawns[play].movers_left += 1;
                        self.movers_left += 1;
                        let row = PlayerTimer { due, random, id: first + n, moves_left: *moves };
                        self.make_move(row, n, (group, every), source, out);
                    }
                    PlayerBehavior::Steps(program) => {
                        self.step_roles.push(StepRole {
                            spawn: play as u32,
                            preset: preset as u32,
                            group: row as u32,
                            n,
                        });
                        self.steps.add_player(due, random, program);
                    }
                }
            }
        }
        (self.spawns[play].players_left > 0).then_some(play)
    }

    /// Ends a spawn: its players do nothing any more.
    pub(crate) fn stop_spawn(&mut self, play: usize, scenario: &Scenario) {
        let stopped = &mut self.spawns[play];
        stopped.stopped = true;
        self.movers_left -= u64::from(std::mem::take(&mut stopped.movers_left));
        self.steps.remove_spawn(play as u32, scenario, &self.step_roles);
    }

    /// Plays everything that is due by now and before `until`, or up to the end of a spawn.
    pub(crate) fn play_until(
        &mut self,
        scenario: &Scenario,
        until: Option<Moment>,
        out: &mut EngineOutput<'_>,
    ) -> PlayResult {
        let now = out.now();
        let due_now = |due: Moment| due <= now && until.is_none_or(|until| due < until);
        while out.wants_more() && !out.must_abort() {
            let moves = self.calendar.next_due().filter(|due| due_now(*due));
            let steps = self.steps.next_due().filter(|due| due_now(*due));
            if steps.is_some_and(|steps| moves.is_none_or(|moves| steps < moves)) {
                match self.advance_steps(scenario, out) {
                    PlayResult::Idle => continue,
                    played => return played,
                }
            }
            if moves.is_none() {
                let is_deadlock = self.movers_left == 0 && self.steps.is_deadlocked();
                return if is_deadlock { PlayResult::Deadlock } else { PlayResult::Idle };
            }
            let Some(row) = self.calendar.pop() else { break };
            let group = self.group_of_player(row.id);
            let SpawnedGroup { first_id: first, spawn: play, preset, group: in_preset } = self.groups[group];
            let play = &mut self.spawns[play as usize];
            if play.stopped {
                continue;
            }
            if row.moves_left == 0 {
                play.players_left -= 1;
                play.movers_left -= 1;
                self.movers_left -= 1;
                if play.players_left == 0 {
                    return PlayResult::SpawnEnded(play.source, row.due);
                }
                continue;
            }
            let source = play.source;
            let Some(players) = players_preset(scenario, preset as usize) else { continue };
            let n = row.id - first;
            let group = &players.groups[in_preset as usize];
            let PlayerBehavior::Moves { every, .. } = &group.behavior else { continue };
            self.make_move(row, n, (group, every), source, out);
        }
        PlayResult::Idle
    }

    /// Lets one player take its next step, or ends one whose last pause is over.
    fn advance_steps(&mut self, scenario: &Scenario, out: &mut EngineOutput<'_>) -> PlayResult {
        if let Some((id, request)) = self.steps.wake_due(scenario, &self.step_roles) {
            let instruction = self.steps.next_instruction(id);
            return match request {
                Some(request) => {
                    PlayResult::StepRequested(RequestedStep { id, instruction, request, has_ended: true })
                }
                None => PlayResult::StepPlayerEnded(id),
            };
        }
        if !self.steps.has_ready() {
            // All players that were due wait for others.
            return PlayResult::Idle;
        }
        match &mut self.chooser {
            StepChooser::External => PlayResult::ChoiceNeeded,
            StepChooser::TieBreak(ties) => {
                let choice = ties.choose(self.steps.choice_count(scenario, &self.step_roles));
                self.take_step(choice, scenario, out)
            }
        }
    }

    /// Makes one of the choices: a player takes its next step.
    fn take_step(&mut self, choice: usize, scenario: &Scenario, out: &mut EngineOutput<'_>) -> PlayResult {
        let taken = self.steps.take_step(choice, scenario, &self.step_roles);
        let TakenStep { id, instruction, register, direction, request, has_ended } = taken;
        let role = self.step_roles[id as usize];
        if request != Some(StepRequest::Fetch) {
            let (due, source) = (self.steps.instant(), self.spawns[role.spawn as usize].source);
            let player = role.group(scenario).name.nth(role.n + 1);
            let step = role.program(scenario).step_text(instruction);
            out.event(&Event::Step { due, source, player, step, register });
            if let Some(direction) = direction {
                out.emit_move(Some(due), source, player, direction);
            }
        }
        match request {
            Some(request) => PlayResult::StepRequested(RequestedStep { id, instruction, request, has_ended }),
            None if has_ended => PlayResult::StepPlayerEnded(id),
            None => PlayResult::Idle,
        }
    }

    /// Ends a player that has taken its last step.
    pub(crate) fn end_player(&mut self, id: u32) -> PlayResult {
        let play = &mut self.spawns[self.step_roles[id as usize].spawn as usize];
        play.players_left -= 1;
        if play.players_left == 0 {
            PlayResult::SpawnEnded(play.source, self.steps.instant())
        } else {
            PlayResult::Idle
        }
    }

    /// Everything by which two states of the spawns and of the players that move can differ.
    pub(crate) fn state_key(&self) -> impl std::fmt::Debug {
        let plays: Vec<_> =
            self.spawns.iter().map(|play| (play.source, play.players_left, play.stopped)).collect();
        let roles: Vec<_> = self.step_roles.iter().map(|role| (role.spawn, role.group, role.n)).collect();
        (plays, roles, self.calendar.sorted_keys(), self.next_id)
    }

    /// Whether all players that are blocked wait for locks. Then nobody who comes later can free them.
    pub(crate) fn wait_only_for_locks(&self, scenario: &Scenario) -> bool {
        self.steps.blocked_players().all(|id| {
            let program = self.step_roles[id as usize].program(scenario);
            let next = program.step_at(self.steps.next_instruction(id));
            next.is_some_and(|step| matches!(step.action, StepAction::Lock(_)))
        })
    }

    /// Each player that is blocked, with the lock, the condition or the step that it waits for. If two of them have one name,
    /// their spawns are named too.
    pub(crate) fn blocked_waits(&self, scenario: &Scenario) -> Vec<(String, String)> {
        let waiting: Vec<u32> = self.steps.blocked_players().collect();
        let name = |id: u32| {
            let role = self.step_roles[id as usize];
            role.group(scenario).name.nth(role.n + 1).to_string()
        };
        let mut names: Vec<String> = waiting.iter().map(|id| name(*id)).collect();
        names.sort_unstable();
        let is_doubled = |name: &String| {
            names.partition_point(|one| one <= name) - names.partition_point(|one| one < name) > 1
        };
        let waits = waiting.iter().map(|id| {
            let mut player = name(*id);
            if is_doubled(&player) {
                let source = self.spawns[self.step_roles[*id as usize].spawn as usize].source;
                player = format!("{source} {player}");
            }
            let program = self.step_roles[*id as usize].program(scenario);
            let next = self.steps.next_instruction(*id);
            let awaited = match program.step_at(next).map(|step| &step.action) {
                Some(StepAction::Lock(lock)) => &scenario.locks[*lock],
                Some(StepAction::Wait(condition)) => &condition.text,
                _ => program.step_text(next),
            };
            (player, awaited.to_owned())
        });
        waits.collect()
    }

    /// Makes one move of the `n`th player (from 0) of a group, and starts its wait.
    fn make_move(
        &mut self,
        mut row: PlayerTimer,
        n: u32,
        (group, every): (&PlayerGroup, &Interval),
        source: Source,
        out: &mut EngineOutput<'_>,
    ) {
        let direction = &group.directions[row.random.below(group.directions.len() as u32) as usize];
        let player = group.name.nth(n + 1);
        out.emit_move(Some(row.due), source, player, MoveDirection::from_word(direction));
        row.due = row.due.saturating_add(row.random.sample(every));
        row.moves_left -= 1;
        self.calendar.push(row);
    }

    /// The group of a player, as an index.
    fn group_of_player(&mut self, id: u32) -> usize {
        let starts = |at: usize| self.groups.get(at).is_none_or(|next| id < next.first_id);
        if !(self.groups[self.last_group].first_id <= id && starts(self.last_group + 1)) {
            self.last_group = self.groups.partition_point(|group| group.first_id <= id) - 1;
        }
        self.last_group
    }
}
