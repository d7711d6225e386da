//! Writes the terminal's text to standard error, from a thread of its own: a terminal that stops reading
//! delays neither the run nor its log. Text that does not fit in the queue is dropped and counted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, channel, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::io::log_file::writer::ShowOnScreen;
use crate::io::stderr;
use crate::io::terminal::line_editor::{AttachedScreen, EditedLine};
use crate::terminal::latest_progress::LatestProgress;
use crate::terminal::progress_bar::ProgressBar;
use scenario_log::time::{Moment, Span};

/// How many texts may wait for the terminal.
const MAX_QUEUED_TEXTS: usize = 256;

/// The most bytes of one write: much more than a frame with its bar has.
const PIECE_LEN: usize = 16 << 10;

/// How often the bar is redrawn.
const REFRESH_INTERVAL: Duration = Duration::from_millis(100);

/// The setup of a progress bar: it shows the run's own time.
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
    /// Shared with the functions that show; `None` once nothing is shown any more.
    texts: Arc<Mutex<Option<SyncSender<ScreenText>>>>,
    thread: Option<JoinHandle<()>>,
    /// Ends when the thread has shown everything.
    ended: Receiver<()>,
    dropped_lines: Arc<AtomicU64>,
    shown: Arc<Shown>,
    clock_started: Arc<OnceLock<Instant>>,
    /// The line that is being typed, which shows a program while it has the terminal.
    typed_line: Option<EditedLine>,
}

/// A text for the screen.
#[derive(Debug)]
enum ScreenText {
    /// Whole lines of the run.
    Lines(Vec<u8>),
    /// Of the program that has the terminal.
    Attached(AttachedScreen),
}

/// The text that the thread has shown.
#[derive(Debug, Default)]
struct Shown {
    /// How many lines wait for the thread, or are being written.
    waiting_lines: AtomicU64,
    /// How many pieces have been written. It grows as long as somebody reads.
    pieces: AtomicU64,
}

impl Shown {
    /// Writes a text, in pieces so that it can be seen whether somebody reads.
    fn write(&self, text: &[u8]) {
        for piece in text.chunks(PIECE_LEN) {
            stderr::write(piece);
            self.pieces.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Writes a text of the queue: `lines` is how many it had.
    fn write_queued(&self, text: &[u8], lines: u64) {
        self.write(text);
        self.waiting_lines.fetch_sub(lines, Ordering::Relaxed);
    }
}

impl TerminalWriter {
    /// Starts the thread. With `course`, it draws a progress bar, which only a terminal can show.
    #[must_use]
    pub fn start(course: Option<ProgressBarSetup>) -> TerminalWriter {
        let (texts, incoming) = sync_channel::<ScreenText>(MAX_QUEUED_TEXTS);
        // Nothing is ever sent: it ends when the thread drops its side.
        let (ends, ended) = channel::<()>();
        let started = Arc::new(OnceLock::<Instant>::new());
        let since = Arc::clone(&started);
        let shown = Arc::new(Shown::default());
        let typed_line = course.as_ref().and_then(|course| course.typed_line.clone());
        if let Some(line) = &typed_line {
            let texts = texts.clone();
            // What does not fit is lost on the screen, and is in the log.
            line.set_screen(Box::new(move |text| drop(texts.try_send(ScreenText::Attached(text)))));
        }
        let to_show = Arc::clone(&shown);
        let thread = std::thread::Builder::new().name("screen".to_owned()).spawn(move || {
            match course {
                Some(course) => show_with_bar(&incoming, course, &since, &to_show),
                None => incoming.iter().for_each(|text| {
                    if let ScreenText::Lines(text) = text {
                        to_show.write_queued(&text, count_lines(&text));
                    }
                }),
            }
            drop(ends);
        });
        TerminalWriter {
            texts: Arc::new(Mutex::new(Some(texts))),
            thread: thread.ok(),
            ended,
            dropped_lines: Arc::default(),
            shown,
            clock_started: started,
            typed_line,
        }
    }

    /// A function that shows a text and never waits.
    #[must_use]
    pub fn text_sink(&self) -> ShowOnScreen {
        let texts = Arc::clone(&self.texts);
        let (dropped, shown) = (Arc::clone(&self.dropped_lines), Arc::clone(&self.shown));
        Box::new(move |text| {
            let lines = count_lines(text);
            let texts = texts.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(texts) = &*texts else { return };
            shown.waiting_lines.fetch_add(lines, Ordering::Relaxed);
            if let Err(TrySendError::Full(_)) = texts.try_send(ScreenText::Lines(text.to_vec())) {
                shown.waiting_lines.fetch_sub(lines, Ordering::Relaxed);
                dropped.fetch_add(lines, Ordering::Relaxed);
            }
        })
    }

    /// Must be set when the run's clock starts, for the bar.
    #[must_use]
    pub fn clock_started(&self) -> Arc<OnceLock<Instant>> {
        Arc::clone(&self.clock_started)
    }

    /// Shows the remaining texts, and returns how many lines were never shown. A screen that nobody reads is
    /// not waited for. The functions of [`TerminalWriter::text_sink`] show nothing from now on.
    #[must_use]
    pub fn finish(mut self) -> u64 {
        *self.texts.lock().unwrap_or_else(PoisonError::into_inner) = None;
        if let Some(line) = self.typed_line.take() {
            line.remove_screen();
        }
        stderr::stop_waiting();
        let mut before = None;
        while self.ended.recv_timeout(stderr::PATIENCE) == Err(RecvTimeoutError::Timeout) {
            let pieces = self.shown.pieces.load(Ordering::Relaxed);
            if before.replace(pieces) == Some(pieces) {
                stderr::give_up();
                // The thread is left to itself: nothing can end it while the system holds it in a write.
                self.thread = None;
                break;
            }
        }
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has shown what it could.
            let _ = thread.join();
        }
        let waiting = self.shown.waiting_lines.load(Ordering::Relaxed);
        self.dropped_lines.load(Ordering::Relaxed) + waiting
    }
}

/// Shows texts above a progress bar.
fn show_with_bar(
    incoming: &Receiver<ScreenText>,
    course: ProgressBarSetup,
    started: &OnceLock<Instant>,
    shown: &Shown,
) {
    let ProgressBarSetup { likely_end: end, speed, lines_entered: entered, latest_progress, typed_line } =
        course;
    let now = || {
        let elapsed = started.get().map_or(Duration::ZERO, Instant::elapsed);
        Moment::ZERO.saturating_add(Span::from_std(elapsed.mul_f64(speed)))
    };
    let line = typed_line.clone();
    let is_attached = || line.as_ref().is_some_and(|line| line.attached_spawn().is_some());
    let bar = ProgressBar::new(end, entered, latest_progress).with_typed_line(typed_line);
    let mut screen = BarScreen { bar, shown, attached: None };
    loop {
        match incoming.recv_timeout(REFRESH_INTERVAL) {
            // Texts that have come meanwhile are shown in one write.
            Ok(first) => screen.show(std::iter::once(first).chain(incoming.try_iter()), now()),
            Err(RecvTimeoutError::Timeout) if screen.attached.is_some() => {
                // The word that it is over may have been lost.
                if !is_attached() {
                    screen.attached = None;
                }
            }
            Err(RecvTimeoutError::Timeout) => shown.write(&screen.bar.render_if_changed(now())),
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    shown.write(&screen.bar.render_removal());
}

/// The screen with its bar, or with a program that has it.
struct BarScreen<'s> {
    bar: ProgressBar,
    shown: &'s Shown,
    /// While a program has the terminal.
    attached: Option<AttachedTexts>,
}

impl BarScreen<'_> {
    fn show(&mut self, texts: impl Iterator<Item = ScreenText>, now: Moment) {
        let (mut lines, mut queued_lines) = (Vec::new(), 0);
        for text in texts {
            match (text, &mut self.attached) {
                (ScreenText::Lines(text), attached) => {
                    let count = count_lines(&text);
                    queued_lines += count;
                    match attached {
                        Some(attached) => attached.hidden_lines += count,
                        None => lines.extend_from_slice(&text),
                    }
                }
                (ScreenText::Attached(AttachedScreen::Attach(note)), None) => {
                    lines.extend_from_slice(note.as_bytes());
                    lines.push(b'\n');
                    let text = [self.bar.render_below_text(&lines, now), self.bar.render_removal()].concat();
                    self.shown.write(&text);
                    lines.clear();
                    self.attached = Some(AttachedTexts::default());
                }
                (ScreenText::Attached(AttachedScreen::Output(text)), Some(attached)) => {
                    attached.is_in_line = text.last() != Some(&b'\n');
                    self.shown.write(&text);
                }
                (ScreenText::Attached(AttachedScreen::Detach), _) => {
                    lines.extend(self.attached.take().map(AttachedTexts::end_note).unwrap_or_default());
                }
                (ScreenText::Attached(_), _) => {}
            }
        }
        let text = match self.attached {
            Some(_) => Vec::new(),
            None => self.bar.render_below_text(&lines, now),
        };
        self.shown.write_queued(&text, queued_lines);
    }
}

/// The screen while a program has the terminal.
#[derive(Debug, Default)]
struct AttachedTexts {
    /// The lines of the run that were not shown.
    hidden_lines: u64,
    /// Whether the cursor stands in a line of the program.
    is_in_line: bool,
}

impl AttachedTexts {
    /// The note that the terminal is the run's again.
    fn end_note(self) -> Vec<u8> {
        let newline = if self.is_in_line { "\n" } else { "" };
        let hidden = match self.hidden_lines {
            0 => String::new(),
            1 => "; meanwhile 1 line went to the log alone".to_owned(),
            lines => format!("; meanwhile {lines} lines went to the log alone"),
        };
        format!("{newline}the terminal is the run's again{hidden}\n").into_bytes()
    }
}

fn count_lines(text: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', text).count() as u64
}
