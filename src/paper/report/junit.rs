//! A JUnit report of anything: suites of cases as XML that is valid whatever was said.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::paper::report::screen::push_expected;
use crate::words::event::Expected;
use crate::words::time::Span;
use crate::words::visible::{visible, visible_lines};

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// As expected.
    Passed,
    /// Not as expected.
    Failed(Words),
    /// It could not be brought to an end that can be judged.
    Broken(Words),
    /// Nobody knows, for this reason.
    Skipped(String),
}

/// What is said of a case that did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// In a word.
    pub kind: &'static str,
    /// In a line.
    pub message: String,
    /// In some lines.
    pub more: Option<String>,
}

/// One case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its name within the suite.
    pub name: String,
    /// What it is of.
    pub class: Option<String>,
    /// How it ended.
    pub status: Status,
    /// How long it took, where that is known.
    pub took: Option<Span>,
    /// What there is to know beside.
    pub output: Option<String>,
}

impl Case {
    /// An expectation.
    pub(super) fn of_expected(name: String, class: Option<String>, expected: &Expected) -> Case {
        let mut said = String::new();
        push_expected(&mut said, expected);
        let (status, output) = if expected.ok {
            (Status::Passed, Some(said))
        } else {
            (Status::Failed(Words { kind: "missed", message: said, more: None }), None)
        };
        Case { name, class, status, took: None, output }
    }
}

/// The report of these suites, as XML.
///
/// # Errors
/// In words, why it cannot be made.
pub fn xml(name: &str, suites: impl IntoIterator<Item = (String, Vec<Case>)>) -> Result<String, String> {
    let mut report = Report::new(visible(name));
    for (name, cases) in suites {
        let mut suite = TestSuite::new(visible(&name));
        suite.add_test_cases(cases.iter().map(test_case));
        report.add_test_suite(suite);
    }
    report.to_string().map_err(|error| error.to_string())
}

fn test_case(case: &Case) -> TestCase {
    let told = |kind, words: &Words| {
        let mut status = TestCaseStatus::non_success(kind);
        status.set_message(visible(&words.message)).set_type(words.kind);
        if let Some(more) = &words.more {
            status.set_description(visible_lines(more));
        }
        status
    };
    let status = match &case.status {
        Status::Passed => TestCaseStatus::success(),
        Status::Failed(words) => told(NonSuccessKind::Failure, words),
        Status::Broken(words) => told(NonSuccessKind::Error, words),
        Status::Skipped(why) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(visible(why));
            status
        }
    };
    let mut test_case = TestCase::new(visible(&case.name), status);
    if let Some(took) = case.took {
        test_case.set_time(took.to_std());
    }
    if let Some(output) = &case.output {
        test_case.set_system_out(visible_lines(output));
    }
    if let Some(class) = &case.class {
        test_case.set_classname(visible(class));
    }
    test_case
}
