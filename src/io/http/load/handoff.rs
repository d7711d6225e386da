//! Connections of a load that change their worker, while the system has no socket for new ones: a worker that
//! was answered hands its connection to one that waits. Opens none.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::Notify;

use super::fast_path::FastPathConn;
use crate::io::http::timing::AttemptProgress;

/// How often a request that connects looks whether the system has no socket for it.
const SHORTAGE_POLL: Duration = Duration::from_millis(10);

/// The connections to one endpoint that are handed on.
#[derive(Debug, Default)]
pub(super) struct ConnHandoff {
    waiting: Cell<usize>,
    offered: RefCell<VecDeque<FastPathConn>>,
    is_offered: Notify,
}

/// Counts a request that waits, until this is dropped.
struct WaitingRequest<'a>(&'a Cell<usize>);

impl Drop for WaitingRequest<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl ConnHandoff {
    /// Hands a connection on, if a request waits for one; else returns it.
    pub(super) fn offer(&self, conn: FastPathConn) -> Option<FastPathConn> {
        let mut offered = self.offered.borrow_mut();
        if self.waiting.get() <= offered.len() {
            return Some(conn);
        }
        offered.push_back(conn);
        self.is_offered.notify_one();
        None
    }

    /// A connection that was handed on.
    pub(super) fn take_offered(&self) -> Option<FastPathConn> {
        self.offered.borrow_mut().pop_front()
    }

    /// Waits until the system has no socket for the request, and then until a connection is handed on.
    pub(super) async fn wait(&self, progress: &AttemptProgress) -> FastPathConn {
        while progress.shortage().is_none() {
            tokio::time::sleep(SHORTAGE_POLL).await;
        }
        self.waiting.set(self.waiting.get() + 1);
        let _waiting = WaitingRequest(&self.waiting);
        loop {
            if let Some(conn) = self.take_offered() {
                return conn;
            }
            self.is_offered.notified().await;
        }
    }
}
