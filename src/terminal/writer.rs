//! Writes the terminal's text to standard error, from a thread of its own: a terminal that stops reading
//! delays neither the run nor its log. Text that does not fit in the queue is dropped and counted.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::io::log_file::writer::ShowOnScreen;
use crate::io::terminal::line_editor::EditedLine;
use crate::terminal::latest_progress::LatestProgress;
use crate::terminal::progress_bar::ProgressBar;
use scenario_log::time::{Moment, Span};

/// How many texts may wait for the terminal.
const MAX_QUEUED_TEXTS: usize = 256;

/// How often the bar is redrawn.
const REFRESH_INTERVAL: Duration = Duration::from_millis(100);

/// What a progress bar needs: it shows the run's own time.
#[derive(Clone, Debug)]
pub struct ProgressBarSetup {
    /// When the run is likely to end, if that is known.
    pub likely_end: Option<Moment>,
    /// How many times as fast as the machine's clock the run's clock goes.
    pub speed: f64,
    /// How many lines have been entered on the terminal.
    pub lines_entered: Arc<AtomicU64>,
    /// The progress of the run.
    pub latest_progress: LatestProgress,
    /// The line that is being typed, if the terminal does not echo it.
    pub typed_line: Option<EditedLine>,
}

/// The thread that writes to the terminal.
#[derive(Debug)]
pub struct TerminalWriter {
    texts: Option<SyncSender<Vec<u8>>>,
    thread: Option<JoinHandle<()>>,
    dropped_lines: Arc<AtomicU64>,
    clock_started: Arc<OnceLock<Instant>>,
}

impl TerminalWriter {
    /// Starts the thread. With `course`, it draws a progress bar, which only a terminal can show.
    #[must_use]
    pub fn start(course: Option<ProgressBarSetup>) -> TerminalWriter {
        let (texts, incoming) = sync_channel::<Vec<u8>>(MAX_QUEUED_TEXTS);
        let started = Arc::new(OnceLock::<Instant>::new());
        let since = Arc::clone(&started);
        let shown = std::thread::Builder::new().name("screen".to_owned()).spawn(move || {
            let Some(ProgressBarSetup {
                likely_end: end,
                speed,
                lines_entered: entered,
                latest_progress,
                typed_line,
            }) = course
            else {
                return incoming.iter().for_each(|text| write_stderr(&text));
            };
            let now = || {
                let elapsed = since.get().map_or(Duration::ZERO, Instant::elapsed);
                Moment::ZERO.saturating_add(Span::from_std(elapsed.mul_f64(speed)))
            };
            let mut bar = ProgressBar::new(end, entered, latest_progress).with_typed_line(typed_line);
            loop {
                match incoming.recv_timeout(REFRESH_INTERVAL) {
                    Ok(mut text) => {
                        // Texts that have come meanwhile are shown in one write.
                        incoming.try_iter().for_each(|more| text.extend_from_slice(&more));
                        write_stderr(&bar.render_below_text(&text, now()));
                    }
                    Err(RecvTimeoutError::Timeout) => write_stderr(&bar.render_if_changed(now())),
                    Err(RecvTimeoutError::Disconnected) => break,
                }
            }
            write_stderr(&bar.render_removal());
        });
        TerminalWriter {
            texts: Some(texts),
            thread: shown.ok(),
            dropped_lines: Arc::default(),
            clock_started: started,
        }
    }

    /// A function that shows a text and never waits.
    #[must_use]
    pub fn text_sink(&self) -> ShowOnScreen {
        let Some(texts) = self.texts.clone() else { return Box::new(|_| {}) };
        let dropped = Arc::clone(&self.dropped_lines);
        Box::new(move |text| {
            if let Err(TrySendError::Full(text)) = texts.try_send(text.to_vec()) {
                let lines = memchr::memchr_iter(b'\n', &text).count() as u64;
                dropped.fetch_add(lines, Ordering::Relaxed);
            }
        })
    }

    /// Must be set when the run's clock starts, for the bar.
    #[must_use]
    pub fn clock_started(&self) -> Arc<OnceLock<Instant>> {
        Arc::clone(&self.clock_started)
    }

    /// Shows the remaining texts, and returns how many lines were never shown. All functions of
    /// [`TerminalWriter::text_sink`] must be dropped before.
    #[must_use]
    pub fn finish(mut self) -> u64 {
        self.texts = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has shown what it could.
            let _ = thread.join();
        }
        self.dropped_lines.load(Ordering::Relaxed)
    }
}

/// Writes in one call, so that no text is seen in part. A run does not stop because its terminal is gone.
fn write_stderr(text: &[u8]) {
    if !text.is_empty() {
        let mut stderr = std::io::stderr().lock();
        let _ = stderr.write_all(text).and_then(|()| stderr.flush());
    }
}
