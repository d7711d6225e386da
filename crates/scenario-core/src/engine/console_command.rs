//! The commands that a person types while a scenario runs, one a line. Carries none of them out.

use crate::engine::command_error::{CommandError, unknown_name};
use crate::scenario::model::{ActionTarget, Preset, Scenario};
use scenario_log::signal::Signal;

/// The most spawns that one line may start.
const MAX_SPAWN_COUNT: u32 = 10_000;

/// A command. Presets, fetches and entries are indices into the scenario's lists.
#[derive(Debug, PartialEq, Eq)]
pub enum ConsoleCommand<'a> {
    /// Spawn a preset.
    Spawn {
        /// The preset.
        preset: usize,
        /// How many at once; at least 1.
        count: u32,
    },
    /// Start a fetch.
    Fetch(usize),
    /// Note a text.
    Mark(&'a str),
    /// Stop what runs of a target.
    Stop(ActionTarget),
    /// Write a line to what runs of a target.
    Send {
        /// The target.
        to: ActionTarget,
        /// The line, without its newline.
        text: &'a str,
    },
    /// Send a signal to what runs of a target.
    Signal {
        /// The target.
        to: ActionTarget,
        /// The signal.
        signal: Signal,
    },
    /// Kill what runs of a target.
    Kill(ActionTarget),
    /// Stop what runs of a target, and spawn it again.
    Restart(ActionTarget),
    /// Give the terminal to a program.
    Attach(ActionTarget),
    /// Show what runs.
    Status,
    /// Show what can be typed.
    Help,
    /// End the run.
    Quit,
}

/// The words that begin a command.
pub(super) const COMMANDS: [&str; 12] = [
    "spawn", "fetch", "mark", "stop", "send", "restart", "signal", "kill", "attach", "status", "help", "quit",
];

/// The first word of a typed line.
pub(super) fn first_word(line: &str) -> &str {
    line.split_whitespace().next().unwrap_or_default()
}

/// Reads a command. Whether the run can carry it out now is a question for the run.
///
/// # Errors
/// If the line is not a command.
pub fn parse_command<'a>(line: &'a str, scenario: &Scenario) -> Result<ConsoleCommand<'a>, CommandError> {
    let line = line.trim();
    let (word, rest) = line.split_once(char::is_whitespace).map_or((line, ""), |(w, r)| (w, r.trim()));
    let preset = |name: &str| scenario.preset_by_key(name);
    match word {
        "spawn" => parse_spawn(rest, scenario),
        "fetch" => scenario
            .fetches
            .iter()
            .position(|fetch| fetch.name == rest)
            .map(ConsoleCommand::Fetch)
            .ok_or_else(|| unknown_name("fetch", rest, scenario.fetches.iter().map(|fetch| &*fetch.name))),
        "mark" if rest.is_empty() => Err(CommandError("`mark` takes a text".to_owned())),
        "mark" => Ok(ConsoleCommand::Mark(rest)),
        "stop" => find_target(rest, scenario).map(ConsoleCommand::Stop),
        "send" => {
            let (name, text) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            find_target(name, scenario).map(|to| ConsoleCommand::Send { to, text })
        }
        "status" if rest.is_empty() => Ok(ConsoleCommand::Status),
        "quit" if rest.is_empty() => Ok(ConsoleCommand::Quit),
        name if rest.is_empty() && preset(name).is_some() => parse_spawn(name, scenario),
        // A preset may have the name of one of these.
        "restart" => find_target(rest, scenario).map(ConsoleCommand::Restart),
        "kill" => find_target(rest, scenario).map(ConsoleCommand::Kill),
        "attach" => find_target(rest, scenario).map(ConsoleCommand::Attach),
        "signal" => {
            let (name, signal) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            let to = find_target(name, scenario)?;
            Ok(ConsoleCommand::Signal { to, signal: parse_signal(signal.trim())? })
        }
        "help" | "?" => Ok(ConsoleCommand::Help),
        _ => {
            let names = scenario.presets.iter().map(Preset::key);
            Err(unknown_name("command or preset", word, names.chain(COMMANDS)))
        }
    }
}

/// Looks up the target of a command.
fn find_target(name: &str, scenario: &Scenario) -> Result<ActionTarget, CommandError> {
    let target = scenario.find_target(name);
    if target.is_known() {
        return Ok(target);
    }
    let ids = (0..scenario.timeline.len()).filter_map(|entry| scenario.entry_name(entry));
    let presets = scenario.presets.iter().map(|preset| &*preset.name);
    let fetches = scenario.fetches.iter().map(|fetch| &*fetch.name);
    Err(unknown_name("id", name, ids.chain(presets).chain(fetches)))
}

/// Reads the name of a signal. One of real time has none, and cannot be sent.
fn parse_signal(name: &str) -> Result<Signal, CommandError> {
    let known = Signal::from_name(name).filter(|signal| Signal::names().any(|own| own == signal.to_string()));
    let upper = name.to_ascii_uppercase();
    known.ok_or_else(|| unknown_name("signal", &upper, Signal::names()))
}

/// The text of a line that is a `send`.
pub(crate) fn sent_text(line: &str) -> &str {
    let words = line.trim().split_once(char::is_whitespace).map_or("", |(_, words)| words.trim());
    words.split_once(char::is_whitespace).map_or("", |(_, text)| text)
}

fn parse_spawn<'a>(words: &str, scenario: &Scenario) -> Result<ConsoleCommand<'a>, CommandError> {
    let (name, times) =
        words.split_once(char::is_whitespace).map_or((words, None), |(n, t)| (n, Some(t.trim())));
    let Some(preset) = scenario.preset_by_key(name) else {
        return Err(unknown_name("preset", name, scenario.presets.iter().map(Preset::key)));
    };
    let count = match times {
        None => 1,
        Some(times) => times
            .strip_prefix('x')
            .and_then(|count| count.parse().ok())
            .filter(|count| (1..=MAX_SPAWN_COUNT).contains(count))
            .ok_or_else(|| {
                let reason = format!("`{times}` is not how many: write `x2`, up to `x{MAX_SPAWN_COUNT}`");
                CommandError(reason)
            })?,
    };
    Ok(ConsoleCommand::Spawn { preset, count })
}
