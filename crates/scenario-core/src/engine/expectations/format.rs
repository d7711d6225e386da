//! Formats measured values for people: exact, and the same on every machine.

use super::order_monitor::OrderMonitor;
use crate::engine::expectations::always_monitor::NumberAtMoment;
use crate::engine::expectations::leads_to_monitor::{CauseEvent, CauseTally};
use crate::engine::expectations::threshold_monitor::MeasuredValue;
use crate::engine::expectations::windows::WindowTally;
use crate::scenario::model::expect::LimitValue;
use scenario_log::time::{Moment, Span};

/// Formats a measured value in the unit of its limit.
pub(super) fn format_measured(got: MeasuredValue, unit: &LimitValue) -> String {
    match got {
        MeasuredValue::Exact(value) => format_exact(value, unit),
        MeasuredValue::Cell(value) => value.to_string(),
        MeasuredValue::Share(part, whole) => format_share(part, whole),
        MeasuredValue::Approximate(value) => format!("about {}", format_exact(value, unit)),
        MeasuredValue::LargeSum(sum) => match unit {
            LimitValue::Span(_) => format!("{} s", sum / 1_000_000_000),
            _ => sum.to_string(),
        },
        MeasuredValue::Mean(sum, count) => {
            let count = u128::from(count);
            let whole = u64::try_from(sum / count).unwrap_or(u64::MAX);
            // A mean between two whole numbers is not exactly one of them.
            let about = if sum.is_multiple_of(count) { "" } else { "about " };
            format!("{about}{}", format_exact(whole, unit))
        }
        MeasuredValue::Rate(rate) => {
            let text = format!("{rate:.3}");
            let text = text.trim_end_matches('0').trim_end_matches('.');
            match unit {
                // A rate that is only close to its limit must not be shown as the limit.
                LimitValue::Rate(limit) if text.parse() == Ok(*limit) => format!("{rate}/s"),
                _ => format!("{text}/s"),
            }
        }
    }
}

fn format_exact(value: u64, unit: &LimitValue) -> String {
    match unit {
        LimitValue::Span(_) => format_span(Span(value)),
        LimitValue::Bytes(_) if value == 1 => "1 byte".to_owned(),
        LimitValue::Bytes(_) => format!("{value} bytes"),
        LimitValue::Count(_) | LimitValue::Rate(_) | LimitValue::Value(_) | LimitValue::Share(_) => {
            value.to_string()
        }
    }
}

/// Formats a share in per cent with up to three decimals, and what it is one of.
fn format_share(part: u64, whole: u64) -> String {
    let thousandths = u128::from(part) * 100_000;
    let about = if thousandths.is_multiple_of(u128::from(whole)) { "" } else { "about " };
    let rounded = (thousandths + u128::from(whole / 2)) / u128::from(whole);
    let decimals = format!("{:03}", rounded % 1_000);
    let decimals = decimals.trim_end_matches('0');
    let point = if decimals.is_empty() { "" } else { "." };
    format!("{about}{}{point}{decimals}% ({part} of {whole})", rounded / 1_000)
}

/// Formats a span in its largest unit, with all its decimals.
pub(super) fn format_span(span: Span) -> String {
    let (unit, digits, name) = match span.0 {
        0..1_000 => return format!("{}ns", span.0),
        1_000..1_000_000 => (1_000, 3, "us"),
        1_000_000..1_000_000_000 => (1_000_000, 6, "ms"),
        _ => (1_000_000_000, 9, "s"),
    };
    let (whole, part) = (span.0 / unit, format!("{:0digits$}", span.0 % unit));
    let part = part.trim_end_matches('0');
    format!("{whole}{}{part}{name}", if part.is_empty() { "" } else { "." })
}

/// Formats how many events follow, and the gap of the first that breaks the rule.
pub(super) fn format_order(behind: &OrderMonitor, never: bool) -> String {
    let (count, following) = behind.counts();
    let counts = format!("{following} of {count}");
    match behind.first_violation().map(|wrong| wrong.gap) {
        None => counts,
        Some(Some(apart)) if never => format!("{counts}; the first came {} behind", format_span(apart)),
        Some(Some(apart)) => format!("{counts}; the first other came {} behind", format_span(apart)),
        Some(None) => format!("{counts}; the first other came before any"),
    }
}

/// Formats a moment of the run.
fn format_at(moment: Moment) -> String {
    format_span(moment.since(Moment::ZERO))
}

/// Formats how many events were followed, and the first that breaks the rule.
pub(super) fn format_causes(tally: &CauseTally, never: bool) -> String {
    let counts = format!("{} of {}", tally.followed_count, tally.count);
    let name = |cause: CauseEvent| {
        let source = cause.source.map_or_else(|| "the one".to_owned(), |source| format!("that of {source}"));
        format!("{source} at {}", format_at(cause.at))
    };
    match (tally.first_violation, tally.slowest) {
        (Some((cause, Some((_, gap)))), _) => {
            format!("{counts}; the first, {}, was followed after {}", name(cause), format_span(gap))
        }
        (Some((cause, None)), _) => format!("{counts}; the first other is {}", name(cause)),
        (None, Some((cause, _, gap))) if !never => {
            format!("{counts}; the slowest, {}, after {}", name(cause), format_span(gap))
        }
        (None, _) => counts,
    }
}

/// Formats a number that a run has at every moment: from its smallest to its largest, or where it breaks a limit.
pub(super) fn format_number((least, most): (u64, u64), violation: Option<NumberAtMoment>) -> String {
    match violation {
        Some(NumberAtMoment { value, at, .. }) => format!("{value} at {}", format_at(at)),
        None if least == most => least.to_string(),
        None => format!("{least} to {most}"),
    }
}

/// Formats how many windows hold, and the window that is furthest from that.
pub(super) fn format_windows(
    tally: &WindowTally,
    (start, length): (Moment, Span),
    unit: &LimitValue,
) -> String {
    let counts = format!("{} of {} windows", tally.held, tally.judged);
    let Some(window) = tally.first_miss.or(tally.closest) else { return counts };
    let from = start.saturating_add(Span(length.0.saturating_mul(window.index)));
    let time = format!("{}..{}", format_at(from), format_at(from.saturating_add(length)));
    let got = format_measured(window.got, unit);
    let which = if tally.first_miss.is_some() { "the first other" } else { "the closest" };
    format!("{counts}; {which} has {got} in {time}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_got_is_exact_where_it_can_be() {
        let span =
            |nanoseconds| format_measured(MeasuredValue::Exact(nanoseconds), &LimitValue::Span(Span::ZERO));
        assert_eq!(span(0), "0ns");
        assert_eq!(span(1_500), "1.5us");
        assert_eq!(span(300_000_000), "300ms");
        assert_eq!(span(300_000_001), "300.000001ms");
        assert_eq!(span(90_000_000_000), "90s");
        let bytes = LimitValue::Bytes(0);
        assert_eq!(format_measured(MeasuredValue::Exact(1), &bytes), "1 byte");
        assert_eq!(format_measured(MeasuredValue::Exact(1_048_576), &bytes), "1048576 bytes");
        assert_eq!(format_measured(MeasuredValue::Mean(10, 2), &LimitValue::Count(5)), "5");
        assert_eq!(format_measured(MeasuredValue::Mean(10, 3), &LimitValue::Count(5)), "about 3");
        assert_eq!(format_share(11, 1_000), "1.1% (11 of 1000)");
        assert_eq!(format_share(1, 300), "about 0.333% (1 of 300)");
        assert_eq!(format_share(7, 7), "100% (7 of 7)");
        assert_eq!(format_share(1, u64::MAX), format!("about 0% (1 of {})", u64::MAX));
        assert_eq!(format_measured(MeasuredValue::Rate(10.0), &LimitValue::Rate(10.0)), "10/s");
        assert_eq!(format_measured(MeasuredValue::Rate(1.0 / 3.0), &LimitValue::Rate(10.0)), "0.333/s");
        assert_eq!(
            format_measured(MeasuredValue::Rate(9.999_99), &LimitValue::Rate(10.0)),
            "9.99999/s",
            "not shown as the limit"
        );
    }
}
