//! The sink of a plan: collects its rows, and stands in for the world that the engine's effects are for.

use std::collections::{BTreeMap, BTreeSet};

use super::bounds::ready_timeout;
use super::{MAX_EVENTS, MAX_PLAYERS, MAX_ROWS, MAX_SOURCES, PlanLimit, PlanRow, is_process, load};
use crate::engine::effect::Effect;
use crate::engine::input::Input;
use crate::engine::{Engine, EngineSink};
use crate::scenario::model::{EntryTrigger, PresetKind, Scenario, describe_faults};
use scenario_log::event::{EntryName, Event, Source, SpawnExit};
use scenario_log::signal::Signal;
use scenario_log::time::{Moment, Span};

/// The sink of a plan: turns events into rows, and answers effects like a world in which programs run until
/// they are stopped.
pub(super) struct PlanSink<'s> {
    scenario: &'s Scenario,
    pub(super) now: Moment,
    pub(super) rows: Vec<PlanRow>,
    pub(super) more_rows: u64,
    pub(super) moves: u64,
    events: u64,
    limit: Option<PlanLimit>,
    /// The running spawns.
    spawns: BTreeMap<Source, PlannedSpawn>,
    /// The players of these spawns.
    players: u64,
    /// The requests, none of which ends.
    requests: u64,
    processes: u64,
    pub(super) max_processes: u64,
    /// The names of the entries of whose programs a line or the readiness is waited for.
    awaited_entries: BTreeSet<String>,
    /// The running spawns of these entries.
    awaited_spawns: BTreeSet<Source>,
    /// The actions of the entries that may end a spawn, by the names of the entries.
    ending_actions: BTreeMap<String, &'static str>,
    /// Whether nothing so far depended on a program or a server.
    pub(super) is_known: bool,
    /// Whether a load has started: nobody knows how many requests it makes, so the numbers of later
    /// requests are unknown.
    has_load: bool,
    effects: Vec<Effect>,
}

/// A spawn that runs.
struct PlannedSpawn {
    row: usize,
    is_process: bool,
    players: u64,
}

impl<'s> PlanSink<'s> {
    pub(super) fn new(scenario: &'s Scenario) -> PlanSink<'s> {
        PlanSink {
            scenario,
            now: Moment::ZERO,
            rows: Vec::new(),
            more_rows: 0,
            moves: 0,
            events: 0,
            limit: None,
            spawns: BTreeMap::new(),
            players: 0,
            requests: 0,
            processes: 0,
            max_processes: 0,
            awaited_entries: entries_awaiting_output(scenario),
            awaited_spawns: BTreeSet::new(),
            ending_actions: ending_actions(scenario),
            is_known: true,
            has_load: false,
            effects: Vec::new(),
        }
    }

    /// The limit that has ended the plan, once there was more than a plan holds.
    pub(super) fn limit(&self) -> Option<PlanLimit> {
        self.limit
    }

    /// The limit that is passed now, if one is.
    fn find_limit(&self) -> Option<PlanLimit> {
        match () {
            () if self.players > MAX_PLAYERS => Some(PlanLimit::Players),
            () if self.spawns.len() as u64 + self.requests > MAX_SOURCES => Some(PlanLimit::Sources),
            () if self.events >= MAX_EVENTS => Some(PlanLimit::Events),
            () => None,
        }
    }

    fn push_row(
        &mut self,
        what: &'static str,
        of: &str,
        entry: Option<EntryName<'_>>,
        source: Option<Source>,
    ) {
        if self.rows.len() >= MAX_ROWS {
            self.more_rows += 1;
            return;
        }
        let entry = entry.map(|entry| entry.to_string()).unwrap_or_default();
        let source = source.map(|source| source.to_string());
        self.rows.push(PlanRow {
            at: self.now,
            action: what,
            target: of.to_owned(),
            entry,
            source,
            ends_at: None,
        });
    }

    /// The key of the action of an entry that stops, signals, kills or restarts something.
    fn ending_action(&self, entry: EntryName<'_>) -> &'static str {
        self.ending_actions.get(&entry.to_string()).copied().unwrap_or("stop")
    }

    /// Adds a row for a request or for a whole load.
    fn push_fetch(&mut self, job: &str, entry: Option<EntryName<'_>>, (url, source): (&str, Source)) {
        let fetch = self.scenario.fetches.iter().find(|fetch| fetch.name == job);
        match fetch.and_then(|fetch| Some((fetch, fetch.load.as_ref()?))) {
            Some((fetch, load)) => {
                self.has_load = true;
                self.push_row("load", &load::describe_load(fetch, load), entry, None);
            }
            None => self.push_row("fetch", url, entry, Some(source).filter(|_| !self.has_load)),
        }
    }

    /// Answers the engine's effects as far as their results can be known.
    pub(super) fn answer_effects(&mut self, engine: &mut Engine, now: Moment) {
        while !self.effects.is_empty() {
            for effect in std::mem::take(&mut self.effects) {
                match effect {
                    Effect::StartSpawn { source, preset, .. } => {
                        let waits = match &self.scenario.presets[preset].kind {
                            PresetKind::Command(command) => !command.background,
                            PresetKind::Players(_) => true,
                        };
                        // Nobody knows when a program ends by itself.
                        self.is_known &= !waits;
                        engine.handle_input(now, &Input::SpawnStarted { source, pid: 0 }, self);
                    }
                    // Its end would fail the entry that waits for its line, which may well have come
                    // before.
                    Effect::StopSpawn { source } | Effect::KillSpawn { source }
                        if self.awaited_spawns.contains(&source) =>
                    {
                        self.is_known = false;
                    }
                    Effect::StopSpawn { source } | Effect::KillSpawn { source } => {
                        let exit = SpawnExit::Signal(Signal::TERM);
                        engine.handle_input(
                            now,
                            &Input::SpawnExited {
                                source,
                                exit,
                                held: false,
                                killed: false,
                                skipped: 0,
                                usage: Default::default(),
                            },
                            self,
                        );
                    }
                    Effect::StartRequest { .. } => self.is_known = false,
                    _ => {}
                }
            }
        }
    }
}

impl EngineSink for PlanSink<'_> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the plan shows these events alone")]
    fn event(&mut self, t: Moment, event: &Event<'_>) {
        self.now = t;
        self.events += 1;
        match event {
            Event::Move { .. } => self.moves += 1,
            Event::SpawnStarted { source, preset, entry, .. } => {
                let at = self.rows.len();
                self.push_row("spawn", preset, *entry, Some(*source));
                if entry.is_some_and(|entry| self.awaited_entries.contains(&entry.to_string())) {
                    self.awaited_spawns.insert(*source);
                }
                let is_process = is_process(self.scenario, preset);
                let players = if is_process { 0 } else { count_players(self.scenario, preset) };
                self.spawns.insert(*source, PlannedSpawn { row: at, is_process, players });
                self.players += players;
                self.processes += u64::from(is_process);
                self.max_processes = self.max_processes.max(self.processes);
            }
            Event::SpawnExited { source, exit, .. } => {
                if let Some(PlannedSpawn { row, is_process, players }) = self.spawns.remove(source) {
                    self.processes -= u64::from(is_process);
                    self.players -= players;
                    if let (Some(row), SpawnExit::Code(_)) = (self.rows.get_mut(row), exit) {
                        row.ends_at = Some(t);
                    }
                }
            }
            Event::FetchStarted { source, job, entry, url, .. } => {
                self.requests += 1;
                self.push_fetch(job, *entry, (url, *source));
            }
            Event::Mark { entry, text, .. } => self.push_row("mark", text, *entry, None),
            Event::LinkChanged {
                link, latency, bandwidth, cut, limit, slice, refuse, reset, entry, ..
            } => {
                let words = describe_faults([*latency, *bandwidth, *cut, *limit, *slice], (*refuse, *reset));
                let words = if words.is_empty() { "all is well again" } else { &words };
                self.push_row("link", &format!("{link}: {words}"), *entry, None);
            }
            Event::Sent { source, entry, text, close, .. } if text.is_some() || close.is_some() => {
                self.push_row("send", text.unwrap_or("the end of its input"), *entry, *source)
            }
            Event::Stopping { source, entry: Some(entry), error, .. } => {
                let of = source.map(|source| source.to_string());
                let of = of.as_deref().or(*error).unwrap_or_default();
                self.push_row(self.ending_action(*entry), of, Some(*entry), None);
            }
            Event::Signalled { source, entry: Some(entry), signal, error, .. } => {
                let target = match (source, error) {
                    (Some(source), None) => format!("{source} {signal}"),
                    _ => error.unwrap_or_default().to_owned(),
                };
                self.push_row(self.ending_action(*entry), &target, Some(*entry), None);
            }
            _ => {}
        }
        self.limit = self.limit.or_else(|| self.find_limit());
    }

    fn effect(&mut self, order: Effect) {
        self.effects.push(order);
    }

    fn wants_more(&self) -> bool {
        self.limit.is_none()
    }
}

/// The number of players of a preset.
fn count_players(scenario: &Scenario, preset: &str) -> u64 {
    let preset = scenario.presets.iter().find(|other| other.name == preset);
    match preset.map(|preset| &preset.kind) {
        Some(PresetKind::Players(players)) => players.groups.iter().map(|group| u64::from(group.count)).sum(),
        _ => 0,
    }
}

/// The actions of the entries that may end a spawn, by the names of the entries.
fn ending_actions(scenario: &Scenario) -> BTreeMap<String, &'static str> {
    let entries = scenario.timeline.iter().enumerate().filter(|(_, entry)| entry.action.may_end_spawns());
    entries.map(|(n, entry)| (entry.event_name(n).to_string(), entry.action.key())).collect()
}

/// The names of the entries that others wait for a line, the silence, an exit or the `ready` of, which no plan
/// can know.
fn entries_awaiting_output(scenario: &Scenario) -> BTreeSet<String> {
    let conditions = scenario.timeline.iter().filter_map(|entry| entry.trigger.as_ref());
    let awaited = conditions.flat_map(EntryTrigger::conditions).filter_map(|condition| match condition {
        EntryTrigger::Line { of, .. } | EntryTrigger::Quiet { of, .. } | EntryTrigger::Exit { of, .. } => {
            Some(*of)
        }
        EntryTrigger::Ready(of) if ready_timeout(scenario, *of) > Span::ZERO => Some(*of),
        _ => None,
    });
    awaited.map(|entry| scenario.timeline[entry].event_name(entry).to_string()).collect()
}
