//! Figures of spawns by preset and of requests by job.

use std::collections::{BTreeMap, HashMap};

use crate::report::metrics::distribution::Distribution;
use crate::report::units::group_digits;
use scenario_log::event::{Event, OutputStream, Source};
use scenario_log::time::Moment;

/// What is named where a source has no name: a spawn that could not start.
pub(crate) const UNNAMED: &str = "(not started)";

/// How many ways to end are named.
const MAX_ENDS_NAMED: usize = 8;

/// The sources of one preset or job.
#[derive(Clone, Debug, Default)]
pub struct SourceMetrics {
    /// How many have started.
    pub started: u64,
    /// How many have ended as expected.
    pub ok: u64,
    /// How many have ended otherwise.
    pub failed: u64,
    /// How many ended how: a code or signal, a status, or what failed.
    pub ends: BTreeMap<String, u64>,
    /// How long they took, in nanoseconds.
    pub took: Distribution,
    /// Bytes of bodies.
    pub bytes: u64,
    /// Moves of players.
    pub moves: u64,
    /// Lines on standard output, and of bodies.
    pub stdout: u64,
    /// Lines on standard error.
    pub stderr: u64,
}

impl SourceMetrics {
    /// How many had not ended when the log did.
    #[must_use]
    pub fn unfinished(&self) -> u64 {
        self.started.saturating_sub(self.ok + self.failed)
    }

    /// How they ended, the most frequent first: `code 0 × 3, code 1 × 1`.
    #[must_use]
    pub fn format_ends(&self) -> String {
        let mut ends: Vec<(&str, u64)> = self.ends.iter().map(|(how, count)| (&**how, *count)).collect();
        ends.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let more: u64 = ends.iter().skip(MAX_ENDS_NAMED).map(|(_, count)| count).sum();
        ends.truncate(MAX_ENDS_NAMED);
        ends.extend(
            [("others", more), ("no end", self.unfinished())].into_iter().filter(|(_, count)| *count > 0),
        );
        let words = ends.iter().map(|(how, count)| format!("{how} × {}", group_digits(*count)));
        words.collect::<Vec<_>>().join(", ")
    }

    fn add_end(&mut self, how: String, ok: bool) {
        *self.ends.entry(how).or_default() += 1;
        if ok {
            self.ok += 1;
        } else {
            self.failed += 1;
        }
    }
}

/// A source that has not ended.
#[derive(Clone, Copy, Debug)]
struct OpenSource {
    group: usize,
    since: Moment,
    /// It failed while it ran, which counts as its end.
    has_failed: bool,
}

/// All sources of a kind by what they are of. Only those that run are kept one by one.
#[derive(Clone, Debug, Default)]
pub struct MetricsByName {
    groups: Vec<SourceMetrics>,
    by_name: BTreeMap<String, usize>,
    names: Vec<String>,
    running: HashMap<Source, OpenSource>,
}

impl MetricsByName {
    /// The groups by name.
    pub fn by_name(&self) -> impl Iterator<Item = (&str, &SourceMetrics)> {
        self.by_name.iter().map(|(name, group)| (&**name, &self.groups[*group]))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// What a source that runs is of.
    #[must_use]
    pub fn name(&self, source: Source) -> Option<&str> {
        self.running.get(&source).map(|open| &*self.names[open.group])
    }

    fn group_index(&mut self, name: &str) -> usize {
        if let Some(group) = self.by_name.get(name) {
            return *group;
        }
        self.by_name.insert(name.to_owned(), self.groups.len());
        self.names.push(name.to_owned());
        self.groups.push(SourceMetrics::default());
        self.groups.len() - 1
    }

    fn start(&mut self, source: Source, name: &str, t: Moment) {
        let group = self.group_index(name);
        self.groups[group].started += 1;
        self.running.insert(source, OpenSource { group, since: t, has_failed: false });
    }

    fn running_metrics(&mut self, source: Source) -> Option<&mut SourceMetrics> {
        let group = self.running.get(&source)?.group;
        self.groups.get_mut(group)
    }

    fn end(&mut self, source: Source, t: Moment, how: String, ok: bool) {
        let Some(open) = self.running.remove(&source) else {
            let group = self.group_index(UNNAMED);
            return self.groups[group].add_end(how, ok);
        };
        let group = &mut self.groups[open.group];
        group.took.add(t.since(open.since).0);
        if open.has_failed {
            *group.ends.entry(how).or_default() += 1;
        } else {
            group.add_end(how, ok);
        }
    }

    /// Takes an event of spawns.
    pub(super) fn on_spawn_event(&mut self, t: Moment, event: &Event<'_>) {
        match *event {
            Event::SpawnStarted { source, preset, .. } => self.start(source, preset, t),
            Event::Move { source, .. } => {
                if let Some(group) = self.running_metrics(source) {
                    group.moves += 1;
                }
            }
            Event::Lines { source, stream, .. } => {
                if let Some(group) = self.running_metrics(source) {
                    match stream {
                        OutputStream::Stdout => group.stdout += 1,
                        OutputStream::Stderr => group.stderr += 1,
                    }
                }
            }
            Event::SpawnExited { source, exit, ok, .. } => self.end(source, t, exit.to_string(), ok),
            Event::SpawnFailed { source, .. } => match self.running.get_mut(&source) {
                // It runs on, until it has stopped.
                Some(open) => {
                    open.has_failed = true;
                    let group = open.group;
                    self.groups[group].add_end("not ready".to_owned(), false);
                }
                None => self.end(source, t, "not started".to_owned(), false),
            },
            _ => {}
        }
    }

    /// Takes an event of requests.
    pub(super) fn on_fetch_event(&mut self, t: Moment, event: &Event<'_>) {
        match *event {
            Event::FetchStarted { source, job, .. } => self.start(source, job, t),
            Event::FetchLine { source, .. } => {
                if let Some(group) = self.running_metrics(source) {
                    group.stdout += 1;
                }
            }
            Event::FetchFinished { source, fetched, ok } => {
                if let Some(group) = self.running_metrics(source) {
                    group.bytes = group.bytes.saturating_add(fetched.bytes);
                }
                self.end_request(source, fetched.took.0, fetched.status.to_string(), ok);
            }
            Event::FetchFailed { source, kind, took, .. } => {
                self.end_request(source, took.0, kind.name().to_owned(), false);
            }
            _ => {}
        }
    }

    /// Ends a request, which says itself how long it took.
    fn end_request(&mut self, source: Source, took: u64, how: String, ok: bool) {
        let group = match self.running.remove(&source) {
            Some(open) => open.group,
            None => self.group_index(UNNAMED),
        };
        self.groups[group].took.add(took);
        self.groups[group].add_end(how, ok);
    }
}
