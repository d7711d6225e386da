//! `scenario explore`: counts the outcomes that a scenario can have. Runs in virtual time only.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::cli::args::{ExploreArgs as Arguments, OutputFormat};
use crate::cli::command::cli_error::CliError;
use crate::cli::command::{
    load_or_report, print_stdout, report_error, report_files, stderr_has_color, write_stderr,
};
use crate::cli::exit_code::ExitCode;
use crate::explore::outcome::{ExplorationResult, Witness};
use crate::explore::report::{
    ExplorationMode, ExplorationReport, MAX_OUTCOMES_SHOWN, render_json, render_junit, render_text,
};
use crate::explore::{explore_by_seeds, explore_exhaustively};
use crate::io::log_file::writer;
use crate::io::log_file::writer::{LogWriter, OutputDestination, RefusedError};
use crate::run::recorder::RunRecorder;
use crate::run::{DrivenRun, RunStartError, virtual_time};
use scenario_core::engine::RunStart;
use scenario_core::engine::effect::RunVerdict;
use scenario_core::scenario::model::Scenario;
use scenario_core::scenario::write::resolved;
use scenario_log::event::ClockKind;
use scenario_log::sanitize::sanitize;
use scenario_log::secrets::Secrets;

pub(super) fn explore(arguments: &Arguments) -> ExitCode {
    let loaded = match load_or_report(&arguments.file, &arguments.variables, ClockKind::Virtual) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    match explore_loaded(arguments, loaded.scenario) {
        Ok(exit) => exit,
        Err(error) => error.report(),
    }
}

fn explore_loaded(arguments: &Arguments, scenario: Scenario) -> Result<ExitCode, CliError> {
    let junit_output = match &arguments.junit {
        Some(path) => Some(report_files::open("--junit", path, &[(&arguments.file, "the scenario")])?),
        None => None,
    };
    if let Some(log) = &arguments.log
        && log.is_file()
        && !arguments.force
    {
        // Checked before the walk, which can take long, and not only after it.
        return Err(CliError::refused(format_args!(
            "{} exists already; name another file, or write over it with `--force`",
            log.display()
        )));
    }
    let (mode, explored) = match arguments.seeds {
        Some(seeds) => (ExplorationMode::Seeds, explore_seeds(&scenario, seeds)),
        None => {
            let seed = arguments.seed.or(scenario.seed).unwrap_or_default();
            (ExplorationMode::Exhaustive(seed), explore_orders(&scenario, seed, arguments.max_states)?)
        }
    };
    let exploration = ExplorationReport { name: &scenario.name, mode, result: &explored };
    let printed = match arguments.format {
        // The test cases take the place of the text on standard output.
        _ if arguments.junit.as_deref().is_some_and(|path| path.as_os_str() == "-") => ExitCode::Passed,
        OutputFormat::Human => print_stdout(&render_text(&exploration)),
        OutputFormat::Json => match render_json(&exploration) {
            Ok(json) => print_stdout(&json),
            Err(error) => {
                return Err(CliError::refused(format_args!("cannot print the outcomes: {error}")));
            }
        },
    };
    if let Some(output) = junit_output {
        report_files::write_junit(output, render_junit(&exploration))?;
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

/// Shows the progress on a terminal, in one line that is written again and again.
fn show_progress(text: &str) {
    if std::io::stderr().is_terminal() && stderr_has_color() {
        write_stderr(&format!("\r\x1b[K{text}"));
        let _ = std::io::stderr().flush();
    }
}

fn explore_seeds(scenario: &Scenario, seeds: u64) -> ExplorationResult {
    let explored =
        explore_by_seeds(scenario, seeds, |done| show_progress(&format!("{done} of {seeds} seeds")));
    show_progress("");
    explored
}

fn explore_orders(scenario: &Scenario, seed: u64, max_states: u64) -> Result<ExplorationResult, CliError> {
    let mut last = None;
    let explored = explore_exhaustively(scenario, seed, max_states, |progress| {
        // Layers of few states end too soon to be seen.
        if last.is_none_or(|last| progress.states > last + 20_000) {
            last = Some(progress.states);
            show_progress(&format!("{} states, {} steps deep", progress.states, progress.steps));
        }
    });
    show_progress("");
    explored.map_err(|many| {
        let steps = if many.steps == 1 { "1 step".to_owned() } else { format!("{} steps", many.steps) };
        CliError::refused(format_args!(
            "this scenario has more than {} states, in its first {steps} alone: too many to walk; take players or steps \
             away, allow more with `--max-states`, or try `--seeds`",
            many.max_states
        ))
    })
}

/// Writes the logs of the witnesses. Returns an exit code if there is no such outcome, or if a signal has
/// ended a run.
fn write_logs(
    arguments: &Arguments,
    path: &Path,
    scenario: &Rc<Scenario>,
    explored: &ExplorationResult,
) -> Result<Option<ExitCode>, CliError> {
    let found = &explored.outcomes;
    if let Some(wanted) = arguments.outcome {
        let Some(found) = wanted.checked_sub(1).and_then(|at| found.get(at)) else {
            report_error(format_args!("there is no outcome {wanted}; there are {}", found.len()));
            return Ok(Some(ExitCode::Usage));
        };
        let ended = write_log(path, arguments.force, scenario, &found.witness)?;
        write_stderr(&format!("outcome {wanted}: {}\n", sanitize(&path.to_string_lossy())));
        return Ok(ended);
    }
    for (n, found) in found.iter().take(MAX_OUTCOMES_SHOWN).enumerate() {
        let path = numbered_log_path(path, n + 1);
        if let Some(ended) = write_log(&path, arguments.force, scenario, &found.witness)? {
            return Ok(Some(ended));
        }
        write_stderr(&format!("outcome {}: {}\n", n + 1, sanitize(&path.to_string_lossy())));
    }
    Ok(None)
}

/// The path for the log of the `n`th outcome, from 1. The first has the path that was given.
fn numbered_log_path(path: &Path, n: usize) -> PathBuf {
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

/// Runs a witness again and writes its log. Returns an exit code if a signal or a fault has ended the run.
fn write_log(
    path: &Path,
    force: bool,
    scenario: &Rc<Scenario>,
    witness: &Witness,
) -> Result<Option<ExitCode>, CliError> {
    let resolved = resolved::to_json(scenario);
    let start = RunStart {
        seed: witness.seed,
        clock: ClockKind::Virtual,
        started_at: None,
        schedule: &witness.schedule,
        scenario_json: &resolved,
    };
    let begin = || {
        let opened = writer::open_output("--log FILE", &OutputDestination::File(path.to_owned()), force);
        let writer = opened.and_then(|opened| LogWriter::start(opened, Box::new(|_: &[u8]| {})));
        let writer = writer.map_err(|RefusedError(message)| RunStartError(message))?;
        Ok(DrivenRun::start(scenario, &start, RunRecorder::new(Some(writer), None)))
    };
    let (_, verdict) =
        virtual_time::drive(begin, (&[], &Secrets::default()), None).map_err(CliError::refused)?;
    Ok(match verdict.map_err(CliError::refused)? {
        RunVerdict::Interrupted(Some(signal)) => Some(ExitCode::Signalled(signal)),
        RunVerdict::InternalError => Some(ExitCode::InternalError),
        RunVerdict::Passed | RunVerdict::Failed | RunVerdict::Interrupted(None) => None,
    })
}
