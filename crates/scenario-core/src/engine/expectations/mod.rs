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

mod always_monitor;
mod event_filter;
mod expectation_monitor;
mod format;
mod groups;
mod leads_to_monitor;
mod observed_interval;
mod order_monitor;
mod origins;
pub(super) mod outcome;
mod statistics;
mod threshold_monitor;
mod verdict;
mod windows;

use crate::engine::expectations::expectation_monitor::{ExpectationMonitor, FilterSide};
use crate::engine::expectations::origins::SourceOrigins;

use crate::diagnostic::quoted;
use crate::engine::expectations::outcome::{EventOrigin, ExpectationProgress, RunTotals};
use crate::engine::unfinished::LineHits;
use crate::scenario::model::Scenario;
use crate::scenario::model::expect::Expectation;
use crate::scenario::model::expect_parts::EntryPhase;
use scenario_log::event::{Event, ExpectationResult, OutputStream, Source};
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
    origins: SourceOrigins,
    /// Whether any monitor must know when sources end.
    watches_ends: bool,
    /// Whether any monitor waits for a moment of an entry.
    watches_entries: bool,
    /// The scenario's own expectations that end the run.
    aborting: Vec<usize>,
    /// The scenario's own expectation that ends the run, since it can no longer hold.
    broken: Option<usize>,
    /// Whose condition the next line meets, where that does not follow from the line as it is logged.
    line_override: Option<LineHits>,
}

impl Expectations {
    /// The expectations of a scenario.
    pub(super) fn new(scenario: &Scenario) -> Expectations {
        let own = &scenario.expectations;
        let origins = SourceOrigins::new(scenario);
        let mut all = Expectations { own_count: own.len(), origins, ..Expectations::default() };
        own.iter().for_each(|one| all.add(one));
        let aborts = |index: &usize| all.monitors[*index].aborts_run();
        all.aborting = (0..all.own_count).filter(aborts).collect();
        all
    }

    /// These expectations alone, of a run that nobody watches.
    pub(super) fn of_end(own: &[Expectation]) -> Expectations {
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
        self.watches_ends |= monitor.watches_ends();
        self.watches_entries |= monitor.watches_entries();
        if monitor.needs_requests() {
            self.origins.keep_requests();
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
                FilterSide::Partner if meets => hits.predecessors.push(number),
                FilterSide::Target | FilterSide::Partner => {}
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
        let view = self.origins.view(self.origins.get(event.source()));
        watching.filter(|(index, _)| *index < self.own_count).filter_map(move |(index, side)| {
            Some((*index, *side, self.monitors[*index].meets_condition(*side, event, view)?))
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
        let monitor = &self.monitors[self.broken.take()?];
        let results = monitor.judge(&RunTotals { duration: lasted, shared_cells: &[] });
        let missed = results.iter().find(|result| !result.ok).or(results.first())?;
        Some(format_result(missed, "can no longer hold"))
    }

    /// The next moment in which time alone can end the run.
    pub(super) fn next_deadline(&self) -> Option<Moment> {
        self.aborting.iter().filter_map(|index| self.monitors[*index].next_deadline()).min()
    }

    /// Judges what is over by now, where that can end the run.
    #[inline]
    pub(super) fn pass_time(&mut self, now: Moment) {
        let totals = RunTotals { duration: now.since(Moment::ZERO), shared_cells: &[] };
        for index in &self.aborting {
            if self.monitors[*index].pass_time(now, &totals) {
                self.broken.get_or_insert(*index);
            }
        }
    }

    /// Notes that a moment of an entry has come, if any expectation waits for it. It comes only once.
    pub(super) fn reach_phase(&mut self, entry: usize, phase: EntryPhase, now: Moment) {
        if !self.watches_entries {
            return;
        }
        let totals = RunTotals { duration: now.since(Moment::ZERO), shared_cells: &[] };
        for (index, monitor) in self.monitors.iter_mut().enumerate() {
            if monitor.reach_phase(entry, phase, now, &totals) && index < self.own_count {
                self.broken.get_or_insert(index);
            }
        }
        self.watches_entries = self.monitors.iter().any(ExpectationMonitor::watches_entries);
    }

    /// Notes the origin of a source, before its first event.
    pub(super) fn register_source(&mut self, source: Source, origin: EventOrigin) {
        if self.needs_origins {
            self.origins.register(source, origin);
        }
    }

    /// Takes a logged event. `next` is the `seq` of the next event.
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other events are single lines of the log")]
    pub(super) fn observe(&mut self, now: Moment, event: &Event<'_>, next: u64) {
        let kind = event.kind();
        if self.watches_entries {
            self.reach_start(now, event);
        }
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
        if self.needs_origins
            && let Some(ended) = self.origins.update(now, event)
            && self.watches_ends
        {
            for (index, monitor) in self.monitors.iter_mut().enumerate() {
                if monitor.end_source(ended) && index < self.own_count {
                    self.broken.get_or_insert(index);
                }
            }
        }
    }

    /// Notes the moment of an entry that begins with this event: the event comes after it.
    #[expect(clippy::wildcard_enum_match_arm, reason = "these events alone begin with a moment of an entry")]
    fn reach_start(&mut self, now: Moment, event: &Event<'_>) {
        let phase = match event {
            Event::SpawnReady { .. } => EntryPhase::Ready,
            Event::SpawnStarted { .. } | Event::FetchStarted { .. } | Event::Mark { .. } => {
                EntryPhase::Started
            }
            _ => return,
        };
        let own = event.entry().and_then(|entry| self.origins.names.entry(entry));
        let of_source = || self.origins.get(event.source())?.origin.entry;
        let Some(entry) = own.or_else(of_source) else { return };
        if phase == EntryPhase::Started && self.origins.names.is_ready_at_start(entry) {
            self.reach_phase(entry, EntryPhase::Ready, now);
        }
        self.reach_phase(entry, phase, now);
    }

    fn dispatch(&mut self, now: Moment, kind: EventKind, event: &Event<'_>, seq: u64) {
        let start = if self.needs_origins { self.origins.find(event) } else { None };
        let view = self.origins.view(start.as_deref());
        let hits = if matches!(event, Event::Lines { .. }) { self.line_override.take() } else { None };
        for (index, side) in &self.monitors_by_kind[kind.index()] {
            let monitor = &mut self.monitors[*index];
            let hits = hits.as_ref().filter(|_| *index < self.own_count);
            // One without a condition takes every line.
            let decided =
                hits.filter(|_| monitor.meets_condition(*side, event, view).is_some()).map(|hits| {
                    let numbers = match side {
                        FilterSide::Target => &hits.targets,
                        FilterSide::Partner => &hits.predecessors,
                    };
                    numbers.iter().any(|number| *number as usize == index + 1)
                });
            if monitor.observe(*side, (now, seq), event, view, decided) && *index < self.own_count {
                self.broken.get_or_insert(*index);
            }
        }
    }

    /// The results of the scenario's own expectations, in their order.
    pub(super) fn judge_own(&self, totals: &RunTotals<'_>) -> Vec<ExpectationResult> {
        self.monitors[..self.own_count].iter().flat_map(|monitor| monitor.judge(totals)).collect()
    }

    /// How the scenario's own expectations stand, in their order.
    pub(super) fn progress(&self, totals: &RunTotals<'_>) -> Vec<ExpectationProgress> {
        self.monitors[..self.own_count].iter().map(|monitor| monitor.progress(totals)).collect()
    }

    /// The results of the extra expectations.
    pub(super) fn judge_extra(&self, totals: &RunTotals<'_>) -> Vec<ExpectationResult> {
        self.monitors[self.own_count..].iter().flat_map(|monitor| monitor.judge(totals)).collect()
    }
}

/// Formats a missed expectation as the reason of a failed run. `what` is the verb, as in `is missed`.
pub(super) fn format_result(expected: &ExpectationResult, what: &str) -> String {
    let ExpectationResult { wanted, got, .. } = expected;
    let got = got.as_ref().map_or_else(|| "nothing to measure".to_owned(), |got| format!("got {got}"));
    format!("expectation {} {what}: wanted {wanted}, {got}", quoted(&expected.title()))
}
