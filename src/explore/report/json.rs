//! The report for programs: one JSON object. Counts are texts of decimal digits, since they may be larger
//! than the numbers that JSON readers can hold.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{ExplorationMode, ExplorationReport};
use crate::explore::outcome::{ExploredExpectation, OutcomeCount, Witness};
use scenario_log::sanitize::sanitize_json;

#[derive(Serialize)]
struct ExplorationJson<'a> {
    name: &'a str,
    /// `seeds` or `exhaustive`.
    mode: &'static str,
    /// The seed of the draws, if all orders were explored.
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    /// The number of seeds, or of orders; `null` if loops without an end make more orders than can be counted.
    count: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    states: Option<u64>,
    /// `null` if an expectation was not judged, and no run fails.
    passes: Option<bool>,
    outcomes: Vec<ExploredOutcomeJson<'a>>,
    expected: Vec<ExploredExpectationJson<'a>>,
    not_judged: &'a [String],
}

#[derive(Serialize)]
struct ExploredOutcomeJson<'a> {
    count: Option<String>,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    shared: BTreeMap<&'a str, i64>,
    deadlock: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    waiting: BTreeMap<&'a str, &'a str>,
    #[serde(flatten)]
    witness: WitnessJson<'a>,
}

#[derive(Serialize)]
struct WitnessJson<'a> {
    seed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule: Option<&'a [u32]>,
}

#[derive(Serialize)]
struct ExploredExpectationJson<'a> {
    name: &'a str,
    wanted: &'a str,
    /// `null` if orders are not counted, and some missed it.
    missed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<WitnessJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    got: Option<&'a str>,
}

/// The report as one line of JSON.
///
/// # Errors
/// If the report cannot be written as JSON.
pub fn render_json(exploration: &ExplorationReport<'_>) -> serde_json::Result<String> {
    let ExplorationReport { name, mode: how, result: explored, cells_only } = *exploration;
    let (mode, seed) = match how {
        ExplorationMode::Seeds => ("seeds", None),
        ExplorationMode::Exhaustive(seed) | ExplorationMode::ExhaustiveUncounted(seed) => {
            ("exhaustive", Some(seed))
        }
    };
    let printed = ExplorationJson {
        name,
        mode,
        seed,
        count: (!explored.is_uncounted).then(|| explored.runs.to_string()),
        states: explored.states,
        passes: explored.passes(cells_only),
        outcomes: explored.outcomes.iter().map(|found| outcome_json(found, how)).collect(),
        expected: explored.expectations.iter().map(|judged| expectation_json(judged, how)).collect(),
        not_judged: &explored.unjudged,
    };
    serde_json::to_string(&printed).map(|json| sanitize_json(&json) + "\n")
}

/// Whether the counts are numbers of runs or orders.
fn is_counted(how: ExplorationMode) -> bool {
    !matches!(how, ExplorationMode::ExhaustiveUncounted(_))
}

fn outcome_json(found: &OutcomeCount, how: ExplorationMode) -> ExploredOutcomeJson<'_> {
    let came = &found.outcome;
    ExploredOutcomeJson {
        count: is_counted(how).then(|| found.count.to_string()),
        outcome: came.verdict.name(),
        reason: found.reason.as_deref(),
        shared: came.shared.iter().map(|(cell, value)| (cell.as_str(), *value)).collect(),
        deadlock: !came.waiting.is_empty(),
        waiting: came.waiting.iter().map(|(player, lock)| (player.as_str(), lock.as_str())).collect(),
        witness: witness_json(&found.witness, how),
    }
}

fn expectation_json(judged: &ExploredExpectation, how: ExplorationMode) -> ExploredExpectationJson<'_> {
    ExploredExpectationJson {
        name: &judged.name,
        wanted: &judged.wanted,
        missed: (is_counted(how) || judged.first.is_none()).then(|| judged.missed.to_string()),
        first: judged.first.as_ref().map(|(first, _)| witness_json(first, how)),
        got: judged.first.as_ref().and_then(|(_, got)| got.as_deref()),
    }
}

fn witness_json(witness: &Witness, how: ExplorationMode) -> WitnessJson<'_> {
    let schedule = (how != ExplorationMode::Seeds).then_some(&*witness.schedule);
    WitnessJson { seed: witness.seed, schedule }
}
