//! The limit of open descriptors. Each process takes three or four descriptors of the runner. The
//! usual limit of 1,024 exists for programs that use `select`, which cannot count further. The runner
//! does not use it, so it raises its limit as far as allowed. The programs that it starts get the
//! limit that the runner started with.

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};

/// No run needs more; a table of this size takes 8 MB of the kernel's memory.
const MAX_FD_LIMIT: u64 = 1 << 20;

/// The limit that the runner started with, if it has been raised since.
#[derive(Clone, Copy, Debug)]
pub(super) struct OriginalFdLimit(Option<u64>);

impl OriginalFdLimit {
    /// Raises the runner's limit as far as it may.
    pub(super) fn raise() -> OriginalFdLimit {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let most = maximum.unwrap_or(MAX_FD_LIMIT).min(MAX_FD_LIMIT);
        let raised = current.filter(|current| *current < most);
        OriginalFdLimit(
            raised.filter(|_| setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum }).is_ok()),
        )
    }

    /// Gives a process that was just started the limit that the runner started with. The process can
    /// raise it again, as the runner did.
    pub(super) fn restore_for(self, pid: u32) {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        if let (Some(current), Some(pid)) = (self.0, pid) {
            let maximum = getrlimit(Resource::Nofile).maximum;
            // A process that has gone needs no limit.
            let _ = prlimit(Some(pid), Resource::Nofile, Rlimit { current: Some(current), maximum });
        }
    }
}
