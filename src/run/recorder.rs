//! The recorder: takes the events and effects of a run's engine. Events become bytes of the log and text
//! on the screen, and go to the [sinks](crate::run::sinks). Effects wait for the driver, which applies
//! them.
//!
//! The recorder passes bytes to the [writer](crate::io::log_file::writer) in chunks, when the driver
//! calls [`RunRecorder::flush`]: a chunk for each event would cost more than everything else.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::io::log_file::writer::{LogChunk, LogWriter, RescuedLog, ShowOnScreen};
use crate::report::feed;
use crate::report::origins::SourceTracker;
use crate::run::sinks::RunSink;
use crate::terminal::event_lines::EventRenderer;
use scenario_core::engine::effect::Effect;
use scenario_core::engine::{EngineSink, EngineStatus};
use scenario_log::encode::EventEncoder;
use scenario_log::event::{Event, Source};
use scenario_log::time::Moment;

/// A chunk of this size in bytes is passed to the writer without waiting for more.
pub const FLUSH_SIZE: usize = 512 << 10;

/// The most bytes that are shown in each [`BUDGET_INTERVAL`]; the events beyond it are counted. Nobody
/// reads faster, and a flood of events must not cost more on the screen than in the log.
const SCREEN_BUDGET: usize = 1 << 20;

/// The time after which the [`SCREEN_BUDGET`] is full again.
const BUDGET_INTERVAL: Duration = Duration::from_millis(100);

/// How long the events of one turn of the driver may wait for a log that is taken too slowly. What comes after
/// that waits in memory until the turn is over.
const TURN_PATIENCE: Duration = Duration::from_millis(200);

/// The most bytes that wait in memory for a log that nothing takes, once the run must end.
const MAX_UNWRITTEN_LEN: usize = 64 << 20;

/// The most bytes of world states that wait to be sent: as much as a pipe takes at once. A great many
/// moves in one turn of the driver give more; then the newest state replaces the one before it.
const MAX_QUEUED_WORLD_BYTES: usize = 64 << 10;

/// Records a run.
pub struct RunRecorder {
    encoder: EventEncoder,
    writer: Option<LogWriter>,
    renderer: Option<Box<dyn EventRenderer>>,
    /// Shows a text at once, whatever the log does.
    show_now: Option<ShowOnScreen>,
    sinks: Vec<Box<dyn RunSink>>,
    /// The origins of the sources that run, if there are sinks.
    sources: SourceTracker,
    screen_text: String,
    hidden_events: u64,
    /// The bytes that may still be shown in this interval.
    budget: usize,
    refilled_at: Instant,
    is_last: bool,
    /// How long events may still wait for the log in this turn.
    patience: Duration,
    /// Whether the run must end, so that nothing waits for the log.
    is_hurried: bool,
    /// Whether the writer has got everything.
    is_closed: bool,
    reason: Option<String>,
    effects: Vec<Effect>,
    /// Whether programs or pages may receive the states of the world.
    has_listeners: bool,
    /// The line of the newest state, if there are listeners.
    world_line: Option<Arc<[u8]>>,
    /// The bytes of states at the end of the effects.
    queued_world_bytes: usize,
    last_moment: Moment,
}

impl RunRecorder {
    /// A recorder for the log of `writer`, if there is one. `renderer` makes the screen's text.
    #[must_use]
    pub fn new(writer: Option<LogWriter>, renderer: Option<Box<dyn EventRenderer>>) -> RunRecorder {
        RunRecorder {
            encoder: EventEncoder::default(),
            writer,
            renderer,
            show_now: None,
            sinks: Vec::new(),
            sources: SourceTracker::default(),
            screen_text: String::new(),
            hidden_events: 0,
            budget: SCREEN_BUDGET,
            refilled_at: Instant::now(),
            is_last: false,
            patience: TURN_PATIENCE,
            is_hurried: false,
            is_closed: false,
            reason: None,
            effects: Vec::new(),
            has_listeners: false,
            world_line: None,
            queued_world_bytes: 0,
            last_moment: Moment::ZERO,
        }
    }

    /// Shows warnings about the log with this function.
    pub fn show_warnings(&mut self, show: ShowOnScreen) {
        self.show_now = Some(show);
    }

    /// Shows a warning at once. The screen's other text waits until the log is written.
    pub fn show_warning(&mut self, warning: &str) {
        if let Some(show) = &mut self.show_now {
            show(format!("warning: {warning}\n").as_bytes());
        }
    }

    /// Adds a sink. It takes all events from now on.
    pub fn add_sink(&mut self, sink: impl RunSink + 'static) {
        self.sinks.push(Box::new(sink));
    }

    /// Keeps the lines of the world's states for the programs and pages that receive them.
    pub fn keep_world_lines(&mut self) {
        self.has_listeners = true;
    }

    /// Moves the effects so far into an empty list, in their order.
    pub fn take_effects(&mut self, effects: &mut Vec<Effect>) {
        debug_assert!(effects.is_empty(), "the effects taken before have been applied");
        std::mem::swap(effects, &mut self.effects);
        self.queued_world_bytes = 0;
        self.patience = TURN_PATIENCE;
    }

    /// Whether bytes wait for the next chunk.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        !self.encoder.is_empty()
    }

    /// Whether enough bytes wait to make a chunk now: [`FLUSH_SIZE`].
    #[must_use]
    pub fn is_large(&self) -> bool {
        self.encoder.len() >= FLUSH_SIZE
    }

    /// The moment of the last event.
    #[must_use]
    pub fn last_moment(&self) -> Moment {
        self.last_moment
    }

    /// Why the run did not pass; known once it has finished.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Checks whether the log is still being written.
    ///
    /// # Errors
    /// When writing has failed. Nothing more of the log is written then.
    pub fn check(&self) -> Result<(), RecordError> {
        self.writer.as_ref().map_or(Ok(()), check_writer)
    }

    /// Shows the sources that run.
    pub fn show_status(&mut self, t: Moment, status: &EngineStatus) {
        if let Some(screen) = &self.renderer {
            screen.render_status(&mut self.screen_text, t, status);
        }
    }

    /// Shows lines for the person who typed.
    pub fn show_lines(&mut self, t: Moment, lines: &[String]) {
        if let Some(screen) = &self.renderer {
            lines.iter().for_each(|line| screen.render_answer(&mut self.screen_text, t, line));
        }
    }

    /// Shows a note about a source that is not an event. It goes to the screen with the next chunk.
    pub fn show_note(&mut self, t: Moment, source: Source, text: &str) {
        if let Some(screen) = &self.renderer {
            screen.render_note(&mut self.screen_text, t, source, text);
        }
    }

    /// Shows a warning about a fetch job.
    pub fn show_fetch_warning(&mut self, t: Moment, job: &str, text: &str) {
        if let Some(screen) = &self.renderer {
            screen.render_fetch_warning(&mut self.screen_text, t, job, text);
        }
    }

    /// Shows how many readers of the live page were dropped because they were too slow.
    pub fn show_dropped_pages(&mut self, t: Moment, count: u64) {
        if let Some(screen) = &self.renderer {
            screen.render_dropped_pages(&mut self.screen_text, t, count);
        }
    }

    /// Whether so much waits for the log that the run must wait too: nothing takes the log as fast as it grows.
    #[must_use]
    pub fn is_stalled(&self) -> bool {
        self.is_large() && self.writer.as_ref().is_some_and(|writer| !writer.has_room())
    }

    /// The run must end: from now on it does not wait for the log.
    pub fn hurry(&mut self) {
        self.is_hurried = true;
    }

    /// Whether the run must end.
    #[must_use]
    pub fn is_hurried(&self) -> bool {
        self.is_hurried
    }

    /// Passes the waiting bytes to the writer. If the writer is busy, they wait here: so a disk or a reader
    /// that hangs makes no moment late. Never waits.
    ///
    /// # Errors
    /// When writing has failed.
    pub fn flush(&mut self) -> Result<(), RecordError> {
        match &mut self.writer {
            Some(writer) if writer.is_abandoned() => {
                drop(self.encoder.swap_buffer(Vec::new()));
                self.screen_text.clear();
                check_writer(writer)
            }
            Some(writer) if !writer.has_room() => {
                if self.is_hurried && self.encoder.len() > MAX_UNWRITTEN_LEN {
                    writer.abandon();
                }
                check_writer(writer)
            }
            _ => self.send_chunk(),
        }
    }

    /// Waits for the writer as long as this turn may, and passes the waiting bytes to it.
    fn flush_in_turn(&mut self) {
        if let Some(writer) = self.writer.as_ref().filter(|writer| !self.is_hurried && !writer.has_room()) {
            let since = Instant::now();
            let _ = writer.wait_for_room(self.patience);
            self.patience = self.patience.saturating_sub(since.elapsed());
        }
        // The driver finds the error when it checks or flushes next.
        let _ = self.flush();
    }

    /// Adds a state of the world to the effects. If too many bytes of states wait, it replaces the last.
    fn queue_world_line(&mut self, line: Arc<[u8]>) {
        let size = line.len();
        match self.effects.last_mut() {
            Some(Effect::BroadcastWorld { line: last, skipped })
                if self.queued_world_bytes + size > MAX_QUEUED_WORLD_BYTES =>
            {
                self.queued_world_bytes = (self.queued_world_bytes + size).saturating_sub(last.len());
                *skipped += 1;
                *last = line;
            }
            _ => {
                self.queued_world_bytes += size;
                self.effects.push(Effect::BroadcastWorld { line, skipped: 0 });
            }
        }
    }

    fn send_chunk(&mut self) -> Result<(), RecordError> {
        let Some(writer) = &mut self.writer else {
            drop(self.encoder.swap_buffer(Vec::new()));
            return Ok(());
        };
        if self.encoder.is_empty() && self.screen_text.is_empty() {
            return check_writer(writer);
        }
        if self.hidden_events > 0 {
            let more = std::mem::take(&mut self.hidden_events);
            self.screen_text.push_str(&format!("           … {more} more events, in the log\n"));
        }
        if self.refilled_at.elapsed() >= BUDGET_INTERVAL {
            self.budget = SCREEN_BUDGET;
            self.refilled_at = Instant::now();
        }
        let screen_text = std::mem::take(&mut self.screen_text).into_bytes();
        let log = self.encoder.swap_buffer(Vec::new());
        // The last line may have gone with an earlier chunk than the screen's last text.
        let is_last = self.is_last && !log.is_empty();
        let next = writer.send(LogChunk { log, screen_text, is_last });
        drop(self.encoder.swap_buffer(next));
        check_writer(writer)
    }

    /// Passes the waiting bytes to the writer, and waits until they are written, for this time at most. Gives
    /// whether they are.
    pub fn try_finish(&mut self, timeout: Duration) -> bool {
        let Some(writer) = self.writer.as_mut().filter(|writer| !writer.is_abandoned()) else { return true };
        if !self.is_closed {
            if !writer.wait_for_room(timeout) {
                return false;
            }
            // The writer keeps the error until the check.
            let _ = self.send_chunk();
            self.is_closed = true;
        }
        let Some(writer) = &mut self.writer else { return true };
        writer.close();
        writer.wait_until_done(timeout)
    }

    /// How many bytes of the log are written, and how long the end of a run waits while it does not grow.
    #[must_use]
    pub fn written_bytes(&self) -> (u64, Duration) {
        self.writer.as_ref().map_or((0, Duration::ZERO), |writer| (writer.written_bytes(), writer.patience()))
    }

    /// Gives up what is not written yet.
    pub fn abandon_log(&mut self) {
        if let Some(writer) = &mut self.writer {
            writer.abandon();
        }
    }

    /// Where the log is, if somebody has taken it away and it was written anew.
    #[must_use]
    pub fn rescued_log(&self) -> Option<RescuedLog> {
        self.writer.as_ref().and_then(LogWriter::rescued)
    }
}

fn check_writer(writer: &LogWriter) -> Result<(), RecordError> {
    let has_stopped_run = !writer.is_abandoned();
    writer.error().map_or(Ok(()), |message| Err(RecordError { message, has_stopped_run }))
}

/// Why the log of a run could not be written to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordError {
    message: String,
    /// Whether the run was stopped because of it, and had not come to its end already.
    pub has_stopped_run: bool,
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for RecordError {}

impl EngineSink for RunRecorder {
    fn event(&mut self, t: Moment, event: &Event<'_>) {
        self.last_moment = t;
        if !self.sinks.is_empty() {
            let line = self.encoder.event_count() + 1;
            feed::with_origin(&mut self.sources, (line, t), Some(event), |logged| {
                self.sinks.iter_mut().for_each(|sink| sink.on_event(logged));
            });
        }
        let start = self.encoder.len();
        self.encoder.encode(t, event);
        if self.has_listeners && matches!(event, Event::WorldState { .. }) {
            self.world_line = Some(self.encoder.encoded()[start..].into());
        }
        if let Some(screen) = &mut self.renderer {
            let before = self.screen_text.len();
            self.hidden_events += screen.render_event(&mut self.screen_text, t, event, self.budget);
            self.budget = self.budget.saturating_sub(self.screen_text.len() - before);
        }
        if let Event::RunFinished(summary) = event {
            self.is_last = true;
            self.reason.clone_from(&summary.reason);
        }
        if self.is_large() {
            self.flush_in_turn();
        }
    }

    fn effect(&mut self, effect: Effect) {
        if let Effect::BroadcastWorld { line, .. } = &effect {
            return self.queue_world_line(Arc::clone(line));
        }
        self.queued_world_bytes = 0;
        self.effects.push(effect);
    }

    fn world_line(&self) -> Option<Arc<[u8]>> {
        self.world_line.clone()
    }

    fn next_event_seq(&self) -> u64 {
        self.encoder.event_count()
    }
}
