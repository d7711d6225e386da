//! Warns of entries that come only after the run's time limit, so that the run always fails at it.

use crate::diagnostic::Diagnostic;
use crate::plan;
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::model::Scenario;
use scenario_log::time::Moment;

/// Warns of each entry that cannot start within the time limit.
pub(crate) fn warn_of_late_entries(scenario: &Scenario, found: &mut Diagnostics) {
    let Some(limit) = scenario.time_limit else { return };
    for (entry, start) in scenario.timeline.iter().zip(plan::earliest_starts(scenario)) {
        if start <= Moment(limit.0) || entry.always {
            continue;
        }
        let start = start.since(Moment::ZERO).format_human();
        let message = format!(
            "this entry comes after {start} at the earliest, and `time_limit` is {}",
            limit.format_human()
        );
        let label = if scenario.hold { "the run has ended by then" } else { "the run has failed by then" };
        let help = "make `time_limit` longer, or let the entry come earlier";
        found.add(Diagnostic::warning(entry.place, message).with_label(label).with_help(help));
    }
}
