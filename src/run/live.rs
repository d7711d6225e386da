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

use crate::io::RunContext;
use crate::io::clock::RunClock;
use crate::io::console_input;
use crate::io::guard::lifeline::Lifeline;
use crate::io::http::Fetcher;
use crate::io::inbox::{Inbox, Input};
use crate::io::process::Processes;
use crate::io::signals;
use crate::io::{job_control, panics, runtime};
use crate::run::DrivenRun;
use crate::run::recorder::RunRecorder;
use crate::run::web_publisher::WebPublisher;
use crate::terminal::latest_progress::LatestProgress;
use crate::web::page::PageView;
use crate::web::server::{PageAction, PageServer};
use scenario_core::engine::effect::{Effect, RunVerdict};
use scenario_core::scenario::write::resolved;
use scenario_log::event::Source;
use scenario_log::signal::Signal;
use scenario_log::time::{Moment, Span};

/// How long an event may wait in memory before it is handed to the log's thread.
const FLUSH_INTERVAL: Duration = Duration::from_millis(50);

/// How long the loop must have nothing to do for the log to be handed over at once, if that was so long ago.
const IDLE_FLUSH_DELAY: Duration = Duration::from_millis(2);

/// How often it is left how the run stands, at most.
const PUBLISH_INTERVAL: Duration = Duration::from_millis(100);

/// How many of those that do not end are shown each second.
const MAX_UNRESPONSIVE_SHOWN: usize = 10;

/// How long a run whose engine has panicked has to end in order, and then to hear that nobody is left.
const PANIC_END_TIMEOUTS: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(2)];

/// How long the log and the screen usually take to write what they were handed.
const WRITE_GRACE: Duration = Duration::from_millis(20);

/// What a live run needs beside the run itself.
pub struct LiveSetup {
    /// What the hands need to know.
    pub context: RunContext,
    /// How many times as fast as the machine's the run's clock goes.
    pub speed: f64,
    /// Whether to spin before each moment.
    pub precise: bool,
    /// Where typed lines come from.
    pub input: Option<console_input::ConsoleInput>,
    /// To the guard, if there is one.
    pub lifeline: Option<Lifeline>,
    /// Told when the clock has started.
    pub clock_started: Arc<OnceLock<std::time::Instant>>,
    /// Where it is left how the run stands, if anybody looks.
    pub latest_progress: Option<LatestProgress>,
    /// Who serves the live page, if it is served. The journal makes it.
    pub server: Option<PageServer>,
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
    live: LiveSetup,
    open: impl FnOnce() -> Result<RunRecorder, String>,
    begin: impl FnOnce(&str, RunRecorder) -> DrivenRun,
) -> Result<(DrivenRun, Result<RunVerdict, String>), String> {
    let runtime = runtime::build().map_err(|error| format!("the runtime cannot start: {error}"))?;
    let local = tokio::task::LocalSet::new();
    let ended = local.block_on(&runtime, async {
        let (mut turn, journal) = LiveLoop::new(live, open)?;
        let mut run = begin(&turn.clock.started_at(), journal);
        let verdict = match panics::catch_future(turn.run(&mut run)).await {
            Some(verdict) => verdict,
            None => turn.end_after_panic(&mut run).await,
        };
        Ok((run, verdict))
    });
    // A name look-up that hangs must not hold up the end.
    runtime.shutdown_background();
    ended
}

struct LiveLoop {
    clock: RunClock,
    inbox: Rc<Inbox>,
    processes: Processes,
    fetches: Fetcher,
    /// Whether the engine has been told of a panic.
    has_panicked: bool,
    /// What stopped the log, once something has.
    log_error: Option<String>,
    flushed_at: Instant,
    /// Goes off when the log is to be handed over again. One for the whole run, since to register one for
    /// each turn is not free.
    next_flush: Pin<Box<Sleep>>,
    latest_progress: Option<LatestProgress>,
    publisher: Option<WebPublisher>,
    /// When it was last left how the run stands, and whether something has happened since.
    published_at: Instant,
    has_changed: bool,
    inputs: Vec<Input>,
    effects: Vec<Effect>,
}

impl LiveLoop {
    fn new(
        live: LiveSetup,
        open: impl FnOnce() -> Result<RunRecorder, String>,
    ) -> Result<(LiveLoop, RunRecorder), String> {
        let inbox = Inbox::new();
        let context = Rc::new(live.context);
        let mut processes = Processes::new(Rc::clone(&context), Rc::clone(&inbox), resolved::preset_to_toml);
        processes.adopt_orphans();
        processes.watch_terminal();
        let watched = signals::forward_to_inbox(&inbox, live.lifeline);
        watched.map_err(|error| format!("cannot hear signals: {error}"))?;
        if let Some(keyboard) = live.input {
            keyboard.start(&inbox);
        }
        let mut journal = open()?;
        journal.keep_world_lines();
        // Last, so that nothing of the above makes the run late.
        let clock = RunClock::start(live.speed, live.precise);
        let clock = clock.map_err(|error| format!("there is no timer: {error}"))?;
        // Nobody else sets it.
        let _ = live.clock_started.set(std::time::Instant::now());
        let turn = LiveLoop {
            clock,
            processes,
            fetches: Fetcher::new(context, Rc::clone(&inbox)),
            inbox,
            has_panicked: false,
            log_error: None,
            flushed_at: Instant::now(),
            next_flush: Box::pin(tokio::time::sleep(FLUSH_INTERVAL)),
            latest_progress: live.latest_progress,
            publisher: live.server.map(WebPublisher::new),
            published_at: Instant::now(),
            has_changed: true,
            inputs: Vec::new(),
            effects: Vec::new(),
        };
        Ok((turn, journal))
    }

    async fn run(&mut self, run: &mut DrivenRun) -> Result<RunVerdict, String> {
        // What was typed before the run comes before all that is due, and by its moment a log says so.
        self.feed_inputs(run, Moment::ZERO);
        let verdict = loop {
            if run.engine.has_occurred(0) {
                panics::panic_once_if_requested("driver");
            }
            let now = self.clock.now();
            run.engine.advance(now, &mut run.recorder);
            let is_urgent = self.feed_inputs(run, now);
            self.apply_effects(run).await;
            if is_urgent {
                // Those too that hold their pipes from outside their groups.
                self.processes.kill_remaining().await;
            }
            self.publish_if_due(run);
            self.flush(run, false);
            self.show_unresponsive(run);
            if let Some(verdict) = run.engine.verdict() {
                break verdict;
            }
            self.wait(run).await;
        };
        self.processes.kill_remaining().await;
        if let Some(dropped) =
            self.publisher.as_ref().map(WebPublisher::dropped_readers).filter(|dropped| *dropped > 0)
        {
            run.recorder.show_dropped_pages(run.recorder.last_moment(), dropped);
        }
        let log_fault = run.recorder.finish();
        self.close_pages(run);
        match self.log_error.take().or(log_fault) {
            Some(fault) => Err(fault),
            None => Ok(verdict),
        }
    }

    /// Ends a run whose engine or journal has panicked: the engine hears of that first of all, and has
    /// some time for an orderly end, and then a moment with nobody left. (What it was being told is
    /// lost, an exit that it waits for among that.) Where it panics again, the log ends with the last
    /// thing that was decided.
    async fn end_after_panic(&mut self, run: &mut DrivenRun) -> Result<RunVerdict, String> {
        for most in PANIC_END_TIMEOUTS {
            match tokio::time::timeout(most, panics::catch_future(self.run(run))).await {
                Ok(Some(verdict)) => return verdict,
                Ok(None) => break,
                Err(_) => self.processes.kill_remaining().await,
            }
        }
        self.processes.kill_remaining().await;
        self.close_pages(run);
        run.recorder.finish().map_or(Ok(RunVerdict::InternalError), Err)
    }

    /// Tells the engine what the hands have seen. One reading of the clock serves all of it. Whether
    /// everybody is to be gone at once: the guard has been killed.
    fn feed_inputs(&mut self, run: &mut DrivenRun, now: Moment) -> bool {
        let mut is_urgent = false;
        // Before all that may have come of it.
        if !self.has_panicked
            && let Some(error) = panics::first_panic()
        {
            self.has_panicked = true;
            run.engine.handle_input(
                now,
                &Input::InternalError { error: error.to_owned() },
                &mut run.recorder,
            );
        }
        while let Some(act) = self.publisher.as_mut().and_then(WebPublisher::try_next_action) {
            self.apply_page_action(act);
        }
        self.inbox.take_all(&mut self.inputs);
        for seen in self.inputs.drain(..) {
            is_urgent |= matches!(seen, Input::SignalReceived(Signal::KILL));
            run.engine.handle_input(now, &seen, &mut run.recorder);
            self.inbox.recycle(seen);
        }
        is_urgent
    }

    /// Has the engine's orders carried out.
    async fn apply_effects(&mut self, run: &mut DrivenRun) {
        run.recorder.take_effects(&mut self.effects);
        let mut is_to_suspend = false;
        for order in self.effects.drain(..) {
            match order {
                Effect::SuspendRun => is_to_suspend = true,
                Effect::StartSpawn { source, preset, nth, entry: _ } => {
                    self.processes.start(source, preset, nth)
                }
                Effect::StopSpawn { source } => self.processes.stop(source),
                Effect::KillSpawn { source } => self.processes.kill(source),
                Effect::SendLine { source, bytes } => self.processes.send(source, bytes),
                Effect::SubscribeToWorld { source } => self.processes.subscribe_to_world(source),
                Effect::BroadcastWorld { line, skipped } => {
                    if let Some(pages) = &self.publisher {
                        pages.broadcast(&line);
                    }
                    self.processes.broadcast_world(&line, skipped);
                }
                Effect::StartRequest { source, job, url, due, captured } => {
                    let late = due.map_or(Span::ZERO, |due| self.clock.now().since(due));
                    self.fetches.start_late(source, (job, url, captured), self.clock.machine_span(late));
                }
                Effect::WarnAboutFetch { job, text } => {
                    run.recorder.show_fetch_warning(self.clock.now(), &job, &text)
                }
                Effect::CancelRequest { source } => self.fetches.cancel(source),
                Effect::ShowStatus => {
                    let status = run.engine.status();
                    run.recorder.show_status(self.clock.now(), &status);
                }
            }
        }
        if is_to_suspend {
            self.suspend(run).await;
        }
    }

    /// Shows, once a second, who does not end; of many, the first.
    fn show_unresponsive(&mut self, run: &mut DrivenRun) {
        let lingering = self.processes.take_unresponsive();
        for one in lingering.iter().take(MAX_UNRESPONSIVE_SHOWN) {
            run.recorder.show_note(self.clock.now(), one.source, &one.to_string());
        }
        if !lingering.is_empty() {
            self.flush(run, true);
        }
    }

    /// Something was done on a page.
    fn apply_page_action(&self, act: PageAction) {
        match act {
            PageAction::Typed(text) => self.inbox.push(Input::CommandTyped { text }),
            PageAction::Joined { guest, player } => {
                self.inbox.push(Input::PlayerJoined { source: Source::Guest(guest), player });
            }
            PageAction::Moved { guest, direction } => {
                self.inbox.push(Input::PlayerMoved { source: Source::Guest(guest), direction });
            }
            PageAction::Left { guest } => self.inbox.push(Input::PlayerLeft { source: Source::Guest(guest) }),
            // Nothing is played back.
            PageAction::Playback(_) => {}
        }
    }

    /// Leaves how the run stands, not too often, for whoever looks.
    fn publish_if_due(&mut self, run: &mut DrivenRun) {
        if self.latest_progress.is_none() && self.publisher.is_none() {
            return;
        }
        if !self.has_changed && !run.recorder.is_dirty() {
            return;
        }
        self.has_changed = self.published_at.elapsed() < PUBLISH_INTERVAL;
        if !self.has_changed {
            self.published_at = Instant::now();
            self.publish(run, true);
        }
    }

    fn publish(&mut self, run: &mut DrivenRun, is_going: bool) {
        let now = self.clock.now();
        let standing = run.engine.progress(now);
        if let (Some(pages), Some(page)) = (&self.publisher, run.recorder.page()) {
            let standing = Some(&standing);
            pages.publish(
                page,
                PageView {
                    t: now,
                    is_clock_running: is_going,
                    progress: standing,
                    readers: (0, 0),
                    playback: None,
                },
            );
        }
        if let Some(board) = &self.latest_progress {
            board.set(now, standing);
        }
    }

    /// Shows the end on the pages, if there are any, and takes leave of them.
    fn close_pages(&mut self, run: &mut DrivenRun) {
        if self.publisher.is_some() {
            self.publish(run, false);
        }
        if let Some(pages) = self.publisher.take() {
            pages.close();
        }
    }

    /// Stands still, with all that runs, until the job goes on.
    async fn suspend(&mut self, run: &mut DrivenRun) {
        if let Some(board) = &self.latest_progress {
            board.set_hidden(true);
        }
        if self.publisher.is_some() {
            self.publish(run, false);
        }
        self.clock.stop();
        self.processes.stop_groups();
        self.flush(run, true);
        // The pause is to be in the log and on the screen before nothing of us moves any more.
        job_control::suspend_after(WRITE_GRACE).await;
        let took = self.clock.resume();
        self.inbox.paused_time().add(took.to_std());
        self.processes.continue_groups(took.to_std());
        self.inbox.push(Input::RunResumed { took });
        self.has_changed = true;
        if let Some(board) = &self.latest_progress {
            board.set_hidden(false);
        }
    }

    /// Hands the log over, if it is time. If it cannot be written, the run is stopped in order.
    fn flush(&mut self, run: &mut DrivenRun, now: bool) {
        if !now && !run.recorder.is_large() && self.flushed_at.elapsed() < FLUSH_INTERVAL {
            return;
        }
        self.flushed_at = Instant::now();
        self.next_flush.as_mut().reset(self.flushed_at + FLUSH_INTERVAL);
        if self.log_error.is_none()
            && let Some(fault) = run.recorder.flush()
        {
            self.log_error = Some(fault);
            self.inbox.push(Input::SignalReceived(Signal::TERM));
        }
    }

    /// Waits until there is something to do. Always lets the hands move once.
    async fn wait(&mut self, run: &mut DrivenRun) {
        tokio::task::yield_now().await;
        let due = run.engine.next_due();
        let left = due.map(|due| due.since(self.clock.now()).to_std());
        // At once if nothing is due for a moment, but not for each answer of thousands a second.
        if run.recorder.is_dirty()
            && left.is_none_or(|left| left > IDLE_FLUSH_DELAY)
            && self.flushed_at.elapsed() >= IDLE_FLUSH_DELAY
        {
            self.flush(run, true);
        }
        let next_look = self.processes.next_unresponsive_check().map(Instant::from_std);
        let look = async {
            match next_look {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let next_stand = (self.has_changed && (self.latest_progress.is_some() || self.publisher.is_some()))
            .then(|| self.published_at + PUBLISH_INTERVAL);
        let stand = async {
            match next_stand {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let stirred = async {
            match &mut self.publisher {
                Some(pages) => pages.next_action().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.inbox.wait_for_input() => {}
            () = panics::wait_for_panic(), if !self.has_panicked => {}
            () = self.clock.sleep_until(due.unwrap_or_default()), if due.is_some() => {}
            () = &mut self.next_flush, if run.recorder.is_dirty() => {}
            () = look => {}
            () = stand => {}
            act = stirred => {
                self.has_changed = true;
                if let Some(act) = act {
                    self.apply_page_action(act);
                }
            }
        }
    }
}
