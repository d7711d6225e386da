//! Who is to be started, runs, or has left somebody behind: what the orders and the tasks that attend
//! to the processes share. The only place that says when a start happens; never decides on an end.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::{spawn_local, yield_now};

use super::RenderPlayersToml;
use super::group::ProcessGroup;
use crate::io::RunContext;
use crate::io::http::probe::{ProbeHandle, ReadinessProber};
use crate::io::inbox::{Inbox, Input};
use crate::io::multiplexer::Multiplexer;
use crate::io::panics;
use crate::io::process::command::CommandSpec;
use crate::io::process::fd_limit::OriginalFdLimit;
use crate::io::process::start_error::ProcessStartError;
use crate::io::process::stdin_writer::StdinWriter;
use crate::io::process::supervise::ProcessExit;
use crate::io::process::world_feed::ProcessWorldFeed;
use crate::io::process::{job_stop, orphans, supervise};
use crate::io::terminal::controlling_terminal::ControllingTerminal;
use scenario_core::scenario::model::StopPolicy;
use scenario_log::event::{Source, SpawnExit};
use scenario_log::signal as words;

/// How many processes are started in one turn of the loop.
const MAX_STARTS_PER_TURN: u32 = 8;

/// What the processes share with the tasks that attend to them.
#[derive(Debug)]
pub(super) struct ProcessRegistry {
    context: Rc<RunContext>,
    pub(super) inbox: Rc<Inbox>,
    multiplexer: Rc<Multiplexer>,
    probes: Rc<ReadinessProber>,
    render_players_toml: RenderPlayersToml,
    original_fd_limit: OriginalFdLimit,
    /// How many have been started in this turn of the loop.
    starts_this_turn: Cell<u32>,
    /// Those that have not been started yet; while there are any, a task sees to them or a process
    /// runs that may make room when it ends.
    pub(super) pending: RefCell<BTreeMap<Source, PendingStart>>,
    /// Those that have not ended yet.
    pub(super) running: RefCell<BTreeMap<Source, RunningProcess>>,
    /// Those of them that are sent the states of the world.
    pub(super) world_feeds: RefCell<BTreeMap<Source, Rc<ProcessWorldFeed>>>,
    /// The groups that have outlived their leader.
    pub(super) leaderless_groups: RefCell<Vec<Rc<ProcessGroup>>>,
    /// Whether the orphans of all of them come to us.
    pub(super) adopts_orphans: Cell<bool>,
    /// The terminal that all of them were started on, where it is to be kept.
    pub(super) terminal: RefCell<Option<ControllingTerminal>>,
    /// Whether the run stands still, and all of them with it.
    pub(super) paused: Cell<bool>,
}

/// A process that is still to be started.
#[derive(Debug)]
pub(super) struct PendingStart {
    pub(super) preset: usize,
    pub(super) nth: u64,
    /// What it has been sent already.
    pub(super) queued_input: Vec<Vec<u8>>,
}

/// A process that runs.
#[derive(Debug)]
pub(super) struct RunningProcess {
    pub(super) group: Rc<ProcessGroup>,
    pub(super) stop_state: ProcessStopState,
    /// Where it is sent to, if it can be.
    pub(super) stdin_writer: Option<Rc<StdinWriter>>,
    /// What it is told of the world, if it reads that.
    pub(super) world_feed: Option<Rc<ProcessWorldFeed>>,
    /// Whether a signal has stopped it (and not the pause of the run).
    pub(super) suspended: bool,
    /// Asks whether it is ready, if that is to be asked, until it ends or is stopped.
    pub(super) probe: Option<ProbeHandle>,
}

/// How far its end has come.
#[derive(Clone, Copy, Debug)]
pub(super) enum ProcessStopState {
    /// Nobody has asked for it; it would go like this.
    NotRequested(StopPolicy),
    /// It was asked to stop, like this and then.
    Requested(StopPolicy, Instant),
    /// It was sent KILL then.
    Killed(Instant),
}

impl ProcessStopState {
    /// The same after a pause, in which no time has passed for it.
    pub(super) fn postponed_by(self, pause: Duration) -> ProcessStopState {
        match self {
            ProcessStopState::NotRequested(stop) => ProcessStopState::NotRequested(stop),
            ProcessStopState::Requested(stop, at) => ProcessStopState::Requested(stop, at + pause),
            ProcessStopState::Killed(at) => ProcessStopState::Killed(at + pause),
        }
    }
}

impl ProcessRegistry {
    /// Nothing yet.
    pub(super) fn new(
        context: Rc<RunContext>,
        inbox: Rc<Inbox>,
        players_text: RenderPlayersToml,
    ) -> Rc<ProcessRegistry> {
        // Where the runner was started with SIGCHLD ignored, the kernel would keep no exit for it. A
        // handler of ours (tokio's, for good) takes that back.
        let _ = signal(SignalKind::child());
        let multiplexer = Multiplexer::new(Rc::clone(&context), Rc::clone(&inbox));
        let probes = ReadinessProber::new(context.folder.clone(), Rc::clone(&inbox));
        let table = ProcessRegistry {
            context,
            inbox,
            multiplexer,
            probes,
            render_players_toml: players_text,
            original_fd_limit: OriginalFdLimit::raise(),
            starts_this_turn: Cell::new(0),
            pending: RefCell::default(),
            running: RefCell::default(),
            world_feeds: RefCell::default(),
            leaderless_groups: RefCell::default(),
            adopts_orphans: Cell::new(false),
            terminal: RefCell::default(),
            paused: Cell::new(false),
        };
        let table = Rc::new(table);
        job_stop::watch_stops(&table);
        table
    }

    /// Starts a process now.
    fn start(self: &Rc<Self>, source: Source, preset: usize, nth: u64) -> Result<(), ProcessStartError> {
        let recipe = CommandSpec::new(&self.context, preset, nth, self.render_players_toml)?;
        let stop = recipe.stop;
        let started = supervise::start_process(&self.multiplexer, source, recipe)?;
        self.original_fd_limit.restore_for(started.pid);
        let (pid, group, outbox) = (started.pid, Rc::clone(&started.group), started.stdin_writer.clone());
        let ready = self.context.scenario.presets[preset].ready();
        let probing = ready.and_then(|ready| self.probes.start_probing(source, ready));
        let bulletin = started.world_feed.clone();
        let end = ProcessStopState::NotRequested(stop);
        let running = RunningProcess {
            group,
            stop_state: end,
            stdin_writer: outbox,
            world_feed: bulletin,
            suspended: false,
            probe: probing,
        };
        self.running.borrow_mut().insert(source, running);
        self.inbox.push(Input::SpawnStarted { source, pid });
        let table = Rc::clone(self);
        spawn_local(async move {
            let group = Rc::clone(&started.group);
            let attended = panics::catch_future(async {
                panics::panic_if_requested("process");
                started.supervise(source, &table.inbox).await
            });
            let ProcessExit { exit, held, skipped } = attended.await.unwrap_or_else(|| {
                // Nobody attends to it any more, and the run must not wait for it.
                group.signal(Signal::KILL);
                group.leader_ended();
                ProcessExit { exit: SpawnExit::Signal(words::Signal::KILL), held: false, skipped: 0 }
            });
            table.remove_ended(source);
            table.inbox.push(Input::SpawnExited { source, exit, held, skipped });
            table.start_pending();
        });
        Ok(())
    }

    /// Forgets a process that has ended, but not the group it may have left.
    fn remove_ended(&self, source: Source) {
        self.world_feeds.borrow_mut().remove(&source);
        if let Some(RunningProcess { group, .. }) = self.running.borrow_mut().remove(&source) {
            let mut left = self.leaderless_groups.borrow_mut();
            left.retain(|group| !group.is_empty());
            if !group.is_empty() {
                left.push(group);
            }
        }
        self.restore_terminal();
    }

    /// Takes the terminal back, if one of them has it.
    pub(super) fn restore_terminal(&self) {
        if let Some(console) = &mut *self.terminal.borrow_mut() {
            console.restore(|group| self.has_group(group) || orphans::is_descendant(group));
        }
    }

    /// Whether this is the group of one of them.
    fn has_group(&self, group: Pid) -> bool {
        self.running.borrow().values().any(|process| process.group.has_id(group))
            || self.leaderless_groups.borrow().iter().any(|left| left.has_id(group))
    }

    /// Starts what waits, in order, as far as there is room and not too many for one turn.
    pub(super) fn start_pending(self: &Rc<Self>) {
        while self.starts_this_turn.get() < MAX_STARTS_PER_TURN {
            let first = self.pending.borrow_mut().pop_first();
            let Some((source, start)) = first else { return };
            match self.start(source, start.preset, start.nth) {
                Err(ProcessStartError::LimitReached(_)) if !self.running.borrow().is_empty() => {
                    self.pending.borrow_mut().insert(source, start);
                    return;
                }
                Err(ProcessStartError::LimitReached(error) | ProcessStartError::Permanent(error)) => {
                    self.report_start_error(source, &start, &error);
                }
                Ok(()) => start.queued_input.into_iter().for_each(|bytes| self.send(source, bytes)),
            }
            self.count_start();
        }
    }

    /// Counts a start of this turn; the first of them sees to it that there is a next turn.
    fn count_start(self: &Rc<Self>) {
        if self.starts_this_turn.replace(self.starts_this_turn.get() + 1) == 0 {
            let table = Rc::clone(self);
            spawn_local(async move {
                yield_now().await;
                table.starts_this_turn.set(0);
                table.start_pending();
            });
        }
    }

    /// Gives up a start that waits; false if none does.
    pub(super) fn cancel_start(&self, source: Source) -> bool {
        let waiting = self.pending.borrow_mut().remove(&source);
        waiting.is_some_and(|start| {
            self.report_start_error(source, &start, "it was stopped before it could be started");
            true
        })
    }

    /// Sends to a process that runs, or will.
    pub(super) fn send(&self, source: Source, bytes: Vec<u8>) {
        if let Some(start) = self.pending.borrow_mut().get_mut(&source) {
            return start.queued_input.push(bytes);
        }
        let sent = match self.running.borrow().get(&source) {
            None => Err("it does not run".to_owned()),
            Some(RunningProcess { stdin_writer: None, .. }) => {
                Err("its standard input is not open (`stdin = \"open\"`)".to_owned())
            }
            Some(RunningProcess { stdin_writer: Some(outbox), .. }) => outbox.enqueue(bytes),
        };
        if let Err(error) = sent {
            self.inbox.push(Input::SendFailed { source, error });
        }
    }

    /// Tells why a process did not start, and before that, what it has been sent in vain.
    fn report_start_error(&self, source: Source, start: &PendingStart, error: &str) {
        for _ in &start.queued_input {
            self.inbox.push(Input::SendFailed { source, error: "it does not run".to_owned() });
        }
        let error = self.context.secrets.mask_text(error);
        self.inbox.push(Input::SpawnFailed { source, error });
    }

    /// Sends KILL to everybody that is left, and tells how many groups and orphans that were.
    pub(super) fn kill_all(&self) -> usize {
        let mut left = self.leaderless_groups.borrow_mut();
        let running = self.running.borrow();
        left.retain(|group| !group.is_empty());
        let led = running.values().map(|process| &process.group).filter(|group| !group.is_empty());
        let groups: Vec<_> = led.chain(left.iter()).collect();
        for group in &groups {
            group.signal(Signal::KILL);
        }
        let led_by = |pid| groups.iter().any(|group| group.is_led_by(pid));
        groups.len() + if self.adopts_orphans.get() { orphans::kill_children(led_by) } else { 0 }
    }
}
