//! Waits until there is something to read. Reads nothing, and does not change how other processes
//! with the same file open read it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A file that may have to be waited for.
#[derive(Debug)]
pub struct ReadableFd {
    /// `None` for a file that never has to be waited for, such as a regular file.
    fd: Option<AsyncFd<OwnedFd>>,
}

impl ReadableFd {
    /// Prepares to wait for `file`. To be called in a runtime.
    ///
    /// # Errors
    /// When there is no descriptor left.
    pub fn new(file: impl AsFd) -> io::Result<ReadableFd> {
        let fd = file.as_fd().try_clone_to_owned()?;
        #[expect(
            deprecated,
            reason = "what came in its place is unsafe, for types that lie about their descriptor"
        )]
        let registered = AsyncFd::with_interest(fd, Interest::READABLE);
        match registered {
            Ok(fd) => Ok(ReadableFd { fd: Some(fd) }),
            // A file that epoll(7) refuses (EPERM) can always be read.
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::PERM.raw_os_error()) => {
                Ok(ReadableFd { fd: None })
            }
            Err(error) => Err(error),
        }
    }

    /// Waits until a read would not block. May be dropped at any time.
    pub async fn wait_readable(&self) {
        let Some(fd) = &self.fd else { return };
        // The runtime gets a notice of a change only once, so its memory of it is cleared only when
        // nothing is left to read.
        while let Ok(mut ready) = fd.readable().await {
            if poll_now(fd.get_ref()).is_some() {
                return;
            }
            ready.clear_ready();
        }
        // The runtime is being shut down.
        std::future::pending().await
    }

    /// Whether no process can write to it any more.
    #[must_use]
    pub fn is_hung_up(&self) -> bool {
        let flags = self.fd.as_ref().and_then(|fd| poll_now(fd.get_ref()));
        flags.is_some_and(|flags| flags.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL))
    }
}

/// The state that a read would find now; `None` if it would wait.
fn poll_now(fd: &OwnedFd) -> Option<PollFlags> {
    let mut fds = [PollFd::new(fd, PollFlags::IN)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    match poll(&mut fds, Some(&at_once)) {
        Ok(0) => None,
        Ok(_) => Some(fds[0].revents()),
        Err(_) => None,
    }
}
