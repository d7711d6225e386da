//! The exit codes of `scenario replay`. Prints nothing.

use crate::cli::exit_code::ExitCode;
use crate::replay::outcome::{ReplayFinding, ReplayResult};
use scenario_log::reader::LogReadError;

/// The exit code for one log: for the finding, or else for the expectations of `--expect`.
pub(super) fn log_exit_code(replayed: &ReplayResult, allow_incomplete: bool) -> ExitCode {
    match finding_exit_code(replayed, allow_incomplete) {
        ExitCode::Passed if replayed.expectations.iter().any(|expected| !expected.ok) => ExitCode::Failed,
        other => other,
    }
}

/// The exit code for a finding alone, and for a run that is wanted to have passed.
pub(super) fn finding_exit_code(replayed: &ReplayResult, allow_incomplete: bool) -> ExitCode {
    match &replayed.finding {
        // Nothing was logged, so nothing is as expected.
        ReplayFinding::CutShort(cut) if cut.last_line == 0 => ExitCode::UnusableLog,
        ReplayFinding::CutShort(_) if !allow_incomplete => ExitCode::UnusableLog,
        ReplayFinding::Same | ReplayFinding::CutShort(_) if replayed.has_unwanted_end() => ExitCode::Failed,
        ReplayFinding::Same | ReplayFinding::CutShort(_) => ExitCode::Passed,
        ReplayFinding::Different(_) => ExitCode::Different,
        ReplayFinding::Unreadable(LogReadError::Io(_)) => ExitCode::Refused,
        ReplayFinding::Unreadable(_) => ExitCode::UnusableLog,
    }
}
