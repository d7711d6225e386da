//! The overview of a run: its properties, the commands that can be typed, and its counts.

use std::collections::VecDeque;

use serde::Serialize;

use crate::report::metrics::distribution::Distribution;
use crate::web::page::lanes::LiveLanes;
use crate::web::page::{moment_to_seconds, to_seconds};
use scenario_core::engine::progress::{ExpectationProgress, ExpectationStatus, RunProgress};
use scenario_core::scenario::model::{EntryAction, PresetKind, Scenario, StdinMode, WorldEdges};
use scenario_log::event::{Event, RunOutcome};
use scenario_log::sanitize::sanitize;
use scenario_log::time::{Moment, Span};

/// Whether the page shows a run while it goes, or a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum PageMode {
    #[default]
    Run,
    Play,
}

/// The properties of a run, by their names in the message.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct LiveRun {
    name: String,
    description: Option<String>,
    /// As text: JavaScript's numbers cannot hold every number of 63 bits.
    seed: String,
    clock: &'static str,
    started_at: Option<String>,
    speed: f64,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct LiveWorld {
    size: [u32; 2],
    edges: &'static str,
}

/// The commands that can be typed.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct AvailableCommands {
    presets: Vec<String>,
    fetches: Vec<String>,
    ids: Vec<CommandTarget>,
}

#[derive(Clone, Debug, Serialize)]
struct CommandTarget {
    id: String,
    stop: bool,
    send: bool,
}

/// Everything that does not change in a run.
#[derive(Serialize)]
pub(super) struct LiveRunStart<'a> {
    mode: PageMode,
    run: &'a LiveRun,
    world: Option<&'a LiveWorld>,
    can: &'a AvailableCommands,
    log: Option<&'a str>,
    rates: Vec<RateSample>,
}

/// How much happened in one part of a run: the part's index from 0, then moves, lines, requests, events.
type RateSample = [u64; 5];

/// The length of a part, and how many are kept: a minute.
const RATE_PERIOD: Span = Span::from_millis(500);
const MAX_RATE_SAMPLES: usize = 120;

/// How many events of each kind there were so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct LiveCounts {
    events: u64,
    moves: u64,
    steps: u64,
    lines: u64,
    requests: u64,
    wrong: u64,
    running: u64,
    in_flight: u64,
}

/// Quantiles of lateness, in seconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct LiveLateness {
    p50: f64,
    p99: f64,
    max: f64,
}

/// An expectation and its state.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct LiveExpectation {
    name: String,
    wanted: Option<String>,
    got: Option<String>,
    /// Whether it holds so far; none if that is still open.
    is_ok: Option<bool>,
    /// Whether that can no longer change.
    is_final: bool,
}

/// The overview of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct RunOverview {
    mode: PageMode,
    log: Option<String>,
    run: LiveRun,
    world: Option<LiveWorld>,
    commands: AvailableCommands,
    counts: LiveCounts,
    lateness: Distribution,
    /// The counts at the end of each of the last parts in which something happened.
    rate_samples: VecDeque<RateSample>,
    expectations: Vec<LiveExpectation>,
}

impl RunOverview {
    pub(super) fn new(mode: PageMode, speed: f64, log: Option<String>) -> RunOverview {
        RunOverview { mode, log, run: LiveRun { speed, ..LiveRun::default() }, ..RunOverview::default() }
    }

    /// Names a run that has not started.
    pub(super) fn set_name(&mut self, name: &str) {
        self.run.name = sanitize(name);
    }

    /// Takes the scenario of the run.
    pub(super) fn set_scenario(&mut self, scenario: &Scenario) {
        self.run.description = scenario.description.as_deref().map(sanitize);
        self.world = scenario.world.map(|rules| LiveWorld {
            size: rules.size,
            edges: match rules.edges {
                WorldEdges::Wrap => "wrap",
                WorldEdges::Stop => "stop",
            },
        });
        self.commands = AvailableCommands::from_scenario(scenario);
    }

    /// Takes an event. `is_tried_again` says that its entry tries again, so that it is nothing wrong.
    pub(super) fn on_event(&mut self, t: Moment, event: &Event<'_>, is_tried_again: bool) {
        let counts = &mut self.counts;
        counts.events += 1;
        if let Some(due) = event.due() {
            self.lateness.add(t.since(due).0);
        }
        match event {
            Event::RunStarted { name, seed, clock, started_at, .. } => {
                self.run.name = sanitize(name);
                self.run.seed = seed.to_string();
                self.run.clock = clock.name();
                self.run.started_at = started_at.map(sanitize);
            }
            Event::Move { .. } => counts.moves += 1,
            Event::Step { .. } => counts.steps += 1,
            Event::Lines { chunk, partial, .. } => {
                let ends = memchr::memchr_iter(b'\n', chunk).count() as u64;
                let unended = u64::from(!chunk.ends_with(b"\n"));
                // A chunk is one event for each of its lines.
                counts.events += (ends + unended).saturating_sub(1);
                counts.lines += if *partial { 0 } else { ends + unended };
            }
            Event::FetchFinished { ok, .. } => {
                counts.requests += 1;
                counts.wrong += u64::from(!ok && !is_tried_again);
            }
            Event::FetchFailed { .. } => {
                counts.requests += 1;
                counts.wrong += u64::from(!is_tried_again);
            }
            Event::SpawnExited { ok, .. } => counts.wrong += u64::from(!ok && !is_tried_again),
            Event::SpawnFailed { .. } => counts.wrong += u64::from(!is_tried_again),
            Event::Deadlock { .. } => counts.wrong += 1,
            Event::Sent { error: Some(_), .. }
            | Event::Signalled { error: Some(_), .. }
            | Event::Stopping { error: Some(_), .. } => counts.wrong += 1,
            Event::Expect(expected) => {
                counts.wrong += u64::from(!expected.ok);
                self.expectations.push(LiveExpectation {
                    name: sanitize(&expected.title()),
                    wanted: Some(sanitize(&expected.wanted)),
                    got: expected.got.as_deref().map(sanitize),
                    is_ok: Some(expected.ok),
                    is_final: true,
                });
            }
            Event::RunFinished(summary) => {
                counts.wrong += u64::from(counts.wrong == 0 && summary.outcome == RunOutcome::Failed);
            }
            Event::ClockTick { .. }
            | Event::UnfinishedText { .. }
            | Event::LineMatched { .. }
            | Event::SpawnStarted { .. }
            | Event::SpawnReady { .. }
            | Event::SpawnUnhealthy { .. }
            | Event::StopFailed { .. }
            | Event::SpawnRestarted { .. }
            | Event::SpawnSuspended { .. }
            | Event::SpawnResumed { .. }
            | Event::SpawnSampled { .. }
            | Event::StepEnded { .. }
            | Event::PlayerEnded { .. }
            | Event::FetchStarted { .. }
            | Event::FetchResponded { .. }
            | Event::FetchLine { .. }
            | Event::TypedInput { .. }
            | Event::Mark { .. }
            | Event::EntrySkipped { .. }
            | Event::EntryRetried { .. }
            | Event::Sent { error: None, .. }
            | Event::Signalled { error: None, .. }
            | Event::Stopping { error: None, .. }
            | Event::RunPaused
            | Event::RunResumed { .. }
            | Event::PlayerJoined { .. }
            | Event::PlayerLeft { .. }
            | Event::LinkOpened { .. }
            | Event::LinkClosed { .. }
            | Event::LinkChanged { .. }
            | Event::WorldState { .. } => {}
        }
        let LiveCounts { events, moves, lines, requests, .. } = *counts;
        let part = t.0 / RATE_PERIOD.0;
        match self.rate_samples.back_mut() {
            Some(last) if last[0] == part => *last = [part, moves, lines, requests, events],
            _ => self.rate_samples.push_back([part, moves, lines, requests, events]),
        }
        // One more than is shown, since differences are shown.
        if self.rate_samples.len() > MAX_RATE_SAMPLES + 1 {
            self.rate_samples.pop_front();
        }
    }

    /// The rates of the last parts in which something happened.
    fn rates(&self) -> Vec<RateSample> {
        let mut before =
            if self.rate_samples.len() > MAX_RATE_SAMPLES { self.rate_samples[0] } else { [0; 5] };
        let past = self.rate_samples.iter().skip(self.rate_samples.len().saturating_sub(MAX_RATE_SAMPLES));
        past.map(|after| {
            let mut rate = [after[0]; 5];
            for ((rate, after), before) in rate.iter_mut().zip(after).zip(before).skip(1) {
                *rate = after - before;
            }
            before = *after;
            rate
        })
        .collect()
    }

    pub(super) fn start_message(&self) -> LiveRunStart<'_> {
        let RunOverview { mode, log, run, world, commands: can, .. } = self;
        LiveRunStart {
            mode: *mode,
            run,
            world: world.as_ref(),
            can,
            log: log.as_deref(),
            rates: self.rates(),
        }
    }

    /// The counts so far. The number of running sources comes from the engine, or from the lanes if there
    /// is no engine.
    pub(super) fn counts(&self, progress: Option<&RunProgress>, lanes: &LiveLanes) -> LiveCounts {
        let (running, in_flight) = match progress {
            Some(progress) => (progress.running_spawns as u64, progress.requests as u64),
            None => lanes.running_counts(),
        };
        // A missed expectation has its event only at the end.
        let open =
            progress.map(|progress| &progress.expectations[..]).filter(|_| self.expectations.is_empty());
        let is_missed = |one: &&ExpectationProgress| one.status == ExpectationStatus::Missed;
        let missed = open.unwrap_or_default().iter().filter(is_missed).count() as u64;
        LiveCounts { running, in_flight, wrong: self.counts.wrong + missed, ..self.counts }
    }

    pub(super) fn lateness(&self) -> Option<LiveLateness> {
        let of = |per_mille| to_seconds(Span(self.lateness.value_at_per_mille(per_mille)));
        let max = moment_to_seconds(Moment(self.lateness.max()));
        (self.lateness.count() > 0).then(|| LiveLateness { p50: of(500), p99: of(990), max })
    }

    /// The expectations: their results, or their states so far.
    pub(super) fn expectations(&self, progress: Option<&RunProgress>) -> Vec<LiveExpectation> {
        if !self.expectations.is_empty() {
            return self.expectations.clone();
        }
        let progress = progress.map(|progress| &progress.expectations[..]).unwrap_or_default();
        let open = progress.iter().map(|one| LiveExpectation {
            name: sanitize(&one.name),
            wanted: Some(sanitize(&one.wanted)),
            got: one.got.as_deref().map(sanitize),
            is_ok: match one.status {
                ExpectationStatus::Holds => Some(true),
                ExpectationStatus::Open => None,
                ExpectationStatus::Missed => Some(false),
            },
            is_final: one.status == ExpectationStatus::Missed,
        });
        open.collect()
    }
}

impl AvailableCommands {
    fn from_scenario(scenario: &Scenario) -> AvailableCommands {
        let ids = scenario.timeline.iter().enumerate().filter_map(|(index, entry)| {
            let send = match entry.action {
                EntryAction::Spawn(preset) => match &scenario.presets[preset].kind {
                    PresetKind::Command(command) => command.stdin == StdinMode::Open,
                    PresetKind::Players(_) => false,
                },
                EntryAction::Fetch(_) => false,
                EntryAction::Stop(_)
                | EntryAction::Send(_)
                | EntryAction::Signal(_)
                | EntryAction::Kill(_)
                | EntryAction::Restart(_)
                | EntryAction::Link(_)
                | EntryAction::Mark(_) => return None,
            };
            let id = scenario.entry_name(index).filter(|name| scenario.find_entry(name) == Some(index))?;
            Some(CommandTarget { id: id.to_owned(), stop: true, send })
        });
        AvailableCommands {
            presets: scenario.presets.iter().map(|preset| preset.name.clone()).collect(),
            fetches: scenario.fetches.iter().map(|job| job.name.clone()).collect(),
            ids: ids.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rates_of_the_last_minute_add_up() {
        let mut facts = RunOverview::default();
        let marks = |facts: &mut RunOverview, second: u64, count: usize| {
            for _ in 0..count {
                let due = Moment(second * 1_000_000_000);
                facts.on_event(due, &Event::Mark { due, entry: None, text: "x" }, false);
            }
        };
        marks(&mut facts, 0, 3);
        marks(&mut facts, 2, 5);
        assert_eq!(facts.rates(), [[0, 0, 0, 0, 3], [4, 0, 0, 0, 5]]);
        for second in 3..200 {
            marks(&mut facts, second, 2);
        }
        let rates = facts.rates();
        assert_eq!(
            (rates.len(), rates[0], rates[MAX_RATE_SAMPLES - 1]),
            (MAX_RATE_SAMPLES, [160, 0, 0, 0, 2], [398, 0, 0, 0, 2])
        );
    }
}
