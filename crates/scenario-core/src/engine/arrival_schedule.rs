//! The planned moments of the requests of an open loop, or of the spawns of an entry with a rate, one after the other: evenly under the rate, or by
//! chance. Each moment is computed from the start of the load, never from the moment before.
//!
//! A Poisson process of any rate is a process of rate 1 on another clock: the area under the rate
//! (Çinlar, "Introduction to Stochastic Processes", 1975, 4.7). So the distances that are drawn are areas.

use crate::engine::random::RandomStream;
use crate::scenario::rate::{Ramp, RampArea};
use scenario_log::time::Span;

/// The planned moments of one load, or of one entry.
#[derive(Clone, Debug)]
pub(crate) struct ArrivalSchedule {
    rate: Ramp,
    spacing: ArrivalSpacing,
    /// The number of requests that may still come.
    remaining: u64,
    end: Option<Span>,
}

#[derive(Clone, Debug)]
enum ArrivalSpacing {
    /// Evenly: the number of the next request.
    Even(u64),
    /// By chance: the area so far.
    Random(RandomStream, RampArea),
}

impl ArrivalSchedule {
    /// At most `requests` requests before `end`; by chance if there is a random stream.
    pub(crate) fn new(
        rate: Ramp,
        random: Option<RandomStream>,
        requests: Option<u64>,
        end: Option<Span>,
    ) -> ArrivalSchedule {
        let by = random
            .map_or(ArrivalSpacing::Even(0), |random| ArrivalSpacing::Random(random, RampArea::default()));
        ArrivalSchedule { rate, spacing: by, remaining: requests.unwrap_or(u64::MAX), end }
    }

    /// The next planned moment, from the start of the load; `None` after the last.
    pub(crate) fn next_arrival(&mut self) -> Option<Span> {
        self.remaining = self.remaining.checked_sub(1)?;
        let area = match &mut self.spacing {
            ArrivalSpacing::Even(next) => {
                let area = RampArea::from_requests(*next);
                *next += 1;
                area
            }
            ArrivalSpacing::Random(random, area) => {
                *area = area.plus_fraction(random.sample_exponential());
                *area
            }
        };
        let next = self.rate.time_of_area(area).filter(|next| self.end.is_none_or(|end| *next < end));
        if next.is_none() {
            self.remaining = 0;
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::random::RandomStreamId;
    use crate::scenario::rate::{RampPoint, RequestRate};
    use scenario_log::time::NANOS_PER_SECOND;

    fn per_second(rate: u64) -> RequestRate {
        RequestRate(rate * 3600 * RequestRate::ONE_PER_HOUR.0)
    }

    fn all(mut arrivals: ArrivalSchedule) -> Vec<u64> {
        std::iter::from_fn(|| arrivals.next_arrival()).map(|span| span.0).collect()
    }

    #[test]
    fn requests_and_time_both_end_it() {
        let ten = || Ramp::constant(per_second(10));
        let within = Some(Span::from_secs(2));
        assert_eq!(all(ArrivalSchedule::new(ten(), None, None, within)).len(), 20);
        assert_eq!(all(ArrivalSchedule::new(ten(), None, Some(7), within)).len(), 7);
        assert_eq!(
            all(ArrivalSchedule::new(ten(), None, Some(3), None)),
            [0, NANOS_PER_SECOND / 10, NANOS_PER_SECOND / 5]
        );
    }

    #[test]
    fn chance_keeps_the_rate_and_has_its_spread() {
        let random = || Some(RandomStreamId::new(2018, "test").stream());
        let moments =
            all(ArrivalSchedule::new(Ramp::constant(per_second(1_000)), random(), Some(100_000), None));
        assert!(moments.is_sorted());
        let last = *moments.last().unwrap_or(&0) as f64 / 1e9;
        assert!((99.0..101.0).contains(&last), "{last}");
        // The number in each second has the mean as its variance.
        let mut counts = vec![0.0; 99];
        for moment in &moments {
            if let Some(count) = counts.get_mut((*moment / NANOS_PER_SECOND) as usize) {
                *count += 1.0;
            }
        }
        let variance = counts.iter().map(|n: &f64| (n - 1_000.0).powi(2)).sum::<f64>() / 99.0;
        assert!((600.0..1_600.0).contains(&variance), "{variance}");
        // Under a ramp from 0, half of them come in the last three tenths of the time.
        let point = |at, to| RampPoint { at: Span::from_secs(at), rate: per_second(to) };
        let ramp = Ramp::new(vec![point(0, 0), point(100, 200)]);
        let moments = all(ArrivalSchedule::new(ramp, random(), None, Some(Span::from_secs(100))));
        assert!((9_700..10_300).contains(&moments.len()), "{}", moments.len());
        let median = moments[moments.len() / 2] as f64 / 1e9;
        assert!((median - 70.7).abs() < 1.5, "{median}");
    }

    #[test]
    fn moments_by_chance_never_change() {
        let random = RandomStreamId::new(2018, "arrivals").with_text("forms").with_number(0).stream();
        let moments = all(ArrivalSchedule::new(Ramp::constant(per_second(100)), Some(random), Some(3), None));
        assert_eq!(moments, GOLDEN);
    }
    const GOLDEN: [u64; 3] = [5_142_413, 11_229_378, 15_802_911];
}
