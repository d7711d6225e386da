//! Reads the outputs of many processes into the inbox: all lines of one read together, as one chunk,
//! byte for byte. [`line_splitter`] is where the bytes become lines.
//!
//! Text whose line does not end, such as a prompt, is reported when no more of it comes for a moment, or
//! after a while ([`unfinished_text`]). The line follows when it ends.
//!
//! It reads raw non-blocking descriptors into one shared buffer. Each output keeps only its
//! unfinished line, so that thousands of idle outputs cost nothing. While the inbox is full it does
//! not read: the pipe fills and the process waits; nothing is dropped. Each output is read once in a
//! round, so that none starves another.
//!
//! It never decides what a line means and never looks for single lines.

pub mod line_splitter;
pub mod output_copy;
mod unfinished_text;

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
use tokio::time::sleep_until;

use crate::io::RunContext;
use crate::io::inbox::{Inbox, Input};
use crate::io::multiplexer::line_splitter::{LineSplitter, OutputPiece};
use crate::io::multiplexer::output_copy::OutputCopy;
use crate::io::multiplexer::unfinished_text::UnfinishedText;
use crate::io::terminal::line_editor::EditedLine;
use scenario_log::event::{OutputStream, Source};
use scenario_log::secrets::part_redactor::PartRedactor;

/// The most bytes of one read: half of what a pipe usually holds. A short line becomes fifteen times
/// as many bytes of log, and all of them are in memory together.
const READ_LEN: usize = 32 << 10;

/// The state that all outputs share.
#[derive(Debug)]
pub struct Multiplexer {
    context: Rc<RunContext>,
    inbox: Rc<Inbox>,
    buffer: RefCell<Box<[u8]>>,
    /// The terminal, if it can be given to a program.
    terminal: RefCell<Option<EditedLine>>,
}

impl Multiplexer {
    /// A multiplexer for one run, whose outputs go into `inbox`.
    #[must_use]
    pub fn new(context: Rc<RunContext>, inbox: Rc<Inbox>) -> Rc<Multiplexer> {
        let buffer = RefCell::new(vec![0; READ_LEN].into_boxed_slice());
        Rc::new(Multiplexer { context, inbox, buffer, terminal: RefCell::default() })
    }

    /// From now on shows what a program writes while it has this terminal.
    pub fn set_terminal(&self, terminal: EditedLine) {
        *self.terminal.borrow_mut() = Some(terminal);
    }

    /// Prepares to read one output of a process from `pipe`. Lines of more than `max_line` bytes come
    /// in parts.
    ///
    /// # Errors
    /// When the pipe cannot be watched: a limit of the system.
    pub fn open_output(
        self: &Rc<Self>,
        pipe: impl Into<OwnedFd>,
        source: Source,
        stream: OutputStream,
        max_line: u64,
    ) -> io::Result<OutputReader> {
        Ok(self.output_reader(Receiver::from_owned_fd(pipe.into())?, source, stream, max_line))
    }

    /// The same for our end of a terminal, which must be non-blocking, and whose end is an error
    /// (`EIO`).
    ///
    /// # Errors
    /// When it cannot be watched.
    pub fn open_terminal_output(
        self: &Rc<Self>,
        end: OwnedFd,
        source: Source,
        stream: OutputStream,
        max_line: u64,
    ) -> io::Result<OutputReader> {
        // The runtime treats it as a pipe: as something that can be read.
        Ok(self.output_reader(Receiver::from_owned_fd_unchecked(end)?, source, stream, max_line))
    }

    fn output_reader(
        self: &Rc<Self>,
        pipe: Receiver,
        source: Source,
        stream: OutputStream,
        max_line: u64,
    ) -> OutputReader {
        let splitter = LineSplitter::new(max_line);
        OutputReader {
            multiplexer: Rc::clone(self),
            source,
            stream,
            pipe: Some(pipe),
            splitter,
            redactor: PartRedactor::default(),
            unfinished: UnfinishedText::default(),
            copy: None,
        }
    }
}

/// One output of one process.
#[derive(Debug)]
pub struct OutputReader {
    multiplexer: Rc<Multiplexer>,
    source: Source,
    stream: OutputStream,
    /// `None` once the output has ended.
    pipe: Option<Receiver>,
    splitter: LineSplitter,
    /// Redacts a line that comes in parts.
    redactor: PartRedactor,
    unfinished: UnfinishedText,
    /// Gets the same as the log.
    copy: Option<Rc<OutputCopy>>,
}

impl OutputReader {
    /// From now on writes what comes into a file too.
    pub fn copy_to(&mut self, copy: Option<Rc<OutputCopy>>) {
        self.copy = copy;
    }

    /// Reads until the end. May be dropped at any time and called again: nothing is lost.
    pub async fn read_to_end(&mut self) {
        while let Some(pipe) = &mut self.pipe {
            self.multiplexer.inbox.wait_for_room().await;
            let read = poll_fn(|cx| {
                // The inbox may have filled up while this pipe was empty.
                if self.multiplexer.inbox.is_full() {
                    return Poll::Ready(None);
                }
                let mut buffer = self.multiplexer.buffer.borrow_mut();
                let mut buffer = ReadBuf::new(&mut buffer);
                // If a read does not fill the buffer, tokio takes it for the last of what there is,
                // so there is no second read that finds nothing.
                let read = Pin::new(&mut *pipe).poll_read(cx, &mut buffer);
                read.map(|read| Some(read.map(|()| buffer.filled().len())))
            });
            let read = match self.unfinished.due() {
                None => read.await,
                Some(due) => tokio::select! {
                    biased;
                    read = read => read,
                    () = sleep_until(due) => {
                        self.report_text();
                        continue;
                    }
                },
            };
            let Some(read) = read else { continue };
            match read {
                Ok(0) | Err(_) => self.close(),
                Ok(length) => {
                    self.split_read(length);
                    if length == READ_LEN {
                        // There is more to read; the other outputs come first.
                        yield_now().await;
                    }
                }
            }
        }
    }

    /// Reads what is in the pipe now and nothing later, even if another process holds the pipe, and
    /// ends.
    pub async fn drain(&mut self) {
        let size = |pipe| rustix::pipe::fcntl_getpipe_size(pipe).unwrap_or(READ_LEN);
        let mut left = self.pipe.as_ref().map_or(0, size);
        while let Some(pipe) = &self.pipe {
            self.multiplexer.inbox.wait_for_room().await;
            // Not through the runtime, which knows only the changes that it has been notified of so
            // far.
            let read =
                retry_on_intr(|| rustix::io::read(pipe, &mut self.multiplexer.buffer.borrow_mut()[..]));
            match read {
                Ok(length) if length > 0 && left > 0 => {
                    left = left.saturating_sub(length);
                    self.split_read(length);
                }
                _ => self.close(),
            }
        }
    }

    /// Emits the lines in the first `length` bytes of the buffer.
    fn split_read(&mut self, length: usize) {
        let OutputReader {
            multiplexer: shared, source, stream, splitter, redactor, unfinished, copy, ..
        } = self;
        let origin = (*source, *stream, copy.as_deref());
        let emit = |piece: OutputPiece| {
            unfinished.end_line(matches!(piece, OutputPiece::PartialLine(_)));
            shared.emit(origin, redactor, piece);
        };
        if let Some(terminal) = &*shared.terminal.borrow() {
            terminal.show_output(*source, || {
                let mut output = shared.buffer.borrow()[..length].to_vec();
                if !shared.context.secrets.is_empty() {
                    PartRedactor::default().redact(&shared.context.secrets, &mut output, false);
                }
                output
            });
        }
        splitter.feed(&shared.buffer.borrow()[..length], || shared.inbox.take_buffer(), emit);
        unfinished.on_read(splitter.tail().len());
    }

    /// Reports what has come of an unfinished line.
    fn report_text(&mut self) {
        let shared = &self.multiplexer;
        let Some((text, said)) = self.unfinished.take(self.splitter.tail(), &shared.context.secrets) else {
            return;
        };
        shared.inbox.push(Input::SpawnText { source: self.source, stream: self.stream, text, said });
    }

    /// Closes the pipe and emits an unfinished line.
    fn close(&mut self) {
        self.pipe = None;
        let mut piece = self.splitter.finish();
        if piece.is_none() && self.redactor.held_len() > 0 {
            piece = Some(OutputPiece::Lines(Vec::new()));
        }
        if let Some(piece) = piece {
            let origin = (self.source, self.stream, self.copy.as_deref());
            self.multiplexer.emit(origin, &mut self.redactor, piece);
        }
    }
}

impl Multiplexer {
    /// Leaves a piece in the inbox, redacted, and writes it to the copy if there is one.
    fn emit(
        &self,
        (source, stream, copy): (Source, OutputStream, Option<&OutputCopy>),
        redactor: &mut PartRedactor,
        piece: OutputPiece,
    ) {
        let (mut chunk, partial) = match piece {
            OutputPiece::Lines(chunk) => (chunk, false),
            OutputPiece::PartialLine(chunk) => (chunk, true),
        };
        let mut said = None;
        if !self.context.secrets.is_empty() {
            let raw = chunk.clone();
            redactor.redact(&self.context.secrets, &mut chunk, partial);
            // Both have the same lines, unless a secret of several lines was redacted as one.
            let newlines = |text: &[u8]| memchr::memchr_iter(b'\n', text).count();
            said = (raw != chunk && newlines(&raw) == newlines(&chunk)).then_some(raw);
        }
        if let Some(copy) = copy {
            copy.write(&chunk);
        }
        if !chunk.is_empty() {
            self.inbox.push(Input::SpawnLines { source, stream, chunk, said, partial });
        }
    }
}
