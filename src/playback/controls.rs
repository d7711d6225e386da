//! The controls of a playback: handles signals, keys and actions on the live page. The meaning of a key is
//! decided by the [clock](crate::playback::clock).

use crate::io::job_control;
use crate::io::job_control::JobSignal;
use crate::io::terminal::keys::TerminalKey;
use crate::web::server::{PageAction, PlaybackAction};
use scenario_log::reader::LogReadError;
use scenario_log::time::Moment;

use super::{PlaybackEnd, PlaybackJump, PlaybackLoop};
use crate::playback::clock::PlaybackCommand;
use crate::playback::skipped::SkippedLines;

/// The rows of the terminal that the skipped lines of a jump leave free.
const ROWS_KEPT_FREE: usize = 4;

const CANNOT_REWIND: &str = "a pipe cannot be read again";

impl PlaybackLoop {
    /// Handles a signal. Returns how the playback ends, if the signal ends it.
    pub(super) fn handle_signal(&mut self, signal: JobSignal) -> Option<PlaybackEnd> {
        match signal {
            JobSignal::End(signal) => return Some(PlaybackEnd::Signalled(signal)),
            JobSignal::Suspend => {
                let at = self.run_moment(self.now());
                self.screen.clear();
                if let Some(keys) = &mut self.keys {
                    keys.restore_modes();
                }
                job_control::suspend_self();
                self.resume(at);
            }
            // SIGSTOP gives no notice, so the last turn is the best estimate of when the program stopped.
            JobSignal::Continue => self.resume(self.run_moment(self.turn_at)),
        }
        None
    }

    /// Goes on after the program was stopped, at the moment where it stopped.
    fn resume(&mut self, at: Moment) {
        if let Some(keys) = &mut self.keys {
            keys.enter_key_mode();
        }
        self.clock.jump_to(at, self.now());
        self.turn_at = self.now();
    }

    /// Handles a key. Returns how the playback ends, if the key ends it.
    pub(super) fn handle_key(&mut self, key: TerminalKey) -> Result<Option<PlaybackEnd>, LogReadError> {
        self.note = None;
        let now = self.now();
        match self.clock.press_key(key, self.run_moment(now), now) {
            None => {}
            Some(PlaybackCommand::Quit) => return Ok(Some(PlaybackEnd::Quit)),
            Some(PlaybackCommand::Step) => self.is_stepping = true,
            Some(PlaybackCommand::Jump(to)) => self.start_jump(to)?,
        }
        Ok(None)
    }

    /// Handles an action on the live page.
    pub(super) fn handle_page_action(&mut self, action: PageAction) -> Result<(), LogReadError> {
        self.note = None;
        let now = self.now();
        let at = self.run_moment(now);
        match action {
            PageAction::Playback(PlaybackAction::Pause) => self.clock.set_paused(true, at, now),
            PageAction::Playback(PlaybackAction::Resume) => self.clock.set_paused(false, at, now),
            PageAction::Playback(PlaybackAction::SetSpeed(speed)) => self.clock.set_speed(speed, at, now),
            PageAction::Playback(PlaybackAction::Seek(seconds)) => {
                self.start_jump(Moment((seconds * 1e9).min(u64::MAX as f64) as u64))?;
            }
            // No run is going on that could take these inputs.
            PageAction::Typed(_)
            | PageAction::Joined { .. }
            | PageAction::Moved { .. }
            | PageAction::Left { .. } => {}
        }
        Ok(())
    }

    fn start_jump(&mut self, to: Moment) -> Result<(), LogReadError> {
        let lines = self.cursor.lines_read();
        if !self.cursor.rewind(to)? {
            self.note = Some(CANNOT_REWIND);
            return Ok(());
        }
        (self.is_stepping, self.next) = (false, None);
        let rows = self.screen.rows().saturating_sub(ROWS_KEPT_FREE).max(1);
        let unbroken = self.jump.take().filter(|_| self.cursor.lines_read() == lines);
        let skipped = unbroken.map_or_else(|| SkippedLines::new(rows), |jump| jump.skipped);
        self.jump = Some(PlaybackJump { to, skipped });
        Ok(())
    }
}
