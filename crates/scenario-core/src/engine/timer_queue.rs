//! The timers of a run: everything that is due at a moment, except the players' moves, which have a
//! [calendar queue](crate::engine::calendar_queue) of their own.
//!
//! Timers of one moment come out in the order of [`Timer`]: the tick, then entries in file order, then
//! requests of loads, then the state of the world, then the time limits. Time never goes back: the queue
//! panics if it would.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use scenario_log::time::Moment;

/// Something that is due. The order of the variants is the order at equal moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// The `n`th `clock.tick`.
    Tick(u64),
    /// The time of a change of a link is over: before the next change of the same moment.
    LinkHeal(u32),
    /// The next occurrence of a timeline entry.
    Entry(usize),
    /// The next request of a load, by the run of its job.
    Arrival(u32),
    /// The state of the world is broadcast.
    WorldBroadcast,
    /// The time that an entry waits for a line is over, by the number of the condition.
    LineTimeout(usize),
    /// The programs that an entry waits for may have been quiet long enough, by the number of the condition.
    Quiet(usize),
    /// The time that a spawn has to become ready is over.
    ReadyTimeout(u32),
    /// The time of an entry's `until` is over.
    UntilTimeout(usize),
    /// An entry with `always` has had its time.
    AlwaysTimeout(usize),
    /// A program that was stopped with STOP for some time continues.
    Continue(u32),
    /// The time that a program has is over.
    SpawnTimeout(u32),
    /// A program that has ended is started again.
    Restart(u32),
    /// The time limit of the run.
    TimeLimit,
}

/// The queue of timers.
#[derive(Clone, Debug, Default)]
pub(crate) struct TimerQueue {
    heap: BinaryHeap<Reverse<(Moment, Timer)>>,
    /// The moment of the timer that came out last.
    last_popped: Moment,
}

impl TimerQueue {
    /// Adds a timer.
    ///
    /// # Panics
    /// If it is due before the timer that came out last.
    pub(crate) fn push(&mut self, due: Moment, timer: Timer) {
        assert!(due >= self.last_popped, "{timer:?} is due at {due:?}, before {:?}", self.last_popped);
        self.heap.push(Reverse((due, timer)));
    }

    /// Adds a timer whose planned moment may have passed already; then it is due at once.
    pub(crate) fn push_overdue(&mut self, due: Moment, timer: Timer) {
        self.push(due.max(self.last_popped), timer);
    }

    /// The moment of the next timer that does something of the scenario's own: no tick, no state of the
    /// world, and no limit of time.
    pub(crate) fn next_action(&self) -> Option<Moment> {
        let is_action = |timer: &Timer| {
            matches!(
                timer,
                Timer::LinkHeal(_)
                    | Timer::Entry(_)
                    | Timer::Arrival(_)
                    | Timer::Quiet(_)
                    | Timer::Continue(_)
                    | Timer::Restart(_)
            )
        };
        self.heap.iter().filter(|Reverse((_, timer))| is_action(timer)).map(|Reverse((due, _))| *due).min()
    }

    /// All timers with their moments, in their order.
    pub(crate) fn sorted_timers(&self) -> Vec<(Moment, Timer)> {
        let mut timers: Vec<_> = self.heap.iter().map(|Reverse(timer)| *timer).collect();
        timers.sort_unstable();
        timers
    }

    /// The moment of the next timer.
    #[inline]
    pub(crate) fn next_due(&self) -> Option<Moment> {
        self.heap.peek().map(|Reverse((due, _))| *due)
    }

    /// Takes the next timer, if it is due by `now`.
    pub(crate) fn pop(&mut self, now: Moment) -> Option<(Moment, Timer)> {
        if self.next_due()? > now {
            return None;
        }
        let Reverse((due, timer)) = self.heap.pop()?;
        assert!(due >= self.last_popped, "{timer:?} came out at {due:?}, after {:?}", self.last_popped);
        self.last_popped = due;
        Some((due, timer))
    }

    /// Drops all timers but the ticks and the states of the world: nothing of the timeline happens any
    /// more.
    pub(crate) fn retain_recurring(&mut self) {
        self.heap.retain(|Reverse((_, timer))| matches!(timer, Timer::Tick(_) | Timer::WorldBroadcast));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_times_come_in_the_order_of_the_file() {
        let mut timers = TimerQueue::default();
        let second = Moment(1_000_000_000);
        for timer in [
            Timer::TimeLimit,
            Timer::WorldBroadcast,
            Timer::Entry(2),
            Timer::LineTimeout(0),
            Timer::Entry(1),
            Timer::Tick(1),
        ] {
            timers.push(second, timer);
        }
        timers.push(Moment(5), Timer::Entry(9));
        assert_eq!(timers.pop(Moment(4)), None);
        let order: Vec<Timer> = std::iter::from_fn(|| timers.pop(second)).map(|(_, timer)| timer).collect();
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

    /// A queue whose last timer came out at 5 ns.
    fn popped_at_5() -> TimerQueue {
        let mut timers = TimerQueue::default();
        timers.push(Moment(5), Timer::Entry(0));
        assert_eq!(timers.pop(Moment(5)), Some((Moment(5), Timer::Entry(0))));
        timers
    }

    #[test]
    #[should_panic(expected = "before")]
    fn time_does_not_go_back_on_push() {
        popped_at_5().push(Moment(4), Timer::Entry(1));
    }

    #[test]
    #[should_panic(expected = "came out")]
    fn time_does_not_go_back_on_pop() {
        let mut timers = popped_at_5();
        timers.heap.push(Reverse((Moment(4), Timer::Entry(1))));
        timers.pop(Moment(5));
    }

    #[test]
    fn an_overdue_timer_is_due_at_once() {
        let mut timers = popped_at_5();
        timers.push_overdue(Moment(4), Timer::Arrival(1));
        assert_eq!(timers.pop(Moment(5)), Some((Moment(5), Timer::Arrival(1))));
        timers.push_overdue(Moment(6), Timer::Arrival(1));
        assert_eq!(timers.next_due(), Some(Moment(6)));
    }
}
