//! Whether each event of one kind comes behind one of another.

use scenario_log::time::{Moment, Span};

/// What there is of an order.
#[derive(Debug)]
pub(super) struct Behind {
    /// At most so long behind.
    within: Option<Span>,
    /// None of them may come so.
    never: bool,
    /// The last event that can be followed, with its `seq`.
    last: Option<(Moment, u64)>,
    /// How many should follow one, and how many do.
    count: u64,
    following: u64,
    /// The first that breaks the rule.
    first_wrong: Option<Pair>,
    /// Of those that follow, the one that came last behind.
    furthest: Option<Pair>,
}

/// An event and the one that it follows, if it follows any.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    before: Option<u64>,
    seq: u64,
    /// How long behind.
    pub(super) apart: Option<Span>,
}

impl Pair {
    /// The `seq` of the events, in the log's order.
    pub(super) fn events(self) -> Vec<u64> {
        self.before.into_iter().chain([self.seq]).collect()
    }
}

impl Behind {
    pub(super) fn new(within: Option<Span>, never: bool) -> Behind {
        Behind { within, never, last: None, count: 0, following: 0, first_wrong: None, furthest: None }
    }

    /// An event that can be followed.
    pub(super) fn before(&mut self, now: Moment, seq: u64) {
        self.last = Some((now, seq));
    }

    /// An event that should follow one. `Some(false)` if it is the first that breaks the rule.
    pub(super) fn take(&mut self, now: Moment, seq: u64) -> Option<bool> {
        self.count += 1;
        let apart = self.last.map(|(before, _)| now.since(before));
        let pair = Pair { before: self.last.map(|(_, seq)| seq), seq, apart };
        let follows = apart.is_some_and(|apart| self.within.is_none_or(|within| apart <= within));
        if follows {
            self.following += 1;
            if self.furthest.is_none_or(|furthest| furthest.apart < apart) {
                self.furthest = Some(pair);
            }
        }
        if follows != self.never || self.first_wrong.is_some() {
            return None;
        }
        self.first_wrong = Some(pair);
        Some(false)
    }

    /// Whether it holds; `None` if there was nothing to measure. Where nothing came, nothing came so.
    pub(super) fn judge(&self) -> Option<bool> {
        (self.count > 0 || self.never).then_some(self.first_wrong.is_none())
    }

    /// How many should follow, and how many do.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.count, self.following)
    }

    /// The first that breaks the rule.
    pub(super) fn first_wrong(&self) -> Option<Pair> {
        self.first_wrong
    }

    /// The pair that decided.
    pub(super) fn decided_by(&self) -> Option<Pair> {
        self.first_wrong.or(self.furthest)
    }
}
