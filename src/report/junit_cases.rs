//! A run as test cases, for CI: one for the run as a whole, one for each expectation, one for each entry that
//! was skipped, one for each spawn, and one for each fetch that an entry of the timeline or a typed line asked
//! for.
//!
//! # How it works
//!
//! A preset is a suite, and so is a job. A case has the name of the entry that asked for it, so that its
//! name is the same in every run: `wave`, `wave (2)`, and so on for the spawns of the entry `wave`; the
//! 51st and all later ones share a case. All requests of a job that one entry asked for are one case. So
//! the report of a million spawns can be read, and takes memory that does not grow with their number.

use std::collections::BTreeMap;
use std::io;

use crate::report::feed::{EventConsumer, LogEvent};
use crate::report::junit_xml;
use crate::report::junit_xml::{TestCase, TestMessage, TestStatus};
use crate::report::kept_budgets::KeptBudgets;
use crate::report::metrics::faults::{last_lines, logged_fault, readable_reason};
use crate::report::metrics::recoveries::Recoveries;
use crate::report::origins::{OriginKind, SourceOrigin};
use scenario_log::event::{EntryName, Event, RunOutcome, RunSummary, Source};
use scenario_log::sanitize::sanitize;
use scenario_log::time::{Moment, Span};

/// How many spawns of one entry have a case of their own.
const MAX_OWN_CASES: usize = 50;

/// How many faults of a case are listed.
const MAX_FAULTS: usize = 20;

/// How many skipped entries have a case.
const MAX_SKIPPED: usize = 1_000;

/// The name of the case of the run as a whole, and of the cases of what was typed.
const RUN_CASE: &str = "run";
const TYPED_CASES: &str = "typed";

/// The name of a case that the scenario names, where a case of another kind beside it has the name `own`:
/// the kind stands before the name then. This depends on nothing else, so the names are the same in every
/// run.
pub(crate) fn distinct_from(own: &str, kind: &str, name: &str) -> String {
    if name == own { format!("{kind} {name}") } else { name.to_owned() }
}

/// A suite, in the order of the report.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum CaseSuite {
    Preset(String),
    Fetch(String),
    /// Spawns that could not start, in a log of an older release: it does not say of which preset.
    Unstarted,
}

/// The origin of a spawn or a fetch, in the order of the report.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum CaseOrigin {
    Number(usize),
    Id(String),
    Typed,
    /// The log does not say.
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
            CaseOrigin::Id(id) => distinct_from(TYPED_CASES, "entry", id),
            CaseOrigin::Typed => TYPED_CASES.to_owned(),
            CaseOrigin::Unknown(source) => source.to_string(),
        }
    }
}

#[derive(Clone, Debug)]
struct CaseKey {
    suite: CaseSuite,
    origin: CaseOrigin,
    /// Which case of this origin, counted from 0.
    index: usize,
}

impl CaseKey {
    fn from_origin(source: &SourceOrigin) -> CaseKey {
        let name = source.group.name.clone();
        let nth = usize::try_from(source.nth - 1).unwrap_or(usize::MAX);
        let (suite, index) = match source.group.kind {
            OriginKind::Preset => (CaseSuite::Preset(name), nth.min(MAX_OWN_CASES)),
            OriginKind::Job => (CaseSuite::Fetch(name), 0),
        };
        CaseKey { suite, origin: CaseOrigin::from_entry(source.group.entry_name()), index }
    }

    fn unstarted(source: Source) -> CaseKey {
        CaseKey { suite: CaseSuite::Unstarted, origin: CaseOrigin::Unknown(source), index: 0 }
    }
}

/// The sources of one case.
#[derive(Clone, Debug)]
struct CaseRecord {
    count: u64,
    ended: u64,
    /// How many of them had a fault, and the first faults.
    faulty: u64,
    faults: Vec<String>,
    /// The last lines of the programs among the first faults, each with its name before it if there are
    /// several.
    output: Vec<(String, Vec<String>)>,
    from: Moment,
    to: Moment,
}

/// The cases of a run.
#[derive(Debug, Default)]
pub struct JunitCases {
    name: Option<String>,
    suites: BTreeMap<CaseSuite, BTreeMap<CaseOrigin, Vec<CaseRecord>>>,
    /// One case for each expectation.
    expectations: Vec<TestCase>,
    /// Faults of the run as a whole.
    faults: Vec<String>,
    /// One case for each entry that was skipped.
    skipped: Vec<TestCase>,
    finished: Option<RunSummary>,
    budgets: KeptBudgets,
    recoveries: Recoveries,
    last_moment: Moment,
}

impl JunitCases {
    /// Takes an event.
    pub fn on_event(&mut self, logged: &LogEvent<'_, '_>) {
        self.last_moment = logged.t;
        self.budgets.on_event(logged);
        self.recoveries.on_event(logged);
        let Some(event) = logged.event else { return };
        let key = logged.origin.map(CaseKey::from_origin);
        match *event {
            Event::RunStarted { name, .. } => self.name = Some(name.to_owned()),
            Event::SpawnStarted { .. } | Event::FetchStarted { .. } => {
                if let Some(key) = key {
                    self.start(key, logged.t);
                }
            }
            Event::SpawnFailed { source, .. } if logged.origin.is_none_or(|origin| !origin.has_started) => {
                let key = key.unwrap_or_else(|| CaseKey::unstarted(source));
                self.start(key.clone(), logged.t);
                self.record_fault(logged, event, Some(&key));
                self.end(&key, logged.t);
            }
            Event::SpawnExited { .. } | Event::FetchFinished { .. } | Event::FetchFailed { .. } => {
                self.record_fault(logged, event, key.as_ref());
                if let Some(key) = key {
                    self.end(&key, logged.t);
                }
            }
            Event::SpawnFailed { .. }
            | Event::Sent { .. }
            | Event::Signalled { .. }
            | Event::Stopping { .. } => {
                self.record_fault(logged, event, key.as_ref());
            }
            Event::Expect(expected) => {
                let name = distinct_from(RUN_CASE, "expectation", &expected.title());
                self.expectations.push(TestCase::from_expectation(name, None, expected));
            }
            Event::EntrySkipped { entry, reason } => {
                if self.skipped.len() < MAX_SKIPPED {
                    let name = CaseOrigin::from_entry(Some(entry)).name();
                    self.skipped.push(TestCase::new(name, None, TestStatus::Skipped(reason.to_owned())));
                }
            }
            Event::RunFinished(summary) => self.finished = Some(summary.clone()),
            Event::ClockTick { .. }
            | Event::SpawnReady { .. }
            | Event::SpawnUnhealthy { .. }
            | Event::StopFailed { .. }
            | Event::SpawnRestarted { .. }
            | Event::SpawnSuspended { .. }
            | Event::SpawnResumed { .. }
            | Event::SpawnSampled { .. }
            | Event::StepEnded { .. }
            | Event::PlayerEnded { .. }
            | Event::Move { .. }
            | Event::Step { .. }
            | Event::Lines { .. }
            | Event::UnfinishedText { .. }
            | Event::LineMatched { .. }
            | Event::FetchResponded { .. }
            | Event::FetchLine { .. }
            | Event::TypedInput { .. }
            | Event::Mark { .. }
            | Event::EntryRetried { .. }
            | Event::RunPaused
            | Event::RunResumed { .. }
            | Event::PlayerJoined { .. }
            | Event::PlayerLeft { .. }
            | Event::WorldState { .. }
            | Event::LinkOpened { .. }
            | Event::LinkClosed { .. }
            | Event::LinkChanged { .. }
            | Event::Deadlock { .. } => {}
        }
    }

    fn start(&mut self, CaseKey { suite, origin, index }: CaseKey, t: Moment) {
        let records = self.suites.entry(suite).or_default().entry(origin).or_default();
        if index == records.len() {
            let (faults, output) = (Vec::new(), Vec::new());
            records.push(CaseRecord { count: 0, ended: 0, faulty: 0, faults, output, from: t, to: t });
        }
        if let Some(record) = records.get_mut(index) {
            record.count += 1;
        }
    }

    fn record(&mut self, key: &CaseKey) -> Option<&mut CaseRecord> {
        self.suites.get_mut(&key.suite)?.get_mut(&key.origin)?.get_mut(key.index)
    }

    fn end(&mut self, key: &CaseKey, t: Moment) {
        if let Some(record) = self.record(key) {
            record.ended += 1;
            record.to = t;
        }
    }

    /// Notes an event if something went wrong.
    fn record_fault(&mut self, logged: &LogEvent<'_, '_>, event: &Event<'_>, key: Option<&CaseKey>) {
        let Some((source, what)) = logged_fault(event, logged.origin) else { return };
        let of = source.map(|source| format!("{source} ")).unwrap_or_default();
        let message = sanitize(&format!("line {} of the log, at {} s: {of}{what}", logged.line, logged.t));
        let faults = match key.and_then(|key| self.record(key)) {
            Some(record) => {
                record.faulty += 1;
                let lines = last_lines(event, logged.origin);
                if !lines.is_empty() && record.faults.len() < MAX_FAULTS {
                    record.output.push((of.trim_end().to_owned(), lines));
                }
                &mut record.faults
            }
            None => &mut self.faults,
        };
        if faults.len() < MAX_FAULTS {
            faults.push(message);
        }
    }

    /// The JUnit report. Cases that have not ended say so. `fault` is why the run could not go on, if its
    /// log cannot say it.
    ///
    /// # Errors
    /// If the XML writer refuses.
    pub fn render_junit(&self, fault: Option<&str>) -> io::Result<String> {
        junit_xml::render_xml(self.name(), self.suites("", fault))
    }

    /// The suites of the report, for a report of several runs: the names of suites and classes begin with
    /// `of`.
    #[must_use]
    pub fn suites(&self, of: &str, fault: Option<&str>) -> Vec<(String, Vec<TestCase>)> {
        let run = ("run", vec![self.run_case(of, fault)]);
        let class =
            |case: &TestCase| TestCase { class: Some(format!("{of}{}", self.name())), ..case.clone() };
        let expected: Vec<_> = self.expectations.iter().map(class).collect();
        let expected = (!expected.is_empty()).then_some(("expected", expected));
        let skipped: Vec<_> = self.skipped.iter().map(class).collect();
        let skipped = (!skipped.is_empty()).then_some(("skipped", skipped));
        let asked = self.suites.iter().map(|(suite, asked)| {
            let what = match suite {
                CaseSuite::Preset(preset) => format!("preset {preset}"),
                CaseSuite::Fetch(job) => format!("fetch {job}"),
                CaseSuite::Unstarted => "not started".to_owned(),
            };
            let class = format!("{of}{}: {what}", self.name());
            let is_covered = matches!(suite, CaseSuite::Fetch(job) if self.budgets.covers(job));
            let cases = asked.iter().flat_map(|asked| to_test_cases(asked, &class, is_covered));
            (format!("{of}{what}"), cases.collect())
        });
        let all = [Some(run), expected, skipped].into_iter().flatten();
        all.map(|(suite, cases)| (format!("{of}{suite}"), cases)).chain(asked).collect()
    }

    fn name(&self) -> &str {
        self.name.as_deref().unwrap_or("scenario")
    }

    /// The case of the run as a whole.
    fn run_case(&self, of: &str, fault: Option<&str>) -> TestCase {
        let more = (!self.faults.is_empty()).then(|| self.faults.join("\n"));
        let words = |kind, message: &str| TestMessage {
            kind,
            message: readable_reason(message),
            details: more.clone(),
        };
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
        let back = self.recoveries.lines();
        let error_output = (!back.is_empty()).then(|| back.join("\n"));
        TestCase { took: Some(took), error_output, ..TestCase::new(RUN_CASE.to_owned(), class, status) }
    }
}

/// The cases of what one entry asked for. Faults that are `covered` fail none of them.
fn to_test_cases<'a>(
    (asked, record): (&'a CaseOrigin, &'a Vec<CaseRecord>),
    class: &'a str,
    is_covered: bool,
) -> impl Iterator<Item = TestCase> {
    record.iter().enumerate().map(move |(index, record)| {
        let name = asked.name();
        let case = match index {
            0 => name,
            MAX_OWN_CASES => format!("{name} ({} and later)", MAX_OWN_CASES + 1),
            index => format!("{name} ({})", index + 1),
        };
        record.to_test_case(case, class, is_covered)
    })
}

impl CaseRecord {
    fn to_test_case(&self, name: String, class: &str, is_covered: bool) -> TestCase {
        let CaseRecord { count, ended, faulty: wrong, faults, output: _, from, to } = self;
        let is_covered = is_covered && *wrong > 0;
        let status = match faults.first().filter(|_| !is_covered) {
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
        let why = if is_covered { ", which `may_fail` allows" } else { "" };
        let output = (*count > 1 || is_covered).then(|| {
            let first = faults.first().filter(|_| is_covered).map(|first| format!("; the first: {first}"));
            format!("{count} in all, {wrong} not as expected{why}{}", first.unwrap_or_default())
        });
        let (took, error_output) = (Some(to.since(*from)), self.error_output());
        TestCase { took, output, error_output, ..TestCase::new(name, Some(class.to_owned()), status) }
    }

    /// The last lines of the programs that failed, with the name of each before its own if there are several
    /// in the case.
    fn error_output(&self) -> Option<String> {
        let is_named = self.count > 1;
        let lines = self.output.iter().flat_map(|(source, lines)| {
            let head = is_named.then(|| format!("{source} wrote last:"));
            head.into_iter().chain(lines.iter().cloned())
        });
        (!self.output.is_empty()).then(|| lines.collect::<Vec<_>>().join("\n"))
    }
}

impl EventConsumer for JunitCases {
    fn consume(&mut self, logged: &LogEvent<'_, '_>, _bytes: &[u8]) -> io::Result<()> {
        self.on_event(logged);
        Ok(())
    }
}
