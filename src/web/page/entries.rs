//! The timeline as it is written, and how far each entry has come.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::web::page::lanes::Ended;
use scenario_log::event::Event;
use scenario_log::sanitize::visible;

/// How many entries are shown.
const MOST: usize = 500;

/// An entry.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Entry {
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
    state: State,
    #[serde(skip)]
    open: u64,
    #[serde(skip)]
    is_changed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Waits,
    Running,
    Done,
    Failed,
}

/// Some of them, by their keys.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Shown<'a>(BTreeMap<&'a str, &'a Entry>);

/// All of them, by their names in the log.
#[derive(Clone, Debug, Default)]
pub(super) struct Entries(BTreeMap<String, Entry>);

impl Entries {
    /// Those of a resolved scenario.
    pub(super) fn of(scenario: &Value) -> Entries {
        let timeline = scenario["timeline"].as_array().into_iter().flatten().take(MOST);
        Entries(timeline.enumerate().map(|(place, entry)| Entry::of(place + 1, entry)).collect())
    }

    /// Takes an event, with what has ended by it.
    pub(super) fn take(&mut self, event: &Event<'_>, ended: Option<Ended>) {
        if let Some(Ended { entry: Some(name), is_ok }) = ended
            && let Some(entry) = self.0.get_mut(&name)
        {
            entry.open = entry.open.saturating_sub(1);
            if !is_ok {
                entry.state = State::Failed;
            } else if entry.open == 0 && entry.state == State::Running {
                entry.state = State::Done;
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
            entry.state = State::Failed;
        } else if entry.state != State::Failed {
            entry.state = if runs { State::Running } else { State::Done };
        }
    }

    pub(super) fn all(&self) -> Shown<'_> {
        Shown(self.0.iter().map(|(name, entry)| (&**name, entry)).collect())
    }

    pub(super) fn changed(&self) -> Shown<'_> {
        let changed = self.0.iter().filter(|(_, entry)| entry.is_changed);
        Shown(changed.map(|(name, entry)| (&**name, entry)).collect())
    }

    pub(super) fn forget_changes(&mut self) {
        self.0.values_mut().for_each(|entry| entry.is_changed = false);
    }
}

impl Entry {
    fn of(n: usize, entry: &Value) -> (String, Entry) {
        let name = entry["id"].as_str().map_or_else(|| format!("#{n}"), str::to_owned);
        let text = |value: &Value| match value {
            Value::Null => None,
            Value::String(text) => Some(visible(text)),
            other => Some(visible(&other.to_string())),
        };
        let after = match &entry["after"] {
            Value::Object(line) => {
                let (regex, of) = (text(&line["line"]), text(&line["of"]));
                Some(format!("line /{}/ of {}", regex.unwrap_or_default(), of.unwrap_or_default()))
            }
            moment => text(moment),
        };
        let entry = Entry {
            n,
            name: visible(&name),
            does: does(entry),
            at: entry["at"]
                .as_str()
                .and_then(|at| humantime::parse_duration(at).ok())
                .unwrap_or_default()
                .as_secs_f64(),
            after,
            every: text(&entry["every"]),
            times: 0,
            state: State::Waits,
            open: 0,
            is_changed: false,
        };
        (name, entry)
    }
}

/// What an entry does, in the words of the file.
fn does(entry: &Value) -> String {
    let count = entry["count"].as_u64().filter(|count| *count > 1);
    let times = count.map(|count| format!(" x{count}")).unwrap_or_default();
    let simple = ["spawn", "fetch", "stop", "mark"].iter().find_map(|action| {
        let what = entry[*action].as_str()?;
        Some(format!("{action} {}{times}", visible(what)))
    });
    simple.unwrap_or_else(|| match entry["send"]["to"].as_str() {
        Some(to) => format!("send to {}{times}", visible(to)),
        None => "(unknown)".to_owned(),
    })
}
