//! The signals that end a run. Hears them, and decides nothing: what the first means and what the
//! second is the engine's to say.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

use crate::hands::inbox::{Inbox, Seen};
use crate::words::signal::Signal;

/// How long after it came a signal is told. What comes of its kind in this moment is the same one:
/// `timeout` and some shells send each twice, to the process and to its group, and a second one means
/// KILL. Nobody can have seen what the first one did by then, so no answer to it is lost.
const ONE_SIGNAL: Duration = Duration::from_millis(2);

/// One kind of signal.
struct Kind {
    name: Signal,
    stream: Stream,
}

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

/// Puts signals into the inbox from now on. Must be called in a runtime, within a local set.
///
/// # Errors
/// When the system does not let them be heard.
pub fn watch(inbox: &Rc<Inbox>) -> io::Result<()> {
    for mut kind in Kind::all()? {
        let inbox = Rc::clone(inbox);
        tokio::task::spawn_local(async move {
            loop {
                kind.came().await;
                inbox.put(Seen::Signalled(kind.name().await));
            }
        });
    }
    Ok(())
}

/// Signals for a driver that never waits: it asks now and then.
pub struct Signals {
    runtime: Runtime,
    kinds: [Kind; 3],
}

impl Signals {
    /// Hears signals from now on.
    ///
    /// # Errors
    /// When the system does not let them be heard.
    pub fn new() -> io::Result<Signals> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let kinds = runtime.block_on(async { Kind::all() })?;
        Ok(Signals { runtime, kinds })
    }

    /// The next signal that has come, if any has.
    pub fn take(&mut self) -> Option<Signal> {
        let [int, term, hup] = &mut self.kinds;
        self.runtime.block_on(async {
            let kind = tokio::select! {
                biased;
                () = int.came() => int,
                () = term.came() => term,
                () = hup.came() => hup,
                () = tokio::task::yield_now() => return None,
            };
            Some(kind.name().await)
        })
    }
}
