//! Those who went their own way: a process that becomes a daemon (two forks and a session of its own)
//! leaves its group and loses its parent. Linux gives it to the nearest ancestor that has asked for
//! orphans. We ask, and so find it among our own children at the end of the run.
//!
//! Never touches a process that was started in order and is still waited for.

use std::collections::HashSet;

use rustix::process::{
    Pid, Signal, WaitOptions, getpid, kill_process, kill_process_group, set_child_subreaper, waitpid,
};

use crate::io::terminal::foreground;

/// Asks for the orphans of everything that is started from now on.
pub(in crate::io) fn become_subreaper() -> bool {
    set_child_subreaper(Some(getpid())).is_ok()
}

/// Sends KILL to all our children but those that are `expected`, and waits for those that have ended.
/// How many there still are: their own children may be ours by now.
pub(super) fn kill_children(expected: impl Fn(Pid) -> bool) -> usize {
    let mut left = 0;
    for child in children().into_iter().filter(|child| !expected(*child)) {
        // It is our child and nobody has waited for it: the number is its own.
        let _ = kill_process(child, Signal::KILL);
        if let Ok(None) = waitpid(Some(child), WaitOptions::NOHANG) {
            left += 1;
        }
    }
    left
}

/// The same, with the groups that they lead, for who has lost sight of them: notes whom it killed, and
/// gives how many children it found. Only when there were none can nobody be left.
pub(in crate::io) fn kill_children_and_groups(
    expected: impl Fn(Pid) -> bool,
    killed: &mut HashSet<Pid>,
) -> usize {
    let ours = children().into_iter().filter(|child| !expected(*child)).collect::<Vec<_>>();
    for child in &ours {
        if let Ok(Some(_)) = waitpid(Some(*child), WaitOptions::NOHANG) {
            continue;
        }
        // A group that our child leads is its own.
        if foreground::is_group_leader(*child) {
            let _ = kill_process_group(*child, Signal::KILL);
        }
        let _ = kill_process(*child, Signal::KILL);
        killed.insert(*child);
    }
    ours.len()
}

/// Whether a process descends from us.
pub(super) fn is_descendant(process: Pid) -> bool {
    let mut process = Some(process);
    // Longer than any family, and an end should one of them be replaced while it is looked at.
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
    // Behind the name, which may hold anything, come the state and the parent (proc(5)).
    let parent = stat.rsplit(") ").next()?.split(' ').nth(1)?;
    parent.parse().ok().and_then(Pid::from_raw)
}

/// All our children, ended or not; of every thread, since orphans go to any of them.
pub(in crate::io) fn children() -> Vec<Pid> {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    let number = |word: &str| word.parse().ok().and_then(Pid::from_raw);
    lists.flat_map(|list| list.split_whitespace().filter_map(number).collect::<Vec<_>>()).collect()
}
