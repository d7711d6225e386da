//! Waits for files to change. Looks at them now and then, by their paths: that works on every file
//! system, and for whatever an editor does to save (writes, renames, removes and makes anew).

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::runtime::Runtime;

use crate::io::job_control;
use crate::io::job_control::{Job, Notice};
use crate::io::runtime;
use scenario_log::signal::Signal;

/// How often the files are looked at. Who saves one does not wait for as long.
const LOOK: Duration = Duration::from_millis(100);

/// For how many looks a file that has gone may still come back: an editor is at it.
const PATIENCE: u32 = 5;

/// How a file is: which one, how large, when it was written and changed; `None` if there is none.
type Stamp = Option<[i64; 7]>;

/// Files, as they were when they were noted.
#[derive(Clone, Debug, Default)]
pub struct Changes(BTreeMap<PathBuf, Stamp>);

impl Changes {
    /// Notes how a file is now; to be called before it is read, so that no change is missed.
    pub fn note(&mut self, path: &Path) {
        self.0.entry(path.to_owned()).or_insert_with(|| stamp(path));
    }

    /// Waits until one of them is another than was noted, and until nobody writes them any more.
    pub async fn come(&self) {
        let mut seen = self.0.clone();
        let mut patience = PATIENCE;
        loop {
            tokio::time::sleep(LOOK).await;
            let now: BTreeMap<_, _> = self.0.keys().map(|path| (path.clone(), stamp(path))).collect();
            let is_calm = now == seen;
            seen = now;
            if seen == self.0 || !is_calm {
                patience = PATIENCE;
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

fn stamp(path: &Path) -> Stamp {
    let file = std::fs::metadata(path).ok()?;
    let (device, inode, size) = (file.dev(), file.ino(), file.size());
    let [device, inode, size] = [device, inode, size].map(u64::cast_signed);
    Some([device, inode, size, file.mtime(), file.mtime_nsec(), file.ctime(), file.ctime_nsec()])
}

/// A command that waits for changes, until a signal ends it. Ctrl-Z suspends it.
#[derive(Debug)]
pub struct Watcher {
    runtime: Runtime,
    job: Job,
}

impl Watcher {
    /// Hears signals from now on.
    ///
    /// # Errors
    /// When the system does not let them be heard.
    pub fn new() -> io::Result<Watcher> {
        let runtime = runtime::new()?;
        let job = runtime.block_on(async { Job::watch() })?;
        Ok(Watcher { runtime, job })
    }

    /// The signal that was to end it since it was asked last, if there was one.
    pub fn ended(&mut self) -> Option<Signal> {
        let Watcher { runtime, job } = self;
        runtime.block_on(async {
            loop {
                let notice = tokio::select! {
                    biased;
                    notice = job.next() => notice,
                    () = tokio::task::yield_now() => return None,
                };
                if let Notice::End(signal) = notice {
                    return Some(signal);
                }
            }
        })
    }

    /// Waits for a change, or for the signal that ends it.
    pub fn wait(&mut self, changes: &Changes) -> Option<Signal> {
        let Watcher { runtime, job } = self;
        runtime.block_on(async {
            let mut change = std::pin::pin!(changes.come());
            loop {
                let notice = tokio::select! {
                    biased;
                    notice = job.next() => notice,
                    () = &mut change => return None,
                };
                match notice {
                    Notice::End(signal) => return Some(signal),
                    Notice::Suspend => job_control::suspend(),
                    Notice::GoOn => {}
                }
            }
        })
    }
}
