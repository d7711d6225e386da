//! Whether each event of one kind comes behind one of another.

use scenario_log::time::{Moment, Span};

/// What there is of an order.
#[derive(Debug)]
pub(super) struct OrderMonitor {
    /// At most so long behind.
    within: Option<Span>,
    /// None of them may come so.
    never: bool,
    /// The last event that can be followed, with its `seq`.
    last_predecessor: Option<(Moment, u64)>,
    /// How many should follow one, and how many do.
    count: u64,
    followed_count: u64,
    /// The first that breaks the rule.
    first_violation: Option<EventPair>,
    /// Of those that follow, the one that came last behind.
    widest: Option<EventPair>,
}

/// An event and the one that it follows, if it follows any.
#[derive(Clone, Copy, Debug)]
pub(super) struct EventPair {
    predecessor: Option<u64>,
    seq: u64,
    /// How long behind.
    pub(super) gap: Option<Span>,
}

impl EventPair {
    /// The `seq` of the events, in the log's order.
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

    /// An event that can be followed.
    pub(super) fn record_predecessor(&mut self, now: Moment, seq: u64) {
        self.last_predecessor = Some((now, seq));
    }

    /// An event that should follow one. `Some(false)` if it is the first that breaks the rule.
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

    /// Whether it holds; `None` if there was nothing to measure. Where nothing came, nothing came so.
    pub(super) fn judge(&self) -> Option<bool> {
        (self.count > 0 || self.never).then_some(self.first_violation.is_none())
    }

    /// How many should follow, and how many do.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.count, self.followed_count)
    }

    /// The first that breaks the rule.
    pub(super) fn first_violation(&self) -> Option<EventPair> {
        self.first_violation
    }

    /// The pair that decided.
    pub(super) fn deciding_pair(&self) -> Option<EventPair> {
        self.first_violation.or(self.widest)
    }
}
