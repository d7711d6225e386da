//! The other side of a start on a terminal, in the process that is to become the program.
//!
//! Its standard input and output are the terminal, its standard error is the pipe on which it tells
//! why it did not become the program: the number of the system's error, or words. Never returns but
//! to tell that.

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

/// Becomes the program `words[0]`, called `words[1]`, with the arguments `words[2..]`, in a session of
/// its own whose terminal is the standard input. It returns why it could not.
pub fn exec_program(words: &[OsString]) -> PtyExecError {
    let [program, called, arguments @ ..] = words else {
        return PtyExecError::Message("a program and its name are wanted".to_owned());
    };
    let taken = setsid().map(drop).and_then(|()| ioctl_tiocsctty(stdin()));
    if let Err(error) = taken {
        return PtyExecError::Message(format!("it cannot be given a terminal: {}", io::Error::from(error)));
    }
    if would_need_shell(program) {
        return PtyExecError::Errno(Errno::NOEXEC.raw_os_error());
    }
    // The pipe is kept until the program runs, which closes it.
    let pipe = match fcntl_dupfd_cloexec(stderr(), 3) {
        Ok(pipe) => pipe,
        Err(error) => return PtyExecError::Errno(error.raw_os_error()),
    };
    if let Err(error) = dup2_stderr(stdin()) {
        return PtyExecError::Errno(error.raw_os_error());
    }
    let error = Command::new(program).arg0(called).args(arguments).exec();
    // What is told goes to the pipe again; it cannot fail, since it was there before.
    let _ = dup2_stderr(&pipe);
    error.raw_os_error().map_or_else(|| PtyExecError::Message(error.to_string()), PtyExecError::Errno)
}

/// Why it did not become the program.
#[derive(Debug, PartialEq, Eq)]
pub enum PtyExecError {
    /// The number of the system's error.
    Errno(i32),
    /// In words.
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
/// library would have a shell read it (execvp(3)), which it does for no start without a terminal.
fn would_need_shell(program: &OsStr) -> bool {
    let mut start = Vec::new();
    let is_file = std::fs::metadata(program).is_ok_and(|about| about.is_file());
    let read =
        is_file && File::open(program).is_ok_and(|file| file.take(256).read_to_end(&mut start).is_ok());
    read && !start.starts_with(b"#!") && !start.contains(&0)
}
