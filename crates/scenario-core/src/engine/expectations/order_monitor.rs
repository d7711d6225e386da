//! Monitors whether each event of one kind follows an event of another kind.

use scenario_log::time::{Moment, Span};

/// The monitor of an order.
#[derive(Debug)]
pub(super) struct OrderMonitor {
    /// The longest gap between an event and its predecessor.
    within: Option<Span>,
    /// No event may follow such a predecessor.
    never: bool,
    /// The last predecessor: its moment and its `seq`.
    last_predecessor: Option<(Moment, u64)>,
    /// The events that should follow a predecessor.
    count: u64,
    /// How many of these do.
    followed_count: u64,
    /// The first pair that breaks the rule.
    first_violation: Option<EventPair>,
    /// The pair with the longest gap that is allowed.
    widest: Option<EventPair>,
}

/// An event and its predecessor, if there is one.
#[derive(Clone, Copy, Debug)]
pub(super) struct EventPair {
    predecessor: Option<u64>,
    seq: u64,
    /// The time between the two.
    pub(super) gap: Option<Span>,
}

impl EventPair {
    /// The `seq` of both, in the order of the log.
    pub(super) fn events(self) -> Vec<u64> {
        self.predecessor.into_iter().chain([self.seq]).collect()
    }
}

impl OrderMonitor {
    pub(super) fn new(within: Option<Span>, never: bool) -> OrderMonitor {
        OrderMonitor {
            within,
            never,
            last_predecessor: None,
            count: 0,
            followed_count: 0,
            first_violation: None,
            widest: None,
        }
    }

    /// Takes an event that others can follow.
    pub(super) fn record_predecessor(&mut self, now: Moment, seq: u64) {
        self.last_predecessor = Some((now, seq));
    }

    /// Takes an event that should follow a predecessor. Returns `Some(false)` for the first that breaks the
    /// rule.
    pub(super) fn record(&mut self, now: Moment, seq: u64) -> Option<bool> {
        self.count += 1;
        let apart = self.last_predecessor.map(|(before, _)| now.since(before));
        let pair = EventPair { predecessor: self.last_predecessor.map(|(_, seq)| seq), seq, gap: apart };
        let follows = apart.is_some_and(|apart| self.within.is_none_or(|within| apart <= within));
        if follows {
            self.followed_count += 1;
            if self.widest.is_none_or(|furthest| furthest.gap < apart) {
                self.widest = Some(pair);
            }
        }
        if follows != self.never || self.first_violation.is_some() {
            return None;
        }
        self.first_violation = Some(pair);
        Some(false)
    }

    /// Whether the rule holds; `None` if there was nothing to measure. A rule with `never` holds without any
    /// event.
    pub(super) fn judge(&self) -> Option<bool> {
        (self.count > 0 || self.never).then_some(self.first_violation.is_none())
    }

    /// The number of events that should follow a predecessor, and of those that do.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.count, self.followed_count)
    }

    /// The first pair that breaks the rule.
    pub(super) fn first_violation(&self) -> Option<EventPair> {
        self.first_violation
    }

    /// The pair that decided the result.
    pub(super) fn deciding_pair(&self) -> Option<EventPair> {
        self.first_violation.or(self.widest)
    }
}
