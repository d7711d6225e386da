//! A connection that speaks HTTP/1.1 or HTTP/2, driven by a local task of its own. Sends requests; it
//! does not decide which request uses the connection next (the pool does).

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::rt::Executor;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

use super::hyper_error::{self, ReceiveStage};
use super::stream::CountedStream;
use crate::io::http::error::FetchError;
use crate::io::http::receive_counter::ReceiveCounter;
use crate::io::http::request::body::RequestBody;

/// How many bytes of one answer an HTTP/2 server may send before we read them …
const STREAM_WINDOW: u32 = 1 << 20;

/// … and how many of all answers on a connection.
const CONNECTION_WINDOW: u32 = 8 << 20;

/// The largest head of an HTTP/2 answer.
const MAX_HEADER_LIST_SIZE: u32 = 256 << 10;

/// A connection of HTTP/2. Requests can share it: each has a clone.
#[derive(Clone)]
pub(crate) struct Http2Conn {
    sender: http2::SendRequest<RequestBody>,
    peer: Rc<str>,
    /// The server accepts no more requests on it, but may still answer earlier ones.
    is_going_away: Rc<Cell<bool>>,
}

/// A connection of HTTP/1.1, for one request at a time.
pub(crate) struct Http1Conn {
    /// It is not used again after the current answer.
    is_single_use: bool,
    sender: http1::SendRequest<RequestBody>,
    receive_counter: Rc<ReceiveCounter>,
    peer: Rc<str>,
}

/// A connection of either version.
pub(crate) enum HttpConn {
    Http1(Http1Conn),
    Http2(Http2Conn),
}

/// The outcome of sending a request.
pub(crate) enum SendOutcome {
    /// The head of its answer.
    Response(Response<Incoming>),
    /// The server did not process the request, so it may be sent again.
    NotProcessed(FetchError),
    Failed(FetchError),
}

impl Http1Conn {
    /// Starts HTTP/1.1 on a stream.
    pub(crate) async fn new(stream: CountedStream, peer: Rc<str>) -> Result<Http1Conn, FetchError> {
        let receive_counter = stream.counter();
        let (sender, connection) = http1::Builder::new()
            .title_case_headers(true)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| hyper_error::from_hyper(&error, ReceiveStage::Head(None)))?;
        // The request on the connection gets its error.
        tokio::task::spawn_local(async move { drop(connection.await) });
        Ok(Http1Conn { is_single_use: false, sender, receive_counter, peer })
    }

    /// The same connection, not to be used again after one answer.
    pub(crate) fn single_use(self) -> Http1Conn {
        Http1Conn { is_single_use: true, ..self }
    }

    /// The answer has been read to its end: the next bytes belong to the next answer.
    fn finish_response(&self) {
        self.receive_counter.reset();
    }

    fn is_ready(&self) -> bool {
        self.sender.is_ready()
    }

    fn is_closed(&self) -> bool {
        self.is_single_use || self.sender.is_closed()
    }
}

impl Http2Conn {
    /// Starts HTTP/2 on a stream.
    pub(crate) async fn new(stream: CountedStream, peer: Rc<str>) -> Result<Http2Conn, FetchError> {
        let (sender, connection) = http2::Builder::new(LocalExecutor)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(MAX_HEADER_LIST_SIZE)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| hyper_error::from_hyper(&error, ReceiveStage::Head(None)))?;
        tokio::task::spawn_local(async move { drop(connection.await) });
        Ok(Http2Conn { sender, peer, is_going_away: Rc::default() })
    }

    /// Whether it accepts no more requests.
    pub(super) fn is_closed(&self) -> bool {
        self.is_going_away.get() || self.sender.is_closed()
    }

    /// How many requests share it: the number of its other clones.
    pub(super) fn sharer_count(&self) -> usize {
        Rc::strong_count(&self.is_going_away) - 1
    }
}

impl HttpConn {
    pub(crate) fn is_http2(&self) -> bool {
        matches!(self, HttpConn::Http2(_))
    }

    /// The answer has been read to its end.
    pub(crate) fn finish_response(&self) {
        if let HttpConn::Http1(one) = self {
            one.finish_response();
        }
    }

    /// Whether it accepts no more requests.
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

    /// Waits until the next request may be sent; false if the connection accepts no more.
    pub(crate) async fn wait_until_usable(&mut self) -> bool {
        match self {
            HttpConn::Http1(one) => {
                !one.is_single_use && (one.is_ready() || one.sender.ready().await.is_ok())
            }
            HttpConn::Http2(two) => !two.is_closed(),
        }
    }

    /// The other end, for messages.
    pub(crate) fn peer(&self) -> Rc<str> {
        match self {
            HttpConn::Http1(one) => Rc::clone(&one.peer),
            HttpConn::Http2(two) => Rc::clone(&two.peer),
        }
    }

    /// The counter of received bytes, if it counts one answer only.
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
        let failure = hyper_error::from_hyper(&error, ReceiveStage::Head(self.receive_counter().as_deref()));
        if !unwritten && !hyper_error::is_unprocessed(&error) {
            return SendOutcome::Failed(failure);
        }
        if let HttpConn::Http2(two) = self {
            two.is_going_away.set(true);
        }
        SendOutcome::NotProcessed(failure)
    }
}

impl fmt::Debug for HttpConn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpConn").field("peer", &self.peer()).field("http2", &self.is_http2()).finish()
    }
}

/// Runs hyper's tasks on the current thread.
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
