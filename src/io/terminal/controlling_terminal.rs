//! Keeps the terminal that a run was started on as it was. The programs of the run can open the same
//! terminal (`/dev/tty`): one may put itself in the foreground or change the modes, and die without
//! undoing it.
//!
//! Never touches a terminal that belongs to another job.

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;

use nix::sys::signal::{SigSet, Signal};
use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};
use nix::unistd::{getpgrp, tcgetpgrp, tcsetpgrp};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process_group};

/// The controlling terminal of this process.
#[derive(Debug)]
pub(in crate::io) struct ControllingTerminal {
    terminal: File,
    /// Its modes when we were in the foreground for the first time. From then on the terminal is
    /// ours.
    saved_modes: Option<Termios>,
}

impl ControllingTerminal {
    /// Opens it; `None` if there is no terminal.
    pub(in crate::io) fn open() -> Option<ControllingTerminal> {
        let flags = (OFlags::NOCTTY | OFlags::NONBLOCK).bits().cast_signed();
        let terminal = File::options().read(true).write(true).custom_flags(flags).open("/dev/tty").ok()?;
        let mut controlling = ControllingTerminal { terminal, saved_modes: None };
        controlling.restore(|_| false);
        Some(controlling)
    }

    /// Takes the terminal back from a group that is `theirs` or has gone, and restores its modes. If
    /// we were never in the foreground, the terminal belongs to another job and is left alone.
    pub(in crate::io) fn restore(&mut self, theirs: impl Fn(Pid) -> bool) {
        let Ok(front) = tcgetpgrp(&self.terminal) else { return };
        if front != getpgrp() {
            let is_taken =
                Pid::from_raw(front.as_raw()).is_some_and(|front| is_group_empty(front) || theirs(front));
            if self.saved_modes.is_none() || !is_taken {
                return;
            }
            move_to_foreground(&self.terminal);
        }
        let Ok(modes) = tcgetattr(&self.terminal) else { return };
        match &self.saved_modes {
            Some(kept) if *kept != modes => {
                // A terminal that has gone away has no modes.
                let _ = tcsetattr(&self.terminal, SetArg::TCSANOW, kept);
            }
            Some(_) => {}
            None => self.saved_modes = Some(modes),
        }
    }

    /// To be called after a pause, in which a shell had the terminal.
    pub(in crate::io) fn forget_modes(&mut self) {
        self.saved_modes = None;
    }
}

/// Puts our group in the foreground. It is not there yet, so the signal TTOU would stop us; it is
/// blocked.
fn move_to_foreground(terminal: impl AsFd) {
    let mut held = SigSet::empty();
    held.add(Signal::SIGTTOU);
    if held.thread_block().is_ok() {
        let _ = tcsetpgrp(terminal, getpgrp());
        let _ = held.thread_unblock();
    }
}

fn is_group_empty(group: Pid) -> bool {
    test_kill_process_group(group) == Err(Errno::SRCH)
}
