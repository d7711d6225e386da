//! What went wrong in a run, by what of the scenario it comes from, so that it can be told at its place
//! in the file. Keeps as much as the scenario is large, however much goes wrong.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::report::feed::Told;
use crate::report::github::Annotation;
use crate::report::metrics::wrong::fault;
use crate::terminal::event_lines::push_expected;
use scenario_core::diagnostic::{Place, Severity};
use scenario_core::scenario::model::Scenario;
use scenario_core::scenario::model::expect::Expectation;
use scenario_log::event::{EntryName, Event, Expected, Outcome, Source};
use scenario_log::sanitize::visible;

/// What of a scenario a fault comes from, as indices into its lists; in the order of the telling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    Expectation(usize),
    Entry(usize),
    Preset(usize),
    Fetch(usize),
    Run,
}

/// The first of the faults of one cause, and how many there were.
#[derive(Debug)]
struct Fault {
    title: String,
    first: String,
    count: u64,
}

/// What went wrong in a run.
#[derive(Debug)]
pub struct Annotations {
    scenario: Rc<Scenario>,
    faults: BTreeMap<Cause, Fault>,
    /// What those that have not ended are of: what they are called, and what asked for them.
    running: BTreeMap<Source, (String, Cause)>,
}

impl Annotations {
    /// Of a run of this scenario.
    #[must_use]
    pub fn new(scenario: Rc<Scenario>) -> Annotations {
        Annotations { scenario, faults: BTreeMap::new(), running: BTreeMap::new() }
    }

    /// Notes what a spawn is of before it has started, by indices: it may never do.
    pub fn ordered(&mut self, source: Source, preset: usize, entry: Option<usize>) {
        let name = self.scenario.presets.get(preset).map(|preset| preset.name.clone());
        let cause = entry.map_or(Cause::Preset(preset), Cause::Entry);
        self.running.insert(source, (name.unwrap_or_default(), cause));
    }

    /// Takes an event.
    pub fn take(&mut self, told: &Told<'_, '_>) {
        let Some(event) = told.event else { return };
        match *event {
            Event::SpawnStarted { source, preset, entry, .. } => {
                let named = self.scenario.presets.iter().position(|other| other.name == preset);
                self.start(source, preset, entry, named.map(Cause::Preset));
            }
            Event::FetchStarted { source, job, entry, .. } => {
                let named = self.scenario.fetches.iter().position(|other| other.name == job);
                self.start(source, job, entry, named.map(Cause::Fetch));
            }
            Event::Expect(expected) => return self.expected(expected),
            Event::RunFinished(summary) if self.faults.is_empty() && summary.outcome != Outcome::Passed => {
                let reason = summary.reason.as_deref().unwrap_or("it did not pass");
                return self.add(Cause::Run, || ("the run did not pass".to_owned(), visible(reason)));
            }
            _ => {}
        }
        if let Some((source, what)) = fault(event) {
            let of = source.and_then(|source| self.running.get(&source));
            let cause = of.map_or(Cause::Run, |(_, cause)| *cause);
            let title = match (source, of) {
                (Some(source), Some((name, _))) => format!("{source} ({name})"),
                (Some(source), None) => source.to_string(),
                (None, _) => "the run".to_owned(),
            };
            self.add(cause, || (title, format!("{}, at {} s", visible(&what), told.t)));
        }
        if let Event::SpawnExited { source, .. }
        | Event::FetchFinished { source, .. }
        | Event::FetchFailed { source, .. } = *event
        {
            self.running.remove(&source);
        }
    }

    fn start(&mut self, source: Source, name: &str, entry: Option<EntryName<'_>>, named: Option<Cause>) {
        let timeline = &self.scenario.timeline;
        let entry = entry.and_then(|name| match name {
            EntryName::Number(number) => number.checked_sub(1),
            EntryName::Id(id) => timeline.iter().position(|entry| entry.id.as_deref() == Some(id)),
        });
        let cause = entry.map(Cause::Entry).or(named).unwrap_or(Cause::Run);
        self.running.insert(source, (name.to_owned(), cause));
    }

    fn expected(&mut self, expected: &Expected) {
        if !expected.ok {
            let index = self.scenario.expect.iter().position(|other| other.name == expected.name);
            let cause = index.map_or(Cause::Run, Cause::Expectation);
            self.add(cause, || (MISSED.to_owned(), missed(expected)));
        }
    }

    fn add(&mut self, cause: Cause, told: impl FnOnce() -> (String, String)) {
        let fault = self.faults.entry(cause).or_insert_with(|| {
            let (title, first) = told();
            Fault { title, first, count: 0 }
        });
        fault.count += 1;
    }

    /// What there is to be told, one for each cause.
    #[must_use]
    pub fn all(&self) -> Vec<Annotation> {
        let annotation = |(cause, fault): (&Cause, &Fault)| {
            let more = match fault.count {
                1 => String::new(),
                count => format!("\nand {} more of it", count - 1),
            };
            Annotation {
                severity: Severity::Error,
                place: Some(self.place(*cause)),
                title: fault.title.clone(),
                message: format!("{}{more}", fault.first),
            }
        };
        self.faults.iter().map(annotation).collect()
    }

    fn place(&self, cause: Cause) -> Place {
        let Scenario { expect, timeline, presets, fetches, .. } = &*self.scenario;
        let place = match cause {
            Cause::Expectation(index) => expect.get(index).map(|one| one.place),
            Cause::Entry(index) => timeline.get(index).map(|one| one.place),
            Cause::Preset(index) => presets.get(index).map(|one| one.place),
            Cause::Fetch(index) => fetches.get(index).map(|one| one.place),
            Cause::Run => None,
        };
        place.unwrap_or_default()
    }
}

const MISSED: &str = "expectation missed";

fn missed(expected: &Expected) -> String {
    let mut said = String::new();
    push_expected(&mut said, expected);
    said
}

/// What was missed of these expectations.
pub fn of_expected<'a>(
    expectations: &'a [Expectation],
    came: &'a [Expected],
) -> impl Iterator<Item = Annotation> + 'a {
    came.iter().filter(|expected| !expected.ok).map(|expected| Annotation {
        severity: Severity::Error,
        place: expectations.iter().find(|one| one.name == expected.name).map(|one| one.place),
        title: MISSED.to_owned(),
        message: missed(expected),
    })
}
