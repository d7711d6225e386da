//! The parts of expectations that divide a run: groups of events, the time that is looked at, and the numbers
//! that a run has at every moment.

use std::fmt;

use crate::scenario::format::format_span;
use scenario_log::event_kind::{EventKind, EventScope};
use scenario_log::time::Span;

/// A key whose values divide events into groups. An event has it of its own, or from the start of its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupKey {
    /// The URL of a request.
    Url,
    /// The name of a player's step.
    Step,
    /// The status of an answer.
    Status,
    /// The timeline entry.
    Entry,
    /// The preset of a spawn, or of the player that makes a request.
    Preset,
    /// The fetch of a request.
    Job,
    /// The player.
    Player,
    /// The spawn or the request itself.
    Source,
}

impl GroupKey {
    /// All keys.
    pub const ALL: [GroupKey; 8] = [
        GroupKey::Url,
        GroupKey::Step,
        GroupKey::Status,
        GroupKey::Entry,
        GroupKey::Preset,
        GroupKey::Job,
        GroupKey::Player,
        GroupKey::Source,
    ];

    /// The name in a file and in the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            GroupKey::Url => "url",
            GroupKey::Step => "step",
            GroupKey::Status => "status",
            GroupKey::Entry => "entry",
            GroupKey::Preset => "preset",
            GroupKey::Job => "job",
            GroupKey::Player => "player",
            GroupKey::Source => "source",
        }
    }

    /// The key with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<GroupKey> {
        GroupKey::ALL.into_iter().find(|key| key.name() == name)
    }

    /// Whether events of a kind have the key from the start of their source, and not of their own.
    #[must_use]
    pub fn is_inherited(self, kind: EventKind) -> bool {
        if kind.keys().iter().any(|(name, _)| *name == self.name()) {
            return false;
        }
        match (self, kind.scope()) {
            (GroupKey::Preset | GroupKey::Entry, EventScope::Spawn) => true,
            (GroupKey::Source | GroupKey::Status, _) | (_, EventScope::Spawn) => false,
            (_, EventScope::Request | EventScope::Any) => true,
            (_, EventScope::Run | EventScope::Entry) => false,
        }
    }

    /// Whether events of a kind have the key, of their own or from the start of their source.
    #[must_use]
    pub fn is_of(self, kind: EventKind) -> bool {
        self.is_inherited(kind) || kind.keys().iter().any(|(name, _)| *name == self.name())
    }
}

/// One of the moments of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryPhase {
    /// It has started for the first time.
    Started,
    /// One of its spawns is ready.
    Ready,
    /// Its last occurrence has ended.
    Finished,
    /// The same, and all of it was as expected.
    Passed,
    /// The same, and something of it was not as expected.
    Failed,
}

impl EntryPhase {
    /// All moments.
    pub const ALL: [EntryPhase; 5] = [
        EntryPhase::Started,
        EntryPhase::Ready,
        EntryPhase::Finished,
        EntryPhase::Passed,
        EntryPhase::Failed,
    ];

    /// The name in a file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            EntryPhase::Started => "started",
            EntryPhase::Ready => "ready",
            EntryPhase::Finished => "finished",
            EntryPhase::Passed => "passed",
            EntryPhase::Failed => "failed",
        }
    }
}

/// A moment of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunPoint {
    /// So long after the start of the run.
    At(Span),
    /// A moment of an entry.
    Entry {
        /// The entry.
        entry: usize,
        /// Its id.
        id: String,
        /// Which of its moments.
        phase: EntryPhase,
    },
}

impl fmt::Display for RunPoint {
    /// The form that a file has.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunPoint::At(span) => f.write_str(&format_span(*span)),
            RunPoint::Entry { id, phase, .. } => write!(f, "{id}.{}", phase.name()),
        }
    }
}

/// The part of a run whose events count, and how it is divided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObservedPart {
    /// From this moment on; `None`: from the start of the run.
    pub since: Option<RunPoint>,
    /// Before this moment; `None`: to the end of the run.
    pub until: Option<RunPoint>,
    /// The length of the windows of which each is judged alone.
    pub over: Option<Span>,
    /// The key whose values are judged each alone.
    pub by: Option<GroupKey>,
}

impl fmt::Display for ObservedPart {
    /// In words, each with a comma before it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(over) = self.over {
            write!(f, " in every {}", format_span(over))?;
        }
        if let Some(by) = self.by {
            write!(f, ", for each {}", by.name())?;
        }
        if let Some(since) = &self.since {
            write!(f, ", since {since}")?;
        }
        match &self.until {
            Some(until) => write!(f, ", until {until}"),
            None => Ok(()),
        }
    }
}

/// A number that a run has at every moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunQuantity {
    /// The number of running spawns.
    Running,
    /// The number of requests in flight.
    InFlight,
    /// The number of players that act.
    Players,
}

impl RunQuantity {
    /// All of them.
    pub const ALL: [RunQuantity; 3] = [RunQuantity::Running, RunQuantity::InFlight, RunQuantity::Players];

    /// The name in a file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            RunQuantity::Running => "running",
            RunQuantity::InFlight => "in_flight",
            RunQuantity::Players => "players",
        }
    }

    /// The kind of event that the things which are counted start with.
    #[must_use]
    pub fn start_kind(self) -> Option<EventKind> {
        EventKind::from_name(match self {
            RunQuantity::Running | RunQuantity::Players => "spawn.started",
            RunQuantity::InFlight => "fetch.started",
        })
    }
}
