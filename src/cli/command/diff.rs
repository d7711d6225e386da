//! `scenario diff`: whether two runs were the same, and where they first differ.

use std::path::Path;

use crate::cli::args::{Diff as Arguments, Format};
use crate::cli::command::log_errors::{tell_cut, tell_unreadable};
use crate::cli::command::{colors, print, tell, tell_error};
use crate::cli::exit_code::ExitCode;
use crate::diff::{Comparison, Log, Pair, Side, compare, json, text};
use crate::io::log_file;
use scenario_log::reader::Reader;

pub(super) fn diff(arguments: &Arguments) -> ExitCode {
    let paths = [arguments.left.as_path(), arguments.right.as_path()];
    if paths.iter().all(|path| path.as_os_str() == "-") {
        tell_error("standard input can be one of the logs, not both");
        return ExitCode::Usage;
    }
    match compared(arguments, paths) {
        Ok(comparison) => conclude(arguments, paths, &comparison),
        Err(exit) => exit,
    }
}

/// Reads and compares both logs.
fn compared(arguments: &Arguments, paths: Pair<&Path>) -> Result<Comparison, ExitCode> {
    let open = |path: &Path| {
        let is_gone_once_read = path.as_os_str() == "-" || !path.is_file();
        let opened = log_file::open(path).map_err(|error| {
            tell_error(error);
            ExitCode::Refused
        })?;
        Ok(Log { reader: Reader::new(opened), is_gone_once_read })
    };
    let logs = [open(paths[0])?, open(paths[1])?];
    let mut comparison = compare(arguments.level.into(), logs)
        .map_err(|(side, unreadable)| tell_unreadable(paths[side as usize], &unreadable))?;
    for side in Side::BOTH {
        let place = comparison.first.as_mut().and_then(|first| first.places[side as usize].as_mut());
        if let Some(Err(error)) = place.map(|place| place.look_up(paths[side as usize])) {
            let path = paths[side as usize].display();
            tell_error(format_args!("cannot read {path} again: {error}"));
            return Err(ExitCode::Refused);
        }
    }
    Ok(comparison)
}

/// Shows what came of it, and gives the exit code: a difference goes before a cut.
fn conclude(arguments: &Arguments, paths: Pair<&Path>, comparison: &Comparison) -> ExitCode {
    let names = paths.map(|path| path.to_string_lossy());
    let names = names.each_ref().map(|name| &**name);
    match arguments.format {
        Format::Human => tell(&text::text(comparison, names, colors())),
        Format::Json => {
            let printed = print(&json::json(comparison, names));
            if printed != ExitCode::Passed {
                return printed;
            }
        }
    }
    let mut exit = if comparison.is_same { ExitCode::Passed } else { ExitCode::Different };
    for (path, cut) in paths.into_iter().zip(&comparison.cuts) {
        let Some(cut) = cut else { continue };
        let is_allowed = arguments.allow_incomplete || !comparison.is_same;
        let told = tell_cut(path, cut, is_allowed);
        if told != ExitCode::Passed {
            exit = told;
        }
    }
    exit
}
