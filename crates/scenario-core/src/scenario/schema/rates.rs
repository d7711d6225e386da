//! Rates of requests: one, or one that changes over time.

use super::collections::List;
use super::table::{Rule, table};
use super::text::pattern;
use super::times::Duration;
use super::{Cx, Shape, Sp};
use crate::diagnostic::{Diagnostic, quoted};
use crate::scenario::rate::{Point, Ramp, Rate};
use crate::scenario::toml::{Node, Value};
use crate::scenario::write::json::{Json, object};
use scenario_log::time::Span;

/// A rate is written like this.
const RATE: &str = r"[0-9]{1,12}(\.[0-9]{1,6})?/(s|m|h)";

/// What rates there are, for messages.
const FORMS: &str = "\"500/s\", \"2.5/m\" or \"1/h\"";

impl Shape for Rate {
    const EXAMPLE: &'static str = "\"500/s\"";

    fn decode(cx: &mut Cx<'_>, node: Node) -> Option<Rate> {
        let at = node.at;
        if matches!(node.value, Value::Integer(_) | Value::Float) {
            let source = std::rc::Rc::clone(&cx.source);
            let number = at.of(&source).trim_start_matches('+').replace('_', "");
            let plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            let number = if plain { number } else { "500".to_owned() };
            let help = format!("write \"{number}/s\" for so many a second");
            cx.error_with_help(at, "a rate is a string with its unit, not a bare number", help);
            return None;
        }
        let text = cx.text(node, "a rate", FORMS)?;
        match rate(text.reveal()) {
            Ok(rate) => Some(rate),
            Err(fault) => {
                let fault = if text.is_secret() { "this value is no rate".to_owned() } else { fault };
                cx.error_with_help(at, fault, format!("for example {FORMS}"));
                None
            }
        }
    }

    fn schema() -> Json {
        pattern(&format!("^{RATE}$"))
    }
}

/// A rate, or why it is none.
fn rate(text: &str) -> Result<Rate, String> {
    let no_rate = |why: &str| format!("{} is no rate: {why}", quoted(text));
    let (number, unit) = text.split_once('/').ok_or_else(|| no_rate("it has no unit"))?;
    let factor = match unit {
        "s" => 3600,
        "m" => 60,
        "h" => 1,
        _ => return Err(no_rate("the units are /s, /m and /h")),
    };
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(decimals) {
        return Err(no_rate("it begins with a number that is not negative"));
    }
    if decimals.len() > 6 {
        return Err(no_rate("it has more than six decimals"));
    }
    let too_much = || format!("{} is more than {}", quoted(text), Rate::HIGHEST.written());
    if whole.len() > 12 {
        return Err(too_much());
    }
    let read = |digits: &str| digits.parse::<u64>().ok();
    read(whole)
        .and_then(|whole| whole.checked_mul(1_000_000)?.checked_add(read(&format!("{decimals:0<6}"))?))
        .and_then(|millionths| millionths.checked_mul(factor))
        .map(Rate)
        .filter(|rate| *rate <= Rate::HIGHEST)
        .ok_or_else(too_much)
}

table! {
    /// A point of a rate that changes over time.
    RawPoint is "a point of a rate" like "{ at = \"10s\", to = \"500/s\" }" with [
        Rule::Required("at", "at = \"10s\""),
        Rule::Required("to", "to = \"500/s\""),
    ] {
        /// When, from the start of the job.
        "at" at: Duration,
        /// The rate there. Between two points it changes evenly.
        "to" to: Rate,
    }
}

impl Shape for Ramp {
    fn decode(cx: &mut Cx<'_>, node: Node) -> Option<Ramp> {
        let at = node.at;
        let ramp = if matches!(node.value, Value::Array(_)) {
            let raw = List::<RawPoint, 1>::decode(cx, node)?.0;
            points(cx, raw)?
        } else if matches!(node.value, Value::Table(_) | Value::Boolean(_)) {
            cx.wrong_type(
                &node,
                "a rate",
                "\"500/s\", or [{ at = \"0s\", to = \"0/s\" }, { at = \"10s\", to = \"500/s\" }]",
            );
            return None;
        } else {
            Ramp::constant(Rate::decode(cx, node)?)
        };
        if ramp.points().iter().all(|point| point.to == Rate(0)) {
            cx.error_with_help(at, "at this rate there is no request at all", format!("for example {FORMS}"));
            return None;
        }
        Some(ramp)
    }

    fn schema() -> Json {
        let positive = pattern("[1-9]");
        let one = pattern(&format!("^{RATE}$"));
        let constant = object([("allOf", Json::List(vec![one, positive]))]);
        object([("anyOf", Json::List(vec![constant, List::<RawPoint, 1>::schema()]))])
    }
}

/// The ramp through these points, if they are in the order of time.
fn points(cx: &mut Cx<'_>, raw: Vec<Sp<RawPoint>>) -> Option<Ramp> {
    let mut points: Vec<Point> = Vec::with_capacity(raw.len());
    let mut is_whole = true;
    for Sp { value, .. } in raw {
        let (Some(at), Some(to)) = (value.at.given(), value.to.value()) else {
            is_whole = false;
            continue;
        };
        let before = points.last().map_or(Span::ZERO, |point| point.at);
        if at.value.0 < before {
            let fault = Diagnostic::error(at.place, "the points of a rate are in the order of time");
            cx.found.add(fault.help("two points with the same `at` are a jump"));
            is_whole = false;
        }
        points.push(Point { at: at.value.0.max(before), to });
    }
    is_whole.then(|| Ramp::new(points))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read() {
        for (text, wanted) in [("500/s", 1_800_000_000_000), ("0.5/h", 500_000), ("1/m", 60_000_000)] {
            assert_eq!(rate(text), Ok(Rate(wanted)), "{text}");
        }
        assert_eq!(rate("1000000/s"), Ok(Rate::HIGHEST));
        for wrong in
            ["", "5", "/s", "-1/s", "1e3/s", "5/d", "1.1234567/s", "1./s", "nan/s", "1000001/s", "1 /s"]
        {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
        assert!(rate("99999999999999999999/s").is_err_and(|fault| fault.contains("more than")));
    }

    proptest::proptest! {
        #[test]
        fn a_written_rate_reads_back(millionths in 0..=Rate::HIGHEST.0) {
            proptest::prop_assert_eq!(rate(&Rate(millionths).written()), Ok(Rate(millionths)));
        }
    }
}
