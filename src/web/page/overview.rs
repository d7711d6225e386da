//! What a run is, what can be done to it, and what it comes to in figures.

use std::collections::VecDeque;

use serde::Serialize;
use serde_json::Value;

use crate::report::metrics::distribution::Distribution;
use crate::web::page::lanes::Lanes;
use crate::web::page::{at, seconds};
use scenario_core::engine::progress::{Stand, Standing};
use scenario_log::event::{Event, Outcome};
use scenario_log::sanitize::visible;
use scenario_log::time::{Moment, Span};

/// Whether a run is seen while it goes, or its log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mode {
    #[default]
    Run,
    Play,
}

/// What a run is, by its name in the message.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Run {
    name: String,
    description: Option<String>,
    /// As text: not every number of 63 bits is one of JavaScript's.
    seed: String,
    clock: &'static str,
    started_at: Option<String>,
    speed: f64,
}

/// The world, if there is one.
#[derive(Clone, Debug, Serialize)]
pub(super) struct World {
    size: Value,
    edges: Value,
}

/// What can be typed.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Can {
    presets: Vec<String>,
    fetches: Vec<String>,
    ids: Vec<Id>,
}

#[derive(Clone, Debug, Serialize)]
struct Id {
    id: String,
    stop: bool,
    send: bool,
}

/// What does not change in a run.
#[derive(Serialize)]
pub(super) struct Start<'a> {
    mode: Mode,
    run: &'a Run,
    world: Option<&'a World>,
    can: &'a Can,
    log: Option<&'a str>,
    rates: Vec<Rate>,
}

/// How much happened in one part of a run: which part, from 0; moves, lines, requests, events.
type Rate = [u64; 5];

/// How long a part is, and how many are kept: a minute.
const PART: Span = Span::from_millis(500);
const PARTS: usize = 120;

/// How often what has happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Counts {
    events: u64,
    moves: u64,
    steps: u64,
    lines: u64,
    requests: u64,
    wrong: u64,
    running: u64,
    in_flight: u64,
}

/// How late things were, in seconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Lateness {
    p50: f64,
    p99: f64,
    max: f64,
}

/// An expectation, and how it stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Expectation {
    name: String,
    wanted: Option<String>,
    got: Option<String>,
    /// Whether it holds, as far as the run has come; none: it can still come to.
    is_ok: Option<bool>,
    /// Whether nothing can change that any more.
    is_final: bool,
}

/// All of that.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    mode: Mode,
    log: Option<String>,
    run: Run,
    world: Option<World>,
    can: Can,
    counts: Counts,
    late: Distribution,
    /// What the counts had come to at the end of each of the last parts in which something happened.
    past: VecDeque<Rate>,
    judged: Vec<Expectation>,
}

impl Facts {
    pub(super) fn new(mode: Mode, speed: f64, log: Option<String>) -> Facts {
        Facts { mode, log, run: Run { speed, ..Run::default() }, ..Facts::default() }
    }

    /// Takes what the resolved scenario says.
    pub(super) fn start(&mut self, scenario: &Value) {
        self.run.description = scenario["description"].as_str().map(visible);
        let world = scenario.get("world");
        self.world = world.map(|world| World { size: world["size"].clone(), edges: world["edges"].clone() });
        self.can = Can::of(scenario);
    }

    pub(super) fn take(&mut self, t: Moment, event: &Event<'_>) {
        let counts = &mut self.counts;
        counts.events += 1;
        if let Some(due) = event.due() {
            self.late.add(t.since(due).0);
        }
        match event {
            Event::RunStarted { name, seed, clock, started_at, .. } => {
                self.run.name = visible(name);
                self.run.seed = seed.to_string();
                self.run.clock = clock.name();
                self.run.started_at = started_at.map(visible);
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
                counts.wrong += u64::from(!ok);
            }
            Event::FetchFailed { .. } => {
                counts.requests += 1;
                counts.wrong += 1;
            }
            Event::SpawnExited { ok, .. } => counts.wrong += u64::from(!ok),
            Event::SpawnFailed { .. } | Event::Deadlock { .. } => counts.wrong += 1,
            Event::Sent { error: Some(_), .. } | Event::Stopping { error: Some(_), .. } => counts.wrong += 1,
            Event::Expect(expected) => {
                counts.wrong += u64::from(!expected.ok);
                self.judged.push(Expectation {
                    name: visible(&expected.name),
                    wanted: Some(visible(&expected.wanted)),
                    got: expected.got.as_deref().map(visible),
                    is_ok: Some(expected.ok),
                    is_final: true,
                });
            }
            Event::RunFinished(summary) => {
                counts.wrong += u64::from(counts.wrong == 0 && summary.outcome == Outcome::Failed);
            }
            _ => {}
        }
        let Counts { events, moves, lines, requests, .. } = *counts;
        let part = t.0 / PART.0;
        match self.past.back_mut() {
            Some(last) if last[0] == part => *last = [part, moves, lines, requests, events],
            _ => self.past.push_back([part, moves, lines, requests, events]),
        }
        // One more than is told: what is told are differences.
        if self.past.len() > PARTS + 1 {
            self.past.pop_front();
        }
    }

    /// How much happened in each of the last parts in which something did.
    fn rates(&self) -> Vec<Rate> {
        let mut before = if self.past.len() > PARTS { self.past[0] } else { [0; 5] };
        let past = self.past.iter().skip(self.past.len().saturating_sub(PARTS));
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

    pub(super) fn as_start(&self) -> Start<'_> {
        let Facts { mode, log, run, world, can, .. } = self;
        Start { mode: *mode, run, world: world.as_ref(), can, log: log.as_deref(), rates: self.rates() }
    }

    /// The figures so far. What runs is counted by whoever knows: the engine, or else the lanes.
    pub(super) fn counts(&self, standing: Option<&Standing>, lanes: &Lanes) -> Counts {
        let (running, in_flight) = match standing {
            Some(standing) => (standing.running as u64, standing.requests as u64),
            None => lanes.running(),
        };
        Counts { running, in_flight, ..self.counts }
    }

    pub(super) fn lateness(&self) -> Option<Lateness> {
        let of = |per_mille| seconds(Span(self.late.per_mille(per_mille)));
        let max = at(Moment(self.late.max()));
        (self.late.count() > 0).then(|| Lateness { p50: of(500), p99: of(990), max })
    }

    /// The expectations: as they were judged, or as they stand.
    pub(super) fn expectations(&self, standing: Option<&Standing>) -> Vec<Expectation> {
        if !self.judged.is_empty() {
            return self.judged.clone();
        }
        let standing = standing.map(|standing| &standing.expected[..]).unwrap_or_default();
        let stands = standing.iter().map(|(name, stand)| Expectation {
            name: visible(name),
            wanted: None,
            got: None,
            is_ok: match stand {
                Stand::Holds => Some(true),
                Stand::Open => None,
                Stand::Missed => Some(false),
            },
            is_final: *stand == Stand::Missed,
        });
        stands.collect()
    }
}

impl Can {
    fn of(scenario: &Value) -> Can {
        let names = |table: &str| {
            let table = scenario[table].as_object();
            table.map(|table| table.keys().cloned().collect()).unwrap_or_default()
        };
        let ids = scenario["timeline"].as_array().into_iter().flatten().filter_map(|entry| {
            let preset = entry["spawn"].as_str();
            let starts = preset.is_some() || entry["fetch"].is_string();
            let send = preset.is_some_and(|preset| scenario["presets"][preset]["stdin"] == "open");
            Some(Id { id: entry["id"].as_str().filter(|_| starts)?.to_owned(), stop: true, send })
        });
        Can { presets: names("presets"), fetches: names("fetches"), ids: ids.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rates_of_the_last_minute_add_up() {
        let mut facts = Facts::default();
        let marks = |facts: &mut Facts, second: u64, count: usize| {
            for _ in 0..count {
                let due = Moment(second * 1_000_000_000);
                facts.take(due, &Event::Mark { due, entry: None, text: "x" });
            }
        };
        marks(&mut facts, 0, 3);
        marks(&mut facts, 2, 5);
        assert_eq!(facts.rates(), [[0, 0, 0, 0, 3], [4, 0, 0, 0, 5]]);
        for second in 3..200 {
            marks(&mut facts, second, 2);
        }
        let rates = facts.rates();
        assert_eq!((rates.len(), rates[0], rates[PARTS - 1]), (PARTS, [160, 0, 0, 0, 2], [398, 0, 0, 0, 2]));
    }
}
