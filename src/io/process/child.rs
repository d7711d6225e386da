//! A child process, and the kernel's account of it. What a child has used can be had only together with its
//! status, from one call (wait4(2)), so nothing else may wait for it.
//!
//! The end is noticed by a descriptor of the process. Where there is none (an old kernel, or no descriptor
//! left), it is noticed by the signal that the end of any child sends.

use std::io;
use std::os::fd::OwnedFd;
use std::process::{Command, ExitStatus};

use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::signal::unix::{Signal as SignalStream, SignalKind, signal};
use wait4::{ResourceUsage, try_wait4_pid};

/// A started child. It is killed if it is dropped before its end.
#[derive(Debug)]
pub(super) struct Child {
    pid: u32,
    notice: ChildEndNotice,
    has_ended: bool,
}

/// How the end of a child is noticed.
#[derive(Debug)]
enum ChildEndNotice {
    /// This is readable from then on.
    Pidfd(AsyncFd<OwnedFd>),
    /// The signal of any child's end.
    AnyChild(SignalStream),
}

/// The end of a child, and what it had used, together with those that it had waited for itself.
#[derive(Debug)]
pub(super) struct ChildEnd {
    pub(super) status: io::Result<ExitStatus>,
    pub(super) usage: Option<ResourceUsage>,
}

impl Child {
    /// Starts it. To be called in a runtime.
    pub(super) fn spawn(command: &mut Command) -> io::Result<Child> {
        let ends = signal(SignalKind::child())?;
        let pid = command.spawn()?.id();
        let notice = pidfd_of(pid).map_or(ChildEndNotice::AnyChild(ends), ChildEndNotice::Pidfd);
        Ok(Child { pid, notice, has_ended: false })
    }

    pub(super) fn id(&self) -> u32 {
        self.pid
    }

    /// Waits for its end. May be dropped at any time and called again.
    pub(super) async fn wait(&mut self) -> ChildEnd {
        loop {
            let ended = match try_wait4_pid(self.pid) {
                Ok(None) => None,
                Ok(Some(ended)) => Some(ChildEnd { status: Ok(ended.status), usage: Some(ended.rusage) }),
                Err(error) => Some(ChildEnd { status: Err(error), usage: None }),
            };
            if let Some(ended) = ended {
                self.has_ended = true;
                return ended;
            }
            match &mut self.notice {
                ChildEndNotice::Pidfd(fd) => {
                    // A notice that came too early is forgotten, and the next look comes after that.
                    if let Ok(mut ready) = fd.readable().await {
                        ready.clear_ready();
                    }
                }
                ChildEndNotice::AnyChild(ends) => drop(ends.recv().await),
            }
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.has_ended {
            // It has not been waited for, so the number is its own.
            let _ = as_pid(self.pid).map(|pid| kill_process(pid, Signal::KILL));
            let _ = try_wait4_pid(self.pid);
        }
    }
}

fn as_pid(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

fn pidfd_of(pid: u32) -> Option<AsyncFd<OwnedFd>> {
    let fd = pidfd_open(as_pid(pid)?, PidfdFlags::empty()).ok()?;
    #[expect(
        deprecated,
        reason = "what came in its place is unsafe, for types that lie about their descriptor"
    )]
    let watched = AsyncFd::with_interest(fd, Interest::READABLE);
    watched.ok()
}
