//! Compares the logs of two runs: the same or not, and the first difference.
//!
//! # How it works
//!
//! Both logs are read at once, a line of one and a line of the other by turns, to their ends. What is
//! compared depends on the [`Level`]: the bytes of each line, the [sequences] of events of
//! each source, each player and the timeline, or [counts] alone.
//!
//! It reads and compares, and prints nothing: [`text`] and [`json`] make of a [`Comparison`] what is
//! shown. What it holds in memory grows with how far one log runs ahead of the other and with how
//! many sources and players there are at once, and not with the length of the logs.

mod comparable_fields;
mod counts;
mod header_diff;
mod highlight;
pub mod json;
mod keys;
mod line_ref;
mod sequences;
mod source_identity;
#[cfg(test)]
mod tests;
pub mod text;

use std::io::Read;

use crate::diff::counts::Counts;
use crate::diff::header_diff::Started;
use crate::diff::line_ref::Here;
pub use crate::diff::line_ref::Place;
use crate::diff::sequences::Sequences;
use crate::diff::source_identity::SequenceName;
use scenario_log::decode::Record;
use scenario_log::event::Event;
use scenario_log::reader::{Cut, Reader, Unreadable};

/// What must be alike for two logs to be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The bytes.
    Exact,
    /// The sequence of events of each source, each player and the timeline, whatever their
    /// interleaving and times.
    Source,
    /// The counts of events, the outcome, exits and answers.
    Summary,
}

impl Level {
    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Level::Exact => "exact",
            Level::Source => "source",
            Level::Summary => "summary",
        }
    }
}

/// Which of the two logs; also the index into a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The first one named.
    Left,
    /// The second.
    Right,
}

impl Side {
    /// Both, the left one first.
    pub const BOTH: [Side; 2] = [Side::Left, Side::Right];

    /// The other one.
    #[must_use]
    pub fn other(self) -> Side {
        match self {
            Side::Left => Side::Right,
            Side::Right => Side::Left,
        }
    }
}

/// Something of each log, the left one's first.
pub type Pair<T> = [T; 2];

/// One of the logs to be compared.
#[derive(Debug)]
pub struct Log<R> {
    /// What it says.
    pub reader: Reader<R>,
    /// It cannot be read a second time (a pipe), so that lines which may be shown must be kept.
    pub is_gone_once_read: bool,
}

/// Where two logs differ.
#[derive(Clone, Debug)]
pub struct Difference {
    /// What it is a sequence of; `None` for the log as a whole, line by line.
    pub of: Option<SequenceName>,
    /// The line of each log; `None` if the sequence has no more there.
    pub places: Pair<Option<Place>>,
}

impl Difference {
    /// What comes first: by the lines of the left log, what is missing there at its end.
    fn rank(&self) -> Pair<u64> {
        Side::BOTH.map(|side| self.places[side as usize].as_ref().map_or(u64::MAX, |place| place.number))
    }
}

/// What came of it.
#[derive(Debug)]
pub struct Comparison {
    /// What was compared.
    pub level: Level,
    /// Whether nothing differs, as far as both logs go.
    pub is_same: bool,
    /// The first difference; none at the level of counts.
    pub first: Option<Difference>,
    /// How many events count at this level.
    pub events: Pair<u64>,
    /// At the level `source`: how many sequences there are, and how many of them differ.
    pub sequences: Option<(u64, u64)>,
    /// How often what happened.
    pub counts: Counts,
    /// What is odd about how the two runs were started.
    pub notes: Vec<String>,
    /// Where each log was cut short.
    pub cuts: Pair<Option<Cut>>,
}

/// Compares two logs. One that was cut short is compared as far as it goes: what only its missing
/// end could tell is no difference.
///
/// # Errors
/// When one cannot be read, or is no log; whatever was found before.
pub fn compare<R: Read>(level: Level, logs: Pair<Log<R>>) -> Result<Comparison, (Side, Unreadable)> {
    let [mut left, mut right] = logs;
    let is_gone = [left.is_gone_once_read, right.is_gone_once_read];
    let mut comparer = Comparer::new(level);
    loop {
        let offsets = [left.reader.offset(), right.reader.offset()];
        let lines = [
            left.reader.peek().map_err(|unreadable| (Side::Left, unreadable))?,
            right.reader.peek().map_err(|unreadable| (Side::Right, unreadable))?,
        ];
        if lines.iter().all(Option::is_none) {
            break;
        }
        let here = Side::BOTH.map(|side| {
            let (offset, is_gone_once_read) = (offsets[side as usize], is_gone[side as usize]);
            lines[side as usize].as_ref().map(|line| Here { line, offset, is_gone_once_read })
        });
        comparer.compare_bytes(&here);
        for (side, here) in Side::BOTH.into_iter().zip(&here) {
            let Some(here) = here else { continue };
            let damaged = |fault| (side, Unreadable::damaged(here.line.number, fault));
            comparer.take(side, here).map_err(damaged)?;
        }
        let has_ended = [lines[0].is_none(), lines[1].is_none()];
        left.reader.pass();
        right.reader.pass();
        if has_ended[0] {
            comparer.sequences.go_on_alone(Side::Right, left.reader.cut().is_some());
        } else if has_ended[1] {
            comparer.sequences.go_on_alone(Side::Left, right.reader.cut().is_some());
        }
    }
    Ok(comparer.finish([left.reader.cut().cloned(), right.reader.cut().cloned()]))
}

/// What is known so far.
struct Comparer {
    level: Level,
    events: Pair<u64>,
    counts: Counts,
    sequences: Sequences,
    started: Pair<Option<Started>>,
    /// At the level `exact`.
    first: Option<Difference>,
}

impl Comparer {
    fn new(level: Level) -> Comparer {
        Comparer {
            level,
            events: [0; 2],
            counts: Counts::new(level),
            sequences: Sequences::default(),
            started: [None, None],
            first: None,
        }
    }

    /// The lines of both, as bytes.
    fn compare_bytes(&mut self, here: &Pair<Option<Here<'_>>>) {
        let [Some(left), Some(right)] = here else { return };
        if self.level == Level::Exact && self.first.is_none() && left.line.bytes != right.line.bytes {
            let places = [left, right].map(|here| Some(here.shown()));
            self.first = Some(Difference { of: None, places });
        }
    }

    /// A line of one of them, as an event.
    fn take(&mut self, side: Side, here: &Here<'_>) -> Result<(), String> {
        let record = Record::read(here.line.bytes)?;
        // A kind that a later release has added is passed over: what counts of it is not known.
        let event = record.event()?;
        let counts = match (self.level, &event) {
            (Level::Exact, _) => true,
            (
                _,
                Some(Event::RunStarted { .. } | Event::ClockTick { .. } | Event::WorldState { .. }) | None,
            ) => false,
            (_, Some(_)) => true,
        };
        self.events[side as usize] += u64::from(counts);
        let Some(event) = event else { return Ok(()) };
        if let Some(started) = Started::of(&event) {
            self.started[side as usize] = Some(started);
        }
        self.counts.take(side, &event);
        if self.level == Level::Source {
            self.sequences.take(side, &event, here);
        }
        Ok(())
    }

    fn finish(self, cuts: Pair<Option<Cut>>) -> Comparison {
        let is_cut = [cuts[0].is_some(), cuts[1].is_some()];
        let found = self.sequences.finish(is_cut);
        let first = self.first.or(found.first);
        let is_same = match self.level {
            Level::Summary => self.counts.are_same(is_cut),
            _ => first.is_none(),
        };
        Comparison {
            level: self.level,
            is_same,
            first,
            events: self.events,
            sequences: (self.level == Level::Source).then_some((found.sequences, found.differing)),
            counts: self.counts,
            notes: crate::diff::header_diff::notes(&self.started),
            cuts,
        }
    }
}
