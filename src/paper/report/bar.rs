//! The bar below the screen's text: how far the run is on its way to its likely end, in the run's
//! own time. Makes the terminal's bytes, and writes none itself.
//!
//! It stands on the terminal's [last line](crate::paper::report::last_line); a runner that is not in
//! the foreground draws none.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anstyle::{AnsiColor, Effects, Style};

use crate::paper::report::last_line::{Drawn, LastLine, size};
use crate::words::time::{Moment, SECOND};

/// The longest that the way itself is drawn, in characters.
const LONGEST: usize = 40;

/// The shortest way that is worth drawing.
const SHORTEST: usize = 8;

const DIM: Style = Style::new().effects(Effects::DIMMED);
const DONE: Style = AnsiColor::Cyan.on_default();

/// The bar of a run.
#[derive(Debug)]
pub(crate) struct Bar {
    end: Moment,
    /// Lines entered on the terminal so far.
    entered: Arc<AtomicU64>,
    line: LastLine,
}

impl Bar {
    /// A bar towards this end, not drawn yet. `entered` counts the lines entered on the terminal.
    pub(crate) fn new(end: Moment, entered: Arc<AtomicU64>) -> Bar {
        Bar { end, entered, line: LastLine::default() }
    }

    /// Shows whole lines of text, and the bar below.
    pub(crate) fn below(&mut self, text: &[u8], now: Moment) -> Vec<u8> {
        self.below_in(text, now, terminal())
    }

    /// Shows how far the run is now, if that looks different.
    pub(crate) fn moved(&mut self, now: Moment) -> Vec<u8> {
        self.moved_in(now, terminal())
    }

    /// Takes the bar away.
    pub(crate) fn gone(&mut self) -> Vec<u8> {
        self.line.gone(self.entered(), terminal().unwrap_or(usize::MAX))
    }

    fn below_in(&mut self, text: &[u8], now: Moment, width: Option<usize>) -> Vec<u8> {
        let next = width.and_then(|width| self.draw(now, width));
        self.line.below(text, next, (self.entered(), width.unwrap_or(usize::MAX)))
    }

    fn moved_in(&mut self, now: Moment, width: Option<usize>) -> Vec<u8> {
        let next = width.and_then(|width| self.draw(now, width));
        self.line.anew(next, (self.entered(), width.unwrap_or(usize::MAX)))
    }

    fn entered(&self) -> u64 {
        self.entered.load(Ordering::Relaxed)
    }

    /// The bar as it looks now; none where there is no room for it.
    fn draw(&self, now: Moment, width: usize) -> Option<Drawn> {
        let (now_text, end_text) = (format!("{:>7}", tenths(now)), format!("{} s", tenths(self.end)));
        // Two spaces before the way, one behind it and one behind all, and never the last column.
        let around = now_text.len() + end_text.len() + 5;
        let way = width.checked_sub(around).filter(|way| *way >= SHORTEST)?.min(LONGEST);
        let reached = now.0.min(self.end.0);
        let done = (u128::from(reached) * way as u128).checked_div(u128::from(self.end.0));
        let done = done.and_then(|done| usize::try_from(done).ok()).unwrap_or(way);
        let text = format!(
            "{DIM}{now_text}{DIM:#}  {DONE}{}{DONE:#}{DIM}{} {end_text}{DIM:#} ",
            "━".repeat(done),
            "─".repeat(way - done)
        );
        Some(Drawn { columns: around - 1 + way, of: width, entered: self.entered(), text })
    }
}

/// Seconds with one decimal, cut and not rounded: no moment is shown before it has come.
pub(super) fn tenths(moment: Moment) -> String {
    format!("{}.{}", moment.0 / SECOND, moment.0 % SECOND * 10 / SECOND)
}

/// How many columns the terminal has, while it is ours.
fn terminal() -> Option<usize> {
    size().map(|(columns, _)| columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without its styles.
    fn plain(bytes: Vec<u8>) -> String {
        let mut text = String::from_utf8(bytes).unwrap();
        for style in [DIM, DONE] {
            text = text.replace(&format!("{style}"), "").replace(&format!("{style:#}"), "");
        }
        text
    }

    #[test]
    fn it_stands_below_the_text_and_says_the_time_of_the_run() {
        let mut bar = Bar::new(Moment(10 * SECOND), Arc::default());
        let shown = plain(bar.below_in(b"a\n", Moment(2_550_000_000), Some(35)));
        assert_eq!(shown, "a\n    2.5  ━━━━───────────── 10.0 s ");
        assert_eq!(
            plain(bar.below_in(b"b\n", Moment(20 * SECOND), Some(35))).lines().next(),
            Some("\r\x1b[Jb")
        );
        assert_eq!(plain(bar.gone()), "\r\x1b[J");
        assert!(bar.gone().is_empty());
    }

    #[test]
    fn it_is_written_anew_only_where_it_looks_different() {
        let mut bar = Bar::new(Moment(10 * SECOND), Arc::default());
        bar.below_in(b"", Moment(0), Some(80));
        assert!(bar.moved_in(Moment(1), Some(80)).is_empty());
        let moved = plain(bar.moved_in(Moment(SECOND), Some(80)));
        assert!(moved.starts_with("\x1b7\r    1.0  ━━━━─") && moved.ends_with("\x1b8"), "{moved:?}");
        // Half as wide: the bar has become two lines.
        let narrow = plain(bar.moved_in(Moment(SECOND), Some(38)));
        assert!(narrow.starts_with("\r\x1b[A\x1b[J    1.0  ━"), "{narrow:?}");
        assert_eq!(plain(bar.moved_in(Moment(SECOND), Some(10))), "\r\x1b[A\x1b[A\x1b[A\x1b[J");
    }

    #[test]
    fn what_is_entered_leaves_no_bar_behind() {
        let entered = Arc::new(AtomicU64::new(3));
        let mut bar = Bar::new(Moment(10 * SECOND), Arc::clone(&entered));
        bar.below_in(b"", Moment(0), Some(80));
        entered.store(5, Ordering::Relaxed);
        let shown = plain(bar.below_in(b"input 1\n", Moment(0), Some(80)));
        assert!(shown.starts_with("\r\x1b[A\x1b[A\x1b[Jinput 1\n"), "{shown:?}");
        assert!(plain(bar.below_in(b"", Moment(0), Some(80))).starts_with("\r\x1b[J"));
    }

    #[test]
    fn it_never_fills_the_line() {
        for width in 0..200 {
            for end in [Moment(0), Moment(SECOND), Moment(u64::MAX)] {
                let mut bar = Bar::new(end, Arc::default());
                let shown = plain(bar.below_in(b"", Moment(12_345_678_901), Some(width)));
                assert!(shown.chars().count() < width.max(1), "{width}: {shown}");
            }
        }
    }
}
