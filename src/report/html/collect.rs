//! What a page shows of a log beside its figures, gathered event by event: lanes, the timeline's own
//! marks and ticks, arrows, and the rows of the tables.

use std::collections::HashMap;

use crate::report::dependencies::EntryDependencies;
use crate::report::feed::LogEvent;
use crate::report::html::lanes::{BarState, LaneBar, LaneKind, TimelineLanes};
use crate::report::html::marks::{TimelineMark, TimelineMarks};
use crate::report::html::sample::SamplePoint;
use crate::report::html::source_rows::{SourceCounts, SourceRow, SourceRows};
use crate::report::html::text::{MAX_TEXT_CHARS, truncate_bytes, truncate_text};
use crate::report::metrics::source_metrics::UNNAMED;
use scenario_log::event::{EntryName, Event, OutputStream, Source};
use scenario_log::time::{Moment, Span};

/// How many arrows there are.
const MAX_ARROWS: usize = 1_000;

/// A moment on a lane, or on the timeline's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TimelinePoint {
    pub(super) lane: Option<usize>,
    pub(super) t: Moment,
}

/// A source that runs.
#[derive(Debug)]
struct RunningBar {
    lane: usize,
    group: usize,
    bar: LaneBar,
    lateness: Span,
    /// It failed while it ran: why.
    failed: Option<String>,
    counts: SourceCounts,
}

/// How a source ended.
struct BarEnd {
    state: BarState,
    reason: String,
    took: Option<Span>,
    mid: Option<Moment>,
}

/// All that is gathered.
#[derive(Debug, Default)]
pub(super) struct CollectedReport {
    pub(super) scenario: Option<String>,
    pub(super) lanes: TimelineLanes,
    pub(super) marks: TimelineMarks,
    pub(super) spawns: SourceRows,
    pub(super) fetches: SourceRows,
    pub(super) arrows: Vec<(TimelinePoint, TimelinePoint)>,
    /// How many arrows there is no room for.
    pub(super) omitted_arrows: u64,
    dependencies: EntryDependencies<TimelinePoint>,
    running: HashMap<Source, RunningBar>,
    last_moment: Moment,
}

impl CollectedReport {
    /// Takes an event.
    pub(super) fn on_event(&mut self, told: &LogEvent<'_, '_>) {
        self.last_moment = told.t;
        let Some(event) = told.event else { return };
        if let Event::RunStarted { scenario, .. } = *event {
            self.dependencies = EntryDependencies::from_scenario(scenario);
            self.scenario = Some(scenario.to_owned());
        }
        self.on_spawn_event(told, event);
        self.on_fetch_event(told, event);
        self.on_timeline_event(told, event);
    }

    /// Ends what has not ended, where the log does.
    pub(super) fn finish(&mut self) {
        let mut left: Vec<Source> = self.running.keys().copied().collect();
        left.sort_unstable();
        for source in left {
            let how = "no end in the log".to_owned();
            self.end(
                source,
                self.last_moment,
                BarEnd { state: BarState::Open, reason: how, took: None, mid: None },
            );
        }
    }

    fn start(
        &mut self,
        told: &LogEvent<'_, '_>,
        (source, due): (Source, Moment),
        of: &str,
        entry: Option<EntryName<'_>>,
        words: String,
    ) {
        let kind = if matches!(source, Source::Spawn(_)) { LaneKind::Spawn } else { LaneKind::Fetch };
        let entry = entry.map(|entry| entry.to_string());
        let LogEvent { t, line, .. } = *told;
        let (state, words) = (BarState::Open, words.into());
        let bar = LaneBar { source, start: t, mid: None, end: None, state, text: words, line };
        let group = self.lanes.group(kind, of, entry.clone(), t);
        let lane = self.lanes.start(group, &bar);
        let at = TimelinePoint { lane: Some(lane), t };
        self.arrow(entry.as_deref(), at);
        if let Some(entry) = &entry {
            self.dependencies.note_started(entry, at);
        }
        let (late, counts) = (t.since(due), SourceCounts::default());
        self.running.insert(source, RunningBar { lane, group, bar, lateness: late, failed: None, counts });
    }

    /// Draws the arrow to what came of an entry, if it has waited for something.
    fn arrow(&mut self, entry: Option<&str>, to: TimelinePoint) {
        let Some(from) = entry.and_then(|entry| self.dependencies.take_moment(entry)) else { return };
        if self.arrows.len() < MAX_ARROWS {
            self.arrows.push((from, to));
        } else {
            self.omitted_arrows += 1;
        }
    }

    fn end(&mut self, source: Source, t: Moment, end: BarEnd) {
        let Some(mut running) = self.running.remove(&source) else { return };
        let group = &self.lanes.groups[running.group];
        let (of, entry) = (group.name.clone(), group.entry.clone());
        if let Some(entry) = &entry {
            self.dependencies.note_finished(entry, TimelinePoint { lane: Some(running.lane), t });
        }
        let BarEnd { mut state, reason: mut how, took, mid } = end;
        if let Some(failed) = running.failed.take() {
            (state, how) = (BarState::Failed, format!("{failed}; {how}"));
        }
        let words =
            if running.bar.text.is_empty() { how.clone() } else { format!("{} · {how}", running.bar.text) };
        let is_open = state == BarState::Open;
        let mut bar = running.bar.clone();
        bar.state = state;
        bar.mid = bar.mid.or(mid);
        bar.end = (!is_open).then_some(t);
        let shown = LaneBar { text: words.into(), ..bar.clone() };
        self.lanes.end(running.lane, shown, t);
        let took = took.unwrap_or(t.since(bar.start));
        let row = SourceRow {
            bar,
            name: of,
            entry,
            lateness: running.lateness,
            took,
            end: how,
            counts: running.counts,
        };
        match source {
            Source::Spawn(_) => self.spawns.add(row),
            Source::Request(_) => self.fetches.add(row),
            // Guests are marks.
            Source::Guest(_) => {}
        }
    }

    fn on_spawn_event(&mut self, told: &LogEvent<'_, '_>, event: &Event<'_>) {
        let t = told.t;
        match *event {
            Event::SpawnStarted { due, source, preset, entry, .. } => {
                self.start(told, (source, due), preset, entry, String::new());
            }
            Event::SpawnReady { source } => self.set_mid(source, t),
            Event::SpawnSuspended { source, signal } => {
                self.add_line(source, told, 's', || format!("suspended by {signal}"));
            }
            Event::SpawnResumed { source } => self.add_line(source, told, 'r', || "resumed".to_owned()),
            Event::Move { source, player, direction, .. } => {
                let text = || format!("{player} {}", direction.letter());
                self.add_move(source, told, 'm', text, |counts| &mut counts.moves);
            }
            Event::Step { source, player, step, register, .. } => {
                let text = || format!("{player} {step}: {register}");
                self.add_move(source, told, 'w', text, |counts| &mut counts.steps);
            }
            Event::Lines { source, stream, chunk, .. } => self.add_output(told, source, stream, chunk),
            Event::SpawnExited { source, exit, ok, .. } => {
                let state = if ok { BarState::Ok } else { BarState::Failed };
                self.end(source, t, BarEnd { state, reason: exit.to_string(), took: None, mid: None });
            }
            Event::SpawnFailed { source, error, .. } => match self.running.get_mut(&source) {
                // It runs on, until it has stopped.
                Some(running) => running.failed = Some(truncate_text(error, MAX_TEXT_CHARS)),
                None => {
                    self.start(told, (source, t), UNNAMED, None, String::new());
                    let how = truncate_text(error, MAX_TEXT_CHARS);
                    self.end(
                        source,
                        t,
                        BarEnd { state: BarState::Failed, reason: how, took: None, mid: None },
                    );
                }
            },
            _ => {}
        }
    }

    fn add_output(&mut self, told: &LogEvent<'_, '_>, source: Source, stream: OutputStream, chunk: &[u8]) {
        let text = chunk.strip_suffix(b"\n").unwrap_or(chunk);
        let kind = match stream {
            OutputStream::Stdout => 'o',
            OutputStream::Stderr => 'e',
        };
        if let Some(running) = self.running.get(&source)
            && let Some(entry) = &self.lanes.groups[running.group].entry
        {
            self.dependencies.note_line(entry, TimelinePoint { lane: Some(running.lane), t: told.t }, text);
        }
        self.add_line(source, told, kind, || truncate_bytes(text, MAX_TEXT_CHARS));
    }

    /// A move or step of a player.
    fn add_move(
        &mut self,
        source: Source,
        told: &LogEvent<'_, '_>,
        kind: char,
        text: impl FnOnce() -> String,
        count: impl FnOnce(&mut SourceCounts) -> &mut u64,
    ) {
        let LogEvent { t, line, .. } = *told;
        let Some(running) = self.running.get_mut(&source) else { return };
        *count(&mut running.counts) += 1;
        self.lanes.add_move(running.lane, t, || SamplePoint {
            t,
            line,
            kind,
            text: truncate_text(&text(), MAX_TEXT_CHARS).into(),
        });
    }

    /// Something that a source has written, or that was seen of it.
    fn add_line(
        &mut self,
        source: Source,
        told: &LogEvent<'_, '_>,
        kind: char,
        text: impl FnOnce() -> String,
    ) {
        let LogEvent { t, line, .. } = *told;
        let Some(running) = self.running.get_mut(&source) else { return };
        running.counts.lines += u64::from("oef".contains(kind));
        self.lanes.add_line(running.lane, t, || SamplePoint { t, line, kind, text: text().into() });
    }

    fn set_mid(&mut self, source: Source, t: Moment) {
        let Some(running) = self.running.get_mut(&source) else { return };
        running.bar.mid = Some(t);
        self.lanes.set_mid(running.lane, t);
        if matches!(source, Source::Spawn(_))
            && let Some(entry) = &self.lanes.groups[running.group].entry
        {
            self.dependencies.note_ready(entry, TimelinePoint { lane: Some(running.lane), t });
        }
    }

    fn on_fetch_event(&mut self, told: &LogEvent<'_, '_>, event: &Event<'_>) {
        let t = told.t;
        match *event {
            Event::FetchStarted { due, source, job, entry, method, url } => {
                let words = truncate_text(&format!("{method} {url}"), MAX_TEXT_CHARS);
                self.start(told, (source, due), job, entry, words);
            }
            Event::FetchResponded { source, .. } => self.set_mid(source, t),
            Event::FetchLine { source, text, .. } => {
                self.add_line(source, told, 'f', || truncate_bytes(text, MAX_TEXT_CHARS))
            }
            Event::FetchFinished { source, fetched, ok } => {
                if let Some(running) = self.running.get_mut(&source) {
                    running.counts.bytes = fetched.bytes;
                }
                let check = fetched
                    .check
                    .as_deref()
                    .map(|check| format!(": {}", truncate_text(check, MAX_TEXT_CHARS)));
                let how = format!("{}{}", fetched.status, check.unwrap_or_default());
                let state = if ok { BarState::Ok } else { BarState::Failed };
                let mid = fetched.timings.body.map(|body| Moment(t.0.saturating_sub(body.0)));
                self.end(source, t, BarEnd { state, reason: how, took: Some(fetched.took), mid });
            }
            Event::FetchFailed { source, kind, error, took } => {
                let how = format!("{}: {}", kind.name(), truncate_text(error, MAX_TEXT_CHARS));
                self.end(
                    source,
                    t,
                    BarEnd { state: BarState::Failed, reason: how, took: Some(took), mid: None },
                );
            }
            _ => {}
        }
    }

    /// What is of the timeline, the clock or a person.
    fn on_timeline_event(&mut self, told: &LogEvent<'_, '_>, event: &Event<'_>) {
        let LogEvent { t, line, .. } = *told;
        if let Event::ClockTick { .. } = event {
            return self.marks.tick(t);
        }
        let Some((mark, entry)) = TimelineMark::from_event(t, line, event) else { return };
        if let Some(entry) = entry.map(|entry| entry.to_string()) {
            let at = TimelinePoint { lane: None, t };
            self.arrow(Some(&entry), at);
            self.dependencies.note_started(&entry, at);
            self.dependencies.note_finished(&entry, at);
        }
        self.marks.add(mark);
    }
}
