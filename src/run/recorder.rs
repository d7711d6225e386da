//! The journal: where the engine's events and orders go in a run. Events become the log's bytes and
//! the screen's text, orders wait for whoever drives.
//!
//! It hands its bytes to the [writer](crate::io::log_file::writer) in pieces. When is the driver's to
//! say ([`Journal::flush`]): a piece for each event would cost more than all the rest.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::io::log_file::writer::{Piece, Writer};
use crate::report::annotations::Annotations;
use crate::report::feed::Told;
use crate::report::junit_cases::Cases;
use crate::terminal::event_lines::Render;
use crate::web::page::Page;
use scenario_core::engine::effect::Order;
use scenario_core::engine::{Sink, Status};
use scenario_log::encode::Encoder;
use scenario_log::event::{Event, Source};
use scenario_log::time::Moment;

/// A piece of this size is handed over without waiting for more.
pub const LARGE: usize = 512 << 10;

/// How many bytes are shown in each [`REFILL`] at most; what is over is counted. No person reads
/// as fast, and a flood must not cost more on the screen than in the log.
const SHOWN: usize = 1 << 20;

/// How long [`SHOWN`] is for.
const REFILL: Duration = Duration::from_millis(100);

/// How many bytes of states of the world wait to be sent: as much as a pipe takes at once. Of more, which
/// come of a great many moves in one turn of the driver, the newest stands for those before it.
const MOST_STATES: usize = 64 << 10;

/// The sink of a run.
pub struct Journal {
    encoder: Encoder,
    writer: Option<Writer>,
    screen: Option<Box<dyn Render>>,
    /// What is made of the events beside, if anything.
    cases: Option<Cases>,
    annotations: Option<Annotations>,
    page: Option<Page>,
    shown: String,
    not_shown: u64,
    /// Bytes that may be shown until the next refill, and when the last one was.
    budget: usize,
    refilled: Instant,
    last: bool,
    reason: Option<String>,
    orders: Vec<Order>,
    /// Whether somebody may listen to the world; then its newest state, and how many bytes of states
    /// stand at the end of the orders.
    has_listeners: bool,
    world: Option<Arc<[u8]>>,
    broadcast: usize,
    reached: Moment,
}

impl Journal {
    /// A journal that is written by `writer`, if any, and shown on `screen`, if any.
    #[must_use]
    pub fn new(writer: Option<Writer>, screen: Option<Box<dyn Render>>) -> Journal {
        Journal {
            encoder: Encoder::default(),
            writer,
            screen,
            cases: None,
            annotations: None,
            page: None,
            shown: String::new(),
            not_shown: 0,
            budget: SHOWN,
            refilled: Instant::now(),
            last: false,
            reason: None,
            orders: Vec::new(),
            has_listeners: false,
            world: None,
            broadcast: 0,
            reached: Moment::ZERO,
        }
    }

    /// Has test cases made of the events.
    #[must_use]
    pub fn with_cases(mut self) -> Journal {
        self.cases = Some(Cases::default());
        self
    }

    /// The test cases of the events so far, if they were to be made.
    #[must_use]
    pub fn cases(&self) -> Option<&Cases> {
        self.cases.as_ref()
    }

    /// Has what goes wrong noted.
    #[must_use]
    pub fn with_annotations(mut self, annotations: Annotations) -> Journal {
        self.annotations = Some(annotations);
        self
    }

    /// What has gone wrong so far, if it was to be noted.
    #[must_use]
    pub fn annotations(&self) -> Option<&Annotations> {
        self.annotations.as_ref()
    }

    /// Has the live page made of the events.
    #[must_use]
    pub fn with_page(mut self, page: Page) -> Journal {
        self.page = Some(page);
        self
    }

    /// The live page, if it is made.
    pub fn page(&mut self) -> Option<&mut Page> {
        self.page.as_mut()
    }

    /// Keeps the lines of the world's states for who listens.
    pub fn keep_world(&mut self) {
        self.has_listeners = true;
    }

    /// The orders so far, in their order.
    pub fn take_orders(&mut self, orders: &mut Vec<Order>) {
        debug_assert!(orders.is_empty(), "what was taken before has been carried out");
        std::mem::swap(orders, &mut self.orders);
        self.broadcast = 0;
    }

    /// Whether bytes wait to be handed over.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        !self.encoder.is_empty()
    }

    /// Whether so many bytes wait that they should be handed over now.
    #[must_use]
    pub fn is_large(&self) -> bool {
        self.encoder.len() >= LARGE
    }

    /// The moment of the last event.
    #[must_use]
    pub fn reached(&self) -> Moment {
        self.reached
    }

    /// Why the run did not pass, once that is known.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Why the log could not be written further, once that has happened.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        self.writer.as_ref().and_then(Writer::fault)
    }

    /// Shows what runs.
    pub fn show_status(&mut self, t: Moment, status: &Status) {
        if let Some(screen) = &self.screen {
            screen.status(&mut self.shown, t, status);
        }
    }

    /// Shows what there is to say of a source beside its events; handed over with the next of these,
    /// or when the log is.
    pub fn show_note(&mut self, t: Moment, source: Source, text: &str) {
        if let Some(screen) = &self.screen {
            screen.note(&mut self.shown, t, source, text);
        }
    }

    /// Shows a word about a fetch.
    pub fn show_word(&mut self, t: Moment, job: &str, text: &str) {
        if let Some(screen) = &self.screen {
            screen.word(&mut self.shown, t, job, text);
        }
    }

    /// Shows how many live pages were dropped since they were slow.
    pub fn show_dropped_pages(&mut self, t: Moment, count: u64) {
        if let Some(screen) = &self.screen {
            screen.dropped_pages(&mut self.shown, t, count);
        }
    }

    /// Hands over what waits, unless it is little and the writer is behind: then it can wait here, and
    /// a disk that stands still makes no moment late. What is wrong with the log, if anything, comes
    /// back.
    pub fn flush(&mut self) -> Option<String> {
        match &self.writer {
            Some(writer) if !self.is_large() && !writer.has_room() => writer.fault(),
            _ => self.hand_over(),
        }
    }

    /// Has a state sent, behind those that are to be sent already if these are not too many.
    fn broadcast(&mut self, line: Arc<[u8]>) {
        let size = line.len();
        match self.orders.last_mut() {
            Some(Order::Broadcast { line: last, skipped }) if self.broadcast + size > MOST_STATES => {
                self.broadcast = (self.broadcast + size).saturating_sub(last.len());
                *skipped += 1;
                *last = line;
            }
            _ => {
                self.broadcast += size;
                self.orders.push(Order::Broadcast { line, skipped: 0 });
            }
        }
    }

    fn hand_over(&mut self) -> Option<String> {
        let Some(writer) = &mut self.writer else {
            drop(self.encoder.take(Vec::new()));
            return None;
        };
        if self.encoder.is_empty() && self.shown.is_empty() {
            return writer.fault();
        }
        if self.not_shown > 0 {
            let more = std::mem::take(&mut self.not_shown);
            self.shown.push_str(&format!("           … {more} more events, in the log\n"));
        }
        if self.refilled.elapsed() >= REFILL {
            self.budget = SHOWN;
            self.refilled = Instant::now();
        }
        let shown = std::mem::take(&mut self.shown).into_bytes();
        let log = self.encoder.take(Vec::new());
        let next = writer.put(Piece { log, shown, last: self.last });
        drop(self.encoder.take(next));
        writer.fault()
    }

    /// Hands over what waits, and waits until it is written.
    pub fn finish(&mut self) -> Option<String> {
        self.hand_over();
        let writer = self.writer.as_mut()?;
        writer.finish();
        writer.fault()
    }
}

impl Sink for Journal {
    fn event(&mut self, t: Moment, event: &Event<'_>) {
        self.reached = t;
        let told = Told { line: self.encoder.count() + 1, t, event: Some(event) };
        if let Some(cases) = &mut self.cases {
            cases.take(&told);
        }
        if let Some(annotations) = &mut self.annotations {
            annotations.take(&told);
        }
        if let Some(page) = &mut self.page {
            page.take(&told);
        }
        let start = self.encoder.len();
        self.encoder.write(t, event);
        if self.has_listeners && matches!(event, Event::WorldState { .. }) {
            self.world = Some(self.encoder.written()[start..].into());
        }
        if let Some(screen) = &mut self.screen {
            let before = self.shown.len();
            self.not_shown += screen.show(&mut self.shown, t, event, self.budget);
            self.budget = self.budget.saturating_sub(self.shown.len() - before);
        }
        if let Event::RunFinished(summary) = event {
            self.last = true;
            self.reason.clone_from(&summary.reason);
        }
        if self.is_large() {
            self.flush();
        }
    }

    fn order(&mut self, order: Order) {
        if let (Some(annotations), Order::Start { source, preset, entry, .. }) =
            (&mut self.annotations, &order)
        {
            annotations.ordered(*source, *preset, *entry);
        }
        if let Order::Broadcast { line, .. } = &order {
            return self.broadcast(Arc::clone(line));
        }
        self.broadcast = 0;
        self.orders.push(order);
    }

    fn world_line(&self) -> Option<Arc<[u8]>> {
        self.world.clone()
    }

    fn next_seq(&self) -> u64 {
        self.encoder.count()
    }
}
