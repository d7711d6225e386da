//! Shows the screen's text on standard error, from a thread of its own: a terminal that stands
//! still holds up neither the run nor its log. What does not fit in its queue is dropped and
//! counted.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::paper::log::writer::Show;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How many texts may wait for the terminal.
const QUEUE: usize = 256;

/// The thread that shows.
#[derive(Debug)]
pub struct Terminal {
    texts: Option<SyncSender<Vec<u8>>>,
    thread: Option<JoinHandle<()>>,
    dropped: Arc<AtomicU64>,
    progress: Arc<AtomicU64>,
}

impl Terminal {
    /// Starts the thread. With `end`, in nanoseconds, a bar shows how far towards it the run is; for
    /// a terminal only.
    #[must_use]
    pub fn start(end: Option<u64>) -> Terminal {
        let (texts, incoming) = sync_channel::<Vec<u8>>(QUEUE);
        let progress = Arc::new(AtomicU64::new(0));
        let reached = Arc::clone(&progress);
        let shown = std::thread::Builder::new().name("screen".to_owned()).spawn(move || {
            let bar = end.map(bar);
            loop {
                match incoming.recv_timeout(Duration::from_millis(100)) {
                    Ok(text) => write(bar.as_ref(), &text),
                    Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
                    Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
                }
                if let Some(bar) = &bar {
                    bar.set_position(reached.load(Ordering::Relaxed) / 1_000_000);
                }
            }
            if let Some(bar) = bar {
                bar.finish_and_clear();
            }
        });
        Terminal { texts: Some(texts), thread: shown.ok(), dropped: Arc::default(), progress }
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

    /// Where the run has got to, for the bar.
    #[must_use]
    pub fn progress(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.progress)
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

fn bar(end: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(end / 1_000_000), ProgressDrawTarget::stderr_with_hz(10));
    let style = ProgressStyle::with_template("{elapsed:>9.dim}  {wide_bar:.cyan/dim} {percent:>3} %");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Writes a text above the bar. A terminal that has gone away is no reason to stop a run.
fn write(bar: Option<&ProgressBar>, text: &[u8]) {
    let write = || {
        let mut stderr = std::io::stderr().lock();
        let _ = stderr.write_all(text).and_then(|()| stderr.flush());
    };
    match bar {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}
