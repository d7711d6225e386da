//! What comes from outside: the only things that can surprise the engine. Each is one line of the
//! log too, so that a log can be observed in the place of the world.

use scenario_log::event::{Direction, Exit, FetchFault, Fetched, Header, Source, Stream};
use scenario_log::signal::Signal;
use scenario_log::time::Span;

/// One thing that came from outside. A closed set; borrowed, since the engine keeps none of it.
#[derive(Clone, Copy, Debug)]
pub enum Observed<'a> {
    /// A process runs.
    Started {
        /// The spawn.
        source: Source,
        /// Its process.
        pid: u32,
    },
    /// A process could not be started.
    CouldNotStart {
        /// The spawn.
        source: Source,
        /// In words.
        error: &'a str,
    },
    /// A probe found what it asked of a process whose preset says by what it is ready (`tcp`, `http`).
    Ready {
        /// The spawn.
        source: Source,
    },
    /// A process was stopped by a signal, and does not go on for now.
    Suspended {
        /// The spawn.
        source: Source,
        /// What stopped it.
        signal: Signal,
    },
    /// A process that was stopped goes on.
    GoesOn {
        /// The spawn.
        source: Source,
    },
    /// Whole lines of a process (the last of them may lack its newline only at the stream's end),
    /// or, with `partial`, one part of a line longer than `max_line`.
    Lines {
        /// The spawn.
        source: Source,
        /// Where they were written.
        stream: Stream,
        /// The lines with their newlines.
        chunk: &'a [u8],
        /// One part of a line that goes on.
        partial: bool,
    },
    /// A process ended, and all it wrote has been observed.
    Exited {
        /// The spawn.
        source: Source,
        /// How.
        exit: Exit,
        /// Others still hold its output, and what they write is not read any more.
        held: bool,
        /// How many states of the world were not sent to it, since it did not read as fast as they came.
        skipped: u64,
    },
    /// What was sent to a process did not arrive.
    NotSent {
        /// The spawn.
        source: Source,
        /// In words.
        error: &'a str,
    },
    /// The head of an answer.
    Responded {
        /// The request.
        source: Source,
        /// The status.
        status: u16,
        /// `HTTP/1.1`.
        version: &'a str,
        /// Redacted.
        headers: &'a [Header],
    },
    /// Whole lines of an answer's body (the last of them may lack its newline at the body's end), or
    /// a piece of one longer than 1 MiB, which counts as a line; of fetch jobs with `lines` only.
    BodyLines {
        /// The request.
        source: Source,
        /// The lines with their newlines.
        chunk: &'a [u8],
    },
    /// An answer is whole.
    Fetched {
        /// The request.
        source: Source,
        /// What came.
        fetched: &'a Fetched,
    },
    /// A request failed.
    FetchFailed {
        /// The request.
        source: Source,
        /// The phase or limit.
        kind: FetchFault,
        /// In words.
        error: &'a str,
        /// From the request's start.
        took: Span,
    },
    /// A guest comes, with its player.
    Joined {
        /// The guest; each has a number of its own.
        source: Source,
        /// The player's name.
        player: &'a str,
    },
    /// A guest's player moves.
    Moved {
        /// The guest.
        source: Source,
        /// Where to.
        direction: Direction,
    },
    /// A guest has gone.
    Left {
        /// The guest.
        source: Source,
    },
    /// A line was typed.
    Typed {
        /// Without its newline.
        text: &'a str,
    },
    /// The runner was sent a signal.
    Signalled(Signal),
    /// The runner has a fault of its own (a panic).
    Broken {
        /// In words.
        error: &'a str,
    },
    /// Everything is to stand still (Ctrl-Z).
    Paused,
    /// Everything goes on.
    Resumed {
        /// How long the pause was by the machine's clock.
        took: Span,
    },
}
