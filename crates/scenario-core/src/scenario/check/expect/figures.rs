//! The figures of expectations: which there are of what is looked at, and their limits, which have
//! their unit.

use crate::diagnostic::{Diagnostic, Place, quoted};
use crate::scenario::findings::Findings;
use crate::scenario::model::expect::{Comparison, Figure, Limit, Measure, Stat, Subject};
use crate::scenario::schema::expect::{RawLimit, rate};
use crate::scenario::schema::{Slot, Sp, numbers, times};
use scenario_log::time::Span;

/// The figure, where the file says which, or there is only one.
fn stat(what: Subject, raw: Slot<Stat>, of: Place, found: &mut Findings) -> Option<Stat> {
    let given = match raw {
        Slot::Broken => return None,
        Slot::Absent => None,
        Slot::Given(stat) => Some(stat),
    };
    let (fits, place) = match (what, given) {
        (Subject::Event(_), None) => return Some(Stat::Count),
        (Subject::Measure(Measure::RunTook) | Subject::Shared, None) => return Some(Stat::Value),
        (Subject::Measure(measure), None) => {
            let message = format!("of {} there are many: which figure?", quoted(measure.name()));
            let help = "add stat = \"p95\"; there is also \"min\", \"mean\", \"max\", \"sum\", \"count\" and \"rate\"";
            found.add(Diagnostic::error(of, message).help(help));
            return None;
        }
        (Subject::Event(_), Some(stat)) => (matches!(stat.value, Stat::Count | Stat::Rate), stat),
        (Subject::Measure(Measure::RunTook) | Subject::Shared, Some(stat)) => {
            (stat.value == Stat::Value, stat)
        }
        (Subject::Measure(_), Some(stat)) => (stat.value != Stat::Value, stat),
    };
    if fits {
        return Some(place.value);
    }
    let (message, help) = match what {
        Subject::Event(_) => (
            "events are counted; they have no value of their own",
            "write \"count\" or \"rate\", or measure: for example of = \"fetch.took\"",
        ),
        Subject::Measure(Measure::RunTook) => ("a run takes one time", "write stat = \"value\""),
        Subject::Shared => ("a cell holds one value when the run ends", "write stat = \"value\""),
        Subject::Measure(_) => ("there are many values, and not one", "for example stat = \"p95\""),
    };
    found.add(Diagnostic::error(place.place, message).help(help));
    None
}

/// The figure of an expectation, held to the one limit that it has. `never` is what the file says of
/// it, if anything.
pub(super) fn limited(
    what: Subject,
    (stat, of): (Slot<Stat>, Place),
    limits: [(Comparison, Slot<RawLimit>); 5],
    (never, place): (Option<bool>, Place),
    found: &mut Findings,
) -> Option<Figure> {
    let stat = self::stat(what, stat, of, found)?;
    let is_bare = limits.iter().all(|(_, limit)| !limit.is_present());
    if let Some((holds, limit)) = limits.into_iter().find_map(|(holds, limit)| Some((holds, limit.given()?)))
    {
        return figure(what, stat, (holds, limit), never == Some(true), found);
    }
    match (what, never) {
        // What is broken was told, and that none is there, unless `never` could make it right.
        _ if !is_bare => None,
        (_, None) => None,
        (Subject::Event(_), Some(true)) if stat == Stat::Count => Some(Figure::HAPPENS),
        _ => {
            let message = "an expectation says how much: it lacks a limit";
            let help = "add one of below, at_most, equals, at_least and above";
            found.add(Diagnostic::error(place, message).help(help));
            None
        }
    }
}

fn figure(
    what: Subject,
    stat: Stat,
    (holds, limit): (Comparison, Sp<RawLimit>),
    never: bool,
    found: &mut Findings,
) -> Option<Figure> {
    let place = limit.place;
    let limit = self::limit(what, stat, limit, found)?;
    let is_zero = match limit {
        Limit::Count(number) | Limit::Bytes(number) | Limit::Span(Span(number)) => number == 0,
        Limit::Rate(rate) => rate == 0.0,
        Limit::Value(_) => false,
    };
    match (holds, never) {
        (Comparison::Below, false) | (Comparison::AtLeast, true) if is_zero => {
            let message = "this can never hold: nothing is less than zero";
            found.add(Diagnostic::error(place, message));
            return None;
        }
        (Comparison::AtLeast, false) | (Comparison::Below, true) if is_zero => {
            let message = "this always holds where anything is measured: nothing is less than zero";
            found.add(Diagnostic::warning(place, message));
        }
        _ => {}
    }
    Some(Figure { stat, holds, limit })
}

/// A limit of what is counted or measured, which is never less than zero.
enum Positive {
    Number(u64),
    Text(String),
}

/// A limit in the unit of its figure.
fn limit(what: Subject, stat: Stat, raw: Sp<RawLimit>, found: &mut Findings) -> Option<Limit> {
    let is_bytes = what == Subject::Measure(Measure::FetchBytes);
    let raw = match (what, raw.value) {
        (Subject::Shared, RawLimit::Number(value)) => return Some(Limit::Value(value)),
        (Subject::Shared, RawLimit::Text(text)) => {
            let message = format!("a cell holds a whole number, not {}", quoted(&text));
            found.add(Diagnostic::error(raw.place, message).help("for example 12"));
            return None;
        }
        (_, RawLimit::Number(number)) => match u64::try_from(number) {
            Ok(number) => Sp { value: Positive::Number(number), place: raw.place },
            Err(_) => {
                let message = format!("a limit of {} is not less than zero", quoted(what.name()));
                found.add(Diagnostic::error(raw.place, message));
                return None;
            }
        },
        (_, RawLimit::Text(text)) => Sp { value: Positive::Text(text), place: raw.place },
    };
    let (unit, limit) = match (stat, raw.value) {
        (Stat::Count, Positive::Number(count)) => return Some(Limit::Count(count)),
        (Stat::Count, Positive::Text(text)) => {
            ("a count", Err((format!("a whole number, not {}", quoted(&text)), "for example 5".to_owned())))
        }
        (Stat::Rate, Positive::Number(number)) => return Some(Limit::Rate(number as f64)),
        (Stat::Rate, Positive::Text(text)) => {
            let help = || "so many a second, for example \"10/s\", or \"2.5/m\" a minute".to_owned();
            ("a rate", rate(&text).map(Limit::Rate).map_err(|fault| (fault, help())))
        }
        (_, Positive::Number(bytes)) if is_bytes => return Some(Limit::Bytes(bytes)),
        (_, Positive::Text(text)) if is_bytes => {
            let help = || "for example \"64KiB\", \"1GB\" or 100".to_owned();
            ("a size", numbers::size(&text).map(Limit::Bytes).map_err(|fault| (fault, help())))
        }
        (_, Positive::Number(number)) => {
            let fault = "a string with its unit, not a bare number".to_owned();
            let help = format!("write \"{number}s\" for seconds, or \"{number}ms\" for milliseconds");
            ("a duration", Err((fault, help)))
        }
        (_, Positive::Text(text)) => ("a duration", duration(&text, raw.place, found)),
    };
    match limit {
        Ok(limit) => Some(limit),
        Err((fault, help)) => {
            let message = format!("a limit of {} is {unit} here: {fault}", quoted(what.name()));
            found.add(Diagnostic::error(raw.place, message).help(help));
            None
        }
    }
}

fn duration(text: &str, place: Place, found: &mut Findings) -> Result<Limit, times::Words> {
    let (span, doubt) = times::read(text)?;
    if let Some((doubt, help)) = doubt {
        found.add(Diagnostic::warning(place, doubt).help(help));
    }
    Ok(Limit::Span(span))
}

/// Why a figure cannot be known to be missed before the end of the run.
pub(super) fn never_too_early(figure: &Figure, never: bool) -> Option<&'static str> {
    if matches!(figure.limit, Limit::Value(_)) {
        return Some("what a cell holds at last is known at the end only");
    }
    use Comparison::{Above, AtLeast, AtMost, Below, Equals};
    match (figure.stat, figure.holds) {
        (Stat::Mean | Stat::Rate | Stat::Percentile(_), _) => {
            Some("what this figure comes to is known at the end only")
        }
        // These only grow: past a limit they stay so.
        (Stat::Count | Stat::Sum | Stat::Max | Stat::Value, Below | AtMost | Equals) if !never => None,
        (Stat::Count | Stat::Sum | Stat::Max | Stat::Value, AtLeast | Above) if never => None,
        // And this only shrinks.
        (Stat::Min, AtLeast | Above | Equals) if !never => None,
        (Stat::Min, Below | AtMost) if never => None,
        _ => Some("until the end it can still come to hold"),
    }
}
