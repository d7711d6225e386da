//! The engine: one state machine that decides everything, and neither waits, nor reads, nor prints.
//!
//! # How it works
//!
//! Whoever drives it asks when it wants to be woken ([`Engine::next_due`]), tells it what time it is
//! ([`Engine::advance`]) and what came from outside ([`Engine::observe`]). What happens goes into a
//! [`Sink`]: events, which are the log, and orders, which are for the hands. The same engine is
//! driven live (by the machine's clock and the world), virtually (`now` is `next_due`, over and
//! over) and by a log.
//!
//! Both calls first let happen what was due by `now`, and `observe` does so again after what was
//! observed. (What is observed before the first `advance`, lines that were typed before the run,
//! comes before all that is due, so that a run that would end at once hears them.) So what the engine
//! does depends only on the sequence of moments and observations that changed anything, all of which
//! stand in the log; how often it was woken between does not matter.
//!
//! If something can change what happens and is not an argument of these calls, it is a bug.

pub mod effect;
pub mod input;

mod arrivals;
pub mod calendar_queue;
mod captures;
pub mod console_command;
mod counters;
mod event_queue;
mod expect;
mod guests;
mod load;
mod load_metrics;
mod players;
mod processes;
pub mod progress;
pub mod random;
mod readiness;
mod requests;
mod scheduler;
mod shutdown;
pub mod state_walk;
mod steps;
mod tie_break;
mod world;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use crate::engine::counters::Tally;
use crate::engine::event_queue::{Agenda, Item};
use crate::engine::load_metrics::Figures;
use expect::Expectations;
use players::{Chooser, Played, Players};
use processes::{End, Spawn};
use regex::bytes::Regex;
use requests::{JobRun, Request};
use scheduler::EntryState;
use world::World;

use crate::engine::effect::{Order, Verdict};
use crate::engine::input::Observed;
use crate::scenario::model::Scenario;
use crate::scenario::model::expect::Expectation;
use scenario_log::captured::Captures;
use scenario_log::event::{ClockKind, Event, Expected, Source};
use scenario_log::time::{Moment, Span};

/// Where events and orders go.
pub trait Sink {
    /// Something happened at `t`. Moments never go back.
    fn event(&mut self, t: Moment, event: &Event<'_>);
    /// Something is to be done.
    fn order(&mut self, order: Order);
    /// Whether what happens further still matters. Once it does not, a call comes back soon, and
    /// what the engine does from then on means nothing: a log that was tampered with is left at its
    /// first difference, and not at the end of the time that it claims to last.
    fn wants_more(&self) -> bool {
        true
    }
    /// The line of the event that was given last, if it is a state of the world and somebody may listen.
    fn world_line(&self) -> Option<Arc<[u8]>> {
        None
    }
    /// The `seq` of the event that comes next, where events are numbered.
    fn next_seq(&self) -> u64 {
        0
    }
}

/// Where what happens during one call goes, and the counts it makes.
pub(crate) struct Out<'a> {
    now: Moment,
    sink: &'a mut dyn Sink,
    tally: &'a mut Tally,
    expected: &'a mut Expectations,
    /// Where players are, if they are anywhere.
    world: Option<&'a mut World>,
}

impl Out<'_> {
    fn event(&mut self, event: &Event<'_>) {
        if let Some(due) = event.due() {
            self.tally.late(self.now.since(due));
        }
        self.sink.event(self.now, event);
        if !self.expected.is_empty() {
            self.expected.take(self.now, event, self.sink.next_seq());
        }
    }

    fn order(&mut self, order: Order) {
        self.sink.order(order);
    }

    fn wants_more(&self) -> bool {
        self.sink.wants_more()
    }

    /// Whether an expectation has just ended the run.
    fn is_to_end(&self) -> bool {
        self.expected.are_broken()
    }
}

/// What a run is, beside its scenario.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// The seed, given or drawn.
    pub seed: u64,
    /// The clock, for the record.
    pub clock: ClockKind,
    /// RFC 3339; on the real clock only.
    pub started_at: Option<&'a str>,
    /// Who goes first at the first ties, from 0 in the order of their start; then the seed draws it.
    pub schedule: &'a [u32],
    /// The resolved scenario as a JSON object, for the record.
    pub resolved: &'a str,
}

/// What runs at a moment, for `status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Each spawn that runs, by its preset's name.
    pub spawns: Vec<(Source, String)>,
    /// Requests in flight.
    pub requests: usize,
    /// Entries that have not happened for the last time.
    pub entries_left: usize,
    /// When the engine wants to be woken next.
    pub next: Option<Moment>,
}

/// One run of a scenario.
pub struct Engine {
    run: Run,
    tally: Tally,
    expected: Expectations,
    world: Option<World>,
}

impl Engine {
    /// A run that has not started.
    #[must_use]
    pub fn new(scenario: Rc<Scenario>, seed: u64) -> Engine {
        let expected = Expectations::new(&scenario.expect);
        let world = scenario.world.map(|rules| World::new(rules, seed));
        Engine { run: Run::new(scenario, seed), tally: Tally::default(), expected, world }
    }

    /// A run of which so many spawns of a preset have happened elsewhere: a sub-process plays one
    /// spawn of a run, with the draws of that spawn.
    #[must_use]
    pub fn resume(scenario: Rc<Scenario>, seed: u64, preset: usize, spawned: u64) -> Engine {
        let mut engine = Engine::new(scenario, seed);
        engine.run.spawned_of[preset] = spawned;
        engine
    }

    /// Expects this as well, without that it changes anything or is told: [`Engine::others`] says what
    /// came of it. Only before the start.
    pub fn expect_others(&mut self, others: &[Expectation]) {
        others.iter().for_each(|one| self.expected.add(one));
    }

    /// What came of [`Engine::expect_others`] so far.
    #[must_use]
    pub fn others(&self) -> Vec<Expected> {
        let shared = self.run.shared();
        self.expected.judge_others(&expect::Ended { lasted: Span(self.run.now.0), shared: &shared })
    }

    /// Sets the stage without giving `run.started`: for what is a part of another run.
    pub fn begin(&mut self) {
        self.run.begin();
    }

    /// Starts the run at [`Moment::ZERO`]: gives `run.started`, and lets nothing happen yet.
    pub fn start(&mut self, start: &Start<'_>, sink: &mut dyn Sink) {
        let scenario = Rc::clone(&self.run.scenario);
        self.with(Moment::ZERO, sink, |run, out| {
            out.event(&Event::RunStarted {
                name: &scenario.name,
                seed: start.seed,
                clock: start.clock,
                started_at: start.started_at,
                schedule: start.schedule,
                scenario: start.resolved,
            });
            if let Chooser::Ties(ties) = &mut run.players.chooser {
                ties.follow(start.schedule);
            }
            run.begin();
        });
    }

    /// When something is due next, if anything is. Waking it earlier or later is harmless.
    #[must_use]
    pub fn next_due(&mut self) -> Option<Moment> {
        self.run.next_due()
    }

    /// Lets happen what was due by `now`.
    pub fn advance(&mut self, now: Moment, sink: &mut dyn Sink) {
        self.run.has_begun = true;
        self.with(now, sink, Run::settle);
    }

    /// Takes what came from outside at `now`.
    pub fn observe(&mut self, now: Moment, observed: Observed<'_>, sink: &mut dyn Sink) {
        self.with(now, sink, |run, out| {
            // Whatever is no person's doing came of something that was due.
            run.has_begun |=
                !matches!(observed, Observed::Typed { .. } | Observed::Signalled(_) | Observed::Paused);
            if run.has_begun {
                run.settle(out);
            }
            if !matches!(run.phase, Phase::Over(_)) {
                run.observe(observed, out);
            }
            if run.has_begun {
                run.settle(out);
            }
        });
    }

    /// How the run ended, once it has.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        match self.run.phase {
            Phase::Over(verdict) => Some(verdict),
            _ => None,
        }
    }

    /// Whether an entry of the timeline has happened at least once.
    #[must_use]
    pub fn has_occurred(&self, entry: usize) -> bool {
        self.run.entries.get(entry).is_some_and(scheduler::EntryState::has_occurred)
    }

    /// What runs now.
    #[must_use]
    pub fn status(&mut self) -> Status {
        let spawns = self.run.spawns.iter().map(|(number, spawn)| {
            (Source::Spawn(*number), self.run.scenario.presets[spawn.preset].name.clone())
        });
        Status {
            spawns: spawns.collect(),
            requests: self.run.requests.len(),
            entries_left: self.run.entries_left,
            next: self.run.next_due(),
        }
    }

    fn with(&mut self, now: Moment, sink: &mut dyn Sink, call: impl FnOnce(&mut Run, &mut Out<'_>)) {
        // A clock that went back (a log that was tampered with) must not turn time round.
        self.run.now = self.run.now.max(now);
        let mut out = Out {
            now: self.run.now,
            sink,
            tally: &mut self.tally,
            expected: &mut self.expected,
            world: self.world.as_mut(),
        };
        call(&mut self.run, &mut out);
    }
}

/// Where a run is in its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The timeline happens.
    Running,
    /// Nothing new happens; what still runs is being stopped, and then the run is over.
    Stopping(Verdict),
    /// The last event has been given.
    Over(Verdict),
}

/// The state of a run. Its parts are in the modules beside this one.
pub(crate) struct Run {
    scenario: Rc<Scenario>,
    seed: u64,
    now: Moment,
    /// Whether it has been told the time once.
    has_begun: bool,
    phase: Phase,
    /// The first thing that went wrong.
    fault: Option<String>,
    /// Whether it stands still.
    paused: bool,
    agenda: Agenda,
    players: Players,
    entries: Vec<EntryState>,
    entries_left: usize,
    /// Spawns that were ordered and have not ended, by their number.
    spawns: BTreeMap<u32, Spawn>,
    last_spawn: u32,
    /// Spawns so far, by preset.
    spawned_of: Vec<u64>,
    /// What a line must match for a spawn to be ready, by preset, from its first spawn on.
    ready_lines: BTreeMap<usize, Rc<Regex>>,
    /// Spawns that run, and those among all that the run waits for.
    running: u64,
    foreground: usize,
    /// Requests in flight, by their number.
    requests: BTreeMap<u32, Request>,
    last_request: u32,
    /// The players of those who came over the network, by their number.
    guests: BTreeMap<u32, String>,
    /// What fetches captured.
    captured: Captures,
    /// Fetch jobs in flight.
    jobs: BTreeMap<u32, JobRun>,
    last_job: u32,
    /// Runs of each fetch so far, of those that are loads.
    loads_of: Vec<u64>,
    /// What the loads came to, by fetch.
    figures: BTreeMap<usize, Figures>,
}

impl Run {
    fn new(scenario: Rc<Scenario>, seed: u64) -> Run {
        Run {
            seed,
            now: Moment::ZERO,
            has_begun: false,
            phase: Phase::Running,
            fault: None,
            paused: false,
            agenda: Agenda::default(),
            players: Players::new(&scenario, seed),
            entries: Vec::new(),
            entries_left: 0,
            spawns: BTreeMap::new(),
            last_spawn: 0,
            spawned_of: vec![0; scenario.presets.len()],
            ready_lines: BTreeMap::new(),
            running: 0,
            foreground: 0,
            requests: BTreeMap::new(),
            last_request: 0,
            guests: BTreeMap::new(),
            captured: Captures::new(),
            jobs: BTreeMap::new(),
            last_job: 0,
            loads_of: vec![0; scenario.fetches.len()],
            figures: BTreeMap::new(),
            scenario,
        }
    }

    /// Sets the stage: ticks, the world's state, the time limit and the entries that wait for nothing.
    fn begin(&mut self) {
        if self.scenario.tick.is_some() {
            self.agenda.push(Moment::ZERO, Item::Tick(0));
        }
        if self.scenario.world.is_some_and(|world| world.broadcast.is_some()) {
            self.agenda.push(Moment::ZERO, Item::World);
        }
        if let Some(limit) = self.scenario.time_limit {
            self.agenda.push(Moment::ZERO.saturating_add(limit), Item::TimeLimit);
        }
        self.begin_timeline();
    }

    fn next_due(&mut self) -> Option<Moment> {
        if matches!(self.phase, Phase::Over(_)) {
            return None;
        }
        if self.is_ready_to_end() {
            return Some(self.now);
        }
        match (self.agenda.next_due(), self.players.next_due()) {
            (Some(item), Some(player)) => Some(item.min(player)),
            (item, player) => item.or(player),
        }
    }

    /// Lets everything happen that is due by now, in the order of its due times.
    fn settle(&mut self, out: &mut Out<'_>) {
        while !matches!(self.phase, Phase::Over(_)) && out.wants_more() {
            if out.is_to_end() {
                self.expectation_broken(out);
            }
            if self.is_ready_to_end() {
                self.move_on_to_the_end(out);
                continue;
            }
            let until = self.agenda.next_due();
            match self.players.play(&self.scenario, until, out) {
                Played::Nothing => {}
                Played::Ended(source, due) => {
                    self.players_ended(source, due, out);
                    continue;
                }
                Played::Deadlock => {
                    self.deadlock(out);
                    continue;
                }
                Played::Step => return,
            }
            if out.is_to_end() {
                continue;
            }
            match self.agenda.pop(out.now) {
                Some((due, item)) => self.happen(due, item, out),
                None => return,
            }
        }
    }

    fn happen(&mut self, due: Moment, item: Item, out: &mut Out<'_>) {
        match item {
            Item::Tick(n) => self.tick(due, n, out),
            Item::Entry(entry) => self.occur(entry, due, out),
            Item::Arrival(job_run) => self.arrive(job_run, due, out),
            Item::World => self.broadcast(due, out),
            Item::LineTimeout(entry) => self.line_timeout(entry, out),
            Item::ReadyTimeout(number) => self.ready_timeout(number, out),
            Item::TimeLimit => self.time_limit(out),
        }
    }

    fn tick(&mut self, due: Moment, n: u64, out: &mut Out<'_>) {
        out.event(&Event::ClockTick { due, n });
        if let Some(next) = self.scenario.tick.and_then(|tick| due.checked_add(tick)) {
            self.agenda.push(next, Item::Tick(n + 1));
        }
    }

    fn broadcast(&mut self, due: Moment, out: &mut Out<'_>) {
        out.tell_world(Some(due));
        if let Some(next) = out.broadcast().and_then(|every| due.checked_add(every)) {
            self.agenda.push(next, Item::World);
        }
    }

    fn observe(&mut self, observed: Observed<'_>, out: &mut Out<'_>) {
        match observed {
            Observed::Started { source, pid } => self.process_started(source, pid, out),
            Observed::CouldNotStart { source, error } => self.could_not_start(source, error, out),
            Observed::Ready { source } => self.probe_answered(source, out),
            Observed::Suspended { source, signal } => self.suspended(source, signal, out),
            Observed::GoesOn { source } => self.goes_on(source, out),
            Observed::Lines { source, stream, chunk, partial } => {
                self.lines(source, stream, chunk, partial, out);
            }
            Observed::Exited { source, exit, held, skipped } => {
                self.process_exited(source, End { exit, held, skipped }, out);
            }
            Observed::NotSent { source, error } => self.not_sent(source, error, out),
            Observed::Responded { source, status, version, headers } => {
                if self.tells_heads(source) {
                    out.event(&Event::FetchResponded { source, status, version, headers });
                }
            }
            Observed::BodyLines { source, chunk } => self.body_lines(source, chunk, out),
            Observed::Fetched { source, fetched } => self.fetched(source, fetched, out),
            Observed::FetchFailed { source, kind, error, took } => {
                self.fetch_failed(source, (kind, error, took), out);
            }
            Observed::Joined { source, player } => self.guest_joined(source, player, out),
            Observed::Moved { source, direction } => self.guest_moved(source, direction, out),
            Observed::Left { source } => self.guest_left(source, out),
            Observed::Typed { text } => self.typed(text, out),
            Observed::Signalled(signal) => self.signalled(signal, out),
            Observed::Broken { error } => self.broken(error, out),
            Observed::Paused => self.pause(out),
            Observed::Resumed { took } => self.resume(took, out),
        }
    }

    /// Everything is to stand still. To the engine that is no time at all: its clock does too.
    fn pause(&mut self, out: &mut Out<'_>) {
        if !std::mem::replace(&mut self.paused, true) {
            out.event(&Event::RunPaused);
            out.order(Order::Suspend);
        }
    }

    fn resume(&mut self, took: Span, out: &mut Out<'_>) {
        if std::mem::replace(&mut self.paused, false) {
            out.event(&Event::RunResumed { took });
        }
    }

    /// Notes that something went wrong: the run goes on, but will not have passed.
    fn note_fault(&mut self, fault: impl FnOnce() -> String) {
        if self.fault.is_none() {
            self.fault = Some(fault());
        }
    }
}
