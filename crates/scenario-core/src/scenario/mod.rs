//! The scenario as data: from the file as written to the checked model that everything runs on.
//!
//! A file goes through three stages, and every one tells all that is wrong before the next is asked:
//!
//! 1. `document`: bytes to a tree of keys and values with their places; includes are followed.
//! 2. `shape` and `raw`: the tree to tables of known keys; variables are put in, durations read.
//! 3. `check`: what needs the whole scenario: names, cycles, sums.
//!
//! Nothing here reads files or the environment: the door hands both in.

pub mod write;

mod check;
mod diagnostics;
mod file;
mod file_reader;
mod format;
pub mod host_port;
pub mod interval;
pub mod json_schema;
mod loader;
pub mod model;
pub mod rate;
mod schema;
mod toml;
pub mod unix_socket;
pub mod vars;

use std::path::{Path, PathBuf};

pub use loader::{LoadedExpectations, load_expectations, load_scenario};

use crate::diagnostic::{Diagnostic, SourceFiles};
use crate::scenario::model::Scenario;
use scenario_log::event::ClockKind;
use scenario_log::secrets::Secrets;

/// The longest scenario file, in bytes: no more of it is read.
pub const MAX_FILE_LEN: usize = crate::scenario::toml::MAX_FILE_LEN;

/// How a scenario is to be read.
#[derive(Clone, Copy)]
pub struct ScenarioOptions<'a> {
    /// `--var name=value`, in order; the last of a name counts. Values are taken as they are.
    pub vars: &'a [(String, String)],
    /// Reads the environment.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// The clock that the scenario will run on. On the virtual one only what the runner decides alone
    /// can happen: no `command`, no `isolation = "process"`, no fetch. Checks use the real one.
    pub clock: ClockKind,
}

/// A file that was read.
#[derive(Clone, Debug)]
pub struct FileContent {
    /// Its bytes: at most [`LONGEST_FILE`] + 1 of them.
    pub bytes: Vec<u8>,
    /// Which file it is, by whatever path: a file reached twice is read as one.
    pub identity: String,
}

/// Why a file cannot be read, in the system's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReadError(pub String);

/// Where files come from.
pub trait FileProvider {
    /// Reads a file; `-` is standard input.
    ///
    /// # Errors
    ///
    /// Says why it cannot be read.
    fn read(&self, path: &Path) -> Result<FileContent, FileReadError>;
}

/// A scenario that can be run.
#[derive(Clone, Debug)]
pub struct LoadedScenario {
    /// What was checked.
    pub scenario: Scenario,
    /// Relative paths of the scenario start here.
    pub folder: PathBuf,
    /// The values that must not be logged: those of the environment, and passwords in URLs.
    pub secrets: Secrets,
    /// The files that were read, for later messages with places.
    pub sources: SourceFiles,
    /// What may not be meant.
    pub warnings: Vec<Diagnostic>,
}

/// Why a scenario cannot be run: all of it. The program ends with
/// [`ExitCode::Usage`](scenario::cli::exit_code::ExitCode::Usage).
#[derive(Clone, Debug)]
pub struct ScenarioError {
    /// The files that were read.
    pub sources: SourceFiles,
    /// What is wrong, sorted by place, warnings among it.
    pub diagnostics: Vec<Diagnostic>,
}
