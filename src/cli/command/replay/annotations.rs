//! `--github` of `scenario replay`: an annotation for each expectation that was missed, and one for each
//! log whose replay found something.

use crate::cli::command::github::GitHubAnnotator;
use crate::cli::command::replay::ReplayedLog;
use crate::cli::command::replay::exit_codes::finding_exit_code;
use crate::cli::exit_code::ExitCode;
use crate::replay::outcome::ReplayFinding;
use crate::replay::report::{describe_cause, render_verdict};
use crate::report::github_annotations::GitHubAnnotation;
use crate::report::run_annotations::expectation_annotations;
use scenario_core::scenario::{LoadedExpectations, LoadedScenario};
use scenario_log::reader::LogReadError;

/// Annotates what was found in a log. An expectation is annotated in its file; a difference at the entry
/// of the `--against` scenario that it comes from; anything else at the line of the log.
pub(super) fn annotate(
    github: &GitHubAnnotator,
    case: &ReplayedLog<'_>,
    against: Option<&LoadedScenario>,
    expecting: Option<&LoadedExpectations>,
    allow_incomplete: bool,
) {
    let ReplayedLog { replayed, .. } = case;
    if let Some(LoadedExpectations { expectations, sources, .. }) = expecting {
        github.write_annotations(
            sources,
            &expectation_annotations(expectations, &replayed.expectations).collect::<Vec<_>>(),
        );
    }
    if finding_exit_code(replayed, allow_incomplete) == ExitCode::Passed {
        return;
    }
    let log = case.log.to_string_lossy();
    let verdict = render_verdict(&log, replayed, false);
    let line = match &replayed.finding {
        ReplayFinding::Different(divergence) => {
            let cause =
                describe_cause(divergence).map(|cause| format!("\ncause: {cause}")).unwrap_or_default();
            let message = format!("{}{cause}", verdict.trim_end());
            if let Some(LoadedScenario { scenario, sources, .. }) = against {
                let entry =
                    divergence.origin.as_ref().and_then(|origin| scenario.timeline.get(origin.index?));
                let place = entry.map(|entry| entry.place).unwrap_or_default();
                return github
                    .write_annotations(sources, &[GitHubAnnotation::error(place, "replay", message)]);
            }
            return github.write_line_error(&log, divergence.logged.line, ("replay", &message));
        }
        ReplayFinding::Unreadable(LogReadError::Damaged { line, .. }) => *line,
        _ => 1,
    };
    github.write_line_error(&log, line, ("replay", verdict.trim_end()));
}
