//! One run for each seed, in virtual time, on all cores. The result does not depend on the number of cores.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use num_bigint::BigUint;

use crate::explore::outcome::{
    ExplorationResult, ExploredExpectation, ExploredOutcome, ExploredVerdict, OutcomeCount, Witness,
    sort_outcomes,
};
use scenario_core::engine::effect::Effect;
use scenario_core::engine::{Engine, EngineSink, RunStart};
use scenario_core::scenario::model::Scenario;
use scenario_log::event::{ClockKind, Event, RunOutcome};
use scenario_log::time::Moment;

/// The time between two reports of the progress.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// A number of runs, and the first of them.
#[derive(Clone, Debug, Default)]
struct SeedCount<T> {
    count: u64,
    first_seed: u64,
    /// A detail of the first.
    first_detail: T,
}

impl<T> SeedCount<T> {
    /// Adds the count of other seeds.
    fn add(&mut self, other: SeedCount<T>) {
        if other.count > 0 && (self.count == 0 || other.first_seed < self.first_seed) {
            self.first_seed = other.first_seed;
            self.first_detail = other.first_detail;
        }
        self.count += other.count;
    }
}

/// The results of some seeds.
#[derive(Debug, Default)]
struct SeedTally {
    outcomes: BTreeMap<ExploredOutcome, SeedCount<Option<String>>>,
    /// By expectation, the runs that missed it.
    missed: BTreeMap<usize, SeedCount<Option<String>>>,
}

impl SeedTally {
    fn add(&mut self, other: SeedTally) {
        for (came, counted) in other.outcomes {
            self.outcomes.entry(came).or_default().add(counted);
        }
        for (expectation, counted) in other.missed {
            self.missed.entry(expectation).or_default().add(counted);
        }
    }
}

/// Runs a scenario that can run in virtual time with the seeds from 0 on. `report_progress` receives the
/// number of finished runs from time to time.
#[must_use]
pub fn explore_by_seeds(
    scenario: &Scenario,
    seeds: u64,
    mut report_progress: impl FnMut(u64),
) -> ExplorationResult {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let threads = u64::try_from(cores).unwrap_or(1).min(seeds.max(1));
    let (next, done) = (AtomicU64::new(0), AtomicU64::new(0));
    let mut tally = SeedTally::default();
    thread::scope(|scope| {
        let (results, ended) = mpsc::channel();
        for _ in 0..threads {
            let results = results.clone();
            let (next, done) = (&next, &done);
            scope.spawn(move || {
                let scenario = Rc::new(scenario.clone());
                let mut tally = SeedTally::default();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        break;
                    }
                    run_seed(&scenario, seed, &mut tally);
                    done.fetch_add(1, Ordering::Relaxed);
                }
                // The receiver is gone only if another thread has panicked.
                let _ = results.send(tally);
            });
        }
        drop(results);
        loop {
            match ended.recv_timeout(PROGRESS_INTERVAL) {
                Ok(part) => tally.add(part),
                Err(mpsc::RecvTimeoutError::Timeout) => report_progress(done.load(Ordering::Relaxed)),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
        }
    });
    to_result(scenario, seeds, tally)
}

fn to_result(scenario: &Scenario, seeds: u64, mut tally: SeedTally) -> ExplorationResult {
    let witness = |seed| Witness { seed, schedule: Vec::new() };
    let found = tally.outcomes.into_iter().map(|(came, counted)| OutcomeCount {
        outcome: came,
        reason: counted.first_detail,
        count: BigUint::from(counted.count),
        witness: witness(counted.first_seed),
    });
    let mut found: Vec<OutcomeCount> = found.collect();
    sort_outcomes(&mut found);
    let judged = scenario.expectations.iter().enumerate().map(|(n, one)| {
        let missed = tally.missed.remove(&n);
        ExploredExpectation {
            name: one.name.clone(),
            wanted: one.requirement(),
            missed: BigUint::from(missed.as_ref().map_or(0, |missed| missed.count)),
            first: missed.map(|missed| (witness(missed.first_seed), missed.first_detail)),
        }
    });
    let judged = judged.collect();
    ExplorationResult {
        outcomes: found,
        runs: BigUint::from(seeds),
        is_uncounted: false,
        states: None,
        expectations: judged,
        unjudged: Vec::new(),
    }
}

/// A sink that keeps the outcome of one run.
#[derive(Default)]
struct SeedRunSink {
    waiting: Vec<(String, String)>,
    /// The names of the missed expectations, each with the value that it got.
    missed: Vec<(String, Option<String>)>,
    ended: Option<(ExploredOutcome, Option<String>)>,
}

impl EngineSink for SeedRunSink {
    #[expect(clippy::wildcard_enum_match_arm, reason = "an outcome is made of these events alone")]
    fn event(&mut self, _t: Moment, event: &Event<'_>) {
        match event {
            Event::Deadlock { waiting } => self.waiting = waiting.to_vec(),
            Event::Expect(expected) => {
                // The groups of one expectation are missed as one.
                let is_new = self.missed.last().is_none_or(|(name, _)| *name != expected.name);
                if !expected.ok && is_new {
                    self.missed.push((expected.name.clone(), expected.got.clone()));
                }
            }
            Event::RunFinished(summary) => {
                let is_passed = summary.outcome == RunOutcome::Passed;
                let came = ExploredOutcome {
                    shared: summary.shared.clone(),
                    waiting: std::mem::take(&mut self.waiting),
                    verdict: if is_passed { ExploredVerdict::Passed } else { ExploredVerdict::Failed },
                };
                self.ended = Some((came, summary.reason.clone()));
            }
            _ => {}
        }
    }

    fn effect(&mut self, _effect: Effect) {}
}

fn run_seed(scenario: &Rc<Scenario>, seed: u64, tally: &mut SeedTally) {
    let mut seen = SeedRunSink::default();
    let mut engine = Engine::new(Rc::clone(scenario), seed);
    let clock = ClockKind::Virtual;
    engine.start(&RunStart { seed, clock, started_at: None, schedule: &[], scenario_json: "{}" }, &mut seen);
    while let Some(now) = engine.next_due() {
        engine.advance(now, &mut seen);
    }
    let SeedRunSink { missed, ended, .. } = seen;
    if let Some((came, reason)) = ended {
        tally.outcomes.entry(came).or_default().add(SeedCount {
            count: 1,
            first_seed: seed,
            first_detail: reason,
        });
    }
    for (name, got) in missed {
        let Some(expectation) = scenario.expectations.iter().position(|one| one.name == name) else {
            continue;
        };
        let one = SeedCount { count: 1, first_seed: seed, first_detail: got };
        tally.missed.entry(expectation).or_default().add(one);
    }
}
