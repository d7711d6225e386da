//! Which entry of the timeline waits for which moment, and where these moments were: what the arrows
//! of a trace and of a page are drawn from.

use std::collections::BTreeMap;

use regex::bytes::Regex;
use serde_json::Value;

/// What an entry waits for.
#[derive(Debug)]
enum For<P> {
    Started,
    Ready,
    Finished,
    Line { regex: Regex, seen: Option<P> },
}

#[derive(Debug)]
struct Wait<P> {
    of: String,
    what: For<P>,
}

/// The moments of an entry that something waits for.
#[derive(Debug)]
struct Moments<P> {
    started: Option<P>,
    ready: Option<P>,
    finished: Option<P>,
}

/// All of them, by entry. A moment is kept as whatever says where it is drawn.
#[derive(Debug)]
pub(super) struct Waits<P> {
    waits: BTreeMap<String, Wait<P>>,
    moments: BTreeMap<String, Moments<P>>,
}

impl<P> Default for Waits<P> {
    fn default() -> Waits<P> {
        Waits { waits: BTreeMap::new(), moments: BTreeMap::new() }
    }
}

impl<P: Copy> Waits<P> {
    /// What a resolved scenario says; what cannot be read of it is left out.
    pub(super) fn of(scenario: &str) -> Waits<P> {
        let mut waits = Waits::default();
        let scenario: Value = serde_json::from_str(scenario).unwrap_or_default();
        let timeline = scenario["timeline"].as_array();
        for (n, entry) in timeline.into_iter().flatten().enumerate() {
            let name = entry["id"].as_str().map_or_else(|| format!("#{}", n + 1), str::to_owned);
            if let Some(wait) = Wait::read(&entry["after"]) {
                let moments = Moments { started: None, ready: None, finished: None };
                waits.moments.entry(wait.of.clone()).or_insert(moments);
                waits.waits.insert(name, wait);
            }
        }
        waits
    }

    pub(super) fn started(&mut self, entry: &str, at: P) {
        if let Some(moments) = self.moments.get_mut(entry) {
            moments.started.get_or_insert(at);
        }
    }

    pub(super) fn ready(&mut self, entry: &str, at: P) {
        if let Some(moments) = self.moments.get_mut(entry) {
            moments.ready.get_or_insert(at);
        }
    }

    pub(super) fn finished(&mut self, entry: &str, at: P) {
        if let Some(moments) = self.moments.get_mut(entry) {
            moments.finished = Some(at);
        }
    }

    /// A line of something that an entry started.
    pub(super) fn line(&mut self, entry: &str, at: P, text: &[u8]) {
        if !self.moments.contains_key(entry) {
            return;
        }
        for wait in self.waits.values_mut().filter(|wait| wait.of == entry) {
            if let For::Line { regex, seen: seen @ None } = &mut wait.what
                && regex.is_match(text)
            {
                *seen = Some(at);
            }
        }
    }

    /// The moment that an entry has waited for; the first time that it is asked.
    pub(super) fn take(&mut self, entry: &str) -> Option<P> {
        let Wait { of, what } = self.waits.remove(entry)?;
        let moments = self.moments.get(&of)?;
        match what {
            For::Started => moments.started,
            // Without `ready` a program is ready when it has started.
            For::Ready => moments.ready.or(moments.started),
            For::Finished => moments.finished,
            For::Line { seen, .. } => seen,
        }
    }
}

impl<P> Wait<P> {
    fn read(after: &Value) -> Option<Wait<P>> {
        if let Some(moment) = after.as_str() {
            let (of, what) = moment.rsplit_once('.')?;
            let what = match what {
                "started" => For::Started,
                "ready" => For::Ready,
                "finished" => For::Finished,
                _ => return None,
            };
            return Some(Wait { of: of.to_owned(), what });
        }
        let regex = Regex::new(after["line"].as_str()?).ok()?;
        Some(Wait { of: after["of"].as_str()?.to_owned(), what: For::Line { regex, seen: None } })
    }
}
