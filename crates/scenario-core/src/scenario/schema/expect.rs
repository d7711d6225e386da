//! The values of an expectation that have several forms: its limit, and the conditions on the keys of an
//! event.

use std::rc::Rc;

use super::encode::{TomlEncode, encode_named, unless_empty};
use super::numbers::report_out_of_range;
use super::shares::{SHARE_PATTERN, fraction_of_float};
use super::span_text;
use super::strings::{PublicString, RegexText, pattern_schema, words_or_pattern_schema};
use super::{DecodeContext, Located, TomlSchema};
use crate::diagnostic::{Diagnostic, quoted};
use crate::scenario::model::expect::{KeyMatcher, LimitValue, MeasuredQuantity, Statistic};
use crate::scenario::share::Share;
use crate::scenario::toml::{TomlNode, TomlValue};
use crate::scenario::write::json::{Json, object};
use scenario_log::event_kind::EventKind;

/// A limit as it is written; the unit that it needs depends on the statistic.
#[derive(Clone, Debug)]
pub(crate) enum RawLimit {
    Number(i64),
    /// A number with decimals, from 0 to 1.
    Fraction(Share),
    /// A text with a unit.
    Text(String),
}

const LIMIT_FORMS: &str = "5, \"300ms\", \"64KiB\", \"10/s\" or \"1%\"";

impl TomlSchema for RawLimit {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<RawLimit> {
        let node = cx.resolve_in_text(node)?;
        match node.value {
            TomlValue::Integer(number) => match number {
                Some(number) => Some(RawLimit::Number(number)),
                None => {
                    report_out_of_range(cx, node.at, i64::MIN, i64::MAX);
                    None
                }
            },
            TomlValue::String(_) => cx.decode_public_text(node, "a limit", LIMIT_FORMS).map(RawLimit::Text),
            _ => {
                let share = match node.value {
                    TomlValue::Float => fraction_of_float(cx, &node),
                    _ => None,
                };
                if share.is_none() {
                    let wanted = "a whole number, a duration, a size, a rate or a share";
                    cx.report_wrong_type(&node, wanted, LIMIT_FORMS);
                }
                share.map(RawLimit::Fraction)
            }
        }
    }

    fn schema() -> Json {
        let units = span_text::TIME_UNIT_PATTERN;
        let text = pattern_schema(&format!(
            "^([ \\t]*([0-9]+(\\.[0-9]+)?[ \\t]*({units})[ \\t]*)+\
             |[0-9]+ ?(B|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)?|[0-9]+(\\.[0-9]+)?/[smh]|{SHARE_PATTERN})$"
        ));
        let fraction =
            object([("type", "number".into()), ("minimum", Json::Int(0)), ("maximum", Json::Int(1))]);
        object([("anyOf", Json::List(vec![integer_schema(), fraction, text]))])
            .with("examples", Json::from(["300ms", "64KiB", "10/s", "1%"]))
    }
}

impl TomlSchema for Statistic {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<Statistic> {
        let at = node.at;
        let written = cx.decode_public_text(node, "a statistic", r#""p95""#)?;
        if let Some(stat) = Statistic::from_name(&written) {
            return Some(stat);
        }
        let fault = Diagnostic::error(cx.place(at), format!("{} is not a statistic", quoted(&written)));
        let names = Statistic::NAMED.iter().map(|(name, _)| *name);
        let fault = match cx.diagnostics.closest_name(&written, names.clone()) {
            Some(name) => fault.with_help(format!("did you mean {name:?}?")),
            None => fault,
        };
        let names: Vec<String> = names.map(|name| format!("{name:?}")).collect();
        let help =
            format!("the statistics are {}, and percentiles like \"p95\" or \"p99.9\"", names.join(", "));
        cx.diagnostics.add(fault.with_help(help));
        None
    }

    fn schema() -> Json {
        let names: Vec<&str> = Statistic::NAMED.iter().map(|(name, _)| *name).collect();
        // A percentile has a digit other than 0.
        let common = names.iter().copied().chain(["p50", "p90", "p95", "p99", "p99.9"]);
        let pattern = format!(
            "^({}|p([1-9]|[0-9][1-9]|[1-9]0)(\\.[0-9]{{1,3}})?|p00?\\.([1-9][0-9]{{0,2}}|0[1-9][0-9]?|00[1-9]))$",
            names.join("|")
        );
        words_or_pattern_schema(common, &pattern)
    }
}

/// The name of an event or of a measure. Whether there is one of this name is checked later.
#[derive(Debug)]
pub(crate) struct SubjectName(pub(crate) String);

impl TomlSchema for SubjectName {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<SubjectName> {
        PublicString::decode(cx, node).map(|name| SubjectName(name.0))
    }

    /// A cell is `shared.NAME`, with a name of the scenario.
    fn schema() -> Json {
        let events = EventKind::all().map(EventKind::name);
        let events = events.filter(|name| !EventKind::AFTER_COUNTING.contains(name));
        let measures = MeasuredQuantity::ALL.into_iter().map(MeasuredQuantity::name);
        let known = object([("enum", measures.chain(events).collect())]);
        let any = object([("type", "string".into()), ("pattern", ".".into())]);
        object([("anyOf", Json::List(vec![known, any]))])
            .with("examples", Json::from(["fetch.took", "spawn.failed", "shared.NAME"]))
    }
}

/// The conditions on the keys of an event, in file order, with the places of keys and values.
#[derive(Debug)]
pub(crate) struct RawKeyMatchers(pub(crate) Vec<(Located<String>, Located<KeyMatcher>)>);

const MATCHER_FORMS: &str = "'a REGEX', 200 or true";

impl TomlSchema for RawKeyMatchers {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<RawKeyMatchers> {
        let TomlValue::Table(table) = node.value else {
            cx.report_wrong_type(&node, "a table of keys and their values", "{ status = 200 }");
            return None;
        };
        let source = Rc::clone(&cx.source);
        let (mut wanted, mut is_whole) = (Vec::new(), true);
        for item in cx.document.take_items(table) {
            let key = Located { value: item.key.as_str(&source).to_owned(), place: cx.place(item.key_at) };
            let place = cx.place(item.node.at);
            match decode_matcher(cx, item.node) {
                Some(value) => wanted.push((key, Located { value, place })),
                None => is_whole = false,
            }
        }
        is_whole.then_some(RawKeyMatchers(wanted))
    }

    fn schema() -> Json {
        let types = object([("type", ["string", "boolean"].into())]);
        object([
            ("type", "object".into()),
            ("additionalProperties", object([("anyOf", Json::List(vec![types, integer_schema()]))])),
        ])
    }
}

/// The schema of any integer: whether it may be less than zero depends on the statistic.
fn integer_schema() -> Json {
    let (least, most) = (Json::Int(i64::MIN), Json::Int(i64::MAX));
    object([("type", "integer".into()), ("minimum", least), ("maximum", most)])
}

fn decode_matcher(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<KeyMatcher> {
    let node = cx.resolve_kind(node);
    match node.value {
        TomlValue::Boolean(value) => Some(KeyMatcher::Boolean(value)),
        TomlValue::Integer(number) => match number {
            Some(number) => Some(KeyMatcher::Number(number)),
            None => {
                report_out_of_range(cx, node.at, i64::MIN, i64::MAX);
                None
            }
        },
        TomlValue::String(_) => RegexText::decode(cx, node).map(|regex| KeyMatcher::Regex(regex.0)),
        _ => {
            cx.report_wrong_type(&node, "a regular expression, a whole number or a boolean", MATCHER_FORMS);
            None
        }
    }
}

/// Reads a rate such as `10/s`, `2.5/m` or `1/h`, as a number in a second; the error is a message.
pub(crate) fn parse_rate_per_second(text: &str) -> Result<f64, String> {
    let units = [("/s", 1.0), ("/m", 60.0), ("/h", 3600.0)];
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let read = units.into_iter().find_map(|(unit, seconds)| {
        let number = text.strip_suffix(unit)?;
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        let number = number.parse::<f64>().ok().filter(|_| are_digits(whole) && are_digits(part))?;
        Some(number / seconds).filter(|rate| rate.is_finite())
    });
    read.ok_or_else(|| format!("{} is not a rate", quoted(text)))
}

impl TomlEncode for Statistic {
    fn encode(self) -> Option<Json> {
        Some(self.to_string().into())
    }
}

impl TomlEncode for LimitValue {
    fn encode(self) -> Option<Json> {
        match self {
            LimitValue::Count(count) => count.encode(),
            LimitValue::Value(value) => value.encode(),
            LimitValue::Span(_) | LimitValue::Bytes(_) | LimitValue::Rate(_) | LimitValue::Share(_) => {
                Some(self.to_string().into())
            }
        }
    }
}

impl TomlEncode for &KeyMatcher {
    fn encode(self) -> Option<Json> {
        match self {
            KeyMatcher::Regex(regex) => regex.encode(),
            KeyMatcher::Number(number) => number.encode(),
            KeyMatcher::Boolean(value) => value.encode(),
        }
    }
}

impl TomlEncode for &[(String, KeyMatcher)] {
    fn encode(self) -> Option<Json> {
        unless_empty(encode_named(self.iter().map(|(key, matcher)| (&**key, matcher))))
    }
}
