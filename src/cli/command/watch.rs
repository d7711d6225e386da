//! `--watch`: a command that goes again whenever the files of its scenario change.

use std::path::Path;

use crate::cli::args::Run;
use crate::cli::command::github::GitHub;
use crate::cli::command::{environment, tell, tell_diagnostics, tell_error};
use crate::cli::exit_code::ExitCode;
use crate::cli::scenario_files::Noted;
use crate::io::guard;
use crate::io::guard::Ended;
use crate::io::watch::{Changes, Watcher};
use scenario_core::scenario::{Options, load};

/// Why these arguments cannot be gone through again.
pub(super) fn misuse(arguments: &Run) -> Option<&'static str> {
    let is_dash = |path: &Path| path.as_os_str() == "-";
    if is_dash(&arguments.file) || arguments.input.as_deref().is_some_and(is_dash) {
        return Some("`--watch` is for files; standard input can be read once only");
    }
    if arguments.junit.as_deref().is_some_and(is_dash) {
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

/// Runs a scenario, each time by a runner of its own, until a signal comes.
pub(super) fn run(arguments: &Run) -> ExitCode {
    let github = GitHub::asked(arguments.github);
    let go = |watcher: &mut Watcher| {
        let files = Noted::default();
        let options =
            Options { vars: &arguments.reading.vars, env: &environment, clock: arguments.clock.into() };
        let loaded = load(&arguments.file, &files, &options);
        let changes = files.changes();
        if let Err(failure) = loaded {
            tell_diagnostics(&failure.sources, &failure.diagnostics, github.as_ref());
            return Ok(changes);
        }
        let Some(Ended { code, died }) = guard::guard(None, Some(&changes)) else {
            tell_error("`--watch` starts the program again and again, which cannot be done here");
            return Err(ExitCode::Refused);
        };
        if let Some(died) = died {
            tell_error(died);
        }
        if watcher.ended().is_some() { Err(ExitCode::Guarded(code)) } else { Ok(changes) }
    };
    again(arguments.quiet, go)
}

/// Does something again and again, until it says with which code to end, or a signal ends it. It gives
/// the files whose changes are waited for.
pub(super) fn again(
    is_quiet: bool,
    mut go: impl FnMut(&mut Watcher) -> Result<Changes, ExitCode>,
) -> ExitCode {
    let mut watcher = match Watcher::new() {
        Ok(watcher) => watcher,
        Err(error) => {
            tell_error(format_args!("cannot hear signals: {error}"));
            return ExitCode::Refused;
        }
    };
    loop {
        let changes = match go(&mut watcher) {
            Ok(changes) => changes,
            Err(exit) => return exit,
        };
        let say = |text| {
            if !is_quiet {
                tell(text)
            }
        };
        say("           waits for a change; Ctrl-C ends\n");
        if let Some(signal) = watcher.wait(&changes) {
            return ExitCode::Signalled(signal);
        }
        say("           it has changed\n");
    }
}
