//! The files of reports: opened before anything is read or started. A report never overwrites a file that
//! it is made of.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::cli::args::{ReplayArgs, RunArgs};
use crate::cli::scenario_files::DiskFiles;
use crate::io::log_file::kept_files::KeptFiles;
use crate::io::log_file::output::{LOG_OPTION, OutputDestination, RefusedError, check_kept};
use crate::report::output_file::OutputFile;
use scenario_core::scenario::{LoadedScenario, read_paths};

/// Opens the file of an option. It must not be one of those that are kept.
pub(super) fn open(option: &str, path: &Path, kept: &KeptFiles) -> Result<OutputFile, RefusedError> {
    OutputFile::open(&format!("{option} FILE"), &destination(path), kept)
}

/// The destination of a path; `-` is standard output.
fn destination(path: &Path) -> OutputDestination {
    match path.as_os_str() == "-" {
        true => OutputDestination::Stdout,
        false => OutputDestination::File(path.to_owned()),
    }
}

/// The files that a scenario is made of, and that its runs read.
pub(super) fn scenario_files(loaded: &LoadedScenario) -> KeptFiles {
    let mut kept = KeptFiles::default();
    add_scenario(&mut kept, &loaded.paths);
    for path in loaded.scenario.input_files() {
        kept.add(&loaded.folder.join(path), "a file that the scenario reads");
    }
    kept
}

/// Adds a scenario's file, and those that it includes.
fn add_scenario(kept: &mut KeptFiles, paths: &[PathBuf]) {
    for (n, path) in paths.iter().enumerate() {
        kept.add(path, if n == 0 { "the scenario" } else { "a file that the scenario includes" });
    }
}

/// The files that a run reads.
pub(super) fn run_inputs(arguments: &RunArgs, loaded: &LoadedScenario) -> KeptFiles {
    let mut kept = scenario_files(loaded);
    if let Some(input) = &arguments.input {
        kept.add(input, "the `--input`");
    }
    kept
}

/// Checks the outputs of a run before anything is opened. Only this process knows what standard input was:
/// a guarded runner reads another one.
pub(super) fn check_run_outputs(arguments: &RunArgs, loaded: &LoadedScenario) -> Result<(), RefusedError> {
    let mut kept = run_inputs(arguments, loaded);
    let programs = loaded.scenario.presets.iter().filter_map(|preset| preset.command());
    let outputs = programs.filter_map(|command| command.resources.output.as_ref());
    let program_outputs: Vec<PathBuf> = outputs.map(|output| loaded.folder.join(output)).collect();
    for path in &program_outputs {
        check_kept("output = \"…\"", &OutputDestination::File(path.clone()), &kept)?;
    }
    // Presets may share a file.
    program_outputs.iter().for_each(|path| kept.add(path, "the `output` of a preset"));
    let outputs = [
        (LOG_OPTION, &arguments.log),
        ("--junit FILE", &arguments.junit),
        ("--report FILE", &arguments.report),
    ];
    for (option, path) in outputs {
        if let Some(path) = path {
            check_kept(option, &destination(path), &kept)?;
        }
    }
    Ok(())
}

/// Opens the `--junit` of a run, and adds it to the files that its log must not overwrite.
pub(super) fn open_run_junit(
    arguments: &RunArgs,
    inputs: &mut KeptFiles,
) -> Result<Option<OutputFile>, RefusedError> {
    let Some(path) = &arguments.junit else { return Ok(None) };
    open_beside_log("--junit", "the `--junit`", path, arguments, inputs).map(Some)
}

/// Opens an output of a run, which must not be its log or a file that it reads, and keeps it from those that
/// follow.
fn open_beside_log(
    option: &str,
    role: &str,
    path: &Path,
    arguments: &RunArgs,
    inputs: &mut KeptFiles,
) -> Result<OutputFile, RefusedError> {
    let mut kept = inputs.clone();
    if let Some(log) = arguments.log.as_ref().filter(|log| log.as_os_str() != "-") {
        kept.add(log, "the log");
    }
    let output = open(option, path, &kept)?;
    if path.as_os_str() != "-" {
        inputs.add(path, role);
    }
    Ok(output)
}

/// Opens the `--report` of a run.
pub(super) fn open_run_report(
    arguments: &RunArgs,
    inputs: &mut KeptFiles,
) -> Result<Option<OutputFile>, RefusedError> {
    let Some(path) = &arguments.report else { return Ok(None) };
    open_beside_log("--report", "the `--report`", path, arguments, inputs).map(Some)
}

/// Opens the `--junit` of a replay.
pub(super) fn open_replay_junit(
    arguments: &ReplayArgs,
    against: Option<&LoadedScenario>,
) -> Result<Option<OutputFile>, RefusedError> {
    let Some(path) = &arguments.junit else { return Ok(None) };
    let mut kept = KeptFiles::default();
    arguments.logs.iter().for_each(|log| kept.add(log, "a log"));
    if let Some(against) = against {
        add_scenario(&mut kept, &against.paths);
    }
    // Its includes are read later, with each log.
    if let Some(expect) = arguments.expect.as_deref().filter(|expect| expect.as_os_str() != "-") {
        read_paths(expect, &DiskFiles).iter().for_each(|path| kept.add(path, "the `--expect`"));
    }
    open("--junit", path, &kept).map(Some)
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
