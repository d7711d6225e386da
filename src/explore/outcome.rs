//! What can come of a scenario, once it has been explored. How it was is not known here.

use num_bigint::BigUint;

use scenario_log::event::RunOutcome;

/// What a run can come to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExploredOutcome {
    /// What the cells hold at last, by name.
    pub shared: Vec<(String, i64)>,
    /// In a deadlock: which player waits for which lock.
    pub waiting: Vec<(String, String)>,
    /// Whether the run passed.
    pub verdict: ExploredVerdict,
}

/// How a run ended, in an order of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExploredVerdict {
    /// As expected.
    Passed,
    /// Not as expected.
    Failed,
}

impl ExploredVerdict {
    /// As the log says it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ExploredVerdict::Passed => RunOutcome::Passed.name(),
            ExploredVerdict::Failed => RunOutcome::Failed.name(),
        }
    }
}

/// One run that comes to something: what to give a runner so that it does so again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// The seed of its draws.
    pub seed: u64,
    /// Who goes first at its ties; none where the seed says that too.
    pub schedule: Vec<u32>,
}

/// What can come of a scenario, and how often it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutcomeCount {
    /// What it comes to.
    pub outcome: ExploredOutcome,
    /// Why the first run that came to it has failed, if it has.
    pub reason: Option<String>,
    /// How many runs, or orders of steps, come to it.
    pub count: BigUint,
    /// The first of them.
    pub witness: Witness,
}

/// What came of an expectation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExploredExpectation {
    /// Its name.
    pub name: String,
    /// What was wanted, as a person reads it.
    pub wanted: String,
    /// In how many runs, or orders of steps, it was missed.
    pub missed: BigUint,
    /// The first of those, with what there was instead.
    pub first: Option<(Witness, Option<String>)>,
}

/// All that can come of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplorationResult {
    /// What it comes to, the most frequent first.
    pub outcomes: Vec<OutcomeCount>,
    /// How many runs there were, or orders of steps there are.
    pub runs: BigUint,
    /// How many different states were met; none where they were not told apart.
    pub states: Option<u64>,
    /// The expectations that were judged, in the order of the file.
    pub expectations: Vec<ExploredExpectation>,
    /// The names of those that were not.
    pub unjudged: Vec<String>,
}

impl ExplorationResult {
    /// Whether every run passes.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.outcomes.iter().all(|found| found.outcome.verdict == ExploredVerdict::Passed)
    }
}

/// Puts what was found in its order: the most frequent first, then by what it is.
pub fn sort_outcomes(found: &mut [OutcomeCount]) {
    found.sort_by(|one, other| other.count.cmp(&one.count).then_with(|| one.outcome.cmp(&other.outcome)));
}
