//! The guard: the process that the user started stays as a thin parent of the real runner, so that
//! even a runner that is killed leaves no process behind.
//!
//! # How it works
//!
//! The guard starts the program once more, as the runner: its child, in its own group, with its own
//! standard streams. The two share a [lifeline]. The guard passes on the signals that it receives
//! through it, and the runner sees there when the guard ends. When the runner has ended, the
//! processes that it started become children of the guard (both are subreapers), and the guard kills
//! until none is left. When the runner is stopped, the guard stops too, since that is what a shell
//! looks at. When the guard goes on, so does the runner.
//!
//! It is one thread, which never blocks on anything but signals. It reads no scenario, writes no log,
//! and prints only that the runner died.

pub mod lifeline;

use std::collections::HashSet;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::pin::pin;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::MemfdFlags;
use rustix::process::{
    DumpableBehavior, Pid, Signal, WaitOptions, WaitStatus, dumpable_behavior, getpid, kill_process, waitpid,
};
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

use crate::io::file_watch::FileWatchList;
use crate::io::own_program;
use crate::io::process::orphans;
use crate::io::runtime;
use crate::io::signals::ignored::listen_unless_ignored;
use crate::io::terminal::controlling_terminal::ControllingTerminal;
use crate::io::terminal::foreground;
use scenario_log::signal as log_signal;

/// How long the guard goes on killing what a dead runner left. Only a process that the kernel holds
/// can stay for longer.
const KILL_TIMEOUT: Duration = Duration::from_secs(2);

/// How a guarded runner ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardedExit {
    /// Its exit code, or 128 plus the signal's number, as in a shell.
    pub code: u8,
    /// The message to show, if it died before its time.
    pub death_message: Option<String>,
}

/// Starts the runner with the arguments of this process, and guards it to its end. The runner reads
/// `stdin` if this process has read its own standard input already. When one of `changes` comes, the
/// runner ends as by INT. It gets `variables` in its environment too. `None` if there can be no guard; nothing was started then.
#[must_use]
pub fn guard(
    stdin: Option<&str>,
    changes: Option<&FileWatchList>,
    variables: &[(&str, String)],
) -> Option<GuardedExit> {
    // If a program may not be read (`chmod 111`), its own child cannot open the lifeline.
    if dumpable_behavior() != Ok(DumpableBehavior::Dumpable) {
        return None;
    }
    let runtime = runtime::build().ok()?;
    runtime.block_on(async {
        let mut guard = Guard::start(stdin, variables).ok()?;
        let status = guard.watch(changes).await;
        let left = guard.kill_leftovers().await;
        Some(guarded_exit(status, left))
    })
}

/// An event that the guard reacts to.
#[derive(Clone, Copy)]
enum GuardEvent {
    /// The runner ended, was stopped, or goes on.
    RunnerChanged,
    /// A signal that goes to the runner through the lifeline.
    Forward(log_signal::Signal),
    /// A signal that ends a program; it goes to the runner as it is.
    SendDirectly(Signal),
    /// The job goes on (`fg`, `bg`).
    Continued,
}

struct Guard {
    runner: Pid,
    lifeline: io::PipeWriter,
    /// Open so that the runner can find it. It is not a writer: the lifeline ends only with the
    /// guard.
    _runner_end: io::PipeReader,
    signals: Vec<(GuardEvent, Stream)>,
    /// Children that this process had before: a program that replaced itself by this one knows them.
    foreign_children: Vec<Pid>,
    suspension: GuardSuspension,
    /// A process that is left behind may have taken it.
    terminal: Option<ControllingTerminal>,
}

/// How far the suspension of the job has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum GuardSuspension {
    None,
    /// The runner was asked to suspend itself, and has not done so yet.
    Requested,
    /// The same, but the job has been continued since.
    Cancelled,
}

impl Guard {
    fn start(stdin: Option<&str>, variables: &[(&str, String)]) -> io::Result<Guard> {
        if !orphans::become_subreaper() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let foreign_children = orphans::children();
        let signals = listen_to_signals()?;
        let (theirs, lifeline) = io::pipe()?;
        let mut command = Command::new(own_program::find());
        command.arg0(lifeline::runner_argv0(&theirs)).args(std::env::args_os().skip(1));
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        if let Some(text) = stdin {
            command.stdin(memory_file(text)?);
        }
        let runner = command.spawn()?;
        let runner = i32::try_from(runner.id()).ok().and_then(Pid::from_raw);
        let runner = runner.ok_or(io::ErrorKind::Other)?;
        let (suspension, terminal) = (GuardSuspension::None, ControllingTerminal::open());
        Ok(Guard { runner, lifeline, _runner_end: theirs, signals, foreign_children, suspension, terminal })
    }

    /// Passes events on until the runner has ended, and gives its status.
    async fn watch(&mut self, changes: Option<&FileWatchList>) -> WaitStatus {
        let mut change = pin!(async {
            match changes {
                Some(changes) => changes.wait_for_change().await,
                None => std::future::pending().await,
            }
        });
        let mut has_changed = false;
        loop {
            let event = tokio::select! {
                biased;
                event = self.next_event() => event,
                () = &mut change, if !has_changed => {
                    has_changed = true;
                    GuardEvent::Forward(log_signal::Signal::INT)
                }
            };
            match event {
                GuardEvent::RunnerChanged => {
                    if let Some(status) = self.poll_runner() {
                        return status;
                    }
                    self.reap_others();
                }
                GuardEvent::Forward(log_signal::Signal::TSTP) if !foreground::may_be_shell_job() => {}
                GuardEvent::Forward(signal) => {
                    if signal == log_signal::Signal::TSTP {
                        self.suspension = GuardSuspension::Requested;
                    }
                    // If the runner has gone, that is the next event.
                    let _ = self.lifeline.write_all(&[signal.number()]);
                }
                GuardEvent::SendDirectly(signal) => self.send(signal),
                GuardEvent::Continued => {
                    if self.suspension == GuardSuspension::Requested {
                        self.suspension = GuardSuspension::Cancelled;
                    }
                    self.send(Signal::CONT);
                    if let Some(terminal) = &mut self.terminal {
                        terminal.forget_modes();
                        terminal.restore(|_| false);
                    }
                }
            }
        }
    }

    /// The next event; of several, the first in the order of `signals`.
    async fn next_event(&mut self) -> GuardEvent {
        std::future::poll_fn(|context| {
            for (event, stream) in &mut self.signals {
                if stream.poll_recv(context).is_ready() {
                    return std::task::Poll::Ready(*event);
                }
            }
            std::task::Poll::Pending
        })
        .await
    }

    /// Checks the state of the runner, and gives its status if it has ended.
    fn poll_runner(&mut self) -> Option<WaitStatus> {
        let options = WaitOptions::NOHANG | WaitOptions::UNTRACED;
        let (_, status) = waitpid(Some(self.runner), options).ok()??;
        if !status.stopped() {
            return Some(status);
        }
        match std::mem::replace(&mut self.suspension, GuardSuspension::None) {
            // Another process stopped it, and will continue it.
            GuardSuspension::None => {}
            GuardSuspension::Requested => {
                // This process stands still here until the job goes on. It cannot fail: the process
                // is our own.
                let _ = kill_process(getpid(), Signal::STOP);
                self.send(Signal::CONT);
            }
            GuardSuspension::Cancelled => self.send(Signal::CONT),
        }
        None
    }

    /// Waits for the other children that have ended. As the first process of a container this one inherits
    /// everybody's orphans. (If the runner is among them, the next event tells.)
    fn reap_others(&mut self) {
        let foreign = &mut self.foreign_children;
        let _ =
            orphans::reap_ended(|child| child == self.runner, |child| foreign.retain(|one| *one != child));
    }

    /// Sends the runner a signal. The runner has not been waited for, so the number is still its own.
    fn send(&self, signal: Signal) {
        let _ = kill_process(self.runner, signal);
    }

    /// Kills until nothing that the runner left is there; gives how many processes that were.
    async fn kill_leftovers(&mut self) -> usize {
        let since = Instant::now();
        let mut ended = HashSet::new();
        loop {
            let found =
                orphans::kill_children_and_groups(|pid| self.foreign_children.contains(&pid), &mut ended);
            if found == 0 || since.elapsed() > KILL_TIMEOUT {
                if let Some(terminal) = &mut self.terminal {
                    terminal.restore(|_| false);
                }
                return ended.len();
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// Everything that a guard listens to. A signal that was ignored at the start is not among it, and the
/// runner, which inherits that, ignores it too. Must be called in a runtime.
fn listen_to_signals() -> io::Result<Vec<(GuardEvent, Stream)>> {
    let pass = |signal: log_signal::Signal| {
        (GuardEvent::Forward(signal), SignalKind::from_raw(signal.number().into()))
    };
    let send = |signal: Signal| (GuardEvent::SendDirectly(signal), SignalKind::from_raw(signal.as_raw()));
    let kinds = [
        pass(log_signal::Signal::INT),
        pass(log_signal::Signal::TERM),
        pass(log_signal::Signal::HUP),
        pass(log_signal::Signal::TSTP),
        send(Signal::QUIT),
        send(Signal::USR1),
        send(Signal::USR2),
        send(Signal::ALARM),
    ];
    let mut signals = Vec::new();
    for (event, kind) in kinds {
        signals.extend(listen_unless_ignored(kind)?.map(|stream| (event, stream)));
    }
    // These two neither end nor suspend anything, and without them a guard could not work.
    let continued = SignalKind::from_raw(log_signal::Signal::CONT.number().into());
    signals.push((GuardEvent::Continued, signal(continued)?));
    // Last, so that a suspension is known before the runner is seen to be stopped.
    signals.push((GuardEvent::RunnerChanged, signal(SignalKind::child())?));
    Ok(signals)
}

/// A file in memory that contains a text, to be read from its start.
fn memory_file(text: &str) -> io::Result<Stdio> {
    let file = rustix::fs::memfd_create("scenario", MemfdFlags::CLOEXEC)?;
    let mut file = std::fs::File::from(file);
    file.write_all(text.as_bytes())?;
    io::Seek::rewind(&mut file)?;
    Ok(file.into())
}

fn guarded_exit(status: WaitStatus, left: usize) -> GuardedExit {
    let code = status.exit_status().unwrap_or_default();
    let Some(signal) = status.terminating_signal().and_then(log_signal::Signal::from_number) else {
        return GuardedExit { code: u8::try_from(code).unwrap_or(u8::MAX), death_message: None };
    };
    // A runner that a signal ended in its first moments, before it listened, ended as any program
    // does.
    let asked =
        [log_signal::Signal::INT, log_signal::Signal::TERM, log_signal::Signal::HUP].contains(&signal);
    let what = match left {
        0 => "it left nothing behind".to_owned(),
        1 => "1 process that it left was killed".to_owned(),
        left => format!("{left} processes that it left were killed"),
    };
    let died = format!("the runner was killed by signal {signal}; {what}, and its log is cut short");
    GuardedExit { code: 128 + signal.number(), death_message: (!asked || left > 0).then_some(died) }
}
