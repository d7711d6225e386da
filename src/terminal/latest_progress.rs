//! The latest progress of a run: its driver sets it, and the terminal's thread reads it. The last value
//! counts, and neither waits for the other.

use std::sync::{Arc, Mutex, PoisonError};

use scenario_core::engine::progress::RunProgress;
use scenario_log::time::Moment;

/// The latest progress. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct LatestProgress(Arc<Mutex<LatestProgressSlot>>);

#[derive(Debug, Default)]
struct LatestProgressSlot {
    progress: Option<(Moment, Arc<RunProgress>)>,
    is_hidden: bool,
}

impl LatestProgress {
    /// Sets the progress of the run at a moment.
    pub fn set(&self, at: Moment, progress: RunProgress) {
        self.with_slot(|state| state.progress = Some((at, Arc::new(progress))));
    }

    /// Hides the progress while the run is paused and the terminal may belong to another program, or shows
    /// it again.
    pub fn set_hidden(&self, is_hidden: bool) {
        self.with_slot(|state| state.is_hidden = is_hidden);
    }

    /// Whether it is hidden.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        self.with_slot(|state| state.is_hidden)
    }

    /// The last progress, and its moment.
    #[must_use]
    pub fn get(&self) -> Option<(Moment, Arc<RunProgress>)> {
        self.with_slot(|state| state.progress.clone())
    }

    fn with_slot<T>(&self, read: impl FnOnce(&mut LatestProgressSlot) -> T) -> T {
        read(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
