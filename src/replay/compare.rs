//! Holds what the engine says to what the log says, event by event, as the engine says it.

use std::collections::BTreeMap;
use std::io::Read;
use std::rc::Rc;

use crate::replay::outcome::{Divergence, Finding, Now, Origin, Told};
use crate::replay::{Ear, input};
use crate::report;
use scenario_core::engine::Sink;
use scenario_core::engine::effect::Order;
use scenario_core::scenario::model::Scenario;
use scenario_log::encode::Encoder;
use scenario_log::event::{Event, Outcome, Source};
use scenario_log::fields;
use scenario_log::reader::{Line, Reader, Unreadable};
use scenario_log::time::{Moment, Span};

/// How many lines before a difference are told.
const BEFORE: usize = 3;

/// The most that is kept of each of them, in bytes.
const KEPT: usize = 4 << 10;

/// The most starts that the engine may have ordered without a line that tells of them. An entry orders
/// a million at once at most, so a few of them have room in it.
const MOST_STARTS: u64 = 4_000_000;

/// Why a comparison goes no further.
#[derive(Debug)]
pub(super) enum Halt {
    Different(Box<Divergence>),
    Unreadable(Unreadable),
    /// The log is at its end.
    End,
}

/// A line of a kind that is not known, passed over on trial: it may stand in the place of the
/// engine's event, or have been added before it.
struct Doubtful(Told);

/// The sink of a replay.
pub(super) struct Comparison<'e, R> {
    reader: Reader<R>,
    ear: Option<Ear<'e>>,
    encoder: Encoder,
    scenario: Option<Rc<Scenario>>,
    halt: Option<Halt>,
    reached: Moment,
    passed: u64,
    /// Starts that were ordered, and that no line has told of.
    starting: u64,
    unknown: u64,
    doubtful: Option<Doubtful>,
    ended: Option<(Outcome, Span)>,
    /// The last lines, in a ring; the oldest is at `passed % BEFORE`.
    before: [(u64, Vec<u8>); BEFORE],
    origins: BTreeMap<Source, (String, Option<String>)>,
}

impl<'e, R: Read> Comparison<'e, R> {
    pub(super) fn new(reader: Reader<R>, ear: Option<Ear<'e>>) -> Comparison<'e, R> {
        Comparison {
            reader,
            ear,
            encoder: Encoder::default(),
            scenario: None,
            halt: None,
            reached: Moment::ZERO,
            passed: 0,
            starting: 0,
            unknown: 0,
            doubtful: None,
            ended: None,
            before: Default::default(),
            origins: BTreeMap::new(),
        }
    }

    pub(super) fn set_scenario(&mut self, scenario: Rc<Scenario>) {
        self.scenario = Some(scenario);
    }

    /// The line that is next.
    #[inline]
    pub(super) fn peek(&mut self) -> Result<Option<Line<'_>>, Unreadable> {
        self.reader.peek()
    }

    pub(super) fn halt(&mut self, halt: Halt) {
        self.halt.get_or_insert(halt);
    }

    pub(super) fn is_halted(&self) -> bool {
        self.halt.is_some()
    }

    /// Lines that are behind us.
    pub(super) fn passed(&self) -> u64 {
        self.passed
    }

    /// Events that were the same.
    pub(super) fn events(&self) -> u64 {
        self.passed - self.unknown - u64::from(self.doubtful.is_some())
    }

    pub(super) fn unknown(&self) -> u64 {
        self.unknown
    }

    pub(super) fn ended(&self) -> Option<(Outcome, Span)> {
        self.ended
    }

    /// The moment of the last line.
    pub(super) fn reached(&self) -> Moment {
        self.reached
    }

    /// What was found.
    pub(super) fn finding(mut self) -> Finding {
        match self.halt.take() {
            Some(Halt::Unreadable(unreadable)) => Finding::Unreadable(unreadable),
            Some(Halt::Different(mut divergence)) => {
                divergence.is_as_written = self.reader.is_as_written();
                Finding::Different(divergence)
            }
            Some(Halt::End) | None => match self.reader.cut() {
                Some(cut) => Finding::CutShort(cut.clone()),
                None => Finding::Same,
            },
        }
    }

    /// The engine had nothing to say to the line that is next.
    pub(super) fn nothing_came(&mut self, is_over: bool, next: Option<Moment>) {
        match self.reader.peek() {
            Ok(Some(line)) if !input::is_known(line.event()) => {
                if fields::read(line.bytes).is_none() {
                    let unreadable = Unreadable::damaged(line.number, "is not readable");
                    return self.halt(Halt::Unreadable(unreadable));
                }
                self.unknown += 1;
                self.pass();
            }
            Ok(Some(_)) => self.differ(if is_over { Now::Over } else { Now::Nothing { next } }),
            Ok(None) => self.halt(Halt::End),
            Err(unreadable) => self.halt(Halt::Unreadable(unreadable)),
        }
    }

    /// Holds the encoder's line to the log's.
    fn compare(&mut self, is_last: bool) {
        loop {
            let line = match self.reader.peek() {
                Ok(Some(line)) => line,
                Ok(None) => return self.halt(Halt::End),
                Err(unreadable) => return self.halt(Halt::Unreadable(unreadable)),
            };
            let now = self.encoder.written();
            if is_same(&line, now, is_last) {
                if self.doubtful.take().is_some() {
                    self.unknown += 1;
                }
                return self.pass();
            }
            if fields::read(line.bytes).is_none() {
                let unreadable = Unreadable::damaged(line.number, "is not readable");
                return self.halt(Halt::Unreadable(unreadable));
            }
            if input::is_known(line.event()) || self.doubtful.is_some() {
                let mut now = String::from_utf8_lossy(now).trim_end().to_owned();
                if is_last {
                    // The writer closes it.
                    now.push('}');
                }
                return self.differ(Now::Event(now));
            }
            self.doubtful = Some(Doubtful(told(&line)));
            self.pass();
        }
    }

    /// Goes on behind a line.
    #[inline]
    fn pass(&mut self) {
        if let Some(line) = self.reader.looked_at() {
            self.reached = line.t;
            let (number, kept) = &mut self.before[self.passed as usize % BEFORE];
            *number = line.number;
            kept.clear();
            kept.extend_from_slice(&line.bytes[..line.bytes.len().min(KEPT)]);
        }
        self.reader.pass();
        self.passed += 1;
    }

    /// The line that is next, or the doubtful one before it, differs from what the engine says.
    fn differ(&mut self, now: Now) {
        let doubtful = self.doubtful.take();
        let logged = match (doubtful, self.reader.peek()) {
            (Some(Doubtful(logged)), _) => logged,
            (None, Ok(Some(line))) => told(&line),
            (None, _) => return,
        };
        let mut before: Vec<Told> = self
            .before
            .iter()
            .filter(|(number, _)| *number > 0 && *number < logged.line)
            .map(|(number, text)| Told { line: *number, text: String::from_utf8_lossy(text).into_owned() })
            .collect();
        before.sort_by_key(|told| told.line);
        let origin = self.origin(&logged, &now);
        let divergence = Divergence { logged, now, before, origin, is_as_written: None };
        self.halt(Halt::Different(Box::new(divergence)));
    }

    /// What a line that differs is about: the source of the engine's event, or of the logged one.
    fn origin(&self, logged: &Told, now: &Now) -> Option<Origin> {
        let source_in = |text: &str| {
            let source = fields::read(text.as_bytes())?.into_iter().find(|field| field.key == "source")?;
            Source::from_name(source.value.trim_matches('"'))
        };
        let now = match now {
            Now::Event(text) => source_in(text),
            Now::Over | Now::Nothing { .. } => None,
        };
        let source = now.or_else(|| source_in(&logged.text))?;
        let (of, entry) = self.origins.get(&source)?.clone();
        let timeline = self.scenario.as_ref().map_or(&[][..], |scenario| &scenario.timeline);
        let mut names = timeline.iter().enumerate().map(|(n, entry)| entry.name(n).to_string());
        let index = entry.as_ref().and_then(|entry| names.position(|name| name == *entry));
        Some(Origin { source, of, entry, index })
    }
}

impl<R: Read> Sink for Comparison<'_, R> {
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
        self.encoder.write(t, event);
        self.compare(matches!(event, Event::RunFinished(_)));
        if self.halt.is_none()
            && let Some(ear) = &mut self.ear
        {
            ear(&report::feed::Told { line: self.reader.lines(), t, event: Some(event) });
        }
        if matches!(event, Event::SpawnStarted { pid: Some(_), .. } | Event::SpawnFailed { .. }) {
            self.starting = self.starting.saturating_sub(1);
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
                self.ended = Some((summary.outcome, summary.took));
            }
            _ => {}
        }
    }

    /// Nothing is done. Only, a log that was made up can order starts without end, and each of them
    /// would show in a log of a real run.
    fn order(&mut self, order: Order) {
        self.starting += u64::from(matches!(order, Order::Start { .. }));
        if self.starting > MOST_STARTS {
            let line = self.reader.lines();
            let what = format!("is where more than {MOST_STARTS} starts are ordered of which no line tells");
            self.halt(Halt::Unreadable(Unreadable::damaged(line, what)));
        }
    }

    fn wants_more(&self) -> bool {
        self.halt.is_none()
    }

    /// As the log has it: lines of kinds that are not known count too.
    fn next_seq(&self) -> u64 {
        self.passed
    }
}

fn told(line: &Line<'_>) -> Told {
    Told { line: line.number, text: String::from_utf8_lossy(line.bytes).into_owned() }
}

/// Whether a logged line says what the engine says: the same bytes from `t` on (a line that was added
/// moves `seq`), or, in another form, the same values.
#[inline]
fn is_same(line: &Line<'_>, now: &[u8], is_last: bool) -> bool {
    let now = now.strip_suffix(b"\n").unwrap_or(now);
    if let (Some(logged), Some(at)) = (line.behind_seq(), memchr::memchr(b',', now)) {
        let now = &now[at..];
        if logged == now || (is_last && logged.starts_with(now) && logged[now.len()..].starts_with(SUM)) {
            return true;
        }
    }
    has_same_values(line, now, is_last)
}

/// What the writer closes the last line with.
const SUM: &[u8] = b",\"crc32c\":\"";

/// Whether a line of any form has all that the engine says, and of the keys that the event can have
/// no other.
#[cold]
fn has_same_values(line: &Line<'_>, now: &[u8], is_last: bool) -> bool {
    let closed = if is_last { [now, b"}"].concat() } else { now.to_vec() };
    let (Some(logged), Some(now)) = (fields::read(line.bytes), fields::read(&closed)) else { return false };
    let counts = |key: &str| key != "seq" && key != "crc32c";
    let has = |key: &str| now.iter().any(|field| field.key == key);
    let is_said = now.iter().filter(|field| counts(&field.key)).all(|field| logged.contains(field));
    let adds = |key: &str| counts(key) && !has(key) && scenario_log::schema::is_key(line.event(), key);
    is_said && !logged.iter().any(|field| adds(&field.key))
}
