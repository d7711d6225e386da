//! The pace of a playback: which moment of the run it is when, and what a key does to that.
//!
//! # How it works
//!
//! A moment of the run is due at a time of the machine's, counted from when the playback began, and
//! always from where it was last set going: nothing adds up. Where a pause between two events is
//! longer than the idle limit, the second comes at the limit, and all after it as much earlier.
//!
//! It reads no clock and no log.

use crate::io::terminal::keys::Key;
use scenario_log::time::{Moment, Span};

/// How far the arrows to the sides jump.
const STEP: Span = Span::from_secs(5);

/// How far the arrows up and down jump.
const LEAP: Span = Span::from_secs(60);

/// The slowest and the fastest that keys make it; the same as `--speed` takes.
const SPEEDS: (f64, f64) = (0.001, 1_000_000.0);

/// When what is due.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    /// How many times as fast as the run; infinite where it never waits.
    speed: f64,
    /// No pause between two events is longer, at any speed.
    idle_limit: Option<Span>,
    state: State,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
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
pub(super) enum Wish {
    /// To go on from this moment.
    Jump(Moment),
    /// To show the next event.
    Step,
    /// To end.
    Leave,
}

impl Pace {
    /// Plays from the run's start.
    pub(super) fn new(speed: f64, idle_limit: Option<Span>) -> Pace {
        let state = State::Playing { from: Moment::ZERO, since: Span::ZERO, last: Span::ZERO };
        Pace { speed, idle_limit, state }
    }

    pub(super) fn speed(&self) -> f64 {
        self.speed
    }

    pub(super) fn is_paused(&self) -> bool {
        matches!(self.state, State::Paused { .. })
    }

    /// When an event of this moment is due, if it is the next; `None` while it is paused.
    pub(super) fn due(&self, next: Moment) -> Option<Span> {
        let State::Playing { from, since, last } = self.state else { return None };
        let due = Span(since.0.saturating_add(scaled(next.since(from).0, self.speed.recip())));
        let limit = self.idle_limit.map(|limit| Span(last.0.saturating_add(limit.0)));
        Some(limit.map_or(due, |limit| due.min(limit)))
    }

    /// Takes note of an event that was shown because it was due.
    pub(super) fn shown(&mut self, t: Moment) {
        let Some(due) = self.due(t) else { return };
        if let State::Playing { from, since, last } = &mut self.state {
            // Only where the limit has cut a pause: a product that is rounded must not add up.
            if Some(due) == self.idle_limit.and_then(|limit| last.checked_add(limit)) {
                (*from, *since) = (t, due);
            }
            *last = due;
        }
    }

    /// Which moment it is; never past the next event, which has not been shown.
    pub(super) fn position(&self, now: Span, next: Option<Moment>) -> Moment {
        let at = match self.state {
            State::Paused { at } => return at,
            State::Playing { from, since, .. } => {
                Moment(from.0.saturating_add(scaled(now.0.saturating_sub(since.0), self.speed)))
            }
        };
        next.map_or(at, |next| at.min(next))
    }

    /// Goes on at another moment, or at the same after nobody looked; paused if it was.
    pub(super) fn set(&mut self, to: Moment, now: Span) {
        self.state = match self.state {
            State::Paused { .. } => State::Paused { at: to },
            State::Playing { .. } => State::Playing { from: to, since: now, last: now },
        };
    }

    /// A key was pressed when it was `at` in the run.
    pub(super) fn press(&mut self, key: Key, at: Moment, now: Span) -> Option<Wish> {
        match key {
            Key::Space => self.toggle(at, now),
            Key::Plus if self.speed.is_finite() => self.go(self.speed * 2.0, at, now),
            Key::Plus => {}
            Key::Minus => self.go(self.speed / 2.0, at, now),
            Key::Left => return Some(Wish::Jump(before(at, STEP))),
            Key::Down => return Some(Wish::Jump(before(at, LEAP))),
            Key::Right => return Some(Wish::Jump(at.saturating_add(STEP))),
            Key::Up => return Some(Wish::Jump(at.saturating_add(LEAP))),
            Key::Home => return Some(Wish::Jump(Moment::ZERO)),
            Key::End => return Some(Wish::Jump(Moment(u64::MAX))),
            Key::Dot => return self.is_paused().then_some(Wish::Step),
            Key::Q => return Some(Wish::Leave),
        }
        None
    }

    /// Stands still, or goes on.
    pub(super) fn pause(&mut self, is_paused: bool, at: Moment, now: Span) {
        if is_paused != self.is_paused() {
            self.toggle(at, now);
        }
    }

    fn toggle(&mut self, at: Moment, now: Span) {
        self.state = match self.state {
            State::Playing { .. } => State::Paused { at },
            State::Paused { at } => State::Playing { from: at, since: now, last: now },
        };
    }

    /// Goes so many times as fast as the run, from now on.
    pub(super) fn go(&mut self, speed: f64, at: Moment, now: Span) {
        self.speed = speed.clamp(SPEEDS.0, SPEEDS.1);
        if let State::Playing { from, since, .. } = &mut self.state {
            (*from, *since) = (at, now);
        }
    }
}

/// The moment `span` earlier, or the start.
fn before(moment: Moment, span: Span) -> Moment {
    Moment(moment.0.saturating_sub(span.0))
}

/// A product; what is no number or too large is cut to what there is.
fn scaled(nanoseconds: u64, factor: f64) -> u64 {
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
            let mut pace = Pace::new(speed, None);
            for n in 0..9_000 {
                pace.shown(at(n));
            }
            assert_eq!(pace.due(at(9_000)), Some(after(due)), "{speed}");
        }
        assert_eq!(Pace::new(0.001, None).due(Moment(u64::MAX)), Some(Span(u64::MAX)), "the end of time");
    }

    #[test]
    fn no_pause_is_longer_than_the_limit_and_what_follows_keeps_its_distance() {
        for (speed, dues) in [(1.0, [0, 500, 1_500, 1_600]), (2.0, [0, 250, 1_250, 1_300])] {
            let mut pace = Pace::new(speed, Some(after(1_000)));
            for (t, due) in [0, 500, 60_000, 60_100].into_iter().zip(dues) {
                assert_eq!(pace.due(at(t)), Some(after(due)), "{t} at {speed}");
                pace.shown(at(t));
            }
        }
        let mut pace = Pace::new(1.0, Some(Span::ZERO));
        pace.shown(at(5));
        assert_eq!(pace.due(at(9_000)), Some(Span::ZERO), "no pause at all");
    }

    #[test]
    fn the_position_waits_for_the_next_event_to_be_shown() {
        let pace = Pace::new(2.0, None);
        assert_eq!(pace.position(after(100), Some(at(1_000))), at(200));
        assert_eq!(pace.position(after(900), Some(at(1_000))), at(1_000));
        assert_eq!(pace.position(after(900), None), at(1_800));
        let pace = Pace::new(f64::INFINITY, None);
        assert_eq!(pace.position(Span::ZERO, None), at(0));
        assert_eq!(pace.position(after(1), Some(at(7))), at(7));
    }

    #[test]
    fn space_pauses_and_goes_on_from_there() {
        let mut pace = Pace::new(1.0, Some(after(2_000)));
        pace.shown(at(0));
        assert_eq!(pace.press(Key::Space, at(1_200), after(1_200)), None);
        assert!(pace.is_paused());
        assert_eq!((pace.due(at(1_500)), pace.position(after(9_000), None)), (None, at(1_200)));
        pace.press(Key::Space, at(1_200), after(10_000));
        assert_eq!(pace.due(at(1_500)), Some(after(10_300)));
        assert_eq!(pace.due(at(60_000)), Some(after(12_000)), "the pause that was asked for is none");
    }

    #[test]
    fn plus_and_minus_change_the_speed_from_here_on() {
        let mut pace = Pace::new(1.0, None);
        pace.press(Key::Plus, at(1_000), after(1_000));
        assert_eq!((pace.speed(), pace.due(at(3_000))), (2.0, Some(after(2_000))));
        for _ in 0..100 {
            pace.press(Key::Minus, at(1_000), after(1_000));
        }
        assert_eq!(pace.speed(), 0.001);
        for _ in 0..100 {
            pace.press(Key::Plus, at(1_000), after(1_000));
        }
        assert_eq!(pace.speed(), 1_000_000.0);
        let mut pace = Pace::new(f64::INFINITY, None);
        pace.press(Key::Plus, at(0), after(0));
        assert_eq!(pace.speed(), f64::INFINITY);
        pace.press(Key::Minus, at(0), after(0));
        assert_eq!(pace.speed(), 1_000_000.0);
        pace.press(Key::Space, at(3), after(3));
        pace.press(Key::Minus, at(3), after(4));
        assert_eq!((pace.speed(), pace.position(after(9), None)), (500_000.0, at(3)));
    }

    #[test]
    fn arrows_jump_and_stay_within_the_run() {
        let mut pace = Pace::new(4.0, None);
        let mut to = |key, from| pace.press(key, at(from), Span::ZERO);
        assert_eq!(to(Key::Left, 7_000), Some(Wish::Jump(at(2_000))));
        assert_eq!(to(Key::Left, 3_000), Some(Wish::Jump(at(0))));
        assert_eq!(to(Key::Right, 3_000), Some(Wish::Jump(at(8_000))));
        assert_eq!(to(Key::Up, 3_000), Some(Wish::Jump(at(63_000))));
        assert_eq!(to(Key::Down, 63_000), Some(Wish::Jump(at(3_000))));
        assert_eq!(to(Key::Home, 3_000), Some(Wish::Jump(at(0))));
        assert_eq!(to(Key::End, 3_000), Some(Wish::Jump(Moment(u64::MAX))));
        assert_eq!(to(Key::Q, 0), Some(Wish::Leave));
        assert_eq!(to(Key::Dot, 0), None, "only while it is paused");
        pace.set(at(8_000), after(100));
        assert_eq!(pace.due(at(8_400)), Some(after(200)));
        pace.press(Key::Space, at(8_000), after(100));
        assert_eq!(pace.press(Key::Dot, at(8_000), after(100)), Some(Wish::Step));
        pace.set(at(2_000), after(200));
        assert!(pace.is_paused() && pace.position(after(900), None) == at(2_000));
    }
}
