//! Where the driver of a run leaves how the run stands, for whoever shows it: the last word counts, and
//! nobody waits for the other.

use std::sync::{Arc, Mutex, PoisonError};

use scenario_core::engine::progress::RunProgress;
use scenario_log::time::Moment;

/// The board. Its copies are one.
#[derive(Clone, Debug, Default)]
pub struct LatestProgress(Arc<Mutex<LatestProgressSlot>>);

#[derive(Debug, Default)]
struct LatestProgressSlot {
    progress: Option<(Moment, Arc<RunProgress>)>,
    is_hidden: bool,
}

impl LatestProgress {
    /// Leaves how the run stands at a moment.
    pub fn set(&self, at: Moment, standing: RunProgress) {
        self.with_slot(|state| state.progress = Some((at, Arc::new(standing))));
    }

    /// Covers it, while the run stands still and the terminal may be another's, or uncovers it.
    pub fn set_hidden(&self, is_covered: bool) {
        self.with_slot(|state| state.is_hidden = is_covered);
    }

    /// Whether it is covered.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        self.with_slot(|state| state.is_hidden)
    }

    /// What was left last, and when.
    #[must_use]
    pub fn get(&self) -> Option<(Moment, Arc<RunProgress>)> {
        self.with_slot(|state| state.progress.clone())
    }

    fn with_slot<T>(&self, read: impl FnOnce(&mut LatestProgressSlot) -> T) -> T {
        read(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
