//! Writes the log. A thread of its own takes whole lines from a bounded queue, so that a slow disk
//! does not hold up the engine until the queue is full.
//!
//! The screen's text goes through this thread too, after the log's bytes: the screen never shows what
//! a crash could take out of the log.
//!
//! Nobody ever has to wait for this thread: a reader of the log that stands still holds the thread for as long
//! as it likes, and the run decides when to give the log up.

mod state;
mod thread;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::io::log_file::log_output::LogOutput;
pub use crate::io::log_file::output::{
    OpenedOutput, OutputDestination, RefusedError, open_log_output, open_output,
};
use state::WriterState;
use thread::WriterThread;

/// How many chunks may wait for the disk before the run waits too. In a flood of lines each chunk has
/// half a megabyte to a whole one.
const QUEUE_LEN: usize = 3;

/// How long a reader of the log may take nothing at the end of a run that does not wait for it, and how long a
/// disk may.
const READER_PATIENCE: Duration = Duration::from_secs(1);
const DISK_PATIENCE: Duration = Duration::from_secs(10);

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

/// A log that somebody has taken away while it was written, and that was written anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RescuedLog {
    /// The change that was made to it, for people.
    pub message: String,
    /// Where the whole log is now.
    pub path: Option<PathBuf>,
}

/// Hands chunks to the thread that writes.
#[derive(Debug)]
pub struct LogWriter {
    chunks: Option<SyncSender<LogChunk>>,
    recycled_buffers: Receiver<Vec<u8>>,
    state: Arc<WriterState>,
    thread: Option<JoinHandle<()>>,
    patience: Duration,
    /// Whether the rest was given up.
    is_abandoned: bool,
}

impl LogWriter {
    /// Starts the thread, which calls `show` with the screen's text.
    ///
    /// # Errors
    /// When the system has no thread for it.
    pub fn start(opened: OpenedOutput, show: ShowOnScreen) -> Result<LogWriter, RefusedError> {
        let (chunks, incoming) = sync_channel::<LogChunk>(QUEUE_LEN);
        let (give_back, emptied) = sync_channel(QUEUE_LEN);
        let state = Arc::new(WriterState::default());
        let output = LogOutput::new(opened);
        let patience = if output.has_reader() { READER_PATIENCE } else { DISK_PATIENCE };
        let thread = WriterThread::new(output, show, Arc::clone(&state));
        let thread = std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || thread.write_all(&incoming, &give_back))
            .map_err(|error| RefusedError(format!("the thread that writes the log cannot start: {error}")))?;
        Ok(LogWriter {
            chunks: Some(chunks),
            recycled_buffers: emptied,
            state,
            thread: Some(thread),
            patience,
            is_abandoned: false,
        })
    }

    /// Whether a chunk can be handed over.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.state.has_room(QUEUE_LEN)
    }

    /// Waits until a chunk can be handed over, for this time at most. Gives whether it can.
    #[must_use]
    pub fn wait_for_room(&self, timeout: Duration) -> bool {
        self.state.wait_for_room(QUEUE_LEN, timeout)
    }

    /// Hands a chunk over, and waits while the queue is full. Gives an empty buffer to use again.
    pub fn send(&mut self, chunk: LogChunk) -> Vec<u8> {
        self.state.add_queued();
        if let Some(chunks) = &self.chunks
            && chunks.send(chunk).is_err()
        {
            self.state.record_error("the thread that writes the log has ended");
        }
        self.recycled_buffers.try_recv().unwrap_or_default()
    }

    /// The error that stopped the writing, once there has been one.
    #[must_use]
    pub fn error(&self) -> Option<String> {
        self.state.error()
    }

    /// Where the log is, if somebody has taken it away and it was written anew.
    #[must_use]
    pub fn rescued(&self) -> Option<RescuedLog> {
        self.state.rescued()
    }

    /// How many bytes have been written. It grows as long as the log's reader or disk takes anything.
    #[must_use]
    pub fn written_bytes(&self) -> u64 {
        self.state.written_bytes()
    }

    /// How long the end of a run waits for a reader or a disk that takes nothing.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.patience
    }

    /// No chunk comes any more.
    pub fn close(&mut self) {
        self.chunks = None;
    }

    /// Waits until everything is written, for this time at most. The writer must be closed. Gives whether it
    /// is.
    pub fn wait_until_done(&mut self, timeout: Duration) -> bool {
        let is_done = self.thread.is_none() || self.state.wait_until_done(timeout);
        if is_done {
            self.finish();
        }
        is_done
    }

    /// Gives up what is not written yet. It may be written still, if its reader goes on before this process
    /// ends.
    pub fn abandon(&mut self) {
        self.chunks = None;
        // The thread is left to itself: nothing can end it while the system holds it in a write.
        self.thread = None;
        self.is_abandoned = true;
        let end = self.state.log_end();
        self.state.record_error(&format!(
            "the log ends {end}: nothing has taken it for {} s, and the rest was dropped",
            self.patience.as_secs()
        ));
    }

    /// Whether the rest was given up.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.is_abandoned
    }

    /// Waits until everything is written.
    pub fn finish(&mut self) {
        self.chunks = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            self.state.record_error("the thread that writes the log has panicked");
        }
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Closes a log whose last line is still open. `crc` is the checksum of all bytes before `bytes`.
#[must_use]
pub fn append_checksum(crc: u32, mut bytes: Vec<u8>) -> Vec<u8> {
    let last_line = memchr::memrchr(b'\n', &bytes).map_or(0, |at| at + 1);
    let crc = crc32c::crc32c_append(crc, &bytes[..last_line]);
    let _ = writeln!(bytes, ",\"crc32c\":\"{crc:08x}\"}}");
    bytes
}
