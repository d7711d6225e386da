//! Counts the bytes that arrive on a connection, and keeps the first ones, for messages. Reads nothing
//! itself.

use std::cell::{Cell, RefCell};

/// How many of an answer's first bytes are kept for messages.
const MAX_FIRST_BYTES: usize = 32;

/// The bytes that arrived on a connection since [`ReceiveCounter::reset`].
#[derive(Debug, Default)]
pub(super) struct ReceiveCounter {
    bytes: Cell<u64>,
    first_bytes: RefCell<Vec<u8>>,
    /// The number of answers before this one.
    answer: Cell<u64>,
    head_error: RefCell<Option<String>>,
}

impl ReceiveCounter {
    /// Starts again at zero: the next answer begins.
    pub(super) fn reset(&self) {
        self.bytes.set(0);
        self.answer.set(self.answer.get() + 1);
        self.head_error.take();
        self.first_bytes.borrow_mut().clear();
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes.get()
    }

    /// The number of answers that were read to their ends before.
    pub(super) fn answer(&self) -> u64 {
        self.answer.get()
    }

    /// The fault in the answer's head, if its reader knows it.
    pub(super) fn head_error(&self) -> Option<String> {
        self.head_error.borrow().clone()
    }

    pub(super) fn set_head_error(&self, error: String) {
        *self.head_error.borrow_mut() = Some(error);
    }

    /// At most [`MAX_FIRST_BYTES`].
    pub(super) fn first_bytes(&self) -> Vec<u8> {
        self.first_bytes.borrow().clone()
    }

    pub(super) fn count(&self, bytes: &[u8]) {
        if self.bytes.get() < MAX_FIRST_BYTES as u64 {
            let mut first = self.first_bytes.borrow_mut();
            let room = MAX_FIRST_BYTES - first.len().min(MAX_FIRST_BYTES);
            first.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
        self.bytes.set(self.bytes.get() + bytes.len() as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_are_kept_and_all_are_counted() {
        let received = ReceiveCounter::default();
        received.count(b"HTTP/1.1 ");
        received.count(&[b'x'; 100]);
        assert_eq!(received.bytes(), 109);
        assert_eq!(received.first_bytes().len(), MAX_FIRST_BYTES);
        assert!(received.first_bytes().starts_with(b"HTTP/1.1 xx"));
        received.reset();
        assert_eq!((received.bytes(), received.first_bytes()), (0, Vec::new()));
    }
}
