//! The thresholds of expectations: which statistics a subject has, and limits in the unit of the statistic.

use crate::diagnostic::{Diagnostic, FilePlace, quoted};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::model::expect::{
    ExpectationSubject, LimitComparison, LimitValue, MeasuredQuantity, StatThreshold, Statistic,
};
use crate::scenario::schema::expect::{RawLimit, parse_rate_per_second};
use crate::scenario::schema::{KeySlot, Located, numbers, span_text};
use crate::scenario::share::Share;
use scenario_log::time::Span;

/// The statistic of the file, or the only one that the subject has.
fn build_stat(
    what: ExpectationSubject,
    raw: KeySlot<Statistic>,
    of: FilePlace,
    found: &mut Diagnostics,
) -> Option<Statistic> {
    let given = match raw {
        KeySlot::Invalid => return None,
        KeySlot::Absent => None,
        KeySlot::Given(stat) => Some(stat),
    };
    let (fits, place) = match (what, given) {
        (ExpectationSubject::Quantity(quantity), _) => {
            let name = quoted(quantity.name());
            let message = format!("{name} has a value at every moment, not one of the whole run");
            found.add(Diagnostic::error(of, message).with_help("for example always = { at_most = 4 }"));
            return None;
        }
        (ExpectationSubject::Event(_), None) => return Some(Statistic::Count),
        (ExpectationSubject::Measure(MeasuredQuantity::RunTook) | ExpectationSubject::Shared, None) => {
            return Some(Statistic::Value);
        }
        (ExpectationSubject::Measure(measure), None) => {
            let message = format!(
                "there are many values of {}: `stat` must say which statistic of them",
                quoted(measure.name())
            );
            let help =
                "add stat = \"p95\"; others are \"min\", \"mean\", \"max\", \"sum\", \"count\" and \"rate\"";
            found.add(Diagnostic::error(of, message).with_help(help));
            return None;
        }
        (ExpectationSubject::Event(_), Some(stat)) => {
            (matches!(stat.value, Statistic::Count | Statistic::Rate | Statistic::Share), stat)
        }
        (ExpectationSubject::Measure(MeasuredQuantity::RunTook) | ExpectationSubject::Shared, Some(stat)) => {
            (stat.value == Statistic::Value, stat)
        }
        (ExpectationSubject::Measure(_), Some(stat)) => {
            (!matches!(stat.value, Statistic::Value | Statistic::Share), stat)
        }
    };
    if fits {
        return Some(place.value);
    }
    let (message, help) = match what {
        ExpectationSubject::Quantity(_) => return None,
        ExpectationSubject::Event(_) => (
            "events are counted; they have no value of their own",
            "write \"count\", \"rate\" or \"share\", or measure: for example of = \"fetch.took\"",
        ),
        ExpectationSubject::Measure(MeasuredQuantity::RunTook) => {
            ("a run has one duration", "write stat = \"value\"")
        }
        ExpectationSubject::Shared => ("a cell holds one value when the run ends", "write stat = \"value\""),
        ExpectationSubject::Measure(_) if place.value == Statistic::Share => (
            "there are many values, and a share is one of events",
            "for example of = \"fetch.finished\" with where = { ok = false }",
        ),
        ExpectationSubject::Measure(_) => ("there are many values, not one", "for example stat = \"p95\""),
    };
    found.add(Diagnostic::error(place.place, message).with_help(help));
    None
}

/// Builds the threshold of an expectation from its one limit. `never` is the value of the key `never`, if
/// the file has it.
pub(super) fn build_threshold_from_limits(
    what: ExpectationSubject,
    (stat, of): (KeySlot<Statistic>, FilePlace),
    limits: [(LimitComparison, KeySlot<RawLimit>); 5],
    (never, place): (Option<bool>, FilePlace),
    found: &mut Diagnostics,
) -> Option<StatThreshold> {
    let stat = self::build_stat(what, stat, of, found)?;
    let is_bare = limits.iter().all(|(_, limit)| !limit.is_present());
    if let Some((holds, limit)) =
        limits.into_iter().find_map(|(holds, limit)| Some((holds, limit.into_given()?)))
    {
        return build_threshold(what, stat, (holds, limit), never == Some(true), found);
    }
    match (what, never) {
        // A wrong limit has been reported. So has a missing one, unless `never` could make up for it.
        _ if !is_bare => None,
        (_, None) => None,
        (ExpectationSubject::Event(_), Some(true)) if stat == Statistic::Count => {
            Some(StatThreshold::AT_LEAST_ONE)
        }
        _ => {
            let message = "this expectation has no limit";
            let help = "add one of `below`, `at_most`, `equals`, `at_least` and `above`";
            found.add(Diagnostic::error(place, message).with_help(help));
            None
        }
    }
}

fn build_threshold(
    what: ExpectationSubject,
    stat: Statistic,
    (holds, limit): (LimitComparison, Located<RawLimit>),
    never: bool,
    found: &mut Diagnostics,
) -> Option<StatThreshold> {
    let place = limit.place;
    let limit = self::build_limit(what, stat, limit, found)?;
    let is_zero = match limit {
        LimitValue::Count(number) | LimitValue::Bytes(number) | LimitValue::Span(Span(number)) => number == 0,
        LimitValue::Rate(rate) => rate == 0.0,
        LimitValue::Share(share) => share == Share::NOTHING,
        LimitValue::Value(_) => false,
    };
    let is_whole = limit == LimitValue::Share(Share::WHOLE);
    match (holds, never) {
        (LimitComparison::Below, false) | (LimitComparison::AtLeast, true) if is_zero => {
            let message = "this can never hold: nothing is less than zero";
            found.add(Diagnostic::error(place, message));
            return None;
        }
        (LimitComparison::Above, false) | (LimitComparison::AtMost, true) if is_whole => {
            let message = "this can never hold: no share is more than 100%";
            found.add(Diagnostic::error(place, message));
            return None;
        }
        (LimitComparison::AtMost, false) | (LimitComparison::Above, true) if is_whole => {
            let message = "this always holds where anything is measured: no share is more than 100%";
            found.add(Diagnostic::warning(place, message).with_help("one per cent is written \"1%\""));
        }
        (LimitComparison::AtLeast, false) | (LimitComparison::Below, true) if is_zero => {
            let message = "this always holds where anything is measured: nothing is less than zero";
            found.add(Diagnostic::warning(place, message));
        }
        _ => {}
    }
    Some(StatThreshold { stat, comparison: holds, limit })
}

/// A limit of a number that cannot be less than zero.
enum NonNegativeLimit {
    Number(u64),
    Fraction(Share),
    Text(String),
}

/// Builds a limit in the unit of its statistic.
fn build_limit(
    what: ExpectationSubject,
    stat: Statistic,
    raw: Located<RawLimit>,
    found: &mut Diagnostics,
) -> Option<LimitValue> {
    let is_bytes = matches!(what, ExpectationSubject::Measure(measure) if measure.is_size());
    let raw = match (what, raw.value) {
        (ExpectationSubject::Shared, RawLimit::Number(value)) => return Some(LimitValue::Value(value)),
        (ExpectationSubject::Shared, RawLimit::Fraction(_)) => {
            let message = "a cell holds a whole number";
            found.add(Diagnostic::error(raw.place, message).with_help("for example 12"));
            return None;
        }
        (ExpectationSubject::Shared, RawLimit::Text(text)) => {
            let message = format!("a cell holds a whole number, not {}", quoted(&text));
            found.add(Diagnostic::error(raw.place, message).with_help("for example 12"));
            return None;
        }
        (_, RawLimit::Number(number)) => match u64::try_from(number) {
            Ok(number) => Located { value: NonNegativeLimit::Number(number), place: raw.place },
            Err(_) => {
                let message = format!("a limit of {} must not be less than zero", quoted(what.name()));
                found.add(Diagnostic::error(raw.place, message));
                return None;
            }
        },
        (_, RawLimit::Fraction(share)) => {
            Located { value: NonNegativeLimit::Fraction(share), place: raw.place }
        }
        (_, RawLimit::Text(text)) => Located { value: NonNegativeLimit::Text(text), place: raw.place },
    };
    let (unit, limit) = match (stat, raw.value) {
        (Statistic::Share, value) => return build_share_limit(what, value, raw.place, found),
        (_, NonNegativeLimit::Fraction(_)) => {
            let help = || "a number with decimals is a limit of stat = \"share\"".to_owned();
            ("not a share", Err(("it has decimals".to_owned(), help())))
        }
        (Statistic::Count, NonNegativeLimit::Number(count)) => return Some(LimitValue::Count(count)),
        (Statistic::Count, NonNegativeLimit::Text(text)) => {
            ("a count", Err((format!("a whole number, not {}", quoted(&text)), "for example 5".to_owned())))
        }
        (Statistic::Rate, NonNegativeLimit::Number(number)) => return Some(LimitValue::Rate(number as f64)),
        (Statistic::Rate, NonNegativeLimit::Text(text)) => {
            let help = || "for example \"10/s\", ten a second, or \"2.5/m\" a minute".to_owned();
            ("a rate", parse_rate_per_second(&text).map(LimitValue::Rate).map_err(|fault| (fault, help())))
        }
        (_, NonNegativeLimit::Number(bytes)) if is_bytes => return Some(LimitValue::Bytes(bytes)),
        (_, NonNegativeLimit::Text(text)) if is_bytes => {
            let help = || "for example \"64KiB\", \"1GB\" or 100".to_owned();
            ("a size", numbers::parse_size(&text).map(LimitValue::Bytes).map_err(|fault| (fault, help())))
        }
        (_, NonNegativeLimit::Number(number)) => {
            let fault = "a string with a unit, not a bare number".to_owned();
            let help = format!("write \"{number}s\" for seconds, or \"{number}ms\" for milliseconds");
            ("a duration", Err((fault, help)))
        }
        (_, NonNegativeLimit::Text(text)) => ("a duration", build_duration_limit(&text, raw.place, found)),
    };
    match limit {
        Ok(limit) => Some(limit),
        Err((fault, help)) => {
            let message = format!("a limit of {} is {unit} here: {fault}", quoted(what.name()));
            found.add(Diagnostic::error(raw.place, message).with_help(help));
            None
        }
    }
}

/// Builds the limit of a share.
fn build_share_limit(
    what: ExpectationSubject,
    raw: NonNegativeLimit,
    place: FilePlace,
    found: &mut Diagnostics,
) -> Option<LimitValue> {
    let share = match raw {
        NonNegativeLimit::Number(0) => Ok(Share::NOTHING),
        NonNegativeLimit::Number(1) => Ok(Share::WHOLE),
        NonNegativeLimit::Number(number) => Err((
            format!("a share, not {number}"),
            format!("write \"{number}%\" for per cent, or a number from 0 to 1"),
        )),
        NonNegativeLimit::Fraction(share) => Ok(share),
        NonNegativeLimit::Text(text) => {
            Share::parse(&text).map_err(|fault| (fault, "for example \"1%\" or 0.01".to_owned()))
        }
    };
    match share {
        Ok(share) => Some(LimitValue::Share(share)),
        Err((fault, help)) => {
            let message = format!("a limit of {} is a share here: {fault}", quoted(what.name()));
            found.add(Diagnostic::error(place, message).with_help(help));
            None
        }
    }
}

fn build_duration_limit(
    text: &str,
    place: FilePlace,
    found: &mut Diagnostics,
) -> Result<LimitValue, span_text::MessageAndHelp> {
    let (span, doubt) = span_text::parse_span(text)?;
    if let Some((doubt, help)) = doubt {
        found.add(Diagnostic::warning(place, doubt).with_help(help));
    }
    Ok(LimitValue::Span(span))
}
