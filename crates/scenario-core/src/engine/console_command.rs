//! What is typed while a scenario runs: one command a line. A line that is none is refused with a
//! reason, and changes nothing.

use std::rc::Rc;

use crate::engine::effect::Order;
use crate::engine::{Out, Phase, Run};
use crate::scenario::model::{Action, PresetKind, Scenario, Stdin};
use scenario_log::event::{Event, Source};

/// The longest line that is looked at, in characters.
const LONGEST_LINE: usize = 1_000;

/// The most spawns one line may start.
const MOST_AT_ONCE: u32 = 10_000;

/// A command. Presets, fetches and entries are indices into the scenario's lists.
#[derive(Debug, PartialEq, Eq)]
pub enum Typed<'a> {
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
pub fn read<'a>(line: &'a str, scenario: &Scenario) -> Result<Typed<'a>, String> {
    let line = line.trim();
    let (word, rest) = line.split_once(char::is_whitespace).map_or((line, ""), |(w, r)| (w, r.trim()));
    let preset = |name: &str| scenario.presets.iter().position(|preset| preset.name == name);
    match word {
        "spawn" => read_spawn(rest, scenario),
        "fetch" => scenario
            .fetches
            .iter()
            .position(|fetch| fetch.name == rest)
            .map(Typed::Fetch)
            .ok_or_else(|| unknown("fetch", rest, scenario.fetches.iter().map(|fetch| &*fetch.name))),
        "mark" if rest.is_empty() => Err("`mark` takes a text".to_owned()),
        "mark" => Ok(Typed::Mark(rest)),
        "stop" => entry(rest, scenario).map(Typed::Stop),
        "send" => {
            let (id, text) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            entry(id, scenario).map(|to| Typed::Send { to, text })
        }
        "status" if rest.is_empty() => Ok(Typed::Status),
        "quit" if rest.is_empty() => Ok(Typed::Quit),
        name if rest.is_empty() && preset(name).is_some() => read_spawn(name, scenario),
        _ => {
            let names = scenario.presets.iter().map(|preset| &*preset.name);
            let commands = ["spawn", "fetch", "mark", "stop", "send", "status", "quit"];
            Err(unknown("command or preset", word, names.chain(commands)))
        }
    }
}

fn read_spawn<'a>(words: &str, scenario: &Scenario) -> Result<Typed<'a>, String> {
    let (name, times) =
        words.split_once(char::is_whitespace).map_or((words, None), |(n, t)| (n, Some(t.trim())));
    let Some(preset) = scenario.presets.iter().position(|preset| preset.name == name) else {
        return Err(unknown("preset", name, scenario.presets.iter().map(|preset| &*preset.name)));
    };
    let count = match times {
        None => 1,
        Some(times) => times
            .strip_prefix('x')
            .and_then(|count| count.parse().ok())
            .filter(|count| (1..=MOST_AT_ONCE).contains(count))
            .ok_or_else(|| format!("`{times}` is not how many: write `x2`, up to `x{MOST_AT_ONCE}`"))?,
    };
    Ok(Typed::Spawn { preset, count })
}

/// The entry of this id.
fn entry(id: &str, scenario: &Scenario) -> Result<usize, String> {
    let ids = || scenario.timeline.iter().filter_map(|entry| entry.id.as_deref());
    let found = scenario.timeline.iter().position(|entry| entry.id.as_deref() == Some(id));
    found.ok_or_else(|| unknown("id", id, ids()))
}

/// Why a name is not taken, with the nearest that would be.
fn unknown<'n>(what: &str, name: &str, known: impl Iterator<Item = &'n str>) -> String {
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

impl Run {
    /// A line was typed.
    pub(crate) fn typed(&mut self, text: &str, out: &mut Out<'_>) {
        if text.trim().is_empty() {
            return;
        }
        let mut short: String = text.chars().take(LONGEST_LINE).collect();
        if short.len() < text.len() {
            // Longer than the limit again, so that the log tells the same when it is replayed.
            short.push('…');
            let error = format!("a command has at most {LONGEST_LINE} characters");
            return out.event(&Event::Input { text: &short, accepted: false, error: Some(&error) });
        }
        let scenario = Rc::clone(&self.scenario);
        match read(text, &scenario).and_then(|typed| self.possible(typed)) {
            Ok(typed) => {
                out.event(&Event::Input { text, accepted: true, error: None });
                self.carry_out(typed, out);
            }
            Err(error) => out.event(&Event::Input { text, accepted: false, error: Some(&error) }),
        }
    }

    /// Whether a command can be carried out now.
    fn possible<'a>(&self, typed: Typed<'a>) -> Result<Typed<'a>, String> {
        if self.phase != Phase::Running && typed != Typed::Status {
            return Err("the run is ending".to_owned());
        }
        let runs = |entry: usize| {
            let id = self.scenario.timeline[entry].id.as_deref().unwrap_or_default();
            if self.sources_of(entry).is_empty() && !self.has_load(entry) {
                Err(format!("`{id}` does not run"))
            } else {
                Ok(())
            }
        };
        match &typed {
            Typed::Stop(target) => runs(*target)?,
            Typed::Send { to, .. } => {
                if !reads(&self.scenario, *to) {
                    return Err("it reads nothing: only a program with `stdin = \"open\"` does".to_owned());
                }
                runs(*to)?;
            }
            _ => {}
        }
        Ok(typed)
    }

    fn carry_out(&mut self, typed: Typed<'_>, out: &mut Out<'_>) {
        let due = out.now;
        match typed {
            Typed::Spawn { preset, count } => {
                for _ in 0..count {
                    self.spawn(preset, None, due, out);
                }
            }
            Typed::Fetch(job) => self.fetch(job, None, due, out),
            Typed::Mark(text) => out.event(&Event::Mark { due, entry: None, text }),
            Typed::Stop(target) => {
                self.stop_loads(target, None, out);
                for source in self.sources_of(target) {
                    self.stop_typed(source, out);
                }
            }
            Typed::Send { to, text } => {
                for source in self.sources_of(to) {
                    let (due, source_of) = (Some(due), Some(source));
                    let sent =
                        Event::Sent { due, source: source_of, entry: None, text: Some(text), error: None };
                    out.event(&sent);
                    out.order(Order::Send { source, bytes: format!("{text}\n").into_bytes() });
                }
            }
            Typed::Status => out.order(Order::ShowStatus),
            Typed::Quit => self.quit(out),
        }
    }

    fn stop_typed(&mut self, source: Source, out: &mut Out<'_>) {
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
fn reads(scenario: &Scenario, entry: usize) -> bool {
    let Action::Spawn(preset) = scenario.timeline[entry].action else { return false };
    matches!(&scenario.presets[preset].kind, PresetKind::Command(command) if command.stdin == Stdin::Open)
}
