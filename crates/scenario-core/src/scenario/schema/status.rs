//! The statuses that a fetch expects: a number, a class, a range, a list of these, or any.

use super::encode::TomlEncode;
use super::numbers::report_out_of_range;
use super::strings::words_or_pattern_schema;
use super::{DecodeContext, TomlSchema};
use crate::diagnostic::quoted;
use crate::scenario::model::{ScenarioText, StatusRange, StatusRule};
use crate::scenario::toml::{ByteRange, TomlNode, TomlValue};
use crate::scenario::write::json::{Json, object};

const FORMS: &str = "\"2xx\", 200, \"400..499\", a list such as [200, \"4xx\"], or \"any\"";
const FORMS_IN_LIST: &str = "200, \"4xx\" and \"500..502\"";

/// The pattern of a class or a range.
const RANGE_PATTERN: &str = "[1-9]xx|[1-9][0-9][0-9] *\\.\\. *[1-9][0-9][0-9]";

const LEAST: i64 = 100;
const MOST: i64 = 999;

impl TomlSchema for StatusRule {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<StatusRule> {
        let node = cx.resolve_in_text(node)?;
        match node.value {
            TomlValue::Array(items) if items.is_empty() => {
                let help = format!("the forms are {FORMS}");
                cx.error_with_help(node.at, "this list is empty, so nothing would be allowed", help);
                None
            }
            TomlValue::Array(items) => {
                let wanted = items.len();
                let ranges: Vec<StatusRange> =
                    items.into_iter().filter_map(|item| decode_range(cx, item)).collect();
                (ranges.len() == wanted).then_some(StatusRule::OneOf(ranges))
            }
            TomlValue::String(_) => {
                let at = node.at;
                let text = cx.decode_text(node, "a status", FORMS)?;
                match text.reveal() {
                    "any" => Some(StatusRule::Any),
                    _ => range_of_text(cx, at, &text, FORMS).map(|range| StatusRule::OneOf(vec![range])),
                }
            }
            TomlValue::Integer(_) => decode_range(cx, node).map(|range| StatusRule::OneOf(vec![range])),
            _ => {
                cx.report_wrong_type(&node, "a status, a list of them, \"2xx\" or \"any\"", FORMS);
                None
            }
        }
    }

    fn schema() -> Json {
        let code = || {
            object([("type", "integer".into()), ("minimum", Json::Int(LEAST)), ("maximum", Json::Int(MOST))])
        };
        let classes = ["2xx", "3xx", "4xx", "5xx"];
        let words = |last: &'static [&'static str], pattern: &str| {
            words_or_pattern_schema(classes.iter().chain(last).copied(), pattern)
        };
        let one = words(&["any"], &format!("^({RANGE_PATTERN}|any)$"));
        let item = object([("anyOf", Json::List(vec![words(&[], &format!("^({RANGE_PATTERN})$")), code()]))]);
        let list = object([("type", "array".into()), ("minItems", 1.into()), ("items", item)]);
        object([("anyOf", Json::List(vec![one, code(), list]))])
    }
}

/// Decodes an item of a list, or a number that stands alone.
fn decode_range(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<StatusRange> {
    let at = node.at;
    let node = cx.resolve_in_text(node)?;
    if let TomlValue::Integer(number) = node.value {
        let code = number.filter(|code| (LEAST..=MOST).contains(code)).and_then(|code| code.try_into().ok());
        if code.is_none() {
            report_out_of_range(cx, at, LEAST, MOST);
        }
        return code.map(StatusRange::code);
    }
    let text = cx.decode_text(node, "a status", FORMS_IN_LIST)?;
    range_of_text(cx, at, &text, FORMS_IN_LIST)
}

/// The class or range of a text; reports any other text.
fn range_of_text(
    cx: &mut DecodeContext<'_>,
    at: ByteRange,
    text: &ScenarioText,
    forms: &str,
) -> Option<StatusRange> {
    if let Some(range) = parse_range(text.reveal()) {
        if range.first <= range.last {
            return Some(range);
        }
        let fault = match text.is_secret() {
            true => "this range".to_owned(),
            false => quoted(text.reveal()),
        };
        let help = format!("write \"{}..{}\"; both ends belong to a range", range.last, range.first);
        cx.error_with_help(at, format!("{fault} is empty: its end comes before its start"), help);
        return None;
    }
    let written = text.reveal();
    let fault = match text.is_secret() {
        true => "this value is not a status".to_owned(),
        false => format!("{} is not a status", quoted(written)),
    };
    let number = written.trim().parse::<u16>().ok().filter(|code| (100..=999).contains(code));
    let range = parse_range(&written.to_ascii_lowercase().replace('-', ".."));
    let meant = number.map(|number| number.to_string());
    let meant =
        meant.or_else(|| range.filter(|range| range.first < range.last).map(|range| format!("\"{range}\"")));
    let help = meant.map_or_else(String::new, |meant| format!("write {meant}; "));
    cx.error_with_help(at, fault, format!("{help}the forms are {forms}"));
    None
}

/// A class or a range. The range may be empty.
fn parse_range(text: &str) -> Option<StatusRange> {
    if let Some(class) = text.strip_suffix("xx").filter(|class| class.len() == 1) {
        return class.parse().ok().filter(|class| *class > 0).map(StatusRange::class);
    }
    let (first, last) = text.split_once("..")?;
    let code = |text: &str| {
        let are_digits = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|code| are_digits && *code >= 100)
    };
    Some(StatusRange { first: code(first.trim_end_matches(' '))?, last: code(last.trim_start_matches(' '))? })
}

impl TomlEncode for &StatusRule {
    fn encode(self) -> Option<Json> {
        let encode = |range: &StatusRange| match range.first == range.last {
            true => u64::from(range.first).into(),
            false => range.to_string().into(),
        };
        Some(match self {
            StatusRule::Any => "any".into(),
            StatusRule::OneOf(ranges) => match &ranges[..] {
                [one] => encode(one),
                ranges => Json::List(ranges.iter().map(encode).collect()),
            },
        })
    }
}
