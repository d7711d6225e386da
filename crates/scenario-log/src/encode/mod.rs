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

mod loads;

use std::io::Write;

use crate::captured::Captured;
use crate::event::{EntryName, Event, Exit, Expected, FORMAT, Header, Source, Stream, Summary, Timings};
use crate::name::PlayerName;
use crate::text::{Seconds, any, hex, needs_care, push_digits, push_json, put};
use crate::time::{Moment, Span};

/// What wrote the log. Without a version: one scenario and seed give the same bytes in every release
/// with the same format.
const GENERATOR: &str = "scenario";

/// A growing piece of a log.
#[derive(Debug)]
pub struct Encoder {
    buffer: Vec<u8>,
    /// How many events there are so far: the next `seq`.
    count: u64,
    /// The moment whose text is `t`.
    moment: Moment,
    t: Seconds,
}

impl Default for Encoder {
    fn default() -> Encoder {
        Encoder { buffer: Vec::new(), count: 0, moment: Moment::ZERO, t: Seconds::new(0) }
    }
}

impl Encoder {
    /// How many events have been written.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
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
    pub fn written(&self) -> &[u8] {
        &self.buffer
    }

    /// Drops the bytes that wait.
    pub fn clear(&mut self) {
        self.buffer.clear();
    }

    /// Takes the bytes, and goes on in `next`, which is emptied.
    pub fn take(&mut self, mut next: Vec<u8>) -> Vec<u8> {
        next.clear();
        std::mem::replace(&mut self.buffer, next)
    }

    /// Writes one event (for [`Event::Lines`] one for each line).
    pub fn write(&mut self, t: Moment, event: &Event<'_>) {
        if t != self.moment {
            self.moment = t;
            self.t = Seconds::new(t.0);
        }
        match event {
            Event::Move { due, source, player, direction } => {
                self.open("move");
                self.due(*due);
                self.source(*source);
                self.player(*player);
                self.plain("direction", direction.letter());
                self.close();
            }
            Event::Step { due, source, player, step, register } => {
                self.open("step");
                self.seconds("due", due.0);
                self.source(*source);
                self.player(*player);
                self.text("step", step);
                self.signed("register", *register);
                self.close();
            }
            Event::Lines { source, stream, chunk, partial } => self.lines(*source, *stream, chunk, *partial),
            Event::RunFinished(summary) => self.run_finished(summary),
            other => self.rare(other),
        }
    }

    /// The events that are not hot.
    fn rare(&mut self, event: &Event<'_>) {
        self.open(event.name());
        match event {
            Event::RunStarted { name, seed, clock, started_at, schedule, scenario } => {
                self.number("format", u64::from(FORMAT));
                self.plain("generator", GENERATOR);
                self.text("name", name);
                self.number("seed", *seed);
                self.plain("clock", clock.name());
                self.optional_text("started_at", *started_at);
                if !schedule.is_empty() {
                    self.list("schedule", schedule);
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
                self.plain("preset", preset);
                self.entry(*entry);
                if let Some(pid) = pid {
                    self.number("pid", u64::from(*pid));
                }
            }
            Event::SpawnReady { source } | Event::SpawnResumed { source } => self.source(*source),
            Event::SpawnSuspended { source, signal } => {
                self.source(*source);
                self.plain("signal", &signal.to_string());
            }
            Event::SpawnExited { source, exit, ok, running, held, skipped } => {
                self.source(*source);
                match exit {
                    Exit::Code(code) => self.number("code", u64::try_from(*code).unwrap_or_default()),
                    Exit::Signal(signal) => self.plain("signal", &signal.to_string()),
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
            Event::Input { text, accepted, error } => {
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
                    self.plain("signal", &signal.to_string());
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
                    push_place(&mut self.buffer, *place);
                }
            }
            Event::PlayerLeft { source } => self.source(*source),
            Event::WorldState { due, players } => {
                self.due(*due);
                self.key("players");
                self.buffer.push(b'{');
                for (n, (player, at)) in players.iter().enumerate() {
                    self.member(n, player);
                    push_place(&mut self.buffer, *at);
                }
                self.buffer.push(b'}');
            }
            Event::Deadlock { waiting } => {
                self.key("waiting");
                self.buffer.push(b'{');
                for (n, (player, lock)) in waiting.iter().enumerate() {
                    self.member(n, player);
                    push_json(&mut self.buffer, lock);
                }
                self.buffer.push(b'}');
            }
            Event::Expect(expected) => self.expect(expected),
            Event::RunPaused => {}
            Event::RunResumed { took } => self.seconds("took", took.0),
            fetch => self.fetch(fetch),
        }
        self.close();
    }

    fn fetch(&mut self, event: &Event<'_>) {
        match event {
            Event::FetchStarted { due, source, job, entry, method, url } => {
                self.seconds("due", due.0);
                self.source(*source);
                self.plain("job", job);
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
                self.bytes(text);
            }
            Event::FetchFinished { source, fetched, ok } => {
                self.source(*source);
                self.number("status", u64::from(fetched.status));
                self.number("bytes", fetched.bytes);
                self.plain("sha256", &hex(&fetched.sha256));
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
                self.plain("kind", kind.name());
                self.text("error", error);
                self.seconds("took", took.0);
            }
            _ => {}
        }
    }

    fn expect(&mut self, expected: &Expected) {
        self.text("name", &expected.name);
        self.boolean("ok", expected.ok);
        self.text("wanted", &expected.wanted);
        self.optional_text("got", expected.got.as_deref());
        if !expected.events.is_empty() {
            self.list("events", &expected.events);
        }
    }

    fn run_finished(&mut self, summary: &Summary) {
        self.open("run.finished");
        self.plain("outcome", summary.outcome.name());
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
            loads::push(&mut self.buffer, &summary.fetches);
        }
        if !summary.shared.is_empty() {
            self.key("shared");
            self.buffer.push(b'{');
            for (n, (cell, value)) in summary.shared.iter().enumerate() {
                self.member(n, cell);
                let _ = write!(self.buffer, "{value}");
            }
            self.buffer.push(b'}');
        }
        self.seconds("took", summary.took.0);
    }

    /// The lines of a chunk, one event each.
    fn lines(&mut self, source: Source, stream: Stream, chunk: &[u8], partial: bool) {
        let middle = Middle::new(&self.t, source, stream);
        let end: &[u8] = if partial { b",\"partial\":true}\n" } else { b"}\n" };
        if any(chunk, needs_care) {
            for line in chunk.split_inclusive(|byte| *byte == b'\n') {
                let line = line.strip_suffix(b"\n").unwrap_or(line);
                self.line_start(&middle);
                self.bytes(line);
                self.buffer.extend_from_slice(end);
            }
            return;
        }
        // Nothing in the chunk needs to be escaped: its lines are copied as they are.
        let mut rest = chunk;
        while !rest.is_empty() {
            let at = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            self.line_start(&middle);
            self.buffer.extend_from_slice(b",\"text\":\"");
            match rest.first_chunk::<SHORT>() {
                Some(line) if at <= SHORT => put(&mut self.buffer, line, at),
                _ => self.buffer.extend_from_slice(&rest[..at]),
            }
            self.buffer.push(b'"');
            self.buffer.extend_from_slice(end);
            rest = rest.get(at + 1..).unwrap_or_default();
        }
    }

    fn line_start(&mut self, middle: &Middle) {
        self.buffer.extend_from_slice(br#"{"seq":"#);
        push_digits(&mut self.buffer, self.count);
        put(&mut self.buffer, &middle.bytes, middle.length);
        self.count += 1;
    }

    #[inline]
    fn open(&mut self, event: &str) {
        self.buffer.extend_from_slice(br#"{"seq":"#);
        push_digits(&mut self.buffer, self.count);
        self.buffer.extend_from_slice(br#","t":"#);
        self.t.put(&mut self.buffer);
        self.buffer.extend_from_slice(br#","event":""#);
        self.buffer.extend_from_slice(event.as_bytes());
        self.buffer.push(b'"');
        self.count += 1;
    }

    fn close(&mut self) {
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

    fn signed(&mut self, key: &str, number: i64) {
        self.key(key);
        let _ = write!(self.buffer, "{number}");
    }

    fn list<T: Copy + Into<u64>>(&mut self, key: &str, numbers: &[T]) {
        self.key(key);
        for (n, number) in numbers.iter().enumerate() {
            self.buffer.push(if n == 0 { b'[' } else { b',' });
            push_digits(&mut self.buffer, (*number).into());
        }
        self.buffer.push(b']');
    }

    /// The key of the `n`th member of an object, from 0.
    fn member(&mut self, n: usize, key: &str) {
        if n > 0 {
            self.buffer.push(b',');
        }
        push_json(&mut self.buffer, key);
        self.buffer.push(b':');
    }

    fn boolean(&mut self, key: &str, value: bool) {
        self.raw(key, if value { b"true" } else { b"false" });
    }

    #[inline]
    fn seconds(&mut self, key: &str, nanoseconds: u64) {
        self.key(key);
        if nanoseconds == self.moment.0 {
            self.t.put(&mut self.buffer);
        } else {
            Seconds::new(nanoseconds).put(&mut self.buffer);
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
        self.decimal(number);
        self.buffer.push(b'"');
    }

    fn optional_source(&mut self, source: Option<Source>) {
        if let Some(source) = source {
            self.source(source);
        }
    }

    fn entry(&mut self, entry: Option<EntryName<'_>>) {
        match entry {
            Some(EntryName::Id(id)) => self.plain("entry", id),
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
            self.decimal(number);
        }
        self.buffer.extend_from_slice(player.suffix.as_bytes());
        self.buffer.push(b'"');
    }

    fn decimal(&mut self, number: u32) {
        push_digits(&mut self.buffer, number.into());
    }

    /// A text that needs no escape: a name, a word of ours.
    #[inline]
    fn plain(&mut self, key: &str, text: &str) {
        self.key(key);
        self.buffer.push(b'"');
        self.buffer.extend_from_slice(text.as_bytes());
        self.buffer.push(b'"');
    }

    fn text(&mut self, key: &str, text: &str) {
        self.key(key);
        push_json(&mut self.buffer, text);
    }

    fn optional_text(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(key, text);
        }
    }

    /// Bytes from outside: `text`, or `base64` where they are not UTF-8.
    fn bytes(&mut self, bytes: &[u8]) {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.text("text", text),
            Err(_) => {
                use base64::Engine;
                self.plain("base64", &base64::engine::general_purpose::STANDARD.encode(bytes));
            }
        }
    }

    /// An object by name; a name that came several times has its values joined by a comma, as
    /// RFC 9110 (section 5.3) joins them.
    fn headers(&mut self, headers: &[Header]) {
        self.key("headers");
        let mut before = b'{';
        for (n, header) in headers.iter().enumerate() {
            if headers[..n].iter().any(|earlier| earlier.name == header.name) {
                continue;
            }
            self.buffer.push(before);
            before = b',';
            push_json(&mut self.buffer, &header.name);
            self.buffer.push(b':');
            let same = headers[n..].iter().filter(|other| other.name == header.name);
            let values: Vec<&str> = same.map(|header| header.value.as_str()).collect();
            push_json(&mut self.buffer, &values.join(", "));
        }
        self.buffer.extend_from_slice(if headers.is_empty() { b"{}" } else { b"}" });
    }

    /// An object by name, if anything was captured.
    fn captured(&mut self, captured: &[Captured]) {
        if captured.is_empty() {
            return;
        }
        self.key("captured");
        let mut before = b'{';
        for one in captured {
            self.buffer.push(std::mem::replace(&mut before, b','));
            push_json(&mut self.buffer, &one.name);
            self.buffer.push(b':');
            push_json(&mut self.buffer, one.shown());
        }
        self.buffer.push(b'}');
    }

    fn timings(&mut self, timings: &Timings) {
        let Timings { dns, connect, tls, first_byte, body } = timings;
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
                Seconds::new(*span).put(&mut self.buffer);
                before = b",\"";
            }
        }
        self.buffer.extend_from_slice(if self.buffer.len() == start { b"{}" } else { b"}" });
    }
}

/// A place, as a list of two numbers.
fn push_place(buffer: &mut Vec<u8>, [x, y]: [u32; 2]) {
    buffer.push(b'[');
    push_digits(buffer, x.into());
    buffer.push(b',');
    push_digits(buffer, y.into());
    buffer.push(b']');
}

/// A line of up to so many bytes is copied as one of this length.
const SHORT: usize = 32;

/// What all lines of a chunk have between `seq` and the text.
struct Middle {
    /// The first `length` of them; there is no longer one.
    bytes: [u8; 96],
    length: usize,
}

impl Middle {
    fn new(t: &Seconds, source: Source, stream: Stream) -> Middle {
        let mut text = Vec::with_capacity(96 + 20);
        text.extend_from_slice(br#","t":"#);
        t.put(&mut text);
        let _ = write!(text, r#","event":"line","source":"{source}","stream":"{}""#, stream.name());
        let mut bytes = [0; 96];
        bytes[..text.len()].copy_from_slice(&text);
        Middle { bytes, length: text.len() }
    }
}

#[cfg(test)]
mod tests;
