//! One connection that speaks HTTP, either version, each driven by a local task of its own. Sends
//! one request at a time; keeps and shares nothing: that is the pool's.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::rt::Executor;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

use crate::io::http::conn::stream::{Received, Wire};
use crate::io::http::error;
use crate::io::http::error::{Fault, Stage};
use crate::io::http::request::body::Upload;

/// How much of an answer, and of all answers of a connection, a server may send before it is taken.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 8 << 20;

/// The largest head of an HTTP/2 answer.
const LARGEST_HEAD: u32 = 256 << 10;

/// A connection that requests can share: each that does so has a clone.
#[derive(Clone)]
pub(crate) struct Two {
    sender: http2::SendRequest<Upload>,
    peer: Rc<str>,
    /// The server takes no more requests on it, though it may still answer earlier ones.
    leaving: Rc<Cell<bool>>,
}

/// A connection for one request at a time.
pub(crate) struct One {
    /// There is no next request on it.
    once: bool,
    sender: http1::SendRequest<Upload>,
    received: Rc<Received>,
    peer: Rc<str>,
}

/// Either kind.
pub(crate) enum Link {
    /// HTTP/1.1.
    One(One),
    /// HTTP/2, which can be shared with other requests.
    Two(Two),
}

/// What became of a request that was sent.
pub(crate) enum Sent {
    /// The head of its answer.
    Answered(Response<Incoming>),
    /// The server never saw it: the connection was gone.
    Unseen(Fault),
    /// It failed.
    Failed(Fault),
}

impl One {
    /// Speaks HTTP/1.1 on `wire`.
    pub(crate) async fn new(wire: Wire, peer: Rc<str>) -> Result<One, Fault> {
        let received = wire.received();
        let (sender, connection) = http1::Builder::new()
            .title_case_headers(true)
            .handshake(TokioIo::new(wire))
            .await
            .map_err(|error| error::of_hyper(&error, Stage::Head(None)))?;
        // How it ends is told to the request that is on it.
        tokio::task::spawn_local(async move { drop(connection.await) });
        Ok(One { once: false, sender, received, peer })
    }

    /// The same, for one answer only.
    pub(crate) fn for_one_answer(self) -> One {
        One { once: true, ..self }
    }

    /// Its answer has been read to the end: what comes now is the next one.
    pub(crate) fn rest(&self) {
        self.received.restart();
    }

    /// Whether the next request may be sent now.
    pub(crate) fn is_ready(&self) -> bool {
        self.sender.is_ready()
    }

    /// Whether it is of no use any longer.
    pub(crate) fn is_closed(&self) -> bool {
        self.once || self.sender.is_closed()
    }
}

impl Two {
    /// Speaks HTTP/2 on `wire`.
    pub(crate) async fn new(wire: Wire, peer: Rc<str>) -> Result<Two, Fault> {
        let (sender, connection) = http2::Builder::new(Local)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(LARGEST_HEAD)
            .handshake(TokioIo::new(wire))
            .await
            .map_err(|error| error::of_hyper(&error, Stage::Head(None)))?;
        tokio::task::spawn_local(async move { drop(connection.await) });
        Ok(Two { sender, peer, leaving: Rc::default() })
    }

    /// Whether it is of no use any longer.
    pub(crate) fn is_closed(&self) -> bool {
        self.leaving.get() || self.sender.is_closed()
    }

    /// How many have it beside the one that is asked.
    pub(crate) fn sharers(&self) -> usize {
        Rc::strong_count(&self.leaving) - 1
    }
}

impl Link {
    /// Whether it speaks HTTP/2.
    pub(crate) fn is_http2(&self) -> bool {
        matches!(self, Link::Two(_))
    }

    /// Its answer has been read to the end.
    pub(crate) fn rest(&self) {
        if let Link::One(one) = self {
            one.rest();
        }
    }

    /// Whether it is of no use any longer.
    pub(crate) fn is_closed(&self) -> bool {
        match self {
            Link::One(one) => one.is_closed(),
            Link::Two(two) => two.is_closed(),
        }
    }

    /// Whether the next request may be sent now.
    pub(crate) fn is_ready(&self) -> bool {
        match self {
            Link::One(one) => one.is_ready(),
            Link::Two(two) => two.sender.is_ready(),
        }
    }

    /// Waits until the next request may be sent; no if none will be.
    pub(crate) async fn is_usable(&mut self) -> bool {
        match self {
            Link::One(one) => !one.once && (one.is_ready() || one.sender.ready().await.is_ok()),
            Link::Two(two) => !two.is_closed(),
        }
    }

    /// Its other end.
    pub(crate) fn peer(&self) -> Rc<str> {
        match self {
            Link::One(one) => Rc::clone(&one.peer),
            Link::Two(two) => Rc::clone(&two.peer),
        }
    }

    /// The counter of what came, where it counts one answer only.
    pub(crate) fn received(&self) -> Option<Rc<Received>> {
        match self {
            Link::One(one) => Some(Rc::clone(&one.received)),
            Link::Two(_) => None,
        }
    }

    /// Sends a request and waits for the head of its answer.
    pub(crate) async fn send(&mut self, request: Request<Upload>) -> Sent {
        let sent = match self {
            Link::One(one) => one.sender.try_send_request(request).await,
            Link::Two(two) => two.sender.try_send_request(request).await,
        };
        let mut error = match sent {
            Ok(response) => return Sent::Answered(response),
            Err(error) => error,
        };
        let unwritten = error.take_message().is_some();
        let error = error.into_error();
        let fault = error::of_hyper(&error, Stage::Head(self.received().as_deref()));
        if !unwritten && !error::unprocessed(&error) {
            return Sent::Failed(fault);
        }
        if let Link::Two(two) = self {
            two.leaving.set(true);
        }
        Sent::Unseen(fault)
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("peer", &self.peer()).field("http2", &self.is_http2()).finish()
    }
}

/// Runs hyper's tasks on the thread that all of us share.
#[derive(Clone, Copy, Debug)]
struct Local;

impl<F> Executor<F> for Local
where
    F: Future + 'static,
{
    fn execute(&self, task: F) {
        tokio::task::spawn_local(async move { drop(task.await) });
    }
}
