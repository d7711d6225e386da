//! Supervises one process: starts it with its pipes or its terminal, reads it, and waits for it.
//!
//! Never loses output that a process wrote before its end, and never takes a closed output for the
//! end.

use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::ExitStatus;
use std::rc::Rc;
use std::time::Duration;

use rustix::io::Errno;
use tokio::net::unix::pipe;
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::{sleep, timeout};

use super::child::{Child, ChildEnd};
use super::group::ProcessGroup;
use crate::io::inbox::{Inbox, Input};
use crate::io::multiplexer::output_copy::OutputCopy;
use crate::io::multiplexer::{Multiplexer, OutputReader};
use crate::io::process::command::{CommandSpec, StdinContent};
use crate::io::process::prepared;
use crate::io::process::prepared::cgroup::ProgramGroup;
use crate::io::process::pty;
use crate::io::process::pty::PtyMaster;
use crate::io::process::start_error::ProcessStartError;
use crate::io::process::stdin_writer;
use crate::io::process::stdin_writer::StdinWriter;
use crate::io::process::usage::UsageWatch;
use crate::io::process::world_feed::ProcessWorldFeed;
use scenario_log::event::{LimitKind, OutputStream, Source, SpawnExit, SpawnUsage};
use scenario_log::signal::Signal;

/// How long the outputs of a process are read after its end, if another process holds them.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(500);

/// A process that has been started and is to be supervised.
#[derive(Debug)]
pub(super) struct StartedProcess {
    pub(super) pid: u32,
    pub(super) group: Rc<ProcessGroup>,
    pub(super) stdin_writer: Option<Rc<StdinWriter>>,
    pub(super) world_feed: Option<Rc<ProcessWorldFeed>>,
    pub(super) usage: Rc<UsageWatch>,
    control_group: Option<ProgramGroup>,
    child: Child,
    pipes: ProcessPipes,
    stdin_content: StdinContent,
    /// The task that writes its standard input, until there is nothing to write.
    stdin_task: Option<JoinHandle<()>>,
}

/// How a process has ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProcessExit {
    pub(super) exit: SpawnExit,
    /// Other processes hold its output.
    pub(super) held: bool,
    /// It has ended in time, and others of its group had to be killed.
    pub(super) killed: bool,
    /// How many states of the world it was not sent.
    pub(super) skipped: u64,
    /// What it used.
    pub(super) usage: SpawnUsage,
}

/// Our ends of the pipes or the terminal of a process.
#[derive(Debug)]
struct ProcessPipes {
    stdin: Option<pipe::Sender>,
    stdout: OutputReader,
    /// `None` on a terminal, where both outputs are one.
    stderr: Option<OutputReader>,
    /// Held until the process has ended, even if the process has closed it: losing it is a hang-up.
    pty: Option<Rc<PtyMaster>>,
    /// A process that is to take a terminal writes here why it could not.
    start_error_pipe: Option<io::PipeReader>,
    /// The standard error of a process that opens it from here before it becomes the program.
    held_stderr: Option<io::PipeWriter>,
}

/// Starts a process. Everything that can fail is prepared first, so that no process runs without
/// supervision.
pub(super) fn start_process(
    multiplexer: &Rc<Multiplexer>,
    source: Source,
    mut spec: CommandSpec,
) -> Result<StartedProcess, ProcessStartError> {
    let ends = if spec.pty { open_pty } else { open_pipes };
    let mut ends =
        ends(multiplexer, source, &mut spec).map_err(|error| ProcessStartError::from_io(&error))?;
    if let (Some(_), StdinContent::Bytes(bytes)) = (&ends.pty, &spec.stdin_content)
        && !pty::has_only_short_lines(bytes)
    {
        return Err(ProcessStartError::Permanent(format!(
            "its standard input has {}",
            pty::too_long_message()
        )));
    }
    spec.command.current_dir(&spec.folder);
    if ends.pty.is_none() {
        // On a terminal it begins a session, and leads a group by that.
        spec.command.process_group(0);
    }
    let CommandSpec { display_name: shown, program, folder, command, stdin_content: input, .. } = spec;
    let control_group = spec.preparation.and_then(|preparation| preparation.group);
    // The command must be dropped with the process's ends of the pipes: otherwise they would never
    // end.
    let child = Child::spawn(&mut { command });
    let child = child.map_err(|error| ProcessStartError::from_spawn(&error, &shown, &program, &folder))?;
    let pid = child.id();
    let Some(group) = ProcessGroup::new(pid).map(Rc::new) else {
        return Err(ProcessStartError::Permanent(format!("`{shown}` has no process number")));
    };
    if let Some(trouble) = ends.start_error_pipe.take() {
        let taken = pty::wait_for_exec(trouble, pid);
        taken.map_err(|error| ProcessStartError::from_spawn(&error, &shown, &program, &folder))?;
    }
    ends.held_stderr = None;
    let stdin_writer =
        matches!(input, StdinContent::Open).then(|| Rc::new(StdinWriter::new(ends.pty.clone())));
    let world_feed = ends.stdin.take_if(|_| matches!(input, StdinContent::World)).map(ProcessWorldFeed::new);
    Ok(StartedProcess {
        pid,
        group,
        stdin_writer,
        world_feed,
        usage: UsageWatch::new(pid),
        control_group,
        child,
        pipes: ends,
        stdin_content: input,
        stdin_task: None,
    })
}

/// Gives a process pipes.
fn open_pipes(
    multiplexer: &Rc<Multiplexer>,
    source: Source,
    spec: &mut CommandSpec,
) -> io::Result<ProcessPipes> {
    let (stdin, ours) = spec.take_stdin()?;
    let stdin_pipe = ours.map(|end| pipe::Sender::from_owned_fd(end.into())).transpose()?;
    let (stdout, their_stdout) = io::pipe()?;
    let (stderr, their_stderr) = io::pipe()?;
    let stdout = multiplexer.open_output(stdout, source, OutputStream::Stdout, spec.max_line)?;
    let stderr = multiplexer.open_output(stderr, source, OutputStream::Stderr, spec.max_line)?;
    spec.command.stdin(stdin).stdout(their_stdout);
    let mut pipes = ProcessPipes {
        stdin: stdin_pipe,
        stdout,
        stderr: Some(stderr),
        pty: None,
        start_error_pipe: None,
        held_stderr: None,
    };
    if spec.preparation.is_some() {
        let (trouble, their_trouble) = io::pipe()?;
        prepared::name_for(&mut spec.command, &their_stderr);
        spec.command.stderr(their_trouble);
        pipes.start_error_pipe = Some(trouble);
        pipes.held_stderr = Some(their_stderr);
    } else {
        spec.command.stderr(their_stderr);
    }
    Ok(pipes)
}

/// Gives a process a terminal.
fn open_pty(
    multiplexer: &Rc<Multiplexer>,
    source: Source,
    spec: &mut CommandSpec,
) -> io::Result<ProcessPipes> {
    let (terminal, theirs) = PtyMaster::open()?;
    let (trouble, their_trouble) = io::pipe()?;
    let stdin = pipe::Sender::from_owned_fd_unchecked(terminal.try_clone_fd()?)?;
    let stdout = multiplexer.open_terminal_output(
        terminal.try_clone_fd()?,
        source,
        OutputStream::Stdout,
        spec.max_line,
    )?;
    spec.command.stdin(theirs.try_clone()?).stdout(theirs).stderr(their_trouble);
    let (terminal, trouble) = (Some(Rc::new(terminal)), Some(trouble));
    Ok(ProcessPipes {
        stdin: Some(stdin),
        stdout,
        stderr: None,
        pty: terminal,
        start_error_pipe: trouble,
        held_stderr: None,
    })
}

impl StartedProcess {
    /// Writes both outputs into a file too.
    pub(super) fn copy_output(&mut self, copy: Option<Rc<OutputCopy>>) {
        if let Some(stderr) = &mut self.pipes.stderr {
            stderr.copy_to(copy.clone());
        }
        self.pipes.stdout.copy_to(copy);
    }

    /// Reads everything that the process writes, and gives how it ended once there is nothing more to
    /// report.
    pub(super) async fn supervise(mut self, source: Source, inbox: &Rc<Inbox>) -> ProcessExit {
        self.spawn_stdin_tasks(source, inbox);
        let (ChildEnd { status, usage }, held) = self.read_and_wait().await;
        self.pipes.stdout.drain().await;
        if let Some(stderr) = &mut self.pipes.stderr {
            stderr.drain().await;
        }
        let unsent = self.stdin_writer.as_ref().map_or(0, |stdin_writer| stdin_writer.close());
        for _ in 0..unsent {
            inbox.push(Input::SendFailed { source, error: stdin_writer::STDIN_CLOSED_MESSAGE.to_owned() });
        }
        if let (Some(_), Some(task)) = (self.pipes.pty, self.stdin_task) {
            // The terminal hangs up when our end of it is closed everywhere.
            task.abort();
        }
        let skipped = self.world_feed.map_or(0, |world_feed| world_feed.close());
        let exit = exit_from_status(status);
        let killed = self.group.was_killed() && exit != SpawnExit::Signal(Signal::KILL);
        let mut usage = self.usage.at_end(usage);
        if self.control_group.is_some_and(|group| group.was_out_of_memory()) {
            usage.exceeded = Some(LimitKind::Memory);
        }
        ProcessExit { exit, held, killed, skipped, usage }
    }

    /// Starts a task that writes its standard input, which the process may never read.
    fn spawn_stdin_tasks(&mut self, source: Source, inbox: &Rc<Inbox>) {
        if let Some(world_feed) = self.world_feed.clone() {
            spawn_local(async move { world_feed.write_until_closed().await });
        }
        let Some(pipe) = self.pipes.stdin.take() else { return };
        let input = std::mem::replace(&mut self.stdin_content, StdinContent::Null);
        self.stdin_task = if let Some(stdin_writer) = self.stdin_writer.clone() {
            let inbox = Rc::clone(inbox);
            Some(spawn_local(async move {
                if let Err(error) = stdin_writer.write_to(pipe).await {
                    for _ in 0..stdin_writer.close() {
                        inbox.push(Input::SendFailed { source, error: write_failure_message(&error) });
                    }
                }
            }))
        } else if self.pipes.pty.is_some() {
            Some(spawn_local(async move {
                let _ = stdin_writer::type_input(&pipe, input).await;
            }))
        } else if let StdinContent::Bytes(bytes) = input {
            // A process that does not read all of its input makes no mistake.
            Some(spawn_local(async move {
                let _ = stdin_writer::write_all(&pipe, &bytes).await;
            }))
        } else {
            None
        };
    }

    /// Waits for its end while its outputs are read. If the runner has asked it to end, that is the end of
    /// its whole group; else what is left of the group stays. Then the outputs have half a second longer
    /// to end. Gives the status, and whether an output has not ended.
    async fn read_and_wait(&mut self) -> (ChildEnd, bool) {
        let StartedProcess { child, pipes: ProcessPipes { stdout, stderr, .. }, group, usage, .. } = self;
        let both = async {
            match stderr {
                Some(stderr) => drop(tokio::join!(stdout.read_to_end(), stderr.read_to_end())),
                None => stdout.read_to_end().await,
            }
        };
        let mut reading = std::pin::pin!(both);
        let mut watching = std::pin::pin!(usage.watch());
        let mut read = false;
        let status = loop {
            tokio::select! {
                biased;
                _ = &mut reading, if !read => read = true,
                status = child.wait() => break status,
                () = &mut watching => {}
            }
        };
        group.leader_ended();
        if !read && !group.is_stopping() {
            tokio::select! {
                biased;
                _ = &mut reading => read = true,
                () = group.wait_for_stop() => {}
                () = sleep(DRAIN_TIMEOUT) => return (status, true),
            }
        }
        if group.is_stopping() {
            let stopped = group.wait_until_stopped();
            let mut stopped = std::pin::pin!(stopped);
            loop {
                tokio::select! {
                    biased;
                    _ = &mut reading, if !read => read = true,
                    () = &mut stopped => break,
                }
            }
        }
        let held = !read && timeout(DRAIN_TIMEOUT, reading).await.is_err();
        (status, held)
    }
}

/// Explains why input could not be written.
fn write_failure_message(error: &io::Error) -> String {
    match Errno::from_io_error(error) {
        // A terminal that no process has open gives the second one.
        Some(Errno::PIPE | Errno::IO) => stdin_writer::STDIN_CLOSED_MESSAGE.to_owned(),
        _ => format!("its standard input cannot be written: {error}"),
    }
}

pub(super) fn exit_from_status(status: io::Result<ExitStatus>) -> SpawnExit {
    let signal = |status: ExitStatus| status.signal().and_then(Signal::from_number);
    match status {
        Ok(status) => match (status.code(), signal(status)) {
            (Some(code), _) => SpawnExit::Code(code),
            (None, Some(signal)) => SpawnExit::Signal(signal),
            (None, None) => SpawnExit::Signal(Signal::KILL),
        },
        // Another waiter has taken the status, so it is unknown, and the worst is assumed.
        Err(_) => SpawnExit::Signal(Signal::KILL),
    }
}
