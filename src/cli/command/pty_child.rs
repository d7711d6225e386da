//! `scenario on-terminal`, a hidden command: starts a program on a terminal of its own.

use crate::cli::args::PtyChildArgs;
use crate::cli::command::write_stderr;
use crate::cli::exit_code::ExitCode;
use crate::io::process::pty::child;

/// Returns only if this process cannot become the program.
pub(super) fn pty_child(arguments: &PtyChildArgs) -> ExitCode {
    // No `error:` and no style: the runner reads the line, and reports it itself.
    write_stderr(&format!("{}\n", child::exec_program(&arguments.argv)));
    ExitCode::Refused
}
