//! `scenario on-terminal`, which nobody types: what a program on a terminal of its own is started by.

use crate::cli::args::PtyChildArgs;
use crate::cli::command::write_stderr;
use crate::cli::exit_code::ExitCode;
use crate::io::process::pty::child;

/// Returns only if it could not become the program.
pub(super) fn pty_child(arguments: &PtyChildArgs) -> ExitCode {
    // As it is, without a style: it is read by the runner, which says it in its own words.
    write_stderr(&format!("{}\n", child::exec_program(&arguments.argv)));
    ExitCode::Refused
}
