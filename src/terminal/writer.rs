//! Shows the screen's text on standard error, from a thread of its own: a terminal that stands
//! still holds up neither the run nor its log. What does not fit in its queue is dropped and
//! counted.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::io::log_file::writer::Show;
use crate::terminal::latest_status::Board;
use crate::terminal::progress_bar::Bar;
use scenario_log::time::{Moment, Span};

/// How many texts may wait for the terminal.
const QUEUE: usize = 256;

/// How often the bar is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// What a bar needs to know: it shows the run's own time.
#[derive(Clone, Debug)]
pub struct Course {
    /// When the run is likely to end, where that is known.
    pub end: Option<Moment>,
    /// How many times as fast as the machine's the run's clock goes.
    pub speed: f64,
    /// How many lines have been entered on the terminal.
    pub entered: Arc<AtomicU64>,
    /// How the run stands.
    pub board: Board,
}

/// The thread that shows.
#[derive(Debug)]
pub struct Terminal {
    texts: Option<SyncSender<Vec<u8>>>,
    thread: Option<JoinHandle<()>>,
    dropped: Arc<AtomicU64>,
    started: Arc<OnceLock<Instant>>,
}

impl Terminal {
    /// Starts the thread. With a course, a bar shows how far the run is on it; for a terminal only.
    #[must_use]
    pub fn start(course: Option<Course>) -> Terminal {
        let (texts, incoming) = sync_channel::<Vec<u8>>(QUEUE);
        let started = Arc::new(OnceLock::<Instant>::new());
        let since = Arc::clone(&started);
        let shown = std::thread::Builder::new().name("screen".to_owned()).spawn(move || {
            let Some(Course { end, speed, entered, board }) = course else {
                return incoming.iter().for_each(|text| write(&text));
            };
            let now = || {
                let elapsed = since.get().map_or(Duration::ZERO, Instant::elapsed);
                Moment::ZERO.saturating_add(Span::from_std(elapsed.mul_f64(speed)))
            };
            let mut bar = Bar::new(end, entered, board);
            loop {
                match incoming.recv_timeout(LOOK) {
                    Ok(mut text) => {
                        // What has come meanwhile is shown in one go.
                        incoming.try_iter().for_each(|more| text.extend_from_slice(&more));
                        write(&bar.below(&text, now()));
                    }
                    Err(RecvTimeoutError::Timeout) => write(&bar.moved(now())),
                    Err(RecvTimeoutError::Disconnected) => break,
                }
            }
            write(&bar.gone());
        });
        Terminal { texts: Some(texts), thread: shown.ok(), dropped: Arc::default(), started }
    }

    /// What shows a text without ever waiting.
    #[must_use]
    pub fn show(&self) -> Show {
        let Some(texts) = self.texts.clone() else { return Box::new(|_| {}) };
        let dropped = Arc::clone(&self.dropped);
        Box::new(move |text| {
            if let Err(TrySendError::Full(text)) = texts.try_send(text.to_vec()) {
                let lines = memchr::memchr_iter(b'\n', &text).count() as u64;
                dropped.fetch_add(lines, Ordering::Relaxed);
            }
        })
    }

    /// To be told when the run's clock started, for the bar.
    #[must_use]
    pub fn started(&self) -> Arc<OnceLock<Instant>> {
        Arc::clone(&self.started)
    }

    /// Shows what is left, and says how many lines were never shown. All that [`Terminal::show`]
    /// gave must be gone by now.
    #[must_use]
    pub fn finish(mut self) -> u64 {
        self.texts = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has shown what it could.
            let _ = thread.join();
        }
        self.dropped.load(Ordering::Relaxed)
    }
}

/// Writes in one go, so that nothing is seen half. A terminal that has gone away is no reason to
/// stop a run.
fn write(text: &[u8]) {
    if !text.is_empty() {
        let mut stderr = std::io::stderr().lock();
        let _ = stderr.write_all(text).and_then(|()| stderr.flush());
    }
}
