//! `scenario explore`: counts the outcomes that a scenario can have. Runs in virtual time only.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::cli::args::{ExploreArgs as Arguments, OutputFormat};
use crate::cli::command::cli_error::CliError;
use crate::cli::command::{
    load_or_report, print_stdout, report_error, report_files, stderr_has_color, warn_of_large_seed,
    write_stderr,
};
use crate::cli::exit_code::ExitCode;
use crate::explore::outcome::{ExplorationResult, Witness};
use crate::explore::report::{
    ExplorationMode, ExplorationReport, MAX_OUTCOMES_SHOWN, render_json, render_junit, render_text,
};
use crate::explore::{explore_by_seeds, explore_exhaustively};
use crate::io::log_file::kept_files::KeptFiles;
use crate::io::log_file::output::{OutputDestination, RefusedError, check_kept};
use crate::io::log_file::writer;
use crate::io::log_file::writer::LogWriter;
use crate::run::recorder::RunRecorder;
use crate::run::{DrivenRun, RunStartError, virtual_time};
use scenario_core::engine::RunStart;
use scenario_core::engine::effect::RunVerdict;
use scenario_core::scenario::LoadedScenario;
use scenario_core::scenario::model::{PlayerBehavior, PresetKind, Scenario};
use scenario_core::scenario::write::resolved;
use scenario_log::event::ClockKind;
use scenario_log::sanitize::sanitize;
use scenario_log::secrets::Secrets;

pub(super) fn explore(arguments: &Arguments) -> ExitCode {
    let loaded = match load_or_report(&arguments.file, &arguments.variables, ClockKind::Virtual) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    match explore_loaded(arguments, loaded) {
        Ok(exit) => exit,
        Err(error) => error.report(),
    }
}

fn explore_loaded(arguments: &Arguments, loaded: LoadedScenario) -> Result<ExitCode, CliError> {
    let mut kept = report_files::scenario_files(&loaded);
    let scenario = loaded.scenario;
    if let Some(log) = &arguments.log {
        check_kept("--log FILE", &OutputDestination::File(log.clone()), &kept)?;
    }
    let junit_output = match &arguments.junit {
        Some(path) => {
            let mut kept_by_junit = kept.clone();
            if let Some(log) = &arguments.log {
                kept_by_junit.add(log, "the `--log`");
            }
            Some(report_files::open("--junit", path, &kept_by_junit)?)
        }
        None => None,
    };
    if let Some(path) = arguments.junit.as_ref().filter(|path| path.as_os_str() != "-") {
        kept.add(path, "the `--junit`");
    }
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
    let (mode, explored) = explore_as_asked(arguments, &scenario)?;
    let exploration = ExplorationReport {
        name: &scenario.name,
        mode,
        result: &explored,
        cells_only: arguments.judge_cells_only,
    };
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
        if let Some(exit) = write_logs(arguments, (path, &kept), &scenario, &explored)? {
            return Ok(exit);
        }
    }
    Ok(match (printed, explored.passes(arguments.judge_cells_only)) {
        (ExitCode::Passed, Some(false)) => ExitCode::Failed,
        (ExitCode::Passed, None) => {
            report_unjudged(&explored.unjudged);
            ExitCode::Failed
        }
        (printed, _) => printed,
    })
}

/// Names the expectations without which nobody knows whether every run passes.
fn report_unjudged(names: &[String]) {
    let verb = if names.len() == 1 { "expectation is" } else { "expectations are" };
    report_error(format_args!("{} {verb} not judged: {}", names.len(), names.join(", ")));
    write_stderr(
        "help: `--seeds N` judges them on many runs; `--judge-cells-only` leaves them open, and passes without them\n",
    );
}

/// How many seeds are tried if the command line does not say how to explore.
const USUAL_SEEDS: u64 = 1_000;

/// Explores by seeds or by orders, as the command line asks. Where it does not, it takes what fits, and says
/// which.
fn explore_as_asked(
    arguments: &Arguments,
    scenario: &Scenario,
) -> Result<(ExplorationMode, ExplorationResult), CliError> {
    let by_seeds = |seeds| (ExplorationMode::Seeds, explore_seeds(scenario, seeds));
    if let Some(seeds) = arguments.seeds {
        return Ok(by_seeds(seeds));
    }
    warn_of_large_seed(arguments.seed);
    let seed = arguments.seed.or(scenario.seed).unwrap_or_default();
    let by_orders = || {
        explore_orders(scenario, seed, arguments.max_states).map(|explored| match explored.is_uncounted {
            false => (ExplorationMode::Exhaustive(seed), explored),
            true => (ExplorationMode::ExhaustiveUncounted(seed), explored),
        })
    };
    if arguments.exhaustive || arguments.seed.is_some() {
        return by_orders();
    }
    if has_steps(scenario) {
        if let Ok(explored) = by_orders() {
            write_stderr("every order of the steps, as with `--exhaustive`\n");
            return Ok(explored);
        }
        write_stderr(&format!(
            "{USUAL_SEEDS} seeds, as with `--seeds {USUAL_SEEDS}`: there are too many orders of the steps\n"
        ));
    } else {
        write_stderr(&format!(
            "{USUAL_SEEDS} seeds, as with `--seeds {USUAL_SEEDS}`: no player takes steps\n"
        ));
    }
    Ok(by_seeds(USUAL_SEEDS))
}

/// Whether a player takes steps, whose order can matter.
fn has_steps(scenario: &Scenario) -> bool {
    scenario.presets.iter().any(|preset| match &preset.kind {
        PresetKind::Players(players) => {
            players.groups.iter().any(|group| matches!(group.behavior, PlayerBehavior::Steps(_)))
        }
        PresetKind::Command(_) => false,
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
    (path, kept): (&Path, &KeptFiles),
    scenario: &Rc<Scenario>,
    explored: &ExplorationResult,
) -> Result<Option<ExitCode>, CliError> {
    let found = &explored.outcomes;
    if let Some(wanted) = arguments.outcome {
        let Some(found) = wanted.checked_sub(1).and_then(|at| found.get(at)) else {
            report_error(format_args!("there is no outcome {wanted}; there are {}", found.len()));
            return Ok(Some(ExitCode::Usage));
        };
        let ended = write_log((path, kept), arguments.force, scenario, &found.witness)?;
        write_stderr(&format!("outcome {wanted}: {}\n", sanitize(&path.to_string_lossy())));
        return Ok(ended);
    }
    for (n, found) in found.iter().take(MAX_OUTCOMES_SHOWN).enumerate() {
        let path = numbered_log_path(path, n + 1);
        if let Some(ended) = write_log((&path, kept), arguments.force, scenario, &found.witness)? {
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
    (path, kept): (&Path, &KeptFiles),
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
        let opened =
            writer::open_output("--log FILE", &OutputDestination::File(path.to_owned()), force, kept);
        let writer = opened.and_then(|opened| LogWriter::start(opened, Box::new(|_: &[u8]| {})));
        let writer = writer.map_err(|RefusedError(message)| RunStartError(message))?;
        Ok(DrivenRun::start(scenario, &start, RunRecorder::new(Some(writer), None)))
    };
    let (run, verdict) =
        virtual_time::drive(begin, (&[], &Secrets::default()), None).map_err(CliError::refused)?;
    if let Some(rescued) = run.recorder.rescued_log() {
        return Err(CliError::refused(rescued.message));
    }
    Ok(match verdict.map_err(CliError::refused)? {
        RunVerdict::Interrupted(Some(signal)) => Some(ExitCode::Signalled(signal)),
        RunVerdict::InternalError => Some(ExitCode::InternalError),
        RunVerdict::Passed | RunVerdict::Failed | RunVerdict::Interrupted(None) => None,
    })
}
