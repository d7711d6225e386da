//! Short commands of the runner's own about a program: they ask whether it is ready or alive, or ask it to end.
//!
//! Each runs in the folder and with the environment of the program, reads nothing, and leads a process group of its
//! own. It has a limit of time. When it has ended, or its time is over, or nobody wants its result any more, its whole
//! group is killed, so that nothing of it is left. Of its output only the last line is kept, in bounded memory.

use std::cell::RefCell;
use std::io;
use std::process::ExitStatus;
use std::rc::Rc;
use std::time::Duration;

use rustix::io::retry_on_intr;
use rustix::process::Signal;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::Receiver;
use tokio::process::Child;
use tokio::time::timeout;

use super::group::ProcessGroup;
use crate::io::RunContext;
use crate::io::inbox::Inbox;
use crate::io::process::command::ShortCommandSpec;
use crate::io::process::fd_limit::OriginalFdLimit;
use crate::io::process::start_error::ProcessStartError;
use crate::io::process::supervise;
use scenario_core::scenario::model::{CommandPreset, ScenarioText};
use scenario_log::event::SpawnExit;

/// How much of a line is kept, in bytes.
const MAX_LINE_BYTES: usize = 8 << 10;

/// How much of the last line is shown, in characters. Secrets are redacted before the rest is cut off.
const MAX_SHOWN_CHARS: usize = 300;

/// How many bytes are read at a time.
const READ_LEN: usize = 4 << 10;

/// How many reads empty the pipe of a command that has ended: a process that left its group may still write.
const MAX_LAST_READS: usize = 64;

/// How long a command is waited for after KILL.
const REAP_TIMEOUT: Duration = Duration::from_secs(2);

/// The short commands that run.
#[derive(Debug)]
pub(super) struct ShortCommands {
    context: Rc<RunContext>,
    inbox: Rc<Inbox>,
    original_fd_limit: OriginalFdLimit,
    running: RefCell<Vec<Rc<ProcessGroup>>>,
}

/// A command that runs. Dropping it kills its group.
struct RunningCommand<'a> {
    commands: &'a ShortCommands,
    group: Rc<ProcessGroup>,
}

impl Drop for RunningCommand<'_> {
    fn drop(&mut self) {
        self.group.signal(Signal::KILL);
        self.commands.running.borrow_mut().retain(|group| !Rc::ptr_eq(group, &self.group));
    }
}

impl ShortCommands {
    pub(super) fn new(
        context: Rc<RunContext>,
        inbox: Rc<Inbox>,
        original_fd_limit: OriginalFdLimit,
    ) -> Rc<ShortCommands> {
        Rc::new(ShortCommands { context, inbox, original_fd_limit, running: RefCell::default() })
    }

    /// The groups of the commands that run.
    pub(super) fn groups(&self) -> Vec<Rc<ProcessGroup>> {
        self.running.borrow().clone()
    }

    /// Runs a command about a program of this preset. The error says what it came to if that is not the exit 0 in
    /// time, as it may be logged. Dropping the future kills the command.
    pub(super) async fn run(
        &self,
        preset: &CommandPreset,
        argv: &[ScenarioText],
        limit: Duration,
    ) -> Result<(), String> {
        let (mut child, mut output) = match self.start(preset, argv) {
            Ok(started) => started,
            Err(error) => {
                return Err(format!("could not start: {}", self.context.secrets.redact(&error.to_string())));
            }
        };
        let Some(group) = child.id().and_then(ProcessGroup::new).map(Rc::new) else {
            return Err("could not start: it has no process number".to_owned());
        };
        self.running.borrow_mut().push(Rc::clone(&group));
        // Dropped before `child`, so that the number of the group is certainly its own.
        let running = RunningCommand { commands: self, group };
        let mut last_line = LastLine::default();
        let ended = async { wait_and_read(&mut child, &mut output, &mut last_line).await };
        let ended = self.inbox.paused_time().timeout_unpaused(limit, ended).await;
        if ended.is_some() {
            running.group.leader_ended();
            read_rest(&output, &mut last_line);
        } else {
            running.group.signal(Signal::KILL);
            if let Ok(Ok(_)) = timeout(REAP_TIMEOUT, child.wait()).await {
                running.group.leader_ended();
            }
        }
        drop(running);
        let result = match ended.map(supervise::exit_from_status) {
            Some(SpawnExit::Code(0)) => return Ok(()),
            Some(exit) => exit.to_string(),
            None => format!("not done within {}", scenario_log::time::Span::from_std(limit).format_human()),
        };
        let line = last_line.into_text();
        let line = self.context.secrets.redact(&line);
        Err(if line.is_empty() { result } else { format!("{result}: {}", cut(&line)) })
    }

    fn start(
        &self,
        preset: &CommandPreset,
        argv: &[ScenarioText],
    ) -> Result<(Child, Receiver), ProcessStartError> {
        let ShortCommandSpec { display_name, program, folder, mut command } =
            ShortCommandSpec::new(&self.context, preset, argv)?;
        let pipes = || {
            let (ours, theirs) = io::pipe()?;
            Ok((Receiver::from_owned_fd(ours.into())?, theirs.try_clone()?, theirs))
        };
        let (output, stdout, stderr) =
            pipes().map_err(|error: io::Error| ProcessStartError::from_io(&error))?;
        command.stdout(stdout).stderr(stderr).process_group(0).kill_on_drop(true);
        // The command must be dropped with the process's ends of the pipe: otherwise it would never end.
        let child = { command }.spawn();
        let child =
            child.map_err(|error| ProcessStartError::from_spawn(&error, &display_name, &program, &folder))?;
        if let Some(pid) = child.id() {
            self.original_fd_limit.restore_for(pid);
        }
        Ok((child, output))
    }
}

/// Waits for the end of a command, and reads it meanwhile.
async fn wait_and_read(
    child: &mut Child,
    output: &mut Receiver,
    last_line: &mut LastLine,
) -> io::Result<ExitStatus> {
    let mut buffer = [0; READ_LEN];
    let mut is_open = true;
    loop {
        tokio::select! {
            biased;
            status = child.wait() => return status,
            read = output.read(&mut buffer), if is_open => match read {
                Ok(length) if length > 0 => last_line.add(&buffer[..length]),
                _ => is_open = false,
            },
        }
    }
}

/// Reads what is in the pipe now.
fn read_rest(output: &Receiver, last_line: &mut LastLine) {
    let mut buffer = [0; READ_LEN];
    for _ in 0..MAX_LAST_READS {
        // Not through the runtime, which knows only the changes that it has been notified of so far.
        match retry_on_intr(|| rustix::io::read(output, &mut buffer[..])) {
            Ok(length) if length > 0 => last_line.add(&buffer[..length]),
            _ => return,
        }
    }
}

/// The last line of an output that is not empty: its beginning.
#[derive(Debug, Default)]
struct LastLine {
    ended: Vec<u8>,
    current: Vec<u8>,
}

impl LastLine {
    fn add(&mut self, bytes: &[u8]) {
        for (nth, piece) in bytes.split(|byte| matches!(byte, b'\n' | b'\r')).enumerate() {
            if nth > 0 {
                self.end_line();
            }
            let room = MAX_LINE_BYTES.saturating_sub(self.current.len());
            self.current.extend_from_slice(&piece[..piece.len().min(room)]);
        }
    }

    fn end_line(&mut self) {
        let ended = std::mem::take(&mut self.current);
        if !ended.trim_ascii().is_empty() {
            self.ended = ended;
        }
    }

    fn into_text(mut self) -> String {
        self.end_line();
        String::from_utf8_lossy(self.ended.trim_ascii()).into_owned()
    }
}

/// The beginning of a text.
fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_the_last_that_says_something() {
        let last = |pieces: &[&[u8]]| {
            let mut line = LastLine::default();
            pieces.iter().for_each(|piece| line.add(piece));
            line.into_text()
        };
        assert_eq!(last(&[]), "");
        assert_eq!(last(&[b"one\ntwo\n\n \n"]), "two");
        assert_eq!(last(&[b"one\ntw", b"o\rthr", b"ee"]), "three");
        assert_eq!(last(&[b"bad \xff\r\n"]), "bad \u{fffd}");
        let long = vec![b'x'; 3 * MAX_LINE_BYTES];
        assert_eq!(last(&[&long, b"y"]).len(), MAX_LINE_BYTES);
        assert_eq!(last(&[&long, b"\nend"]), "end");
        assert_eq!(cut("ab"), "ab");
        assert_eq!(cut(&"ä".repeat(301)), format!("{}…", "ä".repeat(300)));
    }
}
