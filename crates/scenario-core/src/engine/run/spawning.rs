//! Starts spawns, takes what comes from them, and ends them.

use std::rc::Rc;

use super::RunState;
use crate::engine::effect::Effect;
use crate::engine::expectations::outcome::EventOrigin;
use crate::engine::lineage::SpawnLineage;
use crate::engine::names::spawn_name;
use crate::engine::output::EngineOutput;
use crate::engine::players::players_preset;
use crate::engine::run::lives::ExitAnswer;
use crate::engine::run::trying::FaultTry;
use crate::engine::spawns::{ActiveSpawn, SpawnExitReport, SpawnStop, command_preset};
use crate::engine::world::PlacementSeed;
use crate::scenario::model::{Isolation, MAX_PLAYERS_IN_WORLD, StdinMode};
use scenario_log::event::{Event, Source, SpawnExit};
use scenario_log::signal::Signal;
use scenario_log::time::Moment;

impl RunState {
    /// Spawns a preset, planned for `due`.
    pub(super) fn start_spawn(
        &mut self,
        preset: usize,
        entry: Option<usize>,
        due: Moment,
        out: &mut EngineOutput<'_>,
    ) {
        self.start_spawn_for((preset, entry), None, due, out);
    }

    /// The same, perhaps in the place of a spawn that has ended.
    pub(super) fn start_spawn_for(
        &mut self,
        (preset, entry): (usize, Option<usize>),
        replaced: Option<(Source, SpawnLineage)>,
        due: Moment,
        out: &mut EngineOutput<'_>,
    ) {
        let (replaced, lineage) = replaced.unzip();
        let number = self.spawns.add(preset, entry, due, lineage);
        let (nth, instance) = self.spawns.get(number).map_or((0, 1), |spawn| (spawn.nth(), spawn.instance()));
        let source = Source::Spawn(number);
        self.timeline.add_source(entry);
        out.expectations()
            .register_source(source, EventOrigin::for_spawn(self.scenario.first_of_name(preset), entry));
        if let Some(replaced) = replaced {
            out.event(&Event::SpawnRestarted { source, replaces: replaced });
        }
        match players_preset(&self.scenario, preset) {
            Some(players) if players.isolation == Isolation::Task => {
                self.start_players(number, (source, preset, nth), due, out);
            }
            _ => out.effect(Effect::StartSpawn { source, preset, nth, instance }),
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
        if !self.players.has_ids_left(&scenario, preset) {
            return self.spawn_failed(source, "a run can have at most 4,294,967,295 players", out);
        }
        if !out.has_world_room(groups) {
            let error = format!("a world holds at most {MAX_PLAYERS_IN_WORLD} players at once");
            return self.spawn_failed(source, &error, out);
        }
        self.record_spawn_started(number, None, due, out);
        out.place_players(source, PlacementSeed { preset: &scenario.presets[preset].name, nth }, groups);
        match self.players.start_spawn(&scenario, spawn, self.seed, due, out) {
            Some(play) => {
                self.spawns.set_playing(number, play);
                self.add_sessions(play, due);
            }
            None => self.players_ended(source, due, out),
        }
    }

    /// Reports that a spawn runs, and triggers what waited for it.
    fn record_spawn_started(
        &mut self,
        number: u32,
        pid: Option<u32>,
        moment: Moment,
        out: &mut EngineOutput<'_>,
    ) {
        let Some(spawn) = self.spawns.mark_started(number, moment) else { return };
        let (preset, entry, due) = (spawn.preset(), spawn.entry(), spawn.due());
        out.counters().spawned += 1;
        out.event(&Event::SpawnStarted {
            due,
            source: Source::Spawn(number),
            preset: &self.scenario.presets[preset].name,
            entry: entry.map(|entry| self.scenario.timeline[entry].event_name(entry)),
            pid,
        });
        self.limit_time(number, moment);
        self.entry_started(entry, moment, out);
        self.await_ready(number, moment, out);
    }

    /// A signal suspended a process. It has not ended: for the run it still counts as running.
    pub(super) fn spawn_suspended(&mut self, source: Source, signal: Signal, out: &mut EngineOutput<'_>) {
        if self.spawns.set_suspended(source, true) {
            out.event(&Event::SpawnSuspended { source, signal });
        }
    }

    pub(super) fn spawn_resumed(&mut self, source: Source, out: &mut EngineOutput<'_>) {
        if self.spawns.set_suspended(source, false) {
            out.event(&Event::SpawnResumed { source });
        }
    }

    pub(super) fn process_started(&mut self, source: Source, pid: u32, out: &mut EngineOutput<'_>) {
        let Some((number, preset)) = self.spawns.find_starting(source) else { return };
        self.record_spawn_started(number, Some(pid), out.now(), out);
        let reads_world = command_preset(&self.scenario, preset).is_some_and(|c| c.stdin == StdinMode::World);
        if reads_world && self.spawns.get(number).is_some() {
            out.effect(Effect::SubscribeToWorld { source });
        }
    }

    /// A spawn could not start.
    pub(super) fn spawn_failed(&mut self, source: Source, error: &str, out: &mut EngineOutput<'_>) {
        let Some((number, preset)) = self.spawns.find_starting(source) else { return };
        // One that was stopped before its turn to start came has not failed.
        let active = self.spawns.get(number).filter(|spawn| !spawn.is_stop_requested());
        let active_entry = active.map(ActiveSpawn::entry);
        let tried = match active_entry {
            Some(entry) => {
                let name = spawn_name(&self.scenario, source, preset);
                self.record_entry_fault(entry, format!("{name} could not start: {error}"), out)
            }
            None => FaultTry::default(),
        };
        self.emit_spawn_failed(number, (error, None), tried.again, out);
        self.report_retry(&tried, source, out);
        let ends_run = active_entry.is_some() && !tried.again;
        self.remove_spawn(number, out.now(), out);
        if ends_run {
            self.end_with_program(source, preset, "could not start", out);
        }
    }

    /// Reports that a spawn could not start or never became ready, with its preset and its entry: the error,
    /// and what the last probe came to.
    pub(super) fn emit_spawn_failed(
        &self,
        number: u32,
        (error, last_try): (&str, Option<&str>),
        again: bool,
        out: &mut EngineOutput<'_>,
    ) {
        let Some(spawn) = self.spawns.get(number) else { return };
        out.event(&Event::SpawnFailed {
            source: Source::Spawn(number),
            preset: Some(&self.scenario.presets[spawn.preset()].name),
            entry: spawn.entry().map(|entry| self.scenario.timeline[entry].event_name(entry)),
            error,
            running: self.spawns.running_count(),
            last_try,
            again: again.then_some(true),
        });
    }

    pub(super) fn process_exited(
        &mut self,
        source: Source,
        end: SpawnExitReport,
        out: &mut EngineOutput<'_>,
    ) {
        let Some((number, preset)) = self.spawns.find_process(source) else { return };
        let end = self.with_exceeded_limit(preset, end);
        let answer = self.answer_exit((number, preset), end, out);
        let is_replaced = answer.tried.again || self.spawns.pending_restart(number).is_some();
        self.record_spawn_exited(number, end, &answer, out.now(), out);
        if !is_replaced {
            self.end_with_program(source, preset, "ended", out);
        }
    }

    /// The last player of a spawn has ended its last wait.
    pub(super) fn players_ended(&mut self, source: Source, due: Moment, out: &mut EngineOutput<'_>) {
        if let Some((number, _)) = self.spawns.find_started(source) {
            let end = SpawnExitReport::for_players(SpawnExit::Code(0));
            self.record_spawn_exited(number, end, &ExitAnswer::expected(), due, out);
        }
    }

    fn record_spawn_exited(
        &mut self,
        number: u32,
        end: SpawnExitReport,
        answer: &ExitAnswer,
        moment: Moment,
        out: &mut EngineOutput<'_>,
    ) {
        let running = self.spawns.mark_exited();
        let entry = self.spawns.get(number).and_then(|spawn| spawn.entry());
        out.counters().exited += 1;
        out.event(&Event::SpawnExited {
            source: Source::Spawn(number),
            exit: end.exit,
            ok: answer.ok,
            running,
            held: end.is_output_held,
            killed: end.is_group_killed,
            skipped: end.skipped_states,
            again: answer.tried.again,
            reason: answer.reason.as_deref(),
            restarts_in: answer.restarts_in,
            usage: end.usage,
        });
        if let Some(wait) = answer.restarts_in {
            return self.await_restart(number, end.exit, wait, out);
        }
        self.report_retry(&answer.tried, Source::Spawn(number), out);
        if let Some(entry) = entry.filter(|_| !answer.tried.again) {
            self.timeline.record_exit(entry, end.exit, moment, &mut self.timers);
        }
        self.remove_spawn(number, moment, out);
    }

    fn remove_spawn(&mut self, number: u32, moment: Moment, out: &mut EngineOutput<'_>) {
        out.remove_from_world(Source::Spawn(number));
        let preset = self.spawns.get(number).map(|spawn| spawn.preset());
        let restart = self.spawns.pending_restart(number);
        let entry = self.spawns.remove(number);
        if let Some(restart) = restart {
            // The new spawn comes before the end of the old one is noted, so that their entry goes on.
            self.spawn_again(number, restart, out);
        }
        self.entry_source_removed(entry, moment, out);
        if let Some(preset) = preset {
            self.release_stops(number, (preset, entry), out);
        }
    }

    /// Asks a spawn to stop, once, and takes back its restart. Players in the runner end at once, as by TERM.
    pub(super) fn stop_spawn(&mut self, number: u32, out: &mut EngineOutput<'_>) {
        if self.take_restart_back(number, out) {
            return;
        }
        self.spawns.bar_restart(number);
        self.begin_stop(number, out);
    }

    /// Asks a spawn to stop, once.
    pub(super) fn begin_stop(&mut self, number: u32, out: &mut EngineOutput<'_>) {
        match self.spawns.request_stop(number) {
            SpawnStop::Nothing => {}
            SpawnStop::Process => out.effect(Effect::StopSpawn { source: Source::Spawn(number) }),
            SpawnStop::Players(play) => self.end_players(number, play, Signal::TERM, out),
        }
    }

    /// Ends players in the runner at once, as by a signal.
    pub(super) fn end_players(
        &mut self,
        number: u32,
        play: usize,
        signal: Signal,
        out: &mut EngineOutput<'_>,
    ) {
        self.drop_sessions(play, out);
        self.players.stop_spawn(play, &self.scenario);
        let end = SpawnExitReport::for_players(SpawnExit::Signal(signal));
        self.record_spawn_exited(number, end, &ExitAnswer::expected(), out.now(), out);
    }

    /// A line could not be sent.
    pub(super) fn send_failed(&mut self, source: Source, error: &str, out: &mut EngineOutput<'_>) {
        let Some((_, preset)) = self.spawns.find(source) else { return };
        out.event(&Event::Sent {
            due: None,
            source: Some(source),
            entry: None,
            text: None,
            enter: None,
            close: None,
            error: Some(error),
        });
        let name = || spawn_name(&self.scenario, source, preset);
        self.lifecycle.record_failure(|| format!("a line could not be sent to {}: {error}", name()));
    }
}
