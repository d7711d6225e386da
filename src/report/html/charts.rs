//! The charts of the page, which need no script: paths for inline SVG, with the texts beside them. A chart
//! is drawn in a box of `CHART_WIDTH` by `CHART_HEIGHT`, which the page stretches; the drawing has no text.

use std::fmt::Write;

use serde::Serialize;

use crate::report::format::{format_peak, format_rate, format_span};
use crate::report::metrics::RunMetrics;
use crate::report::metrics::distribution::Distribution;
use crate::report::metrics::injected_faults::InjectedFault;
use crate::report::metrics::resources::{GaugeSeries, PresetUsage, format_processors};
use crate::report::metrics::source_metrics::SourceMetrics;
use crate::report::metrics::time_series::TimeSeries;
use crate::report::units::{format_bytes, format_count, group_digits};
use scenario_log::sanitize::sanitize;
use scenario_log::time::{Moment, Span};

/// The size of a chart's box.
const CHART_WIDTH: usize = 240;
const CHART_HEIGHT: usize = 60;
/// The bars of a chart over the run's time, and of a histogram.
const COLUMNS: usize = 120;
const HISTOGRAM_BARS: usize = 48;
/// How many distributions of a kind have charts: those with the most values.
const MAX_CHARTS: usize = 8;
/// The bands of faults in a chart.
const MAX_BANDS: usize = 200;
/// A distribution with fewer values has no chart.
const MIN_VALUES: u64 = 10;
/// The points of a curve between one power of ten and the next.
const STEPS_PER_DECADE: u32 = 40;

#[derive(Debug, Serialize)]
pub(super) struct SvgChart {
    title: String,
    /// Stands beside the title.
    note: String,
    /// The chart in words, for screen readers.
    words: String,
    path: String,
    /// The places and the widths of faults that the run itself caused.
    bands: Vec<[f64; 2]>,
    is_line: bool,
    /// The labels below it, evenly spaced.
    axis: Vec<String>,
    /// The labels beside it: top, bottom.
    sides: [String; 2],
}

#[derive(Debug, Serialize)]
pub(super) struct DistributionCharts {
    name: String,
    note: String,
    histogram: SvgChart,
    curve: SvgChart,
}

/// Charts of how often each kind of event happened over the run's time.
pub(super) fn flow_charts(metrics: &RunMetrics, end: Moment) -> Vec<SvgChart> {
    if end == Moment::ZERO {
        return Vec::new();
    }
    let bands = fault_bands(metrics, end);
    let charts = metrics.flows.iter().map(|(flow, series)| time_chart(flow.name(), series, end));
    charts.map(|chart| SvgChart { bands: bands.clone(), ..chart }).collect()
}

/// The faults that held for some time, as places in a chart over the run's time.
fn fault_bands(metrics: &RunMetrics, end: Moment) -> Vec<[f64; 2]> {
    let place =
        |t: Moment| (t.0.min(end.0) as f64 / end.0 as f64 * CHART_WIDTH as f64 * 100.0).round() / 100.0;
    let held = metrics.injected.kept.iter().filter(|fault| fault.end != Some(fault.start));
    let band = |fault: &InjectedFault| {
        let (from, to) = (place(fault.start), place(fault.end.unwrap_or(end)));
        [from, (to - from).max(0.5)]
    };
    held.take(MAX_BANDS).map(band).collect()
}

fn time_chart(name: &str, series: &TimeSeries, end: Moment) -> SvgChart {
    let columns = series.columns(end, COLUMNS);
    let sum = columns.iter().sum::<u64>();
    let top = format_peak(series, end);
    let mean = format_rate(sum as f64 / end.0 as f64);
    let note = format!("{} in all, {mean}", group_digits(sum));
    SvgChart {
        title: name.to_owned(),
        words: format!("{name} over time: {note} on average, up to {top}"),
        note,
        path: bars_path(&columns),
        bands: Vec::new(),
        is_line: false,
        axis: (0..=4).map(|n| format_span(Span(end.0 / 4 * n))).collect(),
        sides: [top, "0".to_owned()],
    }
}

/// Charts of what the programs of the presets used over the run's time, by their samples: of those with the most
/// memory.
pub(super) fn resource_charts(metrics: &RunMetrics, end: Moment) -> Vec<SvgChart> {
    let mut presets: Vec<_> =
        metrics.resources.by_preset().filter(|(_, usage)| !usage.memory.is_empty()).collect();
    presets.sort_by_key(|(_, usage)| std::cmp::Reverse(usage.memory.max()));
    presets.truncate(MAX_CHARTS);
    let memory = |name: &str, usage: &PresetUsage| {
        gauge_chart(&format!("memory of {name}"), &usage.memory, end, format_bytes)
    };
    let processors = |name: &str, usage: &PresetUsage| {
        gauge_chart(&format!("processors of {name}"), &usage.processors, end, format_processors)
    };
    let bands = fault_bands(metrics, end);
    let charts = presets.iter().flat_map(|(name, usage)| [memory(name, usage), processors(name, usage)]);
    charts.map(|chart| SvgChart { bands: bands.clone(), ..chart }).collect()
}

fn gauge_chart(title: &str, series: &GaugeSeries, end: Moment, format: fn(u64) -> String) -> SvgChart {
    let title = sanitize(title);
    let top = format(series.max());
    let note = format!("up to {top}");
    SvgChart {
        words: format!("{title} over time: {note}"),
        title,
        note,
        path: bars_path(&series.columns(end, COLUMNS)),
        bands: Vec::new(),
        is_line: false,
        axis: (0..=4).map(|n| format_span(Span(end.0 / 4 * n))).collect(),
        sides: [top, "0".to_owned()],
    }
}

/// Charts of how long requests took by job, or spawns by preset.
pub(super) fn duration_charts<'a>(
    groups: impl Iterator<Item = (&'a str, &'a SourceMetrics)>,
) -> Vec<DistributionCharts> {
    distribution_charts(groups.map(|(name, group)| (name, &group.took)))
}

/// Charts of how late events were, by kind; kinds without any lateness have none.
pub(super) fn lateness_charts(metrics: &RunMetrics) -> Vec<DistributionCharts> {
    let late = metrics.lateness.iter().filter(|(_, late)| late.max() > 0);
    distribution_charts(late.map(|(event, late)| (*event, late)))
}

fn distribution_charts<'a>(
    all: impl Iterator<Item = (&'a str, &'a Distribution)>,
) -> Vec<DistributionCharts> {
    let mut all: Vec<_> = all.filter(|(_, one)| one.count() >= MIN_VALUES && one.max() > 0).collect();
    all.sort_by_key(|(name, one)| (std::cmp::Reverse(one.count()), *name));
    all.into_iter().take(MAX_CHARTS).filter_map(|(name, one)| distribution_chart(name, one)).collect()
}

fn distribution_chart(name: &str, distribution: &Distribution) -> Option<DistributionCharts> {
    let low = distribution.min_nonzero()? as f64;
    let high = (distribution.max() as f64).max(low * 1.1);
    let quantiles = [("p50", 500), ("p90", 900), ("p99", 990), ("max", 1_000)];
    let quantiles = quantiles.map(|(of, per_mille)| {
        format!("{of} {}", format_span(Span(distribution.value_at_per_mille(per_mille))))
    });
    let zeros = distribution.count_between(None, 0);
    let zeros = if zeros > 0 { format!(", {} of them 0", group_digits(zeros)) } else { String::new() };
    let note = format!("{}{zeros} · {}", format_count(distribution.count(), "value"), quantiles.join(" · "));
    let curve = percentile_chart(name, distribution, (low, high));
    Some(DistributionCharts {
        name: name.to_owned(),
        histogram: histogram_chart(name, distribution, (low, high)),
        curve,
        note,
    })
}

/// The value at this share between two values, on a logarithmic scale.
fn log_interpolate((low, high): (f64, f64), share: f64) -> f64 {
    low * (high / low).powf(share)
}

fn histogram_chart(name: &str, distribution: &Distribution, range: (f64, f64)) -> SvgChart {
    let mut above = None;
    let counts: Vec<u64> = (1..=HISTOGRAM_BARS)
        .map(|n| {
            // The last bar has no upper bound.
            let up_to = if n == HISTOGRAM_BARS {
                u64::MAX
            } else {
                log_interpolate(range, n as f64 / HISTOGRAM_BARS as f64) as u64
            };
            let count = distribution.count_between(above, up_to);
            above = Some(up_to);
            count
        })
        .collect();
    let most = group_digits(counts.iter().copied().max().unwrap_or_default());
    SvgChart {
        title: "how many took how long".to_owned(),
        note: String::new(),
        words: format!(
            "histogram of {name}, from {} to {}",
            format_nanoseconds(range.0),
            format_nanoseconds(range.1)
        ),
        path: bars_path(&counts),
        bands: Vec::new(),
        is_line: false,
        axis: (0..=4).map(|n| format_nanoseconds(log_interpolate(range, f64::from(n) / 4.0))).collect(),
        sides: [most, "0".to_owned()],
    }
}

fn percentile_chart(name: &str, distribution: &Distribution, range: (f64, f64)) -> SvgChart {
    // The axis has no more powers of ten than the number of values can resolve.
    let powers = distribution.count().ilog10().clamp(1, 4);
    let all = powers * STEPS_PER_DECADE;
    let mut path = String::new();
    for n in 0..=all {
        let above = 10f64.powf(-f64::from(n) / f64::from(STEPS_PER_DECADE));
        let value = distribution.value_at_per_million(((1.0 - above) * 1e6) as u64) as f64;
        let share = if value <= range.0 { 0.0 } else { (value / range.0).ln() / (range.1 / range.0).ln() };
        let x = CHART_WIDTH as f64 * f64::from(n) / f64::from(all);
        let y = CHART_HEIGHT as f64 * (1.0 - share.min(1.0));
        let _ = write!(path, "{}{x:.1} {y:.1}", if n == 0 { 'M' } else { 'L' });
    }
    let axis = ["0 %", "90 %", "99 %", "99.9 %", "99.99 %"];
    let axis = axis.iter().take(powers as usize + 1).map(|label| (*label).to_owned());
    SvgChart {
        title: "percentiles".to_owned(),
        note: String::new(),
        words: format!(
            "percentiles of {name}, from {} to {}",
            format_nanoseconds(range.0),
            format_nanoseconds(range.1)
        ),
        path,
        bands: Vec::new(),
        is_line: true,
        axis: axis.collect(),
        sides: [format_nanoseconds(range.1), format_nanoseconds(range.0)],
    }
}

fn format_nanoseconds(nanoseconds: f64) -> String {
    format_span(Span(nanoseconds.round() as u64))
}

/// One bar for each count, side by side. A count above zero is always visible.
fn bars_path(counts: &[u64]) -> String {
    let most = counts.iter().copied().max().unwrap_or_default().max(1) as f64;
    let wide = CHART_WIDTH as f64 / counts.len().max(1) as f64;
    let mut path = String::new();
    for (n, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let high = (CHART_HEIGHT as f64 * *count as f64 / most).max(1.0);
        let x = wide * n as f64;
        let _ = write!(path, "M{x:.1} {CHART_HEIGHT}v-{high:.1}h{:.1}v{high:.1}z", wide * 0.9);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_seen() {
        assert_eq!(bars_path(&[0, 1_000, 1]), "M80.0 60v-60.0h72.0v60.0zM160.0 60v-1.0h72.0v1.0z");
        assert_eq!(bars_path(&[]), "");
    }
}
