//! Input and output: the only modules that wait. They carry out the engine's effects, and leave what
//! they observe in the [`inbox`]. They decide nothing.
//!
//! All of them live on one thread, the thread of the current-thread runtime that drives the engine, but for the
//! bytes of links, which have a thread of their own.

pub mod clock;
pub mod console_input;
pub mod file_watch;
pub mod free_ports;
pub mod guard;
pub mod http;
pub mod inbox;
pub mod job_control;
pub mod link;
pub mod log_file;
pub mod multiplexer;
pub mod notices;
pub mod orphan_reaper;
mod own_program;
pub mod panics;
pub mod paused_time;
pub mod process;
pub mod runtime;
pub mod side_by_side;
pub mod signals;
pub mod stderr;
pub mod terminal;
pub mod wait_readable;

use std::path::PathBuf;
use std::rc::Rc;

use scenario_core::scenario::model::Scenario;
use scenario_log::secrets::Secrets;

/// The environment variable that gives the token of a run's pages. The programs of a scenario do not
/// inherit it.
pub const TOKEN_VARIABLE: &str = "SCENARIO_TOKEN";

/// The environment variable that gives the address of a page that outlives its runs, and the names of its hosts.
/// The programs of a scenario do not inherit it.
pub const PAGE_VARIABLE: &str = "SCENARIO_PAGE";

/// The facts about the run that all parts of this room need.
#[derive(Debug)]
pub struct RunContext {
    /// The checked scenario.
    pub scenario: Rc<Scenario>,
    /// The scenario's folder: relative paths start here.
    pub folder: PathBuf,
    /// The texts that must not be logged.
    pub secrets: Secrets,
    /// The run's seed.
    pub seed: u64,
    /// How much faster than the machine's clock players play (`--speed`); 1.0 is real time.
    pub speed: f64,
}
