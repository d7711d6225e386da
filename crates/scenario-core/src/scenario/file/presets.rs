//! The tables of presets: players and programs. Names are not looked up here.

use super::probes::{RawAlive, RawReady};
use super::{BoundedU32, MAX_PLAYERS_IN_PRESET};
use crate::scenario::format::format_size;
use crate::scenario::interval::Interval;
use crate::scenario::model::resources::ProgramLimits;
use crate::scenario::model::{
    ExitRule, Isolation, OnExit, OnFailure, PlayerBehavior, PlayerGroup, Preset, RestartPolicy, StdinMode,
    StopPolicy,
};
use crate::scenario::schema::collections::{ListOf, NamedTable, OneOrList};
use crate::scenario::schema::durations::DurationValue;
use crate::scenario::schema::encode::{encode_named, unless_empty};
use crate::scenario::schema::key_rules::{EnvNameRule, VarNameRule};
use crate::scenario::schema::numbers::{BoundedInt, ByteSize};
use crate::scenario::schema::spawn::ScalarValue;
use crate::scenario::schema::steps::{RawStep, encode_blocks};
use crate::scenario::schema::strings::{
    DirectionWord, EnvText, NulFreeText, PlayerNamePattern, ProgramPath, PublicString, ScenarioPath,
};
use crate::scenario::schema::table::{TableRule, table};
use crate::scenario::write::json::Json;
use scenario_log::signal::Signal;

table! {
    /// A preset: players or a program that the timeline can spawn. It has exactly one of `players` and
    /// `command`.
    RawPreset is "a preset" from (Preset) like "{ command = [\"python3\", \"-u\", \"server.py\"] }" with [
        TableRule::Inherits("extends"),
        TableRule::ExactlyOne(&["players", "command"]),
        TableRule::Needs("isolation", "players"),
        TableRule::Needs("dir", "command"),
        TableRule::Needs("env", "command"),
        TableRule::Needs("env_file", "command"),
        TableRule::Needs("clear_env", "command"),
        TableRule::Needs("stdin", "command"),
        TableRule::Needs("ready", "command"),
        TableRule::Needs("pty", "command"),
        TableRule::Needs("exits", "command"),
        TableRule::Needs("background", "command"),
        TableRule::Needs("stop", "command"),
        TableRule::Needs("max_line", "command"),
        TableRule::Needs("alive", "command"),
        TableRule::Needs("on_exit", "command"),
        TableRule::Needs("lives", "command"),
        TableRule::Needs("timeout", "command"),
        TableRule::Needs("restart", "command"),
        TableRule::Needs("sample", "command"),
        TableRule::Needs("limits", "command"),
        TableRule::Needs("user", "command"),
        TableRule::Needs("output", "command"),
    ] {
        /// The players that the runner plays, all at the same time; each row is one player or many that
        /// differ only in their name.
        "players" players: ListOf<RawPlayerGroup, 1> => |preset| {
            Some(preset.players()?.groups.iter().map(RawPlayerGroup::write).collect::<Json>())
        },
        /// Where the players are played: `"task"`, in the runner itself, or `"process"`, in a sub-process
        /// of the runner's own binary, whose output lines are the moves.
        "isolation" isolation: Isolation = "task" => |preset| Some(preset.players()?.isolation),
        /// The program and its arguments, as a list of strings; no shell is involved. A program whose name
        /// has a slash is relative to the folder of this file; one without is looked for in `PATH`. `${instance}`
        /// is the number of the spawn among those of the preset, from 1, here and in `dir`, `env`, `ready` and
        /// the text of `stdin`; a spawn that takes the place of another has its number.
        "command" command: ListOf<NulFreeText, 1> => |preset| {
            Some(preset.command()?.argv.iter().collect::<Vec<_>>())
        },
        /// The working directory of the program, relative to this file. Default: the folder of this file.
        "dir" dir: ProgramPath => |preset| Some(preset.command()?.dir.as_ref()),
        /// Environment variables of the program by name, set on top of the runner's environment.
        "env" env: NamedTable<EnvText, EnvNameRule> => |preset| {
            Some(encode_named(preset.command()?.env.iter().map(|(name, value)| (&**name, value))))
        },
        /// Whether the program starts with an empty environment, with nothing but the variables of `env`,
        /// instead of the runner's.
        "clear_env" clear_env: bool = false => |preset| Some(preset.command()?.clear_env),
        /// The standard input of the program: `"null"` (end of file at once), `"open"` (the lines of
        /// `send`), `"world"` (the states of the world), `{ text = "…" }` or `{ file = "…" }`.
        "stdin" stdin: StdinMode = "null" => |preset| Some(&preset.command()?.stdin),
        /// The condition on which the program counts as ready. Default: it is ready when it has started.
        "ready" ready: RawReady => |preset| Some(preset.command()?.ready.as_ref().map(RawReady::write)),
        /// Whether the program gets a pseudo-terminal of its own; its stdout and stderr are then one stream.
        "pty" pty: bool = false => |preset| Some(preset.command()?.pty); UnlessDefault,
        /// The exits that do not fail the run: an exit code from 0 to 255, `"any"`, `{ signal = "TERM" }`, or a
        /// list of codes and signals. With `background = true` the default does not hold: any exit before the end
        /// of the run fails it.
        "exits" exits: ExitRule = 0 => |preset| Some(&preset.command()?.exits),
        /// Whether the program runs in the background: the run does not wait for it, and stops it at the end.
        "background" background: bool = false => |preset| Some(preset.command()?.background),
        /// How the program is stopped. Default: the signal `TERM`, and `KILL` after a grace of 5 seconds.
        "stop" stop: RawStop => |preset| Some(RawStop::write(&preset.command()?.stop)),
        /// The longest line of output that is logged in one piece, as a size of at most `"8MiB"`; a longer
        /// line is logged in parts, and nothing of it is lost.
        "max_line" max_line: ByteSize<1> = "64KiB" => |preset| Some(format_size(preset.command()?.max_line)),
        /// The arguments by name, each with its default: a string, an integer or a boolean, which stands for
        /// `${args.NAME}` in the strings of the preset. An entry gives others with `spawn = { preset = "NAME",
        /// args = { … } }`.
        "args" args: NamedTable<ScalarValue, VarNameRule> => |preset| {
            unless_empty(encode_named(preset.args.iter().map(|(name, value)| (&**name, value))))
        },
        /// Files of variables for the program, relative to this file: `NAME=value` in each line. Those of `env` go
        /// before. The values are secret.
        "env_file" env_file: OneOrList<ScenarioPath>,
        /// The name of another preset whose keys this one takes, but for those that it has itself. The names of
        /// `env` and `args` are joined.
        "extends" extends: PublicString,
        /// The probes that the program must answer from its readiness on. When too many fail one after the other,
        /// the program has failed, and is stopped.
        "alive" alive: RawAlive => |preset| Some(preset.command()?.alive.as_ref().map(RawAlive::write)),
        /// The name of the preset of which this one is a variant with other `args`, and by which events know it.
        /// The resolved scenario has it.
        "variant_of" variant_of: PublicString => |preset| preset.variant.as_ref().map(|_| &preset.name),
        /// What the end of the program means for the run: `"go on"`, or `"stop"`, the end of the run in order, with
        /// its verdict. A program that is started again has not ended.
        "on_exit" on_exit: OnExit = "go on" => |preset| Some(preset.command()?.life.on_exit); UnlessDefault,
        /// How long the program must run at least, as a duration from its start: an end before that fails the run,
        /// whatever `exits` says.
        "lives" lives: DurationValue<true> => |preset| Some(preset.command()?.life.lives),
        /// How long the program may run at most, as a duration from its start. Then it is stopped, and has failed.
        "timeout" timeout: DurationValue<true> => |preset| Some(preset.command()?.life.timeout),
        /// How the program is started again when it has ended: `"failure"`, after an end that would fail the run,
        /// `"always"`, or a table with limits. Default: it is not started again.
        "restart" restart: RestartPolicy => |preset| Some(preset.command()?.life.restart.as_ref()),
        /// The period at which the log gets a `spawn.sample` of the program, as a duration of at least `"10ms"`: the
        /// memory, the processor time, the threads and the descriptors of all its processes.
        "sample" sample: DurationValue<true> => |preset| Some(preset.command()?.resources.sample),
        /// The most that the program may take of the machine.
        "limits" limits: RawLimits => |preset| {
            let limits = &preset.command()?.resources.limits;
            Some((*limits != ProgramLimits::default()).then(|| RawLimits::write(limits)))
        },
        /// The user that the program runs as: a name or a number, with `:` and a group behind it if that is not the
        /// user's own. The runner must be root.
        "user" user: PublicString => |preset| Some(preset.command()?.resources.user.as_ref()),
        /// The file that gets what the program writes, both outputs as they come, relative to this file. Secrets are
        /// redacted in it as in the log.
        "output" output: ScenarioPath => |preset| Some(preset.command()?.resources.output.as_deref()),
    }
}

table! {
    /// The most that a program may take of the machine. The limits hold from its first instruction.
    RawLimits is "`limits`" from (ProgramLimits) like "{ memory = \"512MiB\", files = 256 }" with [
        TableRule::AnyOf(&["memory", "files", "processes", "file_size", "cpu"]),
    ] {
        /// The memory of the program, as a size: of all its processes together where the runner can make a control
        /// group, else of each of them.
        "memory" memory: ByteSize<1> => |limits| limits.memory.map(format_size),
        /// The number of descriptors that each of its processes may have open.
        "files" files: BoundedInt<1, MAX_LIMIT> => |limits| limits.files,
        /// The number of processes and threads: of the program where the runner can make a control group, else
        /// of its user, unless that is root.
        "processes" processes: BoundedInt<1, MAX_LIMIT> => |limits| limits.processes,
        /// The size of each file that it writes, as a size.
        "file_size" file_size: ByteSize<0> => |limits| limits.file_size.map(format_size),
        /// The processor time of each of its processes, as a duration of whole seconds.
        "cpu" cpu: DurationValue<true> => |limits| limits.cpu,
    }
}

/// The largest number of descriptors or processes of a limit.
const MAX_LIMIT: i64 = i32::MAX as i64;

table! {
    /// A player, or many players that differ only in their name. It has either `moves` and `every`, or
    /// `steps`.
    RawPlayerGroup is "a player" from (PlayerGroup) like "{ name = \"john\", moves = 3, every = \"0s..800ms\" }" with [
        TableRule::Required("name", "name = \"john\""),
        TableRule::RequiredUnless("moves", "moves = 3", "steps"),
        TableRule::RequiredUnless("every", "every = \"0s..800ms\"", "steps"),
        TableRule::Excludes("steps", "moves"),
        TableRule::Excludes("steps", "every"),
        TableRule::Needs("data", "steps"),
        TableRule::Needs("on_failure", "steps"),
        TableRule::Needs("cookies", "steps"),
    ] {
        /// The name of the player: any text of up to 64 characters. With a `count` over 1, `{n}` in the name becomes a number from 1 to
        /// `count`; without `{n}`, `-1` to `-count` is appended.
        "name" name: PlayerNamePattern => |group| &group.name,
        /// The number of players of this kind, from 1 to 100,000,000.
        "count" count: BoundedInt<1, MAX_PLAYERS_IN_PRESET> = 1 => |group| group.count,
        /// The number of moves that each player makes.
        "moves" moves: BoundedU32<0> => |group| moves_of(group).map(|(moves, _)| moves),
        /// The wait after each move: a duration, or an interval such as `"0s..800ms"` that is drawn anew
        /// for each wait.
        "every" every: Interval => |group| moves_of(group).map(|(_, every)| every),
        /// The steps that each player takes one after the other, instead of `moves` and `every`.
        "steps" steps: ListOf<RawStep, 1> => |group| match &group.behavior {
            PlayerBehavior::Steps(program) => Some(encode_blocks(&program.blocks)),
            PlayerBehavior::Moves { .. } => None,
        },
        /// The directions of the moves; each move is drawn from them with equal chance. With a `[world]` they
        /// are `"N"`, `"S"`, `"E"` and `"W"`. Without one they are any words, such as `["serve", "rest"]`.
        "directions" directions: ListOf<DirectionWord, 1> = ["N", "S", "E", "W"] => |group| group.directions.clone(),
        /// The name of a table of `[data]`: each player takes a row of it when it starts, and `${row.NAME}` in
        /// its fetches is a value of that row.
        "data" data: PublicString => |group| group.data.as_ref().map(|source| &source.name),
        /// What a player does after a fetch that is not as expected: `"end"`, `"go on"` with its next step, or
        /// `"again"` from its first step, without its cookies and captured values.
        "on_failure" on_failure: OnFailure = "end" => |group| group.on_failure; UnlessDefault,
        /// Whether each player keeps the cookies that servers set, and sends them back with its fetches.
        "cookies" cookies: bool = true => |group| group.cookies; UnlessDefault,
    }
}

table! {
    /// How a program is stopped: a command or a signal to its whole process group asks it to end, and what is
    /// left of the group gets KILL.
    RawStop is "`stop`" from (StopPolicy) like "{ signal = \"INT\", grace = \"10s\" }" with [] {
        /// The name of the signal that is sent first.
        "signal" signal: Signal = "TERM" => |stop| stop.signal,
        /// How long the program and its process group may take to end after the signal, as a duration, before
        /// they are sent KILL. A `command` may take as long, and the program has this time once more after it.
        "grace" grace: DurationValue = "5s" => |stop| stop.grace,
        /// A program and its arguments, as a list of strings, that asks the program to end instead of the signal. It
        /// runs in the folder and with the environment of the program. If it fails, the signal follows.
        "command" command: ListOf<NulFreeText, 1> => |stop| {
            (!stop.command.is_empty()).then(|| stop.command.iter().collect::<Vec<_>>())
        },
    }
}

fn moves_of(group: &PlayerGroup) -> Option<(u32, &Interval)> {
    match &group.behavior {
        PlayerBehavior::Moves { moves, every } => Some((*moves, every)),
        PlayerBehavior::Steps(_) => None,
    }
}
