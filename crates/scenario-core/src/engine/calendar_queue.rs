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

use crate::engine::random::Die;
use scenario_log::time::Moment;

/// How many rows a day should have: 32 KiB of them.
const DAY: u64 = 1024;
/// How many days a calendar has.
const DAYS: usize = 2048;
/// So many rows in the heap call for a calendar.
const CROWD: usize = 4096;
/// Rows a sheet: what a day grows by.
const SHEET: usize = 64;
/// How many rows are looked at to learn how the times are spread.
const SAMPLE: usize = 1024;

/// A player between two moves.
#[derive(Clone, Debug)]
pub struct Row {
    /// When it moves next, or, with no moves left, when its last wait ends.
    pub due: Moment,
    /// Its own chance.
    pub die: Die,
    /// Which player it is.
    pub id: u32,
    /// Moves left.
    pub left: u32,
}

impl Row {
    fn key(&self) -> (Moment, u32) {
        (self.due, self.id)
    }
}

/// A row in the heap, where the earliest is the greatest.
#[derive(Clone, Debug)]
struct Soon(Row);

impl Ord for Soon {
    fn cmp(&self, other: &Soon) -> Ordering {
        other.0.key().cmp(&self.0.key())
    }
}
impl PartialOrd for Soon {
    fn partial_cmp(&self, other: &Soon) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Soon {
    fn eq(&self, other: &Soon) -> bool {
        self.0.key() == other.0.key()
    }
}
impl Eq for Soon {}

/// An unsorted pile of rows, in sheets of the [`Paper`].
#[derive(Clone, Copy, Debug, Default)]
struct Pile {
    /// The sheet on top, counted from 1; 0 is none.
    top: u32,
    /// Rows on the top sheet.
    on_top: u32,
    /// Rows in all.
    count: u32,
}

/// Sheets of rows, handed out to piles and taken back: so the memory of a million rows is that of a
/// million rows, wherever they lie.
#[derive(Clone, Debug, Default)]
struct Paper {
    rows: Vec<Row>,
    /// The sheet below each sheet in its pile, or in the stack of blank ones; counted from 1.
    below: Vec<u32>,
    blank: u32,
}

impl Paper {
    fn push(&mut self, pile: &mut Pile, row: Row) {
        if pile.top == 0 || pile.on_top as usize == SHEET {
            let sheet = self.sheet(&row);
            self.below[sheet as usize - 1] = pile.top;
            pile.top = sheet;
            pile.on_top = 0;
        }
        self.rows[(pile.top as usize - 1) * SHEET + pile.on_top as usize] = row;
        pile.on_top += 1;
        pile.count += 1;
    }

    /// A blank sheet; a new one is filled with copies of `row`, which nobody reads.
    fn sheet(&mut self, row: &Row) -> u32 {
        if self.blank == 0 {
            self.rows.resize(self.rows.len() + SHEET, row.clone());
            self.below.push(0);
            return self.below.len() as u32;
        }
        let sheet = self.blank;
        self.blank = self.below[sheet as usize - 1];
        sheet
    }

    /// The rows of the top sheet.
    fn top(&self, pile: &Pile) -> &[Row] {
        if pile.top == 0 {
            return &[];
        }
        let start = (pile.top as usize - 1) * SHEET;
        &self.rows[start..start + pile.on_top as usize]
    }

    /// Takes the top sheet away.
    fn turn(&mut self, pile: &mut Pile) {
        let sheet = pile.top;
        pile.count -= pile.on_top;
        pile.top = self.below[sheet as usize - 1];
        pile.on_top = if pile.top == 0 { 0 } else { SHEET as u32 };
        self.below[sheet as usize - 1] = self.blank;
        self.blank = sheet;
    }

    fn drain(&mut self, pile: &mut Pile, into: &mut Vec<Row>) {
        while pile.top != 0 {
            into.extend_from_slice(self.top(pile));
            self.turn(pile);
        }
    }
}

/// The queue.
#[derive(Clone, Debug)]
pub struct Calendar {
    /// Sorted, the earliest last.
    today: Vec<Row>,
    soon: BinaryHeap<Soon>,
    /// The end of today: whatever is due before it goes into `soon`.
    midnight: u64,
    /// The start of the calendar.
    first: u64,
    /// The length of a day is 2^shift nanoseconds.
    shift: u32,
    days: Vec<Pile>,
    /// The next day.
    tomorrow: usize,
    /// Rows in `days`.
    in_days: usize,
    later: Pile,
    paper: Paper,
    len: usize,
    /// So many rows in `soon` call for a new calendar.
    crowd: usize,
}

impl Default for Calendar {
    fn default() -> Calendar {
        Calendar {
            today: Vec::new(),
            soon: BinaryHeap::new(),
            midnight: u64::MAX,
            first: 0,
            shift: 0,
            days: Vec::new(),
            tomorrow: 0,
            in_days: 0,
            later: Pile::default(),
            paper: Paper::default(),
            len: 0,
            crowd: CROWD,
        }
    }
}

impl Calendar {
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
        *self = Calendar::default();
    }

    /// Puts a row in its place.
    pub fn push(&mut self, row: Row) {
        self.len += 1;
        if row.due.0 < self.midnight {
            self.soon.push(Soon(row));
            if self.soon.len() > self.crowd {
                let crowd = self.soon.len() * 2;
                self.plan();
                // If a new calendar did not help (all at one instant), ask again only when it is
                // twice as many.
                self.crowd = crowd;
            }
        } else {
            self.file(row);
        }
    }

    /// What is due when, of whom, and how often still, in its order.
    #[must_use]
    pub fn sorted(&self) -> Vec<(Moment, u32, u32)> {
        let mut copy = self.clone();
        std::iter::from_fn(|| copy.pop()).map(|row| (row.due, row.id, row.left)).collect()
    }

    /// When the next row is due.
    pub fn next_due(&mut self) -> Option<Moment> {
        self.turn_to_next();
        match (self.today.last(), self.soon.peek()) {
            (Some(row), Some(Soon(other))) => Some(row.due.min(other.due)),
            (Some(row), None) | (None, Some(Soon(row))) => Some(row.due),
            (None, None) => None,
        }
    }

    /// Takes the next row.
    pub fn pop(&mut self) -> Option<Row> {
        self.turn_to_next();
        let from_heap = match (self.today.last(), self.soon.peek()) {
            (Some(row), Some(Soon(other))) => other.key() < row.key(),
            (None, Some(_)) => true,
            _ => false,
        };
        let row = if from_heap { self.soon.pop().map(|Soon(row)| row) } else { self.today.pop() };
        self.len -= usize::from(row.is_some());
        row
    }

    /// Puts a row that is due after midnight into its day, or into the pile for later.
    fn file(&mut self, row: Row) {
        let day = ((row.due.0 - self.first) >> self.shift) as usize;
        match self.days.get_mut(day) {
            Some(pile) => {
                self.paper.push(pile, row);
                self.in_days += 1;
            }
            None => self.paper.push(&mut self.later, row),
        }
    }

    /// Makes sure that the earliest row is in `today` or `soon`.
    fn turn_to_next(&mut self) {
        while self.today.is_empty() && self.soon.is_empty() && self.len > 0 {
            if self.in_days == 0 {
                self.crowd = CROWD;
                self.plan();
                continue;
            }
            let day = self.tomorrow;
            let overfull = u64::from(self.days[day].count) > 8 * DAY && self.shift > 0 && day > 0;
            if overfull {
                self.plan();
                continue;
            }
            self.tomorrow += 1;
            self.midnight = self.first.saturating_add((self.tomorrow as u64) << self.shift);
            let mut pile = std::mem::take(&mut self.days[day]);
            self.in_days -= pile.count as usize;
            self.paper.drain(&mut pile, &mut self.today);
            self.today.sort_unstable_by_key(|row| std::cmp::Reverse(row.key()));
        }
    }

    /// Makes a new calendar of all there is.
    fn plan(&mut self) {
        self.gather();
        if self.len <= CROWD / 4 {
            let mut rows = Vec::with_capacity(self.len);
            self.paper.drain(&mut self.later, &mut rows);
            self.soon = rows.into_iter().map(Soon).collect();
            self.midnight = u64::MAX;
            return;
        }
        let (first, median) = self.spread();
        let half_in_days = (self.len as u64 / 2 / DAY).clamp(1, DAYS as u64 / 2);
        let day = ((median - first) / half_in_days).max(1);
        self.first = first;
        self.shift = day.ilog2();
        self.days.resize(DAYS, Pile::default());
        self.tomorrow = 0;
        self.midnight = first;
        let mut all = std::mem::take(&mut self.later);
        let mut sheet = Vec::with_capacity(SHEET);
        while all.top != 0 {
            sheet.clear();
            sheet.extend_from_slice(self.paper.top(&all));
            self.paper.turn(&mut all);
            for row in sheet.drain(..) {
                self.file(row);
            }
        }
    }

    /// Puts every row into the pile for later.
    fn gather(&mut self) {
        for row in self.today.drain(..) {
            self.paper.push(&mut self.later, row);
        }
        for Soon(row) in self.soon.drain() {
            self.paper.push(&mut self.later, row);
        }
        let mut sheet = Vec::with_capacity(SHEET);
        for day in self.tomorrow..self.days.len() {
            let mut pile = std::mem::take(&mut self.days[day]);
            while pile.top != 0 {
                sheet.clear();
                sheet.extend_from_slice(self.paper.top(&pile));
                self.paper.turn(&mut pile);
                for row in sheet.drain(..) {
                    self.paper.push(&mut self.later, row);
                }
            }
        }
        self.in_days = 0;
    }

    /// The earliest time in the pile for later, and about the median.
    fn spread(&self) -> (u64, u64) {
        let mut first = u64::MAX;
        let mut sample = Vec::with_capacity(2 * SAMPLE);
        let every = (self.later.count as usize / SAMPLE).max(1);
        let mut pile = self.later;
        let mut n = 0usize;
        while pile.top != 0 {
            for row in self.paper.top(&pile) {
                first = first.min(row.due.0);
                if n.is_multiple_of(every) {
                    sample.push(row.due.0);
                }
                n += 1;
            }
            pile.top = self.paper.below[pile.top as usize - 1];
            pile.on_top = SHEET as u32;
        }
        sample.sort_unstable();
        (first, sample[sample.len() / 2])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::random::Purpose;
    use crate::scenario::interval::Interval;
    use scenario_log::time::Span;

    fn row(due: u64, id: u32) -> Row {
        Row { due: Moment(due), die: Purpose::new(1, "test").die(), id, left: 0 }
    }

    /// Pops `pops` rows, each time pushing it again `gap` later, and checks the order against a
    /// plain sorted set.
    fn hold(start: &[u64], gaps: &[u64], pops: usize) {
        let mut calendar = Calendar::default();
        let mut model = std::collections::BTreeSet::new();
        for (id, due) in start.iter().enumerate() {
            calendar.push(row(*due, id as u32));
            model.insert((Moment(*due), id as u32));
        }
        for n in 0..pops {
            assert_eq!(calendar.next_due(), model.first().map(|(due, _)| *due));
            let wanted = model.pop_first();
            let popped = calendar.pop();
            assert_eq!(popped.as_ref().map(Row::key), wanted);
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
        let mut die = Purpose::new(7, "crowd").die();
        let second = Interval::Uniform { from: Span(0), to: Span::from_secs(1) };
        let start: Vec<u64> = (0..60_000).map(|_| die.span(&second).0).collect();
        let gaps: Vec<u64> = (0..9_973).map(|_| die.span(&second).0).collect();
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
        assert_eq!(size_of::<Row>(), 32);
    }
}
