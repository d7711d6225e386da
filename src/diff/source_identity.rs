//! Who is who in two runs. The number of a source depends on who came first; so a source is known by
//! its preset or job, its timeline entry, and how many of these came before it in its run.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use crate::diff::{DiffSide, PerSide};
use scenario_log::event::{EntryName, Event, Source};
use scenario_log::sanitize::sanitize;

/// What sources have in common that only their count tells apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ComparedOrigin {
    /// A spawn of this preset by this entry; by none if it was typed.
    Preset(String, Option<String>),
    /// A request of this job by this entry.
    Job(String, Option<String>),
    /// A guest whose player has this name.
    Guest(String),
    /// A spawn that has not started: the log does not say of what.
    NotStarted,
}

/// A source, whatever its number is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceIdentity {
    /// What it is one of.
    pub origin: ComparedOrigin,
    /// The how-manieth of these in its run, from 1.
    pub nth: u64,
}

/// The sources of both runs that have not ended.
#[derive(Debug, Default)]
pub(super) struct SourceIdentities {
    running: PerSide<BTreeMap<Source, Rc<SourceIdentity>>>,
    counts: PerSide<BTreeMap<ComparedOrigin, u64>>,
}

impl SourceIdentities {
    /// Who this event of this source is of.
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

    /// Forgets a source that has ended.
    pub(super) fn forget(&mut self, side: DiffSide, source: Source) {
        self.running[side as usize].remove(&source);
    }
}

fn entry_text(entry: Option<EntryName<'_>>) -> Option<String> {
    entry.map(|entry| entry.to_string())
}

/// Which sequence of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SequencePart {
    /// Its start, its end, and what concerns all of it.
    Lifecycle,
    /// The lines of its standard output.
    Stdout,
    /// The lines of its standard error.
    Stderr,
    /// The moves of this player.
    Player(String),
}

/// A sequence, for people.
#[derive(Clone, Debug)]
pub enum SequenceName {
    /// What is of no source: marks, what was typed, the end.
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
