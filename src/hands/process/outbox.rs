//! Writes to a process's standard input what it is sent, at the pace at which it reads.
//!
//! Never makes the run wait: what a process does not read waits here, up to a limit; beyond it
//! nothing more is taken and the sender is told.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::rc::Rc;

use tokio::net::unix::pipe::Sender;
use tokio::sync::Notify;

/// How many bytes may wait for a process to read them.
pub(super) const FULL: usize = 1 << 20;

/// What is told of a process that has closed its standard input or has ended: which of the two is
/// seen first is chance.
pub(super) const DEAF: &str = "it reads its standard input no more";

/// Writes all of `bytes`, waiting as often as the pipe is full.
pub(super) async fn write_all(pipe: &Sender, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        pipe.writable().await?;
        match pipe.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// What waits to be written to one process.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// The first one is being written.
    queue: RefCell<VecDeque<Rc<[u8]>>>,
    weight: Cell<usize>,
    closed: Cell<bool>,
    news: Notify,
}

impl Outbox {
    /// Takes `bytes` to be written, or says in words why it does not.
    pub(super) fn send(&self, bytes: Vec<u8>) -> Result<(), String> {
        if self.closed.get() {
            return Err(DEAF.to_owned());
        }
        if self.weight.get() > 0 && self.weight.get() + bytes.len() > FULL {
            let waiting = self.weight.get();
            return Err(format!("it does not read what it is sent: {waiting} bytes are waiting already"));
        }
        self.weight.set(self.weight.get() + bytes.len());
        self.queue.borrow_mut().push_back(bytes.into());
        self.news.notify_one();
        Ok(())
    }

    /// Takes nothing more and tells how many of those taken have not been written.
    pub(super) fn close(&self) -> usize {
        self.closed.set(true);
        self.news.notify_one();
        std::mem::take(&mut *self.queue.borrow_mut()).len()
    }

    /// Writes what is sent until the outbox is closed or nobody reads, which gives the error.
    pub(super) async fn write_to(&self, pipe: Sender) -> io::Result<()> {
        while !self.closed.get() {
            let first = self.queue.borrow().front().cloned();
            let Some(bytes) = first else {
                self.news.notified().await;
                continue;
            };
            write_all(&pipe, &bytes).await?;
            self.queue.borrow_mut().pop_front();
            self.weight.set(self.weight.get() - bytes.len());
        }
        Ok(())
    }
}
