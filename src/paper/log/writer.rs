//! Writes the log: a thread of its own takes whole lines from a bounded queue, so that a slow disk
//! never stands between the engine and its clock until the queue is full.
//!
//! The screen gets what it shows through this thread too, behind the log's bytes: nothing is shown
//! that a crash could take out of the log.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rustix::fs::{FlockOperation, flock};

/// How many pieces may wait for the disk before the run waits too.
const QUEUE: usize = 16;

/// Where a log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// This file.
    File(PathBuf),
    /// Standard output.
    Stdout,
}

/// Why a log cannot be written where it should be, in words with the way out.
#[derive(Debug)]
pub struct Refusal(pub String);

/// A piece of the log, and what the screen shows of it.
#[derive(Debug, Default)]
pub struct Piece {
    /// Whole lines.
    pub log: Vec<u8>,
    /// Text for the screen.
    pub shown: Vec<u8>,
    /// The last line is the log's last: it wants its `crc32c`.
    pub last: bool,
}

/// What shows pieces once they are written.
pub type Show = Box<dyn FnMut(&[u8]) + Send>;

/// The thread that writes.
#[derive(Debug)]
pub struct Writer {
    pieces: Option<SyncSender<Piece>>,
    emptied: Receiver<Vec<u8>>,
    thread: Option<JoinHandle<()>>,
    fault: Arc<Mutex<Option<String>>>,
}

/// A file opened and locked for a log, before anything is started.
#[derive(Debug)]
pub enum Opened {
    /// A file of ours alone.
    File(File),
    /// Standard output.
    Stdout,
    /// Nowhere: what is shown is all there is.
    Nowhere,
}

/// Opens a log's destination.
///
/// # Errors
/// When the file exists (and `force` is not given), another run writes it, or the system refuses.
pub fn open(destination: &Destination, force: bool) -> Result<Opened, Refusal> {
    let Destination::File(path) = destination else { return Ok(Opened::Stdout) };
    if is_pipe_or_device(path) {
        let file = File::options().write(true).open(path);
        return file.map(Opened::File).map_err(|error| Refusal(open_fault(path, &error)));
    }
    let mut options = File::options();
    options.write(true);
    if force {
        options.create(true)
    } else {
        options.create_new(true)
    };
    let file = options.open(path).map_err(|error| Refusal(open_fault(path, &error)))?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Err(Refusal(format!(
            "another run writes its log to {}; give this one another with `--log PATH`",
            path.display()
        )));
    }
    if !file.metadata().is_ok_and(|meta| meta.is_file()) {
        return Err(Refusal(format!("{} is not a regular file; give one with `--log PATH`", path.display())));
    }
    file.set_len(0).map_err(|error| Refusal(format!("cannot empty {}: {error}", path.display())))?;
    Ok(Opened::File(file))
}

/// Whether a path is one that bytes go into and are gone: nothing there can be written over.
fn is_pipe_or_device(path: &Path) -> bool {
    let kind = std::fs::metadata(path).map(|metadata| metadata.file_type());
    kind.is_ok_and(|kind| kind.is_fifo() || kind.is_char_device())
}

/// What the system's refusal means for a person.
fn open_fault(path: &Path, error: &io::Error) -> String {
    let path = path.display();
    match error.kind() {
        io::ErrorKind::AlreadyExists => {
            format!("{path} exists already; `--force` writes over it, `--log PATH` writes another")
        }
        io::ErrorKind::NotFound => format!("cannot write {path}: there is no such folder"),
        io::ErrorKind::IsADirectory => format!("cannot write {path}: it is a folder; name a file in it"),
        _ => format!("cannot write {path}: {error}; choose another place with `--log PATH`"),
    }
}

impl Writer {
    /// Starts the thread. `show` is called on it with the screen's text.
    #[must_use]
    pub fn start(opened: Opened, show: Show) -> Writer {
        let (pieces, incoming) = sync_channel::<Piece>(QUEUE);
        let (give_back, emptied) = sync_channel(QUEUE);
        let fault = Arc::new(Mutex::new(None));
        let told = Arc::clone(&fault);
        let thread = std::thread::Builder::new().name("log".to_owned()).spawn(move || {
            let mut paper = Paper { opened, crc: 0, show, fault: told };
            for piece in incoming {
                paper.write(&piece);
                let _ = give_back.try_send(piece.log);
            }
        });
        // Without a thread there is no log; the first piece finds that out.
        Writer { pieces: Some(pieces), emptied, thread: thread.ok(), fault }
    }

    /// Hands a piece over; waits while the queue is full. What comes back is a buffer to go on with.
    pub fn put(&mut self, piece: Piece) -> Vec<u8> {
        if let Some(pieces) = &self.pieces
            && pieces.send(piece).is_err()
        {
            self.note("the thread that writes the log has ended");
        }
        self.emptied.try_recv().unwrap_or_default()
    }

    /// Why the log could not be written further, once that has happened.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, fault: &str) {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| fault.to_owned());
    }

    /// Waits until all is written.
    pub fn finish(&mut self) {
        self.pieces = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            self.note("the thread that writes the log has panicked");
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.finish();
    }
}

/// What the thread owns.
struct Paper {
    opened: Opened,
    crc: u32,
    show: Show,
    fault: Arc<Mutex<Option<String>>>,
}

impl Paper {
    fn write(&mut self, piece: &Piece) {
        let has_failed = self.fault.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        if !has_failed && let Err(error) = self.write_log(piece) {
            let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
            *fault = Some(error.to_string());
        }
        if !piece.shown.is_empty() {
            (self.show)(&piece.shown);
        }
    }

    fn write_log(&mut self, piece: &Piece) -> io::Result<()> {
        if !piece.last {
            self.crc = crc32c::crc32c_append(self.crc, &piece.log);
            return self.write_bytes(&piece.log);
        }
        self.write_bytes(&seal(self.crc, piece.log.clone()))
    }

    fn write_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.opened {
            Opened::File(file) => file.write_all(bytes),
            Opened::Stdout => {
                let mut stdout = io::stdout().lock();
                match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
                    // Whoever read the log has seen enough: the run goes on without it.
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                        self.opened = Opened::Nowhere;
                        Ok(())
                    }
                    written => written,
                }
            }
            Opened::Nowhere => Ok(()),
        }
    }
}

/// Closes a log whose last line is open: `crc` is that of all bytes before `bytes`.
#[must_use]
pub fn seal(crc: u32, mut bytes: Vec<u8>) -> Vec<u8> {
    let last_line = memchr::memrchr(b'\n', &bytes).map_or(0, |at| at + 1);
    let crc = crc32c::crc32c_append(crc, &bytes[..last_line]);
    let _ = writeln!(bytes, ",\"crc32c\":\"{crc:08x}\"}}");
    bytes
}
