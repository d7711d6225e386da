//! Holds what the engine says to what the log says, event by event, as the engine says it.

use std::collections::BTreeMap;
use std::io::Read;
use std::rc::Rc;

use crate::replay::outcome::{DivergenceOrigin, LoggedLine, ReplayDivergence, ReplayFinding, ReplayedEvent};
use crate::replay::{EventCallback, input};
use crate::report;
use scenario_core::engine::EngineSink;
use scenario_core::engine::effect::Effect;
use scenario_core::scenario::model::Scenario;
use scenario_log::encode::EventEncoder;
use scenario_log::event::{Event, RunOutcome, Source};
use scenario_log::raw_fields;
use scenario_log::reader::{LogLine, LogReadError, LogReader};
use scenario_log::time::{Moment, Span};

/// How many lines before a difference are told.
const CONTEXT_LINES: usize = 3;

/// The most that is kept of each of them, in bytes.
const MAX_CONTEXT_BYTES: usize = 4 << 10;

/// The most starts that the engine may have ordered without a line that tells of them. An entry orders
/// a million at once at most, so a few of them have room in it.
const MAX_UNLOGGED_STARTS: u64 = 4_000_000;

/// Why a comparison goes no further.
#[derive(Debug)]
pub(super) enum HaltReason {
    Different(Box<ReplayDivergence>),
    Unreadable(LogReadError),
    /// The log is at its end.
    End,
}

/// A line of a kind that is not known, passed over on trial: it may stand in the place of the
/// engine's event, or have been added before it.
struct TentativeLine(LoggedLine);

/// The sink of a replay.
pub(super) struct ReplayComparer<'e, R> {
    reader: LogReader<R>,
    on_event: Option<EventCallback<'e>>,
    encoder: EventEncoder,
    scenario: Option<Rc<Scenario>>,
    halt: Option<HaltReason>,
    last_moment: Moment,
    lines_passed: u64,
    /// Starts that were ordered, and that no line has told of.
    unlogged_starts: u64,
    unknown_lines: u64,
    tentative: Option<TentativeLine>,
    end: Option<(RunOutcome, Span)>,
    /// The last lines, in a ring; the oldest is at `passed % BEFORE`.
    previous_lines: [(u64, Vec<u8>); CONTEXT_LINES],
    origins: BTreeMap<Source, (String, Option<String>)>,
    /// The origins as `on_event` receives them.
    sources: report::origins::SourceTracker,
}

impl<'e, R: Read> ReplayComparer<'e, R> {
    pub(super) fn new(reader: LogReader<R>, ear: Option<EventCallback<'e>>) -> ReplayComparer<'e, R> {
        ReplayComparer {
            reader,
            on_event: ear,
            encoder: EventEncoder::default(),
            scenario: None,
            halt: None,
            last_moment: Moment::ZERO,
            lines_passed: 0,
            unlogged_starts: 0,
            unknown_lines: 0,
            tentative: None,
            end: None,
            previous_lines: Default::default(),
            origins: BTreeMap::new(),
            sources: report::origins::SourceTracker::default(),
        }
    }

    pub(super) fn set_scenario(&mut self, scenario: Rc<Scenario>) {
        self.scenario = Some(scenario);
    }

    /// The line that is next.
    #[inline]
    pub(super) fn peek(&mut self) -> Result<Option<LogLine<'_>>, LogReadError> {
        self.reader.peek()
    }

    pub(super) fn halt(&mut self, halt: HaltReason) {
        self.halt.get_or_insert(halt);
    }

    pub(super) fn is_halted(&self) -> bool {
        self.halt.is_some()
    }

    /// Lines that are behind us.
    pub(super) fn lines_passed(&self) -> u64 {
        self.lines_passed
    }

    /// Events that were the same.
    pub(super) fn matching_events(&self) -> u64 {
        self.lines_passed - self.unknown_lines - u64::from(self.tentative.is_some())
    }

    pub(super) fn unknown_lines(&self) -> u64 {
        self.unknown_lines
    }

    pub(super) fn end(&self) -> Option<(RunOutcome, Span)> {
        self.end
    }

    /// The moment of the last line.
    pub(super) fn last_moment(&self) -> Moment {
        self.last_moment
    }

    /// What was found.
    pub(super) fn into_finding(mut self) -> ReplayFinding {
        match self.halt.take() {
            Some(HaltReason::Unreadable(unreadable)) => ReplayFinding::Unreadable(unreadable),
            Some(HaltReason::Different(mut divergence)) => {
                divergence.is_checksum_valid = self.reader.is_intact();
                ReplayFinding::Different(divergence)
            }
            Some(HaltReason::End) | None => match self.reader.truncated_end() {
                Some(cut) => ReplayFinding::CutShort(cut.clone()),
                None => ReplayFinding::Same,
            },
        }
    }

    /// The engine had nothing to say to the line that is next.
    pub(super) fn handle_silence(&mut self, is_over: bool, next: Option<Moment>) {
        match self.reader.peek() {
            Ok(Some(line)) if !input::is_known(line.event_name()) => {
                if raw_fields::parse_fields(line.bytes).is_none() {
                    let unreadable = LogReadError::damaged(line.number, "is not readable");
                    return self.halt(HaltReason::Unreadable(unreadable));
                }
                self.unknown_lines += 1;
                self.advance();
            }
            Ok(Some(_)) => self.record_divergence(if is_over {
                ReplayedEvent::RunOver
            } else {
                ReplayedEvent::Nothing { next }
            }),
            Ok(None) => self.halt(HaltReason::End),
            Err(unreadable) => self.halt(HaltReason::Unreadable(unreadable)),
        }
    }

    /// Holds the encoder's line to the log's.
    fn compare(&mut self, is_last: bool) {
        loop {
            let line = match self.reader.peek() {
                Ok(Some(line)) => line,
                Ok(None) => return self.halt(HaltReason::End),
                Err(unreadable) => return self.halt(HaltReason::Unreadable(unreadable)),
            };
            let now = self.encoder.encoded();
            if is_same(&line, now, is_last) {
                if self.tentative.take().is_some() {
                    self.unknown_lines += 1;
                }
                return self.advance();
            }
            if raw_fields::parse_fields(line.bytes).is_none() {
                let unreadable = LogReadError::damaged(line.number, "is not readable");
                return self.halt(HaltReason::Unreadable(unreadable));
            }
            if input::is_known(line.event_name()) || self.tentative.is_some() {
                let mut now = String::from_utf8_lossy(now).trim_end().to_owned();
                if is_last {
                    // The writer closes it.
                    now.push('}');
                }
                return self.record_divergence(ReplayedEvent::Event(now));
            }
            self.tentative = Some(TentativeLine(to_logged_line(&line)));
            self.advance();
        }
    }

    /// Goes on behind a line.
    #[inline]
    fn advance(&mut self) {
        if let Some(line) = self.reader.peeked() {
            self.last_moment = line.t;
            let (number, kept) = &mut self.previous_lines[self.lines_passed as usize % CONTEXT_LINES];
            *number = line.number;
            kept.clear();
            kept.extend_from_slice(&line.bytes[..line.bytes.len().min(MAX_CONTEXT_BYTES)]);
        }
        self.reader.advance();
        self.lines_passed += 1;
    }

    /// The line that is next, or the doubtful one before it, differs from what the engine says.
    fn record_divergence(&mut self, now: ReplayedEvent) {
        let doubtful = self.tentative.take();
        let logged = match (doubtful, self.reader.peek()) {
            (Some(TentativeLine(logged)), _) => logged,
            (None, Ok(Some(line))) => to_logged_line(&line),
            (None, _) => return,
        };
        let mut before: Vec<LoggedLine> = self
            .previous_lines
            .iter()
            .filter(|(number, _)| *number > 0 && *number < logged.line)
            .map(|(number, text)| LoggedLine {
                line: *number,
                text: String::from_utf8_lossy(text).into_owned(),
            })
            .collect();
        before.sort_by_key(|told| told.line);
        let origin = self.find_origin(&logged, &now);
        let divergence = ReplayDivergence {
            logged,
            replayed: now,
            previous_lines: before,
            origin,
            is_checksum_valid: None,
        };
        self.halt(HaltReason::Different(Box::new(divergence)));
    }

    /// What a line that differs is about: the source of the engine's event, or of the logged one.
    fn find_origin(&self, logged: &LoggedLine, now: &ReplayedEvent) -> Option<DivergenceOrigin> {
        let source_in = |text: &str| {
            let source =
                raw_fields::parse_fields(text.as_bytes())?.into_iter().find(|field| field.key == "source")?;
            Source::from_name(source.value.trim_matches('"'))
        };
        let now = match now {
            ReplayedEvent::Event(text) => source_in(text),
            ReplayedEvent::RunOver | ReplayedEvent::Nothing { .. } => None,
        };
        let source = now.or_else(|| source_in(&logged.text))?;
        let (of, entry) = self.origins.get(&source)?.clone();
        let timeline = self.scenario.as_ref().map_or(&[][..], |scenario| &scenario.timeline);
        let mut names = timeline.iter().enumerate().map(|(n, entry)| entry.event_name(n).to_string());
        let index = entry.as_ref().and_then(|entry| names.position(|name| name == *entry));
        Some(DivergenceOrigin { source, name: of, entry, index })
    }
}

impl<R: Read> EngineSink for ReplayComparer<'_, R> {
    fn event(&mut self, t: Moment, event: &Event<'_>) {
        if self.halt.is_some() {
            return;
        }
        match event {
            Event::SpawnStarted { source, preset: of, entry, .. }
            | Event::FetchStarted { source, job: of, entry, .. } => {
                let entry = entry.map(|entry| entry.to_string());
                self.origins.insert(*source, ((*of).to_owned(), entry));
            }
            _ => {}
        }
        self.encoder.clear();
        self.encoder.encode(t, event);
        self.compare(matches!(event, Event::RunFinished(_)));
        if self.halt.is_none()
            && let Some(ear) = &mut self.on_event
        {
            let at = (self.reader.lines(), t);
            report::feed::with_origin(&mut self.sources, at, Some(event), |logged| ear(logged));
        }
        if matches!(event, Event::SpawnStarted { pid: Some(_), .. } | Event::SpawnFailed { .. }) {
            self.unlogged_starts = self.unlogged_starts.saturating_sub(1);
        }
        match event {
            Event::SpawnExited { source, .. }
            | Event::FetchFinished { source, .. }
            | Event::FetchFailed { source, .. }
                if self.halt.is_none() =>
            {
                self.origins.remove(source);
            }
            Event::RunFinished(summary) if self.halt.is_none() => {
                self.end = Some((summary.outcome, summary.took));
            }
            _ => {}
        }
    }

    /// Nothing is done. Only, a log that was made up can order starts without end, and each of them
    /// would show in a log of a real run.
    fn effect(&mut self, order: Effect) {
        self.unlogged_starts += u64::from(matches!(order, Effect::StartSpawn { .. }));
        if self.unlogged_starts > MAX_UNLOGGED_STARTS {
            let line = self.reader.lines();
            let what =
                format!("is where more than {MAX_UNLOGGED_STARTS} starts are ordered of which no line tells");
            self.halt(HaltReason::Unreadable(LogReadError::damaged(line, what)));
        }
    }

    fn wants_more(&self) -> bool {
        self.halt.is_none()
    }

    /// As the log has it: lines of kinds that are not known count too.
    fn next_event_seq(&self) -> u64 {
        self.lines_passed
    }
}

fn to_logged_line(line: &LogLine<'_>) -> LoggedLine {
    LoggedLine { line: line.number, text: String::from_utf8_lossy(line.bytes).into_owned() }
}

/// Whether a logged line says what the engine says: the same bytes from `t` on (a line that was added
/// moves `seq`), or, in another form, the same values.
#[inline]
fn is_same(line: &LogLine<'_>, now: &[u8], is_last: bool) -> bool {
    let now = now.strip_suffix(b"\n").unwrap_or(now);
    if let (Some(logged), Some(at)) = (line.after_seq(), memchr::memchr(b',', now)) {
        let now = &now[at..];
        if logged == now
            || (is_last && logged.starts_with(now) && logged[now.len()..].starts_with(CHECKSUM_KEY))
        {
            return true;
        }
    }
    has_same_values(line, now, is_last)
}

/// What the writer closes the last line with.
const CHECKSUM_KEY: &[u8] = b",\"crc32c\":\"";

/// Whether a line of any form has all that the engine says, and of the keys that the event can have
/// no other.
#[cold]
fn has_same_values(line: &LogLine<'_>, now: &[u8], is_last: bool) -> bool {
    let closed = if is_last { [now, b"}"].concat() } else { now.to_vec() };
    let (Some(logged), Some(now)) = (raw_fields::parse_fields(line.bytes), raw_fields::parse_fields(&closed))
    else {
        return false;
    };
    let counts = |key: &str| key != "seq" && key != "crc32c";
    let has = |key: &str| now.iter().any(|field| field.key == key);
    let is_said = now.iter().filter(|field| counts(&field.key)).all(|field| logged.contains(field));
    let adds = |key: &str| counts(key) && !has(key) && scenario_log::schema::is_key(line.event_name(), key);
    is_said && !logged.iter().any(|field| adds(&field.key))
}
