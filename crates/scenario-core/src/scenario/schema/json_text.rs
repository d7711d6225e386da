//! JSON that is written as a TOML value: the body of a request, or a value that an answer must have.

use super::numbers::report_out_of_range;
use super::{DecodeContext, TomlSchema};
use crate::diagnostic::FilePlace;
use crate::scenario::model::ScenarioText;
use crate::scenario::toml::{TomlNode, TomlValue};
use crate::scenario::vars::template::{escape, unescape};
use crate::scenario::write::json::{Json, object};

/// A TOML value as JSON text, with the variables of its strings replaced. With `LATE` the strings may have
/// gaps for values that are captured during the run.
#[derive(Debug)]
pub(crate) struct JsonText<const LATE: bool>(pub(crate) ScenarioText);

impl<const LATE: bool> TomlSchema for JsonText<LATE> {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<Self> {
        // All strings in it are templates, and so is the whole text: JSON has no escape for `${name}`.
        let mut gaps = Vec::new();
        let (plain, shown) = decode_json_pair(cx, node, LATE, &mut gaps)?;
        let mut text = ScenarioText::from_templates(&plain.to_line(), &shown.to_line());
        text.set_gap_places(&gaps);
        Some(JsonText(text))
    }

    fn schema() -> Json {
        object([])
    }
}

/// A JSON text as a tree whose strings are templates.
pub(super) fn encode_json_text(json: &ScenarioText) -> Json {
    fn unescape_keys(json: Json) -> Json {
        match json {
            Json::List(items) => Json::List(items.into_iter().map(unescape_keys).collect()),
            Json::Object(items) => {
                let items = items.into_iter().map(|(key, value)| (unescape(&key), unescape_keys(value)));
                Json::Object(items.collect())
            }
            other => other,
        }
    }
    // The text was made by `decode_json_pair`, so that it is always JSON.
    unescape_keys(Json::parse(&json.to_display_template()).unwrap_or(Json::Null))
}

/// The value in its real form and in the form that may be shown; its strings are templates. The limits of
/// the document bound the nesting. `gaps` receives the places of the gaps, in order.
fn decode_json_pair(
    cx: &mut DecodeContext<'_>,
    node: TomlNode,
    late: bool,
    gaps: &mut Vec<FilePlace>,
) -> Option<(Json, Json)> {
    let node = cx.resolve_kind(node);
    let at = node.at;
    let both = |json: Json| Some((json.clone(), json));
    match node.value {
        TomlValue::Boolean(value) => both(Json::Bool(value)),
        TomlValue::Integer(Some(number)) => both(Json::Int(number)),
        TomlValue::Integer(None) => {
            report_out_of_range(cx, at, i64::MIN, i64::MAX);
            None
        }
        TomlValue::Float => {
            let source = std::rc::Rc::clone(&cx.source);
            match at.slice(&source).replace('_', "").parse::<f64>() {
                Ok(number) if number.is_finite() => both(Json::Float(number)),
                _ => {
                    cx.error(at, "JSON does not have this number");
                    None
                }
            }
        }
        TomlValue::Datetime => {
            cx.error_with_help(at, "JSON has no dates", "write it as a string");
            None
        }
        TomlValue::String(_) => {
            let (what, example) = ("a string", "\"text\"");
            let text = if late {
                cx.decode_request_text(node, what, example)
            } else {
                cx.decode_text(node, what, example)
            }?;
            gaps.extend(text.gap_places().map(|(_, place)| place.unwrap_or_default()));
            Some((text.to_plain_template().into(), text.to_display_template().into()))
        }
        TomlValue::Array(items) => {
            let pairs: Option<Vec<(Json, Json)>> =
                items.into_iter().map(|item| decode_json_pair(cx, item, late, gaps)).collect();
            let (plain, shown) = pairs?.into_iter().unzip();
            Some((Json::List(plain), Json::List(shown)))
        }
        TomlValue::Table(table) => {
            let source = std::rc::Rc::clone(&cx.source);
            let (mut plain, mut shown) = (Vec::new(), Vec::new());
            for item in cx.document.take_items(table) {
                let key = escape(item.key.as_str(&source));
                let (value, seen) = decode_json_pair(cx, item.node, late, gaps)?;
                plain.push((key.clone(), value));
                shown.push((key, seen));
            }
            Some((Json::Object(plain), Json::Object(shown)))
        }
    }
}
