//! The last lines of programs that are not ready yet. They are shown again below the event that says that
//! such a program never became ready. The scenario in the log's first line says which programs have
//! `ready`; of all others, nothing is kept.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::report::output_tail::OutputTail;
use scenario_log::event::{Event, Source};

/// The programs that are not ready yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct UnreadyOutput {
    /// The presets with `ready`.
    presets: BTreeSet<String>,
    programs: BTreeMap<Source, OutputTail>,
}

/// The parts of a scenario that are read.
#[derive(Deserialize)]
struct ReadyScenario {
    #[serde(default)]
    presets: BTreeMap<String, ReadyPreset>,
}

#[derive(Deserialize)]
struct ReadyPreset {
    ready: Option<IgnoredAny>,
}

impl UnreadyOutput {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "of all events, these alone tell of readiness or output"
    )]
    pub(crate) fn on_event(&mut self, event: &Event<'_>) {
        match *event {
            Event::RunStarted { scenario, .. } => self.presets = presets_with_ready(scenario),
            Event::SpawnStarted { source, preset, .. } if self.presets.contains(preset) => {
                self.programs.insert(source, OutputTail::default());
            }
            Event::Lines { source, stream, chunk, partial } => {
                if let Some(kept) = self.programs.get_mut(&source) {
                    kept.add_chunk(stream, chunk, partial);
                }
            }
            Event::SpawnReady { source } => drop(self.take_tail(source)),
            _ => {}
        }
    }

    /// Forgets a program; returns its last lines if it has not become ready.
    pub(crate) fn take_tail(&mut self, source: Source) -> Option<OutputTail> {
        self.programs.remove(&source)
    }
}

/// The presets of a scenario that have `ready`.
fn presets_with_ready(scenario: &str) -> BTreeSet<String> {
    if !scenario.contains("\"ready\"") {
        return BTreeSet::new();
    }
    // A scenario that cannot be read is in a log that somebody made; it has no presets.
    let read: Result<ReadyScenario, _> = serde_json::from_str(scenario);
    let presets = read.map(|read| read.presets).unwrap_or_default();
    presets.into_iter().filter(|(_, preset)| preset.ready.is_some()).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenario_log::event::OutputStream;
    use scenario_log::time::Moment;

    #[test]
    fn the_last_lines_of_unready_programs_are_kept() {
        let mut unready = UnreadyOutput {
            presets: presets_with_ready(r#"{"presets":{"a":{"ready":{}},"b":{}}}"#),
            ..UnreadyOutput::default()
        };
        let (a, b) = (Source::Spawn(1), Source::Spawn(2));
        for (source, preset) in [(a, "a"), (b, "b")] {
            let due = Moment::ZERO;
            unready.on_event(&Event::SpawnStarted { due, source, preset, entry: None, pid: Some(1) });
        }
        for source in [a, b] {
            let (stream, chunk) = (OutputStream::Stdout, &b"1\n2\n"[..]);
            unready.on_event(&Event::Lines { source, stream, chunk, partial: false });
        }
        let kept = unready.take_tail(a).unwrap();
        assert_eq!(kept.marked_lines(), ["| 1", "| 2"]);
        assert!(unready.take_tail(a).is_none() && unready.take_tail(b).is_none());
    }
}
