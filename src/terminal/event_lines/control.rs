//! The terminal's lines of marks, typed lines, sends and stops, and of the end of a run.

use crate::report::format::{format_span, pluralize, push_fmt};
use crate::report::metrics::faults::readable_reason;
use crate::terminal::event_lines::{BAD, DIM, GOOD, LineRenderer, WARN, push_truncated};
use crate::terminal::load_lines;
use scenario_log::event::{Event, RunOutcome, RunSummary};
use scenario_log::sanitize::{push_sanitized, sanitize};
use scenario_log::signal::Signal;
use scenario_log::time::Moment;

impl LineRenderer {
    /// Appends the lines of marks, skipped entries, typed lines, sends, stops, pauses and deadlocks.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the caller passes these events alone")]
    pub(super) fn push_control_event(&self, out: &mut String, t: Moment, event: &Event<'_>) {
        match event {
            Event::Mark { text, .. } => self.push_line(out, t, "mark", WARN, |out| push_sanitized(out, text)),
            Event::EntrySkipped { entry, reason } => self.push_line(out, t, "skip", DIM, |out| {
                push_sanitized(out, &entry.to_string());
                out.push_str(": ");
                push_sanitized(out, reason);
            }),
            Event::EntryRetried { entry, n, reason, wait, .. } => {
                self.push_line(out, t, "again", DIM, |out| {
                    push_sanitized(out, &entry.to_string());
                    push_fmt(out, format_args!(" in {}: try {n}: ", format_span(*wait)));
                    push_sanitized(out, reason);
                });
            }
            Event::Deadlock { waiting } => {
                for (player, lock) in *waiting {
                    self.push_line(out, t, "lock", BAD, |out| {
                        push_sanitized(out, player);
                        out.push_str(" waits for ");
                        push_sanitized(out, lock);
                    });
                }
            }
            Event::TypedInput { text, accepted: true, .. } => {
                self.push_line(out, t, "input", DIM, |out| push_sanitized(out, text));
            }
            Event::TypedInput { text, error, .. } => self.push_line(out, t, "input", BAD, |out| {
                out.push('`');
                push_truncated(out, text.as_bytes());
                out.push_str("`: ");
                push_sanitized(out, error.unwrap_or_default());
            }),
            Event::Sent { source, text, close, error, .. } => {
                let what = |out: &mut String| match error {
                    Some(error) => self.push_styled(out, BAD, |out| {
                        out.push_str("could not be sent to: ");
                        push_sanitized(out, error);
                    }),
                    None => {
                        out.push_str("< ");
                        push_truncated(out, text.unwrap_or_default().as_bytes());
                        if close.is_some() {
                            let gap = if text.is_some() { " " } else { "" };
                            self.push_styled(out, DIM, |out| {
                                push_fmt(out, format_args!("{gap}(end of its input)"))
                            });
                        }
                    }
                };
                match source {
                    Some(source) => self.push_source_line(out, t, *source, what),
                    None => self.push_line(out, t, "send", BAD, what),
                }
            }
            Event::Signalled { source: Some(source), signal, .. } => {
                self.push_source_line(out, t, *source, |out| {
                    self.push_styled(out, WARN, |out| match *signal {
                        Signal::KILL => out.push_str("is killed"),
                        signal => push_fmt(out, format_args!("is sent {signal}")),
                    });
                });
            }
            Event::Signalled { signal, error, .. } => self.push_line(out, t, "signal", BAD, |out| {
                push_fmt(out, format_args!("{signal} reached nothing: "));
                push_sanitized(out, error.unwrap_or_default());
            }),
            Event::Stopping { source, signal, reason, error, .. } => {
                let what = |out: &mut String| {
                    out.push_str("stopping");
                    if let Some(signal) = signal {
                        push_fmt(out, format_args!(": signal {signal}"));
                    }
                    if let Some(reason) = reason.or(*error) {
                        out.push_str(": ");
                        push_sanitized(out, reason);
                    }
                };
                match source {
                    Some(source) => self.push_source_line(out, t, *source, what),
                    None => self.push_line(out, t, "run", WARN, what),
                }
            }
            Event::RunPaused => self.push_line(out, t, "run", WARN, |out| out.push_str("paused")),
            Event::RunResumed { took } => {
                self.push_line(out, t, "run", WARN, |out| {
                    push_fmt(out, format_args!("goes on after {}", format_span(*took)))
                });
            }
            _ => {}
        }
    }

    pub(super) fn push_summary(&self, out: &mut String, t: Moment, summary: &RunSummary) {
        let RunSummary { spawned, fetched, moves, lines, lateness, .. } = summary;
        let (style, word) = match summary.outcome {
            RunOutcome::Passed => (GOOD, "passed"),
            RunOutcome::Failed => (BAD, "FAILED"),
            RunOutcome::Interrupted => (WARN, "interrupted"),
        };
        for line in summary.fetches.iter().flat_map(load_lines::summary_lines) {
            self.push_line(out, t, "load", DIM, |out| out.push_str(&line));
        }
        self.push_line(out, t, "run", style, |out| {
            self.push_styled(out, style, |out| out.push_str(word));
            if let Some(reason) = &summary.reason {
                push_fmt(out, format_args!(": {}", readable_reason(reason)));
            }
        });
        if !summary.shared.is_empty() {
            let cells = summary.shared.iter().map(|(cell, value)| format!("{} = {value}", sanitize(cell)));
            let cells = cells.collect::<Vec<_>>().join(", ");
            self.push_line(out, t, "shared", DIM, |out| out.push_str(&cells));
        }
        let counts = [(*spawned, "spawn"), (*moves, "move"), (*lines, "line"), (*fetched, "request")];
        let counts = counts.map(|(count, what)| pluralize(count, what)).join(", ");
        self.push_line(out, t, "run", DIM, |out| {
            push_fmt(out, format_args!("{counts} in {}", format_span(summary.took)))
        });
        let (p50, p99, max) =
            (format_span(lateness.p50), format_span(lateness.p99), format_span(lateness.max));
        self.push_line(out, t, "run", DIM, |out| {
            push_fmt(out, format_args!("late by {p50} (p50), {p99} (p99), {max} (max)"))
        });
    }
}
