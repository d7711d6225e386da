//! The terminal's lines of requests: one by one, except for those of a load.

use crate::report::format::{format_span, pluralize, push_fmt};
use crate::terminal::event_lines::{BAD, DIM, GOOD, LineRenderer, WARN, push_truncated};
use crate::terminal::load_lines::LoadStartKind;
use scenario_log::event::{Event, SendCounts};
use scenario_log::sanitize::{push_sanitized, sanitize};
use scenario_log::time::Moment;

/// The effort of sending a request, if one attempt on one connection was not enough.
fn push_send_counts(out: &mut String, SendCounts { resent, retried, .. }: &SendCounts) {
    if *resent > 0 {
        push_fmt(out, format_args!(", sent again {}", pluralize(*resent, "time")));
    }
    if *retried > 0 {
        push_fmt(out, format_args!(", retried {}", pluralize(*retried, "time")));
    }
}

/// How many requests of players are shown.
const MAX_PLAYER_REQUESTS_SHOWN: u64 = 100;

/// How many players are shown that a failed fetch has ended.
const MAX_FAILED_PLAYERS_SHOWN: u64 = 20;

impl LineRenderer {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the caller passes these events alone")]
    pub(super) fn push_fetch_event(&mut self, out: &mut String, t: Moment, event: &Event<'_>) {
        match event {
            Event::FetchStarted { source, job, method, url, player, step, .. } => {
                if player.is_some() && !self.admit_player_request(out, t) {
                    return;
                }
                match self.loads.start_request(job) {
                    LoadStartKind::NotOfLoad => {}
                    LoadStartKind::First => return self.push_load_start(out, t, job, (method, url)),
                    LoadStartKind::Further => return,
                }
                self.names.insert(*source, (*job).to_owned());
                self.push_source_line(out, t, *source, |out| {
                    if let (Some(player), Some(step)) = (player, step) {
                        push_sanitized(out, &player.to_string());
                        out.push_str(": ");
                        push_sanitized(out, step);
                        out.push_str(", ");
                    }
                    push_sanitized(out, method);
                    out.push(' ');
                    push_sanitized(out, url);
                });
            }
            Event::FetchResponded { source, status, version, .. } => {
                let version = sanitize(version);
                self.push_source_line(out, t, *source, |out| {
                    push_fmt(out, format_args!("answered {status} ({version})"))
                });
            }
            Event::FetchLine { source, text, .. } => self.push_source_line(out, t, *source, |out| {
                out.push_str("| ");
                push_truncated(out, text);
            }),
            Event::FetchFinished { source, fetched, ok, .. } => {
                let is_of_load = self.names.remove(source).is_none() && self.hides_requests();
                if is_of_load && (*ok || !self.admit_load_failure(out, t)) {
                    return;
                }
                let style = if *ok { GOOD } else { BAD };
                let (status, bytes) = (fetched.status, pluralize(fetched.bytes, "byte"));
                let took = format_span(fetched.took);
                self.push_source_line(out, t, *source, |out| {
                    self.push_styled(out, style, |out| {
                        push_fmt(out, format_args!("{status}, {bytes} in {took}"));
                        push_send_counts(out, &fetched.sent);
                        if let Some(check) = &fetched.check {
                            out.push_str(": ");
                            push_sanitized(out, check);
                        }
                    });
                });
            }
            Event::FetchFailed { source, kind, error, took, .. } => {
                let is_of_load = self.names.remove(source).is_none() && self.hides_requests();
                if is_of_load && !self.admit_load_failure(out, t) {
                    return;
                }
                let took = format_span(*took);
                self.push_source_line(out, t, *source, |out| {
                    self.push_styled(out, BAD, |out| {
                        push_fmt(out, format_args!("failed ({}) after {took}: ", kind.name()));
                        push_sanitized(out, error);
                    });
                });
            }
            _ => {}
        }
    }

    /// Whether one more request of a player is shown. After the last one, a line says that it was the last.
    fn admit_player_request(&mut self, out: &mut String, t: Moment) -> bool {
        self.player_requests += 1;
        if self.player_requests == MAX_PLAYER_REQUESTS_SHOWN + 1 {
            self.push_line(out, t, "load", DIM, |out| {
                out.push_str("further fetches of players are not shown; the log has all of them")
            });
        }
        self.player_requests <= MAX_PLAYER_REQUESTS_SHOWN
    }

    /// Whether one more player is shown that a failed fetch has ended. After the last one, a line says that it
    /// was the last.
    pub(super) fn admit_failed_player(&mut self, out: &mut String, t: Moment) -> bool {
        self.failed_players += 1;
        if self.failed_players == MAX_FAILED_PLAYERS_SHOWN + 1 {
            self.push_line(out, t, "load", DIM, |out| {
                out.push_str("further players whose fetches fail are not shown; the log has all of them")
            });
        }
        self.failed_players <= MAX_FAILED_PLAYERS_SHOWN
    }

    /// Whether requests can have ended that were not shown when they began.
    fn hides_requests(&self) -> bool {
        self.loads.has_loads() || self.player_requests > MAX_PLAYER_REQUESTS_SHOWN
    }

    fn push_load_start(&self, out: &mut String, t: Moment, job: &str, (method, url): (&str, &str)) {
        self.push_line(out, t, "load", WARN, |out| {
            push_fmt(out, format_args!("{job} begins: "));
            push_sanitized(out, method);
            out.push(' ');
            push_sanitized(out, url);
        });
    }

    /// Whether one more failed request of a load is shown. After the last one, a line says that it was the
    /// last.
    fn admit_load_failure(&mut self, out: &mut String, t: Moment) -> bool {
        let is_last = self.loads.fail_request();
        if is_last == Some(true) {
            self.push_line(out, t, "load", DIM, |out| {
                out.push_str("this is the last failure that is shown; the log has all of them")
            });
        }
        is_last.is_some()
    }
}
