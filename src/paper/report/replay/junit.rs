//! Replays for CI: a JUnit report, a test case a log.

use std::time::Duration;

use crate::paper::replayed::{Finding, Replayed};
use crate::paper::report::junit::{self, Status, Words};
use crate::paper::report::replay::{different, verdict};
use crate::words::event::Expected;
use crate::words::time::Span;

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
    let name = "scenario replay";
    let cases = cases.iter().flat_map(|case| {
        let expected = case.replayed.expected.iter().map(|expected| expectation(case, expected));
        [test_case(case)].into_iter().chain(expected).collect::<Vec<_>>()
    });
    junit::xml(name, [(name.to_owned(), cases.collect())])
}

fn test_case(case: &Case<'_>) -> junit::Case {
    let Case { log, replayed, took, is_failure, again } = case;
    let said = verdict(log, replayed, false);
    let said = said.trim_end().to_owned();
    let words = |kind, more| Words { kind, message: said.clone(), more };
    let status = match &replayed.finding {
        _ if !is_failure => Status::Passed,
        Finding::Different(divergence) => {
            Status::Failed(words("different", Some(different(log, divergence, again, false))))
        }
        Finding::CutShort(_) => Status::Broken(words("cut short", None)),
        Finding::Unreadable(unreadable) => Status::Broken(words(unreadable.kind(), None)),
        Finding::Same => Status::Broken(words("same", None)),
    };
    junit::Case {
        name: (*log).to_owned(),
        class: replayed.run.as_ref().map(|run| run.name.clone()),
        status,
        took: Some(Span::from_std(*took)),
        output: matches!(replayed.finding, Finding::CutShort(_)).then_some(said),
    }
}

/// An expectation of a log, named after both.
fn expectation(case: &Case<'_>, expected: &Expected) -> junit::Case {
    let name = format!("{}: {}", case.log, expected.name);
    junit::Case::of_expected(name, case.replayed.run.as_ref().map(|run| run.name.clone()), expected)
}
