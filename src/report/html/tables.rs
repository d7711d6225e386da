//! The tables of the page: faults, expectations, presets and jobs, single spawns and requests, lateness,
//! and the waves as bars. Each says how much of it is left out.

use serde::Serialize;

use crate::report::format::{connection_notes, format_span};
use crate::report::html::lanes::{BarState, LaneGroup, LaneKind};
use crate::report::html::source_rows::{SourceCounts, SourceRow, SourceRows};
use crate::report::html::text::truncate_text;
use crate::report::metrics::RunMetrics;
use crate::report::metrics::distribution::Distribution;
use crate::report::metrics::source_metrics::{SourceMetrics as Sources, UNNAMED};
use crate::report::units::{format_bytes, format_count, format_moment, group_digits};
use scenario_log::time::{Moment, Span};

/// How many rows the smaller tables have at most.
const MAX_ROWS: usize = 200;
/// A table with more single spawns or requests is folded.
const MAX_UNFOLDED_ROWS: u64 = 40;
/// How many waves are shown as bars.
const MAX_WAVES: usize = 40;
/// How many characters of a text are shown.
const MAX_TEXT_CHARS: usize = 300;
/// The width of the box of a bar.
const BAR_BOX_WIDTH: f64 = 1_000.0;

#[derive(Debug, Default, Serialize)]
pub(super) struct HtmlTable {
    headings: Vec<HtmlHeading>,
    rows: Vec<HtmlRow>,
    /// It is short enough to be shown unfolded.
    is_short: bool,
    /// Says what it leaves out.
    left: Option<String>,
}

#[derive(Debug, Serialize)]
struct HtmlHeading {
    text: String,
    is_figure: bool,
}

#[derive(Debug, Serialize)]
struct HtmlRow {
    /// `ok`, `wrong`, `open` or empty.
    state: &'static str,
    cells: Vec<String>,
}

impl HtmlTable {
    /// An empty table. A heading that begins with `#` is that of a column of numbers.
    pub(super) fn new<T: AsRef<str>>(headings: &[T]) -> HtmlTable {
        let heading = |text: &T| match text.as_ref().strip_prefix('#') {
            Some(text) => HtmlHeading { text: text.to_owned(), is_figure: true },
            None => HtmlHeading { text: text.as_ref().to_owned(), is_figure: false },
        };
        HtmlTable { headings: headings.iter().map(heading).collect(), ..HtmlTable::default() }
    }

    pub(super) fn push_row(&mut self, state: &'static str, cells: Vec<String>) {
        self.rows.push(HtmlRow { state, cells });
    }

    /// The table with a note of what it leaves out.
    pub(super) fn with_note(self, left: Option<String>) -> HtmlTable {
        HtmlTable { left, ..self }
    }

    /// Removes the columns whose cells are all empty.
    fn without_empty(mut self) -> HtmlTable {
        for column in (0..self.headings.len()).rev() {
            if self.rows.iter().all(|row| row.cells[column].is_empty()) {
                self.headings.remove(column);
                self.rows.iter_mut().for_each(|row| drop(row.cells.remove(column)));
            }
        }
        self
    }

    /// Removes all but the first rows, and says so.
    fn with_max_rows(mut self, rows: usize, what: &str) -> HtmlTable {
        if let more @ 1.. = self.rows.len().saturating_sub(rows) {
            self.rows.truncate(rows);
            self.left = Some(format!("and {}", format_count(more as u64, what)));
        }
        self
    }
}

/// The first faults.
pub(super) fn faults_table(metrics: &RunMetrics) -> HtmlTable {
    let mut table = HtmlTable::new(&["#line", "#at", "what"]);
    for fault in &metrics.faults.first {
        let message = truncate_text(&fault.message, MAX_TEXT_CHARS);
        let lines = fault.output.iter().map(|line| format!("\n{line}"));
        let what = [message].into_iter().chain(lines).collect();
        table.push_row("wrong", vec![fault.line.to_string(), format_moment(fault.t), what]);
    }
    let more = metrics.faults.count - metrics.faults.first.len() as u64;
    table.left = (more > 0).then(|| format!("and {} more", group_digits(more)));
    table
}

/// The programs that ended and came back.
pub(super) fn recoveries_table(metrics: &RunMetrics) -> HtmlTable {
    let mut table = HtmlTable::new(&["#line", "#at", "what"]);
    for recovery in &metrics.recoveries.first {
        let message = truncate_text(&recovery.message, MAX_TEXT_CHARS);
        let lines = recovery.output.iter().map(|line| format!("\n{line}"));
        let back = format!("\n{}", recovery.describe_comeback());
        let what = [message].into_iter().chain(lines).chain([back]).collect();
        table.push_row("", vec![recovery.line.to_string(), format_moment(recovery.t), what]);
    }
    let more = metrics.recoveries.count - metrics.recoveries.first.len() as u64;
    table.left = (more > 0).then(|| format!("and {} more", group_digits(more)));
    table
}

/// The expectations, the missed ones first.
pub(super) fn expectations_table(metrics: &RunMetrics) -> HtmlTable {
    let mut table = HtmlTable::new(&["", "expectation", "wanted", "got", "#seq of the deciding events"]);
    let mut all: Vec<_> = metrics.expectations.iter().collect();
    all.sort_by_key(|expected| expected.ok);
    for expected in all {
        let state = if expected.ok { "ok" } else { "wrong" };
        let got = expected.got.as_deref().unwrap_or("nothing to measure");
        let seqs: Vec<String> = expected.events.iter().take(10).map(u64::to_string).collect();
        let held = if expected.ok { "held" } else { "missed" };
        let title = expected.title();
        let texts = [&*title, &expected.wanted, got].map(|text| truncate_text(text, MAX_TEXT_CHARS));
        let cells = [held.to_owned()].into_iter().chain(texts).chain([seqs.join(", ")]);
        table.push_row(state, cells.collect());
    }
    table.with_max_rows(MAX_ROWS, "more expectation").without_empty()
}

/// The last values of the shared cells.
pub(super) fn shared_table(metrics: &RunMetrics) -> HtmlTable {
    let mut table = HtmlTable::new(&["cell", "#last value"]);
    for (cell, value) in &metrics.shared {
        table.push_row("", vec![truncate_text(cell, MAX_TEXT_CHARS), value.to_string()]);
    }
    table.with_max_rows(MAX_ROWS, "more cell")
}

/// Spawns by preset.
pub(super) fn presets_table(metrics: &RunMetrics) -> HtmlTable {
    let headings =
        ["preset", "#spawns", "#wrong", "#median", "#longest", "#moves", "#stdout", "#stderr", "ends"];
    let mut table = HtmlTable::new(&headings);
    for (name, group) in failed_first(metrics.spawns.by_name()) {
        let count = group.asked_for();
        let counts = [group.moves, group.stdout, group.stderr].map(group_digits);
        let cells = [truncate_text(name, MAX_TEXT_CHARS), group_digits(count), group_digits(group.failed)];
        let times = [500, 1_000].map(|per_mille| format_percentile(&group.took, per_mille));
        let cells = cells.into_iter().chain(times).chain(counts).chain([group.format_ends()]);
        table.push_row(metrics_state(group), cells.collect());
    }
    table.with_max_rows(MAX_ROWS, "more preset")
}

/// What the programs of each preset used.
pub(super) fn resources_table(metrics: &RunMetrics) -> HtmlTable {
    let mut table = HtmlTable::new(&["preset", "#processor", "#peak memory", "#sampled, at once"]);
    for (name, usage) in metrics.resources.by_preset() {
        let size = |bytes: Option<u64>| bytes.map_or_else(|| "-".to_owned(), format_bytes);
        let cpu = usage.cpu.map_or_else(|| "-".to_owned(), format_span);
        let name = truncate_text(name, MAX_TEXT_CHARS);
        table.push_row("", vec![name, cpu, size(usage.peak_memory), size(usage.largest_sample)]);
    }
    table.with_max_rows(MAX_ROWS, "more preset")
}

/// Requests by job.
pub(super) fn jobs_table(metrics: &RunMetrics) -> HtmlTable {
    let headings = ["job", "#requests", "#wrong", "#p50", "#p90", "#p99", "#max", "#bytes", "ends"];
    let mut table = HtmlTable::new(&headings);
    for (name, group) in failed_first(metrics.fetches.by_name()) {
        let load =
            metrics.loads.iter().find(|load| load.job == name).map(connection_notes).unwrap_or_default();
        let ends: Vec<String> = [group.format_ends()].into_iter().chain(load).collect();
        let cells =
            [truncate_text(name, MAX_TEXT_CHARS), group_digits(group.started), group_digits(group.failed)];
        let times = [500, 900, 990, 1_000].map(|per_mille| format_percentile(&group.took, per_mille));
        let cells = cells.into_iter().chain(times).chain([format_bytes(group.bytes), ends.join(" · ")]);
        table.push_row(metrics_state(group), cells.collect());
    }
    table.with_max_rows(MAX_ROWS, "more job")
}

/// The groups with failures first.
fn failed_first<'a>(groups: impl Iterator<Item = (&'a str, &'a Sources)>) -> Vec<(&'a str, &'a Sources)> {
    let mut sorted: Vec<_> = groups.collect();
    sorted.sort_by_key(|(_, group)| group.failed == 0);
    sorted
}

fn metrics_state(group: &Sources) -> &'static str {
    match group {
        Sources { failed: 1.., .. } => "wrong",
        group if group.unfinished() > 0 => "open",
        _ => "ok",
    }
}

fn format_percentile(distribution: &Distribution, per_mille: u64) -> String {
    if distribution.count() == 0 {
        "–".to_owned()
    } else {
        format_span(Span(distribution.value_at_per_mille(per_mille)))
    }
}

/// Lateness by kind of event.
pub(super) fn lateness_table(metrics: &RunMetrics) -> HtmlTable {
    let mut table = HtmlTable::new(&["event", "#count", "#p50", "#p90", "#p99", "#max"]);
    for (event, late) in &metrics.lateness {
        let times = [500, 900, 990, 1_000].map(|per_mille| format_percentile(late, per_mille));
        let cells = [(*event).to_owned(), group_digits(late.count())].into_iter().chain(times);
        table.push_row("", cells.collect());
    }
    table
}

/// Single spawns.
pub(super) fn spawns_table(rows: SourceRows) -> HtmlTable {
    let headings = [
        "spawn",
        "preset",
        "entry",
        "#started",
        "#late",
        "#ready after",
        "#ran",
        "#moves",
        "#steps",
        "#lines",
        "end",
        "#log line",
    ];
    let row = |row: &SourceRow| {
        let ready = row.bar.mid.map_or_else(String::new, |t| format_span(t.since(row.bar.start)));
        let SourceCounts { moves, steps, lines, .. } = row.counts;
        let counts =
            [moves, steps, lines].map(|count| if count > 0 { group_digits(count) } else { String::new() });
        let cells = [format_moment(row.bar.start), format_span(row.lateness), ready, format_span(row.took)];
        cells.into_iter().chain(counts).chain([row.end.clone()]).collect()
    };
    sources_table(rows, &headings, "spawns", row)
}

/// Single requests.
pub(super) fn fetches_table(rows: SourceRows) -> HtmlTable {
    let headings =
        ["request", "job", "entry", "what", "#started", "#late", "#took", "#bytes", "answer", "#log line"];
    let row = |row: &SourceRow| {
        let (late, took) = (format_span(row.lateness), format_span(row.took));
        vec![
            row.bar.text.to_string(),
            format_moment(row.bar.start),
            late,
            took,
            format_bytes(row.counts.bytes),
            row.end.clone(),
        ]
    };
    sources_table(rows, &headings, "requests", row)
}

fn sources_table(
    rows: SourceRows,
    headings: &[&'static str],
    what: &str,
    cells: impl Fn(&SourceRow) -> Vec<String>,
) -> HtmlTable {
    let mut table = HtmlTable::new(headings);
    let count = rows.count;
    for row in rows.into_rows() {
        let state = match row.bar.state {
            BarState::Ok => "ok",
            BarState::Failed => "wrong",
            BarState::Open => "open",
        };
        let entry =
            row.entry.clone().unwrap_or_else(|| if row.name == UNNAMED { "" } else { "typed" }.to_owned());
        let names = [
            row.bar.source.to_string(),
            truncate_text(&row.name, MAX_TEXT_CHARS),
            truncate_text(&entry, MAX_TEXT_CHARS),
        ];
        let line = row.bar.line.to_string();
        table.push_row(state, names.into_iter().chain(cells(&row)).chain([line]).collect());
    }
    let shown = table.rows.len() as u64;
    table.is_short = shown <= MAX_UNFOLDED_ROWS;
    table.left = (count > shown).then(|| {
        let (shown, count) = (group_digits(shown), group_digits(count));
        format!("{shown} of {count} {what}: those that went wrong, those without an end, and the longest")
    });
    table.without_empty()
}

/// A wave as a bar.
#[derive(Debug, Serialize)]
pub(super) struct WaveBar {
    name: String,
    note: String,
    state: &'static str,
    x: f64,
    width: f64,
}

/// The first waves in the order of their start, and how many are left out.
pub(super) fn wave_bars(groups: &[LaneGroup], end: Moment) -> (Vec<WaveBar>, usize) {
    let mut sorted: Vec<&LaneGroup> = groups.iter().collect();
    sorted.sort_by_key(|group| group.first);
    let scale = BAR_BOX_WIDTH / end.0.max(1) as f64;
    let wave = |group: &&LaneGroup| {
        let took = group.last.since(group.first);
        let what = if group.kind == LaneKind::Spawn { "spawn" } else { "request" };
        let wrong =
            if group.failed > 0 { format!(", {} wrong", group_digits(group.failed)) } else { String::new() };
        let entry = group.entry.as_deref().filter(|entry| *entry != group.name);
        let entry = entry.map(|entry| format!("{entry}: ")).unwrap_or_default();
        let x = (group.first.0 as f64 * scale).min(BAR_BOX_WIDTH - 3.0);
        WaveBar {
            name: truncate_text(&format!("{entry}{}", group.name), MAX_TEXT_CHARS),
            note: format!(
                "{}{wrong}, at {}, {}",
                format_count(group.count, what),
                format_moment(group.first),
                format_span(took)
            ),
            state: match group.kind {
                _ if group.failed > 0 => "wrong",
                LaneKind::Spawn => "spawn",
                LaneKind::Fetch => "fetch",
            },
            x: (x * 10.0).round() / 10.0,
            width: ((took.0 as f64 * scale).clamp(3.0, BAR_BOX_WIDTH - x) * 10.0).round() / 10.0,
        }
    };
    let waves: Vec<WaveBar> = sorted.iter().take(MAX_WAVES).map(wave).collect();
    let more = sorted.len() - waves.len();
    (waves, more)
}
