//! The plan: what would happen when, without anything happening. The engine is driven through
//! virtual time with the seed's draws; programs are taken to run until they are stopped, and what
//! hangs on an answer, a line or an end that nobody can know stays open.
//!
//! Bounds (earliest, latest) do not depend on the seed: they come from the intervals.

mod load;

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

/// The most steps that are planned; a scenario with more has no likely end.
const MAX_EVENTS: u64 = 20_000_000;

/// The most rows that are kept.
pub const MAX_ROWS: usize = 100_000;

/// Something that happens at a known moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanRow {
    /// When.
    pub at: Moment,
    /// What: `spawn`, `fetch`, `load`, `stop`, `send`, `mark`.
    pub action: &'static str,
    /// The preset, the URL, the load, the target or the text.
    pub target: String,
    /// The entry it is of.
    pub entry: String,
    /// Its source, for spawns and requests.
    pub source: Option<String>,
    /// When it ends with this seed's draws, for players.
    pub ends_at: Option<Moment>,
}

/// An entry whose moment hangs on something nobody can know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenPlanEntry {
    /// The entry.
    pub entry: String,
    /// What: `spawn`, `fetch`, `load`, `stop`, `send`, `mark`.
    pub action: &'static str,
    /// What it hangs on, in the scenario's own words; behind them, what a load does.
    pub waits_for: String,
}

/// What would happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// In the order of time; at most [`MOST_ROWS`].
    pub rows: Vec<PlanRow>,
    /// How many rows there are beyond those.
    pub more_rows: u64,
    /// In file order.
    pub open: Vec<OpenPlanEntry>,
    /// Moves, as far as they are known.
    pub moves: u64,
    /// The end of the run: the earliest there can be with any seed.
    pub earliest: Moment,
    /// With this seed's draws; `None` if it hangs on programs or servers.
    pub likely: Option<Moment>,
    /// The latest with any seed; `None` if there is none.
    pub latest: Option<Moment>,
    /// The most processes at once, at most; `None` if nothing bounds them.
    pub processes: Option<u64>,
}

/// Plans a scenario with a seed.
#[must_use]
pub fn plan(scenario: &Scenario, seed: u64) -> Plan {
    let stand_in = Rc::new(to_plannable(scenario));
    let mut engine = Engine::new(Rc::clone(&stand_in), seed);
    engine.begin_without_event();
    let mut seen = PlanSink::new(scenario);
    let mut events = 0;
    while events < MAX_EVENTS
        && let Some(now) = engine.next_due().filter(|now| now.0 < u64::MAX)
    {
        engine.advance(now, &mut seen);
        seen.answer_effects(&mut engine, now);
        events = seen.events;
    }
    let is_complete = engine.verdict().is_some();
    let bounds = TimeBounds::new(scenario);
    let limit = scenario.time_limit.map(|limit| Moment(limit.0));
    let latest = match (bounds.latest(scenario), limit) {
        (Some(latest), Some(limit)) => Some(latest.min(limit)),
        (latest, limit) => latest.or(limit),
    };
    let open = find_open_entries(scenario, &engine);
    // What the stand-in for the world answered came behind the rest of its moment.
    let order: std::collections::BTreeMap<String, usize> =
        scenario.timeline.iter().enumerate().map(|(n, entry)| (entry.event_name(n).to_string(), n)).collect();
    seen.rows.sort_by_key(|row| (row.at, order.get(&row.entry).copied()));
    let not_yet = (0..scenario.timeline.len()).filter(|entry| !engine.has_occurred(*entry));
    let mut processes = not_yet.map(|entry| count_processes(scenario, &scenario.timeline[entry]));
    let processes = processes.try_fold(seen.max_processes, |sum, more| sum.checked_add(more?));
    let within = |moment: Moment| limit.map_or(moment, |limit| moment.min(limit));
    let likely = (is_complete && seen.is_known).then(|| within(seen.now));
    Plan {
        rows: seen.rows,
        more_rows: seen.more_rows,
        open,
        moves: seen.moves,
        earliest: within(bounds.earliest(scenario)),
        likely,
        latest,
        processes,
    }
}

/// The most moves of a scenario that [`likely_end`] plans: some milliseconds.
const MAX_CHEAP_MOVES: u64 = 200_000;

/// When a run is likely to end, if that is cheap to say: of players only, and not too many moves.
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

/// The scenario with its sub-processes of players in the runner, without ticks and limit, and with
/// all the patience that a line or a program that gets ready may need.
fn to_plannable(scenario: &Scenario) -> Scenario {
    let mut stand_in = scenario.clone();
    stand_in.tick = None;
    stand_in.world = None;
    stand_in.time_limit = None;
    for preset in &mut stand_in.presets {
        match &mut preset.kind {
            PresetKind::Players(players) => players.isolation = Isolation::Task,
            PresetKind::Command(command) => {
                if let Some(ready) = &mut command.ready {
                    ready.timeout = Span(u64::MAX);
                }
            }
        }
    }
    stand_in.fetches.iter_mut().for_each(load::replace_with_one_request);
    for entry in &mut stand_in.timeline {
        if let Some(EntryTrigger::Line { timeout, .. }) = &mut entry.trigger {
            *timeout = Span(u64::MAX);
        }
    }
    // What must hold of a run is said of no plan.
    stand_in.expectations.clear();
    stand_in
}

fn is_process(scenario: &Scenario, preset: &str) -> bool {
    let preset = scenario.presets.iter().find(|other| other.name == preset);
    preset.is_some_and(|preset| preset.kind.is_process())
}

/// The sink of a plan: rows for events, and a world in which programs run until they are stopped.
struct PlanSink<'s> {
    scenario: &'s Scenario,
    now: Moment,
    rows: Vec<PlanRow>,
    more_rows: u64,
    moves: u64,
    events: u64,
    /// Rows of spawns, by their number.
    spawns: std::collections::BTreeMap<Source, (usize, bool)>,
    processes: u64,
    max_processes: u64,
    /// The entries whose programs are to say a line or to get ready, by their names.
    awaited_entries: std::collections::BTreeSet<String>,
    /// Those of the spawns that run which are of such an entry.
    awaited_spawns: std::collections::BTreeSet<Source>,
    /// Nothing so far hung on a program or a server.
    is_known: bool,
    /// A load has begun.
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
            spawns: std::collections::BTreeMap::new(),
            processes: 0,
            max_processes: 0,
            awaited_entries: entries_awaiting_output(scenario),
            awaited_spawns: std::collections::BTreeSet::new(),
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

    /// A request, or a whole load, behind which nobody knows the numbers of requests.
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

    /// Answers the engine's orders as far as anybody can.
    fn answer_effects(&mut self, engine: &mut Engine, now: Moment) {
        while !self.effects.is_empty() {
            for order in std::mem::take(&mut self.effects) {
                match order {
                    Effect::StartSpawn { source, preset, .. } => {
                        let waits = match &self.scenario.presets[preset].kind {
                            PresetKind::Command(command) => !command.background,
                            PresetKind::Players(_) => true,
                        };
                        // When a program ends by itself, nobody knows.
                        self.is_known &= !waits;
                        engine.handle_input(now, Input::SpawnStarted { source, pid: 0 }, self);
                    }
                    // Its end would fail what waits for its words, which came before it for all we know.
                    Effect::StopSpawn { source } | Effect::KillSpawn { source }
                        if self.awaited_spawns.contains(&source) =>
                    {
                        self.is_known = false;
                    }
                    Effect::StopSpawn { source } | Effect::KillSpawn { source } => {
                        let exit = SpawnExit::Signal(Signal::TERM);
                        engine.handle_input(
                            now,
                            Input::SpawnExited { source, exit, held: false, skipped: 0 },
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

/// The names of the entries of which a line or a `ready` is waited for, which no plan can know.
fn entries_awaiting_output(scenario: &Scenario) -> std::collections::BTreeSet<String> {
    let heard = scenario.timeline.iter().filter_map(|entry| match entry.trigger {
        Some(EntryTrigger::Line { of, .. }) => Some(of),
        Some(EntryTrigger::Ready(of)) if ready_timeout(scenario, of) > Span::ZERO => Some(of),
        _ => None,
    });
    heard.map(|entry| scenario.timeline[entry].event_name(entry).to_string()).collect()
}

/// How many processes an entry starts in all; `None` if that hangs on draws.
fn count_processes(scenario: &Scenario, entry: &TimelineEntry) -> Option<u64> {
    let EntryAction::Spawn(preset) = entry.action else { return Some(0) };
    if !is_process(scenario, &scenario.presets[preset].name) {
        return Some(0);
    }
    max_occurrences(entry)?.checked_mul(u64::from(entry.count))
}

/// How often an entry happens at most; `None` if that hangs on draws.
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

/// The earliest and latest moments of each entry, whatever the draws and the world.
struct TimeBounds {
    /// Start of the first occurrence, and end of the last: each as earliest and latest.
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
            // A chain of `after` may be as long as the timeline: walked, not recursed.
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

    /// The bounds of every entry; what runs in the background ends with its start.
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

/// How long what an entry spawns has to get ready.
fn ready_timeout(scenario: &Scenario, entry: usize) -> Span {
    match scenario.timeline[entry].action {
        EntryAction::Spawn(preset) => {
            scenario.presets[preset].ready().map_or(Span::ZERO, |ready| ready.timeout)
        }
        _ => Span::ZERO,
    }
}

/// From the first occurrence to the last.
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

/// How long what an action starts lasts.
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
            // Retries wait a little between the tries: an end nobody promises.
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
    // Who waits for a lock ends with whom it waits for, or never.
    (least.unwrap_or_default(), most.filter(|_| !players.may_take_locks()))
}
