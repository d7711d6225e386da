//! What all commands that read logs say alike: that one cannot be read, and that one was cut short.

use std::path::Path;

use crate::cli::command::{tell, tell_error};
use crate::cli::exit_code::ExitCode;
use scenario_log::reader::{Cut, Unreadable};
use scenario_log::sanitize::visible;

/// Tells why a log cannot be used, and gives the exit code.
pub(super) fn tell_unreadable(path: &Path, unreadable: &Unreadable) -> ExitCode {
    let path = path.to_string_lossy();
    if let Unreadable::Refused(error) = unreadable {
        tell_error(format_args!("cannot read {path}: {error}"));
        return ExitCode::Refused;
    }
    tell_error(format_args!("{path}: {unreadable}"));
    if let Some(help) = unreadable.help() {
        tell(&format!("help: {}\n", visible(help)));
    }
    ExitCode::BadLog
}

/// Tells where a log was cut short, and gives the exit code.
pub(super) fn tell_cut(path: &Path, cut: &Cut, allow_incomplete: bool) -> ExitCode {
    let text = format!("{}: the log was cut short: {cut}", path.to_string_lossy());
    if allow_incomplete {
        tell(&format!("warning: {}\n", visible(&text)));
        return ExitCode::Passed;
    }
    tell_error(text);
    tell("help: `--allow-incomplete` takes it as it is\n");
    ExitCode::BadLog
}
