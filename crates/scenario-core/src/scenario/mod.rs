//! The scenario as data: from the file as it is written to the checked model that everything runs on.
//!
//! A file goes through three stages. Each one reports all errors that it finds before the next one begins:
//!
//! 1. `toml`: bytes to a tree of keys and values with their places; includes are followed.
//! 2. `schema` and `file`: the tree to tables of known keys; variables are replaced, values are decoded.
//! 3. `check`: what needs the whole scenario: names, cycles, sums. It builds the `model`.
//!
//! `write` is the way back: from the model to a file.
//!
//! Nothing here reads files or the environment: the caller provides both.

pub mod write;

mod check;
mod data;
mod diagnostics;
mod env_files;
mod expand;
mod file;
mod file_reader;
mod format;
pub mod host_port;
pub mod interval;
pub mod json_schema;
mod loader;
mod matrix;
pub mod model;
pub mod rate;
mod schema;
pub mod selection;
pub mod share;
mod toml;
pub mod unix_socket;
pub mod vars;

use std::fmt;
use std::path::{Path, PathBuf};

pub use data::MAX_DATA_LEN;
pub use loader::{LoadedExpectations, load_expectations, load_scenario, load_selected, read_paths};
pub use matrix::{MatrixAxis, combinations};

use crate::diagnostic::{Diagnostic, Severity, SourceFiles};
use crate::scenario::model::Scenario;
use crate::scenario::selection::EntrySelection;
use scenario_log::event::ClockKind;
use scenario_log::secrets::Secrets;

/// The largest length of a scenario file, in bytes; no more of a file is read.
pub const MAX_FILE_LEN: usize = crate::scenario::toml::MAX_FILE_LEN;

/// How a scenario is read.
#[derive(Clone, Copy)]
pub struct ScenarioOptions<'a> {
    /// The values of `--var name=value`, in order; the last one of a name counts. Their text is used as it
    /// is.
    pub vars: &'a [(String, String)],
    /// Reads a variable of the environment.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// The clock that the scenario will run on. The virtual clock can run only what the runner decides
    /// alone: no `command`, no `isolation = "process"`, no fetch. Checks use the real clock.
    pub clock: ClockKind,
}

/// Gives a free port for a name, or the reason why there is none.
pub type FreePortSource<'a> = dyn Fn(&str) -> Result<u16, String> + 'a;

/// The options of a run that the file does not have.
#[derive(Clone, Copy, Default)]
pub struct LoadExtras<'a> {
    /// The entries that are kept.
    pub selection: EntrySelection<'a>,
    /// Gives a free port for each name of `${port:NAME}`, or the reason why there is none. Without it a port is
    /// a number that nobody has tried.
    pub ports: Option<&'a FreePortSource<'a>>,
}

/// The content of a file.
#[derive(Clone, Debug)]
pub struct FileContent {
    /// The bytes: at most [`MAX_FILE_LEN`] + 1 of them.
    pub bytes: Vec<u8>,
    /// The identity of the file, whatever its path: a file that is included by two paths is used once.
    pub identity: String,
}

/// The reason why a file cannot be read, in the words of the system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReadError(pub String);

impl fmt::Display for FileReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for FileReadError {}

/// A source of files.
pub trait FileProvider {
    /// Reads a file; `-` is standard input.
    ///
    /// # Errors
    ///
    /// The reason why it cannot be read.
    fn read(&self, path: &Path) -> Result<FileContent, FileReadError>;

    /// Reads a file of rows, of which more bytes are read: [`MAX_DATA_LEN`] + 1.
    ///
    /// # Errors
    ///
    /// The reason why it cannot be read.
    fn read_data(&self, path: &Path) -> Result<FileContent, FileReadError> {
        self.read(path)
    }

    /// Whether the scenario is that of a log, which says what was read from files of rows.
    fn is_log(&self) -> bool {
        false
    }
}

/// A scenario that can be run.
#[derive(Clone, Debug)]
pub struct LoadedScenario {
    /// The checked model.
    pub scenario: Scenario,
    /// The folder that relative paths of the scenario start in.
    pub folder: PathBuf,
    /// The values that must not be logged: those of the environment, and credentials.
    pub secrets: Secrets,
    /// The files that were read, for later messages with places.
    pub sources: SourceFiles,
    /// The paths of these files; the first is the scenario itself.
    pub paths: Vec<PathBuf>,
    /// The warnings: things that may be mistakes.
    pub warnings: Vec<Diagnostic>,
    /// The lists of values of the `[matrix]`.
    pub matrix: Vec<MatrixAxis>,
}

/// Everything that prevents a scenario from running. The program ends with the exit code for wrong usage.
#[derive(Clone, Debug)]
pub struct ScenarioError {
    /// The files that were read.
    pub sources: SourceFiles,
    /// The errors and warnings, sorted by place.
    pub diagnostics: Vec<Diagnostic>,
}

impl fmt::Display for ScenarioError {
    /// The message of the first error.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.diagnostics.iter().find(|diagnostic| diagnostic.severity == Severity::Error);
        f.write_str(first.map_or("it cannot be run", |error| &error.message))
    }
}

impl std::error::Error for ScenarioError {}
