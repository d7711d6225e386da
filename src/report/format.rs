//! Formats what reports and the terminal have in common: spans, counted words, expectations, and notes on a
//! load. Makes text without colours or columns.

use std::fmt::Write;

use crate::report::units::{format_count, group_digits};
use scenario_log::event::ExpectationResult;
use scenario_log::load_metrics::LoadMetrics;
use scenario_log::sanitize::push_sanitized;
use scenario_log::time::Span;

/// Appends the result of an expectation, and where in the log the deciding events are.
pub(crate) fn push_expectation(out: &mut String, expected: &ExpectationResult) {
    push_sanitized(out, &expected.name);
    // The name of one without a name of its own is what it wants.
    if !expected.name.ends_with(&expected.wanted) {
        out.push_str(": wanted ");
        push_sanitized(out, &expected.wanted);
    }
    match &expected.got {
        Some(got) => {
            out.push_str(", got ");
            push_sanitized(out, got);
        }
        None => out.push_str(", nothing to measure"),
    }
    if !expected.events.is_empty() {
        let events: Vec<String> = expected.events.iter().map(u64::to_string).collect();
        push_fmt(out, format_args!(" (seq {})", events.join(", ")));
    }
}

pub(crate) fn push_fmt(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    let written = out.write_fmt(arguments);
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
}

/// `1 byte`, `2 bytes`.
pub(crate) fn pluralize(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A span to about three figures: `45 µs`, `2.31 s`.
pub(crate) fn format_span(span: Span) -> String {
    let (value, unit) = match span.0 {
        0 => return "0 s".to_owned(),
        n if n < 1_000 => return format!("{n} ns"),
        n if n < 1_000_000 => (n as f64 / 1e3, "µs"),
        n if n < 1_000_000_000 => (n as f64 / 1e6, "ms"),
        n => (n as f64 / 1e9, "s"),
    };
    let decimals = if value < 10.0 {
        2
    } else if value < 100.0 {
        1
    } else {
        0
    };
    format!("{value:.decimals$} {unit}")
}

/// Notes on a load: its connections, the requests that were sent again at once, and those that it could not
/// start when they were due.
pub(crate) fn connection_notes(load: &LoadMetrics) -> Vec<String> {
    let LoadMetrics { opened, reused, resent, delayed, unsent, given_up, .. } = load;
    let late = [
        (*resent, "sent again"),
        (*delayed, "started late"),
        (*unsent, "never started"),
        (*given_up, "given up"),
    ];
    let late = late.iter().filter(|(count, _)| *count > 0);
    let late = late.map(|(count, what)| format!("{} {what}", group_digits(*count))).collect::<Vec<_>>();
    let connections =
        format!("{} opened, {} reused", format_count(*opened, "connection"), group_digits(*reused));
    let late = (!late.is_empty()).then(|| late.join(", "));
    [connections].into_iter().chain(late).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_three_figures() {
        assert_eq!(format_span(Span(0)), "0 s");
        assert_eq!(format_span(Span(950)), "950 ns");
        assert_eq!(format_span(Span(45_120)), "45.1 µs");
        assert_eq!(format_span(Span(2_310_000_000)), "2.31 s");
    }
}
