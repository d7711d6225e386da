//! A run for each seed, in virtual time, on all cores. What is told does not depend on how many there
//! are.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use num_bigint::BigUint;

use crate::explore::outcome::{Came, Ended, Explored, Found, Judged, Witness, sort};
use scenario_core::engine::effect::Order;
use scenario_core::engine::{Engine, Sink, Start};
use scenario_core::scenario::model::Scenario;
use scenario_log::event::{ClockKind, Event, Outcome};
use scenario_log::time::Moment;

/// How often it is told how far it is.
const TELLS: Duration = Duration::from_millis(100);

/// How many runs, and the first of them.
#[derive(Clone, Debug, Default)]
struct Counted<T> {
    count: u64,
    first: u64,
    /// What there is to know of the first.
    of_first: T,
}

impl<T> Counted<T> {
    /// Puts two counts of different seeds together.
    fn add(&mut self, other: Counted<T>) {
        if other.count > 0 && (self.count == 0 || other.first < self.first) {
            self.first = other.first;
            self.of_first = other.of_first;
        }
        self.count += other.count;
    }
}

/// What came of some seeds.
#[derive(Debug, Default)]
struct Tally {
    came: BTreeMap<Came, Counted<Option<String>>>,
    /// By expectation: those that miss it.
    missed: BTreeMap<usize, Counted<Option<String>>>,
}

impl Tally {
    fn add(&mut self, other: Tally) {
        for (came, counted) in other.came {
            self.came.entry(came).or_default().add(counted);
        }
        for (expectation, counted) in other.missed {
            self.missed.entry(expectation).or_default().add(counted);
        }
    }
}

/// Runs a scenario that can run in virtual time with the seeds from 0 on; `tell` is told, from time to
/// time, how many are done.
#[must_use]
pub fn by_seeds(scenario: &Scenario, seeds: u64, mut tell: impl FnMut(u64)) -> Explored {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let threads = u64::try_from(cores).unwrap_or(1).min(seeds.max(1));
    let (next, done) = (AtomicU64::new(0), AtomicU64::new(0));
    let mut tally = Tally::default();
    thread::scope(|scope| {
        let (results, ended) = mpsc::channel();
        for _ in 0..threads {
            let results = results.clone();
            let (next, done) = (&next, &done);
            scope.spawn(move || {
                let scenario = Rc::new(scenario.clone());
                let mut tally = Tally::default();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        break;
                    }
                    run(&scenario, seed, &mut tally);
                    done.fetch_add(1, Ordering::Relaxed);
                }
                // Who asked has gone only where another thread has panicked.
                let _ = results.send(tally);
            });
        }
        drop(results);
        loop {
            match ended.recv_timeout(TELLS) {
                Ok(part) => tally.add(part),
                Err(mpsc::RecvTimeoutError::Timeout) => tell(done.load(Ordering::Relaxed)),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
        }
    });
    explored(scenario, seeds, tally)
}

fn explored(scenario: &Scenario, seeds: u64, mut tally: Tally) -> Explored {
    let witness = |seed| Witness { seed, schedule: Vec::new() };
    let found = tally.came.into_iter().map(|(came, counted)| Found {
        came,
        reason: counted.of_first,
        count: BigUint::from(counted.count),
        witness: witness(counted.first),
    });
    let mut found: Vec<Found> = found.collect();
    sort(&mut found);
    let judged = scenario.expect.iter().enumerate().map(|(n, one)| {
        let missed = tally.missed.remove(&n);
        Judged {
            name: one.name.clone(),
            wanted: one.wanted(),
            missed: BigUint::from(missed.as_ref().map_or(0, |missed| missed.count)),
            first: missed.map(|missed| (witness(missed.first), missed.of_first)),
        }
    });
    let judged = judged.collect();
    Explored { found, runs: BigUint::from(seeds), states: None, judged, not_judged: Vec::new() }
}

/// What is kept of one run.
#[derive(Default)]
struct Seen {
    waiting: Vec<(String, String)>,
    /// The expectations so far, and those that were missed.
    expectations: usize,
    missed: Vec<(usize, Option<String>)>,
    ended: Option<(Came, Option<String>)>,
}

impl Sink for Seen {
    fn event(&mut self, _t: Moment, event: &Event<'_>) {
        match event {
            Event::Deadlock { waiting } => self.waiting = waiting.to_vec(),
            Event::Expect(expected) => {
                if !expected.ok {
                    self.missed.push((self.expectations, expected.got.clone()));
                }
                self.expectations += 1;
            }
            Event::RunFinished(summary) => {
                let is_passed = summary.outcome == Outcome::Passed;
                let came = Came {
                    shared: summary.shared.clone(),
                    waiting: std::mem::take(&mut self.waiting),
                    outcome: if is_passed { Ended::Passed } else { Ended::Failed },
                };
                self.ended = Some((came, summary.reason.clone()));
            }
            _ => {}
        }
    }

    fn order(&mut self, _order: Order) {}
}

fn run(scenario: &Rc<Scenario>, seed: u64, tally: &mut Tally) {
    let mut seen = Seen::default();
    let mut engine = Engine::new(Rc::clone(scenario), seed);
    let clock = ClockKind::Virtual;
    engine.start(&Start { seed, clock, started_at: None, schedule: &[], resolved: "{}" }, &mut seen);
    while let Some(now) = engine.next_due() {
        engine.advance(now, &mut seen);
    }
    let Seen { missed, ended, .. } = seen;
    if let Some((came, reason)) = ended {
        tally.came.entry(came).or_default().add(Counted { count: 1, first: seed, of_first: reason });
    }
    for (expectation, got) in missed {
        let one = Counted { count: 1, first: seed, of_first: got };
        tally.missed.entry(expectation).or_default().add(one);
    }
}
