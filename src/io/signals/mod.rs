//! The signals that end a run. Hears them, and decides nothing: what the first means and what the
//! second is the engine's to say.
//!
//! A runner under [guard](crate::io::guard) is told of signals in two ways: those it is sent
//! itself, and those that its guard was sent. [`Count`] says which are the same.

mod dedup;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

use crate::io::guard::lifeline::{Lifeline, LifelineReceiver};
use crate::io::inbox::{Inbox, Input};
use crate::io::runtime;
use crate::io::terminal::foreground;
use dedup::{SignalDedup, SignalRoute};
use scenario_log::signal::Signal;

/// How long after it came a signal is told. What comes of its kind in this moment is the same one:
/// `timeout` and some shells send each twice, to the process and to its group, and a second one means
/// KILL. Nobody can have seen what the first one did by then, so no answer to it is lost.
const DUPLICATE_WINDOW: Duration = Duration::from_millis(2);

/// One kind of signal.
struct SignalListener {
    signal: Signal,
    stream: Stream,
}

/// SIGTSTP, by its number on Linux (signal(7)).
const SIGTSTP: i32 = 20;

/// SIGXFSZ, by its number on Linux (signal(7)).
const SIGXFSZ: i32 = 25;

impl SignalListener {
    /// Must be called in a runtime.
    fn listen_all() -> io::Result<[SignalListener; 3]> {
        // A log that grows past a file size limit is to fail in words; the signal would end us
        // without any. The handler stays for good.
        drop(signal(SignalKind::from_raw(SIGXFSZ))?);
        let kind = |kind, name| {
            Ok::<SignalListener, io::Error>(SignalListener { signal: name, stream: signal(kind)? })
        };
        Ok([
            kind(SignalKind::interrupt(), Signal::INT)?,
            kind(SignalKind::terminate(), Signal::TERM)?,
            kind(SignalKind::hangup(), Signal::HUP)?,
        ])
    }

    /// Waits for the next one. Loses none if it is given up.
    async fn wait(&mut self) {
        if self.stream.recv().await.is_none() {
            // The runtime is being shut down: nobody listens any more.
            std::future::pending().await
        }
    }

    /// To be called when one came: its name, once what belongs to it has come too.
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
/// one. The guard's end is told as its signal KILL; TSTP, which of a runner and its guard the guard
/// hears, as a pause. Must be called in a runtime, within a local set.
///
/// # Errors
/// When the system does not let them be heard.
pub fn forward_to_inbox(inbox: &Rc<Inbox>, lifeline: Option<Lifeline>) -> io::Result<()> {
    let heard = Rc::new(SignalForwarder {
        inbox: Rc::clone(inbox),
        start: Instant::now(),
        dedups: RefCell::default(),
    });
    for mut kind in SignalListener::listen_all()? {
        let heard = Rc::clone(&heard);
        tokio::task::spawn_local(async move {
            loop {
                kind.wait().await;
                heard.forward(kind.signal, SignalRoute::ToProcess);
            }
        });
    }
    // What this signal does to a program that does not listen, it shall not do to us.
    let mut suspend = SignalListener { signal: Signal::TSTP, stream: signal(SignalKind::from_raw(SIGTSTP))? };
    let Some(lifeline) = lifeline else {
        tokio::task::spawn_local(async move {
            loop {
                suspend.wait().await;
                heard.forward(suspend.signal, SignalRoute::ToProcess);
            }
        });
        return Ok(());
    };
    let mut ear = lifeline.listen()?;
    tokio::task::spawn_local(async move {
        while let Some(signal) = ear.next_signal().await {
            heard.forward(signal, SignalRoute::ToGuard);
        }
        heard.inbox.push(Input::SignalReceived(Signal::KILL));
    });
    Ok(())
}

/// The signals that have been heard.
struct SignalForwarder {
    inbox: Rc<Inbox>,
    start: Instant,
    dedups: RefCell<BTreeMap<Signal, SignalDedup>>,
}

impl SignalForwarder {
    /// One came: it is told, if it is a new one, once all that belongs to it must have come too.
    fn forward(&self, signal: Signal, way: SignalRoute) {
        let is_new = self.dedups.borrow_mut().entry(signal).or_default().record(way, self.start.elapsed());
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

/// Signals for a driver that never waits: it asks now and then.
pub struct SignalPoller {
    runtime: Runtime,
    listeners: [SignalListener; 3],
    /// What the guard was sent.
    lifeline: Option<LifelineReceiver>,
}

impl SignalPoller {
    /// Hears signals from now on, those of the guard too if there is one.
    ///
    /// # Errors
    /// When the system does not let them be heard.
    pub fn new(lifeline: Option<Lifeline>) -> io::Result<SignalPoller> {
        let runtime = runtime::build()?;
        let (kinds, ear) = runtime.block_on(async {
            io::Result::Ok((SignalListener::listen_all()?, lifeline.map(Lifeline::listen).transpose()?))
        })?;
        Ok(SignalPoller { runtime, listeners: kinds, lifeline: ear })
    }

    /// The next signal that has come, if any has; KILL if the guard has gone.
    pub fn poll(&mut self) -> Option<Signal> {
        let ([int, term, hup], ear) = (&mut self.listeners, &mut self.lifeline);
        let guarded = async {
            let Some(open) = ear else { return std::future::pending().await };
            let signal = open.next_signal().await;
            if signal.is_none() {
                *ear = None;
            }
            signal.unwrap_or(Signal::KILL)
        };
        self.runtime.block_on(async {
            let kind = tokio::select! {
                biased;
                () = int.wait() => int,
                () = term.wait() => term,
                () = hup.wait() => hup,
                signal = guarded => return Some(signal),
                () = tokio::task::yield_now() => return None,
            };
            Some(kind.absorb_duplicates().await)
        })
    }
}
