//! Helpers for the tests of scenario files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use scenario::cli::scenario_files::DiskFiles;
use scenario::terminal::diagnostics::render_text;
use scenario_core::diagnostic::{Diagnostic, SourceFiles};
use scenario_core::scenario::{
    FileContent, FileProvider, FileReadError, LoadedScenario, ScenarioError, ScenarioOptions, load_scenario,
};
use scenario_log::event::ClockKind;

/// The environment of all these tests.
pub(crate) fn env(name: &str) -> Option<String> {
    match name {
        "TOKEN" => Some("s3cr3t-t0ken".to_owned()),
        "WAIT" => Some("5s".to_owned()),
        _ => None,
    }
}

/// Options without variables.
pub(crate) fn options() -> ScenarioOptions<'static> {
    ScenarioOptions { vars: &[], env: &env, clock: ClockKind::Real }
}

/// Files in memory.
#[derive(Default)]
pub(crate) struct Memory(pub(crate) BTreeMap<PathBuf, Vec<u8>>);

impl FileProvider for Memory {
    fn read(&self, path: &Path) -> Result<FileContent, FileReadError> {
        match self.0.get(path) {
            Some(bytes) => {
                Ok(FileContent { bytes: bytes.clone(), identity: path.to_string_lossy().into_owned() })
            }
            None => Err(FileReadError("No such file or directory (os error 2)".to_owned())),
        }
    }
}

/// Loads a file from the disk.
pub(crate) fn load_path(path: &str) -> Result<LoadedScenario, ScenarioError> {
    load_scenario(Path::new(path), &DiskFiles, &options())
}

/// Loads these bytes as `s.toml`.
pub(crate) fn load_bytes(
    bytes: impl Into<Vec<u8>>,
    options: &ScenarioOptions<'_>,
) -> Result<LoadedScenario, ScenarioError> {
    let files = Memory(BTreeMap::from([(PathBuf::from("s.toml"), bytes.into())]));
    load_scenario(Path::new("s.toml"), &files, options)
}

/// Loads this text as `s.toml`.
pub(crate) fn load_text(text: &str) -> Result<LoadedScenario, ScenarioError> {
    load_bytes(text, &options())
}

/// The rendered diagnostics, without colours.
pub(crate) fn rendered(sources: &SourceFiles, diagnostics: &[Diagnostic]) -> String {
    render_text(sources, diagnostics, false)
}

/// The diagnostics of a text, warnings included; empty if the text is a scenario without warnings.
pub(crate) fn said(text: &str) -> String {
    said_of(&load_text(text))
}

/// The diagnostics of a loaded or refused scenario.
pub(crate) fn said_of(loaded: &Result<LoadedScenario, ScenarioError>) -> String {
    match loaded {
        Ok(loaded) => rendered(&loaded.sources, &loaded.warnings),
        Err(failure) => rendered(&failure.sources, &failure.diagnostics),
    }
}

/// A folder of scenario files, each with a file of its diagnostics.
pub(crate) struct Golden(PathBuf);

impl Golden {
    /// The scenario files of this folder.
    pub(crate) fn folder(path: &str) -> Golden {
        Golden(PathBuf::from(path))
    }

    /// Compares all diagnostics; with `UPDATE` in the environment, writes them instead.
    pub(crate) fn check(&self) {
        let mut files: Vec<PathBuf> = std::fs::read_dir(&self.0)
            .expect("the folder of the tests can be used")
            .map(|entry| entry.expect("the folder of the tests can be used").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
            .collect();
        files.sort();
        assert!(!files.is_empty(), "no files in {}", self.0.display());
        let wrong: Vec<String> = files.iter().filter_map(|path| Golden::one(path)).collect();
        assert!(wrong.is_empty(), "{}\nUPDATE=1 writes them anew", wrong.join("\n"));
    }

    fn one(path: &Path) -> Option<String> {
        let now = said_of(&load_scenario(path, &DiskFiles, &options()));
        let golden = path.with_extension("stderr");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&golden, &now).expect("the folder of the tests can be used");
            return None;
        }
        let then = std::fs::read_to_string(&golden).unwrap_or_default();
        (now != then).then(|| format!("== {} then:\n{then}== now:\n{now}", path.display()))
    }
}
