//! The properties that must hold for any bytes that are read as a log. The tests and the fuzz target
//! (`fuzz/`) share this file.
#![allow(dead_code, clippy::allow_attributes, reason = "the tests and the fuzz target use different parts")]

use scenario::replay;
use scenario::replay::outcome::ReplayFinding;
use scenario_log::decode::{DecodeError, LogRecord};
use scenario_log::encode::EventEncoder;
use scenario_log::event::Event;
use scenario_log::reader::{LogReadError, LogReader, TruncatedEnd};
use scenario_log::time::Moment;

/// Reads bytes as a log in pieces of different sizes, and replays them.
pub(crate) fn check(bytes: &[u8]) {
    let whole = read(bytes, usize::MAX);
    assert_eq!(read(bytes, 11), whole);
    replay(bytes, &whole);
}

/// Replays bytes as a log. Only a log that can be read to its end is found to be the same.
fn replay(bytes: &[u8], outcome: &Outcome) {
    let found = replay::replay(bytes, None).finding;
    let again = replay::replay(Dripping { bytes, at_once: 11 }, None).finding;
    assert_eq!(format!("{found:?}"), format!("{again:?}"));
    match found {
        ReplayFinding::Same => assert_eq!(outcome.end, Ok(None)),
        ReplayFinding::CutShort(cut) => assert_eq!(outcome.end, Ok(Some(cut))),
        ReplayFinding::Different(difference) => {
            let line = bytes.split(|byte| *byte == b'\n').nth(difference.logged.line as usize - 1);
            assert_eq!(String::from_utf8_lossy(line.expect("it is there")), difference.logged.text);
        }
        ReplayFinding::Unreadable(_) => {}
    }
}

/// The result of reading a log.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The number of lines that were read.
    pub(crate) lines: u64,
    /// The length of these lines in bytes.
    pub(crate) bytes: u64,
    /// The error of the log, or the place where it was cut short.
    pub(crate) end: Result<Option<TruncatedEnd>, LogReadError>,
}

/// Reads bytes as a log, and each line as an event, from a source that gives at most `at_once` bytes at
/// once. For any bytes the reading ends, and the lines are the bytes of the source.
pub(crate) fn read(bytes: &[u8], at_once: usize) -> Outcome {
    let mut reader = LogReader::new(Dripping { bytes, at_once });
    let mut passed = 0;
    let end = loop {
        let line = match reader.peek() {
            Ok(Some(line)) => line,
            Ok(None) => break Ok(reader.truncated_end().cloned()),
            Err(unreadable) => break Err(unreadable),
        };
        assert_eq!(line.seq + 1, line.number);
        let end = passed + line.bytes.len();
        assert_eq!(line.bytes, &bytes[passed..end], "every byte is unchanged");
        assert_eq!(bytes[end], b'\n');
        passed = end + 1;
        let number = line.number;
        if let Err(fault) = round_trip(line.bytes) {
            break Err(LogReadError::damaged(number, fault));
        }
        reader.advance();
        assert_eq!((reader.lines(), reader.offset()), (number, passed as u64));
    };
    if let Ok(Some(cut)) = &end {
        assert_eq!((cut.last_line, cut.whole_bytes), (reader.lines(), reader.offset()));
    }
    Outcome { lines: reader.lines(), bytes: reader.offset(), end }
}

/// Decodes a line. An event has only one encoding: encoding it, decoding that and encoding it again gives
/// the same bytes.
fn round_trip(line: &[u8]) -> Result<(), DecodeError> {
    let record = LogRecord::decode(line)?;
    let Some(event) = record.event()? else { return Ok(()) };
    for once in written(&event).split_inclusive(|byte| *byte == b'\n') {
        let line = once.strip_suffix(b"\n").expect("each line has its end");
        let record = LogRecord::decode(line).expect("what we write reads");
        let event = record.event().expect("what we write is an event").expect("and a known one");
        // A line from a chunk of several is encoded as the first line.
        let again = written(&event);
        assert_eq!(own(&again), own(once), "{}", String::from_utf8_lossy(once));
    }
    Ok(())
}

fn written(event: &Event<'_>) -> Vec<u8> {
    let mut encoder = EventEncoder::default();
    encoder.encode(Moment::ZERO, event);
    let mut written = encoder.swap_buffer(Vec::new());
    if matches!(event, Event::RunFinished(_)) {
        // The log's writer adds the checksum here.
        written.extend_from_slice(b"}\n");
    }
    written
}

/// A line without its `seq`.
fn own(line: &[u8]) -> &[u8] {
    let at = line.iter().position(|byte| *byte == b',').expect("it has more than one key");
    &line[at..]
}

/// A source that gives at most `at_once` bytes at once.
struct Dripping<'a> {
    bytes: &'a [u8],
    at_once: usize,
}

impl std::io::Read for Dripping<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.at_once.min(buffer.len()).min(self.bytes.len());
        let (now, later) = self.bytes.split_at(count);
        buffer[..count].copy_from_slice(now);
        self.bytes = later;
        Ok(count)
    }
}
