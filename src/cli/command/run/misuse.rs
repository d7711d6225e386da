//! Options of `scenario run` that exclude each other. Looks at the arguments only, never at files.

use std::path::{Path, PathBuf};

use crate::cli::args::{ClockArg, RunArgs};

/// The message for the first combination of options that makes no sense.
pub(super) fn find_misuse(arguments: &RunArgs) -> Option<&'static str> {
    let clock = if arguments.clock == ClockArg::Virtual { find_clock_misuse(arguments) } else { None };
    let matrix = || if arguments.matrix { find_matrix_misuse(arguments) } else { None };
    let watch = || if arguments.watch { find_watch_misuse(arguments) } else { None };
    clock.or_else(matrix).or_else(watch).or_else(|| find_stream_misuse(arguments))
}

fn find_clock_misuse(arguments: &RunArgs) -> Option<&'static str> {
    if arguments.speed != 1.0 {
        return Some("`--speed` is for the real clock; virtual time is as fast as it can be");
    }
    if arguments.precise {
        return Some("`--precise` is for the real clock; virtual time is always exact");
    }
    arguments
        .serving
        .address
        .is_some()
        .then_some("in virtual time there is nothing to watch: serve its log with `scenario play --serve`")
}

fn find_watch_misuse(arguments: &RunArgs) -> Option<&'static str> {
    if is_dash(&arguments.file) || is_some_dash(&arguments.input) {
        return Some("`--watch` is for files; standard input can be read once only");
    }
    if is_some_dash(&arguments.junit) {
        return Some("`--watch` makes many reports, and standard output can take one");
    }
    match &arguments.log {
        Some(log) if is_dash(log) => Some("`--watch` makes many logs, and standard output can take one"),
        Some(_) if !arguments.force => Some(
            "`--watch` writes the log of each run over the one before: add `--force`, or leave `--log` out",
        ),
        _ => None,
    }
}

fn find_matrix_misuse(arguments: &RunArgs) -> Option<&'static str> {
    if is_dash(&arguments.file) {
        return Some("`--matrix` reads the file once for each run; standard input can be read once only");
    }
    if is_some_dash(&arguments.log) {
        return Some("`--matrix` makes a log of each run, and standard output can take one");
    }
    if arguments.watch {
        return Some("`--matrix` and `--watch` exclude each other");
    }
    if arguments.input.is_some() {
        return Some("`--matrix` makes many runs, and typed commands are for one: leave `--input` out");
    }
    if arguments.serving.address.is_some() {
        return Some("`--matrix` makes many runs, and a live page shows one: leave `--serve` out");
    }
    arguments.report.is_some().then_some(
        "`--matrix` makes many runs, and a report shows one: make it of a log with `scenario report`",
    )
}

fn find_stream_misuse(arguments: &RunArgs) -> Option<&'static str> {
    if arguments.report.is_some() && arguments.log.as_deref().is_some_and(|log| !is_readable_again(log)) {
        return Some("`--report` is made of the log, so `--log` must name a file");
    }
    if is_some_dash(&arguments.report) && is_some_dash(&arguments.junit) {
        return Some("standard output cannot be the `--report` and the `--junit`");
    }
    if is_some_dash(&arguments.log) && is_some_dash(&arguments.junit) {
        return Some("standard output cannot be the `--log` and the `--junit`");
    }
    (is_dash(&arguments.file) && is_some_dash(&arguments.input))
        .then_some("standard input cannot be the scenario and the `--input`")
}

/// Whether a log that is written there can be read when the run has ended.
fn is_readable_again(log: &Path) -> bool {
    !is_dash(log) && (log.is_file() || !log.exists())
}

fn is_dash(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn is_some_dash(path: &Option<PathBuf>) -> bool {
    path.as_deref().is_some_and(is_dash)
}
