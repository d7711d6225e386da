//! Rates of requests: a constant rate, or one that changes over time.

use super::collections::ListOf;
use super::durations::DurationValue;
use super::encode::TomlEncode;
use super::strings::pattern_schema;
use super::table::{TableRule, table};
use super::{DecodeContext, Located, TomlSchema, own_words};
use crate::diagnostic::{Diagnostic, quoted};
use crate::scenario::rate::{Ramp, RampPoint, RequestRate};
use crate::scenario::toml::{TomlNode, TomlValue};
use crate::scenario::write::json::{Json, object};
use scenario_log::time::Span;

/// The syntax of a rate, as a regular expression.
const RATE_PATTERN: &str = r"[0-9]{1,12}(\.[0-9]{1,6})?/(s|m|h)";

/// Examples of rates, for messages.
const RATE_FORMS: &str = "\"500/s\", \"2.5/m\" or \"1/h\"";

impl TomlSchema for RequestRate {
    const EXAMPLE: &'static str = "\"500/s\"";

    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<RequestRate> {
        let at = node.at;
        if matches!(node.value, TomlValue::Integer(_) | TomlValue::Float) {
            let source = std::rc::Rc::clone(&cx.source);
            let number = at.slice(&source).trim_start_matches('+').replace('_', "");
            let plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            let number = if plain { number } else { "500".to_owned() };
            let help = format!("write \"{number}/s\" for that number a second");
            cx.error_with_help(at, "a rate is a string with a unit, not a bare number", help);
            return None;
        }
        let text = cx.decode_text(node, "a rate", RATE_FORMS)?;
        match parse_rate(text.reveal()) {
            Ok(rate) => Some(rate),
            Err(fault) => {
                let help = own_words::rate_help(text.reveal()).filter(|_| !text.is_secret());
                let fault = if text.is_secret() { "this value is not a rate".to_owned() } else { fault };
                cx.error_with_help(at, fault, help.unwrap_or_else(|| format!("for example {RATE_FORMS}")));
                None
            }
        }
    }

    fn schema() -> Json {
        pattern_schema(&format!("^{RATE_PATTERN}$")).with("examples", Json::from(["500/s", "2.5/m"]))
    }
}

/// Reads a rate; the error is a message.
fn parse_rate(text: &str) -> Result<RequestRate, String> {
    let no_rate = |why: &str| format!("{} is not a rate: {why}", quoted(text));
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
        return Err(no_rate("it must begin with a number that is not negative"));
    }
    if decimals.len() > 6 {
        return Err(no_rate("it has more than six decimals"));
    }
    let too_much = || format!("{} is more than {}", quoted(text), RequestRate::MAX.to_file_text());
    if whole.len() > 12 {
        return Err(too_much());
    }
    let read = |digits: &str| digits.parse::<u64>().ok();
    read(whole)
        .and_then(|whole| whole.checked_mul(1_000_000)?.checked_add(read(&format!("{decimals:0<6}"))?))
        .and_then(|millionths| millionths.checked_mul(factor))
        .map(RequestRate)
        .filter(|rate| *rate <= RequestRate::MAX)
        .ok_or_else(too_much)
}

table! {
    /// A point of a rate that changes over time.
    RawRampPoint is "a point of a rate" from (RampPoint) like "{ at = \"10s\", to = \"500/s\" }" with [
        TableRule::Required("at", "at = \"10s\""),
        TableRule::Required("to", "to = \"500/s\""),
    ] {
        /// The moment of the point, as a duration from the start of the load.
        "at" at: DurationValue => |point| point.at,
        /// The rate at that moment, such as `"500/s"`. Between two points the rate changes evenly.
        "to" to: RequestRate => |point| point.rate,
    }
}

impl TomlSchema for Ramp {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<Ramp> {
        let at = node.at;
        let ramp = if matches!(node.value, TomlValue::Array(_)) {
            let raw = ListOf::<RawRampPoint, 1>::decode(cx, node)?.0;
            ramp_through(cx, raw)?
        } else if matches!(node.value, TomlValue::Table(_) | TomlValue::Boolean(_)) {
            cx.report_wrong_type(
                &node,
                "a rate",
                "\"500/s\", or [{ at = \"0s\", to = \"0/s\" }, { at = \"10s\", to = \"500/s\" }]",
            );
            return None;
        } else {
            Ramp::constant(RequestRate::decode(cx, node)?)
        };
        if ramp.points().iter().all(|point| point.rate == RequestRate(0)) {
            cx.error_with_help(
                at,
                "at this rate there are no requests at all",
                format!("for example {RATE_FORMS}"),
            );
            return None;
        }
        Some(ramp)
    }

    fn schema() -> Json {
        let positive = pattern_schema("[1-9]");
        let one = pattern_schema(&format!("^{RATE_PATTERN}$"));
        let constant = object([("allOf", Json::List(vec![one, positive]))]);
        object([("anyOf", Json::List(vec![constant, ListOf::<RawRampPoint, 1>::schema()]))])
            .with("examples", Json::from(["500/s", "2.5/m"]))
    }
}

impl TomlEncode for RequestRate {
    fn encode(self) -> Option<Json> {
        Some(self.to_file_text().into())
    }
}

impl TomlEncode for &Ramp {
    fn encode(self) -> Option<Json> {
        match self.as_constant() {
            Some(rate) => rate.encode(),
            None => Some(self.points().iter().map(RawRampPoint::write).collect()),
        }
    }
}

/// Builds the ramp through these points; reports points that are not in the order of time.
fn ramp_through(cx: &mut DecodeContext<'_>, raw: Vec<Located<RawRampPoint>>) -> Option<Ramp> {
    let mut points: Vec<RampPoint> = Vec::with_capacity(raw.len());
    let mut is_whole = true;
    for Located { value, .. } in raw {
        let (Some(at), Some(to)) = (value.at.into_given(), value.to.into_value()) else {
            is_whole = false;
            continue;
        };
        let before = points.last().map_or(Span::ZERO, |point| point.at);
        if at.value.0 < before {
            let fault = Diagnostic::error(at.place, "the points of a rate must be in the order of time");
            cx.diagnostics.add(fault.with_help("two points with the same `at` are a jump"));
            is_whole = false;
        }
        points.push(RampPoint { at: at.value.0.max(before), rate: to });
    }
    is_whole.then(|| Ramp::new(points))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read() {
        for (text, wanted) in [("500/s", 1_800_000_000_000), ("0.5/h", 500_000), ("1/m", 60_000_000)] {
            assert_eq!(parse_rate(text), Ok(RequestRate(wanted)), "{text}");
        }
        assert_eq!(parse_rate("1000000/s"), Ok(RequestRate::MAX));
        for wrong in
            ["", "5", "/s", "-1/s", "1e3/s", "5/d", "1.1234567/s", "1./s", "nan/s", "1000001/s", "1 /s"]
        {
            assert!(parse_rate(wrong).is_err(), "{wrong}");
        }
        assert!(parse_rate("99999999999999999999/s").is_err_and(|fault| fault.contains("more than")));
    }

    proptest::proptest! {
        #[test]
        fn a_written_rate_reads_back(millionths in 0..=RequestRate::MAX.0) {
            proptest::prop_assert_eq!(parse_rate(&RequestRate(millionths).to_file_text()), Ok(RequestRate(millionths)));
        }
    }
}
