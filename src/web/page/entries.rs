//! The timeline as it is written, and the progress of each entry.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::report::origins::{SourceOrigin, is_ok_or_tried_again};
use crate::web::page::to_seconds;
use scenario_core::scenario::model::{EntryAction, EntryPace, Scenario, TimelineEntry};
use scenario_log::event::Event;
use scenario_log::sanitize::sanitize;

/// How many entries are shown at most.
const MAX_ENTRIES: usize = 500;

#[derive(Clone, Debug, Serialize)]
pub(super) struct LiveEntry {
    /// Its place in the file, counted from 1.
    n: usize,
    name: String,
    does: String,
    /// Its offset in seconds.
    at: f64,
    after: Option<String>,
    every: Option<String>,
    /// How often it has happened.
    times: u64,
    state: LiveEntryState,
    #[serde(skip)]
    open: u64,
    #[serde(skip)]
    is_changed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum LiveEntryState {
    Waits,
    Running,
    Done,
    Failed,
    Skipped,
}

/// Some of the entries, by their names in the log.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct EntryChanges<'a>(BTreeMap<&'a str, &'a LiveEntry>);

/// All entries, by their names in the log.
#[derive(Clone, Debug, Default)]
pub(super) struct LiveEntries(BTreeMap<String, LiveEntry>);

impl LiveEntries {
    /// The entries of a scenario's timeline.
    pub(super) fn from_scenario(scenario: &Scenario) -> LiveEntries {
        let timeline = scenario.timeline.iter().enumerate().take(MAX_ENTRIES);
        LiveEntries(
            timeline
                .map(|(index, entry)| {
                    (entry.event_name(index).to_string(), LiveEntry::new(scenario, index, entry))
                })
                .collect(),
        )
    }

    pub(super) fn on_event(&mut self, event: &Event<'_>, origin: Option<&SourceOrigin>) {
        if let Some(is_ok) = ended_ok(event).map(|ok| is_ok_or_tried_again(ok, origin))
            && let Some(name) = origin.and_then(|origin| origin.group.entry.as_ref())
            && let Some(entry) = self.0.get_mut(name)
        {
            entry.open = entry.open.saturating_sub(1);
            if !is_ok {
                entry.state = LiveEntryState::Failed;
            } else if entry.open == 0 && entry.state == LiveEntryState::Running {
                entry.state = LiveEntryState::Done;
            }
            entry.is_changed = true;
        }
        let Some(name) = event.entry() else { return };
        let Some(entry) = self.0.get_mut(&*name.to_string()) else { return };
        entry.is_changed = true;
        if matches!(event, Event::EntryRetried { .. }) {
            return;
        }
        if matches!(event, Event::EntrySkipped { .. }) {
            entry.state = LiveEntryState::Skipped;
            return;
        }
        entry.times += 1;
        let is_wrong = matches!(
            event,
            Event::Sent { error: Some(_), .. }
                | Event::Signalled { error: Some(_), .. }
                | Event::Stopping { error: Some(_), .. }
        );
        let runs = matches!(event, Event::SpawnStarted { .. } | Event::FetchStarted { .. });
        entry.open += u64::from(runs);
        if is_wrong {
            entry.state = LiveEntryState::Failed;
        } else if entry.state != LiveEntryState::Failed {
            entry.state = if runs { LiveEntryState::Running } else { LiveEntryState::Done };
        }
    }

    pub(super) fn all(&self) -> EntryChanges<'_> {
        EntryChanges(self.0.iter().map(|(name, entry)| (&**name, entry)).collect())
    }

    pub(super) fn changed(&self) -> EntryChanges<'_> {
        let changed = self.0.iter().filter(|(_, entry)| entry.is_changed);
        EntryChanges(changed.map(|(name, entry)| (&**name, entry)).collect())
    }

    pub(super) fn forget_changes(&mut self) {
        self.0.values_mut().for_each(|entry| entry.is_changed = false);
    }
}

impl LiveEntry {
    fn new(scenario: &Scenario, index: usize, entry: &TimelineEntry) -> LiveEntry {
        LiveEntry {
            n: index + 1,
            name: sanitize(&entry.event_name(index).to_string()),
            does: describe_action(scenario, entry),
            at: to_seconds(entry.at),
            after: entry
                .trigger
                .as_ref()
                .map(|trigger| sanitize(&trigger.describe(&|awaited| entry_name(scenario, awaited)))),
            every: entry.repeat.as_ref().map(|repeat| describe_pace(&repeat.pace)),
            times: 0,
            state: LiveEntryState::Waits,
            open: 0,
            is_changed: false,
        }
    }
}

/// Whether the source that an event ends has ended as expected; none if the event does not end a source.
fn ended_ok(event: &Event<'_>) -> Option<bool> {
    if let Event::SpawnExited { ok, .. } | Event::FetchFinished { ok, .. } = *event {
        return Some(ok);
    }
    matches!(event, Event::FetchFailed { .. }).then_some(false)
}

/// The action of an entry, in the words of the file.
fn describe_action(scenario: &Scenario, entry: &TimelineEntry) -> String {
    let what = match &entry.action {
        EntryAction::Spawn(preset) => format!("spawn {}", scenario.presets[*preset].name),
        EntryAction::Fetch(job) => format!("fetch {}", scenario.fetches[*job].name),
        EntryAction::Stop(target) | EntryAction::Kill(target) | EntryAction::Restart(target) => {
            format!("{} {}", entry.action.key(), target.name)
        }
        EntryAction::Send(send) => format!("send to {}", send.to.name),
        EntryAction::Signal(action) => format!("signal {} {}", action.to.name, action.signal),
        EntryAction::Link(action) => format!("link {}", action.describe(&scenario.links[action.link].name)),
        EntryAction::Mark(text) => format!("mark {}", text.display_with_gaps()),
    };
    let times = if entry.count > 1 { format!(" x{}", entry.count) } else { String::new() };
    format!("{}{times}", sanitize(&what))
}

fn describe_pace(pace: &EntryPace) -> String {
    match pace {
        EntryPace::Every(every) => every.describe(),
        EntryPace::Arrivals { rate, .. } => {
            let rates: Vec<String> = rate.points().iter().map(|point| point.rate.to_file_text()).collect();
            rates.join(", ")
        }
    }
}

fn entry_name(scenario: &Scenario, index: usize) -> String {
    scenario.timeline[index].event_name(index).to_string()
}
