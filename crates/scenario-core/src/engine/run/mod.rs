//! The state of a run: its parts, and the order in which what is due happens. The parts keep their own
//! state and know nothing of each other; the modules here carry the consequences of one part to the others.

mod acting;
mod closing;
mod commands;
mod entries;
mod fetching;
mod inputs;
mod linking;
mod liveness;
mod lives;
mod loading;
mod output_lines;
mod player_fetching;
mod readying;
mod restarting;
mod sampling;
mod shutdown;
mod spawning;
mod stepping;
mod stopping;
mod targets;
mod trying;

use std::collections::BTreeSet;
use std::rc::Rc;

pub use stopping::END_IN_ORDER;

use crate::engine::captures::Captures;
use crate::engine::failure_budgets::FailureBudgets;
use crate::engine::guests::GuestPlayers;
use crate::engine::job::Jobs;
use crate::engine::lifecycle::Lifecycle;
use crate::engine::links::LinkChanges;
use crate::engine::load::Loads;
use crate::engine::output::EngineOutput;
use crate::engine::player_sessions::PlayerSessions;
use crate::engine::players::{PlayResult, Players, RequestedStep};
use crate::engine::request_values::RequestValues;
use crate::engine::requests::Requests;
use crate::engine::spawns::Spawns;
use crate::engine::steps::{StepMachine, StepRole, TakenStep};
use crate::engine::stop_order::StopOrder;
use crate::engine::timeline::Timeline;
use crate::engine::timer_queue::{Timer, TimerQueue};
use crate::scenario::model::Scenario;
use scenario_log::event::{Event, Source};
use scenario_log::time::Moment;

/// The state of a run.
#[derive(Clone)]
pub(crate) struct RunState {
    scenario: Rc<Scenario>,
    seed: u64,
    now: Moment,
    /// Whether the run has received the time once.
    has_begun: bool,
    lifecycle: Lifecycle,
    timers: TimerQueue,
    timeline: Timeline,
    players: Players,
    spawns: Spawns,
    jobs: Jobs,
    loads: Loads,
    requests: Requests,
    failure_budgets: FailureBudgets,
    guests: GuestPlayers,
    captures: Captures,
    request_values: RequestValues,
    sessions: PlayerSessions,
    /// Whether the run may end while programs are being started.
    ends_before_starts: bool,
    /// The order in which programs are stopped at the end, once it has come.
    stop_order: Option<StopOrder>,
    /// The programs that are stopped when others have ended.
    held_stops: BTreeSet<u32>,
    links: LinkChanges,
}

impl RunState {
    pub(crate) fn new(scenario: Rc<Scenario>, seed: u64) -> RunState {
        RunState {
            seed,
            now: Moment::ZERO,
            has_begun: false,
            lifecycle: Lifecycle::new(),
            timers: TimerQueue::default(),
            timeline: Timeline::new(Rc::clone(&scenario), seed),
            players: Players::new(&scenario, seed),
            spawns: Spawns::new(Rc::clone(&scenario)),
            jobs: Jobs::new(Rc::clone(&scenario)),
            loads: Loads::new(Rc::clone(&scenario), seed),
            requests: Requests::default(),
            failure_budgets: FailureBudgets::new(&scenario.fetches),
            guests: GuestPlayers::default(),
            captures: Captures::new(Rc::clone(&scenario)),
            request_values: RequestValues::new(Rc::clone(&scenario), seed),
            sessions: PlayerSessions::default(),
            ends_before_starts: false,
            stop_order: None,
            held_stops: BTreeSet::new(),
            links: LinkChanges::new(scenario.links.len()),
            scenario,
        }
    }

    pub(crate) fn scenario(&self) -> &Rc<Scenario> {
        &self.scenario
    }

    pub(crate) fn now(&self) -> Moment {
        self.now
    }

    /// Moves the clock to `now`. A clock that goes back, as in a log that was tampered with, stands still.
    #[inline]
    pub(crate) fn advance_clock(&mut self, now: Moment) {
        self.now = self.now.max(now);
    }

    pub(crate) fn lifecycle(&self) -> &Lifecycle {
        &self.lifecycle
    }

    pub(crate) fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    pub(crate) fn players(&self) -> &Players {
        &self.players
    }

    pub(crate) fn spawns(&self) -> &Spawns {
        &self.spawns
    }

    /// Requests in flight.
    pub(crate) fn request_count(&self) -> usize {
        self.requests.len()
    }

    /// Counts spawns of a preset that happened elsewhere.
    pub(crate) fn set_spawned(&mut self, preset: usize, count: u64) {
        self.spawns.set_spawned(preset, count);
    }

    /// Lets this schedule decide the first ties.
    pub(crate) fn set_schedule(&mut self, schedule: &[u32]) {
        self.players.set_schedule(schedule);
    }

    /// Notes that the run has received the time: everything that is due at the start happens from now on.
    pub(crate) fn set_begun(&mut self) {
        self.has_begun = true;
    }

    /// Sets the first timers: the tick, the world, the time limit and the entries that wait for nothing.
    pub(crate) fn begin(&mut self) {
        if self.scenario.tick.is_some() {
            self.timers.push(Moment::ZERO, Timer::Tick(0));
        }
        if self.scenario.world.is_some_and(|world| world.broadcast.is_some()) {
            self.timers.push(Moment::ZERO, Timer::WorldBroadcast);
        }
        if let Some(limit) = self.scenario.time_limit {
            self.timers.push(Moment::ZERO.saturating_add(limit), Timer::TimeLimit);
        }
        self.timeline.begin(&mut self.timers);
    }

    pub(crate) fn next_due(&mut self) -> Option<Moment> {
        if self.lifecycle.is_over() {
            return None;
        }
        if self.is_phase_complete() {
            return Some(self.now);
        }
        match (self.timers.next_due(), self.players.next_due()) {
            (Some(timer), Some(player)) => Some(timer.min(player)),
            (timer, player) => timer.or(player),
        }
    }

    /// The moment of the next thing that the timeline, a load or a player does.
    pub(crate) fn next_action(&mut self) -> Option<Moment> {
        let moments = [self.timers.next_action(), self.players.next_due()];
        moments.into_iter().flatten().min()
    }

    /// Makes everything happen that is due by now, in the order of the due moments.
    pub(crate) fn settle(&mut self, out: &mut EngineOutput<'_>) {
        out.pass_time();
        while !self.lifecycle.is_over() && out.wants_more() {
            if out.must_abort() {
                self.expectation_broken(out);
            }
            if self.is_phase_complete() {
                self.advance_phase(out);
                continue;
            }
            let until = self.timers.next_due();
            match self.players.play_until(&self.scenario, until, out) {
                PlayResult::Idle => {}
                PlayResult::SpawnEnded(source, due) => {
                    self.players_ended(source, due, out);
                    continue;
                }
                PlayResult::Deadlock if self.lifecycle.is_running() && self.is_deadlock_final() => {
                    self.deadlock_reached(out);
                    continue;
                }
                PlayResult::Deadlock => {}
                PlayResult::StepPlayerEnded(id) => {
                    self.end_player(id, out);
                    continue;
                }
                PlayResult::StepRequested(step) => {
                    self.step_requested(step, out);
                    continue;
                }
                PlayResult::ChoiceNeeded => return,
            }
            if out.must_abort() {
                continue;
            }
            match self.timers.pop(out.now()) {
                Some((due, timer)) => self.fire_timer(due, timer, out),
                None => return,
            }
        }
    }

    fn fire_timer(&mut self, due: Moment, timer: Timer, out: &mut EngineOutput<'_>) {
        match timer {
            Timer::Tick(n) => self.clock_tick(due, n, out),
            Timer::LinkHeal(change) => self.undo_link_change(change, due, out),
            Timer::Entry(entry) => self.run_entry(entry, due, out),
            Timer::Arrival(job_run) => self.request_arrived(job_run, out),
            Timer::WorldBroadcast => self.broadcast_world(due, out),
            Timer::LineTimeout(wait) => {
                let checked = self.timeline.check_line_timeout(wait);
                self.apply_waits(checked, out);
            }
            Timer::Quiet(wait) => self.timeline.check_silence(wait, due, &mut self.timers),
            Timer::ReadyTimeout(number) => self.ready_timed_out(number, out),
            Timer::UntilTimeout(entry) => self.until_timed_out(entry, due, out),
            Timer::AlwaysTimeout(entry) => self.always_timed_out(entry, out),
            Timer::Continue(number) => self.continue_paused(number, due, out),
            Timer::SpawnTimeout(number) => self.spawn_timed_out(number, out),
            Timer::Restart(number) => drop(self.restart_awaiting(number, due, out)),
            Timer::TimeLimit => self.time_limit_reached(out),
        }
    }

    fn clock_tick(&mut self, due: Moment, n: u64, out: &mut EngineOutput<'_>) {
        out.event(&Event::ClockTick { due, n });
        if let Some(next) = self.scenario.tick.and_then(|tick| due.checked_add(tick)) {
            self.timers.push(next, Timer::Tick(n + 1));
        }
    }

    fn broadcast_world(&mut self, due: Moment, out: &mut EngineOutput<'_>) {
        out.emit_world(Some(due));
        if let Some(next) = out.broadcast_interval().and_then(|every| due.checked_add(every)) {
            self.timers.push(next, Timer::WorldBroadcast);
        }
    }

    /// The spawns and requests of an entry that have not ended, in the order of their start.
    fn sources_of(&self, entry: usize) -> Vec<Source> {
        let requests = self.requests.iter().filter(|(_, request)| {
            self.jobs.get(request.job_run()).is_some_and(|run| run.entry() == Some(entry))
        });
        self.spawns.of_entry(entry).chain(requests.map(|(source, _)| source)).collect()
    }

    /// The value of each shared cell, by name.
    pub(crate) fn shared_cells(&self) -> Vec<(String, i64)> {
        let names = self.scenario.shared_cells.iter().map(|(name, _)| name.clone());
        names.zip(self.players.steps().cells().iter().copied()).collect()
    }
}

/// For a walk through all orders of the steps, in which no process and no request ever exists.
impl RunState {
    /// A run that waits at every step for a choice from outside.
    pub(crate) fn for_walk(scenario: Rc<Scenario>, seed: u64) -> RunState {
        let mut run = RunState::new(scenario, seed);
        run.players.choose_externally();
        run.begin();
        run.set_begun();
        run
    }

    pub(crate) fn step_roles(&self) -> &[StepRole] {
        self.players.step_roles()
    }

    /// Takes the players that take steps out; [`RunState::set_steps`] must follow before anything else.
    pub(crate) fn take_steps(&mut self) -> StepMachine {
        self.players.take_steps()
    }

    pub(crate) fn set_steps(&mut self, steps: StepMachine) {
        self.players.set_steps(steps);
    }

    /// Does what a step that a walk has taken asks for, and ends its player if that was its last step.
    pub(crate) fn finish_step(&mut self, taken: &TakenStep<'_>, out: &mut EngineOutput<'_>) {
        let TakenStep { id, instruction, request, has_ended, .. } = *taken;
        match request {
            Some(request) => self.step_requested(RequestedStep { id, instruction, request, has_ended }, out),
            None if has_ended => self.end_player(id, out),
            None => {}
        }
    }

    /// Everything that can still make a difference, except the states of the players that take steps. Two
    /// runs with the same key are the same. (Names and punctuation keep the values apart.)
    pub(crate) fn state_key(&self) -> Vec<u8> {
        format!(
            "{:?} {:?} {:?} {:?} {:?} {:?}",
            self.now,
            self.lifecycle.state_key(),
            self.timers.sorted_timers(),
            self.players.state_key(),
            self.timeline.state_key(),
            self.spawns.state_key(),
        )
        .into_bytes()
    }
}
