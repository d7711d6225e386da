//! The steps of players as the file has them. `step_program` makes a program with jumps of them. Cells, locks, channels, presets and entries are indices into the scenario's lists.

use super::ActionTarget;
use crate::scenario::interval::Interval;

/// A step, or steps that are repeated or chosen.
#[derive(Clone, Debug, PartialEq)]
pub enum StepBlock {
    /// One step.
    Step(PlayerStep),
    /// Steps that are repeated.
    Repeat {
        /// The number of rounds.
        rounds: RoundCount,
        /// The steps of each round.
        body: Vec<StepBlock>,
    },
    /// Steps that are repeated as long as a condition holds.
    While {
        /// The condition, which is looked at before each round.
        condition: StepCondition,
        /// The steps of each round.
        body: Vec<StepBlock>,
    },
    /// Steps that depend on a condition.
    If {
        /// The condition.
        condition: StepCondition,
        /// The steps if it holds.
        then: Vec<StepBlock>,
        /// The steps if it does not.
        otherwise: Vec<StepBlock>,
    },
    /// Steps that depend on a draw.
    Chance {
        /// The chance of `then`.
        chance: Chance,
        /// The steps by that chance.
        then: Vec<StepBlock>,
        /// The steps otherwise.
        otherwise: Vec<StepBlock>,
    },
    /// One of several lists of steps, which is drawn.
    Choose(Vec<WeightedSteps>),
}

/// One of the lists of steps that a player chooses from.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightedSteps {
    /// Its weight among all of them; at least 1.
    pub weight: u32,
    /// The steps.
    pub body: Vec<StepBlock>,
}

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
    /// Sets the register to this number.
    Set(i64),
    /// Adds this number to the register.
    Add(i64),
    /// Multiplies the register by this number.
    Mul(i64),
    /// Gives the cell a new value if it has the expected one. The register becomes 1 if so, else 0.
    CompareAndSwap {
        /// The cell.
        cell: usize,
        /// The expected value.
        expected: i64,
        /// The new value.
        new: i64,
    },
    /// Takes a lock as soon as no other player has it.
    Lock(usize),
    /// Releases a lock that the player has.
    Unlock(usize),
    /// Waits until the condition holds.
    Wait(StepCondition),
    /// Fails the run if the condition does not hold.
    Assert(StepCondition),
    /// Puts the value of the register into the channel as soon as it has room.
    Send(usize),
    /// Takes a value from the channel to the register as soon as there is one.
    Receive(usize),
    /// Waits for one draw of the interval before the next step.
    Pause(Interval),
    /// Moves in a drawn direction.
    Move,
    /// Logs a text: the rest of the step after its first word.
    Say,
    /// Sets a mark in the log, with the rest of the step as its text.
    Mark,
    /// Spawns a preset.
    Spawn(usize),
    /// Stops whatever runs of a target.
    Stop(ActionTarget),
    /// One round of each of these fetches, all at once; the next step comes when they have ended.
    Fetch(Vec<FetchStep>),
    /// Ends the player.
    End,
}

/// A fetch of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchStep {
    /// The index of the fetch.
    pub fetch: usize,
    /// The name of the fetch.
    pub name: String,
    /// The name of the step in figures; the name of the fetch, unless the file says otherwise.
    pub label: String,
}

/// How often steps are repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoundCount {
    /// A number of rounds that is drawn from this range; both ends are included.
    Between(u32, u32),
    /// Rounds without an end.
    Forever,
}

/// A chance in units of one in a million, from 0 to [`Chance::ALWAYS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chance(pub u32);

impl Chance {
    /// The chance of what always happens.
    pub const ALWAYS: u32 = 1_000_000;
}

/// A condition as the file has it, and what it means.
#[derive(Clone, Debug, PartialEq)]
pub struct StepCondition {
    /// The text, with its variables replaced.
    pub text: String,
    /// The meaning.
    pub test: ConditionTest<usize>,
}

/// A condition on cells (of the kind `C`), the register and the last fetch.
#[derive(Clone, Debug, PartialEq)]
pub enum ConditionTest<C> {
    /// Two numbers compare so.
    Compare(ConditionOperand<C>, Comparison, ConditionOperand<C>),
    /// The player's last fetch is as expected.
    Passed,
    /// The player's last fetch is not as expected.
    Failed,
    /// The other condition does not hold.
    Not(Box<ConditionTest<C>>),
    /// All of them hold.
    All(Vec<ConditionTest<C>>),
    /// At least one of them holds.
    Any(Vec<ConditionTest<C>>),
}

/// A number in a condition.
#[derive(Clone, Debug, PartialEq)]
pub enum ConditionOperand<C> {
    /// The value of a cell.
    Cell(C),
    /// The value of the player's register.
    Register,
    /// This number.
    Number(i64),
}

/// How two numbers compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

impl Comparison {
    /// Whether the numbers compare so.
    #[must_use]
    pub fn holds(self, left: i64, right: i64) -> bool {
        match self {
            Comparison::Equal => left == right,
            Comparison::NotEqual => left != right,
            Comparison::Less => left < right,
            Comparison::AtMost => left <= right,
            Comparison::Greater => left > right,
            Comparison::AtLeast => left >= right,
        }
    }
}

/// The values that a condition can look at.
#[derive(Clone, Copy, Debug)]
pub struct ConditionInputs<'a> {
    /// The value of each cell.
    pub cells: &'a [i64],
    /// The value of the player's register.
    pub register: i64,
    /// Whether the player's last fetch is as expected; `None` before its first fetch.
    pub last_fetch: Option<bool>,
}

impl ConditionTest<usize> {
    /// Whether the condition holds.
    #[must_use]
    pub fn holds(&self, inputs: &ConditionInputs<'_>) -> bool {
        let number = |operand: &ConditionOperand<usize>| match operand {
            ConditionOperand::Cell(cell) => inputs.cells[*cell],
            ConditionOperand::Register => inputs.register,
            ConditionOperand::Number(number) => *number,
        };
        match self {
            ConditionTest::Compare(left, how, right) => how.holds(number(left), number(right)),
            ConditionTest::Passed => inputs.last_fetch == Some(true),
            ConditionTest::Failed => inputs.last_fetch == Some(false),
            ConditionTest::Not(other) => !other.holds(inputs),
            ConditionTest::All(parts) => parts.iter().all(|part| part.holds(inputs)),
            ConditionTest::Any(parts) => parts.iter().any(|part| part.holds(inputs)),
        }
    }
}

impl<C> ConditionTest<C> {
    /// Calls `visit` with each operand.
    pub fn for_each_operand<'a>(&'a self, visit: &mut impl FnMut(&'a ConditionOperand<C>)) {
        match self {
            ConditionTest::Compare(left, _, right) => {
                visit(left);
                visit(right);
            }
            ConditionTest::Passed | ConditionTest::Failed => {}
            ConditionTest::Not(other) => other.for_each_operand(visit),
            ConditionTest::All(parts) | ConditionTest::Any(parts) => {
                parts.iter().for_each(|part| part.for_each_operand(visit));
            }
        }
    }

    /// Whether it looks at the register.
    #[must_use]
    pub fn reads_register(&self) -> bool {
        let mut reads = false;
        self.for_each_operand(&mut |operand| reads |= matches!(operand, ConditionOperand::Register));
        reads
    }

    /// The cells that it looks at, with repetitions.
    #[must_use]
    pub fn cells(&self) -> Vec<&C> {
        let mut cells = Vec::new();
        self.for_each_operand(&mut |operand| {
            if let ConditionOperand::Cell(cell) = operand {
                cells.push(cell);
            }
        });
        cells
    }

    /// Whether it looks at the player's last fetch.
    #[must_use]
    pub fn reads_last_fetch(&self) -> bool {
        match self {
            ConditionTest::Compare(..) => false,
            ConditionTest::Passed | ConditionTest::Failed => true,
            ConditionTest::Not(other) => other.reads_last_fetch(),
            ConditionTest::All(parts) | ConditionTest::Any(parts) => {
                parts.iter().any(ConditionTest::reads_last_fetch)
            }
        }
    }

    /// The same condition with its cells found by `find`; `None` if one is not found. All are looked for.
    pub(crate) fn find_cells<D>(self, find: &mut impl FnMut(C) -> Option<D>) -> Option<ConditionTest<D>> {
        let mut operand = |operand| match operand {
            ConditionOperand::Cell(cell) => find(cell).map(ConditionOperand::Cell),
            ConditionOperand::Register => Some(ConditionOperand::Register),
            ConditionOperand::Number(number) => Some(ConditionOperand::Number(number)),
        };
        match self {
            ConditionTest::Compare(left, how, right) => {
                let (left, right) = (operand(left), operand(right));
                Some(ConditionTest::Compare(left?, how, right?))
            }
            ConditionTest::Passed => Some(ConditionTest::Passed),
            ConditionTest::Failed => Some(ConditionTest::Failed),
            ConditionTest::Not(other) => Some(ConditionTest::Not(Box::new(other.find_cells(find)?))),
            ConditionTest::All(parts) => find_all(parts, find).map(ConditionTest::All),
            ConditionTest::Any(parts) => find_all(parts, find).map(ConditionTest::Any),
        }
    }
}

fn find_all<C, D>(
    parts: Vec<ConditionTest<C>>,
    find: &mut impl FnMut(C) -> Option<D>,
) -> Option<Vec<ConditionTest<D>>> {
    let wanted = parts.len();
    let found: Vec<_> = parts.into_iter().filter_map(|part| part.find_cells(find)).collect();
    (found.len() == wanted).then_some(found)
}

impl PlayerStep {
    /// The rest of the step after its first word.
    fn rest(&self) -> Option<&str> {
        self.text.split_once(char::is_whitespace).map(|(_, rest)| rest.trim_start())
    }

    /// The text of a `say`.
    #[must_use]
    pub fn say_text(&self) -> Option<&str> {
        if self.action == StepAction::Say { self.rest() } else { None }
    }

    /// The text of a `mark`.
    #[must_use]
    pub fn mark_text(&self) -> Option<&str> {
        if self.action == StepAction::Mark { self.rest() } else { None }
    }

    /// Whether the player may have to wait for others before it can take this step.
    #[must_use]
    pub fn may_wait(&self) -> bool {
        matches!(
            self.action,
            StepAction::Lock(_) | StepAction::Wait(_) | StepAction::Send(_) | StepAction::Receive(_)
        )
    }
}

/// A channel, through which players send numbers to each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Unique among channels.
    pub name: String,
    /// The most messages that it holds; at least 1.
    pub capacity: u32,
    /// The order in which messages are received.
    pub order: ChannelOrder,
    /// Whether a message may be lost. A message to a full channel then is.
    pub lossy: bool,
}

/// The order in which the messages of a channel are received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChannelOrder {
    /// In the order in which they were sent.
    #[default]
    Fifo,
    /// In any order.
    Any,
}
