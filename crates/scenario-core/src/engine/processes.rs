//! Spawns, from the order to the end: players in the runner, players in a sub-process, programs.

use std::rc::Rc;

use crate::engine::effect::Order;
use crate::engine::expect::Origin;
use crate::engine::players::players_of;
use crate::engine::readiness::Awaits;
use crate::engine::world::Home;
use crate::engine::{Out, Phase, Run};
use crate::scenario::model::{Command, Exits, Isolation, MOST_IN_WORLD, PresetKind, Scenario, Stdin};
use scenario_log::event::{Direction, Event, Exit, Source, Stream};
use scenario_log::name;
use scenario_log::name::PlayerName;
use scenario_log::signal::Signal;
use scenario_log::time::Moment;

/// A spawn that was ordered and has not ended.
#[derive(Clone, Debug)]
pub(crate) struct Spawn {
    /// Which preset.
    pub(crate) preset: usize,
    /// How many spawns of the preset came before.
    nth: u64,
    /// Which entry; none for a typed one.
    pub(crate) entry: Option<usize>,
    /// When it was to start.
    pub(crate) due: Moment,
    state: State,
    /// What would show that it is ready: from its start until that comes, or it has had its time, or
    /// it is asked to stop.
    pub(crate) awaits: Option<Awaits>,
    /// The runner has asked it to end.
    asked_to_stop: bool,
    /// The run does not wait for it.
    background: bool,
    /// Its output stands within a line that is told in parts: what comes next is no line of its own.
    is_mid_line: bool,
}

/// How a spawn has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub(crate) exit: Exit,
    /// Others hold its output.
    pub(crate) held: bool,
    /// States of the world that it was not sent.
    pub(crate) skipped: u64,
}

impl End {
    /// That of players in the runner.
    fn of_players(exit: Exit) -> End {
        End { exit, held: false, skipped: 0 }
    }
}

#[derive(Clone, Debug)]
enum State {
    /// The hands are to start it.
    Ordered,
    /// A process, which does not go on for now if a signal stopped it.
    Running { suspended: bool },
    /// Players in the runner; which of the plays.
    Playing(usize),
}

impl Spawn {
    /// Whether the runner has asked it to end.
    pub(crate) fn is_asked_to_stop(&self) -> bool {
        self.asked_to_stop
    }

    /// Whether it may still get ready.
    pub(crate) fn may_get_ready(&self) -> bool {
        self.awaits.is_some() || matches!(self.state, State::Ordered)
    }
}

/// The program of a preset, if it is one.
fn command_of(scenario: &Scenario, preset: usize) -> Option<&Command> {
    match &scenario.presets[preset].kind {
        PresetKind::Command(command) => Some(command),
        PresetKind::Players(_) => None,
    }
}

/// A spawn for a message: `ps#1 (server)`.
pub(crate) fn spawn_name(scenario: &Scenario, source: Source, preset: usize) -> String {
    format!("{source} ({})", scenario.presets[preset].name)
}

impl Run {
    /// Spawns a preset, planned for `due`.
    pub(crate) fn spawn(&mut self, preset: usize, entry: Option<usize>, due: Moment, out: &mut Out<'_>) {
        let scenario = Rc::clone(&self.scenario);
        self.last_spawn += 1;
        let number = self.last_spawn;
        let source = Source::Spawn(number);
        let nth = self.spawned_of[preset];
        self.spawned_of[preset] += 1;
        let background = command_of(&scenario, preset).is_some_and(|command| command.background);
        self.foreground += usize::from(!background);
        self.entry_gained(entry);
        out.expected.ordered(source, Origin::spawn(preset, entry));
        let spawn = Spawn {
            preset,
            nth,
            entry,
            due,
            state: State::Ordered,
            awaits: None,
            asked_to_stop: false,
            background,
            is_mid_line: false,
        };
        self.spawns.insert(number, spawn);
        match players_of(&scenario, preset) {
            Some(players) if players.isolation == Isolation::Task => {
                self.start_players(number, (source, preset, nth), due, out);
            }
            _ => out.order(Order::Start { source, preset, nth, entry }),
        }
    }

    fn start_players(&mut self, number: u32, spawn: (Source, usize, u64), due: Moment, out: &mut Out<'_>) {
        let scenario = Rc::clone(&self.scenario);
        let (source, preset, nth) = spawn;
        let groups = players_of(&scenario, preset).map_or(&[][..], |players| &players.groups);
        if !self.players.has_room(&scenario, preset) {
            return self.could_not_start(source, "a run can have at most 4,294,967,295 players", out);
        }
        if !out.has_room_for(groups) {
            let error = format!("a world holds at most {MOST_IN_WORLD} players at once");
            return self.could_not_start(source, &error, out);
        }
        self.note_start(number, None, due, out);
        out.come(source, Home { preset: &scenario.presets[preset].name, nth }, groups);
        match self.players.start(&scenario, spawn, self.seed, due, out) {
            Some(play) => {
                if let Some(spawn) = self.spawns.get_mut(&number) {
                    spawn.state = State::Playing(play);
                }
            }
            None => self.players_ended(source, due, out),
        }
    }

    /// A spawn runs: tells it, and triggers what waited for it.
    fn note_start(&mut self, number: u32, pid: Option<u32>, moment: Moment, out: &mut Out<'_>) {
        let scenario = Rc::clone(&self.scenario);
        let Some(spawn) = self.spawns.get_mut(&number) else { return };
        spawn.state = State::Running { suspended: false };
        let (preset, entry, due) = (spawn.preset, spawn.entry, spawn.due);
        self.running += 1;
        out.tally.spawned += 1;
        out.event(&Event::SpawnStarted {
            due,
            source: Source::Spawn(number),
            preset: &scenario.presets[preset].name,
            entry: entry.map(|entry| scenario.timeline[entry].name(entry)),
            pid,
        });
        if let Some(entry) = entry {
            self.entry_started(entry, moment, out);
        }
        self.await_ready(number, moment, out);
    }

    /// A process was stopped by a signal. That is no end: it still runs, as far as the run goes.
    pub(crate) fn suspended(&mut self, source: Source, signal: Signal, out: &mut Out<'_>) {
        if self.suspend_or_resume(source, true) {
            out.event(&Event::SpawnSuspended { source, signal });
        }
    }

    /// A process that was stopped goes on.
    pub(crate) fn goes_on(&mut self, source: Source, out: &mut Out<'_>) {
        if self.suspend_or_resume(source, false) {
            out.event(&Event::SpawnResumed { source });
        }
    }

    /// Notes whether a process is suspended; whether that is news.
    fn suspend_or_resume(&mut self, source: Source, is_suspended: bool) -> bool {
        let Source::Spawn(number) = source else { return false };
        match self.spawns.get_mut(&number).map(|spawn| &mut spawn.state) {
            Some(State::Running { suspended }) => std::mem::replace(suspended, is_suspended) != is_suspended,
            _ => false,
        }
    }

    /// A process runs.
    pub(crate) fn process_started(&mut self, source: Source, pid: u32, out: &mut Out<'_>) {
        if let Some((number, _)) = self.spawn_in(source, |state| matches!(state, State::Ordered)) {
            self.note_start(number, Some(pid), out.now, out);
            self.listen(number, out);
        }
    }

    /// A process that reads the world gets the states that come from now on.
    fn listen(&self, number: u32, out: &mut Out<'_>) {
        let preset = self.spawns.get(&number).and_then(|spawn| command_of(&self.scenario, spawn.preset));
        if preset.is_some_and(|command| command.stdin == Stdin::World) {
            out.order(Order::Listen { source: Source::Spawn(number) });
        }
    }

    /// A spawn could not start.
    pub(crate) fn could_not_start(&mut self, source: Source, error: &str, out: &mut Out<'_>) {
        let Some((number, preset)) = self.spawn_in(source, |state| matches!(state, State::Ordered)) else {
            return;
        };
        let running = self.running;
        out.event(&Event::SpawnFailed { source, error, running });
        let scenario = Rc::clone(&self.scenario);
        // One that was stopped before its turn to start came has not failed.
        let asked = self.spawns.get(&number).is_some_and(|spawn| spawn.asked_to_stop);
        if !asked {
            self.note_fault(|| format!("{} could not start: {error}", spawn_name(&scenario, source, preset)));
        }
        self.forget_spawn(number, out.now, out);
    }

    /// A process ended.
    pub(crate) fn process_exited(&mut self, source: Source, end: End, out: &mut Out<'_>) {
        let exit = end.exit;
        let Some((number, preset)) = self.spawn_in(source, |state| matches!(state, State::Running { .. }))
        else {
            return;
        };
        let scenario = Rc::clone(&self.scenario);
        let asked = self.spawns.get(&number).is_some_and(Spawn::is_asked_to_stop);
        let unready = self.spawns.get(&number).is_some_and(|spawn| spawn.awaits.is_some());
        let ok = match command_of(&scenario, preset) {
            Some(command) if asked => !took_the_kill(command.stop.signal, exit),
            Some(_) if unready => false,
            Some(command) => is_expected(&command.exits, exit),
            None if asked => !took_the_kill(Signal::TERM, exit),
            None => exit == Exit::Code(0),
        };
        let name = || spawn_name(&scenario, source, preset);
        if !ok && asked {
            self.note_fault(|| format!("{} did not stop when asked to, and was killed", name()));
        } else if !ok {
            let when = if unready { " before it was ready" } else { "" };
            self.note_fault(|| format!("{} ended with {exit}{when}", name()));
        }
        self.note_exit(number, end, ok, out.now, out);
    }

    /// The last player of a spawn has ended its last wait.
    pub(crate) fn players_ended(&mut self, source: Source, due: Moment, out: &mut Out<'_>) {
        if let Some((number, _)) = self.spawn_in(source, |state| !matches!(state, State::Ordered)) {
            self.note_exit(number, End::of_players(Exit::Code(0)), true, due, out);
        }
    }

    fn note_exit(
        &mut self,
        number: u32,
        End { exit, held, skipped }: End,
        ok: bool,
        moment: Moment,
        out: &mut Out<'_>,
    ) {
        self.running -= 1;
        out.tally.exited += 1;
        let running = self.running;
        out.event(&Event::SpawnExited { source: Source::Spawn(number), exit, ok, running, held, skipped });
        self.forget_spawn(number, moment, out);
    }

    fn forget_spawn(&mut self, number: u32, moment: Moment, out: &mut Out<'_>) {
        out.leave(Source::Spawn(number));
        if let Some(spawn) = self.spawns.remove(&number) {
            self.foreground -= usize::from(!spawn.background);
            self.entry_lost(spawn.entry, moment, out);
        }
    }

    /// Asks a spawn to stop, once. Players in the runner end at once, as by TERM.
    pub(crate) fn stop_spawn(&mut self, number: u32, out: &mut Out<'_>) {
        let Some(spawn) = self.spawns.get_mut(&number) else { return };
        if std::mem::replace(&mut spawn.asked_to_stop, true) {
            return;
        }
        // What it says while it stops makes nothing ready.
        spawn.awaits = None;
        match spawn.state {
            State::Playing(play) => {
                self.players.stop(play);
                self.note_exit(number, End::of_players(Exit::Signal(Signal::TERM)), true, out.now, out);
            }
            State::Ordered | State::Running { .. } => {
                out.order(Order::Stop { source: Source::Spawn(number) })
            }
        }
    }

    /// What a process wrote.
    pub(crate) fn lines(
        &mut self,
        source: Source,
        stream: Stream,
        chunk: &[u8],
        partial: bool,
        out: &mut Out<'_>,
    ) {
        let Some((number, preset)) = self.spawn_in(source, |state| matches!(state, State::Running { .. }))
        else {
            return;
        };
        let scenario = Rc::clone(&self.scenario);
        let spawn = self.spawns.get_mut(&number);
        let (entry, nth, is_mid_line) = spawn.map_or((None, 0, false), |spawn| {
            let is_mid_line = match stream {
                Stream::Stdout => std::mem::replace(&mut spawn.is_mid_line, partial),
                Stream::Stderr => false,
            };
            (spawn.entry, spawn.nth, is_mid_line)
        });
        let may_play = players_of(&scenario, preset).is_some() || out.world.is_some();
        let plays = may_play && stream == Stream::Stdout && !partial;
        let is_waited_for = |run: &Run| entry.filter(|entry| run.entries[*entry].line_waiters > 0);
        let may_end = out.expected.hang_on_lines();
        if !plays && !may_end && is_waited_for(self).is_none() && !self.awaits_line(number) {
            return note_lines(source, stream, chunk, partial, out);
        }
        let home = Home { preset: &scenario.presets[preset].name, nth };
        let mut is_whole = !is_mid_line;
        let mut rest = chunk;
        while !rest.is_empty() {
            let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            let (line, after) = rest.split_at(end);
            rest = after;
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            let is_move = plays && std::mem::replace(&mut is_whole, true);
            match is_move.then(|| read_move(text)).flatten() {
                Some((direction, player)) if out.can_move(source, home, player) => {
                    out.moved(None, source, player, direction);
                }
                _ => note_lines(source, stream, line, partial, out),
            }
            let shows_ready = self.awaits_line(number);
            if shows_ready {
                self.ready_line_came(number, text, out);
            }
            let waited_for = is_waited_for(self);
            if let Some(entry) = waited_for {
                self.line_came(entry, text, out.now);
            }
            if shows_ready || waited_for.is_some() || out.is_to_end() {
                // What hangs on a line happens right behind it, and not behind the lines that
                // were read together with it: a log knows nothing of reads.
                self.settle(out);
                if !self.spawns.contains_key(&number) || matches!(self.phase, Phase::Over(_)) {
                    return;
                }
            }
        }
    }

    /// A line could not be sent.
    pub(crate) fn not_sent(&mut self, source: Source, error: &str, out: &mut Out<'_>) {
        let Some((_, preset)) = self.spawn_in(source, |_| true) else { return };
        let scenario = Rc::clone(&self.scenario);
        out.event(&Event::Sent {
            due: None,
            source: Some(source),
            entry: None,
            text: None,
            error: Some(error),
        });
        self.note_fault(|| {
            format!("a line could not be sent to {}: {error}", spawn_name(&scenario, source, preset))
        });
    }

    /// The number and preset of a spawn, if it has not ended and is in such a state.
    fn spawn_in(&self, source: Source, wanted: impl Fn(&State) -> bool) -> Option<(u32, usize)> {
        let Source::Spawn(number) = source else { return None };
        self.spawns.get(&number).filter(|spawn| wanted(&spawn.state)).map(|spawn| (number, spawn.preset))
    }
}

/// Whether a process that was asked to stop had to be killed.
fn took_the_kill(asked_by: Signal, exit: Exit) -> bool {
    exit == Exit::Signal(Signal::KILL) && asked_by != Signal::KILL
}

fn is_expected(exits: &Exits, exit: Exit) -> bool {
    match (exits, exit) {
        (Exits::Any, _) => true,
        (Exits::Codes(codes), Exit::Code(code)) => codes.iter().any(|expected| i32::from(*expected) == code),
        (Exits::Signal(expected), Exit::Signal(signal)) => *expected == signal,
        _ => false,
    }
}

/// Tells the lines of a chunk.
fn note_lines(source: Source, stream: Stream, chunk: &[u8], partial: bool, out: &mut Out<'_>) {
    let ends = memchr::memchr_iter(b'\n', chunk).count() as u64;
    let unended = u64::from(!partial && !chunk.is_empty() && !chunk.ends_with(b"\n"));
    out.tally.lines += if partial { 0 } else { ends + unended };
    out.event(&Event::Lines { source, stream, chunk, partial });
}

/// Reads a move, `N john`.
fn read_move(line: &[u8]) -> Option<(Direction, PlayerName<'_>)> {
    let (letter, player) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    let direction = Direction::from_letter(letter)?;
    name::fault(player).is_none().then(|| (direction, PlayerName::whole(player)))
}
