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
//! One that is ready by a port or a URL is probed from its start until it has answered, has ended or
//! is stopped.
//!
//! One that reads the world gets its states by a [`bulletin`], which never grows.
//!
//! A process of a preset with `pty = true` has a [`terminal`] of its own in the place of the pipes.
//!
//! What a process starts in turn stays in its group, or, having left it, comes to us as an orphan.
//!
//! It never decides when to start or stop anything, nor whether an exit is a good one. It leaves
//! nobody behind: [`Processes::clear`] and, should it not come to that, dropping it end all groups.

mod command;
mod fd_limit;
mod group;
mod job_stop;
pub(in crate::io) mod orphans;
pub mod pty;
mod registry;
mod start_error;
mod stdin_writer;
mod supervise;
mod unresponsive;
mod world_feed;

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::task::spawn_local;
use tokio::time::{sleep, timeout};

use crate::io::RunContext;
use crate::io::inbox::Inbox;
use crate::io::process::registry::{PendingStart, ProcessRegistry, ProcessStopState};
use crate::io::terminal::controlling_terminal::ControllingTerminal;
use group::KILL_TIMEOUT;
use scenario_core::scenario::model::Scenario;
use scenario_log::event::Source;

pub use crate::io::process::unresponsive::UnresponsiveProcess;

/// How often it is told who lingers.
const UNRESPONSIVE_INTERVAL: Duration = Duration::from_secs(1);

/// How often it is looked whether one of them has taken the terminal.
const TERMINAL_CHECK_INTERVAL: Duration = Duration::from_millis(250);

/// Gives a sub-process of players its scenario: the scenario and the preset's index, to TOML.
pub type RenderPlayersToml = fn(&Scenario, usize) -> String;

/// The processes of a run.
#[derive(Debug)]
pub struct Processes {
    registry: Rc<ProcessRegistry>,
    /// When to look next who lingers, while somebody may.
    next_unresponsive_check: Option<Instant>,
}

/// A second from now.
fn one_interval_from_now() -> Instant {
    Instant::now() + UNRESPONSIVE_INTERVAL
}

impl Processes {
    /// No process yet. To be called within the runtime that all of them will live on.
    #[must_use]
    pub fn new(context: Rc<RunContext>, inbox: Rc<Inbox>, players_text: RenderPlayersToml) -> Processes {
        let registry = ProcessRegistry::new(context, inbox, players_text);
        job_stop::watch_stops(&registry);
        Processes { registry, next_unresponsive_check: None }
    }

    /// Starts spawn number `nth` of a preset.
    pub fn start(&mut self, source: Source, preset: usize, nth: u64) {
        self.registry
            .pending
            .borrow_mut()
            .insert(source, PendingStart { preset, nth, queued_input: Vec::new() });
        self.registry.start_pending();
    }

    /// Stops a process as its preset says: the signal to its whole group, the grace, then KILL until
    /// the group is empty. Does nothing to one that has ended or is being stopped.
    pub fn stop(&mut self, source: Source) {
        if self.registry.cancel_start(source) {
            return;
        }
        let mut running = self.registry.running.borrow_mut();
        let Some(process) = running.get_mut(&source) else { return };
        let ProcessStopState::NotRequested(stop) = process.stop_state else { return };
        process.stop_state = ProcessStopState::Requested(stop, Instant::now());
        self.next_unresponsive_check.get_or_insert_with(one_interval_from_now);
        process.probe = None;
        let (group, inbox) = (Rc::clone(&process.group), Rc::clone(&self.registry.inbox));
        group.request_stop(stop.signal);
        spawn_local(async move {
            let _ = inbox.paused_time().timeout_unpaused(stop.grace.to_std(), group.wait_until_empty()).await;
            group.kill_all().await;
        });
    }

    /// Ends a process and its group at once. Does nothing to one that has ended.
    pub fn kill(&mut self, source: Source) {
        if self.registry.cancel_start(source) {
            return;
        }
        let mut running = self.registry.running.borrow_mut();
        let Some(process) = running.get_mut(&source) else { return };
        if matches!(process.stop_state, ProcessStopState::Killed(_)) {
            return;
        }
        process.stop_state = ProcessStopState::Killed(Instant::now());
        self.next_unresponsive_check.get_or_insert_with(one_interval_from_now);
        process.probe = None;
        process.group.signal(Signal::KILL);
        let group = Rc::clone(&process.group);
        spawn_local(async move { group.kill_all().await });
    }

    /// Writes `bytes` to the standard input of a process whose preset has it open. Never waits: what
    /// the process does not read at once is written later; what it will not read is told as not sent,
    /// also if it has ended or could not start.
    pub fn send(&mut self, source: Source, bytes: Vec<u8>) {
        self.registry.send(source, bytes);
    }

    /// Sends a process whose preset reads the world the states that come from now on.
    pub fn subscribe_to_world(&mut self, source: Source) {
        let running = self.registry.running.borrow();
        if let Some(bulletin) = running.get(&source).and_then(|process| process.world_feed.clone()) {
            self.registry.world_feeds.borrow_mut().insert(source, bulletin);
        }
    }

    /// Sends a state of the world to all who listen, for whom `skipped` states before it are lost. Never
    /// waits: who has not read what was sent before gets the newest when it does.
    pub fn broadcast_world(&mut self, line: &Arc<[u8]>, skipped: u64) {
        for bulletin in self.registry.world_feeds.borrow().values() {
            bulletin.send(line, skipped);
        }
    }

    /// When to look next who lingers, while somebody may.
    #[must_use]
    pub fn next_unresponsive_check(&self) -> Option<Instant> {
        self.next_unresponsive_check
    }

    /// Who was asked to end and has not, if it is time to look: once a second.
    pub fn take_unresponsive(&mut self) -> Vec<UnresponsiveProcess> {
        let now = Instant::now();
        if self.next_unresponsive_check.is_none_or(|look| now < look) {
            return Vec::new();
        }
        let lingering = self.registry.unresponsive(now);
        self.next_unresponsive_check = (!lingering.is_empty()).then(one_interval_from_now);
        lingering
    }

    /// Stops the groups of all of them, as a shell stops a job.
    pub fn stop_groups(&self) {
        self.registry.stop_all();
    }

    /// Lets all of them go on, after a pause of this length.
    pub fn continue_groups(&self, pause: Duration) {
        self.registry.continue_all(pause);
    }

    /// From now on finds those too that leave their group and become daemons. Only for a program all of
    /// whose children are started here: [`Processes::clear`] then ends every other child it has.
    pub fn adopt_orphans(&mut self) {
        self.registry.adopts_orphans.set(crate::io::process::orphans::become_subreaper());
    }

    /// Sees from now on to the terminal that the program was started on, if there is one: who takes it
    /// loses it again, and its modes are as they were when one of them has ended.
    pub fn watch_terminal(&mut self) {
        let Some(console) = ControllingTerminal::open() else { return };
        *self.registry.terminal.borrow_mut() = Some(console);
        let table = Rc::clone(&self.registry);
        spawn_local(async move {
            loop {
                sleep(TERMINAL_CHECK_INTERVAL).await;
                table.restore_terminal();
            }
        });
    }

    /// Ends all that is left of all of them, and returns when nobody is, after two seconds at most.
    pub async fn kill_remaining(&mut self) {
        let table = &self.registry;
        for source in table.pending.borrow().keys().copied().collect::<Vec<_>>() {
            table.cancel_start(source);
        }
        let clearing = async {
            while table.kill_all() > 0 {
                // Once for all of them: there may be thousands.
                sleep(Duration::from_millis(2)).await;
            }
        };
        let _ = timeout(KILL_TIMEOUT, clearing).await;
        table.restore_terminal();
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        // The tasks may outlive us: none of them shall start anything any more.
        self.registry.pending.borrow_mut().clear();
        self.registry.kill_all();
    }
}
