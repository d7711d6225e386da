//! The example of a table for editors, made of the one that messages show.

use crate::scenario::toml::{TomlDocument, TomlNode, TomlValue, parse};
use crate::scenario::write::json::Json;

/// Adds an example to the schema of a table, if it is the text of a table.
pub(crate) fn with_table_example(schema: Json, example: &str) -> Json {
    if !example.starts_with('{') {
        return schema;
    }
    let source = format!("x = {example}");
    let document = parse(&source, 0).document;
    match document.items(TomlDocument::ROOT) {
        [only] => schema.with("examples", Json::List(vec![to_json(&only.node, &document, &source)])),
        _ => schema,
    }
}

fn to_json(node: &TomlNode, document: &TomlDocument, source: &str) -> Json {
    match &node.value {
        TomlValue::String(text) => text.as_str(source).into(),
        TomlValue::Integer(Some(number)) => Json::Int(*number),
        TomlValue::Boolean(value) => (*value).into(),
        TomlValue::Array(items) => {
            Json::List(items.iter().map(|item| to_json(item, document, source)).collect())
        }
        TomlValue::Table(table) => {
            let items = document.items(*table).iter();
            let value = |node| to_json(node, document, source);
            Json::Object(items.map(|item| (item.key.as_str(source).to_owned(), value(&item.node))).collect())
        }
        // No example has one.
        TomlValue::Integer(None) | TomlValue::Float | TomlValue::Datetime => Json::Null,
    }
}
