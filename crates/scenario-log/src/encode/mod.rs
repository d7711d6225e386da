//! Encodes events into the log's bytes: straight into a buffer, not through a tree of values. Writes
//! to no file.
//!
//! # How it works
//!
//! The table of events says which keys an event has and how each is encoded. The most frequent events
//! (`move`, `step`, `line`) have code of their own, which gives the same bytes; a test compares the two.
//!
//! For these, the text of `t` is made once for all events of one moment. (On the virtual clock it is the
//! text of `due` as well.) A chunk of lines of a process is one event here: the part between `seq` and
//! the text is rendered once for all of its lines.
//!
//! Most pieces of a line are so short that a call to copy them would take longer than the copy. So a
//! short piece is copied together with the bytes after it, and these are removed again
//! ([`push_overcopied`]): a copy whose length the compiler knows is a few instructions. Numbers become
//! digits eight at a time, in one word.
//!
//! The last line stays open, without its `crc32c`: the log's writer has seen all bytes before it, and
//! closes it.

use std::io::Write;

use crate::encode_text::{
    EncodedSeconds, any_byte, needs_slow_path, push_digits, push_escaped, push_json_string, push_overcopied,
};
use crate::event::log_value::{KeyVisitor, LineBase64, LogKey, LogValue, Register};
use crate::event::{Event, MoveDirection, OutputStream, Source};
use crate::name::PlayerName;
use crate::time::Moment;

/// A growing piece of a log.
#[derive(Debug)]
pub struct EventEncoder {
    buffer: Vec<u8>,
    /// The number of events so far, which is the next `seq`.
    next_seq: u64,
    /// The moment that `encoded_t` is the text of.
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
    /// The number of events encoded so far.
    #[must_use]
    pub fn event_count(&self) -> u64 {
        self.next_seq
    }

    /// The number of bytes that wait to be taken.
    #[must_use]
    pub fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Whether no bytes wait to be taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// The bytes that wait to be taken.
    #[must_use]
    pub fn encoded(&self) -> &[u8] {
        &self.buffer
    }

    /// Drops the bytes that wait to be taken.
    pub fn clear(&mut self) {
        self.buffer.clear();
    }

    /// Takes the bytes that wait. The encoder continues in `next`, which is emptied first.
    pub fn swap_buffer(&mut self, mut next: Vec<u8>) -> Vec<u8> {
        next.clear();
        std::mem::replace(&mut self.buffer, next)
    }

    /// Appends one event; for [`Event::Lines`], one for each line.
    pub fn encode(&mut self, t: Moment, event: &Event<'_>) {
        self.set_moment(t);
        // The most frequent events have code of their own; all others are encoded by the table.
        if let Event::Move { due, source, player, direction } = event {
            self.begin_event("move");
            if let Some(due) = due {
                self.due(*due);
            }
            self.source(*source);
            self.player(*player);
            self.key("direction");
            match direction {
                MoveDirection::Compass(direction) => self.unescaped_text(direction.letter()),
                MoveDirection::Word(word) => push_json_string(&mut self.buffer, word),
            }
            self.end_event();
        } else if let Event::Step { due, source, player, step, register } = event {
            self.begin_event("step");
            self.due(*due);
            self.source(*source);
            self.player(*player);
            self.key("step");
            push_json_string(&mut self.buffer, step);
            self.key("register");
            Register::encode(*register, &mut self.buffer);
            self.end_event();
        } else if let Event::Lines { source, stream, chunk, partial } = event {
            self.encode_lines(*source, *stream, chunk, *partial);
        } else {
            self.encode_by_table(event);
        }
    }

    fn set_moment(&mut self, t: Moment) {
        if t != self.encoded_moment {
            self.encoded_moment = t;
            self.encoded_t = EncodedSeconds::new(t.0);
        }
    }

    /// Appends an event by the table. A chunk has to have one line.
    fn encode_by_table(&mut self, event: &Event<'_>) {
        self.begin_event(event.name());
        event.visit_keys(&mut KeyWriter { buffer: &mut self.buffer });
        // The log's writer adds the checksum to the last line, and closes it.
        if !matches!(event, Event::RunFinished(_)) {
            self.end_event();
        }
    }

    /// Appends the lines of a chunk, one event each.
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
        // Nothing in the chunk needs an escape, so its lines are copied unchanged.
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

    /// The planned moment, which is often the moment of the event.
    #[inline]
    fn due(&mut self, due: Moment) {
        self.key("due");
        if due == self.encoded_moment {
            self.encoded_t.push_to(&mut self.buffer);
        } else {
            EncodedSeconds::new(due.0).push_to(&mut self.buffer);
        }
    }

    fn source(&mut self, source: Source) {
        let (prefix, number): (&[u8], u32) = match source {
            Source::Spawn(number) => (b",\"source\":\"ps#", number),
            Source::Request(number) => (b",\"source\":\"get#", number),
            Source::Guest(number) => (b",\"source\":\"net#", number),
        };
        self.buffer.extend_from_slice(prefix);
        push_digits(&mut self.buffer, number.into());
        self.buffer.push(b'"');
    }

    /// A player's name.
    fn player(&mut self, player: PlayerName<'_>) {
        self.buffer.extend_from_slice(b",\"player\":\"");
        push_escaped(&mut self.buffer, player.prefix);
        if let Some(number) = player.number {
            push_digits(&mut self.buffer, number.into());
        }
        if !player.suffix.is_empty() {
            push_escaped(&mut self.buffer, player.suffix);
        }
        self.buffer.push(b'"');
    }

    /// A text that needs no escape: a name, a word of the format.
    #[inline]
    fn unescaped_text(&mut self, text: &str) {
        self.buffer.push(b'"');
        self.buffer.extend_from_slice(text.as_bytes());
        self.buffer.push(b'"');
    }

    /// Bytes from outside: `text`, or `base64` if they are not UTF-8.
    fn text_or_base64(&mut self, bytes: &[u8]) {
        match std::str::from_utf8(bytes) {
            Ok(text) => {
                self.key("text");
                push_json_string(&mut self.buffer, text);
            }
            Err(_) => {
                self.key("base64");
                LineBase64::encode(bytes, &mut self.buffer);
            }
        }
    }
}

/// Writes the keys of an event.
struct KeyWriter<'b> {
    buffer: &'b mut Vec<u8>,
}

impl<'e> KeyVisitor<'e> for KeyWriter<'_> {
    #[inline]
    fn visit<K: LogKey>(&mut self, _: &'static str, json_key: &'static str, value: K::Value<'e>) {
        if let Some(value) = K::written(value) {
            self.buffer.extend_from_slice(json_key.as_bytes());
            K::Of::encode(value, self.buffer);
        }
    }
}

/// A line of up to this many bytes is copied as if it had this length.
const SHORT_LINE_LEN: usize = 32;

/// The part between `seq` and the text, which all lines of a chunk share.
struct LinePrefix {
    /// The first `length` bytes count. 96 bytes are enough for the longest moment and source.
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
