//! What has passed on a connection, and how it may end before both sides have closed it.

use std::cell::Cell;
use std::io;

use crate::io::link::state::LinkState;
use scenario_core::scenario::model::LinkDirection;

/// How a connection ends before both sides have closed it.
#[derive(Debug)]
pub(super) enum EarlyEnd {
    /// Reading from a side or writing to it failed.
    Broken(io::Error),
    /// As many bytes have passed as the limit lets.
    Limit,
}

impl From<io::Error> for EarlyEnd {
    fn from(error: io::Error) -> EarlyEnd {
        EarlyEnd::Broken(error)
    }
}

/// The bytes that have passed on a connection.
#[derive(Debug, Default)]
pub(super) struct PassedBytes {
    to: Cell<u64>,
    from: Cell<u64>,
    /// The bytes since the limit that has this number.
    limited: Cell<(u64, u64)>,
}

impl PassedBytes {
    fn slot(&self, direction: LinkDirection) -> &Cell<u64> {
        match direction {
            LinkDirection::To => &self.to,
            LinkDirection::From => &self.from,
        }
    }

    /// The bytes that have passed in a direction.
    pub(super) fn count(&self, direction: LinkDirection) -> u64 {
        self.slot(direction).get()
    }

    pub(super) fn add(&self, direction: LinkDirection, bytes: usize) {
        let count = self.slot(direction);
        count.set(count.get() + bytes as u64);
        let (epoch, limited) = self.limited.get();
        self.limited.set((epoch, limited + bytes as u64));
    }

    /// The bytes that may still pass; `None`: as many as come.
    pub(super) fn left(&self, state: &LinkState) -> Option<u64> {
        let (epoch, _) = self.limited.get();
        if epoch != state.limit_epoch() {
            self.limited.set((state.limit_epoch(), 0));
        }
        state.faults().limit.map(|limit| limit.saturating_sub(self.limited.get().1))
    }
}
