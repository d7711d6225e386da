//! `scenario diff`: shows whether two runs were the same, and where they first differ.

use std::path::Path;

use crate::cli::args::{DiffArgs as Arguments, OutputFormat};
use crate::cli::command::log_errors::{report_log_error, report_truncated_log, report_unopened_log};
use crate::cli::command::{print_stdout, report_error, stderr_has_color, write_stderr};
use crate::cli::exit_code::ExitCode;
use crate::diff::{DiffInput, DiffSide, LogComparison, PerSide, compare, json, text};
use crate::io::log_file;
use scenario_log::reader::LogReader;

pub(super) fn diff(arguments: &Arguments) -> ExitCode {
    let paths = [arguments.left.as_path(), arguments.right.as_path()];
    if paths.iter().all(|path| path.as_os_str() == "-") {
        report_error("standard input can be one of the logs, not both");
        return ExitCode::Usage;
    }
    match read_and_compare(arguments, paths) {
        Ok(comparison) => show_result(arguments, paths, &comparison),
        Err(exit) => exit,
    }
}

/// Reads and compares both logs.
fn read_and_compare(arguments: &Arguments, paths: PerSide<&Path>) -> Result<LogComparison, ExitCode> {
    let open = |path: &Path| {
        let is_gone_once_read = path.as_os_str() == "-" || !path.is_file();
        let opened = log_file::open_log(path)
            .map_err(|error| report_unopened_log(&error, arguments.allow_incomplete))?;
        Ok(DiffInput { reader: LogReader::new(opened), is_gone_once_read })
    };
    let logs = [open(paths[0])?, open(paths[1])?];
    let mut comparison = compare(arguments.level.into(), logs)
        .map_err(|(side, unreadable)| report_log_error(paths[side as usize], &unreadable))?;
    for side in DiffSide::BOTH {
        let place =
            comparison.first_difference.as_mut().and_then(|first| first.lines[side as usize].as_mut());
        if let Some(Err(error)) = place.map(|place| place.reread(paths[side as usize])) {
            let path = paths[side as usize].display();
            report_error(format_args!("cannot read {path} again: {error}"));
            return Err(ExitCode::Refused);
        }
    }
    Ok(comparison)
}

/// Shows the result, and returns the exit code. A difference takes precedence over a log that was cut
/// short.
fn show_result(arguments: &Arguments, paths: PerSide<&Path>, comparison: &LogComparison) -> ExitCode {
    let names = paths.map(|path| path.to_string_lossy());
    let names = names.each_ref().map(|name| &**name);
    match arguments.format {
        OutputFormat::Human => write_stderr(&text::render_text(comparison, names, stderr_has_color())),
        OutputFormat::Json => {
            let printed = print_stdout(&json::render_json(comparison, names));
            if printed != ExitCode::Passed {
                return printed;
            }
        }
    }
    let mut exit = if comparison.is_same { ExitCode::Passed } else { ExitCode::Different };
    for (path, cut) in paths.into_iter().zip(&comparison.cuts) {
        let Some(cut) = cut else { continue };
        let is_allowed = arguments.allow_incomplete || !comparison.is_same;
        let cut_exit = report_truncated_log(path, cut, is_allowed);
        if cut_exit != ExitCode::Passed {
            exit = cut_exit;
        }
    }
    exit
}
