//! What the engine asks of the hands. Orders are imperative and carry only what the hands cannot
//! look up in the scenario themselves.

use std::sync::Arc;

use scenario_log::captured_value::CapturedValue;
use scenario_log::event::Source;
use scenario_log::signal::Signal;
use scenario_log::time::Moment;

/// One thing to do in the world. A closed set: whoever drives the engine handles them all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Start the program of a `command` preset, or the sub-process of a preset of players with
    /// `isolation = "process"`.
    StartSpawn {
        /// The spawn.
        source: Source,
        /// Which preset of the scenario.
        preset: usize,
        /// How many spawns of this preset came before; decides the players' draws.
        nth: u64,
        /// Which entry of the timeline wants it; none if it was typed.
        entry: Option<usize>,
    },
    /// Stop a process by the `stop` of its preset: the signal to its group, the grace, then KILL.
    StopSpawn {
        /// The spawn.
        source: Source,
    },
    /// End a process at once: KILL to its group.
    KillSpawn {
        /// The spawn.
        source: Source,
    },
    /// Write a line to a process's standard input.
    SendLine {
        /// The spawn.
        source: Source,
        /// The line's bytes, with its newline.
        bytes: Vec<u8>,
    },
    /// Send a process the states of the world from now on.
    SubscribeToWorld {
        /// The spawn.
        source: Source,
    },
    /// Send a state of the world to all who listen.
    BroadcastWorld {
        /// Its line of the log, with its newline.
        line: Arc<[u8]>,
        /// How many states right before it are sent to nobody, since they came all at once.
        skipped: u64,
    },
    /// Send one request of a fetch job.
    StartRequest {
        /// The request.
        source: Source,
        /// Which fetch of the scenario.
        job: usize,
        /// Which of its URLs.
        url: usize,
        /// The moment from which `took` counts; none: from when it is sent.
        due: Option<Moment>,
        /// The captured values that it needs, as far as there are any.
        captured: Vec<CapturedValue>,
    },
    /// Give a request up.
    CancelRequest {
        /// The request.
        source: Source,
    },
    /// Have everything stand still, the clock too, until the job goes on.
    SuspendRun,
    /// Show a word about a fetch job.
    WarnAboutFetch {
        /// The fetch's name.
        job: String,
        /// The word.
        text: String,
    },
    /// Show the state of the run to the person who typed `status`.
    ShowStatus,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunVerdict {
    /// As expected.
    Passed,
    /// Not as expected.
    Failed,
    /// By a fault of the runner's own.
    InternalError,
    /// By a signal, or by a typed `quit` (no signal).
    Interrupted(Option<Signal>),
}
