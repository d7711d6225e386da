//! The engine: one state machine that decides everything, and neither waits, nor reads, nor prints.
//!
//! # How it works
//!
//! Whoever drives it asks when it wants to be woken ([`Engine::next_due`]), tells it what time it is
//! ([`Engine::advance`]) and what came from outside ([`Engine::observe`]). What happens goes into a
//! [`Sink`]: events, which are the log, and orders, which are for the hands. The same engine is
//! driven live (by the machine's clock and the world), virtually (`now` is `next_due`, over and
//! over) and by a log.
//!
//! Both calls first let happen what was due by `now`, and `observe` does so again after what was
//! observed. (What is observed before the first `advance`, lines that were typed before the run,
//! comes before all that is due, so that a run that would end at once hears them.) So what the engine
//! does depends only on the sequence of moments and observations that changed anything, all of which
//! stand in the log; how often it was woken between does not matter.
//!
//! If something can change what happens and is not an argument of these calls, it is a bug.

pub mod effect;
pub mod input;

mod arrival_schedule;
pub mod calendar_queue;
mod captures;
pub mod console_command;
mod counters;
mod expectations;
mod guests;
mod load;
mod load_metrics_recorder;
mod players;
pub mod progress;
pub mod random;
mod readiness;
mod requests;
mod scheduler;
mod shutdown;
mod spawns;
pub mod state_walk;
mod steps;
mod tie_break;
mod timer_queue;
mod world;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use crate::engine::counters::RunCounters;
use crate::engine::load_metrics_recorder::LoadMetricsRecorder;
use crate::engine::timer_queue::{Timer, TimerQueue};
use expectations::Expectations;
use players::{PlayResult, PlayerScheduler, StepChooser};
use regex::bytes::Regex;
use requests::{ActiveRequest, JobRun};
use scheduler::EntryState;
use spawns::{ActiveSpawn, SpawnEnd};
use world::WorldState;

use crate::engine::effect::{Effect, RunVerdict};
use crate::engine::input::Input;
use crate::scenario::model::Scenario;
use crate::scenario::model::expect::Expectation;
use scenario_log::captured_value::CapturedValues;
use scenario_log::event::{ClockKind, Event, ExpectationResult, Source};
use scenario_log::time::{Moment, Span};

/// Where events and orders go.
pub trait EngineSink {
    /// Something happened at `t`. Moments never go back.
    fn event(&mut self, t: Moment, event: &Event<'_>);
    /// Something is to be done.
    fn effect(&mut self, order: Effect);
    /// Whether what happens further still matters. Once it does not, a call comes back soon, and
    /// what the engine does from then on means nothing: a log that was tampered with is left at its
    /// first difference, and not at the end of the time that it claims to last.
    fn wants_more(&self) -> bool {
        true
    }
    /// The line of the event that was given last, if it is a state of the world and somebody may listen.
    fn world_line(&self) -> Option<Arc<[u8]>> {
        None
    }
    /// The `seq` of the event that comes next, where events are numbered.
    fn next_event_seq(&self) -> u64 {
        0
    }
}

/// Where what happens during one call goes, and the counts it makes.
pub(crate) struct EngineOutput<'a> {
    now: Moment,
    sink: &'a mut dyn EngineSink,
    counters: &'a mut RunCounters,
    expectations: &'a mut Expectations,
    /// Where players are, if they are anywhere.
    world: Option<&'a mut WorldState>,
}

impl EngineOutput<'_> {
    fn event(&mut self, event: &Event<'_>) {
        if let Some(due) = event.due() {
            self.counters.record_lateness(self.now.since(due));
        }
        self.sink.event(self.now, event);
        if !self.expectations.is_empty() {
            self.expectations.observe(self.now, event, self.sink.next_event_seq());
        }
    }

    fn effect(&mut self, order: Effect) {
        self.sink.effect(order);
    }

    fn wants_more(&self) -> bool {
        self.sink.wants_more()
    }

    /// Whether an expectation has just ended the run.
    fn must_abort(&self) -> bool {
        self.expectations.is_broken()
    }
}

/// What a run is, beside its scenario.
#[derive(Clone, Copy, Debug)]
pub struct RunStart<'a> {
    /// The seed, given or drawn.
    pub seed: u64,
    /// The clock, for the record.
    pub clock: ClockKind,
    /// RFC 3339; on the real clock only.
    pub started_at: Option<&'a str>,
    /// Who goes first at the first ties, from 0 in the order of their start; then the seed draws it.
    pub schedule: &'a [u32],
    /// The resolved scenario as a JSON object, for the record.
    pub scenario_json: &'a str,
}

/// What runs at a moment, for `status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineStatus {
    /// Each spawn that runs, by its preset's name.
    pub spawns: Vec<(Source, String)>,
    /// Requests in flight.
    pub requests: usize,
    /// Entries that have not happened for the last time.
    pub entries_left: usize,
    /// When the engine wants to be woken next.
    pub next: Option<Moment>,
}

/// One run of a scenario.
pub struct Engine {
    state: RunState,
    counters: RunCounters,
    expectations: Expectations,
    world: Option<WorldState>,
}

impl Engine {
    /// A run that has not started.
    #[must_use]
    pub fn new(scenario: Rc<Scenario>, seed: u64) -> Engine {
        let expected = Expectations::new(&scenario.expectations);
        let world = scenario.world.map(|rules| WorldState::new(rules, seed));
        Engine {
            state: RunState::new(scenario, seed),
            counters: RunCounters::default(),
            expectations: expected,
            world,
        }
    }

    /// A run of which so many spawns of a preset have happened elsewhere: a sub-process plays one
    /// spawn of a run, with the draws of that spawn.
    #[must_use]
    pub fn for_single_spawn(scenario: Rc<Scenario>, seed: u64, preset: usize, spawned: u64) -> Engine {
        let mut engine = Engine::new(scenario, seed);
        engine.state.spawned_per_preset[preset] = spawned;
        engine
    }

    /// Expects this as well, without that it changes anything or is told: [`Engine::others`] says what
    /// came of it. Only before the start.
    pub fn add_extra_expectations(&mut self, others: &[Expectation]) {
        others.iter().for_each(|one| self.expectations.add(one));
    }

    /// What came of [`Engine::expect_others`] so far.
    #[must_use]
    pub fn extra_results(&self) -> Vec<ExpectationResult> {
        let shared = self.state.shared_cells();
        self.expectations
            .judge_extra(&expectations::outcome::RunTotals { duration: Span(self.state.now.0), shared_cells: &shared })
    }

    /// Sets the stage without giving `run.started`: for what is a part of another run.
    pub fn begin_without_event(&mut self) {
        self.state.begin();
    }

    /// Starts the run at [`Moment::ZERO`]: gives `run.started`, and lets nothing happen yet.
    pub fn start(&mut self, start: &RunStart<'_>, sink: &mut dyn EngineSink) {
        let scenario = Rc::clone(&self.state.scenario);
        self.with_output(Moment::ZERO, sink, |run, out| {
            out.event(&Event::RunStarted {
                name: &scenario.name,
                seed: start.seed,
                clock: start.clock,
                started_at: start.started_at,
                schedule: start.schedule,
                scenario: start.scenario_json,
            });
            if let StepChooser::TieBreak(ties) = &mut run.player_scheduler.chooser {
                ties.set_schedule(start.schedule);
            }
            run.begin();
        });
    }

    /// When something is due next, if anything is. Waking it earlier or later is harmless.
    #[must_use]
    pub fn next_due(&mut self) -> Option<Moment> {
        self.state.next_due()
    }

    /// Lets happen what was due by `now`.
    pub fn advance(&mut self, now: Moment, sink: &mut dyn EngineSink) {
        self.state.has_begun = true;
        self.with_output(now, sink, RunState::settle);
    }

    /// Takes what came from outside at `now`.
    pub fn handle_input(&mut self, now: Moment, observed: Input<'_>, sink: &mut dyn EngineSink) {
        self.with_output(now, sink, |run, out| {
            // Whatever is no person's doing came of something that was due.
            run.has_begun |=
                !matches!(observed, Input::CommandTyped { .. } | Input::SignalReceived(_) | Input::RunPaused);
            if run.has_begun {
                run.settle(out);
            }
            if !matches!(run.phase, RunPhase::Over(_)) {
                run.apply_input(observed, out);
            }
            if run.has_begun {
                run.settle(out);
            }
        });
    }

    /// How the run ended, once it has.
    #[must_use]
    pub fn verdict(&self) -> Option<RunVerdict> {
        match self.state.phase {
            RunPhase::Over(verdict) => Some(verdict),
            _ => None,
        }
    }

    /// Whether an entry of the timeline has happened at least once.
    #[must_use]
    pub fn has_occurred(&self, entry: usize) -> bool {
        self.state.entries.get(entry).is_some_and(scheduler::EntryState::has_occurred)
    }

    /// What runs now.
    #[must_use]
    pub fn status(&mut self) -> EngineStatus {
        let spawns = self.state.spawns.iter().map(|(number, spawn)| {
            (Source::Spawn(*number), self.state.scenario.presets[spawn.preset].name.clone())
        });
        EngineStatus {
            spawns: spawns.collect(),
            requests: self.state.requests.len(),
            entries_left: self.state.entries_left,
            next: self.state.next_due(),
        }
    }

    fn with_output(
        &mut self,
        now: Moment,
        sink: &mut dyn EngineSink,
        call: impl FnOnce(&mut RunState, &mut EngineOutput<'_>),
    ) {
        // A clock that went back (a log that was tampered with) must not turn time round.
        self.state.now = self.state.now.max(now);
        let mut out = EngineOutput {
            now: self.state.now,
            sink,
            counters: &mut self.counters,
            expectations: &mut self.expectations,
            world: self.world.as_mut(),
        };
        call(&mut self.state, &mut out);
    }
}

/// Where a run is in its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RunPhase {
    /// The timeline happens.
    Running,
    /// Nothing new happens; what still runs is being stopped, and then the run is over.
    Stopping(RunVerdict),
    /// The last event has been given.
    Over(RunVerdict),
}

/// The state of a run. Its parts are in the modules beside this one.
pub(crate) struct RunState {
    scenario: Rc<Scenario>,
    seed: u64,
    now: Moment,
    /// Whether it has been told the time once.
    has_begun: bool,
    phase: RunPhase,
    /// The first thing that went wrong.
    failure: Option<String>,
    /// Whether it stands still.
    paused: bool,
    timers: TimerQueue,
    player_scheduler: PlayerScheduler,
    entries: Vec<EntryState>,
    entries_left: usize,
    /// Spawns that were ordered and have not ended, by their number.
    spawns: BTreeMap<u32, ActiveSpawn>,
    last_spawn: u32,
    /// Spawns so far, by preset.
    spawned_per_preset: Vec<u64>,
    /// What a line must match for a spawn to be ready, by preset, from its first spawn on.
    ready_regexes: BTreeMap<usize, Rc<Regex>>,
    /// Spawns that run, and those among all that the run waits for.
    running_spawns: u64,
    foreground_count: usize,
    /// Requests in flight, by their number.
    requests: BTreeMap<u32, ActiveRequest>,
    last_request: u32,
    /// The players of those who came over the network, by their number.
    guests: BTreeMap<u32, String>,
    /// What fetches captured.
    captured_values: CapturedValues,
    /// Fetch jobs in flight.
    job_runs: BTreeMap<u32, JobRun>,
    last_job_run: u32,
    /// Runs of each fetch so far, of those that are loads.
    loads_per_job: Vec<u64>,
    /// What the loads came to, by fetch.
    load_metrics: BTreeMap<usize, LoadMetricsRecorder>,
}

impl RunState {
    fn new(scenario: Rc<Scenario>, seed: u64) -> RunState {
        RunState {
            seed,
            now: Moment::ZERO,
            has_begun: false,
            phase: RunPhase::Running,
            failure: None,
            paused: false,
            timers: TimerQueue::default(),
            player_scheduler: PlayerScheduler::new(&scenario, seed),
            entries: Vec::new(),
            entries_left: 0,
            spawns: BTreeMap::new(),
            last_spawn: 0,
            spawned_per_preset: vec![0; scenario.presets.len()],
            ready_regexes: BTreeMap::new(),
            running_spawns: 0,
            foreground_count: 0,
            requests: BTreeMap::new(),
            last_request: 0,
            guests: BTreeMap::new(),
            captured_values: CapturedValues::new(),
            job_runs: BTreeMap::new(),
            last_job_run: 0,
            loads_per_job: vec![0; scenario.fetches.len()],
            load_metrics: BTreeMap::new(),
            scenario,
        }
    }

    /// Sets the stage: ticks, the world's state, the time limit and the entries that wait for nothing.
    fn begin(&mut self) {
        if self.scenario.tick.is_some() {
            self.timers.push(Moment::ZERO, Timer::Tick(0));
        }
        if self.scenario.world.is_some_and(|world| world.broadcast.is_some()) {
            self.timers.push(Moment::ZERO, Timer::WorldBroadcast);
        }
        if let Some(limit) = self.scenario.time_limit {
            self.timers.push(Moment::ZERO.saturating_add(limit), Timer::TimeLimit);
        }
        self.begin_timeline();
    }

    fn next_due(&mut self) -> Option<Moment> {
        if matches!(self.phase, RunPhase::Over(_)) {
            return None;
        }
        if self.is_phase_complete() {
            return Some(self.now);
        }
        match (self.timers.next_due(), self.player_scheduler.next_due()) {
            (Some(item), Some(player)) => Some(item.min(player)),
            (item, player) => item.or(player),
        }
    }

    /// Lets everything happen that is due by now, in the order of its due times.
    fn settle(&mut self, out: &mut EngineOutput<'_>) {
        while !matches!(self.phase, RunPhase::Over(_)) && out.wants_more() {
            if out.must_abort() {
                self.expectation_broken(out);
            }
            if self.is_phase_complete() {
                self.advance_phase(out);
                continue;
            }
            let until = self.timers.next_due();
            match self.player_scheduler.play_until(&self.scenario, until, out) {
                PlayResult::Idle => {}
                PlayResult::SpawnEnded(source, due) => {
                    self.players_ended(source, due, out);
                    continue;
                }
                PlayResult::Deadlock => {
                    self.deadlock_reached(out);
                    continue;
                }
                PlayResult::ChoiceNeeded => return,
            }
            if out.must_abort() {
                continue;
            }
            match self.timers.pop(out.now) {
                Some((due, item)) => self.fire_timer(due, item, out),
                None => return,
            }
        }
    }

    fn fire_timer(&mut self, due: Moment, item: Timer, out: &mut EngineOutput<'_>) {
        match item {
            Timer::Tick(n) => self.clock_tick(due, n, out),
            Timer::Entry(entry) => self.run_entry(entry, due, out),
            Timer::Arrival(job_run) => self.request_arrived(job_run, due, out),
            Timer::WorldBroadcast => self.broadcast_world(due, out),
            Timer::LineTimeout(entry) => self.line_timed_out(entry, out),
            Timer::ReadyTimeout(number) => self.ready_timed_out(number, out),
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

    fn apply_input(&mut self, observed: Input<'_>, out: &mut EngineOutput<'_>) {
        match observed {
            Input::SpawnStarted { source, pid } => self.process_started(source, pid, out),
            Input::SpawnFailed { source, error } => self.spawn_failed(source, error, out),
            Input::SpawnReady { source } => self.probe_answered(source, out),
            Input::SpawnSuspended { source, signal } => self.spawn_suspended(source, signal, out),
            Input::SpawnResumed { source } => self.spawn_resumed(source, out),
            Input::SpawnLines { source, stream, chunk, partial } => {
                self.spawn_lines(source, stream, chunk, partial, out);
            }
            Input::SpawnExited { source, exit, held, skipped } => {
                self.process_exited(
                    source,
                    SpawnEnd { exit, is_output_held: held, skipped_states: skipped },
                    out,
                );
            }
            Input::SendFailed { source, error } => self.send_failed(source, error, out),
            Input::ResponseStarted { source, status, version, headers } => {
                if self.logs_response_head(source) {
                    out.event(&Event::FetchResponded { source, status, version, headers });
                }
            }
            Input::ResponseLines { source, chunk } => self.body_lines(source, chunk, out),
            Input::FetchFinished { source, fetched } => self.fetch_finished(source, fetched, out),
            Input::FetchFailed { source, kind, error, took } => {
                self.fetch_failed(source, (kind, error, took), out);
            }
            Input::PlayerJoined { source, player } => self.guest_joined(source, player, out),
            Input::PlayerMoved { source, direction } => self.guest_moved(source, direction, out),
            Input::PlayerLeft { source } => self.guest_left(source, out),
            Input::CommandTyped { text } => self.command_typed(text, out),
            Input::SignalReceived(signal) => self.signal_received(signal, out),
            Input::InternalError { error } => self.internal_error(error, out),
            Input::RunPaused => self.pause_run(out),
            Input::RunResumed { took } => self.resume_run(took, out),
        }
    }

    /// Everything is to stand still. To the engine that is no time at all: its clock does too.
    fn pause_run(&mut self, out: &mut EngineOutput<'_>) {
        if !std::mem::replace(&mut self.paused, true) {
            out.event(&Event::RunPaused);
            out.effect(Effect::SuspendRun);
        }
    }

    fn resume_run(&mut self, took: Span, out: &mut EngineOutput<'_>) {
        if std::mem::replace(&mut self.paused, false) {
            out.event(&Event::RunResumed { took });
        }
    }

    /// Notes that something went wrong: the run goes on, but will not have passed.
    fn record_failure(&mut self, fault: impl FnOnce() -> String) {
        if self.failure.is_none() {
            self.failure = Some(fault());
        }
    }
}
