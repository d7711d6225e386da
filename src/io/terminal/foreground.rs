//! The place of this process among the jobs of its terminal: its process group, its session, and the
//! group in the foreground. Only asks, and changes nothing.
//!
//! Each of these may have been made outside of our PID namespace (by a container's init, or with
//! `unshare --pid --fork`). Linux then gives 0 for it: credentials(7), pid_namespaces(7). rustix
//! takes 0 for impossible, so this module uses nix.

use std::os::fd::AsFd;

use nix::unistd::{Pid, getpgid, getpgrp, getsid, tcgetpgrp};

/// Whether our job is in the foreground of a terminal. Any other job must not touch it, and is
/// stopped when it reads. Two groups from outside the namespace look the same, and count as one.
#[must_use]
pub fn is_foreground(terminal: impl AsFd) -> bool {
    tcgetpgrp(terminal) == Ok(getpgrp())
}

/// Whether there may be a shell that controls jobs, which would continue this process if it stopped:
/// its group is not that of the session's first process. Two groups from outside the namespace look
/// the same, so then there may be one.
#[must_use]
pub fn may_be_shell_job() -> bool {
    let (session, group) = (getsid(None), getpgrp());
    session != Ok(group) || group == Pid::from_raw(0)
}

/// Whether a process leads a group of its own.
pub(in crate::io) fn is_group_leader(process: rustix::process::Pid) -> bool {
    let process = Pid::from_raw(process.as_raw_nonzero().get());
    getpgid(Some(process)) == Ok(process)
}
