//! The latest lines: what was written, moved, typed, marked and ended. Few enough to be read; of the
//! others, the number.

use std::collections::VecDeque;

use serde::Serialize;

use crate::report::format::{format_span, pluralize};
use crate::report::html::marks::TimelineMark;
use crate::report::html::text::{truncate_bytes, truncate_text};
use crate::web::page::lanes::LiveLanes;
use crate::web::page::moment_to_seconds;
use scenario_log::event::{Event, RunOutcome, Source};
use scenario_log::sanitize::sanitize;
use scenario_log::time::Moment;

/// How many lines who comes late is shown.
const MAX_RECENT: usize = 200;
/// How many lines one change has of moves, steps and output, and how many of all.
const MAX_FREQUENT_PER_CHANGE: usize = 40;
const MAX_PER_CHANGE: usize = 200;
/// How much is shown of one, in characters.
const MAX_TEXT_CHARS: usize = 300;

/// A line.
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

/// All of them.
#[derive(Clone, Debug, Default)]
pub(super) struct RecentLines {
    latest: VecDeque<RecentLine>,
    changed: Vec<RecentLine>,
    skipped: u64,
}

impl RecentLines {
    /// Takes an event. `lanes` know of what its source is, where it still runs.
    pub(super) fn on_event(&mut self, t: Moment, event: &Event<'_>, lanes: &LiveLanes) {
        let is_flood = matches!(
            event,
            Event::Move { .. } | Event::Step { .. } | Event::Lines { .. } | Event::FetchLine { .. }
        );
        let source = event.source();
        if let Event::Lines { stream, chunk, .. } = event {
            let lines = chunk.strip_suffix(b"\n").unwrap_or(chunk).split(|byte| *byte == b'\n');
            let room = MAX_FREQUENT_PER_CHANGE.saturating_sub(self.changed.len());
            for line in lines.clone().take(room) {
                let text = truncate_bytes(line, MAX_TEXT_CHARS);
                let line = RecentLine::new(t, "line", text).with_source(source, lanes);
                self.push(RecentLine { stream: Some(stream.name()), ..line });
            }
            self.skipped += lines.skip(room).count() as u64;
            return;
        }
        if is_flood && self.changed.len() >= MAX_FREQUENT_PER_CHANGE {
            self.skipped += 1;
            return;
        }
        let Some(line) = describe_event(t, event, lanes) else { return };
        if self.changed.len() >= MAX_PER_CHANGE {
            self.skipped += 1;
        } else {
            self.push(line.with_source(source, lanes));
        }
    }

    fn push(&mut self, line: RecentLine) {
        if self.latest.len() == MAX_RECENT {
            self.latest.pop_front();
        }
        self.latest.push_back(line.clone());
        self.changed.push(line);
    }

    /// The latest, the newest last.
    pub(super) fn latest(&self) -> Vec<RecentLine> {
        self.latest.iter().cloned().collect()
    }

    pub(super) fn changed(&self) -> &[RecentLine] {
        &self.changed
    }

    /// How many so far were too many.
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

    fn with_source(self, source: Option<Source>, lanes: &LiveLanes) -> RecentLine {
        let label = source.and_then(|source| lanes.label(source)).map(str::to_owned);
        let source = source.map(|source| source.to_string());
        RecentLine { source, label: self.label.or(label), ..self }
    }
}

/// What there is to say of an event that is no output.
fn describe_event(t: Moment, event: &Event<'_>, lanes: &LiveLanes) -> Option<RecentLine> {
    let line = |kind, text: String, is_wrong| Some(RecentLine { is_wrong, ..RecentLine::new(t, kind, text) });
    match *event {
        Event::SpawnStarted { preset, .. } => Some(RecentLine {
            label: Some(sanitize(preset)),
            ..RecentLine::new(t, "start", "started".to_owned())
        }),
        Event::SpawnReady { .. } => line("start", "ready".to_owned(), false),
        Event::SpawnSuspended { signal, .. } => line("start", format!("suspended by {signal}"), false),
        Event::SpawnResumed { .. } => line("start", "goes on".to_owned(), false),
        Event::Move { player, direction, .. } => {
            line("move", format!("{player} {}", direction.letter()), false)
        }
        Event::Step { player, step, register, .. } => {
            line("move", format!("{player} {}: {register}", truncate_text(step, MAX_TEXT_CHARS)), false)
        }
        Event::SpawnExited { exit, ok, .. } => line("exit", format!("ended: {exit}"), !ok),
        Event::SpawnFailed { error, .. } => line("exit", truncate_text(error, MAX_TEXT_CHARS), true),
        Event::FetchStarted { job, method, url, .. } if !lanes.is_load(job) => {
            let line = RecentLine::new(t, "fetch", truncate_text(&format!("{method} {url}"), MAX_TEXT_CHARS));
            Some(RecentLine { label: Some(sanitize(job)), ..line })
        }
        Event::FetchLine { text, .. } => line("line", truncate_bytes(text, MAX_TEXT_CHARS), false),
        // Of a load, only what goes wrong is told one by one.
        Event::FetchFinished { source, fetched, ok } if !ok || !lanes.is_of_load(source) => {
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
            line("player", format!("{player} joined{called}"), false)
        }
        Event::PlayerLeft { .. } => line("player", "left".to_owned(), false),
        Event::RunFinished(summary) => {
            let reason = summary
                .reason
                .as_deref()
                .map(|reason| format!(": {}", truncate_text(reason, MAX_TEXT_CHARS)));
            let text = format!("{}{}", summary.outcome.name(), reason.unwrap_or_default());
            line("stop", text, summary.outcome == RunOutcome::Failed)
        }
        ref own => {
            let (mark, _) = TimelineMark::from_event(t, 0, own)?;
            let kind = match own {
                Event::Mark { .. } => "mark",
                Event::TypedInput { .. } => "input",
                Event::Sent { .. } => "sent",
                Event::Expect(_) => "expect",
                _ => "stop",
            };
            line(kind, mark.text, mark.kind == 'x')
        }
    }
}
