//! The plan of a scenario: what would happen when. Starts nothing. The engine is driven through virtual time
//! with the seed's draws. A program is assumed to run until it is stopped; an entry stays open if it depends on
//! a response, a line or an end that nobody can know.
//!
//! The bounds (earliest, latest) do not depend on the seed: they come from the intervals.

mod load;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::engine::effect::Effect;
use crate::engine::input::Input;
use crate::engine::{Engine, EngineSink};
use crate::scenario::model::{
    EntryAction, EntryRepeat, EntryTrigger, FetchMode, Isolation, PlayersPreset, PresetKind, Scenario,
    TimelineEntry,
};
use scenario_log::event::{EntryName, Event, Source, SpawnExit};
use scenario_log::signal::Signal;
use scenario_log::time::{Moment, Span};

/// The most events that are planned; a scenario with more has no likely end.
const MAX_EVENTS: u64 = 20_000_000;

/// The most rows of a plan.
pub const MAX_ROWS: usize = 100_000;

/// An event at a known moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanRow {
    /// The moment.
    pub at: Moment,
    /// `spawn`, `fetch`, `load`, `stop`, `send` or `mark`.
    pub action: &'static str,
    /// The preset, the URL, the load, the target or the text.
    pub target: String,
    /// The name of the entry.
    pub entry: String,
    /// The source, of spawns and requests.
    pub source: Option<String>,
    /// The moment of the end with this seed's draws, of players.
    pub ends_at: Option<Moment>,
}

/// An entry whose moment depends on something that nobody can know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenPlanEntry {
    /// The name of the entry.
    pub entry: String,
    /// `spawn`, `fetch`, `load`, `stop`, `send` or `mark`.
    pub action: &'static str,
    /// The moment that it waits for, as in the scenario file; then, for a load, its description.
    pub waits_for: String,
}

/// The plan of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The rows in the order of their moments; at most [`MAX_ROWS`].
    pub rows: Vec<PlanRow>,
    /// The number of further rows, which are not kept.
    pub more_rows: u64,
    /// The open entries in the order of the file.
    pub open: Vec<OpenPlanEntry>,
    /// The known moves.
    pub moves: u64,
    /// The earliest end of the run with any seed.
    pub earliest: Moment,
    /// The end with this seed's draws; `None` if it depends on programs or servers.
    pub likely: Option<Moment>,
    /// The latest end with any seed; `None` if nothing bounds it.
    pub latest: Option<Moment>,
    /// An upper bound for the number of processes at once; `None` if nothing bounds it.
    pub processes: Option<u64>,
}

/// Plans a scenario with a seed.
#[must_use]
pub fn plan(scenario: &Scenario, seed: u64) -> Plan {
    let plannable = Rc::new(to_plannable(scenario));
    let mut engine = Engine::new(Rc::clone(&plannable), seed);
    engine.begin_without_event();
    let mut sink = PlanSink::new(scenario);
    let mut events = 0;
    while events < MAX_EVENTS
        && let Some(now) = engine.next_due().filter(|now| now.0 < u64::MAX)
    {
        engine.advance(now, &mut sink);
        sink.answer_effects(&mut engine, now);
        events = sink.events;
    }
    let is_complete = engine.verdict().is_some();
    let bounds = TimeBounds::new(scenario);
    let limit = scenario.time_limit.map(|limit| Moment(limit.0));
    let latest = match (bounds.latest(scenario), limit) {
        (Some(latest), Some(limit)) => Some(latest.min(limit)),
        (latest, limit) => latest.or(limit),
    };
    let open = find_open_entries(scenario, &engine);
    // The answers to effects came after everything else of their moment.
    let order: BTreeMap<String, usize> =
        scenario.timeline.iter().enumerate().map(|(n, entry)| (entry.event_name(n).to_string(), n)).collect();
    sink.rows.sort_by_key(|row| (row.at, order.get(&row.entry).copied()));
    let not_yet = (0..scenario.timeline.len()).filter(|entry| !engine.has_occurred(*entry));
    let mut processes = not_yet.map(|entry| count_processes(scenario, &scenario.timeline[entry]));
    let processes = processes.try_fold(sink.max_processes, |sum, more| sum.checked_add(more?));
    let within = |moment: Moment| limit.map_or(moment, |limit| moment.min(limit));
    let likely = (is_complete && sink.is_known).then(|| within(sink.now));
    Plan {
        rows: sink.rows,
        more_rows: sink.more_rows,
        open,
        moves: sink.moves,
        earliest: within(bounds.earliest(scenario)),
        likely,
        latest,
        processes,
    }
}

/// The most moves of a scenario that [`likely_end`] plans: this takes some milliseconds.
const MAX_CHEAP_MOVES: u64 = 200_000;

/// The likely end of a run, if it is cheap to compute: only players, and not too many moves.
#[must_use]
pub fn likely_end(scenario: &Scenario, seed: u64) -> Option<Moment> {
    let moves = |entry: &TimelineEntry| -> Option<u64> {
        let one = match &entry.action {
            EntryAction::Spawn(preset) => match &scenario.presets[*preset].kind {
                PresetKind::Players(players) => players.groups.iter().try_fold(1, |sum: u64, group| {
                    sum.checked_add(u64::from(group.count).checked_mul(group.behavior.step_count() + 1)?)
                })?,
                PresetKind::Command(_) => return None,
            },
            EntryAction::Fetch(_) => return None,
            EntryAction::Stop(_) | EntryAction::Send { .. } | EntryAction::Mark(_) => 1,
        };
        one.checked_mul(u64::from(entry.count))?.checked_mul(max_occurrences(entry)?)
    };
    let all = scenario.timeline.iter().try_fold(0, |sum: u64, entry| sum.checked_add(moves(entry)?))?;
    if all > MAX_CHEAP_MOVES {
        return None;
    }
    plan(scenario, seed).likely
}

/// The scenario with all players in the runner, without ticks, world, time limit and expectations, with one
/// request for each load, and with endless timeouts for lines and for programs to become ready.
fn to_plannable(scenario: &Scenario) -> Scenario {
    let mut plannable = scenario.clone();
    plannable.tick = None;
    plannable.world = None;
    plannable.time_limit = None;
    for preset in &mut plannable.presets {
        match &mut preset.kind {
            PresetKind::Players(players) => players.isolation = Isolation::Task,
            PresetKind::Command(command) => {
                if let Some(ready) = &mut command.ready {
                    ready.timeout = Span(u64::MAX);
                }
            }
        }
    }
    plannable.fetches.iter_mut().for_each(load::replace_with_one_request);
    for entry in &mut plannable.timeline {
        if let Some(EntryTrigger::Line { timeout, .. }) = &mut entry.trigger {
            *timeout = Span(u64::MAX);
        }
    }
    // Expectations are about runs, not about plans.
    plannable.expectations.clear();
    plannable
}

fn is_process(scenario: &Scenario, preset: &str) -> bool {
    let preset = scenario.presets.iter().find(|other| other.name == preset);
    preset.is_some_and(|preset| preset.kind.is_process())
}

/// The sink of a plan: turns events into rows, and answers effects like a world in which programs run until
/// they are stopped.
struct PlanSink<'s> {
    scenario: &'s Scenario,
    now: Moment,
    rows: Vec<PlanRow>,
    more_rows: u64,
    moves: u64,
    events: u64,
    /// The row of each running spawn, and whether the spawn is a process.
    spawns: BTreeMap<Source, (usize, bool)>,
    processes: u64,
    max_processes: u64,
    /// The names of the entries of whose programs a line or the readiness is waited for.
    awaited_entries: BTreeSet<String>,
    /// The running spawns of these entries.
    awaited_spawns: BTreeSet<Source>,
    /// Whether nothing so far depended on a program or a server.
    is_known: bool,
    /// Whether a load has started: nobody knows how many requests it makes, so the numbers of later
    /// requests are unknown.
    has_load: bool,
    effects: Vec<Effect>,
}

impl<'s> PlanSink<'s> {
    fn new(scenario: &'s Scenario) -> PlanSink<'s> {
        PlanSink {
            scenario,
            now: Moment::ZERO,
            rows: Vec::new(),
            more_rows: 0,
            moves: 0,
            events: 0,
            spawns: BTreeMap::new(),
            processes: 0,
            max_processes: 0,
            awaited_entries: entries_awaiting_output(scenario),
            awaited_spawns: BTreeSet::new(),
            is_known: true,
            has_load: false,
            effects: Vec::new(),
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
    fn answer_effects(&mut self, engine: &mut Engine, now: Moment) {
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
                            &Input::SpawnExited { source, exit, held: false, skipped: 0 },
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
                let counts = is_process(self.scenario, preset);
                self.spawns.insert(*source, (at, counts));
                self.processes += u64::from(counts);
                self.max_processes = self.max_processes.max(self.processes);
            }
            Event::SpawnExited { source, exit, .. } => {
                if let Some((row, counts)) = self.spawns.remove(source) {
                    self.processes -= u64::from(counts);
                    if let (Some(row), SpawnExit::Code(_)) = (self.rows.get_mut(row), exit) {
                        row.ends_at = Some(t);
                    }
                }
            }
            Event::FetchStarted { source, job, entry, url, .. } => {
                self.push_fetch(job, *entry, (url, *source));
            }
            Event::Mark { entry, text, .. } => self.push_row("mark", text, *entry, None),
            Event::Sent { source, entry, text: Some(text), .. } => {
                self.push_row("send", text, *entry, *source)
            }
            Event::Stopping { source, entry: Some(entry), error, .. } => {
                let of = source.map(|source| source.to_string());
                let of = of.as_deref().or(*error).unwrap_or_default();
                self.push_row("stop", of, Some(*entry), None);
            }
            _ => {}
        }
    }

    fn effect(&mut self, order: Effect) {
        self.effects.push(order);
    }
}

/// The names of the entries that others wait for a line or the `ready` of, which no plan can know.
fn entries_awaiting_output(scenario: &Scenario) -> BTreeSet<String> {
    let awaited = scenario.timeline.iter().filter_map(|entry| match entry.trigger {
        Some(EntryTrigger::Line { of, .. }) => Some(of),
        Some(EntryTrigger::Ready(of)) if ready_timeout(scenario, of) > Span::ZERO => Some(of),
        _ => None,
    });
    awaited.map(|entry| scenario.timeline[entry].event_name(entry).to_string()).collect()
}

/// The number of processes that an entry starts in all; `None` if it depends on draws.
fn count_processes(scenario: &Scenario, entry: &TimelineEntry) -> Option<u64> {
    let EntryAction::Spawn(preset) = entry.action else { return Some(0) };
    if !is_process(scenario, &scenario.presets[preset].name) {
        return Some(0);
    }
    max_occurrences(entry)?.checked_mul(u64::from(entry.count))
}

/// The most occurrences of an entry; `None` if their number depends on draws.
fn max_occurrences(entry: &TimelineEntry) -> Option<u64> {
    let Some(EntryRepeat { every, times, duration: within }) = &entry.repeat else { return Some(1) };
    let shortest = every.shortest().0;
    let by_time = within.filter(|_| shortest > 0).map(|within| within.0.div_ceil(shortest));
    match (*times, by_time) {
        (Some(times), Some(by_time)) => Some(times.min(by_time)),
        (times, by_time) => times.or(by_time),
    }
}

fn find_open_entries(scenario: &Scenario, engine: &Engine) -> Vec<OpenPlanEntry> {
    let open = |(index, entry): (usize, &TimelineEntry)| {
        let after = entry.trigger.as_ref().filter(|_| !engine.has_occurred(index))?;
        let target = scenario.timeline[after.awaited_entry()].event_name(after.awaited_entry());
        let moment = match after {
            EntryTrigger::Started(_) => format!("{target}.started"),
            EntryTrigger::Ready(_) => format!("{target}.ready"),
            EntryTrigger::Finished(_) => format!("{target}.finished"),
            EntryTrigger::Line { regex, .. } => format!("a line like /{regex}/ of {target}"),
        };
        let after = match entry.at {
            Span::ZERO => moment,
            at => format!("{moment} + {}", at.format_human()),
        };
        let (what, after) = match load::describe_load_action(scenario, &entry.action) {
            Some(load) => ("load", format!("{after}; {load}")),
            None => (action_name(&entry.action), after),
        };
        Some(OpenPlanEntry { entry: entry.event_name(index).to_string(), action: what, waits_for: after })
    };
    scenario.timeline.iter().enumerate().filter_map(open).collect()
}

fn action_name(action: &EntryAction) -> &'static str {
    match action {
        EntryAction::Spawn(_) => "spawn",
        EntryAction::Fetch(_) => "fetch",
        EntryAction::Stop(_) => "stop",
        EntryAction::Send { .. } => "send",
        EntryAction::Mark(_) => "mark",
    }
}

/// The earliest and latest moments of each entry, for any draws and any world.
struct TimeBounds {
    /// For each entry, the start of its first occurrence and the end of its last.
    entries: Vec<Option<EntryTimeBounds>>,
}

#[derive(Clone, Copy)]
struct EntryTimeBounds {
    starts: (Moment, Option<Moment>),
    ends: (Moment, Option<Moment>),
}

impl TimeBounds {
    fn new(scenario: &Scenario) -> TimeBounds {
        let mut bounds = TimeBounds { entries: vec![None; scenario.timeline.len()] };
        for first in 0..scenario.timeline.len() {
            // A chain of `after` may be as long as the timeline, so a loop follows it, not recursion.
            let mut chain = vec![first];
            while let Some(&entry) = chain.last() {
                let before = scenario.timeline[entry].trigger.as_ref().map(EntryTrigger::awaited_entry);
                match before.filter(|before| bounds.entries[*before].is_none()) {
                    Some(before) if chain.len() <= scenario.timeline.len() => chain.push(before),
                    _ => {
                        bounds.entries[entry] = Some(bounds.entry_bounds(scenario, entry));
                        chain.pop();
                    }
                }
            }
        }
        bounds
    }

    fn entry_bounds(&self, scenario: &Scenario, index: usize) -> EntryTimeBounds {
        let entry = &scenario.timeline[index];
        let nothing = (Moment::ZERO, Some(Moment::ZERO));
        let of = |entry: usize| self.entries[entry];
        let (earliest, latest) = match &entry.trigger {
            None => nothing,
            Some(EntryTrigger::Started(other)) => of(*other).map_or(nothing, |b| b.starts),
            Some(EntryTrigger::Ready(other)) => {
                let patience = ready_timeout(scenario, *other);
                of(*other).map_or(nothing, |b| (b.starts.0, b.starts.1.map(|t| t.saturating_add(patience))))
            }
            Some(EntryTrigger::Finished(other)) => of(*other).map_or(nothing, |b| b.ends),
            Some(EntryTrigger::Line { of: other, timeout, .. }) => {
                of(*other).map_or(nothing, |b| (b.starts.0, b.starts.1.map(|t| t.saturating_add(*timeout))))
            }
        };
        let starts =
            (earliest.saturating_add(entry.at), latest.map(|latest| latest.saturating_add(entry.at)));
        let (shortest, longest) = entry.repeat.as_ref().map_or((Span::ZERO, Some(Span::ZERO)), repeat_bounds);
        let (least, most) = action_bounds(scenario, &entry.action);
        let add = |moment: Option<Moment>, span: Option<Span>| Some(moment?.saturating_add(span?));
        let ends =
            (starts.0.saturating_add(shortest).saturating_add(least), add(add(starts.1, longest), most));
        EntryTimeBounds { starts, ends }
    }

    fn earliest(&self, scenario: &Scenario) -> Moment {
        let ends = self.waited_for(scenario).map(|bounds| bounds.ends.0);
        ends.max().unwrap_or_default()
    }

    fn latest(&self, scenario: &Scenario) -> Option<Moment> {
        self.waited_for(scenario).try_fold(Moment::ZERO, |latest, bounds| Some(latest.max(bounds.ends.1?)))
    }

    /// The bounds of every entry. For the end of the run, a background program ends with its start.
    fn waited_for<'b>(&'b self, scenario: &'b Scenario) -> impl Iterator<Item = EntryTimeBounds> + 'b {
        let entries = scenario.timeline.iter().zip(&self.entries);
        entries.filter_map(|(entry, bounds)| {
            let mut bounds = (*bounds)?;
            if let EntryAction::Spawn(preset) = entry.action
                && let PresetKind::Command(command) = &scenario.presets[preset].kind
                && command.background
            {
                bounds.ends = bounds.starts;
            }
            Some(bounds)
        })
    }
}

/// The time that the spawns of an entry have to become ready.
fn ready_timeout(scenario: &Scenario, entry: usize) -> Span {
    match scenario.timeline[entry].action {
        EntryAction::Spawn(preset) => {
            scenario.presets[preset].ready().map_or(Span::ZERO, |ready| ready.timeout)
        }
        _ => Span::ZERO,
    }
}

/// The shortest and the longest time from the first occurrence to the last.
fn repeat_bounds(repeat: &EntryRepeat) -> (Span, Option<Span>) {
    let EntryRepeat { every, times, duration: within } = repeat;
    let all = |gap: Span, times: u64| Span(gap.0.saturating_mul(times.saturating_sub(1)));
    let by_times =
        times.map(|times| (all(every.shortest(), times), every.longest().map(|gap| all(gap, times))));
    match (by_times, within) {
        (Some((least, most)), Some(within)) => {
            (least.min(*within), Some(most.map_or(*within, |most| most.min(*within))))
        }
        (Some(bounds), None) => bounds,
        (None, Some(within)) => (Span::ZERO, Some(*within)),
        (None, None) => (Span::ZERO, Some(Span::ZERO)),
    }
}

/// The shortest and the longest duration of what an action starts.
fn action_bounds(scenario: &Scenario, action: &EntryAction) -> (Span, Option<Span>) {
    match action {
        EntryAction::Spawn(preset) => match &scenario.presets[*preset].kind {
            PresetKind::Players(players) => players_bounds(players),
            PresetKind::Command(_) => (Span::ZERO, None),
        },
        EntryAction::Fetch(job) => {
            let job = &scenario.fetches[*job];
            if let Some(load) = &job.load {
                return load::load_bounds(job, load);
            }
            let in_turn = match job.mode {
                FetchMode::Concurrent => 1,
                FetchMode::Sequential => job.urls.len() as u64,
            };
            // Retries wait between the attempts, so there is no latest end.
            let most = (job.retries == 0).then(|| Span(job.timeout.0.saturating_mul(in_turn)));
            (Span::ZERO, most)
        }
        EntryAction::Stop(_) | EntryAction::Send { .. } | EntryAction::Mark(_) => {
            (Span::ZERO, Some(Span::ZERO))
        }
    }
}

fn players_bounds(players: &PlayersPreset) -> (Span, Option<Span>) {
    let bounds = || players.groups.iter().map(|group| group.behavior.duration_bounds());
    let least = bounds().map(|(least, _)| least).max();
    let most = bounds().try_fold(Span::ZERO, |most, (_, longest)| Some(most.max(longest?)));
    // A player that waits for a lock depends on the holder, and may wait forever.
    (least.unwrap_or_default(), most.filter(|_| !players.may_take_locks()))
}
