//! The live run: the machine's clock, real processes and requests, on one thread.
//!
//! # How it works
//!
//! Each turn of the loop tells the engine the time, takes all that the hands left in the inbox,
//! carries out the orders that came of it, and then waits for the first of: something in the inbox,
//! the engine's next moment, the log's next flush. Signals come through the inbox like all that
//! comes from outside.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use crate::io::Context;
use crate::io::clock::Clock;
use crate::io::guard::lifeline::Lifeline;
use crate::io::http::Fetches;
use crate::io::inbox::{Inbox, Seen};
use crate::io::input;
use crate::io::process::Processes;
use crate::io::signals;
use crate::io::{job_control, panics, runtime};
use crate::run::Run;
use crate::run::recorder::Journal;
use crate::run::web_publisher::Pages;
use crate::terminal::latest_status::Board;
use crate::web::page::Look;
use crate::web::server::{Act, Server};
use scenario_core::engine::effect::{Order, Verdict};
use scenario_core::engine::input::Observed;
use scenario_core::scenario::write::resolved;
use scenario_log::event::Source;
use scenario_log::signal::Signal;
use scenario_log::time::{Moment, Span};

/// How long an event may wait in memory before it is handed to the log's thread.
const FLUSH: Duration = Duration::from_millis(50);

/// How long the loop must have nothing to do for the log to be handed over at once, if that was so long ago.
const IDLE: Duration = Duration::from_millis(2);

/// How often it is left how the run stands, at most.
const LOOKS: Duration = Duration::from_millis(100);

/// How many of those that do not end are shown each second.
const MOST_LINGERING: usize = 10;

/// How long a run whose engine has panicked has to end in order, and then to hear that nobody is left.
const LONGEST_END: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(2)];

/// How long the log and the screen usually take to write what they were handed.
const SHOWN: Duration = Duration::from_millis(20);

/// What a live run needs beside the run itself.
pub struct Live {
    /// What the hands need to know.
    pub context: Context,
    /// How many times as fast as the machine's the run's clock goes.
    pub speed: f64,
    /// Whether to spin before each moment.
    pub precise: bool,
    /// Where typed lines come from.
    pub input: Option<input::Keyboard>,
    /// To the guard, if there is one.
    pub lifeline: Option<Lifeline>,
    /// Told when the clock has started.
    pub started: Arc<OnceLock<std::time::Instant>>,
    /// Where it is left how the run stands, if anybody looks.
    pub board: Option<Board>,
    /// Who serves the live page, if it is served. The journal makes it.
    pub server: Option<Server>,
}

/// Starts a run and drives it to its end. Its journal is opened (`open`) once signals are heard, so
/// that none leaves a log without an end, and the run is begun (`begin`) once the clock has started,
/// whose moment it is told as RFC 3339. The run comes back with its verdict, or with why its log could
/// not be written; all has been stopped by then.
///
/// # Errors
/// When the runtime, the clock, the watch for signals or the journal cannot be had: nothing was
/// started.
pub fn drive(
    live: Live,
    open: impl FnOnce() -> Result<Journal, String>,
    begin: impl FnOnce(&str, Journal) -> Run,
) -> Result<(Run, Result<Verdict, String>), String> {
    let runtime = runtime::new().map_err(|error| format!("the runtime cannot start: {error}"))?;
    let local = tokio::task::LocalSet::new();
    let ended = local.block_on(&runtime, async {
        let (mut turn, journal) = Turn::new(live, open)?;
        let mut run = begin(&turn.clock.started_at(), journal);
        let verdict = match panics::caught(turn.run(&mut run)).await {
            Some(verdict) => verdict,
            None => turn.end_broken(&mut run).await,
        };
        Ok((run, verdict))
    });
    // A name look-up that hangs must not hold up the end.
    runtime.shutdown_background();
    ended
}

struct Turn {
    clock: Clock,
    inbox: Rc<Inbox>,
    processes: Processes,
    fetches: Fetches,
    /// Whether the engine has been told of a panic.
    is_broken: bool,
    /// What stopped the log, once something has.
    log_fault: Option<String>,
    flushed: Instant,
    /// Goes off when the log is to be handed over again. One for the whole run, since to register one for
    /// each turn is not free.
    next_flush: Pin<Box<Sleep>>,
    board: Option<Board>,
    pages: Option<Pages>,
    /// When it was last left how the run stands, and whether something has happened since.
    stood: Instant,
    has_moved: bool,
    seen: Vec<Seen>,
    orders: Vec<Order>,
}

impl Turn {
    fn new(live: Live, open: impl FnOnce() -> Result<Journal, String>) -> Result<(Turn, Journal), String> {
        let inbox = Inbox::new();
        let context = Rc::new(live.context);
        let mut processes = Processes::new(Rc::clone(&context), Rc::clone(&inbox), resolved::preset_to_toml);
        processes.adopt();
        processes.keep_terminal();
        let watched = signals::watch(&inbox, live.lifeline);
        watched.map_err(|error| format!("cannot hear signals: {error}"))?;
        if let Some(keyboard) = live.input {
            keyboard.listen(&inbox);
        }
        let mut journal = open()?;
        journal.keep_world();
        // Last, so that nothing of the above makes the run late.
        let clock = Clock::start(live.speed, live.precise);
        let clock = clock.map_err(|error| format!("there is no timer: {error}"))?;
        // Nobody else sets it.
        let _ = live.started.set(std::time::Instant::now());
        let turn = Turn {
            clock,
            processes,
            fetches: Fetches::new(context, Rc::clone(&inbox)),
            inbox,
            is_broken: false,
            log_fault: None,
            flushed: Instant::now(),
            next_flush: Box::pin(tokio::time::sleep(FLUSH)),
            board: live.board,
            pages: live.server.map(Pages::new),
            stood: Instant::now(),
            has_moved: true,
            seen: Vec::new(),
            orders: Vec::new(),
        };
        Ok((turn, journal))
    }

    async fn run(&mut self, run: &mut Run) -> Result<Verdict, String> {
        // What was typed before the run comes before all that is due, and by its moment a log says so.
        self.hear(run, Moment::ZERO);
        let verdict = loop {
            if run.engine.has_occurred(0) {
                panics::wanted_at_first("driver");
            }
            let now = self.clock.now();
            run.engine.advance(now, &mut run.journal);
            let is_urgent = self.hear(run, now);
            self.obey(run).await;
            if is_urgent {
                // Those too that hold their pipes from outside their groups.
                self.processes.clear().await;
            }
            self.stand(run);
            self.flush(run, false);
            self.show_lingering(run);
            if let Some(verdict) = run.engine.verdict() {
                break verdict;
            }
            self.wait(run).await;
        };
        self.processes.clear().await;
        if let Some(dropped) = self.pages.as_ref().map(Pages::dropped).filter(|dropped| *dropped > 0) {
            run.journal.show_dropped_pages(run.journal.reached(), dropped);
        }
        let log_fault = run.journal.finish();
        self.end_pages(run);
        match self.log_fault.take().or(log_fault) {
            Some(fault) => Err(fault),
            None => Ok(verdict),
        }
    }

    /// Ends a run whose engine or journal has panicked: the engine hears of that first of all, and has
    /// some time for an orderly end, and then a moment with nobody left. (What it was being told is
    /// lost, an exit that it waits for among that.) Where it panics again, the log ends with the last
    /// thing that was decided.
    async fn end_broken(&mut self, run: &mut Run) -> Result<Verdict, String> {
        for most in LONGEST_END {
            match tokio::time::timeout(most, panics::caught(self.run(run))).await {
                Ok(Some(verdict)) => return verdict,
                Ok(None) => break,
                Err(_) => self.processes.clear().await,
            }
        }
        self.processes.clear().await;
        self.end_pages(run);
        run.journal.finish().map_or(Ok(Verdict::Broken), Err)
    }

    /// Tells the engine what the hands have seen. One reading of the clock serves all of it. Whether
    /// everybody is to be gone at once: the guard has been killed.
    fn hear(&mut self, run: &mut Run, now: Moment) -> bool {
        let mut is_urgent = false;
        // Before all that may have come of it.
        if !self.is_broken
            && let Some(error) = panics::first()
        {
            self.is_broken = true;
            run.engine.observe(now, Observed::Broken { error }, &mut run.journal);
        }
        while let Some(act) = self.pages.as_mut().and_then(Pages::done) {
            self.heed(act);
        }
        self.inbox.take(&mut self.seen);
        for seen in self.seen.drain(..) {
            is_urgent |= matches!(seen, Seen::Signalled(Signal::KILL));
            run.engine.observe(now, seen.observed(), &mut run.journal);
            self.inbox.recycle(seen);
        }
        is_urgent
    }

    /// Has the engine's orders carried out.
    async fn obey(&mut self, run: &mut Run) {
        run.journal.take_orders(&mut self.orders);
        let mut is_to_suspend = false;
        for order in self.orders.drain(..) {
            match order {
                Order::Suspend => is_to_suspend = true,
                Order::Start { source, preset, nth, entry: _ } => self.processes.start(source, preset, nth),
                Order::Stop { source } => self.processes.stop(source),
                Order::Kill { source } => self.processes.kill(source),
                Order::Send { source, bytes } => self.processes.send(source, bytes),
                Order::Listen { source } => self.processes.listen(source),
                Order::Broadcast { line, skipped } => {
                    if let Some(pages) = &self.pages {
                        pages.broadcast(&line);
                    }
                    self.processes.broadcast(&line, skipped);
                }
                Order::Fetch { source, job, url, due, captured } => {
                    let late = due.map_or(Span::ZERO, |due| self.clock.now().since(due));
                    self.fetches.start_late(source, (job, url, captured), self.clock.machine_span(late));
                }
                Order::Tell { job, text } => run.journal.show_word(self.clock.now(), &job, &text),
                Order::Cancel { source } => self.fetches.cancel(source),
                Order::ShowStatus => {
                    let status = run.engine.status();
                    run.journal.show_status(self.clock.now(), &status);
                }
            }
        }
        if is_to_suspend {
            self.suspend(run).await;
        }
    }

    /// Shows, once a second, who does not end; of many, the first.
    fn show_lingering(&mut self, run: &mut Run) {
        let lingering = self.processes.lingering();
        for one in lingering.iter().take(MOST_LINGERING) {
            run.journal.show_note(self.clock.now(), one.source, &one.to_string());
        }
        if !lingering.is_empty() {
            self.flush(run, true);
        }
    }

    /// Something was done on a page.
    fn heed(&self, act: Act) {
        match act {
            Act::Typed(text) => self.inbox.put(Seen::Typed { text }),
            Act::Joined { guest, player } => {
                self.inbox.put(Seen::Joined { source: Source::Guest(guest), player });
            }
            Act::Moved { guest, direction } => {
                self.inbox.put(Seen::Moved { source: Source::Guest(guest), direction });
            }
            Act::Left { guest } => self.inbox.put(Seen::Left { source: Source::Guest(guest) }),
            // Nothing is played back.
            Act::Playback(_) => {}
        }
    }

    /// Leaves how the run stands, not too often, for whoever looks.
    fn stand(&mut self, run: &mut Run) {
        if self.board.is_none() && self.pages.is_none() {
            return;
        }
        if !self.has_moved && !run.journal.is_dirty() {
            return;
        }
        self.has_moved = self.stood.elapsed() < LOOKS;
        if !self.has_moved {
            self.stood = Instant::now();
            self.show(run, true);
        }
    }

    fn show(&mut self, run: &mut Run, is_going: bool) {
        let now = self.clock.now();
        let standing = run.engine.standing(now);
        if let (Some(pages), Some(page)) = (&self.pages, run.journal.page()) {
            let standing = Some(&standing);
            pages.show(page, Look { t: now, is_going, standing, readers: (0, 0), playback: None });
        }
        if let Some(board) = &self.board {
            board.put(now, standing);
        }
    }

    /// Shows the end on the pages, if there are any, and takes leave of them.
    fn end_pages(&mut self, run: &mut Run) {
        if self.pages.is_some() {
            self.show(run, false);
        }
        if let Some(pages) = self.pages.take() {
            pages.end();
        }
    }

    /// Stands still, with all that runs, until the job goes on.
    async fn suspend(&mut self, run: &mut Run) {
        if let Some(board) = &self.board {
            board.cover(true);
        }
        if self.pages.is_some() {
            self.show(run, false);
        }
        self.clock.stop();
        self.processes.suspend();
        self.flush(run, true);
        // The pause is to be in the log and on the screen before nothing of us moves any more.
        job_control::suspend_in(SHOWN).await;
        let took = self.clock.go_on();
        self.inbox.pauses().add(took.to_std());
        self.processes.go_on(took.to_std());
        self.inbox.put(Seen::Resumed { took });
        self.has_moved = true;
        if let Some(board) = &self.board {
            board.cover(false);
        }
    }

    /// Hands the log over, if it is time. If it cannot be written, the run is stopped in order.
    fn flush(&mut self, run: &mut Run, now: bool) {
        if !now && !run.journal.is_large() && self.flushed.elapsed() < FLUSH {
            return;
        }
        self.flushed = Instant::now();
        self.next_flush.as_mut().reset(self.flushed + FLUSH);
        if self.log_fault.is_none()
            && let Some(fault) = run.journal.flush()
        {
            self.log_fault = Some(fault);
            self.inbox.put(Seen::Signalled(Signal::TERM));
        }
    }

    /// Waits until there is something to do. Always lets the hands move once.
    async fn wait(&mut self, run: &mut Run) {
        tokio::task::yield_now().await;
        let due = run.engine.next_due();
        let left = due.map(|due| due.since(self.clock.now()).to_std());
        // At once if nothing is due for a moment, but not for each answer of thousands a second.
        if run.journal.is_dirty() && left.is_none_or(|left| left > IDLE) && self.flushed.elapsed() >= IDLE {
            self.flush(run, true);
        }
        let next_look = self.processes.next_look().map(Instant::from_std);
        let look = async {
            match next_look {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let next_stand =
            (self.has_moved && (self.board.is_some() || self.pages.is_some())).then(|| self.stood + LOOKS);
        let stand = async {
            match next_stand {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let stirred = async {
            match &mut self.pages {
                Some(pages) => pages.stir().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.inbox.filled() => {}
            () = panics::happened(), if !self.is_broken => {}
            () = self.clock.until(due.unwrap_or_default()), if due.is_some() => {}
            () = &mut self.next_flush, if run.journal.is_dirty() => {}
            () = look => {}
            () = stand => {}
            act = stirred => {
                self.has_moved = true;
                if let Some(act) = act {
                    self.heed(act);
                }
            }
        }
    }
}
