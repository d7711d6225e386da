//! Control groups (cgroups(7)): the kernel's limits for a program with all that it starts. They can be had
//! where the runner may make groups beside or beneath its own: as root, or where they were delegated to it.
//! Both versions are used. In the first each controller has a tree of its own.
//!
//! Each spawn with such limits gets a group, which is removed when it is empty. A group of a runner that was killed
//! is removed by the next one that makes groups there.

use std::cell::{Cell, OnceCell, RefCell};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use rustix::process::{Pid, getpid, test_kill_process};

use crate::io::notices::Notices;

/// The start of the name of every group of ours; the runner's process and a number follow.
const NAME_PREFIX: &str = "scenario-";

/// The places where groups can be made, looked for when the first is needed, and the groups that are still in use
/// though their spawns have ended.
#[derive(Debug, Default)]
pub struct ControlGroups {
    places: OnceCell<GroupPlaces>,
    made: Cell<u64>,
    /// Whether it was said that there are none.
    is_told: Cell<bool>,
    left: RefCell<Vec<PathBuf>>,
}

#[derive(Debug, Default)]
struct GroupPlaces {
    memory: Option<GroupPlace>,
    pids: Option<GroupPlace>,
}

/// A folder in which groups with a controller can be made.
#[derive(Clone, Debug, PartialEq, Eq)]
struct GroupPlace {
    folder: PathBuf,
    /// Of the first version.
    is_legacy: bool,
}

/// The groups of one spawn.
#[derive(Debug)]
pub(in crate::io::process) struct ProgramGroup {
    groups: Rc<ControlGroups>,
    /// One for all controllers, or one for each.
    folders: Vec<PathBuf>,
    /// The file that counts the kills for want of memory, if memory is limited.
    memory_events: Option<PathBuf>,
}

impl ControlGroups {
    /// Says once what becomes of limits for which no group can be made.
    pub(super) fn note_missing(&self, memory: bool, processes: bool, notices: &Notices) {
        if !(memory || processes) || self.is_told.replace(true) {
            return;
        }
        let places = self.places.get_or_init(GroupPlaces::find);
        if memory && places.memory.is_none() {
            notices.push(
                "no control group can be made here, so `limits.memory` holds for each process of a program alone"
                    .to_owned(),
            );
        }
        if processes && places.pids.is_none() {
            notices.push(
                "no control group can be made here, so `limits.processes` counts all processes of the user, and does \
                 not hold for root"
                    .to_owned(),
            );
        }
    }

    /// Makes a group with limits of memory and processes; `None` if none is wanted or can be had.
    pub(super) fn make(self: &Rc<Self>, memory: Option<u64>, processes: Option<u32>) -> Option<ProgramGroup> {
        if memory.is_none() && processes.is_none() {
            return None;
        }
        let places = self.places.get_or_init(GroupPlaces::find);
        self.made.set(self.made.get() + 1);
        let name = format!("{NAME_PREFIX}{}-{}", getpid(), self.made.get());
        let mut group = ProgramGroup { groups: Rc::clone(self), folders: Vec::new(), memory_events: None };
        if let (Some(limit), Some(place)) = (memory, &places.memory) {
            let folder = place.folder.join(&name);
            if group.add(&folder, |folder| place.limit_memory(folder, limit)) {
                group.memory_events = Some(folder.join(place.memory_events_name()));
            }
        }
        if let (Some(limit), Some(place)) = (processes, &places.pids) {
            let folder = place.folder.join(&name);
            group.add(&folder, |folder| fs::write(folder.join("pids.max"), limit.to_string()));
        }
        (!group.folders.is_empty()).then_some(group)
    }
}

impl Drop for ControlGroups {
    fn drop(&mut self) {
        self.left.borrow().iter().for_each(|folder| drop(fs::remove_dir(folder)));
    }
}

impl ProgramGroup {
    /// Adds a folder, unless it is there already, and a limit in it; false if that cannot be had.
    fn add(&mut self, folder: &Path, limit: impl FnOnce(&Path) -> io::Result<()>) -> bool {
        let is_new = !self.folders.iter().any(|known| known == folder);
        if is_new && fs::create_dir(folder).is_err() {
            return false;
        }
        let is_limited = limit(folder).is_ok();
        if is_new && is_limited {
            self.folders.push(folder.to_owned());
        } else if is_new {
            let _ = fs::remove_dir(folder);
        }
        is_limited
    }

    pub(super) fn limits_memory(&self) -> bool {
        self.memory_events.is_some()
    }

    /// The files that a process writes to in order to join.
    pub(super) fn procs_files(&self) -> impl Iterator<Item = PathBuf> {
        self.folders.iter().map(|folder| folder.join("cgroup.procs"))
    }

    /// Whether the kernel has killed one of its processes because there was no memory left in it.
    pub(in crate::io::process) fn was_out_of_memory(&self) -> bool {
        let text = self.memory_events.as_ref().and_then(|file| fs::read_to_string(file).ok());
        let kills =
            text.as_deref().unwrap_or_default().lines().find_map(|line| line.strip_prefix("oom_kill "));
        kills.and_then(|kills| kills.trim().parse::<u64>().ok()).is_some_and(|kills| kills > 0)
    }
}

impl Drop for ProgramGroup {
    fn drop(&mut self) {
        for folder in self.folders.drain(..) {
            // Daemons that it has left are still in it.
            if fs::remove_dir(&folder).is_err() {
                self.groups.left.borrow_mut().push(folder);
            }
        }
    }
}

impl GroupPlaces {
    fn find() -> GroupPlaces {
        let (Ok(own), Ok(mounts)) =
            (fs::read_to_string("/proc/self/cgroup"), fs::read_to_string("/proc/self/mountinfo"))
        else {
            return GroupPlaces::default();
        };
        let find = |controller| {
            let candidates = candidates(&own, &mounts, controller);
            candidates.into_iter().find(|place| place.is_usable(controller))
        };
        GroupPlaces { memory: find("memory"), pids: find("pids") }
    }
}

impl GroupPlace {
    /// Whether a group with the controller can be made here. Tries it.
    fn is_usable(&self, controller: &str) -> bool {
        if !self.is_legacy {
            let enabled = self.folder.join("cgroup.subtree_control");
            let is_enabled = || {
                fs::read_to_string(&enabled)
                    .is_ok_and(|list| list.split_whitespace().any(|one| one == controller))
            };
            if !is_enabled() && fs::write(&enabled, format!("+{controller}")).is_err() {
                return false;
            }
        }
        self.remove_orphaned();
        let trial = self.folder.join(format!("{NAME_PREFIX}{}-0", getpid()));
        let limit = if controller == "pids" { "pids.max" } else { self.memory_limit_name() };
        let works = fs::create_dir(&trial).is_ok() && trial.join(limit).exists();
        let _ = fs::remove_dir(&trial);
        works
    }

    /// Removes the empty groups of runners that are gone.
    fn remove_orphaned(&self) {
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let runner = name.to_str().and_then(|name| name.strip_prefix(NAME_PREFIX)?.split('-').next());
            let runner = runner.and_then(|pid| pid.parse().ok()).and_then(Pid::from_raw);
            if runner.is_some_and(|runner| test_kill_process(runner) == Err(rustix::io::Errno::SRCH)) {
                let _ = fs::remove_dir(entry.path());
            }
        }
    }

    fn memory_limit_name(&self) -> &'static str {
        if self.is_legacy { "memory.limit_in_bytes" } else { "memory.max" }
    }

    fn memory_events_name(&self) -> &'static str {
        if self.is_legacy { "memory.oom_control" } else { "memory.events" }
    }

    /// Limits memory, and keeps it from being swapped out instead where that is known how to.
    fn limit_memory(&self, folder: &Path, bytes: u64) -> io::Result<()> {
        fs::write(folder.join(self.memory_limit_name()), bytes.to_string())?;
        let swap = if self.is_legacy {
            ("memory.memsw.limit_in_bytes", bytes.to_string())
        } else {
            ("memory.swap.max", "0".to_owned())
        };
        let _ = fs::write(folder.join(swap.0), swap.1);
        if !self.is_legacy {
            let _ = fs::write(folder.join("memory.oom.group"), "1");
        }
        Ok(())
    }
}

/// The places to try for a controller, in their order: the group of this process, and the one above it.
fn candidates(own: &str, mounts: &str, controller: &str) -> Vec<GroupPlace> {
    let mut places = Vec::new();
    for line in own.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        let is_legacy = !controllers.is_empty();
        if is_legacy && !controllers.split(',').any(|one| one == controller) {
            continue;
        }
        let Some(folder) = folder_of(mounts, is_legacy.then_some(controller), path) else { continue };
        places.push(GroupPlace { folder: folder.clone(), is_legacy });
        // In the second version a group with processes has no groups with controllers beneath it.
        if let (false, Some(parent), true) = (is_legacy, folder.parent(), path != "/") {
            places.push(GroupPlace { folder: parent.to_owned(), is_legacy });
        }
    }
    places
}

/// The folder of a group: of a tree of the first version with this controller, or of the second.
fn folder_of(mounts: &str, controller: Option<&str>, path: &str) -> Option<PathBuf> {
    mounts.lines().find_map(|line| {
        // The optional fields end with a dash (proc(5)).
        let (before, behind) = line.split_once(" - ")?;
        let mut before = before.split(' ').skip(3);
        let (root, mounted) = (before.next()?, before.next()?);
        let mut behind = behind.split(' ');
        let (kind, options) = (behind.next()?, behind.nth(1)?);
        let is_it = match controller {
            Some(controller) => kind == "cgroup" && options.split(',').any(|one| one == controller),
            None => kind == "cgroup2",
        };
        let below = if root == "/" { path } else { path.strip_prefix(root)? };
        is_it.then(|| Path::new(mounted).join(below.trim_start_matches('/')))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "30 25 0:26 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory\n\
        31 25 0:27 / /sys/fs/cgroup/unified rw,nosuid shared:10 - cgroup2 cgroup2 rw\n\
        32 25 0:28 /docker/x /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n";

    fn folders(own: &str, controller: &str) -> Vec<String> {
        let places = candidates(own, MOUNTS, controller);
        places.into_iter().map(|place| place.folder.display().to_string()).collect()
    }

    #[test]
    fn groups_are_made_where_this_process_is() {
        let own = "4:memory:/a/b\n8:pids:/docker/x/y\n0::/user/run\n";
        assert_eq!(
            folders(own, "memory"),
            ["/sys/fs/cgroup/memory/a/b", "/sys/fs/cgroup/unified/user/run", "/sys/fs/cgroup/unified/user"]
        );
        assert_eq!(folders(own, "pids")[0], "/sys/fs/cgroup/pids/y");
        assert_eq!(folders("0::/\n", "memory"), ["/sys/fs/cgroup/unified/"]);
        assert!(folders("", "memory").is_empty());
    }
}
