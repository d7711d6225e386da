//! The steps of a player as a program with jumps, made from the blocks of the file. Blocks nest as deep as a
//! file may, which is little; a run follows the instructions.

use super::steps::{
    Chance, ConditionTest, PlayerStep, RoundCount, StepAction, StepBlock, StepCondition, WeightedSteps,
};
use crate::scenario::interval::Interval;
use scenario_log::time::Span;

/// The steps of a player.
#[derive(Clone, Debug, PartialEq)]
pub struct StepProgram {
    /// The steps as the file has them; at least one.
    pub blocks: Vec<StepBlock>,
    /// The same steps as instructions.
    pub(crate) instructions: Vec<Instruction>,
    /// For each instruction, and for the end after the last one: whether a later instruction can read the
    /// value that the register has before it.
    pub(crate) is_register_live: Vec<bool>,
    /// The number of loops that count their rounds.
    pub(crate) counter_count: u32,
    /// Whether there are instructions that are not steps, so that the place of a player does not tell what it
    /// did.
    pub(crate) is_branching: bool,
    /// Whether the player draws.
    pub(crate) draws: bool,
}

/// One instruction. Only [`Instruction::Step`] and [`Instruction::Test`] are steps, which players take one at
/// a time; all others belong to the step before them, since they concern nobody but the player.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Instruction {
    /// Takes a step.
    Step(PlayerStep),
    /// Looks at a condition, and jumps if it does not hold. Others may change its cells, so this is a step.
    Test {
        /// The text of the step.
        text: String,
        condition: ConditionTest<usize>,
        otherwise: u32,
    },
    /// Jumps.
    Jump(u32),
    /// Sets a counter to a number of rounds, which is drawn.
    SetCounter { counter: u32, from: u32, to: u32 },
    /// Counts a round, and jumps if none is left.
    CountRound { counter: u32, end: u32 },
    /// Jumps, unless a draw of this chance succeeds.
    Chance { chance: Chance, otherwise: u32 },
    /// Jumps to one of these instructions, by weight. Each number is the sum of the weights up to its own.
    Choose(Vec<(u32, u32)>),
}

impl StepProgram {
    /// The program of these blocks.
    #[must_use]
    pub fn new(blocks: Vec<StepBlock>) -> StepProgram {
        let mut compiler = Compiler::default();
        compiler.add_blocks(&blocks);
        let Compiler { instructions, counter_count } = compiler;
        StepProgram {
            blocks,
            is_register_live: register_liveness(&instructions),
            is_branching: instructions.iter().any(|one| !matches!(one, Instruction::Step(_))),
            draws: instructions.iter().any(draws),
            instructions,
            counter_count,
        }
    }

    /// The steps without a branch.
    #[must_use]
    pub fn of_steps(steps: Vec<PlayerStep>) -> StepProgram {
        StepProgram::new(steps.into_iter().map(StepBlock::Step).collect())
    }

    /// All steps of the program, in the order of the file.
    pub fn steps(&self) -> impl Iterator<Item = &PlayerStep> {
        self.instructions.iter().filter_map(|instruction| match instruction {
            Instruction::Step(step) => Some(step),
            _ => None,
        })
    }

    /// The step at an instruction, if it is one.
    pub(crate) fn step_at(&self, instruction: usize) -> Option<&PlayerStep> {
        match self.instructions.get(instruction) {
            Some(Instruction::Step(step)) => Some(step),
            _ => None,
        }
    }

    /// The indices of its fetches, with repetitions.
    pub fn fetches(&self) -> impl Iterator<Item = usize> {
        let fetches = self.steps().filter_map(|step| match &step.action {
            StepAction::Fetch(fetches) => Some(fetches),
            _ => None,
        });
        fetches.flatten().map(|one| one.fetch)
    }

    /// Whether the player fetches.
    pub(crate) fn has_fetch(&self) -> bool {
        self.has_step(|step| matches!(step.action, StepAction::Fetch(_)))
    }

    /// Whether the player stops what entries started.
    pub(crate) fn has_stop(&self) -> bool {
        self.has_step(|step| matches!(step.action, StepAction::Stop(_)))
    }

    /// The text of the step at an instruction.
    pub(crate) fn step_text(&self, instruction: usize) -> &str {
        match &self.instructions[instruction] {
            Instruction::Step(step) => &step.text,
            Instruction::Test { text, .. } => text,
            _ => "",
        }
    }

    /// Whether the program can come back to an instruction any number of times.
    #[must_use]
    pub fn has_endless_loop(&self) -> bool {
        any_block(&self.blocks, &|block| {
            matches!(block, StepBlock::While { .. } | StepBlock::Repeat { rounds: RoundCount::Forever, .. })
        })
    }

    /// Whether any step is of this kind.
    #[must_use]
    pub fn has_step(&self, is_of_kind: impl Fn(&PlayerStep) -> bool) -> bool {
        self.steps().any(is_of_kind)
    }

    /// The fewest and the most steps of this kind that a player takes; `None` where there is no limit.
    #[must_use]
    pub fn count_bounds(&self, is_of_kind: &dyn Fn(&PlayerStep) -> bool) -> (u64, Option<u64>) {
        let weigh = |step: &PlayerStep| {
            let one = u64::from(is_of_kind(step));
            (one, Some(one))
        };
        let (least, most) = bounds_of(&self.blocks, &weigh);
        // Whatever comes after an `end` may not come.
        (if self.has_step(|step| step.action == StepAction::End) { 0 } else { least }, most)
    }

    /// The shortest and the longest sum of the pauses in nanoseconds. The longest is `None` where draws or
    /// rounds have no upper bound, or where it does not fit 64 bits.
    #[must_use]
    pub fn pause_bounds(&self) -> (Span, Option<Span>) {
        let weigh = |step: &PlayerStep| match &step.action {
            StepAction::Pause(interval) => {
                (interval.shortest().0, interval.longest().map(|longest| longest.0))
            }
            _ => (0, Some(0)),
        };
        let (least, most) = bounds_of(&self.blocks, &weigh);
        let ends = self.has_step(|step| step.action == StepAction::End);
        (Span(if ends { 0 } else { least }), most.map(Span))
    }

    /// Whether the longest sum of all bounded pauses fits 64 bits of nanoseconds. A draw or a loop without an
    /// upper bound counts as nothing.
    pub(crate) fn longest_pauses(&self) -> Option<Span> {
        longest_pauses(&self.blocks)
    }
}

/// Whether a block, or one in it, is of a kind.
fn any_block(blocks: &[StepBlock], is_of_kind: &impl Fn(&StepBlock) -> bool) -> bool {
    blocks
        .iter()
        .any(|block| is_of_kind(block) || bodies(block).into_iter().any(|body| any_block(body, is_of_kind)))
}

/// The lists of steps in a block.
pub(crate) fn bodies(block: &StepBlock) -> Vec<&[StepBlock]> {
    match block {
        StepBlock::Step(_) => Vec::new(),
        StepBlock::Repeat { body, .. } | StepBlock::While { body, .. } => vec![body],
        StepBlock::If { then, otherwise, .. } | StepBlock::Chance { then, otherwise, .. } => {
            vec![then, otherwise]
        }
        StepBlock::Choose(choices) => choices.iter().map(|choice| &*choice.body).collect(),
    }
}

/// The least and the most sum of what `weigh` gives for each step that is taken.
fn bounds_of(blocks: &[StepBlock], weigh: &dyn Fn(&PlayerStep) -> (u64, Option<u64>)) -> (u64, Option<u64>) {
    let mut sum = (0_u64, Some(0_u64));
    for block in blocks {
        let (least, most) = match block {
            StepBlock::Step(step) => weigh(step),
            StepBlock::Repeat { rounds, body } => {
                let (least, most) = bounds_of(body, weigh);
                match rounds {
                    RoundCount::Between(from, to) => {
                        let most = most.and_then(|most| most.checked_mul((*to).into()));
                        (least.saturating_mul((*from).into()), most)
                    }
                    RoundCount::Forever => (least, most.filter(|most| *most == 0)),
                }
            }
            StepBlock::While { body, .. } => (0, bounds_of(body, weigh).1.filter(|most| *most == 0)),
            _ => {
                let each = bodies(block).into_iter().map(|body| bounds_of(body, weigh));
                each.reduce(|(least, most), (other_least, other_most)| {
                    (least.min(other_least), most.zip(other_most).map(|(a, b)| a.max(b)))
                })
                .unwrap_or((0, Some(0)))
            }
        };
        let most = sum.1.zip(most).and_then(|(sum, most)| sum.checked_add(most));
        sum = (sum.0.saturating_add(least), most);
    }
    sum
}

fn longest_pauses(blocks: &[StepBlock]) -> Option<Span> {
    blocks.iter().try_fold(Span::ZERO, |sum, block| {
        let longest = match block {
            StepBlock::Step(PlayerStep { action: StepAction::Pause(interval), .. }) => {
                interval.longest().unwrap_or_default()
            }
            StepBlock::Repeat { rounds: RoundCount::Between(_, to), body } => {
                longest_pauses(body)?.checked_mul((*to).into())?
            }
            _ => bodies(block)
                .into_iter()
                .try_fold(Span::ZERO, |longest, body| Some(longest.max(longest_pauses(body)?)))?,
        };
        sum.checked_add(longest)
    })
}

/// For each instruction and for the end: whether the value of the register before it can still be read. This
/// is the liveness of data-flow analysis, computed backwards until nothing changes.
fn register_liveness(instructions: &[Instruction]) -> Vec<bool> {
    let mut live = vec![false; instructions.len() + 1];
    loop {
        let mut changed = false;
        for at in (0..instructions.len()).rev() {
            let next = live[at + 1];
            let is_live = match &instructions[at] {
                Instruction::Step(step) => match &step.action {
                    StepAction::Store(_) | StepAction::Send(_) => true,
                    StepAction::Wait(condition) | StepAction::Assert(condition)
                        if condition.test.reads_register() =>
                    {
                        true
                    }
                    StepAction::Load(_)
                    | StepAction::Set(_)
                    | StepAction::Mul(0)
                    | StepAction::CompareAndSwap { .. }
                    | StepAction::Receive(_)
                    | StepAction::End => false,
                    _ => next,
                },
                Instruction::Test { condition, otherwise, .. } => {
                    condition.reads_register() || next || live[*otherwise as usize]
                }
                Instruction::Jump(to) => live[*to as usize],
                Instruction::SetCounter { .. } => next,
                Instruction::CountRound { end: to, .. } | Instruction::Chance { otherwise: to, .. } => {
                    next || live[*to as usize]
                }
                Instruction::Choose(choices) => choices.iter().any(|(_, to)| live[*to as usize]),
            };
            changed |= std::mem::replace(&mut live[at], is_live) != is_live;
        }
        if !changed {
            return live;
        }
    }
}

/// Makes instructions of blocks.
#[derive(Default)]
struct Compiler {
    instructions: Vec<Instruction>,
    counter_count: u32,
}

impl Compiler {
    /// The index of the next instruction.
    fn here(&self) -> u32 {
        self.instructions.len() as u32
    }

    fn add_blocks(&mut self, blocks: &[StepBlock]) {
        blocks.iter().for_each(|block| self.add_block(block));
    }

    fn add_block(&mut self, block: &StepBlock) {
        match block {
            StepBlock::Step(step) => self.instructions.push(Instruction::Step(step.clone())),
            StepBlock::Repeat { rounds: RoundCount::Forever, body } => {
                let start = self.here();
                self.add_blocks(body);
                self.instructions.push(Instruction::Jump(start));
            }
            StepBlock::Repeat { rounds: RoundCount::Between(from, to), body } => {
                let counter = self.counter_count;
                self.counter_count += 1;
                self.instructions.push(Instruction::SetCounter { counter, from: *from, to: *to });
                let start = self.here();
                self.instructions.push(Instruction::CountRound { counter, end: 0 });
                self.add_blocks(body);
                self.instructions.push(Instruction::Jump(start));
                self.set_target(start);
            }
            StepBlock::While { condition, body } => {
                let start = self.here();
                self.add_test("while", condition);
                self.add_blocks(body);
                self.instructions.push(Instruction::Jump(start));
                self.set_target(start);
            }
            StepBlock::If { condition, then, otherwise } => {
                let start = self.here();
                self.add_test("if", condition);
                self.add_branches(start, then, otherwise);
            }
            StepBlock::Chance { chance, then, otherwise } => {
                let start = self.here();
                self.instructions.push(Instruction::Chance { chance: *chance, otherwise: 0 });
                self.add_branches(start, then, otherwise);
            }
            StepBlock::Choose(choices) => self.add_choices(choices),
        }
    }

    fn add_test(&mut self, word: &str, condition: &StepCondition) {
        self.instructions.push(Instruction::Test {
            text: format!("{word} {}", condition.text),
            condition: condition.test.clone(),
            otherwise: 0,
        });
    }

    /// Adds the two branches of the jump at `start`.
    fn add_branches(&mut self, start: u32, then: &[StepBlock], otherwise: &[StepBlock]) {
        self.add_blocks(then);
        if otherwise.is_empty() {
            return self.set_target(start);
        }
        let leave = self.here();
        self.instructions.push(Instruction::Jump(0));
        self.set_target(start);
        self.add_blocks(otherwise);
        self.set_target(leave);
    }

    fn add_choices(&mut self, choices: &[WeightedSteps]) {
        let start = self.here() as usize;
        self.instructions.push(Instruction::Choose(Vec::new()));
        let (mut sum, mut targets, mut leaves) = (0_u32, Vec::new(), Vec::new());
        for choice in choices {
            sum = sum.saturating_add(choice.weight);
            targets.push((sum, self.here()));
            self.add_blocks(&choice.body);
            leaves.push(self.here());
            self.instructions.push(Instruction::Jump(0));
        }
        leaves.into_iter().for_each(|leave| self.set_target(leave));
        self.instructions[start] = Instruction::Choose(targets);
    }

    /// Lets the jump at `from` lead to the next instruction.
    fn set_target(&mut self, from: u32) {
        let here = self.here();
        match &mut self.instructions[from as usize] {
            Instruction::Jump(to)
            | Instruction::Test { otherwise: to, .. }
            | Instruction::CountRound { end: to, .. }
            | Instruction::Chance { otherwise: to, .. } => *to = here,
            Instruction::Step(_) | Instruction::SetCounter { .. } | Instruction::Choose(_) => {}
        }
    }
}

/// Whether an instruction draws.
fn draws(instruction: &Instruction) -> bool {
    match instruction {
        Instruction::Step(step) => match &step.action {
            StepAction::Pause(interval) => !matches!(interval, Interval::Constant(_)),
            StepAction::Move => true,
            _ => false,
        },
        Instruction::SetCounter { from, to, .. } => from != to,
        Instruction::Chance { .. } | Instruction::Choose(_) => true,
        Instruction::Test { .. } | Instruction::Jump(_) | Instruction::CountRound { .. } => false,
    }
}
