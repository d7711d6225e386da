//! Does what the steps of players ask for: marks, spawns, stops, and failures.

use std::rc::Rc;

use super::RunState;
use crate::engine::output::EngineOutput;
use crate::engine::players::{PlayResult, RequestedStep};
use crate::engine::steps::StepRequest;
use crate::scenario::model::Scenario;
use crate::scenario::model::steps::{ConditionOperand, PlayerStep, StepAction};
use scenario_log::event::Event;

impl RunState {
    /// Does what a step asks for, and ends its player if that was its last step.
    pub(super) fn step_requested(&mut self, step: RequestedStep, out: &mut EngineOutput<'_>) {
        let scenario = Rc::clone(&self.scenario);
        let due = self.players.steps().instant();
        match step.request {
            StepRequest::FailAssert | StepRequest::FailUnlock | StepRequest::FailEndless => {
                let reason = self.step_failure(step, &scenario);
                return self.fail_now(reason, out);
            }
            StepRequest::Mark => {
                let text = self.requested_step(step, &scenario).and_then(PlayerStep::mark_text);
                out.event(&Event::Mark { due, entry: None, text: text.unwrap_or_default() });
            }
            StepRequest::Spawn(preset) => self.start_spawn(preset, None, due, out),
            StepRequest::Stop => {
                if let Some(PlayerStep { action: StepAction::Stop(target), .. }) =
                    self.requested_step(step, &scenario)
                {
                    self.stop_target(target, None, due, out);
                }
            }
            StepRequest::Fetch => self.start_player_fetches(step, due, out),
        }
        // A stop may have been of the player's own spawn.
        if step.has_ended {
            self.end_player(step.id, out);
        }
    }

    /// Ends a player that has taken its last step.
    pub(super) fn end_player(&mut self, id: u32, out: &mut EngineOutput<'_>) {
        self.end_session(id, out);
        if let PlayResult::SpawnEnded(source, due) = self.players.end_player(id) {
            self.players_ended(source, due, out);
        }
    }

    /// Whether nothing can free the players that are blocked: nobody can release a lock that a blocked player
    /// holds, and for all else nothing may be left that could start a player.
    pub(super) fn is_deadlock_final(&self) -> bool {
        self.players.wait_only_for_locks(&self.scenario)
            || (self.timers.next_action().is_none()
                && self.jobs.len() == 0
                && !self.spawns.has_awaited_process())
    }

    pub(super) fn requested_step<'s>(
        &self,
        step: RequestedStep,
        scenario: &'s Scenario,
    ) -> Option<&'s PlayerStep> {
        let program = self.players.step_roles()[step.id as usize].program(scenario);
        program.step_at(step.instruction)
    }

    /// Why a step fails the run.
    fn step_failure(&self, step: RequestedStep, scenario: &Scenario) -> String {
        let (source, player) = self.players.step_player(step.id, scenario);
        let who = format!("{player} of {source}");
        match self.requested_step(step, scenario).filter(|_| step.request != StepRequest::FailEndless) {
            Some(PlayerStep { text, action: StepAction::Assert(condition) }) => {
                let cells = self.players.steps().cells();
                let mut values = Vec::new();
                condition.test.for_each_operand(&mut |operand| {
                    let value = match operand {
                        ConditionOperand::Cell(cell) => {
                            format!("{} is {}", scenario.shared_cells[*cell].0, cells[*cell])
                        }
                        ConditionOperand::Register => {
                            format!("the register is {}", self.players.steps().register(step.id))
                        }
                        ConditionOperand::Number(_) => return,
                    };
                    if !values.contains(&value) {
                        values.push(value);
                    }
                });
                match values.is_empty() {
                    true => format!("`{text}` of {who} does not hold"),
                    false => format!("`{text}` of {who} does not hold: {}", values.join(", ")),
                }
            }
            Some(PlayerStep { text, .. }) => {
                format!("`{text}` of {who} releases a lock that the player does not have")
            }
            None => format!("{who} takes steps without an end, and lets no time pass"),
        }
    }
}
