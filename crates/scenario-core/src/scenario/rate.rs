//! Rates of requests, constant or changing over time, in whole numbers: how many requests are planned
//! before a moment, and when each one is planned, without a rounding that could differ on another machine.
//!
//! # How it works
//!
//! A [`Ramp`] is a rate that is linear between its points. The number of requests planned before a moment
//! is the area under it; request `i` (from 0) is planned for the last nanosecond up to which the area is
//! not more than `i`. The area is a fraction whose denominator is the length of a piece, so it is compared
//! exactly: it is rounded to the side on which the comparison stays true. A guess in floating point only
//! gives the start of the search.

use scenario_log::time::Span;

/// A number of requests in a time, in millionths of a request an hour: every rate that a file can have is a
/// whole number of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestRate(pub u64);

impl RequestRate {
    /// One request an hour.
    pub const ONE_PER_HOUR: RequestRate = RequestRate(1_000_000);

    /// A million requests a second: the highest rate that a file can have.
    pub const MAX: RequestRate = RequestRate(1_000_000 * 3600 * RequestRate::ONE_PER_HOUR.0);

    /// The form that a scenario file has: `500/s`, `0.5/m`.
    #[must_use]
    pub fn to_file_text(self) -> String {
        let units = [("s", 3600), ("m", 60), ("h", 1)];
        let (unit, seconds) = units
            .into_iter()
            .find(|(_, factor)| self.0.is_multiple_of(*factor) && (self.0 / factor).is_multiple_of(10_000))
            .or_else(|| units.into_iter().find(|(_, factor)| self.0.is_multiple_of(*factor)))
            .unwrap_or(("h", 1));
        let millionths = self.0 / seconds;
        let (whole, rest) = (millionths / 1_000_000, millionths % 1_000_000);
        let decimals = if rest == 0 { String::new() } else { format!(".{rest:06}") };
        format!("{whole}{}/{unit}", decimals.trim_end_matches('0'))
    }
}

/// One point of a ramp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RampPoint {
    /// The time from the start of the load.
    pub at: Span,
    /// The rate at that time.
    pub rate: RequestRate,
}

/// A rate over time: linear between its points, constant before the first and after the last. Two points at
/// the same time are a jump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ramp {
    points: Vec<RampPoint>,
    pieces: Vec<RampPiece>,
}

/// Twice the area of one request, in the units of [`RampPiece::area`].
const AREA_PER_REQUEST: u128 = 2 * RequestRate::ONE_PER_HOUR.0 as u128 * 3600 * 1_000_000_000;

/// An exact area under a ramp: a moment, measured in requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct RampArea(u128);

impl RampArea {
    /// The area of this number of requests.
    #[must_use]
    pub fn from_requests(count: u64) -> RampArea {
        RampArea(u128::from(count) * AREA_PER_REQUEST)
    }

    /// The area plus a fraction of a request, in units of 2^-32 requests.
    #[must_use]
    pub fn plus_fraction(self, parts: u64) -> RampArea {
        RampArea(self.0.saturating_add((u128::from(parts) * AREA_PER_REQUEST) >> 32))
    }
}

/// A part of a ramp in which the rate is linear.
#[derive(Clone, Debug, PartialEq, Eq)]
struct RampPiece {
    start: u64,
    /// The length in nanoseconds; the last piece has no end.
    length: u64,
    start_rate: u64,
    end_rate: u64,
    /// The area before the piece.
    area_before: u128,
}

impl Ramp {
    /// The ramp that always has the same rate.
    #[must_use]
    pub fn constant(rate: RequestRate) -> Ramp {
        Ramp::new(vec![RampPoint { at: Span::ZERO, rate }])
    }

    /// The ramp through these points, which are in the order of time; there is at least one.
    #[must_use]
    pub fn new(points: Vec<RampPoint>) -> Ramp {
        let ends = points.last().copied().unwrap_or(RampPoint { at: Span::ZERO, rate: RequestRate(0) });
        let mut pieces = Vec::with_capacity(points.len() + 1);
        let mut before = 0;
        let mut last = points.first().map_or(ends, |first| RampPoint { at: Span::ZERO, ..*first });
        for next in points.iter().copied().chain([RampPoint { at: Span(u64::MAX), ..ends }]) {
            let length = next.at.0.saturating_sub(last.at.0);
            let piece = RampPiece {
                start: last.at.0,
                length,
                start_rate: last.rate.0,
                end_rate: next.rate.0,
                area_before: before,
            };
            before = before.saturating_add(piece.area(length));
            if length > 0 {
                pieces.push(piece);
            }
            last = next;
        }
        Ramp { points, pieces }
    }

    /// The points of the ramp.
    #[must_use]
    pub fn points(&self) -> &[RampPoint] {
        &self.points
    }

    /// The rate of a ramp that always has the same rate.
    #[must_use]
    pub fn as_constant(&self) -> Option<RequestRate> {
        match self.points[..] {
            [RampPoint { at: Span::ZERO, rate: to }] => Some(to),
            _ => None,
        }
    }

    /// The number of requests planned before this moment.
    #[must_use]
    pub fn requests_before(&self, end: Span) -> u64 {
        let piece = self.pieces.partition_point(|piece| piece.start <= end.0);
        let area = piece.checked_sub(1).and_then(|piece| self.pieces.get(piece)).map_or(0, |piece| {
            piece.area_before.saturating_add(piece.area(end.0.saturating_sub(piece.start)))
        });
        u64::try_from(area.div_ceil(AREA_PER_REQUEST)).unwrap_or(u64::MAX)
    }

    /// The number of requests planned in all; `None` if they never end.
    #[must_use]
    pub fn total_requests(&self) -> Option<u64> {
        let last = self.pieces.last()?;
        (last.start_rate == 0)
            .then(|| u64::try_from(last.area_before.div_ceil(AREA_PER_REQUEST)).unwrap_or(u64::MAX))
    }

    /// The last moment up to which the area is not more than this; `None` if the area never becomes larger,
    /// or not within 584 years.
    #[must_use]
    pub fn time_of_area(&self, area: RampArea) -> Option<Span> {
        let piece = self.pieces.partition_point(|piece| piece.area_before <= area.0).checked_sub(1)?;
        let piece = self.pieces.get(piece)?;
        let within = piece.last_nano_within(area.0 - piece.area_before)?;
        piece.start.checked_add(within).map(Span)
    }
}

impl RampPiece {
    /// Twice the area of the first `x` nanoseconds, rounded up, in millionths of a request an hour times
    /// nanoseconds.
    fn area(&self, x: u64) -> u128 {
        let (x, length) = (u128::from(x), u128::from(self.length.max(1)));
        let base = 2 * u128::from(self.start_rate) * x;
        let slope = u128::from(self.start_rate.abs_diff(self.end_rate)) * x;
        // This is slope · x / length, whose product would not fit 128 bits.
        let (whole, rest) = (slope / length, slope % length * x);
        let whole = whole * x + rest / length;
        if self.end_rate >= self.start_rate {
            base + whole + u128::from(!rest.is_multiple_of(length))
        } else {
            base - whole
        }
    }

    /// The last nanosecond up to which the area is not more than this.
    fn last_nano_within(&self, area: u128) -> Option<u64> {
        if self.start_rate == self.end_rate {
            let twice = 2 * u128::from(self.start_rate);
            return area.checked_div(twice).and_then(|x| u64::try_from(x).ok());
        }
        let fits = |x: u64| self.area(x) <= area;
        let guess = self.estimate(area);
        let (mut low, mut high, mut step) = (guess, guess, 1);
        while low > 0 && !fits(low) {
            (high, low) = (low, low.saturating_sub(step));
            step = step.saturating_mul(2);
        }
        step = 1;
        while high <= self.length && fits(high) {
            (low, high) = (high, high.saturating_add(step).min(self.length + 1));
            step = step.saturating_mul(2);
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if fits(middle) { low = middle } else { high = middle }
        }
        Some(low)
    }

    /// An estimate of the nanosecond at which the area is this.
    fn estimate(&self, area: u128) -> u64 {
        let (from, to) = (self.start_rate as f64, self.end_rate as f64);
        let root = (from * from + (to - from) * area as f64 / self.length as f64).max(0.0).sqrt();
        // The cast turns NaN and negative values into 0, and values that are too large into the largest.
        ((area as f64 / (from + root)) as u64).min(self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenario_log::time::NANOS_PER_SECOND;

    fn per_second(rate: u64) -> RequestRate {
        RequestRate(rate * 3600 * RequestRate::ONE_PER_HOUR.0)
    }

    fn ramp(points: &[(u64, u64)]) -> Ramp {
        let point = |(at, to): &(u64, u64)| RampPoint { at: Span::from_secs(*at), rate: per_second(*to) };
        Ramp::new(points.iter().map(point).collect())
    }

    fn due(ramp: &Ramp, n: u64) -> Option<u64> {
        ramp.time_of_area(RampArea::from_requests(n)).map(|span| span.0)
    }

    #[test]
    fn a_constant_rate_never_drifts() {
        let three = Ramp::constant(per_second(3));
        for n in [0, 1, 2, 3, 1_000_000_000] {
            assert_eq!(due(&three, n), Some(n * NANOS_PER_SECOND / 3));
        }
        assert_eq!(three.requests_before(Span::from_secs(10)), 30);
        assert_eq!(three.requests_before(Span(10 * NANOS_PER_SECOND + 1)), 31);
        assert_eq!(three.requests_before(Span::ZERO), 0);
        assert_eq!(three.total_requests(), None);
    }

    #[test]
    fn a_ramp_keeps_its_area() {
        // 0/s to 500/s in 10 s: 2,500 requests, the nth at sqrt(n / 25) seconds.
        let up = ramp(&[(0, 0), (10, 500)]);
        assert_eq!(up.requests_before(Span::from_secs(10)), 2_500);
        assert_eq!(due(&up, 0), Some(0));
        assert_eq!(due(&up, 100), Some(2 * NANOS_PER_SECOND));
        assert_eq!(due(&up, 2_500), Some(10 * NANOS_PER_SECOND));
        assert_eq!(due(&up, 3_000), Some(11 * NANOS_PER_SECOND));
        let down = ramp(&[(0, 500), (10, 0)]);
        assert_eq!(down.total_requests(), Some(2_500));
        assert_eq!(due(&down, 2_500), None);
        assert_eq!(due(&down, 2_400), Some(8 * NANOS_PER_SECOND));
    }

    #[test]
    fn nothing_is_planned_where_the_rate_is_zero() {
        let pause = ramp(&[(0, 10), (1, 10), (1, 0), (5, 0), (5, 10)]);
        assert_eq!(due(&pause, 9), Some(900_000_000));
        assert_eq!(due(&pause, 10), Some(5 * NANOS_PER_SECOND));
        assert_eq!(pause.requests_before(Span::from_secs(5)), 10);
        let late = ramp(&[(3, 0), (3, 7)]);
        assert_eq!(due(&late, 0), Some(3 * NANOS_PER_SECOND));
    }

    #[test]
    fn a_rate_is_written_as_it_is_read() {
        assert_eq!(per_second(500).to_file_text(), "500/s");
        assert_eq!(RequestRate(1_000_000).to_file_text(), "1/h");
        assert_eq!(RequestRate(90_000_000).to_file_text(), "1.5/m");
        assert_eq!(RequestRate(1).to_file_text(), "0.000001/h");
        assert_eq!(RequestRate(3_600).to_file_text(), "0.000001/s");
        assert_eq!(RequestRate::MAX.to_file_text(), "1000000/s");
    }

    proptest::proptest! {
        #[test]
        fn moments_are_in_order_and_the_count_is_the_area(
            steps in proptest::collection::vec((0u64..40_000_000_000, 0u64..50_000_000_000), 1..6),
            end in 0u64..60_000_000_000,
        ) {
            let mut at = 0;
            let points = steps.iter().map(|(step, rate)| {
                at += step;
                RampPoint { at: Span(at), rate: RequestRate(*rate) }
            });
            let ramp = Ramp::new(points.collect());
            let count = ramp.requests_before(Span(end));
            let mut last = 0;
            for n in (0..count).step_by(1 + count as usize / 200) {
                let due = due(&ramp, n);
                proptest::prop_assert!(due.is_some_and(|due| last <= due && due < end), "{n}: {due:?}");
                last = due.unwrap_or_default();
            }
            proptest::prop_assert!(due(&ramp, count).is_none_or(|due| due >= end));
            // The same in floating point, to a billionth.
            let mut area = 0.0;
            let mut before = (0.0, steps[0].1 as f64);
            for point in ramp.points().iter().map(|p| (p.at.0 as f64, p.rate.0 as f64)) {
                let until = point.0.min(end as f64);
                if until > before.0 {
                    let part = (until - before.0) / (point.0 - before.0);
                    let there = before.1 + (point.1 - before.1) * part;
                    area += (before.1 + there) / 2.0 * (until - before.0);
                }
                before = point;
            }
            area += before.1 * (end as f64 - before.0).max(0.0);
            let wanted = area / 3.6e18;
            proptest::prop_assert!((count as f64 - wanted) < 1.0 + wanted * 1e-9 && count as f64 - wanted > -1e-6 - wanted * 1e-9, "{count} and {wanted}");
        }
    }
}
