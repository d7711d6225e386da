//! The JSON Schema of scenario files, made from the same definitions that decode them (`file`, `schema`).

use crate::scenario::file::RawScenario;
use crate::scenario::schema::TomlSchema;
use crate::scenario::schema::after::RawTrigger;
use crate::scenario::schema::steps::step_definition;
use crate::scenario::write::json::{Json, object};

/// The schema, JSON Schema 2020-12, as it is in `schema/scenario.schema.json`.
#[must_use]
pub fn scenario_schema() -> String {
    let head = object([
        ("$schema", "https://json-schema.org/draft/2020-12/schema".into()),
        ("title", "scenario".into()),
    ]);
    let (Json::Object(mut items), Json::Object(body)) = (head, RawScenario::schema()) else {
        return String::new();
    };
    items.extend(body);
    // An empty file is refused, with an example as its help.
    let definitions = object([("after", RawTrigger::schema()), ("step", step_definition())]);
    Json::Object(items).with("minProperties", 1).with("$defs", definitions).to_pretty()
}
