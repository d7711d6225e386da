//! The file of a trace: events in Google's Trace Event Format, in its JSON object form.
//!
//! Source: "Trace Event Format" (Chromium), as Perfetto's legacy importer reads it. Times are
//! microseconds with three decimals, so that no nanosecond is lost.

use std::fmt;
use std::io::{self, Write};

use serde_json::{Map, Value};

use scenario_log::sanitize::visible_json;
use scenario_log::time::{Moment, Span};

/// A track: a thread of a process, as the format calls them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Track {
    pub(super) pid: u64,
    pub(super) tid: u64,
}

/// A moment on a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) track: Track,
    pub(super) t: Moment,
}

/// What belongs to an event beside its place.
pub(super) type Args = Map<String, Value>;

/// Writes the file, event by event.
#[derive(Debug)]
pub(super) struct Page<W> {
    to: W,
    has_begun: bool,
}

/// Nanoseconds as microseconds.
struct Micros(u64);

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1_000, self.0 % 1_000)
    }
}

impl<W: Write> Page<W> {
    pub(super) fn new(to: W) -> Page<W> {
        Page { to, has_begun: false }
    }

    /// Something that took time.
    pub(super) fn slice(
        &mut self,
        name: &str,
        cat: &str,
        at: Point,
        took: Span,
        args: &Args,
    ) -> io::Result<()> {
        self.event("X", name, cat, at, format_args!(",\"dur\":{},\"args\":{}", Micros(took.0), json(args)))
    }

    /// Something that took none.
    pub(super) fn instant(&mut self, name: &str, cat: &str, at: Point, args: &Args) -> io::Result<()> {
        self.event("i", name, cat, at, format_args!(",\"s\":\"t\",\"args\":{}", json(args)))
    }

    /// An arrow from one point to another.
    pub(super) fn arrow(&mut self, name: &str, id: u64, from: Point, to: Point) -> io::Result<()> {
        self.event("s", name, "after", from, format_args!(",\"id\":{id}"))?;
        self.event("f", name, "after", to, format_args!(",\"id\":{id},\"bp\":\"e\""))
    }

    /// A figure that changes.
    pub(super) fn counter(&mut self, name: &str, at: Point, figure: u64) -> io::Result<()> {
        self.event("C", name, "rate", at, format_args!(",\"args\":{{\"count\":{figure}}}"))
    }

    /// What a process or track is called, or where it stands among the others.
    pub(super) fn name(&mut self, what: &str, track: Track, args: &Args) -> io::Result<()> {
        let at = Point { track, t: Moment::ZERO };
        self.event("M", what, "__metadata", at, format_args!(",\"args\":{}", json(args)))
    }

    fn event(
        &mut self,
        phase: &str,
        name: &str,
        cat: &str,
        at: Point,
        rest: fmt::Arguments<'_>,
    ) -> io::Result<()> {
        self.begin()?;
        let name = json(&Value::from(name));
        let Point { track: Track { pid, tid }, t } = at;
        let ts = Micros(t.0);
        write!(
            self.to,
            "{{\"ph\":\"{phase}\",\"name\":{name},\"cat\":\"{cat}\",\"pid\":{pid},\"tid\":{tid},\"ts\":{ts}{rest}}}"
        )
    }

    fn begin(&mut self) -> io::Result<()> {
        let start: &[u8] =
            if self.has_begun { b",\n" } else { b"{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n" };
        self.has_begun = true;
        self.to.write_all(start)
    }

    /// Writes the end.
    pub(super) fn finish(mut self) -> io::Result<()> {
        if !self.has_begun {
            self.to.write_all(b"{\"traceEvents\":[")?;
        }
        self.to.write_all(b"\n]}\n")?;
        self.to.flush()
    }
}

/// A value as JSON without anything that acts.
fn json<T: serde::Serialize>(value: &T) -> String {
    visible_json(&serde_json::to_string(value).unwrap_or_default())
}
