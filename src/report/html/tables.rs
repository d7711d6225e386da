//! The tables of a page: what went wrong, expectations, presets and jobs, single spawns and requests,
//! lateness, and the waves as bars. Each says how much of it is left out.

use serde::Serialize;

use crate::report::html::lanes::{Group, Kind, State};
use crate::report::html::rows::{Counts, Row, Rows};
use crate::report::html::text::cut;
use crate::report::metrics::Figures;
use crate::report::metrics::distribution::Distribution;
use crate::report::metrics::sources::{Group as Sources, UNNAMED};
use crate::report::units::{at, bytes, counted, grouped};
use crate::terminal::event_lines::short;
use crate::terminal::load_lines::beside;
use scenario_log::time::{Moment, Span};

/// How many rows the smaller tables have.
const ROWS: usize = 200;
/// A table of so many single spawns or requests is not folded.
const SHORT: u64 = 40;
/// How many waves there are as bars.
const WAVES: usize = 40;
/// How much is shown of a text, in characters.
const LONGEST: usize = 300;
/// The width of the box that a bar stands in.
const WIDE: f64 = 1_000.0;

/// A table.
#[derive(Debug, Default, Serialize)]
pub(super) struct Table {
    headings: Vec<Heading>,
    rows: Vec<Line>,
    /// All of it can be seen at once, nearly.
    is_short: bool,
    /// What it does not have.
    left: Option<String>,
}

#[derive(Debug, Serialize)]
struct Heading {
    text: &'static str,
    is_figure: bool,
}

#[derive(Debug, Serialize)]
struct Line {
    /// `ok`, `wrong`, `open` or nothing.
    state: &'static str,
    cells: Vec<String>,
}

impl Table {
    /// A table; a heading with a `#` before it is one of figures.
    fn new(headings: &[&'static str]) -> Table {
        let heading = |text: &&'static str| match text.strip_prefix('#') {
            Some(text) => Heading { text, is_figure: true },
            None => Heading { text, is_figure: false },
        };
        Table { headings: headings.iter().map(heading).collect(), ..Table::default() }
    }

    fn row(&mut self, state: &'static str, cells: Vec<String>) {
        self.rows.push(Line { state, cells });
    }

    /// Takes columns away in which nothing stands.
    fn without_empty(mut self) -> Table {
        for column in (0..self.headings.len()).rev() {
            if self.rows.iter().all(|row| row.cells[column].is_empty()) {
                self.headings.remove(column);
                self.rows.iter_mut().for_each(|row| drop(row.cells.remove(column)));
            }
        }
        self
    }

    /// Takes all rows but the first ones away, and says so.
    fn cut(mut self, rows: usize, what: &str) -> Table {
        if let more @ 1.. = self.rows.len().saturating_sub(rows) {
            self.rows.truncate(rows);
            self.left = Some(format!("and {}", counted(more as u64, what)));
        }
        self
    }
}

/// What went wrong first.
pub(super) fn wrong(figures: &Figures) -> Table {
    let mut table = Table::new(&["#line", "#at", "what"]);
    for fault in &figures.wrong.first {
        table.row("wrong", vec![fault.line.to_string(), at(fault.t), cut(&fault.what, LONGEST)]);
    }
    let more = figures.wrong.count - figures.wrong.first.len() as u64;
    table.left = (more > 0).then(|| format!("and {} more", grouped(more)));
    table
}

/// What was expected, with what was missed first.
pub(super) fn expected(figures: &Figures) -> Table {
    let mut table = Table::new(&["", "expectation", "wanted", "got", "#seq of what decided it"]);
    let mut all: Vec<_> = figures.expected.iter().collect();
    all.sort_by_key(|expected| expected.ok);
    for expected in all {
        let state = if expected.ok { "ok" } else { "wrong" };
        let got = expected.got.as_deref().unwrap_or("nothing to measure");
        let seqs: Vec<String> = expected.events.iter().take(10).map(u64::to_string).collect();
        let held = if expected.ok { "held" } else { "missed" };
        let texts = [&expected.name, &expected.wanted, got].map(|text| cut(text, LONGEST));
        let cells = [held.to_owned()].into_iter().chain(texts).chain([seqs.join(", ")]);
        table.row(state, cells.collect());
    }
    table.cut(ROWS, "more expectation").without_empty()
}

/// What the shared cells held at last.
pub(super) fn shared(figures: &Figures) -> Table {
    let mut table = Table::new(&["cell", "#value at last"]);
    for (cell, value) in &figures.shared {
        table.row("", vec![cut(cell, LONGEST), value.to_string()]);
    }
    table.cut(ROWS, "more cell")
}

/// Spawns by preset.
pub(super) fn presets(figures: &Figures) -> Table {
    let headings =
        ["preset", "#spawns", "#wrong", "#median", "#longest", "#moves", "#stdout", "#stderr", "ends"];
    let mut table = Table::new(&headings);
    for (name, group) in by_wrong(figures.spawns.by_name()) {
        let count = group.started.max(group.ok + group.wrong);
        let figures = [group.moves, group.stdout, group.stderr].map(grouped);
        let cells = [cut(name, LONGEST), grouped(count), grouped(group.wrong)];
        let times = [500, 1_000].map(|per_mille| time(&group.took, per_mille));
        let cells = cells.into_iter().chain(times).chain(figures).chain([group.ends_in_words()]);
        table.row(state(group), cells.collect());
    }
    table.cut(ROWS, "more preset")
}

/// Requests by job.
pub(super) fn jobs(figures: &Figures) -> Table {
    let headings = ["job", "#requests", "#wrong", "#p50", "#p90", "#p99", "#max", "#bytes", "ends"];
    let mut table = Table::new(&headings);
    for (name, group) in by_wrong(figures.fetches.by_name()) {
        let load = figures.loads.iter().find(|load| load.job == name).map(beside).unwrap_or_default();
        let ends: Vec<String> = [group.ends_in_words()].into_iter().chain(load).collect();
        let cells = [cut(name, LONGEST), grouped(group.started), grouped(group.wrong)];
        let times = [500, 900, 990, 1_000].map(|per_mille| time(&group.took, per_mille));
        let cells = cells.into_iter().chain(times).chain([bytes(group.bytes), ends.join(" · ")]);
        table.row(state(group), cells.collect());
    }
    table.cut(ROWS, "more job")
}

/// Those with something wrong first.
fn by_wrong<'a>(groups: impl Iterator<Item = (&'a str, &'a Sources)>) -> Vec<(&'a str, &'a Sources)> {
    let mut sorted: Vec<_> = groups.collect();
    sorted.sort_by_key(|(_, group)| group.wrong == 0);
    sorted
}

fn state(group: &Sources) -> &'static str {
    match group {
        Sources { wrong: 1.., .. } => "wrong",
        group if group.open() > 0 => "open",
        _ => "ok",
    }
}

fn time(distribution: &Distribution, per_mille: u64) -> String {
    if distribution.count() == 0 { "–".to_owned() } else { short(Span(distribution.per_mille(per_mille))) }
}

/// How late what was due was, by kind of event.
pub(super) fn lateness(figures: &Figures) -> Table {
    let mut table = Table::new(&["event", "#count", "#p50", "#p90", "#p99", "#max"]);
    for (event, late) in &figures.late {
        let times = [500, 900, 990, 1_000].map(|per_mille| time(late, per_mille));
        let cells = [(*event).to_owned(), grouped(late.count())].into_iter().chain(times);
        table.row("", cells.collect());
    }
    table
}

/// Single spawns.
pub(super) fn spawns(rows: Rows) -> Table {
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
    let row = |row: &Row| {
        let ready = row.bar.mid.map_or_else(String::new, |t| short(t.since(row.bar.start)));
        let Counts { moves, steps, lines, .. } = row.counts;
        let figures =
            [moves, steps, lines].map(|count| if count > 0 { grouped(count) } else { String::new() });
        let cells = [at(row.bar.start), short(row.late), ready, short(row.took)];
        cells.into_iter().chain(figures).chain([row.how.clone()]).collect()
    };
    sources(rows, &headings, "spawns", row)
}

/// Single requests.
pub(super) fn fetches(rows: Rows) -> Table {
    let headings =
        ["request", "job", "entry", "what", "#started", "#late", "#took", "#bytes", "answer", "#log line"];
    let row = |row: &Row| {
        let (late, took) = (short(row.late), short(row.took));
        vec![
            row.bar.words.to_string(),
            at(row.bar.start),
            late,
            took,
            bytes(row.counts.bytes),
            row.how.clone(),
        ]
    };
    sources(rows, &headings, "requests", row)
}

fn sources(rows: Rows, headings: &[&'static str], what: &str, cells: impl Fn(&Row) -> Vec<String>) -> Table {
    let mut table = Table::new(headings);
    let count = rows.count;
    for row in rows.into_rows() {
        let state = match row.bar.state {
            State::Ok => "ok",
            State::Wrong => "wrong",
            State::Open => "open",
        };
        let entry =
            row.entry.clone().unwrap_or_else(|| if row.of == UNNAMED { "" } else { "typed" }.to_owned());
        let names = [row.bar.source.to_string(), cut(&row.of, LONGEST), cut(&entry, LONGEST)];
        let line = row.bar.line.to_string();
        table.row(state, names.into_iter().chain(cells(&row)).chain([line]).collect());
    }
    let shown = table.rows.len() as u64;
    table.is_short = shown <= SHORT;
    table.left = (count > shown).then(|| {
        let (shown, count) = (grouped(shown), grouped(count));
        format!("{shown} of {count} {what}: those that went wrong, those without an end, and the longest")
    });
    table.without_empty()
}

/// A wave as a bar.
#[derive(Debug, Serialize)]
pub(super) struct Wave {
    name: String,
    note: String,
    state: &'static str,
    x: f64,
    width: f64,
}

/// The waves in the order of their start, and how many there are beside.
pub(super) fn waves(groups: &[Group], end: Moment) -> (Vec<Wave>, usize) {
    let mut sorted: Vec<&Group> = groups.iter().collect();
    sorted.sort_by_key(|group| group.first);
    let scale = WIDE / end.0.max(1) as f64;
    let wave = |group: &&Group| {
        let took = group.last.since(group.first);
        let what = if group.kind == Kind::Spawn { "spawn" } else { "request" };
        let wrong = if group.wrong > 0 { format!(", {} wrong", grouped(group.wrong)) } else { String::new() };
        let entry = group.entry.as_deref().filter(|entry| *entry != group.of);
        let entry = entry.map(|entry| format!("{entry}: ")).unwrap_or_default();
        let x = (group.first.0 as f64 * scale).min(WIDE - 3.0);
        Wave {
            name: cut(&format!("{entry}{}", group.of), LONGEST),
            note: format!("{}{wrong}, at {}, {}", counted(group.count, what), at(group.first), short(took)),
            state: match group.kind {
                _ if group.wrong > 0 => "wrong",
                Kind::Spawn => "spawn",
                Kind::Fetch => "fetch",
            },
            x: (x * 10.0).round() / 10.0,
            width: ((took.0 as f64 * scale).clamp(3.0, WIDE - x) * 10.0).round() / 10.0,
        }
    };
    let waves: Vec<Wave> = sorted.iter().take(WAVES).map(wave).collect();
    let more = sorted.len() - waves.len();
    (waves, more)
}
