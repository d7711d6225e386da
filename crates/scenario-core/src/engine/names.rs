//! The names of entries and spawns in messages.

use crate::scenario::model::Scenario;
use scenario_log::event::Source;

/// An entry for a message: its id or number in backquotes.
pub(crate) fn entry_name(scenario: &Scenario, entry: usize) -> String {
    format!("`{}`", scenario.timeline[entry].event_name(entry))
}

/// A spawn for a message: `ps#1 (server)`.
pub(crate) fn spawn_name(scenario: &Scenario, source: Source, preset: usize) -> String {
    format!("{source} ({})", scenario.presets[preset].name)
}
