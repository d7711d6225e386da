//! When the requests of an open loop are planned, one after the other: evenly under the rate, or by
//! chance. Each moment is counted from the start of the load, never from the moment before.
//!
//! A Poisson process of any rate is one of rate 1 on another clock: the area under the rate
//! (Çinlar, "Introduction to Stochastic Processes", 1975, 4.7). So the distances drawn are areas.

use crate::engine::random::Die;
use crate::scenario::rate::{Area, Ramp};
use scenario_log::time::Span;

/// The planned moments of one load.
pub(crate) struct Arrivals {
    rate: Ramp,
    by: By,
    /// How many may still come.
    left: u64,
    end: Option<Span>,
}

enum By {
    /// Evenly: the number of the next.
    Count(u64),
    /// By chance: the area so far.
    Chance(Die, Area),
}

impl Arrivals {
    /// At most `requests` before `end`; by chance if there is a die.
    pub(crate) fn new(rate: Ramp, die: Option<Die>, requests: Option<u64>, end: Option<Span>) -> Arrivals {
        let by = die.map_or(By::Count(0), |die| By::Chance(die, Area::default()));
        Arrivals { rate, by, left: requests.unwrap_or(u64::MAX), end }
    }

    /// The next planned moment, from the start; `None` if there is none.
    pub(crate) fn next(&mut self) -> Option<Span> {
        self.left = self.left.checked_sub(1)?;
        let area = match &mut self.by {
            By::Count(next) => {
                let area = Area::requests(*next);
                *next += 1;
                area
            }
            By::Chance(die, area) => {
                *area = area.plus_parts(die.exponential());
                *area
            }
        };
        let next = self.rate.moment(area).filter(|next| self.end.is_none_or(|end| *next < end));
        if next.is_none() {
            self.left = 0;
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::random::Purpose;
    use crate::scenario::rate::{Point, Rate};
    use scenario_log::time::SECOND;

    fn per_second(rate: u64) -> Rate {
        Rate(rate * 3600 * Rate::AN_HOUR.0)
    }

    fn all(mut arrivals: Arrivals) -> Vec<u64> {
        std::iter::from_fn(|| arrivals.next()).map(|span| span.0).collect()
    }

    #[test]
    fn requests_and_time_both_end_it() {
        let ten = || Ramp::constant(per_second(10));
        let within = Some(Span::from_secs(2));
        assert_eq!(all(Arrivals::new(ten(), None, None, within)).len(), 20);
        assert_eq!(all(Arrivals::new(ten(), None, Some(7), within)).len(), 7);
        assert_eq!(all(Arrivals::new(ten(), None, Some(3), None)), [0, SECOND / 10, SECOND / 5]);
    }

    #[test]
    fn chance_keeps_the_rate_and_has_its_spread() {
        let die = || Some(Purpose::new(2018, "test").die());
        let moments = all(Arrivals::new(Ramp::constant(per_second(1_000)), die(), Some(100_000), None));
        assert!(moments.is_sorted());
        let last = *moments.last().unwrap_or(&0) as f64 / 1e9;
        assert!((99.0..101.0).contains(&last), "{last}");
        // The number in each second has the mean as its variance.
        let mut counts = vec![0.0; 99];
        for moment in &moments {
            if let Some(count) = counts.get_mut((*moment / SECOND) as usize) {
                *count += 1.0;
            }
        }
        let variance = counts.iter().map(|n: &f64| (n - 1_000.0).powi(2)).sum::<f64>() / 99.0;
        assert!((600.0..1_600.0).contains(&variance), "{variance}");
        // Under a ramp from 0, half of them come in the last three tenths of the time.
        let point = |at, to| Point { at: Span::from_secs(at), to: per_second(to) };
        let ramp = Ramp::new(vec![point(0, 0), point(100, 200)]);
        let moments = all(Arrivals::new(ramp, die(), None, Some(Span::from_secs(100))));
        assert!((9_700..10_300).contains(&moments.len()), "{}", moments.len());
        let median = moments[moments.len() / 2] as f64 / 1e9;
        assert!((median - 70.7).abs() < 1.5, "{median}");
    }

    #[test]
    fn moments_by_chance_never_change() {
        let die = Purpose::new(2018, "arrivals").text("forms").number(0).die();
        let moments = all(Arrivals::new(Ramp::constant(per_second(100)), Some(die), Some(3), None));
        assert_eq!(moments, GOLDEN);
    }
    const GOLDEN: [u64; 3] = [5_142_413, 11_229_378, 15_802_911];
}
