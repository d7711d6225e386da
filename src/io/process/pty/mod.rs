//! A terminal for a program: a pseudo-terminal of the kernel. The program has one end as its
//! controlling terminal; the runner has the other.
//!
//! # How it works
//!
//! Only a process itself can begin a session and take a terminal, and no code of ours may run between
//! fork and exec. So this program is started again ([`child`]): it does both, and then becomes the
//! program, under the same process number. It writes an error to a pipe, which the kernel closes as
//! soon as the program runs.
//!
//! The terminal adds nothing: typed text is not echoed, and a newline stays one byte. It does to
//! typed text what every terminal does: lines are edited, Ctrl-C is a signal, Ctrl-D is the end.
//!
//! It never reads what the program writes, and never waits for the program's end.

pub mod child;

use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::io::own_program::{PROGRAM_NAME, RUNNING_PROGRAM};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{
    LocalModes, OptionalActions, OutputModes, Winsize, tcgetattr, tcsetattr, tcsetwinsize,
};

/// The value of `TERM`, unless the preset sets it: nearly all terminals understand it.
pub(super) const TERM_VALUE: &str = "xterm-256color";

/// The size of a terminal that is not on a screen.
const DEFAULT_SIZE: Winsize = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };

/// The hidden command of this program that becomes another program on a terminal.
pub const EXEC_ON_PTY_COMMAND: &str = "on-terminal";

/// Ctrl-D: at the start of a line, the end of the input.
const CTRL_D: u8 = 4;

/// The longest line that the kernel takes, without its end. Bytes beyond it are lost (termios(3),
/// canonical mode).
const MAX_CANONICAL_LINE: usize = 4_095;

/// How long a program may take from its start to its own first instruction.
const EXEC_TIMEOUT: Duration = Duration::from_secs(10);

/// Our end of a terminal.
#[derive(Debug)]
pub(super) struct PtyMaster(OwnedFd);

impl PtyMaster {
    /// Opens a new terminal; gives it and the program's end of it.
    pub(super) fn open() -> io::Result<(PtyMaster, OwnedFd)> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let ours = openpt(flags)?;
        grantpt(&ours)?;
        unlockpt(&ours)?;
        // Not by its name: a container may have no `/dev/pts`, or another one.
        let theirs = ioctl_tiocgptpeer(&ours, flags)?;
        let mut modes = tcgetattr(&theirs)?;
        modes.local_modes -= LocalModes::ECHO | LocalModes::ECHONL;
        modes.output_modes -= OutputModes::OPOST;
        tcsetattr(&theirs, OptionalActions::Now, &modes)?;
        tcsetwinsize(&theirs, DEFAULT_SIZE)?;
        rustix::io::ioctl_fionbio(&ours, true)?;
        Ok((PtyMaster(ours), theirs))
    }

    /// Another descriptor of our end, to read or to write. It never blocks.
    pub(super) fn try_clone_fd(&self) -> io::Result<OwnedFd> {
        self.0.try_clone()
    }

    /// Whether all of `bytes` would arrive if they were typed now.
    pub(super) fn accepts(&self, bytes: &[u8]) -> bool {
        // Our end gives the modes of the terminal. In a mode without lines, no line is too long.
        let is_cut = tcgetattr(&self.0).is_ok_and(|modes| modes.local_modes.contains(LocalModes::ICANON));
        !is_cut || has_only_short_lines(bytes)
    }
}

impl AsFd for PtyMaster {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// The error for bytes that would not arrive.
pub(super) fn too_long_message() -> String {
    format!("a line of more than {MAX_CANONICAL_LINE} bytes, which is the most that a terminal takes")
}

/// Whether a terminal takes these lines whole.
pub(super) fn has_only_short_lines(bytes: &[u8]) -> bool {
    bytes.split(|byte| matches!(byte, b'\n' | b'\r')).all(|line| line.len() <= MAX_CANONICAL_LINE)
}

/// The keys for these lines: Enter at the end of each.
pub(super) fn to_typed_bytes(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.iter_mut().filter(|byte| **byte == b'\n').for_each(|byte| *byte = b'\r');
    bytes
}

/// The keys for the end of an input whose last byte is `last`.
pub(super) fn end_of_input_after(last: Option<u8>) -> &'static [u8] {
    match last {
        // The first one only ends the line.
        Some(last) if last != b'\n' => &[CTRL_D, CTRL_D],
        _ => &[CTRL_D],
    }
}

/// The command that runs `program` on a terminal under the name `called`. The program's arguments are
/// still to be added.
pub(super) fn exec_on_pty_command(program: &Path, called: &OsStr) -> Command {
    // Not by its path, where there may be another program by now.
    let mut command = Command::new(RUNNING_PROGRAM);
    command.arg0(PROGRAM_NAME).arg(EXEC_ON_PTY_COMMAND).arg("--").arg(program).arg(called);
    command
}

/// Waits until the process `pid` has become the program. The process was just started by
/// [`exec_on_pty_command`], and writes to `pipe` why it cannot.
pub(super) fn wait_for_exec(mut pipe: io::PipeReader, pid: u32) -> io::Result<()> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let began = Instant::now();
    let now_and_then = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };
    while let Ok(0) | Err(Errno::INTR) = poll(&mut [PollFd::new(&pipe, PollFlags::IN)], Some(&now_and_then)) {
        // Until it has a session of its own, it receives the signals of the keys typed on our
        // terminal, and a Ctrl-Z would stop it while we wait for it.
        let signal = if began.elapsed() < EXEC_TIMEOUT { Signal::CONT } else { Signal::KILL };
        let _ = pid.map(|pid| kill_process(pid, signal));
    }
    let mut error = String::new();
    Read::take(&mut pipe, 4 << 10).read_to_string(&mut error)?;
    match error.trim() {
        "" if began.elapsed() < EXEC_TIMEOUT => Ok(()),
        "" => Err(io::Error::other("the system took too long to start it")),
        error => Err(error.parse().map_or_else(|_| io::Error::other(error), io::Error::from_raw_os_error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_that_are_too_long_are_refused() {
        let line = "x".repeat(MAX_CANONICAL_LINE);
        assert!(has_only_short_lines(format!("{line}\n{line}\r{line}").as_bytes()));
        assert!(!has_only_short_lines(format!("{line}x\n").as_bytes()));
        assert!(has_only_short_lines(b""));
        let (terminal, _theirs) = PtyMaster::open().expect("a terminal");
        assert!(terminal.accepts(b"short\n"));
        assert!(!terminal.accepts(format!("{line}x\n").as_bytes()));
        let mut modes = tcgetattr(&terminal).expect("modes");
        modes.make_raw();
        tcsetattr(&terminal, OptionalActions::Now, &modes).expect("set");
        assert!(terminal.accepts(format!("{line}x\n").as_bytes()));
    }

    #[test]
    fn an_unfinished_line_is_ended_before_the_input_is() {
        assert_eq!(end_of_input_after(None), [CTRL_D]);
        assert_eq!(end_of_input_after(Some(b'\n')), [CTRL_D]);
        assert_eq!(end_of_input_after(Some(b'x')), [CTRL_D, CTRL_D]);
        assert_eq!(to_typed_bytes(b"one\ntwo\n".to_vec()), b"one\rtwo\r");
    }

    #[test]
    fn the_error_comes_from_the_pipe_of_the_child() {
        let exec_error = |text: &str| {
            let (theirs, mut ours) = io::pipe().expect("a pipe");
            io::Write::write_all(&mut ours, text.as_bytes()).expect("written");
            drop(ours);
            // No process has this number.
            wait_for_exec(theirs, u32::MAX)
        };
        assert!(exec_error("").is_ok());
        assert_eq!(exec_error("2\n").expect_err("an error").raw_os_error(), Some(2));
        assert_eq!(exec_error("no terminal\n").expect_err("an error").to_string(), "no terminal");
    }
}
