//! Waits for files to change. Checks them at intervals, by their paths: that works on every file
//! system, and whatever an editor does to save a file (writes, renames, or removes and creates it).

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::runtime::Runtime;

use crate::io::job_control;
use crate::io::job_control::{JobSignal, JobSignals};
use crate::io::orphan_reaper::OrphanReaper;
use crate::io::runtime;
use scenario_log::signal::Signal;

/// How often the files are checked. A person who saves a file does not notice a wait this long.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// For how many checks a file that has gone may still come back: an editor may be saving it.
const MAX_MISSING_POLLS: u32 = 5;

/// The state of a file: device, inode, size, and the times of its last write and change; `None` if
/// there is no file.
type FileStamp = Option<[i64; 7]>;

/// Files, with the state that each had when it was added.
#[derive(Clone, Debug, Default)]
pub struct FileWatchList(BTreeMap<PathBuf, FileStamp>);

impl FileWatchList {
    /// Adds a file in its present state. To be called before the file is read, so that no change is
    /// missed.
    pub fn add(&mut self, path: &Path) {
        self.0.entry(path.to_owned()).or_insert_with(|| file_stamp(path));
    }

    /// Whether a file differs from its state when it was added.
    #[must_use]
    pub fn have_changed(&self) -> bool {
        self.0.iter().any(|(path, before)| file_stamp(path) != *before)
    }

    /// Waits until a file differs from its state when it was added, and until no file changes any
    /// more.
    pub async fn wait_for_change(&self) {
        let mut seen = self.0.clone();
        let mut patience = MAX_MISSING_POLLS;
        loop {
            tokio::time::sleep(POLL_INTERVAL).await;
            let now: BTreeMap<_, _> = self.0.keys().map(|path| (path.clone(), file_stamp(path))).collect();
            let is_calm = now == seen;
            seen = now;
            if seen == self.0 || !is_calm {
                patience = MAX_MISSING_POLLS;
                continue;
            }
            let has_gone = self.0.iter().any(|(path, before)| before.is_some() && seen[path].is_none());
            if !has_gone || patience == 0 {
                return;
            }
            patience -= 1;
        }
    }
}

fn file_stamp(path: &Path) -> FileStamp {
    let file = std::fs::metadata(path).ok()?;
    let (device, inode, size) = (file.dev(), file.ino(), file.size());
    let [device, inode, size] = [device, inode, size].map(u64::cast_signed);
    Some([device, inode, size, file.mtime(), file.mtime_nsec(), file.ctime(), file.ctime_nsec()])
}

/// Waits for changes on behalf of a command, until a signal ends it. Ctrl-Z suspends it.
#[derive(Debug)]
pub struct FileWatcher {
    runtime: Runtime,
    signals: JobSignals,
}

impl FileWatcher {
    /// Listens to signals from now on.
    ///
    /// # Errors
    /// When the system does not let them be listened to.
    pub fn new() -> io::Result<FileWatcher> {
        let runtime = runtime::build()?;
        let job = runtime.block_on(async { JobSignals::listen() })?;
        Ok(FileWatcher { runtime, signals: job })
    }

    /// The signal to end that came since the last call, if there was one.
    pub fn take_end_signal(&mut self) -> Option<Signal> {
        let FileWatcher { runtime, signals: job } = self;
        runtime.block_on(async {
            loop {
                let notice = tokio::select! {
                    biased;
                    notice = job.next() => notice,
                    () = tokio::task::yield_now() => return None,
                };
                if let JobSignal::End(signal) = notice {
                    return Some(signal);
                }
            }
        })
    }

    /// Waits for a change, which gives `None`, or for the signal to end.
    pub fn wait_for_change(&mut self, changes: &FileWatchList) -> Option<Signal> {
        self.wait_for_change_beside(changes, std::future::pending())
    }

    /// The same, while something else is done, which has no end of its own.
    pub fn wait_for_change_beside(
        &mut self,
        changes: &FileWatchList,
        beside: impl Future<Output = Infallible>,
    ) -> Option<Signal> {
        let FileWatcher { runtime, signals: job } = self;
        let _reaper = OrphanReaper::start_if_needed();
        runtime.block_on(async {
            let mut change = std::pin::pin!(changes.wait_for_change());
            let mut beside = std::pin::pin!(beside);
            loop {
                let notice = tokio::select! {
                    biased;
                    notice = job.next() => notice,
                    () = &mut change => return None,
                    never = &mut beside => match never {},
                };
                match notice {
                    JobSignal::End(signal) => return Some(signal),
                    JobSignal::Suspend => job_control::suspend_self(),
                    JobSignal::Continue => {}
                }
            }
        })
    }
}
