//! The drivers: they tell the engine what time it is and what happened, and have its orders carried
//! out. They decide nothing. One needs no engine: the [playback] of a log.

pub mod recorder;

pub mod live;
pub mod virtual_time;
pub(crate) mod web_publisher;

use std::rc::Rc;

use crate::run::recorder::RunRecorder;
use scenario_core::engine::{Engine, RunStart};
use scenario_core::scenario::model::Scenario;

/// A run that can be driven: the engine with its first event given, and the journal that has it.
pub struct DrivenRun {
    /// What decides.
    pub engine: Engine,
    /// Where it goes.
    pub recorder: RunRecorder,
}

impl DrivenRun {
    /// Starts a run.
    #[must_use]
    pub fn start(scenario: &Rc<Scenario>, start: &RunStart<'_>, mut journal: RunRecorder) -> DrivenRun {
        let mut engine = Engine::new(Rc::clone(scenario), start.seed);
        engine.start(start, &mut journal);
        DrivenRun { engine, recorder: journal }
    }
}
