//! Warns of an `abort` that can end no run, with the way to let it end one.

use crate::diagnostic::{Diagnostic, FilePlace};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::model::expect::{
    Expectation, ExpectationRule, LimitComparison, LimitValue, StatThreshold, Statistic,
};

/// Warns of an `abort` that has no effect, since only the end of the run decides.
pub(super) fn warn_of_late_abort(one: &Expectation, abort: FilePlace, found: &mut Diagnostics) {
    let ExpectationRule::Threshold(figure) = &one.rule else { return };
    if one.part.over.is_some() || one.part.until.is_some() {
        // The end of a window decides, or the end of the time whose events count.
        return;
    }
    if let Some(why) = why_not_decidable_early(figure, one.never) {
        let warning = Diagnostic::warning(abort, format!("`abort` has no effect here: {why}"));
        found.add(match figure.limit {
            LimitValue::Value(_) => warning,
            _ => warning.with_help(
                "let it hold in every window with over = \"10s\", or in a part of the run with until = \"1m\"",
            ),
        });
    }
}

/// The reason why a threshold cannot be decided before the end of the run, if there is one.
fn why_not_decidable_early(figure: &StatThreshold, never: bool) -> Option<&'static str> {
    if matches!(figure.limit, LimitValue::Value(_)) {
        return Some("the last value of a cell is known only at the end");
    }
    use LimitComparison::{Above, AtLeast, AtMost, Below, Equals};
    match (figure.stat, figure.comparison) {
        (Statistic::Mean | Statistic::Rate | Statistic::Percentile(_) | Statistic::Share, _) => {
            Some("the value of this statistic is known only at the end")
        }
        // These only grow: once past a limit, they stay past it.
        (Statistic::Count | Statistic::Sum | Statistic::Max | Statistic::Value, Below | AtMost | Equals)
            if !never =>
        {
            None
        }
        (Statistic::Count | Statistic::Sum | Statistic::Max | Statistic::Value, AtLeast | Above) if never => {
            None
        }
        // This one only shrinks.
        (Statistic::Min, AtLeast | Above | Equals) if !never => None,
        (Statistic::Min, Below | AtMost) if never => None,
        _ => Some("it can still come to hold until the end"),
    }
}
