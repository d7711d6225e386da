//! The running things that actions and typed commands can name, and the hints that list them.

use super::RunState;
use crate::engine::console_command::{COMMANDS, first_word};
use crate::engine::names::spawn_name;
use crate::scenario::model::{ActionTarget, PresetKind, StdinMode};
use scenario_log::event::Source;
use scenario_log::signal::Signal;

/// How many things of a kind a hint names.
const MAX_LISTED: usize = 20;

impl RunState {
    /// The spawns and requests that a typed target means now. An id means what its entry started. If nothing
    /// of that runs, or if the preset or fetch of its entry has the same name, it means all of that preset or
    /// fetch.
    pub(super) fn target_sources(&self, target: &ActionTarget) -> Vec<Source> {
        if let Some(source) = target.source {
            return self.active_source(source).into_iter().collect();
        }
        let mut sources = target.entry.map(|entry| self.sources_of(entry)).unwrap_or_default();
        if !self.means_only_entry(target) {
            sources.extend(self.sources_named(target, |_| true));
            sources.sort_unstable();
            sources.dedup();
        }
        sources
    }

    /// The spawns and requests that the target of an entry means now. An id means what its entry started, and,
    /// if the preset or fetch of its entry has the same name, what no entry has started of that. If nothing of
    /// this runs, it means all of the preset or fetch of its name.
    pub(super) fn planned_sources(&self, target: &ActionTarget) -> Vec<Source> {
        if let Some(source) = target.source {
            return self.active_source(source).into_iter().collect();
        }
        let Some(entry) = target.entry else { return self.sources_named(target, |_| true) };
        let mut sources = self.sources_of(entry);
        if target.is_one_thing(&self.scenario) {
            sources.extend(self.sources_named(target, |entry| entry.is_none()));
            sources.sort_unstable();
            if sources.is_empty() && self.planned_loads(target).is_empty() {
                sources = self.sources_named(target, |_| true);
            }
        }
        sources
    }

    /// The loads that the target of an entry means now: the number and the fetch of each.
    pub(super) fn planned_loads(&self, target: &ActionTarget) -> Vec<(u32, usize)> {
        let of_fetch = || target.fetch.into_iter().flat_map(|fetch| self.jobs.loads_of_fetch(fetch));
        let Some(entry) = target.entry else { return of_fetch().collect() };
        let mut loads: Vec<_> = self.jobs.loads_of_entry(entry).collect();
        if target.is_one_thing(&self.scenario) {
            let has_no_entry = |number: u32| self.jobs.get(number).is_some_and(|run| run.entry().is_none());
            loads.extend(of_fetch().filter(|(number, _)| has_no_entry(*number)));
            loads.sort_unstable();
        }
        loads
    }

    /// A source, if it has not ended.
    fn active_source(&self, source: Source) -> Option<Source> {
        let is_active = match source {
            Source::Spawn(number) => self.spawns.get(number).is_some(),
            Source::Request(number) => self.requests.get(number).is_some(),
            Source::Guest(_) => false,
        };
        is_active.then_some(source)
    }

    /// The running spawns and requests of the preset and the fetch of a name, of the entries that are meant.
    fn sources_named(&self, target: &ActionTarget, is_meant: impl Fn(Option<usize>) -> bool) -> Vec<Source> {
        let spawns = self.spawns.iter().filter(|(_, spawn)| {
            target.preset == Some(self.scenario.first_of_name(spawn.preset())) && is_meant(spawn.entry())
        });
        let requests = self.requests.iter().filter(|(_, request)| {
            self.jobs
                .get(request.job_run())
                .is_some_and(|run| Some(run.job()) == target.fetch && is_meant(run.entry()))
        });
        spawns.map(|(source, _)| source).chain(requests.map(|(source, _)| source)).collect()
    }

    /// The loads that a typed target means now: the number and the fetch of each.
    pub(super) fn target_loads(&self, target: &ActionTarget) -> Vec<(u32, usize)> {
        let mut loads: Vec<_> =
            target.entry.into_iter().flat_map(|entry| self.jobs.loads_of_entry(entry)).collect();
        if !self.means_only_entry(target) {
            loads.extend(target.fetch.into_iter().flat_map(|fetch| self.jobs.loads_of_fetch(fetch)));
            loads.sort_unstable();
            loads.dedup();
        }
        loads
    }

    fn means_only_entry(&self, target: &ActionTarget) -> bool {
        let runs = |entry: usize| {
            !self.sources_of(entry).is_empty() || self.jobs.loads_of_entry(entry).next().is_some()
        };
        !target.is_one_thing(&self.scenario) && target.entry.is_some_and(runs)
    }

    /// Whether a program of this preset reads what is sent to it.
    pub(super) fn has_open_stdin(&self, preset: usize) -> bool {
        matches!(&self.scenario.presets[preset].kind, PresetKind::Command(command) if command.stdin == StdinMode::Open)
    }

    /// The words that a person could have typed instead of a refused line: the names that there are, in
    /// lines for the screen.
    pub(super) fn hint(&self, line: &str) -> Vec<String> {
        let scenario = &self.scenario;
        match first_word(line) {
            "spawn" => vec![list("presets", scenario.presets.iter().map(|preset| preset.name.clone()))],
            "fetch" => vec![list("fetches", scenario.fetches.iter().map(|fetch| fetch.name.clone()))],
            "stop" | "send" | "restart" | "kill" | "attach" => vec![self.list_running()],
            "signal" => {
                let names: Vec<&str> = Signal::names().collect();
                vec![self.list_running(), format!("signals: {}", names.join(", "))]
            }
            "mark" => Vec::new(),
            _ => vec![
                list("commands", COMMANDS.iter().map(|command| (*command).to_owned())),
                list("presets", scenario.presets.iter().map(|preset| preset.name.clone())),
            ],
        }
    }

    /// The answer to `help`.
    pub(super) fn help(&self) -> Vec<String> {
        let scenario = &self.scenario;
        let mut lines: Vec<String> = [
            "spawn PRESET        start a preset; `spawn PRESET x3` three of it, PRESET alone does too",
            "fetch FETCH         start a fetch",
            "stop NAME           stop what runs of an id, a preset, a fetch, or of ps#1 alone",
            "restart NAME        stop it, and start it again when it has ended",
            "signal NAME HUP     send a signal to it",
            "kill NAME           end it at once, with all that it started",
            "send NAME TEXT      write a line to a program with `stdin = \"open\"`",
            "attach NAME         give the terminal to a program with `stdin = \"open\"`, until Ctrl-]",
            "mark TEXT           note a text in the log",
            "status              show what runs",
            "quit                end the run",
        ]
        .map(str::to_owned)
        .into();
        lines.push(list("presets", scenario.presets.iter().map(|preset| preset.name.clone())));
        if !scenario.fetches.is_empty() {
            lines.push(list("fetches", scenario.fetches.iter().map(|fetch| fetch.name.clone())));
        }
        lines.push(self.list_running());
        lines
    }

    fn list_running(&self) -> String {
        let spawns =
            self.spawns.iter().map(|(source, spawn)| spawn_name(&self.scenario, source, spawn.preset()));
        let loads = self.jobs.loads().map(|job| format!("load {}", self.scenario.fetches[job].name));
        let requests = self.requests.iter().map(|(source, _)| source.to_string());
        list("runs", spawns.chain(loads).chain(requests))
    }
}

/// `presets: a, b, c`, with the number of those that are too many to be named.
fn list(what: &str, names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    if names.is_empty() {
        return format!("{what}: none");
    }
    let shown = &names[..names.len().min(MAX_LISTED)];
    let more = match names.len() - shown.len() {
        0 => String::new(),
        more => format!(", {more} more"),
    };
    format!("{what}: {}{more}", shown.join(", "))
}
