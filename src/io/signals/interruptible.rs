//! Work at the end of a command that may wait for the reader of a pipe, when nothing listens to signals any
//! more: a signal still ends the command.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use tokio::signal::unix::SignalKind;

use super::ignored::flag_unless_ignored;
use crate::io::guard::lifeline::Lifeline;

/// How often the work's thread looks whether a signal has come.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Why work has not come to its end.
#[derive(Debug)]
pub enum UnfinishedWork {
    /// There was no thread for it.
    NoThread(io::Error),
    /// It has panicked.
    Panicked,
    /// A signal has come.
    Signal,
    /// It took longer than it may.
    TooLong(Duration),
}

impl fmt::Display for UnfinishedWork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UnfinishedWork::NoThread(error) => error.fmt(f),
            UnfinishedWork::Panicked => f.write_str("its thread has panicked"),
            UnfinishedWork::Signal => f.write_str("a signal came before all of it was taken"),
            UnfinishedWork::TooLong(patience) => {
                write!(f, "not all of it was taken within {} s", patience.as_secs())
            }
        }
    }
}

/// Does work in a thread, and waits for it until a signal comes, and no longer than `patience`. Work that
/// has not ended then is left to itself.
///
/// # Errors
/// When the work has not come to its end.
pub fn run_until_signal<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
    patience: Option<Duration>,
) -> Result<T, UnfinishedWork> {
    let has_come = Arc::new(AtomicBool::new(false));
    for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
        // Without it this signal does not end the work, and nothing else is lost.
        let _ = flag_unless_ignored(kind, &has_come);
    }
    // The reader of the runtime stands still, so no other takes what comes now.
    let mut lifeline = Lifeline::find().ok().flatten();
    let (done, result) = channel();
    let since = Instant::now();
    let thread = std::thread::Builder::new().name("report".to_owned());
    thread.spawn(move || done.send(work())).map_err(UnfinishedWork::NoThread)?;
    loop {
        match result.recv_timeout(POLL_INTERVAL) {
            Ok(result) => return Ok(result),
            Err(RecvTimeoutError::Disconnected) => return Err(UnfinishedWork::Panicked),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if has_come.load(Ordering::Relaxed) || lifeline.as_mut().is_some_and(Lifeline::has_end_signal) {
            return Err(UnfinishedWork::Signal);
        }
        if let Some(patience) = patience.filter(|patience| since.elapsed() > *patience) {
            return Err(UnfinishedWork::TooLong(patience));
        }
    }
}
