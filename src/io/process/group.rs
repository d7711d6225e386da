//! Process groups: every process that is started leads a group, so that whatever it starts in turn is
//! found and ended with it.
//!
//! Never signals a group that may not be ours: once the leader has been waited for, the group's
//! number is checked again before each signal.

use std::cell::Cell;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitOptions, kill_process_group, test_kill_process, test_kill_process_group, waitpgid,
};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use scenario_log::signal as log_signal;

/// How long KILL is repeated. Only a process that the kernel holds can stay for longer.
pub(super) const KILL_TIMEOUT: Duration = Duration::from_secs(2);

/// A process group that the runner made.
#[derive(Debug)]
pub(super) struct ProcessGroup {
    id: Pid,
    /// The leader has not been waited for yet, so the number is certainly ours.
    has_leader: Cell<bool>,
    leader_gone: Notify,
}

impl ProcessGroup {
    /// The group of a process that was just started. `None` only for pid 0, which is impossible.
    pub(super) fn new(leader: u32) -> Option<ProcessGroup> {
        let id = i32::try_from(leader).ok().and_then(Pid::from_raw)?;
        Some(ProcessGroup { id, has_leader: Cell::new(true), leader_gone: Notify::new() })
    }

    /// To be called as soon as the leader has been waited for.
    pub(super) fn leader_ended(&self) {
        self.has_leader.set(false);
        self.leader_gone.notify_waiters();
    }

    /// Whether this process is its leader and has not been waited for.
    pub(super) fn is_led_by(&self, process: Pid) -> bool {
        self.has_leader.get() && self.id == process
    }

    pub(super) fn has_id(&self, id: Pid) -> bool {
        self.id == id
    }

    /// Whether it has no members any more.
    pub(super) fn is_empty(&self) -> bool {
        if self.has_leader.get() {
            return false;
        }
        // A member whose parent has gone may have become our own child (the runner may be the
        // subreaper), and stays in the group until it is waited for.
        while let Ok(Some(_)) = waitpgid(self.id, WaitOptions::NOHANG) {}
        // The kernel gives no process the number of a group that has members. So if there is a
        // process with this number now, our group was empty before, and the process is not ours.
        test_kill_process(self.id) != Err(Errno::SRCH) || test_kill_process_group(self.id) == Err(Errno::SRCH)
    }

    /// Sends a signal to all members.
    pub(super) fn signal(&self, signal: Signal) {
        if !self.is_empty() {
            // A group that has gone in this very moment needs no signal any more.
            let _ = kill_process_group(self.id, signal);
        }
    }

    /// Sends all members the signal that asks them to end. Stopped members (`SIGSTOP`, Ctrl-Z) are
    /// continued, so that they receive it.
    pub(super) fn request_stop(&self, signal: log_signal::Signal) {
        // The library knows only signals with a name. A real-time signal is not sent, and KILL comes
        // after the grace.
        if let Some(signal) = Signal::from_named_raw(signal.number().into()) {
            self.signal(signal);
            if !matches!(signal, Signal::STOP | Signal::TSTP | Signal::TTIN | Signal::TTOU) {
                self.signal(Signal::CONT);
            }
        }
    }

    /// Waits until it has no members. The kernel does not notify of that, so this checks: often at
    /// first, then less.
    pub(super) async fn wait_until_empty(&self) {
        let unled = self.leader_gone.notified();
        if self.has_leader.get() {
            unled.await;
        }
        let mut pause = Duration::from_millis(1);
        while !self.is_empty() {
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }

    /// Sends KILL until the group is empty: a member may fork while the others are being killed.
    /// Gives up after [`KILL_TIMEOUT`].
    pub(super) async fn kill_all(&self) {
        let killing = async {
            while !self.is_empty() {
                self.signal(Signal::KILL);
                let _ = timeout(Duration::from_millis(10), self.wait_until_empty()).await;
            }
        };
        let _ = timeout(KILL_TIMEOUT, killing).await;
    }
}
