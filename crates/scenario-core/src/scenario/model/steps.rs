//! The steps of players that share cells, with cells and locks as indices into the scenario's lists.

use crate::scenario::interval::Interval;

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub struct PlayerStep {
    /// As the file has it, variables put in.
    pub text: String,
    /// What it does.
    pub action: StepAction,
}

/// What a step does. Registers and cells are signed 64-bit integers, and wrap around.
#[derive(Clone, Debug, PartialEq)]
pub enum StepAction {
    /// The register becomes what the cell holds.
    Load(usize),
    /// The cell becomes what the register holds.
    Store(usize),
    /// Adds to the register.
    Add(i64),
    /// Multiplies the register.
    Mul(i64),
    /// Takes a lock, once nobody has it.
    Lock(usize),
    /// Gives back a lock that it has.
    Unlock(usize),
    /// Waits for one draw before the next step.
    Pause(Interval),
    /// Moves in a direction that is drawn.
    Move,
    /// Says something: what the step's text has behind its first word.
    Say,
}

impl PlayerStep {
    /// What a `say` says.
    #[must_use]
    pub fn say_text(&self) -> Option<&str> {
        let rest = || self.text.split_once(char::is_whitespace).map(|(_, rest)| rest.trim_start());
        (self.action == StepAction::Say).then(rest).flatten()
    }
}
