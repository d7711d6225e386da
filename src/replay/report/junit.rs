//! Replays for CI: a JUnit report with a test case for each log, and, if wanted, the cases of the logged
//! runs.

use std::io;
use std::time::Duration;

use crate::replay::outcome::{ReplayFinding, ReplayResult};
use crate::replay::report::{render_divergence, render_verdict};
use crate::report::junit_cases::JunitCases;
use crate::report::junit_xml;
use crate::report::junit_xml::{TestMessage, TestStatus};
use scenario_log::event::ExpectationResult;
use scenario_log::time::Span;

/// The replay of one log.
#[derive(Debug)]
pub struct ReplayCase<'a> {
    /// The log.
    pub log: &'a str,
    /// The result of its replay.
    pub replayed: &'a ReplayResult,
    /// How long the replay took.
    pub took: Duration,
    /// Whether it fails the suite: a log that was cut short may be allowed.
    pub is_failure: bool,
    /// Commands that show more.
    pub rerun_commands: String,
    /// The cases of the logged run, if they are wanted.
    pub junit_cases: Option<&'a JunitCases>,
}

/// The report, as XML.
///
/// # Errors
/// If the XML writer refuses.
pub fn render_junit(cases: &[ReplayCase<'_>]) -> io::Result<String> {
    let name = "scenario replay";
    let replays = cases.iter().flat_map(|case| {
        let expected = case.replayed.expectations.iter().map(|expected| expectation_case(case, expected));
        [test_case(case)].into_iter().chain(expected).collect::<Vec<_>>()
    });
    let replays = (name.to_owned(), replays.collect());
    // Nothing can be said of a run that happens differently now.
    let is_known = |case: &&ReplayCase<'_>| {
        matches!(case.replayed.finding, ReplayFinding::Same | ReplayFinding::CutShort(_))
    };
    let runs = cases.iter().filter(is_known).filter_map(|case| {
        let suites = case.junit_cases?.suites(&format!("{}: ", case.log), None);
        case.replayed.run.is_some().then_some(suites)
    });
    junit_xml::render_xml(name, [replays].into_iter().chain(runs.flatten()))
}

fn test_case(case: &ReplayCase<'_>) -> junit_xml::TestCase {
    let ReplayCase { log, replayed, took, is_failure, rerun_commands: again, junit_cases: _ } = case;
    let message = render_verdict(log, replayed, false);
    let message = message.trim_end().to_owned();
    let words = |kind, more| TestMessage { kind, message: message.clone(), details: more };
    let status = match &replayed.finding {
        _ if !is_failure => TestStatus::Passed,
        ReplayFinding::Same => TestStatus::Failed(words("not passed", None)),
        ReplayFinding::CutShort(cut) if replayed.has_unwanted_end() && cut.last_line > 0 => {
            TestStatus::Failed(words("not passed", None))
        }
        ReplayFinding::Different(divergence) => {
            TestStatus::Failed(words("different", Some(render_divergence(log, divergence, again, false))))
        }
        ReplayFinding::CutShort(_) => TestStatus::Error(words("cut short", None)),
        ReplayFinding::Unreadable(unreadable) => TestStatus::Error(words(unreadable.kind(), None)),
    };
    junit_xml::TestCase {
        took: Some(Span::from_std(*took)),
        output: matches!(replayed.finding, ReplayFinding::CutShort(_)).then_some(message),
        ..junit_xml::TestCase::new(
            (*log).to_owned(),
            replayed.run.as_ref().map(|run| run.name.clone()),
            status,
        )
    }
}

/// The case of an expectation, named after the log and the expectation.
fn expectation_case(case: &ReplayCase<'_>, expected: &ExpectationResult) -> junit_xml::TestCase {
    let name = format!("{}: {}", case.log, expected.title());
    junit_xml::TestCase::from_expectation(
        name,
        case.replayed.run.as_ref().map(|run| run.name.clone()),
        expected,
    )
}
