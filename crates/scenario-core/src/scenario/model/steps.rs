//! The steps of players that share cells. Cells and locks are indices into the scenario's lists.

use crate::scenario::interval::Interval;

/// One step of a player.
#[derive(Clone, Debug, PartialEq)]
pub struct PlayerStep {
    /// The step as the file has it, with its variables replaced.
    pub text: String,
    /// The action of the step.
    pub action: StepAction,
}

/// The action of a step. Registers and cells are signed 64-bit integers, and wrap around.
#[derive(Clone, Debug, PartialEq)]
pub enum StepAction {
    /// Copies the value of the cell to the register.
    Load(usize),
    /// Copies the value of the register to the cell.
    Store(usize),
    /// Adds this number to the register.
    Add(i64),
    /// Multiplies the register by this number.
    Mul(i64),
    /// Takes a lock as soon as no other player has it.
    Lock(usize),
    /// Releases a lock that the player has.
    Unlock(usize),
    /// Waits for one draw of the interval before the next step.
    Pause(Interval),
    /// Moves in a drawn direction.
    Move,
    /// Logs a text: the rest of the step after its first word.
    Say,
}

impl PlayerStep {
    /// The text of a `say`.
    #[must_use]
    pub fn say_text(&self) -> Option<&str> {
        let rest = || self.text.split_once(char::is_whitespace).map(|(_, rest)| rest.trim_start());
        (self.action == StepAction::Say).then(rest).flatten()
    }
}
