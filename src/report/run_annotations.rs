//! The faults of a run by the part of the scenario that they come from, so that each can be shown at its
//! place in the file. Its size is bounded by that of the scenario, however many faults there are.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::report::feed::LogEvent;
use crate::report::format::push_expectation;
use crate::report::github_annotations::GitHubAnnotation;
use crate::report::kept_budgets::KeptBudgets;
use crate::report::metrics::faults::{last_lines, logged_fault, readable_reason};
use crate::report::origins::{OriginGroup, OriginKind, SourceOrigin};
use scenario_core::diagnostic::{FilePlace, Severity};
use scenario_core::scenario::model::Scenario;
use scenario_core::scenario::model::expect::Expectation;
use scenario_log::event::{EntryName, Event, ExpectationResult, RunOutcome, Source};
use scenario_log::sanitize::sanitize;

/// The part of a scenario that a fault comes from, as an index into its lists; in the order of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum AnnotationCause {
    Expectation(usize),
    Entry(usize),
    Preset(usize),
    Fetch(usize),
    Run,
}

/// The first fault of one cause, and how many there were.
#[derive(Debug)]
struct CauseFaults {
    title: String,
    first_message: String,
    count: u64,
    /// The fetch, if all of them are failed requests of one fetch.
    fetch: Option<String>,
}

/// Collects the faults of a run.
#[derive(Debug)]
pub struct RunAnnotations {
    scenario: Rc<Scenario>,
    faults: BTreeMap<AnnotationCause, CauseFaults>,
    budgets: KeptBudgets,
}

impl RunAnnotations {
    /// For a run of this scenario.
    #[must_use]
    pub fn new(scenario: Rc<Scenario>) -> RunAnnotations {
        let budgets = KeptBudgets::new(&scenario.fetches);
        RunAnnotations { scenario, faults: BTreeMap::new(), budgets }
    }

    /// Takes an event.
    pub fn on_event(&mut self, logged: &LogEvent<'_, '_>) {
        let Some(event) = logged.event else { return };
        self.budgets.on_event(logged);
        if let Event::Expect(expected) = *event {
            return self.on_expectation(expected);
        }
        if let Event::RunFinished(summary) = *event
            && self.uncovered_faults().next().is_none()
            && summary.outcome != RunOutcome::Passed
        {
            let reason = summary.reason.as_deref().unwrap_or("it did not pass");
            return self.add_fault(AnnotationCause::Run, None, || {
                ("the run did not pass".to_owned(), readable_reason(reason))
            });
        }
        if let Some((source, what)) = logged_fault(event, logged.origin) {
            let (title, cause) = self.fault_origin(source, logged.origin);
            let is_request = matches!(event, Event::FetchFinished { .. } | Event::FetchFailed { .. });
            let fetch = logged.origin.filter(|_| is_request).map(|origin| &*origin.group.name);
            self.add_fault(cause, fetch, || {
                let lines = last_lines(event, logged.origin).into_iter().map(|line| format!("\n{line}"));
                (title, format!("{}, at {} s{}", sanitize(&what), logged.t, lines.collect::<String>()))
            });
        }
    }

    /// The title and the cause of a fault of this source.
    fn fault_origin(
        &self,
        source: Option<Source>,
        origin: Option<&SourceOrigin>,
    ) -> (String, AnnotationCause) {
        let Some(source) = source else { return ("the run".to_owned(), AnnotationCause::Run) };
        match origin {
            Some(origin) => (format!("{source} ({})", origin.group.name), self.cause_of(&origin.group)),
            None => (source.to_string(), AnnotationCause::Run),
        }
    }

    fn cause_of(&self, group: &OriginGroup) -> AnnotationCause {
        let Scenario { timeline, presets, fetches, .. } = &*self.scenario;
        let entry = group.entry_name().and_then(|name| match name {
            EntryName::Number(number) => number.checked_sub(1),
            EntryName::Id(id) => timeline.iter().position(|entry| entry.id.as_deref() == Some(id)),
        });
        let named = || match group.kind {
            OriginKind::Preset => {
                let preset = presets.iter().position(|preset| preset.name == group.name);
                preset.map(AnnotationCause::Preset)
            }
            OriginKind::Job => {
                fetches.iter().position(|job| job.name == group.name).map(AnnotationCause::Fetch)
            }
        };
        entry.map(AnnotationCause::Entry).or_else(named).unwrap_or(AnnotationCause::Run)
    }

    fn on_expectation(&mut self, expected: &ExpectationResult) {
        if !expected.ok {
            let index = self.scenario.expectations.iter().position(|other| other.name == expected.name);
            let cause = index.map_or(AnnotationCause::Run, AnnotationCause::Expectation);
            self.add_fault(cause, None, || (MISSED_TITLE.to_owned(), missed_message(expected)));
        }
    }

    fn add_fault(
        &mut self,
        cause: AnnotationCause,
        fetch: Option<&str>,
        describe: impl FnOnce() -> (String, String),
    ) {
        let fault = self.faults.entry(cause).or_insert_with(|| {
            let (title, first) = describe();
            CauseFaults { title, first_message: first, count: 0, fetch: fetch.map(str::to_owned) }
        });
        fault.count += 1;
        fault.fetch.take_if(|own| Some(&**own) != fetch);
    }

    /// The faults without those that the budget of a fetch covers.
    fn uncovered_faults(&self) -> impl Iterator<Item = (&AnnotationCause, &CauseFaults)> {
        let is_covered =
            |fault: &CauseFaults| fault.fetch.as_ref().is_some_and(|fetch| self.budgets.covers(fetch));
        self.faults.iter().filter(move |(_, fault)| !is_covered(fault))
    }

    /// The annotations, one for each cause.
    #[must_use]
    pub fn to_annotations(&self) -> Vec<GitHubAnnotation> {
        let annotation = |(cause, fault): (&AnnotationCause, &CauseFaults)| {
            let more = match fault.count {
                1 => String::new(),
                count => format!("\nand {} more like it", count - 1),
            };
            GitHubAnnotation {
                severity: Severity::Error,
                place: Some(self.cause_place(*cause)),
                title: fault.title.clone(),
                message: format!("{}{more}", fault.first_message),
            }
        };
        self.uncovered_faults().map(annotation).collect()
    }

    fn cause_place(&self, cause: AnnotationCause) -> FilePlace {
        let Scenario { expectations: expect, timeline, presets, fetches, .. } = &*self.scenario;
        let place = match cause {
            AnnotationCause::Expectation(index) => expect.get(index).map(|one| one.place),
            AnnotationCause::Entry(index) => timeline.get(index).map(|one| one.place),
            AnnotationCause::Preset(index) => presets.get(index).map(|one| one.place),
            AnnotationCause::Fetch(index) => fetches.get(index).map(|one| one.place),
            AnnotationCause::Run => None,
        };
        place.unwrap_or_default()
    }
}

const MISSED_TITLE: &str = "expectation missed";

fn missed_message(expected: &ExpectationResult) -> String {
    let mut message = String::new();
    push_expectation(&mut message, expected);
    message
}

/// An annotation for each of these expectations that was missed.
pub fn expectation_annotations<'a>(
    expectations: &'a [Expectation],
    came: &'a [ExpectationResult],
) -> impl Iterator<Item = GitHubAnnotation> + 'a {
    came.iter().filter(|expected| !expected.ok).map(|expected| GitHubAnnotation {
        severity: Severity::Error,
        place: expectations.iter().find(|one| one.name == expected.name).map(|one| one.place),
        title: MISSED_TITLE.to_owned(),
        message: missed_message(expected),
    })
}
