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
mod page;
mod rates;
mod tracks;

use std::collections::HashMap;
use std::io::{self, Write};

use serde_json::{Value, json};

use crate::report::dependencies::Waits;
use crate::report::feed::{Hear, Told};
use crate::report::trace::args::{args, short, timings};
use crate::report::trace::page::{Args, Page, Point, Track};
use crate::report::trace::rates::Rates;
use crate::report::trace::tracks::{TIMELINE, Taken, Tracks};
use scenario_log::event::{EntryName, Event, Source};
use scenario_log::time::{Moment, SECOND, Span};

/// How many instants a source has; what it does beyond is counted.
const INSTANTS: u64 = 1_000;

/// A source that runs.
#[derive(Debug)]
struct Running {
    process: String,
    track: Track,
    since: Moment,
    entry: Option<String>,
    args: Args,
    /// Instants so far, also those that are not written.
    instants: u64,
}

/// Writes the trace.
#[derive(Debug)]
pub struct Trace<W> {
    page: Page<W>,
    tracks: Tracks,
    waits: Waits<Point>,
    arrows: u64,
    running: HashMap<Source, Running>,
    rates: Rates,
    reached: Moment,
}

impl<W: Write> Trace<W> {
    /// A trace that is written there.
    pub fn new(to: W) -> Trace<W> {
        Trace {
            page: Page::new(to),
            tracks: Tracks::default(),
            waits: Waits::default(),
            arrows: 0,
            running: HashMap::new(),
            rates: Rates::default(),
            reached: Moment::ZERO,
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
            self.end(source, self.reached, args(json!({ "unfinished": true })))?;
        }
        self.count_up_to(u64::MAX)?;
        self.page.finish()
    }

    fn begin(&mut self, name: &str, scenario: &str) -> io::Result<()> {
        self.waits = Waits::of(scenario);
        self.page.name("process_name", TIMELINE, &args(json!({ "name": format!("run {name}") })))?;
        self.page.name("process_sort_index", TIMELINE, &args(json!({ "sort_index": 0 })))?;
        self.page.name("thread_name", TIMELINE, &args(json!({ "name": "timeline" })))
    }

    /// Begins a source on a track of its process.
    fn start(
        &mut self,
        (source, t): (Source, Moment),
        process: String,
        entry: Option<EntryName<'_>>,
        args: Args,
    ) -> io::Result<()> {
        let Taken { track, is_new_process, is_new } = self.tracks.take(&process);
        if is_new_process {
            self.page.name(
                "process_name",
                track,
                &crate::report::trace::args::args(json!({ "name": process })),
            )?;
            self.page.name(
                "process_sort_index",
                track,
                &crate::report::trace::args::args(json!({ "sort_index": track.pid })),
            )?;
        }
        if is_new {
            self.page.name(
                "thread_name",
                track,
                &crate::report::trace::args::args(json!({ "name": format!("{process} {}", track.tid) })),
            )?;
        }
        let entry = entry.map(|entry| entry.to_string());
        let at = Point { track, t };
        self.arrow(entry.as_deref(), at)?;
        if let Some(entry) = &entry {
            self.waits.started(entry, at);
        }
        self.running.insert(source, Running { process, track, since: t, entry, args, instants: 0 });
        Ok(())
    }

    /// Draws the arrow to what came of an entry, if it has waited for something.
    fn arrow(&mut self, entry: Option<&str>, to: Point) -> io::Result<()> {
        let Some(from) = entry.and_then(|entry| self.waits.take(entry)) else { return Ok(()) };
        self.arrows += 1;
        self.page.arrow("after", self.arrows, from, to)
    }

    /// Ends a source.
    fn end(&mut self, source: Source, t: Moment, more: Args) -> io::Result<()> {
        let Some(running) = self.running.remove(&source) else {
            return self.page.instant(&source.to_string(), "failed", Point { track: TIMELINE, t }, &more);
        };
        let Running { process, track, since, entry, mut args, instants } = running;
        self.tracks.give_back(&process, track);
        let took = t.since(since);
        if let Some(entry) = entry {
            // An arrow begins within a slice, and the end of one is no longer in it.
            let t = if took > Span::ZERO { Moment(t.0 - 1) } else { t };
            self.waits.finished(&entry, Point { track, t });
            args.insert("entry".to_owned(), Value::from(entry));
        }
        if instants > INSTANTS {
            args.insert("not_shown".to_owned(), Value::from(instants - INSTANTS));
        }
        args.extend(more);
        let cat = if matches!(source, Source::Spawn(_)) { "spawn" } else { "fetch" };
        self.page.slice(&source.to_string(), cat, Point { track, t: since }, took, &args)
    }

    /// Something that a source did. Where it is one of many, only so many are written.
    fn did(
        &mut self,
        (source, t): (Source, Moment),
        name: &str,
        is_one_of_many: bool,
        args: impl FnOnce() -> Args,
    ) -> io::Result<()> {
        let Some(running) = self.running.get_mut(&source) else { return Ok(()) };
        if is_one_of_many {
            running.instants += 1;
            if running.instants > INSTANTS {
                return Ok(());
            }
        }
        let cat = if matches!(source, Source::Spawn(_)) { "spawn" } else { "fetch" };
        self.page.instant(name, cat, Point { track: running.track, t }, &args())
    }

    /// Something of the timeline, the clock or a person.
    fn happened(
        &mut self,
        t: Moment,
        name: &str,
        entry: Option<EntryName<'_>>,
        what: Value,
    ) -> io::Result<()> {
        let at = Point { track: TIMELINE, t };
        let entry = entry.map(|entry| entry.to_string());
        self.arrow(entry.as_deref(), at)?;
        if let Some(entry) = &entry {
            self.waits.started(entry, at);
            self.waits.finished(entry, at);
        }
        let mut args = args(what);
        args.extend(entry.map(|entry| ("entry".to_owned(), Value::from(entry))));
        self.page.instant(name, "timeline", at, &args)
    }

    /// Counts one more of something.
    fn count(&mut self, t: Moment, what: &'static str) -> io::Result<()> {
        let second = t.0 / SECOND;
        self.count_up_to(second)?;
        self.rates.add(what);
        Ok(())
    }

    /// Writes the counts of the seconds before this one.
    fn count_up_to(&mut self, second: u64) -> io::Result<()> {
        for (second, what, count) in self.rates.pass_to(second) {
            let t = Moment(second.saturating_mul(SECOND));
            self.page.counter(what, Point { track: TIMELINE, t }, count)?;
        }
        Ok(())
    }

    fn spawn(&mut self, told: &Told<'_, '_>, event: &Event<'_>) -> io::Result<()> {
        let t = told.t;
        match *event {
            Event::SpawnStarted { due, source, preset, entry, pid } => {
                let late = t.since(due).to_string();
                let args = args(json!({ "line": told.line, "late": late, "pid": pid }));
                self.start((source, t), format!("preset {preset}"), entry, args)
            }
            Event::SpawnReady { source } => {
                if let Some(Running { entry: Some(entry), track, .. }) = self.running.get(&source) {
                    self.waits.ready(entry, Point { track: *track, t });
                }
                self.did((source, t), "ready", false, Args::new)
            }
            Event::SpawnSuspended { source, signal } => {
                self.did((source, t), "suspended", false, || args(json!({ "signal": signal.to_string() })))
            }
            Event::SpawnResumed { source } => self.did((source, t), "resumed", false, Args::new),
            Event::Move { source, player, direction, .. } => {
                self.count(t, "moves a second")?;
                let name = format!("{player} {}", direction.letter());
                self.did((source, t), &name, true, Args::new)
            }
            Event::Step { source, player, step, register, .. } => {
                self.count(t, "steps a second")?;
                let name = format!("{player} {}", short(step.as_bytes()));
                self.did((source, t), &name, true, || args(json!({ "register": register })))
            }
            Event::Lines { source, stream, chunk, .. } => {
                self.count(t, "lines a second")?;
                let text = chunk.strip_suffix(b"\n").unwrap_or(chunk);
                if let Some(Running { entry: Some(entry), track, .. }) = self.running.get(&source) {
                    self.waits.line(entry, Point { track: *track, t }, text);
                }
                self.did((source, t), stream.name(), true, || args(json!({ "text": short(text) })))
            }
            Event::SpawnExited { source, exit, ok, held, skipped, .. } => {
                let (exit, held, skipped) =
                    (exit.to_string(), held.then_some(true), (skipped > 0).then_some(skipped));
                let what = json!({ "exit": exit, "ok": ok, "held": held, "skipped": skipped });
                self.end(source, t, args(what))
            }
            Event::SpawnFailed { source, error, .. } if self.running.contains_key(&source) => {
                self.did((source, t), "failed", false, || args(json!({ "error": error })))
            }
            Event::SpawnFailed { source, error, .. } => self.end(source, t, args(json!({ "error": error }))),
            _ => Ok(()),
        }
    }

    fn fetch(&mut self, told: &Told<'_, '_>, event: &Event<'_>) -> io::Result<()> {
        let t = told.t;
        match *event {
            Event::FetchStarted { due, source, job, entry, method, url } => {
                self.count(t, "requests a second")?;
                let late = t.since(due).to_string();
                let args = args(json!({ "line": told.line, "late": late, "method": method, "url": url }));
                self.start((source, t), format!("fetch {job}"), entry, args)
            }
            Event::FetchResponded { source, status, version, .. } => {
                let what = || args(json!({ "status": status, "version": version }));
                self.did((source, t), "responded", false, what)
            }
            Event::FetchLine { source, text, .. } => {
                self.did((source, t), "line", true, || args(json!({ "text": short(text) })))
            }
            Event::FetchFinished { source, fetched, ok } => {
                let what = json!({
                    "status": fetched.status,
                    "bytes": fetched.bytes,
                    "ok": ok,
                    "took": fetched.took.to_string(),
                    "check": fetched.check,
                    "timings": timings(&fetched.timings),
                });
                self.end(source, t, args(what))
            }
            Event::FetchFailed { source, kind, error, took } => {
                let took = took.to_string();
                self.end(
                    source,
                    t,
                    args(json!({ "kind": kind.name(), "error": error, "ok": false, "took": took })),
                )
            }
            _ => Ok(()),
        }
    }

    fn timeline(&mut self, t: Moment, event: &Event<'_>) -> io::Result<()> {
        match *event {
            Event::ClockTick { n, .. } => self.happened(t, &format!("tick {n}"), None, json!({})),
            Event::Input { text, accepted, error } => {
                self.happened(t, "input", None, json!({ "text": text, "accepted": accepted, "error": error }))
            }
            Event::Mark { entry, text, .. } => self.happened(t, text, entry, json!({})),
            Event::Sent { source, entry, text, error, .. } => {
                let source = source.map(|source| source.to_string());
                self.happened(t, "sent", entry, json!({ "source": source, "text": text, "error": error }))
            }
            Event::Stopping { source, entry, signal, reason, error, .. } => {
                let (source, signal) = (source.map(|s| s.to_string()), signal.map(|s| s.to_string()));
                let what = json!({ "source": source, "signal": signal, "reason": reason, "error": error });
                self.happened(t, "stopping", entry, what)
            }
            Event::PlayerJoined { source, player, .. } => {
                let what = json!({ "source": source.to_string() });
                self.happened(t, &format!("{player} joined"), None, what)
            }
            Event::PlayerLeft { source } => self.happened(t, &format!("{source} left"), None, json!({})),
            // With `broadcast = "0s"` there may be as many as moves.
            Event::WorldState { .. } => self.count(t, "states a second"),
            Event::Deadlock { waiting } => {
                let waiting: Args = waiting
                    .iter()
                    .map(|(player, lock)| (player.clone(), Value::from(lock.as_str())))
                    .collect();
                self.happened(t, "deadlock", None, json!({ "waiting": waiting }))
            }
            Event::RunPaused => self.happened(t, "paused", None, json!({})),
            Event::RunResumed { took } => {
                self.happened(t, "resumed", None, json!({ "took": took.to_string() }))
            }
            Event::Expect(expected) => {
                let what = json!({ "ok": expected.ok, "wanted": expected.wanted, "got": expected.got });
                self.happened(t, &expected.name, None, what)
            }
            Event::RunFinished(summary) => {
                self.happened(t, summary.outcome.name(), None, json!({ "reason": summary.reason }))
            }
            _ => Ok(()),
        }
    }
}

impl<W: Write> Hear for Trace<W> {
    fn hear(&mut self, told: &Told<'_, '_>, _bytes: &[u8]) -> io::Result<()> {
        self.reached = told.t;
        let Some(event) = told.event else { return Ok(()) };
        if let Event::RunStarted { name, scenario, .. } = *event {
            return self.begin(name, scenario);
        }
        self.spawn(told, event)?;
        self.fetch(told, event)?;
        self.timeline(told.t, event)
    }
}
