//! The processes that are to be started, run, or have left a group without a leader; shared by the
//! run's effects and the tasks that supervise. Decides when a start happens, and never when an end
//! does.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::{AbortHandle, spawn_local, yield_now};

use super::group::ProcessGroup;
use super::{RenderPlayersToml, SpawnNumber};
use crate::io::RunContext;
use crate::io::inbox::{Inbox, Input};
use crate::io::multiplexer::Multiplexer;
use crate::io::multiplexer::output_copy::OutputCopy;
use crate::io::notices::Notices;
use crate::io::panics;
use crate::io::process::command::CommandSpec;
use crate::io::process::fd_limit::OriginalFdLimit;
use crate::io::process::prepared::Preparation;
use crate::io::process::prepared::cgroup::ControlGroups;
use crate::io::process::prober::{ProbeHandle, ProgramProber};
use crate::io::process::short_command::ShortCommands;
use crate::io::process::start_error::ProcessStartError;
use crate::io::process::stdin_writer::{ProcessInput, StdinWriter};
use crate::io::process::supervise::ProcessExit;
use crate::io::process::usage::{OtherChildren, UsageWatch};
use crate::io::process::world_feed::ProcessWorldFeed;
use crate::io::process::{orphans, supervise};
use crate::io::terminal::attachment::AttachedProgram;
use crate::io::terminal::controlling_terminal::ControllingTerminal;
use crate::io::terminal::line_editor::EditedLine;
use scenario_core::scenario::model::{CommandPreset, StopPolicy};
use scenario_log::event::{Source, SpawnExit, SpawnUsage};
use scenario_log::signal as log_signal;

/// How many processes are started in one turn of the event loop.
const MAX_STARTS_PER_TURN: u32 = 8;

/// The state that effects and supervising tasks share.
#[derive(Debug)]
pub(super) struct ProcessRegistry {
    pub(super) context: Rc<RunContext>,
    pub(super) inbox: Rc<Inbox>,
    multiplexer: Rc<Multiplexer>,
    pub(super) prober: Rc<ProgramProber>,
    /// The commands that probe programs or stop them.
    pub(super) short_commands: Rc<ShortCommands>,
    render_players_toml: RenderPlayersToml,
    original_fd_limit: OriginalFdLimit,
    /// How many have been started in this turn of the event loop.
    starts_this_turn: Cell<u32>,
    /// Processes that have not been started yet. While there are any, a task will start them, or a
    /// process runs that makes room when it ends.
    pub(super) pending: RefCell<BTreeMap<Source, PendingStart>>,
    /// Processes that have not ended yet.
    pub(super) running: RefCell<BTreeMap<Source, RunningProcess>>,
    /// The feeds of the processes that get the states of the world.
    pub(super) world_feeds: RefCell<BTreeMap<Source, Rc<ProcessWorldFeed>>>,
    /// The groups that have lost their leader.
    pub(super) leaderless_groups: RefCell<Vec<Rc<ProcessGroup>>>,
    /// Whether the runner is the subreaper of all of them.
    pub(super) adopts_orphans: Cell<bool>,
    /// Whether every child of the runner was started here or is an orphan of one that was.
    pub(super) owns_children: Cell<bool>,
    /// The terminal that the run was started on, if it is looked after.
    pub(super) terminal: RefCell<Option<ControllingTerminal>>,
    /// The line that is typed on it, if the terminal can be given to a program.
    pub(super) typed_line: RefCell<Option<EditedLine>>,
    /// Whether the run is paused, and all processes with it.
    pub(super) paused: Cell<bool>,
    /// The children of the runner that no spawn began with, as they were when a sample needed them.
    pub(super) other_children: OtherChildren,
    /// Where the groups of programs with limits are made.
    control_groups: Rc<ControlGroups>,
    /// Warnings that the driver shows.
    pub(super) notices: Rc<Notices>,
}

/// A process that is still to be started.
#[derive(Debug)]
pub(super) struct PendingStart {
    pub(super) preset: usize,
    /// It waits until it is known whether its port is free.
    pub(super) checks_port: bool,
    pub(super) number: SpawnNumber,
    /// Input for it that came before its start.
    pub(super) queued_input: Vec<ProcessInput>,
    /// Signals for it that came before its start.
    pub(super) queued_signals: Vec<log_signal::Signal>,
}

/// A process that runs.
#[derive(Debug)]
pub(super) struct RunningProcess {
    pub(super) preset: usize,
    /// The program, if it is probed or stopped by a command.
    pub(super) program: Option<Rc<CommandPreset>>,
    pub(super) group: Rc<ProcessGroup>,
    pub(super) stop_state: ProcessStopState,
    /// Writes its standard input, if it is open.
    pub(super) stdin_writer: Option<Rc<StdinWriter>>,
    /// Sends it the states of the world, if it reads them.
    pub(super) world_feed: Option<Rc<ProcessWorldFeed>>,
    /// Whether a signal has stopped it (and not a pause of the run).
    pub(super) suspended: bool,
    /// Probes whether it is ready, or, later, alive, until it ends or is stopped; `None` if there is
    /// nothing to probe.
    pub(super) probe: Option<ProbeHandle>,
    /// The task that stops it, once it is asked to end.
    pub(super) stop_task: Option<AbortHandle>,
    /// Watches what it uses.
    pub(super) usage: Rc<UsageWatch>,
}

/// How far the end of a process has come.
#[derive(Clone, Debug)]
pub(super) enum ProcessStopState {
    /// It was not asked to end; this is how it would be.
    NotRequested(StopPolicy),
    /// The command of its policy was started at this time, to ask it to end.
    Commanded(Instant),
    /// It was asked to end by the signal of this policy, at this time.
    Requested(StopPolicy, Instant),
    /// It was sent KILL at this time.
    Killed(Instant),
}

impl ProcessStopState {
    /// The same after a pause, which does not count.
    pub(super) fn postponed_by(self, pause: Duration) -> ProcessStopState {
        match self {
            ProcessStopState::NotRequested(stop) => ProcessStopState::NotRequested(stop),
            ProcessStopState::Commanded(at) => ProcessStopState::Commanded(at + pause),
            ProcessStopState::Requested(stop, at) => ProcessStopState::Requested(stop, at + pause),
            ProcessStopState::Killed(at) => ProcessStopState::Killed(at + pause),
        }
    }
}

impl ProcessRegistry {
    pub(super) fn new(
        context: Rc<RunContext>,
        inbox: Rc<Inbox>,
        players_text: RenderPlayersToml,
    ) -> Rc<ProcessRegistry> {
        // If the runner was started with SIGCHLD ignored, the kernel would keep no exit status for
        // it. A handler, which tokio keeps for good, takes that back.
        let _ = signal(SignalKind::child());
        let multiplexer = Multiplexer::new(Rc::clone(&context), Rc::clone(&inbox));
        let original_fd_limit = OriginalFdLimit::raise();
        let short_commands = ShortCommands::new(Rc::clone(&context), Rc::clone(&inbox), original_fd_limit);
        let prober = ProgramProber::new(Rc::clone(&context), Rc::clone(&inbox), Rc::clone(&short_commands));
        let registry = ProcessRegistry {
            context,
            inbox,
            multiplexer,
            prober,
            short_commands,
            render_players_toml: players_text,
            original_fd_limit,
            starts_this_turn: Cell::new(0),
            pending: RefCell::default(),
            running: RefCell::default(),
            world_feeds: RefCell::default(),
            leaderless_groups: RefCell::default(),
            adopts_orphans: Cell::new(false),
            owns_children: Cell::new(false),
            terminal: RefCell::default(),
            typed_line: RefCell::default(),
            paused: Cell::new(false),
            other_children: OtherChildren::default(),
            control_groups: Rc::default(),
            notices: Rc::default(),
        };
        Rc::new(registry)
    }

    /// Starts a process now.
    fn start(
        self: &Rc<Self>,
        source: Source,
        preset: usize,
        number: SpawnNumber,
    ) -> Result<(), ProcessStartError> {
        let spec = CommandSpec::new(
            &self.context,
            preset,
            number,
            self.render_players_toml,
            (&self.control_groups, &self.notices),
        )?;
        let limits_files = spec.preparation.as_ref().is_some_and(Preparation::limits_files);
        let stop = spec.stop.clone();
        let copy = self.open_output_copy(source, preset)?;
        let mut started = supervise::start_process(&self.multiplexer, source, spec)?;
        started.copy_output(copy);
        if !limits_files {
            self.original_fd_limit.restore_for(started.pid);
        }
        let (pid, group, stdin_writer) =
            (started.pid, Rc::clone(&started.group), started.stdin_writer.clone());
        let program = self.cared_program(preset, number);
        let probe = program.as_ref().and_then(|program| self.prober.start_readiness(source, program));
        let world_feed = started.world_feed.clone();
        let end = ProcessStopState::NotRequested(stop);
        let running = RunningProcess {
            preset,
            program,
            group,
            stop_state: end,
            stdin_writer,
            world_feed,
            suspended: false,
            probe,
            stop_task: None,
            usage: Rc::clone(&started.usage),
        };
        self.running.borrow_mut().insert(source, running);
        self.inbox.push(Input::SpawnStarted { source, pid });
        self.start_sampling(source, preset, &started.usage);
        let registry = Rc::clone(self);
        spawn_local(async move {
            let group = Rc::clone(&started.group);
            let supervised = panics::catch_future(async {
                panics::panic_if_requested("process");
                started.supervise(source, &registry.inbox).await
            });
            let ProcessExit { exit, held, killed, skipped, usage } = supervised.await.unwrap_or_else(|| {
                // The task that supervised it has failed, and the run must not wait for it.
                group.signal(Signal::KILL);
                group.leader_ended();
                let exit = SpawnExit::Signal(log_signal::Signal::KILL);
                ProcessExit { exit, held: false, killed: false, skipped: 0, usage: SpawnUsage::default() }
            });
            registry.remove_ended(source);
            registry.inbox.push(Input::SpawnExited { source, exit, held, killed, skipped, usage });
            registry.start_pending();
        });
        Ok(())
    }

    /// The program of a preset as a spawn runs it, if it is probed or stopped by a command.
    pub(super) fn cared_program(&self, preset: usize, number: SpawnNumber) -> Option<Rc<CommandPreset>> {
        let program = self.context.scenario.presets[preset].command()?;
        let is_probed = program.ready.as_ref().is_some_and(|ready| ready.probe().is_some());
        let has_commands = program.alive.is_some() || !program.stop.command.is_empty();
        (is_probed || has_commands).then(|| Rc::new(program.for_instance(number.instance)))
    }

    /// Opens the file of its preset that gets the output of a spawn, if there is one.
    fn open_output_copy(
        &self,
        source: Source,
        preset: usize,
    ) -> Result<Option<Rc<OutputCopy>>, ProcessStartError> {
        let command = self.context.scenario.presets[preset].command();
        let Some(path) = command.and_then(|command| command.resources.output.as_deref()) else {
            return Ok(None);
        };
        OutputCopy::open(&self.context.folder.join(path), path, source, &self.notices)
            .map(Some)
            .map_err(ProcessStartError::Permanent)
    }

    /// Removes a process that has ended, but keeps the group that it may have left.
    fn remove_ended(&self, source: Source) {
        if let Some(line) =
            self.typed_line.borrow().as_ref().filter(|line| line.attached_spawn() == Some(source))
        {
            line.detach();
        }
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

    /// Takes the terminal back if one of the processes has it.
    pub(super) fn restore_terminal(&self) {
        let is_given = |line: &EditedLine| line.attached_spawn().is_some();
        if self.typed_line.borrow().as_ref().is_some_and(is_given) {
            return;
        }
        if let Some(terminal) = &mut *self.terminal.borrow_mut() {
            terminal.restore(|group| self.has_group(group) || orphans::is_descendant(group));
        }
    }

    /// Whether this is the group of one of the processes.
    fn has_group(&self, group: Pid) -> bool {
        self.running.borrow().values().any(|process| process.group.has_id(group))
            || self.leaderless_groups.borrow().iter().any(|left| left.has_id(group))
    }

    /// Starts pending processes in order, as far as there is room and not too many in one turn.
    pub(super) fn start_pending(self: &Rc<Self>) {
        while self.starts_this_turn.get() < MAX_STARTS_PER_TURN {
            let Some((source, start)) = self.take_startable() else { return };
            match self.start(source, start.preset, start.number) {
                Err(ProcessStartError::LimitReached(_)) if !self.running.borrow().is_empty() => {
                    self.pending.borrow_mut().insert(source, start);
                    return;
                }
                Err(ProcessStartError::LimitReached(error) | ProcessStartError::Permanent(error)) => {
                    self.report_start_error(source, &start, &error);
                }
                Ok(()) => {
                    start.queued_input.into_iter().for_each(|input| self.send(source, input));
                    start.queued_signals.into_iter().for_each(|signal| self.signal(source, signal));
                }
            }
            self.count_start();
        }
    }

    /// The first pending process that does not wait for the check of its port.
    fn take_startable(&self) -> Option<(Source, PendingStart)> {
        let mut pending = self.pending.borrow_mut();
        let source = pending.iter().find(|(_, start)| !start.checks_port).map(|(source, _)| *source)?;
        Some((source, pending.remove(&source)?))
    }

    /// Counts a start of this turn. The first one makes sure that there is a next turn.
    fn count_start(self: &Rc<Self>) {
        if self.starts_this_turn.replace(self.starts_this_turn.get() + 1) == 0 {
            let registry = Rc::clone(self);
            spawn_local(async move {
                yield_now().await;
                registry.starts_this_turn.set(0);
                registry.start_pending();
            });
        }
    }

    /// Cancels a pending start; false if there is none.
    pub(super) fn cancel_start(&self, source: Source) -> bool {
        let waiting = self.pending.borrow_mut().remove(&source);
        waiting.is_some_and(|start| {
            self.report_start_error(source, &start, "it was stopped before it could be started");
            true
        })
    }

    /// Sends a signal to the group of a process that runs or will.
    pub(super) fn signal(&self, source: Source, signal: log_signal::Signal) {
        if let Some(start) = self.pending.borrow_mut().get_mut(&source) {
            return start.queued_signals.push(signal);
        }
        let number = i32::from(signal.number());
        if let (Some(process), Some(signal)) =
            (self.running.borrow().get(&source), Signal::from_named_raw(number))
        {
            process.group.signal(signal);
        }
    }

    /// Sends to a process that runs or will.
    pub(super) fn send(&self, source: Source, input: ProcessInput) {
        if let Some(start) = self.pending.borrow_mut().get_mut(&source) {
            return start.queued_input.push(input);
        }
        let sent = match self.running.borrow().get(&source) {
            None => Err("it does not run".to_owned()),
            Some(RunningProcess { stdin_writer: None, .. }) => {
                Err("its standard input is not open (`stdin = \"open\"`)".to_owned())
            }
            Some(RunningProcess { stdin_writer: Some(stdin_writer), .. }) => stdin_writer.enqueue(input),
        };
        if let Err(error) = sent {
            self.inbox.push(Input::SendFailed { source, error });
        }
    }

    /// From now on the terminal can be given to a program.
    pub(super) fn set_typed_line(&self, line: &EditedLine) {
        self.multiplexer.set_terminal(line.clone());
        *self.typed_line.borrow_mut() = Some(line.clone());
    }

    /// Gives the terminal to a process that runs and reads its input, with a note for the person.
    pub(super) fn attach(&self, source: Source, note: String) -> Result<(), String> {
        let typed_line = self.typed_line.borrow();
        let Some(line) = typed_line.as_ref() else {
            return Err(
                "there is no terminal to give to it: `attach` is for a run that a terminal shows".to_owned()
            );
        };
        let running = self.running.borrow();
        let Some(writer) = running.get(&source).and_then(|process| process.stdin_writer.as_ref()) else {
            return Err(format!("{source} has just ended"));
        };
        let pty =
            writer.try_clone_terminal().map_err(|error| format!("its terminal cannot be used: {error}"))?;
        match line.attach(AttachedProgram::new(source, pty), note) {
            true => Ok(()),
            false => Err("the terminal cannot be given to it now".to_owned()),
        }
    }

    /// Reports why a process did not start, after the input that could not be sent to it.
    pub(super) fn report_start_error(&self, source: Source, start: &PendingStart, error: &str) {
        for _ in &start.queued_input {
            self.inbox.push(Input::SendFailed { source, error: "it does not run".to_owned() });
        }
        let error = self.context.secrets.redact(error);
        self.inbox.push(Input::SpawnFailed { source, error });
    }

    /// Sends KILL to everything that is left, and gives how many groups and orphans that were.
    pub(super) fn kill_all(&self) -> usize {
        let mut left = self.leaderless_groups.borrow_mut();
        let running = self.running.borrow();
        left.retain(|group| !group.is_empty());
        let led = running.values().map(|process| &process.group).filter(|group| !group.is_empty());
        let short = self.short_commands.groups();
        let groups: Vec<_> = led.chain(left.iter()).chain(short.iter()).collect();
        for group in &groups {
            group.signal(Signal::KILL);
        }
        let led_by = |pid| groups.iter().any(|group| group.is_led_by(pid));
        groups.len() + if self.adopts_orphans.get() { orphans::kill_children(led_by) } else { 0 }
    }
}
