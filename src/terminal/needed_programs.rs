//! The last lines of the programs that a run needs: those in the background, those that others wait for, those
//! that are watched (`alive`), and those that are not ready yet. They are shown again below the event that says that such a program failed. The
//! scenario in the log's first line says which programs these are; of all others, nothing is kept.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::report::output_tail::OutputTail;
use scenario_log::event::{Event, Source};

/// The programs that a run needs.
#[derive(Clone, Debug, Default)]
pub(crate) struct NeededPrograms {
    /// The presets with `ready`.
    ready_presets: BTreeSet<String>,
    /// The presets in the background, those that are watched, and those of entries that others wait for.
    needed_presets: BTreeSet<String>,
    programs: BTreeMap<Source, NeededProgram>,
}

/// A program that a run needs.
#[derive(Clone, Debug, Default)]
pub(crate) struct NeededProgram {
    pub(crate) output: OutputTail,
    /// Whether it has not become ready.
    pub(crate) is_unready: bool,
    /// Whether it is needed once it is ready, too.
    is_needed_later: bool,
}

/// The parts of a scenario that are read.
#[derive(Deserialize)]
struct ScenarioParts {
    #[serde(default)]
    presets: BTreeMap<String, PresetParts>,
    #[serde(default)]
    timeline: Vec<EntryParts>,
}

#[derive(Deserialize)]
struct PresetParts {
    ready: Option<IgnoredAny>,
    alive: Option<IgnoredAny>,
    #[serde(default)]
    background: bool,
    command: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct EntryParts {
    id: Option<String>,
    spawn: Option<Value>,
    after: Option<Value>,
}

impl NeededPrograms {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "of all events, these alone tell of readiness or output"
    )]
    pub(crate) fn on_event(&mut self, event: &Event<'_>) {
        match *event {
            Event::RunStarted { scenario, .. } => self.read_scenario(scenario),
            Event::SpawnStarted { source, preset, .. } => {
                let is_unready = self.ready_presets.contains(preset);
                let is_needed_later = self.needed_presets.contains(preset);
                if is_unready || is_needed_later {
                    let output = OutputTail::default();
                    self.programs.insert(source, NeededProgram { output, is_unready, is_needed_later });
                }
            }
            Event::Lines { source, stream, chunk, partial } => {
                if let Some(program) = self.programs.get_mut(&source) {
                    program.output.add_chunk(stream, chunk, partial);
                }
            }
            Event::SpawnReady { source } => match self.programs.get_mut(&source) {
                Some(program) if program.is_needed_later => program.is_unready = false,
                _ => drop(self.take(source)),
            },
            _ => {}
        }
    }

    /// Forgets a program; returns it if the run still needed it.
    pub(crate) fn take(&mut self, source: Source) -> Option<NeededProgram> {
        self.programs.remove(&source)
    }

    fn read_scenario(&mut self, scenario: &str) {
        let has = |key: &str| scenario.contains(key);
        let words = ["\"ready\"", "\"alive\"", "\"background\":true", "\"after\""];
        if !words.into_iter().any(has) {
            return;
        }
        // A scenario that cannot be read is in a log that somebody made; it needs no programs.
        let Ok(parts) = serde_json::from_str::<ScenarioParts>(scenario) else { return };
        let mut awaited = BTreeSet::new();
        parts.timeline.iter().filter_map(|entry| entry.after.as_ref()).for_each(|after| {
            collect_awaited(after, &mut awaited);
        });
        for entry in &parts.timeline {
            let Some(preset) = entry.spawn.as_ref().and_then(spawned_preset) else { continue };
            let is_program = parts.presets.get(preset).is_some_and(|preset| preset.command.is_some());
            if is_program && awaited.contains(entry.id.as_deref().unwrap_or(preset)) {
                self.needed_presets.insert(preset.to_owned());
            }
        }
        for (name, preset) in parts.presets {
            if preset.background || preset.alive.is_some() {
                self.needed_presets.insert(name.clone());
            }
            if preset.ready.is_some() {
                self.ready_presets.insert(name);
            }
        }
    }
}

/// The preset of a `spawn`, which may be a table.
fn spawned_preset(spawn: &Value) -> Option<&str> {
    spawn.as_str().or_else(|| spawn.get("preset")?.as_str())
}

/// The names of the entries that an `after` waits for, in any of its forms.
fn collect_awaited<'v>(after: &'v Value, awaited: &mut BTreeSet<&'v str>) {
    match after {
        Value::String(moment) => {
            awaited.insert(moment.rsplit_once('.').map_or(moment, |(entry, _)| entry));
        }
        Value::Array(parts) => parts.iter().for_each(|part| collect_awaited(part, awaited)),
        Value::Object(keys) => {
            if let Some(entry) = keys.get("of").and_then(Value::as_str) {
                awaited.insert(entry);
            }
            let parts = ["all", "any"].into_iter().filter_map(|key| keys.get(key));
            parts.for_each(|part| collect_awaited(part, awaited));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenario_log::event::OutputStream;
    use scenario_log::time::Moment;

    const SCENARIO: &str = r#"{"presets":{
        "unready":{"command":[],"ready":{}},"plain":{"command":[]},"service":{"command":[],"background":true},
        "awaited":{"command":[]},"lined":{"command":[]},"players":{"players":[]}},
        "timeline":[{"id":"a.b","spawn":"awaited"},{"id":"l","spawn":{"preset":"lined"}},{"spawn":"players"},
        {"after":"a.b.ready"},{"after":{"any":["players.finished",{"line":"x","of":"l"}]}}]}"#;

    fn started(programs: &mut NeededPrograms, number: u32, preset: &str) -> Source {
        let source = Source::Spawn(number);
        let due = Moment::ZERO;
        programs.on_event(&Event::SpawnStarted { due, source, preset, entry: None, pid: Some(1) });
        let (stream, chunk) = (OutputStream::Stdout, &b"1\n2\n"[..]);
        programs.on_event(&Event::Lines { source, stream, chunk, partial: false });
        source
    }

    #[test]
    fn the_last_lines_of_needed_programs_are_kept() {
        let mut programs = NeededPrograms::default();
        programs.read_scenario(SCENARIO);
        let kept = |programs: &mut NeededPrograms, source| {
            programs.take(source).map(|program| (program.output.marked_lines(), program.is_unready))
        };
        for (number, preset, is_unready) in
            [(1, "service", false), (2, "awaited", false), (3, "lined", false), (4, "unready", true)]
        {
            let source = started(&mut programs, number, preset);
            let lines = vec!["| 1".to_owned(), "| 2".to_owned()];
            assert_eq!(kept(&mut programs, source), Some((lines, is_unready)), "{preset}");
            assert_eq!(kept(&mut programs, source), None);
        }
        for (number, preset) in [(5, "plain"), (6, "players")] {
            let source = started(&mut programs, number, preset);
            assert_eq!(kept(&mut programs, source), None, "{preset}");
        }
        let source = started(&mut programs, 7, "unready");
        programs.on_event(&Event::SpawnReady { source });
        assert_eq!(kept(&mut programs, source), None, "it is ready, and nothing needs it later");
    }
}
