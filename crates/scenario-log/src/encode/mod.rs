//! Events into the log's bytes: straight into a buffer, not through a tree of values.
//!
//! # How it works
//!
//! The text of `t` is made once for all events of one moment (on the virtual clock it is the text of
//! `due` as well). A chunk of lines of a process is one event here: what stands between `seq` and the
//! text is rendered once for all of them.
//!
//! Most of what a line is made of is shorter than a call to copy it is long. So short pieces are
//! copied with what lies behind them, and that is taken back ([`put`]): a copy of a length that is
//! known beforehand is a few instructions. Numbers become digits eight at a time, in one word.
//!
//! The last line is left open, without its `crc32c`: the [writer](scenario::io::log_file::writer) has
//! seen all bytes before it, and closes it.

mod load_metrics;

use std::io::Write;

use crate::captured_value::CapturedValue;
use crate::encode_text::{
    EncodedSeconds, any_byte, hex, needs_slow_path, push_digits, push_json_string, push_overcopied,
};
use crate::event::{
    EntryName, Event, ExpectationResult, FetchTimings, HttpHeader, LOG_FORMAT, OutputStream, RunSummary,
    Source, SpawnExit,
};
use crate::name::PlayerName;
use crate::time::{Moment, Span};

/// What wrote the log. Without a version: one scenario and seed give the same bytes in every release
/// with the same format.
const GENERATOR: &str = "scenario";

/// A growing piece of a log.
#[derive(Debug)]
pub struct EventEncoder {
    buffer: Vec<u8>,
    /// How many events there are so far: the next `seq`.
    next_seq: u64,
    /// The moment whose text is `t`.
    encoded_moment: Moment,
    encoded_t: EncodedSeconds,
}

impl Default for EventEncoder {
    fn default() -> EventEncoder {
        EventEncoder {
            buffer: Vec::new(),
            next_seq: 0,
            encoded_moment: Moment::ZERO,
            encoded_t: EncodedSeconds::new(0),
        }
    }
}

impl EventEncoder {
    /// How many events have been written.
    #[must_use]
    pub fn event_count(&self) -> u64 {
        self.next_seq
    }

    /// How many bytes wait to be taken.
    #[must_use]
    pub fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Whether no bytes wait.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// The bytes that wait.
    #[must_use]
    pub fn encoded(&self) -> &[u8] {
        &self.buffer
    }

    /// Drops the bytes that wait.
    pub fn clear(&mut self) {
        self.buffer.clear();
    }

    /// Takes the bytes, and goes on in `next`, which is emptied.
    pub fn swap_buffer(&mut self, mut next: Vec<u8>) -> Vec<u8> {
        next.clear();
        std::mem::replace(&mut self.buffer, next)
    }

    /// Writes one event (for [`Event::Lines`] one for each line).
    pub fn encode(&mut self, t: Moment, event: &Event<'_>) {
        if t != self.encoded_moment {
            self.encoded_moment = t;
            self.encoded_t = EncodedSeconds::new(t.0);
        }
        match event {
            Event::Move { due, source, player, direction } => {
                self.begin_event("move");
                self.due(*due);
                self.source(*source);
                self.player(*player);
                self.unescaped_text("direction", direction.letter());
                self.end_event();
            }
            Event::Step { due, source, player, step, register } => {
                self.begin_event("step");
                self.seconds("due", due.0);
                self.source(*source);
                self.player(*player);
                self.text("step", step);
                self.signed_number("register", *register);
                self.end_event();
            }
            Event::Lines { source, stream, chunk, partial } => {
                self.encode_lines(*source, *stream, chunk, *partial)
            }
            Event::RunFinished(summary) => self.begin_run_finished(summary),
            other => self.encode_other(other),
        }
    }

    /// The events that are not hot.
    fn encode_other(&mut self, event: &Event<'_>) {
        self.begin_event(event.name());
        match event {
            Event::RunStarted { name, seed, clock, started_at, schedule, scenario } => {
                self.number("format", u64::from(LOG_FORMAT));
                self.unescaped_text("generator", GENERATOR);
                self.text("name", name);
                self.number("seed", *seed);
                self.unescaped_text("clock", clock.name());
                self.optional_text("started_at", *started_at);
                if !schedule.is_empty() {
                    self.numbers("schedule", schedule);
                }
                self.raw("scenario", scenario.as_bytes());
            }
            Event::ClockTick { due, n } => {
                self.seconds("due", due.0);
                self.number("n", *n);
            }
            Event::SpawnStarted { due, source, preset, entry, pid } => {
                self.seconds("due", due.0);
                self.source(*source);
                self.unescaped_text("preset", preset);
                self.entry(*entry);
                if let Some(pid) = pid {
                    self.number("pid", u64::from(*pid));
                }
            }
            Event::SpawnReady { source } | Event::SpawnResumed { source } => self.source(*source),
            Event::SpawnSuspended { source, signal } => {
                self.source(*source);
                self.unescaped_text("signal", &signal.to_string());
            }
            Event::SpawnExited { source, exit, ok, running, held, skipped } => {
                self.source(*source);
                match exit {
                    SpawnExit::Code(code) => self.number("code", u64::try_from(*code).unwrap_or_default()),
                    SpawnExit::Signal(signal) => self.unescaped_text("signal", &signal.to_string()),
                }
                self.boolean("ok", *ok);
                self.number("running", *running);
                if *held {
                    self.boolean("held", true);
                }
                if *skipped > 0 {
                    self.number("skipped", *skipped);
                }
            }
            Event::SpawnFailed { source, error, running } => {
                self.source(*source);
                self.text("error", error);
                self.number("running", *running);
            }
            Event::TypedInput { text, accepted, error } => {
                self.text("text", text);
                self.boolean("accepted", *accepted);
                self.optional_text("error", *error);
            }
            Event::Mark { due, entry, text } => {
                self.seconds("due", due.0);
                self.entry(*entry);
                self.text("text", text);
            }
            Event::Sent { due, source, entry, text, error } => {
                self.due(*due);
                self.optional_source(*source);
                self.entry(*entry);
                self.optional_text("text", *text);
                self.optional_text("error", *error);
            }
            Event::Stopping { due, source, entry, signal, reason, error } => {
                self.due(*due);
                self.optional_source(*source);
                self.entry(*entry);
                if let Some(signal) = signal {
                    self.unescaped_text("signal", &signal.to_string());
                }
                self.optional_text("reason", *reason);
                self.optional_text("error", *error);
            }
            Event::PlayerJoined { source, player, called, place } => {
                self.source(*source);
                self.player(*player);
                self.optional_text("called", *called);
                if let Some(place) = place {
                    self.key("place");
                    push_position(&mut self.buffer, *place);
                }
            }
            Event::PlayerLeft { source } => self.source(*source),
            Event::WorldState { due, players } => {
                self.due(*due);
                self.key("players");
                self.buffer.push(b'{');
                for (n, (player, at)) in players.iter().enumerate() {
                    self.map_key(n, player);
                    push_position(&mut self.buffer, *at);
                }
                self.buffer.push(b'}');
            }
            Event::Deadlock { waiting } => {
                self.key("waiting");
                self.buffer.push(b'{');
                for (n, (player, lock)) in waiting.iter().enumerate() {
                    self.map_key(n, player);
                    push_json_string(&mut self.buffer, lock);
                }
                self.buffer.push(b'}');
            }
            Event::Expect(expected) => self.encode_expectation_fields(expected),
            Event::RunPaused => {}
            Event::RunResumed { took } => self.seconds("took", took.0),
            fetch => self.encode_fetch_fields(fetch),
        }
        self.end_event();
    }

    fn encode_fetch_fields(&mut self, event: &Event<'_>) {
        match event {
            Event::FetchStarted { due, source, job, entry, method, url } => {
                self.seconds("due", due.0);
                self.source(*source);
                self.unescaped_text("job", job);
                self.entry(*entry);
                self.text("method", method);
                self.text("url", url);
            }
            Event::FetchResponded { source, status, version, headers } => {
                self.source(*source);
                self.number("status", u64::from(*status));
                self.text("version", version);
                self.headers(headers);
            }
            Event::FetchLine { source, n, text } => {
                self.source(*source);
                self.number("n", *n);
                self.text_or_base64(text);
            }
            Event::FetchFinished { source, fetched, ok } => {
                self.source(*source);
                self.number("status", u64::from(fetched.status));
                self.number("bytes", fetched.bytes);
                self.unescaped_text("sha256", &hex(&fetched.sha256));
                self.boolean("ok", *ok);
                self.seconds("took", fetched.took.0);
                self.timings(&fetched.timings);
                if let Some(reused) = fetched.reused {
                    self.boolean("reused", reused);
                }
                self.optional_text("check", fetched.check.as_deref());
                self.captured(&fetched.captured);
            }
            Event::FetchFailed { source, kind, error, took } => {
                self.source(*source);
                self.unescaped_text("kind", kind.name());
                self.text("error", error);
                self.seconds("took", took.0);
            }
            _ => {}
        }
    }

    fn encode_expectation_fields(&mut self, expected: &ExpectationResult) {
        self.text("name", &expected.name);
        self.boolean("ok", expected.ok);
        self.text("wanted", &expected.wanted);
        self.optional_text("got", expected.got.as_deref());
        if !expected.events.is_empty() {
            self.numbers("events", &expected.events);
        }
    }

    fn begin_run_finished(&mut self, summary: &RunSummary) {
        self.begin_event("run.finished");
        self.unescaped_text("outcome", summary.outcome.name());
        self.optional_text("reason", summary.reason.as_deref());
        self.number("spawned", summary.spawned);
        self.number("exited", summary.exited);
        self.number("fetched", summary.fetched);
        self.number("moves", summary.moves);
        self.number("lines", summary.lines);
        let late = &summary.lateness;
        let _ = write!(
            self.buffer,
            r#","lateness":{{"p50":{},"p99":{},"max":{}}}"#,
            late.p50, late.p99, late.max
        );
        if !summary.fetches.is_empty() {
            self.key("fetches");
            load_metrics::push_load_metrics(&mut self.buffer, &summary.fetches);
        }
        if !summary.shared.is_empty() {
            self.key("shared");
            self.buffer.push(b'{');
            for (n, (cell, value)) in summary.shared.iter().enumerate() {
                self.map_key(n, cell);
                let _ = write!(self.buffer, "{value}");
            }
            self.buffer.push(b'}');
        }
        self.seconds("took", summary.took.0);
    }

    /// The lines of a chunk, one event each.
    fn encode_lines(&mut self, source: Source, stream: OutputStream, chunk: &[u8], partial: bool) {
        let middle = LinePrefix::new(&self.encoded_t, source, stream);
        let end: &[u8] = if partial { b",\"partial\":true}\n" } else { b"}\n" };
        if any_byte(chunk, needs_slow_path) {
            for line in chunk.split_inclusive(|byte| *byte == b'\n') {
                let line = line.strip_suffix(b"\n").unwrap_or(line);
                self.push_line_prefix(&middle);
                self.text_or_base64(line);
                self.buffer.extend_from_slice(end);
            }
            return;
        }
        // Nothing in the chunk needs to be escaped: its lines are copied as they are.
        let mut rest = chunk;
        while !rest.is_empty() {
            let at = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            self.push_line_prefix(&middle);
            self.buffer.extend_from_slice(b",\"text\":\"");
            match rest.first_chunk::<SHORT_LINE_LEN>() {
                Some(line) if at <= SHORT_LINE_LEN => push_overcopied(&mut self.buffer, line, at),
                _ => self.buffer.extend_from_slice(&rest[..at]),
            }
            self.buffer.push(b'"');
            self.buffer.extend_from_slice(end);
            rest = rest.get(at + 1..).unwrap_or_default();
        }
    }

    fn push_line_prefix(&mut self, middle: &LinePrefix) {
        self.buffer.extend_from_slice(br#"{"seq":"#);
        push_digits(&mut self.buffer, self.next_seq);
        push_overcopied(&mut self.buffer, &middle.bytes, middle.length);
        self.next_seq += 1;
    }

    #[inline]
    fn begin_event(&mut self, event: &str) {
        self.buffer.extend_from_slice(br#"{"seq":"#);
        push_digits(&mut self.buffer, self.next_seq);
        self.buffer.extend_from_slice(br#","t":"#);
        self.encoded_t.push_to(&mut self.buffer);
        self.buffer.extend_from_slice(br#","event":""#);
        self.buffer.extend_from_slice(event.as_bytes());
        self.buffer.push(b'"');
        self.next_seq += 1;
    }

    fn end_event(&mut self) {
        self.buffer.extend_from_slice(b"}\n");
    }

    #[inline]
    fn key(&mut self, key: &str) {
        self.buffer.extend_from_slice(b",\"");
        self.buffer.extend_from_slice(key.as_bytes());
        self.buffer.extend_from_slice(b"\":");
    }

    fn raw(&mut self, key: &str, json: &[u8]) {
        self.key(key);
        self.buffer.extend_from_slice(json);
    }

    fn number(&mut self, key: &str, number: u64) {
        self.key(key);
        push_digits(&mut self.buffer, number);
    }

    fn signed_number(&mut self, key: &str, number: i64) {
        self.key(key);
        let _ = write!(self.buffer, "{number}");
    }

    fn numbers<T: Copy + Into<u64>>(&mut self, key: &str, numbers: &[T]) {
        self.key(key);
        for (n, number) in numbers.iter().enumerate() {
            self.buffer.push(if n == 0 { b'[' } else { b',' });
            push_digits(&mut self.buffer, (*number).into());
        }
        self.buffer.push(b']');
    }

    /// The key of the `n`th member of an object, from 0.
    fn map_key(&mut self, n: usize, key: &str) {
        if n > 0 {
            self.buffer.push(b',');
        }
        push_json_string(&mut self.buffer, key);
        self.buffer.push(b':');
    }

    fn boolean(&mut self, key: &str, value: bool) {
        self.raw(key, if value { b"true" } else { b"false" });
    }

    #[inline]
    fn seconds(&mut self, key: &str, nanoseconds: u64) {
        self.key(key);
        if nanoseconds == self.encoded_moment.0 {
            self.encoded_t.push_to(&mut self.buffer);
        } else {
            EncodedSeconds::new(nanoseconds).push_to(&mut self.buffer);
        }
    }

    fn due(&mut self, due: Option<Moment>) {
        if let Some(due) = due {
            self.seconds("due", due.0);
        }
    }

    fn source(&mut self, source: Source) {
        let number = match source {
            Source::Spawn(number) => {
                self.buffer.extend_from_slice(b",\"source\":\"ps#");
                number
            }
            Source::Request(number) => {
                self.buffer.extend_from_slice(b",\"source\":\"get#");
                number
            }
            Source::Guest(number) => {
                self.buffer.extend_from_slice(b",\"source\":\"net#");
                number
            }
        };
        self.push_u32(number);
        self.buffer.push(b'"');
    }

    fn optional_source(&mut self, source: Option<Source>) {
        if let Some(source) = source {
            self.source(source);
        }
    }

    fn entry(&mut self, entry: Option<EntryName<'_>>) {
        match entry {
            Some(EntryName::Id(id)) => self.unescaped_text("entry", id),
            Some(EntryName::Number(number)) => {
                self.buffer.extend_from_slice(b",\"entry\":\"#");
                push_digits(&mut self.buffer, number as u64);
                self.buffer.push(b'"');
            }
            None => {}
        }
    }

    /// A player's name: made of characters that need no escape.
    fn player(&mut self, player: PlayerName<'_>) {
        self.buffer.extend_from_slice(b",\"player\":\"");
        self.buffer.extend_from_slice(player.prefix.as_bytes());
        if let Some(number) = player.number {
            self.push_u32(number);
        }
        self.buffer.extend_from_slice(player.suffix.as_bytes());
        self.buffer.push(b'"');
    }

    fn push_u32(&mut self, number: u32) {
        push_digits(&mut self.buffer, number.into());
    }

    /// A text that needs no escape: a name, a word of ours.
    #[inline]
    fn unescaped_text(&mut self, key: &str, text: &str) {
        self.key(key);
        self.buffer.push(b'"');
        self.buffer.extend_from_slice(text.as_bytes());
        self.buffer.push(b'"');
    }

    fn text(&mut self, key: &str, text: &str) {
        self.key(key);
        push_json_string(&mut self.buffer, text);
    }

    fn optional_text(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(key, text);
        }
    }

    /// Bytes from outside: `text`, or `base64` where they are not UTF-8.
    fn text_or_base64(&mut self, bytes: &[u8]) {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.text("text", text),
            Err(_) => {
                use base64::Engine;
                self.unescaped_text("base64", &base64::engine::general_purpose::STANDARD.encode(bytes));
            }
        }
    }

    /// An object by name; a name that came several times has its values joined by a comma, as
    /// RFC 9110 (section 5.3) joins them.
    fn headers(&mut self, headers: &[HttpHeader]) {
        self.key("headers");
        let mut before = b'{';
        for (n, header) in headers.iter().enumerate() {
            if headers[..n].iter().any(|earlier| earlier.name == header.name) {
                continue;
            }
            self.buffer.push(before);
            before = b',';
            push_json_string(&mut self.buffer, &header.name);
            self.buffer.push(b':');
            let same = headers[n..].iter().filter(|other| other.name == header.name);
            let values: Vec<&str> = same.map(|header| header.value.as_str()).collect();
            push_json_string(&mut self.buffer, &values.join(", "));
        }
        self.buffer.extend_from_slice(if headers.is_empty() { b"{}" } else { b"}" });
    }

    /// An object by name, if anything was captured.
    fn captured(&mut self, captured: &[CapturedValue]) {
        if captured.is_empty() {
            return;
        }
        self.key("captured");
        let mut before = b'{';
        for one in captured {
            self.buffer.push(std::mem::replace(&mut before, b','));
            push_json_string(&mut self.buffer, &one.name);
            self.buffer.push(b':');
            push_json_string(&mut self.buffer, one.display_value());
        }
        self.buffer.push(b'}');
    }

    fn timings(&mut self, timings: &FetchTimings) {
        let FetchTimings { dns, connect, tls, first_byte, body } = timings;
        let phases: [(&[u8], _); 5] = [
            (b"dns\":", dns),
            (b"connect\":", connect),
            (b"tls\":", tls),
            (b"first_byte\":", first_byte),
            (b"body\":", body),
        ];
        self.key("timings");
        let start = self.buffer.len();
        let mut before: &[u8] = b"{\"";
        for (name, span) in phases {
            if let Some(Span(span)) = span {
                self.buffer.extend_from_slice(before);
                self.buffer.extend_from_slice(name);
                EncodedSeconds::new(*span).push_to(&mut self.buffer);
                before = b",\"";
            }
        }
        self.buffer.extend_from_slice(if self.buffer.len() == start { b"{}" } else { b"}" });
    }
}

/// A place, as a list of two numbers.
fn push_position(buffer: &mut Vec<u8>, [x, y]: [u32; 2]) {
    buffer.push(b'[');
    push_digits(buffer, x.into());
    buffer.push(b',');
    push_digits(buffer, y.into());
    buffer.push(b']');
}

/// A line of up to so many bytes is copied as one of this length.
const SHORT_LINE_LEN: usize = 32;

/// What all lines of a chunk have between `seq` and the text.
struct LinePrefix {
    /// The first `length` of them; there is no longer one.
    bytes: [u8; 96],
    length: usize,
}

impl LinePrefix {
    fn new(t: &EncodedSeconds, source: Source, stream: OutputStream) -> LinePrefix {
        let mut text = Vec::with_capacity(96 + 20);
        text.extend_from_slice(br#","t":"#);
        t.push_to(&mut text);
        let _ = write!(text, r#","event":"line","source":"{source}","stream":"{}""#, stream.name());
        let mut bytes = [0; 96];
        bytes[..text.len()].copy_from_slice(&text);
        LinePrefix { bytes, length: text.len() }
    }
}

#[cfg(test)]
mod tests;
