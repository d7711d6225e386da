//! Everything that can come to the engine from outside. Each input is also a line of the log, so that a
//! log can take the place of the world. Nothing here decides what an input means.

use std::borrow::Cow;
use std::rc::Rc;

use scenario_log::event::{
    Direction, FetchErrorKind, FetchedResponse, HttpHeader, LinkClosing, OutputStream, SendCounts, Source,
    SpawnExit, SpawnSample, SpawnUsage,
};
use scenario_log::signal::Signal;
use scenario_log::time::Span;

/// One thing that came from outside. The set is closed.
///
/// It owns its data, since it waits in a queue before the engine takes it. The engine only looks at it,
/// so a caller can use the buffer of a chunk again afterwards.
#[derive(Debug)]
pub enum Input {
    /// A process runs.
    SpawnStarted {
        /// The spawn.
        source: Source,
        /// The process id.
        pid: u32,
    },
    /// A process could not be started.
    SpawnFailed {
        /// The spawn.
        source: Source,
        /// The reason, for people.
        error: String,
    },
    /// The probe of a preset with `ready.tcp`, `ready.http` or `ready.command` succeeded.
    SpawnReady {
        /// The spawn.
        source: Source,
    },
    /// A probe of such a preset did not succeed. The log has only what the last one came to: in the
    /// `spawn.failed` of a program that never becomes ready.
    ProbeFailed {
        /// The spawn.
        source: Source,
        /// The result of the probe, for people.
        result: String,
    },
    /// As many probes as the `alive` of its preset says failed one after the other.
    SpawnUnhealthy {
        /// The spawn.
        source: Source,
        /// The result of the last probe, for people.
        last_try: String,
    },
    /// The command that was to stop a process failed, and the process runs.
    StopFailed {
        /// The spawn.
        source: Source,
        /// The result of the command, for people.
        error: String,
    },
    /// A signal stopped a process, which can still continue.
    SpawnSuspended {
        /// The spawn.
        source: Source,
        /// The signal that stopped it.
        signal: Signal,
    },
    /// A stopped process continues.
    SpawnResumed {
        /// The spawn.
        source: Source,
    },
    /// Whole lines of a process (only at the end of the stream may the last one lack its newline), or,
    /// with `partial`, one part of a line longer than `max_line`.
    SpawnLines {
        /// The spawn.
        source: Source,
        /// The stream that they were written to.
        stream: OutputStream,
        /// The lines with their newlines, as they may be logged.
        chunk: Vec<u8>,
        /// The same number of lines as they were said, if that differs.
        said: Option<Vec<u8>>,
        /// Whether this is one part of a line that goes on.
        partial: bool,
    },
    /// Text of a process whose line has not ended.
    SpawnText {
        /// The spawn.
        source: Source,
        /// The stream that it was written to.
        stream: OutputStream,
        /// The text written since the last such text of this line, as it may be logged.
        text: Vec<u8>,
        /// The same as it was said, if that differs.
        said: Option<Vec<u8>>,
    },
    /// The decisions by the next line or text of a spawn, from a log that holds it redacted.
    LineMatched {
        /// The spawn.
        source: Source,
        /// The stream of the line.
        stream: OutputStream,
        /// Its decisions.
        decision: Box<LineDecision>,
    },
    /// A process ended, and all its output has been handed over.
    SpawnExited {
        /// The spawn.
        source: Source,
        /// How it ended.
        exit: SpawnExit,
        /// Whether other processes still hold its output. What they write is no longer read.
        held: bool,
        /// Whether it ended when it was asked to, but others of its group did not and were killed.
        killed: bool,
        /// The number of states of the world that it missed because it read too slowly.
        skipped: u64,
        /// What it used, as far as that is known.
        usage: SpawnUsage,
    },
    /// The processes of a spawn were looked at.
    SpawnSampled {
        /// The spawn.
        source: Source,
        /// What they use.
        sample: SpawnSample,
    },
    /// A line could not be written to a process.
    SendFailed {
        /// The spawn.
        source: Source,
        /// The reason, for people.
        error: String,
    },
    /// The head of a response arrived.
    ResponseStarted {
        /// The request.
        source: Source,
        /// The status code.
        status: u16,
        /// For example `HTTP/1.1`. A log may contain any text here.
        version: Cow<'static, str>,
        /// The headers, with secrets redacted.
        headers: Vec<HttpHeader>,
    },
    /// Whole lines of a response's body (only at its end may the last one lack its newline), or a piece
    /// of a line longer than 1 MiB, which counts as a line. Only fetch jobs with `lines` have them.
    ResponseLines {
        /// The request.
        source: Source,
        /// The lines with their newlines.
        chunk: Vec<u8>,
    },
    /// A response is complete.
    FetchFinished {
        /// The request.
        source: Source,
        /// The response.
        fetched: Box<FetchedResponse>,
    },
    /// A request failed.
    FetchFailed {
        /// The request.
        source: Source,
        /// The phase that failed or the limit that was reached.
        kind: FetchErrorKind,
        /// The reason, for people.
        error: String,
        /// The time since the request started.
        took: Span,
        /// The effort of sending the request.
        sent: SendCounts,
    },
    /// A guest joins with its player.
    PlayerJoined {
        /// The guest; each guest has its own number.
        source: Source,
        /// The player's name.
        player: String,
    },
    /// A guest's player moves.
    PlayerMoved {
        /// The guest.
        source: Source,
        /// The direction of the move.
        direction: Direction,
    },
    /// A guest left.
    PlayerLeft {
        /// The guest.
        source: Source,
    },
    /// A connection of a link was accepted.
    LinkOpened(LinkConnection),
    /// A connection of a link ended.
    LinkClosed {
        /// The connection.
        at: LinkConnection,
        /// How it ended.
        closing: Box<LinkClosing>,
    },
    /// A person typed a line.
    CommandTyped {
        /// The line without its newline, with its secrets redacted. It decides what happens, so that a replay
        /// of the log decides the same.
        text: String,
        /// The line as it was typed, if it has secrets: a program receives it so.
        unredacted: Option<String>,
    },
    /// A person typed keys for the program that has the terminal.
    KeysTyped {
        /// The spawn.
        source: Source,
        /// The text of the keys, with its secrets redacted.
        text: String,
        /// The text as it was typed, if it has secrets.
        unredacted: Option<String>,
        /// Whether this is the end of the input.
        close: bool,
    },
    /// The runner received a signal.
    SignalReceived(Signal),
    /// The runner itself failed (it panicked).
    InternalError {
        /// The reason, for people.
        error: String,
    },
    /// The whole run is to be suspended (Ctrl-Z).
    RunPaused,
    /// The whole run continues.
    RunResumed {
        /// The length of the pause by the machine's clock.
        took: Span,
    },
}

/// A connection of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkConnection {
    /// The name of the link.
    pub link: Rc<str>,
    /// The number of the connection among those of the link, from 1.
    pub connection: u64,
}

/// The decisions by a line, by the numbers of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineDecision {
    /// Whether it makes the spawn ready.
    pub ready: bool,
    /// The numbers of the entries, counted from 1, whose wait for a line it ends.
    pub entries: Vec<u32>,
    /// For each of these entries, the number of its condition, counted from 1; none if each is the first.
    pub conditions: Vec<u32>,
    /// The numbers of the expectations, counted from 1, that look for such a line.
    pub expects: Vec<u32>,
    /// The numbers of the expectations, counted from 1, whose `follows` looks for such a line.
    pub follows: Vec<u32>,
}

impl Input {
    /// The buffer of a chunk of lines, for the next chunk. Any other input has none.
    #[must_use]
    #[inline]
    pub fn into_buffer(self) -> Option<Vec<u8>> {
        match self {
            Input::SpawnLines { chunk, .. } | Input::ResponseLines { chunk, .. } => Some(chunk),
            _ => None,
        }
    }
}
