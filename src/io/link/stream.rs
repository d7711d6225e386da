//! One side of a connection: a TCP or a Unix stream with the same operations, none of which waits but those that
//! are asynchronous.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use rustix::net::{SendFlags, Shutdown, sockopt};
use tokio::io::Interest;
use tokio::net::{TcpStream, UnixStream};

/// A stream of either kind.
#[derive(Debug)]
pub(super) enum LinkStream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl LinkStream {
    pub(super) fn from_tcp(tcp: TcpStream) -> LinkStream {
        // Without it a small piece may wait for an acknowledgement. If it fails, nothing is lost.
        let _ = tcp.set_nodelay(true);
        LinkStream::Tcp(tcp)
    }

    /// Waits until a read gives bytes, the end or an error.
    pub(super) async fn readable(&self) -> io::Result<()> {
        match self {
            LinkStream::Tcp(stream) => stream.readable().await,
            LinkStream::Unix(stream) => stream.readable().await,
        }
    }

    /// Waits until a write takes bytes or gives an error.
    pub(super) async fn writable(&self) -> io::Result<()> {
        match self {
            LinkStream::Tcp(stream) => stream.writable().await,
            LinkStream::Unix(stream) => stream.writable().await,
        }
    }

    /// Waits until the other side has reset the connection.
    pub(super) async fn wait_reset(&self) -> io::Error {
        loop {
            let ready = match self {
                LinkStream::Tcp(stream) => stream.ready(Interest::ERROR).await,
                LinkStream::Unix(stream) => stream.ready(Interest::ERROR).await,
            };
            let found = match self {
                LinkStream::Tcp(stream) => stream.take_error(),
                LinkStream::Unix(stream) => stream.take_error(),
            };
            match (ready, found) {
                (Err(error), _) | (_, Ok(Some(error)) | Err(error)) => return error,
                // It is no reset, and none can follow.
                (Ok(_), Ok(None)) => std::future::pending::<()>().await,
            }
        }
    }

    /// Reads what is there.
    pub(super) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.try_io(Interest::READABLE, || Ok(rustix::io::read(self, buffer)?))
    }

    /// Writes as much as there is room for.
    pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        self.try_io(Interest::WRITABLE, || Ok(rustix::net::send(self, bytes, flags)?))
    }

    /// Does something with the descriptor that may have to wait for what `interest` says.
    pub(super) fn try_io<R>(
        &self,
        interest: Interest,
        action: impl FnOnce() -> io::Result<R>,
    ) -> io::Result<R> {
        match self {
            LinkStream::Tcp(stream) => stream.try_io(interest, action),
            LinkStream::Unix(stream) => stream.try_io(interest, action),
        }
    }

    /// Tells the other side that nothing more comes.
    pub(super) fn end_writing(&self) {
        // One that has gone already need not be told.
        let _ = rustix::net::shutdown(self, Shutdown::Write);
    }

    /// Lets the other side see a reset when this is dropped. A Unix stream has none: it ends.
    pub(super) fn reset_on_drop(&self) {
        if matches!(self, LinkStream::Tcp(_)) {
            // Without it the other side sees an end, which is the nearest to a reset.
            let _ = sockopt::set_socket_linger(self, Some(Duration::ZERO));
        }
    }
}

impl AsFd for LinkStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            LinkStream::Tcp(stream) => stream.as_fd(),
            LinkStream::Unix(stream) => stream.as_fd(),
        }
    }
}
