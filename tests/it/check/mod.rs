//! Scenario files and their diagnostics: by kind (`rows`), and properties of
//! all documents (`properties`).
//!
//! The tests of messages are files in `tests/it/check/files`, each with its diagnostics in a `.stderr`
//! beside it. With `UPDATE=1` in the environment, the tests write these files and the schema instead of
//! comparing them.

pub(crate) mod common;
mod data;
mod expected;
mod fetches;
mod files;
mod impossible;
mod own_words;
mod properties;
mod resolved;
mod rows;

use crate::check::common::{Golden, load_path, load_text, said_of};
use scenario_core::scenario::json_schema::scenario_schema;
use scenario_core::scenario::write::resolved::{json_to_toml, to_json, to_toml};

#[test]
fn messages_are_as_they_were() {
    Golden::folder("tests/it/check/files").check();
}

#[test]
fn every_legal_key_is_read_and_resolved() {
    let loaded = load_path("tests/it/check/files/legal.toml");
    assert_eq!(said_of(&loaded), "");
    let Ok(loaded) = loaded else { panic!("it was refused") };
    let golden = "tests/it/check/files/legal.resolved";
    let toml = to_toml(&loaded.scenario);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(golden, &toml).expect("the golden file can be written");
    }
    assert_eq!(std::fs::read_to_string(golden).expect("the golden file can be read"), toml);
    let again = load_text(&toml);
    assert_eq!(said_of(&again), "");
    let json = to_json(&loaded.scenario);
    assert_eq!(json_to_toml(&json).expect("it is JSON"), toml);
    assert!(again.is_ok_and(|again| to_json(&again.scenario) == json));
    assert!(!json.contains("s3cr3t") && !json.contains(":pass@") && !json.contains('\n'), "{json}");
    assert_eq!(loaded.secrets.mask_text("s3cr3t-t0ken"), "[redacted]");
}

#[test]
fn the_schema_file_is_the_one_of_the_program() {
    let schema = scenario_schema();
    let path = "schema/scenario.schema.json";
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &schema).expect("the schema can be written");
    }
    let file = std::fs::read_to_string(path).expect("the schema can be read");
    assert!(file == schema, "{path} is old: UPDATE=1 cargo test check:: writes it anew");
}
