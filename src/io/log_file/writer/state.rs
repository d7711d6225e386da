//! The progress of the thread that writes the log, for the other threads.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::RescuedLog;

/// Shared by the thread that writes and those that hand over.
#[derive(Debug, Default)]
pub(super) struct WriterState {
    inner: Mutex<Progress>,
    changed: Condvar,
    written_bytes: AtomicU64,
    /// How many whole lines are written.
    written_lines: AtomicU64,
}

#[derive(Debug, Default)]
struct Progress {
    /// How many chunks have been handed over and are not written yet.
    queued: usize,
    error: Option<String>,
    rescued: Option<RescuedLog>,
    is_done: bool,
}

impl WriterState {
    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add_queued(&self) {
        self.lock().queued += 1;
    }

    pub(super) fn remove_queued(&self) {
        self.lock().queued -= 1;
        self.changed.notify_all();
    }

    pub(super) fn has_room(&self, most: usize) -> bool {
        self.lock().queued < most
    }

    pub(super) fn wait_for_room(&self, most: usize, timeout: Duration) -> bool {
        self.wait(timeout, |progress| progress.queued < most || progress.is_done)
    }

    pub(super) fn set_done(&self) {
        self.lock().is_done = true;
        self.changed.notify_all();
    }

    pub(super) fn wait_until_done(&self, timeout: Duration) -> bool {
        self.wait(timeout, |progress| progress.is_done)
    }

    fn wait(&self, timeout: Duration, holds: impl Fn(&Progress) -> bool) -> bool {
        let waited = self.changed.wait_timeout_while(self.lock(), timeout, |progress| !holds(progress));
        let (progress, _) = waited.unwrap_or_else(PoisonError::into_inner);
        holds(&progress)
    }

    pub(super) fn error(&self) -> Option<String> {
        self.lock().error.clone()
    }

    /// Keeps the first error.
    pub(super) fn record_error(&self, error: &str) {
        self.lock().error.get_or_insert_with(|| error.to_owned());
    }

    pub(super) fn rescued(&self) -> Option<RescuedLog> {
        self.lock().rescued.clone()
    }

    pub(super) fn set_rescued(&self, rescued: RescuedLog) {
        self.lock().rescued = Some(rescued);
    }

    pub(super) fn written_bytes(&self) -> u64 {
        self.written_bytes.load(Ordering::Relaxed)
    }

    pub(super) fn add_written(&self, piece: &[u8]) {
        let lines = memchr::memchr_iter(b'\n', piece).count();
        self.written_bytes.fetch_add(piece.len() as u64, Ordering::Relaxed);
        self.written_lines.fetch_add(lines as u64, Ordering::Relaxed);
    }

    /// Where the log ends, for people.
    pub(super) fn log_end(&self) -> String {
        match self.written_lines.load(Ordering::Relaxed).checked_sub(1) {
            Some(last) => format!("after seq {last}"),
            None => "before its first line".to_owned(),
        }
    }
}
