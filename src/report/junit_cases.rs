//! A run as test cases, for CI: one for the run as a whole, one for each expectation, one for
//! each spawn, one for each fetch that an entry of the timeline, or a typed line, asked for.
//!
//! # How it works
//!
//! A preset is a suite, and so is a job. Cases are named after what asked for them, so that they have
//! the same names in every run: `wave`, `wave (2)`, … for the spawns of the entry `wave`, of which the
//! 51st and all later ones share a case. All requests of a job that one entry asked for are one case.
//! So a run of a million spawns has a report that can be read, in memory that does not grow with it.

use std::collections::{BTreeMap, HashMap};
use std::io;

use crate::report::feed::{EventConsumer, LogEvent};
use crate::report::junit_xml;
use crate::report::junit_xml::{TestCase, TestMessage, TestStatus};
use crate::report::metrics::faults::event_fault;
use scenario_log::event::{EntryName, Event, RunOutcome, RunSummary, Source};
use scenario_log::sanitize::sanitize;
use scenario_log::time::{Moment, Span};

/// How many spawns of one entry have a case of their own.
const MAX_OWN_CASES: usize = 50;

/// How many faults of a case are told.
const MAX_FAULTS: usize = 20;

/// A suite, in the order of the report.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum CaseSuite {
    Preset(String),
    Fetch(String),
    /// What could not start.
    Unstarted,
}

/// What asked for a spawn or a fetch, in the order of the report.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum CaseOrigin {
    Number(usize),
    Id(String),
    Typed,
    /// Nobody knows.
    Unknown(Source),
}

impl CaseOrigin {
    fn from_entry(entry: Option<EntryName<'_>>) -> CaseOrigin {
        match entry {
            Some(EntryName::Number(n)) => CaseOrigin::Number(n),
            Some(EntryName::Id(id)) => CaseOrigin::Id(id.to_owned()),
            None => CaseOrigin::Typed,
        }
    }

    fn name(&self) -> String {
        match self {
            CaseOrigin::Number(n) => format!("#{n}"),
            CaseOrigin::Id(id) => id.clone(),
            CaseOrigin::Typed => "typed".to_owned(),
            CaseOrigin::Unknown(source) => source.to_string(),
        }
    }
}

/// What becomes a case.
#[derive(Clone, Debug)]
struct CaseRecord {
    count: u64,
    ended: u64,
    /// How many of them had a fault, and the first faults.
    faulty: u64,
    faults: Vec<String>,
    from: Moment,
    to: Moment,
}

/// The cases of a run.
#[derive(Debug, Default)]
pub struct JunitCases {
    name: Option<String>,
    suites: BTreeMap<CaseSuite, BTreeMap<CaseOrigin, Vec<CaseRecord>>>,
    /// How many have started of each.
    started_counts: BTreeMap<(CaseSuite, CaseOrigin), usize>,
    running: HashMap<Source, (CaseSuite, CaseOrigin, usize)>,
    /// What was expected of the run, a case each.
    expectations: Vec<TestCase>,
    /// Faults of the run as a whole.
    faults: Vec<String>,
    finished: Option<RunSummary>,
    last_moment: Moment,
}

impl JunitCases {
    /// Takes an event.
    pub fn on_event(&mut self, told: &LogEvent<'_, '_>) {
        self.last_moment = told.t;
        let Some(event) = told.event else { return };
        match *event {
            Event::RunStarted { name, .. } => self.name = Some(name.to_owned()),
            Event::SpawnStarted { source, preset, entry, .. } => {
                self.start(
                    source,
                    CaseSuite::Preset(preset.to_owned()),
                    CaseOrigin::from_entry(entry),
                    told.t,
                );
            }
            Event::FetchStarted { source, job, entry, .. } => {
                self.start(source, CaseSuite::Fetch(job.to_owned()), CaseOrigin::from_entry(entry), told.t);
            }
            Event::SpawnFailed { source, .. } if !self.running.contains_key(&source) => {
                self.start(source, CaseSuite::Unstarted, CaseOrigin::Unknown(source), told.t);
                self.record_fault(told, event);
                self.end(source, told.t);
            }
            Event::SpawnExited { source, .. }
            | Event::FetchFinished { source, .. }
            | Event::FetchFailed { source, .. } => {
                self.record_fault(told, event);
                self.end(source, told.t);
            }
            Event::SpawnFailed { .. } | Event::Sent { .. } | Event::Stopping { .. } => {
                self.record_fault(told, event)
            }
            Event::Expect(expected) => {
                self.expectations.push(TestCase::from_expectation(expected.name.clone(), None, expected));
            }
            Event::RunFinished(summary) => self.finished = Some(summary.clone()),
            _ => {}
        }
    }

    fn start(&mut self, source: Source, suite: CaseSuite, asked: CaseOrigin, t: Moment) {
        let is_spawn = matches!(source, Source::Spawn(_));
        let nth = self.started_counts.entry((suite.clone(), asked.clone())).or_default();
        let index = if is_spawn { (*nth).min(MAX_OWN_CASES) } else { 0 };
        *nth += 1;
        let gathered = self.suites.entry(suite.clone()).or_default().entry(asked.clone()).or_default();
        if index == gathered.len() {
            gathered.push(CaseRecord { count: 0, ended: 0, faulty: 0, faults: Vec::new(), from: t, to: t });
        }
        if let Some(gathered) = gathered.get_mut(index) {
            gathered.count += 1;
        }
        self.running.insert(source, (suite, asked, index));
    }

    fn running_record(&mut self, source: Source) -> Option<&mut CaseRecord> {
        let (suite, asked, index) = self.running.get(&source)?;
        self.suites.get_mut(suite)?.get_mut(asked)?.get_mut(*index)
    }

    fn end(&mut self, source: Source, t: Moment) {
        if let Some(gathered) = self.running_record(source) {
            gathered.ended += 1;
            gathered.to = t;
        }
        self.running.remove(&source);
    }

    /// Notes what an event says went wrong.
    fn record_fault(&mut self, told: &LogEvent<'_, '_>, event: &Event<'_>) {
        let Some((source, what)) = event_fault(event) else { return };
        let of = source.map(|source| format!("{source} ")).unwrap_or_default();
        let said = sanitize(&format!("line {} of the log, at {} s: {of}{what}", told.line, told.t));
        let faults = match source.and_then(|source| self.running_record(source)) {
            Some(gathered) => {
                gathered.faulty += 1;
                &mut gathered.faults
            }
            None => &mut self.faults,
        };
        if faults.len() < MAX_FAULTS {
            faults.push(said);
        }
    }

    /// The JUnit report. What has not ended is told as such. `fault` is why the run could not go on, where
    /// its log could not say so.
    ///
    /// # Errors
    /// In words, why it cannot be made.
    pub fn render_junit(&self, fault: Option<&str>) -> Result<String, String> {
        junit_xml::render_xml(self.name(), self.suites("", fault))
    }

    /// The suites of the report, whose names, and those of their classes, begin with `of`: for a report
    /// of several runs.
    #[must_use]
    pub fn suites(&self, of: &str, fault: Option<&str>) -> Vec<(String, Vec<TestCase>)> {
        let run = ("run", vec![self.run_case(of, fault)]);
        let class =
            |case: &TestCase| TestCase { class: Some(format!("{of}{}", self.name())), ..case.clone() };
        let expected: Vec<_> = self.expectations.iter().map(class).collect();
        let expected = (!expected.is_empty()).then_some(("expected", expected));
        let asked = self.suites.iter().map(|(suite, asked)| {
            let what = match suite {
                CaseSuite::Preset(preset) => format!("preset {preset}"),
                CaseSuite::Fetch(job) => format!("fetch {job}"),
                CaseSuite::Unstarted => "not started".to_owned(),
            };
            let class = format!("{of}{}: {what}", self.name());
            (format!("{of}{what}"), asked.iter().flat_map(|asked| to_test_cases(asked, &class)).collect())
        });
        let all = [Some(run), expected].into_iter().flatten();
        all.map(|(suite, cases)| (format!("{of}{suite}"), cases)).chain(asked).collect()
    }

    fn name(&self) -> &str {
        self.name.as_deref().unwrap_or("scenario")
    }

    /// The run as a whole.
    fn run_case(&self, of: &str, fault: Option<&str>) -> TestCase {
        let more = (!self.faults.is_empty()).then(|| self.faults.join("\n"));
        let words =
            |kind, message: &str| TestMessage { kind, message: message.to_owned(), details: more.clone() };
        let status = match &self.finished {
            _ if fault.is_some() => TestStatus::Error(words("refused", fault.unwrap_or_default())),
            Some(RunSummary { outcome: RunOutcome::Passed, .. }) => TestStatus::Passed,
            Some(RunSummary { outcome: RunOutcome::Failed, reason, .. }) => {
                TestStatus::Failed(words("failed", reason.as_deref().unwrap_or("it failed")))
            }
            Some(RunSummary { outcome: RunOutcome::Interrupted, reason, .. }) => {
                TestStatus::Error(words("interrupted", reason.as_deref().unwrap_or("it was interrupted")))
            }
            None => TestStatus::Error(words("cut short", "the log ends before the run did")),
        };
        let took = self.finished.as_ref().map_or(Span(self.last_moment.0), |summary| summary.took);
        let class = Some(format!("{of}{}", self.name()));
        TestCase { name: "run".to_owned(), class, status, took: Some(took), output: None }
    }
}

/// The cases of what one entry asked for.
fn to_test_cases<'a>(
    (asked, gathered): (&'a CaseOrigin, &'a Vec<CaseRecord>),
    class: &'a str,
) -> impl Iterator<Item = TestCase> {
    gathered.iter().enumerate().map(move |(index, gathered)| {
        let name = asked.name();
        let case = match index {
            0 => name,
            MAX_OWN_CASES => format!("{name} ({} and later)", MAX_OWN_CASES + 1),
            index => format!("{name} ({})", index + 1),
        };
        gathered.to_test_case(case, class)
    })
}

impl CaseRecord {
    fn to_test_case(&self, name: String, class: &str) -> TestCase {
        let CaseRecord { count, ended, faulty: wrong, faults, from, to } = self;
        let status = match faults.first() {
            Some(first) => {
                let message = match count {
                    1 => first.clone(),
                    count => format!("{wrong} of {count} were not as expected; the first: {first}"),
                };
                let hidden = wrong.saturating_sub(faults.len() as u64);
                let hidden = (hidden > 0).then(|| format!("and {hidden} more"));
                let more =
                    (*count > 1).then(|| faults.iter().cloned().chain(hidden).collect::<Vec<_>>().join("\n"));
                TestStatus::Failed(TestMessage { kind: "unexpected", message, details: more })
            }
            None if ended < count => TestStatus::Skipped("the log ends before it did".to_owned()),
            None => TestStatus::Passed,
        };
        let output = (*count > 1).then(|| format!("{count} in all, {wrong} not as expected"));
        TestCase { name, class: Some(class.to_owned()), status, took: Some(to.since(*from)), output }
    }
}

impl EventConsumer for JunitCases {
    fn consume(&mut self, told: &LogEvent<'_, '_>, _bytes: &[u8]) -> io::Result<()> {
        self.on_event(told);
        Ok(())
    }
}
