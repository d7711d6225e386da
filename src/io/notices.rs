//! Warnings of the I/O modules for the person who runs the scenario. They are no part of the run, and so are in no
//! log; the driver shows them.

use std::cell::RefCell;

/// The warnings that have not been shown.
#[derive(Debug, Default)]
pub struct Notices(RefCell<Vec<String>>);

impl Notices {
    /// Adds one.
    pub fn push(&self, text: String) {
        self.0.borrow_mut().push(text);
    }

    /// Takes all of them.
    #[must_use]
    pub fn take(&self) -> Vec<String> {
        self.0.take()
    }
}
