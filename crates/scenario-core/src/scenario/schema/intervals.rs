//! Intervals: times from one thing to the next, constant or drawn.

use super::collections::ListOf;
use super::durations::{DurationValue, parse_and_report, report_bare_number};
use super::encode::TomlEncode;
use super::span_text::{TIME_UNIT_PATTERN, parse_span};
use super::table::{TableRule, table};
use super::unions::tables_or_string_schema;
use super::{DecodeContext, KeySlot, TomlSchema, own_words};
use crate::diagnostic::quoted;
use crate::scenario::format::format_span;
use crate::scenario::interval::Interval;
use crate::scenario::toml::{TomlNode, TomlValue};
use crate::scenario::write::json::Json;
use scenario_log::time::Span;

table! {
    /// An interval that is drawn anew each time. It has exactly one of `exponential`, `normal` and `choice`.
    IntervalTable is "an interval" from (Interval) like "{ exponential = \"1s\" }" with [TableRule::ExactlyOne(&["exponential", "normal", "choice"])] {
        /// The mean of an exponential distribution, as a duration.
        "exponential" exponential: DurationValue<true> => |interval| match interval {
            Interval::Exponential { mean } => Some(*mean),
            _ => None,
        },
        /// A normal distribution; a draw that would be negative is 0.
        "normal" normal: NormalIntervalTable => |interval| match interval {
            Interval::Normal { mean, sd } => Some(NormalIntervalTable::write(&(*mean, *sd))),
            _ => None,
        },
        /// A list of durations; each draw is one of them, with equal chance.
        "choice" choice: ListOf<DurationValue, 1> => |interval| match interval {
            Interval::Choice(spans) => Some(spans.clone()),
            _ => None,
        },
    }
}

table! {
    /// A normal distribution of durations, cut at 0.
    NormalIntervalTable is "a normal distribution" from ((Span, Span)) like "{ mean = \"1s\", sd = \"200ms\" }" with [
        TableRule::Required("mean", "mean = \"1s\""),
        TableRule::Required("sd", "sd = \"200ms\""),
    ] {
        /// The mean before the cut at 0, as a duration.
        "mean" mean: DurationValue => |(mean, _)| *mean,
        /// The standard deviation before the cut at 0, as a duration.
        "sd" sd: DurationValue => |(_, sd)| *sd,
    }
}

/// The forms of an interval, for messages.
const INTERVAL_FORMS: &str = "\"400ms\", \"0s..800ms\", { exponential = \"1s\" }, \
    { normal = { mean = \"1s\", sd = \"200ms\" } } or { choice = [\"1s\", \"2s\"] }";

impl TomlSchema for Interval {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<Interval> {
        match node.value {
            TomlValue::Table(_) => interval_from_table(IntervalTable::decode(cx, node)?),
            TomlValue::String(_) => decode_constant_or_uniform(cx, node),
            TomlValue::Integer(_) | TomlValue::Float => {
                report_bare_number(cx, node.at, "an interval");
                None
            }
            _ => {
                cx.report_wrong_type(&node, "an interval", INTERVAL_FORMS);
                None
            }
        }
    }

    fn schema() -> Json {
        let one = format!("[ \\t]*([0-9]+(\\.[0-9]+)?[ \\t]*({TIME_UNIT_PATTERN})[ \\t]*)+");
        tables_or_string_schema(&format!("^{one}(\\.\\.{one})?$"), &[IntervalTable::schema()])
            .with("examples", Json::from(["400ms", "0s..800ms"]))
    }
}

impl TomlEncode for &Interval {
    fn encode(self) -> Option<Json> {
        match self {
            Interval::Constant(span) => span.encode(),
            Interval::Uniform { from, to } => {
                Some(format!("{}..{}", format_span(*from), format_span(*to)).into())
            }
            Interval::Exponential { .. } | Interval::Normal { .. } | Interval::Choice(_) => {
                Some(IntervalTable::write(self))
            }
        }
    }
}

fn interval_from_table(table: IntervalTable) -> Option<Interval> {
    if let Some(mean) = table.exponential.into_value() {
        return Some(Interval::Exponential { mean: mean.0 });
    }
    if let KeySlot::Given(normal) = table.normal {
        let (mean, sd) = (normal.value.mean.into_value()?.0, normal.value.sd.into_value()?.0);
        return Some(Interval::Normal { mean, sd });
    }
    let choice = table.choice.into_value()?;
    Some(Interval::Choice(choice.0.into_iter().map(|span| span.value.0).collect()))
}

fn decode_constant_or_uniform(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<Interval> {
    let at = node.at;
    let text = cx.decode_text(node, "an interval", INTERVAL_FORMS)?;
    let is_right = |part: &str| parse_span(part).is_ok();
    if !text.is_secret()
        && !text.reveal().split("..").all(is_right)
        && let Some(help) = own_words::interval_help(text.reveal())
    {
        cx.error_with_help(at, format!("{} is not an interval", quoted(text.reveal())), help);
        return None;
    }
    let Some((from, to)) = text.reveal().split_once("..") else {
        return parse_and_report(cx, at, text.reveal(), text.is_secret()).map(Interval::Constant);
    };
    let from = parse_and_report(cx, at, from, text.is_secret());
    let to = parse_and_report(cx, at, to, text.is_secret());
    let (from, to) = (from?, to?);
    if from >= to {
        let shown = if text.is_secret() { "this interval".to_owned() } else { quoted(text.reveal()) };
        cx.error_with_help(
            at,
            format!("{shown} is empty: its end is excluded and must come after its start"),
            "a constant interval is written \"1s\"",
        );
        return None;
    }
    Some(Interval::Uniform { from, to })
}
