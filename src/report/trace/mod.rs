//! A log as a trace: tracks of what ran when, for Perfetto and similar viewers.
//!
//! # How it works
//!
//! A preset is a process of the trace, and so is a job. The sources of each are on as many tracks as ran at
//! once. A source becomes one complete event when it ends, so the file is not in the order of time, which
//! no reader requires. The actions and lines of a source are instants on its track, up to a limit; beyond
//! that, they are counted in its arguments. How many there were in each second is a counter. An arrow leads
//! from the moment that an entry waited for to the first effect of the entry.
//!
//! It is written while the log is read, in memory that grows only with what runs at once.

mod args;
mod arrows;
mod rates;
mod source_events;
mod timeline_instant;
mod trace_file;
mod tracks;

use std::collections::HashMap;
use std::io::{self, Write};

use serde_json::{Value, json};

use crate::report::dependencies::EntryDependencies;
use crate::report::feed::{EventConsumer, LogEvent};
use crate::report::origins::{OriginKind, SourceOrigin};
use crate::report::trace::args::{event_args, timings_json};
use crate::report::trace::arrows::{TraceMoment, WaitingRecords};
use crate::report::trace::rates::PerSecondCounts;
use crate::report::trace::timeline_instant::timeline_instant;
use crate::report::trace::trace_file::{ArrowEnd, TraceArgs, TraceFile, TracePoint, TraceRecord, TraceTrack};
use crate::report::trace::tracks::{AllocatedTrack, TIMELINE_TRACK, TrackAllocator};
use scenario_log::event::{EntryName, Event, LimitKind, Source, SpawnExit};
use scenario_log::time::{Moment, NANOS_PER_SECOND, Span};

/// How many frequent instants of a source are written; the others are counted.
const MAX_INSTANTS: u64 = 1_000;

#[derive(Debug)]
struct RunningSlice {
    track: TraceTrack,
    args: TraceArgs,
    /// Frequent instants so far, including those that are not written.
    instants: u64,
}

/// Writes the trace.
#[derive(Debug)]
pub struct TraceReport<W> {
    file: TraceFile<W>,
    tracks: TrackAllocator,
    dependencies: EntryDependencies<TraceMoment>,
    arrows: u64,
    waiting: WaitingRecords,
    running: HashMap<Source, RunningSlice>,
    rates: PerSecondCounts,
    last_moment: Moment,
}

impl<W: Write> TraceReport<W> {
    /// A trace that will be written to `to`.
    pub fn new(to: W) -> TraceReport<W> {
        TraceReport {
            file: TraceFile::new(to),
            tracks: TrackAllocator::default(),
            dependencies: EntryDependencies::default(),
            arrows: 0,
            waiting: WaitingRecords::default(),
            running: HashMap::new(),
            rates: PerSecondCounts::default(),
            last_moment: Moment::ZERO,
        }
    }

    /// Writes the last counts and the end of the file.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn finish(mut self) -> io::Result<()> {
        self.waiting.flush(&mut self.file)?;
        self.write_counts_before(u64::MAX)?;
        self.file.finish()
    }

    fn begin(&mut self, name: &str, scenario: &str) -> io::Result<()> {
        self.dependencies = EntryDependencies::from_logged(scenario);
        self.file.write_metadata(
            "process_name",
            TIMELINE_TRACK,
            &event_args(json!({ "name": format!("run {name}") })),
        )?;
        self.file.write_metadata(
            "process_sort_index",
            TIMELINE_TRACK,
            &event_args(json!({ "sort_index": 0 })),
        )?;
        self.file.write_metadata("thread_name", TIMELINE_TRACK, &event_args(json!({ "name": "timeline" })))
    }

    /// Begins a source on a track of its process.
    fn start(&mut self, logged: &LogEvent<'_, '_>, source: Source, args: TraceArgs) -> io::Result<()> {
        let LogEvent { t, origin: Some(origin), .. } = *logged else { return Ok(()) };
        let process = process_name(origin);
        let AllocatedTrack { track, is_new_process, is_new } = self.tracks.allocate(&process);
        if is_new_process {
            let sort_index = event_args(json!({ "sort_index": track.pid }));
            self.file.write_metadata("process_name", track, &event_args(json!({ "name": process })))?;
            self.file.write_metadata("process_sort_index", track, &sort_index)?;
        }
        if is_new {
            let name = event_args(json!({ "name": format!("{process} {}", track.tid) }));
            self.file.write_metadata("thread_name", track, &name)?;
        }
        if let Some(entry) = &origin.group.entry {
            let at = TracePoint { track, t };
            if let Some((arrow, _)) = self.begin_arrow(entry)? {
                let end = TraceRecord::ArrowEnd { end: ArrowEnd::To, arrow, at };
                self.waiting.begin_group(t, Some(source), vec![end]);
            }
            self.dependencies.note_started(entry, TraceMoment { at, source: Some(source) });
        }
        self.running.insert(source, RunningSlice { track, args, instants: 0 });
        Ok(())
    }

    /// Begins the arrow to the first effect of an entry, if the entry waited for something. Returns its
    /// number, and whether its start waits: its end must come after the effect and after its start.
    fn begin_arrow(&mut self, entry: &str) -> io::Result<Option<(u64, bool)>> {
        let Some(awaited) = self.dependencies.take_moment(entry) else { return Ok(None) };
        self.arrows += 1;
        let waits = self.waiting.write_origin(self.arrows, &awaited, entry, &mut self.file)?;
        Ok(Some((self.arrows, waits)))
    }

    /// Ends a source.
    fn end(
        &mut self,
        (source, t): (Source, Moment),
        origin: Option<&SourceOrigin>,
        more: TraceArgs,
    ) -> io::Result<()> {
        let (Some(running), Some(origin)) = (self.running.remove(&source), origin) else { return Ok(()) };
        let RunningSlice { track, mut args, instants } = running;
        self.tracks.release(&process_name(origin), track);
        let (start, took) = (TracePoint { track, t: origin.started }, t.since(origin.started));
        if let Some(entry) = &origin.group.entry {
            // A moment at the end of a slice is outside of it.
            let at = TracePoint { track, t: if took > Span::ZERO { Moment(t.0 - 1) } else { t } };
            self.dependencies.note_finished(entry, TraceMoment { at, source: Some(source) });
            args.insert("entry".to_owned(), Value::from(entry.as_str()));
        }
        if instants > MAX_INSTANTS {
            args.insert("not_shown".to_owned(), Value::from(instants - MAX_INSTANTS));
        }
        args.extend(more);
        let cat = if matches!(source, Source::Spawn(_)) { "spawn" } else { "fetch" };
        let slice = TraceRecord::Slice { name: source.to_string(), cat, at: start, took, args };
        self.waiting.write_slice(source, slice, &mut self.file)
    }

    /// Notes how the source ended whose end was written last.
    fn note_outcome(&mut self, origin: Option<&SourceOrigin>, ok: bool, exit: Option<SpawnExit>) {
        let Some(origin) = origin else { return };
        if let Some(entry) = &origin.group.entry {
            self.dependencies.note_outcome(entry, ok && origin.failure.is_none(), exit);
        }
    }

    /// Adds a spawn that could not start, as an instant on the timeline's track.
    fn add_unstarted(
        &mut self,
        (source, t): (Source, Moment),
        origin: Option<&SourceOrigin>,
        error: &str,
    ) -> io::Result<()> {
        let group = origin.map(|origin| &origin.group);
        let args = json!({ "preset": group.map(|group| &group.name), "error": error });
        let entry = group.and_then(|group| group.entry_name());
        self.write_timeline_instant((t, entry), (source.to_string(), "failed"), args)
    }

    /// Adds an instant to the track of a source. Of frequent ones, only the first are written.
    fn add_instant(
        &mut self,
        (source, t): (Source, Moment),
        name: &str,
        is_one_of_many: bool,
        args: impl FnOnce() -> TraceArgs,
    ) -> io::Result<()> {
        let Some(running) = self.running.get_mut(&source) else { return Ok(()) };
        if is_one_of_many {
            running.instants += 1;
            if running.instants > MAX_INSTANTS {
                return Ok(());
            }
        }
        let cat = if matches!(source, Source::Spawn(_)) { "spawn" } else { "fetch" };
        let at = TracePoint { track: running.track, t };
        let instant = TraceRecord::Instant { name: name.to_owned(), cat, at, args: args() };
        self.waiting.write(Some(source), instant, &mut self.file)
    }

    /// Writes an instant on the timeline's track: a moment of an entry, if one is given.
    fn write_timeline_instant(
        &mut self,
        (t, entry): (Moment, Option<EntryName<'_>>),
        (name, cat): (String, &'static str),
        what: Value,
    ) -> io::Result<()> {
        let at = TracePoint { track: TIMELINE_TRACK, t };
        let entry = entry.map(|entry| entry.to_string());
        let arrow = entry.as_deref().map_or(Ok(None), |entry| self.begin_arrow(entry))?;
        if let Some(entry) = &entry {
            let moment = TraceMoment { at, source: None };
            self.dependencies.note_started(entry, moment);
            self.dependencies.note_finished(entry, moment);
        }
        let mut args = event_args(what);
        args.extend(entry.map(|entry| ("entry".to_owned(), Value::from(entry))));
        let instant = TraceRecord::Instant { name, cat, at, args };
        let Some((arrow, waits)) = arrow else { return self.file.write(&instant) };
        let end = TraceRecord::ArrowEnd { end: ArrowEnd::To, arrow, at };
        if waits {
            self.waiting.begin_group(t, None, vec![instant, end]);
            return Ok(());
        }
        self.file.write(&instant)?;
        self.file.write(&end)
    }

    /// Counts one more event of a kind.
    fn count_one(&mut self, t: Moment, what: &'static str) -> io::Result<()> {
        let second = t.0 / NANOS_PER_SECOND;
        self.write_counts_before(second)?;
        self.rates.add(what);
        Ok(())
    }

    /// Writes the counts of the seconds before this one.
    fn write_counts_before(&mut self, second: u64) -> io::Result<()> {
        for (second, what, count) in self.rates.advance_to(second) {
            let t = Moment(second.saturating_mul(NANOS_PER_SECOND));
            self.file.write_counter(what, TracePoint { track: TIMELINE_TRACK, t }, count)?;
        }
        Ok(())
    }

    fn on_event(&mut self, logged: &LogEvent<'_, '_>, event: &Event<'_>) -> io::Result<()> {
        let LogEvent { t, line, origin, .. } = *logged;
        match *event {
            Event::RunStarted { name, scenario, .. } => self.begin(name, scenario),
            Event::SpawnStarted { due, source, pid, .. } => self.start(
                logged,
                source,
                event_args(json!({ "line": line, "late": t.since(due).to_string(), "pid": pid })),
            ),
            Event::FetchStarted { due, source, method, url, .. } => {
                self.count_one(t, "requests a second")?;
                let late = t.since(due).to_string();
                let args = json!({ "line": line, "late": late, "method": method, "url": url });
                self.start(logged, source, event_args(args))
            }
            Event::SpawnReady { .. }
            | Event::SpawnUnhealthy { .. }
            | Event::StopFailed { .. }
            | Event::SpawnSuspended { .. }
            | Event::SpawnResumed { .. }
            | Event::SpawnSampled { .. }
            | Event::StepEnded { .. }
            | Event::PlayerEnded { .. }
            | Event::Move { .. }
            | Event::Step { .. }
            | Event::Lines { .. }
            | Event::FetchResponded { .. }
            | Event::FetchLine { .. } => self.on_source_event(logged, event),
            Event::SpawnExited { source, exit, ok, held, killed, skipped, usage, .. } => {
                let (held, killed) = (held.then_some(true), killed.then_some(true));
                let (shown, skipped) = (exit.to_string(), (skipped > 0).then_some(skipped));
                let args = json!({
                    "exit": shown,
                    "ok": ok,
                    "held": held,
                    "killed": killed,
                    "skipped": skipped,
                    "cpu": usage.cpu.map(|cpu| cpu.to_string()),
                    "peak_memory": usage.peak_memory,
                    "exceeded": usage.exceeded.map(LimitKind::name),
                });
                self.end((source, t), origin, event_args(args))?;
                self.note_outcome(origin, ok, Some(exit));
                Ok(())
            }
            Event::SpawnFailed { source, error, .. } => match origin {
                Some(origin) if origin.has_started => {
                    let args = || event_args(json!({ "error": error }));
                    self.add_instant((source, t), "failed", false, args)
                }
                _ => {
                    self.add_unstarted((source, t), origin, error)?;
                    self.note_outcome(origin, false, None);
                    Ok(())
                }
            },
            Event::FetchFinished { source, fetched, ok, .. } => {
                let args = json!({
                    "status": fetched.status,
                    "bytes": fetched.bytes,
                    "ok": ok,
                    "took": fetched.took.to_string(),
                    "check": fetched.check,
                    "timings": timings_json(&fetched.timings),
                });
                self.end((source, t), origin, event_args(args))?;
                self.note_outcome(origin, ok, None);
                Ok(())
            }
            Event::FetchFailed { source, kind, error, took, .. } => {
                let took = took.to_string();
                let args = json!({ "kind": kind.name(), "error": error, "ok": false, "took": took });
                self.end((source, t), origin, event_args(args))?;
                self.note_outcome(origin, false, None);
                Ok(())
            }
            // With `broadcast = "0s"` there may be as many as moves.
            Event::WorldState { .. } => self.count_one(t, "states a second"),
            Event::ClockTick { .. }
            | Event::UnfinishedText { .. }
            | Event::LineMatched { .. }
            | Event::TypedInput { .. }
            | Event::Mark { .. }
            | Event::EntrySkipped { .. }
            | Event::EntryRetried { .. }
            | Event::Sent { .. }
            | Event::SpawnRestarted { .. }
            | Event::LinkOpened { .. }
            | Event::LinkClosed { .. }
            | Event::LinkChanged { .. }
            | Event::Signalled { .. }
            | Event::Stopping { .. }
            | Event::RunPaused
            | Event::RunResumed { .. }
            | Event::PlayerJoined { .. }
            | Event::PlayerLeft { .. }
            | Event::Deadlock { .. }
            | Event::Expect(_)
            | Event::RunFinished(_) => match timeline_instant(event) {
                Some((name, args)) => {
                    // No arrow leads to an entry that does not happen, or to a further try.
                    let entry = event.entry().filter(|_| {
                        !matches!(event, Event::EntrySkipped { .. } | Event::EntryRetried { .. })
                    });
                    self.write_timeline_instant((t, entry), (name, "timeline"), args)
                }
                None => Ok(()),
            },
        }
    }
}

fn process_name(origin: &SourceOrigin) -> String {
    match origin.group.kind {
        OriginKind::Preset => format!("preset {}", origin.group.name),
        OriginKind::Job => format!("fetch {}", origin.group.name),
    }
}

impl<W: Write> EventConsumer for TraceReport<W> {
    fn consume(&mut self, logged: &LogEvent<'_, '_>, _bytes: &[u8]) -> io::Result<()> {
        self.last_moment = logged.t;
        self.waiting.advance(logged.t, &mut self.file)?;
        logged.event.map_or(Ok(()), |event| self.on_event(logged, event))
    }

    fn consume_unended(&mut self, source: Source, origin: &SourceOrigin) -> io::Result<()> {
        let args = event_args(json!({ "unfinished": true }));
        self.end((source, self.last_moment), Some(origin), args)
    }
}
