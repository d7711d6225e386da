//! Processes that are stopped: single ones by a signal (they read the terminal from the background,
//! or received STOP), which is reported, and all of them while the run is paused, which is not.
//!
//! Never waits for the end of a process that was started in order: the task that supervises it does that.
//! The notice of the kernel is the same for orphans, so these are waited for here.

use std::rc::Rc;
use std::time::Duration;

use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use rustix::process::{Pid, Signal};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::spawn_local;
use tokio::time::sleep;

use crate::io::inbox::Input;
use crate::io::process::orphans;
use crate::io::process::registry::ProcessRegistry;
use scenario_log::event::Source;
use scenario_log::signal as log_signal;

/// How long after a notice of the kernel the changes are looked for. Ends cause notices too, and for
/// thousands of them one look is enough.
const SETTLE_DELAY: Duration = Duration::from_millis(20);

/// Reports from now on which processes are stopped and which go on, and waits for orphans. Must be called in a runtime and a
/// local set.
pub(super) fn watch_stops(registry: &Rc<ProcessRegistry>) {
    // Without it stops are not reported and orphans stay zombies, and nothing else is lost.
    let Ok(mut changes) = signal(SignalKind::child()) else { return };
    let registry = Rc::clone(registry);
    spawn_local(async move {
        while changes.recv().await.is_some() {
            loop {
                sleep(SETTLE_DELAY).await;
                if !registry.paused.get() {
                    while let Some((process, by)) = next_stop_change() {
                        registry.record_stop_change(process, by);
                    }
                }
                if !registry.owns_children.get()
                    || !orphans::reap_ended(|child| registry.is_supervised(child), drop)
                {
                    break;
                }
            }
        }
    });
}

/// The next change that was not looked at: the child, and the signal that stopped it, or `None` if it
/// goes on.
fn next_stop_change() -> Option<(Pid, Option<log_signal::Signal>)> {
    let flags = WaitPidFlag::WSTOPPED | WaitPidFlag::WCONTINUED | WaitPidFlag::WNOHANG;
    match waitid(Id::All, flags) {
        Ok(WaitStatus::Stopped(process, signal)) => {
            Some((Pid::from_raw(process.as_raw())?, log_signal::Signal::from_number(signal as i32)))
        }
        Ok(WaitStatus::Continued(process)) => Some((Pid::from_raw(process.as_raw())?, None)),
        _ => None,
    }
}

impl ProcessRegistry {
    /// Whether a child of ours is a process that a task waits for.
    fn is_supervised(&self, child: Pid) -> bool {
        self.running.borrow().values().any(|process| process.group.is_led_by(child))
            || self.short_commands.groups().iter().any(|group| group.is_led_by(child))
    }

    fn record_stop_change(&self, process: Pid, by: Option<log_signal::Signal>) {
        let mut running = self.running.borrow_mut();
        let Some((source, running)) = running.iter_mut().find(|(_, one)| one.group.is_led_by(process)) else {
            return;
        };
        if std::mem::replace(&mut running.suspended, by.is_some()) != by.is_some() {
            self.inbox.push(stop_change_input(*source, by));
        }
    }

    /// Stops all groups, as a shell stops a job; also the groups that have lost their leader.
    pub(super) fn stop_all(&self) {
        self.paused.set(true);
        self.signal_all_but_suspended(Signal::STOP);
    }

    /// Continues all groups, except those that were stopped before.
    pub(super) fn continue_all(&self, pause: Duration) {
        for process in self.running.borrow_mut().values_mut() {
            process.stop_state = process.stop_state.clone().postponed_by(pause);
        }
        self.signal_all_but_suspended(Signal::CONT);
        // The changes that the pause caused are not the processes' own.
        while next_stop_change().is_some() {}
        if let Some(terminal) = &mut *self.terminal.borrow_mut() {
            terminal.forget_modes();
        }
        self.paused.set(false);
    }

    fn signal_all_but_suspended(&self, signal: Signal) {
        let running = self.running.borrow();
        running
            .values()
            .filter(|process| !process.suspended)
            .for_each(|process| process.group.signal(signal));
        self.leaderless_groups.borrow().iter().for_each(|group| group.signal(signal));
        self.short_commands.groups().iter().for_each(|group| group.signal(signal));
    }
}

fn stop_change_input(source: Source, by: Option<log_signal::Signal>) -> Input {
    match by {
        Some(signal) => Input::SpawnSuspended { source, signal },
        None => Input::SpawnResumed { source },
    }
}
