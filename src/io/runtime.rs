//! Builds the runtime of a driver: one thread, which the driver shares with everything in this room.

use std::io;
use std::os::unix::net::UnixStream;

use tokio::runtime::{Builder, Runtime};

/// Half of the descriptors that a runtime needs at most, for its events and its signals.
const RESERVED_FD_PAIRS: usize = 4;

/// Builds a runtime for this thread.
///
/// # Errors
/// When the system does not provide what it needs.
pub fn build() -> io::Result<Runtime> {
    // Tokio panics if it gets no descriptors for its signals, so this checks first that there are
    // some.
    let pairs: io::Result<Vec<_>> = (0..RESERVED_FD_PAIRS).map(|_| UnixStream::pair()).collect();
    drop(pairs?);
    Builder::new_current_thread().enable_all().build()
}
