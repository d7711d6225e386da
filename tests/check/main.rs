//! Scenario files and what is said about them: section A of the faults, by its rows.
//!
//! A row that is about messages is a file in `tests/check/files` with what is said about it beside it, in
//! a `.stderr`. `UPDATE=1 cargo test --test check` writes these anew.

mod common;

use common::{Golden, load_text, said};

#[test]
fn messages_are_as_they_were() {
    Golden::folder("tests/check/files").check();
}

#[test]
fn a02_unknown_key_in_every_table() {
    assert!(said("nmae = \"x\"").contains("did you mean `name`?"));
}

#[test]
fn every_legal_key_is_read() {
    let loaded = common::load_path("tests/check/files/legal.toml");
    let loaded = loaded
        .unwrap_or_else(|failure| panic!("{}", common::rendered(&failure.sources, &failure.diagnostics)));
    let toml = scenario::scenario::resolved::to_toml(&loaded.scenario);
    let again = load_text(&toml);
    let again = again
        .unwrap_or_else(|failure| panic!("{}", common::rendered(&failure.sources, &failure.diagnostics)));
    let json = scenario::scenario::resolved::to_json(&loaded.scenario);
    assert_eq!(scenario::scenario::resolved::to_json(&again.scenario), json);
    println!("{toml}\n{json}");
}

#[test]
fn the_schema_file_is_the_one_of_the_program() {
    let schema = scenario::scenario::schema::scenario_schema();
    let path = "schema/scenario.schema.json";
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &schema).expect("the schema can be written");
    }
    let file = std::fs::read_to_string(path).expect("the schema can be read");
    assert!(file == schema, "{path} is old: UPDATE=1 cargo test --test check writes it anew");
}
