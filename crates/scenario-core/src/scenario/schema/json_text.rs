//! A request's JSON body, written as a TOML value.

use super::numbers::out_of_range;
use super::{Cx, Shape};
use crate::scenario::model::Text;
use crate::scenario::toml::{Node, Value};
use crate::scenario::vars::template::escaped;
use crate::scenario::write::json::{Json, object};

/// A TOML value as JSON text, with variables put into its strings; where it is `LATE`, values that are
/// captured in the run as well.
#[derive(Debug)]
pub(crate) struct JsonText<const LATE: bool>(pub(crate) Text);

impl<const LATE: bool> Shape for JsonText<LATE> {
    fn decode(cx: &mut Cx<'_>, node: Node) -> Option<Self> {
        // All strings in it are templates, and so is the whole: JSON leaves `${name}` as it is.
        let (plain, shown) = json_pair(cx, node, LATE)?;
        Some(JsonText(Text::of_templates(&plain.line(), &shown.line())))
    }

    fn schema() -> Json {
        object([])
    }
}

/// A value as it is sent, and as it is shown, its strings as templates. Nesting is bounded by the document's limits.
fn json_pair(cx: &mut Cx<'_>, node: Node, late: bool) -> Option<(Json, Json)> {
    let at = node.at;
    let both = |json: Json| Some((json.clone(), json));
    match node.value {
        Value::Boolean(value) => both(Json::Bool(value)),
        Value::Integer(Some(number)) => both(Json::Int(number)),
        Value::Integer(None) => {
            out_of_range(cx, at, i64::MIN, i64::MAX);
            None
        }
        Value::Float => {
            let source = std::rc::Rc::clone(&cx.source);
            match at.of(&source).replace('_', "").parse::<f64>() {
                Ok(number) if number.is_finite() => both(Json::Float(number)),
                _ => {
                    cx.error(at, "JSON has no such number");
                    None
                }
            }
        }
        Value::Datetime => {
            cx.error_with_help(at, "JSON has no dates", "write it as a string");
            None
        }
        Value::String(_) => {
            let (what, example) = ("a string", "\"text\"");
            let text = if late { cx.late_text(node, what, example) } else { cx.text(node, what, example) }?;
            Some((text.plain_template().into(), text.template().into()))
        }
        Value::Array(items) => {
            let pairs: Option<Vec<(Json, Json)>> =
                items.into_iter().map(|item| json_pair(cx, item, late)).collect();
            let (plain, shown) = pairs?.into_iter().unzip();
            Some((Json::List(plain), Json::List(shown)))
        }
        Value::Table(table) => {
            let source = std::rc::Rc::clone(&cx.source);
            let (mut plain, mut shown) = (Vec::new(), Vec::new());
            for item in cx.document.take(table) {
                let key = escaped(item.key.get(&source));
                let (value, seen) = json_pair(cx, item.node, late)?;
                plain.push((key.clone(), value));
                shown.push((key, seen));
            }
            Some((Json::Object(plain), Json::Object(shown)))
        }
    }
}
