//! One worker of a load: the request that it is handed, and the connection that it keeps. Sends nothing
//! itself.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Instant;

use tokio::task::AbortHandle;

use scenario_log::event::Source;

use super::deadlines::RequestDeadline;
use super::fast_path::FastPathConn;
use crate::io::http::conn::connection::HttpConn;
use crate::io::http::conn::pool::IDLE_TIMEOUT;
use crate::io::http::timing::SendCounter;

/// The request that a worker is handed next, and the task that waits for it.
pub(crate) struct RequestSlot<R> {
    pending: Cell<Option<R>>,
    waker: RefCell<Option<Waker>>,
}

impl<R> Default for RequestSlot<R> {
    fn default() -> RequestSlot<R> {
        RequestSlot { pending: Cell::new(None), waker: RefCell::default() }
    }
}

impl<R> RequestSlot<R> {
    /// Hands the worker its next request. It must be idle.
    pub(crate) fn put(&self, request: R) {
        self.pending.set(Some(request));
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    /// Waits for the next request.
    pub(crate) async fn take(&self) -> R {
        std::future::poll_fn(|context| match self.pending.take() {
            Some(request) => Poll::Ready(request),
            None => {
                *self.waker.borrow_mut() = Some(context.waker().clone());
                Poll::Pending
            }
        })
        .await
    }
}

/// A request for a worker.
#[derive(Clone, Copy)]
pub(super) struct WorkerRequest {
    pub(super) source: Source,
    pub(super) url_index: usize,
    pub(super) started: Instant,
}

/// The connection of an idle worker.
pub(super) enum IdleLoadConn {
    FastPath(FastPathConn),
    Hyper(HttpConn),
}

/// The state of a worker, which its task and the load share.
pub(super) struct LoadWorker {
    pub(super) task: RefCell<Option<AbortHandle>>,
    pub(super) deadline: Rc<RequestDeadline>,
    /// The effort of sending the current request so far.
    pub(super) sent: SendCounter,
    slot: RequestSlot<WorkerRequest>,
    /// The connection while the worker is idle, and since when it is.
    idle_conn: RefCell<Option<(IdleLoadConn, Instant)>>,
}

impl LoadWorker {
    pub(super) fn new(deadline: Rc<RequestDeadline>) -> LoadWorker {
        LoadWorker {
            task: RefCell::default(),
            deadline,
            sent: SendCounter::default(),
            slot: RequestSlot::default(),
            idle_conn: RefCell::default(),
        }
    }

    /// Hands the worker its next request. It must be idle.
    pub(super) fn assign(&self, request: WorkerRequest) {
        self.sent.take();
        self.slot.put(request);
    }

    /// Waits for the next request.
    pub(super) async fn next_request(&self) -> WorkerRequest {
        self.slot.take().await
    }

    /// Keeps a connection, idle since `now`, for the next request.
    pub(super) fn store_idle_conn(&self, conn: IdleLoadConn, now: Instant) {
        *self.idle_conn.borrow_mut() = Some((conn, now));
    }

    /// Takes the connection, unless it has been idle for too long.
    pub(super) fn take_idle_conn(&self, now: Instant) -> Option<IdleLoadConn> {
        let (conn, since) = self.idle_conn.borrow_mut().take()?;
        (now.saturating_duration_since(since) < IDLE_TIMEOUT).then_some(conn)
    }

    /// Closes the connection if it has been idle for too long.
    pub(super) fn close_expired_conn(&self) {
        let mut idle = self.idle_conn.borrow_mut();
        if idle.as_ref().is_some_and(|(_, since)| since.elapsed() >= IDLE_TIMEOUT) {
            *idle = None;
        }
    }
}
