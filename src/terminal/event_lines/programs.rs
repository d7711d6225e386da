//! Programs and players on the screen: their starts and ends, and what they write.

use anstyle::Style;

use crate::terminal::event_lines::{BAD, DIM, GOOD, Screen, WARN, counted, push, push_short};
use crate::terminal::unready_output::LastLines;
use scenario_log::event::{Event, Exit, Source, Stream};
use scenario_log::sanitize::push_visible;
use scenario_log::signal::Signal;
use scenario_log::time::Moment;

impl Screen {
    pub(super) fn spawn(&mut self, out: &mut String, t: Moment, event: &Event<'_>) {
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

    /// The lines of a chunk, as far as there is room.
    pub(super) fn chunk(
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
}

fn still_running(running: u64) -> String {
    match running {
        0 => "nothing runs".to_owned(),
        1 => "1 still runs".to_owned(),
        n => format!("{n} still run"),
    }
}
