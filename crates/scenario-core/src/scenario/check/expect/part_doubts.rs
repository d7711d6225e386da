//! Checks the parts of a run that expectations look at against the whole scenario: moments that never come, and
//! windows that the run is too short for.

use crate::diagnostic::{Diagnostic, quoted};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::model::expect::{Expectation, ExpectationRule, LimitComparison};
use crate::scenario::model::expect_parts::{EntryPhase, RunPoint};
use crate::scenario::model::{EntryAction, Scenario};
use scenario_log::time::Span;

/// Reports the parts that no run of this scenario has, and warns of those that it can hardly have.
pub(crate) fn check_parts(scenario: &Scenario, found: &mut Diagnostics) {
    for one in &scenario.expectations {
        for point in [&one.part.since, &one.part.until].into_iter().flatten() {
            check_readiness(one, point, scenario, found);
        }
        if let Some(limit) = scenario.time_limit {
            warn_of_short_run(one, limit, found);
        }
        warn_of_short_part(one, found);
        warn_of_empty_start(one, found);
    }
}

/// Reports the readiness of an entry that spawns nothing.
fn check_readiness(one: &Expectation, point: &RunPoint, scenario: &Scenario, found: &mut Diagnostics) {
    let RunPoint::Entry { entry, id, phase: EntryPhase::Ready } = point else { return };
    if matches!(scenario.timeline[*entry].action, EntryAction::Spawn(_)) {
        return;
    }
    let message = format!("{} spawns nothing that could get ready", quoted(id));
    let help = format!("write \"{id}.started\" or \"{id}.finished\"");
    found.add(Diagnostic::error(one.place, message).with_help(help));
}

/// Warns of a part that begins after the time limit, and of windows that are longer than it.
fn warn_of_short_run(one: &Expectation, limit: Span, found: &mut Diagnostics) {
    let human = |span: Span| span.format_human();
    let message = match (&one.part.since, one.part.over) {
        (Some(RunPoint::At(since)), _) if *since > limit => {
            format!("nothing counts before {}, and `time_limit` is {}", human(*since), human(limit))
        }
        (_, Some(over)) if over > limit => {
            format!("a window has {}, and `time_limit` is {}", human(over), human(limit))
        }
        _ => return,
    };
    let help = "make `time_limit` longer, or the time of the expectation shorter";
    found.add(Diagnostic::warning(one.place, message).with_help(help));
}

/// Warns of windows that are longer than the time whose events count.
fn warn_of_short_part(one: &Expectation, found: &mut Diagnostics) {
    let since = match &one.part.since {
        None => Span::ZERO,
        Some(RunPoint::At(since)) => *since,
        Some(RunPoint::Entry { .. }) => return,
    };
    let (Some(RunPoint::At(until)), Some(over)) = (&one.part.until, one.part.over) else { return };
    let part = Span(until.0.saturating_sub(since.0));
    if part >= over {
        return;
    }
    let message = format!("a window has {}, and only {} count", over.format_human(), part.format_human());
    let help = "make `over` shorter, or `until` later";
    found.add(Diagnostic::warning(one.place, message).with_help(help));
}

/// Warns of a number that must not be too small at the start of a run, when nothing has started.
fn warn_of_empty_start(one: &Expectation, found: &mut Diagnostics) {
    let ExpectationRule::Always(limits) = &one.rule else { return };
    let refuses_nothing = |(comparison, limit): &(LimitComparison, u64)| !comparison.holds(0.cmp(limit));
    if one.part.since.is_some() || !limits.iter().any(refuses_nothing) {
        return;
    }
    let message = format!("{} is 0 until something has started", quoted(&one.target.subject_name()));
    let help = "say from when on it must hold: for example since = \"ID.ready\", and until = \"ID.finished\"";
    found.add(Diagnostic::warning(one.place, message).with_help(help));
}
