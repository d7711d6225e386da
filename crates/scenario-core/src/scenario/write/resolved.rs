//! The resolved scenario: included files are merged, variables are replaced, defaults are filled in, and
//! secrets are `[redacted]`. It is written as one line of JSON for the log, and as TOML that
//! [`load_scenario`](crate::scenario::load_scenario) reads back. Its keys are those of the file, in the
//! order of the rows of their tables.
//!
//! Both forms are written from one tree, so that they cannot differ. A literal `${` is written as `$${`.

use std::collections::BTreeMap;

use crate::scenario::file::RawScenario;
use crate::scenario::model::Scenario;
use crate::scenario::model::step_program::StepProgram;
use crate::scenario::schema::steps::encode_blocks;
use crate::scenario::write::json::Json;
use crate::scenario::write::toml_writer::render_toml;

/// The scenario as one line of JSON.
#[must_use]
pub fn to_json(scenario: &Scenario) -> String {
    RawScenario::write(scenario).to_line()
}

/// The scenario as a TOML file.
#[must_use]
pub fn to_toml(scenario: &Scenario) -> String {
    render_toml(RawScenario::write(scenario))
}

/// The steps of a player as one line of JSON, as a file may have them.
#[must_use]
pub fn steps_to_json(program: &StepProgram) -> String {
    encode_blocks(&program.blocks).to_line()
}

/// Turns a scenario of [`to_json`] into the TOML file of [`to_toml`], which
/// [`load_scenario`](crate::scenario::load_scenario) reads: the way back from a log. It has `[redacted]`
/// where a secret was.
///
/// # Errors
///
/// The text is not JSON.
pub fn json_to_toml(json: &str) -> Result<String, serde_json::Error> {
    Json::parse(json).map(render_toml)
}

/// The scenario with only one preset and an empty timeline, as a TOML file. A sub-process needs it to play
/// the preset.
#[must_use]
pub fn preset_to_toml(scenario: &Scenario, preset: usize) -> String {
    let presets = scenario.presets.get(preset).cloned().into_iter().collect();
    render_toml(RawScenario::write(&Scenario {
        presets,
        vars: BTreeMap::new(),
        ports: BTreeMap::new(),
        fetches: Vec::new(),
        data: Vec::new(),
        timeline: Vec::new(),
        expectations: Vec::new(),
        world: None,
        ..scenario.clone()
    }))
}
