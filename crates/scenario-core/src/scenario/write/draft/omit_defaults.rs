//! Leaves the keys with default values out of a resolved scenario. The defaults are those of the schema, so
//! that there is no list of them here.

use crate::scenario::write::json::Json;

/// A value without the keys whose values are the defaults of their schema.
pub(super) fn omit_defaults(value: Json, schema: &Json) -> Json {
    match value {
        Json::Object(items) => omit_defaults_in_object(items, schema),
        Json::List(items) => match get_key(schema, "items") {
            Some(schema) => items.into_iter().map(|item| omit_defaults(item, schema)).collect(),
            None => Json::List(items),
        },
        scalar => scalar,
    }
}

fn omit_defaults_in_object(items: Vec<(String, Json)>, schema: &Json) -> Json {
    let Some(schema) = matching_schema(&items, schema) else { return Json::Object(items) };
    let in_background = items.iter().any(|(key, value)| key == "background" && *value == Json::Bool(true));
    let mut kept = Vec::with_capacity(items.len());
    for (key, value) in items {
        let Some(of_key) = key_schema(schema, &key) else {
            kept.push((key, value));
            continue;
        };
        let was_table = matches!(value, Json::Object(_));
        let value = omit_defaults(value, of_key);
        // This is the one default that depends on another key: a program in the background is not expected
        // to exit.
        let is_said = key == "exits" && in_background;
        let is_default = get_key(of_key, "default") == Some(&value);
        // In a free JSON value, whose schema has no type, an empty object has a meaning.
        let is_empty = was_table && value == Json::Object(Vec::new()) && get_key(of_key, "type").is_some();
        if is_said || !(is_default || is_empty) {
            kept.push((key, value));
        }
    }
    Json::Object(kept)
}

/// The schema that fits a table, out of those that its place allows.
fn matching_schema<'s>(items: &[(String, Json)], schema: &'s Json) -> Option<&'s Json> {
    let fits = |schema: &&Json| items.iter().all(|(key, _)| key_schema(schema, key).is_some());
    match get_key(schema, "anyOf") {
        Some(Json::List(forms)) => forms.iter().find(fits),
        _ => Some(schema),
    }
}

/// The schema of the value of a key: the one of this name, or the one for all names.
fn key_schema<'s>(schema: &'s Json, key: &str) -> Option<&'s Json> {
    let by_name = get_key(schema, "properties").and_then(|keys| get_key(keys, key));
    by_name.or_else(|| get_key(schema, "additionalProperties").filter(|any| matches!(any, Json::Object(_))))
}

fn get_key<'j>(object: &'j Json, key: &str) -> Option<&'j Json> {
    let Json::Object(items) = object else { return None };
    items.iter().find(|(name, _)| name == key).map(|(_, value)| value)
}
