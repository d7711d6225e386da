//! The live run: the machine's clock, real processes and requests, on one thread.
//!
//! # How it works
//!
//! Each turn of the loop advances the engine to the current moment, feeds it the inputs in the inbox,
//! applies the effects of both, and then waits for the first of: an input in the inbox, the engine's next
//! moment, the log's next flush. Signals come through the inbox, as all other inputs do.

mod ending;

use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use crate::io::RunContext;
use crate::io::clock::RunClock;
use crate::io::console_input::ConsoleInput;
use crate::io::guard::lifeline::Lifeline;
use crate::io::http::Fetcher;
use crate::io::inbox::{Inbox, is_end_request};
use crate::io::link::{BoundLinks, Links};
use crate::io::process::{ProcessInput, Processes, SpawnNumber};
use crate::io::signals;
use crate::io::terminal::line_editor::EditedLine;
use crate::io::{job_control, panics, runtime};
use crate::run::recorder::{RecordError, RunRecorder};
use crate::run::web_publisher::WebPublisher;
use crate::run::{DrivenRun, RunStartError, SharedPage, redact_typed_input};
use crate::terminal::latest_progress::LatestProgress;
use crate::web::page::PageView;
use crate::web::server::{PageAction, PageServer};
use scenario_core::engine::effect::{Effect, RunVerdict};
use scenario_core::engine::input::Input;
use scenario_core::scenario::write::resolved;
use scenario_log::event::Source;
use scenario_log::signal::Signal;
use scenario_log::time::{Moment, Span};

/// The longest time that an event waits in memory before it is passed to the log's thread.
const FLUSH_INTERVAL: Duration = Duration::from_millis(50);

/// The log is flushed at once if nothing is due for this time, and the last flush is at least this long
/// ago.
const IDLE_FLUSH_DELAY: Duration = Duration::from_millis(2);

/// The shortest time between two publications of the run's progress.
const PUBLISH_INTERVAL: Duration = Duration::from_millis(100);

/// The most unresponsive programs that are shown each second.
const MAX_UNRESPONSIVE_SHOWN: usize = 10;

/// How long a run whose engine has panicked may take to end in order, and then, with all its programs
/// killed, to see them exit.
const PANIC_END_TIMEOUTS: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(2)];

/// How late the next moment must be to show that this process stood still.
const STOOD_STILL: Duration = Duration::from_millis(200);

/// The most turns of reading before the limits of time are judged after that.
const MAX_CATCH_UP_TURNS: u32 = 64;

/// How long the log and the screen usually take to write the last chunk.
const WRITE_GRACE: Duration = Duration::from_millis(20);

/// A live run, apart from its scenario's start.
pub struct LiveSetup {
    /// The context of processes and requests.
    pub context: RunContext,
    /// Seconds of the run in a second of the machine.
    pub speed: f64,
    /// Whether to spin before each moment.
    pub precise: bool,
    /// The source of typed lines.
    pub input: Option<ConsoleInput>,
    /// The connection to the guard, if there is one.
    pub lifeline: Option<Lifeline>,
    /// Set when the clock has started.
    pub clock_started: Arc<OnceLock<std::time::Instant>>,
    /// Receives the run's progress, if something shows it.
    pub latest_progress: Option<LatestProgress>,
    /// The links, which listen already.
    pub links: BoundLinks,
    /// Serves the live page, if the recorder comes with one.
    pub server: Option<PageServer>,
    /// Whether the live page stays when the run has ended.
    pub after_end: AfterEnd,
}

/// The end of the live page, when the run has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AfterEnd {
    /// It is closed.
    #[default]
    Close,
    /// It stays until a signal comes.
    Stay,
    /// It stays until a signal comes; then another run serves it.
    StayUntilChange,
}

/// Starts a run and drives it to its end. `open` opens the recorder, and the live page that it feeds, once
/// signals are received, so that no signal leaves a log without an end. `begin` starts the engine once the
/// clock has started; it gets the time of that start as RFC 3339.
///
/// `end` gets the run's recorder and its verdict, or the error that stopped its log, and gives the result. All
/// processes and requests have been stopped by then. After it, the live page stays if it is to stay.
///
/// # Errors
/// When the runtime, the clock, the handlers of signals or the recorder cannot be set up. Nothing was
/// started then.
pub fn drive<T>(
    live: LiveSetup,
    open: impl FnOnce() -> Result<(RunRecorder, Option<SharedPage>), RunStartError>,
    begin: impl FnOnce(&str, RunRecorder) -> DrivenRun,
    end: impl FnOnce(&RunRecorder, Result<RunVerdict, RecordError>) -> T,
) -> Result<T, RunStartError> {
    let runtime =
        runtime::build().map_err(|error| RunStartError(format!("the runtime cannot start: {error}")))?;
    let local = tokio::task::LocalSet::new();
    let ended = local.block_on(&runtime, async {
        let (mut live, recorder) = LiveLoop::new(live, open)?;
        let mut run = begin(&live.clock.started_at(), recorder);
        let verdict = match panics::catch_future(live.run(&mut run)).await {
            Some(verdict) => verdict,
            None => live.end_after_panic(&mut run).await,
        };
        live.is_signalled |= matches!(verdict, Ok(RunVerdict::Interrupted(Some(_))));
        let result = end(&run.recorder, verdict);
        live.stay(&run).await;
        live.close_pages(&run);
        Ok(result)
    });
    // A name look-up that hangs must not delay the end.
    runtime.shutdown_background();
    ended
}

struct LiveLoop {
    context: Rc<RunContext>,
    clock: RunClock,
    inbox: Rc<Inbox>,
    processes: Processes,
    fetches: Fetcher,
    links: Links,
    /// Whether the engine has received a panic as an input.
    has_panicked: bool,
    /// The error that stopped the log.
    log_error: Option<RecordError>,
    /// The moment at which the run must have ended.
    time_limit: Option<Moment>,
    /// Whether the run must end, whatever the log does.
    is_hurried: bool,
    /// Whether a signal has ended the run.
    is_signalled: bool,
    after_end: AfterEnd,
    flushed_at: Instant,
    /// The time of the next flush. One timer serves the whole run, because registering one for each turn
    /// costs time.
    next_flush: Pin<Box<Sleep>>,
    latest_progress: Option<LatestProgress>,
    /// The line that is being typed, if the terminal does not echo it.
    typed_line: Option<EditedLine>,
    publisher: Option<WebPublisher>,
    page: Option<SharedPage>,
    /// When the progress was last published.
    published_at: Instant,
    /// Whether something has happened since then.
    has_changed: bool,
    inputs: Vec<Input>,
    effects: Vec<Effect>,
}

impl LiveLoop {
    fn new(
        live: LiveSetup,
        open: impl FnOnce() -> Result<(RunRecorder, Option<SharedPage>), RunStartError>,
    ) -> Result<(LiveLoop, RunRecorder), RunStartError> {
        let inbox = Inbox::new();
        let context = Rc::new(live.context);
        let time_limit = context.scenario.time_limit.map(|limit| Moment::ZERO.saturating_add(limit));
        let mut processes = Processes::new(Rc::clone(&context), Rc::clone(&inbox), resolved::preset_to_toml);
        processes.adopt_orphans();
        let typed_line = live.input.as_ref().and_then(ConsoleInput::typed_line);
        if let Some(typed) = &typed_line {
            // Before the terminal's modes are noted as those that programs must leave it with.
            typed.take_terminal(&std::io::stdin());
            processes.share_terminal(typed);
        }
        processes.watch_terminal();
        let watched = signals::forward_to_inbox(&inbox, live.lifeline);
        watched.map_err(|error| RunStartError(format!("cannot receive signals: {error}")))?;
        if let Some(input) = live.input {
            input.start(&inbox);
        }
        let (mut recorder, page) = open()?;
        recorder.keep_world_lines();
        let links = live.links.start(&inbox).map_err(RunStartError)?;
        // The clock starts last, so that none of the above makes the run late.
        let clock = RunClock::start(live.speed, live.precise);
        let clock = clock.map_err(|error| RunStartError(format!("there is no timer: {error}")))?;
        // Nothing else sets it, so this cannot fail.
        let _ = live.clock_started.set(std::time::Instant::now());
        let live = LiveLoop {
            context: Rc::clone(&context),
            clock,
            processes,
            fetches: Fetcher::new(context, Rc::clone(&inbox)),
            links,
            inbox,
            has_panicked: false,
            log_error: None,
            time_limit,
            is_hurried: false,
            is_signalled: false,
            after_end: live.after_end,
            flushed_at: Instant::now(),
            next_flush: Box::pin(tokio::time::sleep(FLUSH_INTERVAL)),
            latest_progress: live.latest_progress,
            typed_line,
            publisher: live.server.map(WebPublisher::new),
            page,
            published_at: Instant::now(),
            has_changed: true,
            inputs: Vec::new(),
            effects: Vec::new(),
        };
        Ok((live, recorder))
    }

    async fn run(&mut self, run: &mut DrivenRun) -> Result<RunVerdict, RecordError> {
        // Lines that were typed before the run come before everything that is due, at moment zero.
        self.feed_inputs(run, Moment::ZERO);
        let verdict = loop {
            if run.engine.has_occurred(0) {
                panics::panic_once_if_requested("driver");
            }
            let mut is_guard_killed = self.catch_up(run).await;
            let now = self.clock.now();
            run.engine.advance(now, &mut run.recorder);
            is_guard_killed |= self.feed_inputs(run, now);
            self.apply_effects(run).await;
            if is_guard_killed {
                // This reaches processes outside their groups too, which hold pipes open.
                self.processes.kill_remaining().await;
            }
            self.publish_if_due(run);
            self.flush(run, false);
            self.show_unresponsive(run);
            if let Some(verdict) = run.engine.verdict() {
                break verdict;
            }
            if run.recorder.is_stalled() && !self.is_hurried {
                self.wait_for_log(run).await;
            } else {
                self.wait(run).await;
            }
        };
        self.processes.kill_remaining().await;
        if let Some(dropped) =
            self.publisher.as_ref().map(WebPublisher::dropped_readers).filter(|dropped| *dropped > 0)
        {
            run.recorder.show_dropped_pages(run.recorder.last_moment(), dropped);
        }
        self.is_hurried |= matches!(verdict, RunVerdict::Interrupted(Some(_)));
        let finished = self.finish_log(run).await;
        match self.log_error.take() {
            Some(error) => Err(error),
            None => finished.map(|()| verdict),
        }
    }

    /// If this process stood still (it was stopped, or the machine slept), takes what came meanwhile before
    /// it judges any limit of time: a line that waits in a pipe was said in time. Such inputs are of the
    /// last moment before the first that was missed. Returns whether the guard has been killed.
    async fn catch_up(&mut self, run: &mut DrivenRun) -> bool {
        let Some(due) = run.engine.next_due() else { return false };
        if self.clock.now().since(due).to_std() < STOOD_STILL || due == Moment::ZERO {
            return false;
        }
        let mut is_guard_killed = false;
        let before = Moment(due.0 - 1);
        for _ in 0..MAX_CATCH_UP_TURNS {
            // Each turn lets every reader read once.
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
            if self.inbox.is_empty() {
                break;
            }
            is_guard_killed |= self.feed_inputs(run, before);
        }
        is_guard_killed
    }

    /// Ends a run whose engine or recorder has panicked. The engine receives the panic before all other
    /// inputs, and has some time for an orderly end; after that all programs are killed, and it has a
    /// moment more. (The input that it was handling is lost, which may be an exit that it waits for.) If
    /// it panics again, the log ends with the last event that was decided.
    async fn end_after_panic(&mut self, run: &mut DrivenRun) -> Result<RunVerdict, RecordError> {
        for timeout in PANIC_END_TIMEOUTS {
            match tokio::time::timeout(timeout, panics::catch_future(self.run(run))).await {
                Ok(Some(verdict)) => return verdict,
                Ok(None) => break,
                Err(_) => self.processes.kill_remaining().await,
            }
        }
        self.processes.kill_remaining().await;
        self.is_hurried = true;
        self.finish_log(run).await.map(|()| RunVerdict::InternalError)
    }

    /// Feeds the engine all inputs in the inbox, with one reading of the clock for all of them. Returns
    /// whether the guard has been killed, so that all programs must end at once.
    fn feed_inputs(&mut self, run: &mut DrivenRun, now: Moment) -> bool {
        let mut is_guard_killed = false;
        // A panic goes first: other inputs may be its consequences.
        if !self.has_panicked
            && let Some(error) = panics::first_panic()
        {
            self.has_panicked = true;
            run.engine.handle_input(
                now,
                &Input::InternalError { error: self.context.secrets.redact(error) },
                &mut run.recorder,
            );
        }
        self.take_page_actions();
        if let Some(note) = self.fetches.take_note() {
            run.recorder.show_fetch_warning(now, "requests wait", &note);
        }
        self.inbox.take_all(&mut self.inputs);
        for mut input in self.inputs.drain(..) {
            redact_typed_input(&mut input, &self.context.secrets);
            is_guard_killed |= matches!(input, Input::SignalReceived(Signal::KILL));
            if is_end_request(&input) {
                self.is_hurried = true;
                run.recorder.hurry();
            }
            run.engine.handle_input(now, &input, &mut run.recorder);
            self.inbox.recycle(input);
        }
        is_guard_killed
    }

    /// Applies the engine's effects.
    async fn apply_effects(&mut self, run: &mut DrivenRun) {
        run.recorder.take_effects(&mut self.effects);
        let mut is_to_suspend = false;
        for effect in self.effects.drain(..) {
            match effect {
                Effect::SuspendRun => is_to_suspend = true,
                Effect::StartSpawn { source, preset, nth, instance } => {
                    self.processes.start(source, preset, SpawnNumber { nth, instance });
                }
                Effect::StopSpawn { source } => self.processes.stop(source),
                Effect::KillSpawn { source } => self.processes.kill(source),
                Effect::WatchSpawn { source } => self.processes.watch(source),
                Effect::SignalSpawn { source, signal } => self.processes.signal(source, signal),
                Effect::SendInput { source, bytes } => self.processes.send(source, bytes),
                Effect::CloseInput { source } => self.processes.send(source, ProcessInput::End),
                Effect::SubscribeToWorld { source } => self.processes.subscribe_to_world(source),
                Effect::BroadcastWorld { line, skipped } => {
                    if let Some(publisher) = &self.publisher {
                        publisher.broadcast(&line);
                    }
                    self.processes.broadcast_world(&line, skipped);
                }
                Effect::StartRequest { source, job, url, due, captured, player } => {
                    let late = due.map_or(Span::ZERO, |due| self.clock.now().since(due));
                    let late = self.clock.machine_span(late);
                    self.fetches.start_late(source, (job, url, captured), player, late);
                }
                Effect::ChangeLink { link, faults, reset } => self.links.change(link, faults, reset),
                Effect::EndSession { session } => self.fetches.end_session(session),
                Effect::WarnAboutFetch { job, text } => {
                    run.recorder.show_fetch_warning(self.clock.now(), &job, &text)
                }
                Effect::CancelRequest { source } => self.fetches.cancel(source),
                Effect::AttachTerminal { source } => {
                    let note = format!("attached to {source}: Ctrl-] gives the terminal back");
                    if let Err(error) = self.processes.attach(source, note) {
                        run.recorder.show_lines(self.clock.now(), &[error]);
                    }
                }
                Effect::ShowStatus => {
                    let status = run.engine.status();
                    run.recorder.show_status(self.clock.now(), &status);
                }
                Effect::ShowLines { lines } => run.recorder.show_lines(self.clock.now(), &lines),
            }
        }
        if is_to_suspend {
            self.suspend(run).await;
        }
    }

    /// Shows the programs that do not end, once a second; of many, the first [`MAX_UNRESPONSIVE_SHOWN`].
    fn show_unresponsive(&mut self, run: &mut DrivenRun) {
        for notice in self.processes.take_notices() {
            run.recorder.show_warning(&notice);
        }
        let unresponsive = self.processes.take_unresponsive();
        for one in unresponsive.iter().take(MAX_UNRESPONSIVE_SHOWN) {
            run.recorder.show_note(self.clock.now(), one.source, &one.to_string());
        }
        if !unresponsive.is_empty() {
            self.flush(run, true);
        }
    }

    /// Makes inputs of what was done on pages.
    fn take_page_actions(&mut self) {
        while let Some(action) = self.publisher.as_mut().and_then(WebPublisher::try_next_action) {
            self.apply_page_action(action);
        }
    }

    /// Makes an input of an action on a page.
    fn apply_page_action(&self, action: PageAction) {
        match action {
            PageAction::Typed(text) => self.inbox.push(Input::CommandTyped { text, unredacted: None }),
            PageAction::Joined { guest, player } => {
                self.inbox.push(Input::PlayerJoined { source: Source::Guest(guest), player });
            }
            PageAction::Moved { guest, direction } => {
                self.inbox.push(Input::PlayerMoved { source: Source::Guest(guest), direction });
            }
            PageAction::Left { guest } => self.inbox.push(Input::PlayerLeft { source: Source::Guest(guest) }),
            // A page of a run sends no actions of a playback.
            PageAction::Playback(_) => {}
        }
    }

    /// Publishes the progress of the run if it has changed, but not too often.
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

    fn publish(&mut self, run: &mut DrivenRun, is_clock_running: bool) {
        let now = self.clock.now();
        let progress = run.engine.progress(now);
        if let (Some(publisher), Some(page)) = (&self.publisher, &self.page) {
            let progress = Some(&progress);
            let view = PageView { t: now, is_clock_running, progress, readers: (0, 0), playback: None };
            publisher.publish(&mut page.borrow_mut(), view);
        }
        if let Some(latest) = &self.latest_progress {
            latest.set(now, progress);
        }
    }

    /// Stops the run and all its programs until the shell continues the job.
    async fn suspend(&mut self, run: &mut DrivenRun) {
        if let Some(latest) = &self.latest_progress {
            latest.set_hidden(true);
        }
        if let Some(typed) = &self.typed_line {
            typed.give_back();
        }
        if self.publisher.is_some() {
            self.publish(run, false);
        }
        self.clock.stop();
        self.processes.stop_groups();
        self.flush(run, true);
        // The pause must be in the log and on the screen before this process stops.
        job_control::suspend_after(WRITE_GRACE).await;
        let took = self.clock.resume();
        self.inbox.paused_time().add(took.to_std());
        self.processes.continue_groups(took.to_std());
        self.inbox.push(Input::RunResumed { took });
        self.has_changed = true;
        if let Some(typed) = &self.typed_line {
            typed.resume();
        }
        if let Some(latest) = &self.latest_progress {
            latest.set_hidden(false);
        }
    }

    /// Flushes the log if it is time, or if it is forced. If the log cannot be written, the run is stopped
    /// in order.
    fn flush(&mut self, run: &mut DrivenRun, is_forced: bool) {
        if !is_forced && !run.recorder.is_large() && self.flushed_at.elapsed() < FLUSH_INTERVAL {
            return;
        }
        self.flushed_at = Instant::now();
        self.next_flush.as_mut().reset(self.flushed_at + FLUSH_INTERVAL);
        if self.log_error.is_none()
            && let Err(error) = run.recorder.flush()
        {
            self.log_error = Some(error);
            self.inbox.push(Input::SignalReceived(Signal::TERM));
        }
    }

    /// Waits until there is something to do. Always lets the tasks of processes and requests run once.
    async fn wait(&mut self, run: &mut DrivenRun) {
        tokio::task::yield_now().await;
        let due = run.engine.next_due();
        let left = due.map(|due| due.since(self.clock.now()).to_std());
        // Flush at once if nothing is due for a moment, but not for each of thousands of answers a second.
        if run.recorder.is_dirty()
            && left.is_none_or(|left| left > IDLE_FLUSH_DELAY)
            && self.flushed_at.elapsed() >= IDLE_FLUSH_DELAY
        {
            self.flush(run, true);
        }
        let next_check = self.processes.next_unresponsive_check().map(Instant::from_std);
        let unresponsive_check = async {
            match next_check {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let next_publication = (self.has_changed
            && (self.latest_progress.is_some() || self.publisher.is_some()))
        .then(|| self.published_at + PUBLISH_INTERVAL);
        let publication = async {
            match next_publication {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let page_action = async {
            match &mut self.publisher {
                Some(publisher) => publisher.next_action().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.inbox.wait_for_input() => {}
            () = panics::wait_for_panic(), if !self.has_panicked => {}
            () = self.clock.sleep_until(due.unwrap_or_default()), if due.is_some() => {}
            () = &mut self.next_flush, if run.recorder.is_dirty() => {}
            () = unresponsive_check => {}
            () = publication => {}
            action = page_action => {
                self.has_changed = true;
                if let Some(action) = action {
                    self.apply_page_action(action);
                }
            }
        }
    }
}
