//! The runtime of a driver: one thread, on which the hands live with it.

use std::io;
use std::os::unix::net::UnixStream;

use tokio::runtime::{Builder, Runtime};

/// Half as many descriptors as a runtime needs at most, for its events and its signals.
const RESERVED_FD_PAIRS: usize = 4;

/// A runtime of this thread.
///
/// # Errors
/// When the system does not let it be had.
pub fn build() -> io::Result<Runtime> {
    // Without descriptors for its signals Tokio panics, so it is seen first whether there are any.
    let pairs: io::Result<Vec<_>> = (0..RESERVED_FD_PAIRS).map(|_| UnixStream::pair()).collect();
    drop(pairs?);
    Builder::new_current_thread().enable_all().build()
}
