//! A log as a trace: tracks of what ran when, for Perfetto and its like.
//!
//! # How it works
//!
//! A preset is a process of the trace, and so is a job; the sources of each stand on as many tracks as
//! ran at once. A source becomes one complete event when it ends, so the file is not in the order of
//! time, which no reader asks for. What a source said and did are instants on its track, up to a
//! number, beyond which they are counted in its arguments; how many there were in each second is a
//! counter. An arrow leads from the moment that an entry waited for to what came of it.
//!
//! Written as the log is read: in memory that grows only with what runs at once.

mod args;
mod rates;
mod trace_file;
mod tracks;

use std::collections::HashMap;
use std::io::{self, Write};

use serde_json::{Value, json};

use crate::report::dependencies::EntryDependencies;
use crate::report::feed::{EventConsumer, LogEvent};
use crate::report::trace::args::{event_args, timings_json, truncate_bytes};
use crate::report::trace::rates::PerSecondCounts;
use crate::report::trace::trace_file::{TraceArgs, TraceFile, TracePoint, TraceTrack};
use crate::report::trace::tracks::{AllocatedTrack, TIMELINE_TRACK, TrackAllocator};
use scenario_log::event::{EntryName, Event, Source};
use scenario_log::time::{Moment, NANOS_PER_SECOND, Span};

/// How many instants a source has; what it does beyond is counted.
const MAX_INSTANTS: u64 = 1_000;

/// A source that runs.
#[derive(Debug)]
struct RunningSlice {
    process: String,
    track: TraceTrack,
    since: Moment,
    entry: Option<String>,
    args: TraceArgs,
    /// Instants so far, also those that are not written.
    instants: u64,
}

/// Writes the trace.
#[derive(Debug)]
pub struct TraceReport<W> {
    file: TraceFile<W>,
    tracks: TrackAllocator,
    dependencies: EntryDependencies<TracePoint>,
    arrows: u64,
    running: HashMap<Source, RunningSlice>,
    rates: PerSecondCounts,
    last_moment: Moment,
}

impl<W: Write> TraceReport<W> {
    /// A trace that is written there.
    pub fn new(to: W) -> TraceReport<W> {
        TraceReport {
            file: TraceFile::new(to),
            tracks: TrackAllocator::default(),
            dependencies: EntryDependencies::default(),
            arrows: 0,
            running: HashMap::new(),
            rates: PerSecondCounts::default(),
            last_moment: Moment::ZERO,
        }
    }

    /// Writes what is left: what has not ended, up to the log's end.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn finish(mut self) -> io::Result<()> {
        let mut left: Vec<Source> = self.running.keys().copied().collect();
        left.sort_unstable();
        for source in left {
            self.end(source, self.last_moment, event_args(json!({ "unfinished": true })))?;
        }
        self.write_counts_before(u64::MAX)?;
        self.file.finish()
    }

    fn begin(&mut self, name: &str, scenario: &str) -> io::Result<()> {
        self.dependencies = EntryDependencies::from_scenario(scenario);
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
    fn start(
        &mut self,
        (source, t): (Source, Moment),
        process: String,
        entry: Option<EntryName<'_>>,
        args: TraceArgs,
    ) -> io::Result<()> {
        let AllocatedTrack { track, is_new_process, is_new } = self.tracks.allocate(&process);
        if is_new_process {
            self.file.write_metadata(
                "process_name",
                track,
                &crate::report::trace::args::event_args(json!({ "name": process })),
            )?;
            self.file.write_metadata(
                "process_sort_index",
                track,
                &crate::report::trace::args::event_args(json!({ "sort_index": track.pid })),
            )?;
        }
        if is_new {
            self.file.write_metadata(
                "thread_name",
                track,
                &crate::report::trace::args::event_args(
                    json!({ "name": format!("{process} {}", track.tid) }),
                ),
            )?;
        }
        let entry = entry.map(|entry| entry.to_string());
        let at = TracePoint { track, t };
        self.write_arrow(entry.as_deref(), at)?;
        if let Some(entry) = &entry {
            self.dependencies.note_started(entry, at);
        }
        self.running.insert(source, RunningSlice { process, track, since: t, entry, args, instants: 0 });
        Ok(())
    }

    /// Draws the arrow to what came of an entry, if it has waited for something.
    fn write_arrow(&mut self, entry: Option<&str>, to: TracePoint) -> io::Result<()> {
        let Some(from) = entry.and_then(|entry| self.dependencies.take_moment(entry)) else { return Ok(()) };
        self.arrows += 1;
        self.file.write_arrow("after", self.arrows, from, to)
    }

    /// Ends a source.
    fn end(&mut self, source: Source, t: Moment, more: TraceArgs) -> io::Result<()> {
        let Some(running) = self.running.remove(&source) else {
            return self.file.write_instant(
                &source.to_string(),
                "failed",
                TracePoint { track: TIMELINE_TRACK, t },
                &more,
            );
        };
        let RunningSlice { process, track, since, entry, mut args, instants } = running;
        self.tracks.release(&process, track);
        let took = t.since(since);
        if let Some(entry) = entry {
            // An arrow begins within a slice, and the end of one is no longer in it.
            let t = if took > Span::ZERO { Moment(t.0 - 1) } else { t };
            self.dependencies.note_finished(&entry, TracePoint { track, t });
            args.insert("entry".to_owned(), Value::from(entry));
        }
        if instants > MAX_INSTANTS {
            args.insert("not_shown".to_owned(), Value::from(instants - MAX_INSTANTS));
        }
        args.extend(more);
        let cat = if matches!(source, Source::Spawn(_)) { "spawn" } else { "fetch" };
        self.file.write_slice(&source.to_string(), cat, TracePoint { track, t: since }, took, &args)
    }

    /// Something that a source did. Where it is one of many, only so many are written.
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
        self.file.write_instant(name, cat, TracePoint { track: running.track, t }, &args())
    }

    /// Something of the timeline, the clock or a person.
    fn add_timeline_instant(
        &mut self,
        t: Moment,
        name: &str,
        entry: Option<EntryName<'_>>,
        what: Value,
    ) -> io::Result<()> {
        let at = TracePoint { track: TIMELINE_TRACK, t };
        let entry = entry.map(|entry| entry.to_string());
        self.write_arrow(entry.as_deref(), at)?;
        if let Some(entry) = &entry {
            self.dependencies.note_started(entry, at);
            self.dependencies.note_finished(entry, at);
        }
        let mut args = event_args(what);
        args.extend(entry.map(|entry| ("entry".to_owned(), Value::from(entry))));
        self.file.write_instant(name, "timeline", at, &args)
    }

    /// Counts one more of something.
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

    fn on_spawn_event(&mut self, told: &LogEvent<'_, '_>, event: &Event<'_>) -> io::Result<()> {
        let t = told.t;
        match *event {
            Event::SpawnStarted { due, source, preset, entry, pid } => {
                let late = t.since(due).to_string();
                let args = event_args(json!({ "line": told.line, "late": late, "pid": pid }));
                self.start((source, t), format!("preset {preset}"), entry, args)
            }
            Event::SpawnReady { source } => {
                if let Some(RunningSlice { entry: Some(entry), track, .. }) = self.running.get(&source) {
                    self.dependencies.note_ready(entry, TracePoint { track: *track, t });
                }
                self.add_instant((source, t), "ready", false, TraceArgs::new)
            }
            Event::SpawnSuspended { source, signal } => {
                self.add_instant((source, t), "suspended", false, || {
                    event_args(json!({ "signal": signal.to_string() }))
                })
            }
            Event::SpawnResumed { source } => self.add_instant((source, t), "resumed", false, TraceArgs::new),
            Event::Move { source, player, direction, .. } => {
                self.count_one(t, "moves a second")?;
                let name = format!("{player} {}", direction.letter());
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
                if let Some(RunningSlice { entry: Some(entry), track, .. }) = self.running.get(&source) {
                    self.dependencies.note_line(entry, TracePoint { track: *track, t }, text);
                }
                self.add_instant((source, t), stream.name(), true, || {
                    event_args(json!({ "text": truncate_bytes(text) }))
                })
            }
            Event::SpawnExited { source, exit, ok, held, skipped, .. } => {
                let (exit, held, skipped) =
                    (exit.to_string(), held.then_some(true), (skipped > 0).then_some(skipped));
                let what = json!({ "exit": exit, "ok": ok, "held": held, "skipped": skipped });
                self.end(source, t, event_args(what))
            }
            Event::SpawnFailed { source, error, .. } if self.running.contains_key(&source) => {
                self.add_instant((source, t), "failed", false, || event_args(json!({ "error": error })))
            }
            Event::SpawnFailed { source, error, .. } => {
                self.end(source, t, event_args(json!({ "error": error })))
            }
            _ => Ok(()),
        }
    }

    fn on_fetch_event(&mut self, told: &LogEvent<'_, '_>, event: &Event<'_>) -> io::Result<()> {
        let t = told.t;
        match *event {
            Event::FetchStarted { due, source, job, entry, method, url } => {
                self.count_one(t, "requests a second")?;
                let late = t.since(due).to_string();
                let args =
                    event_args(json!({ "line": told.line, "late": late, "method": method, "url": url }));
                self.start((source, t), format!("fetch {job}"), entry, args)
            }
            Event::FetchResponded { source, status, version, .. } => {
                let what = || event_args(json!({ "status": status, "version": version }));
                self.add_instant((source, t), "responded", false, what)
            }
            Event::FetchLine { source, text, .. } => self.add_instant((source, t), "line", true, || {
                event_args(json!({ "text": truncate_bytes(text) }))
            }),
            Event::FetchFinished { source, fetched, ok } => {
                let what = json!({
                    "status": fetched.status,
                    "bytes": fetched.bytes,
                    "ok": ok,
                    "took": fetched.took.to_string(),
                    "check": fetched.check,
                    "timings": timings_json(&fetched.timings),
                });
                self.end(source, t, event_args(what))
            }
            Event::FetchFailed { source, kind, error, took } => {
                let took = took.to_string();
                self.end(
                    source,
                    t,
                    event_args(json!({ "kind": kind.name(), "error": error, "ok": false, "took": took })),
                )
            }
            _ => Ok(()),
        }
    }

    fn on_timeline_event(&mut self, t: Moment, event: &Event<'_>) -> io::Result<()> {
        match *event {
            Event::ClockTick { n, .. } => self.add_timeline_instant(t, &format!("tick {n}"), None, json!({})),
            Event::TypedInput { text, accepted, error } => self.add_timeline_instant(
                t,
                "input",
                None,
                json!({ "text": text, "accepted": accepted, "error": error }),
            ),
            Event::Mark { entry, text, .. } => self.add_timeline_instant(t, text, entry, json!({})),
            Event::Sent { source, entry, text, error, .. } => {
                let source = source.map(|source| source.to_string());
                self.add_timeline_instant(
                    t,
                    "sent",
                    entry,
                    json!({ "source": source, "text": text, "error": error }),
                )
            }
            Event::Stopping { source, entry, signal, reason, error, .. } => {
                let (source, signal) = (source.map(|s| s.to_string()), signal.map(|s| s.to_string()));
                let what = json!({ "source": source, "signal": signal, "reason": reason, "error": error });
                self.add_timeline_instant(t, "stopping", entry, what)
            }
            Event::PlayerJoined { source, player, .. } => {
                let what = json!({ "source": source.to_string() });
                self.add_timeline_instant(t, &format!("{player} joined"), None, what)
            }
            Event::PlayerLeft { source } => {
                self.add_timeline_instant(t, &format!("{source} left"), None, json!({}))
            }
            // With `broadcast = "0s"` there may be as many as moves.
            Event::WorldState { .. } => self.count_one(t, "states a second"),
            Event::Deadlock { waiting } => {
                let waiting: TraceArgs = waiting
                    .iter()
                    .map(|(player, lock)| (player.clone(), Value::from(lock.as_str())))
                    .collect();
                self.add_timeline_instant(t, "deadlock", None, json!({ "waiting": waiting }))
            }
            Event::RunPaused => self.add_timeline_instant(t, "paused", None, json!({})),
            Event::RunResumed { took } => {
                self.add_timeline_instant(t, "resumed", None, json!({ "took": took.to_string() }))
            }
            Event::Expect(expected) => {
                let what = json!({ "ok": expected.ok, "wanted": expected.wanted, "got": expected.got });
                self.add_timeline_instant(t, &expected.name, None, what)
            }
            Event::RunFinished(summary) => self.add_timeline_instant(
                t,
                summary.outcome.name(),
                None,
                json!({ "reason": summary.reason }),
            ),
            _ => Ok(()),
        }
    }
}

impl<W: Write> EventConsumer for TraceReport<W> {
    fn consume(&mut self, told: &LogEvent<'_, '_>, _bytes: &[u8]) -> io::Result<()> {
        self.last_moment = told.t;
        let Some(event) = told.event else { return Ok(()) };
        if let Event::RunStarted { name, scenario, .. } = *event {
            return self.begin(name, scenario);
        }
        self.on_spawn_event(told, event)?;
        self.on_fetch_event(told, event)?;
        self.on_timeline_event(told.t, event)
    }
}
