//! The agenda: everything of a run that is due at a moment, but for the players' moves, which have
//! a [calendar](crate::engine::calendar_queue) of their own.
//!
//! What is due at one moment comes out in the order of [`Item`]: the tick, then entries in file
//! order, then the state of the world, then what waited too long.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use scenario_log::time::Moment;

/// Something that is due. The order of the variants is the order at equal times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// The `n`th `clock.tick`.
    Tick(u64),
    /// The next occurrence of a timeline entry.
    Entry(usize),
    /// The next request of a load, by the run of its job.
    Arrival(u32),
    /// The state of the world is told.
    WorldBroadcast,
    /// An entry has waited for its line long enough.
    LineTimeout(usize),
    /// A spawn has had the time it had to get ready.
    ReadyTimeout(u32),
    /// The run has lasted long enough.
    TimeLimit,
}

/// The queue of items.
#[derive(Clone, Debug, Default)]
pub(crate) struct TimerQueue {
    heap: BinaryHeap<Reverse<(Moment, Timer)>>,
}

impl TimerQueue {
    /// Puts an item in.
    pub(crate) fn push(&mut self, due: Moment, item: Timer) {
        self.heap.push(Reverse((due, item)));
    }

    /// What is due when, in its order.
    pub(crate) fn sorted_timers(&self) -> Vec<(Moment, Timer)> {
        let mut items: Vec<_> = self.heap.iter().map(|Reverse(item)| *item).collect();
        items.sort_unstable();
        items
    }

    /// When the next item is due.
    pub(crate) fn next_due(&self) -> Option<Moment> {
        self.heap.peek().map(|Reverse((due, _))| *due)
    }

    /// The next item, if it is due by `now`.
    pub(crate) fn pop(&mut self, now: Moment) -> Option<(Moment, Timer)> {
        if self.next_due()? > now {
            return None;
        }
        let Reverse((due, item)) = self.heap.pop()?;
        Some((due, item))
    }

    /// Drops all but the ticks and the states of the world: nothing of the timeline happens any more.
    pub(crate) fn retain_recurring(&mut self) {
        self.heap.retain(|Reverse((_, item))| matches!(item, Timer::Tick(_) | Timer::WorldBroadcast));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_times_come_in_the_order_of_the_file() {
        let mut agenda = TimerQueue::default();
        let second = Moment(1_000_000_000);
        for item in [
            Timer::TimeLimit,
            Timer::WorldBroadcast,
            Timer::Entry(2),
            Timer::LineTimeout(0),
            Timer::Entry(1),
            Timer::Tick(1),
        ] {
            agenda.push(second, item);
        }
        agenda.push(Moment(5), Timer::Entry(9));
        assert_eq!(agenda.pop(Moment(4)), None);
        let order: Vec<Timer> = std::iter::from_fn(|| agenda.pop(second)).map(|(_, item)| item).collect();
        let wanted = [
            Timer::Entry(9),
            Timer::Tick(1),
            Timer::Entry(1),
            Timer::Entry(2),
            Timer::WorldBroadcast,
            Timer::LineTimeout(0),
            Timer::TimeLimit,
        ];
        assert_eq!(order, wanted);
    }
}
