//! The signals that end a run. Passes them on, and decides nothing: the engine decides what the first
//! one means and what the second.
//!
//! A runner under a [guard](crate::io::guard) gets signals by two routes: those that it receives
//! itself, and those that its guard received. [`SignalDedup`] finds which are the same.

mod dedup;
pub(in crate::io) mod ignored;
pub mod interruptible;
pub mod start;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal as Stream, SignalKind};

use crate::io::guard::lifeline::{Lifeline, LifelineReceiver};
use crate::io::inbox::{Inbox, Input};
use crate::io::runtime;
use crate::io::terminal::foreground;
use dedup::{SignalDedup, SignalRoute};
use ignored::listen_unless_ignored;
use scenario_log::signal::Signal;

/// How long a signal waits until it is passed on. Another of its kind in this time counts as the same
/// one: `timeout` and some shells send each signal twice, to the process and to its group, and a
/// second signal means KILL. Nobody can have reacted to the first one by then, so no real second
/// signal is lost.
const DUPLICATE_WINDOW: Duration = Duration::from_millis(2);

struct SignalListener {
    signal: Signal,
    stream: Stream,
}

/// SIGTSTP, by its number on Linux (signal(7)).
const SIGTSTP: i32 = 20;

/// SIGXFSZ, by its number on Linux (signal(7)).
const SIGXFSZ: i32 = 25;

impl SignalListener {
    /// `None` for a signal that is to stay ignored. Must be called in a runtime.
    fn listen(signal: Signal, kind: SignalKind) -> io::Result<Option<SignalListener>> {
        Ok(listen_unless_ignored(kind)?.map(|stream| SignalListener { signal, stream }))
    }

    /// The signals that end a run, without those that are to stay ignored. Must be called in a runtime.
    fn listen_all() -> io::Result<Vec<SignalListener>> {
        // A log that grows past a file size limit must fail with a message; the signal would end the
        // program without one. The handler stays for good.
        drop(listen_unless_ignored(SignalKind::from_raw(SIGXFSZ))?);
        let listeners = [
            SignalListener::listen(Signal::INT, SignalKind::interrupt())?,
            SignalListener::listen(Signal::TERM, SignalKind::terminate())?,
            SignalListener::listen(Signal::HUP, SignalKind::hangup())?,
        ];
        Ok(listeners.into_iter().flatten().collect())
    }

    /// Waits for the next signal. Loses none if it is dropped.
    async fn wait(&mut self) {
        if self.stream.recv().await.is_none() {
            // The runtime is being shut down.
            std::future::pending().await
        }
    }

    /// To be called after a signal: gives its name, once its duplicates have come too.
    async fn absorb_duplicates(&mut self) -> Signal {
        tokio::time::sleep(DUPLICATE_WINDOW).await;
        tokio::select! {
            biased;
            _ = self.stream.recv() => {}
            () = std::future::ready(()) => {}
        }
        self.signal
    }
}

/// Puts signals into the inbox from now on: those of this process, and those of its guard if it has
/// one. The guard's end counts as the signal KILL. TSTP counts as a pause; in a guarded run the guard
/// receives it. Must be called in a runtime, within a local set.
///
/// # Errors
/// When the system does not let signals be listened to.
pub fn forward_to_inbox(inbox: &Rc<Inbox>, lifeline: Option<Lifeline>) -> io::Result<()> {
    let forwarder = Rc::new(SignalForwarder {
        inbox: Rc::clone(inbox),
        start: Instant::now(),
        dedups: RefCell::default(),
    });
    for mut listener in SignalListener::listen_all()? {
        let forwarder = Rc::clone(&forwarder);
        tokio::task::spawn_local(async move {
            loop {
                listener.wait().await;
                forwarder.forward(listener.signal, SignalRoute::ToProcess);
            }
        });
    }
    // A handler also keeps the default action of this signal away.
    let suspend = SignalListener::listen(Signal::TSTP, SignalKind::from_raw(SIGTSTP))?;
    let Some(lifeline) = lifeline else {
        let Some(mut suspend) = suspend else { return Ok(()) };
        tokio::task::spawn_local(async move {
            loop {
                suspend.wait().await;
                forwarder.forward(suspend.signal, SignalRoute::ToProcess);
            }
        });
        return Ok(());
    };
    let mut receiver = lifeline.listen()?;
    tokio::task::spawn_local(async move {
        while let Some(signal) = receiver.next_signal().await {
            forwarder.forward(signal, SignalRoute::ToGuard);
        }
        forwarder.inbox.push(Input::SignalReceived(Signal::KILL));
    });
    Ok(())
}

struct SignalForwarder {
    inbox: Rc<Inbox>,
    start: Instant,
    dedups: RefCell<BTreeMap<Signal, SignalDedup>>,
}

impl SignalForwarder {
    /// Passes a signal on if it is a new one, after the time in which its duplicates come.
    fn forward(&self, signal: Signal, route: SignalRoute) {
        let is_new = self.dedups.borrow_mut().entry(signal).or_default().record(route, self.start.elapsed());
        if is_new {
            let inbox = Rc::clone(&self.inbox);
            tokio::task::spawn_local(async move {
                tokio::time::sleep(DUPLICATE_WINDOW).await;
                match signal {
                    Signal::TSTP if !foreground::may_be_shell_job() => {}
                    Signal::TSTP => inbox.push(Input::RunPaused),
                    signal => inbox.push(Input::SignalReceived(signal)),
                }
            });
        }
    }
}

/// Signals for a driver that never waits and polls at intervals.
pub struct SignalPoller {
    runtime: Runtime,
    listeners: Vec<SignalListener>,
    /// The signals that the guard received.
    lifeline: Option<LifelineReceiver>,
}

impl SignalPoller {
    /// Listens to signals from now on, also to those of the guard if there is one.
    ///
    /// # Errors
    /// When the system does not let signals be listened to.
    pub fn new(lifeline: Option<Lifeline>) -> io::Result<SignalPoller> {
        let runtime = runtime::build()?;
        let (listeners, receiver) = runtime.block_on(async {
            io::Result::Ok((SignalListener::listen_all()?, lifeline.map(Lifeline::listen).transpose()?))
        })?;
        Ok(SignalPoller { runtime, listeners, lifeline: receiver })
    }

    /// The next signal, if one has come; KILL if the guard has gone.
    pub fn poll(&mut self) -> Option<Signal> {
        let (listeners, receiver) = (&mut self.listeners, &mut self.lifeline);
        let guarded = async {
            let Some(open) = receiver else { return std::future::pending().await };
            let signal = open.next_signal().await;
            if signal.is_none() {
                *receiver = None;
            }
            signal.unwrap_or(Signal::KILL)
        };
        self.runtime.block_on(async {
            let index = tokio::select! {
                biased;
                index = next_ready(listeners) => index,
                signal = guarded => return Some(signal),
                () = tokio::task::yield_now() => return None,
            };
            Some(listeners[index].absorb_duplicates().await)
        })
    }
}

/// Waits for a signal of any listener, and gives the listener's index; of several, the first.
async fn next_ready(listeners: &mut [SignalListener]) -> usize {
    poll_fn(|context| {
        let mut has_signal =
            |listener: &mut SignalListener| listener.stream.poll_recv(context) == Poll::Ready(Some(()));
        listeners.iter_mut().position(&mut has_signal).map_or(Poll::Pending, Poll::Ready)
    })
    .await
}
