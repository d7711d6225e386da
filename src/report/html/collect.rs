//! Collects what the page shows of a log beside its metrics, event by event: lanes, the timeline's own
//! marks and ticks, arrows, and the rows of the tables.

use std::collections::HashMap;

use crate::report::dependencies::EntryDependencies;
use crate::report::feed::LogEvent;
use crate::report::html::lanes::{BarState, LaneBar, LaneKind, TimelineLanes};
use crate::report::html::marks::{TimelineMark, TimelineMarks};
use crate::report::html::sample::SamplePoint;
use crate::report::html::source_rows::{SourceCounts, SourceRow, SourceRows};
use crate::report::html::steps::StepRows;
use crate::report::html::text::{MAX_TEXT_CHARS, truncate_bytes, truncate_text};
use crate::report::metrics::source_metrics::UNNAMED;
use crate::report::origins::{OriginGroup, SourceOrigin, is_ok_or_tried_again};
use scenario_log::event::{EntryName, Event, FetchedResponse, OutputStream, Source, SpawnExit};
use scenario_log::time::{Moment, Span};

/// How many arrows are drawn at most.
const MAX_ARROWS: usize = 1_000;

/// A moment on a lane; without a lane, on the timeline's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TimelinePoint {
    pub(super) lane: Option<usize>,
    pub(super) t: Moment,
}

#[derive(Debug)]
struct RunningBar {
    lane: usize,
    mid: Option<Moment>,
    text: String,
    counts: SourceCounts,
}

struct BarEnd {
    state: BarState,
    reason: String,
    took: Option<Span>,
    mid: Option<Moment>,
}

/// Everything that is collected.
#[derive(Debug, Default)]
pub(super) struct CollectedReport {
    pub(super) scenario: Option<String>,
    pub(super) lanes: TimelineLanes,
    pub(super) marks: TimelineMarks,
    pub(super) steps: StepRows,
    pub(super) spawns: SourceRows,
    pub(super) fetches: SourceRows,
    pub(super) arrows: Vec<(TimelinePoint, TimelinePoint)>,
    /// How many arrows there was no room for.
    pub(super) omitted_arrows: u64,
    dependencies: EntryDependencies<TimelinePoint>,
    running: HashMap<Source, RunningBar>,
    last_moment: Moment,
}

impl CollectedReport {
    pub(super) fn on_event(&mut self, logged: &LogEvent<'_, '_>) {
        let LogEvent { t, line, event, .. } = *logged;
        self.last_moment = t;
        let Some(event) = event else { return };
        self.steps.on_event((line, t), event);
        match *event {
            Event::RunStarted { scenario, .. } => {
                self.dependencies = EntryDependencies::from_logged(scenario);
                self.scenario = Some(scenario.to_owned());
            }
            Event::SpawnStarted { source, .. } => self.start(logged, source, String::new()),
            Event::SpawnReady { source } => {
                self.set_mid(source, t);
                self.note_ready(logged, source);
            }
            Event::SpawnUnhealthy { source, last_try, .. } => {
                self.add_line(source, logged, 's', || format!("is not alive: {last_try}"));
            }
            Event::StopFailed { source, error, .. } => {
                self.add_line(source, logged, 's', || format!("its stop command failed: {error}"));
            }
            Event::SpawnSuspended { source, signal } => {
                self.add_line(source, logged, 's', || format!("suspended by {signal}"));
            }
            Event::SpawnResumed { source } => self.add_line(source, logged, 'r', || "resumed".to_owned()),
            Event::SpawnSampled { .. } => {}
            Event::Move { source, player, direction, .. } => {
                let text = || format!("{} {}", player.shown(), direction.shown());
                self.add_move(source, logged, 'm', text, |counts| &mut counts.moves);
            }
            Event::Step { source, player, step, register, .. } => {
                let text = || format!("{} {step}: {register}", player.shown());
                self.add_move(source, logged, 'w', text, |counts| &mut counts.steps);
            }
            Event::StepEnded { source, player, step, took, ok } => {
                let failed = if ok { "" } else { ", failed" };
                let text = || {
                    format!("{} {step}: {}{failed}", player.shown(), crate::report::format::format_span(took))
                };
                self.add_move(source, logged, 'w', text, |counts| &mut counts.steps);
            }
            Event::PlayerEnded { source, player, ok: false, .. } => {
                self.add_line(source, logged, 's', || format!("{} ended early", player.shown()));
            }
            Event::PlayerEnded { .. } => {}
            Event::Lines { source, stream, chunk, .. } => self.add_output(logged, source, stream, chunk),
            Event::SpawnExited { source, exit, ok, again, reason, restarts_in, .. } => {
                // A crash is seen as one, also if the program comes back.
                let state = match restarts_in {
                    Some(_) => BarState::from_ok(ok),
                    None => bar_state(ok, logged),
                };
                let words = reason.map(|why| format!("{exit}: {}", truncate_text(why, MAX_TEXT_CHARS)));
                let end = BarEnd::new(state, words.unwrap_or_else(|| exit.to_string()));
                self.end(source, logged.origin, t, end);
                if !again {
                    self.note_outcome(logged.origin, ok, Some(exit));
                }
            }
            Event::SpawnFailed { source, error, .. } => {
                // One that has started runs until it has stopped.
                if logged.origin.is_none_or(|origin| !origin.has_started) {
                    self.add_unstarted(logged, source, error);
                    self.note_outcome(logged.origin, false, None);
                }
            }
            Event::FetchStarted { source, method, url, .. } => {
                self.start(logged, source, truncate_text(&format!("{method} {url}"), MAX_TEXT_CHARS));
            }
            Event::FetchResponded { source, .. } => self.set_mid(source, t),
            Event::FetchLine { source, text, .. } => {
                self.add_line(source, logged, 'f', || truncate_bytes(text, MAX_TEXT_CHARS))
            }
            Event::FetchFinished { source, fetched, ok, .. } => {
                if let Some(running) = self.running.get_mut(&source) {
                    running.counts.bytes = fetched.bytes;
                }
                let end = BarEnd { state: bar_state(ok, logged), ..BarEnd::of_response(t, fetched) };
                self.end(source, logged.origin, t, end);
                self.note_outcome(logged.origin, ok, None);
            }
            Event::FetchFailed { source, kind, error, took, .. } => {
                let reason = format!("{}: {}", kind.name(), truncate_text(error, MAX_TEXT_CHARS));
                let end = BarEnd { took: Some(took), ..BarEnd::new(bar_state(false, logged), reason) };
                self.end(source, logged.origin, t, end);
                self.note_outcome(logged.origin, false, None);
            }
            Event::ClockTick { .. } => self.marks.tick(t),
            Event::UnfinishedText { .. } | Event::LineMatched { .. } => {}
            Event::TypedInput { .. }
            | Event::Mark { .. }
            | Event::EntrySkipped { .. }
            | Event::EntryRetried { .. }
            | Event::Sent { .. }
            | Event::SpawnRestarted { .. }
            | Event::LinkChanged { .. }
            | Event::Signalled { .. }
            | Event::Stopping { .. }
            | Event::RunPaused
            | Event::RunResumed { .. }
            | Event::PlayerJoined { .. }
            | Event::PlayerLeft { .. }
            | Event::Deadlock { .. }
            | Event::Expect(_) => {
                if let Some((mark, entry)) = TimelineMark::from_event(t, line, event) {
                    self.add_mark(mark, entry);
                }
            }
            Event::LinkOpened { .. }
            | Event::LinkClosed { .. }
            | Event::WorldState { .. }
            | Event::RunFinished(_) => {}
        }
    }

    /// Ends a source that the log leaves open.
    pub(super) fn end_open(&mut self, source: Source, origin: &SourceOrigin) {
        let end = BarEnd::new(BarState::Open, "no end in the log".to_owned());
        self.end(source, Some(origin), self.last_moment, end);
    }

    fn start(&mut self, logged: &LogEvent<'_, '_>, source: Source, text: String) {
        let LogEvent { t, line, origin: Some(origin), .. } = *logged else { return };
        let OriginGroup { name, entry, .. } = &*origin.group;
        let lane = self.add_lane((source, lane_kind(source)), name, entry.clone(), (t, line), &text);
        let at = TimelinePoint { lane: Some(lane), t };
        self.arrow(entry.as_deref(), at);
        if let Some(entry) = entry {
            self.dependencies.note_started(entry, at);
        }
        let counts = SourceCounts::default();
        self.running.insert(source, RunningBar { lane, mid: None, text, counts });
    }

    /// Opens the bar of a source on its lane, and returns the lane.
    fn add_lane(
        &mut self,
        (source, kind): (Source, LaneKind),
        name: &str,
        entry: Option<String>,
        (start, line): (Moment, u64),
        text: &str,
    ) -> usize {
        let group = self.lanes.group(kind, name, entry, start);
        let (state, text) = (BarState::Open, text.into());
        self.lanes.start(group, &LaneBar { source, start, mid: None, end: None, state, text, line })
    }

    /// Draws the arrow to the first effect of an entry, if the entry waited for something.
    fn arrow(&mut self, entry: Option<&str>, to: TimelinePoint) {
        let Some(from) = entry.and_then(|entry| self.dependencies.take_moment(entry)) else { return };
        if self.arrows.len() < MAX_ARROWS {
            self.arrows.push((from.at, to));
        } else {
            self.omitted_arrows += 1;
        }
    }

    fn end(&mut self, source: Source, origin: Option<&SourceOrigin>, t: Moment, end: BarEnd) {
        let (Some(running), Some(origin)) = (self.running.remove(&source), origin) else { return };
        let RunningBar { lane, mid, text, counts } = running;
        let OriginGroup { name, entry, .. } = &*origin.group;
        if let Some(entry) = entry {
            self.dependencies.note_finished(entry, TimelinePoint { lane: Some(lane), t });
        }
        let BarEnd { mut state, mut reason, took, mid: end_mid } = end;
        if let Some(failure) = &origin.failure {
            reason = format!("{}; {reason}", truncate_text(failure, MAX_TEXT_CHARS));
            state = BarState::Failed;
        }
        let bar = LaneBar {
            source,
            start: origin.started,
            mid: mid.or(end_mid),
            end: (state != BarState::Open).then_some(t),
            state,
            text: text.into(),
            line: origin.line,
        };
        let row = SourceRow {
            name: name.clone(),
            entry: entry.clone(),
            lateness: origin.lateness(),
            took: took.unwrap_or(t.since(origin.started)),
            end: reason,
            counts,
            bar,
        };
        self.add_row(lane, row, t);
    }

    /// Notes how the source ended whose end was noted last.
    fn note_outcome(&mut self, origin: Option<&SourceOrigin>, ok: bool, exit: Option<SpawnExit>) {
        let Some(origin) = origin else { return };
        if let Some(entry) = &origin.group.entry {
            self.dependencies.note_outcome(entry, ok && origin.failure.is_none(), exit);
        }
    }

    /// Adds a spawn that could not start: its bar ends where it begins.
    fn add_unstarted(&mut self, logged: &LogEvent<'_, '_>, source: Source, error: &str) {
        let LogEvent { t, line, origin, .. } = *logged;
        let name = origin.map_or(UNNAMED, |origin| &origin.group.name);
        let entry = origin.and_then(|origin| origin.group.entry.clone());
        let lane = self.add_lane((source, LaneKind::Spawn), name, entry.clone(), (t, line), "");
        if let Some(entry) = &entry {
            let at = TimelinePoint { lane: Some(lane), t };
            self.arrow(Some(entry), at);
            self.dependencies.note_finished(entry, at);
        }
        let state = BarState::Failed;
        let bar = LaneBar { source, start: t, mid: None, end: Some(t), state, text: "".into(), line };
        let row = SourceRow {
            name: name.to_owned(),
            entry,
            lateness: Span::ZERO,
            took: Span::ZERO,
            end: truncate_text(error, MAX_TEXT_CHARS),
            counts: SourceCounts::default(),
            bar,
        };
        self.add_row(lane, row, t);
    }

    /// Ends a bar on its lane, and adds the row of its source to the tables.
    fn add_row(&mut self, lane: usize, row: SourceRow, t: Moment) {
        let text = if row.bar.text.is_empty() {
            row.end.clone()
        } else {
            format!("{} · {}", row.bar.text, row.end)
        };
        self.lanes.end(lane, LaneBar { text: text.into(), ..row.bar.clone() }, t);
        match lane_kind(row.bar.source) {
            LaneKind::Spawn => self.spawns.add(row),
            LaneKind::Fetch => self.fetches.add(row),
        }
    }

    fn add_output(&mut self, logged: &LogEvent<'_, '_>, source: Source, stream: OutputStream, chunk: &[u8]) {
        let text = chunk.strip_suffix(b"\n").unwrap_or(chunk);
        let kind = match stream {
            OutputStream::Stdout => 'o',
            OutputStream::Stderr => 'e',
        };
        if let Some((entry, at)) = self.entry_point(logged, source) {
            self.dependencies.note_line(entry, at, text);
        }
        self.add_line(source, logged, kind, || truncate_bytes(text, MAX_TEXT_CHARS));
    }

    fn note_ready(&mut self, logged: &LogEvent<'_, '_>, source: Source) {
        if let Some((entry, at)) = self.entry_point(logged, source) {
            self.dependencies.note_ready(entry, at);
        }
    }

    /// The entry of a source that runs, and the point of this event on its lane.
    fn entry_point<'a>(&self, logged: &LogEvent<'a, '_>, source: Source) -> Option<(&'a str, TimelinePoint)> {
        let entry = logged.origin?.group.entry.as_deref()?;
        let lane = Some(self.running.get(&source)?.lane);
        Some((entry, TimelinePoint { lane, t: logged.t }))
    }

    /// Adds a move or step of a player.
    fn add_move(
        &mut self,
        source: Source,
        logged: &LogEvent<'_, '_>,
        kind: char,
        text: impl FnOnce() -> String,
        count: impl FnOnce(&mut SourceCounts) -> &mut u64,
    ) {
        let LogEvent { t, line, .. } = *logged;
        let Some(running) = self.running.get_mut(&source) else { return };
        *count(&mut running.counts) += 1;
        self.lanes.add_move(running.lane, t, || SamplePoint {
            t,
            line,
            kind,
            text: truncate_text(&text(), MAX_TEXT_CHARS).into(),
        });
    }

    /// Adds a line that a source wrote, or another event of it.
    fn add_line(
        &mut self,
        source: Source,
        logged: &LogEvent<'_, '_>,
        kind: char,
        text: impl FnOnce() -> String,
    ) {
        let LogEvent { t, line, .. } = *logged;
        let Some(running) = self.running.get_mut(&source) else { return };
        running.counts.lines += u64::from("oef".contains(kind));
        self.lanes.add_line(running.lane, t, || SamplePoint { t, line, kind, text: text().into() });
    }

    fn set_mid(&mut self, source: Source, t: Moment) {
        let Some(running) = self.running.get_mut(&source) else { return };
        running.mid = Some(t);
        self.lanes.set_mid(running.lane, t);
    }

    fn add_mark(&mut self, mark: TimelineMark, entry: Option<EntryName<'_>>) {
        if let Some(entry) = entry.map(|entry| entry.to_string()) {
            let at = TimelinePoint { lane: None, t: mark.t };
            self.arrow(Some(&entry), at);
            self.dependencies.note_started(&entry, at);
            self.dependencies.note_finished(&entry, at);
        }
        self.marks.add(mark);
    }
}

impl BarEnd {
    fn new(state: BarState, reason: String) -> BarEnd {
        BarEnd { state, reason, took: None, mid: None }
    }

    fn of_response(t: Moment, fetched: &FetchedResponse) -> BarEnd {
        let check =
            fetched.check.as_deref().map(|check| format!(": {}", truncate_text(check, MAX_TEXT_CHARS)));
        let reason = format!("{}{}", fetched.status, check.unwrap_or_default());
        let mid = fetched.timings.body.map(|body| Moment(t.0.saturating_sub(body.0)));
        BarEnd { state: BarState::Ok, reason, took: Some(fetched.took), mid }
    }
}

/// The state of the bar of a source that an event ends.
fn bar_state(ok: bool, logged: &LogEvent<'_, '_>) -> BarState {
    BarState::from_ok(is_ok_or_tried_again(ok, logged.origin))
}

fn lane_kind(source: Source) -> LaneKind {
    match source {
        Source::Spawn(_) | Source::Guest(_) => LaneKind::Spawn,
        Source::Request(_) => LaneKind::Fetch,
    }
}
