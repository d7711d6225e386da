//! The file of this program, to start it again: for a guarded runner, players in a process, a terminal.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// The running program itself, whatever is at its path by now. The system resolves it in the new process, which
/// runs the same file until it becomes the program.
pub(in crate::io) const RUNNING_PROGRAM: &str = "/proc/self/exe";

/// The name that this program is started again under.
pub(in crate::io) const PROGRAM_NAME: &str = "scenario";

/// The path of this program if the running file is still there, so that `ps` shows its name; else
/// [`RUNNING_PROGRAM`]: an upgrade may have replaced the file.
pub(in crate::io) fn find() -> PathBuf {
    let identity = |path: &std::path::Path| {
        std::fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
    };
    let running = PathBuf::from(RUNNING_PROGRAM);
    match std::env::current_exe() {
        Ok(path) if identity(&path).is_some_and(|found| Some(found) == identity(&running)) => path,
        _ => running,
    }
}
