//! Intervals: how long it is from one thing to the next, constant or drawn.

use super::collections::List;
use super::table::{Rule, table};
use super::times::{Duration, UNITS, bare_number, parse};
use super::unions::tables_or_string;
use super::{Cx, Shape, Slot};
use crate::diagnostic::quoted;
use crate::scenario::interval::Interval;
use crate::scenario::toml::{Node, Value};
use crate::scenario::write::json::Json;

table! {
    /// An interval that is drawn: exactly one of the three.
    IntervalTable is "an interval" with [Rule::ExactlyOne(&["exponential", "normal", "choice"])] {
        /// Exponential, by its mean.
        "exponential" exponential: Duration<true>,
        /// Normal, cut at 0.
        "normal" normal: NormalTable,
        /// One of these, with equal chance.
        "choice" choice: List<Duration, 1>,
    }
}

table! {
    /// A normal distribution.
    NormalTable is "a normal distribution" with [
        Rule::Required("mean", "mean = \"1s\""),
        Rule::Required("sd", "sd = \"200ms\""),
    ] {
        /// The mean, before the cut at 0.
        "mean" mean: Duration,
        /// The standard deviation, before the cut at 0.
        "sd" sd: Duration,
    }
}

/// What an interval may be, for messages.
const FORMS: &str = "\"400ms\", \"0s..800ms\", { exponential = \"1s\" }, \
    { normal = { mean = \"1s\", sd = \"200ms\" } } or { choice = [\"1s\", \"2s\"] }";

impl Shape for Interval {
    fn decode(cx: &mut Cx<'_>, node: Node) -> Option<Interval> {
        match node.value {
            Value::Table(_) => drawn(IntervalTable::decode(cx, node)?),
            Value::String(_) => constant_or_uniform(cx, node),
            Value::Integer(_) | Value::Float => {
                bare_number(cx, node.at, "an interval");
                None
            }
            _ => {
                cx.wrong_type(&node, "an interval", FORMS);
                None
            }
        }
    }

    fn schema() -> Json {
        let one = format!("[ \\t]*([0-9]+(\\.[0-9]+)?[ \\t]*({UNITS})[ \\t]*)+");
        tables_or_string(&format!("^{one}(\\.\\.{one})?$"), &[IntervalTable::schema()])
    }
}

fn drawn(table: IntervalTable) -> Option<Interval> {
    if let Some(mean) = table.exponential.value() {
        return Some(Interval::Exponential { mean: mean.0 });
    }
    if let Slot::Given(normal) = table.normal {
        let (mean, sd) = (normal.value.mean.value()?.0, normal.value.sd.value()?.0);
        return Some(Interval::Normal { mean, sd });
    }
    let choice = table.choice.value()?;
    Some(Interval::Choice(choice.0.into_iter().map(|span| span.value.0).collect()))
}

fn constant_or_uniform(cx: &mut Cx<'_>, node: Node) -> Option<Interval> {
    let at = node.at;
    let text = cx.text(node, "an interval", FORMS)?;
    let Some((from, to)) = text.reveal().split_once("..") else {
        return parse(cx, at, text.reveal(), text.is_secret()).map(Interval::Constant);
    };
    let from = parse(cx, at, from, text.is_secret());
    let to = parse(cx, at, to, text.is_secret());
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
