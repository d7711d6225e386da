//! The clock of a playback: maps the moments of the run to the times at which they are shown, and
//! changes with the keys.
//!
//! # How it works
//!
//! A moment of the run is due at a time, counted from the start of the playback. The time is computed
//! from the last change of the clock, never from the last event, so errors of rounding do not add up. If
//! the pause between two events is longer than the idle limit, the second event is due at the limit, and
//! all later events are due earlier by the same amount.
//!
//! This module reads no clock of the machine and no log.

use crate::io::terminal::keys::TerminalKey;
use scenario_log::time::{Moment, Span};

/// The span of a jump with the left or right arrow.
const SMALL_JUMP: Span = Span::from_secs(5);

/// The span of a jump with the up or down arrow.
const LARGE_JUMP: Span = Span::from_secs(60);

/// The slowest and the fastest speed that keys can set; the range of `--speed`.
const SPEED_RANGE: (f64, f64) = (0.001, 1_000_000.0);

/// Decides when an event is due.
#[derive(Clone, Debug)]
pub(super) struct PlaybackClock {
    /// Seconds of the run in a second of the machine; infinite if the playback never waits.
    speed: f64,
    /// The longest pause between two events, in time of the machine at any speed.
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
        /// The time at which the moment was `from`.
        since: Span,
        /// The time at which the last event was due.
        last: Span,
    },
}

/// A key's command for the loop of the playback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PlaybackCommand {
    /// Go on from this moment.
    Jump(Moment),
    /// Show the next event.
    Step,
    /// End the playback.
    Quit,
}

impl PlaybackClock {
    /// A clock that plays from the run's start.
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

    /// The time at which the next event, of this moment, is due. `None` while the playback is paused.
    pub(super) fn due_at(&self, next: Moment) -> Option<Span> {
        let PlaybackClockState::Playing { from, since, last } = self.state else { return None };
        let due = Span(since.0.saturating_add(scale(next.since(from).0, self.speed.recip())));
        let limit = self.idle_limit.map(|limit| Span(last.0.saturating_add(limit.0)));
        Some(limit.map_or(due, |limit| due.min(limit)))
    }

    /// Records that an event was shown because it was due.
    pub(super) fn note_shown(&mut self, t: Moment) {
        let Some(due) = self.due_at(t) else { return };
        if let PlaybackClockState::Playing { from, since, last } = &mut self.state {
            // Only if the limit has shortened a pause: otherwise errors of rounding would add up.
            if Some(due) == self.idle_limit.and_then(|limit| last.checked_add(limit)) {
                (*from, *since) = (t, due);
            }
            *last = due;
        }
    }

    /// The current moment of the run. It is never past the next event, which has not been shown.
    pub(super) fn current_moment(&self, now: Span, next: Option<Moment>) -> Moment {
        let at = match self.state {
            PlaybackClockState::Paused { at } => return at,
            PlaybackClockState::Playing { from, since, .. } => {
                Moment(from.0.saturating_add(scale(now.0.saturating_sub(since.0), self.speed)))
            }
        };
        next.map_or(at, |next| at.min(next))
    }

    /// Goes on from a moment: after a jump, or after the program was stopped. A paused clock stays paused.
    pub(super) fn jump_to(&mut self, to: Moment, now: Span) {
        self.state = match self.state {
            PlaybackClockState::Paused { .. } => PlaybackClockState::Paused { at: to },
            PlaybackClockState::Playing { .. } => {
                PlaybackClockState::Playing { from: to, since: now, last: now }
            }
        };
    }

    /// Handles a key that was pressed at the moment `at` of the run.
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

    /// Pauses, or goes on.
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

    /// Sets the speed from now on, within [`SPEED_RANGE`].
    pub(super) fn set_speed(&mut self, speed: f64, at: Moment, now: Span) {
        self.speed = speed.clamp(SPEED_RANGE.0, SPEED_RANGE.1);
        if let PlaybackClockState::Playing { from, since, .. } = &mut self.state {
            (*from, *since) = (at, now);
        }
    }
}

/// The moment `span` earlier, but not before the start.
fn earlier_by(moment: Moment, span: Span) -> Moment {
    Moment(moment.0.saturating_sub(span.0))
}

/// A product. A result that is too large becomes the largest number, and NaN becomes zero.
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
            let mut clock = PlaybackClock::new(speed, None);
            for n in 0..9_000 {
                clock.note_shown(at(n));
            }
            assert_eq!(clock.due_at(at(9_000)), Some(after(due)), "{speed}");
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
            let mut clock = PlaybackClock::new(speed, Some(after(1_000)));
            for (t, due) in [0, 500, 60_000, 60_100].into_iter().zip(dues) {
                assert_eq!(clock.due_at(at(t)), Some(after(due)), "{t} at {speed}");
                clock.note_shown(at(t));
            }
        }
        let mut clock = PlaybackClock::new(1.0, Some(Span::ZERO));
        clock.note_shown(at(5));
        assert_eq!(clock.due_at(at(9_000)), Some(Span::ZERO), "no pause at all");
    }

    #[test]
    fn the_position_waits_for_the_next_event_to_be_shown() {
        let clock = PlaybackClock::new(2.0, None);
        assert_eq!(clock.current_moment(after(100), Some(at(1_000))), at(200));
        assert_eq!(clock.current_moment(after(900), Some(at(1_000))), at(1_000));
        assert_eq!(clock.current_moment(after(900), None), at(1_800));
        let clock = PlaybackClock::new(f64::INFINITY, None);
        assert_eq!(clock.current_moment(Span::ZERO, None), at(0));
        assert_eq!(clock.current_moment(after(1), Some(at(7))), at(7));
    }

    #[test]
    fn space_pauses_and_goes_on_from_there() {
        let mut clock = PlaybackClock::new(1.0, Some(after(2_000)));
        clock.note_shown(at(0));
        assert_eq!(clock.press_key(TerminalKey::Space, at(1_200), after(1_200)), None);
        assert!(clock.is_paused());
        assert_eq!((clock.due_at(at(1_500)), clock.current_moment(after(9_000), None)), (None, at(1_200)));
        clock.press_key(TerminalKey::Space, at(1_200), after(10_000));
        assert_eq!(clock.due_at(at(1_500)), Some(after(10_300)));
        assert_eq!(
            clock.due_at(at(60_000)),
            Some(after(12_000)),
            "a pause by a key does not count as idle time"
        );
    }

    #[test]
    fn plus_and_minus_change_the_speed_from_here_on() {
        let mut clock = PlaybackClock::new(1.0, None);
        clock.press_key(TerminalKey::Plus, at(1_000), after(1_000));
        assert_eq!((clock.speed(), clock.due_at(at(3_000))), (2.0, Some(after(2_000))));
        for _ in 0..100 {
            clock.press_key(TerminalKey::Minus, at(1_000), after(1_000));
        }
        assert_eq!(clock.speed(), 0.001);
        for _ in 0..100 {
            clock.press_key(TerminalKey::Plus, at(1_000), after(1_000));
        }
        assert_eq!(clock.speed(), 1_000_000.0);
        let mut clock = PlaybackClock::new(f64::INFINITY, None);
        clock.press_key(TerminalKey::Plus, at(0), after(0));
        assert_eq!(clock.speed(), f64::INFINITY);
        clock.press_key(TerminalKey::Minus, at(0), after(0));
        assert_eq!(clock.speed(), 1_000_000.0);
        clock.press_key(TerminalKey::Space, at(3), after(3));
        clock.press_key(TerminalKey::Minus, at(3), after(4));
        assert_eq!((clock.speed(), clock.current_moment(after(9), None)), (500_000.0, at(3)));
    }

    #[test]
    fn arrows_jump_and_stay_within_the_run() {
        let mut clock = PlaybackClock::new(4.0, None);
        let mut to = |key, from| clock.press_key(key, at(from), Span::ZERO);
        assert_eq!(to(TerminalKey::Left, 7_000), Some(PlaybackCommand::Jump(at(2_000))));
        assert_eq!(to(TerminalKey::Left, 3_000), Some(PlaybackCommand::Jump(at(0))));
        assert_eq!(to(TerminalKey::Right, 3_000), Some(PlaybackCommand::Jump(at(8_000))));
        assert_eq!(to(TerminalKey::Up, 3_000), Some(PlaybackCommand::Jump(at(63_000))));
        assert_eq!(to(TerminalKey::Down, 63_000), Some(PlaybackCommand::Jump(at(3_000))));
        assert_eq!(to(TerminalKey::Home, 3_000), Some(PlaybackCommand::Jump(at(0))));
        assert_eq!(to(TerminalKey::End, 3_000), Some(PlaybackCommand::Jump(Moment(u64::MAX))));
        assert_eq!(to(TerminalKey::Q, 0), Some(PlaybackCommand::Quit));
        assert_eq!(to(TerminalKey::Dot, 0), None, "only while it is paused");
        clock.jump_to(at(8_000), after(100));
        assert_eq!(clock.due_at(at(8_400)), Some(after(200)));
        clock.press_key(TerminalKey::Space, at(8_000), after(100));
        assert_eq!(clock.press_key(TerminalKey::Dot, at(8_000), after(100)), Some(PlaybackCommand::Step));
        clock.jump_to(at(2_000), after(200));
        assert!(clock.is_paused() && clock.current_moment(after(900), None) == at(2_000));
    }
}
