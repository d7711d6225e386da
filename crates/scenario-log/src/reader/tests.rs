//! The reader: the limit of a line, the size of the buffer, the checksum.

use super::*;

const FIRST: &str = "{\"seq\":0,\"t\":0.000000000,\"event\":\"run.started\",\"format\":1}\n";

/// A log whose second line has this length.
fn log(length: usize) -> Vec<u8> {
    let line = "{\"seq\":1,\"t\":0.000000000,\"event\":\"later\",\"text\":\"\"}";
    let text = "x".repeat(length - line.len());
    format!("{FIRST}{}\n", line.replace("\"\"}", &format!("\"{text}\"}}"))).into_bytes()
}

/// Reads a log to its end. Returns the number of its lines, and how it ended.
fn read<R: Read>(mut reader: LogReader<R>) -> (u64, Result<(), LogReadError>) {
    loop {
        match reader.peek() {
            Ok(Some(_)) => reader.advance(),
            Ok(None) => return (reader.lines(), Ok(())),
            Err(unreadable) => return (reader.lines(), Err(unreadable)),
        }
    }
}

#[test]
fn a_line_is_as_long_as_the_limit_at_most() {
    for piece in [1, 7, 64, 1 << 10] {
        assert_eq!(read(LogReader::with_limits(&log(200)[..], piece, 200)), (2, Ok(())), "{piece}");
        let long = log(201);
        let fault = LogReadError::damaged(2, "is longer than 200 bytes; no line of a log is that long");
        assert_eq!(read(LogReader::with_limits(&long[..], piece, 200)), (1, Err(fault.clone())), "{piece}");
        let endless = long[..long.len() - 5].chain(std::io::repeat(b'x'));
        assert_eq!(read(LogReader::with_limits(endless, piece, 200)), (1, Err(fault)), "{piece}");
    }
}

#[test]
fn the_buffer_grows_for_a_line_and_no_further() {
    let bytes = log(200);
    let mut reader = LogReader::with_limits(&bytes[..], 16, 1 << 20);
    while reader.peek().unwrap().is_some() {
        reader.advance();
    }
    assert!(reader.buffer.len() <= 512, "{}", reader.buffer.len());
}

#[test]
fn any_size_of_pieces_gives_the_same_sum() {
    let bytes = log(300);
    for piece in 1..=bytes.len() {
        let mut reader = LogReader::with_limits(&bytes[..], piece, 1 << 10);
        reader.peek().unwrap();
        reader.advance();
        assert_eq!(reader.checksum(), crc32c::crc32c(FIRST.as_bytes()), "{piece}");
        reader.peek().unwrap();
        reader.advance();
        assert_eq!(
            (reader.checksum(), reader.offset()),
            (crc32c::crc32c(&bytes), bytes.len() as u64),
            "{piece}"
        );
    }
}
