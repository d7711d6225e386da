//! Warns of a limit on `fetch.failed` of a load that takes answers of any status: whoever writes it means
//! those answers, too.

use crate::diagnostic::{Diagnostic, quoted};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::model::expect::{
    Expectation, ExpectationRule, ExpectationScope, ExpectationSubject, LimitComparison, Statistic,
};
use crate::scenario::model::{EntryAction, FetchJob, Scenario};

/// A status that nobody takes for a success.
const WRONG_STATUS: u16 = 500;

/// Warns of each expectation that would not see the wrong answers of a load.
pub(crate) fn warn_of_uncounted_answers(
    expectations: &[Expectation],
    scenario: &Scenario,
    found: &mut Diagnostics,
) {
    for one in expectations.iter().filter(|one| limits_failures(one)) {
        let scope = one.target.scope.as_ref();
        let is_uncounted = |job: &FetchJob| job.load.is_some() && job.status.allows(WRONG_STATUS);
        let in_scope = scenario.fetches.iter().enumerate().filter(|(n, _)| is_in_scope(scope, *n, scenario));
        let Some((_, job)) = in_scope.into_iter().find(|(_, job)| is_uncounted(job)) else { continue };
        let message = "`fetch.failed` counts no answers, whatever their status";
        let label = format!("{} takes answers of any kind, so a 500 passes unseen", quoted(&job.name));
        let help = format!(
            "let `status` of {} say which answers are right, and expect a share of \
             of = \"fetch.finished\" with where = {{ ok = false }}; or say how many `may_fail`",
            quoted(&job.name)
        );
        found.add(Diagnostic::warning(one.place, message).with_label(label).with_help(help));
    }
}

/// Whether an expectation sets an upper limit to `fetch.failed`.
fn limits_failures(one: &Expectation) -> bool {
    let ExpectationRule::Threshold(threshold) = &one.rule else { return false };
    let is_upper = match threshold.comparison {
        LimitComparison::Below | LimitComparison::AtMost | LimitComparison::Equals => !one.never,
        LimitComparison::AtLeast | LimitComparison::Above => one.never,
    };
    let is_count = matches!(threshold.stat, Statistic::Count | Statistic::Rate);
    let is_failed =
        matches!(one.target.subject, ExpectationSubject::Event(kind) if kind.name() == "fetch.failed");
    is_upper && is_count && is_failed && one.target.key_matchers.is_empty()
}

/// Whether `in` selects a fetch, by its own name or by that of an entry.
fn is_in_scope(scope: Option<&ExpectationScope>, job: usize, scenario: &Scenario) -> bool {
    let Some(scope) = scope else { return true };
    let entry = scope.entry.and_then(|entry| scenario.timeline.get(entry)).map(|entry| &entry.action);
    scope.fetch == Some(job) || matches!(entry, Some(EntryAction::Fetch(started)) if *started == job)
}
