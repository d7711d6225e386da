//! `scenario explore`: what can come of a scenario, and how often. In virtual time alone.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::cli::args::{Explore as Arguments, Format};
use crate::cli::command::{colors, print, read, report_files, tell, tell_error};
use crate::cli::exit_code::ExitCode;
use crate::explore::outcome::{Explored, Witness};
use crate::explore::report::{Exploration, How, MOST_SHOWN, human, json, junit};
use crate::explore::{by_seeds, exhaustively};
use crate::io::log_file::writer;
use crate::io::log_file::writer::{Destination, Refusal, Writer};
use crate::run::recorder::Journal;
use crate::run::{Run, virtual_time};
use scenario_core::engine::Start;
use scenario_core::engine::effect::Verdict;
use scenario_core::scenario::model::Scenario;
use scenario_core::scenario::write::resolved;
use scenario_log::event::ClockKind;

pub(super) fn explore(arguments: &Arguments) -> ExitCode {
    let loaded = match read(&arguments.file, &arguments.reading, ClockKind::Virtual) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    match explore_loaded(arguments, loaded.scenario) {
        Ok(exit) => exit,
        Err(Refusal(refusal)) => {
            tell_error(refusal);
            ExitCode::Refused
        }
    }
}

fn explore_loaded(arguments: &Arguments, scenario: Scenario) -> Result<ExitCode, Refusal> {
    let junit_output = match &arguments.junit {
        Some(path) => Some(report_files::open("--junit", path, &[(&arguments.file, "the scenario")])?),
        None => None,
    };
    if let Some(log) = &arguments.log
        && log.is_file()
        && !arguments.force
    {
        // Found before the walk, and not behind it.
        let log = log.display();
        return Err(Refusal(format!(
            "{log} is there already; name another file, or write over it with `--force`"
        )));
    }
    let (how, explored) = match arguments.seeds {
        Some(seeds) => (How::Seeds, seeded(&scenario, seeds)),
        None => {
            let seed = arguments.seed.or(scenario.seed).unwrap_or_default();
            (How::Exhaustive(seed), walked(&scenario, seed, arguments.max_states)?)
        }
    };
    let exploration = Exploration { name: &scenario.name, how, explored: &explored };
    let printed = match arguments.format {
        // The test cases stand in its place.
        _ if arguments.junit.as_deref().is_some_and(|path| path.as_os_str() == "-") => ExitCode::Passed,
        Format::Human => print(&human(&exploration)),
        Format::Json => match json(&exploration) {
            Ok(json) => print(&json),
            Err(error) => return Err(Refusal(format!("cannot print the outcomes: {error}"))),
        },
    };
    if let Some(output) = junit_output {
        report_files::write_junit(output, junit(&exploration))?;
    }
    if let Some(path) = &arguments.log {
        let scenario = Rc::new(scenario);
        if let Some(exit) = write_logs(arguments, path, &scenario, &explored)? {
            return Ok(exit);
        }
    }
    Ok(match printed {
        ExitCode::Passed if !explored.passes() => ExitCode::Failed,
        printed => printed,
    })
}

/// How far it is, on a terminal: one line, written anew.
fn show(text: &str) {
    if std::io::stderr().is_terminal() && colors() {
        tell(&format!("\r\x1b[K{text}"));
        let _ = std::io::stderr().flush();
    }
}

fn seeded(scenario: &Scenario, seeds: u64) -> Explored {
    let explored = by_seeds(scenario, seeds, |done| show(&format!("{done} of {seeds} seeds")));
    show("");
    explored
}

fn walked(scenario: &Scenario, seed: u64, most: u64) -> Result<Explored, Refusal> {
    let mut last = None;
    let explored = exhaustively(scenario, seed, most, |progress| {
        // Layers of few states are over too soon to be seen.
        if last.is_none_or(|last| progress.states > last + 20_000) {
            last = Some(progress.states);
            show(&format!("{} states, {} steps deep", progress.states, progress.steps));
        }
    });
    show("");
    explored.map_err(|many| {
        let steps = if many.steps == 1 { "1 step".to_owned() } else { format!("{} steps", many.steps) };
        Refusal(format!(
            "this scenario has more than {} states, in its first {steps} alone: too many to walk; take players or steps \
             away, allow more with `--max-states`, or try `--seeds`",
            many.most
        ))
    })
}

/// Writes the logs of the witnesses; the exit that is due where there is no such outcome.
fn write_logs(
    arguments: &Arguments,
    path: &Path,
    scenario: &Rc<Scenario>,
    explored: &Explored,
) -> Result<Option<ExitCode>, Refusal> {
    let found = &explored.found;
    if let Some(wanted) = arguments.outcome {
        let Some(found) = wanted.checked_sub(1).and_then(|at| found.get(at)) else {
            tell_error(format_args!("there is no outcome {wanted}; there are {}", found.len()));
            return Ok(Some(ExitCode::Usage));
        };
        let ended = write_log(path, arguments.force, scenario, &found.witness)?;
        tell(&format!("outcome {wanted}: {}\n", path.display()));
        return Ok(ended);
    }
    for (n, found) in found.iter().take(MOST_SHOWN).enumerate() {
        let path = numbered(path, n + 1);
        if let Some(ended) = write_log(&path, arguments.force, scenario, &found.witness)? {
            return Ok(Some(ended));
        }
        tell(&format!("outcome {}: {}\n", n + 1, path.display()));
    }
    Ok(None)
}

/// The path of the log of the `n`th outcome, from 1: that of the first is as it was given.
fn numbered(path: &Path, n: usize) -> PathBuf {
    if n == 1 {
        return path.to_owned();
    }
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{n}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// Runs a witness again, and keeps its log; the exit that is due where a signal has ended that.
fn write_log(
    path: &Path,
    force: bool,
    scenario: &Rc<Scenario>,
    witness: &Witness,
) -> Result<Option<ExitCode>, Refusal> {
    let resolved = resolved::to_json(scenario);
    let start = Start {
        seed: witness.seed,
        clock: ClockKind::Virtual,
        started_at: None,
        schedule: &witness.schedule,
        resolved: &resolved,
    };
    let begin = || {
        let opened = writer::open_for("--log FILE", &Destination::File(path.to_owned()), force);
        let writer = opened.and_then(|opened| Writer::start(opened, Box::new(|_: &[u8]| {})));
        let writer = writer.map_err(|Refusal(refusal)| refusal)?;
        Ok(Run::start(scenario, &start, Journal::new(Some(writer), None)))
    };
    let (_, verdict) = virtual_time::drive(begin, &[], None).map_err(Refusal)?;
    Ok(match verdict.map_err(Refusal)? {
        Verdict::Interrupted(Some(signal)) => Some(ExitCode::Signalled(signal)),
        Verdict::Broken => Some(ExitCode::Broken),
        Verdict::Passed | Verdict::Failed | Verdict::Interrupted(None) => None,
    })
}
