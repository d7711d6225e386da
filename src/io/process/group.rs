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
    /// How far the stop has come, if the runner has asked for one.
    stop: Cell<GroupStop>,
    stop_changed: Notify,
    was_killed: Cell<bool>,
    /// A command of the runner's that asks the members to end has not ended.
    has_stop_command: Cell<bool>,
}

/// How far the stop of a group has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GroupStop {
    /// Nobody has asked for it.
    None,
    /// The members have time to end, or are being killed.
    Begun,
    /// KILL has been repeated for [`KILL_TIMEOUT`], and some member is still there.
    GivenUp,
}

impl ProcessGroup {
    /// The group of a process that was just started. `None` only for pid 0, which is impossible.
    pub(super) fn new(leader: u32) -> Option<ProcessGroup> {
        let id = i32::try_from(leader).ok().and_then(Pid::from_raw)?;
        Some(ProcessGroup {
            id,
            has_leader: Cell::new(true),
            leader_gone: Notify::new(),
            stop: Cell::new(GroupStop::None),
            stop_changed: Notify::new(),
            was_killed: Cell::new(false),
            has_stop_command: Cell::new(false),
        })
    }

    /// Notes that the runner wants the whole group to end.
    pub(super) fn begin_stop(&self) {
        self.set_stop(GroupStop::Begun);
    }

    fn set_stop(&self, stop: GroupStop) {
        self.stop.set(stop);
        self.stop_changed.notify_waiters();
    }

    /// Waits until the runner wants the whole group to end.
    pub(super) async fn wait_for_stop(&self) {
        let changed = self.stop_changed.notified();
        if self.stop.get() == GroupStop::None {
            changed.await;
        }
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stop.get() != GroupStop::None
    }

    /// Notes whether a command of the runner's asks the members to end: until it has ended, the stop is not over.
    pub(super) fn set_stop_command(&self, runs: bool) {
        self.has_stop_command.set(runs);
        self.stop_changed.notify_waiters();
    }

    async fn wait_for_stop_command(&self) {
        loop {
            let changed = self.stop_changed.notified();
            if !self.has_stop_command.get() {
                return;
            }
            changed.await;
        }
    }

    /// Waits until a stop that has begun is over: the group is empty and no command asks it to end, or KILL does
    /// not end it.
    pub(super) async fn wait_until_stopped(&self) {
        let given_up = async {
            loop {
                let changed = self.stop_changed.notified();
                if self.stop.get() == GroupStop::GivenUp {
                    return;
                }
                changed.await;
            }
        };
        tokio::select! {
            biased;
            () = async { self.wait_until_empty().await; self.wait_for_stop_command().await } => {}
            () = given_up => {}
        }
    }

    /// Whether members were left when the time to end was over, so that they were sent KILL.
    pub(super) fn was_killed(&self) -> bool {
        self.was_killed.get()
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

    /// Its leader, unless that has been waited for.
    pub(super) fn leader(&self) -> Option<Pid> {
        self.has_leader.get().then_some(self.id)
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

    /// Sends KILL to all members.
    pub(super) fn kill(&self) {
        if !self.is_empty() {
            self.was_killed.set(true);
            let _ = kill_process_group(self.id, Signal::KILL);
        }
    }

    /// Sends KILL until the group is empty: a member may fork while the others are being killed.
    /// Gives up after [`KILL_TIMEOUT`].
    pub(super) async fn kill_all(&self) {
        let killing = async {
            while !self.is_empty() {
                self.kill();
                let _ = timeout(Duration::from_millis(10), self.wait_until_empty()).await;
            }
        };
        if timeout(KILL_TIMEOUT, killing).await.is_err() {
            self.set_stop(GroupStop::GivenUp);
        }
    }
}
