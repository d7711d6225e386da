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

mod controls;
mod cursor;
mod skipped;
mod speed;

use std::fs::File;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::io::job_control::{Job, Notice};
use crate::io::runtime;
use crate::io::terminal::keys::{Key, Keys};
use crate::io::wait_readable::Readable;
use crate::playback::cursor::{Next, Tape};
use crate::playback::position_line::{Position, Stage};
use crate::playback::skipped::Passed;
use crate::playback::speed::Pace;
use crate::run::web_publisher::Pages;
use crate::terminal::event_lines::Screen;
use crate::web::page;
use crate::web::page::{Look, Page};
use crate::web::server::{Act, Server};
use scenario_log::reader::{Cut, Unreadable};
use scenario_log::signal::Signal;
use scenario_log::time::{Moment, Span};

/// How often the last line is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// How many lines one turn takes at most, and how much text.
const LINES: usize = 10_000;
const LARGE: usize = 64 << 10;

/// What is played, and how.
pub struct Playback {
    /// The log.
    pub log: File,
    /// What makes text of it.
    pub screen: Screen,
    /// How many times as fast as the run; infinite to never wait.
    pub speed: f64,
    /// No pause between two events is longer.
    pub idle_limit: Option<Span>,
    /// Whether keys are taken from the terminal on standard input.
    pub has_keys: bool,
    /// Whether a last line on standard error says where one is.
    pub has_line: bool,
    /// The live page that is made of it and who serves it, if it is served. Then the end of the log ends
    /// nothing: people may want to see something again.
    pub served: Option<(Page, Server)>,
}

/// How a playback ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All was shown; the log may have been cut short.
    Shown(Option<Cut>),
    /// Somebody has seen enough.
    Left,
    /// By a signal.
    Signalled(Signal),
}

/// Plays a log to its end.
///
/// # Errors
/// When the runtime, or a way to hear signals or keys, cannot be had: nothing was shown. Within that:
/// when the log cannot be read on; what comes before was shown.
pub fn drive(playback: Playback) -> Result<Result<Ended, Unreadable>, String> {
    let runtime = runtime::new().map_err(|error| format!("the runtime cannot start: {error}"))?;
    runtime.block_on(async {
        let Playback { log, screen, speed, idle_limit, has_keys, has_line, served } = playback;
        let (page, pages) = served.map(|(page, server)| (page, Pages::new(server))).unzip();
        let refused = |error| format!("the playback cannot start: {error}");
        let job = Job::watch().map_err(refused)?;
        let source = Readable::new(&log).map_err(refused)?;
        let tape = match Tape::new(log, screen, page) {
            Ok(tape) => tape,
            Err(unreadable) => return Ok(Err(unreadable)),
        };
        let keys = has_keys.then(Keys::take).transpose().map_err(refused)?;
        let mut player = Player {
            end: (has_line || pages.is_some()).then(|| tape.end()).flatten(),
            tape,
            pace: Pace::new(speed, idle_limit),
            stage: Stage::new(has_line),
            job,
            keys,
            source,
            began: Instant::now(),
            looked: Span::ZERO,
            next: None,
            jump: None,
            is_stepping: false,
            note: None,
            pages,
            seen: None,
            is_anew: false,
        };
        let ended = player.play().await;
        player.stage.clear();
        if let Some(pages) = player.pages.take() {
            pages.end();
        }
        Ok(ended)
    })
}

/// What is to be done before the next turn.
enum Turn {
    /// Nothing: more is due.
    More,
    /// To wait for a time, or for a key.
    Wait(Option<Span>),
    /// To wait for the pipe.
    Dry,
    /// All was shown.
    Over,
}

/// A jump that has not arrived.
struct Jump {
    to: Moment,
    passed: Passed,
}

struct Player {
    tape: Tape,
    pace: Pace,
    stage: Stage,
    job: Job,
    keys: Option<Keys>,
    source: Readable,
    began: Instant,
    /// When the last turn was.
    looked: Span,
    /// The run's last moment, where it is known.
    end: Option<Moment>,
    /// The moment of the next line, where it is known.
    next: Option<Moment>,
    jump: Option<Jump>,
    is_stepping: bool,
    note: Option<&'static str>,
    pages: Option<Pages>,
    /// When pages were last shown something.
    seen: Option<Instant>,
    /// A jump has arrived, which pages have not been shown.
    is_anew: bool,
}

impl Player {
    async fn play(&mut self) -> Result<Ended, Unreadable> {
        let mut text = String::new();
        loop {
            self.looked = self.now();
            let turn = self.turn(&mut text);
            let shown = self.stage.show(&text, &self.position());
            text.clear();
            self.show_pages();
            let turn = turn?;
            if let Turn::Over = turn {
                return Ok(Ended::Shown(self.tape.cut()));
            }
            if shown.is_err() {
                return Ok(self.unseen().await);
            }
            if let Some(ended) = self.wait(turn).await? {
                return Ok(ended);
            }
        }
    }

    /// The time since the playback began.
    fn now(&self) -> Span {
        Span::from_std(self.began.elapsed())
    }

    /// The moment that it is in the run, at a time.
    fn at(&self, now: Span) -> Moment {
        match &self.jump {
            Some(jump) => self.end.map_or(jump.to, |end| jump.to.min(end)),
            None => self.pace.position(now, self.next),
        }
    }

    fn position(&self) -> Position {
        let (is_paused, speed) = (self.pace.is_paused(), self.pace.speed());
        Position { is_paused, at: self.at(self.looked), end: self.end, speed, note: self.note }
    }

    /// Shows what is due, or goes on with a jump.
    fn turn(&mut self, text: &mut String) -> Result<Turn, Unreadable> {
        for _ in 0..LINES {
            if text.len() >= LARGE {
                break;
            }
            let done = match self.jump.take() {
                Some(jump) => self.jump_on(jump, text)?,
                None => self.show_next(text)?,
            };
            if let Some(turn) = done {
                return Ok(turn);
            }
        }
        Ok(Turn::More)
    }

    /// Shows the next line, if it is due.
    fn show_next(&mut self, text: &mut String) -> Result<Option<Turn>, Unreadable> {
        let next = self.tape.next()?;
        self.next = None;
        let t = match next {
            Next::At(t) => t,
            Next::Dry => return Ok(Some(Turn::Dry)),
            Next::End if self.pace.is_paused() => return Ok(Some(Turn::Wait(None))),
            Next::End if self.pages.is_some() => {
                let reached = self.tape.reached();
                self.pace.pause(true, reached, self.looked);
                return Ok(Some(Turn::Wait(None)));
            }
            Next::End => return Ok(Some(Turn::Over)),
        };
        self.next = Some(t);
        if self.tape.lines() == 0 {
            // A pipe may have let us wait for the beginning.
            self.pace.set(Moment::ZERO, self.looked);
        }
        if std::mem::take(&mut self.is_stepping) {
            self.pace.set(t, self.looked);
            self.tape.show(text)?;
            return Ok(None);
        }
        match self.pace.due(t) {
            Some(due) if due <= self.looked => {
                self.pace.shown(t);
                self.tape.show(text)?;
                Ok(None)
            }
            due => Ok(Some(Turn::Wait(due))),
        }
    }

    /// Passes over the next line, or shows where the jump has arrived.
    fn jump_on(&mut self, mut jump: Jump, text: &mut String) -> Result<Option<Turn>, Unreadable> {
        let at = match self.tape.next() {
            // A page knows nothing of a run without the first line.
            Ok(Next::At(t)) if t < jump.to || (self.pages.is_some() && self.tape.lines() == 0) => {
                self.tape.pass_over(&mut jump.passed)?;
                self.jump = Some(jump);
                return Ok(None);
            }
            Ok(Next::Dry) => {
                self.jump = Some(jump);
                return Ok(Some(Turn::Dry));
            }
            Ok(Next::At(_)) => jump.to,
            // What is wrong is told again behind what is shown here.
            Ok(Next::End) | Err(_) => jump.to.min(self.tape.reached()),
        };
        self.tape.arrive(at, &jump.passed, text)?;
        self.pace.set(at, self.now());
        self.looked = self.now();
        self.is_anew = true;
        Ok(None)
    }

    /// Shows pages what is new, not too often.
    fn show_pages(&mut self) {
        let is_soon = self.seen.is_some_and(|seen| seen.elapsed() < LOOK);
        if self.jump.is_some() || (is_soon && !self.is_anew) {
            return;
        }
        let Position { is_paused, at, end, speed, .. } = self.position();
        let (Some(pages), Some(page)) = (&self.pages, self.tape.page()) else { return };
        let seconds = |moment: Moment| moment.0 as f64 / 1e9;
        let playback = Some(page::Playback {
            end: end.map(seconds),
            speed: Some(speed).filter(|s| s.is_finite()),
            is_paused,
        });
        let look = Look { t: at, is_going: !is_paused, standing: None, readers: (0, 0), playback };
        if std::mem::take(&mut self.is_anew) {
            pages.show_anew(page, look);
        }
        pages.show(page, look);
        self.seen = Some(Instant::now());
    }

    /// Waits until there is something to do. How the playback ended, if it did.
    async fn wait(&mut self, turn: Turn) -> Result<Option<Ended>, Unreadable> {
        let (is_more, is_dry) = (matches!(turn, Turn::More), matches!(turn, Turn::Dry));
        let look = self.looked.to_std() + LOOK;
        let wake = match turn {
            Turn::Wait(Some(due)) => look.min(due.to_std()),
            _ => look,
        };
        tokio::select! {
            biased;
            notice = self.job.next() => return Ok(self.heed(notice)),
            key = key(&mut self.keys) => return self.press(key),
            act = stirred(&mut self.pages) => {
                self.seen = None;
                if let Some(act) = act {
                    self.act(act)?;
                }
            }
            () = tokio::task::yield_now(), if is_more => {}
            () = self.source.wait(), if is_dry => self.tape.read_on(),
            () = sleep_until(self.began + wake), if !is_more => {}
        }
        Ok(None)
    }

    /// Nobody looks any more: as good as left, unless that came with a signal.
    async fn unseen(&mut self) -> Ended {
        tokio::select! {
            biased;
            notice = self.job.next() => match notice {
                Notice::End(signal) => Ended::Signalled(signal),
                _ => Ended::Left,
            },
            () = tokio::time::sleep(Duration::from_millis(1)) => Ended::Left,
        }
    }
}

async fn stirred(pages: &mut Option<Pages>) -> Option<Act> {
    match pages {
        Some(pages) => pages.stir().await,
        None => std::future::pending().await,
    }
}

async fn key(keys: &mut Option<Keys>) -> Key {
    match keys {
        Some(keys) => keys.next().await,
        None => std::future::pending().await,
    }
}
