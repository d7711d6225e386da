//! The timeline's own lane: marks, typed lines, sends, stops, guests, pauses, expectations and ticks.

use crate::report::html::text::{MAX_TEXT_CHARS, escaped_size, truncate_text};
use crate::report::link_words::change_words;
use crate::report::metrics::faults::is_load_end;
use scenario_log::event::{EntryName, Event};
use scenario_log::time::Moment;

/// How many bytes all marks may take on the page, and a mark beside its text.
const MAX_MARKS_BYTES: usize = 300_000;
const MARK_BYTES: usize = 40;

/// How many players of a deadlock are named at most.
const MAX_PLAYERS_NAMED: usize = 20;

/// How many ticks are kept at most; of more, every second, every fourth, and so on.
const MAX_TICKS: usize = 1_000;

/// A mark: an event of the timeline, the clock or a person.
#[derive(Clone, Debug)]
pub(crate) struct TimelineMark {
    pub(super) t: Moment,
    /// The line of the log, counted from 1.
    pub(super) line: u64,
    /// A letter for its kind; `timeline_json.rs` lists them.
    pub(crate) kind: char,
    pub(crate) text: String,
}

impl TimelineMark {
    /// The mark of an event, with the entry that the event names; none if the event is not a mark.
    pub(crate) fn from_event<'e>(
        t: Moment,
        line: u64,
        event: &Event<'e>,
    ) -> Option<(TimelineMark, Option<EntryName<'e>>)> {
        let (kind, text, entry) = match *event {
            Event::Mark { entry, text, .. } => ('k', text.to_owned(), entry),
            Event::EntrySkipped { entry, reason } => ('n', format!("skipped {entry}: {reason}"), None),
            Event::EntryRetried { entry, source, n, reason, wait } => {
                let wait = crate::report::format::format_span(wait);
                ('n', format!("{entry} tries again in {wait}: try {n}, {source}: {reason}"), None)
            }
            Event::TypedInput { text, accepted: true, .. } => ('i', format!("typed: {text}"), None),
            Event::TypedInput { text, error, .. } => {
                ('x', format!("typed, and refused: {text} ({})", error.unwrap_or_default()), None)
            }
            Event::Sent { source, entry, text, close, error, .. } => {
                let to = source.map(|source| format!(" to {source}")).unwrap_or_default();
                let kind = if error.is_some() { 'x' } else { 't' };
                let what =
                    error.or(text).unwrap_or(if close.is_some() { "the end of its input" } else { "" });
                (kind, format!("sent{to}: {what}"), entry)
            }
            Event::Stopping { source, entry, signal, reason, error, .. } => {
                let target = source.map_or_else(|| "the run".to_owned(), |source| source.to_string());
                let signal = signal.map(|signal| format!(" by {signal}")).unwrap_or_default();
                let why = error.or(reason).map(|why| format!(": {why}")).unwrap_or_default();
                let text = match reason {
                    Some(reason) if source.is_none() && is_load_end(reason) => reason.to_owned(),
                    _ => format!("stopping {target}{signal}{why}"),
                };
                (if error.is_some() { 'x' } else { 'q' }, text, entry)
            }
            Event::Signalled { source, entry, signal, error, .. } => {
                let to = source.map(|source| format!(" to {source}")).unwrap_or_default();
                let why = error.map(|why| format!(": {why}")).unwrap_or_default();
                (if error.is_some() { 'x' } else { 'q' }, format!("signal {signal}{to}{why}"), entry)
            }
            Event::LinkChanged { link, entry, .. } => {
                ('l', format!("link {link}: {}", change_words(event).unwrap_or_default()), entry)
            }
            Event::SpawnRestarted { source, replaces } => {
                ('q', format!("{source} takes the place of {replaces}"), None)
            }
            Event::PlayerJoined { source, player, .. } => {
                ('i', format!("{source} joined as {}", player.shown()), None)
            }
            Event::PlayerLeft { source } => ('i', format!("{source} left"), None),
            Event::Deadlock { waiting } => {
                let waiting = waiting
                    .iter()
                    .take(MAX_PLAYERS_NAMED)
                    .map(|(player, lock)| format!("{player} waits for {lock}"));
                ('x', format!("deadlock: {}", waiting.collect::<Vec<_>>().join(", ")), None)
            }
            Event::RunPaused => ('p', "paused".to_owned(), None),
            Event::RunResumed { .. } => ('p', "resumed".to_owned(), None),
            Event::Expect(expected) => {
                let (kind, what) = if expected.ok { ('h', "held") } else { ('x', "missed") };
                (kind, format!("{what}: {}", expected.title()), None)
            }
            Event::RunStarted { .. }
            | Event::ClockTick { .. }
            | Event::SpawnStarted { .. }
            | Event::SpawnReady { .. }
            | Event::SpawnUnhealthy { .. }
            | Event::StopFailed { .. }
            | Event::SpawnSuspended { .. }
            | Event::SpawnResumed { .. }
            | Event::SpawnSampled { .. }
            | Event::StepEnded { .. }
            | Event::PlayerEnded { .. }
            | Event::Move { .. }
            | Event::Step { .. }
            | Event::Lines { .. }
            | Event::UnfinishedText { .. }
            | Event::LineMatched { .. }
            | Event::SpawnExited { .. }
            | Event::SpawnFailed { .. }
            | Event::FetchStarted { .. }
            | Event::FetchResponded { .. }
            | Event::FetchLine { .. }
            | Event::FetchFinished { .. }
            | Event::FetchFailed { .. }
            | Event::WorldState { .. }
            | Event::LinkOpened { .. }
            | Event::LinkClosed { .. }
            | Event::RunFinished(_) => return None,
        };
        Some((TimelineMark { t, line, kind, text: truncate_text(&text, MAX_TEXT_CHARS) }, entry))
    }
}

#[derive(Debug, Default)]
pub(super) struct TimelineMarks {
    pub(super) kept: Vec<TimelineMark>,
    /// How many marks there was no room for.
    pub(super) omitted: u64,
    size: usize,
    pub(super) ticks: Vec<Moment>,
    tick_count: u64,
    /// One of 2 to this power ticks is kept.
    tick_power: u32,
}

impl TimelineMarks {
    pub(super) fn add(&mut self, mark: TimelineMark) {
        self.size += MARK_BYTES + escaped_size(&mark.text);
        if self.size > MAX_MARKS_BYTES {
            self.omitted += 1;
        } else {
            self.kept.push(mark);
        }
    }

    pub(super) fn tick(&mut self, t: Moment) {
        if self.tick_count.is_multiple_of(1 << self.tick_power) {
            self.ticks.push(t);
        }
        self.tick_count += 1;
        if self.ticks.len() > MAX_TICKS {
            let mut nth = 0;
            self.ticks.retain(|_| {
                nth += 1;
                nth % 2 == 1
            });
            self.tick_power += 1;
        }
    }

    /// One of this many ticks is kept.
    pub(super) fn tick_interval(&self) -> u64 {
        1 << self.tick_power
    }
}
