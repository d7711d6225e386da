//! Reads durations, in the syntax of the `humantime` crate with its fractions, and reports what is wrong with
//! a text. Knows no file.

use crate::diagnostic::quoted;
use crate::scenario::format::format_span;
use scenario_log::time::{MAX_SPAN, Span};

/// The longest text of a duration, in bytes.
const MAX_DURATION_LEN: usize = 100;

/// The units that `humantime` knows, as a regular expression.
pub(crate) const TIME_UNIT_PATTERN: &str = "nanos|nsec|ns|usec|us|µs|millis|msec|ms|seconds|second|secs|sec|s|minutes|minute|mins|min|m\
    |hours|hour|hrs|hr|h|days|day|d|weeks|week|wks|wk|w|months|month|M|years|year|yrs|yr|y";

pub(crate) type MessageAndHelp = (String, String);

/// Reads a duration. Its warning and its error are a message and a help each.
pub(crate) fn parse_span(text: &str) -> Result<(Span, Option<MessageAndHelp>), MessageAndHelp> {
    let example = || "for example \"800ms\", \"1m 30s\" or \"2h\"".to_owned();
    let limit =
        || (format!("{} is longer than 365 days", quoted(text)), "a duration is at most 365 days".to_owned());
    if text.trim().is_empty() {
        return Err(("an empty string is not a duration".to_owned(), example()));
    }
    if text.trim_start().starts_with('-') {
        return Err((format!("{} is negative; a duration cannot be", quoted(text)), example()));
    }
    if text.len() > MAX_DURATION_LEN {
        return Err((format!("a duration has at most {MAX_DURATION_LEN} characters"), example()));
    }
    let units = split_units(text)?;
    let span = match humantime::parse_duration(text) {
        Ok(span) => u64::try_from(span.as_nanos()).map_err(|_| limit())?,
        Err(humantime::DurationError::NumberOverflow) => return Err(overflow_error(text)),
        Err(error) => return Err((format!("{} is not a duration: {error}", quoted(text)), example())),
    };
    if Span(span) > MAX_SPAN {
        return Err(limit());
    }
    Ok((Span(span), ambiguity_warning(text, &units, Span(span))))
}

/// The error for a number that is either too large or finer than a nanosecond.
fn overflow_error(text: &str) -> MessageAndHelp {
    if text.contains('.') {
        let fault = format!("{} is too long or finer than this unit allows", quoted(text));
        return (fault, "write the fraction in a smaller unit; the smallest is \"1ns\"".to_owned());
    }
    (format!("{} is longer than 365 days", quoted(text)), "a duration is at most 365 days".to_owned())
}

/// The units of a duration in order; checks its numbers too.
fn split_units(text: &str) -> Result<Vec<&str>, MessageAndHelp> {
    let mut units = Vec::new();
    let mut rest = text.trim_matches([' ', '\t']);
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, behind) = rest.split_at(number_end);
        if number.is_empty() {
            let found: String = rest.chars().take(1).collect();
            let fault = format!(
                "{} is not a duration: {} stands where a number should",
                quoted(text),
                quoted(&found)
            );
            return Err((fault, "for example \"800ms\" or \"1m 30s\"".to_owned()));
        }
        let behind = behind.trim_start_matches([' ', '\t']);
        let unit_end = behind.find(|c: char| !c.is_alphabetic()).unwrap_or(behind.len());
        let (unit, next) = behind.split_at(unit_end);
        if unit.is_empty() {
            let fault = format!("{} has no unit", quoted(number));
            return Err((
                fault,
                format!("write \"{number}s\" for seconds, or \"{number}ms\" for milliseconds"),
            ));
        }
        if !TIME_UNIT_PATTERN.split('|').any(|known| known == unit) {
            let fault = format!("{} is not a unit of time", quoted(unit));
            return Err((
                fault,
                "the units are ns, us, ms, s, m, h, d, w (and their names, like `sec`)".to_owned(),
            ));
        }
        units.push(unit);
        rest = next.trim_start_matches([' ', '\t']);
    }
    Ok(units)
}

/// The warning for a form that may be a mistake: a month, or the same unit twice.
fn ambiguity_warning(text: &str, units: &[&str], span: Span) -> Option<MessageAndHelp> {
    let means = || format!("{} means {}", quoted(text), format_span(span));
    if units.contains(&"M") {
        return Some((format!("{}: `M` is a month", means()), "for minutes write `m`".to_owned()));
    }
    let twice = (1..units.len()).find(|index| units[..*index].contains(&units[*index]))?;
    Some((
        format!("{}: `{}` occurs twice", means(), units[twice]),
        format!("write \"{}\"", format_span(span)),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        let nanos = |text| parse_span(text).map(|(span, doubt)| (span.0, doubt.is_some()));
        assert_eq!(nanos("1m 30s"), Ok((90_000_000_000, false)));
        assert_eq!(nanos("1.5s"), Ok((1_500_000_000, false)));
        assert_eq!(nanos("0s"), Ok((0, false)));
        assert_eq!(nanos("365d"), Ok((MAX_SPAN.0, false)));
        assert_eq!(nanos("1M"), Ok((2_630_016_000_000_000, true)));
        assert_eq!(nanos("1s1s"), Ok((2_000_000_000, true)));
        for wrong in [
            "",
            " ",
            "-1s",
            "5",
            "1e3s",
            "18446744073709551615s",
            "1000y",
            "366d",
            "1x",
            "s",
            "1 0s",
            "0.5ns",
        ] {
            assert!(parse_span(wrong).is_err(), "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_much(text in r"[0-9]{0,20}[ .]?(s|ns|y|M|µ|e|-)?[0-9]{0,20}(s|ns)?") {
            let _ = parse_span(&text);
        }

        #[test]
        fn a_written_span_reads_back(nanos in 0..=MAX_SPAN.0) {
            proptest::prop_assert_eq!(parse_span(&format_span(Span(nanos))).map(|(span, _)| span.0), Ok(nanos));
        }
    }
}
