//! Which entry of the timeline waits for which moment, and where these moments were: the arrows of a trace
//! and of the page are drawn from this.

use std::collections::BTreeMap;

use regex::bytes::Regex;

use crate::report::logged_scenario::load_logged_scenario;
use scenario_core::scenario::model::{EntryTrigger, Scenario};

/// The moment that an entry waits for.
#[derive(Debug)]
enum DependencyMoment<P> {
    Started,
    Ready,
    Finished,
    Line { regex: Regex, seen: Option<P> },
}

#[derive(Debug)]
struct EntryDependency<P> {
    entry: String,
    moment: DependencyMoment<P>,
}

/// A moment that an entry waited for, and that came.
#[derive(Debug)]
pub(super) struct AwaitedMoment<P> {
    /// Where it was.
    pub(super) at: P,
    /// The word of `after` for it; `line` for a line.
    pub(super) what: &'static str,
    /// The entry whose moment it is.
    pub(super) entry: String,
}

/// The moments of an entry that others wait for.
#[derive(Debug)]
struct EntryMoments<P> {
    started: Option<P>,
    ready: Option<P>,
    finished: Option<P>,
}

/// The dependencies by entry. A moment is kept as a point `P`, which says where an arrow begins.
#[derive(Debug)]
pub(super) struct EntryDependencies<P> {
    dependencies: BTreeMap<String, EntryDependency<P>>,
    moments: BTreeMap<String, EntryMoments<P>>,
}

impl<P> Default for EntryDependencies<P> {
    fn default() -> EntryDependencies<P> {
        EntryDependencies { dependencies: BTreeMap::new(), moments: BTreeMap::new() }
    }
}

impl<P: Copy> EntryDependencies<P> {
    /// The dependencies in the scenario of a log's first line; none if it cannot be read.
    pub(super) fn from_logged(scenario: &str) -> EntryDependencies<P> {
        load_logged_scenario(scenario)
            .map_or_else(EntryDependencies::default, |scenario| EntryDependencies::from_scenario(&scenario))
    }

    fn from_scenario(scenario: &Scenario) -> EntryDependencies<P> {
        let mut known = EntryDependencies::default();
        for (index, entry) in scenario.timeline.iter().enumerate() {
            let Some(trigger) = &entry.trigger else { continue };
            let moment = match trigger {
                EntryTrigger::Started(_) => DependencyMoment::Started,
                EntryTrigger::Ready(_) => DependencyMoment::Ready,
                EntryTrigger::Finished(_) => DependencyMoment::Finished,
                EntryTrigger::Line { regex, .. } => match Regex::new(regex) {
                    Ok(regex) => DependencyMoment::Line { regex, seen: None },
                    Err(_) => continue,
                },
            };
            let awaited = trigger.awaited_entry();
            let awaited = scenario.timeline[awaited].event_name(awaited).to_string();
            let moments = EntryMoments { started: None, ready: None, finished: None };
            known.moments.entry(awaited.clone()).or_insert(moments);
            let dependency = EntryDependency { entry: awaited, moment };
            known.dependencies.insert(entry.event_name(index).to_string(), dependency);
        }
        known
    }

    pub(super) fn note_started(&mut self, entry: &str, at: P) {
        if let Some(moments) = self.moments.get_mut(entry) {
            moments.started.get_or_insert(at);
        }
    }

    pub(super) fn note_ready(&mut self, entry: &str, at: P) {
        if let Some(moments) = self.moments.get_mut(entry) {
            moments.ready.get_or_insert(at);
        }
    }

    pub(super) fn note_finished(&mut self, entry: &str, at: P) {
        if let Some(moments) = self.moments.get_mut(entry) {
            moments.finished = Some(at);
        }
    }

    /// Notes a line that something of this entry wrote.
    pub(super) fn note_line(&mut self, entry: &str, at: P, text: &[u8]) {
        if !self.moments.contains_key(entry) {
            return;
        }
        for wait in self.dependencies.values_mut().filter(|wait| wait.entry == entry) {
            if let DependencyMoment::Line { regex, seen: seen @ None } = &mut wait.moment
                && regex.is_match(text)
            {
                *seen = Some(at);
            }
        }
    }

    /// The moment that an entry waited for, the first time that it is asked for.
    pub(super) fn take_moment(&mut self, entry: &str) -> Option<AwaitedMoment<P>> {
        let EntryDependency { entry: of, moment: what } = self.dependencies.remove(entry)?;
        let moments = self.moments.get(&of)?;
        let (at, what) = match what {
            DependencyMoment::Started => (moments.started, "started"),
            // Without `ready`, a program is ready when it has started.
            DependencyMoment::Ready => (moments.ready.or(moments.started), "ready"),
            DependencyMoment::Finished => (moments.finished, "finished"),
            DependencyMoment::Line { seen, .. } => (seen, "line"),
        };
        at.map(|at| AwaitedMoment { at, what, entry: of })
    }
}
