//! Waits for the children of a process that has started none. The first process of a container inherits
//! everybody's orphans, and a shell that becomes this program leaves it its own children. Those that end
//! would be zombies until this process ends.
//!
//! Never runs beside something else that waits for children: it would take the status away.

use std::pin::pin;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::getpid;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot::{self, Receiver, Sender};
use tokio::time::sleep;

use crate::io::process::orphans;
use crate::io::runtime;

/// The pause after a child that could not be waited for.
const RETRY_DELAY: Duration = Duration::from_millis(20);

/// Waits for children that end, in a thread of its own, until it is dropped.
#[derive(Debug)]
pub struct OrphanReaper {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl OrphanReaper {
    /// Starts it in a process that has children or may get some; elsewhere there is nothing to do.
    #[must_use]
    pub fn start_if_needed() -> Option<OrphanReaper> {
        if !getpid().is_init() && orphans::children().is_empty() {
            return None;
        }
        let (stop, stopped) = oneshot::channel();
        // Without the thread zombies stay, and nothing else is lost.
        let thread = thread::Builder::new().name("orphans".to_owned()).spawn(|| reap_until(stopped)).ok()?;
        Some(OrphanReaper { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for OrphanReaper {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn reap_until(stopped: Receiver<()>) {
    let Ok(runtime) = runtime::build() else { return };
    runtime.block_on(async {
        let Ok(mut ends) = signal(SignalKind::child()) else { return };
        let mut stopped = pin!(stopped);
        loop {
            let is_left = orphans::reap_ended(|_| false, drop);
            tokio::select! {
                biased;
                _ = &mut stopped => return,
                end = ends.recv() => if end.is_none() { return },
                () = sleep(RETRY_DELAY), if is_left => {}
            }
        }
    });
}
