//! The screen of a run: each event as a line for a person. Makes text, and shows none itself.
//!
//! What came from outside goes through [`crate::words::visible`]; nothing raw is shown.

use std::collections::BTreeMap;
use std::fmt::Write;

use anstyle::{AnsiColor, Effects, Style};

use crate::engine::Status;
use crate::paper::report::bar::tenths;
use crate::paper::report::loads::{self, Loads, Start};
use crate::paper::report::places::{push_place, push_places, tells_every_move};
use crate::paper::report::unready::{LastLines, Unready};
use crate::words::event::{Event, Exit, Expected, Outcome, Source, Stream, Summary};
use crate::words::signal::Signal;
use crate::words::time::{Moment, Span};
use crate::words::visible::{push_visible, push_visible_bytes, visible};

/// The longest text of one event that is shown, in bytes; the log has it whole.
const LONGEST: usize = 2_000;

/// The colours of sources, told apart by number.
const PALETTE: [AnsiColor; 6] = [
    AnsiColor::Cyan,
    AnsiColor::Magenta,
    AnsiColor::Green,
    AnsiColor::Blue,
    AnsiColor::BrightYellow,
    AnsiColor::BrightCyan,
];

const DIM: Style = Style::new().effects(Effects::DIMMED);
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().effects(Effects::BOLD);
const WARN: Style = AnsiColor::Yellow.on_default();

/// Makes of events what people see.
pub trait Render {
    /// Appends what is to be shown of an event, and says how many lines were left out because there
    /// was room for `budget` bytes only.
    fn show(&mut self, out: &mut String, t: Moment, event: &Event<'_>, budget: usize) -> u64;

    /// Appends what `status` shows.
    fn status(&self, out: &mut String, t: Moment, status: &Status);

    /// Appends what there is to say of a source beside its events.
    fn note(&self, out: &mut String, t: Moment, source: Source, text: &str);

    /// Appends a word about a fetch.
    fn word(&self, out: &mut String, t: Moment, job: &str, text: &str);
}

/// A line for each event, with its time and its source.
#[derive(Clone, Debug)]
pub struct Screen {
    color: bool,
    /// The preset or job of each source that has not ended.
    names: BTreeMap<Source, String>,
    /// The programs that are not ready yet.
    unready: Unready,
    /// The fetches whose requests are not shown one by one.
    loads: Loads,
    /// The state of the world is told by the clock, and not behind every move.
    shows_world: bool,
}

impl Screen {
    /// A screen with or without colours.
    #[must_use]
    pub fn new(color: bool) -> Screen {
        Screen {
            color,
            names: BTreeMap::new(),
            unready: Unready::default(),
            loads: Loads::default(),
            shows_world: true,
        }
    }

    /// Whether how later events look depends on events of this name, so that none may be left out.
    #[must_use]
    pub fn remembers(event: &str) -> bool {
        matches!(
            event,
            "run.started"
                | "spawn.started"
                | "spawn.ready"
                | "spawn.exited"
                | "spawn.failed"
                | "fetch.started"
                | "fetch.finished"
                | "fetch.failed"
        )
    }

    /// How many sources it remembers: what a copy of it costs.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.names.len()
    }

    /// Appends that what follows is from another part of the run, around this moment.
    pub fn jumped(&self, out: &mut String, to: Moment) {
        self.styled(out, DIM, |out| push(out, format_args!("           … to {} s", tenths(to))));
        out.push('\n');
    }

    fn event(&mut self, out: &mut String, t: Moment, event: &Event<'_>) {
        self.unready.take(event);
        match event {
            Event::RunStarted { name, seed, clock, scenario, .. } => {
                self.loads = Loads::of(scenario);
                self.shows_world = !tells_every_move(scenario);
                let (name, clock) = (visible(name), clock.name());
                let text = format!("{name} · seed {seed} · {clock} clock");
                self.line(out, t, "run", DIM, |out| out.push_str(&text));
            }
            Event::ClockTick { n, .. } => {
                self.line(out, t, "clock", DIM, |out| push(out, format_args!("{n}")))
            }
            Event::Move { source, player, direction, .. } => {
                let letter = direction.letter();
                self.of(out, t, *source, |out| push(out, format_args!("{letter} {player}")));
            }
            Event::PlayerJoined { source, player, called, place } => self.of(out, t, *source, |out| {
                push(out, format_args!("joined as {player}"));
                push_place(out, *called, *place);
            }),
            Event::PlayerLeft { source } => self.of(out, t, *source, |out| out.push_str("left")),
            Event::WorldState { players, .. } if self.shows_world => {
                self.line(out, t, "world", DIM, |out| push_places(out, players));
            }
            Event::WorldState { .. } => {}
            Event::Step { source, player, step, register, .. } => self.of(out, t, *source, |out| {
                push(out, format_args!("{player}: "));
                push_short(out, step.as_bytes());
                self.styled(out, DIM, |out| push(out, format_args!("  ({register})")));
            }),
            Event::SpawnStarted { .. }
            | Event::SpawnReady { .. }
            | Event::SpawnSuspended { .. }
            | Event::SpawnResumed { .. }
            | Event::SpawnExited { .. }
            | Event::SpawnFailed { .. } => self.spawn(out, t, event),
            Event::FetchStarted { .. }
            | Event::FetchResponded { .. }
            | Event::FetchLine { .. }
            | Event::FetchFinished { .. }
            | Event::FetchFailed { .. } => self.fetch(out, t, event),
            Event::Expect(expected) => {
                let style = if expected.ok { GOOD } else { BAD };
                self.line(out, t, "expect", style, |out| {
                    self.styled(out, style, |out| out.push_str(if expected.ok { "ok" } else { "MISSED" }));
                    out.push(' ');
                    push_expected(out, expected);
                });
            }
            Event::RunFinished(summary) => self.summary(out, t, summary),
            other => self.control(out, t, other),
        }
    }

    /// The lines of a chunk, as far as there is room.
    fn chunk(
        &self,
        out: &mut String,
        t: Moment,
        (source, stream): (Source, Stream),
        (chunk, partial): (&[u8], bool),
        budget: usize,
    ) -> u64 {
        let end = out.len() + budget;
        let mut rest = chunk;
        while !rest.is_empty() && out.len() < end {
            let at = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            self.output(out, t, source, stream, (&rest[..at], partial));
            rest = rest.get(at + 1..).unwrap_or_default();
        }
        memchr::memchr_iter(b'\n', rest).count() as u64
    }

    fn output(&self, out: &mut String, t: Moment, source: Source, stream: Stream, line: (&[u8], bool)) {
        let (line, partial) = line;
        let (mark, style) = match stream {
            Stream::Stdout => ("|", Style::new()),
            Stream::Stderr => ("!", WARN),
        };
        self.of(out, t, source, |out| {
            self.styled(out, style, |out| {
                out.push_str(mark);
                out.push(' ');
                push_short(out, line);
                if partial {
                    out.push('…');
                }
            });
        });
    }

    fn spawn(&mut self, out: &mut String, t: Moment, event: &Event<'_>) {
        match event {
            Event::SpawnStarted { source, preset, pid, .. } => {
                self.names.insert(*source, (*preset).to_owned());
                let pid = pid.map(|pid| format!(" (process {pid})")).unwrap_or_default();
                self.of(out, t, *source, |out| push(out, format_args!("started {preset}{pid}")));
            }
            Event::SpawnReady { source } => {
                self.of(out, t, *source, |out| self.styled(out, GOOD, |out| out.push_str("ready")));
            }
            Event::SpawnSuspended { source, signal } => {
                let why = match *signal {
                    Signal::TTIN => ": only the job in the foreground may read the terminal",
                    Signal::TTOU => ": only the job in the foreground may set the terminal",
                    _ => "",
                };
                self.of(out, t, *source, |out| {
                    self.styled(out, WARN, |out| push(out, format_args!("was suspended by {signal}{why}")));
                });
            }
            Event::SpawnResumed { source } => self.of(out, t, *source, |out| out.push_str("goes on")),
            Event::SpawnExited { source, exit, ok, running, held, skipped } => {
                let last_lines = self.unready.forget(*source).filter(|_| !*ok);
                let name = self.names.remove(source).unwrap_or_default();
                let how = match exit {
                    Exit::Code(0) => String::new(),
                    other => format!(" with {other}"),
                };
                let style = if *ok { GOOD } else { BAD };
                let when = if last_lines.is_some() { " before it was ready" } else { "" };
                self.of(out, t, *source, |out| {
                    self.styled(out, style, |out| push(out, format_args!("ended {name}{how}{when}")));
                    push(out, format_args!("; {}", still_running(*running)));
                    if *held {
                        out.push_str("; what it started holds its output, which is not read on");
                    }
                    if *skipped > 0 {
                        let states = counted(*skipped, "state");
                        push(out, format_args!("; {states} of the world skipped, since it read too slowly"));
                    }
                });
                self.last_lines(out, t, *source, last_lines);
            }
            Event::SpawnFailed { source, error, running } => {
                let what = if self.names.contains_key(source) { "" } else { "could not start: " };
                self.of(out, t, *source, |out| {
                    self.styled(out, BAD, |out| {
                        out.push_str(what);
                        push_visible(out, error);
                    });
                    push(out, format_args!("; {}", still_running(*running)));
                });
                let last_lines = self.unready.forget(*source);
                self.last_lines(out, t, *source, last_lines);
            }
            _ => {}
        }
    }

    /// The last lines of a program that never became ready, once more.
    fn last_lines(&self, out: &mut String, t: Moment, source: Source, lines: Option<LastLines>) {
        let Some(lines) = lines else { return };
        let head = if lines.is_empty() { "it wrote nothing" } else { "its last lines:" };
        self.of(out, t, source, |out| self.styled(out, DIM, |out| out.push_str(head)));
        for (stream, line) in &lines {
            self.output(out, t, source, *stream, (line, false));
        }
    }

    fn fetch(&mut self, out: &mut String, t: Moment, event: &Event<'_>) {
        match event {
            Event::FetchStarted { source, job, method, url, .. } => {
                match self.loads.starts(job) {
                    Start::Other => {}
                    Start::First => return self.load_begins(out, t, job, (method, url)),
                    Start::Further => return,
                }
                self.names.insert(*source, (*job).to_owned());
                self.of(out, t, *source, |out| {
                    push_visible(out, method);
                    out.push(' ');
                    push_visible(out, url);
                });
            }
            Event::FetchResponded { source, status, version, .. } => {
                let version = visible(version);
                self.of(out, t, *source, |out| push(out, format_args!("answered {status} ({version})")));
            }
            Event::FetchLine { source, text, .. } => self.of(out, t, *source, |out| {
                out.push_str("| ");
                push_short(out, text);
            }),
            Event::FetchFinished { source, fetched, ok } => {
                let is_of_load = self.names.remove(source).is_none() && self.loads.are_there();
                if is_of_load && (*ok || !self.shows_failure(out, t)) {
                    return;
                }
                let style = if *ok { GOOD } else { BAD };
                let (status, bytes) = (fetched.status, counted(fetched.bytes, "byte"));
                let took = short(fetched.took);
                self.of(out, t, *source, |out| {
                    self.styled(out, style, |out| {
                        push(out, format_args!("{status}, {bytes} in {took}"));
                        if let Some(check) = &fetched.check {
                            out.push_str(": ");
                            push_visible(out, check);
                        }
                    });
                });
            }
            Event::FetchFailed { source, kind, error, took } => {
                let is_of_load = self.names.remove(source).is_none() && self.loads.are_there();
                if is_of_load && !self.shows_failure(out, t) {
                    return;
                }
                let took = short(*took);
                self.of(out, t, *source, |out| {
                    self.styled(out, BAD, |out| {
                        push(out, format_args!("failed ({}) after {took}: ", kind.name()));
                        push_visible(out, error);
                    });
                });
            }
            _ => {}
        }
    }

    fn load_begins(&self, out: &mut String, t: Moment, job: &str, (method, url): (&str, &str)) {
        self.line(out, t, "load", WARN, |out| {
            push(out, format_args!("{job} begins: "));
            push_visible(out, method);
            out.push(' ');
            push_visible(out, url);
        });
    }

    /// Whether one more failed request of a load is shown; of the last one this is said.
    fn shows_failure(&mut self, out: &mut String, t: Moment) -> bool {
        let is_last = self.loads.fails();
        if is_last == Some(true) {
            self.line(out, t, "load", DIM, |out| {
                out.push_str("this failure is the last that is shown; the log has all")
            });
        }
        is_last.is_some()
    }

    /// Marks, input, sends and stops.
    fn control(&self, out: &mut String, t: Moment, event: &Event<'_>) {
        match event {
            Event::Mark { text, .. } => self.line(out, t, "mark", WARN, |out| push_visible(out, text)),
            Event::Deadlock { waiting } => {
                for (player, lock) in *waiting {
                    self.line(out, t, "lock", BAD, |out| {
                        push_visible(out, player);
                        out.push_str(" waits for ");
                        push_visible(out, lock);
                    });
                }
            }
            Event::Input { text, accepted: true, .. } => {
                self.line(out, t, "input", DIM, |out| push_visible(out, text));
            }
            Event::Input { text, error, .. } => self.line(out, t, "input", BAD, |out| {
                out.push('`');
                push_short(out, text.as_bytes());
                out.push_str("`: ");
                push_visible(out, error.unwrap_or_default());
            }),
            Event::Sent { source, text, error, .. } => {
                let what = |out: &mut String| match error {
                    Some(error) => self.styled(out, BAD, |out| {
                        out.push_str("could not be sent to: ");
                        push_visible(out, error);
                    }),
                    None => {
                        out.push_str("< ");
                        push_short(out, text.unwrap_or_default().as_bytes());
                    }
                };
                match source {
                    Some(source) => self.of(out, t, *source, what),
                    None => self.line(out, t, "send", BAD, what),
                }
            }
            Event::Stopping { source, signal, reason, error, .. } => {
                let what = |out: &mut String| {
                    out.push_str("stopping");
                    if let Some(signal) = signal {
                        push(out, format_args!(": signal {signal}"));
                    }
                    if let Some(reason) = reason.or(*error) {
                        out.push_str(": ");
                        push_visible(out, reason);
                    }
                };
                match source {
                    Some(source) => self.of(out, t, *source, what),
                    None => self.line(out, t, "run", WARN, what),
                }
            }
            Event::RunPaused => self.line(out, t, "run", WARN, |out| out.push_str("paused")),
            Event::RunResumed { took } => {
                self.line(out, t, "run", WARN, |out| {
                    push(out, format_args!("goes on after {}", short(*took)))
                });
            }
            _ => {}
        }
    }

    fn summary(&self, out: &mut String, t: Moment, summary: &Summary) {
        let Summary { spawned, fetched, moves, lines, lateness, .. } = summary;
        let (style, word) = match summary.outcome {
            Outcome::Passed => (GOOD, "passed"),
            Outcome::Failed => (BAD, "FAILED"),
            Outcome::Interrupted => (WARN, "interrupted"),
        };
        for line in summary.fetches.iter().flat_map(loads::lines) {
            self.line(out, t, "load", DIM, |out| out.push_str(&line));
        }
        self.line(out, t, "run", style, |out| {
            self.styled(out, style, |out| out.push_str(word));
            if let Some(reason) = &summary.reason {
                out.push_str(": ");
                push_visible(out, reason);
            }
        });
        if !summary.shared.is_empty() {
            let cells = summary.shared.iter().map(|(cell, value)| format!("{} = {value}", visible(cell)));
            let cells = cells.collect::<Vec<_>>().join(", ");
            self.line(out, t, "shared", DIM, |out| out.push_str(&cells));
        }
        let counts = [(*spawned, "spawn"), (*moves, "move"), (*lines, "line"), (*fetched, "request")];
        let counts = counts.map(|(count, what)| counted(count, what)).join(", ");
        self.line(out, t, "run", DIM, |out| push(out, format_args!("{counts} in {}", short(summary.took))));
        let (p50, p99, max) = (short(lateness.p50), short(lateness.p99), short(lateness.max));
        self.line(out, t, "run", DIM, |out| {
            push(out, format_args!("late by {p50} (p50), {p99} (p99), {max} (max)"))
        });
    }

    /// One line of a source.
    fn of(&self, out: &mut String, t: Moment, source: Source, rest: impl FnOnce(&mut String)) {
        let number = match source {
            Source::Spawn(number) | Source::Request(number) | Source::Guest(number) => number,
        };
        let style = PALETTE[number as usize % PALETTE.len()].on_default();
        self.line(out, t, &source.to_string(), style, rest);
    }

    fn line(&self, out: &mut String, t: Moment, who: &str, style: Style, rest: impl FnOnce(&mut String)) {
        let (seconds, milliseconds) = (t.0 / 1_000_000_000, t.0 / 1_000_000 % 1_000);
        self.styled(out, DIM, |out| push(out, format_args!("{seconds:>5}.{milliseconds:03}")));
        out.push_str("  ");
        self.styled(out, style, |out| push(out, format_args!("{who:<7}")));
        out.push(' ');
        rest(out);
        out.push('\n');
    }

    fn styled(&self, out: &mut String, style: Style, rest: impl FnOnce(&mut String)) {
        if !self.color {
            return rest(out);
        }
        push(out, format_args!("{style}"));
        rest(out);
        push(out, format_args!("{style:#}"));
    }
}

impl Render for Screen {
    fn show(&mut self, out: &mut String, t: Moment, event: &Event<'_>, budget: usize) -> u64 {
        match event {
            Event::Lines { source, stream, chunk, partial } => {
                self.unready.take(event);
                return self.chunk(out, t, (*source, *stream), (chunk, *partial), budget);
            }
            Event::Move { .. }
            | Event::Step { .. }
            | Event::FetchLine { .. }
            | Event::ClockTick { .. }
            | Event::WorldState { .. }
                if budget == 0 =>
            {
                return 1;
            }
            other => self.event(out, t, other),
        }
        0
    }

    fn note(&self, out: &mut String, t: Moment, source: Source, text: &str) {
        let name = self.names.get(&source).map_or("", |name| name);
        self.of(out, t, source, |out| {
            push_visible(out, name);
            out.push(' ');
            push_visible(out, text);
        });
    }

    fn word(&self, out: &mut String, t: Moment, job: &str, text: &str) {
        self.line(out, t, "load", WARN, |out| {
            push_visible(out, job);
            out.push_str(": ");
            push_visible(out, text);
        });
    }

    fn status(&self, out: &mut String, t: Moment, status: &Status) {
        let next = status.next.map(|next| format!(", next at {next} s")).unwrap_or_default();
        let (spawns, requests, left) = (status.spawns.len(), status.requests, status.entries_left);
        let counts = [(spawns as u64, "spawn"), (requests as u64, "request")];
        let counts = counts.map(|(count, what)| counted(count, what)).join(" and ");
        let left = if left == 1 { "1 entry".to_owned() } else { format!("{left} entries") };
        self.line(out, t, "status", DIM, |out| push(out, format_args!("{counts} run; {left} to come{next}")));
        for (source, preset) in &status.spawns {
            self.of(out, t, *source, |out| push(out, format_args!("runs {preset}")));
        }
    }
}

/// What came of an expectation, and where in the log that stands.
pub(in crate::paper::report) fn push_expected(out: &mut String, expected: &Expected) {
    push_visible(out, &expected.name);
    // One that was given no name is called by what it wants.
    if !expected.name.ends_with(&expected.wanted) {
        out.push_str(": wanted ");
        push_visible(out, &expected.wanted);
    }
    match &expected.got {
        Some(got) => {
            out.push_str(", got ");
            push_visible(out, got);
        }
        None => out.push_str(", nothing to measure"),
    }
    if !expected.events.is_empty() {
        let events: Vec<String> = expected.events.iter().map(u64::to_string).collect();
        push(out, format_args!(" (seq {})", events.join(", ")));
    }
}

fn push(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    let written = out.write_fmt(arguments);
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
}

/// Bytes made visible, cut where they are long.
fn push_short(out: &mut String, bytes: &[u8]) {
    push_visible_bytes(out, &bytes[..bytes.len().min(LONGEST)]);
    if bytes.len() > LONGEST {
        push(out, format_args!("… ({} bytes)", bytes.len()));
    }
}

/// `1 byte`, `2 bytes`.
pub(super) fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn still_running(running: u64) -> String {
    match running {
        0 => "nothing runs".to_owned(),
        1 => "1 still runs".to_owned(),
        n => format!("{n} still run"),
    }
}

/// A span to about three figures: `45 µs`, `2.31 s`.
#[must_use]
pub fn short(span: Span) -> String {
    let (value, unit) = match span.0 {
        0 => return "0 s".to_owned(),
        n if n < 1_000 => return format!("{n} ns"),
        n if n < 1_000_000 => (n as f64 / 1e3, "µs"),
        n if n < 1_000_000_000 => (n as f64 / 1e6, "ms"),
        n => (n as f64 / 1e9, "s"),
    };
    let decimals = if value < 10.0 {
        2
    } else if value < 100.0 {
        1
    } else {
        0
    };
    format!("{value:.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_three_figures() {
        assert_eq!(short(Span(0)), "0 s");
        assert_eq!(short(Span(950)), "950 ns");
        assert_eq!(short(Span(45_120)), "45.1 µs");
        assert_eq!(short(Span(2_310_000_000)), "2.31 s");
    }

    #[test]
    fn lines_are_shown_without_their_controls() {
        let mut out = String::new();
        let mut screen = Screen::new(false);
        let source = Source::Spawn(2);
        let chunk = b"red \x1b[31m\n\tdeep\n";
        screen.show(
            &mut out,
            Moment(1_234_567_890),
            &Event::Lines { source, stream: Stream::Stderr, chunk, partial: false },
            100,
        );
        assert_eq!(out, "    1.234  ps#2    ! red \\x1b[31m\n    1.234  ps#2    ! \\tdeep\n");
    }
}
