//! The job signals of a command that waits: to end, to suspend its job, to go on. Decides nothing.

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

/// The request of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobSignal {
    /// To end, by this signal.
    End(Signal),
    /// To stop until the job goes on (Ctrl-Z): see [`suspend_self`].
    Suspend,
    /// It was stopped, and goes on.
    Continue,
}

/// Listens to the signals.
#[derive(Debug)]
pub struct JobSignals {
    streams: Vec<(JobSignal, Stream)>,
}

impl JobSignals {
    /// Listens from now on. To be called in a runtime.
    ///
    /// # Errors
    /// When the system does not let signals be listened to.
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

    /// The next signal; of several, the first in the order of [`JobSignal`]. Loses none if it is
    /// dropped.
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

/// Suspends this process after a moment, unless the job is continued before.
pub async fn suspend_after(moment: Duration) {
    let Ok(mut go_on) = signal(SignalKind::from_raw(SIGCONT)) else { return suspend_self() };
    if tokio::time::timeout(moment, go_on.recv()).await.is_err() {
        suspend_self();
    }
}

/// Stops this process until its job is continued. Where no shell controls jobs, nothing would ever
/// continue it; then nothing happens, as in a program that does not listen to the signal.
pub fn suspend_self() {
    if foreground::may_be_shell_job() {
        // It cannot fail: we may send signals to ourselves.
        let _ = kill_process(getpid(), rustix::process::Signal::STOP);
    }
}
