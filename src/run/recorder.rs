//! The journal: where the engine's events and orders go in a run. Events become the log's bytes and
//! the screen's text, orders wait for whoever drives.
//!
//! It hands its bytes to the [writer](crate::io::log_file::writer) in pieces. When is the driver's to
//! say ([`Journal::flush`]): a piece for each event would cost more than all the rest.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::io::log_file::writer::{LogChunk, LogWriter};
use crate::report::feed;
use crate::report::junit_cases::JunitCases;
use crate::report::origins::SourceTracker;
use crate::report::run_annotations::RunAnnotations;
use crate::terminal::event_lines::EventRenderer;
use crate::web::page::LivePage;
use scenario_core::engine::effect::Effect;
use scenario_core::engine::{EngineSink, EngineStatus};
use scenario_log::encode::EventEncoder;
use scenario_log::event::{Event, Source};
use scenario_log::time::Moment;

/// A piece of this size is handed over without waiting for more.
pub const FLUSH_SIZE: usize = 512 << 10;

/// How many bytes are shown in each [`REFILL`] at most; what is over is counted. No person reads
/// as fast, and a flood must not cost more on the screen than in the log.
const SCREEN_BUDGET: usize = 1 << 20;

/// How long [`SHOWN`] is for.
const BUDGET_INTERVAL: Duration = Duration::from_millis(100);

/// How many bytes of states of the world wait to be sent: as much as a pipe takes at once. Of more, which
/// come of a great many moves in one turn of the driver, the newest stands for those before it.
const MAX_QUEUED_WORLD_BYTES: usize = 64 << 10;

/// The sink of a run.
pub struct RunRecorder {
    encoder: EventEncoder,
    writer: Option<LogWriter>,
    renderer: Option<Box<dyn EventRenderer>>,
    /// What is made of the events beside, if anything.
    junit_cases: Option<JunitCases>,
    annotations: Option<RunAnnotations>,
    page: Option<LivePage>,
    /// The origins of the sources that run, if anything is made of the events beside the log.
    sources: SourceTracker,
    screen_text: String,
    hidden_events: u64,
    /// Bytes that may be shown until the next refill, and when the last one was.
    budget: usize,
    refilled_at: Instant,
    is_last: bool,
    reason: Option<String>,
    effects: Vec<Effect>,
    /// Whether somebody may listen to the world; then its newest state, and how many bytes of states
    /// stand at the end of the orders.
    has_listeners: bool,
    world_line: Option<Arc<[u8]>>,
    queued_world_bytes: usize,
    last_moment: Moment,
}

impl RunRecorder {
    /// A journal that is written by `writer`, if any, and shown on `screen`, if any.
    #[must_use]
    pub fn new(writer: Option<LogWriter>, screen: Option<Box<dyn EventRenderer>>) -> RunRecorder {
        RunRecorder {
            encoder: EventEncoder::default(),
            writer,
            renderer: screen,
            junit_cases: None,
            annotations: None,
            page: None,
            sources: SourceTracker::default(),
            screen_text: String::new(),
            hidden_events: 0,
            budget: SCREEN_BUDGET,
            refilled_at: Instant::now(),
            is_last: false,
            reason: None,
            effects: Vec::new(),
            has_listeners: false,
            world_line: None,
            queued_world_bytes: 0,
            last_moment: Moment::ZERO,
        }
    }

    /// Has test cases made of the events.
    #[must_use]
    pub fn with_junit_cases(mut self) -> RunRecorder {
        self.junit_cases = Some(JunitCases::default());
        self
    }

    /// The test cases of the events so far, if they were to be made.
    #[must_use]
    pub fn junit_cases(&self) -> Option<&JunitCases> {
        self.junit_cases.as_ref()
    }

    /// Has what goes wrong noted.
    #[must_use]
    pub fn with_annotations(mut self, annotations: RunAnnotations) -> RunRecorder {
        self.annotations = Some(annotations);
        self
    }

    /// What has gone wrong so far, if it was to be noted.
    #[must_use]
    pub fn annotations(&self) -> Option<&RunAnnotations> {
        self.annotations.as_ref()
    }

    /// Has the live page made of the events.
    #[must_use]
    pub fn with_page(mut self, page: LivePage) -> RunRecorder {
        self.page = Some(page);
        self
    }

    /// The live page, if it is made.
    pub fn page(&mut self) -> Option<&mut LivePage> {
        self.page.as_mut()
    }

    /// Keeps the lines of the world's states for who listens.
    pub fn keep_world_lines(&mut self) {
        self.has_listeners = true;
    }

    /// The orders so far, in their order.
    pub fn take_effects(&mut self, orders: &mut Vec<Effect>) {
        debug_assert!(orders.is_empty(), "what was taken before has been carried out");
        std::mem::swap(orders, &mut self.effects);
        self.queued_world_bytes = 0;
    }

    /// Whether bytes wait to be handed over.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        !self.encoder.is_empty()
    }

    /// Whether so many bytes wait that they should be handed over now.
    #[must_use]
    pub fn is_large(&self) -> bool {
        self.encoder.len() >= FLUSH_SIZE
    }

    /// The moment of the last event.
    #[must_use]
    pub fn last_moment(&self) -> Moment {
        self.last_moment
    }

    /// Why the run did not pass, once that is known.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Why the log could not be written further, once that has happened.
    #[must_use]
    pub fn error(&self) -> Option<String> {
        self.writer.as_ref().and_then(LogWriter::error)
    }

    /// Shows what runs.
    pub fn show_status(&mut self, t: Moment, status: &EngineStatus) {
        if let Some(screen) = &self.renderer {
            screen.render_status(&mut self.screen_text, t, status);
        }
    }

    /// Shows what there is to say of a source beside its events; handed over with the next of these,
    /// or when the log is.
    pub fn show_note(&mut self, t: Moment, source: Source, text: &str) {
        if let Some(screen) = &self.renderer {
            screen.render_note(&mut self.screen_text, t, source, text);
        }
    }

    /// Shows a word about a fetch.
    pub fn show_fetch_warning(&mut self, t: Moment, job: &str, text: &str) {
        if let Some(screen) = &self.renderer {
            screen.render_fetch_warning(&mut self.screen_text, t, job, text);
        }
    }

    /// Shows how many live pages were dropped since they were slow.
    pub fn show_dropped_pages(&mut self, t: Moment, count: u64) {
        if let Some(screen) = &self.renderer {
            screen.render_dropped_pages(&mut self.screen_text, t, count);
        }
    }

    /// Hands over what waits, unless it is little and the writer is behind: then it can wait here, and
    /// a disk that stands still makes no moment late. What is wrong with the log, if anything, comes
    /// back.
    pub fn flush(&mut self) -> Option<String> {
        match &self.writer {
            Some(writer) if !self.is_large() && !writer.has_room() => writer.error(),
            _ => self.hand_over(),
        }
    }

    /// Has a state sent, behind those that are to be sent already if these are not too many.
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

    fn hand_over(&mut self) -> Option<String> {
        let Some(writer) = &mut self.writer else {
            drop(self.encoder.swap_buffer(Vec::new()));
            return None;
        };
        if self.encoder.is_empty() && self.screen_text.is_empty() {
            return writer.error();
        }
        if self.hidden_events > 0 {
            let more = std::mem::take(&mut self.hidden_events);
            self.screen_text.push_str(&format!("           … {more} more events, in the log\n"));
        }
        if self.refilled_at.elapsed() >= BUDGET_INTERVAL {
            self.budget = SCREEN_BUDGET;
            self.refilled_at = Instant::now();
        }
        let shown = std::mem::take(&mut self.screen_text).into_bytes();
        let log = self.encoder.swap_buffer(Vec::new());
        let next = writer.send(LogChunk { log, screen_text: shown, is_last: self.is_last });
        drop(self.encoder.swap_buffer(next));
        writer.error()
    }

    /// Hands over what waits, and waits until it is written.
    pub fn finish(&mut self) -> Option<String> {
        self.hand_over();
        let writer = self.writer.as_mut()?;
        writer.finish();
        writer.error()
    }
}

impl EngineSink for RunRecorder {
    fn event(&mut self, t: Moment, event: &Event<'_>) {
        self.last_moment = t;
        if self.junit_cases.is_some() || self.annotations.is_some() || self.page.is_some() {
            let line = self.encoder.event_count() + 1;
            feed::with_origin(&mut self.sources, (line, t), Some(event), |logged| {
                if let Some(cases) = &mut self.junit_cases {
                    cases.on_event(logged);
                }
                if let Some(annotations) = &mut self.annotations {
                    annotations.on_event(logged);
                }
                if let Some(page) = &mut self.page {
                    page.on_event(logged);
                }
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
            self.flush();
        }
    }

    fn effect(&mut self, order: Effect) {
        if let (Some(annotations), Effect::StartSpawn { source, preset, entry, .. }) =
            (&mut self.annotations, &order)
        {
            annotations.on_spawn_ordered(*source, *preset, *entry);
        }
        if let Effect::BroadcastWorld { line, .. } = &order {
            return self.queue_world_line(Arc::clone(line));
        }
        self.queued_world_bytes = 0;
        self.effects.push(order);
    }

    fn world_line(&self) -> Option<Arc<[u8]>> {
        self.world_line.clone()
    }

    fn next_event_seq(&self) -> u64 {
        self.encoder.event_count()
    }
}
