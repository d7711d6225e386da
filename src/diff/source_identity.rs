//! Who is who in two runs. The number of a source depends on who came first; so a source is known by
//! its preset or job, its timeline entry, and how many of these came before it in its run.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use crate::diff::{Pair, Side};
use scenario_log::event::{EntryName, Event, Source};
use scenario_log::sanitize::visible;

/// What sources have in common that only their count tells apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
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
pub struct Identity {
    /// What it is one of.
    pub origin: Origin,
    /// The how-manieth of these in its run, from 1.
    pub nth: u64,
}

/// The sources of both runs that have not ended.
#[derive(Debug, Default)]
pub(super) struct Sources {
    running: Pair<BTreeMap<Source, Rc<Identity>>>,
    seen: Pair<BTreeMap<Origin, u64>>,
}

impl Sources {
    /// Who this event of this source is of.
    pub(super) fn of(&mut self, side: Side, source: Source, event: &Event<'_>) -> Rc<Identity> {
        let origin = match *event {
            Event::SpawnStarted { preset, entry, .. } => Origin::Preset(preset.to_owned(), words(entry)),
            Event::FetchStarted { job, entry, .. } => Origin::Job(job.to_owned(), words(entry)),
            Event::PlayerJoined { player, .. } => Origin::Guest(player.to_string()),
            _ => match self.running[side as usize].get(&source) {
                Some(identity) => return Rc::clone(identity),
                None => Origin::NotStarted,
            },
        };
        let nth = self.seen[side as usize].entry(origin.clone()).or_default();
        *nth += 1;
        let identity = Rc::new(Identity { origin, nth: *nth });
        self.running[side as usize].insert(source, Rc::clone(&identity));
        identity
    }

    /// Forgets a source that has ended.
    pub(super) fn forget(&mut self, side: Side, source: Source) {
        self.running[side as usize].remove(&source);
    }
}

fn words(entry: Option<EntryName<'_>>) -> Option<String> {
    entry.map(|entry| entry.to_string())
}

/// Which sequence of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Its start, its end, and what concerns all of it.
    Itself,
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
    Of(Identity, Pair<Option<Source>>, Part),
}

impl fmt::Display for SequenceName {
    /// `player mary of ps#1 (preset 1, entry #1)`, without control characters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SequenceName::Of(identity, numbers, part) = self else { return f.write_str("the timeline") };
        match part {
            Part::Itself => {}
            Part::Stdout => f.write_str("stdout of ")?,
            Part::Stderr => f.write_str("stderr of ")?,
            Part::Player(name) => write!(f, "player {} of ", visible(name))?,
        }
        match numbers {
            [Some(left), Some(right)] if left != right => write!(f, "{left}, then {right} ")?,
            [Some(number), _] | [None, Some(number)] => write!(f, "{number} ")?,
            [None, None] => {}
        }
        write!(f, "({identity})")
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, name, entry) = match &self.origin {
            Origin::Preset(preset, entry) => ("preset", preset, entry),
            Origin::Job(job, entry) => ("fetch", job, entry),
            Origin::Guest(player) => {
                write!(f, "guest {}", visible(player))?;
                return if self.nth > 1 { write!(f, ", number {} of these", self.nth) } else { Ok(()) };
            }
            Origin::NotStarted => return write!(f, "number {} of those that have not started", self.nth),
        };
        write!(f, "{what} {}, ", visible(name))?;
        match entry {
            Some(entry) => write!(f, "entry {}", visible(entry))?,
            None => f.write_str("typed")?,
        }
        if self.nth > 1 { write!(f, ", number {} of these", self.nth) } else { Ok(()) }
    }
}
