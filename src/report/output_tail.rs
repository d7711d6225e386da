//! The end of a program's output: its last lines, in bounded memory. Reports and the terminal show it where
//! a program has failed, since it often says why.

use std::collections::VecDeque;

use scenario_log::event::OutputStream;
use scenario_log::sanitize::push_sanitized_bytes;

/// How many lines of a program are kept.
pub(crate) const MAX_LINES: usize = 10;

/// How many bytes of a line are kept.
const MAX_LINE_BYTES: usize = 400;

/// A line of a program, or the beginning of a long one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TailLine {
    pub(crate) stream: OutputStream,
    /// Without the newline.
    text: Vec<u8>,
    /// The line was longer.
    is_cut: bool,
    /// The next chunk of the same stream goes on with this line.
    is_open: bool,
}

/// The last lines of a program, the latest last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutputTail(VecDeque<TailLine>);

impl OutputTail {
    /// Adds a chunk of lines, as an event of the log has it. With `partial`, it is one part of a line, and
    /// more of this line follows.
    pub(crate) fn add_chunk(&mut self, stream: OutputStream, chunk: &[u8], partial: bool) {
        let chunk = chunk.strip_suffix(b"\n").unwrap_or(chunk);
        let mut last: Vec<&[u8]> =
            chunk.rsplitn(MAX_LINES + 1, |byte| *byte == b'\n').take(MAX_LINES).collect();
        last.reverse();
        let has_all = last.iter().map(|line| line.len() + 1).sum::<usize>() == chunk.len() + 1;
        let mut lines = last.into_iter();
        let open = self.0.iter_mut().rev().find(|line| line.stream == stream).filter(|line| line.is_open);
        if let Some(open) = open {
            open.is_open = partial;
            if has_all && let Some(rest) = lines.next() {
                open.push(rest);
            }
        }
        self.0.extend(lines.map(|line| TailLine::new(stream, line, partial)));
        self.0.drain(..self.0.len().saturating_sub(MAX_LINES));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &TailLine> {
        self.0.iter()
    }

    /// The lines as the terminal shows them: `| text` for standard output and `! text` for standard error,
    /// with control characters visible. So no line begins with a text from outside.
    pub(crate) fn marked_lines(&self) -> Vec<String> {
        self.0.iter().map(|line| format!("{} {}", stream_mark(line.stream), line.visible())).collect()
    }
}

impl TailLine {
    fn new(stream: OutputStream, text: &[u8], is_open: bool) -> TailLine {
        let mut line = TailLine { stream, text: Vec::new(), is_cut: false, is_open };
        line.push(text);
        line
    }

    /// Adds more of the same line, as far as there is room.
    fn push(&mut self, more: &[u8]) {
        if self.is_cut {
            return;
        }
        self.text.extend_from_slice(&more[..more.len().min(MAX_LINE_BYTES + 1 - self.text.len())]);
        if self.text.len() > MAX_LINE_BYTES {
            self.is_cut = true;
            // A character that does not fit goes as a whole. It begins at most three bytes before.
            let begins = |at: &usize| self.text[*at] & 0b1100_0000 != 0b1000_0000;
            let end = (MAX_LINE_BYTES - 3..=MAX_LINE_BYTES).rev().find(begins).unwrap_or(MAX_LINE_BYTES);
            self.text.truncate(end);
        }
    }

    /// The line with its control characters visible, and with an ellipsis if it was cut.
    pub(crate) fn visible(&self) -> String {
        let mut out = String::new();
        push_sanitized_bytes(&mut out, &self.text);
        if self.is_cut {
            out.push('…');
        }
        out
    }
}

/// The character that stands before a line of a program.
pub(crate) fn stream_mark(stream: OutputStream) -> char {
    match stream {
        OutputStream::Stdout => '|',
        OutputStream::Stderr => '!',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail(chunks: &[(OutputStream, &[u8], bool)]) -> Vec<String> {
        let mut tail = OutputTail::default();
        for (stream, chunk, partial) in chunks {
            tail.add_chunk(*stream, chunk, *partial);
        }
        tail.marked_lines()
    }

    #[test]
    fn the_last_lines_are_kept_in_their_order() {
        use OutputStream::{Stderr, Stdout};
        let many = b"1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n";
        let kept = tail(&[(Stdout, many, false), (Stderr, b"13\n\n", false), (Stdout, b"\x1b[2J", false)]);
        let wanted = ["| 6", "| 7", "| 8", "| 9", "| 10", "| 11", "| 12", "! 13", "! ", "| \\x1b[2J"];
        assert_eq!(kept, wanted);
    }

    #[test]
    fn the_parts_of_a_long_line_are_one_line() {
        use OutputStream::{Stderr, Stdout};
        let parts: [(OutputStream, &[u8], bool); 4] = [
            (Stdout, b"one ", true),
            (Stderr, b"between\n", false),
            (Stdout, b"and ", true),
            (Stdout, b"the same\nnext\n", false),
        ];
        assert_eq!(tail(&parts), ["| one and the same", "! between", "| next"]);
    }

    #[test]
    fn a_long_line_is_cut_between_two_characters() {
        let text = "é".repeat(MAX_LINE_BYTES);
        let kept = tail(&[(OutputStream::Stdout, text.as_bytes(), false)]);
        assert_eq!(kept, [format!("| {}…", "é".repeat(MAX_LINE_BYTES / 2))]);
        let text = format!("x{text}");
        let kept = tail(&[(OutputStream::Stdout, text.as_bytes(), false)]);
        assert_eq!(kept, [format!("| x{}…", "é".repeat(MAX_LINE_BYTES / 2 - 1))]);
        let kept = tail(&[(OutputStream::Stdout, &[0xff; 1000], true)]);
        assert_eq!(kept, [format!("| {}…", "\\xff".repeat(MAX_LINE_BYTES))]);
    }
}
