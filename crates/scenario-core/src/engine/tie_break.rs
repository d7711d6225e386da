//! Who goes first, of those that could take their next step at the same instant: the seed draws it,
//! again for every step; or a schedule says so for the first ties of a run.

use std::rc::Rc;

use crate::engine::random::{Die, Purpose};

/// Chooses among players, run by run.
#[derive(Clone, Debug)]
pub(crate) struct Ties {
    die: Die,
    /// What is chosen at the first ties.
    schedule: Rc<[u32]>,
    used: usize,
}

impl Ties {
    /// Drawn from this seed.
    pub(crate) fn new(seed: u64) -> Ties {
        Ties { die: Purpose::new(seed, "ties").die(), schedule: Rc::default(), used: 0 }
    }

    /// As this schedule says, and from its end on as the seed draws.
    pub(crate) fn follow(&mut self, schedule: &[u32]) {
        self.schedule = schedule.into();
        self.used = 0;
    }

    /// One of `count` players, from 0, in the order of their start; `count` is at least 1. Where there
    /// is only one, nothing is chosen, and nothing drawn.
    pub(crate) fn choose(&mut self, count: usize) -> usize {
        if count < 2 {
            return 0;
        }
        let chosen = match self.schedule.get(self.used) {
            Some(chosen) => {
                self.used += 1;
                *chosen
            }
            None => self.die.below(u32::try_from(count).unwrap_or(u32::MAX)),
        };
        // A schedule that says more than there are was made for another scenario.
        (chosen as usize).min(count - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_vectors_never_change() {
        let mut ties = Ties::new(2018);
        let drawn: Vec<usize> = [2, 2, 2, 3, 3, 1, 3, 10, 100].map(|count| ties.choose(count)).to_vec();
        assert_eq!(drawn, GOLDEN);
    }
    const GOLDEN: [usize; 9] = [1, 1, 1, 2, 2, 0, 1, 8, 25];

    #[test]
    fn a_schedule_comes_before_the_draws() {
        let mut drawn = Ties::new(7);
        let mut led = Ties::new(7);
        led.follow(&[1, 0, 9]);
        assert_eq!([led.choose(2), led.choose(1), led.choose(3), led.choose(4)], [1, 0, 0, 3]);
        for count in 2..50 {
            assert_eq!(led.choose(count), drawn.choose(count), "then the seed's draws, from the first on");
        }
    }
}
