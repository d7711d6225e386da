//! The programs that ended and came back by the `restart` of their presets: how each ended, with its last lines,
//! and when the program that took its place had started and was ready.

use std::collections::HashMap;

use crate::report::feed::LogEvent;
use crate::report::format::format_span;
use crate::report::origins::SourceOrigin;
use scenario_log::event::{Event, Source};
use scenario_log::sanitize::sanitize;
use scenario_log::time::Moment;

/// How many are kept; the others are counted.
const MAX_KEPT: usize = 10;

/// A program that ended and was to come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// The line of its end in the log, counted from 1.
    pub line: u64,
    /// When it ended.
    pub t: Moment,
    /// The spawn that ended.
    pub source: Source,
    /// How it ended, with its name, without control characters.
    pub message: String,
    /// Its last lines.
    pub output: Vec<String>,
    /// The spawn that took its place, once it has started.
    pub back: Option<Comeback>,
}

/// The spawn that took the place of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comeback {
    /// The spawn.
    pub source: Source,
    /// When it started.
    pub started: Moment,
    /// When it was ready, if its preset says when that is.
    pub ready: Option<Moment>,
}

impl Recovery {
    /// When it came back, in words.
    #[must_use]
    pub fn describe_comeback(&self) -> String {
        let after = |moment: Moment| format_span(moment.since(self.t));
        match self.back {
            None => "it did not come back before the run ended".to_owned(),
            Some(Comeback { source, ready: Some(ready), .. }) => {
                format!("{source} took its place, and was ready after {}", after(ready))
            }
            Some(Comeback { source, started, ready: None }) => {
                format!("{source} took its place, and had started after {}", after(started))
            }
        }
    }
}

/// The first programs of a run that ended and came back.
#[derive(Clone, Debug, Default)]
pub struct Recoveries {
    /// The first, in their order.
    pub first: Vec<Recovery>,
    /// How many there were.
    pub count: u64,
    /// Those that have not come back, and the spawns that take their places: the index of each.
    open: HashMap<Source, usize>,
    /// Why those failed that run and are to be started again.
    failures: HashMap<Source, String>,
}

impl Recoveries {
    /// Takes an event.
    #[expect(clippy::wildcard_enum_match_arm, reason = "these events alone tell of ends and of restarts")]
    pub fn on_event(&mut self, logged: &LogEvent<'_, '_>) {
        let LogEvent { line, t, event: Some(event), origin } = *logged else { return };
        match *event {
            Event::SpawnFailed { source, error, again: Some(true), .. } => {
                self.failures.insert(source, error.to_owned());
            }
            Event::SpawnExited { source, exit, reason, restarts_in, .. } => {
                self.open.remove(&source);
                let failure = self.failures.remove(&source);
                if restarts_in.is_some() {
                    let what = reason.map(str::to_owned).or(failure);
                    let what = what.unwrap_or_else(|| format!("ended with {exit}"));
                    self.add((line, t), source, &what, origin);
                }
            }
            Event::SpawnRestarted { source, replaces } => {
                if let Some(index) = self.open.remove(&replaces) {
                    self.open.insert(source, index);
                }
            }
            Event::SpawnStarted { source, .. } => {
                if let Some(recovery) = self.open.get(&source).and_then(|index| self.first.get_mut(*index)) {
                    recovery.back = Some(Comeback { source, started: t, ready: None });
                }
            }
            Event::SpawnReady { source } => {
                let index = self.open.remove(&source);
                let back = index.and_then(|index| self.first.get_mut(index)?.back.as_mut());
                if let Some(back) = back {
                    back.ready = Some(t);
                }
            }
            _ => {}
        }
    }

    fn add(&mut self, (line, t): (u64, Moment), source: Source, what: &str, origin: Option<&SourceOrigin>) {
        self.count += 1;
        if self.first.len() >= MAX_KEPT {
            return;
        }
        let name = origin.map(|origin| format!(" ({})", origin.group.name)).unwrap_or_default();
        let message = sanitize(&format!("{source}{name} {what}"));
        let output = origin.map_or_else(Vec::new, |origin| origin.output.marked_lines());
        self.open.insert(source, self.first.len());
        self.first.push(Recovery { line, t, source, message, output, back: None });
    }

    /// The lines of all that are kept, for people.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let lines = self.first.iter().flat_map(|recovery| {
            let Recovery { line, t, message, .. } = recovery;
            let head =
                format!("line {line} of the log, at {t} s: {message}; {}", recovery.describe_comeback());
            std::iter::once(head).chain(recovery.output.iter().cloned())
        });
        lines.collect()
    }
}
