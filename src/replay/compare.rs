//! Compares the engine's events with the lines of the log, one by one, as the engine decides them.

use std::collections::BTreeMap;
use std::io::Read;
use std::rc::Rc;

use crate::replay::outcome::{
    DivergenceOrigin, LoggedEnd, LoggedLine, ReplayDivergence, ReplayFinding, ReplayedEvent,
};
use crate::replay::{EventCallback, input};
use crate::report;
use scenario_core::engine::EngineSink;
use scenario_core::engine::effect::Effect;
use scenario_core::scenario::model::Scenario;
use scenario_log::captured_value::CapturedValue;
use scenario_log::decode::LogRecord;
use scenario_log::encode::EventEncoder;
use scenario_log::event::{Event, Source};
use scenario_log::raw_fields;
use scenario_log::reader::{LogLine, LogReadError, LogReader};
use scenario_log::time::Moment;

/// The number of lines before a difference that are kept.
const CONTEXT_LINES: usize = 3;

/// The most bytes that are kept of each of them.
const MAX_CONTEXT_BYTES: usize = 4 << 10;

/// The most spawns that the engine may have ordered and no line has recorded. An entry orders a million
/// at once at most, so two entries fit in.
const MAX_UNLOGGED_STARTS: u64 = 2_000_000;

/// Why a comparison stops.
#[derive(Debug)]
pub(super) enum HaltReason {
    Different(Box<ReplayDivergence>),
    Unreadable(LogReadError),
    /// The log has ended.
    End,
}

/// A line of an unknown kind that was skipped tentatively: it may have replaced the engine's event, or may
/// have been added before it.
struct TentativeLine(LoggedLine);

/// Takes the engine's events in a replay, and compares them with the log.
pub(super) struct ReplayComparer<'e, R> {
    reader: LogReader<R>,
    on_event: Option<EventCallback<'e>>,
    encoder: EventEncoder,
    scenario: Option<Rc<Scenario>>,
    halt: Option<HaltReason>,
    last_moment: Moment,
    lines_passed: u64,
    /// The spawns that were ordered and that no line has recorded.
    unlogged_starts: u64,
    unknown_lines: u64,
    tentative: Option<TentativeLine>,
    end: Option<LoggedEnd>,
    /// The last lines with their numbers, in a ring; the oldest is at `lines_passed % CONTEXT_LINES`.
    previous_lines: [(u64, Vec<u8>); CONTEXT_LINES],
    origins: BTreeMap<Source, (String, Option<String>)>,
    /// The origins as `on_event` receives them.
    sources: report::origins::SourceTracker,
}

impl<'e, R: Read> ReplayComparer<'e, R> {
    pub(super) fn new(reader: LogReader<R>, on_event: Option<EventCallback<'e>>) -> ReplayComparer<'e, R> {
        ReplayComparer {
            reader,
            on_event,
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

    /// The next line.
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

    /// The number of lines that were compared or skipped.
    pub(super) fn lines_passed(&self) -> u64 {
        self.lines_passed
    }

    /// The number of events that are the same.
    pub(super) fn matching_events(&self) -> u64 {
        self.lines_passed - self.unknown_lines - u64::from(self.tentative.is_some())
    }

    pub(super) fn unknown_lines(&self) -> u64 {
        self.unknown_lines
    }

    pub(super) fn end(&self) -> Option<LoggedEnd> {
        self.end.clone()
    }

    /// The moment of the last line.
    pub(super) fn last_moment(&self) -> Moment {
        self.last_moment
    }

    /// The finding of the whole comparison.
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

    /// Handles a next line for which the engine has no event.
    pub(super) fn handle_silence(&mut self, is_over: bool, next: Option<Moment>) {
        match self.reader.peek() {
            Ok(Some(line)) if !input::is_known(&line) => {
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

    /// Compares the encoder's line with the log's.
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
            if input::is_known(&line) || self.tentative.is_some() {
                let mut now = String::from_utf8_lossy(now).trim_end().to_owned();
                if is_last {
                    // The encoder leaves the last line open, and the writer closes it.
                    now.push('}');
                }
                return self.record_divergence(ReplayedEvent::Event(now));
            }
            self.tentative = Some(TentativeLine(to_logged_line(&line)));
            self.advance();
        }
    }

    /// Passes the next line, and keeps it as context.
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

    /// Records that the next line, or the tentative one before it, differs from the engine's event.
    fn record_divergence(&mut self, now: ReplayedEvent) {
        let tentative = self.tentative.take();
        let logged = match (tentative, self.reader.peek()) {
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
        before.sort_by_key(|line| line.line);
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

    /// The origin of a line that differs: of the source of the engine's event, or else of the logged one.
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
    #[expect(clippy::wildcard_enum_match_arm, reason = "these events alone begin or end a source or the run")]
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
            && let Some(on_event) = &mut self.on_event
        {
            let at = (self.reader.lines(), t);
            report::feed::with_origin(&mut self.sources, at, Some(event), |logged| on_event(logged));
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
                self.end = Some(LoggedEnd {
                    outcome: summary.outcome,
                    reason: summary.reason.clone(),
                    took: summary.took,
                });
            }
            _ => {}
        }
    }

    /// Applies nothing. An invented log can make the engine order spawns without end, so they are counted:
    /// in the log of a real run a line records each of them.
    fn effect(&mut self, effect: Effect) {
        self.unlogged_starts += u64::from(matches!(effect, Effect::StartSpawn { .. }));
        if self.unlogged_starts > MAX_UNLOGGED_STARTS {
            let line = self.reader.lines();
            let what =
                format!("is where more than {MAX_UNLOGGED_STARTS} starts are ordered that no line records");
            self.halt(HaltReason::Unreadable(LogReadError::damaged(line, what)));
        }
    }

    fn wants_more(&self) -> bool {
        self.halt.is_none()
    }

    /// The values of the next line, if that starts a request: the engine is about to give the same event. A line
    /// of an unknown kind may have been added before it.
    fn logged_row_values(&mut self) -> Option<Vec<CapturedValue>> {
        let mut values = Vec::new();
        while let Ok(Some(line)) = self.reader.peek() {
            if line.event_name() == "fetch.started" {
                let record = LogRecord::decode(line.bytes).ok()?;
                if let Ok(Some(Event::FetchStarted { values: Some(logged), .. })) = record.event() {
                    values = logged.to_vec();
                }
                break;
            }
            if input::is_known(&line) || self.tentative.is_some() {
                break;
            }
            self.tentative = Some(TentativeLine(to_logged_line(&line)));
            self.advance();
        }
        Some(values)
    }

    /// The number of the log's line: lines of unknown kinds count too.
    fn next_event_seq(&self) -> u64 {
        self.lines_passed
    }

    /// Whether the next line is the first stop of such an end.
    fn logged_stop_in_order(&mut self) -> Option<bool> {
        Some(matches!(self.reader.peek(), Ok(Some(line)) if input::stops_in_order(&line)))
    }

    fn logged_last_try(&mut self, of: Source) -> Option<String> {
        let line = self.reader.peek().ok()??;
        let record = LogRecord::decode(line.bytes).ok()?;
        let Event::SpawnFailed { source, last_try, .. } = record.event().ok()?? else { return None };
        last_try.filter(|_| source == of).map(ToOwned::to_owned)
    }
}

fn to_logged_line(line: &LogLine<'_>) -> LoggedLine {
    LoggedLine { line: line.number, text: String::from_utf8_lossy(line.bytes).into_owned() }
}

/// Whether a logged line is the engine's event: the same bytes from `t` on (an added line shifts `seq`), or
/// the same values in another form.
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

/// The key with which the writer closes the last line.
const CHECKSUM_KEY: &[u8] = b",\"crc32c\":\"";

/// Whether a line in any form has all values of the engine's event, and no other key that such an event
/// can have. An older log lacks the keys that came later.
#[cold]
fn has_same_values(line: &LogLine<'_>, now: &[u8], is_last: bool) -> bool {
    let closed = if is_last { [now, b"}"].concat() } else { now.to_vec() };
    let (Some(logged), Some(now)) = (raw_fields::parse_fields(line.bytes), raw_fields::parse_fields(&closed))
    else {
        return false;
    };
    let counts = |key: &str| key != "seq" && key != "crc32c";
    let has = |key: &str| now.iter().any(|field| field.key == key);
    let is_before = |key: &str| {
        scenario_log::schema::is_later_key(line.event_name(), key)
            && !logged.iter().any(|field| field.key == key)
    };
    let has_all_values = now
        .iter()
        .filter(|field| counts(&field.key))
        .all(|field| logged.contains(field) || is_before(&field.key));
    let adds = |key: &str| counts(key) && !has(key) && scenario_log::schema::is_key(line.event_name(), key);
    has_all_values && !logged.iter().any(|field| adds(&field.key))
}
