//! Identifies sources across two runs. The number of a source depends on the order of the starts; so its
//! identity is its preset or job, its timeline entry, and how many of these came before it in its run.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use crate::diff::{DiffSide, PerSide};
use scenario_log::event::{EntryName, Event, Source};
use scenario_log::sanitize::sanitize;

/// The properties that several sources may have in common; only a count distinguishes them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ComparedOrigin {
    /// A spawn of this preset by this entry; without an entry, it was typed.
    Preset(String, Option<String>),
    /// A request of this job by this entry.
    Job(String, Option<String>),
    /// A guest whose player has this name.
    Guest(String),
    /// A spawn that has not started, in a log of an older release: it does not say of which preset.
    NotStarted,
}

/// A source, whatever its number is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceIdentity {
    /// The properties that it has in common with others.
    pub origin: ComparedOrigin,
    /// Which of these it is in its run, counted from 1.
    pub nth: u64,
}

/// The sources of both runs that have not ended.
#[derive(Debug, Default)]
pub(super) struct SourceIdentities {
    running: PerSide<BTreeMap<Source, Rc<SourceIdentity>>>,
    counts: PerSide<BTreeMap<ComparedOrigin, u64>>,
}

impl SourceIdentities {
    /// The identity of the source of this event.
    pub(super) fn identify(
        &mut self,
        side: DiffSide,
        source: Source,
        event: &Event<'_>,
    ) -> Rc<SourceIdentity> {
        #[expect(clippy::wildcard_enum_match_arm, reason = "these events alone begin a source")]
        let origin = match *event {
            Event::SpawnStarted { preset, entry, .. } => {
                ComparedOrigin::Preset(preset.to_owned(), entry_text(entry))
            }
            Event::FetchStarted { job, entry, .. } => ComparedOrigin::Job(job.to_owned(), entry_text(entry)),
            Event::PlayerJoined { player, .. } => ComparedOrigin::Guest(player.to_string()),
            Event::SpawnFailed { preset: Some(preset), entry, .. }
                if !self.running[side as usize].contains_key(&source) =>
            {
                ComparedOrigin::Preset(preset.to_owned(), entry_text(entry))
            }
            _ => match self.running[side as usize].get(&source) {
                Some(identity) => return Rc::clone(identity),
                None => ComparedOrigin::NotStarted,
            },
        };
        let nth = self.counts[side as usize].entry(origin.clone()).or_default();
        *nth += 1;
        let identity = Rc::new(SourceIdentity { origin, nth: *nth });
        self.running[side as usize].insert(source, Rc::clone(&identity));
        identity
    }

    /// Whether a source has an identity already: it has started, and has not ended.
    pub(super) fn is_running(&self, side: DiffSide, source: Source) -> bool {
        self.running[side as usize].contains_key(&source)
    }

    /// Forgets a source that has ended.
    pub(super) fn forget(&mut self, side: DiffSide, source: Source) {
        self.running[side as usize].remove(&source);
    }
}

fn entry_text(entry: Option<EntryName<'_>>) -> Option<String> {
    entry.map(|entry| entry.to_string())
}

/// A part of a source's events; each part is a sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SequencePart {
    /// Its start, its end, and everything about it as a whole.
    Lifecycle,
    /// The lines of its standard output.
    Stdout,
    /// The lines of its standard error.
    Stderr,
    /// The moves and steps of this player.
    Player(String),
}

/// The name of a sequence, for people.
#[derive(Clone, Debug)]
pub enum SequenceName {
    /// Everything without a source: marks, typed lines, the end.
    Timeline,
    /// A part of a source, with its number in each log that has it.
    Source(SourceIdentity, PerSide<Option<Source>>, SequencePart),
}

impl fmt::Display for SequenceName {
    /// `player mary of ps#1 (preset 1, entry #1)`, without control characters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SequenceName::Source(identity, numbers, part) = self else { return f.write_str("the timeline") };
        match part {
            SequencePart::Lifecycle => {}
            SequencePart::Stdout => f.write_str("stdout of ")?,
            SequencePart::Stderr => f.write_str("stderr of ")?,
            SequencePart::Player(name) => write!(f, "player {} of ", sanitize(name))?,
        }
        match numbers {
            [Some(left), Some(right)] if left != right => write!(f, "{left}, then {right} ")?,
            [Some(number), _] | [None, Some(number)] => write!(f, "{number} ")?,
            [None, None] => {}
        }
        write!(f, "({identity})")
    }
}

impl fmt::Display for SourceIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, name, entry) = match &self.origin {
            ComparedOrigin::Preset(preset, entry) => ("preset", preset, entry),
            ComparedOrigin::Job(job, entry) => ("fetch", job, entry),
            ComparedOrigin::Guest(player) => {
                write!(f, "guest {}", sanitize(player))?;
                return if self.nth > 1 { write!(f, ", number {} of these", self.nth) } else { Ok(()) };
            }
            ComparedOrigin::NotStarted => {
                return write!(f, "number {} of those that have not started", self.nth);
            }
        };
        write!(f, "{what} {}, ", sanitize(name))?;
        match entry {
            Some(entry) => write!(f, "entry {}", sanitize(entry))?,
            None => f.write_str("typed")?,
        }
        if self.nth > 1 { write!(f, ", number {} of these", self.nth) } else { Ok(()) }
    }
}
