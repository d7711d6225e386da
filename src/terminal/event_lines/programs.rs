//! The terminal's lines of programs and players: their starts and ends, and their output.

use anstyle::Style;

use crate::report::format::{format_span, pluralize, push_fmt};
use crate::report::metrics::faults::UNWANTED_SUCCESS;
use crate::report::output_tail::{OutputTail, stream_mark};
use crate::terminal::event_lines::{BAD, DIM, GOOD, LineRenderer, WARN, push_truncated};
use scenario_log::event::{Event, OutputStream, Source, SpawnExit};
use scenario_log::sanitize::push_sanitized;
use scenario_log::signal::Signal;
use scenario_log::time::Moment;

impl LineRenderer {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the caller passes these events alone")]
    pub(super) fn push_spawn_event(&mut self, out: &mut String, t: Moment, event: &Event<'_>) {
        match event {
            Event::SpawnStarted { source, preset, pid, .. } => {
                self.names.insert(*source, (*preset).to_owned());
                let pid = pid.map(|pid| format!(" (process {pid})")).unwrap_or_default();
                self.push_source_line(out, t, *source, |out| {
                    push_fmt(out, format_args!("started {preset}{pid}"))
                });
            }
            Event::SpawnReady { source } => {
                self.push_source_line(out, t, *source, |out| {
                    self.push_styled(out, GOOD, |out| out.push_str("ready"))
                });
            }
            Event::SpawnRestarted { source, replaces } => {
                self.push_source_line(out, t, *source, |out| {
                    push_fmt(out, format_args!("takes the place of {replaces}"))
                });
            }
            Event::SpawnUnhealthy { source, failures, last_try } => {
                let name = self.names.get(source).cloned().unwrap_or_default();
                let probes = pluralize(*failures, "probe");
                self.push_source_line(out, t, *source, |out| {
                    self.push_styled(out, BAD, |out| {
                        push_fmt(
                            out,
                            format_args!("UNEXPECTED: {name} is not alive: {probes} failed, the last: "),
                        );
                        push_sanitized(out, last_try);
                    });
                });
            }
            Event::StopFailed { source, signal, error } => {
                self.push_source_line(out, t, *source, |out| {
                    self.push_styled(out, WARN, |out| {
                        out.push_str("its stop command failed: ");
                        push_sanitized(out, error);
                        push_fmt(out, format_args!("; it gets {signal}"));
                    });
                });
            }
            Event::SpawnSuspended { source, signal } => {
                let why = match *signal {
                    Signal::TTIN => ": only the job in the foreground may read the terminal",
                    Signal::TTOU => ": only the job in the foreground may set the terminal",
                    _ => "",
                };
                self.push_source_line(out, t, *source, |out| {
                    self.push_styled(out, WARN, |out| {
                        push_fmt(out, format_args!("was suspended by {signal}{why}"))
                    });
                });
            }
            Event::SpawnResumed { source } => {
                self.push_source_line(out, t, *source, |out| out.push_str("goes on"))
            }
            Event::SpawnExited {
                source,
                exit,
                ok,
                running,
                held,
                killed,
                skipped,
                again,
                reason,
                restarts_in,
                usage,
            } => {
                let is_told = !*ok && (!*again || restarts_in.is_some());
                let needed = self.needed_programs.take(*source).filter(|_| is_told);
                let is_unready = needed.as_ref().is_some_and(|program| program.is_unready);
                let name = self.names.remove(source).unwrap_or_default();
                self.unfinished.forget(*source);
                let how = match exit {
                    _ if reason.is_some() => String::new(),
                    SpawnExit::Code(0) if *ok || *killed || is_unready => String::new(),
                    SpawnExit::Code(0) => format!(" {UNWANTED_SUCCESS}"),
                    other => format!(" with {other}"),
                };
                let style = if *ok { GOOD } else { BAD };
                let when = if is_unready { " before it was ready" } else { "" };
                // It stands out without colours, too.
                let alarm = if needed.is_some() { "UNEXPECTED: " } else { "" };
                self.push_source_line(out, t, *source, |out| {
                    self.push_styled(out, style, |out| {
                        match reason {
                            Some(reason) => {
                                push_fmt(out, format_args!("{alarm}{name} "));
                                push_sanitized(out, reason);
                            }
                            None => push_fmt(out, format_args!("{alarm}ended {name}{how}{when}")),
                        }
                        if let Some(limit) = usage.exceeded.filter(|_| reason.is_none()) {
                            push_fmt(out, format_args!(": it {}", limit.excess()));
                        }
                    });
                    push_fmt(out, format_args!("; {}", describe_running(*running)));
                    if let Some(wait) = restarts_in {
                        push_fmt(out, format_args!("; it starts again in {}", format_span(*wait)));
                    }
                    if *killed {
                        out.push_str("; what it started did not end in time, and was killed");
                    }
                    if *held {
                        out.push_str("; what it started holds its output open, which is not read any more");
                    }
                    if *skipped > 0 {
                        let states = pluralize(*skipped, "state");
                        push_fmt(
                            out,
                            format_args!("; {states} of the world skipped, since it read too slowly"),
                        );
                    }
                });
                self.push_last_lines(out, t, *source, needed.map(|program| program.output));
            }
            Event::SpawnFailed { source, preset, error, running, .. } => {
                let has_started = self.names.contains_key(source);
                self.push_source_line(out, t, *source, |out| {
                    self.push_styled(out, BAD, |out| {
                        if !has_started {
                            out.push_str("could not start");
                            if let Some(preset) = preset {
                                out.push(' ');
                                push_sanitized(out, preset);
                            }
                            out.push_str(": ");
                        }
                        push_sanitized(out, error);
                    });
                    push_fmt(out, format_args!("; {}", describe_running(*running)));
                });
                let needed = self.needed_programs.take(*source);
                self.push_last_lines(out, t, *source, needed.map(|program| program.output));
            }
            _ => {}
        }
    }

    /// Shows the last lines of a program that failed once more.
    fn push_last_lines(&self, out: &mut String, t: Moment, source: Source, lines: Option<OutputTail>) {
        let Some(lines) = lines else { return };
        let head = if lines.is_empty() { "it wrote nothing" } else { "its last lines:" };
        self.push_source_line(out, t, source, |out| self.push_styled(out, DIM, |out| out.push_str(head)));
        for line in lines.iter() {
            self.push_output_line(out, t, source, line.stream, |out| out.push_str(&line.visible()));
        }
    }

    /// Appends the lines of a chunk as far as there is room; returns how many were left out.
    pub(super) fn push_chunk(
        &mut self,
        out: &mut String,
        t: Moment,
        (source, stream): (Source, OutputStream),
        (chunk, partial): (&[u8], bool),
        budget: usize,
    ) -> u64 {
        let end = out.len() + budget;
        let mut rest = chunk;
        while !rest.is_empty() && out.len() < end {
            let at = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let pieces = self.unfinished.on_line(source, stream, &rest[..at]);
            let last = pieces.len().saturating_sub(1);
            for (nth, piece) in pieces.into_iter().enumerate() {
                self.push_output_line(out, t, source, stream, |out| {
                    push_truncated(out, piece);
                    if partial && nth == last {
                        out.push('…');
                    }
                });
            }
            rest = rest.get(at + 1..).unwrap_or_default();
        }
        memchr::memchr_iter(b'\n', rest).count() as u64
    }

    /// Appends text whose line has not ended.
    pub(super) fn push_text(
        &mut self,
        out: &mut String,
        t: Moment,
        (source, stream): (Source, OutputStream),
        text: &[u8],
    ) {
        for piece in self.unfinished.on_text(source, stream, text) {
            self.push_output_line(out, t, source, stream, |out| push_truncated(out, &piece));
        }
    }

    fn push_output_line(
        &self,
        out: &mut String,
        t: Moment,
        source: Source,
        stream: OutputStream,
        push_text: impl FnOnce(&mut String),
    ) {
        let style = match stream {
            OutputStream::Stdout => Style::new(),
            OutputStream::Stderr => WARN,
        };
        self.push_source_line(out, t, source, |out| {
            self.push_styled(out, style, |out| {
                out.push(stream_mark(stream));
                out.push(' ');
                push_text(out);
            });
        });
    }
}

fn describe_running(running: u64) -> String {
    match running {
        0 => "nothing runs".to_owned(),
        1 => "1 still runs".to_owned(),
        n => format!("{n} still run"),
    }
}
