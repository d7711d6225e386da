//! The resolved scenario: included files merged, variables put in, defaults filled in, secrets as
//! `[redacted]`. Written as one line of JSON for the log, and as TOML that [`load`](crate::scenario::load()) reads
//! back. The keys are those of the file, in the order in which the README has them.
//!
//! Both are written from one tree, so that they cannot differ. A literal `${` is written `$${`.

use std::collections::BTreeMap;

use crate::scenario::file::RawScenario;
use crate::scenario::model::Scenario;
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

/// A scenario of [`to_json`] as the TOML file of [`to_toml`], which [`load`](crate::scenario::load()) reads: the way
/// back from a log. Where a secret was, `[redacted]` stands.
///
/// # Errors
///
/// If it is no JSON.
pub fn json_to_toml(json: &str) -> Result<String, serde_json::Error> {
    Json::parse(json).map(render_toml)
}

/// The scenario with nothing but one preset and an empty timeline, as a TOML file: what a sub-process
/// needs that plays it.
#[must_use]
pub fn preset_to_toml(scenario: &Scenario, preset: usize) -> String {
    let presets = scenario.presets.get(preset).cloned().into_iter().collect();
    render_toml(RawScenario::write(&Scenario {
        presets,
        vars: BTreeMap::new(),
        fetches: Vec::new(),
        timeline: Vec::new(),
        expectations: Vec::new(),
        world: None,
        ..scenario.clone()
    }))
}
