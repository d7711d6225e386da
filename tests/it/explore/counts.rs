//! Exact counts: against those of the [other program](crate::explore::brute), and against formulas.

use std::collections::{BTreeMap, BTreeSet};

use num_bigint::BigUint;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use scenario::explore::explore_exhaustively;
use scenario::explore::outcome::ExplorationResult;

use crate::explore::brute::{End, Player, Program};
use crate::explore::loaded;

/// The most states that a test walks.
const MOST: u64 = 1_000_000;

/// The most orders that are listed one by one.
const LISTED: u64 = 8_000;

/// Some steps, with locks around parts of them. The parts may overlap, and a lock may never be released.
pub(crate) fn steps() -> impl Strategy<Value = Vec<String>> {
    let step = prop_oneof![
        4 => select(vec!["load a", "load b", "store a", "store b"]).prop_map(str::to_owned),
        3 => select(vec!["add 1", "add -7", "mul 2", "mul 0", "mul 9223372036854775807"]).prop_map(str::to_owned),
        1 => select(vec!["move", "say ho", "pause 0ms", "pause 1ms", "pause 2ms"]).prop_map(str::to_owned),
    ];
    let lock = (select(vec!["a", "b", "c"]), 0..5_usize, 0..6_usize);
    (vec(step, 1..4), vec(lock, 0..4)).prop_map(|(mut steps, locks)| {
        for (name, from, length) in locks {
            if steps.iter().any(|step| step.ends_with(&format!("lock {name}"))) {
                continue;
            }
            let from = from.min(steps.len());
            steps.insert(from, format!("lock {name}"));
            // The longest part extends past the end, so its lock is never released.
            if length < 5 {
                steps.insert((from + 1 + length).min(steps.len()), format!("unlock {name}"));
            }
        }
        steps
    })
}

pub(crate) fn programs() -> impl Strategy<Value = Program> {
    let player = (select(vec![0, 0, 0, 1, 2]), steps()).prop_map(|(start, steps)| Player { start, steps });
    let cells = select(vec![[0, 1], [10, -3], [i64::MAX, i64::MIN]]);
    (cells, vec(player, 1..4)).prop_map(|(cells, players)| Program { cells, players })
}

/// The outcomes in the form of the other program.
fn found(explored: &ExplorationResult) -> BTreeMap<End, u64> {
    let one = |found: &scenario::explore::outcome::OutcomeCount| {
        let cells = [found.outcome.shared[0].1, found.outcome.shared[1].1];
        let waiting = found
            .outcome
            .waiting
            .iter()
            .map(|(player, lock)| (player.strip_prefix('p').unwrap().parse().unwrap(), lock.clone()));
        // By their numbers, not in the order of their start.
        let waiting: BTreeSet<_> = waiting.collect();
        ((cells, waiting.into_iter().collect()), u64::try_from(&found.count).unwrap())
    };
    explored.outcomes.iter().map(one).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 600, ..ProptestConfig::default() })]
    #[test]
    fn counts_are_those_of_a_program_that_lists_every_order(program in programs()) {
        let Some(wanted) = program.ends(LISTED) else { return Ok(()) };
        let explored = explore_exhaustively(&loaded(&program.toml()), 0, MOST, |_| {}).unwrap();
        prop_assert_eq!(found(&explored), wanted.clone(), "{}", program.toml());
        prop_assert_eq!(explored.runs.clone(), BigUint::from(wanted.values().sum::<u64>()));
        let deadlocks = wanted.keys().filter(|(_, waiting)| !waiting.is_empty()).count();
        prop_assert_eq!(explored.passes(false), Some(deadlocks == 0));
    }
}

/// Enough of the programs above have locks, deadlocks and several outcomes, and are small enough to be
/// listed; otherwise nothing would have been compared.
#[test]
fn the_programs_that_are_compared_are_of_all_kinds() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let (mut listed, mut deadlocks, mut several, mut locked) = (0, 0, 0, 0);
    for _ in 0..600 {
        let program = programs().new_tree(&mut runner).unwrap().current();
        let Some(ends) = program.ends(LISTED) else { continue };
        listed += 1;
        deadlocks += u32::from(ends.keys().any(|(_, waiting)| !waiting.is_empty()));
        several += u32::from(ends.len() > 1);
        locked +=
            u32::from(program.players.iter().flat_map(|player| &player.steps).any(|s| s.starts_with("lock")));
    }
    assert!(
        listed > 400 && deadlocks > 50 && several > 40 && locked > 200,
        "{listed} {deadlocks} {several} {locked}"
    );
}

fn threads(count: u32, steps: &str) -> String {
    format!(
        "[shared]\na = 10\n[presets.p]\nplayers = [{{ name = \"t\", count = {count}, steps = [{steps}] }}]\n\
         [[timeline]]\nspawn = \"p\"\n"
    )
}

fn counts(text: &str) -> (String, Vec<(i64, String)>) {
    let explored = explore_exhaustively(&loaded(text), 0, MOST, |_| {}).unwrap();
    let found = explored.outcomes.iter().map(|found| (found.outcome.shared[0].1, found.count.to_string()));
    (explored.runs.to_string(), found.collect())
}

#[test]
fn the_course_has_its_numbers() {
    let (runs, found) = counts(&threads(2, r#""load a", "add 1", "store a""#));
    assert_eq!((runs.as_str(), found), ("20", vec![(11, "18".to_owned()), (12, "2".to_owned())]));
    let (runs, found) = counts(&threads(2, r#""lock m", "load a", "add 1", "store a", "unlock m""#));
    assert_eq!((runs.as_str(), found), ("2", vec![(12, "2".to_owned())]));
    let (runs, found) = counts(&threads(1, r#""load a""#));
    assert_eq!((runs.as_str(), found), ("1", vec![(10, "1".to_owned())]));
}

/// The number of ways to merge this many sequences of this many steps into one.
fn multinomial(players: u32, steps: u32) -> BigUint {
    let factorial = |n: u32| (1..=n).map(BigUint::from).product::<BigUint>();
    factorial(players * steps) / factorial(steps).pow(players)
}

#[test]
fn counting_goes_far_beyond_listing() {
    // The steps do not affect each other: only the number of orders is counted.
    for (players, length) in [(4, 6), (6, 4), (3, 20), (2, 200)] {
        let steps = vec![r#""say x""#; length as usize].join(", ");
        let (runs, found) = counts(&threads(players, &steps));
        assert_eq!(runs, multinomial(players, length).to_string());
        assert_eq!(found, [(10, runs)]);
    }
    assert_eq!(multinomial(4, 6).to_string(), "2308743493056");
    assert!(multinomial(2, 200).to_string().len() > 100, "no number of a machine holds that");
}

#[test]
fn locks_around_all_leave_the_orders_of_players() {
    for players in 1..=6 {
        let (runs, found) =
            counts(&threads(players, r#""lock m", "load a", "add 1", "store a", "unlock m""#));
        let orders = (1..=players).product::<u32>().to_string();
        assert_eq!((runs, found), (orders.clone(), vec![(10 + i64::from(players), orders)]));
    }
}

#[test]
fn ties_are_walked_and_draws_are_the_seeds() {
    // A player that pauses for a drawn time continues before or after the other one, as the seed decides.
    let text = threads(2, r#""pause 0s..1s", "load a", "add 1", "store a""#);
    for seed in 0..5 {
        let explored = explore_exhaustively(&loaded(&text), seed, MOST, |_| {}).unwrap();
        // Only the two pauses are due at one instant.
        assert_eq!(explored.runs, BigUint::from(2_u8));
        assert_eq!(explored.outcomes[0].outcome.shared[0].1, 12);
    }
}

#[test]
fn what_waits_for_an_end_comes_behind_every_order_of_it() {
    let text = format!(
        "{}[[timeline]]\nid = \"second\"\nafter = \"first.finished\"\nspawn = \"p\"\n",
        threads(2, r#""load a", "add 1", "store a""#).replace("spawn = ", "id = \"first\"\nspawn = ")
    );
    let (runs, found) = counts(&text);
    // 20 times 20; each pair of spawns adds one or two.
    assert_eq!(runs, "400");
    let wanted = [(12, 18 * 18), (13, 2 * 18 * 2), (14, 2 * 2)];
    assert_eq!(found, wanted.map(|(value, count): (i64, u32)| (value, count.to_string())));
}

#[test]
fn too_many_states_are_given_up() {
    let text = threads(6, r#""load a", "add 1", "store a", "load a", "mul 3", "store a""#);
    let fault = explore_exhaustively(&loaded(&text), 0, 10_000, |_| {}).unwrap_err();
    assert!(fault.max_states == 10_000 && fault.steps > 0);
}
