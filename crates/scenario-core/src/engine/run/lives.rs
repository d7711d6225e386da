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

/// What follows the exit of a process.
pub(super) struct ExitAnswer {
    /// Whether the exit is as expected.
    pub(super) ok: bool,
    pub(super) tried: FaultTry,
    /// The time to its restart.
    pub(super) restarts_in: Option<Span>,
    /// Why it is not as expected, if the exit alone does not show that: words that follow the name of the spawn.
    pub(super) reason: Option<String>,
}

impl ExitAnswer {
    /// An exit that is as expected, with no restart after it.
    pub(super) fn expected() -> ExitAnswer {
        ExitAnswer { ok: true, tried: FaultTry::default(), restarts_in: None, reason: None }
    }

    fn restart(ok: bool, reason: Option<String>, wait: Span) -> ExitAnswer {
        ExitAnswer { ok, tried: FaultTry::without_report(), restarts_in: Some(wait), reason }
    }
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
        if !self.spawns.condemn(number, format!("ran longer than its `timeout` of {limit}")) {
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

    /// Decides what follows the exit of a process.
    pub(super) fn answer_exit(
        &mut self,
        (number, preset): (u32, usize),
        end: SpawnExitReport,
        out: &EngineOutput<'_>,
    ) -> ExitAnswer {
        let verdict = self.spawns.judge_exit(number, end, out.now());
        let ok = verdict == ExitVerdict::Expected;
        let reason = self.own_reason(number, verdict, end.exit, out.now());
        let reserved = self.spawns.take_reserved_restart(number).filter(|_| self.lifecycle.is_running());
        if let Some(wait) = reserved {
            return ExitAnswer::restart(ok, reason, wait);
        }
        let is_failure = !ok || self.spawns.is_unwanted(number, end.exit);
        let giving_up = match self.decide_restart(number, is_failure, out.now()) {
            RestartAnswer::None => None,
            RestartAnswer::Again(wait) => return ExitAnswer::restart(ok, reason, wait),
            RestartAnswer::GivesUp(words) => Some(words),
        };
        if ok && giving_up.is_none() {
            return ExitAnswer::expected();
        }
        let entry = self.spawns.get(number).and_then(|spawn| spawn.entry());
        let name = spawn_name(&self.scenario, Source::Spawn(number), preset);
        let reason = match giving_up {
            Some(words) => {
                let what = reason.unwrap_or_else(|| self.describe_end(verdict, preset, end));
                Some(format!("{what}{words}"))
            }
            None => reason,
        };
        let what = reason.clone().unwrap_or_else(|| self.describe_end(verdict, preset, end));
        let tried = match verdict {
            // What did not stop in time fails the run, whatever tries again.
            ExitVerdict::ForceKilled => {
                self.lifecycle.record_failure(|| format!("{name} {what}"));
                FaultTry::default()
            }
            ExitVerdict::GroupKilled => {
                self.lifecycle.record_failure(|| {
                    format!("what {name} had started did not stop when asked to, and was killed")
                });
                FaultTry::default()
            }
            _ => self.record_entry_fault(entry, format!("{name} {what}"), out),
        };
        if !tried.again {
            self.entry_failed(entry);
        }
        ExitAnswer { ok: false, tried, restarts_in: None, reason }
    }

    /// An end that is not as expected, in words that follow the name of the spawn, with the limit that it met.
    fn describe_end(&self, verdict: ExitVerdict, preset: usize, end: SpawnExitReport) -> String {
        let how = describe_exit(verdict, end.exit);
        match verdict {
            ExitVerdict::Unexpected | ExitVerdict::BeforeReady => {
                format!("{how}{}", self.limit_words(preset, end))
            }
            _ => how,
        }
    }

    /// The reason of an end that the exit alone does not show, in words that follow the name of the spawn.
    fn own_reason(&self, number: u32, verdict: ExitVerdict, exit: SpawnExit, now: Moment) -> Option<String> {
        match verdict {
            ExitVerdict::Condemned => self.spawns.condemned(number).map(str::to_owned),
            ExitVerdict::TooEarly => {
                let spawn = self.spawns.get(number)?;
                let lives = command_preset(&self.scenario, spawn.preset())?.life.lives?.format_human();
                let lived = rounded(now.since(spawn.started_at()?)).format_human();
                Some(format!("ended with {exit} after {lived}, and `lives` wants {lives} at least"))
            }
            _ => None,
        }
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
        let Some(restart) = self.spawns.awaited_restart(number).filter(|_| self.lifecycle.is_running())
        else {
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

/// An exit that is not as expected, in words that follow the name of the spawn.
fn describe_exit(verdict: ExitVerdict, exit: SpawnExit) -> String {
    match verdict {
        ExitVerdict::ForceKilled => "did not stop when asked to, and was killed".to_owned(),
        ExitVerdict::BeforeReady => format!("ended with {exit} before it was ready"),
        ExitVerdict::Expected
        | ExitVerdict::GroupKilled
        | ExitVerdict::Unexpected
        | ExitVerdict::TooEarly
        | ExitVerdict::Condemned => format!("ended with {exit}"),
    }
}

/// A time in whole milliseconds, for people; a shorter one as it is.
fn rounded(span: Span) -> Span {
    if span < Span::from_millis(1) { span } else { Span(span.0 - span.0 % 1_000_000) }
}
