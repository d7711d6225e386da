//! `scenario extract`: a scenario that does by itself what was done in a run.

use crate::door::cli::Extract;
use crate::door::command::logs::{tell_cut, tell_unreadable};
use crate::door::command::{print, tell_error};
use crate::paper::extract::{self, Unextractable};
use crate::paper::log::reader::Reader;
use crate::paper::log::source;
use crate::words::exit_code::ExitCode;

pub(super) fn extract(arguments: &Extract) -> ExitCode {
    let path = &arguments.log;
    let mut reader = match source::open(path) {
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
