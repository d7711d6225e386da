//! `scenario extract`: prints a scenario that does by itself what people typed in a logged run.

use crate::cli::args::ExtractArgs;
use crate::cli::command::log_errors::{report_log_error, report_truncated_log, report_unopened_log};
use crate::cli::command::{print_stdout, report_error};
use crate::cli::exit_code::ExitCode;
use crate::extract;
use crate::extract::ExtractError;
use crate::io::log_file;
use scenario_log::reader::LogReader;

pub(super) fn extract(arguments: &ExtractArgs) -> ExitCode {
    let path = &arguments.log;
    let mut reader = match log_file::open_log(path) {
        Ok(source) => LogReader::new(source),
        Err(error) => return report_unopened_log(&error, arguments.allow_incomplete),
    };
    let scenario = match extract::extract(&mut reader) {
        Ok(scenario) => scenario,
        Err(ExtractError::Unreadable(unreadable)) => return report_log_error(path, &unreadable),
        Err(error @ (ExtractError::TooManyCommands(_) | ExtractError::TooLarge(_))) => {
            report_error(format_args!("{}: {error}", path.display()));
            return ExitCode::UnusableLog;
        }
    };
    let printed = scenario.as_deref().map_or(ExitCode::Passed, print_stdout);
    match reader.truncated_end() {
        _ if printed != ExitCode::Passed => printed,
        // There is no scenario to print, and an empty one would be wrong.
        Some(cut) if scenario.is_none() => report_truncated_log(path, cut, false),
        Some(cut) => report_truncated_log(path, cut, arguments.allow_incomplete),
        None => ExitCode::Passed,
    }
}
