//! The bytes of one connection, plain or TLS, with a count of those that came. Knows no HTTP.

use std::cell::{Cell, RefCell};
use std::io::{self, Cursor};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::client::TlsStream;

/// How many of an answer's first bytes are kept for the words about it.
const MAX_FIRST_BYTES: usize = 32;

/// What came on a connection since [`Received::restart`].
#[derive(Debug, Default)]
pub(crate) struct ReceiveCounter {
    bytes: Cell<u64>,
    first_bytes: RefCell<Vec<u8>>,
}

impl ReceiveCounter {
    /// Counts from here: the next answer begins.
    pub(crate) fn reset(&self) {
        self.bytes.set(0);
        self.first_bytes.borrow_mut().clear();
    }

    /// How many bytes came.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.get()
    }

    /// The first few of them.
    pub(crate) fn first_bytes(&self) -> Vec<u8> {
        self.first_bytes.borrow().clone()
    }

    /// Counts what a read brought.
    fn count(&self, bytes: &[u8]) {
        if self.bytes.get() < MAX_FIRST_BYTES as u64 {
            let mut first = self.first_bytes.borrow_mut();
            let room = MAX_FIRST_BYTES - first.len().min(MAX_FIRST_BYTES);
            first.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
        self.bytes.set(self.bytes.get() + bytes.len() as u64);
    }
}

/// A connection's kinds.
#[derive(Debug)]
pub(crate) enum ConnStream {
    /// As it is.
    Plain(TcpStream),
    /// As it is, on this machine.
    Unix(UnixStream),
    /// Encrypted.
    Tls(Box<TlsStream<TcpStream>>),
}

/// Does the same with any kind of stream.
macro_rules! either {
    ($stream:expr, $one:ident => $call:expr) => {
        match $stream.get_mut() {
            ConnStream::Plain(stream) => {
                let $one = Pin::new(stream);
                $call
            }
            ConnStream::Unix(stream) => {
                let $one = Pin::new(stream);
                $call
            }
            ConnStream::Tls(stream) => {
                let $one = Pin::new(stream.as_mut());
                $call
            }
        }
    };
}

impl AsyncRead for ConnStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_read(cx, buffer))
    }
}

impl AsyncWrite for ConnStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        either!(self, stream => stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self, stream => stream.poll_write_vectored(cx, parts))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            ConnStream::Plain(stream) => stream.is_write_vectored(),
            ConnStream::Unix(stream) => stream.is_write_vectored(),
            ConnStream::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_shutdown(cx))
    }
}

/// A connection whose received bytes are counted.
#[derive(Debug)]
pub(crate) struct CountedStream {
    stream: ConnStream,
    counter: Rc<ReceiveCounter>,
    replay: Option<ResponseReplay>,
}

/// What has come already on a connection on which a request has been sent already.
#[derive(Debug)]
struct ResponseReplay {
    bytes: Cursor<Vec<u8>>,
    /// Who waits for it, until that request has been sent once more: nothing is read before.
    waker: Option<Waker>,
    is_request_sent: bool,
}

impl ResponseReplay {
    /// The request is sent once more.
    fn mark_request_sent(&mut self) {
        self.is_request_sent = true;
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl CountedStream {
    /// Counts what comes on `stream`.
    pub(crate) fn new(stream: ConnStream) -> CountedStream {
        CountedStream { stream, counter: Rc::default(), replay: None }
    }

    /// A connection on which a request has been sent already, and this has come: it is read first, and
    /// what is written goes nowhere.
    pub(crate) fn with_replay(stream: ConnStream, came: Vec<u8>) -> CountedStream {
        let replayed = ResponseReplay { bytes: Cursor::new(came), waker: None, is_request_sent: false };
        CountedStream { replay: Some(replayed), ..CountedStream::new(stream) }
    }

    /// The counter.
    pub(crate) fn counter(&self) -> Rc<ReceiveCounter> {
        Rc::clone(&self.counter)
    }
}

impl AsyncRead for CountedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let received = Rc::clone(&self.counter);
        let before = buffer.filled().len();
        if let Some(replayed) = &mut self.replay {
            if !replayed.is_request_sent {
                replayed.waker = Some(cx.waker().clone());
                return Poll::Pending;
            }
            if replayed.bytes.position() < replayed.bytes.get_ref().len() as u64 {
                let polled = Pin::new(&mut replayed.bytes).poll_read(cx, buffer);
                received.count(&buffer.filled()[before..]);
                return polled;
            }
        }
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        received.count(&buffer.filled()[before..]);
        polled
    }
}

impl AsyncWrite for CountedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Some(replayed) = &mut self.replay {
            replayed.mark_request_sent();
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Some(replayed) = &mut self.replay {
            replayed.mark_request_sent();
            return Poll::Ready(Ok(parts.iter().map(|part| part.len()).sum()));
        }
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
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
