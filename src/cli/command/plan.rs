//! `scenario plan`: shows what would happen, and when. Runs nothing.

use std::fmt::Write;

use serde::Serialize;

use crate::cli::args::{OutputFormat, PlanArgs as Arguments};
use crate::cli::command::plan_steps;
use crate::cli::command::plan_steps::SteppingGroup;
use crate::cli::command::{choose_seed, load_or_report, print_stdout};
use crate::cli::exit_code::ExitCode;
use crate::report::units::format_moment;
use scenario_core::plan::{OpenPlanEntry, Plan, PlanRow, plan as make_plan};
use scenario_core::scenario::model::Scenario;
use scenario_core::scenario::model::expect::Expectation;
use scenario_log::event::ClockKind;
use scenario_log::sanitize::{sanitize, sanitize_json_lines};
use scenario_log::time::Moment;

/// The end of a run with `hold`.
const UNTIL_ENDED: &str = "open: it goes on until Ctrl-C or `quit`";

/// The most rows of the text; the JSON has all of them.
const MAX_ROWS_SHOWN: usize = 200;

pub(super) fn plan(arguments: &Arguments) -> ExitCode {
    let loaded = match load_or_report(&arguments.file, &arguments.variables, ClockKind::Real) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    let scenario = loaded.scenario;
    let seed = match choose_seed(arguments.seed, &scenario) {
        Ok(seed) => seed,
        Err(exit) => return exit,
    };
    let plan = make_plan(&scenario, seed);
    print_stdout(&match arguments.format {
        OutputFormat::Human => render_text(&scenario, seed, &plan),
        OutputFormat::Json => render_json(&scenario, seed, &plan),
    })
}

fn render_text(scenario: &Scenario, seed: u64, plan: &Plan) -> String {
    let mut out = format!("{} · seed {seed}\n", sanitize(&scenario.name));
    for row in plan.rows.iter().take(MAX_ROWS_SHOWN) {
        let mut text = format!("{:<5}  {}", row.action, sanitize(&row.target));
        if let Some(source) = &row.source {
            let _ = write!(text, " as {source}");
        }
        if let Some(ends) = row.ends_at {
            let _ = write!(text, ", until {}", format_moment(ends));
        }
        let _ = writeln!(out, "{:>12}  {:<12} {text}", format_moment(row.at), row.entry);
    }
    let hidden = plan.rows.len().saturating_sub(MAX_ROWS_SHOWN) as u64 + plan.more_rows;
    if hidden > 0 {
        let _ = writeln!(out, "{:>12}  and {hidden} more; `--format json` has them", "…");
    }
    if let Some(limit) = plan.limit {
        let _ = writeln!(out, "{:>12}  the plan ends here: it holds at most {limit}", "…");
    }
    for open in &plan.open {
        let after = sanitize(&open.waits_for);
        let how = if open.is_branch { "only if" } else { "after" };
        let _ = writeln!(out, "{:>12}  {:<12} {:<5}  {how} {after}", "?", open.entry, open.action);
    }
    let open = || match plan.limit {
        _ if scenario.hold => UNTIL_ENDED.to_owned(),
        Some(_) => "open: the plan ends before the run".to_owned(),
        None => "open: it depends on programs or servers".to_owned(),
    };
    let _ = writeln!(out, "ends     earliest {}", format_moment(plan.earliest));
    let _ = writeln!(out, "         likely   {}", plan.likely.map_or_else(open, format_moment));
    let unbounded = || if scenario.hold { UNTIL_ENDED } else { "open: nothing bounds it" }.to_owned();
    let _ = writeln!(out, "         latest   {}", plan.latest.map_or_else(unbounded, format_moment));
    let more = if plan.limit.is_some() { " and more" } else { "" };
    let _ = writeln!(out, "moves    {}{more}", plan.moves);
    let _ = match plan.processes {
        Some(1) => writeln!(out, "at once  1 process at most"),
        Some(most) => writeln!(out, "at once  {most} processes at most"),
        None if plan.limit.is_some() => writeln!(out, "at once  open: the plan ends before the run"),
        None => writeln!(out, "at once  any number of processes: draws decide"),
    };
    for (n, group) in plan_steps::spawned_groups(scenario, plan).iter().enumerate() {
        let head = if n == 0 { "steps" } else { "" };
        let _ = writeln!(out, "{head:<7}  {}", sanitize(&group.to_string()));
    }
    for (n, one) in scenario.expectations.iter().enumerate() {
        let head = if n == 0 { "expects" } else { "" };
        let _ = writeln!(out, "{head:<7}  {}", sanitize(&format_expectation(one)));
    }
    out
}

/// An expectation as text. Its default name says everything.
fn format_expectation(one: &Expectation) -> String {
    match one.described() {
        all if all == one.name => all,
        all => format!("{}: {all}", one.name),
    }
}

/// A moment in seconds.
fn to_seconds(moment: Moment) -> f64 {
    moment.0 as f64 / 1e9
}

/// The plan as JSON, with its keys in this order.
#[derive(Serialize)]
struct PlanJson<'p> {
    name: &'p str,
    seed: u64,
    timeline: Vec<PlanRowJson<'p>>,
    /// The number of rows that `timeline` leaves out because there are too many.
    more: u64,
    open: Vec<OpenPlanEntryJson<'p>>,
    moves: u64,
    end: PlanEndJson,
    /// The most processes at once; `null` if nothing bounds them.
    processes: Option<u64>,
    /// The most that a plan holds, if it ends before the run because of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<String>,
    /// The steps of the players that the plan spawns, by row.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    steps: Vec<SteppingGroup<'p>>,
    /// The expectations of the run, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    expect: Vec<PlanExpectationJson<'p>>,
}

#[derive(Serialize)]
struct PlanExpectationJson<'p> {
    name: &'p str,
    of: &'static str,
    wanted: String,
}

#[derive(Serialize)]
struct PlanRowJson<'p> {
    at: f64,
    what: &'static str,
    of: &'p str,
    entry: &'p str,
    source: Option<&'p str>,
    ends: Option<f64>,
}

#[derive(Serialize)]
struct OpenPlanEntryJson<'p> {
    entry: &'p str,
    what: &'static str,
    after: &'p str,
    /// Whether it is skipped if that does not come.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    branch: bool,
}

#[derive(Serialize)]
struct PlanEndJson {
    earliest: f64,
    likely: Option<f64>,
    latest: Option<f64>,
}

fn row_json(row: &PlanRow) -> PlanRowJson<'_> {
    let PlanRow { at, action: what, target: of, entry, source, ends_at: ends } = row;
    let (at, ends) = (to_seconds(*at), ends.map(to_seconds));
    PlanRowJson { at, what, of, entry, source: source.as_deref(), ends }
}

fn open_entry_json(open: &OpenPlanEntry) -> OpenPlanEntryJson<'_> {
    let OpenPlanEntry { entry, action: what, waits_for: after, is_branch: branch } = open;
    OpenPlanEntryJson { entry, what, after, branch: *branch }
}

fn expectation_json(one: &Expectation) -> PlanExpectationJson<'_> {
    PlanExpectationJson { name: &one.name, of: one.target.subject.name(), wanted: one.requirement() }
}

fn render_json(scenario: &Scenario, seed: u64, plan: &Plan) -> String {
    let (likely, latest) = (plan.likely.map(to_seconds), plan.latest.map(to_seconds));
    let printed = PlanJson {
        name: &scenario.name,
        seed,
        timeline: plan.rows.iter().map(row_json).collect(),
        more: plan.more_rows,
        open: plan.open.iter().map(open_entry_json).collect(),
        moves: plan.moves,
        end: PlanEndJson { earliest: to_seconds(plan.earliest), likely, latest },
        processes: plan.processes,
        limit: plan.limit.map(|limit| limit.to_string()),
        steps: plan_steps::spawned_groups(scenario, plan),
        expect: scenario.expectations.iter().map(expectation_json).collect(),
    };
    // It holds only numbers, texts and lists, so JSON can hold all of it.
    serde_json::to_string_pretty(&printed)
        .map_or_else(|error| error.to_string(), |text| sanitize_json_lines(&text) + "\n")
}
