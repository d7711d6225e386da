//! The last lines of programs that are not ready yet. They are shown again below the event that says that
//! such a program never became ready. The scenario in the log's first line says which programs have
//! `ready`; of all others, nothing is kept.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::Deserialize;
use serde::de::IgnoredAny;

use scenario_log::event::{Event, OutputStream, Source};

/// How many lines of each program are kept.
const MAX_LINES: usize = 10;

/// How many bytes of a line are kept.
const MAX_LINE_BYTES: usize = 400;

/// The end of a program's output: lines without their newlines, the latest last.
pub(crate) type OutputTail = VecDeque<(OutputStream, Vec<u8>)>;

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
                self.programs.insert(source, OutputTail::new());
            }
            Event::Lines { source, stream, chunk, .. } => self.add_lines(source, stream, chunk),
            Event::SpawnReady { source } => drop(self.take_tail(source)),
            _ => {}
        }
    }

    /// Forgets a program; returns its last lines if it has not become ready.
    pub(crate) fn take_tail(&mut self, source: Source) -> Option<OutputTail> {
        self.programs.remove(&source)
    }

    fn add_lines(&mut self, source: Source, stream: OutputStream, chunk: &[u8]) {
        let Some(kept) = self.programs.get_mut(&source) else { return };
        let chunk = chunk.strip_suffix(b"\n").unwrap_or(chunk);
        let mut last: Vec<&[u8]> =
            chunk.rsplitn(MAX_LINES + 1, |byte| *byte == b'\n').take(MAX_LINES).collect();
        last.reverse();
        kept.extend(last.into_iter().map(|line| (stream, line[..line.len().min(MAX_LINE_BYTES)].to_vec())));
        kept.drain(..kept.len().saturating_sub(MAX_LINES));
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
        for chunk in [&b"1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n"[..], b"13\n\n", &[b'x'; 1000]] {
            for source in [a, b] {
                unready.on_event(&Event::Lines {
                    source,
                    stream: OutputStream::Stdout,
                    chunk,
                    partial: false,
                });
            }
        }
        let kept: Vec<Vec<u8>> = unready.take_tail(a).unwrap().into_iter().map(|(_, line)| line).collect();
        assert_eq!(kept[..2], [b"6", b"7"]);
        assert_eq!(kept[6..9], [&b"12"[..], b"13", b""]);
        assert_eq!((kept.len(), kept[9].len()), (MAX_LINES, MAX_LINE_BYTES));
        assert!(unready.take_tail(a).is_none() && unready.take_tail(b).is_none());
    }
}
