//! Monitors whether a number that a run has at every moment stays within its limits: how many spawns run, how
//! many requests are in flight, how many players act.
//!
//! # How it works
//!
//! The number follows from the events: what starts is added, and taken away when it ends. An upper limit is
//! judged at each event. A lower one is judged when time goes on, so that something which ends and starts at
//! the same moment leaves no gap.

use std::collections::BTreeMap;

use crate::engine::expectations::observed_interval::ObservedInterval;
use crate::scenario::model::expect::LimitComparison;
use crate::scenario::model::expect_parts::RunQuantity;
use scenario_log::event::{Event, Source};
use scenario_log::event_kind::EventKind;
use scenario_log::time::{Moment, Span};

/// The monitor of a number.
#[derive(Debug)]
pub(super) struct AlwaysMonitor {
    limits: Vec<(LimitComparison, u64)>,
    /// The share of each source in the number.
    counted: BTreeMap<Source, u64>,
    value: u64,
    /// The last change: its moment and its `seq`.
    changed: (Moment, Option<u64>),
    /// The first moment that breaks a limit.
    first_violation: Option<NumberAtMoment>,
    /// The smallest and the largest number that lasted.
    range: Option<(u64, u64)>,
}

/// The number at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NumberAtMoment {
    pub(super) value: u64,
    pub(super) at: Moment,
    pub(super) seq: Option<u64>,
}

impl AlwaysMonitor {
    pub(super) fn new(limits: Vec<(LimitComparison, u64)>) -> AlwaysMonitor {
        AlwaysMonitor {
            limits,
            counted: BTreeMap::new(),
            value: 0,
            changed: (Moment::ZERO, None),
            first_violation: None,
            range: None,
        }
    }

    /// The kinds of event that can change a number.
    pub(super) fn event_kinds(quantity: RunQuantity) -> Vec<EventKind> {
        let names: &[&str] = match quantity {
            RunQuantity::Running => &["spawn.started", "spawn.exited"],
            RunQuantity::InFlight => &["fetch.started", "fetch.finished", "fetch.failed"],
            RunQuantity::Players => {
                &["spawn.started", "player.ended", "spawn.exited", "player.joined", "player.left"]
            }
        };
        names.iter().filter_map(|name| EventKind::from_name(name)).collect()
    }

    /// Takes an event. `added` is what its source adds to the number if it starts now and counts. Returns
    /// `Some(false)` if a limit is broken for the first time.
    #[expect(clippy::wildcard_enum_match_arm, reason = "these events alone change the number")]
    pub(super) fn observe(
        &mut self,
        (now, seq): (Moment, u64),
        event: &Event<'_>,
        interval: &ObservedInterval,
        added: impl FnOnce() -> u64,
    ) -> Option<bool> {
        let was_broken = self.first_violation.is_some();
        self.pass_time(now, interval);
        match event {
            Event::SpawnStarted { source, .. }
            | Event::FetchStarted { source, .. }
            | Event::PlayerJoined { source, .. } => {
                let added = added();
                if added > 0 {
                    self.counted.insert(*source, added);
                    self.value += added;
                }
            }
            Event::PlayerEnded { source, .. } => {
                if let Some(left) = self.counted.get_mut(source).filter(|left| **left > 0) {
                    *left -= 1;
                    self.value -= 1;
                }
            }
            Event::SpawnExited { source, .. }
            | Event::FetchFinished { source, .. }
            | Event::FetchFailed { source, .. }
            | Event::PlayerLeft { source } => self.value -= self.counted.remove(source).unwrap_or(0),
            _ => {}
        }
        self.changed = (now, Some(seq));
        if interval.contains(now) {
            let is_over = |(comparison, limit): &(LimitComparison, u64)| match comparison {
                LimitComparison::Below => self.value >= *limit,
                LimitComparison::AtMost | LimitComparison::Equals => self.value > *limit,
                LimitComparison::AtLeast | LimitComparison::Above => false,
            };
            if self.limits.iter().any(is_over) {
                self.note_violation(now);
            }
        }
        (!was_broken && self.first_violation.is_some()).then_some(false)
    }

    /// The number lasted up to now. Returns `Some(false)` if it breaks a limit for the first time.
    pub(super) fn pass_time(&mut self, now: Moment, interval: &ObservedInterval) -> Option<bool> {
        let was_broken = self.first_violation.is_some();
        if let Some(since) = self.lasted_since(now, interval) {
            self.range = Some(self.range_with(self.value));
            if self.breaks_limit() {
                self.note_violation(since);
            }
        }
        (!was_broken && self.first_violation.is_some()).then_some(false)
    }

    /// From when on the number lasted, if it lasted up to `now` for any time that counts.
    fn lasted_since(&self, now: Moment, interval: &ObservedInterval) -> Option<Moment> {
        let since = interval.start()?.max(self.changed.0);
        (since < interval.end(now)).then_some(since)
    }

    fn breaks_limit(&self) -> bool {
        self.limits.iter().any(|(comparison, limit)| !comparison.holds(self.value.cmp(limit)))
    }

    fn range_with(&self, value: u64) -> (u64, u64) {
        self.range.map_or((value, value), |(least, most)| (least.min(value), most.max(value)))
    }

    fn note_violation(&mut self, at: Moment) {
        let violation = NumberAtMoment { value: self.value, at, seq: self.changed.1 };
        self.first_violation.get_or_insert(violation);
    }

    /// The next moment in which it is known that the number breaks a limit.
    pub(super) fn next_deadline(&self, interval: &ObservedInterval) -> Option<Moment> {
        if self.first_violation.is_some() || !self.breaks_limit() {
            return None;
        }
        let since = interval.start()?.max(self.changed.0);
        since.checked_add(Span(1)).filter(|_| interval.contains(since))
    }

    /// Whether the limits hold in a run that ends now: the smallest and the largest number, and the first that
    /// breaks a limit.
    pub(super) fn judge(
        &self,
        now: Moment,
        interval: &ObservedInterval,
    ) -> ((u64, u64), Option<NumberAtMoment>) {
        let lasted = self.lasted_since(now, interval);
        let range =
            if lasted.is_some() { self.range_with(self.value) } else { self.range.unwrap_or_default() };
        let broken = lasted.filter(|_| self.breaks_limit());
        let last = broken.map(|at| NumberAtMoment { value: self.value, at, seq: self.changed.1 });
        (range, self.first_violation.or(last))
    }
}
