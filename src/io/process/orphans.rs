//! Orphans: a process that becomes a daemon (two forks and a session of its own) leaves its group and
//! loses its parent. Linux gives it to the nearest ancestor that is a subreaper, or to the first process
//! of a container. The runner is one, and so finds the daemon among its own children at the end of the
//! run. Until then it waits for those that end, or they would stay as zombies and fill the table of
//! processes.
//!
//! Never touches a process that was started in order and is still waited for.

use std::collections::HashSet;

use nix::errno::Errno;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use rustix::process::{
    Pid, Signal, WaitOptions, getpid, kill_process, kill_process_group, set_child_subreaper, waitpid,
};

use crate::io::terminal::foreground;

/// Makes this process the subreaper of everything that is started from now on; false if it cannot be.
pub(in crate::io) fn become_subreaper() -> bool {
    set_child_subreaper(Some(getpid())).is_ok()
}

/// Waits for all our children that have ended, except the `expected` ones, and gives each to `reaped`.
/// Returns whether one of those has ended too: others may come after it, so the caller tries again once
/// it has been waited for.
pub(in crate::io) fn reap_ended(expected: impl Fn(Pid) -> bool, mut reaped: impl FnMut(Pid)) -> bool {
    let only_look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    let mut reap = |child| {
        let has_ended = matches!(waitpid(Some(child), WaitOptions::NOHANG), Ok(Some(_)));
        if has_ended {
            reaped(child);
        }
        has_ended
    };
    loop {
        let ended = waitid(Id::All, only_look).map(|status: WaitStatus| status.pid());
        let Ok(ended) = ended else {
            // The library has no name for a real-time signal, and does not tell which child it ended.
            let is_nameless = ended == Err(Errno::EINVAL);
            if is_nameless {
                for child in children().into_iter().filter(|child| !expected(*child)) {
                    reap(child);
                }
            }
            return is_nameless;
        };
        match ended.and_then(|child| Pid::from_raw(child.as_raw())) {
            Some(child) if expected(child) => return true,
            Some(child) if reap(child) => {}
            _ => return false,
        }
    }
}

/// Sends KILL to all our children except the `expected` ones, and waits for those that have ended.
/// Gives how many there still are: their own children may be ours by now.
pub(super) fn kill_children(expected: impl Fn(Pid) -> bool) -> usize {
    let mut left = 0;
    for child in children().into_iter().filter(|child| !expected(*child)) {
        // It is our child and has not been waited for, so the number is its own.
        let _ = kill_process(child, Signal::KILL);
        if let Ok(None) = waitpid(Some(child), WaitOptions::NOHANG) {
            left += 1;
        }
    }
    left
}

/// The same, and kills the groups that the children lead as well. For a caller that does not know
/// which processes there are. Adds the killed ones to `killed`, and gives how many children it found:
/// only when there were none is nothing left.
pub(in crate::io) fn kill_children_and_groups(
    expected: impl Fn(Pid) -> bool,
    killed: &mut HashSet<Pid>,
) -> usize {
    let ours = children().into_iter().filter(|child| !expected(*child)).collect::<Vec<_>>();
    for child in &ours {
        if let Ok(Some(_)) = waitpid(Some(*child), WaitOptions::NOHANG) {
            continue;
        }
        // The group that our child leads is its own.
        if foreground::is_group_leader(*child) {
            let _ = kill_process_group(*child, Signal::KILL);
        }
        let _ = kill_process(*child, Signal::KILL);
        killed.insert(*child);
    }
    ours.len()
}

/// Whether a process is a descendant of this one.
pub(super) fn is_descendant(process: Pid) -> bool {
    let mut process = Some(process);
    // Longer than any chain of parents. The bound ends the loop if a process is replaced meanwhile.
    for _ in 0..64 {
        match process {
            Some(process) if process == getpid() => return true,
            Some(this) => process = parent_of(this),
            None => return false,
        }
    }
    false
}

fn parent_of(process: Pid) -> Option<Pid> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero())).ok()?;
    // After the name, which may contain anything, come the state and the parent (proc(5)).
    let parent = stat.rsplit(") ").next()?.split(' ').nth(1)?;
    parent.parse().ok().and_then(Pid::from_raw)
}

/// All our children, ended or not, of every thread: orphans go to any of the threads.
pub(in crate::io) fn children() -> Vec<Pid> {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    let number = |word: &str| word.parse().ok().and_then(Pid::from_raw);
    lists.flat_map(|list| list.split_whitespace().filter_map(number).collect::<Vec<_>>()).collect()
}
