//! Starts and stops processes, and tells what became of them.
//!
//! # How it works
//!
//! Each process leads a group of its own. Its two outputs and, where it is sent something, its input
//! are pipes of ours; one task attends to it from start to end. What is told of a process is always
//! either `CouldNotStart`, or `Started`, then its lines, then one `Exited`: that comes when it has
//! ended and both pipes have, or half a second after its end if somebody it started holds them.
//!
//! Starts wait for each other in one place. Of a great many ordered at once a few start in each turn
//! of the loop, since each takes up to a millisecond in which nothing else is done. One for which
//! there are no descriptors or processes left waits until another process has ended; if there is no
//! other, it has failed.
//!
//! It never decides when to start or stop anything, nor whether an exit is a good one. It leaves
//! nobody behind: [`Processes::clear`] and, should it not come to that, dropping it end all groups.

mod attend;
mod blame;
mod descriptors;
mod group;
mod outbox;
mod recipe;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::{spawn_local, yield_now};
use tokio::time::{sleep, timeout};

use crate::hands::Context;
use crate::hands::inbox::{Inbox, Seen};
use crate::hands::multiplexer::Multiplexer;
use crate::scenario::model::{Scenario, Stop};
use crate::words::event::Source;
use blame::Failure;
use descriptors::Found;
use group::{Group, PATIENCE};
use outbox::Outbox;
use recipe::Recipe;

/// How many processes are started in one turn of the loop.
const AT_ONCE: u32 = 8;

/// Gives a sub-process of players its scenario: the scenario and the preset's index, to TOML.
pub type PlayersText = fn(&Scenario, usize) -> String;

/// The processes of a run.
#[derive(Debug)]
pub struct Processes {
    table: Rc<Table>,
}

/// What the processes share with the tasks that attend to them.
#[derive(Debug)]
struct Table {
    context: Rc<Context>,
    inbox: Rc<Inbox>,
    multiplexer: Rc<Multiplexer>,
    players_text: PlayersText,
    descriptors: Found,
    /// How many have been started in this turn of the loop.
    in_this_turn: Cell<u32>,
    /// Those that have not been started yet; while there are any, a task sees to them or a process
    /// runs that may make room when it ends.
    waiting: RefCell<BTreeMap<Source, Waiting>>,
    /// Those that have not ended yet.
    running: RefCell<BTreeMap<Source, Running>>,
    /// The groups that have outlived their leader.
    left: RefCell<Vec<Rc<Group>>>,
}

/// A process that is still to be started.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    preset: usize,
    nth: u64,
}

/// A process that runs.
#[derive(Debug)]
struct Running {
    group: Rc<Group>,
    end: End,
    /// Where it is sent to, if it can be.
    outbox: Option<Rc<Outbox>>,
}

/// How far its end has come.
#[derive(Clone, Copy, Debug)]
enum End {
    /// Nobody has asked for it; it would go like this.
    Unasked(Stop),
    /// It has been asked to stop.
    Asked,
    /// It has been sent KILL.
    Forced,
}

impl Processes {
    /// No process yet. To be called within the runtime that all of them will live on.
    #[must_use]
    pub fn new(context: Rc<Context>, inbox: Rc<Inbox>, players_text: PlayersText) -> Processes {
        // Where the runner was started with SIGCHLD ignored, the kernel would keep no exit for it. A
        // handler of ours (tokio's, for good) takes that back.
        let _ = signal(SignalKind::child());
        let multiplexer = Multiplexer::new(Rc::clone(&context), Rc::clone(&inbox));
        let table = Table {
            context,
            inbox,
            multiplexer,
            players_text,
            descriptors: Found::and_raised(),
            in_this_turn: Cell::new(0),
            waiting: RefCell::default(),
            running: RefCell::default(),
            left: RefCell::default(),
        };
        Processes { table: Rc::new(table) }
    }

    /// Starts spawn number `nth` of a preset.
    pub fn start(&mut self, source: Source, preset: usize, nth: u64) {
        self.table.waiting.borrow_mut().insert(source, Waiting { preset, nth });
        self.table.start_waiting();
    }

    /// Stops a process as its preset says: the signal to its whole group, the grace, then KILL until
    /// the group is empty. Does nothing to one that has ended or is being stopped.
    pub fn stop(&mut self, source: Source) {
        if self.table.give_up(source) {
            return;
        }
        let mut running = self.table.running.borrow_mut();
        let Some(process) = running.get_mut(&source) else { return };
        let End::Unasked(stop) = process.end else { return };
        process.end = End::Asked;
        let group = Rc::clone(&process.group);
        group.ask(stop.signal);
        spawn_local(async move {
            let _ = timeout(stop.grace.to_std(), group.emptied()).await;
            group.kill_all().await;
        });
    }

    /// Ends a process and its group at once. Does nothing to one that has ended.
    pub fn kill(&mut self, source: Source) {
        if self.table.give_up(source) {
            return;
        }
        let mut running = self.table.running.borrow_mut();
        let Some(process) = running.get_mut(&source) else { return };
        if matches!(process.end, End::Forced) {
            return;
        }
        process.end = End::Forced;
        process.group.signal(Signal::KILL);
        let group = Rc::clone(&process.group);
        spawn_local(async move { group.kill_all().await });
    }

    /// Writes `bytes` to the standard input of a process whose preset has it open. Never waits: what
    /// the process does not read at once is written later; what it will not read is told as not sent.
    pub fn send(&mut self, source: Source, bytes: Vec<u8>) {
        let running = self.table.running.borrow();
        let sent = match running.get(&source) {
            None => Err("it does not run".to_owned()),
            Some(Running { outbox: None, .. }) => {
                Err("its standard input is not open (`stdin = \"open\"`)".to_owned())
            }
            Some(Running { outbox: Some(outbox), .. }) => outbox.send(bytes),
        };
        if let Err(error) = sent {
            self.table.inbox.put(Seen::NotSent { source, error });
        }
    }

    /// Ends all that is left of all groups, and returns when nobody is, after two seconds at most.
    pub async fn clear(&mut self) {
        let table = &self.table;
        for source in table.waiting.borrow().keys().copied().collect::<Vec<_>>() {
            table.give_up(source);
        }
        let clearing = async {
            loop {
                let groups = table.groups();
                if groups.is_empty() {
                    return;
                }
                for group in &groups {
                    group.signal(Signal::KILL);
                }
                // Once for all of them: there may be thousands.
                sleep(std::time::Duration::from_millis(2)).await;
            }
        };
        let _ = timeout(PATIENCE, clearing).await;
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        for group in self.table.groups() {
            group.signal(Signal::KILL);
        }
    }
}

impl Table {
    /// Starts a process now.
    fn start(self: &Rc<Self>, source: Source, preset: usize, nth: u64) -> Result<(), Failure> {
        let recipe = Recipe::new(&self.context, preset, nth, self.players_text)?;
        let stop = recipe.stop;
        let started = attend::start(&self.multiplexer, source, recipe)?;
        self.descriptors.give(started.pid);
        let (pid, group, outbox) = (started.pid, Rc::clone(&started.group), started.outbox.clone());
        self.running.borrow_mut().insert(source, Running { group, end: End::Unasked(stop), outbox });
        self.inbox.put(Seen::Started { source, pid });
        let table = Rc::clone(self);
        spawn_local(async move {
            let exit = started.attend(source, &table.inbox).await;
            table.ended(source);
            table.inbox.put(Seen::Exited { source, exit });
            table.start_waiting();
        });
        Ok(())
    }

    /// Forgets a process that has ended, but not the group it may have left.
    fn ended(&self, source: Source) {
        if let Some(Running { group, .. }) = self.running.borrow_mut().remove(&source) {
            let mut left = self.left.borrow_mut();
            left.retain(|group| !group.is_empty());
            if !group.is_empty() {
                left.push(group);
            }
        }
    }

    /// Starts what waits, in order, as far as there is room and not too many for one turn.
    fn start_waiting(self: &Rc<Self>) {
        while self.in_this_turn.get() < AT_ONCE {
            let first = self.waiting.borrow().first_key_value().map(|(source, start)| (*source, *start));
            let Some((source, Waiting { preset, nth })) = first else { return };
            let started = self.start(source, preset, nth);
            if matches!(started, Err(Failure::Limit(_))) && !self.running.borrow().is_empty() {
                return;
            }
            self.waiting.borrow_mut().remove(&source);
            self.count_start();
            if let Err(Failure::Limit(error) | Failure::Fault(error)) = started {
                self.could_not_start(source, &error);
            }
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
    fn give_up(&self, source: Source) -> bool {
        let waiting = self.waiting.borrow_mut().remove(&source);
        if waiting.is_some() {
            self.could_not_start(source, "it was stopped before it could be started");
        }
        waiting.is_some()
    }

    /// Tells why a process did not start.
    fn could_not_start(&self, source: Source, error: &str) {
        let error = self.context.secrets.masked(error);
        self.inbox.put(Seen::CouldNotStart { source, error });
    }

    /// All groups in which somebody may be left.
    fn groups(&self) -> Vec<Rc<Group>> {
        let mut left = self.left.borrow_mut();
        left.retain(|group| !group.is_empty());
        let running = self.running.borrow();
        let led = running.values().map(|process| &process.group).filter(|group| !group.is_empty());
        led.chain(left.iter()).map(Rc::clone).collect()
    }
}
