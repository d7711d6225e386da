//! Expectations, checked as events pass: what they look at is counted and measured, and no event is
//! kept.
//!
//! # How it works
//!
//! Each kind of event has the list of the rules that look at it, so that an event nobody looks at
//! costs one look into a table, and a run without expectations nothing. Which preset, job and entry a
//! source is of is noted when it is ordered; all the rest is in the events.
//!
//! The scenario's own rules come first. Others, of whoever looks at a run that has been, stand behind
//! them: they are judged alike, and change nothing.

mod format;
mod measure;
mod monitor;
mod order;

use std::collections::BTreeMap;

use crate::engine::expect::monitor::{Side, Watch};

use crate::diagnostic::quoted;
use crate::engine::progress::Stand;
use crate::scenario::model::expect::Expectation;
use scenario_log::event::{EntryName, Event, Expected, Source};
use scenario_log::event_kind::EventKind;
use scenario_log::time::{Moment, Span};

/// What a source is of, as indices into the scenario's lists.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    preset: Option<usize>,
    fetch: Option<usize>,
    entry: Option<usize>,
    /// When it started.
    started: Option<Moment>,
}

impl Origin {
    /// Of a spawn.
    pub(super) fn spawn(preset: usize, entry: Option<usize>) -> Origin {
        Origin { preset: Some(preset), fetch: None, entry, started: None }
    }

    /// Of a request.
    pub(super) fn request(job: usize, entry: Option<usize>) -> Origin {
        Origin { preset: None, fetch: Some(job), entry, started: None }
    }
}

/// A run at its end, or as if it were at it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended<'a> {
    /// How long it took.
    pub(super) lasted: Span,
    /// What the cells hold.
    pub(super) shared: &'a [(String, i64)],
}

/// Every rule of a run, with what there is of it.
#[derive(Debug, Default)]
pub(crate) struct Expectations {
    watches: Vec<Watch>,
    /// How many of them are the scenario's own.
    own: usize,
    /// For each kind of event, who looks at it.
    lookers: Vec<Vec<(usize, Side)>>,
    /// Whether sources matter to anyone.
    needs_origins: bool,
    origins: BTreeMap<Source, Origin>,
    /// The source that was looked up last: the next event is likely to be of the same.
    nearest: Option<(Source, Origin)>,
    ids: BTreeMap<String, usize>,
    /// The own rule that ends the run: it can no longer hold.
    broken: Option<usize>,
}

impl Expectations {
    /// The rules of a scenario.
    pub(super) fn new(own: &[Expectation]) -> Expectations {
        let mut all = Expectations { own: own.len(), ..Expectations::default() };
        own.iter().for_each(|one| all.add(one));
        all
    }

    /// Others behind them.
    pub(super) fn add(&mut self, one: &Expectation) {
        if self.lookers.is_empty() {
            self.lookers.resize_with(EventKind::COUNT, Vec::new);
        }
        let watch = Watch::new(one);
        for (kind, side) in watch.looks_at() {
            self.lookers[kind.index()].push((self.watches.len(), side));
        }
        self.needs_origins |= watch.needs_origins();
        for within in watch.withins() {
            self.ids.extend(within.entry.map(|entry| (within.name.clone(), entry)));
        }
        self.watches.push(watch);
    }

    /// Whether there are any.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.watches.is_empty()
    }

    /// Whether a line of a process may end the run, be it as a move.
    pub(super) fn hang_on_lines(&self) -> bool {
        let kinds = ["line", "move"].into_iter().filter_map(EventKind::from_name);
        let lookers = kinds.filter_map(|kind| self.lookers.get(kind.index())).flatten();
        lookers.into_iter().any(|(index, _)| *index < self.own && self.watches[*index].aborts())
    }

    /// Whether the run is to end, because one can no longer hold.
    #[inline]
    pub(super) fn are_broken(&self) -> bool {
        self.broken.is_some()
    }

    /// Why it is, once.
    pub(super) fn take_broken(&mut self, lasted: Span) -> Option<String> {
        let expected = self.watches[self.broken.take()?].judge(&Ended { lasted, shared: &[] });
        Some(in_words(&expected, "can no longer hold"))
    }

    /// Notes what a source is of, before its first event.
    pub(super) fn ordered(&mut self, source: Source, origin: Origin) {
        if self.needs_origins {
            self.origins.insert(source, origin);
        }
    }

    /// Takes an event that stands in the log; `next` is the `seq` of the one behind it.
    pub(super) fn take(&mut self, now: Moment, event: &Event<'_>, next: u64) {
        let kind = event.kind();
        if !self.lookers[kind.index()].is_empty() {
            match event {
                Event::Lines { source, stream, chunk, partial: false } => {
                    let lines = chunk.split_inclusive(|byte| *byte == b'\n');
                    let first = next - lines.clone().count() as u64;
                    for (chunk, seq) in lines.zip(first..) {
                        let line = Event::Lines { source: *source, stream: *stream, chunk, partial: false };
                        self.look(now, kind, &line, seq);
                    }
                }
                single => self.look(now, kind, single, next.saturating_sub(1)),
            }
        }
        if self.needs_origins {
            self.follow(now, event);
        }
    }

    fn look(&mut self, now: Moment, kind: EventKind, event: &Event<'_>, seq: u64) {
        let origin = if self.needs_origins { self.origin(event) } else { None };
        for (index, side) in &self.lookers[kind.index()] {
            let watch = &mut self.watches[*index];
            if watch.take(*side, (now, seq), event, origin.as_ref()) && *index < self.own {
                self.broken.get_or_insert(*index);
            }
        }
    }

    /// What an event is of.
    fn origin(&mut self, event: &Event<'_>) -> Option<Origin> {
        if let Some(source) = event.source() {
            return match self.nearest {
                Some((nearest, origin)) if nearest == source => Some(origin),
                _ => {
                    let origin = *self.origins.get(&source)?;
                    self.nearest = Some((source, origin));
                    Some(origin)
                }
            };
        }
        let entry = match event.entry()? {
            EntryName::Id(id) => self.ids.get(id).copied(),
            EntryName::Number(number) => number.checked_sub(1),
        };
        Some(Origin { preset: None, fetch: None, entry, started: None })
    }

    /// Notes the start of a source, and forgets one that has ended.
    fn follow(&mut self, now: Moment, event: &Event<'_>) {
        match event {
            Event::SpawnStarted { source, .. } => {
                if let Some(origin) = self.origins.get_mut(source) {
                    origin.started = Some(now);
                }
                self.nearest = None;
            }
            Event::SpawnExited { source, .. }
            | Event::FetchFinished { source, .. }
            | Event::FetchFailed { source, .. } => {
                self.origins.remove(source);
                self.nearest = None;
            }
            Event::SpawnFailed { source, .. } => {
                // One that runs, and never became ready, goes on.
                if self.origins.get(source).is_some_and(|origin| origin.started.is_none()) {
                    self.origins.remove(source);
                }
                self.nearest = None;
            }
            _ => {}
        }
    }

    /// What came of the scenario's own, in their order.
    pub(super) fn judge_own(&self, ended: &Ended<'_>) -> Vec<Expected> {
        self.watches[..self.own].iter().map(|watch| watch.judge(ended)).collect()
    }

    /// How the scenario's own stand, in their order.
    pub(super) fn stand(&self, so_far: &Ended<'_>) -> Vec<(String, Stand)> {
        self.watches[..self.own].iter().map(|watch| watch.stand(so_far)).collect()
    }

    /// What came of the others.
    pub(super) fn judge_others(&self, ended: &Ended<'_>) -> Vec<Expected> {
        self.watches[self.own..].iter().map(|watch| watch.judge(ended)).collect()
    }
}

/// What is wrong with an expectation, for the reason of a run.
pub(super) fn in_words(expected: &Expected, what: &str) -> String {
    let Expected { name, wanted, got, .. } = expected;
    let got = got.as_ref().map_or_else(|| "nothing to measure".to_owned(), |got| format!("got {got}"));
    format!("expectation {} {what}: wanted {wanted}, {got}", quoted(name))
}
