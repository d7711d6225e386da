//! Where the driver of a run leaves how the run stands, for whoever shows it: the last word counts, and
//! nobody waits for the other.

use std::sync::{Arc, Mutex, PoisonError};

use scenario_core::engine::progress::Standing;
use scenario_log::time::Moment;

/// The board. Its copies are one.
#[derive(Clone, Debug, Default)]
pub struct Board(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    standing: Option<(Moment, Arc<Standing>)>,
    is_covered: bool,
}

impl Board {
    /// Leaves how the run stands at a moment.
    pub fn put(&self, at: Moment, standing: Standing) {
        self.state(|state| state.standing = Some((at, Arc::new(standing))));
    }

    /// Covers it, while the run stands still and the terminal may be another's, or uncovers it.
    pub fn cover(&self, is_covered: bool) {
        self.state(|state| state.is_covered = is_covered);
    }

    /// Whether it is covered.
    #[must_use]
    pub fn is_covered(&self) -> bool {
        self.state(|state| state.is_covered)
    }

    /// What was left last, and when.
    #[must_use]
    pub fn get(&self) -> Option<(Moment, Arc<Standing>)> {
        self.state(|state| state.standing.clone())
    }

    fn state<T>(&self, read: impl FnOnce(&mut State) -> T) -> T {
        read(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
