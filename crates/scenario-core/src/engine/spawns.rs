//! The spawns that were ordered and have not ended: programs, players in a sub-process, players in the
//! runner. Keeps their states and counts; emits no event.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::engine::lifecycle::RunFailure;
use crate::engine::readiness::{LineSign, ReadinessWait, ReadyRegexes};
use crate::engine::spawn_acts::{SpawnActs, SpawnRestart};
use crate::engine::unfinished::{LineMatches, UnfinishedLine, UnfinishedLines};
use crate::scenario::model::{CommandPreset, PresetKind, Scenario};
use scenario_log::event::{OutputStream, Source, SpawnExit};
use scenario_log::signal::Signal;
use scenario_log::time::{Moment, Span};

/// A spawn that was ordered and has not ended.
#[derive(Clone, Debug)]
pub(crate) struct ActiveSpawn {
    preset: usize,
    nth: u64,
    entry: Option<usize>,
    due: Moment,
    phase: SpawnPhase,
    /// The sign that would show that it is ready: from its start until the sign comes, its time to become
    /// ready is over, or it is asked to stop.
    readiness: Option<ReadinessWait>,
    stop_requested: bool,
    /// The actions on it besides a stop.
    acts: SpawnActs,
    /// Why the runner has judged it failed while it runs: words that follow its name.
    condemned: Option<String>,
    /// The run does not wait for it.
    is_background: bool,
    /// Its output is within a line that comes in parts: what follows is not a line of its own.
    is_mid_line: bool,
    /// Its lines that have not ended.
    unfinished: UnfinishedLines,
}

#[derive(Clone, Debug)]
enum SpawnPhase {
    /// The driver is to start it.
    Starting,
    /// A process; a signal may have suspended it.
    Running { suspended: bool },
    /// Players in the runner: their spawn in the scheduler of the players.
    Playing(usize),
}

impl ActiveSpawn {
    pub(crate) fn preset(&self) -> usize {
        self.preset
    }

    /// The number of earlier spawns of its preset.
    pub(crate) fn nth(&self) -> u64 {
        self.nth
    }

    /// The entry that ordered it; none for a typed one.
    pub(crate) fn entry(&self) -> Option<usize> {
        self.entry
    }

    /// The planned moment of its start.
    pub(crate) fn due(&self) -> Moment {
        self.due
    }

    /// Whether the runner has asked it to end.
    pub(crate) fn is_stop_requested(&self) -> bool {
        self.stop_requested
    }
}

/// How a spawn has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpawnExitReport {
    pub(crate) exit: SpawnExit,
    /// Other processes hold its output.
    pub(crate) is_output_held: bool,
    /// It ended when it was asked to, but others of its group did not and were killed.
    pub(crate) is_group_killed: bool,
    /// The number of states of the world that it missed.
    pub(crate) skipped_states: u64,
}

impl SpawnExitReport {
    /// The end of players in the runner.
    pub(crate) fn for_players(exit: SpawnExit) -> SpawnExitReport {
        SpawnExitReport { exit, is_output_held: false, is_group_killed: false, skipped_states: 0 }
    }
}

/// The remaining work after a spawn was asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpawnStop {
    /// Nothing: it has ended, or was asked before.
    Nothing,
    /// Its process must be stopped.
    Process,
    /// These players in the runner must end now.
    Players(usize),
}

/// Whether a spawn that has started must still become ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadyStart {
    /// It is ready with its start.
    Ready,
    /// It has this long to become ready.
    Waits(Span),
    /// It is being stopped, so nobody waits for it.
    Stopping,
}

/// How the exit of a process compares to what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitVerdict {
    Expected,
    /// It did not stop when asked to, and was killed.
    ForceKilled,
    /// The same of others of its group.
    GroupKilled,
    Unexpected,
    /// It ended before it was ready.
    BeforeReady,
    /// The runner had judged it failed, and stopped it.
    Condemned,
}

/// The program of a preset, if the preset is one of a program.
pub(crate) fn command_preset(scenario: &Scenario, preset: usize) -> Option<&CommandPreset> {
    match &scenario.presets[preset].kind {
        PresetKind::Command(command) => Some(command),
        PresetKind::Players(_) => None,
    }
}

/// All spawns of a run.
#[derive(Clone)]
pub(crate) struct Spawns {
    scenario: Rc<Scenario>,
    /// By number.
    active: BTreeMap<u32, ActiveSpawn>,
    last_number: u32,
    spawned_per_preset: Vec<u64>,
    ready_regexes: ReadyRegexes,
    /// Spawns that have started and not ended.
    running_count: u64,
    /// Active spawns that the run waits for.
    foreground_count: usize,
    /// Whether the log has said what some line decides.
    has_decided: bool,
}

impl Spawns {
    pub(crate) fn new(scenario: Rc<Scenario>) -> Spawns {
        Spawns {
            active: BTreeMap::new(),
            last_number: 0,
            spawned_per_preset: vec![0; scenario.presets.len()],
            ready_regexes: ReadyRegexes::default(),
            running_count: 0,
            foreground_count: 0,
            has_decided: false,
            scenario,
        }
    }

    /// Counts spawns of a preset that happened elsewhere.
    pub(crate) fn set_spawned(&mut self, preset: usize, count: u64) {
        let first = self.scenario.first_of_name(preset);
        self.spawned_per_preset[first] = count;
    }

    /// Adds a spawn that is to be started; returns its number.
    pub(crate) fn add(&mut self, preset: usize, entry: Option<usize>, due: Moment) -> u32 {
        self.last_number += 1;
        let first = self.scenario.first_of_name(preset);
        let nth = self.spawned_per_preset[first];
        self.spawned_per_preset[first] += 1;
        let is_background = command_preset(&self.scenario, preset).is_some_and(|command| command.background);
        self.foreground_count += usize::from(!is_background);
        let spawn = ActiveSpawn {
            preset,
            nth,
            entry,
            due,
            phase: SpawnPhase::Starting,
            readiness: None,
            stop_requested: false,
            acts: SpawnActs::default(),
            condemned: None,
            is_background,
            is_mid_line: false,
            unfinished: UnfinishedLines::default(),
        };
        self.active.insert(self.last_number, spawn);
        self.last_number
    }

    pub(crate) fn get(&self, number: u32) -> Option<&ActiveSpawn> {
        self.active.get(&number)
    }

    /// Whether a process is being started.
    pub(crate) fn has_starting(&self) -> bool {
        self.active.values().any(|spawn| matches!(spawn.phase, SpawnPhase::Starting))
    }

    /// Whether a process that the run waits for has not ended.
    pub(crate) fn has_awaited_process(&self) -> bool {
        let is_process = |preset: usize| self.scenario.presets[preset].kind.is_process();
        self.active.values().any(|spawn| !spawn.is_background && is_process(spawn.preset))
    }

    /// The active spawns in the order of their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Source, &ActiveSpawn)> {
        self.active.iter().map(|(number, spawn)| (Source::Spawn(*number), spawn))
    }

    pub(crate) fn numbers(&self) -> Vec<u32> {
        self.active.keys().copied().collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.active.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.active.is_empty()
    }

    /// Spawns that have started and not ended.
    pub(crate) fn running_count(&self) -> u64 {
        self.running_count
    }

    /// Active spawns that the run waits for.
    pub(crate) fn foreground_count(&self) -> usize {
        self.foreground_count
    }

    /// The spawns of an entry, in the order of their numbers.
    pub(crate) fn of_entry(&self, entry: usize) -> impl Iterator<Item = Source> {
        self.iter().filter(move |(_, spawn)| spawn.entry == Some(entry)).map(|(source, _)| source)
    }

    /// The number and preset of an active spawn.
    pub(crate) fn find(&self, source: Source) -> Option<(u32, usize)> {
        self.find_in_phase(source, |_| true)
    }

    /// The number and preset of a spawn that is to be started.
    pub(crate) fn find_starting(&self, source: Source) -> Option<(u32, usize)> {
        self.find_in_phase(source, |phase| matches!(phase, SpawnPhase::Starting))
    }

    /// The number and preset of a spawn that has started.
    pub(crate) fn find_started(&self, source: Source) -> Option<(u32, usize)> {
        self.find_in_phase(source, |phase| !matches!(phase, SpawnPhase::Starting))
    }

    /// The number and preset of a process that runs.
    #[inline]
    pub(crate) fn find_process(&self, source: Source) -> Option<(u32, usize)> {
        self.find_in_phase(source, |phase| matches!(phase, SpawnPhase::Running { .. }))
    }

    fn find_in_phase(&self, source: Source, wanted: impl Fn(&SpawnPhase) -> bool) -> Option<(u32, usize)> {
        let Source::Spawn(number) = source else { return None };
        self.active.get(&number).filter(|spawn| wanted(&spawn.phase)).map(|spawn| (number, spawn.preset))
    }

    /// Notes that a spawn has started.
    pub(crate) fn mark_started(&mut self, number: u32) -> Option<&ActiveSpawn> {
        let spawn = self.active.get_mut(&number)?;
        spawn.phase = SpawnPhase::Running { suspended: false };
        self.running_count += 1;
        Some(spawn)
    }

    /// Notes that a started spawn is played in the runner.
    pub(crate) fn set_playing(&mut self, number: u32, play: usize) {
        if let Some(spawn) = self.active.get_mut(&number) {
            spawn.phase = SpawnPhase::Playing(play);
        }
    }

    /// Notes whether a process is suspended; false if that changes nothing.
    pub(crate) fn set_suspended(&mut self, source: Source, is_suspended: bool) -> bool {
        let Source::Spawn(number) = source else { return false };
        match self.active.get_mut(&number).map(|spawn| &mut spawn.phase) {
            Some(SpawnPhase::Running { suspended }) => {
                std::mem::replace(suspended, is_suspended) != is_suspended
            }
            _ => false,
        }
    }

    /// Starts the wait for a spawn that has just started, if its preset has `ready`.
    ///
    /// # Errors
    /// If the regular expression of the preset does not compile.
    pub(crate) fn start_ready_wait(&mut self, number: u32) -> Result<ReadyStart, RunFailure> {
        let Some(spawn) = self.active.get_mut(&number) else { return Ok(ReadyStart::Stopping) };
        let Some(ready) = self.scenario.presets[spawn.preset].ready() else { return Ok(ReadyStart::Ready) };
        if spawn.stop_requested {
            return Ok(ReadyStart::Stopping);
        }
        spawn.readiness = Some(self.ready_regexes.wait_for(spawn.preset, &ready.test)?);
        Ok(ReadyStart::Waits(ready.timeout))
    }

    /// Whether a line can show that this spawn is ready.
    #[inline]
    pub(crate) fn awaits_line(&self, number: u32) -> bool {
        self.get(number).is_some_and(|spawn| matches!(spawn.readiness, Some(ReadinessWait::Line(_))))
    }

    /// Whether this line shows that a spawn is ready.
    pub(crate) fn is_ready_line(&self, number: u32, line: &[u8]) -> bool {
        let wait = self.get(number).and_then(|spawn| spawn.readiness.as_ref());
        matches!(wait, Some(ReadinessWait::Line(sign)) if sign.regex.is_match(line))
    }

    /// Counts a line of a spawn that `ready` waits for; whether the spawn is ready with it.
    pub(crate) fn count_ready_line(&mut self, number: u32, stream: OutputStream) -> bool {
        self.line_sign(number).is_some_and(|sign| sign.count(stream))
    }

    /// Notes that a line of a spawn has ended.
    pub(crate) fn end_ready_line(&mut self, number: u32, stream: OutputStream) {
        if let Some(sign) = self.line_sign(number) {
            sign.end_line(stream);
        }
    }

    fn line_sign(&mut self, number: u32) -> Option<&mut LineSign> {
        match self.active.get_mut(&number)?.readiness.as_mut()? {
            ReadinessWait::Line(sign) => Some(sign),
            ReadinessWait::Probe { .. } => None,
        }
    }

    /// Notes that the runner itself has judged that a process failed while it ran: its exit is not as expected,
    /// for this reason, in words that follow its name. False if it does not run, or was asked to stop before.
    pub(crate) fn condemn(&mut self, number: u32, reason: String) -> bool {
        let Some(spawn) = self.active.get_mut(&number) else { return false };
        let is_judged = matches!(spawn.phase, SpawnPhase::Running { .. }) && !spawn.stop_requested;
        if is_judged {
            spawn.condemned = Some(reason);
        }
        is_judged
    }

    /// Why the runner has judged that a process failed.
    pub(crate) fn condemned(&self, number: u32) -> Option<&str> {
        self.get(number)?.condemned.as_deref()
    }

    /// Whether a successful probe shows that a spawn is ready.
    pub(crate) fn awaits_probe(&self, number: u32) -> bool {
        self.get(number).is_some_and(|spawn| matches!(spawn.readiness, Some(ReadinessWait::Probe { .. })))
    }

    /// Notes what a probe of a spawn came to that is not ready yet.
    pub(crate) fn note_failed_probe(&mut self, source: Source, result: &str) {
        if let Source::Spawn(number) = source
            && let Some(spawn) = self.active.get_mut(&number)
            && let Some(ReadinessWait::Probe { last_try }) = &mut spawn.readiness
        {
            *last_try = Some(result.to_owned());
        }
    }

    /// The result of the last probe of a spawn.
    pub(crate) fn last_try(&self, number: u32) -> Option<String> {
        match self.get(number)?.readiness.as_ref()? {
            ReadinessWait::Probe { last_try } => last_try.clone(),
            ReadinessWait::Line(_) => None,
        }
    }

    /// Whether a spawn still has to become ready.
    pub(crate) fn is_unready(&self, number: u32) -> bool {
        self.get(number).is_some_and(|spawn| spawn.readiness.is_some())
    }

    /// Ends the wait of a spawn that is ready.
    pub(crate) fn mark_ready(&mut self, number: u32) {
        if let Some(spawn) = self.active.get_mut(&number) {
            spawn.readiness = None;
        }
    }

    /// Whether a spawn of this entry can still become ready.
    pub(crate) fn may_become_ready(&self, entry: usize) -> bool {
        self.active.values().any(|spawn| {
            let will_start = matches!(spawn.phase, SpawnPhase::Starting) || spawn.acts.restart().is_some();
            spawn.entry == Some(entry) && (spawn.readiness.is_some() || will_start)
        })
    }

    /// Notes a chunk of a process's output; whether the chunk starts within a line.
    #[inline]
    pub(crate) fn record_chunk(&mut self, number: u32, stream: OutputStream, partial: bool) -> bool {
        let Some(spawn) = self.active.get_mut(&number) else { return false };
        spawn.unfinished.of(stream).end();
        match stream {
            OutputStream::Stdout => std::mem::replace(&mut spawn.is_mid_line, partial),
            OutputStream::Stderr => false,
        }
    }

    /// Notes what the log says that the next line or text of a stream decides.
    pub(crate) fn decide(&mut self, number: u32, stream: OutputStream, matches: LineMatches) {
        if let Some(line) = self.unfinished(number, stream) {
            line.decide(matches);
            self.has_decided = true;
        }
    }

    /// Whether the log may say what a line decides.
    #[inline]
    pub(crate) fn has_decided(&self) -> bool {
        self.has_decided
    }

    /// The decisions of this line or text as the log has them, once.
    pub(crate) fn take_decided(&mut self, number: u32, stream: OutputStream) -> Option<LineMatches> {
        if !self.has_decided {
            return None;
        }
        self.unfinished(number, stream)?.take_decided()
    }

    /// The line of a stream of a spawn that has not ended.
    pub(crate) fn unfinished(&mut self, number: u32, stream: OutputStream) -> Option<&mut UnfinishedLine> {
        self.active.get_mut(&number).map(|spawn| spawn.unfinished.of(stream))
    }

    /// Compares the exit of a process to what its preset expects.
    pub(crate) fn judge_exit(&self, number: u32, end: SpawnExitReport) -> ExitVerdict {
        let exit = end.exit;
        let Some(spawn) = self.get(number) else { return ExitVerdict::Expected };
        if spawn.condemned.is_some() {
            return ExitVerdict::Condemned;
        }
        if spawn.acts.explains(exit) {
            return ExitVerdict::Expected;
        }
        let command = command_preset(&self.scenario, spawn.preset);
        if spawn.stop_requested {
            let asked_by = command.map_or(Signal::TERM, |command| command.stop.signal);
            let is_killed = exit == SpawnExit::Signal(Signal::KILL) && asked_by != Signal::KILL;
            return match (is_killed, end.is_group_killed && asked_by != Signal::KILL) {
                (true, _) => ExitVerdict::ForceKilled,
                (false, true) => ExitVerdict::GroupKilled,
                (false, false) => ExitVerdict::Expected,
            };
        }
        let is_expected = match command {
            Some(_) if spawn.readiness.is_some() => return ExitVerdict::BeforeReady,
            Some(command) => command.exits.allows(exit),
            None => exit == SpawnExit::Code(0),
        };
        if is_expected { ExitVerdict::Expected } else { ExitVerdict::Unexpected }
    }

    /// Notes that a started spawn has ended; returns how many still run.
    pub(crate) fn mark_exited(&mut self) -> u64 {
        self.running_count -= 1;
        self.running_count
    }

    /// Removes a spawn that has ended or could not start; returns its entry.
    pub(crate) fn remove(&mut self, number: u32) -> Option<usize> {
        let spawn = self.active.remove(&number)?;
        self.foreground_count -= usize::from(!spawn.is_background);
        spawn.entry
    }

    /// Notes that a spawn is asked to stop.
    pub(crate) fn request_stop(&mut self, number: u32) -> SpawnStop {
        let Some(spawn) = self.active.get_mut(&number) else { return SpawnStop::Nothing };
        if std::mem::replace(&mut spawn.stop_requested, true) {
            return SpawnStop::Nothing;
        }
        // The lines that it writes while it stops make nothing ready.
        spawn.readiness = None;
        match spawn.phase {
            SpawnPhase::Playing(play) => SpawnStop::Players(play),
            SpawnPhase::Starting | SpawnPhase::Running { .. } => SpawnStop::Process,
        }
    }

    /// Notes that a spawn is killed on purpose.
    pub(crate) fn request_kill(&mut self, number: u32) -> SpawnStop {
        let Some(spawn) = self.active.get_mut(&number) else { return SpawnStop::Nothing };
        if !spawn.acts.begin_kill() {
            return SpawnStop::Nothing;
        }
        spawn.stop_requested = true;
        spawn.readiness = None;
        match spawn.phase {
            SpawnPhase::Playing(play) => SpawnStop::Players(play),
            SpawnPhase::Starting | SpawnPhase::Running { .. } => SpawnStop::Process,
        }
    }

    /// The actions on a spawn besides a stop.
    pub(crate) fn acts_mut(&mut self, number: u32) -> Option<&mut SpawnActs> {
        self.active.get_mut(&number).map(|spawn| &mut spawn.acts)
    }

    /// The order to spawn it again when it has ended, if it has one.
    pub(crate) fn pending_restart(&self, number: u32) -> Option<SpawnRestart> {
        let spawn = self.active.get(&number)?;
        let due = spawn.acts.restart()?;
        // A program ends when it wants to; players end at once.
        let due = matches!(spawn.phase, SpawnPhase::Playing(_)).then_some(due);
        Some(SpawnRestart { preset: spawn.preset, entry: spawn.entry, due })
    }

    /// Everything by which two states of a run can differ.
    pub(crate) fn state_key(&self) -> impl std::fmt::Debug {
        (&self.active, self.last_number, &self.spawned_per_preset, self.running_count, self.foreground_count)
    }
}
