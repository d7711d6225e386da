//! Who is to be started, runs, or has left somebody behind: what the orders and the tasks that attend
//! to the processes share. The only place that says when a start happens; never decides on an end.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::{spawn_local, yield_now};

use super::PlayersText;
use super::group::Group;
use crate::io::Context;
use crate::io::http::probe::{Probes, Probing};
use crate::io::inbox::{Inbox, Seen};
use crate::io::multiplexer::Multiplexer;
use crate::io::panics;
use crate::io::process::command::Recipe;
use crate::io::process::fd_limit::Found;
use crate::io::process::start_error::Failure;
use crate::io::process::stdin_writer::Outbox;
use crate::io::process::supervise::Ended;
use crate::io::process::world_feed::Bulletin;
use crate::io::process::{job_stop, orphans, supervise};
use crate::io::terminal::restore::Console;
use scenario_core::scenario::model::Stop;
use scenario_log::event::{Exit, Source};
use scenario_log::signal as words;

/// How many processes are started in one turn of the loop.
const AT_ONCE: u32 = 8;

/// What the processes share with the tasks that attend to them.
#[derive(Debug)]
pub(super) struct Table {
    context: Rc<Context>,
    pub(super) inbox: Rc<Inbox>,
    multiplexer: Rc<Multiplexer>,
    probes: Rc<Probes>,
    players_text: PlayersText,
    descriptors: Found,
    /// How many have been started in this turn of the loop.
    in_this_turn: Cell<u32>,
    /// Those that have not been started yet; while there are any, a task sees to them or a process
    /// runs that may make room when it ends.
    pub(super) waiting: RefCell<BTreeMap<Source, Waiting>>,
    /// Those that have not ended yet.
    pub(super) running: RefCell<BTreeMap<Source, Running>>,
    /// Those of them that are sent the states of the world.
    pub(super) listeners: RefCell<BTreeMap<Source, Rc<Bulletin>>>,
    /// The groups that have outlived their leader.
    pub(super) left: RefCell<Vec<Rc<Group>>>,
    /// Whether the orphans of all of them come to us.
    pub(super) adopts: Cell<bool>,
    /// The terminal that all of them were started on, where it is to be kept.
    pub(super) console: RefCell<Option<Console>>,
    /// Whether the run stands still, and all of them with it.
    pub(super) paused: Cell<bool>,
}

/// A process that is still to be started.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) preset: usize,
    pub(super) nth: u64,
    /// What it has been sent already.
    pub(super) sent: Vec<Vec<u8>>,
}

/// A process that runs.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) group: Rc<Group>,
    pub(super) end: End,
    /// Where it is sent to, if it can be.
    pub(super) outbox: Option<Rc<Outbox>>,
    /// What it is told of the world, if it reads that.
    pub(super) bulletin: Option<Rc<Bulletin>>,
    /// Whether a signal has stopped it (and not the pause of the run).
    pub(super) suspended: bool,
    /// Asks whether it is ready, if that is to be asked, until it ends or is stopped.
    pub(super) probing: Option<Probing>,
}

/// How far its end has come.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    /// Nobody has asked for it; it would go like this.
    Unasked(Stop),
    /// It was asked to stop, like this and then.
    Asked(Stop, Instant),
    /// It was sent KILL then.
    Forced(Instant),
}

impl End {
    /// The same after a pause, in which no time has passed for it.
    pub(super) fn later(self, pause: Duration) -> End {
        match self {
            End::Unasked(stop) => End::Unasked(stop),
            End::Asked(stop, at) => End::Asked(stop, at + pause),
            End::Forced(at) => End::Forced(at + pause),
        }
    }
}

impl Table {
    /// Nothing yet.
    pub(super) fn new(context: Rc<Context>, inbox: Rc<Inbox>, players_text: PlayersText) -> Rc<Table> {
        // Where the runner was started with SIGCHLD ignored, the kernel would keep no exit for it. A
        // handler of ours (tokio's, for good) takes that back.
        let _ = signal(SignalKind::child());
        let multiplexer = Multiplexer::new(Rc::clone(&context), Rc::clone(&inbox));
        let probes = Probes::new(context.folder.clone(), Rc::clone(&inbox));
        let table = Table {
            context,
            inbox,
            multiplexer,
            probes,
            players_text,
            descriptors: Found::and_raised(),
            in_this_turn: Cell::new(0),
            waiting: RefCell::default(),
            running: RefCell::default(),
            listeners: RefCell::default(),
            left: RefCell::default(),
            adopts: Cell::new(false),
            console: RefCell::default(),
            paused: Cell::new(false),
        };
        let table = Rc::new(table);
        job_stop::watch(&table);
        table
    }

    /// Starts a process now.
    fn start(self: &Rc<Self>, source: Source, preset: usize, nth: u64) -> Result<(), Failure> {
        let recipe = Recipe::new(&self.context, preset, nth, self.players_text)?;
        let stop = recipe.stop;
        let started = supervise::start(&self.multiplexer, source, recipe)?;
        self.descriptors.give(started.pid);
        let (pid, group, outbox) = (started.pid, Rc::clone(&started.group), started.outbox.clone());
        let ready = self.context.scenario.presets[preset].ready();
        let probing = ready.and_then(|ready| self.probes.watch(source, ready));
        let bulletin = started.bulletin.clone();
        let end = End::Unasked(stop);
        let running = Running { group, end, outbox, bulletin, suspended: false, probing };
        self.running.borrow_mut().insert(source, running);
        self.inbox.put(Seen::Started { source, pid });
        let table = Rc::clone(self);
        spawn_local(async move {
            let group = Rc::clone(&started.group);
            let attended = panics::caught(async {
                panics::wanted("process");
                started.attend(source, &table.inbox).await
            });
            let Ended { exit, held, skipped } = attended.await.unwrap_or_else(|| {
                // Nobody attends to it any more, and the run must not wait for it.
                group.signal(Signal::KILL);
                group.leader_ended();
                Ended { exit: Exit::Signal(words::Signal::KILL), held: false, skipped: 0 }
            });
            table.ended(source);
            table.inbox.put(Seen::Exited { source, exit, held, skipped });
            table.start_waiting();
        });
        Ok(())
    }

    /// Forgets a process that has ended, but not the group it may have left.
    fn ended(&self, source: Source) {
        self.listeners.borrow_mut().remove(&source);
        if let Some(Running { group, .. }) = self.running.borrow_mut().remove(&source) {
            let mut left = self.left.borrow_mut();
            left.retain(|group| !group.is_empty());
            if !group.is_empty() {
                left.push(group);
            }
        }
        self.look_at_console();
    }

    /// Takes the terminal back, if one of them has it.
    pub(super) fn look_at_console(&self) {
        if let Some(console) = &mut *self.console.borrow_mut() {
            console.look(|group| self.has(group) || orphans::is_of_us(group));
        }
    }

    /// Whether this is the group of one of them.
    fn has(&self, group: Pid) -> bool {
        self.running.borrow().values().any(|process| process.group.is(group))
            || self.left.borrow().iter().any(|left| left.is(group))
    }

    /// Starts what waits, in order, as far as there is room and not too many for one turn.
    pub(super) fn start_waiting(self: &Rc<Self>) {
        while self.in_this_turn.get() < AT_ONCE {
            let first = self.waiting.borrow_mut().pop_first();
            let Some((source, start)) = first else { return };
            match self.start(source, start.preset, start.nth) {
                Err(Failure::Limit(_)) if !self.running.borrow().is_empty() => {
                    self.waiting.borrow_mut().insert(source, start);
                    return;
                }
                Err(Failure::Limit(error) | Failure::Fault(error)) => {
                    self.could_not_start(source, &start, &error);
                }
                Ok(()) => start.sent.into_iter().for_each(|bytes| self.send(source, bytes)),
            }
            self.count_start();
        }
    }

    /// Counts a start of this turn; the first of them sees to it that there is a next turn.
    fn count_start(self: &Rc<Self>) {
        if self.in_this_turn.replace(self.in_this_turn.get() + 1) == 0 {
            let table = Rc::clone(self);
            spawn_local(async move {
                yield_now().await;
                table.in_this_turn.set(0);
                table.start_waiting();
            });
        }
    }

    /// Gives up a start that waits; false if none does.
    pub(super) fn give_up(&self, source: Source) -> bool {
        let waiting = self.waiting.borrow_mut().remove(&source);
        waiting.is_some_and(|start| {
            self.could_not_start(source, &start, "it was stopped before it could be started");
            true
        })
    }

    /// Sends to a process that runs, or will.
    pub(super) fn send(&self, source: Source, bytes: Vec<u8>) {
        if let Some(start) = self.waiting.borrow_mut().get_mut(&source) {
            return start.sent.push(bytes);
        }
        let sent = match self.running.borrow().get(&source) {
            None => Err("it does not run".to_owned()),
            Some(Running { outbox: None, .. }) => {
                Err("its standard input is not open (`stdin = \"open\"`)".to_owned())
            }
            Some(Running { outbox: Some(outbox), .. }) => outbox.send(bytes),
        };
        if let Err(error) = sent {
            self.inbox.put(Seen::NotSent { source, error });
        }
    }

    /// Tells why a process did not start, and before that, what it has been sent in vain.
    fn could_not_start(&self, source: Source, start: &Waiting, error: &str) {
        for _ in &start.sent {
            self.inbox.put(Seen::NotSent { source, error: "it does not run".to_owned() });
        }
        let error = self.context.secrets.masked(error);
        self.inbox.put(Seen::CouldNotStart { source, error });
    }

    /// Sends KILL to everybody that is left, and tells how many groups and orphans that were.
    pub(super) fn kill_all(&self) -> usize {
        let mut left = self.left.borrow_mut();
        let running = self.running.borrow();
        left.retain(|group| !group.is_empty());
        let led = running.values().map(|process| &process.group).filter(|group| !group.is_empty());
        let groups: Vec<_> = led.chain(left.iter()).collect();
        for group in &groups {
            group.signal(Signal::KILL);
        }
        let led_by = |pid| groups.iter().any(|group| group.is_led_by(pid));
        groups.len() + if self.adopts.get() { orphans::kill_all(led_by) } else { 0 }
    }
}
