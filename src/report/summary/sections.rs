//! The parts of the summary: each some lines, the first of which is its heading; no lines where there
//! is nothing to tell.

use crate::report::metrics::Figures;
use crate::report::metrics::course::per_second;
use crate::report::metrics::distribution::Distribution;
use crate::report::metrics::sources::{Group, Sources};
use crate::report::summary::chart::{Charset, bar, heights};
use crate::report::summary::table::{LONGEST_NAME, Table, short_name};
use crate::report::units::{at, bytes, counted, grouped};
use crate::terminal::event_lines::{push_expected, short};
use crate::terminal::load_lines::beside;
use scenario_log::event::{Direction, Expected};
use scenario_log::sanitize::visible;
use scenario_log::time::{Moment, Span};

/// How many rows a table has at most; those with something wrong come first.
const ROWS: usize = 30;

/// So many columns of a table are there even if they have nothing but zeros.
const SURE: usize = 5;

/// How many jobs have a chart of their times.
const CHARTS: usize = 4;

/// A job with fewer requests has no chart of their times.
const FEWEST: u64 = 10;

/// Columns of the chart of the run's course, and of the longest bar.
const COLUMNS: usize = 40;

/// So few in a column are told as they are, and not as so many a second.
const FEW: u64 = 10;

/// What went wrong first.
pub(super) fn wrong(figures: &Figures) -> Vec<String> {
    let wrong = &figures.wrong;
    let Some(first) = wrong.first.first() else { return Vec::new() };
    let width = wrong.first.last().unwrap_or(first).line.to_string().len();
    let mut lines = vec!["what went wrong first".to_owned()];
    lines.extend(
        wrong
            .first
            .iter()
            .map(|fault| format!("line {:>width$}  {:>9}  {}", fault.line, at(fault.t), fault.what)),
    );
    let more = wrong.count - wrong.first.len() as u64;
    if more > 0 {
        lines.push(format!("and {} more", grouped(more)));
    }
    lines
}

/// What was expected.
pub(super) fn expected(figures: &Figures) -> Vec<String> {
    let Some(width) = figures.expected.iter().map(|expected| if expected.ok { 4 } else { 6 }).max() else {
        return Vec::new();
    };
    let line = |expected: &Expected| {
        let mut line = format!("{:<width$}  ", if expected.ok { "held" } else { "missed" });
        push_expected(&mut line, expected);
        line
    };
    ["expected".to_owned()].into_iter().chain(figures.expected.iter().map(line)).collect()
}

/// Spawns by preset.
pub(super) fn spawns(figures: &Figures) -> Vec<String> {
    let headings = ["spawns", "count", "wrong", "median", "longest", "moves", "stdout", "stderr"];
    let row = |group: &Group| {
        vec![
            grouped(group.started.max(group.ok + group.wrong)),
            grouped(group.wrong),
            time(&group.took, 500),
            time(&group.took, 1_000),
            grouped(group.moves),
            grouped(group.stdout),
            grouped(group.stderr),
        ]
    };
    groups(&figures.spawns, &headings, row, ("preset", "code 0"), |_| Vec::new())
}

/// Requests by job.
pub(super) fn fetches(figures: &Figures) -> Vec<String> {
    let headings = ["requests", "count", "wrong", "p50", "p90", "p99", "max", "bytes"];
    let row = |group: &Group| {
        let [p50, p90, p99, max] = [500, 900, 990, 1_000].map(|per_mille| time(&group.took, per_mille));
        let (count, wrong) = (grouped(group.started), grouped(group.wrong));
        vec![count, wrong, p50, p90, p99, max, bytes(group.bytes)]
    };
    let load = |name: &str| figures.loads.iter().find(|load| load.job == name).map_or(Vec::new(), beside);
    groups(&figures.fetches, &headings, row, ("job", "200"), load)
}

/// A table of groups, with a note of how their sources ended where that is not all `usual`.
fn groups(
    sources: &Sources,
    headings: &[&str],
    row: impl Fn(&Group) -> Vec<String>,
    (what, usual): (&str, &str),
    more: impl Fn(&str) -> Vec<String>,
) -> Vec<String> {
    if sources.is_empty() {
        return Vec::new();
    }
    let mut sorted: Vec<_> = sources.by_name().collect();
    let count = sorted.len();
    if count > ROWS {
        sorted.sort_by_key(|(_, group)| (group.wrong == 0, std::cmp::Reverse(group.started)));
    }
    let mut table = Table::new(headings);
    for (name, group) in sorted.into_iter().take(ROWS) {
        table.row(name, row(group));
        let is_usual = group.open() == 0 && group.ends.keys().all(|how| how == usual);
        if !is_usual {
            table.note(group.ends_in_words());
        }
        more(name).into_iter().for_each(|note| table.note(note));
    }
    let mut lines = table.without_zeros(SURE).lines();
    if count > ROWS {
        lines.push(format!("and {} more", counted((count - ROWS) as u64, what)));
    }
    lines
}

/// How the times of requests are spread.
pub(super) fn times(figures: &Figures, charset: Charset) -> Vec<String> {
    let mut lines = Vec::new();
    let jobs = figures.fetches.by_name().filter(|(_, group)| group.took.count() >= FEWEST);
    for (name, group) in jobs.take(CHARTS) {
        let title = format!("times of {}", short_name(name));
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.push(title);
        lines.extend(histogram(&group.took, charset));
    }
    lines
}

/// A bar for each step of 1, 2, 5 that any figure falls into.
fn histogram(took: &Distribution, charset: Charset) -> Vec<String> {
    let mut steps = Vec::new();
    let mut above = None;
    'powers: for power in 2..20u32 {
        for factor in [1, 2, 5] {
            let up_to = factor * 10u64.pow(power).min(u64::MAX / 10);
            let count = took.between(above, up_to);
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
        let bar = bar(*count, most, COLUMNS, charset);
        let label = format!("up to {}", round(*up_to));
        let line = format!(
            "{label:>LONGEST_NAME$}  {bar}{}{}",
            if bar.is_empty() { "" } else { " " },
            grouped(*count)
        );
        line
    };
    steps.iter().map(row).collect()
}

/// A time that is one of 1, 2, 5 of a power of ten.
fn round(nanoseconds: u64) -> String {
    match nanoseconds {
        n if n < 1_000 => format!("{n} ns"),
        n if n < 1_000_000 => format!("{} µs", n / 1_000),
        n if n < 1_000_000_000 => format!("{} ms", n / 1_000_000),
        n => format!("{} s", n / 1_000_000_000),
    }
}

/// Moves by direction.
pub(super) fn moves(figures: &Figures) -> Vec<String> {
    if figures.moves.iter().all(|count| *count == 0) {
        return Vec::new();
    }
    let directions = Direction::ALL.iter().zip(figures.moves);
    let counts = directions.map(|(direction, count)| format!("{} {}", direction.letter(), grouped(count)));
    vec!["moves".to_owned(), format!("{:LONGEST_NAME$}  {}", "", counts.collect::<Vec<_>>().join(", "))]
}

/// What the shared cells held at last.
pub(super) fn shared(figures: &Figures) -> Vec<String> {
    if figures.shared.is_empty() {
        return Vec::new();
    }
    let cells = figures.shared.iter().map(|(cell, value)| format!("{} = {value}", visible(cell)));
    let (cells, steps) = (cells.collect::<Vec<_>>().join(", "), counted(figures.steps, "step"));
    vec!["shared".to_owned(), format!("{:LONGEST_NAME$}  {cells}, after {steps}", "")]
}

/// How late what was due was.
pub(super) fn lateness(figures: &Figures) -> Vec<String> {
    if figures.late.is_empty() {
        return Vec::new();
    }
    if figures.late.values().all(|late| late.max() == 0) {
        let count = figures.late.values().map(Distribution::count).sum();
        return vec![
            "lateness".to_owned(),
            format!("{:LONGEST_NAME$}  none, of {}", "", counted(count, "event")),
        ];
    }
    let mut table = Table::new(&["lateness", "count", "p50", "p99", "max"]);
    for (event, late) in &figures.late {
        let [p50, p99, max] = [500, 990, 1_000].map(|per_mille| time(late, per_mille));
        table.row(event, [grouped(late.count()), p50, p99, max]);
    }
    table.lines()
}

/// What happened when.
pub(super) fn course(figures: &Figures, charset: Charset) -> Vec<String> {
    if figures.course.is_empty() || figures.reached == Moment::ZERO {
        return Vec::new();
    }
    let end = Moment(figures.took().0).max(figures.reached);
    let took = short(Span(end.0));
    let gap = COLUMNS.saturating_sub(3 + took.chars().count());
    let mut lines = vec![format!("{:<LONGEST_NAME$}  0 s{}{took}", "over time", " ".repeat(gap))];
    for (flow, course) in &figures.course {
        let columns = course.columns(end, COLUMNS);
        let most = columns.iter().copied().max().unwrap_or(0);
        let drawn = heights(&columns, charset);
        lines.push(format!("{:<LONGEST_NAME$}  {drawn}  up to {}", flow.name(), rate(most, end)));
    }
    lines
}

/// How many happened in one column's time, or a second of it.
fn rate(count: u64, end: Moment) -> String {
    if count < FEW {
        return format!("{count} in {}", short(Span(end.0 / COLUMNS as u64)));
    }
    format!("{}/s", grouped(per_second(count, end, COLUMNS)))
}

/// A time of a distribution, for people.
fn time(distribution: &Distribution, per_mille: u64) -> String {
    if distribution.count() == 0 { "-".to_owned() } else { short(Span(distribution.per_mille(per_mille))) }
}
