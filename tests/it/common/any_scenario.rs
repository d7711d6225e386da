//! The properties that must hold for any bytes that are read as a scenario. The tests and the fuzz target
//! (`fuzz/`) share this file.

use std::path::Path;

use scenario::terminal::diagnostics::render_text;
use scenario_core::scenario::write::draft::ScenarioDraft;
use scenario_core::scenario::write::resolved::{to_json, to_toml};
use scenario_core::scenario::{
    FileContent, FileProvider, FileReadError, LoadedScenario, ScenarioError, ScenarioOptions, load_scenario,
};
use scenario_log::event::ClockKind;
use scenario_log::sanitize::is_unsafe_char;

/// The value of every variable of the environment: no message shows it.
const CANARY: &str = "canary-1f9e7d";

/// Reads bytes as a scenario, for each clock. Messages are safe to show and hold no secret; a scenario that
/// is written again is the same scenario.
pub(crate) fn check(bytes: &[u8]) {
    for clock in [ClockKind::Real, ClockKind::Virtual] {
        let loaded = load(bytes, clock);
        let messages = match &loaded {
            Ok(loaded) => render_text(&loaded.sources, &loaded.warnings, false),
            Err(refused) => render_text(&refused.sources, &refused.diagnostics, false),
        };
        let unsafe_char = messages.chars().find(|c| *c != '\n' && is_unsafe_char(*c));
        assert_eq!(unsafe_char, None, "{messages:?}");
        assert!(!messages.contains(CANARY), "{messages}");
        match loaded {
            Ok(loaded) => round_trip(&loaded, clock),
            Err(refused) => assert!(!refused.diagnostics.is_empty(), "a refusal has a reason"),
        }
    }
}

/// Writes a scenario and reads it again.
fn round_trip(loaded: &LoadedScenario, clock: ClockKind) {
    let json = to_json(&loaded.scenario);
    assert!(!json.contains(CANARY), "{json}");
    let toml = to_toml(&loaded.scenario);
    match load(toml.as_bytes(), clock) {
        Ok(again) => assert_eq!(to_json(&again.scenario), json, "{toml}"),
        Err(refused) => {
            panic!("{toml}\n{}", render_text(&refused.sources, &refused.diagnostics, false));
        }
    }
    if let Err(error) = ScenarioDraft::from_json(&json) {
        panic!("{error}: {json}");
    }
}

fn load(bytes: &[u8], clock: ClockKind) -> Result<LoadedScenario, ScenarioError> {
    let env = |_: &str| Some(CANARY.to_owned());
    load_scenario(Path::new("s.toml"), &OneFile(bytes), &ScenarioOptions { vars: &[], env: &env, clock })
}

/// A folder with these bytes as its only file.
struct OneFile<'a>(&'a [u8]);

impl FileProvider for OneFile<'_> {
    fn read(&self, path: &Path) -> Result<FileContent, FileReadError> {
        if path != Path::new("s.toml") {
            return Err(FileReadError("No such file or directory (os error 2)".to_owned()));
        }
        Ok(FileContent { bytes: self.0.to_vec(), identity: "s.toml".to_owned() })
    }
}
