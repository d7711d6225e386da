//! Metrics of spawns by preset and of requests by job.

use std::collections::BTreeMap;

use crate::report::metrics::distribution::Distribution;
use crate::report::origins::SourceOrigin;
use crate::report::units::group_digits;
use scenario_log::event::{OutputStream, SpawnExit};
use scenario_log::time::{Moment, Span};

/// Stands for the name of a spawn that could not start, in a log of an older release.
pub(crate) const UNNAMED: &str = "(not started)";

/// How many kinds of ends are named.
const MAX_ENDS_NAMED: usize = 8;

/// The metrics of one preset or job.
#[derive(Clone, Debug, Default)]
pub struct SourceMetrics {
    /// How many sources have started.
    pub started: u64,
    /// How many sources could not start.
    pub unstarted: u64,
    /// How many have ended as expected.
    pub ok: u64,
    /// How many have ended otherwise.
    pub failed: u64,
    /// How many ended in which way: a code or signal, a status, or a kind of failure.
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
    /// How many sources were to start, whether or not they could.
    #[must_use]
    pub fn asked_for(&self) -> u64 {
        (self.started + self.unstarted).max(self.ok + self.failed)
    }

    /// How many sources had not ended when the log did.
    #[must_use]
    pub fn unfinished(&self) -> u64 {
        self.asked_for().saturating_sub(self.ok + self.failed)
    }

    /// The ends, the most frequent first: `code 0 × 3, code 1 × 1`.
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

/// The metrics of all sources of a kind, by their preset or job.
#[derive(Clone, Debug, Default)]
pub struct MetricsByName(BTreeMap<String, SourceMetrics>);

impl MetricsByName {
    /// The metrics of each preset or job, by name.
    pub fn by_name(&self) -> impl Iterator<Item = (&str, &SourceMetrics)> {
        self.0.iter().map(|(name, metrics)| (&**name, metrics))
    }

    /// Whether no source has started or failed to start.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn entry(&mut self, name: &str) -> &mut SourceMetrics {
        self.0.entry(name.to_owned()).or_default()
    }

    /// The metrics of the preset or job of a source that runs.
    fn running(&mut self, origin: Option<&SourceOrigin>) -> Option<&mut SourceMetrics> {
        self.0.get_mut(&origin?.group.name)
    }

    pub(super) fn start(&mut self, name: &str) {
        self.entry(name).started += 1;
    }

    pub(super) fn add_move(&mut self, origin: Option<&SourceOrigin>) {
        if let Some(metrics) = self.running(origin) {
            metrics.moves += 1;
        }
    }

    pub(super) fn add_line(&mut self, origin: Option<&SourceOrigin>, stream: OutputStream) {
        if let Some(metrics) = self.running(origin) {
            match stream {
                OutputStream::Stdout => metrics.stdout += 1,
                OutputStream::Stderr => metrics.stderr += 1,
            }
        }
    }

    /// Ends a spawn at `t`.
    pub(super) fn end_spawn(&mut self, t: Moment, origin: Option<&SourceOrigin>, exit: SpawnExit, ok: bool) {
        let Some(origin) = origin else { return self.entry(UNNAMED).add_end(exit.to_string(), ok) };
        let metrics = self.entry(&origin.group.name);
        metrics.took.add(t.since(origin.started).0);
        if origin.failure.is_some() {
            // Its failure was counted when it happened.
            *metrics.ends.entry(exit.to_string()).or_default() += 1;
        } else {
            metrics.add_end(exit.to_string(), ok);
        }
    }

    /// Counts a spawn that could not start, or that runs and never became ready.
    pub(super) fn fail_spawn(&mut self, origin: Option<&SourceOrigin>) {
        let metrics = self.entry(origin.map_or(UNNAMED, |origin| &origin.group.name));
        if origin.is_some_and(|origin| origin.has_started) {
            metrics.add_end("not ready".to_owned(), false);
        } else {
            metrics.unstarted += 1;
            metrics.add_end("not started".to_owned(), false);
        }
    }

    /// Ends a request, whose event says how long it took.
    pub(super) fn end_request(
        &mut self,
        origin: Option<&SourceOrigin>,
        took: Span,
        how: String,
        ok: bool,
    ) -> &mut SourceMetrics {
        let metrics = self.entry(origin.map_or(UNNAMED, |origin| &origin.group.name));
        metrics.took.add(took.0);
        metrics.add_end(how, ok);
        metrics
    }
}
