//! The pace of a playback: which moment of the run it is when, and what a key does to that.
//!
//! # How it works
//!
//! A moment of the run is due at a time of the machine's, counted from when the playback began, and
//! always from where it was last set going: nothing adds up. Where a pause between two events is
//! longer than the idle limit, the second comes at the limit, and all after it as much earlier.
//!
//! It reads no clock and no log.

use crate::io::terminal::keys::TerminalKey;
use scenario_log::time::{Moment, Span};

/// How far the arrows to the sides jump.
const SMALL_JUMP: Span = Span::from_secs(5);

/// How far the arrows up and down jump.
const LARGE_JUMP: Span = Span::from_secs(60);

/// The slowest and the fastest that keys make it; the same as `--speed` takes.
const SPEED_RANGE: (f64, f64) = (0.001, 1_000_000.0);

/// When what is due.
#[derive(Clone, Debug)]
pub(super) struct PlaybackClock {
    /// How many times as fast as the run; infinite where it never waits.
    speed: f64,
    /// No pause between two events is longer, at any speed.
    idle_limit: Option<Span>,
    state: PlaybackClockState,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum PlaybackClockState {
    Paused {
        at: Moment,
    },
    Playing {
        from: Moment,
        /// When it was `from`.
        since: Span,
        /// When the last event was due.
        last: Span,
    },
}

/// What a key asks of the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PlaybackCommand {
    /// To go on from this moment.
    Jump(Moment),
    /// To show the next event.
    Step,
    /// To end.
    Quit,
}

impl PlaybackClock {
    /// Plays from the run's start.
    pub(super) fn new(speed: f64, idle_limit: Option<Span>) -> PlaybackClock {
        let state = PlaybackClockState::Playing { from: Moment::ZERO, since: Span::ZERO, last: Span::ZERO };
        PlaybackClock { speed, idle_limit, state }
    }

    pub(super) fn speed(&self) -> f64 {
        self.speed
    }

    pub(super) fn is_paused(&self) -> bool {
        matches!(self.state, PlaybackClockState::Paused { .. })
    }

    /// When an event of this moment is due, if it is the next; `None` while it is paused.
    pub(super) fn due_at(&self, next: Moment) -> Option<Span> {
        let PlaybackClockState::Playing { from, since, last } = self.state else { return None };
        let due = Span(since.0.saturating_add(scale(next.since(from).0, self.speed.recip())));
        let limit = self.idle_limit.map(|limit| Span(last.0.saturating_add(limit.0)));
        Some(limit.map_or(due, |limit| due.min(limit)))
    }

    /// Takes note of an event that was shown because it was due.
    pub(super) fn note_shown(&mut self, t: Moment) {
        let Some(due) = self.due_at(t) else { return };
        if let PlaybackClockState::Playing { from, since, last } = &mut self.state {
            // Only where the limit has cut a pause: a product that is rounded must not add up.
            if Some(due) == self.idle_limit.and_then(|limit| last.checked_add(limit)) {
                (*from, *since) = (t, due);
            }
            *last = due;
        }
    }

    /// Which moment it is; never past the next event, which has not been shown.
    pub(super) fn current_moment(&self, now: Span, next: Option<Moment>) -> Moment {
        let at = match self.state {
            PlaybackClockState::Paused { at } => return at,
            PlaybackClockState::Playing { from, since, .. } => {
                Moment(from.0.saturating_add(scale(now.0.saturating_sub(since.0), self.speed)))
            }
        };
        next.map_or(at, |next| at.min(next))
    }

    /// Goes on at another moment, or at the same after nobody looked; paused if it was.
    pub(super) fn jump_to(&mut self, to: Moment, now: Span) {
        self.state = match self.state {
            PlaybackClockState::Paused { .. } => PlaybackClockState::Paused { at: to },
            PlaybackClockState::Playing { .. } => {
                PlaybackClockState::Playing { from: to, since: now, last: now }
            }
        };
    }

    /// A key was pressed when it was `at` in the run.
    pub(super) fn press_key(&mut self, key: TerminalKey, at: Moment, now: Span) -> Option<PlaybackCommand> {
        match key {
            TerminalKey::Space => self.toggle(at, now),
            TerminalKey::Plus if self.speed.is_finite() => self.set_speed(self.speed * 2.0, at, now),
            TerminalKey::Plus => {}
            TerminalKey::Minus => self.set_speed(self.speed / 2.0, at, now),
            TerminalKey::Left => return Some(PlaybackCommand::Jump(earlier_by(at, SMALL_JUMP))),
            TerminalKey::Down => return Some(PlaybackCommand::Jump(earlier_by(at, LARGE_JUMP))),
            TerminalKey::Right => return Some(PlaybackCommand::Jump(at.saturating_add(SMALL_JUMP))),
            TerminalKey::Up => return Some(PlaybackCommand::Jump(at.saturating_add(LARGE_JUMP))),
            TerminalKey::Home => return Some(PlaybackCommand::Jump(Moment::ZERO)),
            TerminalKey::End => return Some(PlaybackCommand::Jump(Moment(u64::MAX))),
            TerminalKey::Dot => return self.is_paused().then_some(PlaybackCommand::Step),
            TerminalKey::Q => return Some(PlaybackCommand::Quit),
        }
        None
    }

    /// Stands still, or goes on.
    pub(super) fn set_paused(&mut self, is_paused: bool, at: Moment, now: Span) {
        if is_paused != self.is_paused() {
            self.toggle(at, now);
        }
    }

    fn toggle(&mut self, at: Moment, now: Span) {
        self.state = match self.state {
            PlaybackClockState::Playing { .. } => PlaybackClockState::Paused { at },
            PlaybackClockState::Paused { at } => {
                PlaybackClockState::Playing { from: at, since: now, last: now }
            }
        };
    }

    /// Goes so many times as fast as the run, from now on.
    pub(super) fn set_speed(&mut self, speed: f64, at: Moment, now: Span) {
        self.speed = speed.clamp(SPEED_RANGE.0, SPEED_RANGE.1);
        if let PlaybackClockState::Playing { from, since, .. } = &mut self.state {
            (*from, *since) = (at, now);
        }
    }
}

/// The moment `span` earlier, or the start.
fn earlier_by(moment: Moment, span: Span) -> Moment {
    Moment(moment.0.saturating_sub(span.0))
}

/// A product; what is no number or too large is cut to what there is.
fn scale(nanoseconds: u64, factor: f64) -> u64 {
    if factor == 1.0 {
        return nanoseconds;
    }
    (nanoseconds as f64 * factor) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(milliseconds: u64) -> Moment {
        Moment(milliseconds * 1_000_000)
    }

    const fn after(milliseconds: u64) -> Span {
        Span::from_millis(milliseconds)
    }

    #[test]
    fn events_are_due_at_their_own_moments_and_nothing_adds_up() {
        for (speed, due) in [(1.0, 9_000), (2.0, 4_500), (0.5, 18_000), (f64::INFINITY, 0)] {
            let mut pace = PlaybackClock::new(speed, None);
            for n in 0..9_000 {
                pace.note_shown(at(n));
            }
            assert_eq!(pace.due_at(at(9_000)), Some(after(due)), "{speed}");
        }
        assert_eq!(
            PlaybackClock::new(0.001, None).due_at(Moment(u64::MAX)),
            Some(Span(u64::MAX)),
            "the end of time"
        );
    }

    #[test]
    fn no_pause_is_longer_than_the_limit_and_what_follows_keeps_its_distance() {
        for (speed, dues) in [(1.0, [0, 500, 1_500, 1_600]), (2.0, [0, 250, 1_250, 1_300])] {
            let mut pace = PlaybackClock::new(speed, Some(after(1_000)));
            for (t, due) in [0, 500, 60_000, 60_100].into_iter().zip(dues) {
                assert_eq!(pace.due_at(at(t)), Some(after(due)), "{t} at {speed}");
                pace.note_shown(at(t));
            }
        }
        let mut pace = PlaybackClock::new(1.0, Some(Span::ZERO));
        pace.note_shown(at(5));
        assert_eq!(pace.due_at(at(9_000)), Some(Span::ZERO), "no pause at all");
    }

    #[test]
    fn the_position_waits_for_the_next_event_to_be_shown() {
        let pace = PlaybackClock::new(2.0, None);
        assert_eq!(pace.current_moment(after(100), Some(at(1_000))), at(200));
        assert_eq!(pace.current_moment(after(900), Some(at(1_000))), at(1_000));
        assert_eq!(pace.current_moment(after(900), None), at(1_800));
        let pace = PlaybackClock::new(f64::INFINITY, None);
        assert_eq!(pace.current_moment(Span::ZERO, None), at(0));
        assert_eq!(pace.current_moment(after(1), Some(at(7))), at(7));
    }

    #[test]
    fn space_pauses_and_goes_on_from_there() {
        let mut pace = PlaybackClock::new(1.0, Some(after(2_000)));
        pace.note_shown(at(0));
        assert_eq!(pace.press_key(TerminalKey::Space, at(1_200), after(1_200)), None);
        assert!(pace.is_paused());
        assert_eq!((pace.due_at(at(1_500)), pace.current_moment(after(9_000), None)), (None, at(1_200)));
        pace.press_key(TerminalKey::Space, at(1_200), after(10_000));
        assert_eq!(pace.due_at(at(1_500)), Some(after(10_300)));
        assert_eq!(pace.due_at(at(60_000)), Some(after(12_000)), "the pause that was asked for is none");
    }

    #[test]
    fn plus_and_minus_change_the_speed_from_here_on() {
        let mut pace = PlaybackClock::new(1.0, None);
        pace.press_key(TerminalKey::Plus, at(1_000), after(1_000));
        assert_eq!((pace.speed(), pace.due_at(at(3_000))), (2.0, Some(after(2_000))));
        for _ in 0..100 {
            pace.press_key(TerminalKey::Minus, at(1_000), after(1_000));
        }
        assert_eq!(pace.speed(), 0.001);
        for _ in 0..100 {
            pace.press_key(TerminalKey::Plus, at(1_000), after(1_000));
        }
        assert_eq!(pace.speed(), 1_000_000.0);
        let mut pace = PlaybackClock::new(f64::INFINITY, None);
        pace.press_key(TerminalKey::Plus, at(0), after(0));
        assert_eq!(pace.speed(), f64::INFINITY);
        pace.press_key(TerminalKey::Minus, at(0), after(0));
        assert_eq!(pace.speed(), 1_000_000.0);
        pace.press_key(TerminalKey::Space, at(3), after(3));
        pace.press_key(TerminalKey::Minus, at(3), after(4));
        assert_eq!((pace.speed(), pace.current_moment(after(9), None)), (500_000.0, at(3)));
    }

    #[test]
    fn arrows_jump_and_stay_within_the_run() {
        let mut pace = PlaybackClock::new(4.0, None);
        let mut to = |key, from| pace.press_key(key, at(from), Span::ZERO);
        assert_eq!(to(TerminalKey::Left, 7_000), Some(PlaybackCommand::Jump(at(2_000))));
        assert_eq!(to(TerminalKey::Left, 3_000), Some(PlaybackCommand::Jump(at(0))));
        assert_eq!(to(TerminalKey::Right, 3_000), Some(PlaybackCommand::Jump(at(8_000))));
        assert_eq!(to(TerminalKey::Up, 3_000), Some(PlaybackCommand::Jump(at(63_000))));
        assert_eq!(to(TerminalKey::Down, 63_000), Some(PlaybackCommand::Jump(at(3_000))));
        assert_eq!(to(TerminalKey::Home, 3_000), Some(PlaybackCommand::Jump(at(0))));
        assert_eq!(to(TerminalKey::End, 3_000), Some(PlaybackCommand::Jump(Moment(u64::MAX))));
        assert_eq!(to(TerminalKey::Q, 0), Some(PlaybackCommand::Quit));
        assert_eq!(to(TerminalKey::Dot, 0), None, "only while it is paused");
        pace.jump_to(at(8_000), after(100));
        assert_eq!(pace.due_at(at(8_400)), Some(after(200)));
        pace.press_key(TerminalKey::Space, at(8_000), after(100));
        assert_eq!(pace.press_key(TerminalKey::Dot, at(8_000), after(100)), Some(PlaybackCommand::Step));
        pace.jump_to(at(2_000), after(200));
        assert!(pace.is_paused() && pace.current_moment(after(900), None) == at(2_000));
    }
}
