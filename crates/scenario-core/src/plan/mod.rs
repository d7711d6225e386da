//! The plan: what would happen when, without anything happening. The engine is driven through
//! virtual time with the seed's draws; programs are taken to run until they are stopped, and what
//! hangs on an answer, a line or an end that nobody can know stays open.
//!
//! Bounds (earliest, latest) do not depend on the seed: they come from the intervals.

mod load;

use std::rc::Rc;

use crate::engine::effect::Order;
use crate::engine::input::Observed;
use crate::engine::{Engine, Sink};
use crate::scenario::model::{
    Action, After, Entry, FetchMode, Isolation, Players, PresetKind, Repeat, Scenario,
};
use scenario_log::event::{EntryName, Event, Exit, Source};
use scenario_log::signal::Signal;
use scenario_log::time::{Moment, Span};

/// The most steps that are planned; a scenario with more has no likely end.
const MOST_EVENTS: u64 = 20_000_000;

/// The most rows that are kept.
pub const MOST_ROWS: usize = 100_000;

/// Something that happens at a known moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// When.
    pub at: Moment,
    /// What: `spawn`, `fetch`, `load`, `stop`, `send`, `mark`.
    pub what: &'static str,
    /// The preset, the URL, the load, the target or the text.
    pub of: String,
    /// The entry it is of.
    pub entry: String,
    /// Its source, for spawns and requests.
    pub source: Option<String>,
    /// When it ends with this seed's draws, for players.
    pub ends: Option<Moment>,
}

/// An entry whose moment hangs on something nobody can know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// The entry.
    pub entry: String,
    /// What: `spawn`, `fetch`, `load`, `stop`, `send`, `mark`.
    pub what: &'static str,
    /// What it hangs on, in the scenario's own words; behind them, what a load does.
    pub after: String,
}

/// What would happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// In the order of time; at most [`MOST_ROWS`].
    pub rows: Vec<Row>,
    /// How many rows there are beyond those.
    pub more_rows: u64,
    /// In file order.
    pub open: Vec<Open>,
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
    let stand_in = Rc::new(without_world(scenario));
    let mut engine = Engine::new(Rc::clone(&stand_in), seed);
    engine.begin();
    let mut seen = Seen::new(scenario);
    let mut events = 0;
    while events < MOST_EVENTS
        && let Some(now) = engine.next_due().filter(|now| now.0 < u64::MAX)
    {
        engine.advance(now, &mut seen);
        seen.answer(&mut engine, now);
        events = seen.events;
    }
    let is_complete = engine.verdict().is_some();
    let bounds = Bounds::of(scenario);
    let limit = scenario.time_limit.map(|limit| Moment(limit.0));
    let latest = match (bounds.latest(scenario), limit) {
        (Some(latest), Some(limit)) => Some(latest.min(limit)),
        (latest, limit) => latest.or(limit),
    };
    let open = open_entries(scenario, &engine);
    // What the stand-in for the world answered came behind the rest of its moment.
    let order: std::collections::BTreeMap<String, usize> =
        scenario.timeline.iter().enumerate().map(|(n, entry)| (entry.name(n).to_string(), n)).collect();
    seen.rows.sort_by_key(|row| (row.at, order.get(&row.entry).copied()));
    let not_yet = (0..scenario.timeline.len()).filter(|entry| !engine.has_occurred(*entry));
    let mut processes = not_yet.map(|entry| processes_of(scenario, &scenario.timeline[entry]));
    let processes = processes.try_fold(seen.most_processes, |sum, more| sum.checked_add(more?));
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
const CHEAP: u64 = 200_000;

/// When a run is likely to end, if that is cheap to say: of players only, and not too many moves.
#[must_use]
pub fn likely_end(scenario: &Scenario, seed: u64) -> Option<Moment> {
    let moves = |entry: &Entry| -> Option<u64> {
        let one = match &entry.action {
            Action::Spawn(preset) => match &scenario.presets[*preset].kind {
                PresetKind::Players(players) => players.groups.iter().try_fold(1, |sum: u64, group| {
                    sum.checked_add(u64::from(group.count).checked_mul(group.part.length() + 1)?)
                })?,
                PresetKind::Command(_) => return None,
            },
            Action::Fetch(_) => return None,
            Action::Stop(_) | Action::Send { .. } | Action::Mark(_) => 1,
        };
        one.checked_mul(u64::from(entry.count))?.checked_mul(occurrences(entry)?)
    };
    let all = scenario.timeline.iter().try_fold(0, |sum: u64, entry| sum.checked_add(moves(entry)?))?;
    if all > CHEAP {
        return None;
    }
    plan(scenario, seed).likely
}

/// The scenario with its sub-processes of players in the runner, without ticks and limit, and with
/// all the patience that a line or a program that gets ready may need.
fn without_world(scenario: &Scenario) -> Scenario {
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
    stand_in.fetches.iter_mut().for_each(load::stand_in);
    for entry in &mut stand_in.timeline {
        if let Some(After::Line { timeout, .. }) = &mut entry.after {
            *timeout = Span(u64::MAX);
        }
    }
    // What must hold of a run is said of no plan.
    stand_in.expect.clear();
    stand_in
}

fn is_process(scenario: &Scenario, preset: &str) -> bool {
    let preset = scenario.presets.iter().find(|other| other.name == preset);
    preset.is_some_and(|preset| preset.kind.is_process())
}

/// The sink of a plan: rows for events, and a world in which programs run until they are stopped.
struct Seen<'s> {
    scenario: &'s Scenario,
    now: Moment,
    rows: Vec<Row>,
    more_rows: u64,
    moves: u64,
    events: u64,
    /// Rows of spawns, by their number.
    spawns: std::collections::BTreeMap<Source, (usize, bool)>,
    processes: u64,
    most_processes: u64,
    /// The entries whose programs are to say a line or to get ready, by their names.
    heard: std::collections::BTreeSet<String>,
    /// Those of the spawns that run which are of such an entry.
    unheard: std::collections::BTreeSet<Source>,
    /// Nothing so far hung on a program or a server.
    is_known: bool,
    /// A load has begun.
    has_load: bool,
    orders: Vec<Order>,
}

impl<'s> Seen<'s> {
    fn new(scenario: &'s Scenario) -> Seen<'s> {
        Seen {
            scenario,
            now: Moment::ZERO,
            rows: Vec::new(),
            more_rows: 0,
            moves: 0,
            events: 0,
            spawns: std::collections::BTreeMap::new(),
            processes: 0,
            most_processes: 0,
            heard: heard_entries(scenario),
            unheard: std::collections::BTreeSet::new(),
            is_known: true,
            has_load: false,
            orders: Vec::new(),
        }
    }

    fn row(&mut self, what: &'static str, of: &str, entry: Option<EntryName<'_>>, source: Option<Source>) {
        if self.rows.len() >= MOST_ROWS {
            self.more_rows += 1;
            return;
        }
        let entry = entry.map(|entry| entry.to_string()).unwrap_or_default();
        let source = source.map(|source| source.to_string());
        self.rows.push(Row { at: self.now, what, of: of.to_owned(), entry, source, ends: None });
    }

    /// A request, or a whole load, behind which nobody knows the numbers of requests.
    fn fetch(&mut self, job: &str, entry: Option<EntryName<'_>>, (url, source): (&str, Source)) {
        let fetch = self.scenario.fetches.iter().find(|fetch| fetch.name == job);
        match fetch.and_then(|fetch| Some((fetch, fetch.load.as_ref()?))) {
            Some((fetch, load)) => {
                self.has_load = true;
                self.row("load", &load::words(fetch, load), entry, None);
            }
            None => self.row("fetch", url, entry, Some(source).filter(|_| !self.has_load)),
        }
    }

    /// Answers the engine's orders as far as anybody can.
    fn answer(&mut self, engine: &mut Engine, now: Moment) {
        while !self.orders.is_empty() {
            for order in std::mem::take(&mut self.orders) {
                match order {
                    Order::Start { source, preset, .. } => {
                        let waits = match &self.scenario.presets[preset].kind {
                            PresetKind::Command(command) => !command.background,
                            PresetKind::Players(_) => true,
                        };
                        // When a program ends by itself, nobody knows.
                        self.is_known &= !waits;
                        engine.observe(now, Observed::Started { source, pid: 0 }, self);
                    }
                    // Its end would fail what waits for its words, which came before it for all we know.
                    Order::Stop { source } | Order::Kill { source } if self.unheard.contains(&source) => {
                        self.is_known = false;
                    }
                    Order::Stop { source } | Order::Kill { source } => {
                        let exit = Exit::Signal(Signal::TERM);
                        engine.observe(now, Observed::Exited { source, exit, held: false, skipped: 0 }, self);
                    }
                    Order::Fetch { .. } => self.is_known = false,
                    _ => {}
                }
            }
        }
    }
}

impl Sink for Seen<'_> {
    fn event(&mut self, t: Moment, event: &Event<'_>) {
        self.now = t;
        self.events += 1;
        match event {
            Event::Move { .. } => self.moves += 1,
            Event::SpawnStarted { source, preset, entry, .. } => {
                let at = self.rows.len();
                self.row("spawn", preset, *entry, Some(*source));
                if entry.is_some_and(|entry| self.heard.contains(&entry.to_string())) {
                    self.unheard.insert(*source);
                }
                let counts = is_process(self.scenario, preset);
                self.spawns.insert(*source, (at, counts));
                self.processes += u64::from(counts);
                self.most_processes = self.most_processes.max(self.processes);
            }
            Event::SpawnExited { source, exit, .. } => {
                if let Some((row, counts)) = self.spawns.remove(source) {
                    self.processes -= u64::from(counts);
                    if let (Some(row), Exit::Code(_)) = (self.rows.get_mut(row), exit) {
                        row.ends = Some(t);
                    }
                }
            }
            Event::FetchStarted { source, job, entry, url, .. } => {
                self.fetch(job, *entry, (url, *source));
            }
            Event::Mark { entry, text, .. } => self.row("mark", text, *entry, None),
            Event::Sent { source, entry, text: Some(text), .. } => self.row("send", text, *entry, *source),
            Event::Stopping { source, entry: Some(entry), error, .. } => {
                let of = source.map(|source| source.to_string());
                let of = of.as_deref().or(*error).unwrap_or_default();
                self.row("stop", of, Some(*entry), None);
            }
            _ => {}
        }
    }

    fn order(&mut self, order: Order) {
        self.orders.push(order);
    }
}

/// The names of the entries of which a line or a `ready` is waited for, which no plan can know.
fn heard_entries(scenario: &Scenario) -> std::collections::BTreeSet<String> {
    let heard = scenario.timeline.iter().filter_map(|entry| match entry.after {
        Some(After::Line { of, .. }) => Some(of),
        Some(After::Ready(of)) if patience_for(scenario, of) > Span::ZERO => Some(of),
        _ => None,
    });
    heard.map(|entry| scenario.timeline[entry].name(entry).to_string()).collect()
}

/// How many processes an entry starts in all; `None` if that hangs on draws.
fn processes_of(scenario: &Scenario, entry: &Entry) -> Option<u64> {
    let Action::Spawn(preset) = entry.action else { return Some(0) };
    if !is_process(scenario, &scenario.presets[preset].name) {
        return Some(0);
    }
    occurrences(entry)?.checked_mul(u64::from(entry.count))
}

/// How often an entry happens at most; `None` if that hangs on draws.
fn occurrences(entry: &Entry) -> Option<u64> {
    let Some(Repeat { every, times, within }) = &entry.repeat else { return Some(1) };
    let shortest = every.shortest().0;
    let by_time = within.filter(|_| shortest > 0).map(|within| within.0.div_ceil(shortest));
    match (*times, by_time) {
        (Some(times), Some(by_time)) => Some(times.min(by_time)),
        (times, by_time) => times.or(by_time),
    }
}

fn open_entries(scenario: &Scenario, engine: &Engine) -> Vec<Open> {
    let open = |(index, entry): (usize, &Entry)| {
        let after = entry.after.as_ref().filter(|_| !engine.has_occurred(index))?;
        let target = scenario.timeline[after.entry()].name(after.entry());
        let moment = match after {
            After::Started(_) => format!("{target}.started"),
            After::Ready(_) => format!("{target}.ready"),
            After::Finished(_) => format!("{target}.finished"),
            After::Line { regex, .. } => format!("a line like /{regex}/ of {target}"),
        };
        let after = match entry.at {
            Span::ZERO => moment,
            at => format!("{moment} + {}", at.human()),
        };
        let (what, after) = match load::of(scenario, &entry.action) {
            Some(load) => ("load", format!("{after}; {load}")),
            None => (what(&entry.action), after),
        };
        Some(Open { entry: entry.name(index).to_string(), what, after })
    };
    scenario.timeline.iter().enumerate().filter_map(open).collect()
}

fn what(action: &Action) -> &'static str {
    match action {
        Action::Spawn(_) => "spawn",
        Action::Fetch(_) => "fetch",
        Action::Stop(_) => "stop",
        Action::Send { .. } => "send",
        Action::Mark(_) => "mark",
    }
}

/// The earliest and latest moments of each entry, whatever the draws and the world.
struct Bounds {
    /// Start of the first occurrence, and end of the last: each as earliest and latest.
    entries: Vec<Option<EntryBounds>>,
}

#[derive(Clone, Copy)]
struct EntryBounds {
    starts: (Moment, Option<Moment>),
    ends: (Moment, Option<Moment>),
}

impl Bounds {
    fn of(scenario: &Scenario) -> Bounds {
        let mut bounds = Bounds { entries: vec![None; scenario.timeline.len()] };
        for first in 0..scenario.timeline.len() {
            // A chain of `after` may be as long as the timeline: walked, not recursed.
            let mut chain = vec![first];
            while let Some(&entry) = chain.last() {
                let before = scenario.timeline[entry].after.as_ref().map(After::entry);
                match before.filter(|before| bounds.entries[*before].is_none()) {
                    Some(before) if chain.len() <= scenario.timeline.len() => chain.push(before),
                    _ => {
                        bounds.entries[entry] = Some(bounds.entry(scenario, entry));
                        chain.pop();
                    }
                }
            }
        }
        bounds
    }

    fn entry(&self, scenario: &Scenario, index: usize) -> EntryBounds {
        let entry = &scenario.timeline[index];
        let nothing = (Moment::ZERO, Some(Moment::ZERO));
        let of = |entry: usize| self.entries[entry];
        let (earliest, latest) = match &entry.after {
            None => nothing,
            Some(After::Started(other)) => of(*other).map_or(nothing, |b| b.starts),
            Some(After::Ready(other)) => {
                let patience = patience_for(scenario, *other);
                of(*other).map_or(nothing, |b| (b.starts.0, b.starts.1.map(|t| t.saturating_add(patience))))
            }
            Some(After::Finished(other)) => of(*other).map_or(nothing, |b| b.ends),
            Some(After::Line { of: other, timeout, .. }) => {
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
        EntryBounds { starts, ends }
    }

    fn earliest(&self, scenario: &Scenario) -> Moment {
        let ends = self.waited_for(scenario).map(|bounds| bounds.ends.0);
        ends.max().unwrap_or_default()
    }

    fn latest(&self, scenario: &Scenario) -> Option<Moment> {
        self.waited_for(scenario).try_fold(Moment::ZERO, |latest, bounds| Some(latest.max(bounds.ends.1?)))
    }

    /// The bounds of every entry; what runs in the background ends with its start.
    fn waited_for<'b>(&'b self, scenario: &'b Scenario) -> impl Iterator<Item = EntryBounds> + 'b {
        let entries = scenario.timeline.iter().zip(&self.entries);
        entries.filter_map(|(entry, bounds)| {
            let mut bounds = (*bounds)?;
            if let Action::Spawn(preset) = entry.action
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
fn patience_for(scenario: &Scenario, entry: usize) -> Span {
    match scenario.timeline[entry].action {
        Action::Spawn(preset) => scenario.presets[preset].ready().map_or(Span::ZERO, |ready| ready.timeout),
        _ => Span::ZERO,
    }
}

/// From the first occurrence to the last.
fn repeat_bounds(repeat: &Repeat) -> (Span, Option<Span>) {
    let Repeat { every, times, within } = repeat;
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
fn action_bounds(scenario: &Scenario, action: &Action) -> (Span, Option<Span>) {
    match action {
        Action::Spawn(preset) => match &scenario.presets[*preset].kind {
            PresetKind::Players(players) => players_bounds(players),
            PresetKind::Command(_) => (Span::ZERO, None),
        },
        Action::Fetch(job) => {
            let job = &scenario.fetches[*job];
            if let Some(load) = &job.load {
                return load::bounds(job, load);
            }
            let in_turn = match job.mode {
                FetchMode::Concurrent => 1,
                FetchMode::Sequential => job.urls.len() as u64,
            };
            // Retries wait a little between the tries: an end nobody promises.
            let most = (job.retries == 0).then(|| Span(job.timeout.0.saturating_mul(in_turn)));
            (Span::ZERO, most)
        }
        Action::Stop(_) | Action::Send { .. } | Action::Mark(_) => (Span::ZERO, Some(Span::ZERO)),
    }
}

fn players_bounds(players: &Players) -> (Span, Option<Span>) {
    let bounds = || players.groups.iter().map(|group| group.part.lasts());
    let least = bounds().map(|(least, _)| least).max();
    let most = bounds().try_fold(Span::ZERO, |most, (_, longest)| Some(most.max(longest?)));
    // Who waits for a lock ends with whom it waits for, or never.
    (least.unwrap_or_default(), most.filter(|_| !players.take_locks()))
}
