//! Chooses among the players that can take a step at the same instant: the seed draws the choice anew for
//! every step, or a schedule contains the choices at the first ties of a run.

use std::rc::Rc;

use crate::engine::random::{RandomStream, RandomStreamId};

/// The choices at the ties of a run.
#[derive(Clone, Debug)]
pub(crate) struct TieBreaker {
    random: RandomStream,
    /// The choices at the first ties.
    schedule: Rc<[u32]>,
    schedule_position: usize,
}

impl TieBreaker {
    /// Draws every choice from this seed.
    pub(crate) fn new(seed: u64) -> TieBreaker {
        TieBreaker {
            random: RandomStreamId::new(seed, "ties").stream(),
            schedule: Rc::default(),
            schedule_position: 0,
        }
    }

    /// Follows this schedule first; after its end the seed draws.
    pub(crate) fn set_schedule(&mut self, schedule: &[u32]) {
        self.schedule = schedule.into();
        self.schedule_position = 0;
    }

    /// Chooses one of `count` players, from 0, in the order of their start; `count` is at least 1. If there
    /// is only one player, nothing is drawn.
    pub(crate) fn choose(&mut self, count: usize) -> usize {
        if count < 2 {
            return 0;
        }
        let chosen = match self.schedule.get(self.schedule_position) {
            Some(chosen) => {
                self.schedule_position += 1;
                *chosen
            }
            None => self.random.below(u32::try_from(count).unwrap_or(u32::MAX)),
        };
        // A schedule with a larger number was made for another scenario.
        (chosen as usize).min(count - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_vectors_never_change() {
        let mut ties = TieBreaker::new(2018);
        let drawn: Vec<usize> = [2, 2, 2, 3, 3, 1, 3, 10, 100].map(|count| ties.choose(count)).to_vec();
        assert_eq!(drawn, GOLDEN);
    }
    const GOLDEN: [usize; 9] = [1, 1, 1, 2, 2, 0, 1, 8, 25];

    #[test]
    fn a_schedule_comes_before_the_draws() {
        let mut drawn = TieBreaker::new(7);
        let mut led = TieBreaker::new(7);
        led.set_schedule(&[1, 0, 9]);
        assert_eq!([led.choose(2), led.choose(1), led.choose(3), led.choose(4)], [1, 0, 0, 3]);
        for count in 2..50 {
            assert_eq!(led.choose(count), drawn.choose(count), "then the seed's draws, from the first on");
        }
    }
}
