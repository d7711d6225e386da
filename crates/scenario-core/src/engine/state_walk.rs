//! A run that is walked: at each step somebody else says who goes, and every way can be gone from there.
//! Everything but that choice is the engine's, with the draws of one seed, in virtual time.
//!
//! # How it works
//!
//! A [`Node`] is a run before a step. It has two parts: where the players stand that take steps, which is
//! small, and all the rest of the run, which most steps leave as it is, so that nodes share it. Only where
//! a player ends or pauses, or all of an instant have taken their steps, is the rest copied and let go on.
//!
//! Two nodes with the same [key](Walk::key) are one: whatever comes behind them is the same. No event is
//! told, no expectation looked at, and nobody is anywhere in a world; what the cells hold at the [end](End) is for others to judge.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::engine::counters::RunCounters;
use crate::engine::effect::{Effect, RunVerdict};
use crate::engine::expectations::Expectations;
use crate::engine::expectations::outcome::RunTotals;
use crate::engine::players::{PlayResult, StepChooser};
use crate::engine::steps::StepMachine;
use crate::engine::{EngineOutput, EngineSink, RunPhase, RunState};
use crate::scenario::model::Scenario;
use crate::scenario::model::expect::{Expectation, ExpectationSubject};
use scenario_log::captured_value::CapturedValues;
use scenario_log::event::{Event, ExpectationResult};
use scenario_log::time::{Moment, Span};

/// A walk through the runs of a scenario with one seed.
pub struct StateWalk {
    scenario: Rc<Scenario>,
    seed: u64,
    /// A number for each rest of a run that was met.
    rest_numbers: BTreeMap<Vec<u8>, u32>,
    output: SilentOutput,
}

/// A run before a step.
#[derive(Clone)]
pub struct WalkNode {
    rest: Rc<RunState>,
    /// The number of the rest.
    rest_number: u32,
    steps: StepMachine,
}

/// What is reached by a step, or at first.
pub enum WalkProgress {
    /// Another step.
    Choice(Box<WalkNode>),
    /// The end of the run.
    End(WalkEnd),
}

/// The end of a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WalkEnd {
    /// What the cells hold, by name.
    pub shared_cells: Vec<(String, i64)>,
    /// In a deadlock: which player waits for which lock.
    pub lock_waits: Vec<(String, String)>,
    /// Why it has failed, if it has, whatever is expected of it.
    pub failure: Option<String>,
}

/// Where events of a walk go: nowhere, but for a deadlock, which is kept.
#[derive(Default)]
struct SilentOutput {
    lock_waits: Vec<(String, String)>,
    counters: RunCounters,
    expectations: Expectations,
}

/// A sink that keeps a deadlock.
struct DeadlockSink<'a>(&'a mut Vec<(String, String)>);

impl EngineSink for DeadlockSink<'_> {
    fn event(&mut self, _t: Moment, event: &Event<'_>) {
        if let Event::Deadlock { waiting } = event {
            *self.0 = waiting.to_vec();
        }
    }

    fn effect(&mut self, _order: Effect) {}
}

impl SilentOutput {
    fn with_output<T>(
        &mut self,
        run: &mut RunState,
        call: impl FnOnce(&mut RunState, &mut EngineOutput<'_>) -> T,
    ) -> T {
        let SilentOutput { lock_waits: waiting, counters: tally, expectations: expected } = self;
        let mut ears = DeadlockSink(waiting);
        let mut out = EngineOutput {
            now: run.now,
            sink: &mut ears,
            counters: tally,
            expectations: expected,
            world: None,
        };
        call(run, &mut out)
    }
}

impl StateWalk {
    /// A walk with this seed's draws. The scenario is one that can run in virtual time.
    #[must_use]
    pub fn new(scenario: Rc<Scenario>, seed: u64) -> StateWalk {
        StateWalk { scenario, seed, rest_numbers: BTreeMap::new(), output: SilentOutput::default() }
    }

    /// The beginning of the run, up to its first step.
    pub fn begin(&mut self) -> WalkProgress {
        let mut run = RunState::new(Rc::clone(&self.scenario), self.seed);
        run.player_scheduler.chooser = StepChooser::External;
        run.begin();
        run.has_begun = true;
        self.run_to_choice(run)
    }

    /// How many players could take the next step.
    #[must_use]
    pub fn choice_count(&self, node: &WalkNode) -> usize {
        node.steps.ready_count()
    }

    /// What comes of the step of the `k`th of them, in the order of their start.
    pub fn take_choice(&mut self, node: &WalkNode, k: usize) -> WalkProgress {
        let roles = node.rest.player_scheduler.step_roles();
        let mut steps = node.steps.clone();
        let taken = steps.take_step(k, &self.scenario, roles);
        if !taken.has_ended && steps.is_at_choice() {
            return WalkProgress::Choice(Box::new(WalkNode {
                rest: Rc::clone(&node.rest),
                rest_number: node.rest_number,
                steps,
            }));
        }
        let mut run = node.rest.fork();
        run.player_scheduler.steps = steps;
        if taken.has_ended
            && let PlayResult::SpawnEnded(source, due) = run.player_scheduler.end_player(taken.id)
        {
            self.output.with_output(&mut run, |run, out| run.players_ended(source, due, out));
        }
        self.run_to_choice(run)
    }

    /// Lets a run go on to its next step, or to its end.
    fn run_to_choice(&mut self, mut run: RunState) -> WalkProgress {
        loop {
            self.output.with_output(&mut run, RunState::settle);
            if let RunPhase::Over(verdict) = run.phase {
                return WalkProgress::End(self.end(&run, verdict));
            }
            if run.player_scheduler.steps.ready_count() > 0 && run.player_scheduler.steps.instant() <= run.now
            {
                let steps = std::mem::take(&mut run.player_scheduler.steps);
                let number = self.rest_number(&run);
                return WalkProgress::Choice(Box::new(WalkNode {
                    rest: Rc::new(run),
                    rest_number: number,
                    steps,
                }));
            }
            match run.next_due() {
                Some(next) => run.now = run.now.max(next),
                // Nothing is due and nothing can come from outside: it stays so for ever.
                None => return WalkProgress::End(self.end(&run, RunVerdict::Failed)),
            }
        }
    }

    fn end(&mut self, run: &RunState, verdict: RunVerdict) -> WalkEnd {
        let fault = (verdict != RunVerdict::Passed).then(|| run.failure.clone().unwrap_or_default());
        WalkEnd {
            shared_cells: run.shared_cells(),
            lock_waits: std::mem::take(&mut self.output.lock_waits),
            failure: fault,
        }
    }

    /// The number of a rest of a run.
    fn rest_number(&mut self, rest: &RunState) -> u32 {
        let next = self.rest_numbers.len() as u32;
        *self.rest_numbers.entry(rest.state_key()).or_insert(next)
    }

    /// All of a node that can still make a difference, into `key`.
    pub fn write_state_key(&self, node: &WalkNode, key: &mut Vec<u8>) {
        key.clear();
        key.extend_from_slice(&node.rest_number.to_le_bytes());
        node.steps.push_state_key(key, &self.scenario, node.rest.player_scheduler.step_roles());
    }
}

/// What comes of those expectations that look at nothing but shared cells.
#[must_use]
pub fn judge_shared_cells(expectations: &[Expectation], shared: &[(String, i64)]) -> Vec<ExpectationResult> {
    let of_cells: Vec<Expectation> =
        expectations.iter().filter(|one| one.target.subject == ExpectationSubject::Shared).cloned().collect();
    Expectations::new(&of_cells).judge_own(&RunTotals { duration: Span::ZERO, shared_cells: shared })
}

impl RunState {
    /// A copy, of a run in which nothing was ever asked of the world.
    fn fork(&self) -> RunState {
        RunState {
            scenario: Rc::clone(&self.scenario),
            seed: self.seed,
            now: self.now,
            has_begun: self.has_begun,
            phase: self.phase.clone(),
            failure: self.failure.clone(),
            paused: self.paused,
            timers: self.timers.clone(),
            player_scheduler: self.player_scheduler.clone(),
            entries: self.entries.clone(),
            entries_left: self.entries_left,
            spawns: self.spawns.clone(),
            last_spawn: self.last_spawn,
            spawned_per_preset: self.spawned_per_preset.clone(),
            ready_regexes: BTreeMap::new(),
            running_spawns: self.running_spawns,
            foreground_count: self.foreground_count,
            requests: BTreeMap::new(),
            last_request: 0,
            guests: BTreeMap::new(),
            captured_values: CapturedValues::new(),
            job_runs: BTreeMap::new(),
            last_job_run: 0,
            loads_per_job: self.loads_per_job.clone(),
            load_metrics: BTreeMap::new(),
        }
    }

    /// All of it that can still make a difference, but for where the players stand that take steps.
    /// Two with the same key are one. (Values are written with their names, so that none runs into
    /// another.)
    fn state_key(&self) -> Vec<u8> {
        let agenda = self.timers.sorted_timers();
        let moving = self.player_scheduler.state_key();
        format!(
            "{:?} {:?} {:?} {agenda:?} {moving:?} {:?} {} {:?} {} {:?} {} {}",
            self.now,
            self.phase,
            self.failure,
            self.entries,
            self.entries_left,
            self.spawns,
            self.last_spawn,
            self.spawned_per_preset,
            self.running_spawns,
            self.foreground_count,
        )
        .into_bytes()
    }
}
