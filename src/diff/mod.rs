//! Compares the logs of two runs: whether they are the same, and the first difference.
//!
//! # How it works
//!
//! Both logs are read at once to their ends, a line of one and a line of the other in turn. The
//! [level](DiffLevel) says what is compared: the bytes of each line, the sequences of events of each
//! source, each player and the timeline, or counts alone.
//!
//! It reads and compares, and prints nothing: [`text`] and [`json`] render a [`LogComparison`]. Its memory
//! grows with how far one log is ahead of the other and with how many sources and players there are at
//! once, and not with the length of the logs.

mod comparable_fields;
mod counts;
mod differing_fields;
mod header_diff;
mod highlight;
pub mod json;
mod line_ref;
mod sequences;
mod source_identity;
#[cfg(test)]
mod tests;
pub mod text;

use std::io::Read;

use crate::diff::counts::{DiffCounts, is_outcome};
use crate::diff::header_diff::ComparedRunHeader;
use crate::diff::line_ref::CurrentLine;
pub use crate::diff::line_ref::LogLineRef;
use crate::diff::sequences::SequenceComparer;
use crate::diff::source_identity::SequenceName;
use scenario_log::decode::LogRecord;
use scenario_log::event::Event;
use scenario_log::reader::{LogReadError, LogReader, TruncatedEnd};

/// The parts that must be equal in two logs that are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiffLevel {
    /// The bytes.
    Exact,
    /// The sequence of events of each source, each player and the timeline, whatever their
    /// interleaving and times.
    Source,
    /// The counts of events, the outcome, exits and answers.
    Summary,
}

impl DiffLevel {
    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            DiffLevel::Exact => "exact",
            DiffLevel::Source => "source",
            DiffLevel::Summary => "summary",
        }
    }
}

/// One of the two logs; also the index into a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiffSide {
    /// The first one that was named.
    Left,
    /// The second one.
    Right,
}

impl DiffSide {
    /// Both, the left one first.
    pub const BOTH: [DiffSide; 2] = [DiffSide::Left, DiffSide::Right];

    /// The other one.
    #[must_use]
    pub fn other(self) -> DiffSide {
        match self {
            DiffSide::Left => DiffSide::Right,
            DiffSide::Right => DiffSide::Left,
        }
    }
}

/// A value for each log, the left one's first.
pub type PerSide<T> = [T; 2];

/// One of the logs to be compared.
#[derive(Debug)]
pub struct DiffInput<R> {
    /// Reads the log.
    pub reader: LogReader<R>,
    /// Whether the log cannot be read a second time (a pipe), so that lines that may be shown must be kept.
    pub is_gone_once_read: bool,
}

/// A difference between two logs.
#[derive(Clone, Debug)]
pub struct LogDifference {
    /// The sequence in which it is; `None` for the log as a whole, line by line.
    pub sequence: Option<SequenceName>,
    /// The line of each log; `None` if the sequence has no more events there.
    pub lines: PerSide<Option<LogLineRef>>,
}

impl LogDifference {
    /// The order of differences: by the lines of the left log; what is missing there comes last.
    fn rank(&self) -> PerSide<u64> {
        DiffSide::BOTH.map(|side| self.lines[side as usize].as_ref().map_or(u64::MAX, |place| place.number))
    }
}

/// The result of a comparison.
#[derive(Debug)]
pub struct LogComparison {
    /// The level of the comparison.
    pub level: DiffLevel,
    /// Whether nothing differs, as far as both logs go.
    pub is_same: bool,
    /// The first difference; none at the level `summary`.
    pub first_difference: Option<LogDifference>,
    /// How many events count at this level.
    pub events: PerSide<u64>,
    /// Only at the level `source`: how many sequences there are, and how many of them differ.
    pub sequences: Option<(u64, u64)>,
    /// The counts of events and results.
    pub counts: DiffCounts,
    /// Notes on differences between the starts of the two runs.
    pub notes: Vec<String>,
    /// Where each log was cut short.
    pub cuts: PerSide<Option<TruncatedEnd>>,
}

/// Compares two logs. One that was cut short is compared as far as it goes: what only its missing end could
/// decide is not a difference.
///
/// # Errors
pub fn compare<R: Read>(
    level: DiffLevel,
    logs: PerSide<DiffInput<R>>,
) -> Result<LogComparison, (DiffSide, LogReadError)> {
    let [mut left, mut right] = logs;
    let is_gone = [left.is_gone_once_read, right.is_gone_once_read];
    let mut comparer = LogComparer::new(level);
    loop {
        let offsets = [left.reader.offset(), right.reader.offset()];
        let lines = [
            left.reader.peek().map_err(|unreadable| (DiffSide::Left, unreadable))?,
            right.reader.peek().map_err(|unreadable| (DiffSide::Right, unreadable))?,
        ];
        if lines.iter().all(Option::is_none) {
            break;
        }
        let here = DiffSide::BOTH.map(|side| {
            let (offset, is_gone_once_read) = (offsets[side as usize], is_gone[side as usize]);
            lines[side as usize].as_ref().map(|line| CurrentLine { line, offset, is_gone_once_read })
        });
        comparer.compare_bytes(&here);
        for (side, here) in DiffSide::BOTH.into_iter().zip(&here) {
            let Some(here) = here else { continue };
            comparer.add_line(side, here).map_err(|unreadable| (side, unreadable))?;
        }
        let has_ended = [lines[0].is_none(), lines[1].is_none()];
        left.reader.advance();
        right.reader.advance();
        if has_ended[0] {
            comparer.sequences.set_other_ended(DiffSide::Right, left.reader.truncated_end().is_some());
        } else if has_ended[1] {
            comparer.sequences.set_other_ended(DiffSide::Left, right.reader.truncated_end().is_some());
        }
    }
    Ok(comparer.finish([left.reader.truncated_end().cloned(), right.reader.truncated_end().cloned()]))
}

/// The state of a comparison.
struct LogComparer {
    level: DiffLevel,
    events: PerSide<u64>,
    counts: DiffCounts,
    sequences: SequenceComparer,
    run_headers: PerSide<Option<ComparedRunHeader>>,
    /// Only at the level `exact`.
    first_difference: Option<LogDifference>,
}

impl LogComparer {
    fn new(level: DiffLevel) -> LogComparer {
        LogComparer {
            level,
            events: [0; 2],
            counts: DiffCounts::new(level),
            sequences: SequenceComparer::default(),
            run_headers: [None, None],
            first_difference: None,
        }
    }

    /// Compares a line of each log as bytes.
    fn compare_bytes(&mut self, here: &PerSide<Option<CurrentLine<'_>>>) {
        let [Some(left), Some(right)] = here else { return };
        if self.level == DiffLevel::Exact
            && self.first_difference.is_none()
            && left.line.bytes != right.line.bytes
        {
            let places = [left, right].map(|here| Some(here.to_shown_ref()));
            self.first_difference = Some(LogDifference { sequence: None, lines: places });
        }
    }

    /// Takes a line of one of the logs as an event.
    fn add_line(&mut self, side: DiffSide, here: &CurrentLine<'_>) -> Result<(), LogReadError> {
        let damaged = |fault| LogReadError::damaged(here.line.number, fault);
        let record = LogRecord::decode(here.line.bytes).map_err(damaged)?;
        // A kind that a later release has added is passed over: which of its fields count is not known.
        let event = record.event().map_err(damaged)?;
        let counts = match (self.level, &event) {
            (DiffLevel::Exact, _) => true,
            (
                _,
                Some(Event::RunStarted { .. } | Event::ClockTick { .. } | Event::WorldState { .. }) | None,
            ) => false,
            (DiffLevel::Summary, Some(event)) => is_outcome(event),
            (_, Some(_)) => true,
        };
        self.events[side as usize] += u64::from(counts);
        let Some(event) = event else { return Ok(()) };
        if let Some(started) = ComparedRunHeader::from_event(&event) {
            self.run_headers[side as usize] = Some(started);
        }
        self.counts.count_event(side, &event);
        if self.level == DiffLevel::Source {
            self.sequences.add_event(side, &event, here);
        }
        Ok(())
    }

    fn finish(self, cuts: PerSide<Option<TruncatedEnd>>) -> LogComparison {
        let is_cut = [cuts[0].is_some(), cuts[1].is_some()];
        let found = self.sequences.finish(is_cut);
        let first = self.first_difference.or(found.first_difference);
        let is_same = match self.level {
            DiffLevel::Summary => self.counts.is_same(is_cut),
            _ => first.is_none(),
        };
        LogComparison {
            level: self.level,
            is_same,
            first_difference: first,
            events: self.events,
            sequences: (self.level == DiffLevel::Source).then_some((found.sequences, found.differing)),
            counts: self.counts,
            notes: crate::diff::header_diff::header_notes(&self.run_headers),
            cuts,
        }
    }
}
