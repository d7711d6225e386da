//! Work that blocks, on a thread of its own: a name's lookup, a file.
//!
//! Not the runtime's threads: those panic where the system gives no more threads, and a runtime that
//! is dropped waits for them, so that a lookup that hangs would keep the run from ending.

use std::io;

use tokio::sync::oneshot;

/// Does `work` on a new thread. If nobody waits for it any longer, it goes on alone.
///
/// # Errors
///
/// If the system gives no thread, or `work` panicked.
pub(crate) async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let (done, wait) = oneshot::channel();
    // Where nobody waits any longer, nobody misses the outcome.
    spawn_thread(move || drop(done.send(work())))?;
    wait.await.unwrap_or_else(|_| Err(io::Error::other("its thread broke off")))
}

/// Does `work` on a new thread, which nobody waits for.
///
/// # Errors
///
/// If the system gives no thread.
pub(crate) fn spawn_thread(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let thread = std::thread::Builder::new().name("fetch".to_owned()).spawn(work);
    thread.map(drop).map_err(|error| io::Error::new(error.kind(), format!("no thread for it: {error}")))
}
