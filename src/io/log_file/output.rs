//! Opens the destinations of logs and reports, before anything is started. Writes nothing itself.

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags, fcntl_setfl, flock};
use rustix::io::Errno;

use crate::io::log_file::kept_files::KeptFiles;

/// The option that names a log, for messages.
pub const LOG_OPTION: &str = "--log PATH";

/// Where a log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputDestination {
    /// This file.
    File(PathBuf),
    /// Standard output.
    Stdout,
}

/// Why a log cannot be written where it should be: the message, with the way out.
#[derive(Debug)]
pub struct RefusedError(pub String);

impl fmt::Display for RefusedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for RefusedError {}

/// An output that has been opened, and locked if it is a file, before anything is started.
#[derive(Debug)]
pub enum OpenedOutput {
    /// A file that no other run writes, and its path. All writes go to its end.
    File(File, PathBuf),
    /// A pipe or a device.
    Pipe(File),
    /// Standard output.
    Stdout,
    /// Nowhere: the screen's text is all there is.
    Discard,
}

/// Opens a log's destination.
///
/// # Errors
/// When the file exists (and `force` is not given), is one of `kept`, another run writes it, or the
/// system refuses.
pub fn open_log_output(
    destination: &OutputDestination,
    force: bool,
    kept: &KeptFiles,
) -> Result<OpenedOutput, RefusedError> {
    open_output(LOG_OPTION, destination, force, kept)
}

/// Opens the destination that another option names.
///
/// # Errors
/// As for [`open_log_output`].
pub fn open_output(
    option: &str,
    destination: &OutputDestination,
    force: bool,
    kept: &KeptFiles,
) -> Result<OpenedOutput, RefusedError> {
    check_kept(option, destination, kept)?;
    let OutputDestination::File(path) = destination else { return Ok(OpenedOutput::Stdout) };
    if is_pipe_or_device(path) {
        return open_pipe(option, path).map(OpenedOutput::Pipe);
    }
    let mut options = File::options();
    options.append(true);
    if force {
        options.create(true)
    } else {
        options.create_new(true)
    };
    let file = options.open(path).map_err(|error| RefusedError(open_error_message(option, path, &error)))?;
    if !file.metadata().is_ok_and(|meta| meta.is_file()) {
        return Err(RefusedError(not_a_file_message(option, path)));
    }
    // The path may lead elsewhere than a moment ago, and nothing of the file is changed yet.
    if let Some(role) = kept.role_of_open_file(&file) {
        return Err(kept_error(option, &path.display(), role));
    }
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Err(RefusedError(format!(
            "another run writes its log to {}; give this one another with `{option}`",
            path.display()
        )));
    }
    file.set_len(0).map_err(|error| RefusedError(format!("cannot empty {}: {error}", path.display())))?;
    Ok(OpenedOutput::File(file, path.clone()))
}

/// Checks that an output would overwrite none of the files that are kept.
///
/// # Errors
/// When it would.
pub fn check_kept(
    option: &str,
    destination: &OutputDestination,
    kept: &KeptFiles,
) -> Result<(), RefusedError> {
    match destination {
        OutputDestination::File(path) => match kept.role_of_path(path) {
            Some(role) => Err(kept_error(option, &path.display(), role)),
            None => Ok(()),
        },
        OutputDestination::Stdout => match kept.role_of_open_file(io::stdout()) {
            Some(role) => Err(kept_error(option, &"standard output", role)),
            None => Ok(()),
        },
    }
}

fn kept_error(option: &str, shown: &dyn fmt::Display, role: &str) -> RefusedError {
    RefusedError(format!("{shown} is {role}; name another file with `{option}`"))
}

/// Whether a path is a pipe or a device, which has no contents that could be overwritten.
fn is_pipe_or_device(path: &Path) -> bool {
    let kind = std::fs::metadata(path).map(|metadata| metadata.file_type());
    kind.is_ok_and(|kind| kind.is_fifo() || kind.is_char_device())
}

/// Opens a pipe or device. A pipe without a reader is refused: to open it would wait for a reader.
fn open_pipe(option: &str, path: &Path) -> Result<File, RefusedError> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = File::options().write(true).custom_flags(flags).open(path).map_err(|error| {
        if error.raw_os_error() == Some(Errno::NXIO.raw_os_error()) {
            return RefusedError(format!(
                "nobody reads from {}; start its reader first, or name a file with `{option}`",
                path.display()
            ));
        }
        RefusedError(open_error_message(option, path, &error))
    })?;
    fcntl_setfl(&file, OFlags::empty())
        .map_err(|error| RefusedError(format!("cannot write {}: {error}", path.display())))?;
    Ok(file)
}

fn not_a_file_message(option: &str, path: &Path) -> String {
    format!("{} is not a regular file; name one with `{option}`", path.display())
}

/// Explains the system's error.
fn open_error_message(option: &str, path: &Path, error: &io::Error) -> String {
    let shown = path.display();
    let found = std::fs::metadata(path);
    match error.kind() {
        _ if found.as_ref().is_ok_and(std::fs::Metadata::is_dir) => {
            format!("cannot write {shown}: it is a folder; name a file in it with `{option}`")
        }
        _ if found.is_ok_and(|found| !found.is_file()) && !is_pipe_or_device(path) => {
            not_a_file_message(option, path)
        }
        io::ErrorKind::AlreadyExists => {
            format!("{shown} exists already; `--force` writes over it, `{option}` writes another")
        }
        io::ErrorKind::NotFound => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            match folder {
                Some(folder) => {
                    let folder = folder.display();
                    format!("cannot write {shown}: there is no folder {folder}; `mkdir -p {folder}` makes it")
                }
                None => format!("cannot write {shown}: {error}; name a file with `{option}`"),
            }
        }
        _ => format!("cannot write {shown}: {error}; choose another place with `{option}`"),
    }
}
