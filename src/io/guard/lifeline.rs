//! The lifeline between a guard and its runner: a pipe that only the guard can write to. A byte in it
//! is the number of a signal that the guard received. The end of the pipe is the guard's end.
//!
//! The runner inherits no descriptor of it. The name that it is started under contains its guard's
//! process and the descriptor to open. So no child of the runner can hold the lifeline either.

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::OpenOptionsExt;

use rustix::fs::{FileType, OFlags, fstat};
use rustix::process::{getpid, getppid};
use tokio::net::unix::pipe::Receiver;

use scenario_log::signal::Signal;

/// The start of a runner's name, before its guard's process and descriptor. No program has such a
/// name by accident.
const ARGV0_PREFIX: &str = "scenario: guarded by ";

/// The name that a runner is started under: its `argv[0]`, which `ps` shows and no child inherits.
pub(super) fn runner_argv0(lifeline: &impl AsFd) -> String {
    format!("{ARGV0_PREFIX}{} {}", getpid(), lifeline.as_fd().as_raw_fd())
}

/// Reads the process and the descriptor from a name.
fn parse_argv0(name: &str) -> Option<(i32, u32)> {
    let (guard, descriptor) = name.strip_prefix(ARGV0_PREFIX)?.split_once(' ')?;
    Some((guard.parse().ok()?, descriptor.parse().ok()?))
}

/// The runner has a guard and cannot get its lifeline: most likely the guard was killed.
#[derive(Debug)]
pub enum LifelineError {
    /// The guard's descriptor cannot be opened.
    Unreachable(io::Error),
    /// The guard has ended.
    GuardEnded,
}

impl fmt::Display for LifelineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LifelineError::Unreachable(error) => {
                write!(f, "the guard of this run cannot be reached: {error}")
            }
            LifelineError::GuardEnded => f.write_str("the guard of this run has ended"),
        }
    }
}

impl Error for LifelineError {}

/// The runner's end of a lifeline.
#[derive(Debug)]
pub struct Lifeline(File);

impl Lifeline {
    /// The lifeline of this process; `None` if it was started without a guard.
    ///
    /// # Errors
    /// When there is a guard and it cannot be reached.
    pub fn find() -> Result<Option<Lifeline>, LifelineError> {
        let name = std::env::args_os().next();
        let Some((guard, descriptor)) = name.as_deref().and_then(|name| parse_argv0(name.to_str()?)) else {
            return Ok(None);
        };
        let is_there = || getppid().is_some_and(|parent| parent.as_raw_nonzero().get() == guard);
        let flags = OFlags::NONBLOCK.bits().cast_signed();
        let opened =
            File::options().read(true).custom_flags(flags).open(format!("/proc/{guard}/fd/{descriptor}"));
        let file = opened.map_err(LifelineError::Unreachable)?;
        let is_pipe = fstat(&file).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Fifo);
        // This comes last: as long as the guard is our parent, its number was not another process's.
        if is_pipe && is_there() { Ok(Some(Lifeline(file))) } else { Err(LifelineError::GuardEnded) }
    }

    /// Whether a signal to end has come, or the guard has gone. Takes it: nobody else sees it.
    pub(in crate::io) fn has_end_signal(&mut self) -> bool {
        self.next_end_signal().is_some()
    }

    /// The signal to end that has come; TERM if the guard has gone. Takes it: nobody else sees it.
    pub(in crate::io) fn next_end_signal(&mut self) -> Option<Signal> {
        let mut byte = [0];
        match self.0.read(&mut byte) {
            Ok(1) => {
                let signal = Signal::from_number(byte[0].into()).unwrap_or(Signal::TERM);
                (signal != Signal::TSTP).then_some(signal)
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => None,
            Ok(_) | Err(_) => Some(Signal::TERM),
        }
    }

    /// Starts to listen. Must be called in a runtime.
    pub(in crate::io) fn listen(self) -> io::Result<LifelineReceiver> {
        Ok(LifelineReceiver(Receiver::from_file(self.0)?))
    }
}

/// A lifeline that the runner listens to.
pub(in crate::io) struct LifelineReceiver(Receiver);

impl LifelineReceiver {
    /// The next signal that the guard received; `None` when the guard has gone.
    pub(in crate::io) async fn next_signal(&mut self) -> Option<Signal> {
        let mut byte = [0];
        loop {
            self.0.readable().await.ok()?;
            match self.0.try_read(&mut byte) {
                Ok(1) => return Signal::from_number(byte[0].into()),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                Ok(_) | Err(_) => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_back_and_others_are_refused() {
        let (reader, _writer) = io::pipe().unwrap();
        let (guard, descriptor) = parse_argv0(&runner_argv0(&reader)).unwrap();
        assert_eq!(guard, getpid().as_raw_nonzero().get());
        assert_eq!(i64::from(descriptor), i64::from(reader.as_raw_fd()));
        for other in ["scenario", "./scenario", "scenario: guarded by 1", "scenario: guarded by x y", ""] {
            assert_eq!(parse_argv0(other), None, "{other}");
        }
    }
}
