//! `scenario check`: reports all errors and warnings of scenarios. Runs nothing.

use crate::cli::args::{CheckArgs, OutputFormat};
use crate::cli::command::github::GitHubAnnotator;
use crate::cli::command::{env_var, print_stdout, report_diagnostics, report_error, watch, write_stderr};
use crate::cli::exit_code::ExitCode;
use crate::cli::scenario_files::{DiskFiles, RecordingFiles};
use crate::terminal::diagnostics;
use scenario_core::scenario::{FileProvider, ScenarioOptions, load_scenario};
use scenario_log::event::ClockKind;
use scenario_log::sanitize::sanitize;

pub(super) fn check(arguments: &CheckArgs) -> ExitCode {
    if !arguments.watch {
        return check_files(arguments, &DiskFiles);
    }
    if arguments.files.iter().any(|file| file.as_os_str() == "-") {
        report_error("`--watch` is for files; standard input can be read once only");
        return ExitCode::Usage;
    }
    watch::repeat_on_change(false, |_| {
        let files = RecordingFiles::default();
        match check_files(arguments, &files) {
            exit @ ExitCode::Refused => Err(exit),
            _ => Ok(files.changes()),
        }
    })
}

fn check_files(arguments: &CheckArgs, files: &dyn FileProvider) -> ExitCode {
    let mut exit = ExitCode::Passed;
    let github = GitHubAnnotator::detect(arguments.github);
    for file in &arguments.files {
        let options =
            ScenarioOptions { vars: &arguments.variables.vars, env: &env_var, clock: ClockKind::Real };
        let (sources, found, is_valid) = match load_scenario(file, files, &options) {
            Ok(loaded) => (loaded.sources, loaded.warnings, true),
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
