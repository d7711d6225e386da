//! Replays for CI: a JUnit report, a test case a log.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::paper::replayed::{Finding, Replayed};
use crate::paper::report::replay::{different, verdict};
use crate::paper::report::screen::push_expected;
use crate::words::event::Expected;
use crate::words::visible::visible;

/// One log's replay.
#[derive(Debug)]
pub struct Case<'a> {
    /// The log.
    pub log: &'a str,
    /// What came of it.
    pub replayed: &'a Replayed,
    /// How long it took to replay.
    pub took: Duration,
    /// Whether it fails the suite: a log that was cut short may be allowed.
    pub is_failure: bool,
    /// How to look further.
    pub again: String,
}

/// The report, as XML.
///
/// # Errors
/// In words, why it cannot be made.
pub fn junit(cases: &[Case<'_>]) -> Result<String, String> {
    let mut suite = TestSuite::new("scenario replay");
    for case in cases {
        suite.add_test_case(test_case(case));
        suite.add_test_cases(case.replayed.expected.iter().map(|expected| expectation(case, expected)));
    }
    let mut report = Report::new("scenario replay");
    report.add_test_suite(suite);
    report.to_string().map_err(|error| error.to_string())
}

fn test_case(case: &Case<'_>) -> TestCase {
    let Case { log, replayed, took, is_failure, again } = case;
    let words = verdict(log, replayed, false);
    let mut status = match &replayed.finding {
        _ if !is_failure => TestCaseStatus::success(),
        Finding::Different(_) => TestCaseStatus::non_success(NonSuccessKind::Failure),
        _ => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    if *is_failure {
        let kind = match &replayed.finding {
            Finding::Different(_) => "different",
            Finding::CutShort(_) => "cut short",
            Finding::Unreadable(unreadable) => unreadable.kind(),
            Finding::Same => "same",
        };
        status.set_message(words.trim_end()).set_type(kind);
    }
    if let Finding::Different(divergence) = &replayed.finding {
        status.set_description(different(log, divergence, again, false));
    }
    let mut test_case = TestCase::new(visible(log), status);
    test_case.set_time(*took);
    if matches!(replayed.finding, Finding::CutShort(_)) {
        test_case.set_system_out(words.trim_end());
    }
    if let Some(run) = &replayed.run {
        test_case.set_classname(visible(&run.name));
    }
    test_case
}

/// An expectation of a log, named after both.
fn expectation(case: &Case<'_>, expected: &Expected) -> TestCase {
    let mut words = String::new();
    push_expected(&mut words, expected);
    let status = if expected.ok {
        TestCaseStatus::success()
    } else {
        let mut missed = TestCaseStatus::non_success(NonSuccessKind::Failure);
        missed.set_message(&*words).set_type("missed");
        missed
    };
    let name = format!("{}: {}", visible(case.log), visible(&expected.name));
    let mut test_case = TestCase::new(name, status);
    if expected.ok {
        test_case.set_system_out(&*words);
    }
    if let Some(run) = &case.replayed.run {
        test_case.set_classname(visible(&run.name));
    }
    test_case
}
