//! Warns of values that several requests capture at the same time: a captured value belongs to the run, so
//! the last answer gives it for all.

use crate::diagnostic::{Diagnostic, FilePlace, quoted};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::model::{EntryAction, FetchJob, FetchMode, Scenario, ScenarioText};
use crate::scenario::vars::fill::request_texts;

/// Warns once for each fetch of the timeline, if a later request uses such a value.
pub(super) fn warn_of_shared_captures(scenario: &Scenario, found: &mut Diagnostics) {
    for (index, job) in scenario.fetches.iter().enumerate() {
        let Some(capture) = job.captures.iter().find(|capture| is_used(scenario, &capture.name)) else {
            continue;
        };
        let Some((place, requests)) = concurrent_requests(scenario, index, job) else { continue };
        let message =
            format!("{requests} capture {}, and the last answer gives its value", quoted(&capture.name));
        let help = "a captured value belongs to the whole run: let one request capture it, or write a fetch for each, \
                    with a name of its own for its value";
        found.add(Diagnostic::warning(place, message).with_help(help));
    }
}

/// The requests of a job that run at the same time, and what makes them so many; `None` if each waits for the
/// one before.
fn concurrent_requests(scenario: &Scenario, index: usize, job: &FetchJob) -> Option<(FilePlace, String)> {
    let mut entries = scenario.timeline.iter().filter(|entry| entry.action == EntryAction::Fetch(index));
    let first = entries.clone().next()?;
    if job.load.is_some() {
        return Some((job.place, "all requests of this load".to_owned()));
    }
    if let Some(entry) = entries.find(|entry| entry.count > 1) {
        return Some((entry.place, format!("{} requests at once", entry.count)));
    }
    let is_concurrent = job.mode == FetchMode::Concurrent && job.urls.len() > 1;
    is_concurrent.then(|| (first.place, format!("{} requests at once", job.urls.len())))
}

/// Whether a request or an entry needs the value of this name.
fn is_used(scenario: &Scenario, name: &str) -> bool {
    let has_name = |text: &ScenarioText| text.capture_names().any(|used| used == name);
    let is_in_job = |job: &FetchJob| (0..job.urls.len()).any(|url| request_texts(job, url).any(has_name));
    scenario.fetches.iter().any(is_in_job)
        || scenario.timeline.iter().any(|entry| match &entry.action {
            EntryAction::Send(send) => send.text.as_ref().is_some_and(&has_name),
            EntryAction::Mark(text) => has_name(text),
            EntryAction::Spawn(_)
            | EntryAction::Fetch(_)
            | EntryAction::Stop(_)
            | EntryAction::Signal(_)
            | EntryAction::Kill(_)
            | EntryAction::Restart(_)
            | EntryAction::Link(_) => false,
        })
}
