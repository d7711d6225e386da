//! The limit of open descriptors. A process of ours takes three or four, and the usual limit of 1,024
//! is there only for programs that cannot count further (`select`): the runner can, so it takes what
//! it may have. What it starts gets the limit that the runner was given.

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};

/// More than this nobody needs; a table of so many is 8 MB of the kernel's memory.
const MAX_FD_LIMIT: u64 = 1 << 20;

/// The limit as the runner found it, if it has been raised since.
#[derive(Clone, Copy, Debug)]
pub(super) struct OriginalFdLimit(Option<u64>);

impl OriginalFdLimit {
    /// Raises the runner's limit as far as it may be.
    pub(super) fn raise() -> OriginalFdLimit {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let most = maximum.unwrap_or(MAX_FD_LIMIT).min(MAX_FD_LIMIT);
        let raised = current.filter(|current| *current < most);
        OriginalFdLimit(
            raised.filter(|_| setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum }).is_ok()),
        )
    }

    /// Gives a process that has just been started the limit that it would have had. It can raise it
    /// again as we did.
    pub(super) fn restore_for(self, pid: u32) {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        if let (Some(current), Some(pid)) = (self.0, pid) {
            let maximum = getrlimit(Resource::Nofile).maximum;
            // One that is gone already needs no limit.
            let _ = prlimit(Some(pid), Resource::Nofile, Rlimit { current: Some(current), maximum });
        }
    }
}
