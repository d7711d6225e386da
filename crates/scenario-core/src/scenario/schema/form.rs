//! The fields of a form, which are written as a TOML table.

use std::rc::Rc;

use super::encode::{TomlEncode, encode_named};
use super::numbers::report_out_of_range;
use super::{DecodeContext, TomlSchema};
use crate::scenario::model::ScenarioText;
use crate::scenario::toml::{TomlNode, TomlValue};
use crate::scenario::write::json::{Json, object};

/// Names and values in file order. A list repeats its name for each of its items.
#[derive(Debug)]
pub(crate) struct FormFields(pub(crate) Vec<(String, ScenarioText)>);

impl TomlSchema for FormFields {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<FormFields> {
        let TomlValue::Table(table) = node.value else {
            cx.report_wrong_type(&node, "a table of fields", "{ user = \"john\", page = 2 }");
            return None;
        };
        let source = Rc::clone(&cx.source);
        let (mut fields, mut whole) = (Vec::new(), true);
        for item in cx.document.take_items(table) {
            let name = item.key.as_str(&source).to_owned();
            let values = match item.node.value {
                TomlValue::Array(items) => items,
                value => vec![TomlNode { at: item.node.at, value }],
            };
            for value in values {
                match decode_field(cx, value) {
                    Some(value) => fields.push((name.clone(), value)),
                    None => whole = false,
                }
            }
        }
        whole.then_some(FormFields(fields))
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

/// The fields by name; several fields of one name are a list.
pub(super) fn encode_form(fields: &[(String, ScenarioText)]) -> Json {
    let groups = fields.chunk_by(|one, next| one.0 == next.0).map(|group| {
        let value = match group {
            [(_, value)] => value.encode(),
            values => values.iter().map(|(_, value)| value).collect::<Vec<_>>().encode(),
        };
        (&*group[0].0, value)
    });
    encode_named(groups)
}

fn decode_field(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<ScenarioText> {
    match node.value {
        TomlValue::Boolean(value) => Some(ScenarioText::plain(value.to_string())),
        TomlValue::Integer(Some(number)) => Some(ScenarioText::plain(number.to_string())),
        TomlValue::Integer(None) => {
            report_out_of_range(cx, node.at, i64::MIN, i64::MAX);
            None
        }
        TomlValue::String(_) => cx.decode_request_text(node, "a string", "\"john\""),
        _ => {
            cx.report_wrong_type(&node, "a string, an integer, a boolean or a list of them", "\"john\"");
            None
        }
    }
}
