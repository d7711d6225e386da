//! The origin of each source that runs: its preset or job, its entry and its start. It is kept here for
//! all listeners of a log or a run, and dropped when the source has ended, so that it takes no more
//! memory than what runs at once needs. With it is the end of the source's output, for the reports that
//! say why a program failed.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use crate::report::output_tail::OutputTail;
use scenario_log::event::{EntryName, Event, Source};
use scenario_log::time::{Moment, Span};

/// Whether a source is a spawn or a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OriginKind {
    /// A spawn of a preset.
    Preset,
    /// A request of a fetch job.
    Job,
}

/// The properties that all sources of one entry and one preset or job share.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OriginGroup {
    /// Whether `name` is a preset's or a job's.
    pub kind: OriginKind,
    /// The preset or job.
    pub name: String,
    /// The timeline entry, as events name it; none for what was typed.
    pub entry: Option<String>,
}

impl OriginGroup {
    /// The entry in the form that events have it.
    #[must_use]
    pub fn entry_name(&self) -> Option<EntryName<'_>> {
        self.entry.as_deref().map(EntryName::from_name)
    }
}

/// Where a source comes from.
#[derive(Clone, Debug)]
pub struct SourceOrigin {
    /// The properties that it shares with others.
    pub group: Rc<OriginGroup>,
    /// Which source of its group it is, counted from 1 in the order of their starts.
    pub nth: u64,
    /// When its start was due.
    pub due: Moment,
    /// When it started.
    pub started: Moment,
    /// The line of the log with its start, counted from 1.
    pub line: u64,
    /// Whether it has started. A spawn that could not start has an origin for the event that says so.
    pub has_started: bool,
    /// Why it failed while it ran (it never became ready), if it has.
    pub failure: Option<String>,
    /// The result of its probes, if it was not alive any more.
    pub unhealthy: Option<String>,
    /// Whether its entry tries again, so that its end fails nothing.
    pub is_tried_again: bool,
    /// The end of what it wrote.
    pub output: OutputTail,
}

/// Whether what ends with an event is as expected, or its entry tries again.
pub(crate) fn is_ok_or_tried_again(ok: bool, origin: Option<&SourceOrigin>) -> bool {
    ok || origin.is_some_and(|origin| origin.is_tried_again)
}

impl SourceOrigin {
    /// How late it started.
    #[must_use]
    pub fn lateness(&self) -> Span {
        self.started.since(self.due)
    }
}

/// The origins of all sources that run.
#[derive(Clone, Debug, Default)]
pub struct SourceTracker {
    running: HashMap<Source, SourceOrigin>,
    /// How many sources of each group have started.
    started: BTreeMap<Rc<OriginGroup>, u64>,
}

impl SourceTracker {
    /// The origin of a source that runs.
    #[must_use]
    pub fn origin(&self, source: Source) -> Option<&SourceOrigin> {
        self.running.get(&source)
    }

    /// Notes the source that an event starts, or that it says could not start, before anybody asks for its
    /// origin. Keeps the end of a program's output.
    #[expect(clippy::wildcard_enum_match_arm, reason = "these events alone begin a source or are output")]
    pub(super) fn before_event(&mut self, (line, t): (u64, Moment), event: &Event<'_>) {
        let (source, due, kind, name, entry) = match *event {
            Event::SpawnStarted { due, source, preset, entry, .. } => {
                (source, due, OriginKind::Preset, preset, entry)
            }
            Event::FetchStarted { due, source, job, entry, .. } => (source, due, OriginKind::Job, job, entry),
            Event::SpawnFailed { source, preset: Some(preset), entry, .. }
                if !self.running.contains_key(&source) =>
            {
                (source, t, OriginKind::Preset, preset, entry)
            }
            Event::SpawnExited { source, again: true, .. }
            | Event::FetchFinished { source, again: true, .. }
            | Event::FetchFailed { source, again: true, .. } => return self.mark_tried_again(source),
            Event::SpawnFailed { source, again: Some(true), .. } if self.running.contains_key(&source) => {
                return self.mark_tried_again(source);
            }
            Event::SpawnUnhealthy { source, failures, last_try } => {
                if let Some(origin) = self.running.get_mut(&source) {
                    let probes = if failures == 1 { "probe" } else { "probes" };
                    origin.unhealthy = Some(format!("{failures} {probes} failed, the last: {last_try}"));
                }
                return;
            }
            Event::Lines { source, stream, chunk, partial } => {
                if let Some(origin) = self.running.get_mut(&source) {
                    origin.output.add_chunk(stream, chunk, partial);
                }
                return;
            }
            _ => return,
        };
        let entry = entry.map(|entry| entry.to_string());
        let (group, nth) = self.count_start(OriginGroup { kind, name: name.to_owned(), entry });
        let has_started = !matches!(event, Event::SpawnFailed { .. });
        let output = OutputTail::default();
        let is_tried_again = matches!(event, Event::SpawnFailed { again: Some(true), .. });
        let origin = SourceOrigin {
            group,
            nth,
            due,
            started: t,
            line,
            has_started,
            failure: None,
            unhealthy: None,
            is_tried_again,
            output,
        };
        self.running.insert(source, origin);
    }

    /// Notes that the entry of a source tries again.
    fn mark_tried_again(&mut self, source: Source) {
        if let Some(origin) = self.running.get_mut(&source) {
            origin.is_tried_again = true;
        }
    }

    /// Drops the source that an event ends, once all listeners have received it.
    pub(super) fn after_event(&mut self, event: &Event<'_>) {
        if let Event::SpawnExited { source, .. }
        | Event::FetchFinished { source, .. }
        | Event::FetchFailed { source, .. } = *event
        {
            self.running.remove(&source);
        } else if let Event::SpawnFailed { source, error, .. } = *event
            && let Some(origin) = self.running.get_mut(&source)
        {
            if origin.has_started {
                // It runs until it has stopped.
                origin.failure = Some(error.to_owned()).filter(|_| !origin.is_tried_again);
            } else {
                self.running.remove(&source);
            }
        }
    }

    fn count_start(&mut self, group: OriginGroup) -> (Rc<OriginGroup>, u64) {
        let known = self.started.get_key_value(&group).map(|(group, _)| Rc::clone(group));
        let group = known.unwrap_or_else(|| Rc::new(group));
        let count = self.started.entry(Rc::clone(&group)).or_default();
        *count += 1;
        (group, *count)
    }

    /// The sources that have not ended, by their names.
    pub(super) fn into_running(self) -> BTreeMap<Source, SourceOrigin> {
        self.running.into_iter().collect()
    }

    /// Forgets everything, to read a log again from its beginning.
    pub fn clear(&mut self) {
        self.running.clear();
        self.started.clear();
    }
}
