//! Starts and stops processes, and reports what became of them.
//!
//! # How it works
//!
//! Each process leads a group of its own. Its two outputs and, where it gets input, its standard input
//! are pipes; one task supervises it from start to end. The reports of a process are always either
//! `SpawnFailed`, or `SpawnStarted`, then its lines, then one `SpawnExited`. The last comes when the
//! process and both pipes have ended, or half a second after the process's end if a process that it
//! started still holds them. If the process was asked to end, it is its whole group that has ended, in
//! its grace or by KILL: a shell often ends before the program that it runs.
//!
//! All starts go through one place. Of a great many that are ordered at once, a few are done in each
//! turn of the event loop, since each takes up to a millisecond in which nothing else is done. A start
//! that finds no descriptors or processes left waits until another process has ended; if there is no
//! other, it has failed.
//!
//! A process that is ready by a port, a URL or a command is probed from its start until it has answered, has
//! ended or is stopped ([`prober`]). Before its start its port must be free ([`port_check`]). One that is watched
//! is probed on from its readiness. Commands of the runner's own about a process are [short](short_command).
//!
//! A process that reads the world gets its states from a [`world_feed`], which never grows.
//!
//! A process of a preset with `pty = true` has a terminal of its own ([`pty`]) in place of the pipes.
//!
//! A process with limits, or of another user, starts as this program, which takes these on ([`prepared`]).
//!
//! What a process uses is looked at now and then, and reported as samples where its preset wants them
//! ([`usage`], [`sampling`]).
//!
//! The processes that a process starts stay in its group, or leave it and become orphans ([`orphans`]).
//!
//! It never decides when to start or stop anything, nor whether an exit is a good one. It leaves no
//! process behind: [`Processes::kill_remaining`] ends all groups, and so does dropping [`Processes`].

mod child;
mod command;
mod fd_limit;
mod group;
mod job_stop;
pub(in crate::io) mod orphans;
mod port_check;
mod port_holder;
pub mod prepared;
mod prober;
mod procfs;
pub mod pty;
mod registry;
mod sampling;
mod short_command;
mod start_error;
mod stdin_writer;
mod stopping;
mod supervise;
mod unresponsive;
mod usage;
mod world_feed;

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::spawn_local;
use tokio::time::{sleep, timeout};

use crate::io::RunContext;
use crate::io::inbox::Inbox;
use crate::io::process::registry::{PendingStart, ProcessRegistry, ProcessStopState};
use crate::io::terminal::controlling_terminal::ControllingTerminal;
use crate::io::terminal::line_editor::EditedLine;
use group::KILL_TIMEOUT;
use scenario_core::scenario::model::Scenario;
use scenario_log::event::Source;
use scenario_log::signal::Signal;

pub use crate::io::process::stdin_writer::ProcessInput;
pub use crate::io::process::unresponsive::UnresponsiveProcess;

/// How often the processes that do not end are reported.
const UNRESPONSIVE_INTERVAL: Duration = Duration::from_secs(1);

/// How often the runner checks whether a program has taken the terminal.
const TERMINAL_CHECK_INTERVAL: Duration = Duration::from_millis(250);

/// Of more processes than this none is looked at before it is stopped: all of them may be stopped at once, and each
/// look takes a tenth of a millisecond.
pub(super) const CROWD: usize = 256;

/// Renders the scenario of a preset of players as TOML, for a process that plays it; takes the
/// scenario and the preset's index.
pub type RenderPlayersToml = fn(&Scenario, usize) -> String;

/// The number of a spawn among those of its preset.
#[derive(Clone, Copy, Debug)]
pub struct SpawnNumber {
    /// The number of earlier spawns, on which the players' draws depend.
    pub nth: u64,
    /// The number of its place, from 1, for the texts of a program.
    pub instance: u64,
}

/// The processes of a run.
#[derive(Debug)]
pub struct Processes {
    registry: Rc<ProcessRegistry>,
    /// When to check again for processes that do not end, while there may be some.
    next_unresponsive_check: Option<Instant>,
}

fn one_interval_from_now() -> Instant {
    Instant::now() + UNRESPONSIVE_INTERVAL
}

impl Processes {
    /// Starts with no process. To be called within the runtime that will run all of them.
    #[must_use]
    pub fn new(context: Rc<RunContext>, inbox: Rc<Inbox>, players_text: RenderPlayersToml) -> Processes {
        let registry = ProcessRegistry::new(context, inbox, players_text);
        job_stop::watch_stops(&registry);
        Processes { registry, next_unresponsive_check: None }
    }

    /// Starts a spawn of a preset.
    pub fn start(&mut self, source: Source, preset: usize, number: SpawnNumber) {
        let checks_port = self.registry.begin_port_check(source, preset, number);
        self.registry.pending.borrow_mut().insert(
            source,
            PendingStart {
                preset,
                checks_port,
                number,
                queued_input: Vec::new(),
                queued_signals: Vec::new(),
            },
        );
        self.registry.start_pending();
    }

    /// Probes from now on whether a process is alive, as its preset says. Does nothing if it has ended or is being
    /// stopped.
    pub fn watch(&mut self, source: Source) {
        let mut running = self.registry.running.borrow_mut();
        if let Some(process) = running.get_mut(&source)
            && matches!(process.stop_state, ProcessStopState::NotRequested(_))
        {
            let program = process.program.as_ref();
            process.probe = program.and_then(|program| self.registry.prober.start_liveness(source, program));
        }
    }

    /// Stops a process by its preset's policy: its command or the signal to its whole group, the grace, then KILL
    /// until the group is empty. Does nothing if the process has ended or is being stopped.
    pub fn stop(&mut self, source: Source) {
        if self.registry.cancel_start(source) {
            return;
        }
        if self.registry.begin_stop(source) {
            self.next_unresponsive_check.get_or_insert_with(one_interval_from_now);
        }
    }

    /// Kills a process and its group at once. Does nothing if it has ended.
    pub fn kill(&mut self, source: Source) {
        if self.registry.cancel_start(source) {
            return;
        }
        let mut running = self.registry.running.borrow_mut();
        let is_crowd = running.len() > CROWD;
        let Some(process) = running.get_mut(&source) else { return };
        if matches!(process.stop_state, ProcessStopState::Killed(_)) {
            return;
        }
        if !is_crowd {
            process.usage.look();
        }
        process.stop_state = ProcessStopState::Killed(Instant::now());
        self.next_unresponsive_check.get_or_insert_with(one_interval_from_now);
        process.probe = None;
        if let Some(task) = process.stop_task.take() {
            // A command that asks it to end is killed with it.
            task.abort();
        }
        process.group.begin_stop();
        process.group.kill();
        let group = Rc::clone(&process.group);
        spawn_local(async move { group.kill_all().await });
    }

    /// Sends a signal to a process and its group. One that is to be started gets it right after its start; one
    /// that has ended, never.
    pub fn signal(&mut self, source: Source, signal: Signal) {
        self.registry.signal(source, signal);
    }

    /// Writes `input` to the standard input of a process whose preset has it open. Never waits: bytes
    /// that the process does not read at once are written later. Bytes that it does not read in the
    /// end are reported as not sent, also if it has ended or could not start.
    pub fn send(&mut self, source: Source, input: impl Into<ProcessInput>) {
        self.registry.send(source, input.into());
    }

    /// From now on the terminal on which `line` is typed can be given to a program.
    pub fn share_terminal(&mut self, line: &EditedLine) {
        self.registry.set_typed_line(line);
    }

    /// Gives the terminal to a process: what is typed goes to it, until it ends or a person takes the terminal
    /// back. `note` says so on the screen.
    ///
    /// # Errors
    /// If there is no such terminal, or the process does not read.
    pub fn attach(&mut self, source: Source, note: String) -> Result<(), String> {
        self.registry.attach(source, note)
    }

    /// Sends the states of the world that come from now on to a process whose preset reads them.
    pub fn subscribe_to_world(&mut self, source: Source) {
        let running = self.registry.running.borrow();
        if let Some(feed) = running.get(&source).and_then(|process| process.world_feed.clone()) {
            self.registry.world_feeds.borrow_mut().insert(source, feed);
        }
    }

    /// Sends a state of the world to all subscribed processes. The `skipped` states before it are
    /// lost for them. Never waits: a process that has not read the last one gets the newest when it
    /// does.
    pub fn broadcast_world(&mut self, line: &Arc<[u8]>, skipped: u64) {
        for feed in self.registry.world_feeds.borrow().values() {
            feed.send(line, skipped);
        }
    }

    /// The warnings that came up since the last call.
    #[must_use]
    pub fn take_notices(&self) -> Vec<String> {
        self.registry.notices.take()
    }

    /// When to check again for processes that do not end, while there may be some.
    #[must_use]
    pub fn next_unresponsive_check(&self) -> Option<Instant> {
        self.next_unresponsive_check
    }

    /// The processes that were asked to end and have not, if it is time to check: once a second.
    pub fn take_unresponsive(&mut self) -> Vec<UnresponsiveProcess> {
        let now = Instant::now();
        if self.next_unresponsive_check.is_none_or(|look| now < look) {
            return Vec::new();
        }
        let unresponsive = self.registry.unresponsive(now);
        self.next_unresponsive_check = (!unresponsive.is_empty()).then(one_interval_from_now);
        unresponsive
    }

    /// Stops the groups of all processes, as a shell stops a job.
    pub fn stop_groups(&self) {
        self.registry.stop_all();
    }

    /// Continues all of them, after a pause of this length.
    pub fn continue_groups(&self, pause: Duration) {
        self.registry.continue_all(pause);
    }

    /// From now on also finds processes that leave their group and become daemons, and waits for every
    /// other child of the program that ends. Only for a program that starts all its children here:
    /// [`Processes::kill_remaining`] then ends every other child that it has.
    pub fn adopt_orphans(&mut self) {
        self.registry.owns_children.set(true);
        self.registry.adopts_orphans.set(crate::io::process::orphans::become_subreaper());
    }

    /// From now on looks after the terminal that the program was started on, if there is one: a
    /// process that takes it loses it again, and when a process has ended the modes are restored.
    pub fn watch_terminal(&mut self) {
        let Some(terminal) = ControllingTerminal::open() else { return };
        *self.registry.terminal.borrow_mut() = Some(terminal);
        let registry = Rc::clone(&self.registry);
        spawn_local(async move {
            loop {
                sleep(TERMINAL_CHECK_INTERVAL).await;
                registry.restore_terminal();
            }
        });
    }

    /// Kills everything that is left, and returns when nothing is, or after two seconds.
    pub async fn kill_remaining(&mut self) {
        let registry = &self.registry;
        for source in registry.pending.borrow().keys().copied().collect::<Vec<_>>() {
            registry.cancel_start(source);
        }
        let clearing = async {
            while registry.kill_all() > 0 {
                // One pause for all of them: there may be thousands.
                sleep(Duration::from_millis(2)).await;
            }
        };
        let _ = timeout(KILL_TIMEOUT, clearing).await;
        registry.restore_terminal();
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        // The supervising tasks may outlive this; none of them may start anything any more.
        self.registry.pending.borrow_mut().clear();
        self.registry.kill_all();
    }
}
