//! Replays for CI: a JUnit report, a test case a log, and the cases of the logged runs if they are
//! wanted too.

use std::time::Duration;

use crate::replay::outcome::{Finding, Replayed};
use crate::replay::report::{different, verdict};
use crate::report::junit;
use crate::report::junit::{Status, Words};
use crate::report::junit_cases::Cases;
use scenario_log::event::Expected;
use scenario_log::time::Span;

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
    /// What the logged run is made of, to be told too.
    pub run: Option<&'a Cases>,
}

/// The report, as XML.
///
/// # Errors
/// In words, why it cannot be made.
pub fn junit(cases: &[Case<'_>]) -> Result<String, String> {
    let name = "scenario replay";
    let replays = cases.iter().flat_map(|case| {
        let expected = case.replayed.expected.iter().map(|expected| expectation(case, expected));
        [test_case(case)].into_iter().chain(expected).collect::<Vec<_>>()
    });
    let replays = (name.to_owned(), replays.collect());
    // Of a run that is not decided so again nothing can be said.
    let is_known = |case: &&Case<'_>| matches!(case.replayed.finding, Finding::Same | Finding::CutShort(_));
    let runs = cases.iter().filter(is_known).filter_map(|case| {
        let suites = case.run?.suites(&format!("{}: ", case.log), None);
        case.replayed.run.is_some().then_some(suites)
    });
    junit::xml(name, [replays].into_iter().chain(runs.flatten()))
}

fn test_case(case: &Case<'_>) -> junit::Case {
    let Case { log, replayed, took, is_failure, again, run: _ } = case;
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
