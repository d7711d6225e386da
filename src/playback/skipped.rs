//! The last lines that a jump has skipped. They are shown when it arrives, so that one sees what came just
//! before. Reads no log.

use std::collections::VecDeque;

use crate::terminal::event_lines::LineRenderer;
use scenario_log::reader::{LogLine, LogReadError};
use scenario_log::time::Moment;

use crate::playback::line_text::render_line;

/// The last lines, up to a limit.
#[derive(Debug)]
pub(super) struct SkippedLines {
    max_lines: usize,
    lines: VecDeque<SkippedLine>,
}

#[derive(Debug, Default)]
struct SkippedLine {
    /// Whether `bytes` are the screen's text, not the log's line. Most skipped lines are never shown, and
    /// rendering a line costs many times more than copying it.
    is_text: bool,
    bytes: Vec<u8>,
    number: u64,
    t: Moment,
}

impl SkippedLines {
    /// An empty list for up to `max_lines` lines.
    pub(super) fn new(max_lines: usize) -> SkippedLines {
        SkippedLines { max_lines, lines: VecDeque::new() }
    }

    /// Adds a line. The renderer processes it now if it must remember something of it.
    pub(super) fn push(
        &mut self,
        line: &LogLine<'_>,
        renderer: &mut LineRenderer,
    ) -> Result<(), LogReadError> {
        let oldest = if self.lines.len() < self.max_lines { None } else { self.lines.pop_front() };
        let mut kept = oldest.unwrap_or_default();
        kept.bytes.clear();
        (kept.number, kept.t) = (line.number, line.t);
        kept.is_text = LineRenderer::is_remembered(line.event_name());
        if kept.is_text {
            let mut text = String::from_utf8(std::mem::take(&mut kept.bytes)).unwrap_or_default();
            render_line(line.bytes, (line.number, line.t), renderer, &mut text)?;
            kept.bytes = text.into_bytes();
        } else {
            kept.bytes.extend_from_slice(line.bytes);
        }
        self.lines.push_back(kept);
        Ok(())
    }

    /// Appends the text of all lines.
    pub(super) fn render(&self, renderer: &mut LineRenderer, out: &mut String) -> Result<(), LogReadError> {
        for kept in &self.lines {
            if kept.is_text {
                out.push_str(&String::from_utf8_lossy(&kept.bytes));
            } else {
                render_line(&kept.bytes, (kept.number, kept.t), renderer, out)?;
            }
        }
        Ok(())
    }
}
