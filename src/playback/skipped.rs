//! The lines that a jump has passed over last: they are shown when it has arrived, so that one sees
//! where one is. Reads no log.

use std::collections::VecDeque;

use crate::terminal::event_lines::LineRenderer;
use scenario_log::reader::{LogLine, LogReadError};
use scenario_log::time::Moment;

use crate::playback::cursor::render_line;

/// The last lines, so many of them at most.
#[derive(Debug)]
pub(super) struct SkippedLines {
    max_lines: usize,
    lines: VecDeque<SkippedLine>,
}

#[derive(Debug, Default)]
struct SkippedLine {
    /// As the screen shows it, or as the log has it: most are never shown, and making text of a line
    /// costs many times what keeping it does.
    is_text: bool,
    bytes: Vec<u8>,
    number: u64,
    t: Moment,
}

impl SkippedLines {
    /// None yet, and `most` at most.
    pub(super) fn new(most: usize) -> SkippedLines {
        SkippedLines { max_lines: most, lines: VecDeque::new() }
    }

    /// Passes over a line. What the screen must know of it, it is told.
    pub(super) fn push(&mut self, line: &LogLine<'_>, screen: &mut LineRenderer) -> Result<(), LogReadError> {
        let oldest = if self.lines.len() < self.max_lines { None } else { self.lines.pop_front() };
        let mut kept = oldest.unwrap_or_default();
        kept.bytes.clear();
        (kept.number, kept.t) = (line.number, line.t);
        kept.is_text = LineRenderer::is_remembered(line.event_name());
        if kept.is_text {
            let mut text = String::from_utf8(std::mem::take(&mut kept.bytes)).unwrap_or_default();
            render_line(line.bytes, (line.number, line.t), screen, &mut text)?;
            kept.bytes = text.into_bytes();
        } else {
            kept.bytes.extend_from_slice(line.bytes);
        }
        self.lines.push_back(kept);
        Ok(())
    }

    /// Shows them.
    pub(super) fn render(&self, screen: &mut LineRenderer, out: &mut String) -> Result<(), LogReadError> {
        for kept in &self.lines {
            if kept.is_text {
                out.push_str(&String::from_utf8_lossy(&kept.bytes));
            } else {
                render_line(&kept.bytes, (kept.number, kept.t), screen, out)?;
            }
        }
        Ok(())
    }
}
