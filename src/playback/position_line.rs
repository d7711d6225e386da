//! The position line of a playback: the last line on the terminal, with the moment of the run and the
//! keys. Writes it, and the text above it, to standard error.

use std::io::{self, Write};

use anstyle::{Effects, Style};

use crate::report::units::format_tenths;
use crate::terminal::footer::{FooterContent, TerminalFooter, terminal_size};
use scenario_log::time::Moment;

const DIM: Style = Style::new().effects(Effects::DIMMED);

/// The assumed height of a terminal whose size is unknown, in lines.
const USUAL_ROWS: usize = 24;

/// The position of a playback.
#[derive(Clone, Debug)]
pub struct PlaybackPosition {
    /// Whether the playback is paused.
    pub is_paused: bool,
    /// The current moment of the run.
    pub at: Moment,
    /// The run's last moment, if it is known.
    pub end: Option<Moment>,
    /// Seconds of the run in a second of the machine; infinite if the playback never waits.
    pub speed: f64,
    /// A note that is shown in place of the keys.
    pub note: Option<&'static str>,
}

impl PlaybackPosition {
    /// The parts of the line, the most important first.
    fn parts(&self) -> [String; 4] {
        let state = if self.is_paused { "paused" } else { "playing" };
        let end = self.end.map(|end| format!(" of {}", format_tenths(end.max(self.at)))).unwrap_or_default();
        let speed =
            if self.speed.is_finite() { format!("{}x", round_factor(self.speed)) } else { "max".to_owned() };
        let last = self.note.unwrap_or("space, arrows, q");
        [state.to_owned(), format!("{}{end}", format_tenths(self.at)), speed, last.to_owned()]
    }

    /// The line for a terminal with `width` columns: as many parts as it has room for.
    fn draw(&self, width: usize) -> Option<FooterContent> {
        let mut text = String::new();
        for part in self.parts() {
            let longer = if text.is_empty() { part } else { format!("{text} · {part}") };
            // A space follows the line, and the last column stays empty.
            if longer.chars().count() + 2 > width {
                break;
            }
            text = longer;
        }
        let columns = text.chars().count() + 1;
        (columns > 1).then(|| FooterContent {
            columns,
            terminal_width: width,
            lines_entered: 0,
            text: format!("{DIM}{text}{DIM:#} "),
            above: Vec::new(),
        })
    }
}

/// Rounds a factor to three decimals.
fn round_factor(factor: f64) -> f64 {
    if factor < 1e6 { (factor * 1_000.0).round() / 1_000.0 } else { factor }
}

/// The screen of a playback: standard error, with or without the position line.
#[derive(Debug)]
pub struct PlaybackScreen {
    footer: Option<TerminalFooter>,
}

impl PlaybackScreen {
    /// A screen with the position line, or without.
    #[must_use]
    pub fn new(has_line: bool) -> PlaybackScreen {
        PlaybackScreen { footer: has_line.then(TerminalFooter::default) }
    }

    /// Whether there is a position line, which must be refreshed now and then.
    #[must_use]
    pub fn has_line(&self) -> bool {
        self.footer.is_some()
    }

    /// Writes whole lines of text, and the position below them.
    ///
    /// # Errors
    /// When standard error cannot be written: its reader has gone.
    pub fn show(&mut self, text: &str, position: &PlaybackPosition) -> io::Result<()> {
        let Some(line) = &mut self.footer else { return write_stderr(text.as_bytes()) };
        let width = terminal_size().map(|(columns, _)| columns);
        let next = width.and_then(|width| position.draw(width));
        let of = (0, width.unwrap_or(usize::MAX));
        write_stderr(&if text.is_empty() {
            line.render_replacing(next, of)
        } else {
            line.render_below_text(text.as_bytes(), next, of)
        })
    }

    /// Removes the position line.
    pub fn clear(&mut self) {
        if let Some(line) = &mut self.footer {
            let width = terminal_size().map_or(usize::MAX, |(columns, _)| columns);
            // If standard error is closed, there is no line to remove.
            let _ = write_stderr(&line.render_removal(0, width));
        }
    }

    /// The height of the terminal in lines.
    #[must_use]
    pub fn rows(&self) -> usize {
        terminal_size().map_or(USUAL_ROWS, |(_, rows)| rows)
    }
}

/// Writes all bytes in one call, so that no partial line is visible.
fn write_stderr(text: &[u8]) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let mut stderr = io::stderr().lock();
    stderr.write_all(text).and_then(|()| stderr.flush())
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenario_log::time::Span;

    fn line(position: &PlaybackPosition, width: usize) -> String {
        let text = position.draw(width).map(|drawn| drawn.text).unwrap_or_default();
        text.replace(&format!("{DIM}"), "").replace(&format!("{DIM:#}"), "")
    }

    fn at(milliseconds: u64) -> PlaybackPosition {
        let at = Moment::ZERO.saturating_add(Span::from_millis(milliseconds));
        PlaybackPosition { is_paused: true, at, end: Some(Moment(9_870_000_000)), speed: 2.0, note: None }
    }

    #[test]
    fn the_line_shows_the_position() {
        assert_eq!(line(&at(3_299), 80), "paused · 3.2 s of 9.8 s · 2x · space, arrows, q ");
        let other = PlaybackPosition { is_paused: false, end: None, speed: f64::INFINITY, ..at(0) };
        assert_eq!(line(&other, 80), "playing · 0.0 s · max · space, arrows, q ");
        let note = PlaybackPosition { note: Some("a pipe cannot be read again"), speed: 0.015_625, ..at(0) };
        assert_eq!(line(&note, 80), "paused · 0.0 s of 9.8 s · 0.016x · a pipe cannot be read again ");
    }

    #[test]
    fn the_line_never_fills_the_terminal() {
        for width in 0..60 {
            let shown = line(&at(12_345), width);
            assert!(shown.chars().count() < width.max(1), "{width}: {shown}");
        }
        assert_eq!(line(&at(0), 24), "paused ");
    }
}
