//! What there is, in the words of a person: exact, and the same on every machine.

use super::order::Behind;
use crate::engine::expect::measure::Got;
use crate::scenario::model::expect::Limit;
use scenario_log::time::Span;

/// A figure, in the unit of its limit.
pub(super) fn figure(got: Got, unit: &Limit) -> String {
    match got {
        Got::Exact(value) => exact(value, unit),
        Got::Cell(value) => value.to_string(),
        Got::About(value) => format!("about {}", exact(value, unit)),
        Got::Huge(sum) => match unit {
            Limit::Span(_) => format!("{} s", sum / 1_000_000_000),
            _ => sum.to_string(),
        },
        Got::Mean(sum, count) => {
            let count = u128::from(count);
            let whole = u64::try_from(sum / count).unwrap_or(u64::MAX);
            // A mean between two whole numbers stands at neither of them.
            let about = if sum.is_multiple_of(count) { "" } else { "about " };
            format!("{about}{}", exact(whole, unit))
        }
        Got::Rate(rate) => {
            let text = format!("{rate:.3}");
            let text = text.trim_end_matches('0').trim_end_matches('.');
            match unit {
                // What is next to its limit is not shown as if it stood at it.
                Limit::Rate(limit) if text.parse() == Ok(*limit) => format!("{rate}/s"),
                _ => format!("{text}/s"),
            }
        }
    }
}

fn exact(value: u64, unit: &Limit) -> String {
    match unit {
        Limit::Span(_) => span(Span(value)),
        Limit::Bytes(_) if value == 1 => "1 byte".to_owned(),
        Limit::Bytes(_) => format!("{value} bytes"),
        Limit::Count(_) | Limit::Rate(_) | Limit::Value(_) => value.to_string(),
    }
}

/// A span in its largest unit, with all its decimals.
pub(super) fn span(span: Span) -> String {
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

/// How many follow, and how far off the first is that does not as it should.
pub(super) fn order(behind: &Behind, never: bool) -> String {
    let (count, following) = behind.counts();
    let counts = format!("{following} of {count}");
    match behind.first_wrong().map(|wrong| wrong.apart) {
        None => counts,
        Some(Some(apart)) if never => format!("{counts}; the first came {} behind", span(apart)),
        Some(Some(apart)) => format!("{counts}; the first other came {} behind", span(apart)),
        Some(None) => format!("{counts}; the first other came before any"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_got_is_exact_where_it_can_be() {
        let span = |nanoseconds| figure(Got::Exact(nanoseconds), &Limit::Span(Span::ZERO));
        assert_eq!(span(0), "0ns");
        assert_eq!(span(1_500), "1.5us");
        assert_eq!(span(300_000_000), "300ms");
        assert_eq!(span(300_000_001), "300.000001ms");
        assert_eq!(span(90_000_000_000), "90s");
        let bytes = Limit::Bytes(0);
        assert_eq!(figure(Got::Exact(1), &bytes), "1 byte");
        assert_eq!(figure(Got::Exact(1_048_576), &bytes), "1048576 bytes");
        assert_eq!(figure(Got::Mean(10, 2), &Limit::Count(5)), "5");
        assert_eq!(figure(Got::Mean(10, 3), &Limit::Count(5)), "about 3");
        assert_eq!(figure(Got::Rate(10.0), &Limit::Rate(10.0)), "10/s");
        assert_eq!(figure(Got::Rate(1.0 / 3.0), &Limit::Rate(10.0)), "0.333/s");
        assert_eq!(figure(Got::Rate(9.999_99), &Limit::Rate(10.0)), "9.99999/s", "not shown as the limit");
    }
}
