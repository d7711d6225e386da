//! The place of a run's log: the path of `--log`, or a new file below `runs/`. Opens it, and writes
//! nothing.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::cli::names::log_folder;
use crate::io::log_file;
use crate::io::log_file::kept_files::KeptFiles;
use crate::io::log_file::writer;
use crate::io::log_file::writer::{OpenedOutput, OutputDestination, RefusedError};
use scenario_log::name;

/// The most characters of a scenario's name in the name of its log.
const MAX_NAME_CHARS: usize = 64;

/// The most runs of one scenario that can start within a second, each with its own log.
const MAX_RUNS_PER_SECOND: u32 = 1_000;

/// The log that the options of a run ask for.
#[derive(Debug)]
pub(super) struct LogTarget {
    /// The path of `--log`; `-` is standard output. None for a new file below `runs/`.
    pub(super) path: Option<PathBuf>,
    /// Whether an existing file is written over.
    pub(super) is_overwritten: bool,
    /// The files that are never written over.
    pub(super) kept: KeptFiles,
}

impl LogTarget {
    /// Opens the log of a run of this scenario.
    pub(super) fn open(
        &self,
        scenario_name: &str,
    ) -> Result<(OutputDestination, OpenedOutput), RefusedError> {
        let destination = match &self.path {
            None => return open_new_log(scenario_name),
            Some(path) if path.as_os_str() == "-" && log_file::is_stdout_closed() => {
                let words = "standard output is closed, so the log would be nowhere; give `--log PATH`";
                return Err(RefusedError(words.to_owned()));
            }
            Some(path) if path.as_os_str() == "-" => OutputDestination::Stdout,
            Some(path) => OutputDestination::File(path.clone()),
        };
        let opened = writer::open_log_output(&destination, self.is_overwritten, &self.kept)?;
        Ok((destination, opened))
    }
}

/// Makes the folder of logs. A new one gets a file that keeps its logs out of Git.
fn make_log_folder(folder: &Path) -> std::io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(folder)?;
    // A log does not need it.
    let _ = std::fs::write(folder.join(".gitignore"), "*\n");
    Ok(())
}

/// New paths below `runs/` for the logs of runs that belong together, each with its suffix.
pub(super) fn new_log_paths(name: &str, suffixes: &[String]) -> Result<Vec<PathBuf>, RefusedError> {
    let folder = &log_folder();
    make_log_folder(folder).map_err(|error| folder_refusal(folder, &error))?;
    let (stem, stamp) = (file_stem(name), time_stamp());
    // The second matrix within one second gets a number.
    for n in 1..=MAX_RUNS_PER_SECOND {
        let number = if n == 1 { String::new() } else { format!("-{n}") };
        let path = |suffix: &String| folder.join(format!("{stem}-{stamp}{number}-{suffix}.jsonl"));
        let paths: Vec<PathBuf> = suffixes.iter().map(path).collect();
        if !paths.iter().any(|path| path.exists()) {
            return Ok(paths);
        }
    }
    Err(RefusedError(format!("{} has logs of this second already", folder.display())))
}

fn folder_refusal(folder: &Path, error: &std::io::Error) -> RefusedError {
    let folder = folder.display();
    RefusedError(format!(
        "cannot make the folder {folder}/ for the log: {error}; choose another place with `--log PATH`"
    ))
}

/// The time of now as a part of a file's name.
fn time_stamp() -> String {
    // A clock before 1970 has no RFC 3339 stamp here.
    let now = SystemTime::now().max(SystemTime::UNIX_EPOCH);
    humantime::format_rfc3339_seconds(now).to_string().replace(['-', ':'], "")
}

fn open_new_log(name: &str) -> Result<(OutputDestination, OpenedOutput), RefusedError> {
    let folder = &log_folder();
    make_log_folder(folder).map_err(|error| folder_refusal(folder, &error))?;
    let stamp = time_stamp();
    let stem = file_stem(name);
    // The second run within one second gets a number.
    let paths = (1..=MAX_RUNS_PER_SECOND).map(|n| match n {
        1 => folder.join(format!("{stem}-{stamp}.jsonl")),
        n => folder.join(format!("{stem}-{stamp}-{n}.jsonl")),
    });
    let mut last = RefusedError(String::new());
    for path in paths {
        let destination = OutputDestination::File(path.clone());
        match writer::open_log_output(&destination, false, &KeptFiles::default()) {
            Ok(opened) => return Ok((destination, opened)),
            Err(refusal) => last = refusal,
        }
        if !path.exists() {
            break;
        }
    }
    Err(last)
}

/// A scenario's name as a part of a file's name: every character that a name cannot have becomes `-`.
fn file_stem(name: &str) -> String {
    let safe = |c: char| if name::name_error(&c.to_string()).is_some() { '-' } else { c };
    name.chars().take(MAX_NAME_CHARS).map(safe).collect()
}
