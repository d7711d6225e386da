//! The latest lines: output, moves, typed lines, marks and ends. They are few enough to be read; the others
//! are counted.

use std::collections::VecDeque;

use serde::Serialize;

use crate::report::feed::LogEvent;
use crate::report::format::{format_span, pluralize};
use crate::report::html::marks::TimelineMark;
use crate::report::html::text::{truncate_bytes, truncate_text};
use crate::report::link_words::connection_words;
use crate::report::metrics::faults::readable_reason;
use crate::web::page::lanes::LiveLanes;
use crate::web::page::moment_to_seconds;
use scenario_log::event::{Event, RunOutcome};
use scenario_log::sanitize::sanitize;
use scenario_log::time::Moment;

/// How many lines a new reader is shown.
const MAX_RECENT: usize = 200;
/// How many lines of moves, steps and output one change has at most, and how many lines of all.
const MAX_FREQUENT_PER_CHANGE: usize = 40;
const MAX_PER_CHANGE: usize = 200;
/// How many characters of a line are shown.
const MAX_TEXT_CHARS: usize = 300;

#[derive(Clone, Debug, Serialize)]
pub(super) struct RecentLine {
    t: f64,
    kind: &'static str,
    source: Option<String>,
    label: Option<String>,
    stream: Option<&'static str>,
    text: String,
    is_wrong: bool,
}

/// The latest lines.
#[derive(Clone, Debug, Default)]
pub(super) struct RecentLines {
    latest: VecDeque<RecentLine>,
    changed: Vec<RecentLine>,
    skipped: u64,
}

impl RecentLines {
    /// Takes an event. `lanes` know which fetches are loads.
    pub(super) fn on_event(&mut self, logged: &LogEvent<'_, '_>, event: &Event<'_>, lanes: &LiveLanes) {
        let t = logged.t;
        if let Event::Lines { stream, chunk, .. } = event {
            let lines = chunk.strip_suffix(b"\n").unwrap_or(chunk).split(|byte| *byte == b'\n');
            let room = MAX_FREQUENT_PER_CHANGE.saturating_sub(self.changed.len());
            for line in lines.clone().take(room) {
                let text = truncate_bytes(line, MAX_TEXT_CHARS);
                let line = RecentLine::new(t, "line", text).with_source(logged);
                self.push(RecentLine { stream: Some(stream.name()), ..line });
            }
            self.skipped += lines.skip(room).count() as u64;
            return;
        }
        let is_frequent = matches!(
            event,
            Event::Move { .. } | Event::Step { .. } | Event::FetchLine { .. } | Event::UnfinishedText { .. }
        );
        if is_frequent && self.changed.len() >= MAX_FREQUENT_PER_CHANGE {
            self.skipped += 1;
            return;
        }
        let Some(line) = describe_event(logged, event, lanes) else { return };
        if self.changed.len() >= MAX_PER_CHANGE {
            self.skipped += 1;
        } else {
            self.push(line.with_source(logged));
        }
    }

    /// Adds an error of a file.
    pub(super) fn push_error(&mut self, error: &str) {
        let text = truncate_text(error, MAX_TEXT_CHARS);
        self.push(RecentLine { is_wrong: true, ..RecentLine::new(Moment::ZERO, "stop", text) });
    }

    fn push(&mut self, line: RecentLine) {
        if self.latest.len() == MAX_RECENT {
            self.latest.pop_front();
        }
        self.latest.push_back(line.clone());
        self.changed.push(line);
    }

    /// The latest lines, the newest last.
    pub(super) fn latest(&self) -> Vec<RecentLine> {
        self.latest.iter().cloned().collect()
    }

    pub(super) fn changed(&self) -> &[RecentLine] {
        &self.changed
    }

    /// How many lines were left out so far.
    pub(super) fn skipped(&self) -> u64 {
        self.skipped
    }

    pub(super) fn forget_changes(&mut self) {
        self.changed.clear();
    }
}

impl RecentLine {
    fn new(t: Moment, kind: &'static str, text: String) -> RecentLine {
        RecentLine {
            t: moment_to_seconds(t),
            kind,
            source: None,
            label: None,
            stream: None,
            text,
            is_wrong: false,
        }
    }

    fn with_source(self, logged: &LogEvent<'_, '_>) -> RecentLine {
        let source = logged.event.and_then(Event::source).map(|source| source.to_string());
        let label = logged.origin.map(|origin| sanitize(&origin.group.name));
        RecentLine { source, label, ..self }
    }
}

/// The line of an event that is not output, if it has one.
fn describe_event(logged: &LogEvent<'_, '_>, event: &Event<'_>, lanes: &LiveLanes) -> Option<RecentLine> {
    let LogEvent { t, origin, .. } = *logged;
    let line = |kind, text: String, is_wrong| Some(RecentLine { is_wrong, ..RecentLine::new(t, kind, text) });
    match *event {
        Event::SpawnStarted { .. } => line("start", "started".to_owned(), false),
        Event::SpawnReady { .. } => line("start", "ready".to_owned(), false),
        Event::SpawnUnhealthy { last_try, .. } => {
            line("exit", format!("is not alive: {}", truncate_text(last_try, MAX_TEXT_CHARS)), true)
        }
        Event::StopFailed { error, .. } => {
            line("exit", format!("its stop command failed: {}", truncate_text(error, MAX_TEXT_CHARS)), false)
        }
        Event::SpawnRestarted { replaces, .. } => {
            line("start", format!("takes the place of {replaces}"), false)
        }
        Event::SpawnSuspended { signal, .. } => line("start", format!("suspended by {signal}"), false),
        Event::SpawnResumed { .. } => line("start", "goes on".to_owned(), false),
        Event::SpawnSampled { .. } => None,
        Event::Move { player, direction, .. } => {
            line("move", format!("{} {}", player.shown(), direction.shown()), false)
        }
        Event::Step { player, step, register, .. } => line(
            "move",
            format!("{} {}: {register}", player.shown(), truncate_text(step, MAX_TEXT_CHARS)),
            false,
        ),
        Event::SpawnExited { reason: Some(reason), ok, .. } => line("exit", reason.to_owned(), !ok),
        Event::SpawnExited { exit, ok, .. } => line("exit", format!("ended: {exit}"), !ok),
        Event::SpawnFailed { error, .. } => line("exit", truncate_text(error, MAX_TEXT_CHARS), true),
        // Of a load, only failures have lines.
        Event::FetchStarted { player: Some(_), .. }
        | Event::StepEnded { ok: true, .. }
        | Event::PlayerEnded { ok: true, .. } => None,
        Event::StepEnded { player, step, .. } => {
            let step = truncate_text(step, MAX_TEXT_CHARS);
            line("fetch", format!("{} {step}: failed", player.shown()), true)
        }
        Event::PlayerEnded { player, .. } => line("exit", format!("{} ended early", player.shown()), true),
        Event::FetchStarted { job, .. } if lanes.is_load(job) => None,
        Event::FetchStarted { method, url, .. } => {
            line("fetch", truncate_text(&format!("{method} {url}"), MAX_TEXT_CHARS), false)
        }
        // The last piece, as a terminal would show it.
        Event::UnfinishedText { text, .. } => {
            let piece = text.rsplit(|byte| *byte == b'\r').find(|piece| !piece.is_empty())?;
            line("line", truncate_bytes(piece, MAX_TEXT_CHARS) + "…", false)
        }
        Event::FetchLine { text, .. } => line("line", truncate_bytes(text, MAX_TEXT_CHARS), false),
        Event::FetchFinished { ok: true, .. } if lanes.is_of_load(origin) => None,
        Event::FetchFinished { fetched, ok, .. } => {
            let (status, bytes) = (fetched.status, pluralize(fetched.bytes, "byte"));
            let check =
                fetched.check.as_deref().map(|check| format!(": {}", truncate_text(check, MAX_TEXT_CHARS)));
            let took = format_span(fetched.took);
            line("fetch", format!("{status}, {bytes} in {took}{}", check.unwrap_or_default()), !ok)
        }
        Event::FetchFailed { kind, error, .. } => {
            line("fetch", format!("failed ({}): {}", kind.name(), truncate_text(error, MAX_TEXT_CHARS)), true)
        }
        Event::PlayerJoined { player, called, .. } => {
            let called = called.map(|called| format!(", called {}", sanitize(called))).unwrap_or_default();
            line("player", format!("{} joined{called}", player.shown()), false)
        }
        Event::PlayerLeft { .. } => line("player", "left".to_owned(), false),
        Event::RunFinished(summary) => {
            let reason = summary
                .reason
                .as_deref()
                .map(|reason| format!(": {}", truncate_text(&readable_reason(reason), MAX_TEXT_CHARS)));
            let text = format!("{}{}", summary.outcome.name(), reason.unwrap_or_default());
            line("stop", text, summary.outcome == RunOutcome::Failed)
        }
        Event::Mark { .. } | Event::EntrySkipped { .. } | Event::EntryRetried { .. } => {
            mark_line(t, event, "mark")
        }
        Event::TypedInput { .. } => mark_line(t, event, "input"),
        Event::Sent { .. } => mark_line(t, event, "sent"),
        Event::Signalled { .. } => mark_line(t, event, "sent"),
        Event::LinkChanged { .. } => mark_line(t, event, "mark"),
        Event::LinkOpened { link, .. } | Event::LinkClosed { link, .. } => {
            let words = connection_words(event).unwrap_or_default();
            line("mark", truncate_text(&format!("link {link}: {words}"), MAX_TEXT_CHARS), false)
        }
        Event::Expect(_) => mark_line(t, event, "expect"),
        Event::Stopping { .. } | Event::RunPaused | Event::RunResumed { .. } | Event::Deadlock { .. } => {
            mark_line(t, event, "stop")
        }
        Event::RunStarted { .. }
        | Event::ClockTick { .. }
        | Event::Lines { .. }
        | Event::LineMatched { .. }
        | Event::FetchResponded { .. }
        | Event::WorldState { .. } => None,
    }
}

/// The line of an event that is a mark of the timeline.
fn mark_line(t: Moment, event: &Event<'_>, kind: &'static str) -> Option<RecentLine> {
    let (mark, _) = TimelineMark::from_event(t, 0, event)?;
    Some(RecentLine { is_wrong: mark.kind == 'x', ..RecentLine::new(t, kind, mark.text) })
}
