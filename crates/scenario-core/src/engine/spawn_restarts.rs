//! The part of the spawns that knows of ends by the runner's own judgement, and of restarts by policy.

use crate::engine::lineage::RestartVerdict;
use crate::engine::spawn_acts::SpawnRestart;
use crate::engine::spawns::{ActiveSpawn, SpawnPhase, Spawns, command_preset};
use crate::scenario::model::RestartPolicy;
use scenario_log::event::{Source, SpawnExit};
use scenario_log::time::{Moment, Span};

impl Spawns {
    /// Notes that the runner itself has judged that a process failed while it ran: its exit is not as expected,
    /// for this reason, in words that follow its name. False if it does not run, or was asked to stop before.
    pub(crate) fn condemn(&mut self, number: u32, reason: String) -> bool {
        match self.get_mut(number) {
            Some(spawn) if spawn.is_running() && !spawn.is_stop_requested() => {
                spawn.condemned = Some(reason);
                true
            }
            _ => false,
        }
    }

    /// Why the runner has judged that a process failed.
    pub(crate) fn condemned(&self, number: u32) -> Option<&str> {
        self.get(number)?.condemned.as_deref()
    }

    /// Whether the exit of a process that the run caused by a kill or a signal is one that its preset does not
    /// name.
    pub(crate) fn is_unwanted(&self, number: u32, exit: SpawnExit) -> bool {
        let Some(spawn) = self.get(number) else { return false };
        let command = command_preset(self.scenario(), spawn.preset());
        spawn.acts.explains(exit) && command.is_some_and(|command| !command.exits.allows(exit))
    }

    /// Whether the preset of a spawn has a restart policy that has a say in its end.
    pub(super) fn has_policy(&self, spawn: &ActiveSpawn) -> bool {
        let command = command_preset(self.scenario(), spawn.preset());
        spawn.may_restart_by_itself() && command.is_some_and(|command| command.life.restart.is_some())
    }

    /// Counts an end of a spawn. Returns its preset, the number of its place, and the answer of the policy.
    pub(crate) fn judge_end(
        &mut self,
        number: u32,
        policy: &RestartPolicy,
        now: Moment,
    ) -> Option<(usize, u64, RestartVerdict)> {
        let spawn = self.get_mut(number)?;
        Some((spawn.preset(), spawn.instance(), spawn.lineage.judge_end(policy, now)))
    }

    /// Lets a process that is stopped for a failure start again after its end.
    pub(crate) fn reserve_restart(&mut self, number: u32, wait: Span) {
        if let Some(spawn) = self.get_mut(number) {
            spawn.reserved_restart = Some(wait);
        }
    }

    /// The time from the end of a process to the restart that was decided before, once.
    pub(crate) fn take_reserved_restart(&mut self, number: u32) -> Option<Span> {
        let spawn = self.get_mut(number)?;
        spawn.reserved_restart.take().filter(|_| spawn.may_restart_by_itself())
    }

    /// Notes that somebody stops a spawn: no restart follows its end.
    pub(crate) fn bar_restart(&mut self, number: u32) {
        if let Some(spawn) = self.get_mut(number) {
            spawn.acts.cancel_restart();
            spawn.is_stopped = true;
            spawn.reserved_restart = None;
        }
    }

    /// Notes that a spawn has ended so, and waits for its restart.
    pub(crate) fn set_awaiting_restart(&mut self, number: u32, exit: SpawnExit) {
        if let Some(spawn) = self.get_mut(number) {
            spawn.phase = SpawnPhase::AwaitingRestart(exit);
            // The time that it had to become ready is no matter any more.
            spawn.readiness = None;
        }
    }

    /// The exit of a spawn that waits for its restart.
    pub(crate) fn awaiting_restart(&self, number: u32) -> Option<SpawnExit> {
        match self.get(number)?.phase {
            SpawnPhase::AwaitingRestart(exit) => Some(exit),
            _ => None,
        }
    }

    /// Whether a source has ended and waits for its restart.
    pub(crate) fn is_awaiting_restart(&self, source: Source) -> bool {
        matches!(source, Source::Spawn(number) if self.awaiting_restart(number).is_some())
    }

    /// The restart that a spawn waits for.
    pub(crate) fn awaited_restart(&self, number: u32) -> Option<SpawnRestart> {
        self.awaiting_restart(number)?;
        let spawn = self.get(number)?;
        let (preset, entry, lineage) = (spawn.preset(), spawn.entry(), spawn.lineage.clone());
        Some(SpawnRestart { preset, entry, due: None, lineage })
    }
}
