//! The fields of a form, written as a TOML table.

use std::rc::Rc;

use super::numbers::out_of_range;
use super::{Cx, Shape};
use crate::scenario::model::Text;
use crate::scenario::toml::{Node, Value};
use crate::scenario::write::json::{Json, object};

/// Names and values in the order of the file; a list gives its name once for each of its items.
#[derive(Debug)]
pub(crate) struct Form(pub(crate) Vec<(String, Text)>);

impl Shape for Form {
    fn decode(cx: &mut Cx<'_>, node: Node) -> Option<Form> {
        let Value::Table(table) = node.value else {
            cx.wrong_type(&node, "a table of fields", "{ user = \"john\", page = 2 }");
            return None;
        };
        let source = Rc::clone(&cx.source);
        let (mut fields, mut whole) = (Vec::new(), true);
        for item in cx.document.take(table) {
            let name = item.key.get(&source).to_owned();
            let values = match item.node.value {
                Value::Array(items) => items,
                value => vec![Node { at: item.node.at, value }],
            };
            for value in values {
                match field(cx, value) {
                    Some(value) => fields.push((name.clone(), value)),
                    None => whole = false,
                }
            }
        }
        whole.then_some(Form(fields))
    }

    fn schema() -> Json {
        let one = object([("type", ["string", "integer", "boolean"].into())]);
        let list = object([("type", "array".into()), ("items", one.clone())]);
        object([
            ("type", "object".into()),
            ("additionalProperties", object([("anyOf", Json::List(vec![one, list]))])),
        ])
    }
}

/// One value.
fn field(cx: &mut Cx<'_>, node: Node) -> Option<Text> {
    match node.value {
        Value::Boolean(value) => Some(Text::plain(value.to_string())),
        Value::Integer(Some(number)) => Some(Text::plain(number.to_string())),
        Value::Integer(None) => {
            out_of_range(cx, node.at, i64::MIN, i64::MAX);
            None
        }
        Value::String(_) => cx.late_text(node, "a string", "\"john\""),
        _ => {
            cx.wrong_type(&node, "a string, an integer, a boolean or a list of them", "\"john\"");
            None
        }
    }
}
