//! Explores every order of the steps of a scenario. Counts the orders without listing them.
//!
//! # How it works
//!
//! Orders that lead to the same state continue in the same way. So states are walked, and not orders: each
//! state once, with the number of orders that lead to it. The states form layers: all states that are the
//! same number of steps from the start. A layer is complete before the next one begins, so the number of
//! orders of each of its states is complete too. Only two layers are kept; of every earlier state only its
//! first predecessor is, which is the way back to a witness.
//!
//! Players with loops that have no end come back to states, so that their orders cannot be counted. Then all
//! states are kept, and each is walked once, when it is first reached.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::fmt;
use std::rc::Rc;

use num_bigint::BigUint;

use crate::explore::outcome::{
    ExplorationResult, ExploredExpectation, ExploredOutcome, ExploredVerdict, OutcomeCount, Witness,
    sort_outcomes,
};
use scenario_core::engine::state_walk::{StateWalk, WalkEnd, WalkNode, WalkProgress, judge_shared_cells};
use scenario_core::scenario::model::expect::{Expectation, ExpectationSubject};
use scenario_core::scenario::model::step_program::StepProgram;
use scenario_core::scenario::model::{PlayersPreset, Preset, Scenario};

/// The progress of a walk.
#[derive(Clone, Copy, Debug)]
pub struct ExploreProgress {
    /// Steps from the start.
    pub steps: u64,
    /// Different states so far.
    pub states: u64,
}

/// Why a walk was given up: there are more states than allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyStates {
    /// The most states that were allowed.
    pub max_states: u64,
    /// The number of steps from the start at which there were more.
    pub steps: u64,
}

impl fmt::Display for TooManyStates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "more than {} states, {} steps from the start", self.max_states, self.steps)
    }
}

impl Error for TooManyStates {}

/// A state of the current layer.
struct LayerState {
    node: WalkNode,
    /// The number of orders that lead to it.
    orders: BigUint,
    /// Its index among all states.
    index: u32,
}

/// The first way that led to a state.
#[derive(Clone, Copy, Debug)]
struct Predecessor {
    from: u32,
    choice: u32,
    /// Whether there was a choice.
    is_tie: bool,
}

/// The orders that lead to an end.
struct EndCount {
    orders: BigUint,
    predecessor: Option<Predecessor>,
}

/// A walk over all states.
struct LayerWalker {
    walk: StateWalk,
    predecessors: Vec<Option<Predecessor>>,
    ends: BTreeMap<WalkEnd, EndCount>,
    next_layer: Vec<LayerState>,
    /// The states of the next layer by their keys; all states so far, if orders are not counted.
    known: HashMap<Box<[u8]>, usize>,
    /// Whether orders are not counted, because loops have no end.
    is_uncounted: bool,
    key: Vec<u8>,
    states: u64,
}

/// Walks every order of the steps of a scenario that can run in virtual time, with this seed's draws.
/// `report_progress` receives the progress before each layer.
///
/// # Errors
/// If there are more than `max_states` states.
pub fn explore_exhaustively(
    scenario: &Scenario,
    seed: u64,
    max_states: u64,
    mut report_progress: impl FnMut(ExploreProgress),
) -> Result<ExplorationResult, TooManyStates> {
    // Expectations are judged by the end of a run, and must not end it earlier. The positions of players in
    // a world do not change the end.
    let bare = Scenario { expectations: Vec::new(), world: None, ..scenario.clone() };
    let mut walker = LayerWalker {
        walk: StateWalk::new(Rc::new(bare), seed),
        predecessors: Vec::new(),
        ends: BTreeMap::new(),
        next_layer: Vec::new(),
        known: HashMap::new(),
        is_uncounted: has_endless_loop(scenario),
        key: Vec::new(),
        states: 0,
    };
    let begun = walker.walk.begin();
    walker.add_reached(begun, &BigUint::from(1_u8), None);
    let mut steps = 0;
    while !walker.next_layer.is_empty() {
        report_progress(ExploreProgress { steps, states: walker.states });
        let layer = std::mem::take(&mut walker.next_layer);
        if !walker.is_uncounted {
            walker.known.clear();
        }
        for state in layer {
            if walker.states > max_states {
                return Err(TooManyStates { max_states, steps });
            }
            walker.expand(&state);
        }
        steps += 1;
    }
    Ok(walker.into_result(scenario, seed))
}

/// Whether a player has a loop without an end.
fn has_endless_loop(scenario: &Scenario) -> bool {
    let mut programs = scenario.presets.iter().filter_map(Preset::players).flat_map(PlayersPreset::programs);
    programs.any(StepProgram::has_endless_loop)
}

impl LayerWalker {
    /// Follows every choice from a state.
    fn expand(&mut self, state: &LayerState) {
        let choices = self.walk.choice_count(&state.node);
        for choice in 0..choices {
            let way = Predecessor { from: state.index, choice: choice as u32, is_tie: choices > 1 };
            let reached = self.walk.take_choice(&state.node, choice);
            self.add_reached(reached, &state.orders, Some(way));
        }
    }

    /// Adds orders that lead to a state or an end.
    fn add_reached(&mut self, reached: WalkProgress, orders: &BigUint, way: Option<Predecessor>) {
        match reached {
            WalkProgress::End(end) => {
                let states = &mut self.states;
                let ending = self.ends.entry(end).or_insert_with(|| {
                    *states += 1;
                    EndCount { orders: BigUint::ZERO, predecessor: way }
                });
                if self.is_uncounted {
                    ending.orders = BigUint::from(1_u8);
                } else {
                    ending.orders += orders;
                }
            }
            WalkProgress::Choice(node) => {
                self.walk.write_state_key(&node, &mut self.key);
                if let Some(at) = self.known.get(&*self.key) {
                    if !self.is_uncounted {
                        self.next_layer[*at].orders += orders;
                    }
                    return;
                }
                self.known.insert(self.key.clone().into(), self.next_layer.len());
                let index = self.predecessors.len() as u32;
                self.predecessors.push(way);
                self.states += 1;
                self.next_layer.push(LayerState { node: *node, orders: orders.clone(), index });
            }
        }
    }

    /// The choices at the ties on the way to a state.
    fn schedule(&self, mut way: Option<Predecessor>) -> Vec<u32> {
        let mut schedule = Vec::new();
        while let Some(Predecessor { from, choice, is_tie }) = way {
            schedule.extend(is_tie.then_some(choice));
            way = self.predecessors[from as usize];
        }
        schedule.reverse();
        schedule
    }

    fn into_result(self, scenario: &Scenario, seed: u64) -> ExplorationResult {
        let (of_cells, others): (Vec<_>, Vec<_>) =
            scenario.expectations.iter().partition(|one| one.target.subject == ExpectationSubject::Shared);
        let unmissed = |one: &&Expectation| ExploredExpectation {
            name: one.name.clone(),
            wanted: one.requirement(),
            missed: BigUint::ZERO,
            first: None,
        };
        let mut judged: Vec<ExploredExpectation> = of_cells.iter().map(unmissed).collect();
        let mut found: BTreeMap<ExploredOutcome, OutcomeCount> = BTreeMap::new();
        let mut runs = BigUint::ZERO;
        for (end, ending) in &self.ends {
            let witness = Witness { seed, schedule: self.schedule(ending.predecessor) };
            runs += &ending.orders;
            let mut reason = end.failure.clone();
            for (judged, expected) in
                judged.iter_mut().zip(judge_shared_cells(&scenario.expectations, &end.shared_cells))
            {
                if !expected.ok {
                    judged.missed += &ending.orders;
                    judged.first.get_or_insert_with(|| (witness.clone(), expected.got.clone()));
                    let got = expected.got.unwrap_or_default();
                    reason.get_or_insert_with(|| {
                        format!(
                            "expectation `{}` is missed: wanted {}, got {got}",
                            judged.name, judged.wanted
                        )
                    });
                }
            }
            let outcome = if reason.is_some() { ExploredVerdict::Failed } else { ExploredVerdict::Passed };
            let came = ExploredOutcome {
                shared: end.shared_cells.clone(),
                waiting: end.lock_waits.clone(),
                verdict: outcome,
            };
            let one = found.entry(came.clone()).or_insert_with(|| OutcomeCount {
                outcome: came,
                reason,
                count: BigUint::ZERO,
                witness,
            });
            one.count += &ending.orders;
            if self.is_uncounted {
                one.count = BigUint::from(1_u8);
            }
        }
        let mut found: Vec<OutcomeCount> = found.into_values().collect();
        sort_outcomes(&mut found);
        if self.is_uncounted {
            runs = BigUint::from(found.len());
        }
        let not_judged = others.iter().map(|one| one.name.clone()).collect();
        ExplorationResult {
            outcomes: found,
            runs,
            is_uncounted: self.is_uncounted,
            states: Some(self.states),
            expectations: judged,
            unjudged: not_judged,
        }
    }
}
