//! The scenario of a log's first line, read back into the checked model, for all that reports show of it.

use scenario_core::scenario::model::Scenario;
use scenario_core::scenario::write::draft::ScenarioDraft;

/// The scenario of a `run.started`; none if this release cannot read it, as may be with one of another
/// release or of a log that somebody wrote by hand. Reports then show less.
pub(crate) fn load_logged_scenario(json: &str) -> Option<Scenario> {
    ScenarioDraft::from_json(json).ok().map(|draft| draft.scenario().clone())
}

/// The scenario of a file, for tests.
#[cfg(test)]
pub(crate) fn scenario_of(file: &str) -> Scenario {
    let json: serde_json::Value = toml::from_str(file).unwrap();
    load_logged_scenario(&json.to_string()).unwrap()
}
