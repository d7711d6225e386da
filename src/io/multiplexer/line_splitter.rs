//! Where a child's bytes become lines: cuts the bytes of one output into chunks of whole lines, and
//! lines that are too long into parts. It is pure: the same bytes give the same lines, wherever the
//! reads were cut.
//!
//! It never looks at single lines. A read costs one search backwards for its last newline, one search
//! forwards if a line was unfinished, and one search for every `max_line` bytes if a line could be
//! too long. It never adds, drops or changes a byte.

use memchr::{memchr, memrchr};

/// A piece of one output. The pieces come in order.
#[derive(Debug, PartialEq, Eq)]
pub enum OutputPiece {
    /// Whole lines with their newlines. Only the last line of the output may be without.
    Lines(Vec<u8>),
    /// Exactly `max_line` bytes of a line that goes on.
    PartialLine(Vec<u8>),
}

/// A longer tail gives its memory back when it is taken, so that thousands of idle outputs stay
/// small.
const MAX_KEPT_TAIL: usize = 4 << 10;

/// The state between two reads of one output: its unfinished line.
#[derive(Debug)]
pub struct LineSplitter {
    /// Holds no newline and at most `max_line` bytes.
    tail: Vec<u8>,
    max_line: usize,
}

impl LineSplitter {
    /// Splits into lines of up to `max_line` bytes (at least 1), without counting their newline.
    #[must_use]
    pub fn new(max_line: u64) -> LineSplitter {
        let max_line = usize::try_from(max_line.max(1)).unwrap_or(usize::MAX);
        LineSplitter { tail: Vec::new(), max_line }
    }

    /// Takes the bytes of a read, and emits pieces. `buffer` gives empty buffers for them.
    pub fn feed(
        &mut self,
        read: &[u8],
        mut buffer: impl FnMut() -> Vec<u8>,
        mut emit: impl FnMut(OutputPiece),
    ) {
        let mut rest = read;
        // First the unfinished line: it ends here, goes on, or is too long by now.
        while !self.tail.is_empty() {
            let room = self.max_line - self.tail.len();
            let reach = &rest[..rest.len().min(room.saturating_add(1))];
            if let Some(end) = memchr(b'\n', reach) {
                return self.split_lines(rest, end + 1, &mut buffer, &mut emit);
            }
            if rest.len() <= room {
                self.tail.extend_from_slice(rest);
                return;
            }
            let mut part = self.take_tail(&mut buffer);
            part.extend_from_slice(&rest[..room]);
            emit(OutputPiece::PartialLine(part));
            rest = &rest[room..];
        }
        self.split_lines(rest, 0, &mut buffer, &mut emit);
    }

    /// The unfinished line.
    #[must_use]
    pub fn tail(&self) -> &[u8] {
        &self.tail
    }

    /// Ends the output: an unfinished line is its last line.
    pub fn finish(&mut self) -> Option<OutputPiece> {
        (!self.tail.is_empty()).then(|| OutputPiece::Lines(std::mem::take(&mut self.tail)))
    }

    /// Emits the lines of `bytes`, and keeps the unfinished one. The first line ends the tail and
    /// reaches to `whole` (0 if there is no tail).
    fn split_lines(
        &mut self,
        bytes: &[u8],
        mut whole: usize,
        buffer: &mut impl FnMut() -> Vec<u8>,
        emit: &mut impl FnMut(OutputPiece),
    ) {
        let mut emitted = 0;
        while bytes.len() - whole > self.max_line {
            // A window of `max_line` bytes and a newline. If it contains a newline, no line that ends
            // in it is too long.
            let window = &bytes[whole..=whole + self.max_line];
            if let Some(end) = memrchr(b'\n', window) {
                whole += end + 1;
                continue;
            }
            self.emit_lines(&bytes[emitted..whole], buffer, emit);
            emitted = whole + self.max_line;
            let mut part = buffer();
            part.extend_from_slice(&bytes[whole..emitted]);
            emit(OutputPiece::PartialLine(part));
            whole = emitted;
        }
        whole += memrchr(b'\n', &bytes[whole..]).map_or(0, |end| end + 1);
        self.emit_lines(&bytes[emitted..whole], buffer, emit);
        self.tail.extend_from_slice(&bytes[whole..]);
    }

    /// Emits whole lines, after the tail if there is one.
    fn emit_lines(
        &mut self,
        lines: &[u8],
        buffer: &mut impl FnMut() -> Vec<u8>,
        emit: &mut impl FnMut(OutputPiece),
    ) {
        if !lines.is_empty() {
            let mut chunk = self.take_tail(buffer);
            chunk.extend_from_slice(lines);
            emit(OutputPiece::Lines(chunk));
        }
    }

    /// A buffer that starts with the tail. The tail is empty afterwards.
    fn take_tail(&mut self, buffer: &mut impl FnMut() -> Vec<u8>) -> Vec<u8> {
        if self.tail.len() > MAX_KEPT_TAIL {
            return std::mem::take(&mut self.tail);
        }
        let mut chunk = buffer();
        chunk.append(&mut self.tail);
        chunk
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The lines and parts that `reads` give; the flag marks parts.
    fn emitted(reads: &[&[u8]], max_line: u64) -> Vec<(bool, Vec<u8>)> {
        let mut splitter = LineSplitter::new(max_line);
        let mut pieces = Vec::new();
        for read in reads {
            splitter.feed(read, Vec::new, |piece| pieces.push(piece));
            assert!(splitter.tail.len() <= splitter.max_line, "the tail stays small");
        }
        pieces.extend(splitter.finish());
        let mut emitted = Vec::new();
        for piece in pieces {
            match piece {
                OutputPiece::PartialLine(bytes) => emitted.push((true, bytes)),
                OutputPiece::Lines(bytes) => {
                    emitted.extend(bytes.split_inclusive(|b| *b == b'\n').map(|line| (false, line.to_vec())));
                }
            }
        }
        emitted
    }

    /// The same by the definition, one line at a time.
    fn defined(all: &[u8], max_line: usize) -> Vec<(bool, Vec<u8>)> {
        let mut defined = Vec::new();
        for mut line in all.split_inclusive(|b| *b == b'\n') {
            let text = |line: &[u8]| line.len() - usize::from(line.ends_with(b"\n"));
            while text(line) > max_line {
                defined.push((true, line[..max_line].to_vec()));
                line = &line[max_line..];
            }
            defined.push((false, line.to_vec()));
        }
        defined
    }

    #[test]
    fn all_lines_of_a_read_are_one_piece() {
        let mut splitter = LineSplitter::new(100);
        let mut pieces = Vec::new();
        splitter.feed(b"one\ntwo\nthr", Vec::new, |piece| pieces.push(piece));
        splitter.feed(b"ee\nfour\n", Vec::new, |piece| pieces.push(piece));
        assert_eq!(
            pieces,
            [OutputPiece::Lines(b"one\ntwo\n".to_vec()), OutputPiece::Lines(b"three\nfour\n".to_vec())]
        );
        assert_eq!(splitter.finish(), None);
    }

    #[test]
    fn a_line_of_just_max_line_bytes_is_whole() {
        assert_eq!(
            emitted(&[b"abcd\nabcde\n"], 4),
            [(false, b"abcd\n".to_vec()), (true, b"abcd".to_vec()), (false, b"e\n".to_vec()),]
        );
        assert_eq!(emitted(&[b"abcd", b"\n"], 4), [(false, b"abcd\n".to_vec())]);
        assert_eq!(emitted(&[b"abcdefgh"], 4), [(true, b"abcd".to_vec()), (false, b"efgh".to_vec())]);
    }

    proptest! {
        #[test]
        fn the_cuts_of_the_reads_do_not_matter(
            all in proptest::collection::vec(prop_oneof![2 => Just(b'\n'), 5 => any::<u8>()], 0..200),
            cuts in proptest::collection::vec(0_usize..200, 0..12),
            max_line in 1_u64..40,
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(all.len())).collect();
            cuts.extend([0, all.len()]);
            cuts.sort_unstable();
            let reads: Vec<&[u8]> = cuts.windows(2).map(|cut| &all[cut[0]..cut[1]]).collect();
            prop_assert_eq!(emitted(&reads, max_line), defined(&all, usize::try_from(max_line)?));
        }
    }
}
