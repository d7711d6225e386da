//! Looks for the line that ends an answer. Holds one unfinished line at most.

use regex::bytes::Regex;

/// A longer line is looked at in pieces.
const MAX_LINE_LEN: usize = 1 << 20;

/// Looks for a line in a body that arrives in pieces.
pub(crate) struct LineSearch<'a> {
    regex: &'a Regex,
    /// The line that has not ended.
    tail: Vec<u8>,
}

impl<'a> LineSearch<'a> {
    pub(crate) fn new(regex: &'a Regex) -> LineSearch<'a> {
        LineSearch { regex, tail: Vec::new() }
    }

    /// Takes a piece. Returns the number of its bytes up to the end of the first line that matches.
    pub(crate) fn push(&mut self, data: &[u8]) -> Option<usize> {
        let mut end = 0;
        for piece in data.split_inclusive(|byte| *byte == b'\n') {
            end += piece.len();
            self.tail.extend_from_slice(piece);
            if piece.ends_with(b"\n") || self.tail.len() >= MAX_LINE_LEN {
                if self.matches() {
                    return Some(end);
                }
                self.tail.clear();
            }
        }
        None
    }

    /// Whether the last line, which has no newline, matches.
    pub(crate) fn matches(&self) -> bool {
        let line = self.tail.strip_suffix(b"\n").unwrap_or(&self.tail);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        !self.tail.is_empty() && self.regex.is_match(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_however_it_arrives() {
        let regex = Regex::new("^data: end$").unwrap();
        let body = b"data: 1\r\ndata: end of\n\ndata: end\r\nmore\n";
        for piece_len in 1..body.len() {
            let mut search = LineSearch::new(&regex);
            let mut taken = 0;
            let found = body.chunks(piece_len).find_map(|piece| {
                let found = search.push(piece);
                taken += found.map_or(piece.len(), |end| end);
                found
            });
            assert!(found.is_some());
            assert_eq!(&body[..taken], b"data: 1\r\ndata: end of\n\ndata: end\r\n", "{piece_len}");
        }
        let mut search = LineSearch::new(&regex);
        assert_eq!(search.push(b"data: en"), None);
        assert!(!search.matches());
        assert_eq!(search.push(b"d"), None);
        assert!(search.matches(), "the last line");
    }
}
