//! Walks through the runs of a scenario: at each step the caller chooses the player that takes it, and it can
//! try every choice from there. Everything but that choice is the engine's, with the draws of one seed, in
//! virtual time.
//!
//! # How it works
//!
//! A [`WalkNode`] is a run before a step. It has two parts: the states of the players that take steps, which
//! are small, and the rest of the run, which most steps do not change, so that nodes share it. The rest is
//! copied and goes on only when a player ends or pauses, or when all steps of an instant have been taken.
//!
//! Two nodes with the same [key](StateWalk::write_state_key) are the same: everything that follows them is
//! the same. No event is logged, no expectation is checked, and there is no world; the caller judges the
//! values of the cells at the [end](WalkEnd).

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::engine::counters::RunCounters;
use crate::engine::effect::{Effect, RunVerdict};
use crate::engine::expectations::Expectations;
use crate::engine::expectations::outcome::RunTotals;
use crate::engine::output::{EngineOutput, EngineSink};
use crate::engine::run::RunState;
use crate::engine::steps::StepMachine;
use crate::scenario::model::Scenario;
use crate::scenario::model::expect::{Expectation, ExpectationSubject};
use scenario_log::event::{Event, ExpectationResult};
use scenario_log::time::{Moment, Span};

/// A walk through the runs of a scenario with one seed.
pub struct StateWalk {
    scenario: Rc<Scenario>,
    seed: u64,
    /// A number for each rest of a run that was reached.
    rest_numbers: BTreeMap<Vec<u8>, u32>,
    output: SilentOutput,
}

/// A run before a step.
#[derive(Clone)]
pub struct WalkNode {
    rest: Rc<RunState>,
    rest_number: u32,
    steps: StepMachine,
}

/// Where a step leads.
pub enum WalkProgress {
    /// To a node where another step is to be taken.
    Choice(Box<WalkNode>),
    /// To the end of the run.
    End(WalkEnd),
}

/// The end of a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WalkEnd {
    /// The value of each cell, by name.
    pub shared_cells: Vec<(String, i64)>,
    /// In a deadlock: each player that waits, with its lock.
    pub lock_waits: Vec<(String, String)>,
    /// Why the run failed, if it did, without regard to any expectation.
    pub failure: Option<String>,
}

/// The output of a walk: of all events, only a deadlock is kept.
#[derive(Default)]
struct SilentOutput {
    lock_waits: Vec<(String, String)>,
    counters: RunCounters,
    expectations: Expectations,
}

/// A sink that keeps only a deadlock.
struct DeadlockSink<'a>(&'a mut Vec<(String, String)>);

impl EngineSink for DeadlockSink<'_> {
    fn event(&mut self, _t: Moment, event: &Event<'_>) {
        if let Event::Deadlock { waiting } = event {
            *self.0 = waiting.to_vec();
        }
    }

    fn effect(&mut self, _effect: Effect) {}
}

impl SilentOutput {
    fn with_output<T>(
        &mut self,
        run: &mut RunState,
        call: impl FnOnce(&mut RunState, &mut EngineOutput<'_>) -> T,
    ) -> T {
        let SilentOutput { lock_waits, counters, expectations } = self;
        let mut sink = DeadlockSink(lock_waits);
        let mut out = EngineOutput::new(run.now(), &mut sink, counters, expectations, None);
        call(run, &mut out)
    }
}

impl StateWalk {
    /// A walk with this seed's draws. The scenario must be able to run in virtual time.
    #[must_use]
    pub fn new(scenario: Rc<Scenario>, seed: u64) -> StateWalk {
        StateWalk { scenario, seed, rest_numbers: BTreeMap::new(), output: SilentOutput::default() }
    }

    /// Runs from the start up to the first step.
    pub fn begin(&mut self) -> WalkProgress {
        self.run_to_choice(RunState::for_walk(Rc::clone(&self.scenario), self.seed))
    }

    /// The number of choices for the next step: the players that can take one, each as often as its step can go
    /// in different ways.
    #[must_use]
    pub fn choice_count(&self, node: &WalkNode) -> usize {
        node.steps.choice_count(&self.scenario, node.rest.step_roles())
    }

    /// Makes the `k`th of these choices, in the order of the players' starts.
    pub fn take_choice(&mut self, node: &WalkNode, k: usize) -> WalkProgress {
        let roles = node.rest.step_roles();
        let mut steps = node.steps.clone();
        let taken = steps.take_step(k, &self.scenario, roles);
        if !taken.has_ended && taken.request.is_none() && steps.is_at_choice() {
            return WalkProgress::Choice(Box::new(WalkNode {
                rest: Rc::clone(&node.rest),
                rest_number: node.rest_number,
                steps,
            }));
        }
        let mut run = RunState::clone(&node.rest);
        run.set_steps(steps);
        self.output.with_output(&mut run, |run, out| run.finish_step(&taken, out));
        self.run_to_choice(run)
    }

    /// Runs up to the next step, or to the end.
    fn run_to_choice(&mut self, mut run: RunState) -> WalkProgress {
        loop {
            self.output.with_output(&mut run, RunState::settle);
            if let Some(verdict) = run.lifecycle().verdict() {
                return WalkProgress::End(self.end(&run, verdict));
            }
            let steps = run.players().steps();
            if steps.has_ready() && steps.instant() <= run.now() {
                let steps = run.take_steps();
                let number = self.rest_number(&run);
                return WalkProgress::Choice(Box::new(WalkNode {
                    rest: Rc::new(run),
                    rest_number: number,
                    steps,
                }));
            }
            match run.next_due() {
                Some(next) => run.advance_clock(next),
                // Nothing is due and nothing can come from outside, so nothing ever happens again.
                None => return WalkProgress::End(self.end(&run, RunVerdict::Failed)),
            }
        }
    }

    fn end(&mut self, run: &RunState, verdict: RunVerdict) -> WalkEnd {
        let fault =
            (verdict != RunVerdict::Passed).then(|| run.lifecycle().failure().cloned().unwrap_or_default());
        WalkEnd {
            shared_cells: run.shared_cells(),
            lock_waits: std::mem::take(&mut self.output.lock_waits),
            failure: fault,
        }
    }

    fn rest_number(&mut self, rest: &RunState) -> u32 {
        let next = self.rest_numbers.len() as u32;
        *self.rest_numbers.entry(rest.state_key()).or_insert(next)
    }

    /// Writes everything of a node that can still make a difference into `key`.
    pub fn write_state_key(&self, node: &WalkNode, key: &mut Vec<u8>) {
        key.clear();
        key.extend_from_slice(&node.rest_number.to_le_bytes());
        node.steps.push_state_key(key, &self.scenario, node.rest.step_roles());
    }
}

/// The results of the expectations that look only at shared cells.
#[must_use]
pub fn judge_shared_cells(expectations: &[Expectation], shared: &[(String, i64)]) -> Vec<ExpectationResult> {
    let of_cells: Vec<Expectation> =
        expectations.iter().filter(|one| one.target.subject == ExpectationSubject::Shared).cloned().collect();
    Expectations::of_end(&of_cells).judge_own(&RunTotals { duration: Span::ZERO, shared_cells: shared })
}
