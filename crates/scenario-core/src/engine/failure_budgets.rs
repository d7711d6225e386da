//! Which failed requests fail the run: a fetch may have a budget of them (`may_fail`). Requests of the
//! timeline, of loads and of players count alike. Emits nothing.
//!
//! # How it works
//!
//! All requests of a fetch count together, over the whole run. A number of requests is passed as soon as one
//! more has failed. A share is one of all requests that have ended, so that it is judged when the run ends.
//! Requests that the runner gave up count nowhere.

use std::collections::BTreeMap;

use crate::scenario::model::{FailureBudget, FetchJob};

/// The requests of one fetch that have ended, and how many of them may fail.
#[derive(Clone, Debug)]
pub struct FailureTally {
    budget: FailureBudget,
    ended: u64,
    failed: u64,
}

impl FailureTally {
    /// A fetch without requests.
    #[must_use]
    pub fn new(budget: FailureBudget) -> FailureTally {
        FailureTally { budget, ended: 0, failed: 0 }
    }

    /// Counts a request that has ended.
    pub fn record(&mut self, ok: bool) {
        self.ended += 1;
        self.failed += u64::from(!ok);
    }

    /// Whether more requests have failed than may, if no other request ends.
    #[must_use]
    pub fn is_exceeded(&self) -> bool {
        match self.budget {
            FailureBudget::Requests(most) => self.failed > most,
            FailureBudget::Share(share) => share.compare(self.failed, self.ended).is_gt(),
        }
    }

    /// Why the run fails, if the budget is exceeded.
    fn reason(&self, job: &str, first: &str) -> String {
        let FailureTally { budget, ended, failed } = self;
        match budget {
            FailureBudget::Requests(0) => first.to_owned(),
            FailureBudget::Requests(most) => {
                format!(
                    "{failed} requests of {job} failed, more than the {most} of `may_fail`; the first: {first}"
                )
            }
            FailureBudget::Share(share) => format!(
                "{failed} of {ended} requests of {job} failed, more than the {share} of `may_fail`; the first: {first}"
            ),
        }
    }
}

/// The budgets of all fetches of a run, by their indices.
#[derive(Clone, Debug)]
pub(crate) struct FailureBudgets {
    tallies: Vec<FailureTally>,
    /// The first failure of each fetch, in words.
    first_failures: BTreeMap<usize, String>,
}

impl FailureBudgets {
    pub(crate) fn new(fetches: &[FetchJob]) -> FailureBudgets {
        let tallies = fetches.iter().map(|fetch| FailureTally::new(fetch.may_fail)).collect();
        FailureBudgets { tallies, first_failures: BTreeMap::new() }
    }

    /// Counts a request that was answered as expected.
    pub(crate) fn record_success(&mut self, job: usize) {
        self.tallies[job].record(true);
    }

    /// Counts a request that failed. Returns why the run fails, if this request makes it fail.
    pub(crate) fn record_failure(
        &mut self,
        (job, name): (usize, &str),
        describe: impl FnOnce() -> String,
    ) -> Option<String> {
        let tally = &mut self.tallies[job];
        tally.record(false);
        let first = self.first_failures.entry(job).or_insert_with(describe);
        let is_last_word = matches!(tally.budget, FailureBudget::Requests(most) if tally.failed == most + 1);
        is_last_word.then(|| tally.reason(name, first))
    }

    /// Why the run fails at its end: the shares that are exceeded, in the order of the fetches.
    pub(crate) fn exceeded_shares(&self, fetches: &[FetchJob]) -> Vec<String> {
        let shares = self.first_failures.iter().filter(|(job, _)| {
            let tally = &self.tallies[**job];
            matches!(tally.budget, FailureBudget::Share(_)) && tally.is_exceeded()
        });
        shares.map(|(job, first)| self.tallies[*job].reason(&fetches[*job].name, first)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::share::Share;

    fn is_exceeded(budget: FailureBudget, failed: u64, ended: u64) -> bool {
        FailureTally { budget, ended, failed }.is_exceeded()
    }

    #[test]
    fn a_budget_is_exceeded_by_the_first_request_beyond_it() {
        let one_percent = FailureBudget::Share(Share::parse("1%").unwrap());
        for (budget, failed, ended, exceeded) in [
            (FailureBudget::Requests(0), 0, 5, false),
            (FailureBudget::Requests(0), 1, 5, true),
            (FailureBudget::Requests(2), 2, 2, false),
            (FailureBudget::Requests(2), 3, 9, true),
            (one_percent, 0, 0, false),
            (one_percent, 9, 1_000, false),
            (one_percent, 10, 1_000, false),
            (one_percent, 11, 1_000, true),
            (FailureBudget::Share(Share::WHOLE), 7, 7, false),
        ] {
            assert_eq!(is_exceeded(budget, failed, ended), exceeded, "{budget:?} {failed}/{ended}");
        }
    }
}
