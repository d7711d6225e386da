//! Opens logs to read: a file, a pipe or standard input. Reads nothing itself.

pub mod kept_files;
mod log_output;
pub mod output;
pub mod writer;

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rustix::fs::{OFlags, fcntl_getfl, fstat, stat};

/// A log that cannot be opened.
#[derive(Debug)]
pub enum OpenLogError {
    /// The system refuses.
    Unreadable {
        /// The log's path.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
    /// The path names a folder.
    IsFolder(PathBuf),
}

impl OpenLogError {
    /// Whether there is no such file.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, OpenLogError::Unreadable { error, .. } if error.kind() == io::ErrorKind::NotFound)
    }
}

impl fmt::Display for OpenLogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenLogError::Unreadable { path, error } => write!(f, "cannot read {}: {error}", path.display()),
            OpenLogError::IsFolder(path) => {
                let path = path.display();
                write!(f, "cannot read {path}: it is a folder; name the logs in it, as {path}/*.jsonl")
            }
        }
    }
}

impl Error for OpenLogError {}

/// Whether this process was started with its standard output closed. The standard library has put
/// `/dev/null` in its place by then, open to read and to write, which nobody asks for by `>/dev/null`.
#[must_use]
pub fn is_stdout_closed() -> bool {
    let stdout = io::stdout();
    let is_both = fcntl_getfl(&stdout).is_ok_and(|flags| flags & OFlags::RWMODE == OFlags::RDWR);
    let null = stat("/dev/null").map(|null| null.st_rdev);
    is_both && fstat(&stdout).is_ok_and(|stdout| null.is_ok_and(|null| stdout.st_rdev == null))
}

/// Opens a log; `-` is standard input.
///
/// # Errors
/// When it cannot be read.
pub fn open_log(path: &Path) -> Result<Box<dyn Read>, OpenLogError> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    Ok(Box::new(open_log_file(path)?))
}

/// Opens a log as a file, for a reader that jumps back and forth in it; `-` is standard input.
///
/// # Errors
/// When it cannot be read.
pub fn open_log_file(path: &Path) -> Result<File, OpenLogError> {
    let unreadable = |error| OpenLogError::Unreadable { path: path.to_owned(), error };
    if path.as_os_str() == "-" {
        return io::stdin().as_fd().try_clone_to_owned().map(File::from).map_err(unreadable);
    }
    let file = File::open(path).map_err(unreadable)?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err(OpenLogError::IsFolder(path.to_owned()));
    }
    Ok(file)
}
