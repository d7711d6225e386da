//! The inbox: a plain queue in which the hands leave what they observed, and from which the live
//! driver takes all of it at each turn.
//!
//! It is bounded by weight: a hand that has much to tell waits in [`Inbox::room`] until the driver
//! has taken what is there, so that a child's pipe fills and nothing is dropped.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use tokio::sync::Notify;

use crate::io::paused_time::Pauses;
use scenario_core::engine::input::Observed;
use scenario_log::event::{Direction, Exit, FetchFault, Fetched, Header, Source, Stream};
use scenario_log::signal::Signal;
use scenario_log::time::Span;

/// How many bytes may wait in the inbox before hands with more to tell must wait themselves.
const FULL: usize = 1 << 20;

/// How many emptied buffers are kept for the next read.
const SPARE: usize = 16;

/// What was observed, owned: the fields are those of [`Observed`].
#[derive(Debug)]
#[expect(missing_docs, reason = "each is documented where it is borrowed, in `Observed`")]
pub enum Seen {
    Started { source: Source, pid: u32 },
    CouldNotStart { source: Source, error: String },
    Ready { source: Source },
    Suspended { source: Source, signal: Signal },
    GoesOn { source: Source },
    Lines { source: Source, stream: Stream, chunk: Vec<u8>, partial: bool },
    Exited { source: Source, exit: Exit, held: bool, skipped: u64 },
    NotSent { source: Source, error: String },
    Responded { source: Source, status: u16, version: &'static str, headers: Vec<Header> },
    BodyLines { source: Source, chunk: Vec<u8> },
    Fetched { source: Source, fetched: Box<Fetched> },
    FetchFailed { source: Source, kind: FetchFault, error: String, took: Span },
    Joined { source: Source, player: String },
    Moved { source: Source, direction: Direction },
    Left { source: Source },
    Typed { text: String },
    Signalled(Signal),
    Paused,
    Resumed { took: Span },
}

impl Seen {
    /// As the engine takes it.
    #[must_use]
    pub fn observed(&self) -> Observed<'_> {
        match self {
            Seen::Started { source, pid } => Observed::Started { source: *source, pid: *pid },
            Seen::CouldNotStart { source, error } => Observed::CouldNotStart { source: *source, error },
            Seen::Ready { source } => Observed::Ready { source: *source },
            Seen::Suspended { source, signal } => Observed::Suspended { source: *source, signal: *signal },
            Seen::GoesOn { source } => Observed::GoesOn { source: *source },
            Seen::Lines { source, stream, chunk, partial } => {
                Observed::Lines { source: *source, stream: *stream, chunk, partial: *partial }
            }
            Seen::Exited { source, exit, held, skipped } => {
                Observed::Exited { source: *source, exit: *exit, held: *held, skipped: *skipped }
            }
            Seen::NotSent { source, error } => Observed::NotSent { source: *source, error },
            Seen::Responded { source, status, version, headers } => {
                Observed::Responded { source: *source, status: *status, version, headers }
            }
            Seen::BodyLines { source, chunk } => Observed::BodyLines { source: *source, chunk },
            Seen::Fetched { source, fetched } => Observed::Fetched { source: *source, fetched },
            Seen::FetchFailed { source, kind, error, took } => {
                Observed::FetchFailed { source: *source, kind: *kind, error, took: *took }
            }
            Seen::Joined { source, player } => Observed::Joined { source: *source, player },
            Seen::Moved { source, direction } => Observed::Moved { source: *source, direction: *direction },
            Seen::Left { source } => Observed::Left { source: *source },
            Seen::Typed { text } => Observed::Typed { text },
            Seen::Signalled(signal) => Observed::Signalled(*signal),
            Seen::Paused => Observed::Paused,
            Seen::Resumed { took } => Observed::Resumed { took: *took },
        }
    }

    /// How many bytes it holds.
    fn weight(&self) -> usize {
        match self {
            Seen::Lines { chunk, .. } | Seen::BodyLines { chunk, .. } => chunk.len(),
            _ => 0,
        }
    }
}

/// The queue between the hands and the driver. Shared by `Rc`: one thread.
#[derive(Debug, Default)]
pub struct Inbox {
    queue: RefCell<Vec<Seen>>,
    weight: Cell<usize>,
    filled: Notify,
    emptied: Notify,
    spare: RefCell<Vec<Vec<u8>>>,
    pauses: Pauses,
}

impl Inbox {
    /// An empty inbox.
    #[must_use]
    pub fn new() -> Rc<Inbox> {
        Rc::new(Inbox::default())
    }

    /// How long the driver has had everything stand still.
    #[must_use]
    pub fn pauses(&self) -> &Pauses {
        &self.pauses
    }

    /// Leaves something. Never waits: whoever has much to tell calls [`Inbox::room`] first.
    pub fn put(&self, seen: Seen) {
        self.weight.set(self.weight.get() + seen.weight());
        let mut queue = self.queue.borrow_mut();
        queue.push(seen);
        if queue.len() == 1 {
            self.filled.notify_one();
        }
    }

    /// Whether hands with much to tell must wait.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.weight.get() >= FULL
    }

    /// Waits until the inbox is not full.
    pub async fn room(&self) {
        while self.is_full() {
            let emptied = self.emptied.notified();
            if !self.is_full() {
                return;
            }
            emptied.await;
        }
    }

    /// Waits until there is something.
    pub async fn filled(&self) {
        while self.queue.borrow().is_empty() {
            self.filled.notified().await;
        }
    }

    /// Takes all there is into `taken`, which must be empty and is what will be filled next time.
    pub fn take(&self, taken: &mut Vec<Seen>) {
        debug_assert!(taken.is_empty(), "what was taken before has been handled");
        std::mem::swap(taken, &mut self.queue.borrow_mut());
        self.weight.set(0);
        self.emptied.notify_waiters();
    }

    /// A buffer to read into: empty, but with the room of an earlier one if there is one.
    #[must_use]
    pub fn buffer(&self) -> Vec<u8> {
        self.spare.borrow_mut().pop().unwrap_or_default()
    }

    /// Gives a handled chunk's buffer back.
    pub fn recycle(&self, seen: Seen) {
        if let Seen::Lines { mut chunk, .. } | Seen::BodyLines { mut chunk, .. } = seen {
            let mut spare = self.spare.borrow_mut();
            if spare.len() < SPARE {
                chunk.clear();
                spare.push(chunk);
            }
        }
    }
}
