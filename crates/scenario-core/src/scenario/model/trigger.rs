//! The moments that entries wait for.

use std::collections::BTreeSet;

use super::ExitRule;
use scenario_log::time::Span;

/// The moment that an entry waits for; entries are indices into the timeline. A form that holds others is a
/// group; every other one is a condition.
#[derive(Clone, Debug, PartialEq)]
pub enum EntryTrigger {
    /// The start of another entry's first occurrence.
    Started(usize),
    /// The moment another entry's first spawn is ready.
    Ready(usize),
    /// The end of everything that another entry started, in all its occurrences.
    Finished(usize),
    /// The same, if all of it was as expected.
    Passed(usize),
    /// The same, if something of it was not as expected.
    Failed(usize),
    /// The first of these exits of what another entry spawned.
    Exit {
        /// The exits.
        exits: ExitRule,
        /// The entry, which spawns a preset.
        of: usize,
    },
    /// The first line that matches, of any program that another entry started.
    Line {
        /// A valid regular expression, which is matched on the bytes of a line.
        regex: String,
        /// The entry, which spawns a program.
        of: usize,
        /// The longest wait, from the start of `of`.
        timeout: Span,
    },
    /// The moment when the programs of another entry have written nothing for a while.
    Quiet {
        /// How long, from their start or from the last text that one of them wrote.
        duration: Span,
        /// The entry, which spawns a program.
        of: usize,
    },
    /// The last of these moments.
    All(Vec<EntryTrigger>),
    /// The first of these moments.
    Any(Vec<EntryTrigger>),
}

impl EntryTrigger {
    /// The parts of a group; none of a condition.
    #[must_use]
    pub fn parts(&self) -> &[EntryTrigger] {
        match self {
            EntryTrigger::All(parts) | EntryTrigger::Any(parts) => parts,
            _ => &[],
        }
    }

    /// The conditions in it, in file order. One that is no group is its own only condition.
    #[must_use]
    pub fn conditions(&self) -> Vec<&EntryTrigger> {
        let mut conditions = Vec::new();
        self.collect_conditions(&mut conditions);
        conditions
    }

    fn collect_conditions<'t>(&'t self, conditions: &mut Vec<&'t EntryTrigger>) {
        match self {
            EntryTrigger::All(parts) | EntryTrigger::Any(parts) => {
                parts.iter().for_each(|part| part.collect_conditions(conditions));
            }
            _ => conditions.push(self),
        }
    }

    /// Changes each condition in it.
    pub fn for_each_condition_mut(&mut self, change: &mut impl FnMut(&mut EntryTrigger)) {
        match self {
            EntryTrigger::All(parts) | EntryTrigger::Any(parts) => {
                parts.iter_mut().for_each(|part| part.for_each_condition_mut(change));
            }
            _ => change(self),
        }
    }

    /// The entry whose moment a condition is; `None` of a group.
    #[must_use]
    pub fn awaited_entry(&self) -> Option<usize> {
        match self {
            EntryTrigger::Started(of)
            | EntryTrigger::Ready(of)
            | EntryTrigger::Finished(of)
            | EntryTrigger::Passed(of)
            | EntryTrigger::Failed(of)
            | EntryTrigger::Exit { of, .. }
            | EntryTrigger::Line { of, .. }
            | EntryTrigger::Quiet { of, .. } => Some(*of),
            EntryTrigger::All(_) | EntryTrigger::Any(_) => None,
        }
    }

    /// The entries whose moments are waited for, each once, in file order.
    #[must_use]
    pub fn awaited_entries(&self) -> Vec<usize> {
        let mut seen = BTreeSet::new();
        let awaited = self.conditions().into_iter().filter_map(EntryTrigger::awaited_entry);
        awaited.filter(|entry| seen.insert(*entry)).collect()
    }

    /// Whether a condition is one of several ways in which an entry can end. The entry behind one that was not
    /// taken is skipped.
    #[must_use]
    pub fn is_outcome(&self) -> bool {
        matches!(self, EntryTrigger::Passed(_) | EntryTrigger::Failed(_) | EntryTrigger::Exit { .. })
    }

    /// The trigger in words, close to the file's: `server.ready`, `all of (a.passed, b.passed)`. `name` gives the
    /// name of an entry.
    #[must_use]
    pub fn describe(&self, name: &impl Fn(usize) -> String) -> String {
        let list = |parts: &[EntryTrigger]| -> String {
            parts.iter().map(|part| part.describe(name)).collect::<Vec<_>>().join(", ")
        };
        match self {
            EntryTrigger::Started(of) => format!("{}.started", name(*of)),
            EntryTrigger::Ready(of) => format!("{}.ready", name(*of)),
            EntryTrigger::Finished(of) => format!("{}.finished", name(*of)),
            EntryTrigger::Passed(of) => format!("{}.passed", name(*of)),
            EntryTrigger::Failed(of) => format!("{}.failed", name(*of)),
            EntryTrigger::Exit { exits, of } => format!("an exit of {} with {}", name(*of), exits.describe()),
            EntryTrigger::Line { regex, of, .. } => format!("a line like /{regex}/ of {}", name(*of)),
            EntryTrigger::Quiet { duration, of } => {
                format!("{} of quiet of {}", duration.format_human(), name(*of))
            }
            EntryTrigger::All(parts) => format!("all of ({})", list(parts)),
            EntryTrigger::Any(parts) => format!("any of ({})", list(parts)),
        }
    }
}
