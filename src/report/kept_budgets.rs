//! Which fetches keep their budget of failed requests (`may_fail`), as the engine judges it, so that a report
//! shows no failure where the run has none.

use std::collections::BTreeMap;

use crate::report::feed::LogEvent;
use crate::report::logged_scenario::load_logged_scenario;
use scenario_core::engine::failure_budgets::FailureTally;
use scenario_core::scenario::model::{FailureBudget, FetchJob};
use scenario_log::event::{Event, RunOutcome};

/// The fetches with a budget, by name, and the requests of each.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeptBudgets {
    tallies: BTreeMap<String, FailureTally>,
    /// The engine has judged them all as kept. It knows which requests the run gave up, and a log does not.
    has_passed: bool,
}

impl KeptBudgets {
    pub(crate) fn new(fetches: &[FetchJob]) -> KeptBudgets {
        let budgets = fetches.iter().filter(|fetch| fetch.may_fail != FailureBudget::Requests(0));
        let tallies = budgets.map(|fetch| (fetch.name.clone(), FailureTally::new(fetch.may_fail)));
        KeptBudgets { tallies: tallies.collect(), has_passed: false }
    }

    /// Takes an event.
    #[expect(clippy::wildcard_enum_match_arm, reason = "these events alone begin a run or end a request")]
    pub(crate) fn on_event(&mut self, logged: &LogEvent<'_, '_>) {
        let Some(event) = logged.event else { return };
        let ok = match *event {
            Event::RunStarted { scenario, .. } => {
                if let Some(scenario) = load_logged_scenario(scenario) {
                    *self = KeptBudgets::new(&scenario.fetches);
                }
                return;
            }
            Event::RunFinished(summary) => {
                self.has_passed = summary.outcome == RunOutcome::Passed;
                return;
            }
            Event::FetchFinished { ok, .. } => ok,
            Event::FetchFailed { .. } => false,
            _ => return,
        };
        let name = logged.origin.map(|origin| &origin.group.name);
        if let Some(tally) = name.and_then(|name| self.tallies.get_mut(name)) {
            tally.record(ok);
        }
    }

    /// Whether a fetch has a budget, and keeps it.
    pub(crate) fn covers(&self, fetch: &str) -> bool {
        self.tallies.get(fetch).is_some_and(|tally| self.has_passed || !tally.is_exceeded())
    }
}
