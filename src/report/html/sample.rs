//! What single things of a lane are kept: all of them while they are few, and then every second, every
//! fourth, … of them, evenly over the run, so that a page of any log has a size that is known.

use crate::report::html::text::size;
use scenario_log::time::Moment;

/// What a thing takes on the page beside its text, about: its moment, its line, where its text stands.
const EACH: usize = 24;

/// A single thing that happened on a lane.
#[derive(Clone, Debug)]
pub(super) struct Point {
    pub(super) t: Moment,
    /// Its line in the log, from 1.
    pub(super) line: u64,
    /// A letter that says what it is; see `data.rs`.
    pub(super) kind: char,
    /// What is said of it, made visible and cut.
    pub(super) text: Box<str>,
}

/// One of every so many things.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    kept: Vec<Point>,
    /// One of how many is kept.
    every: u64,
    seen: u64,
    size: usize,
}

impl Default for Sample {
    fn default() -> Sample {
        Sample { kept: Vec::new(), every: 1, seen: 0, size: 0 }
    }
}

impl Sample {
    /// Takes the next thing if it is one of those that are kept; says how much larger the page became.
    pub(super) fn take(&mut self, point: impl FnOnce() -> Point) -> usize {
        let is_kept = self.seen.is_multiple_of(self.every);
        self.seen += 1;
        if !is_kept {
            return 0;
        }
        let point = point();
        let size = EACH + size(&point.text);
        self.size += size;
        self.kept.push(point);
        size
    }

    /// Lets go of every second one; says how much smaller the page became.
    fn thin(&mut self) -> usize {
        let before = self.size;
        let mut nth = 0u64;
        self.kept.retain(|_| {
            nth += 1;
            nth % 2 == 1
        });
        self.every = self.every.saturating_mul(2);
        self.size = self.kept.iter().map(|point| EACH + size(&point.text)).sum();
        before - self.size
    }

    pub(super) fn kept(&self) -> &[Point] {
        &self.kept
    }

    pub(super) fn every(&self) -> u64 {
        self.every
    }

    pub(super) fn seen(&self) -> u64 {
        self.seen
    }
}

/// Lets go of what takes most, until all of it is not larger than `limit`; gives what is left of `total`.
pub(super) fn thin(samples: &mut [&mut Sample], mut total: usize, limit: usize) -> usize {
    while total > limit {
        let most = samples.iter().map(|sample| sample.size).max().unwrap_or_default();
        let large = samples.iter_mut().filter(|sample| sample.size * 2 > most);
        let gone: usize = large.map(|sample| sample.thin()).sum();
        if gone == 0 {
            break;
        }
        total -= gone;
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(n: u64) -> Point {
        Point { t: Moment(n), line: n, kind: 'm', text: "x".into() }
    }

    #[test]
    fn one_of_so_many_is_kept_evenly() {
        let (mut long, mut short) = (Sample::default(), Sample::default());
        let mut total = (0..3).map(|n| short.take(|| point(n))).sum();
        for n in 0..10_000 {
            total += long.take(|| point(n));
            total = thin(&mut [&mut long, &mut short], total, 1_000);
        }
        assert!(total <= 1_000 && total == long.size + short.size);
        assert_eq!((short.kept().len(), short.every()), (3, 1), "what is rare stays");
        assert_eq!(long.seen(), 10_000);
        let wanted: Vec<u64> = (0..10_000).step_by(long.every() as usize).collect();
        assert_eq!(long.kept().iter().map(|point| point.t.0).collect::<Vec<_>>(), wanted);
    }
}
