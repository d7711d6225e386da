//! Carries out the rules for the lives of programs: their time limit, their restarts by themselves, and the
//! end of the run with theirs.
//!
//! A program whose end is answered with a restart stays a source of its entry while it waits for it. So the entry
//! goes on, and a `stop` finds the program and takes the restart back. A kill finds nothing to end, and changes
//! nothing.

use super::RunState;
use super::trying::FaultTry;
use crate::engine::effect::RunVerdict;
use crate::engine::lineage::{RestartVerdict, describe_giving_up};
use crate::engine::names::spawn_name;
use crate::engine::output::EngineOutput;
use crate::engine::random::RandomStreamId;
use crate::engine::spawns::{ExitVerdict, SpawnExitReport, command_preset};
use crate::engine::timer_queue::Timer;
use crate::scenario::model::{OnExit, RestartCause, RestartPolicy};
use scenario_log::event::{Source, SpawnExit};
use scenario_log::time::{Moment, Span};

/// The answer to the end of a program, or to its failure to become ready.
pub(super) enum RestartAnswer {
    /// No restart follows.
    None,
    /// It starts again after this time.
    Again(Span),
    /// It has ended too often: words that follow those for the end.
    GivesUp(String),
}

impl RunState {
    /// Sets the timer for the end of the time that a program has, if it has a limit.
    pub(super) fn limit_time(&mut self, number: u32, started: Moment) {
        let preset = self.spawns.get(number).map(|spawn| spawn.preset());
        let command = preset.and_then(|preset| command_preset(&self.scenario, preset));
        if let Some(timeout) = command.and_then(|command| command.life.timeout) {
            self.timers.push_overdue(started.saturating_add(timeout), Timer::SpawnTimeout(number));
        }
    }

    /// The time that a program has is over: it has failed, and is stopped.
    pub(super) fn spawn_timed_out(&mut self, number: u32, out: &mut EngineOutput<'_>) {
        let Some((preset, entry)) = self.spawns.get(number).map(|spawn| (spawn.preset(), spawn.entry()))
        else {
            return;
        };
        let limit = command_preset(&self.scenario, preset).and_then(|command| command.life.timeout);
        let (source, limit) = (Source::Spawn(number), limit.unwrap_or_default().format_human());
        let name = spawn_name(&self.scenario, source, preset);
        if !self.spawns.condemn(number, format!("{name} ran longer than its `timeout` of {limit}")) {
            return;
        }
        out.emit_stopping(Some(source), &format!("its `timeout` of {limit} is over"));
        self.begin_stop(number, out);
        if let Some(entry) = entry {
            self.check_entry_ready(entry, out);
        }
    }

    /// The restart policy that has a say in the end of a spawn: that of its preset, unless the run is ending, or
    /// somebody has stopped the spawn or ordered its restart.
    fn policy_of(&self, number: u32) -> Option<RestartPolicy> {
        let spawn = self.spawns.get(number).filter(|spawn| spawn.may_restart_by_itself())?;
        let command = command_preset(&self.scenario, spawn.preset())?;
        command.life.restart.clone().filter(|_| self.lifecycle.is_running())
    }

    /// Decides whether a program is started again after an end that is a failure or not. The end counts.
    pub(super) fn decide_restart(&mut self, number: u32, is_failure: bool, now: Moment) -> RestartAnswer {
        let Some(policy) = self.policy_of(number) else { return RestartAnswer::None };
        if policy.on == RestartCause::Failure && !is_failure {
            return RestartAnswer::None;
        }
        let Some((preset, instance, verdict)) = self.spawns.judge_end(number, &policy, now) else {
            return RestartAnswer::None;
        };
        match verdict {
            RestartVerdict::Again { n } => {
                let stream = RandomStreamId::new(self.seed, "spawn restart")
                    .with_text(&self.scenario.presets[preset].name)
                    .with_number(instance)
                    .with_number(n);
                RestartAnswer::Again(stream.stream().sample(&policy.wait))
            }
            RestartVerdict::GivesUp { ends } => RestartAnswer::GivesUp(describe_giving_up(&policy, ends)),
        }
    }

    /// Decides what follows the exit of a process: nothing, another try, or a restart after the time that is
    /// returned. Also returns whether the exit is as expected.
    pub(super) fn answer_exit(
        &mut self,
        (number, preset): (u32, usize),
        end: SpawnExitReport,
        out: &EngineOutput<'_>,
    ) -> (bool, FaultTry, Option<Span>) {
        let verdict = self.spawns.judge_exit(number, end, out.now());
        let is_expected = verdict == ExitVerdict::Expected;
        let again = |is_expected| (is_expected, FaultTry::without_report());
        let reserved = self.spawns.take_reserved_restart(number).filter(|_| self.lifecycle.is_running());
        if let Some(wait) = reserved {
            let (ok, tried) = again(is_expected);
            return (ok, tried, Some(wait));
        }
        let is_failure = !is_expected || self.spawns.is_unwanted(number, end.exit);
        let answer = self.decide_restart(number, is_failure, out.now());
        if let RestartAnswer::Again(wait) = answer {
            let (ok, tried) = again(is_expected);
            return (ok, tried, Some(wait));
        }
        let entry = self.spawns.get(number).and_then(|spawn| spawn.entry());
        let name = spawn_name(&self.scenario, Source::Spawn(number), preset);
        let reason = self.describe_exit(number, verdict, (&name, end.exit), out.now());
        let reason = match (answer, reason) {
            (RestartAnswer::GivesUp(words), reason) => {
                let ended = reason.unwrap_or_else(|| format!("{name} ended with {}", end.exit));
                Some(format!("{ended}{words}"))
            }
            (_, reason) => reason,
        };
        let Some(reason) = reason else { return (true, FaultTry::default(), None) };
        // What did not stop in time fails the run, whatever tries again.
        if matches!(verdict, ExitVerdict::ForceKilled | ExitVerdict::GroupKilled) {
            self.lifecycle.record_failure(|| reason);
            self.entry_failed(entry);
            return (false, FaultTry::default(), None);
        }
        (false, self.record_entry_fault(entry, reason, out), None)
    }

    /// The words for an exit that is not as expected.
    fn describe_exit(
        &self,
        number: u32,
        verdict: ExitVerdict,
        (name, exit): (&str, SpawnExit),
        now: Moment,
    ) -> Option<String> {
        Some(match verdict {
            ExitVerdict::Expected => return None,
            ExitVerdict::ForceKilled => format!("{name} did not stop when asked to, and was killed"),
            ExitVerdict::GroupKilled => {
                format!("what {name} had started did not stop when asked to, and was killed")
            }
            ExitVerdict::Unexpected => format!("{name} ended with {exit}"),
            ExitVerdict::BeforeReady => format!("{name} ended with {exit} before it was ready"),
            ExitVerdict::TooEarly => {
                let spawn = self.spawns.get(number)?;
                let lived = now.since(spawn.started_at()?).format_human();
                let lives = command_preset(&self.scenario, spawn.preset())?.life.lives?.format_human();
                format!("{name} ended with {exit} after {lived}, and `lives` wants {lives} at least")
            }
            ExitVerdict::Condemned => self.spawns.condemned(number)?.to_owned(),
        })
    }

    /// A program has ended and is to be started again: it waits for that.
    pub(super) fn await_restart(
        &mut self,
        number: u32,
        exit: SpawnExit,
        wait: Span,
        out: &mut EngineOutput<'_>,
    ) {
        out.remove_from_world(Source::Spawn(number));
        self.spawns.set_awaiting_restart(number, exit);
        self.timers.push_overdue(out.now().saturating_add(wait), Timer::Restart(number));
    }

    /// Starts a program again that waits for it; false if it does not.
    pub(super) fn restart_awaiting(&mut self, number: u32, due: Moment, out: &mut EngineOutput<'_>) -> bool {
        let Some(restart) = self.spawns.awaited_restart(number).filter(|_| self.lifecycle.is_running()) else {
            return false;
        };
        // The new spawn comes before the end of the old one is noted, so that their entry goes on.
        self.start_spawn_for(
            (restart.preset, restart.entry),
            Some((Source::Spawn(number), restart.lineage)),
            due,
            out,
        );
        let entry = self.spawns.remove(number);
        self.entry_source_removed(entry, out.now(), out);
        true
    }

    /// Takes back the restart of a program that waits for it; false if it does not.
    pub(super) fn take_restart_back(&mut self, number: u32, out: &mut EngineOutput<'_>) -> bool {
        let Some(exit) = self.spawns.awaiting_restart(number) else { return false };
        let entry = self.spawns.remove(number);
        if let Some(entry) = entry {
            self.timeline.record_exit(entry, exit, out.now(), &mut self.timers);
        }
        self.entry_source_removed(entry, out.now(), out);
        true
    }

    /// Takes back all restarts that are waited for: the run is ending.
    pub(super) fn take_restarts_back(&mut self, out: &mut EngineOutput<'_>) {
        for number in self.spawns.numbers() {
            self.take_restart_back(number, out);
        }
    }

    /// Ends the run in order if the end of a program of this preset does so.
    pub(super) fn end_with_program(
        &mut self,
        source: Source,
        preset: usize,
        what: &str,
        out: &mut EngineOutput<'_>,
    ) {
        let ends = command_preset(&self.scenario, preset)
            .is_some_and(|command| command.life.on_exit == OnExit::Stop);
        if ends && self.lifecycle.is_running() {
            let name = spawn_name(&self.scenario, source, preset);
            out.emit_stopping(None, &format!("{name} {what}, and its `on_exit` ends the run"));
            self.end_run(RunVerdict::Passed, out);
        }
    }
}
