//! The pieces of lines on the screen. Text whose line has not ended is shown as it comes, and what is left
//! of the line when it ends. A carriage return ends a piece: a progress bar writes itself over.

use std::collections::BTreeMap;

use scenario_log::event::{OutputStream, Source};

/// How many bytes of a piece are kept, to show it again as it grows.
const MAX_KEPT: usize = 4 << 10;

/// The lines of which a beginning is on the screen.
#[derive(Clone, Debug, Default)]
pub(super) struct UnfinishedPieces {
    lines: BTreeMap<(Source, bool), ShownLine>,
}

/// A line of which a beginning is on the screen.
#[derive(Clone, Debug, Default)]
struct ShownLine {
    /// Where its last piece begins, in bytes.
    begin: usize,
    /// The length of that piece, and its first bytes.
    len: usize,
    piece: Vec<u8>,
}

impl UnfinishedPieces {
    /// Takes text whose line goes on, and gives the pieces to show.
    pub(super) fn on_text(&mut self, source: Source, stream: OutputStream, text: &[u8]) -> Vec<Vec<u8>> {
        let line = self.lines.entry(key(source, stream)).or_default();
        let mut shown = Vec::new();
        for (nth, part) in text.split(|byte| *byte == b'\r').enumerate() {
            if nth > 0 {
                line.begin += line.len + 1;
                line.len = 0;
                line.piece.clear();
            }
            line.len += part.len();
            line.piece.extend_from_slice(&part[..part.len().min(MAX_KEPT.saturating_sub(line.piece.len()))]);
            if !part.is_empty() {
                shown.push(line.piece.clone());
            }
        }
        shown
    }

    /// Takes a line that has ended, and gives the pieces of it that have not been shown.
    pub(super) fn on_line<'l>(
        &mut self,
        source: Source,
        stream: OutputStream,
        line: &'l [u8],
    ) -> Vec<&'l [u8]> {
        let before = self.lines.remove(&key(source, stream));
        let from = before.as_ref().map_or(0, |before| before.begin.min(line.len()));
        let rest = &line[from..];
        // A return at the end of the line writes nothing over, and stays visible.
        let body = rest.strip_suffix(b"\r").unwrap_or(rest);
        let mut pieces: Vec<&[u8]> = body.split(|byte| *byte == b'\r').collect();
        let is_shown =
            before.is_some_and(|before| pieces.first().is_some_and(|first| first.len() == before.len));
        if is_shown {
            pieces.remove(0);
        }
        if is_shown || pieces.len() > 1 {
            pieces.retain(|piece| !piece.is_empty());
        }
        if let Some(last) = pieces.last_mut()
            && body.ends_with(last)
        {
            *last = &rest[body.len() - last.len()..];
        }
        pieces
    }

    /// Forgets a source that has ended.
    pub(super) fn forget(&mut self, source: Source) {
        for stream in [OutputStream::Stdout, OutputStream::Stderr] {
            self.lines.remove(&key(source, stream));
        }
    }
}

fn key(source: Source, stream: OutputStream) -> (Source, bool) {
    (source, stream == OutputStream::Stderr)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: Source = Source::Spawn(1);

    fn text(pieces: &mut UnfinishedPieces, text: &str) -> Vec<String> {
        let shown = pieces.on_text(SOURCE, OutputStream::Stdout, text.as_bytes());
        shown.into_iter().map(|piece| String::from_utf8(piece).unwrap()).collect()
    }

    fn line(pieces: &mut UnfinishedPieces, line: &str) -> Vec<String> {
        let shown = pieces.on_line(SOURCE, OutputStream::Stdout, line.as_bytes());
        shown.into_iter().map(|piece| String::from_utf8_lossy(piece).into_owned()).collect()
    }

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_prompt_is_shown_once_and_the_rest_of_its_line_with_it() {
        let mut pieces = UnfinishedPieces::default();
        assert_eq!(text(&mut pieces, "Password: "), words(&["Password: "]));
        assert_eq!(line(&mut pieces, "Password: "), words(&[]));
        assert_eq!(text(&mut pieces, "Loading"), words(&["Loading"]));
        assert_eq!(text(&mut pieces, "."), words(&["Loading."]));
        assert_eq!(line(&mut pieces, "Loading.done"), words(&["Loading.done"]));
        assert_eq!(line(&mut pieces, ""), words(&[""]), "an empty line");
    }

    #[test]
    fn a_return_ends_a_piece() {
        let mut pieces = UnfinishedPieces::default();
        assert_eq!(text(&mut pieces, "\r 10%"), words(&[" 10%"]));
        assert_eq!(text(&mut pieces, "\r 20%\r"), words(&[" 20%"]));
        assert_eq!(text(&mut pieces, " 30%"), words(&[" 30%"]));
        assert_eq!(line(&mut pieces, "\r 10%\r 20%\r 30%\rdone"), words(&["done"]));
        assert_eq!(line(&mut pieces, "windows\r"), words(&["windows\r"]));
        assert_eq!(line(&mut pieces, "\r"), words(&["\r"]));
        assert_eq!(line(&mut pieces, "a\rb\rc"), words(&["a", "b", "c"]));
    }

    #[test]
    fn a_line_that_was_redacted_in_another_way_is_still_shown() {
        let mut pieces = UnfinishedPieces::default();
        assert_eq!(text(&mut pieces, "a long beginning\rx"), words(&["a long beginning", "x"]));
        assert_eq!(line(&mut pieces, "short"), words(&[""]));
        assert_eq!(text(&mut pieces, "long \rx"), words(&["long ", "x"]));
        assert_eq!(line(&mut pieces, "another one"), words(&["r one"]));
        pieces.forget(SOURCE);
        assert_eq!(line(&mut pieces, "next"), words(&["next"]));
    }
}
