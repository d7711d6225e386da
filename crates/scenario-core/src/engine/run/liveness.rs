//! Watches programs that are ready, and fails those that do not answer their probes any more.
//!
//! The driver makes the probes and counts those that fail one after the other; a log has only the verdict. A
//! program that has failed so is condemned and stopped: with its exit the run has failed, unless its preset starts
//! it again.

use super::RunState;
use crate::engine::effect::Effect;
use crate::engine::output::EngineOutput;
use crate::engine::spawns::command_preset;
use scenario_log::event::{Event, Source, last_try_words};

impl RunState {
    /// A spawn is ready: from now on it is watched, if its preset says so.
    pub(super) fn watch_if_asked(&self, number: u32, out: &mut EngineOutput<'_>) {
        let preset = self.spawns.get(number).map(|spawn| spawn.preset());
        let command = preset.and_then(|preset| command_preset(&self.scenario, preset));
        if command.is_some_and(|command| command.alive.is_some()) {
            out.effect(Effect::WatchSpawn { source: Source::Spawn(number) });
        }
    }

    /// The driver's probes of a spawn failed as often as its preset allows.
    pub(super) fn spawn_unhealthy(&mut self, source: Source, last_try: &str, out: &mut EngineOutput<'_>) {
        let Some((number, preset)) = self.spawns.find_process(source) else { return };
        let alive = command_preset(&self.scenario, preset).and_then(|command| command.alive.as_ref());
        let Some(failures) = alive.map(|alive| u64::from(alive.failures)) else { return };
        let probes = if failures == 1 { "a probe".to_owned() } else { format!("{failures} probes in a row") };
        let reason = format!("was not alive: {probes} failed{}", last_try_words(last_try));
        if self.spawns.is_unready(number) || !self.spawns.condemn(number, reason) {
            return;
        }
        out.event(&Event::SpawnUnhealthy { source, failures, last_try });
        out.emit_stopping(Some(source), "it is not alive");
        // Not as somebody stops it: it may start again by its preset.
        self.begin_stop(number, out);
    }

    /// The command that was to stop a program failed. The driver sends the signal instead.
    pub(super) fn stop_failed(&self, source: Source, error: &str, out: &mut EngineOutput<'_>) {
        let Some((number, preset)) = self.spawns.find_process(source) else { return };
        let is_stopping = self.spawns.get(number).is_some_and(|spawn| spawn.is_stop_requested());
        if let Some(command) = command_preset(&self.scenario, preset).filter(|_| is_stopping) {
            out.event(&Event::StopFailed { source, signal: command.stop.signal, error });
        }
    }
}
