//! For CI: a JUnit report, a test case for each expectation and one for all runs.

use super::{Exploration, How, grouped, in_words, runs, witness};
use crate::explore::outcome::{Ended, Judged};
use crate::report::junit;
use crate::report::junit::{Case, Status, Words};

/// The report, as XML.
///
/// # Errors
/// In words, why it cannot be made.
pub fn junit(exploration: &Exploration<'_>) -> Result<String, String> {
    let judged = exploration.explored.judged.iter().map(|judged| expectation(exploration, judged));
    let open = exploration.explored.not_judged.iter().map(|name| {
        let why = "only what is expected of `shared` is judged by every order of the steps".to_owned();
        case(exploration, name.clone(), Status::Skipped(why))
    });
    let cases = [all(exploration)].into_iter().chain(judged).chain(open).collect();
    junit::xml("scenario explore", [(exploration.name.to_owned(), cases)])
}

fn case(exploration: &Exploration<'_>, name: String, status: Status) -> Case {
    Case { name, class: Some(exploration.name.to_owned()), status, took: None, output: None }
}

/// That every run passes.
fn all(exploration: &Exploration<'_>) -> Case {
    let Exploration { how, explored, .. } = *exploration;
    let failed: Vec<_> = explored.found.iter().filter(|found| found.came.outcome == Ended::Failed).collect();
    let status = match failed.first() {
        None => Status::Passed,
        Some(first) => {
            let count = failed.iter().map(|found| &found.count).sum();
            let reason = first.reason.clone().unwrap_or_default();
            let message = format!(
                "{} of {} failed; {}: {reason}",
                grouped(&count),
                runs(&explored.runs, how),
                witness(&first.witness, how)
            );
            let lines = failed.iter().map(|found| {
                format!(
                    "{} in {}: {}",
                    in_words(&found.came),
                    runs(&found.count, how),
                    witness(&found.witness, how)
                )
            });
            let more = Some(lines.collect::<Vec<_>>().join("\n"));
            Status::Failed(Words { kind: "failed", message, more })
        }
    };
    let name = match how {
        How::Seeds => "every seed passes",
        How::Exhaustive(_) => "every interleaving passes",
    };
    case(exploration, name.to_owned(), status)
}

fn expectation(exploration: &Exploration<'_>, judged: &Judged) -> Case {
    let how = exploration.how;
    let status = match &judged.first {
        None => Status::Passed,
        Some((first, got)) => {
            let got =
                got.as_ref().map_or_else(|| "nothing to measure".to_owned(), |got| format!("got {got}"));
            let message = format!(
                "wanted {}; missed in {}, first in {}: {got}",
                judged.wanted,
                runs(&judged.missed, how),
                witness(first, how)
            );
            Status::Failed(Words { kind: "missed", message, more: None })
        }
    };
    case(exploration, judged.name.clone(), status)
}
