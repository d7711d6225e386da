//! What a command that waits is told by signals: that it is to end, that its job is to be suspended,
//! that it goes on. Decides nothing.

use std::io;
use std::time::Duration;

use rustix::process::{getpid, kill_process};
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

use crate::io::signals::ignored::listen_unless_ignored;
use crate::io::terminal::foreground;
use scenario_log::signal::Signal;

/// SIGTSTP and SIGCONT, by their numbers on Linux (signal(7)).
const SIGTSTP: i32 = 20;
const SIGCONT: i32 = 18;

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobSignal {
    /// It is to end, by this signal.
    End(Signal),
    /// It is to stop until it is told to go on (Ctrl-Z): see [`suspend`].
    Suspend,
    /// It was stopped, and goes on.
    Continue,
}

/// Signals, heard.
#[derive(Debug)]
pub struct JobSignals {
    streams: Vec<(JobSignal, Stream)>,
}

impl JobSignals {
    /// Hears signals from now on. To be called in a runtime.
    ///
    /// # Errors
    /// When the system does not let them be heard.
    pub fn listen() -> io::Result<JobSignals> {
        let ending = [
            (JobSignal::End(Signal::INT), SignalKind::interrupt()),
            (JobSignal::End(Signal::TERM), SignalKind::terminate()),
            (JobSignal::End(Signal::HUP), SignalKind::hangup()),
            (JobSignal::Suspend, SignalKind::from_raw(SIGTSTP)),
        ];
        let mut streams = Vec::new();
        for (notice, kind) in ending {
            streams.extend(listen_unless_ignored(kind)?.map(|stream| (notice, stream)));
        }
        streams.push((JobSignal::Continue, signal(SignalKind::from_raw(SIGCONT))?));
        Ok(JobSignals { streams })
    }

    /// The next notice; of several, the first in the order of [`Notice`]. Loses none if it is given
    /// up.
    pub async fn next(&mut self) -> JobSignal {
        std::future::poll_fn(|context| {
            for (notice, stream) in &mut self.streams {
                if let std::task::Poll::Ready(Some(())) = stream.poll_recv(context) {
                    return std::task::Poll::Ready(*notice);
                }
            }
            std::task::Poll::Pending
        })
        .await
    }
}

/// The same in a moment, unless somebody lets it go on before.
pub async fn suspend_after(moment: Duration) {
    let Ok(mut go_on) = signal(SignalKind::from_raw(SIGCONT)) else { return suspend_self() };
    if tokio::time::timeout(moment, go_on.recv()).await.is_err() {
        suspend_self();
    }
}

/// Stops this process, until somebody lets it go on. Where no shell is in charge of jobs nobody ever
/// would, and nothing happens, as with a program that does not listen.
pub fn suspend_self() {
    if foreground::may_be_shell_job() {
        // Cannot fail: we may send signals to ourselves.
        let _ = kill_process(getpid(), rustix::process::Signal::STOP);
    }
}
