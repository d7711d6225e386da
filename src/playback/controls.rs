//! What signals and keys ask of a playback, done. What a key means is for [`Pace`](crate::playback::speed::Pace)
//! to say.

use crate::io::job_control;
use crate::io::job_control::Notice;
use crate::io::terminal::keys::Key;
use crate::web::server::{Act, Playback};
use scenario_log::reader::Unreadable;
use scenario_log::time::Moment;

use super::{Ended, Jump, Player};
use crate::playback::skipped::Passed;
use crate::playback::speed::Wish;

/// The rows of a terminal that a jump leaves free.
const FREE_ROWS: usize = 4;

const NO_WAY_BACK: &str = "a pipe cannot be read again";

impl Player {
    /// Does what a signal asks for.
    pub(super) fn heed(&mut self, notice: Notice) -> Option<Ended> {
        match notice {
            Notice::End(signal) => return Some(Ended::Signalled(signal)),
            Notice::Suspend => {
                let at = self.at(self.now());
                self.stage.clear();
                if let Some(keys) = &mut self.keys {
                    keys.release();
                }
                job_control::suspend();
                self.resume(at);
            }
            // Who was stopped without having been asked was stopped behind the last turn.
            Notice::GoOn => self.resume(self.at(self.looked)),
        }
        None
    }

    /// Goes on after a stop, where it was.
    fn resume(&mut self, at: Moment) {
        if let Some(keys) = &mut self.keys {
            keys.resume();
        }
        self.pace.set(at, self.now());
        self.looked = self.now();
    }

    /// Does what a key asks for.
    pub(super) fn press(&mut self, key: Key) -> Result<Option<Ended>, Unreadable> {
        self.note = None;
        let now = self.now();
        match self.pace.press(key, self.at(now), now) {
            None => {}
            Some(Wish::Leave) => return Ok(Some(Ended::Left)),
            Some(Wish::Step) => self.is_stepping = true,
            Some(Wish::Jump(to)) => self.start_jump(to)?,
        }
        Ok(None)
    }

    /// Does what a page asks for.
    pub(super) fn act(&mut self, act: Act) -> Result<(), Unreadable> {
        self.note = None;
        let now = self.now();
        let at = self.at(now);
        match act {
            Act::Playback(Playback::Pause) => self.pace.pause(true, at, now),
            Act::Playback(Playback::Go) => self.pace.pause(false, at, now),
            Act::Playback(Playback::Speed(speed)) => self.pace.go(speed, at, now),
            Act::Playback(Playback::To(seconds)) => {
                self.start_jump(Moment((seconds * 1e9).min(u64::MAX as f64) as u64))?;
            }
            // Nothing runs that could be told something.
            Act::Typed(_) | Act::Joined { .. } | Act::Moved { .. } | Act::Left { .. } => {}
        }
        Ok(())
    }

    fn start_jump(&mut self, to: Moment) -> Result<(), Unreadable> {
        let lines = self.tape.lines();
        if !self.tape.rewind(to)? {
            self.note = Some(NO_WAY_BACK);
            return Ok(());
        }
        (self.is_stepping, self.next) = (false, None);
        let rows = self.stage.rows().saturating_sub(FREE_ROWS).max(1);
        let unbroken = self.jump.take().filter(|_| self.tape.lines() == lines);
        let passed = unbroken.map_or_else(|| Passed::new(rows), |jump| jump.passed);
        self.jump = Some(Jump { to, passed });
        Ok(())
    }
}
