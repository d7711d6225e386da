//! `scenario check`: all that is wrong, and nothing run.

use crate::cli::args::{Check, Format};
use crate::cli::command::github::GitHub;
use crate::cli::command::{environment, print, tell, tell_diagnostics, tell_error, watch};
use crate::cli::exit_code::ExitCode;
use crate::cli::scenario_files::{Disk, Noted};
use crate::terminal::diagnostics;
use scenario_core::scenario::{Files, Options, load};
use scenario_log::event::ClockKind;
use scenario_log::sanitize::visible;

pub(super) fn check(arguments: &Check) -> ExitCode {
    if !arguments.watch {
        return check_all(arguments, &Disk);
    }
    if arguments.files.iter().any(|file| file.as_os_str() == "-") {
        tell_error("`--watch` is for files; standard input can be read once only");
        return ExitCode::Usage;
    }
    watch::again(false, |_| {
        let files = Noted::default();
        match check_all(arguments, &files) {
            exit @ ExitCode::Refused => Err(exit),
            _ => Ok(files.changes()),
        }
    })
}

fn check_all(arguments: &Check, files: &dyn Files) -> ExitCode {
    let mut exit = ExitCode::Passed;
    let github = GitHub::asked(arguments.github);
    for file in &arguments.files {
        let options = Options { vars: &arguments.reading.vars, env: &environment, clock: ClockKind::Real };
        let (sources, found, is_valid) = match load(file, files, &options) {
            Ok(loaded) => (loaded.sources, loaded.warnings, true),
            Err(failure) => (failure.sources, failure.diagnostics, false),
        };
        if !is_valid {
            exit = ExitCode::Usage;
        }
        match arguments.format {
            Format::Human => {
                tell_diagnostics(&sources, &found, github.as_ref());
                if is_valid {
                    tell(&format!("{}: valid\n", visible(&file.to_string_lossy())));
                }
            }
            Format::Json => {
                let printed =
                    print(&format!("{}\n", diagnostics::json(&file.to_string_lossy(), &sources, &found)));
                if let Some(github) = &github {
                    github.diagnostics(&sources, &found);
                }
                if printed != ExitCode::Passed {
                    return printed;
                }
            }
        }
    }
    exit
}
