//! The life of one process: it is started with its pipes, read, and waited for.
//!
//! Never loses what a process wrote before its end, and never takes a closed output for the end.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::rc::Rc;
use std::time::Duration;

use tokio::net::unix::pipe;
use tokio::process::Child;
use tokio::task::spawn_local;
use tokio::time::timeout;

use super::blame::Failure;
use super::group::Group;
use super::outbox::{self, Outbox};
use super::recipe::{Input, Recipe};
use crate::hands::inbox::{Inbox, Seen};
use crate::hands::multiplexer::{Multiplexer, Tap};
use crate::words::event::{Exit, Source, Stream};
use crate::words::signal::Signal;

/// How long the outputs of a process that has ended are read on where another holds them.
const DRAIN: Duration = Duration::from_millis(500);

/// A process that has been started and is to be attended to.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) pid: u32,
    pub(super) group: Rc<Group>,
    pub(super) outbox: Option<Rc<Outbox>>,
    child: Child,
    stdout: Tap,
    stderr: Tap,
    stdin: Option<pipe::Sender>,
    input: Input,
}

/// Starts a process. All that could fail is got ready before, so that none runs unattended.
pub(super) fn start(
    multiplexer: &Rc<Multiplexer>,
    source: Source,
    mut recipe: Recipe,
) -> Result<Started, Failure> {
    let mut pipes = || -> io::Result<_> {
        let (stdin, ours) = recipe.stdin()?;
        let stdin_pipe = ours.map(|end| pipe::Sender::from_owned_fd(end.into())).transpose()?;
        let (stdout, their_stdout) = io::pipe()?;
        let (stderr, their_stderr) = io::pipe()?;
        let stdout = multiplexer.tap(stdout, source, Stream::Stdout, recipe.max_line)?;
        let stderr = multiplexer.tap(stderr, source, Stream::Stderr, recipe.max_line)?;
        recipe.command.stdin(stdin).stdout(their_stdout).stderr(their_stderr);
        Ok((stdin_pipe, stdout, stderr))
    };
    let (stdin, stdout, stderr) = pipes().map_err(|error| Failure::of_system(&error))?;
    recipe.command.current_dir(&recipe.folder).process_group(0).kill_on_drop(true);
    let Recipe { shown, program, folder, command, input, .. } = recipe;
    // Their ends of the pipes go with the command: held on to, there would be no end of file.
    let child = { command }.spawn();
    let child = child.map_err(|error| Failure::of_start(&error, &shown, &program, &folder))?;
    let running = child.id().and_then(|pid| Some((pid, Rc::new(Group::of(pid)?))));
    let Some((pid, group)) = running else {
        return Err(Failure::Fault(format!("`{shown}` has no process number")));
    };
    let outbox = matches!(input, Input::Open).then(Rc::default);
    Ok(Started { pid, group, outbox, child, stdout, stderr, stdin, input })
}

impl Started {
    /// Reads all it writes, and gives how it ended when there is nothing more to tell of it.
    pub(super) async fn attend(mut self, source: Source, inbox: &Rc<Inbox>) -> Exit {
        self.feed(source, inbox);
        let status = self.read_and_wait().await;
        self.stdout.drain().await;
        self.stderr.drain().await;
        let unsent = self.outbox.as_ref().map_or(0, |outbox| outbox.close());
        for _ in 0..unsent {
            inbox.put(Seen::NotSent { source, error: outbox::DEAF.to_owned() });
        }
        exit(status)
    }

    /// Sees to its standard input, in a task of its own: it may never read it.
    fn feed(&mut self, source: Source, inbox: &Rc<Inbox>) {
        let Some(pipe) = self.stdin.take() else { return };
        if let Some(outbox) = self.outbox.clone() {
            let inbox = Rc::clone(inbox);
            spawn_local(async move {
                if let Err(error) = outbox.write_to(pipe).await {
                    for _ in 0..outbox.close() {
                        inbox.put(Seen::NotSent { source, error: unread(&error) });
                    }
                }
            });
        } else if let Input::Bytes(bytes) = std::mem::replace(&mut self.input, Input::Null) {
            // Whoever does not read all it could read does nothing wrong.
            spawn_local(async move { outbox::write_all(&pipe, &bytes).await });
        }
    }

    /// Waits for its end while its outputs are read, and half a second longer for these to end.
    async fn read_and_wait(&mut self) -> io::Result<ExitStatus> {
        let Started { child, stdout, stderr, group, .. } = self;
        let mut reading = std::pin::pin!(async { tokio::join!(stdout.to_end(), stderr.to_end()) });
        let mut read = false;
        let status = loop {
            tokio::select! {
                biased;
                _ = &mut reading, if !read => read = true,
                status = child.wait() => break status,
            }
        };
        group.leader_ended();
        if !read {
            let _ = timeout(DRAIN, reading).await;
        }
        status
    }
}

/// Why what was sent could not be written.
fn unread(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::BrokenPipe => outbox::DEAF.to_owned(),
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
