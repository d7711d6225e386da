//! `scenario plan`: what would happen when. Runs nothing.

use std::fmt::Write;

use serde::Serialize;

use crate::cli::args::{Format, Plan as Arguments};
use crate::cli::command::{print, read, seed_of};
use crate::cli::exit_code::ExitCode;
use scenario_core::plan::{Open, Plan, Row, plan as make_plan};
use scenario_core::scenario::model::Scenario;
use scenario_core::scenario::model::expect::Expectation;
use scenario_log::event::ClockKind;
use scenario_log::sanitize::visible;
use scenario_log::time::Moment;

/// How many rows people are shown; programs get all.
const SHOWN: usize = 200;

pub(super) fn plan(arguments: &Arguments) -> ExitCode {
    let loaded = match read(&arguments.file, &arguments.reading, ClockKind::Real) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    let scenario = loaded.scenario;
    let seed = match seed_of(arguments.seed, &scenario) {
        Ok(seed) => seed,
        Err(exit) => return exit,
    };
    let plan = make_plan(&scenario, seed);
    print(&match arguments.format {
        Format::Human => human(&scenario, seed, &plan),
        Format::Json => as_json(&scenario, seed, &plan),
    })
}

fn human(scenario: &Scenario, seed: u64, plan: &Plan) -> String {
    let mut out = format!("{} · seed {seed}\n", visible(&scenario.name));
    for row in plan.rows.iter().take(SHOWN) {
        let mut text = format!("{:<5}  {}", row.what, visible(&row.of));
        if let Some(source) = &row.source {
            let _ = write!(text, " as {source}");
        }
        if let Some(ends) = row.ends {
            let _ = write!(text, ", until {}", at(ends));
        }
        let _ = writeln!(out, "{:>12}  {:<12} {text}", at(row.at), row.entry);
    }
    let hidden = plan.rows.len().saturating_sub(SHOWN) as u64 + plan.more_rows;
    if hidden > 0 {
        let _ = writeln!(out, "{:>12}  and {hidden} more; `--format json` has them", "…");
    }
    for open in &plan.open {
        let after = visible(&open.after);
        let _ = writeln!(out, "{:>12}  {:<12} {:<5}  after {after}", "?", open.entry, open.what);
    }
    let open = || "open: it hangs on programs or servers".to_owned();
    let _ = writeln!(out, "ends     earliest {}", at(plan.earliest));
    let _ = writeln!(out, "         likely   {}", plan.likely.map_or_else(open, at));
    let _ = writeln!(
        out,
        "         latest   {}",
        plan.latest.map_or_else(|| "open: nothing bounds it".to_owned(), at)
    );
    let _ = writeln!(out, "moves    {}", plan.moves);
    let _ = match plan.processes {
        Some(1) => writeln!(out, "at once  1 process at most"),
        Some(most) => writeln!(out, "at once  {most} processes at most"),
        None => writeln!(out, "at once  any number of processes: draws decide"),
    };
    for (n, one) in scenario.expect.iter().enumerate() {
        let head = if n == 0 { "expects" } else { "" };
        let _ = writeln!(out, "{head:<7}  {}", visible(&expected(one)));
    }
    out
}

/// An expectation in words; the name that it has by default says all.
fn expected(one: &Expectation) -> String {
    match Expectation::default_name(&one.of, &one.rule, one.never) {
        all if all == one.name => all,
        all => format!("{}: {all}", one.name),
    }
}

/// A moment to the millisecond.
fn at(moment: Moment) -> String {
    format!("{}.{:03} s", moment.0 / 1_000_000_000, moment.0 / 1_000_000 % 1_000)
}

/// A moment as the log has it: seconds.
fn seconds(moment: Moment) -> f64 {
    moment.0 as f64 / 1e9
}

/// The plan for programs, its keys in this order.
#[derive(Serialize)]
struct Printed<'p> {
    name: &'p str,
    seed: u64,
    timeline: Vec<PrintedRow<'p>>,
    /// Rows that are not in `timeline`, since there are too many.
    more: u64,
    open: Vec<PrintedOpen<'p>>,
    moves: u64,
    end: PrintedEnd,
    /// The most at once; `null` if nothing bounds them.
    processes: Option<u64>,
    /// What must hold of the run, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    expect: Vec<PrintedExpectation<'p>>,
}

#[derive(Serialize)]
struct PrintedExpectation<'p> {
    name: &'p str,
    of: &'static str,
    wanted: String,
}

#[derive(Serialize)]
struct PrintedRow<'p> {
    at: f64,
    what: &'static str,
    of: &'p str,
    entry: &'p str,
    source: Option<&'p str>,
    ends: Option<f64>,
}

#[derive(Serialize)]
struct PrintedOpen<'p> {
    entry: &'p str,
    what: &'static str,
    after: &'p str,
}

#[derive(Serialize)]
struct PrintedEnd {
    earliest: f64,
    likely: Option<f64>,
    latest: Option<f64>,
}

fn printed_row(row: &Row) -> PrintedRow<'_> {
    let Row { at, what, of, entry, source, ends } = row;
    let (at, ends) = (seconds(*at), ends.map(seconds));
    PrintedRow { at, what, of, entry, source: source.as_deref(), ends }
}

fn printed_open(open: &Open) -> PrintedOpen<'_> {
    let Open { entry, what, after } = open;
    PrintedOpen { entry, what, after }
}

fn printed_expectation(one: &Expectation) -> PrintedExpectation<'_> {
    PrintedExpectation { name: &one.name, of: one.of.what.name(), wanted: one.wanted() }
}

fn as_json(scenario: &Scenario, seed: u64, plan: &Plan) -> String {
    let (likely, latest) = (plan.likely.map(seconds), plan.latest.map(seconds));
    let printed = Printed {
        name: &scenario.name,
        seed,
        timeline: plan.rows.iter().map(printed_row).collect(),
        more: plan.more_rows,
        open: plan.open.iter().map(printed_open).collect(),
        moves: plan.moves,
        end: PrintedEnd { earliest: seconds(plan.earliest), likely, latest },
        processes: plan.processes,
        expect: scenario.expect.iter().map(printed_expectation).collect(),
    };
    // Numbers, texts and lists of these: nothing that JSON could not hold.
    serde_json::to_string_pretty(&printed).map_or_else(|error| error.to_string(), |text| text + "\n")
}
