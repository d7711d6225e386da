//! What comes from outside: the only things that can surprise the engine. Each is one line of the
//! log too, so that a log can be observed in the place of the world.

use scenario_log::event::{
    Direction, FetchErrorKind, FetchedResponse, HttpHeader, OutputStream, Source, SpawnExit,
};
use scenario_log::signal::Signal;
use scenario_log::time::Span;

/// One thing that came from outside. A closed set; borrowed, since the engine keeps none of it.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// A process runs.
    SpawnStarted {
        /// The spawn.
        source: Source,
        /// Its process.
        pid: u32,
    },
    /// A process could not be started.
    SpawnFailed {
        /// The spawn.
        source: Source,
        /// In words.
        error: &'a str,
    },
    /// A probe found what it asked of a process whose preset says by what it is ready (`tcp`, `http`).
    SpawnReady {
        /// The spawn.
        source: Source,
    },
    /// A process was stopped by a signal, and does not go on for now.
    SpawnSuspended {
        /// The spawn.
        source: Source,
        /// What stopped it.
        signal: Signal,
    },
    /// A process that was stopped goes on.
    SpawnResumed {
        /// The spawn.
        source: Source,
    },
    /// Whole lines of a process (the last of them may lack its newline only at the stream's end),
    /// or, with `partial`, one part of a line longer than `max_line`.
    SpawnLines {
        /// The spawn.
        source: Source,
        /// Where they were written.
        stream: OutputStream,
        /// The lines with their newlines.
        chunk: &'a [u8],
        /// One part of a line that goes on.
        partial: bool,
    },
    /// A process ended, and all it wrote has been observed.
    SpawnExited {
        /// The spawn.
        source: Source,
        /// How.
        exit: SpawnExit,
        /// Others still hold its output, and what they write is not read any more.
        held: bool,
        /// How many states of the world were not sent to it, since it did not read as fast as they came.
        skipped: u64,
    },
    /// What was sent to a process did not arrive.
    SendFailed {
        /// The spawn.
        source: Source,
        /// In words.
        error: &'a str,
    },
    /// The head of an answer.
    ResponseStarted {
        /// The request.
        source: Source,
        /// The status.
        status: u16,
        /// `HTTP/1.1`.
        version: &'a str,
        /// Redacted.
        headers: &'a [HttpHeader],
    },
    /// Whole lines of an answer's body (the last of them may lack its newline at the body's end), or
    /// a piece of one longer than 1 MiB, which counts as a line; of fetch jobs with `lines` only.
    ResponseLines {
        /// The request.
        source: Source,
        /// The lines with their newlines.
        chunk: &'a [u8],
    },
    /// An answer is whole.
    FetchFinished {
        /// The request.
        source: Source,
        /// What came.
        fetched: &'a FetchedResponse,
    },
    /// A request failed.
    FetchFailed {
        /// The request.
        source: Source,
        /// The phase or limit.
        kind: FetchErrorKind,
        /// In words.
        error: &'a str,
        /// From the request's start.
        took: Span,
    },
    /// A guest comes, with its player.
    PlayerJoined {
        /// The guest; each has a number of its own.
        source: Source,
        /// The player's name.
        player: &'a str,
    },
    /// A guest's player moves.
    PlayerMoved {
        /// The guest.
        source: Source,
        /// Where to.
        direction: Direction,
    },
    /// A guest has gone.
    PlayerLeft {
        /// The guest.
        source: Source,
    },
    /// A line was typed.
    CommandTyped {
        /// Without its newline.
        text: &'a str,
    },
    /// The runner was sent a signal.
    SignalReceived(Signal),
    /// The runner has a fault of its own (a panic).
    InternalError {
        /// In words.
        error: &'a str,
    },
    /// Everything is to stand still (Ctrl-Z).
    RunPaused,
    /// Everything goes on.
    RunResumed {
        /// How long the pause was by the machine's clock.
        took: Span,
    },
}
