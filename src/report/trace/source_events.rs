//! The events of a source between its start and its end: instants on its track, and moments that entries
//! wait for.

use std::io::{self, Write};

use serde_json::json;

use crate::report::feed::LogEvent;
use crate::report::trace::TraceReport;
use crate::report::trace::args::{event_args, truncate_bytes};
use crate::report::trace::arrows::TraceMoment;
use crate::report::trace::trace_file::{TraceArgs, TracePoint};
use scenario_log::event::{Event, Source};

impl<W: Write> TraceReport<W> {
    /// Takes an event of a source between its start and its end.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the caller has chosen the events")]
    pub(super) fn on_source_event(&mut self, logged: &LogEvent<'_, '_>, event: &Event<'_>) -> io::Result<()> {
        let t = logged.t;
        match *event {
            Event::SpawnReady { source } => {
                if let Some((entry, at)) = self.entry_point(logged, source) {
                    self.dependencies.note_ready(entry, at);
                }
                self.add_instant((source, t), "ready", false, TraceArgs::new)
            }
            Event::SpawnUnhealthy { source, failures, last_try } => {
                let args = || event_args(json!({ "failures": failures, "last_try": last_try }));
                self.add_instant((source, t), "unhealthy", false, args)
            }
            Event::StopFailed { source, error, .. } => {
                let args = || event_args(json!({ "error": error }));
                self.add_instant((source, t), "stop.failed", false, args)
            }
            Event::SpawnSuspended { source, signal } => {
                let args = || event_args(json!({ "signal": signal.to_string() }));
                self.add_instant((source, t), "suspended", false, args)
            }
            Event::SpawnResumed { source } => self.add_instant((source, t), "resumed", false, TraceArgs::new),
            Event::SpawnSampled { source, memory, .. } => match self.running.get(&source) {
                Some(running) => {
                    let at = TracePoint { track: running.track, t };
                    self.file.write_counter(&format!("bytes of memory of {source}"), at, memory)
                }
                None => Ok(()),
            },
            Event::Move { source, player, direction, .. } => {
                self.count_one(t, "moves a second")?;
                let name = format!("{player} {}", direction.word());
                self.add_instant((source, t), &name, true, TraceArgs::new)
            }
            Event::Step { source, player, step, register, .. } => {
                self.count_one(t, "steps a second")?;
                let name = format!("{player} {}", truncate_bytes(step.as_bytes()));
                self.add_instant((source, t), &name, true, || event_args(json!({ "register": register })))
            }
            Event::Lines { source, stream, chunk, .. } => {
                self.count_one(t, "lines a second")?;
                let text = chunk.strip_suffix(b"\n").unwrap_or(chunk);
                if let Some((entry, at)) = self.entry_point(logged, source) {
                    self.dependencies.note_line(entry, at, text);
                }
                self.add_instant((source, t), stream.name(), true, || {
                    event_args(json!({ "text": truncate_bytes(text) }))
                })
            }
            Event::FetchResponded { source, status, version, .. } => {
                let args = || event_args(json!({ "status": status, "version": version }));
                self.add_instant((source, t), "responded", false, args)
            }
            Event::FetchLine { source, text, .. } => {
                let args = || event_args(json!({ "text": truncate_bytes(text) }));
                self.add_instant((source, t), "line", true, args)
            }
            _ => Ok(()),
        }
    }

    /// The entry of a source that runs, and the point of this event on its track.
    fn entry_point<'a>(&self, logged: &LogEvent<'a, '_>, source: Source) -> Option<(&'a str, TraceMoment)> {
        let entry = logged.origin?.group.entry.as_deref()?;
        let track = self.running.get(&source)?.track;
        Some((entry, TraceMoment { at: TracePoint { track, t: logged.t }, source: Some(source) }))
    }
}
