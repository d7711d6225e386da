//! `scenario explore`: its exact counts are those of another program, which lists every order; every witness
//! has its outcome; and the output of the command.

mod blocks;
mod brute;
mod commands;
mod counts;
mod witnesses;

use std::path::Path;

use scenario_core::scenario::model::Scenario;
use scenario_core::scenario::{FileContent, FileProvider, FileReadError, ScenarioOptions, load_scenario};
use scenario_log::event::ClockKind;

struct Memory<'a>(&'a str);

impl FileProvider for Memory<'_> {
    fn read(&self, _path: &Path) -> Result<FileContent, FileReadError> {
        Ok(FileContent { bytes: self.0.as_bytes().to_vec(), identity: String::new() })
    }
}

/// Loads a valid scenario for the virtual clock.
fn loaded(text: &str) -> Scenario {
    let options = ScenarioOptions { vars: &[], env: &|_| None, clock: ClockKind::Virtual };
    match load_scenario(Path::new("s.toml"), &Memory(text), &options) {
        Ok(loaded) => loaded.scenario,
        Err(failure) => panic!("{:?}\n{text}", failure.diagnostics),
    }
}
