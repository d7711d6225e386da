//! The guard: the process that the user started stays as a thin parent of the real runner, so that
//! even a runner that is killed leaves nobody behind.
//!
//! # How it works
//!
//! The guard starts the program once more, as the runner: its child, in its own group, with its own
//! standard streams. The two of them hold a [lifeline]. Signals that the guard is sent go through it,
//! and its end is the guard's end. When the runner is gone, what it has started becomes the guard's
//! own (both ask for orphans), and is killed until nothing is left. Where the runner is stopped, the
//! guard stops too, since that is what a shell looks at; when it goes on, so does the runner.
//!
//! One thread, which never blocks on anything but signals. It reads no scenario, writes no log, and
//! prints nothing but that the runner died.

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
use crate::io::process::orphans;
use crate::io::runtime;
use crate::io::signals::ignored::listen_unless_ignored;
use crate::io::terminal::controlling_terminal::ControllingTerminal;
use crate::io::terminal::foreground;
use scenario_log::signal as words;

/// How long what a dead runner left is killed. Longer than this only what the kernel holds can stay.
const KILL_TIMEOUT: Duration = Duration::from_secs(2);

/// How a runner ended that was guarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardedExit {
    /// Its exit code, or 128 and the signal's number, as a shell has it.
    pub code: u8,
    /// What there is to say, if it died before its time.
    pub death_message: Option<String>,
}

/// Starts the runner with the arguments of this process and guards it to its end. `stdin` is what it
/// reads in the place of a standard input that has been read already. Where one of `changes` comes, the
/// runner is told to end as by INT. `None` where there can be no guard; nothing was started then.
#[must_use]
pub fn guard(stdin: Option<&str>, changes: Option<&FileWatchList>) -> Option<GuardedExit> {
    // Where a program may not be read (`chmod 111`), its own child cannot get hold of the lifeline.
    if dumpable_behavior() != Ok(DumpableBehavior::Dumpable) {
        return None;
    }
    let runtime = runtime::build().ok()?;
    runtime.block_on(async {
        let mut guard = Guard::start(stdin).ok()?;
        let status = guard.watch(changes).await;
        let left = guard.kill_leftovers().await;
        Some(guarded_exit(status, left))
    })
}

/// What the guard is told.
#[derive(Clone, Copy)]
enum GuardEvent {
    /// The runner ended, was stopped, or goes on.
    RunnerChanged,
    /// A signal that the runner is to hear of.
    Forward(words::Signal),
    /// A signal that ends a program; the runner is to get it as it is.
    SendDirectly(Signal),
    /// The job goes on (`fg`, `bg`).
    Continued,
}

/// A runner under guard.
struct Guard {
    runner: Pid,
    lifeline: io::PipeWriter,
    /// Open for the runner to find. It is no writer: the lifeline ends with us alone.
    _runner_end: io::PipeReader,
    signals: Vec<(GuardEvent, Stream)>,
    /// Children that this process had before: whoever executed it in their place knows of them.
    foreign_children: Vec<Pid>,
    suspension: GuardSuspension,
    /// Whoever is left behind may have had it.
    terminal: Option<ControllingTerminal>,
}

/// How far it has come that the job is suspended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum GuardSuspension {
    None,
    /// The runner was told to suspend itself, and has not done so yet.
    Requested,
    /// The same, but somebody has let the job go on since.
    Cancelled,
}

impl Guard {
    fn start(stdin: Option<&str>) -> io::Result<Guard> {
        if !orphans::become_subreaper() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let strangers = orphans::children();
        let signals = listen_to_signals()?;
        let (theirs, lifeline) = io::pipe()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg0(lifeline::runner_argv0(&theirs)).args(std::env::args_os().skip(1));
        if let Some(text) = stdin {
            command.stdin(memory_file(text)?);
        }
        let runner = command.spawn()?;
        let runner = i32::try_from(runner.id()).ok().and_then(Pid::from_raw);
        let runner = runner.ok_or(io::ErrorKind::Other)?;
        let (suspension, console) = (GuardSuspension::None, ControllingTerminal::open());
        Ok(Guard {
            runner,
            lifeline,
            _runner_end: theirs,
            signals,
            foreign_children: strangers,
            suspension,
            terminal: console,
        })
    }

    /// Passes on what it is told until the runner has ended; says how.
    async fn watch(&mut self, changes: Option<&FileWatchList>) -> WaitStatus {
        let mut change = pin!(async {
            match changes {
                Some(changes) => changes.wait_for_change().await,
                None => std::future::pending().await,
            }
        });
        let mut has_changed = false;
        loop {
            let told = tokio::select! {
                biased;
                told = self.next_event() => told,
                () = &mut change, if !has_changed => {
                    has_changed = true;
                    GuardEvent::Forward(words::Signal::INT)
                }
            };
            match told {
                GuardEvent::RunnerChanged => {
                    if let Some(status) = self.poll_runner() {
                        return status;
                    }
                }
                GuardEvent::Forward(words::Signal::TSTP) if !foreground::may_be_shell_job() => {}
                GuardEvent::Forward(signal) => {
                    if signal == words::Signal::TSTP {
                        self.suspension = GuardSuspension::Requested;
                    }
                    // A runner that is gone is seen next.
                    let _ = self.lifeline.write_all(&[signal.number()]);
                }
                GuardEvent::SendDirectly(signal) => self.send(signal),
                GuardEvent::Continued => {
                    if self.suspension == GuardSuspension::Requested {
                        self.suspension = GuardSuspension::Cancelled;
                    }
                    self.send(Signal::CONT);
                    if let Some(console) = &mut self.terminal {
                        console.forget_modes();
                        console.restore(|_| false);
                    }
                }
            }
        }
    }

    /// The next of what it is told; of several, the first in the order of `signals`.
    async fn next_event(&mut self) -> GuardEvent {
        std::future::poll_fn(|context| {
            for (told, stream) in &mut self.signals {
                if stream.poll_recv(context).is_ready() {
                    return std::task::Poll::Ready(*told);
                }
            }
            std::task::Poll::Pending
        })
        .await
    }

    /// Looks what became of the runner: how it ended, if it has.
    fn poll_runner(&mut self) -> Option<WaitStatus> {
        let options = WaitOptions::NOHANG | WaitOptions::UNTRACED;
        let (_, status) = waitpid(Some(self.runner), options).ok()??;
        if !status.stopped() {
            return Some(status);
        }
        match std::mem::replace(&mut self.suspension, GuardSuspension::None) {
            // Somebody else stopped it, and will let it go on.
            GuardSuspension::None => {}
            GuardSuspension::Requested => {
                // Here everything stands until the job goes on. Cannot fail: it is our own process.
                let _ = kill_process(getpid(), Signal::STOP);
                self.send(Signal::CONT);
            }
            GuardSuspension::Cancelled => self.send(Signal::CONT),
        }
        None
    }

    /// Sends the runner a signal. It has not been waited for: the number is its own.
    fn send(&self, signal: Signal) {
        let _ = kill_process(self.runner, signal);
    }

    /// Kills what the runner left until nothing is; how many that were.
    async fn kill_leftovers(&mut self) -> usize {
        let since = Instant::now();
        let mut ended = HashSet::new();
        loop {
            let found =
                orphans::kill_children_and_groups(|pid| self.foreign_children.contains(&pid), &mut ended);
            if found == 0 || since.elapsed() > KILL_TIMEOUT {
                if let Some(console) = &mut self.terminal {
                    console.restore(|_| false);
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
    let pass =
        |signal: words::Signal| (GuardEvent::Forward(signal), SignalKind::from_raw(signal.number().into()));
    let send = |signal: Signal| (GuardEvent::SendDirectly(signal), SignalKind::from_raw(signal.as_raw()));
    let kinds = [
        pass(words::Signal::INT),
        pass(words::Signal::TERM),
        pass(words::Signal::HUP),
        pass(words::Signal::TSTP),
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
    let continued = SignalKind::from_raw(words::Signal::CONT.number().into());
    signals.push((GuardEvent::Continued, signal(continued)?));
    // Last, so that a suspension is known before the runner is seen to be stopped.
    signals.push((GuardEvent::RunnerChanged, signal(SignalKind::child())?));
    Ok(signals)
}

/// A file in memory that holds a text, to be read from its beginning.
fn memory_file(text: &str) -> io::Result<Stdio> {
    let file = rustix::fs::memfd_create("scenario", MemfdFlags::CLOEXEC)?;
    let mut file = std::fs::File::from(file);
    file.write_all(text.as_bytes())?;
    io::Seek::rewind(&mut file)?;
    Ok(file.into())
}

/// What the end of a runner means.
fn guarded_exit(status: WaitStatus, left: usize) -> GuardedExit {
    let code = status.exit_status().unwrap_or_default();
    let Some(signal) = status.terminating_signal().and_then(words::Signal::from_number) else {
        return GuardedExit { code: u8::try_from(code).unwrap_or(u8::MAX), death_message: None };
    };
    // Ended in its first moments, as any program is, before it listened.
    let asked = [words::Signal::INT, words::Signal::TERM, words::Signal::HUP].contains(&signal);
    let what = match left {
        0 => "it left nothing behind".to_owned(),
        1 => "1 process that it left was killed".to_owned(),
        left => format!("{left} processes that it left were killed"),
    };
    let died = format!("the runner was killed by signal {signal}; {what}, and its log is cut short");
    GuardedExit { code: 128 + signal.number(), death_message: (!asked || left > 0).then_some(died) }
}
