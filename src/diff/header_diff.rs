//! Differences between the starts of two runs: below the level `exact` they do not count, but are worth a
//! note.

use crate::diff::PerSide;
use scenario_log::event::{ClockKind, Event};

/// Everything that determines a run by itself.
#[derive(Debug)]
pub(super) struct ComparedRunHeader {
    name: String,
    seed: u64,
    clock: ClockKind,
    scenario: String,
}

impl ComparedRunHeader {
    pub(super) fn from_event(event: &Event<'_>) -> Option<ComparedRunHeader> {
        let Event::RunStarted { name, seed, clock, scenario, .. } = *event else { return None };
        Some(ComparedRunHeader { name: name.to_owned(), seed, clock, scenario: scenario.to_owned() })
    }
}

/// The differences, in words.
pub(super) fn header_notes(started: &PerSide<Option<ComparedRunHeader>>) -> Vec<String> {
    let [Some(left), Some(right)] = started else { return Vec::new() };
    let mut notes = Vec::new();
    if left.name != right.name {
        notes.push(format!("the names differ: {}, then {}", left.name, right.name));
    }
    if left.seed != right.seed {
        notes.push(format!("the seeds differ: {}, then {}", left.seed, right.seed));
    }
    if left.clock != right.clock {
        notes.push(format!("the clocks differ: {}, then {}", left.clock.name(), right.clock.name()));
    }
    if left.scenario != right.scenario {
        notes.push("the scenarios differ".to_owned());
    }
    notes
}
