//! Every order of the steps of a scenario, counted without listing them.
//!
//! # How it works
//!
//! Orders that have led to the same state go on alike, so that states are walked, and not orders: each
//! once, with the number of orders that lead to it. All that are so many steps from the start come
//! before those that are one more, so that a state's number is complete before it is passed on; only two
//! such layers are kept, and of all others no more than where each was come to from first. That is the
//! way back to a witness.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use num_bigint::BigUint;

use crate::explore::outcome::{Came, Ended, Explored, Found, Judged, Witness, sort};
use scenario_core::engine::state_walk::{End, Node, Reached, Walk, judge_cells};
use scenario_core::scenario::model::Scenario;
use scenario_core::scenario::model::expect::{Expectation, Subject};

/// How far a walk is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Steps from the start.
    pub steps: u64,
    /// Different states so far.
    pub states: u64,
}

/// Why a walk was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    /// The most states that were allowed.
    pub most: u64,
    /// Steps from the start at which there were more.
    pub steps: u64,
}

/// A state of the layer that is walked.
struct State {
    node: Node,
    /// How many orders lead to it.
    orders: BigUint,
    /// Its place among all states.
    index: u32,
}

/// How a state was come to first.
#[derive(Clone, Copy, Debug)]
struct Way {
    from: u32,
    choice: u32,
    /// Whether there was a choice.
    is_tie: bool,
}

/// What is known of an end.
struct Ending {
    orders: BigUint,
    way: Option<Way>,
}

/// A walk over all states.
struct Walker {
    walk: Walk,
    ways: Vec<Option<Way>>,
    ends: BTreeMap<End, Ending>,
    next: Vec<State>,
    known: HashMap<Box<[u8]>, usize>,
    key: Vec<u8>,
    states: u64,
}

/// Walks every order of the steps of a scenario that can run in virtual time, with this seed's draws;
/// at most so many states. `tell` is told how far it is.
///
/// # Errors
/// When there are more states than that.
pub fn exhaustively(
    scenario: &Scenario,
    seed: u64,
    most: u64,
    mut tell: impl FnMut(Progress),
) -> Result<Explored, TooMany> {
    // What is expected is judged by what comes of the run, and must not end it; where players are in a
    // world changes nothing that comes of it.
    let bare = Scenario { expect: Vec::new(), world: None, ..scenario.clone() };
    let mut walker = Walker {
        walk: Walk::new(Rc::new(bare), seed),
        ways: Vec::new(),
        ends: BTreeMap::new(),
        next: Vec::new(),
        known: HashMap::new(),
        key: Vec::new(),
        states: 0,
    };
    let begun = walker.walk.begin();
    walker.reach(begun, &BigUint::from(1_u8), None);
    let mut steps = 0;
    while !walker.next.is_empty() {
        tell(Progress { steps, states: walker.states });
        let layer = std::mem::take(&mut walker.next);
        walker.known.clear();
        for state in layer {
            if walker.states > most {
                return Err(TooMany { most, steps });
            }
            walker.pass(&state);
        }
        steps += 1;
    }
    Ok(walker.explored(scenario, seed))
}

impl Walker {
    /// Goes every way from a state.
    fn pass(&mut self, state: &State) {
        let choices = self.walk.choices(&state.node);
        for choice in 0..choices {
            let way = Way { from: state.index, choice: choice as u32, is_tie: choices > 1 };
            let reached = self.walk.take(&state.node, choice);
            self.reach(reached, &state.orders, Some(way));
        }
    }

    /// So many orders more lead here.
    fn reach(&mut self, reached: Reached, orders: &BigUint, way: Option<Way>) {
        match reached {
            Reached::End(end) => {
                let states = &mut self.states;
                let ending = self.ends.entry(end).or_insert_with(|| {
                    *states += 1;
                    Ending { orders: BigUint::ZERO, way }
                });
                ending.orders += orders;
            }
            Reached::Step(node) => {
                self.walk.key(&node, &mut self.key);
                if let Some(at) = self.known.get(&*self.key) {
                    self.next[*at].orders += orders;
                    return;
                }
                self.known.insert(self.key.clone().into(), self.next.len());
                let index = self.ways.len() as u32;
                self.ways.push(way);
                self.states += 1;
                self.next.push(State { node: *node, orders: orders.clone(), index });
            }
        }
    }

    /// The choices at the ties of a way.
    fn schedule(&self, mut way: Option<Way>) -> Vec<u32> {
        let mut schedule = Vec::new();
        while let Some(Way { from, choice, is_tie }) = way {
            schedule.extend(is_tie.then_some(choice));
            way = self.ways[from as usize];
        }
        schedule.reverse();
        schedule
    }

    fn explored(self, scenario: &Scenario, seed: u64) -> Explored {
        let (of_cells, others): (Vec<_>, Vec<_>) =
            scenario.expect.iter().partition(|one| one.of.what == Subject::Shared);
        let unmissed = |one: &&Expectation| Judged {
            name: one.name.clone(),
            wanted: one.wanted(),
            missed: BigUint::ZERO,
            first: None,
        };
        let mut judged: Vec<Judged> = of_cells.iter().map(unmissed).collect();
        let mut found: BTreeMap<Came, Found> = BTreeMap::new();
        let mut runs = BigUint::ZERO;
        for (end, ending) in &self.ends {
            let witness = Witness { seed, schedule: self.schedule(ending.way) };
            runs += &ending.orders;
            let mut reason = end.fault.clone();
            for (judged, expected) in judged.iter_mut().zip(judge_cells(&scenario.expect, &end.shared)) {
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
            let outcome = if reason.is_some() { Ended::Failed } else { Ended::Passed };
            let came = Came { shared: end.shared.clone(), waiting: end.waiting.clone(), outcome };
            let one = found.entry(came.clone()).or_insert_with(|| Found {
                came,
                reason,
                count: BigUint::ZERO,
                witness,
            });
            one.count += &ending.orders;
        }
        let mut found: Vec<Found> = found.into_values().collect();
        sort(&mut found);
        let not_judged = others.iter().map(|one| one.name.clone()).collect();
        Explored { found, runs, states: Some(self.states), judged, not_judged }
    }
}
