//! The engine: one state machine that decides everything, and neither waits, nor reads, nor prints.
//!
//! # How it works
//!
//! Its driver asks when the engine wants to be woken ([`Engine::next_due`]), passes the time
//! ([`Engine::advance`]) and passes the inputs from outside ([`Engine::handle_input`]). The results go into
//! an [`EngineSink`]: events, which are the log, and [effects](effect::Effect), which the driver carries out.
//! The same engine runs live (by the machine's clock and the world), virtually (`now` is `next_due`, over
//! and over) and by a log.
//!
//! Both calls first make everything happen that was due by `now`, and `handle_input` does so again after the
//! input. (The inputs before the first `advance`, lines that were typed before the run, come before
//! everything that is due, so that a run that would end at once still takes them.) So what the engine does
//! depends only on the sequence of moments and inputs that changed anything, and the log contains all of
//! these; how often the engine was woken in between does not matter.
//!
//! If something can change what happens and is not an argument of these calls, it is a bug.
//!
//! # Where things are
//!
//! Each part of a run owns its state, in a file of its own: `timeline`, `timer_queue`, `players` (with
//! `calendar_queue`, `steps` and `sleeping_players`), `player_sessions`, `spawns` (with `spawn_acts`, `spawn_restarts` and `lineage`), `job`, `load`,
//! `requests`, `request_values` (with `data_rows`), `failure_budgets`, `guests`, `captures`, `links`, `stop_order` and
//! `lifecycle`. The parts know nothing of each other: `run` composes them, and carries the consequences of
//! one part to the others. All output goes through `output`, which counts, checks `expectations` and moves
//! players in the `world`.

pub mod calendar_queue;
pub mod command_error;
pub mod console_command;
pub mod effect;
pub mod failure_budgets;
pub mod input;
pub mod progress;
pub mod random;
pub mod state_walk;

mod arrival_schedule;
mod captures;
mod counters;
mod data_rows;
mod expectations;
mod guests;
mod job;
mod lifecycle;
mod lineage;
mod links;
mod load;
mod load_metrics_recorder;
mod names;
mod output;
mod player_sessions;
mod players;
mod readiness;
mod ready_set;
mod request_values;
mod requests;
mod run;
mod sleeping_players;
mod spawn_acts;
mod spawn_restarts;
mod spawns;
mod step_resources;
mod steps;
mod stop_order;
mod tie_break;
mod timeline;
mod timer_queue;
mod trigger_state;
mod unfinished;
mod world;

pub use output::EngineSink;
pub use run::END_IN_ORDER;

use std::rc::Rc;

use crate::engine::counters::RunCounters;
use crate::engine::effect::RunVerdict;
use crate::engine::expectations::Expectations;
use crate::engine::expectations::outcome::RunTotals;
use crate::engine::input::Input;
use crate::engine::output::EngineOutput;
use crate::engine::run::RunState;
use crate::engine::world::WorldState;
use crate::scenario::model::Scenario;
use crate::scenario::model::expect::Expectation;
use scenario_log::event::{ClockKind, Event, ExpectationResult, Source};
use scenario_log::time::{Moment, Span};

/// How long what an entry with `always` started may run.
pub(crate) const ALWAYS_TIME: Span = Span(30_000_000_000);

/// The identity of a run, besides its scenario.
#[derive(Clone, Copy, Debug)]
pub struct RunStart<'a> {
    /// The seed, given or drawn.
    pub seed: u64,
    /// The clock, for the log.
    pub clock: ClockKind,
    /// RFC 3339; on the real clock only.
    pub started_at: Option<&'a str>,
    /// The choices at the first ties: which of the players that can take a step does so, from 0 in the
    /// order of their start. From the end of the schedule on, the seed draws.
    pub schedule: &'a [u32],
    /// The resolved scenario as a JSON object, for the log.
    pub scenario_json: &'a str,
}

/// Everything that runs at a moment, for the command `status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineStatus {
    /// Each active spawn, with the name of its preset, and whether it waits for its restart.
    pub spawns: Vec<(Source, String)>,
    /// Requests in flight.
    pub requests: usize,
    /// Entries that have not happened for the last time.
    pub entries_left: usize,
    /// When the timeline, a load or a player does something next. Ticks do not count.
    pub next: Option<Moment>,
}

/// One run of a scenario.
pub struct Engine {
    state: RunState,
    counters: RunCounters,
    expectations: Expectations,
    world: Option<WorldState>,
}

impl Engine {
    /// A run that has not started.
    #[must_use]
    pub fn new(scenario: Rc<Scenario>, seed: u64) -> Engine {
        Engine {
            expectations: Expectations::new(&scenario),
            world: scenario.world.map(|rules| WorldState::new(rules, seed)),
            state: RunState::new(scenario, seed),
            counters: RunCounters::default(),
        }
    }

    /// A run in which `spawned` spawns of a preset have happened elsewhere: a sub-process plays one spawn of
    /// a run, with the draws of that spawn.
    #[must_use]
    pub fn for_single_spawn(scenario: Rc<Scenario>, seed: u64, preset: usize, spawned: u64) -> Engine {
        let mut engine = Engine::new(scenario, seed);
        engine.state.set_spawned(preset, spawned);
        engine
    }

    /// Checks more expectations, which change nothing and are not logged: [`Engine::extra_results`] returns
    /// their results. Only before the start.
    pub fn add_extra_expectations(&mut self, others: &[Expectation]) {
        others.iter().for_each(|one| self.expectations.add(one));
    }

    /// The results so far of the expectations from [`Engine::add_extra_expectations`].
    #[must_use]
    pub fn extra_results(&self) -> Vec<ExpectationResult> {
        let shared_cells = self.state.shared_cells();
        let duration = Span(self.state.now().0);
        self.expectations.judge_extra(&RunTotals { duration, shared_cells: &shared_cells })
    }

    /// Begins without the event `run.started`: for a part of another run.
    pub fn begin_without_event(&mut self) {
        self.state.begin();
    }

    /// Starts the run at [`Moment::ZERO`]: emits `run.started`, and nothing else yet.
    pub fn start(&mut self, start: &RunStart<'_>, sink: &mut dyn EngineSink) {
        self.with_output(Moment::ZERO, sink, |run, out| {
            out.event(&Event::RunStarted {
                name: &run.scenario().name,
                seed: start.seed,
                clock: start.clock,
                started_at: start.started_at,
                schedule: start.schedule,
                scenario: start.scenario_json,
            });
            run.set_schedule(start.schedule);
            run.begin();
        });
    }

    /// When something is due next, if anything is. To wake the engine earlier or later is harmless.
    #[must_use]
    pub fn next_due(&mut self) -> Option<Moment> {
        let of_run = self.state.next_due();
        let of_expectations =
            self.expectations.next_deadline().filter(|_| self.state.lifecycle().is_running());
        of_run.into_iter().chain(of_expectations).min()
    }

    /// Makes everything happen that was due by `now`.
    pub fn advance(&mut self, now: Moment, sink: &mut dyn EngineSink) {
        self.state.set_begun();
        self.with_output(now, sink, RunState::settle);
    }

    /// Takes an input that came at `now`.
    pub fn handle_input(&mut self, now: Moment, input: &Input, sink: &mut dyn EngineSink) {
        self.with_output(now, sink, |run, out| run.handle_input(input, out));
    }

    /// How the run ended, once it has.
    #[must_use]
    pub fn verdict(&self) -> Option<RunVerdict> {
        self.state.lifecycle().verdict()
    }

    /// Whether an entry of the timeline has happened at least once.
    #[must_use]
    pub fn has_occurred(&self, entry: usize) -> bool {
        self.state.timeline().has_occurred(entry)
    }

    /// Lets the run end while programs are being started, as the runs of older logs did.
    pub fn end_before_starts(&mut self) {
        self.state.end_before_starts();
    }

    /// Everything that runs now.
    #[must_use]
    pub fn status(&mut self) -> EngineStatus {
        let next = self.state.next_action();
        let presets = &self.state.scenario().presets;
        let spawns = self.state.spawns().iter();
        EngineStatus {
            spawns: spawns
                .map(|(source, spawn)| {
                    let waits = if spawn.awaits_restart() { ", which waits for its restart" } else { "" };
                    (source, format!("{}{waits}", presets[spawn.preset()].name))
                })
                .collect(),
            requests: self.state.request_count(),
            entries_left: self.state.timeline().entries_left(),
            next,
        }
    }

    fn with_output(
        &mut self,
        now: Moment,
        sink: &mut dyn EngineSink,
        call: impl FnOnce(&mut RunState, &mut EngineOutput<'_>),
    ) {
        self.state.advance_clock(now);
        let Engine { state, counters, expectations, world } = self;
        let mut out = EngineOutput::new(state.now(), sink, counters, expectations, world.as_mut());
        call(state, &mut out);
    }
}
