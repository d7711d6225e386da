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

use crate::report::feed::{Hear, Told};
use crate::report::junit;
use crate::report::junit::{Case, Status, Words};
use crate::report::metrics::wrong::fault;
use scenario_log::event::{EntryName, Event, Outcome, Source, Summary};
use scenario_log::sanitize::visible;
use scenario_log::time::{Moment, Span};

/// How many spawns of one entry have a case of their own.
const OWN: usize = 50;

/// How many faults of a case are told.
const FAULTS: usize = 20;

/// A suite, in the order of the report.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Suite {
    Preset(String),
    Fetch(String),
    /// What could not start.
    Unstarted,
}

/// What asked for a spawn or a fetch, in the order of the report.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    Number(usize),
    Id(String),
    Typed,
    /// Nobody knows.
    Itself(Source),
}

impl Asked {
    fn by(entry: Option<EntryName<'_>>) -> Asked {
        match entry {
            Some(EntryName::Number(n)) => Asked::Number(n),
            Some(EntryName::Id(id)) => Asked::Id(id.to_owned()),
            None => Asked::Typed,
        }
    }

    fn name(&self) -> String {
        match self {
            Asked::Number(n) => format!("#{n}"),
            Asked::Id(id) => id.clone(),
            Asked::Typed => "typed".to_owned(),
            Asked::Itself(source) => source.to_string(),
        }
    }
}

/// What becomes a case.
#[derive(Clone, Debug)]
struct Gathered {
    count: u64,
    ended: u64,
    /// How many of them had a fault, and the first faults.
    wrong: u64,
    faults: Vec<String>,
    from: Moment,
    to: Moment,
}

/// The cases of a run.
#[derive(Debug, Default)]
pub struct Cases {
    name: Option<String>,
    suites: BTreeMap<Suite, BTreeMap<Asked, Vec<Gathered>>>,
    /// How many have started of each.
    asked: BTreeMap<(Suite, Asked), usize>,
    running: HashMap<Source, (Suite, Asked, usize)>,
    /// What was expected of the run, a case each.
    expected: Vec<Case>,
    /// Faults of the run as a whole.
    faults: Vec<String>,
    finished: Option<Summary>,
    reached: Moment,
}

impl Cases {
    /// Takes an event.
    pub fn take(&mut self, told: &Told<'_, '_>) {
        self.reached = told.t;
        let Some(event) = told.event else { return };
        match *event {
            Event::RunStarted { name, .. } => self.name = Some(name.to_owned()),
            Event::SpawnStarted { source, preset, entry, .. } => {
                self.start(source, Suite::Preset(preset.to_owned()), Asked::by(entry), told.t);
            }
            Event::FetchStarted { source, job, entry, .. } => {
                self.start(source, Suite::Fetch(job.to_owned()), Asked::by(entry), told.t);
            }
            Event::SpawnFailed { source, .. } if !self.running.contains_key(&source) => {
                self.start(source, Suite::Unstarted, Asked::Itself(source), told.t);
                self.wrong(told, event);
                self.end(source, told.t);
            }
            Event::SpawnExited { source, .. }
            | Event::FetchFinished { source, .. }
            | Event::FetchFailed { source, .. } => {
                self.wrong(told, event);
                self.end(source, told.t);
            }
            Event::SpawnFailed { .. } | Event::Sent { .. } | Event::Stopping { .. } => {
                self.wrong(told, event)
            }
            Event::Expect(expected) => {
                self.expected.push(Case::of_expected(expected.name.clone(), None, expected));
            }
            Event::RunFinished(summary) => self.finished = Some(summary.clone()),
            _ => {}
        }
    }

    fn start(&mut self, source: Source, suite: Suite, asked: Asked, t: Moment) {
        let is_spawn = matches!(source, Source::Spawn(_));
        let nth = self.asked.entry((suite.clone(), asked.clone())).or_default();
        let index = if is_spawn { (*nth).min(OWN) } else { 0 };
        *nth += 1;
        let gathered = self.suites.entry(suite.clone()).or_default().entry(asked.clone()).or_default();
        if index == gathered.len() {
            gathered.push(Gathered { count: 0, ended: 0, wrong: 0, faults: Vec::new(), from: t, to: t });
        }
        if let Some(gathered) = gathered.get_mut(index) {
            gathered.count += 1;
        }
        self.running.insert(source, (suite, asked, index));
    }

    fn gathered(&mut self, source: Source) -> Option<&mut Gathered> {
        let (suite, asked, index) = self.running.get(&source)?;
        self.suites.get_mut(suite)?.get_mut(asked)?.get_mut(*index)
    }

    fn end(&mut self, source: Source, t: Moment) {
        if let Some(gathered) = self.gathered(source) {
            gathered.ended += 1;
            gathered.to = t;
        }
        self.running.remove(&source);
    }

    /// Notes what an event says went wrong.
    fn wrong(&mut self, told: &Told<'_, '_>, event: &Event<'_>) {
        let Some((source, what)) = fault(event) else { return };
        let of = source.map(|source| format!("{source} ")).unwrap_or_default();
        let said = visible(&format!("line {} of the log, at {} s: {of}{what}", told.line, told.t));
        let faults = match source.and_then(|source| self.gathered(source)) {
            Some(gathered) => {
                gathered.wrong += 1;
                &mut gathered.faults
            }
            None => &mut self.faults,
        };
        if faults.len() < FAULTS {
            faults.push(said);
        }
    }

    /// The JUnit report. What has not ended is told as such. `fault` is why the run could not go on, where
    /// its log could not say so.
    ///
    /// # Errors
    /// In words, why it cannot be made.
    pub fn junit(&self, fault: Option<&str>) -> Result<String, String> {
        junit::xml(self.name(), self.suites("", fault))
    }

    /// The suites of the report, whose names, and those of their classes, begin with `of`: for a report
    /// of several runs.
    #[must_use]
    pub fn suites(&self, of: &str, fault: Option<&str>) -> Vec<(String, Vec<Case>)> {
        let run = ("run", vec![self.run(of, fault)]);
        let class = |case: &Case| Case { class: Some(format!("{of}{}", self.name())), ..case.clone() };
        let expected: Vec<_> = self.expected.iter().map(class).collect();
        let expected = (!expected.is_empty()).then_some(("expected", expected));
        let asked = self.suites.iter().map(|(suite, asked)| {
            let what = match suite {
                Suite::Preset(preset) => format!("preset {preset}"),
                Suite::Fetch(job) => format!("fetch {job}"),
                Suite::Unstarted => "not started".to_owned(),
            };
            let class = format!("{of}{}: {what}", self.name());
            (format!("{of}{what}"), asked.iter().flat_map(|asked| cases(asked, &class)).collect())
        });
        let all = [Some(run), expected].into_iter().flatten();
        all.map(|(suite, cases)| (format!("{of}{suite}"), cases)).chain(asked).collect()
    }

    fn name(&self) -> &str {
        self.name.as_deref().unwrap_or("scenario")
    }

    /// The run as a whole.
    fn run(&self, of: &str, fault: Option<&str>) -> Case {
        let more = (!self.faults.is_empty()).then(|| self.faults.join("\n"));
        let words = |kind, message: &str| Words { kind, message: message.to_owned(), more: more.clone() };
        let status = match &self.finished {
            _ if fault.is_some() => Status::Broken(words("refused", fault.unwrap_or_default())),
            Some(Summary { outcome: Outcome::Passed, .. }) => Status::Passed,
            Some(Summary { outcome: Outcome::Failed, reason, .. }) => {
                Status::Failed(words("failed", reason.as_deref().unwrap_or("it failed")))
            }
            Some(Summary { outcome: Outcome::Interrupted, reason, .. }) => {
                Status::Broken(words("interrupted", reason.as_deref().unwrap_or("it was interrupted")))
            }
            None => Status::Broken(words("cut short", "the log ends before the run did")),
        };
        let took = self.finished.as_ref().map_or(Span(self.reached.0), |summary| summary.took);
        let class = Some(format!("{of}{}", self.name()));
        Case { name: "run".to_owned(), class, status, took: Some(took), output: None }
    }
}

/// The cases of what one entry asked for.
fn cases<'a>(
    (asked, gathered): (&'a Asked, &'a Vec<Gathered>),
    class: &'a str,
) -> impl Iterator<Item = Case> {
    gathered.iter().enumerate().map(move |(index, gathered)| {
        let name = asked.name();
        let case = match index {
            0 => name,
            OWN => format!("{name} ({} and later)", OWN + 1),
            index => format!("{name} ({})", index + 1),
        };
        gathered.case(case, class)
    })
}

impl Gathered {
    fn case(&self, name: String, class: &str) -> Case {
        let Gathered { count, ended, wrong, faults, from, to } = self;
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
                Status::Failed(Words { kind: "unexpected", message, more })
            }
            None if ended < count => Status::Skipped("the log ends before it did".to_owned()),
            None => Status::Passed,
        };
        let output = (*count > 1).then(|| format!("{count} in all, {wrong} not as expected"));
        Case { name, class: Some(class.to_owned()), status, took: Some(to.since(*from)), output }
    }
}

impl Hear for Cases {
    fn hear(&mut self, told: &Told<'_, '_>, _bytes: &[u8]) -> io::Result<()> {
        self.take(told);
        Ok(())
    }
}
