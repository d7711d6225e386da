//! A run that is walked: at each step somebody else says who goes, and every way can be gone from there.
//! Everything but that choice is the engine's, with the draws of one seed, in virtual time.
//!
//! # How it works
//!
//! A [`Node`] is a run before a step. It has two parts: where the players stand that take steps, which is
//! small, and all the rest of the run, which most steps leave as it is, so that nodes share it. Only where
//! a player ends or pauses, or all of an instant have taken their steps, is the rest copied and let go on.
//!
//! Two nodes with the same [key](Walk::key) are one: whatever comes behind them is the same. No event is
//! told, no expectation looked at, and nobody is anywhere in a world; what the cells hold at the [end](End) is for others to judge.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::engine::counters::Tally;
use crate::engine::effect::{Order, Verdict};
use crate::engine::expect::{Ended, Expectations};
use crate::engine::players::{Chooser, Played};
use crate::engine::steps::Steps;
use crate::engine::{Out, Phase, Run, Sink};
use crate::scenario::model::Scenario;
use crate::scenario::model::expect::{Expectation, Subject};
use scenario_log::captured::Captures;
use scenario_log::event::{Event, Expected};
use scenario_log::time::{Moment, Span};

/// A walk through the runs of a scenario with one seed.
pub struct Walk {
    scenario: Rc<Scenario>,
    seed: u64,
    /// A number for each rest of a run that was met.
    rests: BTreeMap<Vec<u8>, u32>,
    quiet: Quiet,
}

/// A run before a step.
#[derive(Clone)]
pub struct Node {
    rest: Rc<Run>,
    /// The number of the rest.
    number: u32,
    steps: Steps,
}

/// What is reached by a step, or at first.
pub enum Reached {
    /// Another step.
    Step(Box<Node>),
    /// The end of the run.
    End(End),
}

/// The end of a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct End {
    /// What the cells hold, by name.
    pub shared: Vec<(String, i64)>,
    /// In a deadlock: which player waits for which lock.
    pub waiting: Vec<(String, String)>,
    /// Why it has failed, if it has, whatever is expected of it.
    pub fault: Option<String>,
}

/// Where events of a walk go: nowhere, but for a deadlock, which is kept.
#[derive(Default)]
struct Quiet {
    waiting: Vec<(String, String)>,
    tally: Tally,
    expected: Expectations,
}

/// A sink that keeps a deadlock.
struct Ears<'a>(&'a mut Vec<(String, String)>);

impl Sink for Ears<'_> {
    fn event(&mut self, _t: Moment, event: &Event<'_>) {
        if let Event::Deadlock { waiting } = event {
            *self.0 = waiting.to_vec();
        }
    }

    fn order(&mut self, _order: Order) {}
}

impl Quiet {
    fn with<T>(&mut self, run: &mut Run, call: impl FnOnce(&mut Run, &mut Out<'_>) -> T) -> T {
        let Quiet { waiting, tally, expected } = self;
        let mut ears = Ears(waiting);
        let mut out = Out { now: run.now, sink: &mut ears, tally, expected, world: None };
        call(run, &mut out)
    }
}

impl Walk {
    /// A walk with this seed's draws. The scenario is one that can run in virtual time.
    #[must_use]
    pub fn new(scenario: Rc<Scenario>, seed: u64) -> Walk {
        Walk { scenario, seed, rests: BTreeMap::new(), quiet: Quiet::default() }
    }

    /// The beginning of the run, up to its first step.
    pub fn begin(&mut self) -> Reached {
        let mut run = Run::new(Rc::clone(&self.scenario), self.seed);
        run.players.chooser = Chooser::Walker;
        run.begin();
        run.has_begun = true;
        self.go_on(run)
    }

    /// How many players could take the next step.
    #[must_use]
    pub fn choices(&self, node: &Node) -> usize {
        node.steps.ready()
    }

    /// What comes of the step of the `k`th of them, in the order of their start.
    pub fn take(&mut self, node: &Node, k: usize) -> Reached {
        let roles = node.rest.players.roles();
        let mut steps = node.steps.clone();
        let taken = steps.take(k, &self.scenario, roles);
        if !taken.has_ended && steps.are_at_a_step() {
            return Reached::Step(Box::new(Node { rest: Rc::clone(&node.rest), number: node.number, steps }));
        }
        let mut run = node.rest.fork();
        run.players.steps = steps;
        if taken.has_ended
            && let Played::Ended(source, due) = run.players.end_steps(taken.id)
        {
            self.quiet.with(&mut run, |run, out| run.players_ended(source, due, out));
        }
        self.go_on(run)
    }

    /// Lets a run go on to its next step, or to its end.
    fn go_on(&mut self, mut run: Run) -> Reached {
        loop {
            self.quiet.with(&mut run, Run::settle);
            if let Phase::Over(verdict) = run.phase {
                return Reached::End(self.end(&run, verdict));
            }
            if run.players.steps.ready() > 0 && run.players.steps.instant() <= run.now {
                let steps = std::mem::take(&mut run.players.steps);
                let number = self.number(&run);
                return Reached::Step(Box::new(Node { rest: Rc::new(run), number, steps }));
            }
            match run.next_due() {
                Some(next) => run.now = run.now.max(next),
                // Nothing is due and nothing can come from outside: it stays so for ever.
                None => return Reached::End(self.end(&run, Verdict::Failed)),
            }
        }
    }

    fn end(&mut self, run: &Run, verdict: Verdict) -> End {
        let fault = (verdict != Verdict::Passed).then(|| run.fault.clone().unwrap_or_default());
        End { shared: run.shared(), waiting: std::mem::take(&mut self.quiet.waiting), fault }
    }

    /// The number of a rest of a run.
    fn number(&mut self, rest: &Run) -> u32 {
        let next = self.rests.len() as u32;
        *self.rests.entry(rest.key()).or_insert(next)
    }

    /// All of a node that can still make a difference, into `key`.
    pub fn key(&self, node: &Node, key: &mut Vec<u8>) {
        key.clear();
        key.extend_from_slice(&node.number.to_le_bytes());
        node.steps.push_key(key, &self.scenario, node.rest.players.roles());
    }
}

/// What comes of those expectations that look at nothing but shared cells.
#[must_use]
pub fn judge_cells(expectations: &[Expectation], shared: &[(String, i64)]) -> Vec<Expected> {
    let of_cells: Vec<Expectation> =
        expectations.iter().filter(|one| one.of.what == Subject::Shared).cloned().collect();
    Expectations::new(&of_cells).judge_own(&Ended { lasted: Span::ZERO, shared })
}

impl Run {
    /// A copy, of a run in which nothing was ever asked of the world.
    fn fork(&self) -> Run {
        Run {
            scenario: Rc::clone(&self.scenario),
            seed: self.seed,
            now: self.now,
            has_begun: self.has_begun,
            phase: self.phase.clone(),
            fault: self.fault.clone(),
            paused: self.paused,
            agenda: self.agenda.clone(),
            players: self.players.clone(),
            entries: self.entries.clone(),
            entries_left: self.entries_left,
            spawns: self.spawns.clone(),
            last_spawn: self.last_spawn,
            spawned_of: self.spawned_of.clone(),
            ready_lines: BTreeMap::new(),
            running: self.running,
            foreground: self.foreground,
            requests: BTreeMap::new(),
            last_request: 0,
            guests: BTreeMap::new(),
            captured: Captures::new(),
            jobs: BTreeMap::new(),
            last_job: 0,
            loads_of: self.loads_of.clone(),
            figures: BTreeMap::new(),
        }
    }

    /// All of it that can still make a difference, but for where the players stand that take steps.
    /// Two with the same key are one. (Values are written with their names, so that none runs into
    /// another.)
    fn key(&self) -> Vec<u8> {
        let agenda = self.agenda.sorted();
        let moving = self.players.moving_key();
        format!(
            "{:?} {:?} {:?} {agenda:?} {moving:?} {:?} {} {:?} {} {:?} {} {}",
            self.now,
            self.phase,
            self.fault,
            self.entries,
            self.entries_left,
            self.spawns,
            self.last_spawn,
            self.spawned_of,
            self.running,
            self.foreground,
        )
        .into_bytes()
    }
}
