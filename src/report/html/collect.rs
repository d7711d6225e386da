//! What a page shows of a log beside its figures, gathered event by event: lanes, the timeline's own
//! marks and ticks, arrows, and the rows of the tables.

use std::collections::HashMap;

use crate::report::dependencies::Waits;
use crate::report::feed::Told;
use crate::report::html::lanes::{Bar, Kind, Lanes, State};
use crate::report::html::marks::{Mark, Marks};
use crate::report::html::rows::{Counts, Row, Rows};
use crate::report::html::sample::Point;
use crate::report::html::text::{cut, cut_bytes};
use crate::report::metrics::sources::UNNAMED;
use scenario_log::event::{EntryName, Event, Source, Stream};
use scenario_log::time::{Moment, Span};

/// How much is shown of a text, in characters.
pub(super) const LONGEST: usize = 200;
/// How many arrows there are.
const ARROWS: usize = 1_000;

/// A moment on a lane, or on the timeline's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) lane: Option<usize>,
    pub(super) t: Moment,
}

/// A source that runs.
#[derive(Debug)]
struct Running {
    lane: usize,
    group: usize,
    bar: Bar,
    late: Span,
    /// It failed while it ran: why.
    failed: Option<String>,
    counts: Counts,
}

/// How a source ended.
struct End {
    state: State,
    how: String,
    took: Option<Span>,
    mid: Option<Moment>,
}

/// All that is gathered.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) scenario: Option<String>,
    pub(super) lanes: Lanes,
    pub(super) marks: Marks,
    pub(super) spawns: Rows,
    pub(super) fetches: Rows,
    pub(super) arrows: Vec<(Place, Place)>,
    /// How many arrows there is no room for.
    pub(super) arrows_left: u64,
    waits: Waits<Place>,
    running: HashMap<Source, Running>,
    reached: Moment,
}

impl Gathered {
    /// Takes an event.
    pub(super) fn take(&mut self, told: &Told<'_, '_>) {
        self.reached = told.t;
        let Some(event) = told.event else { return };
        if let Event::RunStarted { scenario, .. } = *event {
            self.waits = Waits::of(scenario);
            self.scenario = Some(scenario.to_owned());
        }
        self.take_spawn(told, event);
        self.take_fetch(told, event);
        self.take_own(told, event);
    }

    /// Ends what has not ended, where the log does.
    pub(super) fn finish(&mut self) {
        let mut left: Vec<Source> = self.running.keys().copied().collect();
        left.sort_unstable();
        for source in left {
            let how = "no end in the log".to_owned();
            self.end(source, self.reached, End { state: State::Open, how, took: None, mid: None });
        }
    }

    fn start(
        &mut self,
        told: &Told<'_, '_>,
        (source, due): (Source, Moment),
        of: &str,
        entry: Option<EntryName<'_>>,
        words: String,
    ) {
        let kind = if matches!(source, Source::Spawn(_)) { Kind::Spawn } else { Kind::Fetch };
        let entry = entry.map(|entry| entry.to_string());
        let Told { t, line, .. } = *told;
        let (state, words) = (State::Open, words.into());
        let bar = Bar { source, start: t, mid: None, end: None, state, words, line };
        let group = self.lanes.group(kind, of, entry.clone(), t);
        let lane = self.lanes.start(group, &bar);
        let at = Place { lane: Some(lane), t };
        self.arrow(entry.as_deref(), at);
        if let Some(entry) = &entry {
            self.waits.started(entry, at);
        }
        let (late, counts) = (t.since(due), Counts::default());
        self.running.insert(source, Running { lane, group, bar, late, failed: None, counts });
    }

    /// Draws the arrow to what came of an entry, if it has waited for something.
    fn arrow(&mut self, entry: Option<&str>, to: Place) {
        let Some(from) = entry.and_then(|entry| self.waits.take(entry)) else { return };
        if self.arrows.len() < ARROWS {
            self.arrows.push((from, to));
        } else {
            self.arrows_left += 1;
        }
    }

    fn end(&mut self, source: Source, t: Moment, end: End) {
        let Some(mut running) = self.running.remove(&source) else { return };
        let group = &self.lanes.groups[running.group];
        let (of, entry) = (group.of.clone(), group.entry.clone());
        if let Some(entry) = &entry {
            self.waits.finished(entry, Place { lane: Some(running.lane), t });
        }
        let End { mut state, mut how, took, mid } = end;
        if let Some(failed) = running.failed.take() {
            (state, how) = (State::Wrong, format!("{failed}; {how}"));
        }
        let words = if running.bar.words.is_empty() {
            how.clone()
        } else {
            format!("{} · {how}", running.bar.words)
        };
        let is_open = state == State::Open;
        let mut bar = running.bar.clone();
        bar.state = state;
        bar.mid = bar.mid.or(mid);
        bar.end = (!is_open).then_some(t);
        let shown = Bar { words: words.into(), ..bar.clone() };
        self.lanes.end(running.lane, shown, t);
        let took = took.unwrap_or(t.since(bar.start));
        let row = Row { bar, of, entry, late: running.late, took, how, counts: running.counts };
        match source {
            Source::Spawn(_) => self.spawns.add(row),
            Source::Request(_) => self.fetches.add(row),
            // Guests are marks.
            Source::Guest(_) => {}
        }
    }

    fn take_spawn(&mut self, told: &Told<'_, '_>, event: &Event<'_>) {
        let t = told.t;
        match *event {
            Event::SpawnStarted { due, source, preset, entry, .. } => {
                self.start(told, (source, due), preset, entry, String::new());
            }
            Event::SpawnReady { source } => self.mid(source, t),
            Event::SpawnSuspended { source, signal } => {
                self.said(source, told, 's', || format!("suspended by {signal}"));
            }
            Event::SpawnResumed { source } => self.said(source, told, 'r', || "resumed".to_owned()),
            Event::Move { source, player, direction, .. } => {
                let text = || format!("{player} {}", direction.letter());
                self.did(source, told, 'm', text, |counts| &mut counts.moves);
            }
            Event::Step { source, player, step, register, .. } => {
                let text = || format!("{player} {step}: {register}");
                self.did(source, told, 'w', text, |counts| &mut counts.steps);
            }
            Event::Lines { source, stream, chunk, .. } => self.line(told, source, stream, chunk),
            Event::SpawnExited { source, exit, ok, .. } => {
                let state = if ok { State::Ok } else { State::Wrong };
                self.end(source, t, End { state, how: exit.to_string(), took: None, mid: None });
            }
            Event::SpawnFailed { source, error, .. } => match self.running.get_mut(&source) {
                // It runs on, until it has stopped.
                Some(running) => running.failed = Some(cut(error, LONGEST)),
                None => {
                    self.start(told, (source, t), UNNAMED, None, String::new());
                    let how = cut(error, LONGEST);
                    self.end(source, t, End { state: State::Wrong, how, took: None, mid: None });
                }
            },
            _ => {}
        }
    }

    fn line(&mut self, told: &Told<'_, '_>, source: Source, stream: Stream, chunk: &[u8]) {
        let text = chunk.strip_suffix(b"\n").unwrap_or(chunk);
        let kind = match stream {
            Stream::Stdout => 'o',
            Stream::Stderr => 'e',
        };
        if let Some(running) = self.running.get(&source)
            && let Some(entry) = &self.lanes.groups[running.group].entry
        {
            self.waits.line(entry, Place { lane: Some(running.lane), t: told.t }, text);
        }
        self.said(source, told, kind, || cut_bytes(text, LONGEST));
    }

    /// A move or step of a player.
    fn did(
        &mut self,
        source: Source,
        told: &Told<'_, '_>,
        kind: char,
        text: impl FnOnce() -> String,
        count: impl FnOnce(&mut Counts) -> &mut u64,
    ) {
        let Told { t, line, .. } = *told;
        let Some(running) = self.running.get_mut(&source) else { return };
        *count(&mut running.counts) += 1;
        self.lanes.moved(running.lane, t, || Point { t, line, kind, text: cut(&text(), LONGEST).into() });
    }

    /// Something that a source has written, or that was seen of it.
    fn said(&mut self, source: Source, told: &Told<'_, '_>, kind: char, text: impl FnOnce() -> String) {
        let Told { t, line, .. } = *told;
        let Some(running) = self.running.get_mut(&source) else { return };
        running.counts.lines += u64::from("oef".contains(kind));
        self.lanes.said(running.lane, t, || Point { t, line, kind, text: text().into() });
    }

    fn mid(&mut self, source: Source, t: Moment) {
        let Some(running) = self.running.get_mut(&source) else { return };
        running.bar.mid = Some(t);
        self.lanes.mid(running.lane, t);
        if matches!(source, Source::Spawn(_))
            && let Some(entry) = &self.lanes.groups[running.group].entry
        {
            self.waits.ready(entry, Place { lane: Some(running.lane), t });
        }
    }

    fn take_fetch(&mut self, told: &Told<'_, '_>, event: &Event<'_>) {
        let t = told.t;
        match *event {
            Event::FetchStarted { due, source, job, entry, method, url } => {
                let words = cut(&format!("{method} {url}"), LONGEST);
                self.start(told, (source, due), job, entry, words);
            }
            Event::FetchResponded { source, .. } => self.mid(source, t),
            Event::FetchLine { source, text, .. } => {
                self.said(source, told, 'f', || cut_bytes(text, LONGEST))
            }
            Event::FetchFinished { source, fetched, ok } => {
                if let Some(running) = self.running.get_mut(&source) {
                    running.counts.bytes = fetched.bytes;
                }
                let check = fetched.check.as_deref().map(|check| format!(": {}", cut(check, LONGEST)));
                let how = format!("{}{}", fetched.status, check.unwrap_or_default());
                let state = if ok { State::Ok } else { State::Wrong };
                let mid = fetched.timings.body.map(|body| Moment(t.0.saturating_sub(body.0)));
                self.end(source, t, End { state, how, took: Some(fetched.took), mid });
            }
            Event::FetchFailed { source, kind, error, took } => {
                let how = format!("{}: {}", kind.name(), cut(error, LONGEST));
                self.end(source, t, End { state: State::Wrong, how, took: Some(took), mid: None });
            }
            _ => {}
        }
    }

    /// What is of the timeline, the clock or a person.
    fn take_own(&mut self, told: &Told<'_, '_>, event: &Event<'_>) {
        let Told { t, line, .. } = *told;
        if let Event::ClockTick { .. } = event {
            return self.marks.tick(t);
        }
        let Some((mark, entry)) = Mark::of(t, line, event) else { return };
        if let Some(entry) = entry.map(|entry| entry.to_string()) {
            let at = Place { lane: None, t };
            self.arrow(Some(&entry), at);
            self.waits.started(&entry, at);
            self.waits.finished(&entry, at);
        }
        self.marks.add(mark);
    }
}
