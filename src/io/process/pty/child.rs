//! The other side of a start on a terminal, in the process that is to become the program.
//!
//! Its standard input and output are the terminal. Its standard error is a pipe on which it writes
//! why it did not become the program: the number of the system's error, or a message. Returns only
//! with that error.

use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::io::{Errno, fcntl_dupfd_cloexec};
use rustix::process::{ioctl_tiocsctty, setsid};
use rustix::stdio::{dup2_stderr, stderr, stdin};

/// Becomes the program `words[0]`, with the name `words[1]` and the arguments `words[2..]`, in a
/// session of its own whose terminal is the standard input. Returns only if it cannot.
pub fn exec_program(words: &[OsString]) -> PtyExecError {
    let [program, called, arguments @ ..] = words else {
        return PtyExecError::Message("a program and its name are wanted".to_owned());
    };
    if let Err(error) = take_terminal() {
        return error;
    }
    if would_need_shell(program) {
        return PtyExecError::Errno(Errno::NOEXEC.raw_os_error());
    }
    // The pipe stays open until the program runs, which closes it.
    let pipe = match fcntl_dupfd_cloexec(stderr(), 3) {
        Ok(pipe) => pipe,
        Err(error) => return PtyExecError::Errno(error.raw_os_error()),
    };
    if let Err(error) = dup2_stderr(stdin()) {
        return PtyExecError::Errno(error.raw_os_error());
    }
    let error = Command::new(program).arg0(called).args(arguments).exec();
    // The error goes to the pipe again. It cannot fail, since the pipe was there before.
    let _ = dup2_stderr(&pipe);
    error.raw_os_error().map_or_else(|| PtyExecError::Message(error.to_string()), PtyExecError::Errno)
}

/// Begins a session whose terminal is the standard input.
pub(in crate::io::process) fn take_terminal() -> Result<(), PtyExecError> {
    setsid().map(drop).and_then(|()| ioctl_tiocsctty(stdin())).map_err(|error| {
        PtyExecError::Message(format!("it cannot be given a terminal: {}", io::Error::from(error)))
    })
}

/// Why the process did not become the program.
#[derive(Debug, PartialEq, Eq)]
pub enum PtyExecError {
    /// The number of the system's error.
    Errno(i32),
    /// A message.
    Message(String),
}

impl fmt::Display for PtyExecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PtyExecError::Errno(number) => write!(f, "{number}"),
            PtyExecError::Message(message) => f.write_str(message),
        }
    }
}

impl Error for PtyExecError {}

/// Whether this is a text without an interpreter line. The kernel does not start one, but the C
/// library would give it to a shell (execvp(3)). A start without a terminal does not do that.
pub(in crate::io::process) fn would_need_shell(program: &OsStr) -> bool {
    let mut start = Vec::new();
    let is_file = std::fs::metadata(program).is_ok_and(|about| about.is_file());
    let read =
        is_file && File::open(program).is_ok_and(|file| file.take(256).read_to_end(&mut start).is_ok());
    read && !start.starts_with(b"#!") && !start.contains(&0)
}
