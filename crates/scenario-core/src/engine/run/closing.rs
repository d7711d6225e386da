//! The entries with `always`: they happen when the run ends, in whatever way, before what runs is stopped.

use super::RunState;
use crate::engine::ALWAYS_TIME;
use crate::engine::effect::RunVerdict;
use crate::engine::lifecycle::RunPhase;
use crate::engine::names::entry_name;
use crate::engine::output::EngineOutput;

impl RunState {
    /// Ends the run with this verdict: lets the entries with `always` happen first, if there are some. If they
    /// happen already, the verdict takes the place of the one before it.
    pub(super) fn end_run(&mut self, verdict: RunVerdict, out: &mut EngineOutput<'_>) {
        match self.lifecycle.phase() {
            RunPhase::Running if self.timeline.has_always() => {
                self.lifecycle.begin_closing(verdict);
                self.timers.retain_recurring();
                self.jobs.stop_all();
                self.timeline.begin_always(out.now(), &mut self.timers);
            }
            RunPhase::Closing(_) => self.lifecycle.begin_closing(verdict),
            RunPhase::Running | RunPhase::Stopping(_) | RunPhase::Over(_) => self.stop_all(verdict, out),
        }
    }

    /// Whether the entries with `always` have happened, and everything that they started has ended.
    pub(super) fn is_closing_complete(&self) -> bool {
        self.timeline.is_always_over()
    }

    /// An entry with `always` has had its time. What still runs of it is stopped.
    pub(super) fn always_timed_out(&mut self, entry: usize, out: &mut EngineOutput<'_>) {
        let sources = self.sources_of(entry);
        if sources.is_empty() || !matches!(self.lifecycle.phase(), RunPhase::Closing(_)) {
            return;
        }
        let (name, limit) = (entry_name(&self.scenario, entry), ALWAYS_TIME.format_human());
        self.lifecycle.record_failure(|| format!("{name} did not end within {limit} at the end of the run"));
        self.entry_failed(Some(entry));
        for source in sources {
            out.emit_stopping(Some(source), "an entry with `always` has its time");
            self.stop_source(source, out);
        }
    }
}
