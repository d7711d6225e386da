//! The values of an expectation that may be written in several ways: its limit, and what an event
//! must say.

use std::rc::Rc;

use super::numbers::out_of_range;
use super::text::{Pattern, pattern};
use super::times;
use super::{Cx, Shape, Sp};
use crate::diagnostic::{Diagnostic, quoted};
use crate::scenario::model::expect::{Stat, Wanted};
use crate::scenario::toml::{Node, Value};
use crate::scenario::write::json::{Json, object};

/// A limit as it is written; what its unit must be depends on the figure.
#[derive(Clone, Debug)]
pub(crate) enum RawLimit {
    /// A bare number.
    Number(i64),
    /// A text, with its unit.
    Text(String),
}

const LIMITS: &str = "5, \"300ms\", \"64KiB\" or \"10/s\"";

impl Shape for RawLimit {
    fn decode(cx: &mut Cx<'_>, node: Node) -> Option<RawLimit> {
        match node.value {
            Value::Integer(number) => match number {
                Some(number) => Some(RawLimit::Number(number)),
                None => {
                    out_of_range(cx, node.at, i64::MIN, i64::MAX);
                    None
                }
            },
            Value::String(_) => cx.open_text(node, "a limit", LIMITS).map(RawLimit::Text),
            _ => {
                cx.wrong_type(&node, "a whole number, a duration, a size or a rate", LIMITS);
                None
            }
        }
    }

    fn schema() -> Json {
        let units = times::UNITS;
        let text = pattern(&format!(
            "^([ \\t]*([0-9]+(\\.[0-9]+)?[ \\t]*({units})[ \\t]*)+\
             |[0-9]+ ?(B|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)?|[0-9]+(\\.[0-9]+)?/[smh])$"
        ));
        object([("anyOf", Json::List(vec![number(), text]))])
    }
}

impl Shape for Stat {
    fn decode(cx: &mut Cx<'_>, node: Node) -> Option<Stat> {
        let at = node.at;
        let written = cx.open_text(node, "a statistic", r#""p95""#)?;
        if let Some(stat) = Stat::from_name(&written) {
            return Some(stat);
        }
        let fault = Diagnostic::error(cx.place(at), format!("{} is no statistic", quoted(&written)));
        let names = Stat::NAMED.iter().map(|(name, _)| *name);
        let fault = match cx.found.nearest(&written, names.clone()) {
            Some(name) => fault.help(format!("did you mean {name:?}?")),
            None => fault,
        };
        let names: Vec<String> = names.map(|name| format!("{name:?}")).collect();
        let help = format!("there is {}, and percentiles like \"p95\" or \"p99.9\"", names.join(", "));
        cx.found.add(fault.help(help));
        None
    }

    fn schema() -> Json {
        let names: Vec<&str> = Stat::NAMED.iter().map(|(name, _)| *name).collect();
        // Some digit of a percentile is not 0.
        pattern(&format!(
            "^({}|p([1-9]|[0-9][1-9]|[1-9]0)(\\.[0-9]{{1,3}})?|p00?\\.([1-9][0-9]{{0,2}}|0[1-9][0-9]?|00[1-9]))$",
            names.join("|")
        ))
    }
}

/// What the keys of an event must be: in the order of the file, with the places of keys and values.
#[derive(Debug)]
pub(crate) struct RawWhere(pub(crate) Vec<(Sp<String>, Sp<Wanted>)>);

const WANTED: &str = "'a REGEX', 200 or true";

impl Shape for RawWhere {
    fn decode(cx: &mut Cx<'_>, node: Node) -> Option<RawWhere> {
        let Value::Table(table) = node.value else {
            cx.wrong_type(&node, "a table of keys and their values", "{ status = 200 }");
            return None;
        };
        let source = Rc::clone(&cx.source);
        let (mut wanted, mut is_whole) = (Vec::new(), true);
        for item in cx.document.take(table) {
            let key = Sp { value: item.key.get(&source).to_owned(), place: cx.place(item.key_at) };
            let place = cx.place(item.node.at);
            match value(cx, item.node) {
                Some(value) => wanted.push((key, Sp { value, place })),
                None => is_whole = false,
            }
        }
        is_whole.then_some(RawWhere(wanted))
    }

    fn schema() -> Json {
        let types = object([("type", ["string", "boolean"].into())]);
        object([
            ("type", "object".into()),
            ("additionalProperties", object([("anyOf", Json::List(vec![types, number()]))])),
        ])
    }
}

/// Any integer: whether it can be less than zero hangs on what it is compared with.
fn number() -> Json {
    let (least, most) = (Json::Int(i64::MIN), Json::Int(i64::MAX));
    object([("type", "integer".into()), ("minimum", least), ("maximum", most)])
}

fn value(cx: &mut Cx<'_>, node: Node) -> Option<Wanted> {
    match node.value {
        Value::Boolean(value) => Some(Wanted::Boolean(value)),
        Value::Integer(number) => match number {
            Some(number) => Some(Wanted::Number(number)),
            None => {
                out_of_range(cx, node.at, i64::MIN, i64::MAX);
                None
            }
        },
        Value::String(_) => Pattern::decode(cx, node).map(|regex| Wanted::Text(regex.0)),
        _ => {
            cx.wrong_type(&node, "a regular expression, a whole number or a boolean", WANTED);
            None
        }
    }
}

/// A rate a second, as in `10/s`, `2.5/m` or `1/h`; what is wrong with it otherwise.
pub(crate) fn rate(text: &str) -> Result<f64, String> {
    let units = [("/s", 1.0), ("/m", 60.0), ("/h", 3600.0)];
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let read = units.into_iter().find_map(|(unit, seconds)| {
        let number = text.strip_suffix(unit)?;
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        let number = number.parse::<f64>().ok().filter(|_| are_digits(whole) && are_digits(part))?;
        Some(number / seconds).filter(|rate| rate.is_finite())
    });
    read.ok_or_else(|| format!("{} is no rate", quoted(text)))
}
