//! The thread that writes the log, and looks after its file.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

use super::state::WriterState;
use super::{LogChunk, RescuedLog, ShowOnScreen, append_checksum};
use crate::io::log_file::log_output::{LogLoss, LogOutput};
use scenario_log::sanitize::sanitize;

/// How often the file is looked at while nothing is written.
const WATCH_INTERVAL: Duration = Duration::from_millis(200);

pub(super) struct WriterThread {
    output: LogOutput,
    /// The checksum of everything that is written.
    crc: u32,
    show_on_screen: ShowOnScreen,
    state: Arc<WriterState>,
}

/// Tells that the thread has ended, also by a panic.
struct EndNotice(Arc<WriterState>);

impl Drop for EndNotice {
    fn drop(&mut self) {
        self.0.set_done();
    }
}

impl WriterThread {
    pub(super) fn new(
        output: LogOutput,
        show_on_screen: ShowOnScreen,
        state: Arc<WriterState>,
    ) -> WriterThread {
        WriterThread { output, crc: 0, show_on_screen, state }
    }

    /// Writes all chunks. Their emptied buffers go back.
    pub(super) fn write_all(mut self, incoming: &Receiver<LogChunk>, give_back: &SyncSender<Vec<u8>>) {
        let _notice = EndNotice(Arc::clone(&self.state));
        loop {
            match incoming.recv_timeout(WATCH_INTERVAL) {
                Ok(chunk) => {
                    self.write_chunk(&chunk);
                    self.state.remove_queued();
                    let _ = give_back.try_send(chunk.log);
                }
                Err(RecvTimeoutError::Timeout) => self.check_file(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.check_file();
    }

    fn write_chunk(&mut self, chunk: &LogChunk) {
        // Bytes after a gap would make a log that looks damaged.
        self.check_file();
        if self.state.error().is_none()
            && let Err(error) = self.write_log(chunk)
        {
            self.stop(&error);
        }
        if !chunk.screen_text.is_empty() {
            (self.show_on_screen)(&chunk.screen_text);
        }
    }

    fn stop(&mut self, reason: &dyn std::fmt::Display) {
        self.state.record_error(&format!("the log ends {}: {reason}", self.state.log_end()));
    }

    fn write_log(&mut self, chunk: &LogChunk) -> io::Result<()> {
        if chunk.is_last {
            self.write_bytes(&append_checksum(self.crc, chunk.log.clone()))
        } else {
            self.write_bytes(&chunk.log)
        }
    }

    /// Writes whole lines. If only a part could be written, a file keeps the whole lines of it.
    fn write_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        let state = Arc::clone(&self.state);
        let (done, written) = self.output.write(bytes, |piece| state.add_written(piece));
        let is_gone = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
        if self.output.is_stdout() && written.as_ref().is_err_and(is_gone) {
            // The reader of the log has seen enough: the run goes on without it.
            self.output.discard();
            return Ok(());
        }
        self.crc = crc32c::crc32c_append(self.crc, &bytes[..done]);
        if written.is_err() {
            let torn = done - memchr::memrchr(b'\n', &bytes[..done]).map_or(0, |at| at + 1);
            self.output.cut_off(torn);
        }
        written
    }

    /// Looks whether somebody has taken the log away, and writes it anew then.
    fn check_file(&mut self) {
        if self.state.error().is_some() {
            return;
        }
        let Some(loss) = self.output.find_loss() else { return };
        let shown = self.output.path().map(|path| sanitize(&path.to_string_lossy()));
        let Some(shown) = shown else { return self.tell_of_lost_stdout(loss) };
        match self.output.rewrite_beside(self.crc) {
            Ok(()) => {
                let path = self.output.path().map(ToOwned::to_owned);
                let beside = path.as_deref().map(|path| sanitize(&path.to_string_lossy()));
                let beside = beside.unwrap_or_default();
                self.show(&format!("{loss} ({shown}); it is written anew as {beside}"));
                let message = format!("{loss} ({shown}) in the run; the whole log is {beside}");
                self.state.set_rescued(RescuedLog { message, path });
            }
            Err(_) if loss == LogLoss::Moved && self.output.follow().is_some() => {
                let path = self.output.path().map(ToOwned::to_owned);
                let now = path.as_deref().map(|path| sanitize(&path.to_string_lossy())).unwrap_or_default();
                self.show(&format!("{loss} ({shown}); it goes on as {now}"));
                let message = format!("{loss} ({shown}) in the run; it is {now}");
                self.state.set_rescued(RescuedLog { message, path });
            }
            Err(error) => {
                self.show(&format!("{loss} ({shown}), and it cannot be written anew: {error}"));
                self.stop(&format!("{loss} ({shown}), and it could not be written anew: {error}"));
            }
        }
    }

    /// Nobody knows what is done with the file that standard output leads to, so the log goes on there.
    fn tell_of_lost_stdout(&mut self, loss: LogLoss) {
        if self.state.rescued().is_none() {
            self.show(&format!("{loss} (standard output)"));
            let message = format!("{loss} (standard output) in the run; what it had before may be lost");
            self.state.set_rescued(RescuedLog { message, path: None });
        }
    }

    fn show(&mut self, warning: &str) {
        (self.show_on_screen)(format!("warning: {warning}\n").as_bytes());
    }
}
