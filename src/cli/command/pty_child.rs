//! `scenario on-terminal` and `scenario prepared`, two hidden commands: they start a program on a terminal of its
//! own, or with limits or as another user.

use crate::cli::command::write_stderr;
use crate::cli::exit_code::ExitCode;
use crate::cli::hidden_args::{PreparedArgs, PtyChildArgs};
use crate::io::process::prepared::child::{ChildPreparation, exec_prepared};
use crate::io::process::pty::child;

/// Returns only if this process cannot become the program.
pub(super) fn pty_child(arguments: &PtyChildArgs) -> ExitCode {
    // No `error:` and no style: the runner reads the line, and reports it itself.
    write_stderr(&format!("{}\n", child::exec_program(&arguments.argv)));
    ExitCode::Refused
}

/// The same with limits or as another user.
pub(super) fn prepared(arguments: &PreparedArgs) -> ExitCode {
    let PreparedArgs { terminal, limits, joined, user, argv } = arguments;
    let preparation = ChildPreparation { terminal: *terminal, limits, joined, user: user.as_deref() };
    write_stderr(&format!("{}\n", exec_prepared(&preparation, argv)));
    ExitCode::Refused
}
