//! Reports of replays: for people, for programs, for CI. Makes text, and prints none itself.

pub mod json;
pub mod junit;
mod marked_line;
mod text;

pub use text::{render_divergence, render_expectations, render_summary, render_verdict};

use crate::replay::outcome::{ReplayDivergence, ReplayedEvent};
use scenario_log::event::EntryName;
use scenario_log::raw_fields;

/// The keys in which a logged line and the event that happens now differ, in the order of the lines. `seq`
/// does not count, and neither does the checksum of the last line.
#[must_use]
pub fn differing_keys(divergence: &ReplayDivergence) -> Vec<String> {
    let ReplayedEvent::Event(now) = &divergence.replayed else { return Vec::new() };
    let read = |text: &str| -> Vec<(String, String)> {
        let fields = raw_fields::parse_fields(text.as_bytes()).unwrap_or_default();
        fields.into_iter().map(|field| (field.key.into_owned(), field.value.to_owned())).collect()
    };
    let (logged, now) = (read(&divergence.logged.text), read(now));
    let in_one = |here: &[(String, String)], there: &[(String, String)]| -> Vec<String> {
        let counts = |key: &str| key != "seq" && key != "crc32c";
        here.iter()
            .filter(|(key, value)| {
                counts(key) && !there.iter().any(|other| other.0 == *key && other.1 == *value)
            })
            .map(|(key, _)| key.clone())
            .collect()
    };
    let mut keys = in_one(&logged, &now);
    for key in in_one(&now, &logged) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    // The fields of different events cannot be compared.
    if keys.iter().any(|key| key == "event") { vec!["event".to_owned()] } else { keys }
}

/// The cause of a line that differs, in words: the timeline's entry, the preset, the player.
#[must_use]
pub fn describe_cause(divergence: &ReplayDivergence) -> Option<String> {
    let text = match &divergence.replayed {
        ReplayedEvent::Event(now) => now,
        ReplayedEvent::RunOver | ReplayedEvent::Nothing { .. } => &divergence.logged.text,
    };
    let fields = raw_fields::parse_fields(text.as_bytes())?;
    let value = |key: &str| {
        let field = fields.iter().find(|field| field.key == key)?;
        serde_json::from_str::<String>(field.value).ok()
    };
    let event = value("event")?;
    if let Some(origin) = &divergence.origin {
        let what = if event.starts_with("fetch.") { "fetch job" } else { "preset" };
        let player = value("player").map(|player| format!("player `{player}` of ")).unwrap_or_default();
        let by = match &origin.entry {
            Some(entry) => format!("by {}", describe_entry(entry)),
            None => "by a typed line".to_owned(),
        };
        return Some(format!("{player}{}, of {what} `{}`, {by}", origin.source, origin.name));
    }
    match (&*event, value("entry")) {
        (_, Some(entry)) => Some(describe_entry(&entry)),
        ("clock.tick", _) => Some("the clock: `tick` of the scenario".to_owned()),
        ("player.joined" | "player.left", _) => Some("a player over the network".to_owned()),
        ("world.state", _) => Some("where players are: `[world]` of the scenario".to_owned()),
        ("run.started", _) => Some("the scenario's `name`".to_owned()),
        ("input", _) => Some("a typed line".to_owned()),
        ("run.finished", _) => Some("the result of the run".to_owned()),
        _ => None,
    }
}

fn describe_entry(entry: &str) -> String {
    match EntryName::from_name(entry) {
        EntryName::Id(id) => format!("the timeline's entry with the id `{id}`"),
        EntryName::Number(number) => format!("entry {number} of the timeline"),
    }
}
