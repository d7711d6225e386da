//! Reads a log line by line: any size of it, in memory that does not grow.
//!
//! # How it works
//!
//! A [`Reader`] gives one [`Line`] at a time out of one buffer, and holds each to what makes a log
//! one: it begins with `run.started` in a format that is known, `seq` has no gap, `t` never goes
//! back, it ends with `run.finished` and the checksum of all bytes before that. What a line says
//! beyond that is for [`record`](crate::decode) to read.
//!
//! A log whose end is missing is no damage: every whole line is given, and then
//! [`Reader::cut`] says where it was cut. Whatever else is wrong is [`Unreadable`].

pub mod checkpoint;
mod envelope;
mod tail;

use std::fmt;
use std::io::{ErrorKind, Read};

use crate::event::FORMAT;
use crate::reader::envelope::Frame;
use crate::reader::tail::Tail;
use crate::time::Moment;

/// The longest line of a log, in bytes. Whatever becomes a line (the longest part of a process's
/// line, the largest scenario) is bounded so that it has room in it, each byte as an escape of six.
pub const LONGEST_LINE: usize = 64 << 20;

/// How much is read at once, unless a line is longer.
const PIECE: usize = 256 << 10;

/// The longest reason that is told, in characters: some quote the line that they are about.
const LONGEST_REASON: usize = 300;

/// What every line begins with.
const START: &[u8] = b"{\"seq\":";

/// Why a log cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// The system refused to read it, in the system's words.
    Refused(String),
    /// It is of a format that this release does not know.
    Newer {
        /// The format's number.
        format: u64,
    },
    /// It is no log, or no whole one, from this line on.
    Damaged {
        /// Counted from 1.
        line: u64,
        /// What is wrong with it.
        what: String,
        /// What can be done, where that is known.
        help: Option<String>,
    },
}

impl Unreadable {
    /// It is no log from this line on, for this reason.
    #[must_use]
    pub fn damaged(line: u64, what: impl Into<String>) -> Unreadable {
        let mut what = what.into();
        if let Some((end, _)) = what.char_indices().nth(LONGEST_REASON) {
            what.truncate(end);
            what.push('…');
        }
        Unreadable::Damaged { line, what, help: None }
    }

    /// Of which kind it is, in a word.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Unreadable::Refused(_) => "unreadable",
            Unreadable::Newer { .. } => "newer",
            Unreadable::Damaged { .. } => "damaged",
        }
    }

    /// The line that it is about, from 1.
    #[must_use]
    pub fn line(&self) -> Option<u64> {
        match self {
            Unreadable::Refused(_) => None,
            Unreadable::Newer { .. } => Some(1),
            Unreadable::Damaged { line, .. } => Some(*line),
        }
    }

    /// What can be done, where that is known.
    #[must_use]
    pub fn help(&self) -> Option<&str> {
        match self {
            Unreadable::Refused(_) => None,
            Unreadable::Newer { .. } => Some("a newer release of scenario reads it"),
            Unreadable::Damaged { help, .. } => help.as_deref(),
        }
    }

    fn with_help(mut self, text: &str) -> Unreadable {
        if let Unreadable::Damaged { help, .. } = &mut self {
            *help = Some(text.to_owned());
        }
        self
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unreadable::Refused(error) => f.write_str(error),
            Unreadable::Newer { format } => write!(
                f,
                "line 1 is of format {format}; this release of scenario reads formats up to {FORMAT}"
            ),
            Unreadable::Damaged { line, what, .. } => write!(f, "line {line} {what}"),
        }
    }
}

/// Where a log that was cut short ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The last whole line, counted from 1; 0 if there is none.
    pub line: u64,
    /// How many bytes the whole lines have.
    pub bytes: u64,
    /// What comes behind them, in words; none if there is nothing.
    pub tail: Option<String>,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str("nothing of it is whole")?,
            line => write!(f, "it ends behind line {line}, at byte {}", self.bytes)?,
        }
        self.tail.as_ref().map_or(Ok(()), |tail| write!(f, ", with {tail} behind it"))
    }
}

/// One line of a log.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// Its number, from 1.
    pub number: u64,
    /// How many events came before it.
    pub seq: u64,
    /// When it happened.
    pub t: Moment,
    /// The whole line without its newline.
    pub bytes: &'a [u8],
    /// Where the event's name stands.
    name: (usize, usize),
    /// Where the key `t` begins, with its comma, in a line that has the form of our own writer.
    at_t: Option<usize>,
}

impl<'a> Line<'a> {
    /// The event's name.
    #[must_use]
    pub fn event(&self) -> &'a str {
        std::str::from_utf8(self.name()).unwrap_or_default()
    }

    /// The event's name, as bytes: cheaper where every line is looked at.
    #[must_use]
    #[inline]
    pub fn name(&self) -> &'a [u8] {
        &self.bytes[self.name.0..self.name.1]
    }

    /// From `,"t":` to the end, if the line has the form of our own writer so far.
    #[must_use]
    pub fn behind_seq(&self) -> Option<&'a [u8]> {
        self.at_t.map(|at| &self.bytes[at..])
    }

    /// From the comma behind the event's name to the end, if the line has the form of our own writer
    /// so far.
    #[must_use]
    pub fn own(&self) -> Option<&'a [u8]> {
        self.at_t.map(|_| &self.bytes[self.name.1 + 1..])
    }
}

/// The line that is looked at: its length without the newline, and what it begins with.
#[derive(Clone, Debug)]
struct Current {
    length: usize,
    frame: Frame,
}

/// Reads a log.
#[derive(Debug)]
pub struct Reader<R> {
    source: R,
    /// The longest line that is taken for one.
    longest: usize,
    buffer: Vec<u8>,
    /// What of the buffer is there and not behind us.
    start: usize,
    filled: usize,
    is_at_end: bool,
    /// The bytes before `start` of the whole log.
    offset: u64,
    /// CRC-32C of the bytes before `summed` of the buffer.
    crc: u32,
    summed: usize,
    /// Lines that are behind us.
    lines: u64,
    t: Moment,
    current: Option<Current>,
    end: Option<Result<Option<Cut>, Unreadable>>,
    /// `run.finished` is behind us.
    is_finished: bool,
}

impl<R: Read> Reader<R> {
    /// A reader of these bytes.
    #[must_use]
    pub fn new(source: R) -> Reader<R> {
        Reader::limited(source, PIECE, LONGEST_LINE)
    }

    /// A reader that reads pieces of a size, and takes no longer line for one.
    fn limited(source: R, piece: usize, longest: usize) -> Reader<R> {
        Reader {
            source,
            longest,
            buffer: vec![0; piece],
            start: 0,
            filled: 0,
            is_at_end: false,
            offset: 0,
            crc: 0,
            summed: 0,
            lines: 0,
            t: Moment::ZERO,
            current: None,
            end: None,
            is_finished: false,
        }
    }

    /// The line that is next, the same until [`Reader::pass`]; `None` at the end.
    ///
    /// # Errors
    /// What makes it unreadable, again and again.
    #[inline]
    pub fn peek(&mut self) -> Result<Option<Line<'_>>, Unreadable> {
        if self.current.is_none() && !self.look() {
            return match &self.end {
                Some(Err(unreadable)) => Err(unreadable.clone()),
                _ => Ok(None),
            };
        }
        Ok(self.looked_at())
    }

    /// Goes on behind the line that was looked at.
    #[inline]
    pub fn pass(&mut self) {
        let Some(Current { length, frame }) = self.current.take() else { return };
        self.lines += 1;
        self.t = frame.t;
        if self.name_in(&frame) == b"run.finished" {
            self.is_finished = true;
            self.check_sum(length);
        }
        self.start += length + 1;
        self.offset += length as u64 + 1;
    }

    /// Where the log was cut short, once its end was reached.
    #[must_use]
    pub fn cut(&self) -> Option<&Cut> {
        match &self.end {
            Some(Ok(cut)) => cut.as_ref(),
            _ => None,
        }
    }

    /// How many lines are behind us.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// How many bytes are behind us.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The CRC-32C of all bytes that are behind us.
    #[must_use]
    pub fn sum(&self) -> u32 {
        crc32c::crc32c_append(self.crc, &self.buffer[self.summed..self.start])
    }

    /// Reads on to the end, and says whether the log's own checksum is right; `None` if it has none.
    pub fn is_as_written(&mut self) -> Option<bool> {
        while let Ok(Some(_)) = self.peek() {
            self.pass();
        }
        match (&self.end, self.is_finished) {
            (_, false) => None,
            (Some(Err(_)), true) => Some(false),
            (_, true) => Some(true),
        }
    }

    fn name_in(&self, frame: &Frame) -> &[u8] {
        &self.buffer[self.start..][frame.name.clone()]
    }

    /// The line that was looked at last, if it is not behind us.
    #[must_use]
    #[inline]
    pub fn looked_at(&self) -> Option<Line<'_>> {
        let Current { length, frame } = self.current.as_ref()?;
        let bytes = &self.buffer[self.start..self.start + length];
        Some(Line {
            number: self.lines + 1,
            seq: frame.seq,
            t: frame.t,
            bytes,
            name: (frame.name.start, frame.name.end),
            at_t: frame.at_t,
        })
    }

    /// Looks at the next line. Whether there is one.
    fn look(&mut self) -> bool {
        if self.end.is_some() {
            return false;
        }
        match self.find() {
            Ok(Some(current)) => {
                self.current = Some(current);
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

    /// The next whole line, held to what makes a log; `None` where the log ends.
    fn find(&mut self) -> Result<Option<Current>, Unreadable> {
        let number = self.lines + 1;
        let Some(length) = self.find_newline()? else {
            let rest = &self.buffer[self.start..self.filled];
            if rest.len() > self.longest && rest.starts_with(START) {
                let what = format!("is longer than {} bytes, which no line of a log is", self.longest);
                return Err(Unreadable::damaged(number, what));
            }
            return self.ends_here(None).map(|()| None);
        };
        let bytes = &self.buffer[self.start..self.start + length];
        if bytes.starts_with(START) && bytes.ends_with(b"\r") {
            let help = "a tool has changed the line ends; take them from the original, or with `tr -d '\\r'`, \
                        and keep git from it with `*.jsonl -text` in .gitattributes";
            return Err(Unreadable::damaged(number, "ends in CR LF, and not in LF alone").with_help(help));
        }
        let frame = match Frame::read(bytes) {
            Ok(frame) => frame,
            Err(what) if bytes.starts_with(START) => return Err(Unreadable::damaged(number, what)),
            Err(_) => return self.ends_here(Some(length)).map(|()| None),
        };
        self.hold(number, &frame)?;
        Ok(Some(Current { length, frame }))
    }

    /// Holds a line to what came before it.
    #[inline]
    fn hold(&self, number: u64, frame: &Frame) -> Result<(), Unreadable> {
        if frame.seq == self.lines && frame.t >= self.t && self.lines > 0 && !self.is_finished {
            return Ok(());
        }
        self.hold_with_words(number, frame)
    }

    #[cold]
    fn hold_with_words(&self, number: u64, frame: &Frame) -> Result<(), Unreadable> {
        let event = self.name_in(frame);
        let damaged = |what: String| Err(Unreadable::damaged(number, what));
        if self.is_finished {
            return damaged(format!(
                "comes behind the end of the run (`run.finished` is line {})",
                self.lines
            ));
        }
        if self.lines == 0 {
            return self.hold_first(frame, event);
        }
        if frame.seq != self.lines {
            let what = format!("has seq {} where {} follows", frame.seq, self.lines);
            let help = "a line was removed, doubled or moved, or two logs were put together";
            return Err(Unreadable::damaged(number, what).with_help(help));
        }
        damaged(format!("has t {}, before the {} of the line above", frame.t, self.t))
    }

    fn hold_first(&self, frame: &Frame, event: &[u8]) -> Result<(), Unreadable> {
        if event == b"run.started" && frame.seq == 0 {
            return match frame.format {
                Some(format) if format > u64::from(FORMAT) => Err(Unreadable::Newer { format }),
                Some(format) if format == u64::from(FORMAT) => Ok(()),
                _ => Err(Unreadable::damaged(1, "does not say its format")),
            };
        }
        let what = format!("is seq {} of a log; its beginning (`run.started`) is missing", frame.seq);
        Err(Unreadable::damaged(1, what))
    }

    /// The length of the next line; `None` if it has no newline before the end or within what a line
    /// may have, or is none and too long to be looked at as a whole.
    fn find_newline(&mut self) -> Result<Option<usize>, Unreadable> {
        let mut looked_at = 0;
        loop {
            let rest = &self.buffer[self.start..self.filled];
            if let Some(at) = memchr::memchr(b'\n', &rest[looked_at..]) {
                let length = looked_at + at;
                return Ok((length <= self.longest).then_some(length));
            }
            looked_at = rest.len();
            let is_none = rest.len() >= PIECE && !rest.starts_with(START);
            if self.is_at_end || is_none || rest.len() > self.longest {
                return Ok(None);
            }
            self.refill()?;
        }
    }

    /// Reads on, behind what is not behind us yet.
    fn refill(&mut self) -> Result<(), Unreadable> {
        if self.start > 0 {
            self.crc = self.sum();
            self.buffer.copy_within(self.start..self.filled, 0);
            self.filled -= self.start;
            self.start = 0;
            self.summed = 0;
        }
        if self.is_at_end {
            // A terminal would be asked again.
            return Ok(());
        }
        if self.filled == self.buffer.len() {
            self.buffer.resize(self.filled * 2, 0);
        }
        loop {
            match self.source.read(&mut self.buffer[self.filled..]) {
                Ok(0) => self.is_at_end = true,
                Ok(read) => self.filled += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(Unreadable::Refused(error.to_string())),
            }
            return Ok(());
        }
    }

    /// Compares the sum in the last line, of this length, with that of all before it.
    fn check_sum(&mut self, length: usize) {
        let bytes = &self.buffer[self.start..self.start + length];
        let line = self.lines;
        let sum = self.sum();
        let what = match crate::reader::envelope::sum_of(bytes) {
            Some(written) if written == sum => return,
            Some(written) => format!(
                "says that the crc32c of all bytes before it is {written:08x}, but it is {sum:08x}: \
                 the log was changed after it was written"
            ),
            None => "is the last, and does not end in its `crc32c`".to_owned(),
        };
        self.end = Some(Err(Unreadable::damaged(line, what)));
    }

    /// The log ends before what comes next: the first `line` bytes are a line that is none of a log,
    /// or all of it has no newline.
    fn ends_here(&mut self, line: Option<usize>) -> Result<(), Unreadable> {
        let number = self.lines + 1;
        let is_finished = self.is_finished;
        if self.filled == self.start && is_finished {
            return Ok(());
        }
        if self.lines == 0 {
            // However little a pipe gives at once, it is judged by as much.
            while self.filled - self.start < tail::LOOKED_AT && !self.is_at_end {
                self.refill()?;
            }
            if let Some(unreadable) = tail::no_log(&self.buffer[self.start..self.filled], line) {
                return Err(unreadable);
            }
        }
        let (whole, bytes) = (self.lines, self.offset);
        let mut tail = Tail::default();
        while self.filled > self.start {
            if !tail.take(&self.buffer[self.start..self.filled]) {
                let what = "is not readable, and lines that are come behind it";
                return Err(Unreadable::damaged(number, what));
            }
            self.start = self.filled;
            self.refill()?;
        }
        self.end = Some(Ok(Some(Cut { line: whole, bytes, tail: tail.words(is_finished) })));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
