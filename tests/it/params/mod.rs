//! Parameters of scenario files.

mod args;
mod each;
mod environment;
mod extends;
mod includes;
mod kinds;
mod matrix;
mod ports;
mod selection;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use scenario_core::scenario::write::resolved::to_json;
use scenario_core::scenario::{LoadedScenario, ScenarioError, load_scenario};
use serde_json::Value;

use crate::check::common::{Memory, options, said_of};

/// Loads files in memory; the first is the scenario.
fn load(files: &[(&str, &str)]) -> Result<LoadedScenario, ScenarioError> {
    let memory = files.iter().map(|(path, text)| (PathBuf::from(path), text.as_bytes().to_vec()));
    load_scenario(Path::new(files[0].0), &Memory(BTreeMap::from_iter(memory)), &options())
}

/// What is said of a file, warnings included.
fn said(text: &str) -> String {
    said_of(&load(&[("s.toml", text)]))
}

/// The resolved scenario of some files. It reads back as itself.
fn resolved_files(files: &[(&str, &str)]) -> Value {
    let loaded = load(files);
    let Ok(loaded) = loaded else { panic!("{}", said_of(&loaded)) };
    let json = to_json(&loaded.scenario);
    let toml = scenario_core::scenario::write::resolved::json_to_toml(&json).unwrap();
    let again = load(&[("again.toml", &toml)]);
    let Ok(again) = again else { panic!("{}", said_of(&again)) };
    assert_eq!(to_json(&again.scenario), json);
    serde_json::from_str(&json).unwrap()
}

/// The resolved scenario of a file.
fn resolved(text: &str) -> Value {
    resolved_files(&[("s.toml", text)])
}
