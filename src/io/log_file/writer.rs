//! Writes the log. A thread of its own takes whole lines from a bounded queue, so that a slow disk
//! does not hold up the engine until the queue is full.
//!
//! The screen's text goes through this thread too, after the log's bytes: the screen never shows what
//! a crash could take out of the log.

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rustix::fs::{FlockOperation, OFlags, fcntl_setfl, flock};
use rustix::io::Errno;

/// How many chunks may wait for the disk before the run waits too. In a flood of lines each chunk has
/// half a megabyte to a whole one.
const QUEUE_LEN: usize = 3;

/// Where a log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputDestination {
    /// This file.
    File(PathBuf),
    /// Standard output.
    Stdout,
}

/// Why a log cannot be written where it should be: the message, with the way out.
#[derive(Debug)]
pub struct RefusedError(pub String);

impl fmt::Display for RefusedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for RefusedError {}

/// A piece of the log, and the text that the screen shows for it.
#[derive(Debug, Default)]
pub struct LogChunk {
    /// Whole lines.
    pub log: Vec<u8>,
    /// Text for the screen.
    pub screen_text: Vec<u8>,
    /// The last line is the last of the log, and needs its `crc32c`.
    pub is_last: bool,
}

/// Shows the text of a chunk, once the chunk is written.
pub type ShowOnScreen = Box<dyn FnMut(&[u8]) + Send>;

/// Hands chunks to the thread that writes.
#[derive(Debug)]
pub struct LogWriter {
    chunks: Option<SyncSender<LogChunk>>,
    recycled_buffers: Receiver<Vec<u8>>,
    /// How many chunks have been handed over and are not written yet.
    queued: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
    error: Arc<Mutex<Option<String>>>,
}

/// An output that has been opened, and locked if it is a file, before anything is started.
#[derive(Debug)]
pub enum OpenedOutput {
    /// A file that no other run writes.
    File(File),
    /// Standard output.
    Stdout,
    /// Nowhere: the screen's text is all there is.
    Discard,
}

/// Opens a log's destination.
///
/// # Errors
/// When the file exists (and `force` is not given), another run writes it, or the system refuses.
pub fn open_log_output(destination: &OutputDestination, force: bool) -> Result<OpenedOutput, RefusedError> {
    open_output("--log PATH", destination, force)
}

/// Opens the destination that another option names.
///
/// # Errors
/// As for [`open_log_output`].
pub fn open_output(
    option: &str,
    destination: &OutputDestination,
    force: bool,
) -> Result<OpenedOutput, RefusedError> {
    let OutputDestination::File(path) = destination else { return Ok(OpenedOutput::Stdout) };
    if is_pipe_or_device(path) {
        return open_pipe(option, path).map(OpenedOutput::File);
    }
    let mut options = File::options();
    options.write(true);
    if force {
        options.create(true)
    } else {
        options.create_new(true)
    };
    let file = options.open(path).map_err(|error| RefusedError(open_error_message(option, path, &error)))?;
    if !file.metadata().is_ok_and(|meta| meta.is_file()) {
        return Err(RefusedError(not_a_file_message(option, path)));
    }
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Err(RefusedError(format!(
            "another run writes its log to {}; give this one another with `{option}`",
            path.display()
        )));
    }
    file.set_len(0).map_err(|error| RefusedError(format!("cannot empty {}: {error}", path.display())))?;
    Ok(OpenedOutput::File(file))
}

/// Whether a path is a pipe or a device, which has no contents that could be overwritten.
fn is_pipe_or_device(path: &Path) -> bool {
    let kind = std::fs::metadata(path).map(|metadata| metadata.file_type());
    kind.is_ok_and(|kind| kind.is_fifo() || kind.is_char_device())
}

/// Opens a pipe or device. A pipe without a reader is refused: to open it would wait for a reader.
fn open_pipe(option: &str, path: &Path) -> Result<File, RefusedError> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = File::options().write(true).custom_flags(flags).open(path).map_err(|error| {
        if error.raw_os_error() == Some(Errno::NXIO.raw_os_error()) {
            return RefusedError(format!(
                "nobody reads from {}; start its reader first, or name a file with `{option}`",
                path.display()
            ));
        }
        RefusedError(open_error_message(option, path, &error))
    })?;
    fcntl_setfl(&file, OFlags::empty())
        .map_err(|error| RefusedError(format!("cannot write {}: {error}", path.display())))?;
    Ok(file)
}

fn not_a_file_message(option: &str, path: &Path) -> String {
    format!("{} is not a regular file; name one with `{option}`", path.display())
}

/// Explains the system's error.
fn open_error_message(option: &str, path: &Path, error: &io::Error) -> String {
    let shown = path.display();
    let found = std::fs::metadata(path);
    match error.kind() {
        _ if found.as_ref().is_ok_and(std::fs::Metadata::is_dir) => {
            format!("cannot write {shown}: it is a folder; name a file in it with `{option}`")
        }
        _ if found.is_ok_and(|found| !found.is_file()) && !is_pipe_or_device(path) => {
            not_a_file_message(option, path)
        }
        io::ErrorKind::AlreadyExists => {
            format!("{shown} exists already; `--force` writes over it, `{option}` writes another")
        }
        io::ErrorKind::NotFound => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            match folder {
                Some(folder) => {
                    let folder = folder.display();
                    format!("cannot write {shown}: there is no folder {folder}; `mkdir -p {folder}` makes it")
                }
                None => format!("cannot write {shown}: {error}; name a file with `{option}`"),
            }
        }
        _ => format!("cannot write {shown}: {error}; choose another place with `{option}`"),
    }
}

impl LogWriter {
    /// Starts the thread, which calls `show` with the screen's text.
    ///
    /// # Errors
    /// When the system has no thread for it.
    pub fn start(opened: OpenedOutput, show: ShowOnScreen) -> Result<LogWriter, RefusedError> {
        let (chunks, incoming) = sync_channel::<LogChunk>(QUEUE_LEN);
        let (give_back, emptied) = sync_channel(QUEUE_LEN);
        let error = Arc::new(Mutex::new(None));
        let thread_error = Arc::clone(&error);
        let waiting = Arc::new(AtomicUsize::new(0));
        let left = Arc::clone(&waiting);
        let thread = std::thread::Builder::new().name("log".to_owned()).spawn(move || {
            let mut writer =
                WriterThread { output: opened, crc: 0, lines: 0, show_on_screen: show, error: thread_error };
            for chunk in incoming {
                writer.write_chunk(&chunk);
                left.fetch_sub(1, Ordering::Relaxed);
                let _ = give_back.try_send(chunk.log);
            }
        });
        let thread = thread
            .map_err(|error| RefusedError(format!("the thread that writes the log cannot start: {error}")))?;
        Ok(LogWriter {
            chunks: Some(chunks),
            recycled_buffers: emptied,
            queued: waiting,
            thread: Some(thread),
            error,
        })
    }

    /// Whether a chunk can be handed over without waiting for the disk.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.queued.load(Ordering::Relaxed) < QUEUE_LEN
    }

    /// Hands a chunk over, and waits while the queue is full. Gives an empty buffer to use again.
    pub fn send(&mut self, chunk: LogChunk) -> Vec<u8> {
        self.queued.fetch_add(1, Ordering::Relaxed);
        if let Some(chunks) = &self.chunks
            && chunks.send(chunk).is_err()
        {
            self.record_error("the thread that writes the log has ended");
        }
        self.recycled_buffers.try_recv().unwrap_or_default()
    }

    /// The error that stopped the writing, once there has been one.
    #[must_use]
    pub fn error(&self) -> Option<String> {
        self.error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn record_error(&self, error: &str) {
        self.error.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| error.to_owned());
    }

    /// Waits until everything is written.
    pub fn finish(&mut self) {
        self.chunks = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            self.record_error("the thread that writes the log has panicked");
        }
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        self.finish();
    }
}

struct WriterThread {
    output: OpenedOutput,
    crc: u32,
    /// How many whole lines are written.
    lines: u64,
    show_on_screen: ShowOnScreen,
    error: Arc<Mutex<Option<String>>>,
}

impl WriterThread {
    fn write_chunk(&mut self, chunk: &LogChunk) {
        let has_failed = self.error.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        if !has_failed && let Err(error) = self.write_log(chunk) {
            let end = match self.lines.checked_sub(1) {
                Some(last) => format!("after seq {last}"),
                None => "before its first line".to_owned(),
            };
            let mut reason = self.error.lock().unwrap_or_else(PoisonError::into_inner);
            *reason = Some(format!("the log ends {end}: {error}"));
        }
        if !chunk.screen_text.is_empty() {
            (self.show_on_screen)(&chunk.screen_text);
        }
    }

    fn write_log(&mut self, chunk: &LogChunk) -> io::Result<()> {
        if !chunk.is_last {
            self.crc = crc32c::crc32c_append(self.crc, &chunk.log);
            return self.write_bytes(&chunk.log);
        }
        self.write_bytes(&append_checksum(self.crc, chunk.log.clone()))
    }

    /// Writes whole lines. If only a part could be written, a file keeps the whole lines of it.
    fn write_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut done = 0;
        let written = match &mut self.output {
            OpenedOutput::File(file) => write_counted(file, bytes, &mut done),
            OpenedOutput::Stdout => write_counted(&mut UnbufferedStdout, bytes, &mut done),
            OpenedOutput::Discard => return Ok(()),
        };
        let is_gone = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
        if matches!(self.output, OpenedOutput::Stdout) && written.as_ref().is_err_and(is_gone) {
            // The reader of the log has seen enough: the run goes on without it.
            self.output = OpenedOutput::Discard;
            return Ok(());
        }
        self.lines += memchr::memchr_iter(b'\n', &bytes[..done]).count() as u64;
        if let (Err(_), OpenedOutput::File(file)) = (&written, &mut self.output) {
            let torn = done - memchr::memrchr(b'\n', &bytes[..done]).map_or(0, |at| at + 1);
            // If this fails too, the log's last line is torn, which readers of logs accept.
            if let Ok(end) = file.seek(SeekFrom::End(0)) {
                let _ = file.set_len(end.saturating_sub(torn as u64));
            }
        }
        written
    }
}

/// Standard output without the library's buffer, which would hide how much a failed write has
/// written.
struct UnbufferedStdout;

impl Write for UnbufferedStdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(rustix::stdio::stdout(), bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes all of `bytes`, and counts in `done` what has been written.
fn write_counted(to: &mut impl Write, bytes: &[u8], done: &mut usize) -> io::Result<()> {
    while *done < bytes.len() {
        match to.write(&bytes[*done..]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => *done += written,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Closes a log whose last line is still open. `crc` is the checksum of all bytes before `bytes`.
#[must_use]
pub fn append_checksum(crc: u32, mut bytes: Vec<u8>) -> Vec<u8> {
    let last_line = memchr::memrchr(b'\n', &bytes).map_or(0, |at| at + 1);
    let crc = crc32c::crc32c_append(crc, &bytes[..last_line]);
    let _ = writeln!(bytes, ",\"crc32c\":\"{crc:08x}\"}}");
    bytes
}
