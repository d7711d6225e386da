//! A last line, with or without some above it, that stands below the screen's text, and is written anew in its place. Makes the
//! terminal's bytes, and writes none itself; what the line says is for others.
//!
//! # How it works
//!
//! The line is the terminal's last, and the cursor stands behind it: what a person types is echoed
//! there. Text goes in its place and the line below the text, in one write, so that nothing
//! flickers; between texts only the line's own characters are written anew, and what has been typed
//! stays. A line that is entered leaves this one above the cursor, and in a terminal that has become
//! narrower than it, it has become several lines: all of them are cleared.
//!
//! It knows no other terminal than one that understands ECMA-48 and DEC's save and restore.

use crate::io::terminal::foreground;
use crate::terminal::status_panel::StatusPanelLine;

/// The most lines that are cleared, of those drawn and of those entered: a page that was pasted stays,
/// but for its end.
const MAX_CLEARED_LINES: usize = 10;

/// A line as it is to be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FooterContent {
    /// How many columns it takes: fewer than the terminal has.
    pub(crate) columns: usize,
    /// Of a terminal with so many.
    pub(crate) terminal_width: usize,
    /// Lines entered before it was drawn.
    pub(crate) lines_entered: u64,
    /// With its styles.
    pub(crate) text: String,
    /// The lines above it.
    pub(crate) above: Vec<StatusPanelLine>,
}

impl FooterContent {
    /// All but the text: a line in the same place can be written over.
    fn layout(&self) -> (usize, usize, u64, usize) {
        (self.columns, self.terminal_width, self.lines_entered, self.above.len())
    }

    /// How many rows above the last the lines take in a terminal that is now so wide.
    fn rows_above(&self, width: usize) -> usize {
        let width = width.max(1);
        let wrapped = self.columns.saturating_sub(1) / width;
        self.above.iter().map(|line| 1 + line.columns.saturating_sub(1) / width).sum::<usize>() + wrapped
    }
}

/// What stands on the terminal.
#[derive(Debug, Default)]
pub(crate) struct TerminalFooter {
    shown: Option<FooterContent>,
}

impl TerminalFooter {
    /// Shows whole lines of text, and below them the next line, if there is to be one. `entered`
    /// counts the lines entered on the terminal, which has `width` columns.
    pub(crate) fn render_below_text(
        &mut self,
        text: &[u8],
        next: Option<FooterContent>,
        (entered, width): (u64, usize),
    ) -> Vec<u8> {
        let mut out = self.render_removal(entered, width);
        out.extend_from_slice(text);
        self.shown = next;
        if let Some(drawn) = &self.shown {
            for line in &drawn.above {
                out.extend_from_slice(line.text.as_bytes());
                out.push(b'\n');
            }
            out.extend_from_slice(drawn.text.as_bytes());
        }
        self.synchronized(out)
    }

    /// Shows the next line in the place of the one before, if it looks different.
    pub(crate) fn render_replacing(
        &mut self,
        next: Option<FooterContent>,
        (entered, width): (u64, usize),
    ) -> Vec<u8> {
        match (&self.shown, &next) {
            (Some(drawn), Some(next)) if drawn == next => Vec::new(),
            (Some(drawn), Some(next)) if drawn.layout() == next.layout() => {
                let up = "\x1b[A".repeat(next.above.len());
                let above: String =
                    next.above.iter().map(|line| format!("{}\x1b[K\n\r", line.text)).collect();
                let out = format!("\x1b7\r{up}{above}{}\x1b8", next.text);
                self.shown = Some(next.clone());
                self.synchronized(out.into_bytes())
            }
            _ => self.render_below_text(b"", next, (entered, width)),
        }
    }

    /// Several lines are shown at once by terminals that can do so (mode 2026, "synchronized output");
    /// others take no notice.
    fn synchronized(&self, out: Vec<u8>) -> Vec<u8> {
        match &self.shown {
            Some(drawn) if !drawn.above.is_empty() => [b"\x1b[?2026h", &out[..], b"\x1b[?2026l"].concat(),
            _ => out,
        }
    }

    /// Clears the line, and leaves the cursor where it began.
    pub(crate) fn render_removal(&mut self, entered: u64, width: usize) -> Vec<u8> {
        let Some(drawn) = self.shown.take() else { return Vec::new() };
        let entered = entered.saturating_sub(drawn.lines_entered);
        let entered = usize::try_from(entered).unwrap_or(usize::MAX).min(MAX_CLEARED_LINES);
        let above = drawn.rows_above(width).min(MAX_CLEARED_LINES) + entered;
        format!("\r{}\x1b[J", "\x1b[A".repeat(above)).into_bytes()
    }
}

/// How many columns and rows the terminal has, while it is ours: a program that is not in the
/// foreground draws no such line.
pub(crate) fn terminal_size() -> Option<(usize, usize)> {
    let stderr = rustix::stdio::stderr();
    if !foreground::is_foreground(stderr) {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(stderr).ok()?;
    // A terminal that does not know its size has the usual one.
    let or = |size: u16, usual| if size == 0 { usual } else { usize::from(size) };
    Some((or(size.ws_col, 80), or(size.ws_row, 24)))
}
