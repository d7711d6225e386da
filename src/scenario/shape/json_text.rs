//! A request's JSON body, written as a TOML value.

use super::numbers::out_of_range;
use super::{Cx, Shape};
use crate::scenario::document::{Node, Value};
use crate::scenario::json::{Json, object};
use crate::scenario::model::Text;

/// A TOML value as JSON text, with variables put into its strings.
#[derive(Debug)]
pub(crate) struct JsonText(pub(crate) Text);

impl Shape for JsonText {
    fn decode(cx: &mut Cx<'_>, node: Node) -> Option<JsonText> {
        let (plain, shown) = json_pair(cx, node)?;
        let (plain, shown) = (plain.line(), shown.line());
        Some(JsonText(if plain == shown { Text::plain(plain) } else { Text::secret(plain, shown) }))
    }

    fn schema() -> Json {
        object([])
    }
}

/// A value as it is sent, and as it is shown. Nesting is bounded by the document's limits.
fn json_pair(cx: &mut Cx<'_>, node: Node) -> Option<(Json, Json)> {
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
            let text = cx.text(node, "a string", "\"text\"")?;
            Some((text.reveal().into(), text.shown().into()))
        }
        Value::Array(items) => {
            let pairs: Option<Vec<(Json, Json)>> =
                items.into_iter().map(|item| json_pair(cx, item)).collect();
            let (plain, shown) = pairs?.into_iter().unzip();
            Some((Json::List(plain), Json::List(shown)))
        }
        Value::Table(table) => {
            let source = std::rc::Rc::clone(&cx.source);
            let (mut plain, mut shown) = (Vec::new(), Vec::new());
            for item in cx.document.take(table) {
                let key = item.key.get(&source).to_owned();
                let (value, seen) = json_pair(cx, item.node)?;
                plain.push((key.clone(), value));
                shown.push((key, seen));
            }
            Some((Json::Object(plain), Json::Object(shown)))
        }
    }
}
