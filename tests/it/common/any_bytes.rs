//! Properties of any bytes that are read as a log. The tests and the fuzz target (`fuzz/`) share
//! it.
#![allow(dead_code, clippy::allow_attributes, reason = "each of them uses another part of this")]

use scenario::replay;
use scenario::replay::outcome::ReplayFinding;
use scenario_log::decode::LogRecord;
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

/// Replays bytes as a log. Nothing is found to be the same that cannot be read to its end.
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

/// How the reading of a log went.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Lines that were read.
    pub(crate) lines: u64,
    /// How many bytes these have.
    pub(crate) bytes: u64,
    /// The fault of the log, and the place where it was cut short.
    pub(crate) end: Result<Option<TruncatedEnd>, LogReadError>,
}

/// Reads bytes as a log, from a source that gives at most `at_once` bytes, and each line as an event.
/// Whatever the bytes are, this comes to its end, and what was read are the bytes that are there.
pub(crate) fn read(bytes: &[u8], at_once: usize) -> Outcome {
    let mut reader = LogReader::new(Dripping { bytes, at_once });
    let mut behind = 0;
    let end = loop {
        let line = match reader.peek() {
            Ok(Some(line)) => line,
            Ok(None) => break Ok(reader.truncated_end().cloned()),
            Err(unreadable) => break Err(unreadable),
        };
        assert_eq!(line.seq + 1, line.number);
        let end = behind + line.bytes.len();
        assert_eq!(line.bytes, &bytes[behind..end], "every byte as it is");
        assert_eq!(bytes[end], b'\n');
        behind = end + 1;
        let number = line.number;
        if let Err(fault) = tell(line.bytes) {
            break Err(LogReadError::damaged(number, fault));
        }
        reader.advance();
        assert_eq!((reader.lines(), reader.offset()), (number, behind as u64));
    };
    if let Ok(Some(cut)) = &end {
        assert_eq!((cut.last_line, cut.whole_bytes), (reader.lines(), reader.offset()));
    }
    Outcome { lines: reader.lines(), bytes: reader.offset(), end }
}

/// Reads a line as an event. An event is written in one way only: what was written from it, read
/// again and written again is the same.
fn tell(line: &[u8]) -> Result<(), String> {
    let record = LogRecord::decode(line)?;
    let Some(event) = record.event()? else { return Ok(()) };
    for once in written(&event).split_inclusive(|byte| *byte == b'\n') {
        let line = once.strip_suffix(b"\n").expect("each line has its end");
        let record = LogRecord::decode(line).expect("what we write reads");
        let event = record.event().expect("what we write is an event").expect("and a known one");
        // Of several lines each is written as the first of all.
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
        // The writer puts the checksum there.
        written.extend_from_slice(b"}\n");
    }
    written
}

/// A line without its `seq`.
fn own(line: &[u8]) -> &[u8] {
    let at = line.iter().position(|byte| *byte == b',').expect("it has more than one key");
    &line[at..]
}

/// A source that gives a few bytes at once.
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
