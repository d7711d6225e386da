//! What the program of a lane uses, in words: by its last sample, and by its end.

use serde::Serialize;

use crate::report::format::format_span;
use crate::report::metrics::resources::format_processors;
use crate::report::units::format_bytes;
use scenario_log::event::SpawnUsage;
use scenario_log::time::{Moment, Span};

/// What a program uses; serialized as its words.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub(super) struct LaneUsage {
    words: String,
    /// When it was sampled, and the processor time that it had taken by then.
    #[serde(skip)]
    last: Option<(Moment, Span)>,
}

impl LaneUsage {
    /// By a sample, after another one.
    pub(super) fn by_sample(before: Option<&LaneUsage>, t: Moment, (memory, cpu): (u64, Span)) -> LaneUsage {
        let processors = before.and_then(|before| before.last).map(|(since, used)| {
            let took = u128::from(t.since(since).0).max(1);
            u64::try_from(u128::from(cpu.0.saturating_sub(used.0)) * 1_000 / took).unwrap_or(u64::MAX)
        });
        let processors = processors
            .map(|thousandths| format!(", {} processors", format_processors(thousandths)))
            .unwrap_or_default();
        LaneUsage { words: format!("{}{processors}", format_bytes(memory)), last: Some((t, cpu)) }
    }

    /// By the end; `None` if that says nothing.
    pub(super) fn by_end(usage: SpawnUsage) -> Option<LaneUsage> {
        let peak = usage.peak_memory.map(|peak| format!("{} at most", format_bytes(peak)));
        let cpu = usage.cpu.map(|cpu| format!("{} of processor time", format_span(cpu)));
        let words: Vec<String> = peak.into_iter().chain(cpu).collect();
        (!words.is_empty()).then(|| LaneUsage { words: words.join(", "), last: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_those_since_the_last_sample() {
        let second = |n: u64| Moment(n * 1_000_000_000);
        let first = LaneUsage::by_sample(None, second(1), (2_000_000, Span::from_secs(1)));
        assert_eq!(first.words, "2.00 MB");
        let next = LaneUsage::by_sample(Some(&first), second(3), (3_000_000, Span::from_secs(2)));
        assert_eq!(next.words, "3.00 MB, 0.50 processors");
        assert!(LaneUsage::by_end(SpawnUsage::default()).is_none());
        let usage = SpawnUsage { peak_memory: Some(5_000), cpu: Some(Span::from_millis(20)), exceeded: None };
        assert_eq!(LaneUsage::by_end(usage).unwrap().words, "5.00 kB at most, 20.0 ms of processor time");
    }
}
