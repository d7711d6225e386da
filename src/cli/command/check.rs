//! `scenario check`: reports all errors and warnings of scenarios. Runs nothing.

use std::path::{Path, PathBuf};

use crate::cli::args::{CheckArgs, OutputFormat};
use crate::cli::command::github::GitHubAnnotator;
use crate::cli::command::{env_var, print_stdout, report_diagnostics, report_error, watch, write_stderr};
use crate::cli::exit_code::ExitCode;
use crate::cli::names;
use crate::cli::scenario_files::{DiskFiles, RecordingFiles};
use crate::terminal::diagnostics;
use scenario_core::diagnostic::{Diagnostic, SourceFiles};
use scenario_core::scenario::{FileProvider, LoadedScenario, ScenarioOptions, combinations, load_scenario};
use scenario_log::event::ClockKind;
use scenario_log::sanitize::sanitize;

pub(super) fn check(arguments: &CheckArgs) -> ExitCode {
    let files = match find_files(&arguments.files) {
        Ok(files) => files,
        Err(message) => {
            report_error(message);
            return ExitCode::Usage;
        }
    };
    if !arguments.watch {
        return check_files(arguments, &files, &DiskFiles);
    }
    if arguments.files.iter().any(|file| file.as_os_str() == "-") {
        report_error("`--watch` is for files; standard input can be read once only");
        return ExitCode::Usage;
    }
    watch::repeat_on_change(false, |_| {
        let recording = RecordingFiles::default();
        match check_files(arguments, &files, &recording) {
            exit @ ExitCode::Refused => Err(exit),
            _ => Ok(recording.changes()),
        }
    })
}

/// The files to check: those that are named, and of a folder those that look like scenarios. Without any it is
/// the current folder.
fn find_files(given: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let here = [PathBuf::from(".")];
    let given = if given.is_empty() { &here[..] } else { given };
    let mut files = Vec::new();
    for path in given {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let before = files.len();
        for file in names::scenarios_in(path) {
            if looks_like_scenario(&file) {
                files.push(file);
            } else {
                write_stderr(&format!("{}: skipped, it is no scenario\n", sanitize(&file.to_string_lossy())));
            }
        }
        if files.len() == before {
            return Err(format!(
                "there is no scenario in {}; `scenario init` writes a first one",
                path.display()
            ));
        }
    }
    Ok(files)
}

/// Whether a TOML file of a folder has a table or a key that only scenarios have. One that cannot be read is
/// reported when it is checked.
fn looks_like_scenario(file: &Path) -> bool {
    const STARTS: [&str; 12] = [
        "[[timeline",
        "[timeline",
        "timeline",
        "[presets",
        "presets",
        "[fetches",
        "fetches",
        "[[expect",
        "[world",
        "[shared",
        "include",
        "time_limit",
    ];
    let Ok(text) = std::fs::read(file) else { return true };
    let text = String::from_utf8_lossy(&text);
    text.trim().is_empty()
        || text.lines().any(|line| STARTS.iter().any(|start| line.trim_start().starts_with(start)))
}

/// Checks each combination of the matrix of a scenario that is valid without it.
fn check_matrix(
    file: &Path,
    files: &dyn FileProvider,
    arguments: &CheckArgs,
    loaded: LoadedScenario,
) -> (SourceFiles, Vec<Diagnostic>, bool) {
    for values in combinations(&loaded.matrix) {
        let own = values.iter().filter(|(name, _)| name != "seed");
        let vars: Vec<(String, String)> = arguments.variables.vars.iter().chain(own).cloned().collect();
        let options = ScenarioOptions { vars: &vars, env: &env_var, clock: ClockKind::Real };
        if let Err(failure) = load_scenario(file, files, &options) {
            let words: Vec<String> = values.iter().map(|(name, value)| format!("{name} = {value}")).collect();
            let help = format!("this is so in the matrix, with {}", words.join(", "));
            let with_help = |found: Diagnostic| found.with_help(help.clone());
            return (failure.sources, failure.diagnostics.into_iter().map(with_help).collect(), false);
        }
    }
    (loaded.sources, loaded.warnings, true)
}

fn check_files(arguments: &CheckArgs, paths: &[PathBuf], files: &dyn FileProvider) -> ExitCode {
    let mut exit = ExitCode::Passed;
    let github = GitHubAnnotator::detect(arguments.github);
    for file in paths {
        let options =
            ScenarioOptions { vars: &arguments.variables.vars, env: &env_var, clock: ClockKind::Real };
        let (sources, found, is_valid) = match load_scenario(file, files, &options) {
            Ok(loaded) => check_matrix(file, files, arguments, loaded),
            Err(failure) => (failure.sources, failure.diagnostics, false),
        };
        if !is_valid {
            exit = ExitCode::Usage;
        }
        match arguments.format {
            OutputFormat::Human => {
                report_diagnostics(&sources, &found, github.as_ref());
                if is_valid {
                    write_stderr(&format!("{}: valid\n", sanitize(&file.to_string_lossy())));
                }
            }
            OutputFormat::Json => {
                let printed = print_stdout(&format!(
                    "{}\n",
                    diagnostics::render_json(&file.to_string_lossy(), &sources, &found)
                ));
                if let Some(github) = &github {
                    github.write_diagnostics(&sources, &found);
                }
                if printed != ExitCode::Passed {
                    return printed;
                }
            }
        }
    }
    exit
}
