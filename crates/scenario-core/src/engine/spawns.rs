//! Spawns, from the order to the end: players in the runner, players in a sub-process, programs.

use std::rc::Rc;

use crate::engine::effect::Effect;
use crate::engine::expectations::outcome::EventOrigin;
use crate::engine::players::players_preset;
use crate::engine::readiness::ReadinessWait;
use crate::engine::world::PlacementSeed;
use crate::engine::{EngineOutput, RunPhase, RunState};
use crate::scenario::model::{
    CommandPreset, ExitRule, Isolation, MAX_PLAYERS_IN_WORLD, PresetKind, Scenario, StdinMode,
};
use scenario_log::event::{Direction, Event, OutputStream, Source, SpawnExit};
use scenario_log::name;
use scenario_log::name::PlayerName;
use scenario_log::signal::Signal;
use scenario_log::time::Moment;

/// A spawn that was ordered and has not ended.
#[derive(Clone, Debug)]
pub(crate) struct ActiveSpawn {
    /// Which preset.
    pub(crate) preset: usize,
    /// How many spawns of the preset came before.
    nth: u64,
    /// Which entry; none for a typed one.
    pub(crate) entry: Option<usize>,
    /// When it was to start.
    pub(crate) due: Moment,
    phase: SpawnPhase,
    /// What would show that it is ready: from its start until that comes, or it has had its time, or
    /// it is asked to stop.
    pub(crate) readiness: Option<ReadinessWait>,
    /// The runner has asked it to end.
    stop_requested: bool,
    /// The run does not wait for it.
    is_background: bool,
    /// Its output stands within a line that is told in parts: what comes next is no line of its own.
    is_mid_line: bool,
}

/// How a spawn has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpawnEnd {
    pub(crate) exit: SpawnExit,
    /// Others hold its output.
    pub(crate) is_output_held: bool,
    /// States of the world that it was not sent.
    pub(crate) skipped_states: u64,
}

impl SpawnEnd {
    /// That of players in the runner.
    fn for_players(exit: SpawnExit) -> SpawnEnd {
        SpawnEnd { exit, is_output_held: false, skipped_states: 0 }
    }
}

#[derive(Clone, Debug)]
enum SpawnPhase {
    /// The hands are to start it.
    Starting,
    /// A process, which does not go on for now if a signal stopped it.
    Running { suspended: bool },
    /// Players in the runner; which of the plays.
    Playing(usize),
}

impl ActiveSpawn {
    /// Whether the runner has asked it to end.
    pub(crate) fn is_stop_requested(&self) -> bool {
        self.stop_requested
    }

    /// Whether it may still get ready.
    pub(crate) fn may_become_ready(&self) -> bool {
        self.readiness.is_some() || matches!(self.phase, SpawnPhase::Starting)
    }
}

/// The program of a preset, if it is one.
fn command_preset(scenario: &Scenario, preset: usize) -> Option<&CommandPreset> {
    match &scenario.presets[preset].kind {
        PresetKind::Command(command) => Some(command),
        PresetKind::Players(_) => None,
    }
}

/// A spawn for a message: `ps#1 (server)`.
pub(crate) fn spawn_name(scenario: &Scenario, source: Source, preset: usize) -> String {
    format!("{source} ({})", scenario.presets[preset].name)
}

impl RunState {
    /// Spawns a preset, planned for `due`.
    pub(crate) fn start_spawn(
        &mut self,
        preset: usize,
        entry: Option<usize>,
        due: Moment,
        out: &mut EngineOutput<'_>,
    ) {
        let scenario = Rc::clone(&self.scenario);
        self.last_spawn += 1;
        let number = self.last_spawn;
        let source = Source::Spawn(number);
        let nth = self.spawned_per_preset[preset];
        self.spawned_per_preset[preset] += 1;
        let background = command_preset(&scenario, preset).is_some_and(|command| command.background);
        self.foreground_count += usize::from(!background);
        self.entry_source_added(entry);
        out.expectations.register_source(source, EventOrigin::for_spawn(preset, entry));
        let spawn = ActiveSpawn {
            preset,
            nth,
            entry,
            due,
            phase: SpawnPhase::Starting,
            readiness: None,
            stop_requested: false,
            is_background: background,
            is_mid_line: false,
        };
        self.spawns.insert(number, spawn);
        match players_preset(&scenario, preset) {
            Some(players) if players.isolation == Isolation::Task => {
                self.start_players(number, (source, preset, nth), due, out);
            }
            _ => out.effect(Effect::StartSpawn { source, preset, nth, entry }),
        }
    }

    fn start_players(
        &mut self,
        number: u32,
        spawn: (Source, usize, u64),
        due: Moment,
        out: &mut EngineOutput<'_>,
    ) {
        let scenario = Rc::clone(&self.scenario);
        let (source, preset, nth) = spawn;
        let groups = players_preset(&scenario, preset).map_or(&[][..], |players| &players.groups);
        if !self.player_scheduler.has_ids_left(&scenario, preset) {
            return self.spawn_failed(source, "a run can have at most 4,294,967,295 players", out);
        }
        if !out.has_world_room(groups) {
            let error = format!("a world holds at most {MAX_PLAYERS_IN_WORLD} players at once");
            return self.spawn_failed(source, &error, out);
        }
        self.record_spawn_started(number, None, due, out);
        out.place_players(source, PlacementSeed { preset: &scenario.presets[preset].name, nth }, groups);
        match self.player_scheduler.start_spawn(&scenario, spawn, self.seed, due, out) {
            Some(play) => {
                if let Some(spawn) = self.spawns.get_mut(&number) {
                    spawn.phase = SpawnPhase::Playing(play);
                }
            }
            None => self.players_ended(source, due, out),
        }
    }

    /// A spawn runs: tells it, and triggers what waited for it.
    fn record_spawn_started(
        &mut self,
        number: u32,
        pid: Option<u32>,
        moment: Moment,
        out: &mut EngineOutput<'_>,
    ) {
        let scenario = Rc::clone(&self.scenario);
        let Some(spawn) = self.spawns.get_mut(&number) else { return };
        spawn.phase = SpawnPhase::Running { suspended: false };
        let (preset, entry, due) = (spawn.preset, spawn.entry, spawn.due);
        self.running_spawns += 1;
        out.counters.spawned += 1;
        out.event(&Event::SpawnStarted {
            due,
            source: Source::Spawn(number),
            preset: &scenario.presets[preset].name,
            entry: entry.map(|entry| scenario.timeline[entry].event_name(entry)),
            pid,
        });
        if let Some(entry) = entry {
            self.entry_started(entry, moment, out);
        }
        self.await_ready(number, moment, out);
    }

    /// A process was stopped by a signal. That is no end: it still runs, as far as the run goes.
    pub(crate) fn spawn_suspended(&mut self, source: Source, signal: Signal, out: &mut EngineOutput<'_>) {
        if self.set_suspended(source, true) {
            out.event(&Event::SpawnSuspended { source, signal });
        }
    }

    /// A process that was stopped goes on.
    pub(crate) fn spawn_resumed(&mut self, source: Source, out: &mut EngineOutput<'_>) {
        if self.set_suspended(source, false) {
            out.event(&Event::SpawnResumed { source });
        }
    }

    /// Notes whether a process is suspended; whether that is news.
    fn set_suspended(&mut self, source: Source, is_suspended: bool) -> bool {
        let Source::Spawn(number) = source else { return false };
        match self.spawns.get_mut(&number).map(|spawn| &mut spawn.phase) {
            Some(SpawnPhase::Running { suspended }) => {
                std::mem::replace(suspended, is_suspended) != is_suspended
            }
            _ => false,
        }
    }

    /// A process runs.
    pub(crate) fn process_started(&mut self, source: Source, pid: u32, out: &mut EngineOutput<'_>) {
        if let Some((number, _)) = self.spawn_in_phase(source, |state| matches!(state, SpawnPhase::Starting))
        {
            self.record_spawn_started(number, Some(pid), out.now, out);
            self.subscribe_to_world(number, out);
        }
    }

    /// A process that reads the world gets the states that come from now on.
    fn subscribe_to_world(&self, number: u32, out: &mut EngineOutput<'_>) {
        let preset = self.spawns.get(&number).and_then(|spawn| command_preset(&self.scenario, spawn.preset));
        if preset.is_some_and(|command| command.stdin == StdinMode::World) {
            out.effect(Effect::SubscribeToWorld { source: Source::Spawn(number) });
        }
    }

    /// A spawn could not start.
    pub(crate) fn spawn_failed(&mut self, source: Source, error: &str, out: &mut EngineOutput<'_>) {
        let Some((number, preset)) =
            self.spawn_in_phase(source, |state| matches!(state, SpawnPhase::Starting))
        else {
            return;
        };
        let running = self.running_spawns;
        out.event(&Event::SpawnFailed { source, error, running });
        let scenario = Rc::clone(&self.scenario);
        // One that was stopped before its turn to start came has not failed.
        let asked = self.spawns.get(&number).is_some_and(|spawn| spawn.stop_requested);
        if !asked {
            self.record_failure(|| {
                format!("{} could not start: {error}", spawn_name(&scenario, source, preset))
            });
        }
        self.remove_spawn(number, out.now, out);
    }

    /// A process ended.
    pub(crate) fn process_exited(&mut self, source: Source, end: SpawnEnd, out: &mut EngineOutput<'_>) {
        let exit = end.exit;
        let Some((number, preset)) =
            self.spawn_in_phase(source, |state| matches!(state, SpawnPhase::Running { .. }))
        else {
            return;
        };
        let scenario = Rc::clone(&self.scenario);
        let asked = self.spawns.get(&number).is_some_and(ActiveSpawn::is_stop_requested);
        let unready = self.spawns.get(&number).is_some_and(|spawn| spawn.readiness.is_some());
        let ok = match command_preset(&scenario, preset) {
            Some(command) if asked => !was_force_killed(command.stop.signal, exit),
            Some(_) if unready => false,
            Some(command) => is_expected(&command.exits, exit),
            None if asked => !was_force_killed(Signal::TERM, exit),
            None => exit == SpawnExit::Code(0),
        };
        let name = || spawn_name(&scenario, source, preset);
        if !ok && asked {
            self.record_failure(|| format!("{} did not stop when asked to, and was killed", name()));
        } else if !ok {
            let when = if unready { " before it was ready" } else { "" };
            self.record_failure(|| format!("{} ended with {exit}{when}", name()));
        }
        self.record_spawn_exited(number, end, ok, out.now, out);
    }

    /// The last player of a spawn has ended its last wait.
    pub(crate) fn players_ended(&mut self, source: Source, due: Moment, out: &mut EngineOutput<'_>) {
        if let Some((number, _)) = self.spawn_in_phase(source, |state| !matches!(state, SpawnPhase::Starting))
        {
            self.record_spawn_exited(number, SpawnEnd::for_players(SpawnExit::Code(0)), true, due, out);
        }
    }

    fn record_spawn_exited(
        &mut self,
        number: u32,
        SpawnEnd { exit, is_output_held: held, skipped_states: skipped }: SpawnEnd,
        ok: bool,
        moment: Moment,
        out: &mut EngineOutput<'_>,
    ) {
        self.running_spawns -= 1;
        out.counters.exited += 1;
        let running = self.running_spawns;
        out.event(&Event::SpawnExited { source: Source::Spawn(number), exit, ok, running, held, skipped });
        self.remove_spawn(number, moment, out);
    }

    fn remove_spawn(&mut self, number: u32, moment: Moment, out: &mut EngineOutput<'_>) {
        out.remove_from_world(Source::Spawn(number));
        if let Some(spawn) = self.spawns.remove(&number) {
            self.foreground_count -= usize::from(!spawn.is_background);
            self.entry_source_removed(spawn.entry, moment, out);
        }
    }

    /// Asks a spawn to stop, once. Players in the runner end at once, as by TERM.
    pub(crate) fn stop_spawn(&mut self, number: u32, out: &mut EngineOutput<'_>) {
        let Some(spawn) = self.spawns.get_mut(&number) else { return };
        if std::mem::replace(&mut spawn.stop_requested, true) {
            return;
        }
        // What it says while it stops makes nothing ready.
        spawn.readiness = None;
        match spawn.phase {
            SpawnPhase::Playing(play) => {
                self.player_scheduler.stop_spawn(play);
                self.record_spawn_exited(
                    number,
                    SpawnEnd::for_players(SpawnExit::Signal(Signal::TERM)),
                    true,
                    out.now,
                    out,
                );
            }
            SpawnPhase::Starting | SpawnPhase::Running { .. } => {
                out.effect(Effect::StopSpawn { source: Source::Spawn(number) })
            }
        }
    }

    /// What a process wrote.
    pub(crate) fn spawn_lines(
        &mut self,
        source: Source,
        stream: OutputStream,
        chunk: &[u8],
        partial: bool,
        out: &mut EngineOutput<'_>,
    ) {
        let Some((number, preset)) =
            self.spawn_in_phase(source, |state| matches!(state, SpawnPhase::Running { .. }))
        else {
            return;
        };
        let scenario = Rc::clone(&self.scenario);
        let spawn = self.spawns.get_mut(&number);
        let (entry, nth, is_mid_line) = spawn.map_or((None, 0, false), |spawn| {
            let is_mid_line = match stream {
                OutputStream::Stdout => std::mem::replace(&mut spawn.is_mid_line, partial),
                OutputStream::Stderr => false,
            };
            (spawn.entry, spawn.nth, is_mid_line)
        });
        let may_play = players_preset(&scenario, preset).is_some() || out.world.is_some();
        let plays = may_play && stream == OutputStream::Stdout && !partial;
        let is_waited_for = |run: &RunState| entry.filter(|entry| run.entries[*entry].line_waiters > 0);
        let may_end = out.expectations.may_abort_on_line();
        if !plays && !may_end && is_waited_for(self).is_none() && !self.awaits_line(number) {
            return emit_lines(source, stream, chunk, partial, out);
        }
        let home = PlacementSeed { preset: &scenario.presets[preset].name, nth };
        let mut is_whole = !is_mid_line;
        let mut rest = chunk;
        while !rest.is_empty() {
            let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            let (line, after) = rest.split_at(end);
            rest = after;
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            let is_move = plays && std::mem::replace(&mut is_whole, true);
            match is_move.then(|| parse_move(text)).flatten() {
                Some((direction, player)) if out.ensure_placed(source, home, player) => {
                    out.emit_move(None, source, player, direction);
                }
                _ => emit_lines(source, stream, line, partial, out),
            }
            let shows_ready = self.awaits_line(number);
            if shows_ready {
                self.match_ready_line(number, text, out);
            }
            let waited_for = is_waited_for(self);
            if let Some(entry) = waited_for {
                self.match_entry_line(entry, text, out.now);
            }
            if shows_ready || waited_for.is_some() || out.must_abort() {
                // What hangs on a line happens right behind it, and not behind the lines that
                // were read together with it: a log knows nothing of reads.
                self.settle(out);
                if !self.spawns.contains_key(&number) || matches!(self.phase, RunPhase::Over(_)) {
                    return;
                }
            }
        }
    }

    /// A line could not be sent.
    pub(crate) fn send_failed(&mut self, source: Source, error: &str, out: &mut EngineOutput<'_>) {
        let Some((_, preset)) = self.spawn_in_phase(source, |_| true) else { return };
        let scenario = Rc::clone(&self.scenario);
        out.event(&Event::Sent {
            due: None,
            source: Some(source),
            entry: None,
            text: None,
            error: Some(error),
        });
        self.record_failure(|| {
            format!("a line could not be sent to {}: {error}", spawn_name(&scenario, source, preset))
        });
    }

    /// The number and preset of a spawn, if it has not ended and is in such a state.
    fn spawn_in_phase(&self, source: Source, wanted: impl Fn(&SpawnPhase) -> bool) -> Option<(u32, usize)> {
        let Source::Spawn(number) = source else { return None };
        self.spawns.get(&number).filter(|spawn| wanted(&spawn.phase)).map(|spawn| (number, spawn.preset))
    }
}

/// Whether a process that was asked to stop had to be killed.
fn was_force_killed(asked_by: Signal, exit: SpawnExit) -> bool {
    exit == SpawnExit::Signal(Signal::KILL) && asked_by != Signal::KILL
}

fn is_expected(exits: &ExitRule, exit: SpawnExit) -> bool {
    match (exits, exit) {
        (ExitRule::Any, _) => true,
        (ExitRule::Codes(codes), SpawnExit::Code(code)) => {
            codes.iter().any(|expected| i32::from(*expected) == code)
        }
        (ExitRule::Signal(expected), SpawnExit::Signal(signal)) => *expected == signal,
        _ => false,
    }
}

/// Tells the lines of a chunk.
fn emit_lines(source: Source, stream: OutputStream, chunk: &[u8], partial: bool, out: &mut EngineOutput<'_>) {
    let ends = memchr::memchr_iter(b'\n', chunk).count() as u64;
    let unended = u64::from(!partial && !chunk.is_empty() && !chunk.ends_with(b"\n"));
    out.counters.lines += if partial { 0 } else { ends + unended };
    out.event(&Event::Lines { source, stream, chunk, partial });
}

/// Reads a move, `N john`.
fn parse_move(line: &[u8]) -> Option<(Direction, PlayerName<'_>)> {
    let (letter, player) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    let direction = Direction::from_letter(letter)?;
    name::name_error(player).is_none().then(|| (direction, PlayerName::from_full_name(player)))
}
