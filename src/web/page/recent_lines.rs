//! The latest lines: what was written, moved, typed, marked and ended. Few enough to be read; of the
//! others, the number.

use std::collections::VecDeque;

use serde::Serialize;

use crate::report::html::marks::Mark;
use crate::report::html::text::{cut, cut_bytes};
use crate::terminal::event_lines::{counted, short};
use crate::web::page::at;
use crate::web::page::lanes::Lanes;
use scenario_log::event::{Event, Outcome, Source};
use scenario_log::sanitize::visible;
use scenario_log::time::Moment;

/// How many lines who comes late is shown.
const KEPT: usize = 200;
/// How many lines one change has of moves, steps and output, and how many of all.
const FLOOD: usize = 40;
const MOST: usize = 200;
/// How much is shown of one, in characters.
const LONGEST: usize = 300;

/// A line.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Line {
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
pub(super) struct Said {
    latest: VecDeque<Line>,
    changed: Vec<Line>,
    skipped: u64,
}

impl Said {
    /// Takes an event. `lanes` know of what its source is, where it still runs.
    pub(super) fn take(&mut self, t: Moment, event: &Event<'_>, lanes: &Lanes) {
        let is_flood = matches!(
            event,
            Event::Move { .. } | Event::Step { .. } | Event::Lines { .. } | Event::FetchLine { .. }
        );
        let source = event.source();
        if let Event::Lines { stream, chunk, .. } = event {
            let lines = chunk.strip_suffix(b"\n").unwrap_or(chunk).split(|byte| *byte == b'\n');
            let room = FLOOD.saturating_sub(self.changed.len());
            for line in lines.clone().take(room) {
                let text = cut_bytes(line, LONGEST);
                let line = Line::new(t, "line", text).of(source, lanes);
                self.add(Line { stream: Some(stream.name()), ..line });
            }
            self.skipped += lines.skip(room).count() as u64;
            return;
        }
        if is_flood && self.changed.len() >= FLOOD {
            self.skipped += 1;
            return;
        }
        let Some(line) = words(t, event, lanes) else { return };
        if self.changed.len() >= MOST {
            self.skipped += 1;
        } else {
            self.add(line.of(source, lanes));
        }
    }

    fn add(&mut self, line: Line) {
        if self.latest.len() == KEPT {
            self.latest.pop_front();
        }
        self.latest.push_back(line.clone());
        self.changed.push(line);
    }

    /// The latest, the newest last.
    pub(super) fn latest(&self) -> Vec<Line> {
        self.latest.iter().cloned().collect()
    }

    pub(super) fn changed(&self) -> &[Line] {
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

impl Line {
    fn new(t: Moment, kind: &'static str, text: String) -> Line {
        Line { t: at(t), kind, source: None, label: None, stream: None, text, is_wrong: false }
    }

    fn of(self, source: Option<Source>, lanes: &Lanes) -> Line {
        let label = source.and_then(|source| lanes.label(source)).map(str::to_owned);
        let source = source.map(|source| source.to_string());
        Line { source, label: self.label.or(label), ..self }
    }
}

/// What there is to say of an event that is no output.
fn words(t: Moment, event: &Event<'_>, lanes: &Lanes) -> Option<Line> {
    let line = |kind, text: String, is_wrong| Some(Line { is_wrong, ..Line::new(t, kind, text) });
    match *event {
        Event::SpawnStarted { preset, .. } => {
            Some(Line { label: Some(visible(preset)), ..Line::new(t, "start", "started".to_owned()) })
        }
        Event::SpawnReady { .. } => line("start", "ready".to_owned(), false),
        Event::SpawnSuspended { signal, .. } => line("start", format!("suspended by {signal}"), false),
        Event::SpawnResumed { .. } => line("start", "goes on".to_owned(), false),
        Event::Move { player, direction, .. } => {
            line("move", format!("{player} {}", direction.letter()), false)
        }
        Event::Step { player, step, register, .. } => {
            line("move", format!("{player} {}: {register}", cut(step, LONGEST)), false)
        }
        Event::SpawnExited { exit, ok, .. } => line("exit", format!("ended: {exit}"), !ok),
        Event::SpawnFailed { error, .. } => line("exit", cut(error, LONGEST), true),
        Event::FetchStarted { job, method, url, .. } if !lanes.is_load(job) => {
            let line = Line::new(t, "fetch", cut(&format!("{method} {url}"), LONGEST));
            Some(Line { label: Some(visible(job)), ..line })
        }
        Event::FetchLine { text, .. } => line("line", cut_bytes(text, LONGEST), false),
        // Of a load, only what goes wrong is told one by one.
        Event::FetchFinished { source, fetched, ok } if !ok || !lanes.is_of_load(source) => {
            let (status, bytes) = (fetched.status, counted(fetched.bytes, "byte"));
            let check = fetched.check.as_deref().map(|check| format!(": {}", cut(check, LONGEST)));
            let took = short(fetched.took);
            line("fetch", format!("{status}, {bytes} in {took}{}", check.unwrap_or_default()), !ok)
        }
        Event::FetchFailed { kind, error, .. } => {
            line("fetch", format!("failed ({}): {}", kind.name(), cut(error, LONGEST)), true)
        }
        Event::PlayerJoined { player, called, .. } => {
            let called = called.map(|called| format!(", called {}", visible(called))).unwrap_or_default();
            line("player", format!("{player} joined{called}"), false)
        }
        Event::PlayerLeft { .. } => line("player", "left".to_owned(), false),
        Event::RunFinished(summary) => {
            let reason = summary.reason.as_deref().map(|reason| format!(": {}", cut(reason, LONGEST)));
            let text = format!("{}{}", summary.outcome.name(), reason.unwrap_or_default());
            line("stop", text, summary.outcome == Outcome::Failed)
        }
        ref own => {
            let (mark, _) = Mark::of(t, 0, own)?;
            let kind = match own {
                Event::Mark { .. } => "mark",
                Event::Input { .. } => "input",
                Event::Sent { .. } => "sent",
                Event::Expect(_) => "expect",
                _ => "stop",
            };
            line(kind, mark.text, mark.kind == 'x')
        }
    }
}
