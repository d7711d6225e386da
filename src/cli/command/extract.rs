//! `scenario extract`: a scenario that does by itself what was done in a run.

use crate::cli::args::Extract;
use crate::cli::command::log_errors::{tell_cut, tell_unreadable};
use crate::cli::command::{print, tell_error};
use crate::cli::exit_code::ExitCode;
use crate::extract;
use crate::extract::Unextractable;
use crate::io::log_file;
use scenario_log::reader::Reader;

pub(super) fn extract(arguments: &Extract) -> ExitCode {
    let path = &arguments.log;
    let mut reader = match log_file::open(path) {
        Ok(source) => Reader::new(source),
        Err(fault) => {
            tell_error(fault);
            return ExitCode::Refused;
        }
    };
    let scenario = match extract::extract(&mut reader) {
        Ok(scenario) => scenario,
        Err(Unextractable::Unreadable(unreadable)) => return tell_unreadable(path, &unreadable),
        Err(Unextractable::TooLarge(what)) => {
            tell_error(format_args!("{}: {what}", path.display()));
            return ExitCode::BadLog;
        }
    };
    let printed = scenario.as_deref().map_or(ExitCode::Passed, print);
    match reader.cut() {
        _ if printed != ExitCode::Passed => printed,
        // There is nothing to take as it is: an empty file would be another scenario.
        Some(cut) if scenario.is_none() => {
            tell_error(format_args!("{}: the log was cut short: {cut}", path.display()));
            ExitCode::BadLog
        }
        Some(cut) => tell_cut(path, cut, arguments.allow_incomplete),
        None => ExitCode::Passed,
    }
}
