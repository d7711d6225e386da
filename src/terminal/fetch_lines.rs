//! The lines of `scenario fetch`: the mode, each start, each status, each size, and the duration.

use std::fmt::Write;

use crate::report::format::{format_span, pluralize};
use crate::terminal::event_lines::EventRenderer;
use scenario_core::engine::EngineStatus;
use scenario_log::event::{Event, RunSummary, Source};
use scenario_log::sanitize::{push_sanitized, push_sanitized_bytes};
use scenario_log::time::Moment;

/// Renders a line for each event of a request, and one for the end.
#[derive(Debug)]
pub struct FetchLineRenderer {
    sequential: bool,
    urls: usize,
    bytes: u64,
    successes: u64,
}

impl FetchLineRenderer {
    /// For this many URLs.
    #[must_use]
    pub fn new(urls: usize, sequential: bool) -> FetchLineRenderer {
        FetchLineRenderer { sequential, urls, bytes: 0, successes: 0 }
    }

    fn push_event(&mut self, out: &mut String, event: &Event<'_>) -> std::fmt::Result {
        match event {
            Event::RunStarted { .. } => {
                let mode = if self.sequential { "in sequence" } else { "at once" };
                writeln!(out, "{} {mode}", pluralize(self.urls as u64, "URL"))
            }
            Event::FetchStarted { source, url, .. } => {
                write!(out, "{source}  ")?;
                push_sanitized(out, url);
                out.push('\n');
                Ok(())
            }
            Event::FetchResponded { source, status, .. } => writeln!(out, "{source}  status {status}"),
            Event::FetchLine { source, text, .. } => {
                write!(out, "{source}  | ")?;
                push_sanitized_bytes(out, text);
                out.push('\n');
                Ok(())
            }
            Event::FetchFinished { source, fetched, ok, .. } => {
                self.bytes += fetched.bytes;
                self.successes += u64::from(*ok);
                let bytes = pluralize(fetched.bytes, "byte");
                writeln!(out, "{source}  {bytes} in {}", format_span(fetched.took))
            }
            Event::FetchFailed { source, kind, error, .. } => {
                write!(out, "{source}  failed ({}): ", kind.name())?;
                push_sanitized(out, error);
                out.push('\n');
                Ok(())
            }
            Event::RunFinished(summary) => self.push_summary(out, summary),
            Event::ClockTick { .. }
            | Event::SpawnStarted { .. }
            | Event::SpawnReady { .. }
            | Event::SpawnUnhealthy { .. }
            | Event::StopFailed { .. }
            | Event::SpawnRestarted { .. }
            | Event::SpawnSuspended { .. }
            | Event::SpawnResumed { .. }
            | Event::SpawnSampled { .. }
            | Event::StepEnded { .. }
            | Event::PlayerEnded { .. }
            | Event::Move { .. }
            | Event::Step { .. }
            | Event::Lines { .. }
            | Event::UnfinishedText { .. }
            | Event::LineMatched { .. }
            | Event::SpawnExited { .. }
            | Event::SpawnFailed { .. }
            | Event::TypedInput { .. }
            | Event::Mark { .. }
            | Event::EntrySkipped { .. }
            | Event::EntryRetried { .. }
            | Event::Sent { .. }
            | Event::Signalled { .. }
            | Event::Stopping { .. }
            | Event::RunPaused
            | Event::RunResumed { .. }
            | Event::PlayerJoined { .. }
            | Event::PlayerLeft { .. }
            | Event::WorldState { .. }
            | Event::LinkOpened { .. }
            | Event::LinkClosed { .. }
            | Event::LinkChanged { .. }
            | Event::Deadlock { .. }
            | Event::Expect(_) => Ok(()),
        }
    }

    fn push_summary(&self, out: &mut String, summary: &RunSummary) -> std::fmt::Result {
        let FetchLineRenderer { urls, bytes, successes: as_expected, .. } = self;
        let bytes = pluralize(*bytes, "byte");
        writeln!(out, "{as_expected} of {urls} fetched, {bytes}, in {}", format_span(summary.took))
    }
}

impl EventRenderer for FetchLineRenderer {
    fn render_event(&mut self, out: &mut String, _t: Moment, event: &Event<'_>, _budget: usize) -> u64 {
        let written = self.push_event(out, event);
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
        0
    }

    fn render_status(&self, _out: &mut String, _t: Moment, _status: &EngineStatus) {}

    fn render_note(&self, _out: &mut String, _t: Moment, _source: Source, _text: &str) {}

    fn render_answer(&self, _out: &mut String, _t: Moment, _line: &str) {}

    fn render_fetch_warning(&self, _out: &mut String, _t: Moment, _job: &str, _text: &str) {}

    fn render_dropped_pages(&self, _out: &mut String, _t: Moment, _count: u64) {}
}
