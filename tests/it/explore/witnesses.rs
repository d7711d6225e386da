//! Witnesses and seeds: each has its outcome, and its log replays exactly.

use std::collections::BTreeMap;
use std::rc::Rc;

use num_bigint::BigUint;
use proptest::prelude::*;
use scenario::explore::outcome::{ExploredOutcome, ExploredVerdict, Witness};
use scenario::explore::{explore_by_seeds, explore_exhaustively};
use scenario::io::log_file::writer::append_checksum;
use scenario::replay::outcome::ReplayFinding;
use scenario::replay::replay;
use scenario_core::engine::effect::Effect;
use scenario_core::engine::{Engine, EngineSink, RunStart};
use scenario_core::scenario::model::Scenario;
use scenario_core::scenario::write::resolved::to_json;
use scenario_log::encode::EventEncoder;
use scenario_log::event::{ClockKind, Event, RunOutcome};
use scenario_log::time::Moment;

use crate::explore::counts::programs;
use crate::explore::loaded;

/// A log in memory, and the outcome of the run.
#[derive(Default)]
struct Recorder {
    encoder: EventEncoder,
    waiting: Vec<(String, String)>,
    came: Option<ExploredOutcome>,
}

impl EngineSink for Recorder {
    fn event(&mut self, t: Moment, event: &Event<'_>) {
        self.encoder.encode(t, event);
        match event {
            Event::Deadlock { waiting } => self.waiting = waiting.to_vec(),
            Event::RunFinished(summary) => {
                let passed = summary.outcome == RunOutcome::Passed;
                let outcome = if passed { ExploredVerdict::Passed } else { ExploredVerdict::Failed };
                let waiting = self.waiting.clone();
                self.came =
                    Some(ExploredOutcome { shared: summary.shared.clone(), waiting, verdict: outcome });
            }
            _ => {}
        }
    }

    fn effect(&mut self, _order: Effect) {}
}

/// The outcome of a witness, with its log.
fn run(scenario: &Scenario, witness: &Witness) -> (ExploredOutcome, Vec<u8>) {
    let scenario = Rc::new(scenario.clone());
    let resolved = to_json(&scenario);
    let mut engine = Engine::new(scenario, witness.seed);
    let mut recorder = Recorder::default();
    let (seed, schedule) = (witness.seed, &witness.schedule[..]);
    let start =
        RunStart { seed, clock: ClockKind::Virtual, started_at: None, schedule, scenario_json: &resolved };
    engine.start(&start, &mut recorder);
    while let Some(now) = engine.next_due() {
        engine.advance(now, &mut recorder);
    }
    (recorder.came.unwrap(), append_checksum(0, recorder.encoder.swap_buffer(Vec::new())))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 150, ..ProptestConfig::default() })]
    #[test]
    fn every_witness_comes_to_its_outcome_and_replays(program in programs(), seed in 0..9_u64) {
        let scenario = loaded(&program.toml());
        let explored = explore_exhaustively(&scenario, seed, 100_000, |_| {}).unwrap();
        for found in &explored.outcomes {
            let (came, log) = run(&scenario, &found.witness);
            prop_assert_eq!(&came, &found.outcome, "{}\n{:?}", program.toml(), found.witness);
            let replayed = replay(&log[..], None);
            prop_assert!(matches!(replayed.finding, ReplayFinding::Same), "{:?}", replayed);
            // Another choice at a tie is another run, which the log does not contain.
            let schedule = found.witness.schedule.iter();
            if let Some(at) = schedule.clone().position(|choice| *choice == 0) {
                let mut other = found.witness.clone();
                other.schedule[at] = 1;
                let (_, other) = run(&scenario, &other);
                prop_assert_ne!(other, log);
            }
        }
    }

    #[test]
    fn seeds_come_to_what_some_order_comes_to(program in programs()) {
        let scenario = loaded(&program.toml());
        let all = explore_exhaustively(&scenario, 0, 100_000, |_| {}).unwrap();
        let explored = explore_by_seeds(&scenario, 20, |_| {});
        prop_assert_eq!(&explored.runs, &BigUint::from(20_u8));
        // The counts and the first seeds are those of one run after the other, whatever the threads did.
        let mut wanted: BTreeMap<ExploredOutcome, (u32, u64)> = BTreeMap::new();
        for seed in 0..20 {
            let (came, log) = run(&scenario, &Witness { seed, schedule: Vec::new() });
            prop_assert!(matches!(replay(&log[..], None).finding, ReplayFinding::Same));
            wanted.entry(came).or_insert((0, seed)).0 += 1;
        }
        for found in &explored.outcomes {
            let (count, first) = wanted.remove(&found.outcome).unwrap();
            prop_assert_eq!((BigUint::from(count), first), (found.count.clone(), found.witness.seed));
            prop_assert!(all.outcomes.iter().any(|one| one.outcome == found.outcome));
        }
        prop_assert!(wanted.is_empty());
    }
}

#[test]
fn with_enough_seeds_every_outcome_comes() {
    let text = "[shared]\na = 10\n[presets.p]\nplayers = [{ name = \"t\", count = 2, steps = [\"load a\", \"add 1\", \
                \"store a\"] }]\n[[timeline]]\nspawn = \"p\"\n";
    let explored = explore_by_seeds(&loaded(text), 2_000, |_| {});
    let values: Vec<i64> = explored.outcomes.iter().map(|found| found.outcome.shared[0].1).collect();
    assert_eq!(values, [11, 12]);
    // A quarter of all runs gives 12: by two orders, each of which needs three draws of one in two.
    let twelve = u64::try_from(&explored.outcomes[1].count).unwrap();
    assert!((400..600).contains(&twelve), "{twelve}");
}
