//! Work that blocks, on a thread of its own: the lookup of a name, or the reading of a file.
//!
//! The threads of the runtime are not used. They panic if the system gives no more threads, and a runtime
//! that is dropped waits for them, so a lookup that hangs would keep the run from ending.

use std::io;
use std::path::Path;

use tokio::sync::oneshot;

/// Does `work` on a new thread. If the caller stops waiting, the thread goes on alone. Fails if the system
/// gives no thread, or if `work` panics.
pub(super) async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let (sender, receiver) = oneshot::channel();
    // If the caller has stopped waiting, nobody needs the result.
    spawn_thread(move || drop(sender.send(work())))?;
    receiver.await.unwrap_or_else(|_| Err(io::Error::other("its thread ended early")))
}

/// Does `work` on a new thread, without waiting for it. Fails if the system gives no thread.
pub(super) fn spawn_thread(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let thread = std::thread::Builder::new().name("fetch".to_owned()).spawn(work);
    thread.map(drop).map_err(|error| io::Error::new(error.kind(), format!("no thread for it: {error}")))
}

/// The end of a message about a file that could not be read: where it was looked for. `path` is what the
/// message shows of it.
pub(super) fn looked_for(path: &Path, file: &Path) -> String {
    match std::path::absolute(file) {
        Ok(place) if place != path => format!(" (looked for {})", place.display()),
        Ok(_) | Err(_) => String::new(),
    }
}
