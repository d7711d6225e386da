//! The signals that end a run. Hears them, and decides nothing: what the first means and what the
//! second is the engine's to say.
//!
//! A runner under [guard](crate::io::guard) is told of signals in two ways: those it is sent
//! itself, and those that its guard was sent. [`Count`] says which are the same.

mod count;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

use crate::io::guard::lifeline::{Ear, Lifeline};
use crate::io::inbox::{Inbox, Seen};
use crate::io::runtime;
use crate::io::terminal::foreground;
use count::{Count, Way};
use scenario_log::signal::Signal;

/// How long after it came a signal is told. What comes of its kind in this moment is the same one:
/// `timeout` and some shells send each twice, to the process and to its group, and a second one means
/// KILL. Nobody can have seen what the first one did by then, so no answer to it is lost.
const ONE_SIGNAL: Duration = Duration::from_millis(2);

/// One kind of signal.
struct Kind {
    name: Signal,
    stream: Stream,
}

/// SIGTSTP, by its number on Linux (signal(7)).
const SUSPEND: i32 = 20;

/// SIGXFSZ, by its number on Linux (signal(7)).
const FILE_TOO_LARGE: i32 = 25;

impl Kind {
    /// Must be called in a runtime.
    fn all() -> io::Result<[Kind; 3]> {
        // A log that grows past a file size limit is to fail in words; the signal would end us
        // without any. The handler stays for good.
        drop(signal(SignalKind::from_raw(FILE_TOO_LARGE))?);
        let kind = |kind, name| Ok::<Kind, io::Error>(Kind { name, stream: signal(kind)? });
        Ok([
            kind(SignalKind::interrupt(), Signal::INT)?,
            kind(SignalKind::terminate(), Signal::TERM)?,
            kind(SignalKind::hangup(), Signal::HUP)?,
        ])
    }

    /// Waits for the next one. Loses none if it is given up.
    async fn came(&mut self) {
        if self.stream.recv().await.is_none() {
            // The runtime is being shut down: nobody listens any more.
            std::future::pending().await
        }
    }

    /// To be called when one came: its name, once what belongs to it has come too.
    async fn name(&mut self) -> Signal {
        tokio::time::sleep(ONE_SIGNAL).await;
        tokio::select! {
            biased;
            _ = self.stream.recv() => {}
            () = std::future::ready(()) => {}
        }
        self.name
    }
}

/// Puts signals into the inbox from now on: those of this process, and those of its guard if it has
/// one. The guard's end is told as its signal KILL; TSTP, which of a runner and its guard the guard
/// hears, as a pause. Must be called in a runtime, within a local set.
///
/// # Errors
/// When the system does not let them be heard.
pub fn watch(inbox: &Rc<Inbox>, lifeline: Option<Lifeline>) -> io::Result<()> {
    let heard = Rc::new(Heard { inbox: Rc::clone(inbox), start: Instant::now(), counts: RefCell::default() });
    for mut kind in Kind::all()? {
        let heard = Rc::clone(&heard);
        tokio::task::spawn_local(async move {
            loop {
                kind.came().await;
                heard.came(kind.name, Way::Direct);
            }
        });
    }
    // What this signal does to a program that does not listen, it shall not do to us.
    let mut suspend = Kind { name: Signal::TSTP, stream: signal(SignalKind::from_raw(SUSPEND))? };
    let Some(lifeline) = lifeline else {
        tokio::task::spawn_local(async move {
            loop {
                suspend.came().await;
                heard.came(suspend.name, Way::Direct);
            }
        });
        return Ok(());
    };
    let mut ear = lifeline.listen()?;
    tokio::task::spawn_local(async move {
        while let Some(signal) = ear.next().await {
            heard.came(signal, Way::Guard);
        }
        heard.inbox.put(Seen::Signalled(Signal::KILL));
    });
    Ok(())
}

/// The signals that have been heard.
struct Heard {
    inbox: Rc<Inbox>,
    start: Instant,
    counts: RefCell<BTreeMap<Signal, Count>>,
}

impl Heard {
    /// One came: it is told, if it is a new one, once all that belongs to it must have come too.
    fn came(&self, signal: Signal, way: Way) {
        let is_new = self.counts.borrow_mut().entry(signal).or_default().came(way, self.start.elapsed());
        if is_new {
            let inbox = Rc::clone(&self.inbox);
            tokio::task::spawn_local(async move {
                tokio::time::sleep(ONE_SIGNAL).await;
                match signal {
                    Signal::TSTP if !foreground::may_be_a_job() => {}
                    Signal::TSTP => inbox.put(Seen::Paused),
                    signal => inbox.put(Seen::Signalled(signal)),
                }
            });
        }
    }
}

/// Signals for a driver that never waits: it asks now and then.
pub struct Signals {
    runtime: Runtime,
    kinds: [Kind; 3],
    /// What the guard was sent.
    ear: Option<Ear>,
}

impl Signals {
    /// Hears signals from now on, those of the guard too if there is one.
    ///
    /// # Errors
    /// When the system does not let them be heard.
    pub fn new(lifeline: Option<Lifeline>) -> io::Result<Signals> {
        let runtime = runtime::new()?;
        let (kinds, ear) = runtime.block_on(async {
            io::Result::Ok((Kind::all()?, lifeline.map(Lifeline::listen).transpose()?))
        })?;
        Ok(Signals { runtime, kinds, ear })
    }

    /// The next signal that has come, if any has; KILL if the guard has gone.
    pub fn take(&mut self) -> Option<Signal> {
        let ([int, term, hup], ear) = (&mut self.kinds, &mut self.ear);
        let guarded = async {
            let Some(open) = ear else { return std::future::pending().await };
            let signal = open.next().await;
            if signal.is_none() {
                *ear = None;
            }
            signal.unwrap_or(Signal::KILL)
        };
        self.runtime.block_on(async {
            let kind = tokio::select! {
                biased;
                () = int.came() => int,
                () = term.came() => term,
                () = hup.came() => hup,
                signal = guarded => return Some(signal),
                () = tokio::task::yield_now() => return None,
            };
            Some(kind.name().await)
        })
    }
}
