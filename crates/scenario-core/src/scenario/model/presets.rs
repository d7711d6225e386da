//! Presets of the model: players and programs, and how programs are started and stopped.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::life::LifeRules;
use super::probes::{LivenessRule, ReadinessRule};
use super::resources::ProgramResources;
use super::step_program::StepProgram;
use super::steps::{PlayerStep, StepAction};
use super::{RowSource, ScenarioText, VarValue};
use crate::diagnostic::FilePlace;
use crate::scenario::interval::Interval;
use scenario_log::event::SpawnExit;
use scenario_log::name::NamePattern;
use scenario_log::signal::Signal;
use scenario_log::time::Span;

/// Something that can be spawned.
#[derive(Clone, Debug, PartialEq)]
pub struct Preset {
    /// The name by which events know it: no dot, and unique among presets but for variants.
    pub name: String,
    /// The kind of its spawns.
    pub kind: PresetKind,
    /// The arguments that its texts were made with, by name.
    pub args: BTreeMap<String, VarValue>,
    /// The difference from another preset, if it is that one with other arguments.
    pub variant: Option<PresetVariant>,
    /// The place of its name, where it is defined.
    pub place: FilePlace,
}

/// A preset that is another one with other arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresetVariant {
    /// Unique among presets; no dot.
    pub key: String,
    /// The index of the first preset of its name. Their spawns are counted together.
    pub first: usize,
}

impl Preset {
    /// The name that no other preset has.
    #[must_use]
    pub fn key(&self) -> &str {
        self.variant.as_ref().map_or(&self.name, |variant| &variant.key)
    }

    /// The players, if it is a preset of players.
    #[must_use]
    pub fn players(&self) -> Option<&PlayersPreset> {
        match &self.kind {
            PresetKind::Players(players) => Some(players),
            PresetKind::Command(_) => None,
        }
    }

    /// The program, if it is a preset of a program.
    #[must_use]
    pub fn command(&self) -> Option<&CommandPreset> {
        match &self.kind {
            PresetKind::Command(command) => Some(command),
            PresetKind::Players(_) => None,
        }
    }

    /// The condition on which a spawn counts as ready; `None`: it is ready when it has started.
    #[must_use]
    pub fn ready(&self) -> Option<&ReadinessRule> {
        self.command()?.ready.as_ref()
    }
}

/// The two kinds of preset.
#[derive(Clone, Debug, PartialEq)]
pub enum PresetKind {
    /// Players, which the runner plays.
    Players(PlayersPreset),
    /// A program.
    Command(Box<CommandPreset>),
}

impl PresetKind {
    /// Whether its spawns are processes.
    #[must_use]
    pub fn is_process(&self) -> bool {
        match self {
            PresetKind::Players(players) => players.isolation == Isolation::Process,
            PresetKind::Command(_) => true,
        }
    }
}

/// Players that play at the same time.
#[derive(Clone, Debug, PartialEq)]
pub struct PlayersPreset {
    /// One group for each row of the file; at least one.
    pub groups: Vec<PlayerGroup>,
    /// Where the players play.
    pub isolation: Isolation,
}

impl PlayersPreset {
    /// Whether any of them may move in this direction.
    #[must_use]
    pub fn have_direction(&self, word: &str) -> bool {
        self.groups.iter().any(|group| group.directions.iter().any(|direction| direction == word))
    }

    /// Whether any of them may have to wait for others: for a lock, a condition, a message or an answer.
    #[must_use]
    pub fn may_wait(&self) -> bool {
        let waits = |step: &PlayerStep| step.may_wait() || matches!(step.action, StepAction::Fetch(_));
        self.programs().any(|program| program.has_step(waits))
    }

    /// The programs of those that take steps.
    pub fn programs(&self) -> impl Iterator<Item = &StepProgram> {
        self.groups.iter().filter_map(|group| match &group.behavior {
            PlayerBehavior::Steps(program) => Some(program),
            PlayerBehavior::Moves { .. } => None,
        })
    }
}

/// Where players play.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// In the runner itself.
    #[default]
    Task,
    /// In a sub-process of the runner's own binary.
    Process,
}

/// Players that differ only in their name.
#[derive(Clone, Debug, PartialEq)]
pub struct PlayerGroup {
    /// The pattern of their names.
    pub name: NamePattern,
    /// The number of players; at least 1.
    pub count: u32,
    /// The actions of each player.
    pub behavior: PlayerBehavior,
    /// The directions of moves, drawn with equal chance; at least one. In a scenario with a world they are
    /// `N`, `S`, `E` and `W`; in others they are any words.
    pub directions: Vec<String>,
    /// The table that each player takes a row from; `None`: it has none.
    pub data: Option<RowSource>,
    /// The next action of a player after a fetch that is not as expected.
    pub on_failure: OnFailure,
    /// Whether a player keeps the cookies that servers set, and sends them.
    pub cookies: bool,
}

/// The next action of a player after a fetch that is not as expected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// It ends.
    #[default]
    End,
    /// It goes on with its next step.
    GoOn,
    /// It begins again with its first step, without its cookies and captured values.
    Again,
}

impl PlayerGroup {
    /// Whether the players do anything. Players that never move cost nothing, however many there are.
    #[must_use]
    pub fn is_active(&self) -> bool {
        !matches!(self.behavior, PlayerBehavior::Moves { moves: 0, .. })
    }
}

/// The actions of a player.
#[derive(Clone, Debug, PartialEq)]
pub enum PlayerBehavior {
    /// It moves, and waits after each move.
    Moves {
        /// The number of moves; may be 0.
        moves: u32,
        /// The wait after each move.
        every: Interval,
    },
    /// It takes these steps.
    Steps(StepProgram),
}

impl PlayerBehavior {
    /// The fewest and the most moves that it makes; the most is `None` where there is no limit.
    #[must_use]
    pub fn move_bounds(&self) -> (u64, Option<u64>) {
        match self {
            PlayerBehavior::Moves { moves, .. } => (u64::from(*moves), Some(u64::from(*moves))),
            PlayerBehavior::Steps(program) => program.count_bounds(&|step| step.action == StepAction::Move),
        }
    }

    /// The most of its moves or steps; `None` where there is no limit.
    #[must_use]
    pub fn most_steps(&self) -> Option<u64> {
        match self {
            PlayerBehavior::Moves { moves, .. } => Some(u64::from(*moves)),
            PlayerBehavior::Steps(program) => program.count_bounds(&|_| true).1,
        }
    }

    /// The shortest and the longest time that it takes, if it waits for nobody. The longest is `None` where
    /// draws or loops have no upper bound, or where it does not fit 64 bits of nanoseconds.
    #[must_use]
    pub fn duration_bounds(&self) -> (Span, Option<Span>) {
        match self {
            PlayerBehavior::Moves { moves: 0, .. } => (Span::ZERO, Some(Span::ZERO)),
            PlayerBehavior::Moves { moves, every } => {
                let all = |wait: Span| wait.checked_mul(u64::from(*moves));
                (all(every.shortest()).unwrap_or(Span(u64::MAX)), every.longest().and_then(all))
            }
            PlayerBehavior::Steps(program) => program.pause_bounds(),
        }
    }
}

/// A program with its arguments, and how it is run.
#[derive(Clone, Debug, PartialEq)]
pub struct CommandPreset {
    /// The program and its arguments; at least the program.
    pub argv: Vec<ScenarioText>,
    /// The working directory, relative to the scenario's folder; `None`: that folder.
    pub dir: Option<ScenarioText>,
    /// Variables that are set on top of the runner's environment.
    pub env: BTreeMap<String, ScenarioText>,
    /// Whether it starts with an empty environment instead of the runner's.
    pub clear_env: bool,
    /// The source of its standard input.
    pub stdin: StdinMode,
    /// The condition on which it counts as ready; `None`: it is ready when it has started.
    pub ready: Option<ReadinessRule>,
    /// The probes that it must answer once it is ready; `None`: nothing is probed.
    pub alive: Option<LivenessRule>,
    /// Whether it has a terminal of its own instead of pipes.
    pub pty: bool,
    /// The exits that do not fail the run.
    pub exits: ExitRule,
    /// Whether the run ends without waiting for it.
    pub background: bool,
    /// How it is stopped.
    pub stop: StopPolicy,
    /// The longest line, in bytes, that is logged whole; at least 1.
    pub max_line: u64,
    /// How long it lives, and what follows its end.
    pub life: LifeRules,
    /// What it may take of the machine, and how that is watched.
    pub resources: ProgramResources,
}

/// The source of a program's standard input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StdinMode {
    /// Nothing: end of file at once.
    #[default]
    Null,
    /// The lines of `send`.
    Open,
    /// The states of the world, as lines of the log.
    World,
    /// This text, followed by the end of file.
    Text(ScenarioText),
    /// The content of this file; the path is relative to the scenario's folder.
    File(PathBuf),
}

/// The exits that do not fail the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExitRule {
    /// These exit codes, 0 to 255.
    Codes(Vec<u8>),
    /// All exits.
    Any,
    /// Death by this signal.
    Signal(Signal),
    /// These exit codes, and death by these signals; at least one of them.
    Listed(Vec<u8>, Vec<Signal>),
}

impl ExitRule {
    /// Whether an exit is one of these.
    #[must_use]
    pub fn allows(&self, exit: SpawnExit) -> bool {
        let (codes, signals) = match self {
            ExitRule::Any => return true,
            ExitRule::Codes(codes) => (&codes[..], &[][..]),
            ExitRule::Signal(signal) => (&[][..], std::slice::from_ref(signal)),
            ExitRule::Listed(codes, signals) => (&codes[..], &signals[..]),
        };
        match exit {
            SpawnExit::Code(code) => codes.iter().any(|expected| i32::from(*expected) == code),
            SpawnExit::Signal(signal) => signals.contains(&signal),
        }
    }

    /// The exits in words: `code 3`, `code 3 or 4`, `signal TERM`, `code 3 or signal TERM`, `any code`.
    #[must_use]
    pub fn describe(&self) -> String {
        let list = |codes: &[u8]| codes.iter().map(u8::to_string).collect::<Vec<_>>().join(" or ");
        match self {
            ExitRule::Any => "any code".to_owned(),
            ExitRule::Signal(signal) => format!("signal {signal}"),
            ExitRule::Codes(codes) => format!("code {}", list(codes)),
            ExitRule::Listed(codes, signals) => {
                let codes = (!codes.is_empty()).then(|| format!("code {}", list(codes)));
                let signals = signals.iter().map(|signal| format!("signal {signal}"));
                codes.into_iter().chain(signals).collect::<Vec<_>>().join(" or ")
            }
        }
    }
}

/// How a program is stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StopPolicy {
    /// The signal that is sent first, to the whole process group; with a command, only if that fails.
    pub signal: Signal,
    /// The longest time from that signal to KILL. A command has as long, and the program once more after it.
    pub grace: Span,
    /// The command that asks the program to end, with its arguments; empty: the signal does.
    pub command: Vec<ScenarioText>,
}
