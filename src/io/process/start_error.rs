//! Explains why a program could not be started. The kernel gives one error for several causes
//! (`ENOENT` for the program, its folder and its interpreter), so the causes are checked again after
//! the failure. A start that works pays nothing for it.
//!
//! Never changes anything, and never opens a file that could block.

use std::error::Error;
use std::fmt;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

/// A process that did not start.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ProcessStartError {
    /// It can never start.
    Permanent(String),
    /// It may start when another process has ended: there were no descriptors or processes left.
    LimitReached(String),
}

impl fmt::Display for ProcessStartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ProcessStartError::Permanent(message) | ProcessStartError::LimitReached(message)) = self;
        f.write_str(message)
    }
}

impl Error for ProcessStartError {}

impl ProcessStartError {
    /// For an error that the program itself did not cause.
    pub(super) fn from_io(error: &io::Error) -> ProcessStartError {
        limit_message(error)
            .map_or_else(|| ProcessStartError::Permanent(error.to_string()), ProcessStartError::LimitReached)
    }

    /// For an error of starting `program`, which is `shown` in the scenario, in `folder`.
    pub(super) fn from_spawn(
        error: &io::Error,
        shown: &str,
        program: &Path,
        folder: &Path,
    ) -> ProcessStartError {
        limit_message(error).map_or_else(
            || ProcessStartError::Permanent(spawn_error_message(error, shown, program, folder)),
            ProcessStartError::LimitReached,
        )
    }
}

/// Names the limit of the system that was reached, if there was one.
fn limit_message(error: &io::Error) -> Option<String> {
    let most = |resource| getrlimit(resource).current.map_or("none".to_owned(), |most| most.to_string());
    match Errno::from_io_error(error)? {
        Errno::MFILE => Some(format!(
            "too many open files: the runner has reached its limit of {} descriptors (`ulimit -n`)",
            most(Resource::Nofile)
        )),
        Errno::NFILE => Some("too many open files: the whole system has reached its limit".to_owned()),
        Errno::AGAIN => Some(format!(
            "too many processes: a limit is reached (`ulimit -u` is {}; the control group may have its own, pids.max)",
            most(Resource::Nproc)
        )),
        _ => None,
    }
}

/// Explains the fault of the program, its folder or its arguments.
fn spawn_error_message(error: &io::Error, shown: &str, program: &Path, folder: &Path) -> String {
    match Errno::from_io_error(error) {
        Some(Errno::NOENT | Errno::NOTDIR) => not_found_message(shown, program, folder),
        Some(Errno::ACCESS) => permission_message(shown, program, folder),
        Some(Errno::NOEXEC) => format!(
            "`{shown}` is neither a program for this machine nor a script with an interpreter line (`#!/bin/sh`)"
        ),
        Some(Errno::TOOBIG) => {
            format!("the arguments and environment of `{shown}` are too long for the system")
        }
        Some(Errno::LOOP) => {
            format!("`{shown}` cannot be started: too many symbolic links, or interpreters of interpreters")
        }
        Some(Errno::TXTBSY) => format!("`{shown}` cannot be started while it is open for writing"),
        _ if error.kind() == io::ErrorKind::InvalidInput => {
            format!("`{shown}` cannot be started: an argument or a variable holds a NUL byte")
        }
        _ => format!("`{shown}` cannot be started: {error}"),
    }
}

/// Finds which of the folder, the program and the interpreter is missing.
fn not_found_message(shown: &str, program: &Path, folder: &Path) -> String {
    match folder.metadata() {
        Err(_) => return format!("the working folder `{}` does not exist", folder.display()),
        Ok(about) if !about.is_dir() => {
            return format!("the working folder `{}` is not a folder", folder.display());
        }
        Ok(_) => {}
    }
    if program.metadata().is_err() {
        return format!("there is no program `{shown}`{}", looked_for(shown, program));
    }
    match script_interpreter(program) {
        Some(line) if line.ends_with('\r') => format!(
            "the interpreter line of `{shown}` ends in a carriage return (the file has Windows line ends)"
        ),
        Some(line) => format!("the interpreter `{line}` of `{shown}` does not exist"),
        None => format!("the loader of `{shown}` does not exist: it was built for another system"),
    }
}

/// Where a program was looked for, unless its name says it.
fn looked_for(shown: &str, program: &Path) -> String {
    // Without the `.` of `./program`.
    let program: PathBuf = program.components().collect();
    if shown.starts_with('/') || !program.is_absolute() {
        return String::new();
    }
    format!(" (looked for {})", program.display())
}

/// Finds which permission is missing.
fn permission_message(shown: &str, program: &Path, folder: &Path) -> String {
    let Ok(about) = program.metadata() else {
        return format!("`{shown}` cannot be looked at: permission denied");
    };
    if about.is_dir() {
        return format!("`{shown}` is a folder, not a program");
    }
    if !about.is_file() {
        return format!("`{shown}` is not a file");
    }
    if about.permissions().mode() & 0o111 == 0 {
        return format!("`{shown}` is not executable (`chmod +x` makes it so)");
    }
    if rustix::fs::access(folder, rustix::fs::Access::EXEC_OK).is_err() {
        return format!("the working folder `{}` may not be entered: permission denied", folder.display());
    }
    match script_interpreter(program) {
        Some(line) => format!("`{shown}` or its interpreter `{line}` may not be executed: permission denied"),
        None => format!("`{shown}` may not be executed: permission denied"),
    }
}

/// The program in the interpreter line of a script.
fn script_interpreter(script: &Path) -> Option<String> {
    if !script.metadata().ok()?.is_file() {
        return None;
    }
    let mut start = Vec::new();
    std::fs::File::open(script).ok()?.take(256).read_to_end(&mut start).ok()?;
    let text = String::from_utf8_lossy(start.strip_prefix(b"#!")?).into_owned();
    let line = text.split('\n').next()?.trim_matches([' ', '\t']);
    line.split([' ', '\t']).next().map(str::to_owned)
}
