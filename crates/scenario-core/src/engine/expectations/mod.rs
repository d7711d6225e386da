//! Expectations, checked as events pass: they count and measure what they look at, and keep no event.
//!
//! # How it works
//!
//! Each kind of event has a list of the monitors that look at it. So an event without a monitor costs one
//! look into a table, and a run without expectations costs nothing. The preset, the job and the entry of a
//! source are noted when the source is ordered; everything else is in the events.
//!
//! The scenario's own expectations come first. Extra ones, which are checked when a log is replayed, follow
//! them: they are judged in the same way, and change nothing.

mod expectation_monitor;
mod format;
mod order_monitor;
pub(super) mod outcome;
mod threshold_monitor;

use std::collections::BTreeMap;

use crate::engine::expectations::expectation_monitor::{ExpectationMonitor, FilterSide};

use crate::diagnostic::quoted;
use crate::engine::expectations::outcome::{EventOrigin, ExpectationStatus, RunTotals};
use crate::engine::unfinished::LineHits;
use crate::scenario::model::expect::Expectation;
use scenario_log::event::{EntryName, Event, ExpectationResult, OutputStream, Source};
use scenario_log::event_kind::EventKind;
use scenario_log::time::{Moment, Span};

/// All expectations of a run.
#[derive(Debug, Default)]
pub(crate) struct Expectations {
    monitors: Vec<ExpectationMonitor>,
    /// The number of the scenario's own expectations, which are the first.
    own_count: usize,
    /// For each kind of event, the monitors that look at it.
    monitors_by_kind: Vec<Vec<(usize, FilterSide)>>,
    /// Whether any monitor must know the origin of a source.
    needs_origins: bool,
    origins: BTreeMap<Source, EventOrigin>,
    /// The source that was looked up last: the next event is likely to have the same.
    last_origin: Option<(Source, EventOrigin)>,
    entries_by_id: BTreeMap<String, usize>,
    /// The scenario's own expectation that ends the run, since it can no longer hold.
    broken: Option<usize>,
    /// Whose condition the next line meets, where that does not follow from the line as it is logged.
    line_override: Option<LineHits>,
}

impl Expectations {
    pub(super) fn new(own: &[Expectation]) -> Expectations {
        let mut all = Expectations { own_count: own.len(), ..Expectations::default() };
        own.iter().for_each(|one| all.add(one));
        all
    }

    /// Adds an extra expectation.
    pub(super) fn add(&mut self, one: &Expectation) {
        if self.monitors_by_kind.is_empty() {
            self.monitors_by_kind.resize_with(EventKind::COUNT, Vec::new);
        }
        let monitor = ExpectationMonitor::new(one);
        for (kind, side) in monitor.event_kinds() {
            self.monitors_by_kind[kind.index()].push((self.monitors.len(), side));
        }
        self.needs_origins |= monitor.needs_origins();
        for within in monitor.scopes() {
            self.entries_by_id.extend(within.entry.map(|entry| (within.name.clone(), entry)));
        }
        self.monitors.push(monitor);
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.monitors.is_empty()
    }

    /// Whether a line of a process may end the run, as a line or as a move.
    pub(super) fn may_abort_on_line(&self) -> bool {
        let kinds = ["line", "move"].into_iter().filter_map(EventKind::from_name);
        let monitors = kinds.filter_map(|kind| self.monitors_by_kind.get(kind.index())).flatten();
        monitors.into_iter().any(|(index, _)| *index < self.own_count && self.monitors[*index].aborts_run())
    }

    /// Whether any of the scenario's own has a condition on lines.
    pub(super) fn watches_lines(&self) -> bool {
        let line = Event::Lines {
            source: Source::Spawn(0),
            stream: OutputStream::Stdout,
            chunk: b"",
            partial: false,
        };
        self.conditions_on(&line).next().is_some()
    }

    /// The scenario's own expectations whose condition a line meets.
    pub(super) fn line_hits(&self, line: &Event<'_>) -> LineHits {
        let mut hits = LineHits::default();
        for (index, side, meets) in self.conditions_on(line) {
            let Ok(number) = u32::try_from(index + 1) else { continue };
            match side {
                FilterSide::Target if meets => hits.targets.push(number),
                FilterSide::Predecessor if meets => hits.predecessors.push(number),
                FilterSide::Target | FilterSide::Predecessor => {}
            }
        }
        hits
    }

    /// The scenario's own expectations that have a condition on events of this kind, each with the part
    /// that has it, and whether the event meets it.
    fn conditions_on<'a>(
        &'a self,
        event: &'a Event<'a>,
    ) -> impl Iterator<Item = (usize, FilterSide, bool)> + 'a {
        let watching = self.monitors_by_kind.get(event.kind().index()).into_iter().flatten();
        watching.filter(|(index, _)| *index < self.own_count).filter_map(move |(index, side)| {
            Some((*index, *side, self.monitors[*index].meets_condition(*side, event)?))
        })
    }

    /// Sets whose condition the next line meets, or lets the line show it.
    pub(super) fn override_line(&mut self, hits: Option<LineHits>) {
        self.line_override = hits;
    }

    /// Whether the run must end, because an expectation with `abort` can no longer hold.
    #[inline]
    pub(super) fn is_broken(&self) -> bool {
        self.broken.is_some()
    }

    /// Why the run must end. The next call returns none.
    pub(super) fn take_broken_message(&mut self, lasted: Span) -> Option<String> {
        let expected =
            self.monitors[self.broken.take()?].judge(&RunTotals { duration: lasted, shared_cells: &[] });
        Some(format_result(&expected, "can no longer hold"))
    }

    /// Notes the origin of a source, before its first event.
    pub(super) fn register_source(&mut self, source: Source, origin: EventOrigin) {
        if self.needs_origins {
            self.origins.insert(source, origin);
        }
    }

    /// Takes a logged event. `next` is the `seq` of the next event.
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other events are single lines of the log")]
    pub(super) fn observe(&mut self, now: Moment, event: &Event<'_>, next: u64) {
        let kind = event.kind();
        if !self.monitors_by_kind[kind.index()].is_empty() {
            match event {
                Event::Lines { source, stream, chunk, partial: false } => {
                    let lines = chunk.split_inclusive(|byte| *byte == b'\n');
                    let first = next - lines.clone().count() as u64;
                    for (chunk, seq) in lines.zip(first..) {
                        let line = Event::Lines { source: *source, stream: *stream, chunk, partial: false };
                        self.dispatch(now, kind, &line, seq);
                    }
                }
                single => self.dispatch(now, kind, single, next.saturating_sub(1)),
            }
        }
        if self.needs_origins {
            self.update_origins(now, event);
        }
    }

    fn dispatch(&mut self, now: Moment, kind: EventKind, event: &Event<'_>, seq: u64) {
        let origin = if self.needs_origins { self.origin_of(event) } else { None };
        let hits = if matches!(event, Event::Lines { .. }) { self.line_override.take() } else { None };
        for (index, side) in &self.monitors_by_kind[kind.index()] {
            let monitor = &mut self.monitors[*index];
            let hits = hits.as_ref().filter(|_| *index < self.own_count);
            // One without a condition takes every line.
            let decided = hits.filter(|_| monitor.meets_condition(*side, event).is_some()).map(|hits| {
                let numbers = match side {
                    FilterSide::Target => &hits.targets,
                    FilterSide::Predecessor => &hits.predecessors,
                };
                numbers.iter().any(|number| *number as usize == index + 1)
            });
            if monitor.observe(*side, (now, seq), event, origin.as_ref(), decided) && *index < self.own_count
            {
                self.broken.get_or_insert(*index);
            }
        }
    }

    /// The origin of an event.
    fn origin_of(&mut self, event: &Event<'_>) -> Option<EventOrigin> {
        if let Some(source) = event.source() {
            return match self.last_origin {
                Some((nearest, origin)) if nearest == source => Some(origin),
                _ => {
                    let origin = *self.origins.get(&source)?;
                    self.last_origin = Some((source, origin));
                    Some(origin)
                }
            };
        }
        let entry = match event.entry()? {
            EntryName::Id(id) => self.entries_by_id.get(id).copied(),
            EntryName::Number(number) => number.checked_sub(1),
        };
        Some(EventOrigin { preset: None, fetch: None, entry, started_at: None })
    }

    /// Notes the start of a source, and forgets a source that has ended.
    #[expect(clippy::wildcard_enum_match_arm, reason = "these events alone begin or end a source")]
    fn update_origins(&mut self, now: Moment, event: &Event<'_>) {
        match event {
            Event::SpawnStarted { source, .. } => {
                if let Some(origin) = self.origins.get_mut(source) {
                    origin.started_at = Some(now);
                }
                self.last_origin = None;
            }
            Event::SpawnExited { source, .. }
            | Event::FetchFinished { source, .. }
            | Event::FetchFailed { source, .. } => {
                self.origins.remove(source);
                self.last_origin = None;
            }
            Event::SpawnFailed { source, .. } => {
                // A spawn that runs and never became ready has not ended.
                if self.origins.get(source).is_some_and(|origin| origin.started_at.is_none()) {
                    self.origins.remove(source);
                }
                self.last_origin = None;
            }
            _ => {}
        }
    }

    /// The results of the scenario's own expectations, in their order.
    pub(super) fn judge_own(&self, totals: &RunTotals<'_>) -> Vec<ExpectationResult> {
        self.monitors[..self.own_count].iter().map(|monitor| monitor.judge(totals)).collect()
    }

    /// The names and statuses of the scenario's own expectations, in their order.
    pub(super) fn statuses(&self, totals: &RunTotals<'_>) -> Vec<(String, ExpectationStatus)> {
        self.monitors[..self.own_count].iter().map(|monitor| monitor.status(totals)).collect()
    }

    /// The results of the extra expectations.
    pub(super) fn judge_extra(&self, totals: &RunTotals<'_>) -> Vec<ExpectationResult> {
        self.monitors[self.own_count..].iter().map(|monitor| monitor.judge(totals)).collect()
    }
}

/// Formats a missed expectation as the reason of a failed run. `what` is the verb, as in `is missed`.
pub(super) fn format_result(expected: &ExpectationResult, what: &str) -> String {
    let ExpectationResult { name, wanted, got, .. } = expected;
    let got = got.as_ref().map_or_else(|| "nothing to measure".to_owned(), |got| format!("got {got}"));
    format!("expectation {} {what}: wanted {wanted}, {got}", quoted(name))
}
