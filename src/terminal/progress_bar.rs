//! The progress bar below the terminal's text: how far the run is on its way to its likely end, in the
//! run's own time, with the status panel above it. Makes the terminal's bytes, and writes none itself.
//!
//! It is part of the terminal's [footer](crate::terminal::footer); a program that is not in the foreground
//! draws none.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anstyle::{AnsiColor, Effects, Style};

use crate::io::terminal::line_editor::EditedLine;
use crate::terminal::footer::{FooterContent, TerminalFooter, terminal_size};
use crate::terminal::latest_progress::LatestProgress;
use crate::terminal::status_panel::{StatusPanel, StatusPanelLine};
use scenario_log::sanitize::sanitize;
use scenario_log::time::{Moment, NANOS_PER_SECOND};

/// The most characters of the bar itself.
const MAX_BAR_WIDTH: usize = 40;

/// A shorter bar is not worth drawing.
const MIN_BAR_WIDTH: usize = 8;

const DIM: Style = Style::new().effects(Effects::DIMMED);
const DONE: Style = AnsiColor::Cyan.on_default();

/// This many columns are left for what is typed, if there is room: a line that wraps would leave a row of
/// the panel above it behind.
const TYPING_COLUMNS: usize = 20;

/// A terminal with fewer rows has the bar alone.
const MIN_PANEL_ROWS: usize = 10;

/// The progress bar of a run.
#[derive(Debug)]
pub(crate) struct ProgressBar {
    /// When the run is likely to end; if that is not known, the bar counts entries.
    end: Option<Moment>,
    /// How many lines have been entered on the terminal so far.
    lines_entered: Arc<AtomicU64>,
    latest_progress: LatestProgress,
    /// The line that is being typed, if the terminal does not echo it.
    typed_line: Option<EditedLine>,
    panel: StatusPanel,
    footer: TerminalFooter,
}

impl ProgressBar {
    /// A bar towards this end, not drawn yet. `entered` counts the lines entered on the terminal; `latest_progress`
    /// has the progress of the run.
    pub(crate) fn new(
        end: Option<Moment>,
        entered: Arc<AtomicU64>,
        latest_progress: LatestProgress,
    ) -> ProgressBar {
        ProgressBar {
            end,
            lines_entered: entered,
            latest_progress,
            typed_line: None,
            panel: StatusPanel::default(),
            footer: TerminalFooter::default(),
        }
    }

    /// The same, with a row for the line that is being typed.
    pub(crate) fn with_typed_line(self, typed_line: Option<EditedLine>) -> ProgressBar {
        ProgressBar { typed_line, ..self }
    }

    /// Shows whole lines of text, and the bar below them.
    pub(crate) fn render_below_text(&mut self, text: &[u8], now: Moment) -> Vec<u8> {
        self.render_below_text_in(text, now, self.drawable_size())
    }

    /// Shows the progress of now, if that looks different.
    pub(crate) fn render_if_changed(&mut self, now: Moment) -> Vec<u8> {
        self.render_if_changed_in(now, self.drawable_size())
    }

    /// Removes the bar.
    pub(crate) fn render_removal(&mut self) -> Vec<u8> {
        self.footer
            .render_removal(self.lines_entered(), terminal_size().map_or(usize::MAX, |(columns, _)| columns))
    }

    /// The columns and rows that the bar may use; none while the terminal belongs to another program.
    fn drawable_size(&self) -> Option<(usize, usize)> {
        terminal_size().filter(|_| !self.latest_progress.is_hidden())
    }

    fn render_below_text_in(&mut self, text: &[u8], now: Moment, size: Option<(usize, usize)>) -> Vec<u8> {
        let next = size.and_then(|size| self.draw(now, size));
        self.footer.render_below_text(text, next, (self.lines_entered(), column_count(size)))
    }

    fn render_if_changed_in(&mut self, now: Moment, size: Option<(usize, usize)>) -> Vec<u8> {
        let next = size.and_then(|size| self.draw(now, size));
        self.footer.render_replacing(next, (self.lines_entered(), column_count(size)))
    }

    fn lines_entered(&self) -> u64 {
        self.lines_entered.load(Ordering::Relaxed)
    }

    /// The bar of now, and below it what is being typed; none if there is no room.
    fn draw(&mut self, now: Moment, (width, rows): (usize, usize)) -> Option<FooterContent> {
        let bar = self.draw_bar(now, (width, rows));
        let typed = self.typed_line.as_ref().map(EditedLine::text).filter(|text| !text.is_empty());
        let Some(typed) = typed else { return bar };
        let mut row = StatusPanelLine::default();
        row.push(width, Style::new(), &visible_end(&typed, width));
        let above = bar.map_or_else(Vec::new, |bar| {
            let last = StatusPanelLine { columns: bar.columns, text: bar.text };
            bar.above.into_iter().chain([last]).collect()
        });
        let (columns, text) = (row.columns, row.text);
        let lines_entered = self.lines_entered();
        Some(FooterContent { columns, terminal_width: width, lines_entered, text, above })
    }

    /// The bar of now; none if there is no room for it.
    fn draw_bar(&mut self, now: Moment, (width, rows): (usize, usize)) -> Option<FooterContent> {
        let progress = self.latest_progress.get();
        let (done, all) = progress.as_ref().map_or((0, 0), |(_, progress)| progress.entries);
        let entries = format!("{done} of {all} entries");
        let now_text = format!("{:>7}", format_tenths(now));
        let (end_text, reached, end) = match self.end {
            Some(end) => (format!("{} s", format_tenths(end)), now.0.min(end.0), end.0),
            None => (entries.clone(), done as u64, all as u64),
        };
        // Two spaces before the bar, one after it and one at the end; and the last column stays free.
        let around = now_text.len() + end_text.len() + 5;
        let longest = width.saturating_sub(around + TYPING_COLUMNS).clamp(MIN_BAR_WIDTH, MAX_BAR_WIDTH);
        let way = width.checked_sub(around).filter(|way| *way >= MIN_BAR_WIDTH)?;
        let way =
            if width < around + TYPING_COLUMNS + MIN_BAR_WIDTH { way.min(MAX_BAR_WIDTH) } else { longest };
        let is_over = (u128::from(reached) * way as u128).checked_div(u128::from(end));
        let so_far = is_over.and_then(|so_far| usize::try_from(so_far).ok()).unwrap_or(way);
        let mut text = format!(
            "{DIM}{now_text}{DIM:#}  {DONE}{}{DONE:#}{DIM}{} {end_text}{DIM:#}",
            "━".repeat(so_far),
            "─".repeat(way - so_far)
        );
        let mut columns = around - 1 + way;
        let more = format!(" · {entries}");
        if self.end.is_some() && progress.is_some() && columns + more.chars().count() + TYPING_COLUMNS < width
        {
            columns += more.chars().count();
            text.push_str(&format!("{DIM}{more}{DIM:#}"));
        }
        text.push(' ');
        let above = match &progress {
            Some((_, progress)) if rows >= MIN_PANEL_ROWS => self.panel.render_lines(progress, now, width),
            _ => Vec::new(),
        };
        Some(FooterContent {
            columns,
            terminal_width: width,
            lines_entered: self.lines_entered(),
            text,
            above,
        })
    }
}

/// The row for what is being typed: all of it, or its end if it is longer than the terminal is wide.
fn visible_end(typed: &str, width: usize) -> String {
    let typed = sanitize(typed);
    // Some characters take two columns.
    let columns = |text: &str| text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum::<usize>();
    let room = width.saturating_sub(4);
    let start = typed.char_indices().map(|(at, _)| at).find(|at| columns(&typed[*at..]) <= room);
    match start {
        Some(0) => format!("> {typed}"),
        start => format!("> …{}", &typed[start.unwrap_or(typed.len())..]),
    }
}

fn column_count(size: Option<(usize, usize)>) -> usize {
    size.map_or(usize::MAX, |(columns, _)| columns)
}

/// Seconds with one decimal, cut and not rounded: no moment is shown before it has come.
pub(crate) fn format_tenths(moment: Moment) -> String {
    format!("{}.{}", moment.0 / NANOS_PER_SECOND, moment.0 % NANOS_PER_SECOND * 10 / NANOS_PER_SECOND)
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

    fn bar(entered: Arc<AtomicU64>) -> ProgressBar {
        ProgressBar::new(Some(Moment(10 * NANOS_PER_SECOND)), entered, LatestProgress::default())
    }

    #[test]
    fn it_stands_below_the_text_and_says_the_time_of_the_run() {
        let mut bar = bar(Arc::default());
        let shown = plain(bar.render_below_text_in(b"a\n", Moment(2_550_000_000), Some((35, 24))));
        assert_eq!(shown, "a\n    2.5  ━━━━───────────── 10.0 s ");
        assert_eq!(
            plain(bar.render_below_text_in(b"b\n", Moment(20 * NANOS_PER_SECOND), Some((35, 24))))
                .lines()
                .next(),
            Some("\r\x1b[Jb")
        );
        assert_eq!(plain(bar.render_removal()), "\r\x1b[J");
        assert!(bar.render_removal().is_empty());
    }

    #[test]
    fn it_is_written_anew_only_where_it_looks_different() {
        let mut bar = bar(Arc::default());
        bar.render_below_text_in(b"", Moment(0), Some((80, 24)));
        assert!(bar.render_if_changed_in(Moment(1), Some((80, 24))).is_empty());
        let moved = plain(bar.render_if_changed_in(Moment(NANOS_PER_SECOND), Some((80, 24))));
        assert!(moved.starts_with("\x1b7\r    1.0  ━━━━─") && moved.ends_with("\x1b8"), "{moved:?}");
        // In a terminal of half the width, the bar takes two rows.
        let narrow = plain(bar.render_if_changed_in(Moment(NANOS_PER_SECOND), Some((38, 24))));
        assert!(narrow.starts_with("\r\x1b[A\x1b[J    1.0  ━"), "{narrow:?}");
        assert_eq!(
            plain(bar.render_if_changed_in(Moment(NANOS_PER_SECOND), Some((10, 24)))),
            "\r\x1b[A\x1b[A\x1b[A\x1b[J"
        );
    }

    #[test]
    fn what_is_entered_leaves_no_bar_behind() {
        let entered = Arc::new(AtomicU64::new(3));
        let mut bar = bar(Arc::clone(&entered));
        bar.render_below_text_in(b"", Moment(0), Some((80, 24)));
        entered.store(5, Ordering::Relaxed);
        let shown = plain(bar.render_below_text_in(b"input 1\n", Moment(0), Some((80, 24))));
        assert!(shown.starts_with("\r\x1b[A\x1b[A\x1b[Jinput 1\n"), "{shown:?}");
        assert!(plain(bar.render_below_text_in(b"", Moment(0), Some((80, 24)))).starts_with("\r\x1b[J"));
    }

    #[test]
    fn it_never_fills_the_line() {
        for width in 0..200 {
            for end in [Moment(0), Moment(NANOS_PER_SECOND), Moment(u64::MAX)] {
                let mut bar = ProgressBar::new(Some(end), Arc::default(), LatestProgress::default());
                let shown = plain(bar.render_below_text_in(b"", Moment(12_345_678_901), Some((width, 24))));
                assert!(shown.chars().count() < width.max(1), "{width}: {shown}");
            }
        }
    }
}
