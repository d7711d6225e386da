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
const KEPT: usize = 32;

/// What came on a connection since [`Received::restart`].
#[derive(Debug, Default)]
pub(crate) struct Received {
    bytes: Cell<u64>,
    first: RefCell<Vec<u8>>,
}

impl Received {
    /// Counts from here: the next answer begins.
    pub(crate) fn restart(&self) {
        self.bytes.set(0);
        self.first.borrow_mut().clear();
    }

    /// How many bytes came.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.get()
    }

    /// The first few of them.
    pub(crate) fn first(&self) -> Vec<u8> {
        self.first.borrow().clone()
    }

    /// Counts what a read brought.
    fn count(&self, bytes: &[u8]) {
        if self.bytes.get() < KEPT as u64 {
            let mut first = self.first.borrow_mut();
            let room = KEPT - first.len().min(KEPT);
            first.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
        self.bytes.set(self.bytes.get() + bytes.len() as u64);
    }
}

/// A connection's kinds.
#[derive(Debug)]
pub(crate) enum Stream {
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
            Stream::Plain(stream) => {
                let $one = Pin::new(stream);
                $call
            }
            Stream::Unix(stream) => {
                let $one = Pin::new(stream);
                $call
            }
            Stream::Tls(stream) => {
                let $one = Pin::new(stream.as_mut());
                $call
            }
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_read(cx, buffer))
    }
}

impl AsyncWrite for Stream {
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
            Stream::Plain(stream) => stream.is_write_vectored(),
            Stream::Unix(stream) => stream.is_write_vectored(),
            Stream::Tls(stream) => stream.is_write_vectored(),
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
pub(crate) struct Wire {
    stream: Stream,
    received: Rc<Received>,
    replayed: Option<Replayed>,
}

/// What has come already on a connection on which a request has been sent already.
#[derive(Debug)]
struct Replayed {
    came: Cursor<Vec<u8>>,
    /// Who waits for it, until that request has been sent once more: nothing is read before.
    waiting: Option<Waker>,
    is_asked: bool,
}

impl Replayed {
    /// The request is sent once more.
    fn ask(&mut self) {
        self.is_asked = true;
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }
}

impl Wire {
    /// Counts what comes on `stream`.
    pub(crate) fn new(stream: Stream) -> Wire {
        Wire { stream, received: Rc::default(), replayed: None }
    }

    /// A connection on which a request has been sent already, and this has come: it is read first, and
    /// what is written goes nowhere.
    pub(crate) fn replaying(stream: Stream, came: Vec<u8>) -> Wire {
        let replayed = Replayed { came: Cursor::new(came), waiting: None, is_asked: false };
        Wire { replayed: Some(replayed), ..Wire::new(stream) }
    }

    /// The counter.
    pub(crate) fn received(&self) -> Rc<Received> {
        Rc::clone(&self.received)
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let received = Rc::clone(&self.received);
        let before = buffer.filled().len();
        if let Some(replayed) = &mut self.replayed {
            if !replayed.is_asked {
                replayed.waiting = Some(cx.waker().clone());
                return Poll::Pending;
            }
            if replayed.came.position() < replayed.came.get_ref().len() as u64 {
                let polled = Pin::new(&mut replayed.came).poll_read(cx, buffer);
                received.count(&buffer.filled()[before..]);
                return polled;
            }
        }
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        received.count(&buffer.filled()[before..]);
        polled
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Some(replayed) = &mut self.replayed {
            replayed.ask();
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Some(replayed) = &mut self.replayed {
            replayed.ask();
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
        let received = Received::default();
        received.count(b"HTTP/1.1 ");
        received.count(&[b'x'; 100]);
        assert_eq!(received.bytes(), 109);
        assert_eq!(received.first().len(), KEPT);
        assert!(received.first().starts_with(b"HTTP/1.1 xx"));
        received.restart();
        assert_eq!((received.bytes(), received.first()), (0, Vec::new()));
    }
}
