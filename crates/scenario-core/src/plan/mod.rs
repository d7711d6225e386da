//! The plan of a scenario: what would happen when. Starts nothing. The engine is driven through virtual
//! time with the seed's draws. A program is assumed to run until it is stopped; an entry stays open if it
//! depends on a response, a line or an end that nobody can know.
//!
//! The bounds (earliest, latest) do not depend on the seed: they come from the intervals.

mod bounds;
mod load;
mod sink;

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use crate::engine::Engine;
use crate::plan::bounds::TimeBounds;
use crate::plan::sink::PlanSink;
use crate::scenario::model::{
    ArrivalProcess, EntryAction, EntryPace, EntryRepeat, EntryTrigger, EntryUntil, Isolation, LifeRules,
    OnExit, PresetKind, RestartPolicy, Scenario, TimelineEntry,
};
use scenario_log::time::{Moment, Span};

/// The most events that are planned.
const MAX_EVENTS: u64 = 20_000_000;

/// The most players at once that are planned. Each takes some memory.
const MAX_PLAYERS: u64 = 1_000_000;

/// The most spawns and requests at once that are planned. Each takes more memory than a player.
const MAX_SOURCES: u64 = 100_000;

/// The most rows of a plan.
pub const MAX_ROWS: usize = 100_000;

/// Why a plan ends before the run does: there is more than a plan holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanLimit {
    /// Events in all.
    Events,
    /// Players at once.
    Players,
    /// Spawns and requests at once.
    Sources,
}

impl fmt::Display for PlanLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlanLimit::Events => write!(f, "{MAX_EVENTS} events in all"),
            PlanLimit::Players => write!(f, "{MAX_PLAYERS} players at once"),
            PlanLimit::Sources => write!(f, "{MAX_SOURCES} spawns and requests at once"),
        }
    }
}

/// An event at a known moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanRow {
    /// The moment.
    pub at: Moment,
    /// `load`, or the key of the action in the scenario file.
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
    /// `load`, or the key of the action in the scenario file.
    pub action: &'static str,
    /// The moment that it waits for, as in the scenario file; then, for a load, its description.
    pub waits_for: String,
    /// Whether it waits for one of several ways in which another entry can end, and is skipped otherwise.
    pub is_branch: bool,
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
    /// The earliest end of the run with any seed; with `hold`, the time limit, if there is one.
    pub earliest: Moment,
    /// The end with this seed's draws; `None` if it depends on programs or servers.
    pub likely: Option<Moment>,
    /// The latest end with any seed; `None` if nothing bounds it.
    pub latest: Option<Moment>,
    /// An upper bound for the number of processes at once; `None` if nothing bounds it.
    pub processes: Option<u64>,
    /// The limit at which the plan ends, though the run goes on; then the moves are those so far, and the
    /// likely end and the processes are not known.
    pub limit: Option<PlanLimit>,
}

/// Plans a scenario with a seed.
#[must_use]
pub fn plan(scenario: &Scenario, seed: u64) -> Plan {
    let plannable = Rc::new(to_plannable(scenario));
    let mut engine = Engine::new(Rc::clone(&plannable), seed);
    engine.begin_without_event();
    let mut sink = PlanSink::new(scenario);
    while sink.limit().is_none()
        && let Some(now) = engine.next_due().filter(|now| now.0 < u64::MAX)
    {
        engine.advance(now, &mut sink);
        sink.answer_effects(&mut engine, now);
    }
    let is_complete = engine.verdict().is_some();
    let bounds = TimeBounds::new(scenario);
    let limit = scenario.time_limit.map(|limit| Moment(limit.0));
    let latest = match (bounds.latest(scenario), limit) {
        // Nothing else ends such a run.
        (_, limit) if scenario.hold => limit,
        (Some(latest), Some(limit)) => Some(latest.min(limit)),
        (latest, limit) => latest.or(limit),
    };
    let open = find_open_entries(scenario, &engine, &bounds.certain_entries());
    // The answers to effects came after everything else of their moment.
    let order: BTreeMap<String, usize> =
        scenario.timeline.iter().enumerate().map(|(n, entry)| (entry.event_name(n).to_string(), n)).collect();
    sink.rows.sort_by_key(|row| (row.at, order.get(&row.entry).copied()));
    for row in &mut sink.rows {
        let Some(entry) = order.get(&row.entry).map(|entry| &scenario.timeline[*entry]) else { continue };
        if let Some(until) = &entry.until {
            row.target.push_str(&describe_until(until));
        }
        if row.action == entry.action.key()
            && let Some(restart) = restart_of(scenario, &entry.action)
        {
            row.target.push_str(&format!(", {}", restart.describe()));
        }
    }
    let not_yet = (0..scenario.timeline.len()).filter(|entry| !engine.has_occurred(*entry));
    let mut processes = not_yet.map(|entry| count_processes(scenario, &scenario.timeline[entry]));
    let processes = processes.try_fold(sink.max_processes, |sum, more| sum.checked_add(more?));
    let within = |moment: Moment| limit.map_or(moment, |limit| moment.min(limit));
    let limit_reached = sink.limit();
    let processes = processes.filter(|_| limit_reached.is_none());
    let is_complete = is_complete && limit_reached.is_none();
    let program_end = earliest_program_end(scenario, &bounds);
    let likely = match scenario.hold {
        true => limit.filter(|_| program_end.is_none()),
        false => (is_complete && sink.is_known).then(|| within(sink.now)),
    };
    let earliest = bounds.earliest(scenario);
    let earliest = limit.filter(|_| scenario.hold).unwrap_or_else(|| within(earliest));
    let earliest = program_end.map_or(earliest, |end| earliest.min(end));
    Plan {
        rows: sink.rows,
        more_rows: sink.more_rows,
        open,
        moves: sink.moves,
        earliest,
        likely,
        latest,
        processes,
        limit: limit_reached,
    }
}

/// The earliest moment at which each entry can start, for any draws and any world.
#[must_use]
pub fn earliest_starts(scenario: &Scenario) -> Vec<Moment> {
    TimeBounds::new(scenario).earliest_starts(scenario)
}

/// The earliest moment at which a program can end the run by its own end; `None` if none does so.
fn earliest_program_end(scenario: &Scenario, bounds: &TimeBounds) -> Option<Moment> {
    let ends_run = |entry: &TimelineEntry| match entry.action {
        EntryAction::Spawn(preset) => {
            scenario.presets[preset].command().is_some_and(|command| command.life.on_exit == OnExit::Stop)
        }
        _ => false,
    };
    let starts = scenario.timeline.iter().zip(bounds.earliest_starts(scenario));
    starts.filter(|(entry, _)| ends_run(entry)).map(|(_, start)| start).min()
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
                    sum.checked_add(
                        u64::from(group.count).checked_mul(group.behavior.most_steps()?.checked_add(1)?)?,
                    )
                })?,
                PresetKind::Command(_) => return None,
            },
            EntryAction::Fetch(_) => return None,
            EntryAction::Stop(_)
            | EntryAction::Send(_)
            | EntryAction::Signal(_)
            | EntryAction::Kill(_)
            | EntryAction::Restart(_)
            | EntryAction::Link(_)
            | EntryAction::Mark(_) => 1,
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
/// request for each load, and with endless times for lines, for silence and for programs to become ready.
fn to_plannable(scenario: &Scenario) -> Scenario {
    let mut plannable = scenario.clone();
    plannable.tick = None;
    plannable.world = None;
    plannable.time_limit = None;
    for preset in &mut plannable.presets {
        match &mut preset.kind {
            PresetKind::Players(players) => players.isolation = Isolation::Task,
            PresetKind::Command(command) => {
                command.life = LifeRules::default();
                if let Some(ready) = &mut command.ready {
                    ready.timeout = Span(u64::MAX);
                }
            }
        }
    }
    plannable.fetches.iter_mut().for_each(load::replace_with_one_request);
    for entry in &mut plannable.timeline {
        if let Some(trigger) = &mut entry.trigger {
            trigger.for_each_condition_mut(&mut |condition| {
                if let EntryTrigger::Line { timeout: span, .. } | EntryTrigger::Quiet { duration: span, .. } =
                    condition
                {
                    *span = Span(u64::MAX);
                }
            });
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
    let Some(repeat) = &entry.repeat else { return Some(1) };
    let EntryRepeat { pace, times, duration: within } = repeat;
    let every = match pace {
        EntryPace::Every(every) => every,
        EntryPace::Arrivals { arrivals: ArrivalProcess::Poisson, .. } => return *times,
        EntryPace::Arrivals { .. } => return repeat.planned_arrivals().map(|(count, _, _)| count),
    };
    let shortest = every.shortest().0;
    let by_time = within.filter(|_| shortest > 0).map(|within| within.0.div_ceil(shortest));
    match (*times, by_time) {
        (Some(times), Some(by_time)) => Some(times.min(by_time)),
        (times, by_time) => times.or(by_time),
    }
}

fn find_open_entries(scenario: &Scenario, engine: &Engine, certain: &[bool]) -> Vec<OpenPlanEntry> {
    let open = |(index, entry): (usize, &TimelineEntry)| {
        if engine.has_occurred(index) {
            return None;
        }
        let moment = match &entry.trigger {
            Some(after) => after.describe(&|of| scenario.timeline[of].event_name(of).to_string()),
            None if entry.always => "the end of the run".to_owned(),
            None => return None,
        };
        let after = match entry.at {
            Span::ZERO => moment,
            at => format!("{moment} + {}", at.format_human()),
        };
        let (what, after) = match load::describe_load_action(scenario, &entry.action) {
            Some(load) => ("load", format!("{after}; {load}")),
            None => match (&entry.until, restart_of(scenario, &entry.action)) {
                (Some(until), _) => (entry.action.key(), format!("{after};{}", describe_until(until))),
                (None, Some(restart)) => (entry.action.key(), format!("{after}; {}", restart.describe())),
                (None, None) => (entry.action.key(), after),
            },
        };
        let is_branch = !certain[index];
        let entry = entry.event_name(index).to_string();
        Some(OpenPlanEntry { entry, action: what, waits_for: after, is_branch })
    };
    scenario.timeline.iter().enumerate().filter_map(open).collect()
}

/// The restart policy of the program that an action spawns.
fn restart_of<'s>(scenario: &'s Scenario, action: &EntryAction) -> Option<&'s RestartPolicy> {
    let EntryAction::Spawn(preset) = *action else { return None };
    scenario.presets[preset].command()?.life.restart.as_ref()
}

/// How an entry is tried again, in words that follow what it does.
fn describe_until(until: &EntryUntil) -> String {
    let every = until.every.describe();
    format!(" again every {every} until it is as expected, for {} at most", until.timeout.format_human())
}
