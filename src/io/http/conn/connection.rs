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

use crate::io::http::conn::stream::{CountedStream, ReceiveCounter};
use crate::io::http::error;
use crate::io::http::error::{FetchError, ReceiveStage};
use crate::io::http::request::body::RequestBody;

/// How much of an answer, and of all answers of a connection, a server may send before it is taken.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 8 << 20;

/// The largest head of an HTTP/2 answer.
const MAX_HEADER_LIST_SIZE: u32 = 256 << 10;

/// A connection that requests can share: each that does so has a clone.
#[derive(Clone)]
pub(crate) struct Http2Conn {
    sender: http2::SendRequest<RequestBody>,
    peer: Rc<str>,
    /// The server takes no more requests on it, though it may still answer earlier ones.
    is_going_away: Rc<Cell<bool>>,
}

/// A connection for one request at a time.
pub(crate) struct Http1Conn {
    /// There is no next request on it.
    is_single_use: bool,
    sender: http1::SendRequest<RequestBody>,
    receive_counter: Rc<ReceiveCounter>,
    peer: Rc<str>,
}

/// Either kind.
pub(crate) enum HttpConn {
    /// HTTP/1.1.
    Http1(Http1Conn),
    /// HTTP/2, which can be shared with other requests.
    Http2(Http2Conn),
}

/// What became of a request that was sent.
pub(crate) enum SendOutcome {
    /// The head of its answer.
    Response(Response<Incoming>),
    /// The server never saw it: the connection was gone.
    NotProcessed(FetchError),
    /// It failed.
    Failed(FetchError),
}

impl Http1Conn {
    /// Speaks HTTP/1.1 on `wire`.
    pub(crate) async fn new(wire: CountedStream, peer: Rc<str>) -> Result<Http1Conn, FetchError> {
        let received = wire.counter();
        let (sender, connection) = http1::Builder::new()
            .title_case_headers(true)
            .handshake(TokioIo::new(wire))
            .await
            .map_err(|error| error::from_hyper(&error, ReceiveStage::Head(None)))?;
        // How it ends is told to the request that is on it.
        tokio::task::spawn_local(async move { drop(connection.await) });
        Ok(Http1Conn { is_single_use: false, sender, receive_counter: received, peer })
    }

    /// The same, for one answer only.
    pub(crate) fn single_use(self) -> Http1Conn {
        Http1Conn { is_single_use: true, ..self }
    }

    /// Its answer has been read to the end: what comes now is the next one.
    pub(crate) fn finish_response(&self) {
        self.receive_counter.reset();
    }

    /// Whether the next request may be sent now.
    pub(crate) fn is_ready(&self) -> bool {
        self.sender.is_ready()
    }

    /// Whether it is of no use any longer.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_single_use || self.sender.is_closed()
    }
}

impl Http2Conn {
    /// Speaks HTTP/2 on `wire`.
    pub(crate) async fn new(wire: CountedStream, peer: Rc<str>) -> Result<Http2Conn, FetchError> {
        let (sender, connection) = http2::Builder::new(LocalExecutor)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(MAX_HEADER_LIST_SIZE)
            .handshake(TokioIo::new(wire))
            .await
            .map_err(|error| error::from_hyper(&error, ReceiveStage::Head(None)))?;
        tokio::task::spawn_local(async move { drop(connection.await) });
        Ok(Http2Conn { sender, peer, is_going_away: Rc::default() })
    }

    /// Whether it is of no use any longer.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_going_away.get() || self.sender.is_closed()
    }

    /// How many have it beside the one that is asked.
    pub(crate) fn sharer_count(&self) -> usize {
        Rc::strong_count(&self.is_going_away) - 1
    }
}

impl HttpConn {
    /// Whether it speaks HTTP/2.
    pub(crate) fn is_http2(&self) -> bool {
        matches!(self, HttpConn::Http2(_))
    }

    /// Its answer has been read to the end.
    pub(crate) fn finish_response(&self) {
        if let HttpConn::Http1(one) = self {
            one.finish_response();
        }
    }

    /// Whether it is of no use any longer.
    pub(crate) fn is_closed(&self) -> bool {
        match self {
            HttpConn::Http1(one) => one.is_closed(),
            HttpConn::Http2(two) => two.is_closed(),
        }
    }

    /// Whether the next request may be sent now.
    pub(crate) fn is_ready(&self) -> bool {
        match self {
            HttpConn::Http1(one) => one.is_ready(),
            HttpConn::Http2(two) => two.sender.is_ready(),
        }
    }

    /// Waits until the next request may be sent; no if none will be.
    pub(crate) async fn wait_until_usable(&mut self) -> bool {
        match self {
            HttpConn::Http1(one) => {
                !one.is_single_use && (one.is_ready() || one.sender.ready().await.is_ok())
            }
            HttpConn::Http2(two) => !two.is_closed(),
        }
    }

    /// Its other end.
    pub(crate) fn peer(&self) -> Rc<str> {
        match self {
            HttpConn::Http1(one) => Rc::clone(&one.peer),
            HttpConn::Http2(two) => Rc::clone(&two.peer),
        }
    }

    /// The counter of what came, where it counts one answer only.
    pub(crate) fn receive_counter(&self) -> Option<Rc<ReceiveCounter>> {
        match self {
            HttpConn::Http1(one) => Some(Rc::clone(&one.receive_counter)),
            HttpConn::Http2(_) => None,
        }
    }

    /// Sends a request and waits for the head of its answer.
    pub(crate) async fn send(&mut self, request: Request<RequestBody>) -> SendOutcome {
        let sent = match self {
            HttpConn::Http1(one) => one.sender.try_send_request(request).await,
            HttpConn::Http2(two) => two.sender.try_send_request(request).await,
        };
        let mut error = match sent {
            Ok(response) => return SendOutcome::Response(response),
            Err(error) => error,
        };
        let unwritten = error.take_message().is_some();
        let error = error.into_error();
        let fault = error::from_hyper(&error, ReceiveStage::Head(self.receive_counter().as_deref()));
        if !unwritten && !error::is_unprocessed(&error) {
            return SendOutcome::Failed(fault);
        }
        if let HttpConn::Http2(two) = self {
            two.is_going_away.set(true);
        }
        SendOutcome::NotProcessed(fault)
    }
}

impl fmt::Debug for HttpConn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("peer", &self.peer()).field("http2", &self.is_http2()).finish()
    }
}

/// Runs hyper's tasks on the thread that all of us share.
#[derive(Clone, Copy, Debug)]
struct LocalExecutor;

impl<F> Executor<F> for LocalExecutor
where
    F: Future + 'static,
{
    fn execute(&self, task: F) {
        tokio::task::spawn_local(async move { drop(task.await) });
    }
}
