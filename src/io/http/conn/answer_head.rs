//! Reads the head of an HTTP/1 answer as leniently as curl does, and writes it as hyper takes it. Knows
//! neither connections nor bodies.
//!
//! Taken are names with blanks around them or with odd characters (the header is then left out), folded
//! lines, control characters in values, a length with a sign or a word after it, and a status line in small
//! letters or with several blanks. Refused are lines without a colon, zero bytes, and lengths that are none;
//! the error names the line.

use std::fmt;

/// The longest head. hyper refuses longer ones.
pub(super) const MAX_HEAD_LEN: usize = 408 << 10;

/// The longest line that an error shows.
const MAX_SHOWN_LINE: usize = 1000;

/// The result of reading a head.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum HeadRead {
    /// More bytes are needed.
    Partial,
    Complete(AnswerHead),
    /// hyper must say what is wrong, but for the words of the error, if there is one.
    Refused(Option<HeadError>),
}

/// A head that hyper takes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AnswerHead {
    /// The number of bytes that were read.
    pub(crate) len: usize,
    /// The head for hyper, if it differs from these bytes.
    pub(crate) rewritten: Option<Vec<u8>>,
    /// Another head follows (1xx).
    pub(crate) is_interim: bool,
}

/// A line of a head that cannot be taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct HeadError {
    /// Counted from 1.
    line_number: usize,
    line: Vec<u8>,
    reason: &'static str,
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let HeadError { line_number, line, reason } = self;
        write!(f, "line {line_number} of its head {reason}")?;
        match line.len() {
            0..=MAX_SHOWN_LINE => write!(f, ": \"{}\"", String::from_utf8_lossy(line)),
            long => write!(f, ", and is {long} bytes long"),
        }
    }
}

impl std::error::Error for HeadError {}

/// The end of the body, as the lines of a head tell it.
#[derive(Default)]
struct Framing {
    length: Option<u64>,
    has_transfer_encoding: bool,
    /// A header was left out or changed.
    is_changed: bool,
}

/// Reads the head that `bytes` begin with.
pub(crate) fn read_head(bytes: &[u8]) -> HeadRead {
    // Servers may send empty lines before an answer (RFC 9112, section 2.2).
    let start = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(bytes.len());
    let scheme = b"http/";
    let begun = &bytes[start..bytes.len().min(start + scheme.len())];
    if !scheme[..begun.len()].eq_ignore_ascii_case(begun) || bytes.len() > MAX_HEAD_LEN {
        return HeadRead::Refused(None);
    }
    let mut lines = Vec::new();
    let mut at = start;
    let len = loop {
        let Some(end) = memchr::memchr(b'\n', &bytes[at..]).map(|newline| at + newline) else {
            return HeadRead::Partial;
        };
        let line = bytes[at..end].strip_suffix(b"\r").unwrap_or(&bytes[at..end]);
        at = end + 1;
        if line.is_empty() {
            break at;
        }
        lines.push(line);
    };
    match rewrite_lines(&lines) {
        Ok((rewritten, is_interim)) => HeadRead::Complete(AnswerHead { len, rewritten, is_interim }),
        Err(error) => HeadRead::Refused(Some(error)),
    }
}

/// The head of these lines for hyper, if it differs, and whether another head follows.
fn rewrite_lines(lines: &[&[u8]]) -> Result<(Option<Vec<u8>>, bool), HeadError> {
    let error =
        |index: usize, reason| HeadError { line_number: index + 1, line: lines[index].to_vec(), reason };
    let status = parse_status_line(lines[0]).ok_or_else(|| error(0, "is no status line of HTTP/1"))?;
    let mut framing = Framing { is_changed: status.is_odd, ..Framing::default() };
    let mut headers: Vec<(usize, &[u8], Vec<u8>)> = Vec::with_capacity(lines.len());
    for (index, line) in lines.iter().enumerate().skip(1) {
        if line.contains(&0) {
            return Err(error(index, "has a zero byte"));
        }
        if matches!(line[0], b' ' | b'\t')
            && let Some((_, _, value)) = headers.last_mut()
        {
            framing.is_changed = true;
            value.push(b' ');
            value.extend_from_slice(line.trim_ascii());
            continue;
        }
        let colon = memchr::memchr(b':', line).ok_or_else(|| error(index, "is no header"))?;
        let name = line[..colon].trim_ascii();
        framing.is_changed |= name.len() != colon;
        headers.push((index, name, line[colon + 1..].trim_ascii().to_vec()));
    }
    for (index, name, value) in &mut headers {
        framing.read_header(name, value).map_err(|reason| error(*index, reason))?;
    }
    // HTTP/1.0 has no chunks, but servers send them (curl takes them, too).
    let is_old_chunked = status.minor == 0 && framing.has_transfer_encoding;
    // Transfer-Encoding wins (RFC 9112, section 6.3); the connection is not used again.
    let drops_length = framing.has_transfer_encoding && framing.length.is_some();
    if !framing.is_changed && !drops_length && !is_old_chunked {
        return Ok((None, status.is_interim()));
    }
    let minor = if is_old_chunked { 1 } else { status.minor };
    let mut head = format!("HTTP/1.{minor} {:03} \r\n", status.code).into_bytes();
    for (_, name, value) in headers.iter().filter(|(_, name, value)| is_taken(name, value)) {
        if drops_length && name.eq_ignore_ascii_case(b"content-length") {
            continue;
        }
        for part in [name, b": ".as_slice(), value, b"\r\n".as_slice()] {
            head.extend_from_slice(part);
        }
    }
    if drops_length || is_old_chunked {
        head.extend_from_slice(b"Connection: close\r\n");
    }
    head.extend_from_slice(b"\r\n");
    Ok((Some(head), status.is_interim()))
}

/// Whether hyper takes the header. A length that was emptied is to be left out.
fn is_taken(name: &[u8], value: &[u8]) -> bool {
    let is_name = hyper::header::HeaderName::from_bytes(name).is_ok();
    let is_gone = value.is_empty()
        && [b"content-length".as_slice(), b"transfer-encoding"]
            .iter()
            .any(|framing| name.eq_ignore_ascii_case(framing));
    is_name && !is_gone
}

impl Framing {
    /// Reads a header, and makes its value one that hyper takes.
    fn read_header(&mut self, name: &[u8], value: &mut Vec<u8>) -> Result<(), &'static str> {
        self.is_changed |= hyper::header::HeaderName::from_bytes(name).is_err();
        if name.eq_ignore_ascii_case(b"content-length") {
            return self.read_length(value);
        }
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if value.eq_ignore_ascii_case(b"identity") {
                self.is_changed = true;
                value.clear();
            } else {
                self.has_transfer_encoding = true;
            }
            return Ok(());
        }
        for byte in value.iter_mut().filter(|byte| byte.is_ascii_control() && **byte != b'\t') {
            self.is_changed = true;
            *byte = b'?';
        }
        Ok(())
    }

    /// Reads the digits of a length as curl does: a sign may stand before them, and anything after. A list
    /// has the same length several times. A length that is too large counts as none.
    fn read_length(&mut self, value: &mut Vec<u8>) -> Result<(), &'static str> {
        for part in value.split(|byte| *byte == b',') {
            let part = part.trim_ascii();
            let digits = part.strip_prefix(b"+").unwrap_or(part);
            let end = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
            if end == 0 {
                return Err("has no length");
            }
            let length = std::str::from_utf8(&digits[..end]).ok().and_then(|digits| digits.parse().ok());
            if self.length.is_some() && length != self.length {
                return Err("gives another content-length than the line before");
            }
            self.length = length;
        }
        let wanted = self.length.map(|length: u64| length.to_string()).unwrap_or_default();
        if *value != wanted.as_bytes() {
            self.is_changed = true;
            *value = wanted.into_bytes();
        }
        Ok(())
    }
}

/// The first line of an answer.
struct StatusLine {
    minor: u8,
    code: u16,
    /// hyper does not take it as it is.
    is_odd: bool,
}

impl StatusLine {
    /// Whether another head follows. A 101 is the last one.
    fn is_interim(&self) -> bool {
        matches!(self.code, 100 | 102..=199)
    }
}

/// `None` for anything but HTTP/1.0, HTTP/1.1 and HTTP/2, which counts as HTTP/1.1, with a status of three
/// digits.
fn parse_status_line(line: &[u8]) -> Option<StatusLine> {
    let blank = line.iter().position(|byte| matches!(byte, b' ' | b'\t'))?;
    let (version, rest) = line.split_at(blank);
    let minor = match version.to_ascii_lowercase().as_slice() {
        b"http/1.0" => 0,
        b"http/1.1" | b"http/2" | b"http/2.0" => 1,
        _ => return None,
    };
    let rest = rest.trim_ascii_start();
    let (code, reason) = rest.split_at_checked(3)?;
    let is_code = code.iter().all(u8::is_ascii_digit) && code[0] != b'0';
    if !is_code || reason.first().is_some_and(|byte| !matches!(byte, b' ' | b'\t')) {
        return None;
    }
    let code = std::str::from_utf8(code).ok()?.parse().ok()?;
    let is_plain = line.starts_with(b"HTTP/1.")
        && line.get(8) == Some(&b' ')
        && line.get(9) == rest.first()
        && !reason.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t');
    Some(StatusLine { minor, code, is_odd: !is_plain })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The head for hyper.
    fn taken(head: &str) -> String {
        let bytes = format!("{head}\r\n\r\nbody");
        match read_head(bytes.as_bytes()) {
            HeadRead::Complete(AnswerHead { len, rewritten, .. }) => {
                assert_eq!(&bytes[len..], "body", "{head:?}");
                let rewritten = rewritten.unwrap_or_else(|| bytes.as_bytes()[..len].to_vec());
                String::from_utf8(rewritten).unwrap().trim_end().to_owned()
            }
            other => panic!("{head:?}: {other:?}"),
        }
    }

    #[test]
    fn odd_heads_are_written_as_usual_ones() {
        for (odd, usual) in [
            ("HTTP/1.1 200 OK\r\nA: b", "HTTP/1.1 200 OK\r\nA: b"),
            ("HTTP/1.1 200 OK\r\nA : b", "HTTP/1.1 200 \r\nA: b"),
            ("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\td", "HTTP/1.1 200 \r\nA: b c d"),
            ("HTTP/1.1 200 OK\r\n: b\r\nA B: c\r\nÄ: d\r\nE: f", "HTTP/1.1 200 \r\nE: f"),
            ("HTTP/1.1 200 OK\r\nA: b\x01c\rd", "HTTP/1.1 200 \r\nA: b?c?d"),
            ("http/1.0  404 No\x02", "HTTP/1.0 404"),
            ("HTTP/2 200", "HTTP/1.1 200"),
            ("HTTP/1.1 200\r\nContent-Length: +2 bytes", "HTTP/1.1 200 \r\nContent-Length: 2"),
            ("HTTP/1.1 200\r\nContent-Length: 2, 2", "HTTP/1.1 200 \r\nContent-Length: 2"),
            ("HTTP/1.1 200\r\nContent-Length: 99999999999999999999", "HTTP/1.1 200"),
            (
                "HTTP/1.1 200\r\nTransfer-Encoding: identity\r\nContent-Length: 2",
                "HTTP/1.1 200 \r\nContent-Length: 2",
            ),
            (
                "HTTP/1.1 200\r\nContent-Length: 2\r\nTransfer-Encoding: chunked",
                "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\nConnection: close",
            ),
            (
                "HTTP/1.0 200\r\nTransfer-Encoding: chunked",
                "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\nConnection: close",
            ),
        ] {
            assert_eq!(taken(odd), usual, "{odd:?}");
        }
    }

    #[test]
    fn a_refused_line_is_named() {
        for (head, error) in [
            ("HTTP/1.1 200 OK\r\nA: b\r\nstray", "line 3 of its head is no header: \"stray\""),
            ("HTTP/1.1 200 OK\r\n folded", "line 2 of its head is no header: \" folded\""),
            ("HTTP/1.1 20 OK", "line 1 of its head is no status line of HTTP/1: \"HTTP/1.1 20 OK\""),
            ("HTTP/1.3 200 OK", "line 1 of its head is no status line of HTTP/1: \"HTTP/1.3 200 OK\""),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: x",
                "line 2 of its head has no length: \"Content-Length: x\"",
            ),
        ] {
            match read_head(format!("{head}\r\n\r\n").as_bytes()) {
                HeadRead::Refused(Some(found)) => assert_eq!(found.to_string(), error),
                other => panic!("{head:?}: {other:?}"),
            }
        }
        let long = format!("HTTP/1.1 200 OK\r\n{}\r\n\r\n", "x".repeat(5000));
        let HeadRead::Refused(Some(error)) = read_head(long.as_bytes()) else {
            panic!("a line without a colon")
        };
        assert_eq!(error.to_string(), "line 2 of its head is no header, and is 5000 bytes long");
        assert_eq!(read_head(b"220 mail"), HeadRead::Refused(None));
    }

    #[test]
    fn a_head_is_read_whole() {
        let head = b"\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\n";
        for end in 0..head.len() {
            assert_eq!(read_head(&head[..end]), HeadRead::Partial, "{end}");
        }
        let whole = AnswerHead { len: head.len(), rewritten: None, is_interim: true };
        assert_eq!(read_head(head), HeadRead::Complete(whole));
    }
}
