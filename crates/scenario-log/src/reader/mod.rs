//! Reads a log line by line: any size of log, in memory that does not grow. Does not decode the lines'
//! events.
//!
//! # How it works
//!
//! A [`LogReader`] gives one [`LogLine`] at a time out of one buffer, and checks that the lines form a
//! log: the first is `run.started` in a known format, `seq` has no gap, `t` never decreases, the last is
//! `run.finished` with the checksum of all bytes before it. [`decode`](crate::decode) reads the rest of a
//! line.
//!
//! A log whose end is missing is not damaged: the reader gives every whole line, and then
//! [`LogReader::truncated_end`] is the place of the cut. Everything else that is wrong is a
//! [`LogReadError`].

pub mod checkpoint;
mod envelope;
mod trailing;

use std::fmt;
use std::io::{ErrorKind, Read};

use crate::event::LOG_FORMAT;
use crate::reader::envelope::Envelope;
use crate::reader::trailing::TrailingBytes;
use crate::time::Moment;

/// The length of the longest line of a log, in bytes. Everything that becomes a line (the longest part of
/// a process's line, the largest scenario) has a limit of its own, so that it fits even if each byte
/// becomes an escape of six.
pub const MAX_LINE_LEN: usize = 64 << 20;

/// The number of bytes that are read at once, unless a line is longer.
const READ_SIZE: usize = 256 << 10;

/// The length of the longest reason in a message, in characters: some reasons quote their line.
const MAX_MESSAGE_CHARS: usize = 300;

/// The beginning of every line.
const LINE_START: &[u8] = b"{\"seq\":";

/// Why a log cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogReadError {
    /// The system refused to read the log, with the system's message.
    Io(String),
    /// The log has a format that this release does not know.
    NewerFormat {
        /// The format's number.
        format: u64,
    },
    /// From this line on the bytes are not a log, or not a complete one.
    Damaged {
        /// The number of the line, counted from 1.
        line: u64,
        /// The fault of the line, as the end of a sentence: "has seq 4 where 3 follows".
        what: String,
        /// Advice for the user, if there is any.
        help: Option<String>,
    },
}

impl LogReadError {
    /// The log is damaged at this line, for this reason. A long reason is cut.
    #[must_use]
    pub fn damaged(line: u64, what: impl Into<String>) -> LogReadError {
        let mut what = what.into();
        if let Some((end, _)) = what.char_indices().nth(MAX_MESSAGE_CHARS) {
            what.truncate(end);
            what.push('…');
        }
        LogReadError::Damaged { line, what, help: None }
    }

    /// The kind of the error in one word: `unreadable`, `newer` or `damaged`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            LogReadError::Io(_) => "unreadable",
            LogReadError::NewerFormat { .. } => "newer",
            LogReadError::Damaged { .. } => "damaged",
        }
    }

    /// The number of the line at fault, counted from 1.
    #[must_use]
    pub fn line(&self) -> Option<u64> {
        match self {
            LogReadError::Io(_) => None,
            LogReadError::NewerFormat { .. } => Some(1),
            LogReadError::Damaged { line, .. } => Some(*line),
        }
    }

    /// Advice for the user, if there is any.
    #[must_use]
    pub fn help(&self) -> Option<&str> {
        match self {
            LogReadError::Io(_) => None,
            LogReadError::NewerFormat { .. } => Some("a newer release of scenario reads it"),
            LogReadError::Damaged { help, .. } => help.as_deref(),
        }
    }

    fn with_help(mut self, text: &str) -> LogReadError {
        if let LogReadError::Damaged { help, .. } = &mut self {
            *help = Some(text.to_owned());
        }
        self
    }
}

impl std::error::Error for LogReadError {}

impl fmt::Display for LogReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LogReadError::Io(error) => f.write_str(error),
            LogReadError::NewerFormat { format } => write!(
                f,
                "line 1 is of format {format}; this release of scenario reads formats up to {LOG_FORMAT}"
            ),
            LogReadError::Damaged { line, what, .. } => write!(f, "line {line} {what}"),
        }
    }
}

/// The end of a log that was cut short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TruncatedEnd {
    /// The number of the last whole line, counted from 1; 0 if there is none.
    pub last_line: u64,
    /// The length of all whole lines together, in bytes.
    pub whole_bytes: u64,
    /// A description of the bytes after the whole lines, for people; `None` if there are none.
    pub trailing: Option<String>,
}

impl fmt::Display for TruncatedEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.last_line {
            0 => f.write_str("nothing was logged")?,
            line => write!(f, "it ends after line {line}, at byte {}", self.whole_bytes)?,
        }
        self.trailing.as_ref().map_or(Ok(()), |tail| write!(f, ", with {tail} after it"))
    }
}

/// One line of a log.
#[derive(Clone, Copy, Debug)]
pub struct LogLine<'a> {
    /// The number of the line, counted from 1.
    pub number: u64,
    /// The number of events before this one.
    pub seq: u64,
    /// The moment of the event.
    pub t: Moment,
    /// The whole line without its newline.
    pub bytes: &'a [u8],
    /// The start and end of the event's name in the line.
    event_range: (usize, usize),
    /// The start of the key `t` with its comma, in a line of the form that the encoder writes.
    t_offset: Option<usize>,
}

impl<'a> LogLine<'a> {
    /// The event's name.
    #[must_use]
    pub fn event_name(&self) -> &'a str {
        std::str::from_utf8(self.event_name_bytes()).unwrap_or_default()
    }

    /// The event's name as bytes, which is cheaper for code that looks at every line.
    #[must_use]
    #[inline]
    pub fn event_name_bytes(&self) -> &'a [u8] {
        &self.bytes[self.event_range.0..self.event_range.1]
    }

    /// The line from `,"t":` to its end, if its beginning has the form that the encoder writes.
    #[must_use]
    pub fn after_seq(&self) -> Option<&'a [u8]> {
        self.t_offset.map(|at| &self.bytes[at..])
    }

    /// The line from the comma after the event's name to its end, if its beginning has the form that the
    /// encoder writes.
    #[must_use]
    pub fn payload(&self) -> Option<&'a [u8]> {
        self.t_offset.map(|_| &self.bytes[self.event_range.1 + 1..])
    }
}

/// The next line: its length without the newline, and its beginning.
#[derive(Clone, Debug)]
struct PeekedLine {
    length: usize,
    envelope: Envelope,
}

/// Reads a log line by line, and checks that its lines form a log.
#[derive(Debug)]
pub struct LogReader<R> {
    input: R,
    /// The length of the longest line, in bytes.
    max_line_len: usize,
    buffer: Vec<u8>,
    /// `start..filled` of the buffer are the bytes that are read and not yet passed.
    start: usize,
    filled: usize,
    is_at_end: bool,
    /// The offset of `start` in the log.
    offset: u64,
    /// The CRC-32C of all bytes of the log before `checksummed` of the buffer.
    crc: u32,
    checksummed: usize,
    /// The number of lines that were passed.
    lines: u64,
    t: Moment,
    peeked: Option<PeekedLine>,
    end: Option<Result<Option<TruncatedEnd>, LogReadError>>,
    /// The line `run.finished` was passed.
    is_finished: bool,
}

impl<R: Read> LogReader<R> {
    /// A reader that starts at the beginning of a log.
    #[must_use]
    pub fn new(source: R) -> LogReader<R> {
        LogReader::with_limits(source, READ_SIZE, MAX_LINE_LEN)
    }

    /// A reader that reads `piece` bytes at once, and accepts lines of up to `longest` bytes.
    fn with_limits(source: R, piece: usize, longest: usize) -> LogReader<R> {
        LogReader {
            input: source,
            max_line_len: longest,
            buffer: vec![0; piece],
            start: 0,
            filled: 0,
            is_at_end: false,
            offset: 0,
            crc: 0,
            checksummed: 0,
            lines: 0,
            t: Moment::ZERO,
            peeked: None,
            end: None,
            is_finished: false,
        }
    }

    /// The next line, the same one until [`LogReader::advance`]; `None` at the end of the log.
    ///
    /// # Errors
    /// If the log cannot be read on. Every later call returns the same error.
    #[inline]
    pub fn peek(&mut self) -> Result<Option<LogLine<'_>>, LogReadError> {
        if self.peeked.is_none() && !self.peek_next() {
            return match &self.end {
                Some(Err(unreadable)) => Err(unreadable.clone()),
                _ => Ok(None),
            };
        }
        Ok(self.peeked())
    }

    /// Passes the line that [`LogReader::peek`] returned.
    #[inline]
    pub fn advance(&mut self) {
        let Some(PeekedLine { length, envelope: frame }) = self.peeked.take() else { return };
        self.lines += 1;
        self.t = frame.t;
        if self.event_name_in(&frame) == b"run.finished" {
            self.is_finished = true;
            self.verify_checksum(length);
        }
        self.start += length + 1;
        self.offset += length as u64 + 1;
    }

    /// The place where the log was cut short, once its end was reached.
    #[must_use]
    pub fn truncated_end(&self) -> Option<&TruncatedEnd> {
        match &self.end {
            Some(Ok(cut)) => cut.as_ref(),
            _ => None,
        }
    }

    /// The number of lines that were passed.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// The number of bytes that were passed.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The CRC-32C of all bytes that were passed.
    #[must_use]
    pub fn checksum(&self) -> u32 {
        crc32c::crc32c_append(self.crc, &self.buffer[self.checksummed..self.start])
    }

    /// Reads to the end of the log. Returns whether the log's own checksum is right; `None` if it has none.
    pub fn is_intact(&mut self) -> Option<bool> {
        while let Ok(Some(_)) = self.peek() {
            self.advance();
        }
        match (&self.end, self.is_finished) {
            (_, false) => None,
            (Some(Err(_)), true) => Some(false),
            (_, true) => Some(true),
        }
    }

    fn event_name_in(&self, frame: &Envelope) -> &[u8] {
        &self.buffer[self.start..][frame.event_range.clone()]
    }

    /// The line that the last [`LogReader::peek`] returned, if it was not passed since.
    #[must_use]
    #[inline]
    pub fn peeked(&self) -> Option<LogLine<'_>> {
        let PeekedLine { length, envelope: frame } = self.peeked.as_ref()?;
        let bytes = &self.buffer[self.start..self.start + length];
        Some(LogLine {
            number: self.lines + 1,
            seq: frame.seq,
            t: frame.t,
            bytes,
            event_range: (frame.event_range.start, frame.event_range.end),
            t_offset: frame.t_offset,
        })
    }

    /// Finds the next line. Returns whether there is one.
    fn peek_next(&mut self) -> bool {
        if self.end.is_some() {
            return false;
        }
        match self.find_line() {
            Ok(Some(current)) => {
                self.peeked = Some(current);
                true
            }
            Ok(None) => {
                self.end.get_or_insert(Ok(None));
                false
            }
            Err(unreadable) => {
                self.end = Some(Err(unreadable));
                false
            }
        }
    }

    /// The next whole line, after all checks; `None` at the end of the log.
    fn find_line(&mut self) -> Result<Option<PeekedLine>, LogReadError> {
        let number = self.lines + 1;
        let Some(length) = self.find_newline()? else {
            let rest = &self.buffer[self.start..self.filled];
            if rest.len() > self.max_line_len && rest.starts_with(LINE_START) {
                let what =
                    format!("is longer than {} bytes; no line of a log is that long", self.max_line_len);
                return Err(LogReadError::damaged(number, what));
            }
            return self.record_end(None).map(|()| None);
        };
        let bytes = &self.buffer[self.start..self.start + length];
        if bytes.starts_with(LINE_START) && bytes.ends_with(b"\r") {
            let help = "a tool has changed the line ends; take them from the original, or with `tr -d '\\r'`, \
                        and keep git from it with `*.jsonl -text` in .gitattributes";
            return Err(LogReadError::damaged(number, "ends in CR LF, and not in LF alone").with_help(help));
        }
        let frame = match Envelope::parse(bytes) {
            Ok(frame) => frame,
            Err(what) if bytes.starts_with(LINE_START) => return Err(LogReadError::damaged(number, what)),
            Err(_) => return self.record_end(Some(length)).map(|()| None),
        };
        self.check_sequence(number, &frame)?;
        Ok(Some(PeekedLine { length, envelope: frame }))
    }

    /// Checks a line against the lines before it.
    #[inline]
    fn check_sequence(&self, number: u64, frame: &Envelope) -> Result<(), LogReadError> {
        if frame.seq == self.lines && frame.t >= self.t && self.lines > 0 && !self.is_finished {
            return Ok(());
        }
        self.check_sequence_slow(number, frame)
    }

    #[cold]
    fn check_sequence_slow(&self, number: u64, frame: &Envelope) -> Result<(), LogReadError> {
        let event = self.event_name_in(frame);
        let damaged = |what: String| Err(LogReadError::damaged(number, what));
        if self.is_finished {
            return damaged(format!(
                "comes after the end of the run (`run.finished` is line {})",
                self.lines
            ));
        }
        if self.lines == 0 {
            return self.check_first_line(frame, event);
        }
        if frame.seq != self.lines {
            let what = format!("has seq {} where {} follows", frame.seq, self.lines);
            let help = "a line was removed, doubled or moved, or two logs were put together";
            return Err(LogReadError::damaged(number, what).with_help(help));
        }
        damaged(format!("has t {}, before the {} of the line above", frame.t, self.t))
    }

    fn check_first_line(&self, frame: &Envelope, event: &[u8]) -> Result<(), LogReadError> {
        if event == b"run.started" && frame.seq == 0 {
            return match frame.format {
                Some(format) if format > u64::from(LOG_FORMAT) => Err(LogReadError::NewerFormat { format }),
                Some(format) if format == u64::from(LOG_FORMAT) => Ok(()),
                _ => Err(LogReadError::damaged(1, "does not state its format")),
            };
        }
        let what = format!("is seq {} of a log; its beginning (`run.started`) is missing", frame.seq);
        Err(LogReadError::damaged(1, what))
    }

    /// The length of the next line. `None` if there is no newline before the end of the log or within the
    /// longest line, or if the bytes do not begin like a line and are too many to search.
    fn find_newline(&mut self) -> Result<Option<usize>, LogReadError> {
        let mut looked_at = 0;
        loop {
            let rest = &self.buffer[self.start..self.filled];
            if let Some(at) = memchr::memchr(b'\n', &rest[looked_at..]) {
                let length = looked_at + at;
                return Ok((length <= self.max_line_len).then_some(length));
            }
            looked_at = rest.len();
            let is_none = rest.len() >= READ_SIZE && !rest.starts_with(LINE_START);
            if self.is_at_end || is_none || rest.len() > self.max_line_len {
                return Ok(None);
            }
            self.refill()?;
        }
    }

    /// Reads once, after the bytes that were not passed yet.
    fn refill(&mut self) -> Result<(), LogReadError> {
        if self.start > 0 {
            self.crc = self.checksum();
            self.buffer.copy_within(self.start..self.filled, 0);
            self.filled -= self.start;
            self.start = 0;
            self.checksummed = 0;
        }
        if self.is_at_end {
            // A second read would ask a terminal for more input.
            return Ok(());
        }
        if self.filled == self.buffer.len() {
            self.buffer.resize(self.filled * 2, 0);
        }
        loop {
            match self.input.read(&mut self.buffer[self.filled..]) {
                Ok(0) => self.is_at_end = true,
                Ok(read) => self.filled += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(LogReadError::Io(error.to_string())),
            }
            return Ok(());
        }
    }

    /// Compares the checksum in the last line, of this length, with that of all bytes before it.
    fn verify_checksum(&mut self, length: usize) {
        let bytes = &self.buffer[self.start..self.start + length];
        let line = self.lines;
        let sum = self.checksum();
        let what = match crate::reader::envelope::checksum_of(bytes) {
            Some(written) if written == sum => return,
            Some(written) => format!(
                "says that the crc32c of all bytes before it is {written:08x}, but it is {sum:08x}: \
                 the log was changed after it was written"
            ),
            None => "is the last, and does not end in its `crc32c`".to_owned(),
        };
        self.end = Some(Err(LogReadError::damaged(line, what)));
    }

    /// The log ends before the next bytes: either their first `line` bytes are not a line of a log, or
    /// there is no newline in them.
    fn record_end(&mut self, line: Option<usize>) -> Result<(), LogReadError> {
        let number = self.lines + 1;
        let is_finished = self.is_finished;
        if self.filled == self.start && is_finished {
            return Ok(());
        }
        if self.lines == 0 {
            // The result must not depend on how little a pipe gives at once.
            while self.filled - self.start < trailing::MAX_INSPECTED && !self.is_at_end {
                self.refill()?;
            }
            if let Some(unreadable) = trailing::explain_not_a_log(&self.buffer[self.start..self.filled], line)
            {
                return Err(unreadable);
            }
        }
        let (whole, bytes) = (self.lines, self.offset);
        let mut tail = TrailingBytes::default();
        while self.filled > self.start {
            if !tail.consume(&self.buffer[self.start..self.filled]) {
                let what = "is not readable, and lines of a log follow it";
                return Err(LogReadError::damaged(number, what));
            }
            self.start = self.filled;
            self.refill()?;
        }
        self.end = Some(Ok(Some(TruncatedEnd {
            last_line: whole,
            whole_bytes: bytes,
            trailing: tail.describe(is_finished),
        })));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
