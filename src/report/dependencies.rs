//! Which entry of the timeline waits for which moments, and where these moments were: the arrows of a trace
//! and of the page are drawn from this.
//!
//! An entry that waits for several moments has one arrow, from the moment that decided: the last of `all`, the
//! first of `any`.

use std::collections::BTreeMap;

use regex::bytes::Regex;

use crate::report::logged_scenario::load_logged_scenario;
use scenario_core::scenario::model::{EntryTrigger, Scenario};
use scenario_log::event::SpawnExit;

/// A condition that an entry waits for.
#[derive(Debug)]
struct DependencyCondition<P> {
    /// The name of the entry that has the moment.
    entry: String,
    /// The regular expression of a line.
    regex: Option<Regex>,
    /// Where the line or the exit was.
    seen: Option<OrderedPoint<P>>,
}

/// The entry's trigger, and its conditions in file order.
#[derive(Debug)]
struct EntryDependency<P> {
    trigger: EntryTrigger,
    conditions: Vec<DependencyCondition<P>>,
}

/// A point, and how many points came before it.
#[derive(Clone, Copy, Debug)]
struct OrderedPoint<P> {
    order: u64,
    at: P,
}

/// A moment that an entry waited for, and that came.
#[derive(Debug)]
pub(super) struct AwaitedMoment<P> {
    /// Where it was.
    pub(super) at: P,
    /// The word of `after` for it; `line` for a line, `exit` for an exit, `quiet` for silence.
    pub(super) what: &'static str,
    /// The entry whose moment it is.
    pub(super) entry: String,
}

/// The moments of an entry that others wait for.
#[derive(Debug)]
struct EntryMoments<P> {
    started: Option<OrderedPoint<P>>,
    ready: Option<OrderedPoint<P>>,
    finished: Option<OrderedPoint<P>>,
    /// The last line of its programs.
    last_line: Option<OrderedPoint<P>>,
    has_failed: bool,
}

/// The dependencies by entry. A moment is kept as a point `P`, which says where an arrow begins.
#[derive(Debug)]
pub(super) struct EntryDependencies<P> {
    dependencies: BTreeMap<String, EntryDependency<P>>,
    moments: BTreeMap<String, EntryMoments<P>>,
    /// The number of points so far.
    points: u64,
}

impl<P> Default for EntryDependencies<P> {
    fn default() -> EntryDependencies<P> {
        EntryDependencies { dependencies: BTreeMap::new(), moments: BTreeMap::new(), points: 0 }
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
            let condition = |condition: &EntryTrigger| {
                let awaited = condition.awaited_entry()?;
                let entry = scenario.timeline[awaited].event_name(awaited).to_string();
                let regex = match condition {
                    EntryTrigger::Line { regex, .. } => Some(Regex::new(regex).ok()?),
                    _ => None,
                };
                Some(DependencyCondition { entry, regex, seen: None })
            };
            let conditions: Option<Vec<_>> = trigger.conditions().into_iter().map(condition).collect();
            let Some(conditions) = conditions else { continue };
            for DependencyCondition { entry, .. } in &conditions {
                let moments = EntryMoments {
                    started: None,
                    ready: None,
                    finished: None,
                    last_line: None,
                    has_failed: false,
                };
                known.moments.entry(entry.clone()).or_insert(moments);
            }
            let dependency = EntryDependency { trigger: trigger.clone(), conditions };
            known.dependencies.insert(entry.event_name(index).to_string(), dependency);
        }
        known
    }

    /// The moments of an entry, if others wait for them, and a point that comes now.
    fn moments_of(&mut self, entry: &str, at: P) -> Option<(&mut EntryMoments<P>, OrderedPoint<P>)> {
        let moments = self.moments.get_mut(entry)?;
        self.points += 1;
        Some((moments, OrderedPoint { order: self.points, at }))
    }

    pub(super) fn note_started(&mut self, entry: &str, at: P) {
        if let Some((moments, point)) = self.moments_of(entry, at) {
            moments.started.get_or_insert(point);
        }
    }

    pub(super) fn note_ready(&mut self, entry: &str, at: P) {
        if let Some((moments, point)) = self.moments_of(entry, at) {
            moments.ready.get_or_insert(point);
        }
    }

    pub(super) fn note_finished(&mut self, entry: &str, at: P) {
        if let Some((moments, point)) = self.moments_of(entry, at) {
            moments.finished = Some(point);
        }
    }

    /// Notes how the source ended whose end was noted last.
    pub(super) fn note_outcome(&mut self, entry: &str, ok: bool, exit: Option<SpawnExit>) {
        let Some(moments) = self.moments.get_mut(entry) else { return };
        moments.has_failed |= !ok;
        let (Some(point), Some(exit)) = (moments.finished, exit) else { return };
        for EntryDependency { trigger, conditions } in self.dependencies.values_mut() {
            for (condition, of) in trigger.conditions().into_iter().zip(conditions) {
                if let EntryTrigger::Exit { exits, .. } = condition
                    && of.entry == entry
                    && exits.allows(exit)
                {
                    of.seen.get_or_insert(point);
                }
            }
        }
    }

    /// Notes a line that something of this entry wrote.
    pub(super) fn note_line(&mut self, entry: &str, at: P, text: &[u8]) {
        let Some((moments, point)) = self.moments_of(entry, at) else { return };
        moments.last_line = Some(point);
        let conditions = self.dependencies.values_mut().flat_map(|dependency| &mut dependency.conditions);
        for condition in conditions.filter(|condition| condition.entry == entry && condition.seen.is_none()) {
            if condition.regex.as_ref().is_some_and(|regex| regex.is_match(text)) {
                condition.seen = Some(point);
            }
        }
    }

    /// The moment that decided when an entry happens, the first time that it is asked for.
    pub(super) fn take_moment(&mut self, entry: &str) -> Option<AwaitedMoment<P>> {
        let EntryDependency { trigger, conditions } = self.dependencies.remove(entry)?;
        let decided = self.decided(&trigger, &mut conditions.iter())?;
        Some(decided.1)
    }

    /// The moment of a trigger, and its place in the order of all.
    fn decided<'c>(
        &self,
        trigger: &EntryTrigger,
        conditions: &mut dyn Iterator<Item = &'c DependencyCondition<P>>,
    ) -> Option<(u64, AwaitedMoment<P>)>
    where
        P: 'c,
    {
        match trigger {
            EntryTrigger::All(parts) => {
                let all: Vec<_> = parts.iter().map(|part| self.decided(part, conditions)).collect();
                all.into_iter().flatten().max_by_key(|(order, _)| *order)
            }
            EntryTrigger::Any(parts) => {
                let all: Vec<_> = parts.iter().map(|part| self.decided(part, conditions)).collect();
                all.into_iter().flatten().min_by_key(|(order, _)| *order)
            }
            _ => self.decided_condition(trigger, conditions.next()?),
        }
    }

    fn decided_condition(
        &self,
        trigger: &EntryTrigger,
        condition: &DependencyCondition<P>,
    ) -> Option<(u64, AwaitedMoment<P>)> {
        let moments = self.moments.get(&condition.entry)?;
        let EntryMoments { started, ready, finished, last_line, has_failed } = moments;
        let (point, what) = match trigger {
            EntryTrigger::Started(_) => (*started, "started"),
            // Without `ready`, a program is ready when it has started.
            EntryTrigger::Ready(_) => (ready.or(*started), "ready"),
            EntryTrigger::Finished(_) => (*finished, "finished"),
            EntryTrigger::Passed(_) => (finished.filter(|_| !has_failed), "passed"),
            EntryTrigger::Failed(_) => (finished.filter(|_| *has_failed), "failed"),
            EntryTrigger::Exit { .. } => (condition.seen, "exit"),
            EntryTrigger::Line { .. } => (condition.seen, "line"),
            EntryTrigger::Quiet { .. } => (last_line.or(*started), "quiet"),
            EntryTrigger::All(_) | EntryTrigger::Any(_) => (None, ""),
        };
        let OrderedPoint { order, at } = point?;
        Some((order, AwaitedMoment { at, what, entry: condition.entry.clone() }))
    }
}
