//! Why a command ends before its work is done: a message for people, and the exit code.

use std::fmt::Display;

use crate::cli::command::report_error;
use crate::cli::exit_code::ExitCode;
use crate::io::log_file::writer::RefusedError;

/// Ends a command early. The message is shown once, by [`CliError::report`].
#[derive(Debug)]
pub(super) struct CliError {
    exit: ExitCode,
    /// None if the message has been shown already.
    message: Option<String>,
}

impl CliError {
    /// The arguments or the scenario are wrong; nothing was started.
    pub(super) fn usage(message: impl Display) -> CliError {
        CliError { exit: ExitCode::Usage, message: Some(message.to_string()) }
    }

    /// The system refuses something: a file, a port, a thread.
    pub(super) fn refused(message: impl Display) -> CliError {
        CliError { exit: ExitCode::Refused, message: Some(message.to_string()) }
    }

    /// The command has shown its message, and ends with this code.
    pub(super) fn already_reported(exit: ExitCode) -> CliError {
        CliError { exit, message: None }
    }

    /// Shows the message, and gives the exit code.
    pub(super) fn report(self) -> ExitCode {
        if let Some(message) = self.message {
            report_error(message);
        }
        self.exit
    }
}

impl From<RefusedError> for CliError {
    fn from(RefusedError(message): RefusedError) -> CliError {
        CliError::refused(message)
    }
}
