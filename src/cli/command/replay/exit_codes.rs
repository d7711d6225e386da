//! The exit codes of `scenario replay`. Prints nothing.

use crate::cli::exit_code::ExitCode;
use crate::replay::outcome::{ReplayFinding, ReplayResult};
use scenario_log::reader::LogReadError;

/// The exit code for one log: for the finding, or else for the expectations of `--expect`.
pub(super) fn log_exit_code(replayed: &ReplayResult, allow_incomplete: bool) -> ExitCode {
    match finding_exit_code(&replayed.finding, allow_incomplete) {
        ExitCode::Passed if replayed.expectations.iter().any(|expected| !expected.ok) => ExitCode::Failed,
        other => other,
    }
}

/// The exit code for a finding alone.
pub(super) fn finding_exit_code(finding: &ReplayFinding, allow_incomplete: bool) -> ExitCode {
    match finding {
        ReplayFinding::Same => ExitCode::Passed,
        ReplayFinding::CutShort(_) if allow_incomplete => ExitCode::Passed,
        ReplayFinding::Different(_) => ExitCode::Different,
        ReplayFinding::Unreadable(LogReadError::Io(_)) => ExitCode::Refused,
        ReplayFinding::CutShort(_) | ReplayFinding::Unreadable(_) => ExitCode::UnusableLog,
    }
}
