//! Actions on what runs: stop, send, signal, kill and restart, planned and typed, on programs and on players.

pub(crate) mod hold;
mod planned;
mod players;
mod refused;
mod stop_order;
mod typed;
mod unexpected;

use serde_json::Value;

use crate::common::{Folder, Log};

/// A service that says that it is up, and runs until it is ended.
pub(crate) fn service(name: &str) -> String {
    format!(
        "[presets.{name}]\ncommand = [\"sh\", \"-c\", \"echo {name} is up; exec sleep 600\"]\nbackground = true\n\
         ready = {{ line = \"up\" }}\n"
    )
}

/// Replays a log, and asserts that it decides the same.
#[track_caller]
pub(crate) fn assert_replays(folder: &Folder, log: &str) {
    folder.scenario(&["replay", log]).end().expect(0);
}

/// The events of these kinds in their order, as `kind source` with the signal or the entry, if it has one.
pub(crate) fn story(log: &Log, kinds: &[&str]) -> Vec<String> {
    let told = |event: &Value| {
        let kind = event["event"].as_str().filter(|kind| kinds.contains(kind))?;
        let part = |key: &str| event[key].as_str().map(|value| format!(" {value}"));
        let what = part("signal").or_else(|| part("replaces")).unwrap_or_default();
        Some(format!("{kind}{}{what}", part("source").unwrap_or_default()))
    };
    log.events.iter().filter_map(told).collect()
}
