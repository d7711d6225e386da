//! `scenario on-terminal`, which nobody types: what a program on a terminal of its own is started by.

use crate::cli::args::OnTerminal;
use crate::cli::command::tell;
use crate::cli::exit_code::ExitCode;
use crate::io::process::pty::child;

/// Returns only if it could not become the program.
pub(super) fn on_terminal(arguments: &OnTerminal) -> ExitCode {
    // As it is, without a style: it is read by the runner, which says it in its own words.
    tell(&format!("{}\n", child::become_program(&arguments.words)));
    ExitCode::Refused
}
