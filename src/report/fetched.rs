//! What `scenario fetch` prints: the mode, each start, each status, each size, and the duration.

use std::fmt::Write;

use crate::terminal::event_lines::{Render, counted, short};
use scenario_core::engine::Status;
use scenario_log::event::{Event, Source, Summary};
use scenario_log::sanitize::{push_visible, push_visible_bytes};
use scenario_log::time::Moment;

/// A line for each event of a request, and one for the end.
#[derive(Debug)]
pub struct Fetched {
    sequential: bool,
    urls: usize,
    bytes: u64,
    as_expected: u64,
}

impl Fetched {
    /// For so many URLs.
    #[must_use]
    pub fn new(urls: usize, sequential: bool) -> Fetched {
        Fetched { sequential, urls, bytes: 0, as_expected: 0 }
    }

    fn event(&mut self, out: &mut String, event: &Event<'_>) -> std::fmt::Result {
        match event {
            Event::RunStarted { .. } => {
                let mode = if self.sequential { "in sequence" } else { "at once" };
                writeln!(out, "{} {mode}", counted(self.urls as u64, "URL"))
            }
            Event::FetchStarted { source, url, .. } => {
                write!(out, "{source}  ")?;
                push_visible(out, url);
                out.push('\n');
                Ok(())
            }
            Event::FetchResponded { source, status, .. } => writeln!(out, "{source}  status {status}"),
            Event::FetchLine { source, text, .. } => {
                write!(out, "{source}  | ")?;
                push_visible_bytes(out, text);
                out.push('\n');
                Ok(())
            }
            Event::FetchFinished { source, fetched, ok } => {
                self.bytes += fetched.bytes;
                self.as_expected += u64::from(*ok);
                let bytes = counted(fetched.bytes, "byte");
                writeln!(out, "{source}  {bytes} in {}", short(fetched.took))
            }
            Event::FetchFailed { source, kind, error, .. } => {
                write!(out, "{source}  failed ({}): ", kind.name())?;
                push_visible(out, error);
                out.push('\n');
                Ok(())
            }
            Event::RunFinished(summary) => self.summary(out, summary),
            _ => Ok(()),
        }
    }

    fn summary(&self, out: &mut String, summary: &Summary) -> std::fmt::Result {
        let Fetched { urls, bytes, as_expected, .. } = self;
        let bytes = counted(*bytes, "byte");
        writeln!(out, "{as_expected} of {urls} fetched, {bytes}, in {}", short(summary.took))
    }
}

impl Render for Fetched {
    fn show(&mut self, out: &mut String, _t: Moment, event: &Event<'_>, _budget: usize) -> u64 {
        let written = self.event(out, event);
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
        0
    }

    fn status(&self, _out: &mut String, _t: Moment, _status: &Status) {}

    fn note(&self, _out: &mut String, _t: Moment, _source: Source, _text: &str) {}

    fn word(&self, _out: &mut String, _t: Moment, _job: &str, _text: &str) {}

    fn dropped_pages(&self, _out: &mut String, _t: Moment, _count: u64) {}
}
