//! The files of reports: opened before anything is read or started. A report never overwrites a file that
//! it is made of.

use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::cli::args::{ReplayArgs, RunArgs};
use crate::io::log_file::writer::{OutputDestination, RefusedError};
use crate::report::output_file::OutputFile;

/// Opens the file of an option. It must not be one of `others`, each with its role in the message.
pub(super) fn open(option: &str, path: &Path, others: &[(&Path, &str)]) -> Result<OutputFile, RefusedError> {
    for (other, what) in others {
        if is_same_file(path, other) {
            let path = path.display();
            return Err(RefusedError(format!("{path} is {what}; name another file with `{option} FILE`")));
        }
    }
    let destination = if path.as_os_str() == "-" {
        OutputDestination::Stdout
    } else {
        OutputDestination::File(path.to_owned())
    };
    OutputFile::open(&format!("{option} FILE"), &destination)
}

/// Whether two paths lead to the same regular file, or would once it exists.
fn is_same_file(one: &Path, other: &Path) -> bool {
    let identity = |path: &Path| {
        let metadata = std::fs::metadata(path).ok();
        metadata.filter(std::fs::Metadata::is_file).map(|metadata| (metadata.dev(), metadata.ino()))
    };
    match (identity(one), identity(other)) {
        (Some(one), Some(other)) => one == other,
        (None, None) => one == other && one.as_os_str() != "-" && !one.exists(),
        _ => false,
    }
}

/// Opens the `--junit` of a run.
pub(super) fn open_run_junit(arguments: &RunArgs) -> Result<Option<OutputFile>, RefusedError> {
    let log = arguments.log.as_deref().map(|log| (log, "the log"));
    let input = arguments.input.as_deref().map(|input| (input, "the `--input`"));
    let others: Vec<_> = [(&*arguments.file, "the scenario")].into_iter().chain(log).chain(input).collect();
    open_junit(arguments.junit.as_deref(), &others)
}

/// Opens the `--report` of a run.
pub(super) fn open_run_report(arguments: &RunArgs) -> Result<Option<OutputFile>, RefusedError> {
    let Some(report) = arguments.report.as_deref() else { return Ok(None) };
    let log = arguments.log.as_deref().map(|log| (log, "the log"));
    let input = arguments.input.as_deref().map(|input| (input, "the `--input`"));
    let junit = arguments.junit.as_deref().map(|junit| (junit, "the `--junit`"));
    let others = [(&*arguments.file, "the scenario")].into_iter().chain(log).chain(input).chain(junit);
    open("--report", report, &others.collect::<Vec<_>>()).map(Some)
}

/// Opens the `--junit` of a replay.
pub(super) fn open_replay_junit(arguments: &ReplayArgs) -> Result<Option<OutputFile>, RefusedError> {
    let logs = arguments.logs.iter().map(|log| (&**log, "a log"));
    let files = [(&arguments.against, "the scenario"), (&arguments.expect, "the `--expect`")];
    let files = files.into_iter().filter_map(|(path, what)| Some((path.as_deref()?, what)));
    open_junit(arguments.junit.as_deref(), &logs.chain(files).collect::<Vec<_>>())
}

fn open_junit(path: Option<&Path>, others: &[(&Path, &str)]) -> Result<Option<OutputFile>, RefusedError> {
    path.map(|path| open("--junit", path, others)).transpose()
}

/// Writes the JUnit report.
pub(super) fn write_junit(mut output: OutputFile, xml: io::Result<String>) -> Result<(), RefusedError> {
    let written = xml.and_then(|xml| output.write_all(xml.as_bytes()).and_then(|()| output.flush()));
    written.map_err(|error| RefusedError(format!("cannot write the `--junit`: {error}")))
}

/// The options that are given, with their paths, in this order.
pub(super) fn given_paths<'a>(
    options: impl IntoIterator<Item = (&'static str, &'a Option<PathBuf>)>,
) -> Vec<(&'static str, &'a Path)> {
    options.into_iter().filter_map(|(option, path)| Some((option, path.as_deref()?))).collect()
}
