//! `scenario plan`: what would happen when. Runs nothing.

use std::fmt::Write;

use serde_json::json;

use crate::door::cli::{Format, Plan as Arguments};
use crate::door::command::{print, read, tell_error};
use crate::drive::plan::{Plan, plan as make_plan};
use crate::engine::draw;
use crate::scenario::model::Scenario;
use crate::words::exit_code::ExitCode;
use crate::words::time::Moment;
use crate::words::visible::visible;

/// How many rows people are shown; programs get all.
const SHOWN: usize = 200;

pub(super) fn plan(arguments: &Arguments) -> ExitCode {
    let loaded = match read(&arguments.file, &arguments.reading, crate::scenario::ClockKind::Real) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    let scenario = loaded.scenario;
    let seed = match arguments.seed.or(scenario.seed).map_or_else(draw::fresh_seed, Ok) {
        Ok(seed) => seed,
        Err(error) => {
            tell_error(format_args!("no seed can be drawn: {error}"));
            return ExitCode::Refused;
        }
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
    out
}

/// A moment to the millisecond.
fn at(moment: Moment) -> String {
    format!("{}.{:03} s", moment.0 / 1_000_000_000, moment.0 / 1_000_000 % 1_000)
}

/// The plan for programs: moments are seconds, as in the log.
fn as_json(scenario: &Scenario, seed: u64, plan: &Plan) -> String {
    let seconds = |moment: Moment| moment.0 as f64 / 1e9;
    let rows: Vec<_> = plan
        .rows
        .iter()
        .map(|row| {
            json!({
                "at": seconds(row.at),
                "what": row.what,
                "of": row.of,
                "entry": row.entry,
                "source": row.source,
                "ends": row.ends.map(seconds),
            })
        })
        .collect();
    let open: Vec<_> = plan
        .open
        .iter()
        .map(|open| json!({ "entry": open.entry, "what": open.what, "after": open.after }))
        .collect();
    let plan = json!({
        "name": scenario.name,
        "seed": seed,
        "timeline": rows,
        "more": plan.more_rows,
        "open": open,
        "moves": plan.moves,
        "end": {
            "earliest": seconds(plan.earliest),
            "likely": plan.likely.map(seconds),
            "latest": plan.latest.map(seconds),
        },
        "processes": plan.processes,
    });
    format!("{plan:#}\n")
}
