//! The end of a run: when it has come, what is stopped on the way, and what it amounts to.

use crate::engine::effect::{Order, Verdict};
use crate::engine::expect::Ended;
use crate::engine::{Out, Phase, Run, expect};
use scenario_log::event::{Event, Outcome, Source, Summary};
use scenario_log::signal::Signal;
use scenario_log::time::Span;

impl Run {
    /// Whether the run can take its next step towards the end: everything of the timeline has
    /// happened and ended, or everything that was to be stopped is gone.
    pub(crate) fn is_ready_to_end(&self) -> bool {
        match self.phase {
            Phase::Running => self.entries_left == 0 && self.foreground == 0,
            Phase::Stopping(_) => self.spawns.is_empty() && self.requests.is_empty(),
            Phase::Over(_) => false,
        }
    }

    /// Stops what is in the background, or, when nothing is left, ends the run.
    pub(crate) fn move_on_to_the_end(&mut self, out: &mut Out<'_>) {
        match self.phase {
            Phase::Running => {
                let numbers: Vec<u32> = self.spawns.keys().copied().collect();
                for number in numbers {
                    tell_stop(Some(Source::Spawn(number)), "the end of the run", out);
                    self.stop_spawn(number, out);
                }
                self.phase = Phase::Stopping(Verdict::Passed);
            }
            Phase::Stopping(verdict) => self.finish(verdict, out),
            Phase::Over(_) => {}
        }
    }

    /// Ends the run as failed: nothing new happens, and what runs is stopped.
    pub(crate) fn fail_now(&mut self, reason: String, out: &mut Out<'_>) {
        if self.phase == Phase::Running {
            tell_stop(None, &reason, out);
            self.note_fault(|| reason);
            self.stop_all(Verdict::Failed, out);
        }
    }

    /// The run has lasted too long.
    pub(crate) fn time_limit(&mut self, out: &mut Out<'_>) {
        if let Some(limit) = self.scenario.time_limit {
            self.fail_now(format!("the time limit of {} is over", limit.human()), out);
        }
    }

    /// Every player that is left waits for a lock, and so for ever.
    pub(crate) fn deadlock(&mut self, out: &mut Out<'_>) {
        let waiting = self.players.waiting(&self.scenario);
        out.event(&Event::Deadlock { waiting: &waiting });
        self.fail_now(deadlock_in_words(&waiting), out);
    }

    /// An expectation can no longer hold, and says that the run is to end then.
    pub(crate) fn expectation_broken(&mut self, out: &mut Out<'_>) {
        if let Some(reason) = out.expected.take_broken(Span(out.now.0)) {
            self.fail_now(reason, out);
        }
    }

    /// The runner was sent a signal: the first stops all in order, the next kills what is left. KILL,
    /// which its guard was sent, leaves no time for order.
    pub(crate) fn signalled(&mut self, signal: Signal, out: &mut Out<'_>) {
        out.event(&Event::Stopping {
            due: None,
            source: None,
            entry: None,
            signal: Some(signal),
            reason: None,
            error: None,
        });
        if let Phase::Stopping(Verdict::Interrupted(Some(_))) = self.phase {
            return self.kill_all(out);
        }
        self.stop_all(Verdict::Interrupted(Some(signal)), out);
        if signal == Signal::KILL {
            self.kill_all(out);
        }
    }

    /// The runner has a fault of its own: all is stopped in order, or what is being stopped, killed.
    pub(crate) fn broken(&mut self, error: &str, out: &mut Out<'_>) {
        out.event(&Event::Stopping {
            due: None,
            source: None,
            entry: None,
            signal: None,
            reason: None,
            error: Some(error),
        });
        // Whatever else went wrong may have come of it.
        self.fault = Some(format!("the runner has a fault of its own: {error}"));
        let was_stopping = self.phase != Phase::Running;
        self.stop_all(Verdict::Broken, out);
        if was_stopping {
            self.kill_all(out);
        }
    }

    /// `quit` was typed.
    pub(crate) fn quit(&mut self, out: &mut Out<'_>) {
        self.stop_all(Verdict::Interrupted(None), out);
    }

    /// Lets nothing new happen, and asks all that runs to stop.
    fn stop_all(&mut self, verdict: Verdict, out: &mut Out<'_>) {
        self.phase = Phase::Stopping(verdict);
        self.agenda.keep_clocks();
        for number in self.spawns.keys().copied().collect::<Vec<_>>() {
            self.stop_spawn(number, out);
        }
        for number in self.requests.keys().copied().collect::<Vec<_>>() {
            self.cancel(number, out);
        }
    }

    fn kill_all(&mut self, out: &mut Out<'_>) {
        for number in self.spawns.keys() {
            out.order(Order::Kill { source: Source::Spawn(*number) });
        }
    }

    /// Asks one spawn or request to stop.
    pub(crate) fn stop_source(&mut self, source: Source, out: &mut Out<'_>) {
        match source {
            Source::Spawn(number) => self.stop_spawn(number, out),
            Source::Request(number) => self.cancel(number, out),
            Source::Guest(_) => {}
        }
    }

    /// Gives the last event and the last order.
    fn finish(&mut self, verdict: Verdict, out: &mut Out<'_>) {
        self.tell_expectations(out);
        let verdict = match verdict {
            Verdict::Passed if self.fault.is_some() => Verdict::Failed,
            other => other,
        };
        let (outcome, reason) = match verdict {
            Verdict::Passed => (Outcome::Passed, None),
            Verdict::Failed | Verdict::Broken => (Outcome::Failed, self.fault.clone()),
            Verdict::Interrupted(Some(signal)) => (Outcome::Interrupted, Some(format!("signal {signal}"))),
            Verdict::Interrupted(None) => (Outcome::Interrupted, Some("`quit` was typed".to_owned())),
        };
        let summary = Summary {
            outcome,
            reason,
            spawned: out.tally.spawned,
            exited: out.tally.exited,
            fetched: out.tally.fetched,
            moves: out.tally.moves,
            lines: out.tally.lines,
            lateness: out.tally.lateness(),
            fetches: self.figures(),
            shared: self.shared(),
            took: Span(out.now.0),
        };
        out.event(&Event::RunFinished(&summary));
        self.phase = Phase::Over(verdict);
    }
}

impl Run {
    /// What the cells hold.
    pub(crate) fn shared(&self) -> Vec<(String, i64)> {
        let names = self.scenario.shared.iter().map(|(name, _)| name.clone());
        names.zip(self.players.steps.cells().iter().copied()).collect()
    }

    /// Tells what came of each expectation. A missed one fails the run.
    fn tell_expectations(&mut self, out: &mut Out<'_>) {
        let shared = self.shared();
        for expected in out.expected.judge_own(&Ended { lasted: Span(out.now.0), shared: &shared }) {
            out.event(&Event::Expect(&expected));
            if !expected.ok {
                self.note_fault(|| expect::in_words(&expected, "is missed"));
            }
        }
    }
}

/// The most players of a deadlock that its reason names.
const MOST_NAMED: usize = 10;

fn deadlock_in_words(waiting: &[(String, String)]) -> String {
    let named = waiting.iter().take(MOST_NAMED).map(|(player, lock)| format!("{player} for {lock}"));
    let mut named: Vec<String> = named.collect();
    if waiting.len() > MOST_NAMED {
        named.push(format!("{} more", waiting.len() - MOST_NAMED));
    }
    format!("deadlock: every player that is left waits for a lock ({})", named.join(", "))
}

/// Tells that something, or all, is asked to stop, and why.
pub(crate) fn tell_stop(source: Option<Source>, reason: &str, out: &mut Out<'_>) {
    let reason = Some(reason);
    out.event(&Event::Stopping { due: None, source, entry: None, signal: None, reason, error: None });
}
