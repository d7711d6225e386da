//! For programs: one JSON object. Counts are texts of decimal digits, since they may be larger than
//! any number that JSON is read into.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Exploration, How};
use crate::explore::outcome::{Found, Judged, Witness};
use scenario_log::sanitize::visible_json;

#[derive(Serialize)]
struct Printed<'a> {
    name: &'a str,
    /// `seeds` or `exhaustive`.
    mode: &'static str,
    /// Whose draws they are, of all orders.
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    /// Seeds that were run, or orders that there are.
    count: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    states: Option<u64>,
    passes: bool,
    outcomes: Vec<Outcome<'a>>,
    expected: Vec<Expectation<'a>>,
    not_judged: &'a [String],
}

#[derive(Serialize)]
struct Outcome<'a> {
    count: String,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    shared: BTreeMap<&'a str, i64>,
    deadlock: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    waiting: BTreeMap<&'a str, &'a str>,
    #[serde(flatten)]
    witness: PrintedWitness<'a>,
}

#[derive(Serialize)]
struct PrintedWitness<'a> {
    seed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule: Option<&'a [u32]>,
}

#[derive(Serialize)]
struct Expectation<'a> {
    name: &'a str,
    wanted: &'a str,
    missed: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<PrintedWitness<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    got: Option<&'a str>,
}

/// What came of it, as one line.
///
/// # Errors
/// In words, why it cannot be written.
pub fn json(exploration: &Exploration<'_>) -> Result<String, String> {
    let Exploration { name, how, explored } = *exploration;
    let (mode, seed) = match how {
        How::Seeds => ("seeds", None),
        How::Exhaustive(seed) => ("exhaustive", Some(seed)),
    };
    let printed = Printed {
        name,
        mode,
        seed,
        count: explored.runs.to_string(),
        states: explored.states,
        passes: explored.passes(),
        outcomes: explored.found.iter().map(|found| outcome(found, how)).collect(),
        expected: explored.judged.iter().map(|judged| expectation(judged, how)).collect(),
        not_judged: &explored.not_judged,
    };
    serde_json::to_string(&printed).map(|json| visible_json(&json) + "\n").map_err(|error| error.to_string())
}

fn outcome(found: &Found, how: How) -> Outcome<'_> {
    let came = &found.came;
    Outcome {
        count: found.count.to_string(),
        outcome: came.outcome.name(),
        reason: found.reason.as_deref(),
        shared: came.shared.iter().map(|(cell, value)| (cell.as_str(), *value)).collect(),
        deadlock: !came.waiting.is_empty(),
        waiting: came.waiting.iter().map(|(player, lock)| (player.as_str(), lock.as_str())).collect(),
        witness: witness(&found.witness, how),
    }
}

fn expectation(judged: &Judged, how: How) -> Expectation<'_> {
    Expectation {
        name: &judged.name,
        wanted: &judged.wanted,
        missed: judged.missed.to_string(),
        first: judged.first.as_ref().map(|(first, _)| witness(first, how)),
        got: judged.first.as_ref().and_then(|(_, got)| got.as_deref()),
    }
}

fn witness(witness: &Witness, how: How) -> PrintedWitness<'_> {
    let schedule = (how != How::Seeds).then_some(&*witness.schedule);
    PrintedWitness { seed: witness.seed, schedule }
}
