//! The players of steps that pause: each with the moment at which it goes on. Few are kept in a heap, many in a
//! [calendar](crate::engine::calendar_queue). They come out by their moment, and those of one moment by their id.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::engine::calendar_queue::{CalendarEntry, CalendarQueue};
use scenario_log::time::Moment;

/// As many players as this need a calendar. A walk through all orders copies its players very often, and a small
/// heap is copied faster.
const CALENDAR_MIN: usize = 4096;

/// A player that pauses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct SleepingPlayer {
    due: Moment,
    id: u32,
}

impl CalendarEntry for SleepingPlayer {
    fn key(&self) -> (Moment, u32) {
        (self.due, self.id)
    }
}

/// The players that pause.
#[derive(Clone, Debug)]
pub(crate) struct SleepingPlayers {
    /// The first of all, which is in no queue.
    next: Option<SleepingPlayer>,
    others: SleeperQueue,
}

#[derive(Clone, Debug)]
enum SleeperQueue {
    Heap(BinaryHeap<Reverse<SleepingPlayer>>),
    Calendar(Box<CalendarQueue<SleepingPlayer>>),
}

impl Default for SleepingPlayers {
    fn default() -> SleepingPlayers {
        SleepingPlayers { next: None, others: SleeperQueue::Heap(BinaryHeap::new()) }
    }
}

impl SleepingPlayers {
    pub(crate) fn is_empty(&self) -> bool {
        self.next.is_none()
    }

    /// The moment of the first player.
    #[inline]
    pub(crate) fn next_due(&self) -> Option<Moment> {
        self.next.map(|next| next.due)
    }

    /// Adds a player.
    pub(crate) fn push(&mut self, due: Moment, id: u32) {
        let player = SleepingPlayer { due, id };
        let later = match &mut self.next {
            None => {
                self.next = Some(player);
                return;
            }
            Some(next) if player < *next => std::mem::replace(next, player),
            Some(_) => player,
        };
        self.others.push(later);
    }

    /// Takes the first player.
    pub(crate) fn pop(&mut self) -> Option<u32> {
        let next = self.next.take()?;
        self.next = self.others.pop();
        Some(next.id)
    }

    /// Keeps only some of the players.
    pub(crate) fn retain(&mut self, is_kept: impl Fn(u32) -> bool) {
        let kept: Vec<(Moment, u32)> = self.iter().filter(|(_, id)| is_kept(*id)).collect();
        *self = SleepingPlayers::default();
        kept.into_iter().for_each(|(due, id)| self.push(due, id));
    }

    /// The players with their moments, in order.
    pub(crate) fn sorted(&self) -> Vec<(Moment, u32)> {
        let mut all: Vec<(Moment, u32)> = self.iter().collect();
        all.sort_unstable();
        all
    }

    /// The players with their moments, in no order.
    fn iter(&self) -> impl Iterator<Item = (Moment, u32)> {
        let (heap, calendar) = match &self.others {
            SleeperQueue::Heap(heap) => (Some(heap), None),
            SleeperQueue::Calendar(calendar) => (None, Some(calendar)),
        };
        let heap = heap.into_iter().flatten().map(|Reverse(player)| player);
        let calendar = calendar.into_iter().flat_map(|calendar| calendar.iter());
        self.next.iter().chain(heap).chain(calendar).map(CalendarEntry::key)
    }
}

impl SleeperQueue {
    fn push(&mut self, player: SleepingPlayer) {
        match self {
            SleeperQueue::Calendar(calendar) => calendar.push(player),
            SleeperQueue::Heap(heap) if heap.len() < CALENDAR_MIN => heap.push(Reverse(player)),
            SleeperQueue::Heap(heap) => {
                let mut calendar = CalendarQueue::default();
                heap.drain().for_each(|Reverse(other)| calendar.push(other));
                calendar.push(player);
                *self = SleeperQueue::Calendar(Box::new(calendar));
            }
        }
    }

    fn pop(&mut self) -> Option<SleepingPlayer> {
        match self {
            SleeperQueue::Heap(heap) => heap.pop().map(|Reverse(player)| player),
            SleeperQueue::Calendar(calendar) => calendar.pop(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::engine::random::RandomStreamId;

    #[test]
    fn players_come_out_by_moment_and_id() {
        let mut die = RandomStreamId::new(7, "sleepers").stream();
        for crowd in [3, 100, 3 * CALENDAR_MIN as u32] {
            let (mut sleeping, mut model) = (SleepingPlayers::default(), BTreeSet::new());
            for id in 0..crowd {
                let due = Moment(u64::from(die.below(1_000)));
                sleeping.push(due, id);
                model.insert((due, id));
            }
            for n in 0..4 * crowd {
                assert_eq!(sleeping.next_due(), model.first().map(|(due, _)| *due));
                let Some((due, id)) = model.pop_first() else { break };
                assert_eq!(sleeping.pop(), Some(id));
                if die.below(8) > 0 {
                    // Some go on at the same moment.
                    let due = Moment(due.0 + u64::from(die.below(500).saturating_sub(100)));
                    sleeping.push(due, id);
                    model.insert((due, id));
                }
                if n == crowd {
                    sleeping.retain(|id| id % 3 > 0);
                    model.retain(|(_, id)| id % 3 > 0);
                }
            }
            assert!(sleeping.sorted().into_iter().eq(model.into_iter()));
        }
    }
}
