//! Standard error, which somebody may have stopped reading: a terminal that Ctrl-S stops, a pager. While a
//! command works, text waits for its reader. Once its work is done, nothing waits for long.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// How long the end of a command waits for a reader that takes nothing.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// The most bytes of one write: as much as a pipe with any room at all takes without waiting (pipe(7)).
const MAX_WRITE_LEN: usize = 4096;

/// Whether the work is done.
static IS_ENDING: AtomicBool = AtomicBool::new(false);

/// Whether the reader has taken nothing for [`PATIENCE`] since then.
static IS_UNREAD: AtomicBool = AtomicBool::new(false);

/// The work of this command is done: from now on, text that nobody reads is dropped.
pub fn stop_waiting() {
    IS_ENDING.store(true, Ordering::Relaxed);
}

/// Text has found no reader, so that none of the text after it waits.
pub fn give_up() {
    IS_UNREAD.store(true, Ordering::Relaxed);
}

/// Writes text. A closed standard error does not stop a program.
pub fn write(text: &[u8]) {
    let mut rest = text;
    while !rest.is_empty() {
        let is_ending = IS_ENDING.load(Ordering::Relaxed);
        if is_ending && !is_writable() {
            return give_up();
        }
        let piece = if is_ending { &rest[..rest.len().min(MAX_WRITE_LEN)] } else { rest };
        match rustix::io::write(rustix::stdio::stderr(), piece) {
            Ok(written) if written > 0 => rest = &rest[written..],
            Err(Errno::INTR) => {}
            // Another program that has this terminal or pipe too lets it not wait.
            Err(Errno::AGAIN) => {
                let _ = poll_writable(PATIENCE);
            }
            _ => return,
        }
    }
}

fn is_writable() -> bool {
    !IS_UNREAD.load(Ordering::Relaxed) && poll_writable(PATIENCE) != Ok(0)
}

/// Waits until a write does not wait, or fails; gives 0 if there is no room in this time.
fn poll_writable(timeout: Duration) -> Result<usize, Errno> {
    let stderr = rustix::stdio::stderr();
    let timeout = Timespec::try_from(timeout).ok();
    poll(&mut [PollFd::new(&stderr, PollFlags::OUT)], timeout.as_ref())
}
