//! The effects that the engine asks its driver to have in the world. Their names are imperative, and they
//! contain only what the driver cannot look up in the scenario.

use std::sync::Arc;

use crate::scenario::model::LinkFaults;
use scenario_log::captured_value::CapturedValue;
use scenario_log::event::Source;
use scenario_log::signal::Signal;
use scenario_log::time::Moment;

/// One thing to do in the world. The set is closed: a driver of the engine handles all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Start the program of a `command` preset, or the sub-process of a preset of players with
    /// `isolation = "process"`.
    StartSpawn {
        /// The spawn.
        source: Source,
        /// The index of the preset.
        preset: usize,
        /// The number of earlier spawns of this preset, on which the players' draws depend.
        nth: u64,
        /// The number of the spawn among the places of the preset, from 1, for the texts of a program.
        instance: u64,
    },
    /// Stop a process by the `stop` of its preset: its command or the signal to its group, the grace, then KILL.
    StopSpawn {
        /// The spawn.
        source: Source,
    },
    /// End a process at once: KILL to its group.
    KillSpawn {
        /// The spawn.
        source: Source,
    },
    /// From now on, probe whether a process is alive, as its preset says.
    WatchSpawn {
        /// The spawn.
        source: Source,
    },
    /// Send a signal to a process and its group.
    SignalSpawn {
        /// The spawn.
        source: Source,
        /// The signal; not KILL.
        signal: Signal,
    },
    /// Write to a process's standard input.
    SendInput {
        /// The spawn.
        source: Source,
        /// The bytes; those of a line have its newline.
        bytes: Vec<u8>,
    },
    /// End a process's standard input, behind all that was written to it.
    CloseInput {
        /// The spawn.
        source: Source,
    },
    /// From now on, send the states of the world to a process.
    SubscribeToWorld {
        /// The spawn.
        source: Source,
    },
    /// Send a state of the world to every subscriber.
    BroadcastWorld {
        /// The state as a line of the log, with its newline.
        line: Arc<[u8]>,
        /// The number of states right before it that are not sent, since they came all at once.
        skipped: u64,
    },
    /// Send one request of a fetch job.
    StartRequest {
        /// The request.
        source: Source,
        /// The index of the fetch.
        job: usize,
        /// The index of the URL in the fetch.
        url: usize,
        /// The moment that `took` counts from; none if it counts from the sending.
        due: Option<Moment>,
        /// The captured values that the request needs. A value that was not captured is missing.
        captured: Vec<CapturedValue>,
        /// The player that makes it, if one does.
        player: Option<RequestingPlayer>,
    },
    /// Forget the cookies of a session.
    EndSession {
        /// The session: the id of its player.
        session: u32,
    },
    /// Give a request up.
    CancelRequest {
        /// The request.
        source: Source,
    },
    /// Put these faults on a link, in the place of those before.
    ChangeLink {
        /// The index of the link.
        link: usize,
        /// All faults that hold from now on.
        faults: Arc<LinkFaults>,
        /// Whether the connections that are open are reset.
        reset: bool,
    },
    /// Suspend everything, the clock too, until the shell's job continues.
    SuspendRun,
    /// Show a warning about a fetch job.
    WarnAboutFetch {
        /// The fetch's name.
        job: String,
        /// The warning.
        text: String,
    },
    /// Give the terminal to a program: somebody typed `attach`.
    AttachTerminal {
        /// The spawn.
        source: Source,
    },
    /// Show what runs: somebody typed `status`.
    ShowStatus,
    /// Show some lines to the person who typed: the answer to `help`, or what could have been typed.
    ShowLines {
        /// The lines.
        lines: Vec<String>,
    },
}

/// The player that makes a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestingPlayer {
    /// Its id.
    pub id: u32,
    /// Whether it keeps cookies.
    pub keeps_cookies: bool,
}

impl RequestingPlayer {
    /// The session whose cookies the request has.
    #[must_use]
    pub fn session(self) -> Option<u32> {
        self.keeps_cookies.then_some(self.id)
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunVerdict {
    /// As expected.
    Passed,
    /// Not as expected.
    Failed,
    /// The runner itself failed.
    InternalError,
    /// By a signal, or, if there is none, by a typed `quit`.
    Interrupted(Option<Signal>),
}
