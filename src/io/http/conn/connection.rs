//! A connection that speaks HTTP/1.1 or HTTP/2, driven by a local task of its own. Sends requests; it
//! does not decide which request uses the connection next (the pool does).

use std::cell::{Cell, RefCell};
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::rt::Executor;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

use super::hyper_error::{self, ReceiveStage};
use super::stream::CountedStream;
use crate::io::http::error::FetchError;
use crate::io::http::receive_counter::ReceiveCounter;
use crate::io::http::request;
use crate::io::http::request::body::RequestBody;
use crate::io::http::resend::UnansweredReason;

/// How many headers an answer may have, as in curl.
const MAX_HEADERS: usize = 5000;

/// How many bytes of one answer an HTTP/2 server may send before we read them …
const STREAM_WINDOW: u32 = 1 << 20;

/// … and how many of all answers on a connection.
const CONNECTION_WINDOW: u32 = 8 << 20;

/// The largest head of an HTTP/2 answer.
const MAX_HEADER_LIST_SIZE: u32 = 512 << 10;

/// The limit of streams until the server states its own: no server states this one.
const UNKNOWN_STREAM_LIMIT: usize = usize::MAX - 1;

/// How often it is looked whether the server has stated its limit of streams.
const STREAM_LIMIT_POLL: Duration = Duration::from_millis(1);

/// hyper's side of a connection of HTTP/2, which its task polls.
type Http2Driver = http2::Connection<TokioIo<CountedStream>, RequestBody, LocalExecutor>;

/// A connection of HTTP/2. Requests can share it: each has a clone.
#[derive(Clone)]
pub(crate) struct Http2Conn {
    sender: http2::SendRequest<RequestBody>,
    peer: Rc<str>,
    /// The server accepts no more requests on it, but may still answer earlier ones.
    is_going_away: Rc<Cell<bool>>,
    /// `None` after its end, so that requests that it did not take fail.
    driver: Rc<RefCell<Option<Http2Driver>>>,
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
    /// There was no byte of an answer.
    Unanswered(UnansweredReason, FetchError),
    Failed(FetchError),
}

impl Http1Conn {
    /// Starts HTTP/1.1 on a stream.
    pub(crate) async fn new(stream: CountedStream, peer: Rc<str>) -> Result<Http1Conn, FetchError> {
        let receive_counter = stream.counter();
        let (sender, connection) = http1::Builder::new()
            .title_case_headers(true)
            .preserve_header_case(true)
            .max_headers(MAX_HEADERS)
            .handshake(TokioIo::new(stream.reading_answers()))
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
            .initial_max_send_streams(UNKNOWN_STREAM_LIMIT)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| hyper_error::from_hyper(&error, ReceiveStage::Head(None)))?;
        let driver = Rc::new(RefCell::new(Some(connection)));
        let driven = Rc::clone(&driver);
        tokio::task::spawn_local(std::future::poll_fn(move |context| {
            let mut driven = driven.borrow_mut();
            let Some(connection) = &mut *driven else { return Poll::Ready(()) };
            let polled = Pin::new(connection).poll(context).map(drop);
            if polled.is_ready() {
                *driven = None;
            }
            polled
        }));
        Ok(Http2Conn { sender, peer, is_going_away: Rc::default(), driver })
    }

    /// Whether it accepts no more requests.
    pub(super) fn is_closed(&self) -> bool {
        self.is_going_away.get() || self.sender.is_closed() || self.driver.borrow().is_none()
    }

    /// How many requests share it: the number of its other clones.
    pub(super) fn sharer_count(&self) -> usize {
        Rc::strong_count(&self.is_going_away) - 1
    }

    /// How many streams the server allows at a time; `None` until it has stated that.
    pub(super) fn stream_limit(&self) -> Option<usize> {
        let limit = self.driver.borrow().as_ref()?.current_max_send_streams();
        (limit != UNKNOWN_STREAM_LIMIT).then_some(limit)
    }

    /// Waits until the server has stated how many streams it allows, which is the first thing that it says,
    /// or has closed the connection.
    pub(super) async fn wait_for_stream_limit(&self) {
        while self.stream_limit().is_none() && !self.is_closed() {
            tokio::time::sleep(STREAM_LIMIT_POLL).await;
        }
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

    /// Whether a connection of HTTP/1.1 that is kept is still open, as far as the system knows.
    pub(crate) async fn is_still_open(&self) -> bool {
        // The task of the connection takes note of a close as soon as the system tells it.
        for _ in 0..2 {
            tokio::task::yield_now().await;
        }
        !self.is_closed() && self.is_ready()
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

    /// No other request is to be sent on it.
    pub(crate) fn close_after_answer(&mut self) {
        match self {
            HttpConn::Http1(one) => one.is_single_use = true,
            HttpConn::Http2(two) => two.is_going_away.set(true),
        }
    }

    /// Sends a request and waits for the head of its answer.
    pub(crate) async fn send(&mut self, request: Request<RequestBody>) -> SendOutcome {
        if request::asks_to_close(request.headers()) {
            self.close_after_answer();
        }
        let sent = match self {
            HttpConn::Http1(one) => one.sender.try_send_request(request).await,
            HttpConn::Http2(two) => {
                let mut unanswered = UnansweredGuard(Some(&two.is_going_away));
                let sent = two.sender.try_send_request(request).await;
                unanswered.0 = None;
                sent
            }
        };
        let mut error = match sent {
            Ok(response) => return SendOutcome::Response(response),
            Err(error) => error,
        };
        let is_unsent = error.take_message().is_some();
        let error = error.into_error();
        let received = self.receive_counter();
        let failure = hyper_error::from_hyper(&error, ReceiveStage::Head(received.as_deref()));
        let reason = match is_unsent {
            true => Some(UnansweredReason::Unsent),
            false => hyper_error::unanswered_reason(&error, received.as_deref()),
        };
        let Some(reason) = reason else { return SendOutcome::Failed(failure) };
        if let HttpConn::Http2(two) = self
            && !hyper_error::is_stream_refused(&error)
        {
            two.is_going_away.set(true);
        }
        SendOutcome::Unanswered(reason, failure)
    }
}

impl fmt::Debug for HttpConn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpConn").field("peer", &self.peer()).field("http2", &self.is_http2()).finish()
    }
}

/// A connection of HTTP/2 whose request is given up before it is answered (its time is over) takes no more
/// requests: it may be dead, and each of them would wait as long.
struct UnansweredGuard<'a>(Option<&'a Cell<bool>>);

impl Drop for UnansweredGuard<'_> {
    fn drop(&mut self) {
        if let Some(is_going_away) = self.0 {
            is_going_away.set(true);
        }
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
