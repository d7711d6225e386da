//! Writes to the standard input of a process, at the pace at which the process reads.
//!
//! Never makes the run wait: bytes that a process does not read wait here, up to a limit. Beyond it
//! nothing more is taken, and the sender gets an error.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::rc::Rc;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::io::{Errno, retry_on_intr};
use tokio::net::unix::pipe::Sender;
use tokio::sync::Notify;
use tokio::task::yield_now;

use crate::io::process::command::StdinContent;
use crate::io::process::pty;
use crate::io::process::pty::PtyMaster;
use crate::io::wait_readable::ReadableFd;

/// How many bytes may wait for a process.
pub(super) const MAX_QUEUED_BYTES: usize = 1 << 20;

/// How much of a file is typed at a time, in bytes.
const FILE_CHUNK_LEN: usize = 4 << 10;

/// The error for a process that has closed its standard input or has ended: it is chance which of the
/// two is seen first.
pub(super) const STDIN_CLOSED_MESSAGE: &str = "it reads its standard input no more";

/// Writes all of `bytes`, and waits whenever the pipe is full.
pub(super) async fn write_all(pipe: &Sender, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        pipe.writable().await?;
        match pipe.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            // A terminal that no process has open takes nothing and gives no error, so without this
            // check the loop would never end.
            Err(error) if error.kind() == ErrorKind::WouldBlock => match is_hung_up(pipe) {
                true => return Err(Errno::IO.into()),
                false => yield_now().await,
            },
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whether no process has the other end open.
fn is_hung_up(pipe: &Sender) -> bool {
    let mut fds = [PollFd::new(pipe, PollFlags::OUT)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut fds, Some(&at_once)).is_ok() && fds[0].revents().intersects(PollFlags::HUP | PollFlags::ERR)
}

/// Types the standard input of a process on a terminal, and then the end.
pub(super) async fn type_input(terminal: &Sender, input: StdinContent) -> io::Result<()> {
    let last = match input {
        StdinContent::Null | StdinContent::Open | StdinContent::World => None,
        StdinContent::Bytes(bytes) => {
            write_all(terminal, &bytes).await?;
            bytes.last().copied()
        }
        StdinContent::File(file) => type_file(terminal, file).await?,
    };
    write_all(terminal, pty::end_of_input_after(last)).await
}

/// Types a file in pieces; gives its last byte.
async fn type_file(terminal: &Sender, file: OwnedFd) -> io::Result<Option<u8>> {
    // The file may be a FIFO with a slow writer.
    fcntl_setfl(&file, OFlags::NONBLOCK)?;
    let readable = ReadableFd::new(&file)?;
    let mut piece = vec![0; FILE_CHUNK_LEN];
    let mut last = None;
    loop {
        match retry_on_intr(|| rustix::io::read(&file, &mut piece[..])) {
            Ok(0) => return Ok(last),
            Ok(length) => {
                write_all(terminal, &piece[..length]).await?;
                last = piece[..length].last().copied();
            }
            Err(Errno::AGAIN) => readable.wait_readable().await,
            Err(error) => return Err(error.into()),
        }
    }
}

/// A piece of input for a process.
#[derive(Debug)]
pub enum ProcessInput {
    /// Bytes.
    Bytes(Vec<u8>),
    /// The end of the input.
    End,
}

impl From<Vec<u8>> for ProcessInput {
    fn from(bytes: Vec<u8>) -> ProcessInput {
        ProcessInput::Bytes(bytes)
    }
}

/// The input that waits to be written to one process.
#[derive(Debug, Default)]
pub(super) struct StdinWriter {
    /// The first entry is being written.
    queue: RefCell<VecDeque<Rc<[u8]>>>,
    queued_bytes: Cell<usize>,
    closed: Cell<bool>,
    /// Whether the input ends behind the queue.
    ends: Cell<bool>,
    /// The last byte that was queued.
    last_byte: Cell<Option<u8>>,
    changed: Notify,
    /// The terminal that input is typed on, if the process has one.
    pty: Option<Rc<PtyMaster>>,
}

impl StdinWriter {
    /// For a process on a terminal, or for one with a pipe (`None`).
    pub(super) fn new(terminal: Option<Rc<PtyMaster>>) -> StdinWriter {
        StdinWriter { pty: terminal, ..StdinWriter::default() }
    }

    /// Another descriptor of our end of the terminal, if the process has one.
    pub(super) fn try_clone_terminal(&self) -> io::Result<Option<OwnedFd>> {
        self.pty.as_ref().map(|terminal| terminal.try_clone_fd()).transpose()
    }

    /// Takes `input` to be written, or gives the reason why it cannot.
    pub(super) fn enqueue(&self, input: ProcessInput) -> Result<(), String> {
        if self.closed.get() {
            return Err(STDIN_CLOSED_MESSAGE.to_owned());
        }
        if self.ends.get() {
            return Err("the end of its standard input was sent already".to_owned());
        }
        let mut bytes = match (input, &self.pty) {
            (ProcessInput::Bytes(bytes), _) => bytes,
            // A terminal goes on behind the end of an input, which is a key.
            (ProcessInput::End, Some(_)) => pty::end_of_input_after(self.last_byte.get()).to_vec(),
            (ProcessInput::End, None) => {
                self.ends.set(true);
                self.changed.notify_one();
                return Ok(());
            }
        };
        if let Some(terminal) = &self.pty {
            if !terminal.accepts(&bytes) {
                return Err(format!("it is {}", pty::too_long_message()));
            }
            bytes = pty::to_typed_bytes(bytes);
        }
        if self.queued_bytes.get() > 0 && self.queued_bytes.get() + bytes.len() > MAX_QUEUED_BYTES {
            let waiting = self.queued_bytes.get();
            return Err(format!("it does not read what it is sent: {waiting} bytes are waiting already"));
        }
        self.last_byte.set(bytes.last().map(|byte| if *byte == b'\r' { b'\n' } else { *byte }));
        self.queued_bytes.set(self.queued_bytes.get() + bytes.len());
        self.queue.borrow_mut().push_back(bytes.into());
        self.changed.notify_one();
        Ok(())
    }

    /// Takes nothing more from now on, and gives how many entries have not been written.
    pub(super) fn close(&self) -> usize {
        self.closed.set(true);
        self.changed.notify_one();
        std::mem::take(&mut *self.queue.borrow_mut()).len()
    }

    /// Writes entries until the writer is closed or the input ends, or until no process reads, which gives the
    /// error.
    pub(super) async fn write_to(&self, pipe: Sender) -> io::Result<()> {
        while !self.closed.get() {
            let first = self.queue.borrow().front().cloned();
            let Some(bytes) = first else {
                if self.ends.get() {
                    return Ok(());
                }
                self.changed.notified().await;
                continue;
            };
            write_all(&pipe, &bytes).await?;
            self.queue.borrow_mut().pop_front();
            self.queued_bytes.set(self.queued_bytes.get() - bytes.len());
        }
        Ok(())
    }
}
