//! Which entry of the timeline waits for which moment, and where these moments were: what the arrows
//! of a trace and of a page are drawn from.

use std::collections::BTreeMap;

use regex::bytes::Regex;
use serde_json::Value;

/// What an entry waits for.
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

/// The moments of an entry that something waits for.
#[derive(Debug)]
struct EntryMoments<P> {
    started: Option<P>,
    ready: Option<P>,
    finished: Option<P>,
}

/// All of them, by entry. A moment is kept as whatever says where it is drawn.
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
    /// What a resolved scenario says; what cannot be read of it is left out.
    pub(super) fn from_scenario(scenario: &str) -> EntryDependencies<P> {
        let mut waits = EntryDependencies::default();
        let scenario: Value = serde_json::from_str(scenario).unwrap_or_default();
        let timeline = scenario["timeline"].as_array();
        for (n, entry) in timeline.into_iter().flatten().enumerate() {
            let name = entry["id"].as_str().map_or_else(|| format!("#{}", n + 1), str::to_owned);
            if let Some(wait) = EntryDependency::from_json(&entry["after"]) {
                let moments = EntryMoments { started: None, ready: None, finished: None };
                waits.moments.entry(wait.entry.clone()).or_insert(moments);
                waits.dependencies.insert(name, wait);
            }
        }
        waits
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

    /// A line of something that an entry started.
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

    /// The moment that an entry has waited for; the first time that it is asked.
    pub(super) fn take_moment(&mut self, entry: &str) -> Option<P> {
        let EntryDependency { entry: of, moment: what } = self.dependencies.remove(entry)?;
        let moments = self.moments.get(&of)?;
        match what {
            DependencyMoment::Started => moments.started,
            // Without `ready` a program is ready when it has started.
            DependencyMoment::Ready => moments.ready.or(moments.started),
            DependencyMoment::Finished => moments.finished,
            DependencyMoment::Line { seen, .. } => seen,
        }
    }
}

impl<P> EntryDependency<P> {
    fn from_json(after: &Value) -> Option<EntryDependency<P>> {
        if let Some(moment) = after.as_str() {
            let (of, what) = moment.rsplit_once('.')?;
            let what = match what {
                "started" => DependencyMoment::Started,
                "ready" => DependencyMoment::Ready,
                "finished" => DependencyMoment::Finished,
                _ => return None,
            };
            return Some(EntryDependency { entry: of.to_owned(), moment: what });
        }
        let regex = Regex::new(after["line"].as_str()?).ok()?;
        Some(EntryDependency {
            entry: after["of"].as_str()?.to_owned(),
            moment: DependencyMoment::Line { regex, seen: None },
        })
    }
}
