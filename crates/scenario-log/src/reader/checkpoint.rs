//! Places in a log: a checkpoint, from which a later reader continues; whether a reader has its next line
//! without reading on, for a log that comes through a pipe; the last moment of a log that is a file.
//! Writes nothing.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;

use crate::reader::envelope::Envelope;
use crate::reader::{LogReader, MAX_LINE_LEN, READ_SIZE};
use crate::time::Moment;

/// A reader's place between two lines, with everything that the checks need of the lines before.
#[derive(Clone, Copy, Debug)]
pub struct LogCheckpoint {
    offset: u64,
    crc: u32,
    lines: u64,
    t: Moment,
    is_finished: bool,
}

impl LogCheckpoint {
    /// Before the first line.
    pub const START: LogCheckpoint =
        LogCheckpoint { offset: 0, crc: 0, lines: 0, t: Moment::ZERO, is_finished: false };

    /// The number of bytes before the checkpoint.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The moment of the line before the checkpoint.
    #[must_use]
    pub fn t(&self) -> Moment {
        self.t
    }
}

impl<R: Read> LogReader<R> {
    /// A reader that continues at a checkpoint. The source has to be at the checkpoint's offset.
    #[must_use]
    pub fn from_checkpoint(place: LogCheckpoint, source: R) -> LogReader<R> {
        let LogCheckpoint { offset, crc, lines, t, is_finished } = place;
        LogReader { offset, crc, lines, t, is_finished, ..LogReader::new(source) }
    }

    /// The reader's place, after the last line that was passed.
    #[must_use]
    pub fn checkpoint(&self) -> LogCheckpoint {
        let LogReader { offset, lines, t, is_finished, .. } = *self;
        LogCheckpoint { offset, crc: self.checksum(), lines, t, is_finished }
    }

    /// The moment of the last line that was passed.
    #[must_use]
    pub fn t(&self) -> Moment {
        self.t
    }

    /// Whether [`LogReader::peek`] has its result without reading.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let rest = &self.buffer[self.start..self.filled];
        let is_known = self.peeked.is_some() || self.end.is_some() || self.is_at_end;
        is_known || rest.len() > MAX_LINE_LEN || memchr::memchr(b'\n', rest).is_some()
    }

    /// Reads once. It waits only if the source has nothing to read. An error is returned by the next
    /// [`LogReader::peek`].
    pub fn read_more(&mut self) {
        if let Err(unreadable) = self.refill() {
            self.end = Some(Err(unreadable));
        }
    }
}

/// The moment of the last whole line of a log that is a file; `None` if it cannot be found.
/// Reads only the file's end, and does not move its position.
#[must_use]
pub fn last_moment(file: &File) -> Option<Moment> {
    let length = file.metadata().ok()?.len();
    let from = length.saturating_sub(READ_SIZE as u64);
    let mut bytes = vec![0; usize::try_from(length - from).ok()?];
    file.read_exact_at(&mut bytes, from).ok()?;
    let mut lines = bytes.split(|byte| *byte == b'\n');
    // The bytes after the last newline are not a whole line.
    lines.next_back();
    lines.rev().find_map(|line| Envelope::parse(line).ok()).map(|frame| frame.t)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "{\"seq\":0,\"t\":0.000000000,\"event\":\"run.started\",\"format\":1}\n\
        {\"seq\":1,\"t\":0.500000000,\"event\":\"a\"}\n{\"seq\":2,\"t\":1.000000000,\"event\":\"b\"}\n";

    #[test]
    fn a_reader_goes_on_where_another_stood() {
        let mut reader = LogReader::new(LOG.as_bytes());
        let mut places = Vec::new();
        while reader.peek().unwrap().is_some() {
            places.push(reader.checkpoint());
            reader.advance();
        }
        let sum = reader.checksum();
        for (number, place) in places.into_iter().enumerate() {
            let rest = &LOG.as_bytes()[usize::try_from(place.offset()).unwrap()..];
            let mut reader = LogReader::from_checkpoint(place, rest);
            assert_eq!(reader.peek().unwrap().unwrap().seq, number as u64);
            while reader.peek().unwrap().is_some() {
                reader.advance();
            }
            assert_eq!(
                (reader.checksum(), reader.t(), reader.truncated_end().unwrap().last_line),
                (sum, Moment(1_000_000_000), 3)
            );
        }
    }

    #[test]
    fn a_line_is_ready_once_it_is_whole() {
        let mut reader = LogReader::new(LOG.as_bytes().chain(&b"{\"seq\""[..]));
        assert!(!reader.is_ready());
        reader.read_more();
        for _ in 0..3 {
            assert!(reader.is_ready());
            reader.peek().unwrap();
            reader.advance();
        }
        assert!(!reader.is_ready());
        reader.read_more();
        assert!(!reader.is_ready(), "torn so far");
        reader.read_more();
        assert!(reader.is_ready() && reader.peek().unwrap().is_none(), "it is the end");
    }
}
