//! The signals that end a run. Hears them, and decides nothing: what the first means and what the
//! second is the engine's to say.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};
use tokio::time::Instant;

use crate::hands::inbox::{Inbox, Seen};
use crate::words::signal::Signal;

/// Signals of one kind that follow each other as fast as this are one: `timeout` and some shells
/// send each twice, to the process and to its group, and a second one means KILL.
const ONE_SIGNAL: Duration = Duration::from_millis(3);

/// One kind of signal.
struct Kind {
    name: Signal,
    stream: Stream,
    last: Option<Instant>,
}

/// SIGXFSZ, by its number on Linux (signal(7)).
const FILE_TOO_LARGE: i32 = 25;

impl Kind {
    /// Must be called in a runtime.
    fn all() -> io::Result<[Kind; 3]> {
        // A log that grows past a file size limit is to fail in words; the signal would end us
        // without any. The handler stays for good.
        drop(signal(SignalKind::from_raw(FILE_TOO_LARGE))?);
        let kind = |kind, name| Ok::<Kind, io::Error>(Kind { name, stream: signal(kind)?, last: None });
        Ok([
            kind(SignalKind::interrupt(), Signal::INT)?,
            kind(SignalKind::terminate(), Signal::TERM)?,
            kind(SignalKind::hangup(), Signal::HUP)?,
        ])
    }

    /// The next one that is not the one before over again.
    async fn next(&mut self) -> Signal {
        while self.stream.recv().await.is_some() {
            let is_new = self.last.is_none_or(|last| last.elapsed() > ONE_SIGNAL);
            self.last = Some(Instant::now());
            if is_new {
                return self.name;
            }
        }
        // The runtime is being shut down: nobody listens any more.
        std::future::pending().await
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
                inbox.put(Seen::Signalled(kind.next().await));
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
            tokio::select! {
                biased;
                name = int.next() => Some(name),
                name = term.next() => Some(name),
                name = hup.next() => Some(name),
                () = tokio::task::yield_now() => None,
            }
        })
    }
}
