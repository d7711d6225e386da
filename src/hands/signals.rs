//! The signals that end a run, as they reach the runner: into the inbox of a live run, or noted for
//! a run that nothing waits in. It decides nothing of what they mean.

use std::rc::Rc;
use std::sync::mpsc::{Receiver, channel};

use tokio::signal::unix::{SignalKind, signal};

use crate::hands::inbox::{Inbox, Seen};
use crate::words::signal::Signal;

/// The signals that end a run in order.
const ENDING: [(fn() -> SignalKind, Signal); 3] = [
    (SignalKind::interrupt, Signal::INT),
    (SignalKind::terminate, Signal::TERM),
    (SignalKind::hangup, Signal::HUP),
];

/// SIGXFSZ, by its number on Linux (signal(7)).
const FILE_TOO_LARGE: i32 = 25;

/// Puts the signals that end a run into the inbox. To be called within the runtime.
///
/// # Errors
/// When the system refuses to tell of them.
pub fn listen(inbox: &Rc<Inbox>) -> std::io::Result<()> {
    let inbox = Rc::clone(inbox);
    each(move |name| {
        let inbox = Rc::clone(&inbox);
        move || inbox.put(Seen::Signalled(name))
    })
}

/// The signals that come while nothing waits for them: a thread of their own notes them.
///
/// # Errors
/// When the system refuses the thread, or to tell of signals.
pub fn note() -> std::io::Result<Receiver<Signal>> {
    let (noted, signals) = channel();
    let (told, ready) = channel();
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let watching = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
            let local = tokio::task::LocalSet::new();
            local.block_on(&runtime, async {
                each(move |name| {
                    let noted = noted.clone();
                    move || {
                        // The run may be over.
                        let _ = noted.send(name);
                    }
                })
            })?;
            Ok((runtime, local))
        };
        match watching() {
            Ok((runtime, local)) => {
                let _ = told.send(Ok(()));
                local.block_on(&runtime, std::future::pending::<()>());
            }
            Err(error) => {
                let _ = told.send(Err(error));
            }
        }
    })?;
    ready.recv().unwrap_or_else(|_| Err(std::io::Error::other("the thread for signals has ended")))?;
    Ok(signals)
}

/// Has every ending signal told by what `teller` makes for it.
fn each<T: Fn() + 'static>(teller: impl Fn(Signal) -> T) -> std::io::Result<()> {
    // A log that grows past a file size limit is to fail in words; the signal would end us without
    // any. The handler stays for good.
    drop(signal(SignalKind::from_raw(FILE_TOO_LARGE))?);
    for (kind, name) in ENDING {
        let mut signals = signal(kind())?;
        let tell = teller(name);
        tokio::task::spawn_local(async move {
            while signals.recv().await.is_some() {
                tell();
            }
        });
    }
    Ok(())
}
