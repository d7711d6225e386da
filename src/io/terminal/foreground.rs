//! Where this process stands among the jobs of its terminal: its process group, its session, the
//! group in front. Asks, and changes nothing.
//!
//! Any of them may have been made outside of the PID namespace that we are in (what a container's
//! init starts, `unshare --pid --fork`). Linux then calls it 0: credentials(7) and pid_namespaces(7).
//! rustix takes that for impossible, so it is nix that is asked here.

use std::os::fd::AsFd;

use nix::unistd::{Pid, getpgid, getpgrp, getsid, tcgetpgrp};

/// Whether ours is the job in the foreground of a terminal. Any other must not touch it, and is
/// stopped when it reads. Two groups of outside cannot be told apart, and are taken for one.
#[must_use]
pub fn is_foreground(terminal: impl AsFd) -> bool {
    tcgetpgrp(terminal) == Ok(getpgrp())
}

/// Whether there may be a shell in charge of jobs, which would let this process go on if it stopped:
/// it is in another group than the session's first process. Of two groups of outside nobody knows.
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
