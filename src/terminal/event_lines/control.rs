//! Marks, what is typed, sent and stopped, and the end of a run, on the screen.

use crate::terminal::event_lines::{BAD, DIM, GOOD, Screen, WARN, counted, push, push_short, short};
use crate::terminal::load_lines;
use scenario_log::event::{Event, Outcome, Summary};
use scenario_log::sanitize::{push_visible, visible};
use scenario_log::time::Moment;

impl Screen {
    /// Marks, input, sends and stops.
    pub(super) fn control(&self, out: &mut String, t: Moment, event: &Event<'_>) {
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

    pub(super) fn summary(&self, out: &mut String, t: Moment, summary: &Summary) {
        let Summary { spawned, fetched, moves, lines, lateness, .. } = summary;
        let (style, word) = match summary.outcome {
            Outcome::Passed => (GOOD, "passed"),
            Outcome::Failed => (BAD, "FAILED"),
            Outcome::Interrupted => (WARN, "interrupted"),
        };
        for line in summary.fetches.iter().flat_map(load_lines::lines) {
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
}
