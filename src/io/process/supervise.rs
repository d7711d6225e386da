//! The life of one process: it is started with its pipes or its terminal, read, and waited for.
//!
//! Never loses what a process wrote before its end, and never takes a closed output for the end.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::rc::Rc;
use std::time::Duration;

use rustix::io::Errno;
use tokio::net::unix::pipe;
use tokio::process::Child;
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::timeout;

use super::group::Group;
use crate::io::inbox::{Inbox, Seen};
use crate::io::multiplexer::{Multiplexer, Tap};
use crate::io::process::command::{Input, Recipe};
use crate::io::process::pty;
use crate::io::process::pty::Terminal;
use crate::io::process::start_error::Failure;
use crate::io::process::stdin_writer;
use crate::io::process::stdin_writer::Outbox;
use crate::io::process::world_feed::Bulletin;
use scenario_log::event::{Exit, Source, Stream};
use scenario_log::signal::Signal;

/// How long the outputs of a process that has ended are read on where another holds them.
const DRAIN: Duration = Duration::from_millis(500);

/// A process that has been started and is to be attended to.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) pid: u32,
    pub(super) group: Rc<Group>,
    pub(super) outbox: Option<Rc<Outbox>>,
    pub(super) bulletin: Option<Rc<Bulletin>>,
    child: Child,
    ends: Ends,
    input: Input,
    /// What writes to it, while it does.
    feeding: Option<JoinHandle<()>>,
}

/// How a process has ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    pub(super) exit: Exit,
    /// Others hold its output.
    pub(super) held: bool,
    /// States of the world that it was not sent.
    pub(super) skipped: u64,
}

/// Our ends of what a process reads and writes.
#[derive(Debug)]
struct Ends {
    stdin: Option<pipe::Sender>,
    stdout: Tap,
    /// None on a terminal, where both are one.
    stderr: Option<Tap>,
    /// Held until the process has ended, whatever it has closed: for a program its loss is a hang-up.
    terminal: Option<Rc<Terminal>>,
    /// Where a process that is to take a terminal tells why it could not.
    trouble: Option<io::PipeReader>,
}

/// Starts a process. All that could fail is got ready before, so that none runs unattended.
pub(super) fn start(
    multiplexer: &Rc<Multiplexer>,
    source: Source,
    mut recipe: Recipe,
) -> Result<Started, Failure> {
    let ends = if recipe.pty { on_a_terminal } else { on_pipes };
    let mut ends = ends(multiplexer, source, &mut recipe).map_err(|error| Failure::of_system(&error))?;
    if let (Some(_), Input::Bytes(bytes)) = (&ends.terminal, &recipe.input)
        && !pty::has_only_short_lines(bytes)
    {
        return Err(Failure::Fault(format!("its standard input has {}", pty::too_long())));
    }
    recipe.command.current_dir(&recipe.folder).kill_on_drop(true);
    if ends.terminal.is_none() {
        // On a terminal it begins a session, and leads a group with that.
        recipe.command.process_group(0);
    }
    let Recipe { shown, program, folder, command, input, .. } = recipe;
    // Their ends of the pipes go with the command: held on to, there would be no end of file.
    let child = { command }.spawn();
    let child = child.map_err(|error| Failure::of_start(&error, &shown, &program, &folder))?;
    let running = child.id().and_then(|pid| Some((pid, Rc::new(Group::of(pid)?))));
    let Some((pid, group)) = running else {
        return Err(Failure::Fault(format!("`{shown}` has no process number")));
    };
    if let Some(trouble) = ends.trouble.take() {
        let taken = pty::taken(trouble, pid);
        taken.map_err(|error| Failure::of_start(&error, &shown, &program, &folder))?;
    }
    let outbox = matches!(input, Input::Open).then(|| Rc::new(Outbox::new(ends.terminal.clone())));
    let bulletin = ends.stdin.take_if(|_| matches!(input, Input::World)).map(Bulletin::new);
    Ok(Started { pid, group, outbox, bulletin, child, ends, input, feeding: None })
}

/// Gives a process pipes.
fn on_pipes(multiplexer: &Rc<Multiplexer>, source: Source, recipe: &mut Recipe) -> io::Result<Ends> {
    let (stdin, ours) = recipe.stdin()?;
    let stdin_pipe = ours.map(|end| pipe::Sender::from_owned_fd(end.into())).transpose()?;
    let (stdout, their_stdout) = io::pipe()?;
    let (stderr, their_stderr) = io::pipe()?;
    let stdout = multiplexer.tap(stdout, source, Stream::Stdout, recipe.max_line)?;
    let stderr = multiplexer.tap(stderr, source, Stream::Stderr, recipe.max_line)?;
    recipe.command.stdin(stdin).stdout(their_stdout).stderr(their_stderr);
    Ok(Ends { stdin: stdin_pipe, stdout, stderr: Some(stderr), terminal: None, trouble: None })
}

/// Gives a process a terminal.
fn on_a_terminal(multiplexer: &Rc<Multiplexer>, source: Source, recipe: &mut Recipe) -> io::Result<Ends> {
    let (terminal, theirs) = Terminal::open()?;
    let (trouble, their_trouble) = io::pipe()?;
    let stdin = pipe::Sender::from_owned_fd_unchecked(terminal.end()?)?;
    let stdout = multiplexer.tap_terminal(terminal.end()?, source, Stream::Stdout, recipe.max_line)?;
    recipe.command.stdin(theirs.try_clone()?).stdout(theirs).stderr(their_trouble);
    let (terminal, trouble) = (Some(Rc::new(terminal)), Some(trouble));
    Ok(Ends { stdin: Some(stdin), stdout, stderr: None, terminal, trouble })
}

impl Started {
    /// Reads all it writes, and gives how it ended when there is nothing more to tell of it.
    pub(super) async fn attend(mut self, source: Source, inbox: &Rc<Inbox>) -> Ended {
        self.feed(source, inbox);
        let (status, held) = self.read_and_wait().await;
        self.ends.stdout.drain().await;
        if let Some(stderr) = &mut self.ends.stderr {
            stderr.drain().await;
        }
        let unsent = self.outbox.as_ref().map_or(0, |outbox| outbox.close());
        for _ in 0..unsent {
            inbox.put(Seen::NotSent { source, error: stdin_writer::DEAF.to_owned() });
        }
        if let (Some(_), Some(feeding)) = (self.ends.terminal, self.feeding) {
            // The terminal hangs up when nobody holds our end of it any more.
            feeding.abort();
        }
        let skipped = self.bulletin.map_or(0, |bulletin| bulletin.close());
        Ended { exit: exit(status), held, skipped }
    }

    /// Sees to its standard input, in a task of its own: it may never read it.
    fn feed(&mut self, source: Source, inbox: &Rc<Inbox>) {
        if let Some(bulletin) = self.bulletin.clone() {
            spawn_local(async move { bulletin.write_on().await });
        }
        let Some(pipe) = self.ends.stdin.take() else { return };
        let input = std::mem::replace(&mut self.input, Input::Null);
        self.feeding = if let Some(outbox) = self.outbox.clone() {
            let inbox = Rc::clone(inbox);
            Some(spawn_local(async move {
                if let Err(error) = outbox.write_to(pipe).await {
                    for _ in 0..outbox.close() {
                        inbox.put(Seen::NotSent { source, error: unread(&error) });
                    }
                }
            }))
        } else if self.ends.terminal.is_some() {
            Some(spawn_local(async move {
                let _ = stdin_writer::type_all(&pipe, input).await;
            }))
        } else if let Input::Bytes(bytes) = input {
            // Whoever does not read all it could read does nothing wrong.
            Some(spawn_local(async move {
                let _ = stdin_writer::write_all(&pipe, &bytes).await;
            }))
        } else {
            None
        };
    }

    /// Waits for its end while its outputs are read, and half a second longer for these to end; whether
    /// they have not.
    async fn read_and_wait(&mut self) -> (io::Result<ExitStatus>, bool) {
        let Started { child, ends: Ends { stdout, stderr, .. }, group, .. } = self;
        let both = async {
            match stderr {
                Some(stderr) => drop(tokio::join!(stdout.to_end(), stderr.to_end())),
                None => stdout.to_end().await,
            }
        };
        let mut reading = std::pin::pin!(both);
        let mut read = false;
        let status = loop {
            tokio::select! {
                biased;
                _ = &mut reading, if !read => read = true,
                status = child.wait() => break status,
            }
        };
        group.leader_ended();
        let held = !read && timeout(DRAIN, reading).await.is_err();
        (status, held)
    }
}

/// Why what was sent could not be written.
fn unread(error: &io::Error) -> String {
    match Errno::from_io_error(error) {
        // The second is what a terminal says that nobody has open.
        Some(Errno::PIPE | Errno::IO) => stdin_writer::DEAF.to_owned(),
        _ => format!("its standard input cannot be written: {error}"),
    }
}

/// How a process ended, as the log tells it.
fn exit(status: io::Result<ExitStatus>) -> Exit {
    let signal = |status: ExitStatus| status.signal().and_then(Signal::from_number);
    match status {
        Ok(status) => match (status.code(), signal(status)) {
            (Some(code), _) => Exit::Code(code),
            (None, Some(signal)) => Exit::Signal(signal),
            (None, None) => Exit::Signal(Signal::KILL),
        },
        // Somebody else has waited for it, so nobody knows; the worst is assumed.
        Err(_) => Exit::Signal(Signal::KILL),
    }
}
