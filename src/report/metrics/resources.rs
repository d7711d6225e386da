//! What the programs of each preset used: at their ends, and over time by samples. The memory of it is bounded,
//! however many samples a log has.

use std::collections::{BTreeMap, HashMap};

use crate::report::origins::SourceOrigin;
use scenario_log::event::{Source, SpawnUsage};
use scenario_log::time::{Moment, Span};

/// Into how many parts of the run's time samples are gathered.
const MAX_BUCKETS: usize = 512;

/// How many presets are followed over time; those of further ones are left out.
const MAX_PRESETS: usize = 64;

/// What the programs of a run used.
#[derive(Clone, Debug, Default)]
pub struct ResourceMetrics {
    presets: BTreeMap<String, PresetUsage>,
    running: HashMap<Source, LastSample>,
}

/// What the programs of a preset used.
#[derive(Clone, Debug, Default)]
pub struct PresetUsage {
    /// The processor time of all that have ended; `None` if no end says it.
    pub cpu: Option<Span>,
    /// The largest peak of one that has ended, in bytes.
    pub peak_memory: Option<u64>,
    /// The largest memory of all that ran at the same time, in bytes, by their samples.
    pub largest_sample: Option<u64>,
    /// The memory of all that run, in bytes.
    pub memory: GaugeSeries,
    /// The processors that all that run keep busy, in thousandths.
    pub processors: GaugeSeries,
    memory_now: u64,
    processors_now: u64,
}

#[derive(Clone, Copy, Debug)]
struct LastSample {
    t: Moment,
    memory: u64,
    cpu: Span,
    processors: u64,
}

impl ResourceMetrics {
    /// What the programs of each preset used, by its name.
    pub fn by_preset(&self) -> impl Iterator<Item = (&str, &PresetUsage)> {
        self.presets.iter().map(|(name, usage)| (&**name, usage))
    }

    /// What the programs of a preset used.
    #[must_use]
    pub fn of_preset(&self, name: &str) -> Option<&PresetUsage> {
        self.presets.get(name)
    }

    fn preset(&mut self, origin: &SourceOrigin) -> Option<&mut PresetUsage> {
        let name = &origin.group.name;
        if !self.presets.contains_key(name) {
            if self.presets.len() >= MAX_PRESETS {
                return None;
            }
            self.presets.insert(name.clone(), PresetUsage::default());
        }
        self.presets.get_mut(name)
    }

    /// Takes a sample of a source.
    pub(super) fn add_sample(
        &mut self,
        (t, source): (Moment, Source),
        origin: Option<&SourceOrigin>,
        (memory, cpu): (u64, Span),
    ) {
        let Some(origin) = origin else { return };
        let last = self.running.get(&source).copied();
        let began = last.map_or(origin.started, |last| last.t);
        let took = u128::from(t.since(began).0);
        let used = u128::from(cpu.0.saturating_sub(last.map_or(0, |last| last.cpu.0)));
        let processors =
            u64::try_from((used * 1_000).checked_div(took).unwrap_or_default()).unwrap_or(u64::MAX);
        let Some(preset) = self.preset(origin) else { return };
        preset.change(t, last, Some(LastSample { t, memory, cpu, processors }));
        self.running.insert(source, LastSample { t, memory, cpu, processors });
    }

    /// Ends a source.
    pub(super) fn end(
        &mut self,
        (t, source): (Moment, Source),
        origin: Option<&SourceOrigin>,
        usage: SpawnUsage,
    ) {
        let last = self.running.remove(&source);
        if last.is_none() && usage == SpawnUsage::default() {
            return;
        }
        let Some(preset) = origin.and_then(|origin| self.preset(origin)) else { return };
        if let Some(cpu) = usage.cpu {
            preset.cpu = Some(Span(preset.cpu.unwrap_or_default().0.saturating_add(cpu.0)));
        }
        preset.peak_memory = preset.peak_memory.max(usage.peak_memory);
        if last.is_some() {
            preset.change(t, last, None);
        }
    }
}

impl PresetUsage {
    /// Puts the sample of one program in the place of its last one.
    fn change(&mut self, t: Moment, before: Option<LastSample>, now: Option<LastSample>) {
        let replaced = |sum: u64, of: fn(LastSample) -> u64| {
            sum.saturating_sub(before.map_or(0, of)).saturating_add(now.map_or(0, of))
        };
        self.memory_now = replaced(self.memory_now, |sample| sample.memory);
        self.processors_now = replaced(self.processors_now, |sample| sample.processors);
        self.largest_sample = self.largest_sample.max(Some(self.memory_now));
        self.memory.set(t, self.memory_now);
        self.processors.set(t, self.processors_now);
    }
}

/// A value over time that stays until the next one, in a bounded number of parts of time.
#[derive(Clone, Debug)]
pub struct GaugeSeries {
    /// The largest and the last value of each part; none where there was no change.
    buckets: Vec<Option<(u64, u64)>>,
    /// The length of a part is 2 to this power, in nanoseconds.
    bucket_power: u32,
}

impl Default for GaugeSeries {
    fn default() -> GaugeSeries {
        GaugeSeries { buckets: Vec::new(), bucket_power: 20 }
    }
}

impl GaugeSeries {
    /// Whether it never had a value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    /// The largest value.
    #[must_use]
    pub fn max(&self) -> u64 {
        self.buckets.iter().flatten().map(|(most, _)| *most).max().unwrap_or_default()
    }

    /// Notes a value from `t` on. `t` never goes back.
    fn set(&mut self, t: Moment, value: u64) {
        let part = loop {
            let part = usize::try_from(t.0 >> self.bucket_power).unwrap_or(usize::MAX);
            if part < MAX_BUCKETS {
                break part;
            }
            self.merge_buckets();
        };
        if part >= self.buckets.len() {
            self.buckets.resize(part + 1, None);
        }
        let bucket = &mut self.buckets[part];
        *bucket = Some((bucket.map_or(value, |(most, _)| most.max(value)), value));
    }

    fn merge_buckets(&mut self) {
        let merge = |pair: &[Option<(u64, u64)>]| match *pair {
            [Some((a, _)), Some((b, last))] => Some((a.max(b), last)),
            [first, second] => first.or(second),
            [one] => one,
            _ => None,
        };
        self.buckets = self.buckets.chunks(2).map(merge).collect();
        self.bucket_power += 1;
    }

    /// The largest value in each of this many columns that divide the time up to `end`.
    #[must_use]
    pub fn columns(&self, end: Moment, columns: usize) -> Vec<u64> {
        let mut out = Vec::with_capacity(columns);
        let (mut next, mut current) = (0, 0);
        for column in 0..columns {
            let until = u128::from(end.0) * (column as u128 + 1) / columns as u128;
            let mut most = current;
            // The middle of a part decides its column.
            let middle = |part: usize| ((part as u128) << self.bucket_power) + (1 << self.bucket_power) / 2;
            while next < self.buckets.len() && (middle(next) < until || column + 1 == columns) {
                if let Some((largest, last)) = self.buckets[next] {
                    most = most.max(largest);
                    current = last;
                }
                next += 1;
            }
            out.push(most);
        }
        out
    }
}

/// A number of processors in thousandths, for people.
#[must_use]
pub fn format_processors(thousandths: u64) -> String {
    format!("{}.{:02}", thousandths / 1_000, thousandths % 1_000 / 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stays_until_the_next_one() {
        let mut series = GaugeSeries::default();
        let second = |n: u64| Moment(n * 1_000_000_000);
        series.set(Moment(2_500_000_000), 5);
        series.set(Moment(6_500_000_000), 1);
        assert_eq!(series.columns(second(8), 8), [0, 0, 5, 5, 5, 5, 5, 1]);
        assert_eq!(series.max(), 5);
        assert_eq!(GaugeSeries::default().columns(second(8), 2), [0, 0]);
    }

    #[test]
    fn a_million_samples_take_no_more_room() {
        let mut series = GaugeSeries::default();
        for n in 0..1_000_000 {
            series.set(Moment(n * 1_000_000_000), if n == 777_777 { 9 } else { 1 });
        }
        assert!(series.buckets.len() <= MAX_BUCKETS);
        let columns = series.columns(Moment(1_000_000 * 1_000_000_000), 100);
        assert_eq!((columns[77], columns[20], columns[99], series.max()), (9, 1, 1, 9));
    }
}
