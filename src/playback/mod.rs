//! The playback: shows a logged run again, at its own speed or at another one.
//!
//! # How it works
//!
//! Each turn of the loop shows the lines that are due, and then waits for the first of: a signal, a key,
//! an action on the live page, the moment of the next line, more bytes in the pipe of the log. A jump
//! takes many turns, so it can be ended at any time, whatever the size of the log.
//!
//! The playback starts no program and changes no file.

pub mod position_line;

mod clock;
mod controls;
mod cursor;
mod line_text;
mod skipped;

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::io::job_control::{JobSignal, JobSignals};
use crate::io::runtime;
use crate::io::terminal::keys::{KeyReader, TerminalKey};
use crate::io::wait_readable::ReadableFd;
use crate::playback::clock::PlaybackClock;
use crate::playback::cursor::{LogCursor, NextLine};
use crate::playback::position_line::{PlaybackPosition, PlaybackScreen};
use crate::playback::skipped::SkippedLines;
use crate::run::web_publisher::WebPublisher;
use crate::terminal::event_lines::LineRenderer;
use crate::web::page;
use crate::web::page::{LivePage, PageView};
use crate::web::server::{PageAction, PageServer};
use scenario_log::reader::{LogReadError, TruncatedEnd};
use scenario_log::signal::Signal;
use scenario_log::time::{Moment, Span};

/// The time between two refreshes of the position line and of the live page.
const REFRESH_INTERVAL: Duration = Duration::from_millis(100);

/// The most lines that one turn reads.
const MAX_LINES_PER_TURN: usize = 10_000;

/// The bytes of text after which a turn ends.
const MAX_TEXT_PER_TURN: usize = 64 << 10;

/// A log to play, and how to show it.
pub struct PlaybackSetup {
    /// The log.
    pub log: File,
    /// Renders the events.
    pub renderer: LineRenderer,
    /// Seconds of the run in a second of the machine; infinite to never wait.
    pub speed: f64,
    /// The longest pause between two events.
    pub idle_limit: Option<Span>,
    /// Whether standard input is a terminal whose keys control the playback.
    pub has_keys: bool,
    /// Whether the last line on standard error shows the position.
    pub has_position_line: bool,
    /// The live page of the log and its server, if it is served. The playback then goes on after the end
    /// of the log, because readers may want to go back.
    pub served: Option<(LivePage, PageServer)>,
}

/// How a playback ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlaybackEnd {
    /// The whole log was shown. It may have been cut short.
    Completed(Option<TruncatedEnd>),
    /// A person has ended it, with a key or by closing standard error.
    Quit,
    /// A signal has ended it.
    Signalled(Signal),
}

/// Why a playback did not reach its end.
#[derive(Debug)]
pub enum PlaybackError {
    /// The runtime, or the handlers of signals and keys, cannot be set up. Nothing was shown.
    Start(String),
    /// The log cannot be read on. The lines before were shown.
    Log(LogReadError),
}

impl From<LogReadError> for PlaybackError {
    fn from(error: LogReadError) -> PlaybackError {
        PlaybackError::Log(error)
    }
}

impl fmt::Display for PlaybackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlaybackError::Start(error) => f.write_str(error),
            PlaybackError::Log(error) => error.fmt(f),
        }
    }
}

impl Error for PlaybackError {}

/// Plays a log to its end.
///
/// # Errors
/// When the playback cannot start, or the log cannot be read on.
pub fn drive(playback: PlaybackSetup) -> Result<PlaybackEnd, PlaybackError> {
    let runtime = runtime::build()
        .map_err(|error| PlaybackError::Start(format!("the runtime cannot start: {error}")))?;
    runtime.block_on(async {
        let PlaybackSetup { log, renderer, speed, idle_limit, has_keys, has_position_line, served } =
            playback;
        let (page, publisher) = served.map(|(page, server)| (page, WebPublisher::new(server))).unzip();
        let refused = |error| PlaybackError::Start(format!("the playback cannot start: {error}"));
        let job_signals = JobSignals::listen().map_err(refused)?;
        let source = ReadableFd::new(&log).map_err(refused)?;
        let cursor = LogCursor::new(log, renderer, page)?;
        let keys = has_keys.then(KeyReader::open).transpose().map_err(refused)?;
        let mut playback = PlaybackLoop {
            end: (has_position_line || publisher.is_some()).then(|| cursor.last_moment()).flatten(),
            cursor,
            clock: PlaybackClock::new(speed, idle_limit),
            screen: PlaybackScreen::new(has_position_line),
            job_signals,
            keys,
            source,
            began_at: Instant::now(),
            turn_at: Span::ZERO,
            next: None,
            jump: None,
            is_stepping: false,
            note: None,
            publisher,
            published_at: None,
            needs_full_state: false,
        };
        let ended = playback.play().await;
        playback.screen.clear();
        playback.publish_end();
        if let Some(publisher) = playback.publisher.take() {
            publisher.close(false);
        }
        Ok(ended?)
    })
}

/// The wait between this turn and the next one.
enum PlaybackTurn {
    /// No wait: more lines are due.
    More,
    /// Wait until this time, or for a key.
    Wait(Option<Span>),
    /// Wait for the pipe.
    AwaitInput,
    /// The whole log was shown.
    Finished,
}

/// A jump that has not arrived yet.
struct PlaybackJump {
    to: Moment,
    skipped: SkippedLines,
}

struct PlaybackLoop {
    cursor: LogCursor,
    clock: PlaybackClock,
    screen: PlaybackScreen,
    job_signals: JobSignals,
    keys: Option<KeyReader>,
    source: ReadableFd,
    began_at: Instant,
    /// The time of the last turn.
    turn_at: Span,
    /// The run's last moment, if it is known.
    end: Option<Moment>,
    /// The moment of the next line, if it is known.
    next: Option<Moment>,
    jump: Option<PlaybackJump>,
    is_stepping: bool,
    note: Option<&'static str>,
    publisher: Option<WebPublisher>,
    /// When the live page was last published.
    published_at: Option<Instant>,
    /// Whether a jump has arrived and has not been published.
    needs_full_state: bool,
}

impl PlaybackLoop {
    async fn play(&mut self) -> Result<PlaybackEnd, LogReadError> {
        let mut text = String::new();
        loop {
            self.turn_at = self.now();
            let turn = self.take_turn(&mut text);
            let shown = self.screen.show(&text, &self.position());
            text.clear();
            self.publish();
            let turn = turn?;
            if let PlaybackTurn::Finished = turn {
                return Ok(PlaybackEnd::Completed(self.cursor.cut()));
            }
            if shown.is_err() {
                return Ok(self.end_unwatched().await);
            }
            if let Some(ended) = self.wait(turn).await? {
                return Ok(ended);
            }
        }
    }

    /// The time since the playback began.
    fn now(&self) -> Span {
        Span::from_std(self.began_at.elapsed())
    }

    /// The moment of the run at this time. During a jump it is the target.
    fn run_moment(&self, now: Span) -> Moment {
        match &self.jump {
            Some(jump) => self.end.map_or(jump.to, |end| jump.to.min(end)),
            None => self.clock.current_moment(now, self.next),
        }
    }

    fn position(&self) -> PlaybackPosition {
        let (is_paused, speed) = (self.clock.is_paused(), self.clock.speed());
        PlaybackPosition {
            is_paused,
            at: self.run_moment(self.turn_at),
            end: self.end,
            speed,
            note: self.note,
        }
    }

    /// Shows the lines that are due, or goes on with a jump.
    fn take_turn(&mut self, text: &mut String) -> Result<PlaybackTurn, LogReadError> {
        for _ in 0..MAX_LINES_PER_TURN {
            if text.len() >= MAX_TEXT_PER_TURN {
                break;
            }
            let turn = match self.jump.take() {
                Some(jump) => self.continue_jump(jump, text)?,
                None => self.show_next(text)?,
            };
            if let Some(turn) = turn {
                return Ok(turn);
            }
        }
        Ok(PlaybackTurn::More)
    }

    /// Shows the next line, if it is due.
    fn show_next(&mut self, text: &mut String) -> Result<Option<PlaybackTurn>, LogReadError> {
        let next = self.cursor.next()?;
        self.next = None;
        let t = match next {
            NextLine::At(t) => t,
            NextLine::NotReady => return Ok(Some(PlaybackTurn::AwaitInput)),
            NextLine::End if self.clock.is_paused() => return Ok(Some(PlaybackTurn::Wait(None))),
            NextLine::End if self.publisher.is_some() => {
                let reached = self.cursor.last_read_moment();
                self.clock.set_paused(true, reached, self.turn_at);
                return Ok(Some(PlaybackTurn::Wait(None)));
            }
            NextLine::End => return Ok(Some(PlaybackTurn::Finished)),
        };
        self.next = Some(t);
        if self.cursor.lines_read() == 0 {
            // The first line may have come late through a pipe.
            self.clock.jump_to(Moment::ZERO, self.turn_at);
        }
        if std::mem::take(&mut self.is_stepping) {
            self.clock.jump_to(t, self.turn_at);
            self.cursor.render_next(text)?;
            return Ok(None);
        }
        match self.clock.due_at(t) {
            Some(due) if due <= self.turn_at => {
                self.clock.note_shown(t);
                self.cursor.render_next(text)?;
                Ok(None)
            }
            due => Ok(Some(PlaybackTurn::Wait(due))),
        }
    }

    /// Skips the next line, or shows the arrival of the jump.
    fn continue_jump(
        &mut self,
        mut jump: PlaybackJump,
        text: &mut String,
    ) -> Result<Option<PlaybackTurn>, LogReadError> {
        let at = match self.cursor.next() {
            // The live page needs the first line, even for a jump to the start.
            Ok(NextLine::At(t))
                if t < jump.to || (self.publisher.is_some() && self.cursor.lines_read() == 0) =>
            {
                self.cursor.skip_next(&mut jump.skipped)?;
                self.jump = Some(jump);
                return Ok(None);
            }
            Ok(NextLine::NotReady) => {
                self.jump = Some(jump);
                return Ok(Some(PlaybackTurn::AwaitInput));
            }
            Ok(NextLine::At(_)) => jump.to,
            // The next turn returns the error again, after the arrival is shown.
            Ok(NextLine::End) | Err(_) => jump.to.min(self.cursor.last_read_moment()),
        };
        self.cursor.render_arrival(at, &jump.skipped, text)?;
        self.clock.jump_to(at, self.now());
        self.turn_at = self.now();
        self.needs_full_state = true;
        Ok(None)
    }

    /// Publishes the live page, but not too often.
    fn publish(&mut self) {
        let is_recent = self.published_at.is_some_and(|published| published.elapsed() < REFRESH_INTERVAL);
        if self.jump.is_some() || (is_recent && !self.needs_full_state) {
            return;
        }
        let PlaybackPosition { is_paused, at, end, speed, .. } = self.position();
        let (Some(publisher), Some(page)) = (&self.publisher, self.cursor.page()) else { return };
        let seconds = |moment: Moment| moment.0 as f64 / 1e9;
        let playback = Some(page::PlaybackStatus {
            end: end.map(seconds),
            speed: Some(speed).filter(|s| s.is_finite()),
            is_paused,
        });
        let view =
            PageView { t: at, is_clock_running: !is_paused, progress: None, readers: (0, 0), playback };
        if std::mem::take(&mut self.needs_full_state) {
            publisher.publish_full_state(page, view);
        }
        publisher.publish(page, view);
        self.published_at = Some(Instant::now());
    }

    /// Publishes that the playback has ended where it is: its clock stands still. Pages receive it before
    /// they are disconnected.
    fn publish_end(&mut self) {
        let now = self.now();
        let reached = self.run_moment(now);
        self.clock.set_paused(true, reached, now);
        self.jump = None;
        self.turn_at = now;
        self.published_at = None;
        self.publish();
    }

    /// Waits until there is something to do. Returns how the playback ended, if it did.
    async fn wait(&mut self, turn: PlaybackTurn) -> Result<Option<PlaybackEnd>, LogReadError> {
        let (has_more, awaits_input) =
            (matches!(turn, PlaybackTurn::More), matches!(turn, PlaybackTurn::AwaitInput));
        let refresh = self.turn_at.to_std() + REFRESH_INTERVAL;
        let wake = match turn {
            PlaybackTurn::Wait(Some(due)) => refresh.min(due.to_std()),
            _ => refresh,
        };
        tokio::select! {
            biased;
            signal = self.job_signals.next() => return Ok(self.handle_signal(signal)),
            key = next_key(&mut self.keys) => return self.handle_key(key),
            action = next_page_action(&mut self.publisher) => {
                self.published_at = None;
                if let Some(action) = action {
                    self.handle_page_action(action)?;
                }
            }
            () = tokio::task::yield_now(), if has_more => {}
            () = self.source.wait_readable(), if awaits_input => self.cursor.read_on(),
            () = sleep_until(self.began_at + wake), if !has_more => {}
        }
        Ok(None)
    }

    /// How the playback ends once standard error is closed: as with the key `q`, unless a signal came with
    /// it.
    async fn end_unwatched(&mut self) -> PlaybackEnd {
        tokio::select! {
            biased;
            signal = self.job_signals.next() => match signal {
                JobSignal::End(signal) => PlaybackEnd::Signalled(signal),
                _ => PlaybackEnd::Quit,
            },
            () = tokio::time::sleep(Duration::from_millis(1)) => PlaybackEnd::Quit,
        }
    }
}

async fn next_page_action(publisher: &mut Option<WebPublisher>) -> Option<PageAction> {
    match publisher {
        Some(publisher) => publisher.next_action().await,
        None => std::future::pending().await,
    }
}

async fn next_key(keys: &mut Option<KeyReader>) -> TerminalKey {
    match keys {
        Some(keys) => keys.next_key().await,
        None => std::future::pending().await,
    }
}
