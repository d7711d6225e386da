//! The terminal's lines: each event of a run as a line for a person. Makes text, and prints none itself.
//!
//! Texts from outside go through [`scenario_log::sanitize`]; nothing raw is shown.

mod control;
mod links;
mod pieces;
mod programs;
mod requests;

use std::collections::BTreeMap;

use anstyle::{AnsiColor, Effects, Style};

use crate::report::format::{pluralize, push_expectation, push_fmt};
use crate::report::units::{format_moment_briefly, format_tenths};
use crate::terminal::event_lines::pieces::UnfinishedPieces;
use crate::terminal::load_lines::LoadTracker;
use crate::terminal::needed_programs::NeededPrograms;
use crate::terminal::world_line::{broadcasts_every_move, push_join_details, push_positions};
use scenario_core::engine::EngineStatus;
use scenario_log::event::{Event, Source};
use scenario_log::sanitize::{push_sanitized, push_sanitized_bytes, sanitize};
use scenario_log::time::Moment;

/// The most bytes of one event's text that are shown; the log has the whole text.
const MAX_TEXT_BYTES: usize = 2_000;

/// The colours of sources, by their numbers.
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

/// Renders events and other news of a run for people.
pub trait EventRenderer {
    /// Appends the lines of an event, and returns how many lines were left out because there was room for
    /// only `budget` bytes.
    fn render_event(&mut self, out: &mut String, t: Moment, event: &Event<'_>, budget: usize) -> u64;

    /// Appends the answer to a typed `status`.
    fn render_status(&self, out: &mut String, t: Moment, status: &EngineStatus);

    /// Appends a note about a source that is not an event.
    fn render_note(&self, out: &mut String, t: Moment, source: Source, text: &str);

    /// Appends a line of the answer to what a person typed.
    fn render_answer(&self, out: &mut String, t: Moment, line: &str);

    /// Appends a warning about a fetch.
    fn render_fetch_warning(&self, out: &mut String, t: Moment, job: &str, text: &str);

    /// Appends how many live pages were dropped.
    fn render_dropped_pages(&self, out: &mut String, t: Moment, count: u64);
}

/// Renders a line for each event, with its time and its source.
#[derive(Clone, Debug)]
pub struct LineRenderer {
    color: bool,
    /// The preset or job of each source that has not ended; of requests of loads, none is kept.
    names: BTreeMap<Source, String>,
    /// The programs that the run needs.
    needed_programs: NeededPrograms,
    /// The lines that have not ended and are shown in pieces.
    unfinished: UnfinishedPieces,
    /// The fetches whose requests are not shown one by one.
    loads: LoadTracker,
    /// How many requests of players, and ends of players by a failed fetch, there have been.
    player_requests: u64,
    failed_players: u64,
    /// Whether states of the world are shown: they are if the clock triggers them, and not after every
    /// move.
    shows_world: bool,
}

impl LineRenderer {
    /// Renders with or without colours.
    #[must_use]
    pub fn new(color: bool) -> LineRenderer {
        LineRenderer {
            color,
            names: BTreeMap::new(),
            needed_programs: NeededPrograms::default(),
            unfinished: UnfinishedPieces::default(),
            loads: LoadTracker::default(),
            player_requests: 0,
            failed_players: 0,
            shows_world: true,
        }
    }

    /// Whether later lines depend on events of this name, so that none of them may be left out.
    #[must_use]
    pub fn is_remembered(event: &str) -> bool {
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

    /// How many sources it remembers: a measure of what a clone costs.
    #[must_use]
    pub fn remembered_sources(&self) -> usize {
        self.names.len()
    }

    /// Appends a line that says that the next lines are from another part of the run, around this moment.
    pub fn render_jump(&self, out: &mut String, to: Moment) {
        self.push_styled(out, DIM, |out| {
            push_fmt(out, format_args!("           … to {}", format_tenths(to)))
        });
        out.push('\n');
    }

    fn push_event(&mut self, out: &mut String, t: Moment, event: &Event<'_>) {
        self.needed_programs.on_event(event);
        match event {
            Event::RunStarted { name, seed, clock, scenario, .. } => {
                self.loads = LoadTracker::from_scenario(scenario);
                self.shows_world = !broadcasts_every_move(scenario);
                let (name, clock) = (sanitize(name), clock.name());
                let text = format!("{name} · seed {seed} · {clock} clock");
                self.push_line(out, t, "run", DIM, |out| out.push_str(&text));
            }
            Event::ClockTick { n, .. } => {
                self.push_line(out, t, "clock", DIM, |out| push_fmt(out, format_args!("{n}")))
            }
            Event::Move { source, player, direction, .. } => {
                self.push_source_line(out, t, *source, |out| {
                    push_fmt(out, format_args!("{} {}", direction.shown(), player.shown()))
                });
            }
            Event::PlayerJoined { source, player, called, place } => {
                self.push_source_line(out, t, *source, |out| {
                    push_fmt(out, format_args!("joined as {}", player.shown()));
                    push_join_details(out, *called, *place);
                })
            }
            Event::PlayerLeft { source } => {
                self.push_source_line(out, t, *source, |out| out.push_str("left"))
            }
            Event::WorldState { players, .. } if self.shows_world => {
                self.push_line(out, t, "world", DIM, |out| push_positions(out, players));
            }
            Event::WorldState { .. } => {}
            // What they say can be seen from the fetches; the summary has their times.
            Event::StepEnded { .. } | Event::PlayerEnded { ok: true, .. } => {}
            Event::PlayerEnded { source, player, .. } => {
                if self.admit_failed_player(out, t) {
                    self.push_source_line(out, t, *source, |out| {
                        self.push_styled(out, BAD, |out| {
                            push_fmt(out, format_args!("{} ended early: a fetch failed", player.shown()))
                        });
                    });
                }
            }
            Event::Step { source, player, step, register, .. } => {
                self.push_source_line(out, t, *source, |out| {
                    push_fmt(out, format_args!("{}: ", player.shown()));
                    push_truncated(out, step.as_bytes());
                    self.push_styled(out, DIM, |out| push_fmt(out, format_args!("  ({register})")));
                })
            }
            Event::SpawnStarted { .. }
            | Event::SpawnReady { .. }
            | Event::SpawnUnhealthy { .. }
            | Event::StopFailed { .. }
            | Event::SpawnRestarted { .. }
            | Event::SpawnSuspended { .. }
            | Event::SpawnResumed { .. }
            | Event::SpawnExited { .. }
            | Event::SpawnFailed { .. } => self.push_spawn_event(out, t, event),
            Event::FetchStarted { .. }
            | Event::FetchResponded { .. }
            | Event::FetchLine { .. }
            | Event::FetchFinished { .. }
            | Event::FetchFailed { .. } => self.push_fetch_event(out, t, event),
            Event::Expect(expected) => {
                let style = if expected.ok { GOOD } else { BAD };
                self.push_line(out, t, "expect", style, |out| {
                    self.push_styled(out, style, |out| {
                        out.push_str(if expected.ok { "ok" } else { "MISSED" })
                    });
                    out.push(' ');
                    push_expectation(out, expected);
                });
            }
            Event::RunFinished(summary) => self.push_summary(out, t, summary),
            Event::Mark { .. }
            | Event::EntrySkipped { .. }
            | Event::EntryRetried { .. }
            | Event::TypedInput { .. }
            | Event::Sent { .. }
            | Event::Signalled { .. }
            | Event::Stopping { .. }
            | Event::RunPaused
            | Event::RunResumed { .. }
            | Event::Deadlock { .. } => self.push_control_event(out, t, event),
            Event::LinkOpened { .. } | Event::LinkClosed { .. } | Event::LinkChanged { .. } => {
                self.push_link_event(out, t, event);
            }
            Event::UnfinishedText { source, stream, text } => {
                self.push_text(out, t, (*source, *stream), text);
            }
            // `push_chunk` shows lines, as far as there is room. The report shows what programs use.
            Event::Lines { .. } | Event::LineMatched { .. } | Event::SpawnSampled { .. } => {}
        }
    }

    fn push_source_line(&self, out: &mut String, t: Moment, source: Source, rest: impl FnOnce(&mut String)) {
        let number = match source {
            Source::Spawn(number) | Source::Request(number) | Source::Guest(number) => number,
        };
        let style = PALETTE[number as usize % PALETTE.len()].on_default();
        self.push_line(out, t, &source.to_string(), style, rest);
    }

    fn push_line(
        &self,
        out: &mut String,
        t: Moment,
        who: &str,
        style: Style,
        rest: impl FnOnce(&mut String),
    ) {
        let (seconds, milliseconds) = (t.0 / 1_000_000_000, t.0 / 1_000_000 % 1_000);
        self.push_styled(out, DIM, |out| push_fmt(out, format_args!("{seconds:>5}.{milliseconds:03}")));
        out.push_str("  ");
        self.push_styled(out, style, |out| push_fmt(out, format_args!("{who:<7}")));
        out.push(' ');
        rest(out);
        out.push('\n');
    }

    fn push_styled(&self, out: &mut String, style: Style, rest: impl FnOnce(&mut String)) {
        if !self.color {
            return rest(out);
        }
        push_fmt(out, format_args!("{style}"));
        rest(out);
        push_fmt(out, format_args!("{style:#}"));
    }
}

impl EventRenderer for LineRenderer {
    fn render_event(&mut self, out: &mut String, t: Moment, event: &Event<'_>, budget: usize) -> u64 {
        if let Event::Lines { source, stream, chunk, partial } = event {
            self.needed_programs.on_event(event);
            return self.push_chunk(out, t, (*source, *stream), (chunk, *partial), budget);
        }
        let is_frequent = matches!(
            event,
            Event::Move { .. }
                | Event::Step { .. }
                | Event::StepEnded { .. }
                | Event::PlayerEnded { .. }
                | Event::FetchLine { .. }
                | Event::UnfinishedText { .. }
                | Event::ClockTick { .. }
                | Event::WorldState { .. }
        );
        if is_frequent && budget == 0 {
            return 1;
        }
        self.push_event(out, t, event);
        0
    }

    fn render_note(&self, out: &mut String, t: Moment, source: Source, text: &str) {
        let name = self.names.get(&source).map_or("", |name| name);
        self.push_source_line(out, t, source, |out| {
            push_sanitized(out, name);
            out.push(' ');
            push_sanitized(out, text);
        });
    }

    fn render_answer(&self, out: &mut String, t: Moment, line: &str) {
        self.push_line(out, t, "help", DIM, |out| push_sanitized(out, line));
    }

    fn render_fetch_warning(&self, out: &mut String, t: Moment, job: &str, text: &str) {
        self.push_line(out, t, "load", WARN, |out| {
            push_sanitized(out, job);
            out.push_str(": ");
            push_sanitized(out, text);
        });
    }

    fn render_dropped_pages(&self, out: &mut String, t: Moment, count: u64) {
        let were = if count == 1 { "was" } else { "were" };
        let pages = pluralize(count, "page");
        self.push_line(out, t, "pages", WARN, |out| {
            push_fmt(out, format_args!("{pages} {were} too slow and {were} dropped"))
        });
    }

    fn render_status(&self, out: &mut String, t: Moment, status: &EngineStatus) {
        let next =
            status.next.map(|next| format!(", next at {}", format_moment_briefly(next))).unwrap_or_default();
        let (spawns, requests, left) = (status.spawns.len(), status.requests, status.entries_left);
        let counts = [(spawns as u64, "spawn"), (requests as u64, "request")];
        let counts = counts.map(|(count, what)| pluralize(count, what)).join(" and ");
        let left = if left == 1 { "1 entry".to_owned() } else { format!("{left} entries") };
        self.push_line(out, t, "status", DIM, |out| {
            push_fmt(out, format_args!("{counts} run; {left} to come{next}"))
        });
        for (source, preset) in &status.spawns {
            self.push_source_line(out, t, *source, |out| push_fmt(out, format_args!("runs {preset}")));
        }
    }
}

/// Appends bytes, sanitized, and cut if they are long.
fn push_truncated(out: &mut String, bytes: &[u8]) {
    push_sanitized_bytes(out, &bytes[..bytes.len().min(MAX_TEXT_BYTES)]);
    if bytes.len() > MAX_TEXT_BYTES {
        push_fmt(out, format_args!("… ({} bytes)", bytes.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenario_log::event::OutputStream;

    #[test]
    fn lines_are_shown_without_their_controls() {
        let mut out = String::new();
        let mut screen = LineRenderer::new(false);
        let source = Source::Spawn(2);
        let chunk = b"red \x1b[31m\n\tdeep\n";
        screen.render_event(
            &mut out,
            Moment(1_234_567_890),
            &Event::Lines { source, stream: OutputStream::Stderr, chunk, partial: false },
            100,
        );
        assert_eq!(out, "    1.234  ps#2    ! red \\x1b[31m\n    1.234  ps#2    ! \\tdeep\n");
    }
}
