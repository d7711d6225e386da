//! The report for CI: JUnit XML with one test case for each expectation, and one for all runs.

use std::io;

use super::{
    ExplorationMode, ExplorationReport, format_outcome, format_run_count, format_witness, group_digits,
};
use crate::explore::outcome::{ExploredExpectation, ExploredVerdict};
use crate::report::junit_cases::distinct_from;
use crate::report::junit_xml;
use crate::report::junit_xml::{TestCase, TestMessage, TestStatus};

/// The report as XML.
///
/// # Errors
/// If the XML writer refuses.
pub fn render_junit(exploration: &ExplorationReport<'_>) -> io::Result<String> {
    let judged = exploration.result.expectations.iter().map(|judged| expectation_case(exploration, judged));
    let open = exploration.result.unjudged.iter().map(|name| {
        let why = "only what is expected of `shared` is judged by every order of the steps".to_owned();
        let status = match exploration.cells_only {
            true => TestStatus::Skipped(why),
            false => TestStatus::Error(TestMessage { kind: "not judged", message: why, details: None }),
        };
        let name = distinct_from(all_runs_name(exploration.mode), "expectation", name);
        test_case(exploration, name, status)
    });
    let cases = [all_runs_case(exploration)].into_iter().chain(judged).chain(open).collect();
    junit_xml::render_xml("scenario explore", [(exploration.name.to_owned(), cases)])
}

fn test_case(exploration: &ExplorationReport<'_>, name: String, status: TestStatus) -> TestCase {
    TestCase::new(name, Some(exploration.name.to_owned()), status)
}

/// The name of the test case that every run passes.
fn all_runs_name(how: ExplorationMode) -> &'static str {
    match how {
        ExplorationMode::Seeds => "every seed passes",
        ExplorationMode::Exhaustive(_) | ExplorationMode::ExhaustiveUncounted(_) => {
            "every interleaving passes"
        }
    }
}

/// The test case that every run passes.
fn all_runs_case(exploration: &ExplorationReport<'_>) -> TestCase {
    let ExplorationReport { mode: how, result: explored, .. } = *exploration;
    let failed: Vec<_> =
        explored.outcomes.iter().filter(|found| found.outcome.verdict == ExploredVerdict::Failed).collect();
    let status = match failed.first() {
        None => TestStatus::Passed,
        Some(first) => {
            let count = failed.iter().map(|found| &found.count).sum();
            let reason = first.reason.clone().unwrap_or_default();
            let message = format!(
                "{} of {} failed; {}: {reason}",
                group_digits(&count),
                format_run_count(&explored.runs, how),
                format_witness(&first.witness, how)
            );
            let lines = failed.iter().map(|found| {
                format!(
                    "{} in {}: {}",
                    format_outcome(&found.outcome),
                    format_run_count(&found.count, how),
                    format_witness(&found.witness, how)
                )
            });
            let more = Some(lines.collect::<Vec<_>>().join("\n"));
            TestStatus::Failed(TestMessage { kind: "failed", message, details: more })
        }
    };
    test_case(exploration, all_runs_name(how).to_owned(), status)
}

fn expectation_case(exploration: &ExplorationReport<'_>, judged: &ExploredExpectation) -> TestCase {
    let how = exploration.mode;
    let status = match &judged.first {
        None => TestStatus::Passed,
        Some((first, got)) => {
            let got =
                got.as_ref().map_or_else(|| "nothing to measure".to_owned(), |got| format!("got {got}"));
            let message = format!(
                "wanted {}; missed in {}, first in {}: {got}",
                judged.wanted,
                format_run_count(&judged.missed, how),
                format_witness(first, how)
            );
            TestStatus::Failed(TestMessage { kind: "missed", message, details: None })
        }
    };
    let name = distinct_from(all_runs_name(how), "expectation", &judged.name);
    test_case(exploration, name, status)
}
