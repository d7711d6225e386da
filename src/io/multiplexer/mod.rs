//! Reads what many processes write and leaves it in the inbox: all the lines of one read together,
//! as one chunk, byte for byte.
//!
//! It reads raw non-blocking descriptors, into one buffer for all; only an unfinished line is kept
//! for each output, so that thousands of idle ones cost nothing. While the inbox is full it does not
//! read: the pipe fills and the process waits; nothing is dropped. Each output is read once a
//! round, so that none starves another.
//!
//! It never decides what a line means and never looks for single lines.

pub mod line_splitter;

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use rustix::io::retry_on_intr;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::unix::pipe::Receiver;
use tokio::task::yield_now;

use crate::io::Context;
use crate::io::inbox::{Inbox, Seen};
use crate::io::multiplexer::line_splitter::{Piece, Splitter};
use scenario_log::event::{Source, Stream};

/// The most bytes of one read: half of what a pipe usually holds. A short line becomes fifteen times as
/// much log, and what comes of one read is together in memory.
const READ: usize = 32 << 10;

/// What all outputs share: the buffer to read into and where to leave what was read.
#[derive(Debug)]
pub struct Multiplexer {
    context: Rc<Context>,
    inbox: Rc<Inbox>,
    buffer: RefCell<Box<[u8]>>,
}

impl Multiplexer {
    /// For one run.
    #[must_use]
    pub fn new(context: Rc<Context>, inbox: Rc<Inbox>) -> Rc<Multiplexer> {
        Rc::new(Multiplexer { context, inbox, buffer: RefCell::new(vec![0; READ].into_boxed_slice()) })
    }

    /// Gets ready to read one output of a process from `pipe`, whose lines of more than `max_line`
    /// bytes come in parts.
    ///
    /// # Errors
    ///
    /// When the pipe cannot be watched: a limit of the system.
    pub fn tap(
        self: &Rc<Self>,
        pipe: impl Into<OwnedFd>,
        source: Source,
        stream: Stream,
        max_line: u64,
    ) -> io::Result<Tap> {
        Ok(self.tap_of(Receiver::from_owned_fd(pipe.into())?, source, stream, max_line))
    }

    /// The same for our end of a terminal, which must not block and whose end of file is an error
    /// (`EIO`).
    ///
    /// # Errors
    ///
    /// When it cannot be watched.
    pub fn tap_terminal(
        self: &Rc<Self>,
        end: OwnedFd,
        source: Source,
        stream: Stream,
        max_line: u64,
    ) -> io::Result<Tap> {
        // To the runtime it is a pipe: something that can be read.
        Ok(self.tap_of(Receiver::from_owned_fd_unchecked(end)?, source, stream, max_line))
    }

    fn tap_of(self: &Rc<Self>, pipe: Receiver, source: Source, stream: Stream, max_line: u64) -> Tap {
        let splitter = Splitter::new(max_line);
        Tap { shared: Rc::clone(self), source, stream, pipe: Some(pipe), splitter }
    }
}

/// One output of one process.
#[derive(Debug)]
pub struct Tap {
    shared: Rc<Multiplexer>,
    source: Source,
    stream: Stream,
    /// `None` once it has ended.
    pipe: Option<Receiver>,
    splitter: Splitter,
}

impl Tap {
    /// Reads until the end. May be dropped at any time and called again: nothing is lost.
    pub async fn to_end(&mut self) {
        while let Some(pipe) = &mut self.pipe {
            self.shared.inbox.room().await;
            let read = poll_fn(|cx| {
                // It may have filled up while this pipe was empty.
                if self.shared.inbox.is_full() {
                    return Poll::Ready(None);
                }
                let mut buffer = self.shared.buffer.borrow_mut();
                let mut buffer = ReadBuf::new(&mut buffer);
                // Tokio takes a read that does not fill the buffer for the last of what there is, so
                // there is no second one that finds nothing.
                let read = Pin::new(&mut *pipe).poll_read(cx, &mut buffer);
                read.map(|read| Some(read.map(|()| buffer.filled().len())))
            });
            let Some(read) = read.await else { continue };
            match read {
                Ok(0) | Err(_) => self.end(),
                Ok(length) => {
                    self.take(length);
                    if length == READ {
                        // There is more at once; the others come first.
                        yield_now().await;
                    }
                }
            }
        }
    }

    /// Reads what is in the pipe now, and no more, whoever else may still hold it, and ends.
    pub async fn drain(&mut self) {
        let size = |pipe| rustix::pipe::fcntl_getpipe_size(pipe).unwrap_or(READ);
        let mut left = self.pipe.as_ref().map_or(0, size);
        while let Some(pipe) = &self.pipe {
            self.shared.inbox.room().await;
            // Not by way of the runtime, which knows only what it has been told of so far.
            let read = retry_on_intr(|| rustix::io::read(pipe, &mut self.shared.buffer.borrow_mut()[..]));
            match read {
                Ok(length) if length > 0 && left > 0 => {
                    left = left.saturating_sub(length);
                    self.take(length);
                }
                _ => self.end(),
            }
        }
    }

    /// Tells what is in the first `length` bytes of the buffer.
    fn take(&mut self, length: usize) {
        let Tap { shared, source, stream, splitter, .. } = self;
        let tell = |piece| shared.tell(*source, *stream, piece);
        splitter.feed(&shared.buffer.borrow()[..length], || shared.inbox.buffer(), tell);
    }

    /// Closes the pipe and tells an unfinished line.
    fn end(&mut self) {
        self.pipe = None;
        if let Some(piece) = self.splitter.finish() {
            self.shared.tell(self.source, self.stream, piece);
        }
    }
}

impl Multiplexer {
    /// Leaves a piece in the inbox, without secrets.
    fn tell(&self, source: Source, stream: Stream, piece: Piece) {
        let (mut chunk, partial) = match piece {
            Piece::Lines(chunk) => (chunk, false),
            Piece::Part(chunk) => (chunk, true),
        };
        if !self.context.secrets.is_empty() {
            self.context.secrets.mask(&mut chunk);
        }
        self.inbox.put(Seen::Lines { source, stream, chunk, partial });
    }
}
