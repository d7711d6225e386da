//! The lines of a program that have not ended, and what a line decides. Matches nothing itself.

use crate::engine::input::LineDecision;
use scenario_log::event::OutputStream;

/// The decisions of a line, or of text that has not ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LineMatches {
    /// It is one that the spawn's `ready` waits for.
    pub(crate) ready: bool,
    /// The conditions on a line that it meets, in the order of the file.
    pub(crate) waits: Vec<LineWait>,
    /// The expectations whose condition it meets.
    pub(crate) expects: LineHits,
}

/// A condition of an entry on a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LineWait {
    /// The entry that waits.
    pub(crate) entry: usize,
    /// The index of the condition among those of the entry.
    pub(crate) nth: usize,
}

/// The expectations whose condition on a line is met, counted from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LineHits {
    /// Those that look for such a line.
    pub(crate) targets: Vec<u32>,
    /// Those that look for something that follows such a line.
    pub(crate) predecessors: Vec<u32>,
}

impl LineMatches {
    /// From the numbers of the log, which count from 1.
    pub(crate) fn from_log(decision: &LineDecision) -> LineMatches {
        let index = |number: u32| usize::try_from(number).ok()?.checked_sub(1);
        let wait = |(at, entry): (usize, &u32)| {
            let nth = decision.conditions.get(at).copied().unwrap_or(1);
            Some(LineWait { entry: index(*entry)?, nth: index(nth)? })
        };
        LineMatches {
            ready: decision.ready,
            waits: decision.entries.iter().enumerate().filter_map(wait).collect(),
            expects: LineHits { targets: decision.expects.clone(), predecessors: decision.follows.clone() },
        }
    }

    /// The numbers of the entries for the log, which count from 1.
    pub(crate) fn entry_numbers(&self) -> Vec<u32> {
        self.waits.iter().filter_map(|wait| u32::try_from(wait.entry + 1).ok()).collect()
    }

    /// The numbers of their conditions for the log, which count from 1; none if each is the first.
    pub(crate) fn condition_numbers(&self) -> Vec<u32> {
        if self.waits.iter().all(|wait| wait.nth == 0) {
            return Vec::new();
        }
        self.waits.iter().filter_map(|wait| u32::try_from(wait.nth + 1).ok()).collect()
    }

    /// Whether it makes nothing ready and ends no wait.
    pub(crate) fn is_empty(&self) -> bool {
        !self.ready && self.waits.is_empty()
    }
}

/// The text of one stream whose line has not ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct UnfinishedLine {
    /// As it is logged.
    logged: Vec<u8>,
    /// As it was said.
    said: Vec<u8>,
    /// The decisions of the next text or line, as the log has them.
    decided: Option<LineMatches>,
}

/// The two streams of a spawn.
#[derive(Clone, Debug, Default)]
pub(crate) struct UnfinishedLines {
    stdout: UnfinishedLine,
    stderr: UnfinishedLine,
}

impl UnfinishedLines {
    pub(crate) fn of(&mut self, stream: OutputStream) -> &mut UnfinishedLine {
        match stream {
            OutputStream::Stdout => &mut self.stdout,
            OutputStream::Stderr => &mut self.stderr,
        }
    }
}

impl UnfinishedLine {
    /// Adds text, and gives all of the line so far: as it is logged, and as it was said.
    pub(crate) fn add(&mut self, logged: &[u8], said: &[u8]) -> (Vec<u8>, Vec<u8>) {
        self.logged.extend_from_slice(logged);
        self.said.extend_from_slice(said);
        (self.logged.clone(), self.said.clone())
    }

    /// Notes that the line has ended.
    pub(crate) fn end(&mut self) {
        self.logged.clear();
        self.said.clear();
    }

    pub(crate) fn decide(&mut self, matches: LineMatches) {
        self.decided = Some(matches);
    }

    /// The decisions of this line as the log has them, once.
    pub(crate) fn take_decided(&mut self) -> Option<LineMatches> {
        self.decided.take()
    }
}
