//! What is typed while a scenario runs: one command a line. A line that is none is refused with a
//! reason, and changes nothing.

use std::rc::Rc;

use crate::engine::effect::Effect;
use crate::engine::{EngineOutput, RunPhase, RunState};
use crate::scenario::model::{EntryAction, PresetKind, Scenario, StdinMode};
use scenario_log::event::{Event, Source};

/// The longest line that is looked at, in characters.
const MAX_COMMAND_CHARS: usize = 1_000;

/// The most spawns one line may start.
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
    /// Stop what an entry started.
    Stop(usize),
    /// Write a line to what an entry started.
    Send {
        /// The entry.
        to: usize,
        /// The line, without its newline.
        text: &'a str,
    },
    /// Show what runs.
    Status,
    /// End the run.
    Quit,
}

/// Reads a command. Whether it can be carried out at a moment of a run is not known here.
///
/// # Errors
/// In words, why it is none.
pub fn parse_command<'a>(line: &'a str, scenario: &Scenario) -> Result<ConsoleCommand<'a>, String> {
    let line = line.trim();
    let (word, rest) = line.split_once(char::is_whitespace).map_or((line, ""), |(w, r)| (w, r.trim()));
    let preset = |name: &str| scenario.presets.iter().position(|preset| preset.name == name);
    match word {
        "spawn" => parse_spawn(rest, scenario),
        "fetch" => scenario
            .fetches
            .iter()
            .position(|fetch| fetch.name == rest)
            .map(ConsoleCommand::Fetch)
            .ok_or_else(|| unknown_name("fetch", rest, scenario.fetches.iter().map(|fetch| &*fetch.name))),
        "mark" if rest.is_empty() => Err("`mark` takes a text".to_owned()),
        "mark" => Ok(ConsoleCommand::Mark(rest)),
        "stop" => find_entry(rest, scenario).map(ConsoleCommand::Stop),
        "send" => {
            let (id, text) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            find_entry(id, scenario).map(|to| ConsoleCommand::Send { to, text })
        }
        "status" if rest.is_empty() => Ok(ConsoleCommand::Status),
        "quit" if rest.is_empty() => Ok(ConsoleCommand::Quit),
        name if rest.is_empty() && preset(name).is_some() => parse_spawn(name, scenario),
        _ => {
            let names = scenario.presets.iter().map(|preset| &*preset.name);
            let commands = ["spawn", "fetch", "mark", "stop", "send", "status", "quit"];
            Err(unknown_name("command or preset", word, names.chain(commands)))
        }
    }
}

fn parse_spawn<'a>(words: &str, scenario: &Scenario) -> Result<ConsoleCommand<'a>, String> {
    let (name, times) =
        words.split_once(char::is_whitespace).map_or((words, None), |(n, t)| (n, Some(t.trim())));
    let Some(preset) = scenario.presets.iter().position(|preset| preset.name == name) else {
        return Err(unknown_name("preset", name, scenario.presets.iter().map(|preset| &*preset.name)));
    };
    let count = match times {
        None => 1,
        Some(times) => times
            .strip_prefix('x')
            .and_then(|count| count.parse().ok())
            .filter(|count| (1..=MAX_SPAWN_COUNT).contains(count))
            .ok_or_else(|| format!("`{times}` is not how many: write `x2`, up to `x{MAX_SPAWN_COUNT}`"))?,
    };
    Ok(ConsoleCommand::Spawn { preset, count })
}

/// The entry of this id.
fn find_entry(id: &str, scenario: &Scenario) -> Result<usize, String> {
    let ids = || scenario.timeline.iter().filter_map(|entry| entry.id.as_deref());
    let found = scenario.timeline.iter().position(|entry| entry.id.as_deref() == Some(id));
    found.ok_or_else(|| unknown_name("id", id, ids()))
}

/// Why a name is not taken, with the nearest that would be.
fn unknown_name<'n>(what: &str, name: &str, known: impl Iterator<Item = &'n str>) -> String {
    if name.is_empty() {
        return format!("which {what}?");
    }
    let nearest = known
        .map(|known| (strsim::damerau_levenshtein(known, name), known))
        .min()
        .filter(|(distance, known)| *distance <= known.chars().count().max(3) / 3);
    match nearest {
        Some((_, nearest)) => format!("no {what} `{name}`; did you mean `{nearest}`?"),
        None => format!("no {what} `{name}`"),
    }
}

impl RunState {
    /// A line was typed.
    pub(crate) fn command_typed(&mut self, text: &str, out: &mut EngineOutput<'_>) {
        if text.trim().is_empty() {
            return;
        }
        let mut short: String = text.chars().take(MAX_COMMAND_CHARS).collect();
        if short.len() < text.len() {
            // Longer than the limit again, so that the log tells the same when it is replayed.
            short.push('…');
            let error = format!("a command has at most {MAX_COMMAND_CHARS} characters");
            return out.event(&Event::TypedInput { text: &short, accepted: false, error: Some(&error) });
        }
        let scenario = Rc::clone(&self.scenario);
        match parse_command(text, &scenario).and_then(|typed| self.check_possible(typed)) {
            Ok(typed) => {
                out.event(&Event::TypedInput { text, accepted: true, error: None });
                self.execute_command(typed, out);
            }
            Err(error) => out.event(&Event::TypedInput { text, accepted: false, error: Some(&error) }),
        }
    }

    /// Whether a command can be carried out now.
    fn check_possible<'a>(&self, typed: ConsoleCommand<'a>) -> Result<ConsoleCommand<'a>, String> {
        if self.phase != RunPhase::Running && typed != ConsoleCommand::Status {
            return Err("the run is ending".to_owned());
        }
        let runs = |entry: usize| {
            let id = self.scenario.timeline[entry].id.as_deref().unwrap_or_default();
            if self.sources_of(entry).is_empty() && !self.has_active_load(entry) {
                Err(format!("`{id}` does not run"))
            } else {
                Ok(())
            }
        };
        match &typed {
            ConsoleCommand::Stop(target) => runs(*target)?,
            ConsoleCommand::Send { to, .. } => {
                if !has_open_stdin(&self.scenario, *to) {
                    return Err("it reads nothing: only a program with `stdin = \"open\"` does".to_owned());
                }
                runs(*to)?;
            }
            _ => {}
        }
        Ok(typed)
    }

    fn execute_command(&mut self, typed: ConsoleCommand<'_>, out: &mut EngineOutput<'_>) {
        let due = out.now;
        match typed {
            ConsoleCommand::Spawn { preset, count } => {
                for _ in 0..count {
                    self.start_spawn(preset, None, due, out);
                }
            }
            ConsoleCommand::Fetch(job) => self.start_fetch(job, None, due, out),
            ConsoleCommand::Mark(text) => out.event(&Event::Mark { due, entry: None, text }),
            ConsoleCommand::Stop(target) => {
                self.stop_loads(target, None, out);
                for source in self.sources_of(target) {
                    self.stop_by_command(source, out);
                }
            }
            ConsoleCommand::Send { to, text } => {
                for source in self.sources_of(to) {
                    let (due, source_of) = (Some(due), Some(source));
                    let sent =
                        Event::Sent { due, source: source_of, entry: None, text: Some(text), error: None };
                    out.event(&sent);
                    out.effect(Effect::SendLine { source, bytes: format!("{text}\n").into_bytes() });
                }
            }
            ConsoleCommand::Status => out.effect(Effect::ShowStatus),
            ConsoleCommand::Quit => self.quit_run(out),
        }
    }

    fn stop_by_command(&mut self, source: Source, out: &mut EngineOutput<'_>) {
        out.event(&Event::Stopping {
            due: None,
            source: Some(source),
            entry: None,
            signal: None,
            reason: Some("typed"),
            error: None,
        });
        self.stop_source(source, out);
    }
}

/// Whether what an entry starts reads what is sent.
fn has_open_stdin(scenario: &Scenario, entry: usize) -> bool {
    let EntryAction::Spawn(preset) = scenario.timeline[entry].action else { return false };
    matches!(&scenario.presets[preset].kind, PresetKind::Command(command) if command.stdin == StdinMode::Open)
}
