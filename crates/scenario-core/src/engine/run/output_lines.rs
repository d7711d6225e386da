//! Takes what programs write: reports it, and lets lines make spawns ready, end the waits of entries, and
//! move players.
//!
//! A line is matched as it was said, and reported as it may be logged. Where the two decide differently, a
//! `line.matched` before the line says what it decided, so that a replay decides the same. A move is a move as
//! it was said too; its event has the direction, and the player's name as it may be logged.

use std::rc::Rc;

use super::RunState;
use crate::engine::output::EngineOutput;
use crate::engine::players::players_preset;
use crate::engine::unfinished::{LineHits, LineMatches};
use crate::engine::world::PlacementSeed;
use crate::scenario::model::PlayersPreset;
use scenario_log::captured_value::REDACTED;
use scenario_log::event::{Event, MoveDirection, OutputStream, Source};
use scenario_log::name;
use scenario_log::name::PlayerName;

/// Lines of a program that were read together.
#[derive(Clone, Copy)]
pub(super) struct OutputChunk<'a> {
    pub(super) stream: OutputStream,
    /// As they may be logged.
    pub(super) chunk: &'a [u8],
    /// As they were said, if that differs.
    pub(super) said: Option<&'a [u8]>,
    /// Whether it is one part of a line that goes on.
    pub(super) partial: bool,
}

impl RunState {
    /// Takes lines of a process.
    pub(super) fn spawn_lines(&mut self, source: Source, lines: OutputChunk<'_>, out: &mut EngineOutput<'_>) {
        let OutputChunk { stream, chunk, said, partial } = lines;
        let Some((number, preset)) = self.spawns.find_process(source) else { return };
        let is_mid_line = self.spawns.record_chunk(number, stream, partial);
        let Some((entry, nth)) = self.spawns.get(number).map(|spawn| (spawn.entry(), spawn.nth())) else {
            return;
        };
        if let Some(entry) = entry {
            self.timeline.record_said(entry, out.now());
        }
        let may_play = players_preset(&self.scenario, preset).is_some() || out.has_world();
        let plays = may_play && stream == OutputStream::Stdout && !partial;
        let may_abort = out.expectations().may_abort_on_line();
        let decides_more = said.is_some() && out.expectations().watches_lines() || self.spawns.has_decided();
        if !plays && !may_abort && !decides_more && !self.awaits_text(number, entry) {
            return emit_lines(source, stream, chunk, partial, out);
        }
        let scenario = Rc::clone(&self.scenario);
        let home = PlacementSeed { preset: &scenario.presets[preset].name, nth };
        let players = players_preset(&scenario, preset);
        let mut is_whole = !is_mid_line;
        let mut rest = chunk;
        let mut said_rest = said;
        while !rest.is_empty() {
            let (line, after) = split_line(rest);
            rest = after;
            let text = without_newline(line);
            let said = said_rest.map_or(text, |said| {
                let (line, after) = split_line(said);
                said_rest = Some(after);
                without_newline(line)
            });
            let awaits = self.awaits_text(number, entry);
            let may_be_move = plays && std::mem::replace(&mut is_whole, true);
            let made = may_be_move.then(|| find_move(text, said, players)).flatten();
            // A replay has no other text of a move.
            let of_event = made.filter(|_| said != text).map(move_text);
            let logged = of_event.as_deref().unwrap_or(text);
            let matches =
                (awaits || decides_more).then(|| self.decide(number, stream, (line, logged), said, out));
            match made {
                Some((direction, player)) if out.ensure_placed(source, home, player) => {
                    out.emit_move(None, source, player, direction);
                }
                _ => emit_lines(source, stream, line, partial, out),
            }
            if let Some(matches) = matches {
                out.expectations().override_line(None);
                self.apply_matches((number, stream), &matches, out);
                if !partial {
                    self.spawns.end_ready_line(number, stream);
                }
            }
            if awaits || out.must_abort() {
                // The consequences of a line come right after it, and not after the lines that were read
                // together with it: a log does not show which lines were read together.
                self.settle(out);
                if self.spawns.get(number).is_none() || self.lifecycle.is_over() {
                    return;
                }
            }
        }
    }

    /// Takes text whose line has not ended: as it may be logged, and as it was said.
    pub(super) fn spawn_text(
        &mut self,
        source: Source,
        stream: OutputStream,
        (text, said): (&[u8], &[u8]),
        out: &mut EngineOutput<'_>,
    ) {
        let Some((number, _)) = self.spawns.find_process(source) else { return };
        let Some(entry) = self.spawns.get(number).map(|spawn| spawn.entry()) else { return };
        let mut matches = LineMatches::default();
        if self.awaits_text(number, entry) {
            let so_far = self.spawns.unfinished(number, stream).map(|line| line.add(text, said));
            let (logged, said) = so_far.unwrap_or_default();
            matches = self.decide(number, stream, (b"", &logged), &said, out);
        }
        // Text that is held back, since a secret may begin with it, has no event unless it decides something.
        if !text.is_empty() || !matches.is_empty() {
            if let Some(entry) = entry {
                self.timeline.record_said(entry, out.now());
            }
            out.event(&Event::UnfinishedText { source, stream, text });
        }
        self.apply_matches((number, stream), &matches, out);
    }

    /// Notes what the log says that the next line or text of a spawn decides.
    pub(super) fn line_matched(
        &mut self,
        source: Source,
        stream: OutputStream,
        matches: LineMatches,
        out: &mut EngineOutput<'_>,
    ) {
        let Some((number, _)) = self.spawns.find_process(source) else { return };
        emit_matches(source, stream, &matches, out);
        self.spawns.decide(number, stream, matches);
    }

    /// Whether something waits for a line of a spawn.
    fn awaits_text(&self, number: u32, entry: Option<usize>) -> bool {
        self.spawns.awaits_line(number) || entry.is_some_and(|entry| self.timeline.awaits_line_of(entry))
    }

    /// The decisions of a text, which is given as it is logged and as it was said. Reports them if the log
    /// does not show them. `line` is the logged line with its newline, or empty if the line has not ended:
    /// then no expectation looks at it.
    fn decide(
        &mut self,
        number: u32,
        stream: OutputStream,
        (line, logged): (&[u8], &[u8]),
        said: &[u8],
        out: &mut EngineOutput<'_>,
    ) -> LineMatches {
        if let Some(decided) = self.spawns.take_decided(number, stream) {
            out.expectations().override_line(Some(decided.expects.clone()));
            return decided;
        }
        let source = Source::Spawn(number);
        let entry = self.spawns.get(number).and_then(|spawn| spawn.entry());
        let matches_of = |text: &[u8], expects: LineHits| LineMatches {
            ready: self.spawns.is_ready_line(number, text),
            waits: entry.map(|entry| self.timeline.lines_matched(entry, text)).unwrap_or_default(),
            expects,
        };
        if said == logged {
            return matches_of(said, LineHits::default());
        }
        let hits = |text: &[u8], out: &mut EngineOutput<'_>| match line {
            [] => LineHits::default(),
            _ => out.expectations().line_hits(&Event::Lines { source, stream, chunk: text, partial: false }),
        };
        let (said_hits, logged_hits) = (hits(said, out), hits(logged, out));
        let matches = matches_of(said, said_hits);
        if matches_of(logged, logged_hits) != matches {
            emit_matches(source, stream, &matches, out);
            out.expectations().override_line(Some(matches.expects.clone()));
        }
        matches
    }

    /// Carries out what a text decided.
    fn apply_matches(
        &mut self,
        (number, stream): (u32, OutputStream),
        matches: &LineMatches,
        out: &mut EngineOutput<'_>,
    ) {
        if matches.is_empty() {
            return;
        }
        if matches.ready && self.spawns.count_ready_line(number, stream) {
            self.record_ready(number, out);
        }
        if let Some(entry) = self.spawns.get(number).and_then(|spawn| spawn.entry()) {
            self.timeline.meet_lines(entry, &matches.waits, out.now(), &mut self.timers);
        }
    }
}

fn emit_matches(source: Source, stream: OutputStream, matches: &LineMatches, out: &mut EngineOutput<'_>) {
    let (entries, conditions) = (matches.entry_numbers(), matches.condition_numbers());
    let LineHits { targets, predecessors } = &matches.expects;
    out.event(&Event::LineMatched {
        source,
        stream,
        ready: matches.ready,
        entries: &entries,
        conditions: &conditions,
        expects: targets,
        follows: predecessors,
    });
}

/// The first line of a chunk with its newline, and the rest.
fn split_line(chunk: &[u8]) -> (&[u8], &[u8]) {
    chunk.split_at(memchr::memchr(b'\n', chunk).map_or(chunk.len(), |at| at + 1))
}

fn without_newline(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").unwrap_or(line)
}

/// Reports the lines of a chunk.
fn emit_lines(source: Source, stream: OutputStream, chunk: &[u8], partial: bool, out: &mut EngineOutput<'_>) {
    let ends = memchr::memchr_iter(b'\n', chunk).count() as u64;
    let unended = u64::from(!partial && !chunk.is_empty() && !chunk.ends_with(b"\n"));
    out.counters().lines += if partial { 0 } else { ends + unended };
    out.event(&Event::Lines { source, stream, chunk, partial });
}

/// The move that a line makes, which is given as it may be logged and as it was said. What is hidden of the
/// player's name stays hidden.
fn find_move<'l>(
    logged: &'l [u8],
    said: &'l [u8],
    players: Option<&PlayersPreset>,
) -> Option<(MoveDirection<'l>, PlayerName<'l>)> {
    // A replay would take such a line for a move, so it is one.
    let shown = parse_move(logged, players);
    if shown.is_some() || said == logged {
        return shown;
    }
    let (direction, _) = parse_move(said, players)?;
    let name = &said[said.iter().position(|byte| *byte == b' ')?..];
    let player = name.strip_prefix(b" ").filter(|_| logged.ends_with(name));
    let player = player.and_then(|player| std::str::from_utf8(player).ok()).unwrap_or(REDACTED);
    Some((direction, PlayerName::from_full_name(player)))
}

/// The line that a replay makes of the event of a move.
fn move_text((direction, player): (MoveDirection<'_>, PlayerName<'_>)) -> Vec<u8> {
    format!("{} {player}", direction.word()).into_bytes()
}

/// Reads a move: a direction, a space, and the player's name: `N john`. The players of the preset, if it is
/// one of players, may have other directions than the four of the world, and names of several words.
fn parse_move<'l>(
    line: &'l [u8],
    players: Option<&PlayersPreset>,
) -> Option<(MoveDirection<'l>, PlayerName<'l>)> {
    let (word, player) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    let direction = MoveDirection::from_word(word);
    if let MoveDirection::Word(word) = direction
        && !players.is_some_and(|players| players.have_direction(word))
    {
        return None;
    }
    // Of the lines of a preset of players, more than one space makes no move, though a name may begin with a
    // space. What another program says in words (`W no such file`) is no move.
    let is_one_name = if players.is_some() { !player.starts_with(' ') } else { !player.contains(' ') };
    let is_name = is_one_name && name::player_name_error(player).is_none();
    is_name.then(|| (direction, PlayerName::from_full_name(player)))
}
