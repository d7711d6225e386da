//! The timeline of the model: what happens, and when.

use super::ScenarioText;
use crate::diagnostic::FilePlace;
use crate::scenario::interval::Interval;
use scenario_log::event::EntryName;
use scenario_log::time::Span;

/// One entry of the timeline.
#[derive(Clone, Debug, PartialEq)]
pub struct TimelineEntry {
    /// A unique name.
    pub id: Option<String>,
    /// The time from the start of the run or from the moment of `trigger`.
    pub at: Span,
    /// The moment that it waits for.
    pub trigger: Option<EntryTrigger>,
    /// The action.
    pub action: EntryAction,
    /// How often it happens at the same moment; at least 1.
    pub count: u32,
    /// How it is repeated.
    pub repeat: Option<EntryRepeat>,
    /// The place of its header or its braces.
    pub place: FilePlace,
}

impl TimelineEntry {
    /// The name of the entry in events; `index` is its position in the timeline, from 0.
    #[must_use]
    pub fn event_name(&self, index: usize) -> EntryName<'_> {
        self.id.as_deref().map_or(EntryName::Number(index + 1), EntryName::Id)
    }
}

/// The action of an entry. Entries, presets and fetches are indices into the scenario's lists.
#[derive(Clone, Debug, PartialEq)]
pub enum EntryAction {
    /// Start a preset.
    Spawn(usize),
    /// Start a fetch job.
    Fetch(usize),
    /// Stop what an entry (a spawn or a fetch) started.
    Stop(usize),
    /// Write a line to what an entry (a spawn of a command with `stdin = "open"`) started.
    Send {
        /// The entry.
        to: usize,
        /// The line, without its newline.
        text: ScenarioText,
    },
    /// Note a text in the log.
    Mark(ScenarioText),
}

/// The moment that an entry waits for; entries are indices into the timeline.
#[derive(Clone, Debug, PartialEq)]
pub enum EntryTrigger {
    /// The start of another entry's first occurrence.
    Started(usize),
    /// The moment another entry's first spawn is ready.
    Ready(usize),
    /// The end of everything that another entry started, in all its occurrences.
    Finished(usize),
    /// The first line that matches, of any program that another entry started.
    Line {
        /// A valid regular expression, which is matched on the bytes of a line.
        regex: String,
        /// The entry, which spawns a program.
        of: usize,
        /// The longest wait, from the start of `of`.
        timeout: Span,
    },
}

impl EntryTrigger {
    /// The entry whose moment is waited for.
    #[must_use]
    pub fn awaited_entry(&self) -> usize {
        match self {
            EntryTrigger::Started(entry) | EntryTrigger::Ready(entry) | EntryTrigger::Finished(entry) => {
                *entry
            }
            EntryTrigger::Line { of, .. } => *of,
        }
    }
}

/// How an entry is repeated: `times` in all, or everything that starts within `duration`, or whichever of
/// the two ends first. At least one of them is there.
#[derive(Clone, Debug, PartialEq)]
pub struct EntryRepeat {
    /// The time between one occurrence and the next, drawn anew each time.
    pub every: Interval,
    /// The number of occurrences in all.
    pub times: Option<u64>,
    /// The time from the first occurrence in which the others start; its end is excluded.
    pub duration: Option<Span>,
}
