//! The bytes of one connection, plain or TLS, and a count of those that arrived. Knows no HTTP.

use std::fmt;
use std::io::{self, Cursor};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::client::TlsStream;

use super::answer_reader::AnswerReader;
use crate::io::http::receive_counter::ReceiveCounter;

/// How many bytes of a head are read at a time.
const HEAD_READ_LEN: usize = 8 << 10;

/// The stream of a connection.
#[derive(Debug)]
pub(crate) enum ConnStream {
    Plain(TcpStream),
    Unix(UnixStream),
    Tls {
        stream: Box<TlsStream<TcpStream>>,
        /// A close without a goodbye (close_notify) is an end like any other.
        allows_unclean_close: bool,
    },
}

/// The server closed a connection of TLS without a goodbye (close_notify), so that it may have been cut.
#[derive(Debug)]
pub(crate) struct UncleanCloseError;

impl fmt::Display for UncleanCloseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("without the goodbye of TLS (close_notify)")
    }
}

impl std::error::Error for UncleanCloseError {}

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
            ConnStream::Tls { stream, .. } => {
                let $one = Pin::new(stream.as_mut());
                $call
            }
        }
    };
}

impl AsyncRead for ConnStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let ConnStream::Tls { stream, allows_unclean_close } = self.as_mut().get_mut() {
            let polled = Pin::new(stream.as_mut()).poll_read(cx, buffer);
            return match polled {
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    Poll::Ready(if *allows_unclean_close {
                        Ok(())
                    } else {
                        Err(io::Error::new(error.kind(), UncleanCloseError))
                    })
                }
                other => other,
            };
        }
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
            ConnStream::Tls { stream, .. } => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_shutdown(cx))
    }
}

/// A stream whose received bytes are counted.
#[derive(Debug)]
pub(crate) struct CountedStream {
    stream: ConnStream,
    counter: Rc<ReceiveCounter>,
    replay: Option<ResponseReplay>,
    /// Reads the heads of answers; `None` for HTTP/2.
    answers: Option<AnswerReader>,
}

/// The bytes that already arrived on a connection whose request has already been sent.
#[derive(Debug)]
struct ResponseReplay {
    bytes: Cursor<Vec<u8>>,
    /// The reader, which waits until hyper has sent the request again: nothing is read before.
    waker: Option<Waker>,
    is_request_sent: bool,
}

impl ResponseReplay {
    fn mark_request_sent(&mut self) {
        self.is_request_sent = true;
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl CountedStream {
    pub(crate) fn new(stream: ConnStream) -> CountedStream {
        CountedStream { stream, counter: Rc::default(), replay: None, answers: None }
    }

    /// A connection whose request has already been sent, and on which `bytes` arrived. They are read first,
    /// and writes are discarded.
    pub(crate) fn with_replay(stream: ConnStream, bytes: Vec<u8>) -> CountedStream {
        let replayed = ResponseReplay { bytes: Cursor::new(bytes), waker: None, is_request_sent: false };
        CountedStream { replay: Some(replayed), ..CountedStream::new(stream) }
    }

    /// The same stream, whose answers are read as leniently as curl does.
    pub(super) fn reading_answers(self) -> CountedStream {
        CountedStream { answers: Some(AnswerReader::default()), ..self }
    }

    pub(crate) fn counter(&self) -> Rc<ReceiveCounter> {
        Rc::clone(&self.counter)
    }

    /// Reads what arrived, and counts it.
    fn poll_received(
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

impl AsyncRead for CountedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(mut answers) = self.answers.take() else { return self.poll_received(cx, buffer) };
        answers.begin(&self.counter);
        let polled = loop {
            if answers.take_ready(buffer) {
                break Poll::Ready(Ok(()));
            }
            if !answers.is_in_head() {
                break self.as_mut().poll_received(cx, buffer);
            }
            let mut piece = [MaybeUninit::uninit(); HEAD_READ_LEN];
            let mut read = ReadBuf::uninit(&mut piece);
            match self.as_mut().poll_received(cx, &mut read) {
                Poll::Ready(Ok(())) => answers.push(read.filled(), &self.counter),
                other => break other,
            }
        };
        self.answers = Some(answers);
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
