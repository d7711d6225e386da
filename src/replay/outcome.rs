//! What came of a replay, in words that reports can show. Replays nothing itself.

use scenario_log::event::{ClockKind, ExpectationResult, RunOutcome, Source};
use scenario_log::reader::{LogReadError, TruncatedEnd};
use scenario_log::time::{Moment, Span};

/// What came of a replay.
#[derive(Debug)]
pub struct ReplayResult {
    /// What the first line says; `None` if it cannot be read.
    pub run: Option<LoggedRun>,
    /// Events that were decided again and were the same.
    pub events: u64,
    /// Lines of kinds that this release does not know, which were passed over.
    pub unknown_lines: u64,
    /// How the logged run ended, and how long it took; `None` if its end was not reached.
    pub end: Option<(RunOutcome, Span)>,
    /// What came of that which was expected beside the log's own; of a log that was cut short, as far
    /// as it goes.
    pub expectations: Vec<ExpectationResult>,
    /// What was found.
    pub finding: ReplayFinding,
}

/// Which run a log is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedRun {
    /// The scenario's name.
    pub name: String,
    /// The seed.
    pub seed: u64,
    /// The clock.
    pub clock: ClockKind,
}

/// What a replay finds.
#[derive(Debug)]
pub enum ReplayFinding {
    /// All of it is decided again.
    Same,
    /// What there is of a log that was cut short is decided again.
    CutShort(TruncatedEnd),
    /// The engine says something else.
    Different(Box<ReplayDivergence>),
    /// It cannot be read, or not from some line on.
    Unreadable(LogReadError),
}

/// The first line that is not what the engine says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayDivergence {
    /// The line that differs.
    pub logged: LoggedLine,
    /// What the engine says in its place.
    pub replayed: ReplayedEvent,
    /// The lines before it, as far as they are kept; three at most.
    pub previous_lines: Vec<LoggedLine>,
    /// What the line is about.
    pub origin: Option<DivergenceOrigin>,
    /// Whether the log is as it was written, by its own checksum; `None` if it has none.
    pub is_checksum_valid: Option<bool>,
}

/// A line of a log, for a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoggedLine {
    /// Its number, from 1.
    pub line: u64,
    /// Its text without the newline.
    pub text: String,
}

/// What the engine says where a log says something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplayedEvent {
    /// This event, as a line of a log.
    Event(String),
    /// Nothing more: the run is over.
    RunOver,
    /// Nothing: this is not due, or does not follow from what came before.
    Nothing {
        /// When something is due next.
        next: Option<Moment>,
    },
}

/// What an event comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DivergenceOrigin {
    /// The spawn or request.
    pub source: Source,
    /// The preset's name, or the fetch job's.
    pub name: String,
    /// The timeline entry, by its id or number; none for what was typed.
    pub entry: Option<String>,
    /// The entry's place in the timeline, from 0.
    pub index: Option<usize>,
}
