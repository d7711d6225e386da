//! The result of a replay, as data for reports. Replays nothing itself.

use scenario_log::event::{ClockKind, ExpectationResult, RunOutcome, Source};
use scenario_log::reader::{LogReadError, TruncatedEnd};
use scenario_log::time::{Moment, Span};

/// The result of a replay.
#[derive(Debug)]
pub struct ReplayResult {
    /// The run of the first line; `None` if that cannot be read.
    pub run: Option<LoggedRun>,
    /// The events that were decided again and are the same.
    pub events: u64,
    /// The lines of kinds that this release does not know. They are skipped.
    pub unknown_lines: u64,
    /// How the logged run ended; `None` if its end was not reached.
    pub end: Option<LoggedEnd>,
    /// Whether the logged run is wanted to have passed.
    pub must_pass: bool,
    /// The results of the extra expectations, as far as the log goes. Empty if the replay differs from the
    /// log.
    pub expectations: Vec<ExpectationResult>,
    /// The finding of the replay.
    pub finding: ReplayFinding,
}

impl ReplayResult {
    /// Whether the replay found nothing wrong, but the logged run is wanted to have passed, and has not.
    #[must_use]
    pub fn has_unwanted_end(&self) -> bool {
        let is_replayed = matches!(self.finding, ReplayFinding::Same | ReplayFinding::CutShort(_));
        let has_passed = self.end.as_ref().is_some_and(|end| end.outcome == RunOutcome::Passed);
        self.must_pass && is_replayed && !has_passed
    }
}

/// The end of a log's run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedEnd {
    /// Whether it passed.
    pub outcome: RunOutcome,
    /// Why it did not.
    pub reason: Option<String>,
    /// How long it took.
    pub took: Span,
}

/// The run of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedRun {
    /// The name of the scenario.
    pub name: String,
    /// The seed of every draw.
    pub seed: u64,
    /// The clock of the run.
    pub clock: ClockKind,
}

/// The finding of a replay.
#[derive(Debug)]
pub enum ReplayFinding {
    /// Every event of the log was decided again.
    Same,
    /// The log was cut short; every event that it has was decided again.
    CutShort(TruncatedEnd),
    /// The engine decides something else than the log has.
    Different(Box<ReplayDivergence>),
    /// The log cannot be read, or not from some line on.
    Unreadable(LogReadError),
}

/// The first line that differs from what the engine decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayDivergence {
    /// The line that differs.
    pub logged: LoggedLine,
    /// The decision of the engine in its place.
    pub replayed: ReplayedEvent,
    /// The lines before it, three at most. Long ones are cut.
    pub previous_lines: Vec<LoggedLine>,
    /// The origin of the line's source, if it has one.
    pub origin: Option<DivergenceOrigin>,
    /// Whether the log's checksum is right, so that it is as it was written; `None` if it has no checksum.
    pub is_checksum_valid: Option<bool>,
}

/// A line of a log, for a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoggedLine {
    /// The number of the line, from 1.
    pub line: u64,
    /// The text of the line without its newline.
    pub text: String,
}

/// The decision of the engine in place of a logged line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplayedEvent {
    /// This event, as a line of a log.
    Event(String),
    /// The run is over: there are no more events.
    RunOver,
    /// No event: nothing is due now, or the line does not follow from the lines before.
    Nothing {
        /// The moment that is due next.
        next: Option<Moment>,
    },
}

/// The spawn or request that an event comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DivergenceOrigin {
    /// The spawn or request.
    pub source: Source,
    /// The preset's name, or the fetch job's.
    pub name: String,
    /// The timeline entry, by its id or number; none for a typed command.
    pub entry: Option<String>,
    /// The index of the entry in the timeline, from 0.
    pub index: Option<usize>,
}
