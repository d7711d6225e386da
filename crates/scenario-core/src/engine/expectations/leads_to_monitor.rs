//! Monitors whether each event of one kind is followed by an event of another kind.
//!
//! # How it works
//!
//! Every cause that waits is kept; one effect answers all causes before it (of the same source, if the rule
//! says so). A cause leaves when it is answered, when its time is over, or when its source has ended. Without
//! a limit of time, one cause stands for all that wait for the same.

use std::collections::{BTreeMap, VecDeque};

use crate::engine::expectations::origins::KeyValue;
use scenario_log::event::Source;
use scenario_log::time::{Moment, Span};

/// The monitor of causes and effects.
#[derive(Debug)]
pub(super) struct LeadsToMonitor {
    within: Option<Span>,
    /// No effect may follow a cause.
    never: bool,
    /// The causes that wait, in their order.
    waiting: BTreeMap<u64, WaitingCause>,
    /// By what cause and effect must have in common, the numbers of the causes that wait.
    by_link: BTreeMap<KeyValue<'static>, VecDeque<u64>>,
    /// The number of the next cause.
    next: u64,
    /// The causes so far, and how many of them were followed.
    count: u64,
    followed_count: u64,
    /// The first cause that breaks the rule, and the effect if there is one.
    first_violation: Option<(CauseEvent, Option<(u64, Span)>)>,
    /// The cause that was followed last in time, with the effect and the time between.
    slowest: Option<(CauseEvent, u64, Span)>,
}

/// An event that must be followed by another.
#[derive(Clone, Copy, Debug)]
pub(super) struct CauseEvent {
    pub(super) at: Moment,
    pub(super) seq: u64,
    pub(super) source: Option<Source>,
}

#[derive(Debug)]
struct WaitingCause {
    first: CauseEvent,
    /// How many causes of this moment it stands for.
    count: u64,
    link: KeyValue<'static>,
}

/// The verdict on the causes.
pub(super) struct CauseTally {
    pub(super) count: u64,
    pub(super) followed_count: u64,
    pub(super) first_violation: Option<(CauseEvent, Option<(u64, Span)>)>,
    pub(super) slowest: Option<(CauseEvent, u64, Span)>,
}

impl CauseTally {
    /// The `seq` of the cause that decided the result, and of its effect.
    pub(super) fn events(&self) -> Vec<u64> {
        let violation = self.first_violation.map(|(cause, effect)| (cause.seq, effect.map(|(seq, _)| seq)));
        let slowest = self.slowest.map(|(cause, effect, _)| (cause.seq, Some(effect)));
        violation
            .or(slowest)
            .map(|(cause, effect)| [cause].into_iter().chain(effect).collect())
            .unwrap_or_default()
    }
}

impl LeadsToMonitor {
    pub(super) fn new(within: Option<Span>, never: bool) -> LeadsToMonitor {
        LeadsToMonitor {
            within,
            never,
            waiting: BTreeMap::new(),
            by_link: BTreeMap::new(),
            next: 0,
            count: 0,
            followed_count: 0,
            first_violation: None,
            slowest: None,
        }
    }

    /// Takes an event that must be followed by another.
    pub(super) fn record_cause(&mut self, cause: CauseEvent, link: KeyValue<'_>) {
        self.count += 1;
        let link = link.into_owned();
        let numbers = self.by_link.entry(link.clone()).or_default();
        let last = numbers.back().and_then(|number| self.waiting.get_mut(number));
        match last {
            Some(last) if self.within.is_none() || last.first.at == cause.at => last.count += 1,
            _ => {
                numbers.push_back(self.next);
                self.waiting.insert(self.next, WaitingCause { first: cause, count: 1, link });
                self.next += 1;
            }
        }
    }

    /// Takes an event that answers the causes before it. Returns `Some(false)` if that breaks the rule.
    pub(super) fn record_effect(&mut self, now: Moment, seq: u64, link: KeyValue<'_>) -> Option<bool> {
        let expired = self.expire(now);
        let mut is_broken = expired == Some(false);
        for number in self.by_link.remove(&link.into_owned()).unwrap_or_default() {
            let Some(cause) = self.waiting.remove(&number) else { continue };
            self.followed_count += cause.count;
            let gap = now.since(cause.first.at);
            if self.never {
                is_broken |= self.note_violation(cause.first, Some((seq, gap)));
            } else if self.slowest.is_none_or(|(_, _, slowest)| slowest < gap) {
                self.slowest = Some((cause.first, seq, gap));
            }
        }
        is_broken.then_some(false)
    }

    /// Lets the causes go whose time is over. Returns `Some(false)` if that breaks the rule.
    pub(super) fn expire(&mut self, now: Moment) -> Option<bool> {
        let within = self.within?;
        let mut is_broken = false;
        while let Some(first) = self.waiting.first_entry() {
            if now.since(first.get().first.at) <= within {
                break;
            }
            let cause = first.remove();
            self.forget_first(&cause.link);
            is_broken |= !self.never && self.note_violation(cause.first, None);
        }
        is_broken.then_some(false)
    }

    /// A source has ended, so nothing of it follows any more. Returns `Some(false)` if that breaks the rule.
    pub(super) fn end_source(&mut self, source: Source) -> Option<bool> {
        let mut is_broken = false;
        for number in self.by_link.remove(&KeyValue::Source(source)).unwrap_or_default() {
            let Some(cause) = self.waiting.remove(&number) else { continue };
            is_broken |= !self.never && self.note_violation(cause.first, None);
        }
        is_broken.then_some(false)
    }

    /// Forgets the first cause of those that wait for the same.
    fn forget_first(&mut self, link: &KeyValue<'static>) {
        let Some(numbers) = self.by_link.get_mut(link) else { return };
        numbers.pop_front();
        if numbers.is_empty() {
            self.by_link.remove(link);
        }
    }

    /// Notes a cause that breaks the rule; true for the first.
    fn note_violation(&mut self, cause: CauseEvent, effect: Option<(u64, Span)>) -> bool {
        let is_first = self.first_violation.is_none();
        if self.first_violation.is_none_or(|(first, _)| cause.seq < first.seq) {
            self.first_violation = Some((cause, effect));
        }
        is_first
    }

    /// The first moment in which a cause that waits now has waited too long.
    pub(super) fn next_deadline(&self) -> Option<Moment> {
        if self.never {
            return None;
        }
        let (_, cause) = self.waiting.first_key_value()?;
        cause.first.at.checked_add(self.within?)?.checked_add(Span(1))
    }

    /// The verdict on the causes, if nothing comes any more.
    pub(super) fn tally(&self) -> CauseTally {
        let waiting = self.waiting.first_key_value().map(|(_, cause)| (cause.first, None));
        let waiting = waiting.filter(|_| !self.never);
        let first_violation = match (self.first_violation, waiting) {
            (Some(one), Some(other)) => Some(if other.0.seq < one.0.seq { other } else { one }),
            (one, other) => one.or(other),
        };
        CauseTally {
            count: self.count,
            followed_count: self.followed_count,
            first_violation,
            slowest: self.slowest,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An event: its moment, its source, and whether it is a cause.
    type Happening = (u64, u32, bool);

    /// The number of causes that are followed, and the first that breaks the rule, from all events at once.
    fn by_hand(
        events: &[Happening],
        within: Option<u64>,
        is_linked: bool,
        never: bool,
    ) -> (u64, Option<u64>) {
        let is_followed = |n: usize, at: u64, of: u32| {
            events[n + 1..].iter().any(|(later, source, is_cause)| {
                !is_cause && (!is_linked || *source == of) && within.is_none_or(|within| later - at <= within)
            })
        };
        let causes = events.iter().enumerate().filter(|(_, (.., is_cause))| *is_cause);
        let results: Vec<(u64, bool)> =
            causes.map(|(n, (at, source, _))| (n as u64, is_followed(n, *at, *source))).collect();
        let followed = results.iter().filter(|(_, is_followed)| *is_followed).count() as u64;
        (followed, results.iter().find(|(_, is_followed)| *is_followed == never).map(|(n, _)| *n))
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

        #[test]
        fn causes_agree_with_a_judgement_of_all_events_at_once(
            mut events in proptest::collection::vec((0..20_u64, 1..4_u32, any::<bool>()), 0..40),
            (within, is_linked, never) in (proptest::option::of(0..6_u64), any::<bool>(), any::<bool>()),
        ) {
            events.sort_by_key(|(at, ..)| *at);
            let mut monitor = LeadsToMonitor::new(within.map(Span), never);
            let mut has_missed = false;
            for (seq, (at, source, is_cause)) in events.iter().enumerate() {
                let (now, source) = (Moment(*at), Source::Spawn(*source));
                let link = if is_linked { KeyValue::Source(source) } else { KeyValue::Missing };
                has_missed |= monitor.next_deadline().is_some_and(|deadline| deadline <= now);
                let settled = if *is_cause {
                    let settled = monitor.expire(now);
                    monitor.record_cause(CauseEvent { at: now, seq: seq as u64, source: Some(source) }, link);
                    settled
                } else {
                    monitor.record_effect(now, seq as u64, link)
                };
                has_missed |= settled == Some(false);
            }
            let tally = monitor.tally();
            let (followed, first) = by_hand(&events, within, is_linked, never);
            prop_assert_eq!(tally.followed_count, followed);
            prop_assert_eq!(tally.first_violation.map(|(cause, _)| cause.seq), first);
            prop_assert!(!has_missed || first.is_some());
        }
    }
}
