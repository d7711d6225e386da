//! The queue of players: a calendar whose days are cut to fit what is in it.
//!
//! # How it works
//!
//! A player is one [`Row`] of 32 bytes, and it is the row itself that travels: no table is looked up.
//! Rows of the next while lie unsorted in the calendar's *days*, each as long as makes about
//! [`DAY`] rows; a day is sorted when its time comes (*today*), so a day fits the cache and sorting
//! is the only thing that is not a copy. What is set for the day already begun goes into a small
//! heap (*soon*), what is beyond the calendar into an unsorted heap of paper (*later*) from which
//! the next calendar is made. Few rows need no calendar: they live in the heap.
//!
//! Rows come out by due time, those of equal time by their id, whatever the order they came in.
//!
//! After Brown, "Calendar queues: a fast O(1) priority queue implementation for the simulation event
//! set problem", CACM 31 (1988); the unsorted remainder is that of the lazy queue (Rönngren, Riboe
//! and Ayani, 1991).

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::engine::random::RandomStream;
use scenario_log::time::Moment;

/// How many rows a day should have: 32 KiB of them.
const BUCKET_LEN: u64 = 1024;
/// How many days a calendar has.
const BUCKET_COUNT: usize = 2048;
/// So many rows in the heap call for a calendar.
const MIN_NEAR_LIMIT: usize = 4096;
/// Rows a sheet: what a day grows by.
const CHUNK_LEN: usize = 64;
/// How many rows are looked at to learn how the times are spread.
const SAMPLE_LEN: usize = 1024;

/// A player between two moves.
#[derive(Clone, Debug)]
pub struct PlayerTimer {
    /// When it moves next, or, with no moves left, when its last wait ends.
    pub due: Moment,
    /// Its own chance.
    pub random: RandomStream,
    /// Which player it is.
    pub id: u32,
    /// Moves left.
    pub moves_left: u32,
}

impl PlayerTimer {
    fn key(&self) -> (Moment, u32) {
        (self.due, self.id)
    }
}

/// A row in the heap, where the earliest is the greatest.
#[derive(Clone, Debug)]
struct EarliestFirst(PlayerTimer);

impl Ord for EarliestFirst {
    fn cmp(&self, other: &EarliestFirst) -> Ordering {
        other.0.key().cmp(&self.0.key())
    }
}
impl PartialOrd for EarliestFirst {
    fn partial_cmp(&self, other: &EarliestFirst) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for EarliestFirst {
    fn eq(&self, other: &EarliestFirst) -> bool {
        self.0.key() == other.0.key()
    }
}
impl Eq for EarliestFirst {}

/// An unsorted pile of rows, in sheets of the [`Paper`].
#[derive(Clone, Copy, Debug, Default)]
struct TimerBucket {
    /// The sheet on top, counted from 1; 0 is none.
    top_chunk: u32,
    /// Rows on the top sheet.
    top_len: u32,
    /// Rows in all.
    count: u32,
}

/// Sheets of rows, handed out to piles and taken back: so the memory of a million rows is that of a
/// million rows, wherever they lie.
#[derive(Clone, Debug, Default)]
struct ChunkArena {
    timers: Vec<PlayerTimer>,
    /// The sheet below each sheet in its pile, or in the stack of blank ones; counted from 1.
    next_chunk: Vec<u32>,
    first_free: u32,
}

impl ChunkArena {
    fn push(&mut self, pile: &mut TimerBucket, row: PlayerTimer) {
        if pile.top_chunk == 0 || pile.top_len as usize == CHUNK_LEN {
            let sheet = self.allocate_chunk(&row);
            self.next_chunk[sheet as usize - 1] = pile.top_chunk;
            pile.top_chunk = sheet;
            pile.top_len = 0;
        }
        self.timers[(pile.top_chunk as usize - 1) * CHUNK_LEN + pile.top_len as usize] = row;
        pile.top_len += 1;
        pile.count += 1;
    }

    /// A blank sheet; a new one is filled with copies of `row`, which nobody reads.
    fn allocate_chunk(&mut self, row: &PlayerTimer) -> u32 {
        if self.first_free == 0 {
            self.timers.resize(self.timers.len() + CHUNK_LEN, row.clone());
            self.next_chunk.push(0);
            return self.next_chunk.len() as u32;
        }
        let sheet = self.first_free;
        self.first_free = self.next_chunk[sheet as usize - 1];
        sheet
    }

    /// The rows of the top sheet.
    fn top_timers(&self, pile: &TimerBucket) -> &[PlayerTimer] {
        if pile.top_chunk == 0 {
            return &[];
        }
        let start = (pile.top_chunk as usize - 1) * CHUNK_LEN;
        &self.timers[start..start + pile.top_len as usize]
    }

    /// Takes the top sheet away.
    fn pop_chunk(&mut self, pile: &mut TimerBucket) {
        let sheet = pile.top_chunk;
        pile.count -= pile.top_len;
        pile.top_chunk = self.next_chunk[sheet as usize - 1];
        pile.top_len = if pile.top_chunk == 0 { 0 } else { CHUNK_LEN as u32 };
        self.next_chunk[sheet as usize - 1] = self.first_free;
        self.first_free = sheet;
    }

    fn drain(&mut self, pile: &mut TimerBucket, into: &mut Vec<PlayerTimer>) {
        while pile.top_chunk != 0 {
            into.extend_from_slice(self.top_timers(pile));
            self.pop_chunk(pile);
        }
    }
}

/// The queue.
#[derive(Clone, Debug)]
pub struct CalendarQueue {
    /// Sorted, the earliest last.
    current: Vec<PlayerTimer>,
    near: BinaryHeap<EarliestFirst>,
    /// The end of today: whatever is due before it goes into `soon`.
    horizon: u64,
    /// The start of the calendar.
    first_due: u64,
    /// The length of a day is 2^shift nanoseconds.
    bucket_shift: u32,
    buckets: Vec<TimerBucket>,
    /// The next day.
    next_bucket: usize,
    /// Rows in `days`.
    bucketed: usize,
    overflow: TimerBucket,
    arena: ChunkArena,
    len: usize,
    /// So many rows in `soon` call for a new calendar.
    near_limit: usize,
}

impl Default for CalendarQueue {
    fn default() -> CalendarQueue {
        CalendarQueue {
            current: Vec::new(),
            near: BinaryHeap::new(),
            horizon: u64::MAX,
            first_due: 0,
            bucket_shift: 0,
            buckets: Vec::new(),
            next_bucket: 0,
            bucketed: 0,
            overflow: TimerBucket::default(),
            arena: ChunkArena::default(),
            len: 0,
            near_limit: MIN_NEAR_LIMIT,
        }
    }
}

impl CalendarQueue {
    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Forgets all rows.
    pub fn clear(&mut self) {
        *self = CalendarQueue::default();
    }

    /// Puts a row in its place.
    pub fn push(&mut self, row: PlayerTimer) {
        self.len += 1;
        if row.due.0 < self.horizon {
            self.near.push(EarliestFirst(row));
            if self.near.len() > self.near_limit {
                let crowd = self.near.len() * 2;
                self.rebuild();
                // If a new calendar did not help (all at one instant), ask again only when it is
                // twice as many.
                self.near_limit = crowd;
            }
        } else {
            self.push_to_bucket(row);
        }
    }

    /// What is due when, of whom, and how often still, in its order.
    #[must_use]
    pub fn sorted_keys(&self) -> Vec<(Moment, u32, u32)> {
        let mut copy = self.clone();
        std::iter::from_fn(|| copy.pop()).map(|row| (row.due, row.id, row.moves_left)).collect()
    }

    /// When the next row is due.
    pub fn next_due(&mut self) -> Option<Moment> {
        self.refill_current();
        match (self.current.last(), self.near.peek()) {
            (Some(row), Some(EarliestFirst(other))) => Some(row.due.min(other.due)),
            (Some(row), None) | (None, Some(EarliestFirst(row))) => Some(row.due),
            (None, None) => None,
        }
    }

    /// Takes the next row.
    pub fn pop(&mut self) -> Option<PlayerTimer> {
        self.refill_current();
        let from_heap = match (self.current.last(), self.near.peek()) {
            (Some(row), Some(EarliestFirst(other))) => other.key() < row.key(),
            (None, Some(_)) => true,
            _ => false,
        };
        let row = if from_heap { self.near.pop().map(|EarliestFirst(row)| row) } else { self.current.pop() };
        self.len -= usize::from(row.is_some());
        row
    }

    /// Puts a row that is due after midnight into its day, or into the pile for later.
    fn push_to_bucket(&mut self, row: PlayerTimer) {
        let day = ((row.due.0 - self.first_due) >> self.bucket_shift) as usize;
        match self.buckets.get_mut(day) {
            Some(pile) => {
                self.arena.push(pile, row);
                self.bucketed += 1;
            }
            None => self.arena.push(&mut self.overflow, row),
        }
    }

    /// Makes sure that the earliest row is in `today` or `soon`.
    fn refill_current(&mut self) {
        while self.current.is_empty() && self.near.is_empty() && self.len > 0 {
            if self.bucketed == 0 {
                self.near_limit = MIN_NEAR_LIMIT;
                self.rebuild();
                continue;
            }
            let day = self.next_bucket;
            let overfull =
                u64::from(self.buckets[day].count) > 8 * BUCKET_LEN && self.bucket_shift > 0 && day > 0;
            if overfull {
                self.rebuild();
                continue;
            }
            self.next_bucket += 1;
            self.horizon = self.first_due.saturating_add((self.next_bucket as u64) << self.bucket_shift);
            let mut pile = std::mem::take(&mut self.buckets[day]);
            self.bucketed -= pile.count as usize;
            self.arena.drain(&mut pile, &mut self.current);
            self.current.sort_unstable_by_key(|row| std::cmp::Reverse(row.key()));
        }
    }

    /// Makes a new calendar of all there is.
    fn rebuild(&mut self) {
        self.move_all_to_overflow();
        if self.len <= MIN_NEAR_LIMIT / 4 {
            let mut rows = Vec::with_capacity(self.len);
            self.arena.drain(&mut self.overflow, &mut rows);
            self.near = rows.into_iter().map(EarliestFirst).collect();
            self.horizon = u64::MAX;
            return;
        }
        let (first, median) = self.first_and_median();
        let half_in_days = (self.len as u64 / 2 / BUCKET_LEN).clamp(1, BUCKET_COUNT as u64 / 2);
        let day = ((median - first) / half_in_days).max(1);
        self.first_due = first;
        self.bucket_shift = day.ilog2();
        self.buckets.resize(BUCKET_COUNT, TimerBucket::default());
        self.next_bucket = 0;
        self.horizon = first;
        let mut all = std::mem::take(&mut self.overflow);
        let mut sheet = Vec::with_capacity(CHUNK_LEN);
        while all.top_chunk != 0 {
            sheet.clear();
            sheet.extend_from_slice(self.arena.top_timers(&all));
            self.arena.pop_chunk(&mut all);
            for row in sheet.drain(..) {
                self.push_to_bucket(row);
            }
        }
    }

    /// Puts every row into the pile for later.
    fn move_all_to_overflow(&mut self) {
        for row in self.current.drain(..) {
            self.arena.push(&mut self.overflow, row);
        }
        for EarliestFirst(row) in self.near.drain() {
            self.arena.push(&mut self.overflow, row);
        }
        let mut sheet = Vec::with_capacity(CHUNK_LEN);
        for day in self.next_bucket..self.buckets.len() {
            let mut pile = std::mem::take(&mut self.buckets[day]);
            while pile.top_chunk != 0 {
                sheet.clear();
                sheet.extend_from_slice(self.arena.top_timers(&pile));
                self.arena.pop_chunk(&mut pile);
                for row in sheet.drain(..) {
                    self.arena.push(&mut self.overflow, row);
                }
            }
        }
        self.bucketed = 0;
    }

    /// The earliest time in the pile for later, and about the median.
    fn first_and_median(&self) -> (u64, u64) {
        let mut first = u64::MAX;
        let mut sample = Vec::with_capacity(2 * SAMPLE_LEN);
        let every = (self.overflow.count as usize / SAMPLE_LEN).max(1);
        let mut pile = self.overflow;
        let mut n = 0usize;
        while pile.top_chunk != 0 {
            for row in self.arena.top_timers(&pile) {
                first = first.min(row.due.0);
                if n.is_multiple_of(every) {
                    sample.push(row.due.0);
                }
                n += 1;
            }
            pile.top_chunk = self.arena.next_chunk[pile.top_chunk as usize - 1];
            pile.top_len = CHUNK_LEN as u32;
        }
        sample.sort_unstable();
        (first, sample[sample.len() / 2])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::random::RandomStreamId;
    use crate::scenario::interval::Interval;
    use scenario_log::time::Span;

    fn row(due: u64, id: u32) -> PlayerTimer {
        PlayerTimer { due: Moment(due), random: RandomStreamId::new(1, "test").stream(), id, moves_left: 0 }
    }

    /// Pops `pops` rows, each time pushing it again `gap` later, and checks the order against a
    /// plain sorted set.
    fn hold(start: &[u64], gaps: &[u64], pops: usize) {
        let mut calendar = CalendarQueue::default();
        let mut model = std::collections::BTreeSet::new();
        for (id, due) in start.iter().enumerate() {
            calendar.push(row(*due, id as u32));
            model.insert((Moment(*due), id as u32));
        }
        for n in 0..pops {
            assert_eq!(calendar.next_due(), model.first().map(|(due, _)| *due));
            let wanted = model.pop_first();
            let popped = calendar.pop();
            assert_eq!(popped.as_ref().map(PlayerTimer::key), wanted);
            let Some(mut popped) = popped else { return };
            let gap = gaps[n % gaps.len()];
            if gap % 7 != 3 {
                popped.due = Moment(popped.due.0 + gap);
                model.insert(popped.key());
                calendar.push(popped);
            }
            assert_eq!(calendar.len(), model.len());
        }
    }

    proptest! {
        #[test]
        fn rows_come_out_in_order(
            start in prop::collection::vec(0u64..5_000, 1..300),
            gaps in prop::collection::vec(prop_oneof![0u64..10, 0u64..5_000, 0u64..5_000_000_000], 1..50),
        ) {
            hold(&start, &gaps, 2_000);
        }
    }

    #[test]
    fn a_crowd_comes_out_in_order() {
        let mut die = RandomStreamId::new(7, "crowd").stream();
        let second = Interval::Uniform { from: Span(0), to: Span::from_secs(1) };
        let start: Vec<u64> = (0..60_000).map(|_| die.sample(&second).0).collect();
        let gaps: Vec<u64> = (0..9_973).map(|_| die.sample(&second).0).collect();
        hold(&start, &gaps, 300_000);
        // One far away does not spoil the days of the others.
        hold(&[start.clone(), vec![u64::MAX / 2]].concat(), &gaps, 200_000);
    }

    #[test]
    fn many_at_one_instant_come_out_in_order() {
        hold(&vec![42; 50_000], &[0, 1, 1_000_000], 200_000);
    }

    #[test]
    fn a_row_is_32_bytes() {
        assert_eq!(size_of::<PlayerTimer>(), 32);
    }
}
