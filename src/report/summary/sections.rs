//! The sections of the summary: some lines each, beginning with a heading; no lines if a section has no
//! content.

use crate::report::format::{connection_notes, format_peak, format_span, push_expectation};
use crate::report::metrics::RunMetrics;
use crate::report::metrics::distribution::Distribution;
use crate::report::metrics::injected_faults::InjectedFault;
use crate::report::metrics::source_metrics::{MetricsByName, SourceMetrics};
use crate::report::summary::text_chart::{ChartCharset, horizontal_bar, sparkline};
use crate::report::summary::text_table::{MAX_NAME_CHARS, TextTable, truncate_name};
use crate::report::units::{format_bytes, format_count, format_moment, group_digits};
use scenario_log::event::ExpectationResult;
use scenario_log::sanitize::sanitize;
use scenario_log::time::{Moment, Span};

/// How many rows a table has at most; those with failures come first.
const MAX_ROWS: usize = 30;

/// This many columns of a table stay even if they contain only zeros.
const FIXED_COLUMNS: usize = 5;

/// How many jobs have a chart of their times.
const MAX_CHARTS: usize = 4;

/// A job with fewer requests has no chart of their times.
const MIN_REQUESTS: u64 = 10;

/// How many columns a chart over the run's time has, and the longest bar.
const COLUMNS: usize = 40;

/// How much of an injected fault a line has.
const MAX_FAULT_CHARS: usize = 54;

pub(super) fn faults_section(metrics: &RunMetrics) -> Vec<String> {
    let wrong = &metrics.faults;
    let Some(first) = wrong.first.first() else { return Vec::new() };
    let width = wrong.first.last().unwrap_or(first).line.to_string().len();
    let mut lines = vec!["what went wrong first".to_owned()];
    for fault in &wrong.first {
        let moment = format_moment(fault.t);
        lines.push(format!("line {:>width$}  {moment:>9}  {}", fault.line, fault.message));
        let indent = " ".repeat("line   ".len() + width + moment.chars().count().max(9) + 2);
        lines.extend(fault.output.iter().map(|line| format!("{indent}{line}")));
    }
    let more = wrong.count - wrong.first.len() as u64;
    if more > 0 {
        lines.push(format!("and {} more", group_digits(more)));
    }
    lines
}

/// The programs that ended and came back, with the time that it took.
pub(super) fn recoveries_section(metrics: &RunMetrics) -> Vec<String> {
    let all = &metrics.recoveries;
    let Some(last) = all.first.last() else { return Vec::new() };
    let width = last.line.to_string().len();
    let mut lines = vec!["what came back".to_owned()];
    for recovery in &all.first {
        let moment = format_moment(recovery.t);
        lines.push(format!("line {:>width$}  {moment:>9}  {}", recovery.line, recovery.message));
        let indent = " ".repeat("line   ".len() + width + moment.chars().count().max(9) + 2);
        lines.extend(recovery.output.iter().map(|line| format!("{indent}{line}")));
        lines.push(format!("{indent}{}", recovery.describe_comeback()));
    }
    let more = all.count - all.first.len() as u64;
    if more > 0 {
        lines.push(format!("and {} more", group_digits(more)));
    }
    lines
}

pub(super) fn expectations_section(metrics: &RunMetrics) -> Vec<String> {
    let Some(width) = metrics.expectations.iter().map(|expected| if expected.ok { 4 } else { 6 }).max()
    else {
        return Vec::new();
    };
    let line = |expected: &ExpectationResult| {
        let mut line = format!("{:<width$}  ", if expected.ok { "held" } else { "missed" });
        push_expectation(&mut line, expected);
        line
    };
    ["expected".to_owned()].into_iter().chain(metrics.expectations.iter().map(line)).collect()
}

/// The entries that were skipped, with the reasons.
pub(super) fn skipped_section(metrics: &RunMetrics) -> Vec<String> {
    let shown = &metrics.skipped[..metrics.skipped.len().min(MAX_ROWS)];
    let Some(width) = shown.iter().map(|(entry, _)| entry.chars().count()).max() else { return Vec::new() };
    let row =
        |(entry, reason): &(String, String)| format!("{:<width$}  {}", sanitize(entry), sanitize(reason));
    let mut lines: Vec<String> = ["skipped".to_owned()].into_iter().chain(shown.iter().map(row)).collect();
    let more = metrics.skipped.len() - shown.len();
    if more > 0 {
        lines.push(format!("and {} more", group_digits(more as u64)));
    }
    lines
}

/// A text, cut if it is longer.
fn cut_text(text: &str, most: usize) -> String {
    match text.chars().count() > most {
        true => text.chars().take(most - 1).chain(['…']).collect(),
        false => text.to_owned(),
    }
}

/// The faults that the run put on links and programs, with their times.
pub(super) fn injected_section(metrics: &RunMetrics) -> Vec<String> {
    let injected = &metrics.injected;
    if injected.kept.is_empty() {
        return Vec::new();
    }
    let shown = &injected.kept[..injected.kept.len().min(MAX_ROWS)];
    let row = |fault: &InjectedFault| {
        let start = format_moment(fault.start);
        let time = match fault.end {
            Some(end) if end == fault.start => String::new(),
            Some(end) => format!("for {}", format_span(end.since(fault.start))),
            None => "to the end".to_owned(),
        };
        format!("{start:>9}  {time:<11}  {}", cut_text(&sanitize(&fault.text), MAX_FAULT_CHARS))
    };
    let mut lines: Vec<String> =
        ["injected faults".to_owned()].into_iter().chain(shown.iter().map(row)).collect();
    let more = (injected.kept.len() - shown.len()) as u64 + injected.omitted;
    if more > 0 {
        lines.push(format!("and {} more", group_digits(more)));
    }
    lines
}

pub(super) fn spawns_section(metrics: &RunMetrics) -> Vec<String> {
    let headings = ["spawns", "count", "wrong", "median", "longest", "moves", "stdout", "stderr"];
    let row = |group: &SourceMetrics| {
        vec![
            group_digits(group.asked_for()),
            group_digits(group.failed),
            format_percentile(&group.took, 500),
            format_percentile(&group.took, 1_000),
            group_digits(group.moves),
            group_digits(group.stdout),
            group_digits(group.stderr),
        ]
    };
    metrics_table(&metrics.spawns, &headings, row, ("preset", "code 0"), |_| Vec::new())
}

/// What the programs of each preset used.
pub(super) fn resources_section(metrics: &RunMetrics) -> Vec<String> {
    let presets: Vec<_> = metrics.resources.by_preset().collect();
    if presets.is_empty() {
        return Vec::new();
    }
    let mut table = TextTable::new(&["programs", "processor", "peak memory", "sampled, at once"]);
    for (name, usage) in presets.iter().take(MAX_ROWS) {
        let size = |bytes: Option<u64>| bytes.map_or_else(|| "-".to_owned(), format_bytes);
        let cpu = usage.cpu.map_or_else(|| "-".to_owned(), format_span);
        table.push_row(name, [cpu, size(usage.peak_memory), size(usage.largest_sample)]);
    }
    let mut lines = table.render_lines();
    if presets.len() > MAX_ROWS {
        lines.push(format!("and {} more", format_count((presets.len() - MAX_ROWS) as u64, "preset")));
    }
    lines
}

pub(super) fn fetches_section(metrics: &RunMetrics) -> Vec<String> {
    let headings = ["requests", "count", "wrong", "p50", "p90", "p99", "max", "bytes"];
    let row = |group: &SourceMetrics| {
        let [p50, p90, p99, max] =
            [500, 900, 990, 1_000].map(|per_mille| format_percentile(&group.took, per_mille));
        let (count, wrong) = (group_digits(group.started), group_digits(group.failed));
        vec![count, wrong, p50, p90, p99, max, format_bytes(group.bytes)]
    };
    let load =
        |name: &str| metrics.loads.iter().find(|load| load.job == name).map_or(Vec::new(), connection_notes);
    metrics_table(&metrics.fetches, &headings, row, ("job", "200"), load)
}

/// A table of presets or jobs. A note says how their sources ended, unless all ended in the `usual` way.
fn metrics_table(
    sources: &MetricsByName,
    headings: &[&str],
    row: impl Fn(&SourceMetrics) -> Vec<String>,
    (what, usual): (&str, &str),
    more: impl Fn(&str) -> Vec<String>,
) -> Vec<String> {
    if sources.is_empty() {
        return Vec::new();
    }
    let mut sorted: Vec<_> = sources.by_name().collect();
    let count = sorted.len();
    if count > MAX_ROWS {
        sorted.sort_by_key(|(_, group)| (group.failed == 0, std::cmp::Reverse(group.started)));
    }
    let mut table = TextTable::new(headings);
    for (name, group) in sorted.into_iter().take(MAX_ROWS) {
        table.push_row(name, row(group));
        let is_usual = group.unfinished() == 0 && group.ends.keys().all(|how| how == usual);
        if !is_usual {
            table.push_note(group.format_ends());
        }
        more(name).into_iter().for_each(|note| table.push_note(note));
    }
    let mut lines = table.without_zeros(FIXED_COLUMNS).render_lines();
    if count > MAX_ROWS {
        lines.push(format!("and {} more", format_count((count - MAX_ROWS) as u64, what)));
    }
    lines
}

/// Histograms of the times of requests.
pub(super) fn durations_section(metrics: &RunMetrics, charset: ChartCharset) -> Vec<String> {
    let mut lines = Vec::new();
    let jobs = metrics.fetches.by_name().filter(|(_, group)| group.took.count() >= MIN_REQUESTS);
    for (name, group) in jobs.take(MAX_CHARTS) {
        let title = format!("times of {}", truncate_name(name));
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.push(title);
        lines.extend(histogram(&group.took, charset));
    }
    lines
}

/// A bar for each step of 1, 2, 5, 10 and so on that has values.
fn histogram(took: &Distribution, charset: ChartCharset) -> Vec<String> {
    let mut steps = Vec::new();
    let mut above = None;
    'powers: for power in 2..20u32 {
        for factor in [1, 2, 5] {
            let up_to = factor * 10u64.pow(power).min(u64::MAX / 10);
            let count = took.count_between(above, up_to);
            if count > 0 || !steps.is_empty() {
                steps.push((up_to, count));
            }
            above = Some(up_to);
            if up_to >= took.max() {
                break 'powers;
            }
        }
    }
    let most = steps.iter().map(|(_, count)| *count).max().unwrap_or(0);
    let row = |(up_to, count): &(u64, u64)| {
        let bar = horizontal_bar(*count, most, COLUMNS, charset);
        let label = format!("up to {}", format_round_time(*up_to));
        let line = format!(
            "{label:>MAX_NAME_CHARS$}  {bar}{}{}",
            if bar.is_empty() { "" } else { " " },
            group_digits(*count)
        );
        line
    };
    steps.iter().map(row).collect()
}

/// A time that is 1, 2 or 5 times a power of ten.
fn format_round_time(nanoseconds: u64) -> String {
    match nanoseconds {
        n if n < 1_000 => format!("{n} ns"),
        n if n < 1_000_000 => format!("{} µs", n / 1_000),
        n if n < 1_000_000_000 => format!("{} ms", n / 1_000_000),
        n => format!("{} s", n / 1_000_000_000),
    }
}

/// How many directions that are no directions of a world are named.
const MAX_DIRECTIONS: usize = 8;

pub(super) fn moves_section(metrics: &RunMetrics) -> Vec<String> {
    if metrics.moves.total() == 0 {
        return Vec::new();
    }
    let (shown, others) = metrics.moves.shown(MAX_DIRECTIONS);
    let mut counts: Vec<String> =
        shown.iter().map(|(word, count)| format!("{} {}", sanitize(word), group_digits(*count))).collect();
    if others > 0 {
        counts.push(format!("others {}", group_digits(others)));
    }
    vec!["moves".to_owned(), format!("{:MAX_NAME_CHARS$}  {}", "", counts.join(", "))]
}

pub(super) fn shared_section(metrics: &RunMetrics) -> Vec<String> {
    if metrics.shared.is_empty() {
        return Vec::new();
    }
    let cells = metrics.shared.iter().map(|(cell, value)| format!("{} = {value}", sanitize(cell)));
    let (cells, steps) = (cells.collect::<Vec<_>>().join(", "), format_count(metrics.steps, "step"));
    vec!["shared".to_owned(), format!("{:MAX_NAME_CHARS$}  {cells}, after {steps}", "")]
}

pub(super) fn lateness_section(metrics: &RunMetrics) -> Vec<String> {
    if metrics.lateness.is_empty() {
        return Vec::new();
    }
    if metrics.lateness.values().all(|late| late.max() == 0) {
        let count = metrics.lateness.values().map(Distribution::count).sum();
        return vec![
            "lateness".to_owned(),
            format!("{:MAX_NAME_CHARS$}  none, of {}", "", format_count(count, "event")),
        ];
    }
    let mut table = TextTable::new(&["lateness", "count", "p50", "p99", "max"]);
    for (event, late) in &metrics.lateness {
        let [p50, p99, max] = [500, 990, 1_000].map(|per_mille| format_percentile(late, per_mille));
        table.push_row(event, [group_digits(late.count()), p50, p99, max]);
    }
    table.render_lines()
}

pub(super) fn flows_section(metrics: &RunMetrics, charset: ChartCharset) -> Vec<String> {
    if metrics.flows.is_empty() || metrics.last_moment == Moment::ZERO {
        return Vec::new();
    }
    let end = Moment(metrics.took().0).max(metrics.last_moment);
    let took = format_span(Span(end.0));
    let gap = COLUMNS.saturating_sub(3 + took.chars().count());
    let mut lines = vec![format!("{:<MAX_NAME_CHARS$}  0 s{}{took}", "over time", " ".repeat(gap))];
    for (flow, series) in &metrics.flows {
        let columns = series.columns(end, COLUMNS);
        let drawn = sparkline(&columns, charset);
        lines.push(format!("{:<MAX_NAME_CHARS$}  {drawn}  up to {}", flow.name(), format_peak(series, end)));
    }
    lines
}

/// A percentile, for people.
fn format_percentile(distribution: &Distribution, per_mille: u64) -> String {
    if distribution.count() == 0 {
        "-".to_owned()
    } else {
        format_span(Span(distribution.value_at_per_mille(per_mille)))
    }
}
