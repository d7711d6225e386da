//! A sample of the single events of a lane: all of them while they are few, then every second, every
//! fourth, and so on, evenly over the run, so that the size of a page is bounded for any log.

use crate::report::html::text::escaped_size;
use scenario_log::time::Moment;

/// About how many bytes an event takes on the page beside its text: its moment, its line and the index of
/// its text.
const POINT_BYTES: usize = 24;

/// A single event on a lane.
#[derive(Clone, Debug)]
pub(super) struct SamplePoint {
    pub(super) t: Moment,
    /// Its line in the log, counted from 1.
    pub(super) line: u64,
    /// A letter for its kind; `timeline_json.rs` lists them.
    pub(super) kind: char,
    /// Its text, sanitized and cut.
    pub(super) text: Box<str>,
}

/// One of every `interval` events.
#[derive(Clone, Debug)]
pub(super) struct PointSample {
    kept: Vec<SamplePoint>,
    /// One of this many events is kept.
    interval: u64,
    total: u64,
    size: usize,
}

impl Default for PointSample {
    fn default() -> PointSample {
        PointSample { kept: Vec::new(), interval: 1, total: 0, size: 0 }
    }
}

impl PointSample {
    /// Takes the next event if it is one of those to be kept; returns by how many bytes the page grows.
    pub(super) fn offer(&mut self, point: impl FnOnce() -> SamplePoint) -> usize {
        let is_kept = self.total.is_multiple_of(self.interval);
        self.total += 1;
        if !is_kept {
            return 0;
        }
        let point = point();
        let size = POINT_BYTES + escaped_size(&point.text);
        self.size += size;
        self.kept.push(point);
        size
    }

    /// Drops every second event; returns by how many bytes the page shrinks.
    fn drop_every_second(&mut self) -> usize {
        let before = self.size;
        let mut nth = 0u64;
        self.kept.retain(|_| {
            nth += 1;
            nth % 2 == 1
        });
        self.interval = self.interval.saturating_mul(2);
        self.size = self.kept.iter().map(|point| POINT_BYTES + escaped_size(&point.text)).sum();
        before - self.size
    }

    pub(super) fn kept(&self) -> &[SamplePoint] {
        &self.kept
    }

    pub(super) fn interval(&self) -> u64 {
        self.interval
    }

    pub(super) fn total(&self) -> u64 {
        self.total
    }
}

/// Drops events of the largest samples until all samples take at most `limit` bytes; returns how many bytes
/// of `total` are left.
pub(super) fn thin_samples(samples: &mut [&mut PointSample], mut total: usize, limit: usize) -> usize {
    while total > limit {
        let most = samples.iter().map(|sample| sample.size).max().unwrap_or_default();
        let large = samples.iter_mut().filter(|sample| sample.size * 2 > most);
        let gone: usize = large.map(|sample| sample.drop_every_second()).sum();
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

    fn point(n: u64) -> SamplePoint {
        SamplePoint { t: Moment(n), line: n, kind: 'm', text: "x".into() }
    }

    #[test]
    fn one_of_so_many_is_kept_evenly() {
        let (mut long, mut short) = (PointSample::default(), PointSample::default());
        let mut total = (0..3).map(|n| short.offer(|| point(n))).sum();
        for n in 0..10_000 {
            total += long.offer(|| point(n));
            total = thin_samples(&mut [&mut long, &mut short], total, 1_000);
        }
        assert!(total <= 1_000 && total == long.size + short.size);
        assert_eq!((short.kept().len(), short.interval()), (3, 1), "what is rare stays");
        assert_eq!(long.total(), 10_000);
        let wanted: Vec<u64> = (0..10_000).step_by(long.interval() as usize).collect();
        assert_eq!(long.kept().iter().map(|point| point.t.0).collect::<Vec<_>>(), wanted);
    }
}
