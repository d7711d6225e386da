//! The footer: a last line below the terminal's text, with or without some lines above it, which is
//! rewritten in place. Makes the terminal's bytes, and writes none itself; it does not know what the lines
//! mean.
//!
//! # How it works
//!
//! The footer is the terminal's last line, and the cursor stands after it: there the terminal echoes what a
//! person types. New text replaces the footer, and the footer follows it, all in one write, so that nothing
//! flickers. Between texts, only the footer's own characters are rewritten, and what was typed stays. When
//! a person enters a line, the footer stays above the cursor; when the terminal has become narrower, the
//! footer takes several rows. All of them are cleared.
//!
//! It needs a terminal that understands ECMA-48 and DEC's save and restore.

use crate::io::terminal::foreground;
use crate::terminal::status_panel::StatusPanelLine;

/// The most rows that are cleared, of those drawn and of those entered: of a page that was pasted, only the
/// end is cleared.
const MAX_CLEARED_LINES: usize = 10;

/// The footer as it is to be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FooterContent {
    /// How many columns its last line takes: fewer than the terminal has.
    pub(crate) columns: usize,
    /// How many columns the terminal has.
    pub(crate) terminal_width: usize,
    /// How many lines had been entered when it was drawn.
    pub(crate) lines_entered: u64,
    /// Its last line, with styles.
    pub(crate) text: String,
    /// The lines above the last one.
    pub(crate) above: Vec<StatusPanelLine>,
}

impl FooterContent {
    /// Everything but the texts: a footer with the same layout can be overwritten in place.
    fn layout(&self) -> (usize, usize, u64, usize) {
        (self.columns, self.terminal_width, self.lines_entered, self.above.len())
    }

    /// How many rows above its last one the footer takes in a terminal of this width.
    fn rows_above(&self, width: usize) -> usize {
        let width = width.max(1);
        let wrapped = self.columns.saturating_sub(1) / width;
        self.above.iter().map(|line| 1 + line.columns.saturating_sub(1) / width).sum::<usize>() + wrapped
    }
}

/// The footer that is on the terminal.
#[derive(Debug, Default)]
pub(crate) struct TerminalFooter {
    shown: Option<FooterContent>,
}

impl TerminalFooter {
    /// Shows whole lines of text, and below them the next footer, if there is one. `entered` counts the
    /// lines entered on the terminal, which has `width` columns.
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

    /// Replaces the footer by the next one, if that looks different.
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

    /// Terminals that support mode 2026 ("synchronized output") show several lines at once; others ignore
    /// it.
    fn synchronized(&self, out: Vec<u8>) -> Vec<u8> {
        match &self.shown {
            Some(drawn) if !drawn.above.is_empty() => [b"\x1b[?2026h", &out[..], b"\x1b[?2026l"].concat(),
            _ => out,
        }
    }

    /// Clears the footer, and leaves the cursor where the footer began.
    pub(crate) fn render_removal(&mut self, entered: u64, width: usize) -> Vec<u8> {
        let Some(drawn) = self.shown.take() else { return Vec::new() };
        let entered = entered.saturating_sub(drawn.lines_entered);
        let entered = usize::try_from(entered).unwrap_or(usize::MAX).min(MAX_CLEARED_LINES);
        let above = drawn.rows_above(width).min(MAX_CLEARED_LINES) + entered;
        format!("\r{}\x1b[J", "\x1b[A".repeat(above)).into_bytes()
    }
}

/// The columns and rows of the terminal; none if the program is not in its foreground, and so must not
/// draw.
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
