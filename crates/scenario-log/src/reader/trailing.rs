//! Describes the bytes after the whole lines of a log (a torn line, zeros, garbage), and bytes that are
//! not a log at all. Reads nothing itself.

use crate::reader::{LINE_START, LogReadError};

/// The number of bytes that are looked at to explain why they are not a log.
pub(super) const MAX_INSPECTED: usize = 1 << 16;

/// The bytes after the whole lines, as far as they were read.
#[derive(Debug, Default)]
pub(super) struct TrailingBytes {
    bytes: u64,
    zeros: u64,
    /// The bytes begin like a line of a log.
    is_line: bool,
    /// The last bytes, in which a line may have begun.
    last: Vec<u8>,
}

impl TrailingBytes {
    /// Takes the next bytes. `false` if a line of a log begins in them: then the log goes on.
    pub(super) fn consume(&mut self, bytes: &[u8]) -> bool {
        if self.bytes == 0 {
            self.is_line = bytes.starts_with(LINE_START) || LINE_START.starts_with(bytes);
        }
        self.bytes += bytes.len() as u64;
        self.zeros += memchr::memchr_iter(0, bytes).count() as u64;
        let line = [b"\n", LINE_START].concat();
        let mut seam = std::mem::take(&mut self.last);
        seam.extend_from_slice(&bytes[..bytes.len().min(line.len())]);
        let has_line = |bytes: &[u8]| memchr::memmem::find(bytes, &line).is_some();
        if has_line(&seam) || has_line(bytes) {
            return false;
        }
        // A piece may be shorter than the beginning of a line.
        let end = if bytes.len() < line.len() { &seam[..] } else { bytes };
        self.last = end[end.len().saturating_sub(line.len())..].to_vec();
        true
    }

    /// A description for people; `None` if there are no bytes.
    pub(super) fn describe(&self, is_finished: bool) -> Option<String> {
        if self.bytes == 0 {
            return None;
        }
        let bytes = if self.bytes == 1 { "1 byte".to_owned() } else { format!("{} bytes", self.bytes) };
        Some(if self.zeros == self.bytes {
            format!("{bytes} of zeros")
        } else if self.is_line && !is_finished {
            format!("a torn line of {bytes}")
        } else {
            format!("{bytes} of something else")
        })
    }
}

/// Explains why bytes without a line of a log are not a log; `None` if a log could begin like this. `line`
/// is the length of the first line, if that has an end.
pub(super) fn explain_not_a_log(bytes: &[u8], line: Option<usize>) -> Option<LogReadError> {
    const FIRST: &[u8] = b"{\"seq\":0,\"t\":0.000000000,\"event\":\"run.started\"";
    let known = bytes.len().min(FIRST.len());
    if line.is_none() && bytes[..known] == FIRST[..known] {
        return None;
    }
    let fault = |what: &str| LogReadError::damaged(1, what);
    let first = &bytes[..line.unwrap_or(bytes.len())];
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_INSPECTED)]);
    Some(match bytes {
        [0x1f, 0x8b, ..] => fault("is compressed (gzip)").with_help("`gunzip -c LOG | scenario replay -`"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            fault("is compressed (zstd)").with_help("`zstdcat LOG | scenario replay -`")
        }
        [0xef, 0xbb, 0xbf, ..] => {
            fault("begins with a byte order mark, which a tool has put there; a log has none")
        }
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => fault("is UTF-16; a log is UTF-8"),
        _ if first.is_empty() => fault("is empty; a log begins with `run.started`"),
        _ if first.iter().take(MAX_INSPECTED).all(|byte| *byte == 0) => {
            fault("is made of zeros; a log begins with `run.started`")
        }
        _ if looks_like_scenario(&text) => fault("is not a line of a log; this looks like a scenario file")
            .with_help("`scenario run FILE` runs it and writes a log"),
        _ => fault("is not a line of a log; a log begins with `{\"seq\":0,`"),
    })
}

fn looks_like_scenario(text: &str) -> bool {
    let marks = ["[[timeline]]", "[presets.", "[fetches."];
    text.lines().any(|line| marks.iter().any(|mark| line.trim_start().starts_with(mark)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The description of these pieces; `None` if a line begins in them.
    fn taken<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Option<Option<String>> {
        let mut tail = TrailingBytes::default();
        pieces.into_iter().all(|piece| tail.consume(piece)).then(|| tail.describe(false))
    }

    #[test]
    fn a_line_is_found_over_any_seam() {
        let bytes = b"xx\0\n{\"seq\":12,";
        for size in 1..=bytes.len() {
            assert_eq!(taken(bytes.chunks(size)), None, "{size}");
            let none = b"xx\0{\"seq\":\n{\"sex\":\n{\"seq:";
            assert!(taken(none.chunks(size)).is_some(), "{size}");
        }
        for at in 0..bytes.len() {
            assert_eq!(taken([&bytes[..at], &bytes[at..]]), None, "{at}");
        }
    }

    #[test]
    fn a_tail_is_told_by_what_it_is() {
        let words = |bytes: &'static [u8]| taken([bytes]).unwrap();
        assert_eq!(words(b""), None);
        assert_eq!(words(b"\0\0").unwrap(), "2 bytes of zeros");
        assert_eq!(words(b"\0x").unwrap(), "2 bytes of something else");
        assert_eq!(words(b"{\"seq\":1").unwrap(), "a torn line of 8 bytes");
        // Only the first bytes of a line.
        assert_eq!(words(b"{\"s").unwrap(), "a torn line of 3 bytes");
    }
}
