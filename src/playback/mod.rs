//! The playback: a logged run is shown again at its own pace, or at another one.
//!
//! # How it works
//!
//! Each turn shows what is due by now, and then waits for the first of: a signal, a key, the next
//! line's moment, something in the pipe that the log comes through. A jump is many turns: whatever
//! the size of the log, it can be left at any time.
//!
//! It starts nothing, and changes no file.

pub mod position_line;

mod clock;
mod controls;
mod cursor;
mod skipped;

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

/// How often the last line is looked at.
const REFRESH_INTERVAL: Duration = Duration::from_millis(100);

/// How many lines one turn takes at most, and how much text.
const MAX_LINES_PER_TURN: usize = 10_000;
const MAX_TEXT_PER_TURN: usize = 64 << 10;

/// What is played, and how.
pub struct PlaybackSetup {
    /// The log.
    pub log: File,
    /// What makes text of it.
    pub renderer: LineRenderer,
    /// How many times as fast as the run; infinite to never wait.
    pub speed: f64,
    /// No pause between two events is longer.
    pub idle_limit: Option<Span>,
    /// Whether keys are taken from the terminal on standard input.
    pub has_keys: bool,
    /// Whether a last line on standard error says where one is.
    pub has_position_line: bool,
    /// The live page that is made of it and who serves it, if it is served. Then the end of the log ends
    /// nothing: people may want to see something again.
    pub served: Option<(LivePage, PageServer)>,
}

/// How a playback ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlaybackEnd {
    /// All was shown; the log may have been cut short.
    Completed(Option<TruncatedEnd>),
    /// Somebody has seen enough.
    Quit,
    /// By a signal.
    Signalled(Signal),
}

/// Plays a log to its end.
///
/// # Errors
/// When the runtime, or a way to hear signals or keys, cannot be had: nothing was shown. Within that:
/// when the log cannot be read on; what comes before was shown.
pub fn drive(playback: PlaybackSetup) -> Result<Result<PlaybackEnd, LogReadError>, String> {
    let runtime = runtime::build().map_err(|error| format!("the runtime cannot start: {error}"))?;
    runtime.block_on(async {
        let PlaybackSetup {
            log,
            renderer: screen,
            speed,
            idle_limit,
            has_keys,
            has_position_line: has_line,
            served,
        } = playback;
        let (page, pages) = served.map(|(page, server)| (page, WebPublisher::new(server))).unzip();
        let refused = |error| format!("the playback cannot start: {error}");
        let job = JobSignals::listen().map_err(refused)?;
        let source = ReadableFd::new(&log).map_err(refused)?;
        let tape = match LogCursor::new(log, screen, page) {
            Ok(tape) => tape,
            Err(unreadable) => return Ok(Err(unreadable)),
        };
        let keys = has_keys.then(KeyReader::open).transpose().map_err(refused)?;
        let mut player = PlaybackLoop {
            end: (has_line || pages.is_some()).then(|| tape.last_moment()).flatten(),
            cursor: tape,
            clock: PlaybackClock::new(speed, idle_limit),
            screen: PlaybackScreen::new(has_line),
            job,
            keys,
            source,
            began_at: Instant::now(),
            turn_at: Span::ZERO,
            next: None,
            jump: None,
            is_stepping: false,
            note: None,
            publisher: pages,
            published_at: None,
            needs_full_state: false,
        };
        let ended = player.play().await;
        player.screen.clear();
        if let Some(pages) = player.publisher.take() {
            pages.close();
        }
        Ok(ended)
    })
}

/// What is to be done before the next turn.
enum PlaybackTurn {
    /// Nothing: more is due.
    More,
    /// To wait for a time, or for a key.
    Wait(Option<Span>),
    /// To wait for the pipe.
    AwaitInput,
    /// All was shown.
    Finished,
}

/// A jump that has not arrived.
struct PlaybackJump {
    to: Moment,
    skipped: SkippedLines,
}

struct PlaybackLoop {
    cursor: LogCursor,
    clock: PlaybackClock,
    screen: PlaybackScreen,
    job: JobSignals,
    keys: Option<KeyReader>,
    source: ReadableFd,
    began_at: Instant,
    /// When the last turn was.
    turn_at: Span,
    /// The run's last moment, where it is known.
    end: Option<Moment>,
    /// The moment of the next line, where it is known.
    next: Option<Moment>,
    jump: Option<PlaybackJump>,
    is_stepping: bool,
    note: Option<&'static str>,
    publisher: Option<WebPublisher>,
    /// When pages were last shown something.
    published_at: Option<Instant>,
    /// A jump has arrived, which pages have not been shown.
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

    /// The moment that it is in the run, at a time.
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

    /// Shows what is due, or goes on with a jump.
    fn take_turn(&mut self, text: &mut String) -> Result<PlaybackTurn, LogReadError> {
        for _ in 0..MAX_LINES_PER_TURN {
            if text.len() >= MAX_TEXT_PER_TURN {
                break;
            }
            let done = match self.jump.take() {
                Some(jump) => self.continue_jump(jump, text)?,
                None => self.show_next(text)?,
            };
            if let Some(turn) = done {
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
            // A pipe may have let us wait for the beginning.
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

    /// Passes over the next line, or shows where the jump has arrived.
    fn continue_jump(
        &mut self,
        mut jump: PlaybackJump,
        text: &mut String,
    ) -> Result<Option<PlaybackTurn>, LogReadError> {
        let at = match self.cursor.next() {
            // A page knows nothing of a run without the first line.
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
            // What is wrong is told again behind what is shown here.
            Ok(NextLine::End) | Err(_) => jump.to.min(self.cursor.last_read_moment()),
        };
        self.cursor.render_arrival(at, &jump.skipped, text)?;
        self.clock.jump_to(at, self.now());
        self.turn_at = self.now();
        self.needs_full_state = true;
        Ok(None)
    }

    /// Shows pages what is new, not too often.
    fn publish(&mut self) {
        let is_soon = self.published_at.is_some_and(|seen| seen.elapsed() < REFRESH_INTERVAL);
        if self.jump.is_some() || (is_soon && !self.needs_full_state) {
            return;
        }
        let PlaybackPosition { is_paused, at, end, speed, .. } = self.position();
        let (Some(pages), Some(page)) = (&self.publisher, self.cursor.page()) else { return };
        let seconds = |moment: Moment| moment.0 as f64 / 1e9;
        let playback = Some(page::PlaybackStatus {
            end: end.map(seconds),
            speed: Some(speed).filter(|s| s.is_finite()),
            is_paused,
        });
        let look =
            PageView { t: at, is_clock_running: !is_paused, progress: None, readers: (0, 0), playback };
        if std::mem::take(&mut self.needs_full_state) {
            pages.publish_full_state(page, look);
        }
        pages.publish(page, look);
        self.published_at = Some(Instant::now());
    }

    /// Waits until there is something to do. How the playback ended, if it did.
    async fn wait(&mut self, turn: PlaybackTurn) -> Result<Option<PlaybackEnd>, LogReadError> {
        let (is_more, is_dry) =
            (matches!(turn, PlaybackTurn::More), matches!(turn, PlaybackTurn::AwaitInput));
        let look = self.turn_at.to_std() + REFRESH_INTERVAL;
        let wake = match turn {
            PlaybackTurn::Wait(Some(due)) => look.min(due.to_std()),
            _ => look,
        };
        tokio::select! {
            biased;
            notice = self.job.next() => return Ok(self.handle_signal(notice)),
            key = next_key(&mut self.keys) => return self.handle_key(key),
            act = next_page_action(&mut self.publisher) => {
                self.published_at = None;
                if let Some(act) = act {
                    self.handle_page_action(act)?;
                }
            }
            () = tokio::task::yield_now(), if is_more => {}
            () = self.source.wait_readable(), if is_dry => self.cursor.read_on(),
            () = sleep_until(self.began_at + wake), if !is_more => {}
        }
        Ok(None)
    }

    /// Nobody looks any more: as good as left, unless that came with a signal.
    async fn end_unwatched(&mut self) -> PlaybackEnd {
        tokio::select! {
            biased;
            notice = self.job.next() => match notice {
                JobSignal::End(signal) => PlaybackEnd::Signalled(signal),
                _ => PlaybackEnd::Quit,
            },
            () = tokio::time::sleep(Duration::from_millis(1)) => PlaybackEnd::Quit,
        }
    }
}

async fn next_page_action(pages: &mut Option<WebPublisher>) -> Option<PageAction> {
    match pages {
        Some(pages) => pages.next_action().await,
        None => std::future::pending().await,
    }
}

async fn next_key(keys: &mut Option<KeyReader>) -> TerminalKey {
    match keys {
        Some(keys) => keys.next_key().await,
        None => std::future::pending().await,
    }
}
