//! The result of an exploration: the possible outcomes of a scenario. Does not explore.

use num_bigint::BigUint;

use scenario_log::event::RunOutcome;

/// A possible outcome of a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExploredOutcome {
    /// The final value of each cell, by name.
    pub shared: Vec<(String, i64)>,
    /// In a deadlock: each player that waits, with its lock.
    pub waiting: Vec<(String, String)>,
    /// Whether the run passed.
    pub verdict: ExploredVerdict,
}

/// Whether a run passed; outcomes are sorted by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExploredVerdict {
    /// As expected.
    Passed,
    /// Not as expected.
    Failed,
}

impl ExploredVerdict {
    /// The word for it in the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ExploredVerdict::Passed => RunOutcome::Passed.name(),
            ExploredVerdict::Failed => RunOutcome::Failed.name(),
        }
    }
}

/// One run with an outcome: the arguments that repeat it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// The seed of the draws.
    pub seed: u64,
    /// The choices at its ties; empty if the seed draws these too.
    pub schedule: Vec<u32>,
}

/// An outcome, and how often it occurs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutcomeCount {
    /// The outcome.
    pub outcome: ExploredOutcome,
    /// Why the first run with this outcome failed, if it did.
    pub reason: Option<String>,
    /// The number of runs, or of orders of steps, with this outcome.
    pub count: BigUint,
    /// The first run with this outcome.
    pub witness: Witness,
}

/// The results of an expectation in all runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExploredExpectation {
    /// Its name.
    pub name: String,
    /// The wanted value, for people.
    pub wanted: String,
    /// The number of runs, or of orders of steps, that missed it.
    pub missed: BigUint,
    /// The first run that missed it, with the value that it got instead.
    pub first: Option<(Witness, Option<String>)>,
}

/// The result of an exploration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplorationResult {
    /// The outcomes, the most frequent first.
    pub outcomes: Vec<OutcomeCount>,
    /// The number of runs, or of orders of steps. Where loops without an end make the orders too many to count,
    /// it is the number of outcomes, and the counts of these are 1.
    pub runs: BigUint,
    /// Whether orders were not counted, because loops have no end.
    pub is_uncounted: bool,
    /// The number of different states that were reached; none for an exploration by seeds.
    pub states: Option<u64>,
    /// The expectations that were judged, in the order of the file.
    pub expectations: Vec<ExploredExpectation>,
    /// The names of the expectations that were not judged.
    pub unjudged: Vec<String>,
}

impl ExplorationResult {
    /// Whether every run passes; `None` if no run fails, but nobody knows whether all of them pass, because an
    /// expectation was not judged. With `cells_only`, what was not judged does not count.
    #[must_use]
    pub fn passes(&self, cells_only: bool) -> Option<bool> {
        if self.outcomes.iter().any(|found| found.outcome.verdict == ExploredVerdict::Failed) {
            return Some(false);
        }
        (cells_only || self.unjudged.is_empty()).then_some(true)
    }
}

/// Sorts outcomes: the most frequent first, equally frequent ones by the outcome itself.
pub fn sort_outcomes(found: &mut [OutcomeCount]) {
    found.sort_by(|one, other| other.count.cmp(&one.count).then_with(|| one.outcome.cmp(&other.outcome)));
}
