//! The inbox: a plain queue in which the hands leave what they observed, and from which the live
//! driver takes all of it at each turn.
//!
//! It is bounded by weight: a hand that has much to tell waits in [`Inbox::room`] until the driver
//! has taken what is there, so that a child's pipe fills and nothing is dropped.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use tokio::sync::Notify;

use crate::io::paused_time::PausedTime;
use scenario_core::engine::input::Input;
use scenario_log::event::{
    Direction, FetchErrorKind, FetchedResponse, HttpHeader, OutputStream, Source, SpawnExit,
};
use scenario_log::signal::Signal;
use scenario_log::time::Span;

/// How many bytes may wait in the inbox before hands with more to tell must wait themselves.
const MAX_QUEUED_BYTES: usize = 1 << 20;

/// How many emptied buffers are kept for the next read.
const MAX_SPARE_BUFFERS: usize = 16;

/// What was observed, owned: the fields are those of [`Observed`].
#[derive(Debug)]
#[expect(missing_docs, reason = "each is documented where it is borrowed, in `Observed`")]
pub enum OwnedInput {
    SpawnStarted { source: Source, pid: u32 },
    SpawnFailed { source: Source, error: String },
    SpawnReady { source: Source },
    SpawnSuspended { source: Source, signal: Signal },
    SpawnResumed { source: Source },
    SpawnLines { source: Source, stream: OutputStream, chunk: Vec<u8>, partial: bool },
    SpawnExited { source: Source, exit: SpawnExit, held: bool, skipped: u64 },
    SendFailed { source: Source, error: String },
    ResponseStarted { source: Source, status: u16, version: &'static str, headers: Vec<HttpHeader> },
    ResponseLines { source: Source, chunk: Vec<u8> },
    FetchFinished { source: Source, fetched: Box<FetchedResponse> },
    FetchFailed { source: Source, kind: FetchErrorKind, error: String, took: Span },
    PlayerJoined { source: Source, player: String },
    PlayerMoved { source: Source, direction: Direction },
    PlayerLeft { source: Source },
    CommandTyped { text: String },
    SignalReceived(Signal),
    RunPaused,
    RunResumed { took: Span },
}

impl OwnedInput {
    /// As the engine takes it.
    #[must_use]
    pub fn as_input(&self) -> Input<'_> {
        match self {
            OwnedInput::SpawnStarted { source, pid } => Input::SpawnStarted { source: *source, pid: *pid },
            OwnedInput::SpawnFailed { source, error } => Input::SpawnFailed { source: *source, error },
            OwnedInput::SpawnReady { source } => Input::SpawnReady { source: *source },
            OwnedInput::SpawnSuspended { source, signal } => {
                Input::SpawnSuspended { source: *source, signal: *signal }
            }
            OwnedInput::SpawnResumed { source } => Input::SpawnResumed { source: *source },
            OwnedInput::SpawnLines { source, stream, chunk, partial } => {
                Input::SpawnLines { source: *source, stream: *stream, chunk, partial: *partial }
            }
            OwnedInput::SpawnExited { source, exit, held, skipped } => {
                Input::SpawnExited { source: *source, exit: *exit, held: *held, skipped: *skipped }
            }
            OwnedInput::SendFailed { source, error } => Input::SendFailed { source: *source, error },
            OwnedInput::ResponseStarted { source, status, version, headers } => {
                Input::ResponseStarted { source: *source, status: *status, version, headers }
            }
            OwnedInput::ResponseLines { source, chunk } => Input::ResponseLines { source: *source, chunk },
            OwnedInput::FetchFinished { source, fetched } => {
                Input::FetchFinished { source: *source, fetched }
            }
            OwnedInput::FetchFailed { source, kind, error, took } => {
                Input::FetchFailed { source: *source, kind: *kind, error, took: *took }
            }
            OwnedInput::PlayerJoined { source, player } => Input::PlayerJoined { source: *source, player },
            OwnedInput::PlayerMoved { source, direction } => {
                Input::PlayerMoved { source: *source, direction: *direction }
            }
            OwnedInput::PlayerLeft { source } => Input::PlayerLeft { source: *source },
            OwnedInput::CommandTyped { text } => Input::CommandTyped { text },
            OwnedInput::SignalReceived(signal) => Input::SignalReceived(*signal),
            OwnedInput::RunPaused => Input::RunPaused,
            OwnedInput::RunResumed { took } => Input::RunResumed { took: *took },
        }
    }

    /// How many bytes it holds.
    fn byte_len(&self) -> usize {
        match self {
            OwnedInput::SpawnLines { chunk, .. } | OwnedInput::ResponseLines { chunk, .. } => chunk.len(),
            _ => 0,
        }
    }
}

/// The queue between the hands and the driver. Shared by `Rc`: one thread.
#[derive(Debug, Default)]
pub struct Inbox {
    queue: RefCell<Vec<OwnedInput>>,
    queued_bytes: Cell<usize>,
    nonempty: Notify,
    emptied: Notify,
    spare_buffers: RefCell<Vec<Vec<u8>>>,
    paused_time: PausedTime,
}

impl Inbox {
    /// An empty inbox.
    #[must_use]
    pub fn new() -> Rc<Inbox> {
        Rc::new(Inbox::default())
    }

    /// How long the driver has had everything stand still.
    #[must_use]
    pub fn paused_time(&self) -> &PausedTime {
        &self.paused_time
    }

    /// Leaves something. Never waits: whoever has much to tell calls [`Inbox::room`] first.
    pub fn push(&self, seen: OwnedInput) {
        self.queued_bytes.set(self.queued_bytes.get() + seen.byte_len());
        let mut queue = self.queue.borrow_mut();
        queue.push(seen);
        if queue.len() == 1 {
            self.nonempty.notify_one();
        }
    }

    /// Whether hands with much to tell must wait.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.queued_bytes.get() >= MAX_QUEUED_BYTES
    }

    /// Waits until the inbox is not full.
    pub async fn wait_for_room(&self) {
        while self.is_full() {
            let emptied = self.emptied.notified();
            if !self.is_full() {
                return;
            }
            emptied.await;
        }
    }

    /// Waits until there is something.
    pub async fn wait_for_input(&self) {
        while self.queue.borrow().is_empty() {
            self.nonempty.notified().await;
        }
    }

    /// Takes all there is into `taken`, which must be empty and is what will be filled next time.
    pub fn take_all(&self, taken: &mut Vec<OwnedInput>) {
        debug_assert!(taken.is_empty(), "what was taken before has been handled");
        std::mem::swap(taken, &mut self.queue.borrow_mut());
        self.queued_bytes.set(0);
        self.emptied.notify_waiters();
    }

    /// A buffer to read into: empty, but with the room of an earlier one if there is one.
    #[must_use]
    pub fn take_buffer(&self) -> Vec<u8> {
        self.spare_buffers.borrow_mut().pop().unwrap_or_default()
    }

    /// Gives a handled chunk's buffer back.
    pub fn recycle(&self, seen: OwnedInput) {
        if let OwnedInput::SpawnLines { mut chunk, .. } | OwnedInput::ResponseLines { mut chunk, .. } = seen {
            let mut spare = self.spare_buffers.borrow_mut();
            if spare.len() < MAX_SPARE_BUFFERS {
                chunk.clear();
                spare.push(chunk);
            }
        }
    }
}
