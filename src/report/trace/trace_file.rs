//! The file of a trace: events in Google's Trace Event Format, in its JSON object form.
//!
//! Source: "Trace Event Format" (Chromium), as Perfetto's legacy importer reads it. Times are
//! microseconds with three decimals, so that no nanosecond is lost.

use std::fmt;
use std::io::{self, Write};

use serde_json::{Map, Value};

use scenario_log::sanitize::sanitize_json;
use scenario_log::time::{Moment, Span};

/// A track: in the format's words, a thread of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TraceTrack {
    pub(super) pid: u64,
    pub(super) tid: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TracePoint {
    pub(super) track: TraceTrack,
    pub(super) t: Moment,
}

/// The ends of an arrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ArrowEnd {
    From,
    To,
}

/// A record of a track.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum TraceRecord {
    /// An event with a duration.
    Slice { name: String, cat: &'static str, at: TracePoint, took: Span, args: TraceArgs },
    /// An event without a duration.
    Instant { name: String, cat: &'static str, at: TracePoint, args: TraceArgs },
    /// An end of an arrow. It belongs to a slice or instant of the same track.
    ArrowEnd { end: ArrowEnd, arrow: u64, at: TracePoint },
}

/// Everything of an event beside its name and place.
pub(super) type TraceArgs = Map<String, Value>;

/// Writes the file, event by event.
#[derive(Debug)]
pub(super) struct TraceFile<W> {
    output: W,
    has_begun: bool,
}

/// Nanoseconds, displayed as microseconds.
struct Micros(u64);

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1_000, self.0 % 1_000)
    }
}

impl<W: Write> TraceFile<W> {
    pub(super) fn new(to: W) -> TraceFile<W> {
        TraceFile { output: to, has_begun: false }
    }

    /// Writes a record of a track.
    pub(super) fn write(&mut self, record: &TraceRecord) -> io::Result<()> {
        match record {
            TraceRecord::Slice { name, cat, at, took, args } => {
                let (took, args) = (Micros(took.0), visible_json_text(args));
                self.write_event("X", name, cat, *at, format_args!(",\"dur\":{took},\"args\":{args}"))
            }
            TraceRecord::Instant { name, cat, at, args } => {
                let args = visible_json_text(args);
                self.write_event("i", name, cat, *at, format_args!(",\"s\":\"t\",\"args\":{args}"))
            }
            TraceRecord::ArrowEnd { end: ArrowEnd::From, arrow, at } => {
                self.write_event("s", "after", "after", *at, format_args!(",\"id\":{arrow}"))
            }
            TraceRecord::ArrowEnd { end: ArrowEnd::To, arrow, at } => {
                self.write_event("f", "after", "after", *at, format_args!(",\"id\":{arrow},\"bp\":\"e\""))
            }
        }
    }

    /// A new value of a counter.
    pub(super) fn write_counter(&mut self, name: &str, at: TracePoint, figure: u64) -> io::Result<()> {
        self.write_event("C", name, "rate", at, format_args!(",\"args\":{{\"count\":{figure}}}"))
    }

    /// The name of a process or track, or its place among the others.
    pub(super) fn write_metadata(
        &mut self,
        what: &str,
        track: TraceTrack,
        args: &TraceArgs,
    ) -> io::Result<()> {
        let at = TracePoint { track, t: Moment::ZERO };
        self.write_event("M", what, "__metadata", at, format_args!(",\"args\":{}", visible_json_text(args)))
    }

    fn write_event(
        &mut self,
        phase: &str,
        name: &str,
        cat: &str,
        at: TracePoint,
        rest: fmt::Arguments<'_>,
    ) -> io::Result<()> {
        self.write_separator()?;
        let name = visible_json_text(&Value::from(name));
        let TracePoint { track: TraceTrack { pid, tid }, t } = at;
        let ts = Micros(t.0);
        write!(
            self.output,
            "{{\"ph\":\"{phase}\",\"name\":{name},\"cat\":\"{cat}\",\"pid\":{pid},\"tid\":{tid},\"ts\":{ts}{rest}}}"
        )
    }

    fn write_separator(&mut self) -> io::Result<()> {
        let start: &[u8] =
            if self.has_begun { b",\n" } else { b"{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n" };
        self.has_begun = true;
        self.output.write_all(start)
    }

    /// Writes the end of the file.
    pub(super) fn finish(mut self) -> io::Result<()> {
        if !self.has_begun {
            self.output.write_all(b"{\"traceEvents\":[")?;
        }
        self.output.write_all(b"\n]}\n")?;
        self.output.flush()
    }
}

/// A value as JSON, without characters that act on a terminal. A backslash has the escape `\u005c`: Perfetto
/// takes the quote after `\\` for a part of the text, and then refuses the whole file.
fn visible_json_text<T: serde::Serialize>(value: &T) -> String {
    let json = sanitize_json(&serde_json::to_string(value).unwrap_or_default());
    if !json.contains(r"\\") {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 8);
    let mut chars = json.chars();
    while let Some(c) = chars.next() {
        match (c, (c == '\\').then(|| chars.next()).flatten()) {
            ('\\', Some('\\')) => out.push_str(r"\u005c"),
            (c, escaped) => out.extend([c].into_iter().chain(escaped)),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_may_end_with_a_backslash() {
        for text in ["a\\", "\\\\", "\"\\\"", "a\n\\u\\"] {
            let json = visible_json_text(&text);
            assert!(!json.contains(r"\\"), "{json}");
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }
}
