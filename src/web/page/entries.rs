//! The timeline as it is written, and how far each entry has come.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::web::page::lanes::EndedSource;
use scenario_log::event::Event;
use scenario_log::sanitize::sanitize;

/// How many entries are shown.
const MAX_ENTRIES: usize = 500;

/// An entry.
#[derive(Clone, Debug, Serialize)]
pub(super) struct LiveEntry {
    /// Its place in the file, from 1.
    n: usize,
    name: String,
    does: String,
    /// Its offset in seconds.
    at: f64,
    after: Option<String>,
    every: Option<String>,
    /// How often something has come of it.
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
}

/// Some of them, by their keys.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct EntryChanges<'a>(BTreeMap<&'a str, &'a LiveEntry>);

/// All of them, by their names in the log.
#[derive(Clone, Debug, Default)]
pub(super) struct LiveEntries(BTreeMap<String, LiveEntry>);

impl LiveEntries {
    /// Those of a resolved scenario.
    pub(super) fn from_scenario(scenario: &Value) -> LiveEntries {
        let timeline = scenario["timeline"].as_array().into_iter().flatten().take(MAX_ENTRIES);
        LiveEntries(
            timeline.enumerate().map(|(place, entry)| LiveEntry::from_json(place + 1, entry)).collect(),
        )
    }

    /// Takes an event, with what has ended by it.
    pub(super) fn on_event(&mut self, event: &Event<'_>, ended: Option<EndedSource>) {
        if let Some(EndedSource { entry: Some(name), is_ok }) = ended
            && let Some(entry) = self.0.get_mut(&name)
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
        entry.times += 1;
        entry.is_changed = true;
        let is_wrong =
            matches!(event, Event::Sent { error: Some(_), .. } | Event::Stopping { error: Some(_), .. });
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
    fn from_json(n: usize, entry: &Value) -> (String, LiveEntry) {
        let name = entry["id"].as_str().map_or_else(|| format!("#{n}"), str::to_owned);
        let text = |value: &Value| match value {
            Value::Null => None,
            Value::String(text) => Some(sanitize(text)),
            other => Some(sanitize(&other.to_string())),
        };
        let after = match &entry["after"] {
            Value::Object(line) => {
                let (regex, of) = (text(&line["line"]), text(&line["of"]));
                Some(format!("line /{}/ of {}", regex.unwrap_or_default(), of.unwrap_or_default()))
            }
            moment => text(moment),
        };
        let entry = LiveEntry {
            n,
            name: sanitize(&name),
            does: describe_action(entry),
            at: entry["at"]
                .as_str()
                .and_then(|at| humantime::parse_duration(at).ok())
                .unwrap_or_default()
                .as_secs_f64(),
            after,
            every: text(&entry["every"]),
            times: 0,
            state: LiveEntryState::Waits,
            open: 0,
            is_changed: false,
        };
        (name, entry)
    }
}

/// What an entry does, in the words of the file.
fn describe_action(entry: &Value) -> String {
    let count = entry["count"].as_u64().filter(|count| *count > 1);
    let times = count.map(|count| format!(" x{count}")).unwrap_or_default();
    let simple = ["spawn", "fetch", "stop", "mark"].iter().find_map(|action| {
        let what = entry[*action].as_str()?;
        Some(format!("{action} {}{times}", sanitize(what)))
    });
    simple.unwrap_or_else(|| match entry["send"]["to"].as_str() {
        Some(to) => format!("send to {}{times}", sanitize(to)),
        None => "(unknown)".to_owned(),
    })
}
