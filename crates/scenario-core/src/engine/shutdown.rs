//! The end of a run: when it has come, what is stopped on the way, and what it amounts to.

use crate::engine::effect::{Effect, RunVerdict};
use crate::engine::expectations::outcome::RunTotals;
use crate::engine::{EngineOutput, RunPhase, RunState, expectations};
use scenario_log::event::{Event, RunOutcome, RunSummary, Source};
use scenario_log::signal::Signal;
use scenario_log::time::Span;

impl RunState {
    /// Whether the run can take its next step towards the end: everything of the timeline has
    /// happened and ended, or everything that was to be stopped is gone.
    pub(crate) fn is_phase_complete(&self) -> bool {
        match self.phase {
            RunPhase::Running => self.entries_left == 0 && self.foreground_count == 0,
            RunPhase::Stopping(_) => self.spawns.is_empty() && self.requests.is_empty(),
            RunPhase::Over(_) => false,
        }
    }

    /// Stops what is in the background, or, when nothing is left, ends the run.
    pub(crate) fn advance_phase(&mut self, out: &mut EngineOutput<'_>) {
        match self.phase {
            RunPhase::Running => {
                let numbers: Vec<u32> = self.spawns.keys().copied().collect();
                for number in numbers {
                    emit_stopping(Some(Source::Spawn(number)), "the end of the run", out);
                    self.stop_spawn(number, out);
                }
                self.phase = RunPhase::Stopping(RunVerdict::Passed);
            }
            RunPhase::Stopping(verdict) => self.finish_run(verdict, out),
            RunPhase::Over(_) => {}
        }
    }

    /// Ends the run as failed: nothing new happens, and what runs is stopped.
    pub(crate) fn fail_now(&mut self, reason: String, out: &mut EngineOutput<'_>) {
        if self.phase == RunPhase::Running {
            emit_stopping(None, &reason, out);
            self.record_failure(|| reason);
            self.stop_all(RunVerdict::Failed, out);
        }
    }

    /// The run has lasted too long.
    pub(crate) fn time_limit_reached(&mut self, out: &mut EngineOutput<'_>) {
        if let Some(limit) = self.scenario.time_limit {
            self.fail_now(format!("the time limit of {} is over", limit.format_human()), out);
        }
    }

    /// Every player that is left waits for a lock, and so for ever.
    pub(crate) fn deadlock_reached(&mut self, out: &mut EngineOutput<'_>) {
        let waiting = self.player_scheduler.lock_waits(&self.scenario);
        out.event(&Event::Deadlock { waiting: &waiting });
        self.fail_now(format_deadlock(&waiting), out);
    }

    /// An expectation can no longer hold, and says that the run is to end then.
    pub(crate) fn expectation_broken(&mut self, out: &mut EngineOutput<'_>) {
        if let Some(reason) = out.expectations.take_broken_message(Span(out.now.0)) {
            self.fail_now(reason, out);
        }
    }

    /// The runner was sent a signal: the first stops all in order, the next kills what is left. KILL,
    /// which its guard was sent, leaves no time for order.
    pub(crate) fn signal_received(&mut self, signal: Signal, out: &mut EngineOutput<'_>) {
        out.event(&Event::Stopping {
            due: None,
            source: None,
            entry: None,
            signal: Some(signal),
            reason: None,
            error: None,
        });
        if let RunPhase::Stopping(RunVerdict::Interrupted(Some(_))) = self.phase {
            return self.kill_all(out);
        }
        self.stop_all(RunVerdict::Interrupted(Some(signal)), out);
        if signal == Signal::KILL {
            self.kill_all(out);
        }
    }

    /// The runner has a fault of its own: all is stopped in order, or what is being stopped, killed.
    pub(crate) fn internal_error(&mut self, error: &str, out: &mut EngineOutput<'_>) {
        out.event(&Event::Stopping {
            due: None,
            source: None,
            entry: None,
            signal: None,
            reason: None,
            error: Some(error),
        });
        // Whatever else went wrong may have come of it.
        self.failure = Some(format!("the runner has a fault of its own: {error}"));
        let was_stopping = self.phase != RunPhase::Running;
        self.stop_all(RunVerdict::InternalError, out);
        if was_stopping {
            self.kill_all(out);
        }
    }

    /// `quit` was typed.
    pub(crate) fn quit_run(&mut self, out: &mut EngineOutput<'_>) {
        self.stop_all(RunVerdict::Interrupted(None), out);
    }

    /// Lets nothing new happen, and asks all that runs to stop.
    fn stop_all(&mut self, verdict: RunVerdict, out: &mut EngineOutput<'_>) {
        self.phase = RunPhase::Stopping(verdict);
        self.timers.retain_recurring();
        for number in self.spawns.keys().copied().collect::<Vec<_>>() {
            self.stop_spawn(number, out);
        }
        for number in self.requests.keys().copied().collect::<Vec<_>>() {
            self.cancel_request(number, out);
        }
    }

    fn kill_all(&mut self, out: &mut EngineOutput<'_>) {
        for number in self.spawns.keys() {
            out.effect(Effect::KillSpawn { source: Source::Spawn(*number) });
        }
    }

    /// Asks one spawn or request to stop.
    pub(crate) fn stop_source(&mut self, source: Source, out: &mut EngineOutput<'_>) {
        match source {
            Source::Spawn(number) => self.stop_spawn(number, out),
            Source::Request(number) => self.cancel_request(number, out),
            Source::Guest(_) => {}
        }
    }

    /// Gives the last event and the last order.
    fn finish_run(&mut self, verdict: RunVerdict, out: &mut EngineOutput<'_>) {
        self.emit_expectation_results(out);
        let verdict = match verdict {
            RunVerdict::Passed if self.failure.is_some() => RunVerdict::Failed,
            other => other,
        };
        let (outcome, reason) = match verdict {
            RunVerdict::Passed => (RunOutcome::Passed, None),
            RunVerdict::Failed | RunVerdict::InternalError => (RunOutcome::Failed, self.failure.clone()),
            RunVerdict::Interrupted(Some(signal)) => {
                (RunOutcome::Interrupted, Some(format!("signal {signal}")))
            }
            RunVerdict::Interrupted(None) => (RunOutcome::Interrupted, Some("`quit` was typed".to_owned())),
        };
        let summary = RunSummary {
            outcome,
            reason,
            spawned: out.counters.spawned,
            exited: out.counters.exited,
            fetched: out.counters.fetched,
            moves: out.counters.moves,
            lines: out.counters.lines,
            lateness: out.counters.lateness(),
            fetches: self.all_load_metrics(),
            shared: self.shared_cells(),
            took: Span(out.now.0),
        };
        out.event(&Event::RunFinished(&summary));
        self.phase = RunPhase::Over(verdict);
    }
}

impl RunState {
    /// What the cells hold.
    pub(crate) fn shared_cells(&self) -> Vec<(String, i64)> {
        let names = self.scenario.shared_cells.iter().map(|(name, _)| name.clone());
        names.zip(self.player_scheduler.steps.cells().iter().copied()).collect()
    }

    /// Tells what came of each expectation. A missed one fails the run.
    fn emit_expectation_results(&mut self, out: &mut EngineOutput<'_>) {
        let shared = self.shared_cells();
        for expected in
            out.expectations.judge_own(&RunTotals { duration: Span(out.now.0), shared_cells: &shared })
        {
            out.event(&Event::Expect(&expected));
            if !expected.ok {
                self.record_failure(|| expectations::format_result(&expected, "is missed"));
            }
        }
    }
}

/// The most players of a deadlock that its reason names.
const MAX_NAMED_WAITERS: usize = 10;

fn format_deadlock(waiting: &[(String, String)]) -> String {
    let named = waiting.iter().take(MAX_NAMED_WAITERS).map(|(player, lock)| format!("{player} for {lock}"));
    let mut named: Vec<String> = named.collect();
    if waiting.len() > MAX_NAMED_WAITERS {
        named.push(format!("{} more", waiting.len() - MAX_NAMED_WAITERS));
    }
    format!("deadlock: every player that is left waits for a lock ({})", named.join(", "))
}

/// Tells that something, or all, is asked to stop, and why.
pub(crate) fn emit_stopping(source: Option<Source>, reason: &str, out: &mut EngineOutput<'_>) {
    let reason = Some(reason);
    out.event(&Event::Stopping { due: None, source, entry: None, signal: None, reason, error: None });
}
