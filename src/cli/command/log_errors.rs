//! The errors that all commands that read logs share: a log that cannot be read, and one that was cut short.

use std::path::Path;

use crate::cli::command::{report_error, write_stderr};
use crate::cli::exit_code::ExitCode;
use crate::io::log_file::OpenLogError;
use scenario_log::reader::{LogReadError, TruncatedEnd};
use scenario_log::sanitize::sanitize;

/// Reports why a log cannot be used, and returns the exit code.
pub(super) fn report_log_error(path: &Path, unreadable: &LogReadError) -> ExitCode {
    let path = path.to_string_lossy();
    if let LogReadError::Io(error) = unreadable {
        report_error(format_args!("cannot read {path}: {error}"));
        return ExitCode::Refused;
    }
    report_error(format_args!("{path}: {unreadable}"));
    if let Some(help) = unreadable.help() {
        write_stderr(&format!("help: {}\n", sanitize(help)));
    }
    ExitCode::UnusableLog
}

/// Reports why a log cannot be opened, and returns the exit code. With `allow_incomplete`, a log that is not
/// there is one in which nothing was logged.
pub(super) fn report_unopened_log(error: &OpenLogError, allow_incomplete: bool) -> ExitCode {
    if allow_incomplete && error.is_missing() {
        report_error(format_args!("{error}: nothing was logged"));
        return ExitCode::UnusableLog;
    }
    report_error(error);
    ExitCode::Refused
}

/// Reports where a log was cut short, and returns the exit code. With `allow_incomplete` it is a warning, unless
/// nothing was logged at all.
pub(super) fn report_truncated_log(path: &Path, cut: &TruncatedEnd, allow_incomplete: bool) -> ExitCode {
    if cut.last_line == 0 {
        report_error(format_args!("{}: {cut}", path.to_string_lossy()));
        return ExitCode::UnusableLog;
    }
    let text = format!("{}: the log was cut short: {cut}", path.to_string_lossy());
    if allow_incomplete {
        write_stderr(&format!("warning: {}\n", sanitize(&text)));
        return ExitCode::Passed;
    }
    report_error(text);
    write_stderr("help: `--allow-incomplete` accepts it as it is\n");
    ExitCode::UnusableLog
}
