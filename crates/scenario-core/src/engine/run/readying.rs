//! Waits for spawns to become ready, and fails those that never do.
//!
//! A spawn whose preset has no `ready` is ready with its start, and no event reports it. One with `ready`
//! has until its timeout: its lines are matched here, while a port or a URL is probed by the driver, whose
//! input reports the answer.

use std::rc::Rc;

use super::RunState;
use crate::engine::names::spawn_name;
use crate::engine::output::EngineOutput;
use crate::engine::readiness::format_never_ready;
use crate::engine::run::lives::RestartAnswer;
use crate::engine::run::trying::FaultTry;
use crate::engine::spawns::ReadyStart;
use crate::engine::timer_queue::Timer;
use scenario_log::event::{Event, Source};
use scenario_log::time::Moment;

impl RunState {
    /// A spawn has started at `moment`: it is ready, or must become it from now on.
    pub(super) fn await_ready(&mut self, number: u32, moment: Moment, out: &mut EngineOutput<'_>) {
        let Some(entry) = self.spawns.get(number).map(|spawn| spawn.entry()) else { return };
        match self.spawns.start_ready_wait(number) {
            Ok(ReadyStart::Ready) => {
                self.watch_if_asked(number, out);
                self.entry_ready(entry, moment, out);
            }
            Ok(ReadyStart::Waits(timeout)) => {
                self.timers.push(moment.saturating_add(timeout), Timer::ReadyTimeout(number));
            }
            Ok(ReadyStart::Stopping) => {}
            Err(failure) => self.fail_on_error(Err(failure), out),
        }
    }

    /// The driver's probe found a spawn ready.
    pub(super) fn probe_answered(&mut self, source: Source, out: &mut EngineOutput<'_>) {
        let Source::Spawn(number) = source else { return };
        if self.spawns.awaits_probe(number) {
            self.record_ready(number, out);
        }
    }

    /// Reports that a spawn is ready, and triggers what waited for it.
    pub(super) fn record_ready(&mut self, number: u32, out: &mut EngineOutput<'_>) {
        self.spawns.mark_ready(number);
        out.event(&Event::SpawnReady { source: Source::Spawn(number) });
        self.watch_if_asked(number, out);
        let entry = self.spawns.get(number).and_then(|spawn| spawn.entry());
        self.entry_ready(entry, out.now(), out);
    }

    /// The time that a spawn has to become ready is over. If it is not ready, the run has failed and the
    /// spawn is stopped; it runs until it has ended.
    pub(super) fn ready_timed_out(&mut self, number: u32, out: &mut EngineOutput<'_>) {
        if !self.spawns.is_unready(number) {
            return;
        }
        let scenario = Rc::clone(&self.scenario);
        let Some(spawn) = self.spawns.get(number) else { return };
        let (preset, entry) = (spawn.preset(), spawn.entry());
        let Some(ready) = scenario.presets[preset].ready() else { return };
        let ready = ready.for_instance(spawn.instance());
        let source = Source::Spawn(number);
        let last_try = self.spawns.last_try(number).or_else(|| out.logged_last_try(source));
        let error = format_never_ready(&ready, last_try.as_deref());
        let reason = format!("{} {error}", spawn_name(&scenario, source, preset));
        let answer = self.decide_restart(number, true, out.now());
        let tried = match &answer {
            RestartAnswer::None => self.record_entry_fault(entry, reason, out),
            RestartAnswer::Again(wait) => {
                self.spawns.reserve_restart(number, *wait);
                FaultTry::without_report()
            }
            RestartAnswer::GivesUp(words) => self.record_entry_fault(entry, format!("{reason}{words}"), out),
        };
        self.emit_spawn_failed(number, (&error, last_try.as_deref()), tried.again, out);
        self.report_retry(&tried, source, out);
        out.emit_stopping(Some(source), "it never became ready");
        match answer {
            RestartAnswer::Again(_) => self.begin_stop(number, out),
            RestartAnswer::None | RestartAnswer::GivesUp(_) => self.stop_spawn(number, out),
        }
        if let Some(entry) = entry {
            self.check_entry_ready(entry, out);
        }
    }
}
