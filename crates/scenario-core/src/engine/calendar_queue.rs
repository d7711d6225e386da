//! The queue of the players' timers: a calendar queue whose buckets are sized to fit its contents.
//!
//! # How it works
//!
//! The timer of a player is 32 bytes, and it is moved itself: no table is looked up. The timers of the near
//! future lie unsorted in *buckets*, each long enough for about `BUCKET_LEN` timers. A bucket is sorted when
//! its time comes (*current*), so a bucket fits the processor's cache, and everything but this sorting is a
//! copy. A timer for a bucket that has already begun goes into a small heap (*near*), and one beyond the last
//! bucket into an unsorted *overflow*, from which the next calendar is built. A few timers need no calendar:
//! they stay in the heap.
//!
//! Timers come out by due time, and those of equal time by their id, whatever the order in which they came
//! in. Time never goes back: debug builds panic if it would.
//!
//! After Brown, "Calendar queues: a fast O(1) priority queue implementation for the simulation event
//! set problem", CACM 31 (1988); the unsorted remainder is that of the lazy queue (Rönngren, Riboe
//! and Ayani, 1991).

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::engine::random::RandomStream;
use scenario_log::time::Moment;

/// The number of timers that a bucket should have: 32 KiB of them.
const BUCKET_LEN: u64 = 1024;
/// The number of buckets of a calendar.
const BUCKET_COUNT: usize = 2048;
/// More timers than this in the heap call for a calendar.
const MIN_NEAR_LIMIT: usize = 4096;
/// Timers in a chunk: a bucket grows by one chunk.
const CHUNK_LEN: usize = 64;
/// The number of timers that are sampled to learn how the due times are spread.
const SAMPLE_LEN: usize = 1024;

/// A player between two moves.
#[derive(Clone, Debug)]
pub struct PlayerTimer {
    /// The moment of its next move, or, with no moves left, of the end of its last wait.
    pub due: Moment,
    /// The player's own source of chance.
    pub random: RandomStream,
    /// The player.
    pub id: u32,
    /// The moves that the player has left.
    pub moves_left: u32,
}

impl CalendarEntry for PlayerTimer {
    fn key(&self) -> (Moment, u32) {
        (self.due, self.id)
    }
}

/// Something that a calendar queue keeps.
pub trait CalendarEntry: Clone {
    /// Its due moment, and its number among all that are due at that moment.
    fn key(&self) -> (Moment, u32);
}

/// A timer in the heap, where the earliest is the greatest.
#[derive(Clone, Debug)]
struct EarliestFirst<T>(T);

impl<T: CalendarEntry> Ord for EarliestFirst<T> {
    fn cmp(&self, other: &EarliestFirst<T>) -> Ordering {
        other.0.key().cmp(&self.0.key())
    }
}
impl<T: CalendarEntry> PartialOrd for EarliestFirst<T> {
    fn partial_cmp(&self, other: &EarliestFirst<T>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<T: CalendarEntry> PartialEq for EarliestFirst<T> {
    fn eq(&self, other: &EarliestFirst<T>) -> bool {
        self.0.key() == other.0.key()
    }
}
impl<T: CalendarEntry> Eq for EarliestFirst<T> {}

/// An unsorted set of timers, in a list of chunks of the [`ChunkArena`].
#[derive(Clone, Copy, Debug, Default)]
struct TimerBucket {
    /// The first chunk of its list, counted from 1; 0 if there is none.
    top_chunk: u32,
    /// Timers in the first chunk; all other chunks are full.
    top_len: u32,
    /// All its timers.
    count: u32,
}

/// Chunks of timers, which are lent to buckets and taken back: so a million timers take the memory of a
/// million timers, whichever buckets they are in.
#[derive(Clone, Debug)]
struct ChunkArena<T> {
    timers: Vec<T>,
    /// For each chunk, the next in the list of its bucket or in the list of free chunks; counted from 1.
    next_chunk: Vec<u32>,
    first_free: u32,
}

impl<T> Default for ChunkArena<T> {
    fn default() -> ChunkArena<T> {
        ChunkArena { timers: Vec::new(), next_chunk: Vec::new(), first_free: 0 }
    }
}

impl<T: Clone> ChunkArena<T> {
    fn push(&mut self, bucket: &mut TimerBucket, timer: T) {
        if bucket.top_chunk == 0 || bucket.top_len as usize == CHUNK_LEN {
            let chunk = self.allocate_chunk(&timer);
            self.next_chunk[chunk as usize - 1] = bucket.top_chunk;
            bucket.top_chunk = chunk;
            bucket.top_len = 0;
        }
        self.timers[(bucket.top_chunk as usize - 1) * CHUNK_LEN + bucket.top_len as usize] = timer;
        bucket.top_len += 1;
        bucket.count += 1;
    }

    /// Returns a free chunk. A new one is filled with copies of `timer`, which nobody reads.
    fn allocate_chunk(&mut self, timer: &T) -> u32 {
        if self.first_free == 0 {
            self.timers.resize(self.timers.len() + CHUNK_LEN, timer.clone());
            self.next_chunk.push(0);
            return self.next_chunk.len() as u32;
        }
        let chunk = self.first_free;
        self.first_free = self.next_chunk[chunk as usize - 1];
        chunk
    }

    /// The timers of the first chunk.
    fn top_timers(&self, bucket: &TimerBucket) -> &[T] {
        if bucket.top_chunk == 0 {
            return &[];
        }
        let start = (bucket.top_chunk as usize - 1) * CHUNK_LEN;
        &self.timers[start..start + bucket.top_len as usize]
    }

    /// Frees the first chunk.
    fn pop_chunk(&mut self, bucket: &mut TimerBucket) {
        let chunk = bucket.top_chunk;
        bucket.count -= bucket.top_len;
        bucket.top_chunk = self.next_chunk[chunk as usize - 1];
        bucket.top_len = if bucket.top_chunk == 0 { 0 } else { CHUNK_LEN as u32 };
        self.next_chunk[chunk as usize - 1] = self.first_free;
        self.first_free = chunk;
    }

    /// All timers of a bucket.
    fn timers_of(&self, mut bucket: TimerBucket) -> impl Iterator<Item = &T> {
        std::iter::from_fn(move || {
            let timers = (bucket.top_chunk != 0).then(|| self.top_timers(&bucket))?;
            bucket.top_chunk = self.next_chunk[bucket.top_chunk as usize - 1];
            bucket.top_len = CHUNK_LEN as u32;
            Some(timers)
        })
        .flatten()
    }

    fn drain(&mut self, bucket: &mut TimerBucket, into: &mut Vec<T>) {
        while bucket.top_chunk != 0 {
            into.extend_from_slice(self.top_timers(bucket));
            self.pop_chunk(bucket);
        }
    }
}

/// A queue of players' timers, ordered by due time and id.
#[derive(Clone, Debug)]
pub struct CalendarQueue<T = PlayerTimer> {
    /// Sorted, the earliest last.
    current: Vec<T>,
    near: BinaryHeap<EarliestFirst<T>>,
    /// The end of the current bucket: a timer that is due before it goes into `near`.
    horizon: u64,
    /// The start of the first bucket.
    first_due: u64,
    /// A bucket is 2^`bucket_shift` nanoseconds long.
    bucket_shift: u32,
    buckets: Vec<TimerBucket>,
    /// The bucket after the current one.
    next_bucket: usize,
    /// Timers in `buckets`.
    bucketed: usize,
    overflow: TimerBucket,
    arena: ChunkArena<T>,
    len: usize,
    /// More timers than this in `near` call for a new calendar.
    near_limit: usize,
    /// The moment of the timer that came out last. Time never goes back.
    last_popped: Moment,
}

impl<T: CalendarEntry> Default for CalendarQueue<T> {
    fn default() -> CalendarQueue<T> {
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
            last_popped: Moment::ZERO,
        }
    }
}

impl<T: CalendarEntry> CalendarQueue<T> {
    /// The number of timers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no timer.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Drops all timers; time may start again.
    pub fn clear(&mut self) {
        *self = CalendarQueue::default();
    }

    /// Adds a timer, which is not due before the one that came out last.
    pub fn push(&mut self, timer: T) {
        let due = timer.key().0;
        debug_assert!(due >= self.last_popped, "a timer is due before the one that came out last");
        self.len += 1;
        if due.0 < self.horizon {
            self.near.push(EarliestFirst(timer));
            if self.near.len() > self.near_limit {
                let crowd = self.near.len() * 2;
                self.rebuild();
                // If a new calendar did not help (all are due at one instant), try again only when there
                // are twice as many.
                self.near_limit = crowd;
            }
        } else {
            self.push_to_bucket(timer);
        }
    }

    /// All timers, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        let later = self.buckets.iter().skip(self.next_bucket).chain(std::iter::once(&self.overflow));
        let later = later.flat_map(|bucket| self.arena.timers_of(*bucket));
        self.current.iter().chain(self.near.iter().map(|EarliestFirst(timer)| timer)).chain(later)
    }

    /// The due moment of the next timer.
    pub fn next_due(&mut self) -> Option<Moment> {
        self.refill_current();
        match (self.current.last(), self.near.peek()) {
            (Some(timer), Some(EarliestFirst(other))) => Some(timer.key().0.min(other.key().0)),
            (Some(timer), None) | (None, Some(EarliestFirst(timer))) => Some(timer.key().0),
            (None, None) => None,
        }
    }

    /// Takes the next timer.
    pub fn pop(&mut self) -> Option<T> {
        self.refill_current();
        let from_heap = match (self.current.last(), self.near.peek()) {
            (Some(timer), Some(EarliestFirst(other))) => other.key() < timer.key(),
            (None, Some(_)) => true,
            _ => false,
        };
        let timer =
            if from_heap { self.near.pop().map(|EarliestFirst(timer)| timer) } else { self.current.pop() };
        if let Some(timer) = &timer {
            let due = timer.key().0;
            debug_assert!(due >= self.last_popped, "a timer came out after a later one");
            self.last_popped = due;
            self.len -= 1;
        }
        timer
    }

    /// Adds a timer that is not due before the horizon to its bucket, or to the overflow.
    fn push_to_bucket(&mut self, timer: T) {
        let index = ((timer.key().0.0 - self.first_due) >> self.bucket_shift) as usize;
        match self.buckets.get_mut(index) {
            Some(bucket) => {
                self.arena.push(bucket, timer);
                self.bucketed += 1;
            }
            None => self.arena.push(&mut self.overflow, timer),
        }
    }

    /// Makes sure that the earliest timer is in `current` or `near`.
    fn refill_current(&mut self) {
        while self.current.is_empty() && self.near.is_empty() && self.len > 0 {
            if self.bucketed == 0 {
                self.near_limit = MIN_NEAR_LIMIT;
                self.rebuild();
                continue;
            }
            let index = self.next_bucket;
            let overfull =
                u64::from(self.buckets[index].count) > 8 * BUCKET_LEN && self.bucket_shift > 0 && index > 0;
            if overfull {
                self.rebuild();
                continue;
            }
            self.next_bucket += 1;
            self.horizon = self.first_due.saturating_add((self.next_bucket as u64) << self.bucket_shift);
            let mut bucket = std::mem::take(&mut self.buckets[index]);
            self.bucketed -= bucket.count as usize;
            // Many that were due at one instant need no room any more.
            self.current.shrink_to(16 * BUCKET_LEN as usize);
            self.arena.drain(&mut bucket, &mut self.current);
            self.current.sort_unstable_by_key(|timer| std::cmp::Reverse(timer.key()));
        }
    }

    /// Builds a new calendar of all timers.
    fn rebuild(&mut self) {
        self.move_all_to_overflow();
        if self.len <= MIN_NEAR_LIMIT / 4 {
            let mut timers = Vec::with_capacity(self.len);
            self.arena.drain(&mut self.overflow, &mut timers);
            self.near = timers.into_iter().map(EarliestFirst).collect();
            self.horizon = u64::MAX;
            return;
        }
        let (first, median) = self.first_and_median();
        let half_of_buckets = (self.len as u64 / 2 / BUCKET_LEN).clamp(1, BUCKET_COUNT as u64 / 2);
        let bucket_len = ((median - first) / half_of_buckets).max(1);
        self.first_due = first;
        self.bucket_shift = bucket_len.ilog2();
        self.buckets.resize(BUCKET_COUNT, TimerBucket::default());
        self.next_bucket = 0;
        self.horizon = first;
        let mut all = std::mem::take(&mut self.overflow);
        let mut chunk = Vec::with_capacity(CHUNK_LEN);
        while all.top_chunk != 0 {
            chunk.clear();
            chunk.extend_from_slice(self.arena.top_timers(&all));
            self.arena.pop_chunk(&mut all);
            for timer in chunk.drain(..) {
                self.push_to_bucket(timer);
            }
        }
    }

    /// Moves every timer into the overflow.
    fn move_all_to_overflow(&mut self) {
        for timer in self.current.drain(..) {
            self.arena.push(&mut self.overflow, timer);
        }
        for EarliestFirst(timer) in self.near.drain() {
            self.arena.push(&mut self.overflow, timer);
        }
        let mut chunk = Vec::with_capacity(CHUNK_LEN);
        for index in self.next_bucket..self.buckets.len() {
            let mut bucket = std::mem::take(&mut self.buckets[index]);
            while bucket.top_chunk != 0 {
                chunk.clear();
                chunk.extend_from_slice(self.arena.top_timers(&bucket));
                self.arena.pop_chunk(&mut bucket);
                for timer in chunk.drain(..) {
                    self.arena.push(&mut self.overflow, timer);
                }
            }
        }
        self.bucketed = 0;
    }

    /// The earliest due time in the overflow, and an estimate of the median.
    fn first_and_median(&self) -> (u64, u64) {
        let mut first = u64::MAX;
        let mut sample = Vec::with_capacity(2 * SAMPLE_LEN);
        let every = (self.overflow.count as usize / SAMPLE_LEN).max(1);
        for (n, timer) in self.arena.timers_of(self.overflow).enumerate() {
            let due = timer.key().0.0;
            first = first.min(due);
            if n.is_multiple_of(every) {
                sample.push(due);
            }
        }
        sample.sort_unstable();
        (first, sample[sample.len() / 2])
    }
}

impl CalendarQueue {
    /// For every timer in order: its due moment, its player, and the moves that the player has left.
    #[must_use]
    pub fn sorted_keys(&self) -> Vec<(Moment, u32, u32)> {
        let mut copy = self.clone();
        std::iter::from_fn(|| copy.pop()).map(|timer| (timer.due, timer.id, timer.moves_left)).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::random::RandomStreamId;
    use crate::scenario::interval::Interval;
    use scenario_log::time::Span;

    fn timer(due: u64, id: u32) -> PlayerTimer {
        PlayerTimer { due: Moment(due), random: RandomStreamId::new(1, "test").stream(), id, moves_left: 0 }
    }

    /// Pops `pops` timers, pushes each again `gap` later, and checks the order against a plain sorted
    /// set.
    fn hold(start: &[u64], gaps: &[u64], pops: usize) {
        let mut calendar = CalendarQueue::default();
        let mut model = std::collections::BTreeSet::new();
        for (id, due) in start.iter().enumerate() {
            calendar.push(timer(*due, id as u32));
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
        fn timers_come_out_in_order(
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
        // One timer in the far future does not spoil the buckets of the others.
        hold(&[start.clone(), vec![u64::MAX / 2]].concat(), &gaps, 200_000);
    }

    #[test]
    fn many_at_one_instant_come_out_in_order() {
        hold(&vec![42; 50_000], &[0, 1, 1_000_000], 200_000);
    }

    #[test]
    #[should_panic(expected = "due before")]
    fn time_does_not_go_back_on_push() {
        let mut calendar = CalendarQueue::default();
        calendar.push(timer(5, 0));
        assert_eq!(calendar.pop().map(|timer| timer.due), Some(Moment(5)));
        calendar.push(timer(4, 1));
    }

    #[test]
    #[should_panic(expected = "after a later one")]
    fn time_does_not_go_back_on_pop() {
        let mut calendar = CalendarQueue::default();
        calendar.push(timer(5, 0));
        calendar.last_popped = Moment(6);
        calendar.pop();
    }

    #[test]
    fn a_timer_is_32_bytes() {
        assert_eq!(size_of::<PlayerTimer>(), 32);
    }
}
