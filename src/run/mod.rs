//! Runs: the drivers give the engine the time and the input, and apply its effects, on the
//! [real clock](live) or in [virtual time](virtual_time). They decide nothing.

pub mod recorder;
pub mod sinks;

pub mod live;
mod log_progress;
pub mod virtual_time;
pub(crate) mod web_publisher;

use std::cell::RefCell;
use std::error::Error;
use std::fmt;
use std::rc::Rc;

use crate::run::recorder::RunRecorder;
use crate::web::page::LivePage;
use scenario_core::engine::input::Input;
use scenario_core::engine::{Engine, RunStart};
use scenario_core::scenario::model::Scenario;
use scenario_log::secrets::Secrets;

/// A live page that a recorder feeds, and that a driver publishes.
pub type SharedPage = Rc<RefCell<LivePage>>;

/// A run that has started: its first event is recorded.
pub struct DrivenRun {
    /// Decides what happens.
    pub engine: Engine,
    /// Records what happens.
    pub recorder: RunRecorder,
}

impl DrivenRun {
    /// Starts the engine of a run.
    #[must_use]
    pub fn start(scenario: &Rc<Scenario>, start: &RunStart<'_>, mut recorder: RunRecorder) -> DrivenRun {
        let mut engine = Engine::new(Rc::clone(scenario), start.seed);
        engine.start(start, &mut recorder);
        DrivenRun { engine, recorder }
    }
}

/// Takes the secrets out of what a person typed, before the engine and the log get it.
fn redact_typed_input(input: &mut Input, secrets: &Secrets) {
    if secrets.is_empty() {
        return;
    }
    match input {
        Input::CommandTyped { text, unredacted } => {
            let redacted = secrets.redact(text);
            if redacted != *text {
                *unredacted = Some(std::mem::replace(text, redacted));
            }
        }
        Input::KeysTyped { text, unredacted, .. } if unredacted.is_none() => {
            let redacted = secrets.redact(text.as_str());
            if redacted != *text {
                *unredacted = Some(std::mem::replace(text, redacted));
            }
        }
        Input::PlayerJoined { player, .. } => *player = secrets.mask_text(player),
        _ => {}
    }
}

/// Why a run could not start. Nothing of it has been started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunStartError(pub String);

impl fmt::Display for RunStartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for RunStartError {}
