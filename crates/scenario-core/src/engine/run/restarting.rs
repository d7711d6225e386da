//! Restarts what runs: a stop in order, and, when that has ended, a new spawn of the same preset.
//!
//! The new spawn belongs to the entry of the old one. The entry does not finish in between, so nothing that
//! waits for its end starts by a restart. A `stop` or a `kill` before the new spawn takes the restart back.

use super::RunState;
use super::acting::ActionOrigin;
use crate::engine::output::EngineOutput;
use crate::engine::spawn_acts::SpawnRestart;
use crate::scenario::model::ActionTarget;
use scenario_log::event::Source;

impl RunState {
    pub(super) fn run_restart_entry(
        &mut self,
        by: ActionOrigin,
        target: &ActionTarget,
        out: &mut EngineOutput<'_>,
    ) {
        let sources = self.planned_sources(target);
        if self.restart_sources(by, &sources, out) == 0 {
            self.report_nothing_to_stop(by, target, "could not restart anything", out);
        }
    }

    /// Restarts the spawns among these. Returns how many there are.
    pub(super) fn restart_sources(
        &mut self,
        by: ActionOrigin,
        sources: &[Source],
        out: &mut EngineOutput<'_>,
    ) -> usize {
        let mut restarted = 0;
        for source in sources {
            let Source::Spawn(number) = *source else { continue };
            restarted += 1;
            self.emit_stopping_source(by, *source, out);
            if self.restart_awaiting(number, by.due, out) {
                continue;
            }
            if let Some(acts) = self.spawns.acts_mut(number) {
                acts.order_restart(by.due);
            }
            self.begin_stop(number, out);
        }
        restarted
    }

    /// Spawns again what has ended and was to be restarted, unless the run is ending.
    pub(super) fn spawn_again(&mut self, old: u32, restart: SpawnRestart, out: &mut EngineOutput<'_>) {
        if self.lifecycle.is_running() {
            let due = restart.due.unwrap_or(out.now());
            let replaced = Some((Source::Spawn(old), restart.lineage));
            self.start_spawn_for((restart.preset, restart.entry), replaced, due, out);
        }
    }
}
