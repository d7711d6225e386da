//! The inbox: a plain queue from the I/O tasks to the live driver, which takes all inputs at each turn.
//! Decides nothing and drops nothing.
//!
//! It is bounded by bytes: a task with large inputs waits in [`Inbox::wait_for_room`] until the driver has
//! taken what is queued. Meanwhile a child's pipe fills, and the child waits too.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use tokio::sync::Notify;

use crate::io::paused_time::PausedTime;
pub use scenario_core::engine::input::Input;

/// The number of queued bytes from which tasks with large inputs must wait.
const MAX_QUEUED_BYTES: usize = 1 << 20;

/// The most emptied buffers that are kept for later reads.
const MAX_SPARE_BUFFERS: usize = 16;

/// The number of bytes that an input counts for.
fn byte_len(input: &Input) -> usize {
    match input {
        Input::SpawnLines { chunk, said, .. } | Input::SpawnText { text: chunk, said, .. } => {
            chunk.len() + said.as_ref().map_or(0, Vec::len)
        }
        Input::ResponseLines { chunk, .. } => chunk.len(),
        _ => 0,
    }
}

/// Whether an input ends the run: a signal, or a typed `quit`.
#[must_use]
pub fn is_end_request(input: &Input) -> bool {
    match input {
        Input::SignalReceived(_) => true,
        Input::CommandTyped { text, .. } => text.trim() == "quit",
        _ => false,
    }
}

/// The queue from the I/O tasks to the driver. All share it by `Rc`, on one thread.
#[derive(Debug, Default)]
pub struct Inbox {
    queue: RefCell<Vec<Input>>,
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

    /// The time for which the driver has suspended everything.
    #[must_use]
    pub fn paused_time(&self) -> &PausedTime {
        &self.paused_time
    }

    /// Adds an input. Never waits: a task with large inputs calls [`Inbox::wait_for_room`] first.
    pub fn push(&self, input: Input) {
        self.queued_bytes.set(self.queued_bytes.get() + byte_len(&input));
        let mut queue = self.queue.borrow_mut();
        queue.push(input);
        if queue.len() == 1 {
            self.nonempty.notify_one();
        }
    }

    /// Whether tasks with large inputs must wait.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.queued_bytes.get() >= MAX_QUEUED_BYTES
    }

    /// Whether nothing is queued.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.borrow().is_empty()
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

    /// Waits until an input is queued.
    pub async fn wait_for_input(&self) {
        while self.queue.borrow().is_empty() {
            self.nonempty.notified().await;
        }
    }

    /// Whether a signal or a typed `quit` is queued.
    #[must_use]
    pub fn has_end_request(&self) -> bool {
        self.queue.borrow().iter().any(is_end_request)
    }

    /// Whether a pause is queued.
    #[must_use]
    pub fn has_pause(&self) -> bool {
        self.queue.borrow().iter().any(|input| matches!(input, Input::RunPaused))
    }

    /// Moves all inputs into `taken`, which must be empty and becomes the next queue.
    pub fn take_all(&self, taken: &mut Vec<Input>) {
        debug_assert!(taken.is_empty(), "the driver has handled all earlier inputs");
        std::mem::swap(taken, &mut self.queue.borrow_mut());
        self.queued_bytes.set(0);
        self.emptied.notify_waiters();
    }

    /// Returns an empty buffer to read into, with the capacity of a recycled one if there is one.
    #[must_use]
    pub fn take_buffer(&self) -> Vec<u8> {
        self.spare_buffers.borrow_mut().pop().unwrap_or_default()
    }

    /// Takes the buffer of a handled input back.
    pub fn recycle(&self, input: Input) {
        if let Some(mut chunk) = input.into_buffer() {
            let mut spare = self.spare_buffers.borrow_mut();
            if spare.len() < MAX_SPARE_BUFFERS {
                chunk.clear();
                spare.push(chunk);
            }
        }
    }
}
