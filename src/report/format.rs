//! Formats what reports and the terminal have in common: spans, counted words, expectations, and notes on a
//! load. Makes text without colours or columns.

use std::fmt::Write;

use crate::report::metrics::time_series::TimeSeries;
use crate::report::units::{format_count, group_digits};
use scenario_log::event::ExpectationResult;
use scenario_log::load_metrics::LoadMetrics;
use scenario_log::sanitize::push_sanitized;
use scenario_log::time::{Moment, NANOS_PER_SECOND, Span};

/// Appends the result of an expectation, and where in the log the deciding events are.
pub(crate) fn push_expectation(out: &mut String, expected: &ExpectationResult) {
    push_sanitized(out, &expected.title());
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

/// A span to about three figures: `45 µs`, `2.31 s`. From two minutes on it has the two units that people
/// use for such a time: `12 min 5 s`, `3 h 20 min`, `17 d 10 h`.
pub(crate) fn format_span(span: Span) -> String {
    let (value, unit) = match span.0 {
        n if n >= MIN_LONG_SPAN => return format_long_span(n),
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

/// Two minutes, in nanoseconds.
const MIN_LONG_SPAN: u64 = 120 * NANOS_PER_SECOND;

/// Formats whole units and the next smaller ones, rounded to the latter.
fn format_long_span(nanoseconds: u64) -> String {
    let rounded = |value: u64, unit: u64| value / unit + u64::from(value % unit >= unit.div_ceil(2));
    let seconds = rounded(nanoseconds, NANOS_PER_SECOND);
    let (minutes, hours) = (rounded(seconds, 60), rounded(seconds, 3_600));
    let (value, size, [large, small]) = match (minutes, hours) {
        _ if seconds < 3_600 => (seconds, 60, ["min", "s"]),
        (..1_440, _) => (minutes, 60, ["h", "min"]),
        _ => (hours, 24, ["d", "h"]),
    };
    match value % size {
        0 => format!("{} {large}", value / size),
        rest => format!("{} {large} {rest} {small}", value / size),
    }
}

/// The most events of a kind in one of equal parts of a run, for people: as it is if it is small, or as a
/// rate in the unit of time in which it is 1 or more.
pub(crate) fn format_peak(series: &TimeSeries, end: Moment) -> String {
    let most = series.columns(end, PEAK_PARTS).into_iter().max().unwrap_or(0);
    let part = Span(end.0 / PEAK_PARTS as u64);
    if most < MAX_PLAIN_COUNT || part == Span::ZERO {
        return format!("{} in {}", group_digits(most), format_span(part));
    }
    format_rate(most as f64 / part.0 as f64)
}

/// A number of events in a nanosecond as a rate for people: `12/s`, `0.5/s`, `30/min`, `2/d`. It has two
/// figures at least, and the smallest unit of time in which it is 1 or more.
pub(crate) fn format_rate(per_nanosecond: f64) -> String {
    let units = [("s", 1.0), ("min", 60.0), ("h", 3_600.0), ("d", 86_400.0)];
    let rates = units.map(|(unit, seconds)| (unit, per_nanosecond * 1e9 * seconds));
    let [.., slowest] = rates;
    let (unit, rate) = rates.into_iter().find(|(_, rate)| *rate >= 0.995).unwrap_or(slowest);
    let decimals = usize::from(rate < 99.5) + usize::from(rate < 9.95);
    match rate {
        _ if rate >= 99.5 => format!("{}/{unit}", group_digits(rate.round() as u64)),
        _ => {
            let text = format!("{rate:.decimals$}");
            format!("{}/{unit}", text.trim_end_matches('0').trim_end_matches('.'))
        }
    }
}

/// Into how many parts the time of a run is divided to find the peak of a rate. All reports use the same,
/// so that they give the same peak.
const PEAK_PARTS: usize = 120;

/// A smaller count of a part is shown as it is, and not as a rate.
const MAX_PLAIN_COUNT: u64 = 10;

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
        assert_eq!(format_span(Span(119_900_000_000)), "120 s");
    }

    #[test]
    fn long_spans_have_the_units_of_people() {
        let seconds = |seconds: u64| format_span(Span(seconds * NANOS_PER_SECOND));
        let spans = [120, 725, 3_599, 3_600, 12_000, 86_369, 86_370, 86_400, 1_468_875, 31_536_000];
        let wanted = [
            "2 min",
            "12 min 5 s",
            "59 min 59 s",
            "1 h",
            "3 h 20 min",
            "23 h 59 min",
            "1 d",
            "1 d",
            "17 d",
            "365 d",
        ];
        assert_eq!(spans.map(seconds), wanted);
        assert_eq!(seconds(1_505_602), "17 d 10 h");
        assert_eq!(format_span(Span(u64::MAX)), "213504 d");
    }

    #[test]
    fn rates_are_never_rounded_to_nothing() {
        let rate = |count: f64, seconds: f64| format_rate(count / seconds / 1e9);
        let rates = [
            (198_958.0, 1.0),
            (12.0, 1.0),
            (1.0, 1.0),
            (1.0, 2.0),
            (1.0, 750.0),
            (1.0, 86_400.0),
            (1.0, 864_000.0),
        ];
        let wanted = ["198,958/s", "12/s", "1/s", "30/min", "4.8/h", "1/d", "0.1/d"];
        assert_eq!(rates.map(|(count, seconds)| rate(count, seconds)), wanted);
    }

    #[test]
    fn a_peak_is_that_of_a_part() {
        let mut series = TimeSeries::default();
        (0..50).for_each(|_| series.add(Moment(5 * NANOS_PER_SECOND)));
        assert_eq!(format_peak(&series, Moment(120 * NANOS_PER_SECOND)), "50/s");
        assert_eq!(format_peak(&series, Moment(120 * 3_600 * NANOS_PER_SECOND)), "50/h");
        assert_eq!(format_peak(&TimeSeries::default(), Moment(12 * NANOS_PER_SECOND)), "0 in 100 ms");
    }
}
