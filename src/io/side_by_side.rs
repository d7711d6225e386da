//! Runs this program several times, some of the runs at the same time. A signal that ends this process is passed
//! on to those that run, and no more are started.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Pid, kill_process};
use tokio::signal::unix::SignalKind;

use crate::io::guard::lifeline::Lifeline;
use crate::io::own_program;
use crate::io::signals::ignored::flag_unless_ignored;
use scenario_log::signal::Signal;

/// How often it is looked whether a run has ended or a signal has come.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// A run that has ended.
#[derive(Debug)]
pub struct EndedRun {
    /// The position of its arguments.
    pub index: usize,
    /// Its exit code, as in a shell.
    pub code: u8,
    /// The text of its standard error.
    pub stderr: String,
}

/// Runs the program with each of these lists of arguments, `jobs` at a time, and calls `on_end` as each one ends.
/// The result is the signal that ended it before all had run.
///
/// # Errors
/// When a run cannot be started; those that run are ended.
pub fn run_side_by_side(
    arguments: Vec<Vec<OsString>>,
    jobs: usize,
    lifeline: Option<Lifeline>,
    mut on_end: impl FnMut(EndedRun),
) -> io::Result<Option<Signal>> {
    let mut signals = EndSignals::listen(lifeline)?;
    let mut waiting: VecDeque<(usize, Vec<OsString>)> = arguments.into_iter().enumerate().collect();
    let mut running: Vec<RunningChild> = Vec::new();
    let mut first_signal = None;
    let mut refusal = None;
    loop {
        while running.len() < jobs.max(1) && first_signal.is_none() && refusal.is_none() {
            let Some((index, arguments)) = waiting.pop_front() else { break };
            match RunningChild::start(index, &arguments) {
                Ok(child) => running.push(child),
                Err(error) => {
                    refusal = Some(error);
                    running.iter().for_each(|child| child.send(Signal::TERM));
                }
            }
        }
        if running.is_empty() {
            return refusal.map_or(Ok(first_signal), Err);
        }
        if let Some(signal) = signals.next() {
            running.iter().for_each(|child| child.send(signal));
            first_signal.get_or_insert(signal);
        }
        let mut index = 0;
        while index < running.len() {
            match running[index].child.try_wait()? {
                Some(_) => on_end(running.remove(index).finish()?),
                None => index += 1,
            }
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}

struct RunningChild {
    index: usize,
    child: Child,
    /// Reads its standard error, so that it never waits for us.
    stderr: JoinHandle<String>,
}

impl RunningChild {
    fn start(index: usize, arguments: &[OsString]) -> io::Result<RunningChild> {
        let mut command = Command::new(own_program::find());
        command.arg0(own_program::PROGRAM_NAME).args(arguments);
        // In a group of its own it gets a Ctrl-C once, from us.
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let pipe = child.stderr.take();
        let read = move || {
            let mut bytes = Vec::new();
            let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let stderr = std::thread::Builder::new().name("side run".to_owned()).spawn(read)?;
        Ok(RunningChild { index, child, stderr })
    }

    fn send(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let signal = rustix::process::Signal::from_named_raw(i32::from(signal.number()));
        if let (Some(pid), Some(signal)) = (pid, signal) {
            // It may have ended by itself.
            let _ = kill_process(pid, signal);
        }
    }

    fn finish(mut self) -> io::Result<EndedRun> {
        let status = self.child.wait()?;
        let signalled = || status.signal().and_then(|number| u8::try_from(128 + number).ok());
        let code = status.code().and_then(|code| u8::try_from(code).ok()).or_else(signalled);
        let stderr = self.stderr.join().unwrap_or_default();
        Ok(EndedRun { index: self.index, code: code.unwrap_or(u8::MAX), stderr })
    }
}

/// The signals that end this process.
struct EndSignals {
    flags: [(Signal, Arc<AtomicBool>); 3],
    lifeline: Option<Lifeline>,
}

impl EndSignals {
    fn listen(lifeline: Option<Lifeline>) -> io::Result<EndSignals> {
        let flags = [Signal::INT, Signal::TERM, Signal::HUP].map(|signal| (signal, Arc::default()));
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        for ((_, flag), kind) in flags.iter().zip(kinds) {
            flag_unless_ignored(kind, flag)?;
        }
        Ok(EndSignals { flags, lifeline })
    }

    /// The next signal that has come.
    fn next(&mut self) -> Option<Signal> {
        let own = self.flags.iter().find(|(_, flag)| flag.swap(false, Ordering::Relaxed));
        let own = own.map(|(signal, _)| *signal);
        own.or_else(|| self.lifeline.as_mut()?.next_end_signal())
    }
}
