//! The end of a run: when it has come, what is stopped before it, and the summary.

use super::RunState;
use crate::engine::effect::{Effect, RunVerdict};
use crate::engine::expectations;
use crate::engine::expectations::outcome::RunTotals;
use crate::engine::lifecycle::RunPhase;
use crate::engine::output::EngineOutput;
use scenario_log::event::{Event, RunOutcome, RunSummary};
use scenario_log::signal::Signal;
use scenario_log::time::Span;

impl RunState {
    /// Whether the run can go on to its next phase: everything on the timeline has happened and ended, or
    /// everything that was to be stopped has ended.
    pub(super) fn is_phase_complete(&self) -> bool {
        match self.lifecycle.phase() {
            RunPhase::Running => {
                let foreground = self.spawns.foreground_count() + self.jobs.len() + self.links.timed_count();
                let all_have_started = || self.ends_before_starts || !self.spawns.has_starting();
                !self.scenario.hold
                    && self.timeline.entries_left() == 0
                    && foreground == 0
                    && all_have_started()
            }
            RunPhase::Closing(_) => self.is_closing_complete(),
            RunPhase::Stopping(_) => self.spawns.is_empty() && self.requests.is_empty(),
            RunPhase::Over(_) => false,
        }
    }

    /// Lets the run end while programs are being started, as the runs of older logs did.
    pub(crate) fn end_before_starts(&mut self) {
        self.ends_before_starts = true;
    }

    /// Stops what runs in the background, or, when nothing is left, ends the run.
    pub(super) fn advance_phase(&mut self, out: &mut EngineOutput<'_>) {
        match *self.lifecycle.phase() {
            RunPhase::Running if self.timeline.has_always() => self.end_run(RunVerdict::Passed, out),
            RunPhase::Closing(verdict) if self.scenario.hold => self.stop_all(verdict, out),
            RunPhase::Running | RunPhase::Closing(RunVerdict::Passed) => {
                self.stop_spawns(true, out);
                self.begin_stopping(RunVerdict::Passed);
            }
            RunPhase::Closing(verdict) => self.stop_all(verdict, out),
            RunPhase::Stopping(verdict) => self.finish_run(verdict, out),
            RunPhase::Over(_) => {}
        }
    }

    /// Ends the run as failed: nothing new starts, and everything that runs is stopped.
    pub(super) fn fail_now(&mut self, reason: String, out: &mut EngineOutput<'_>) {
        if self.lifecycle.is_running() {
            out.emit_stopping(None, &reason);
            self.lifecycle.record_failure(|| reason);
            self.end_run(RunVerdict::Failed, out);
        } else if let RunPhase::Closing(_) = self.lifecycle.phase() {
            self.lifecycle.record_failure(|| reason);
        }
    }

    pub(super) fn time_limit_reached(&mut self, out: &mut EngineOutput<'_>) {
        let Some(limit) = self.scenario.time_limit else { return };
        let reason = format!("the time limit of {} is over", limit.format_human());
        if self.scenario.hold && self.lifecycle.is_running() {
            out.emit_stopping(None, &reason);
            return self.end_run(RunVerdict::Passed, out);
        }
        self.fail_now(reason, out);
    }

    /// Every player that is left waits for a lock, and so forever.
    pub(super) fn deadlock_reached(&mut self, out: &mut EngineOutput<'_>) {
        let waiting = self.players.blocked_waits(&self.scenario);
        out.event(&Event::Deadlock { waiting: &waiting });
        let only_locks = self.players.wait_only_for_locks(&self.scenario);
        self.fail_now(format_deadlock(&waiting, only_locks), out);
    }

    /// An expectation with `abort` can no longer hold.
    pub(super) fn expectation_broken(&mut self, out: &mut EngineOutput<'_>) {
        if let Some(reason) = out.take_broken_message() {
            self.fail_now(reason, out);
        }
    }

    /// The runner received a signal: the first stops everything in order, the next kills what is left. KILL,
    /// which the runner's guard received, leaves no time for order.
    pub(super) fn signal_received(&mut self, signal: Signal, out: &mut EngineOutput<'_>) {
        out.event(&Event::Stopping {
            due: None,
            source: None,
            entry: None,
            signal: Some(signal),
            reason: None,
            error: None,
        });
        let verdict = RunVerdict::Interrupted(Some(signal));
        match self.lifecycle.phase() {
            RunPhase::Stopping(RunVerdict::Interrupted(Some(_))) => self.kill_all(out),
            // A second signal ends the entries with `always` too.
            RunPhase::Closing(RunVerdict::Interrupted(Some(_))) => {
                self.stop_all(verdict, out);
                self.kill_all(out);
            }
            _ if signal == Signal::KILL => {
                self.stop_all(verdict, out);
                self.kill_all(out);
            }
            _ => self.end_run(verdict, out),
        }
    }

    /// The runner itself failed: everything is stopped in order, or killed if it was being stopped already.
    pub(super) fn internal_error(&mut self, error: &str, out: &mut EngineOutput<'_>) {
        out.event(&Event::Stopping {
            due: None,
            source: None,
            entry: None,
            signal: None,
            reason: None,
            error: Some(error),
        });
        self.lifecycle.record_internal_error(format!("the runner has a fault of its own: {error}"));
        let was_stopping = !self.lifecycle.is_running();
        self.stop_all(RunVerdict::InternalError, out);
        if was_stopping {
            self.kill_all(out);
        }
    }

    /// A person typed `quit`.
    pub(super) fn quit_run(&mut self, out: &mut EngineOutput<'_>) {
        // A run with `hold` has no other end, so this one is as expected.
        let verdict = if self.scenario.hold { RunVerdict::Passed } else { RunVerdict::Interrupted(None) };
        self.end_run(verdict, out);
    }

    /// Lets nothing new start, and asks everything that runs to stop.
    pub(super) fn stop_all(&mut self, verdict: RunVerdict, out: &mut EngineOutput<'_>) {
        self.begin_stopping(verdict);
        self.timers.retain_recurring();
        self.stop_spawns(false, out);
        for number in self.requests.numbers() {
            self.cancel_request(number, out);
        }
    }

    fn begin_stopping(&mut self, verdict: RunVerdict) {
        self.lifecycle.begin_stopping(verdict);
        self.timeline.close();
    }

    fn kill_all(&mut self, out: &mut EngineOutput<'_>) {
        self.forget_stop_order();
        for (source, _) in self.spawns.iter() {
            out.effect(Effect::KillSpawn { source });
        }
    }

    /// Emits the last events.
    fn finish_run(&mut self, verdict: RunVerdict, out: &mut EngineOutput<'_>) {
        for reason in self.failure_budgets.exceeded_shares(&self.scenario.fetches) {
            self.lifecycle.record_failure(|| reason);
        }
        self.emit_expectation_results(out);
        let verdict = match verdict {
            RunVerdict::Passed if self.lifecycle.failure().is_some() => RunVerdict::Failed,
            other => other,
        };
        let has_failed = self.lifecycle.failure().is_some();
        let (outcome, reason) = match verdict {
            RunVerdict::Passed => (RunOutcome::Passed, None),
            RunVerdict::Interrupted(Some(signal)) if self.scenario.hold && signal != Signal::KILL => {
                let outcome = if has_failed { RunOutcome::Failed } else { RunOutcome::Passed };
                (outcome, self.lifecycle.failure().cloned())
            }
            RunVerdict::Failed | RunVerdict::InternalError => {
                (RunOutcome::Failed, self.lifecycle.failure().cloned())
            }
            RunVerdict::Interrupted(Some(signal)) => {
                (RunOutcome::Interrupted, Some(format!("signal {signal}")))
            }
            RunVerdict::Interrupted(None) => (RunOutcome::Interrupted, Some("`quit` was typed".to_owned())),
        };
        let took = Span(out.now().0);
        let counters = out.counters();
        let summary = RunSummary {
            outcome,
            reason,
            spawned: counters.spawned,
            exited: counters.exited,
            fetched: counters.fetched,
            moves: counters.moves,
            lines: counters.lines,
            lateness: counters.lateness(),
            fetches: self.loads.all_metrics(),
            shared: self.shared_cells(),
            took,
        };
        out.event(&Event::RunFinished(&summary));
        self.lifecycle.finish(verdict);
    }

    /// Reports the result of each expectation. A missed one fails the run.
    fn emit_expectation_results(&mut self, out: &mut EngineOutput<'_>) {
        let shared = self.shared_cells();
        let totals = RunTotals { duration: Span(out.now().0), shared_cells: &shared };
        for expected in out.expectations().judge_own(&totals) {
            out.event(&Event::Expect(&expected));
            if !expected.ok {
                self.lifecycle.record_failure(|| expectations::format_result(&expected, "is missed"));
            }
        }
    }
}

/// The most players of a deadlock that its reason names.
const MAX_NAMED_WAITERS: usize = 10;

fn format_deadlock(waiting: &[(String, String)], only_locks: bool) -> String {
    let named = waiting.iter().take(MAX_NAMED_WAITERS).map(|(player, lock)| format!("{player} for {lock}"));
    let mut named: Vec<String> = named.collect();
    if waiting.len() > MAX_NAMED_WAITERS {
        named.push(format!("{} more", waiting.len() - MAX_NAMED_WAITERS));
    }
    let what = if only_locks { "a lock" } else { "others" };
    format!("deadlock: every player that is left waits for {what} ({})", named.join(", "))
}
