//! `scenario run`: loads a scenario, makes a [setup](setup::RunSetup) of it and the arguments, and
//! [executes](execute) that.

mod execute;
mod matrix;
mod matrix_table;
mod misuse;
mod setup;

use crate::cli::args::RunArgs;
use crate::cli::command::cli_error::CliError;
use crate::cli::command::github::GitHubAnnotator;
use crate::cli::command::{env_var, report_diagnostics, report_error, report_files, watch, write_stderr};
use crate::cli::exit_code::ExitCode;
use crate::cli::scenario_files::DiskFiles;
use crate::io::free_ports::FreePorts;
use crate::io::guard;
use crate::io::guard::lifeline::Lifeline;
use crate::io::stderr;
use scenario_core::scenario::selection::EntrySelection;
use scenario_core::scenario::{LoadExtras, LoadedScenario, ScenarioError, ScenarioOptions, load_selected};
use scenario_log::event::ClockKind;
use setup::RunSetup;

/// The warning for a run that starts programs and has no guard.
const UNGUARDED: &str = "warning: this run has no guard, which needs /proc and a program file that may be read: \
    after `kill -9` of it, its programs go on\n";

pub(super) fn run(arguments: &RunArgs) -> ExitCode {
    try_run(arguments).unwrap_or_else(CliError::report)
}

fn try_run(arguments: &RunArgs) -> Result<ExitCode, CliError> {
    if let Some(misuse) = misuse::find_misuse(arguments) {
        return Err(CliError::usage(misuse));
    }
    let lifeline = Lifeline::find().map_err(CliError::refused)?;
    let github = GitHubAnnotator::detect(arguments.github);
    if arguments.watch && lifeline.is_none() {
        return Ok(watch::run_watching(arguments));
    }
    let loaded = match load_for_run(arguments, &arguments.variables.vars) {
        Ok(loaded) => loaded,
        Err(failure) => {
            report_diagnostics(&failure.sources, &failure.diagnostics, github.as_ref());
            return Err(CliError::already_reported(ExitCode::Usage));
        }
    };
    if arguments.matrix {
        return matrix::run_matrix(arguments, &loaded, lifeline);
    }
    report_files::check_run_outputs(arguments, &loaded)?;
    if lifeline.is_none() && loaded.scenario.starts_processes() {
        if let Some(exit) = run_guarded(arguments, &loaded) {
            return Ok(exit);
        }
        write_stderr(UNGUARDED);
    }
    report_diagnostics(&loaded.sources, &loaded.warnings, github.as_ref());
    matrix::report_unused_matrix(arguments, &loaded);
    let is_guarded = lifeline.is_some();
    Ok(match execute::execute(RunSetup::new(arguments, loaded, lifeline, github)?)? {
        ExitCode::Signalled(signal) if is_guarded => ExitCode::SignalledUnderGuard(signal),
        exit => exit,
    })
}

/// Loads what a run asks for, with these values of variables. The ports that it names are free.
fn load_for_run(arguments: &RunArgs, vars: &[(String, String)]) -> Result<LoadedScenario, ScenarioError> {
    let clock = ClockKind::from(arguments.clock);
    let ports = FreePorts::default();
    let draw = |name: &str| ports.port(name);
    let extras = LoadExtras {
        selection: EntrySelection { only: &arguments.only, skip: &arguments.skip },
        ports: (clock == ClockKind::Real).then_some(&draw),
    };
    load_selected(&arguments.file, &DiskFiles, &ScenarioOptions { vars, env: &env_var, clock }, &extras)
}

/// Runs the scenario in a second process that this one guards. `None` if the guard cannot be set up.
fn run_guarded(arguments: &RunArgs, loaded: &LoadedScenario) -> Option<ExitCode> {
    // Standard input can be read only once, so the second process gets the text that was read here.
    let scenario = loaded.sources.get(0).filter(|_| arguments.file.as_os_str() == "-");
    let guard::GuardedExit { code, death_message } =
        guard::guard(scenario.map(|file| &*file.text), None, &[])?;
    stderr::stop_waiting();
    if let Some(message) = death_message {
        report_error(message);
    }
    Some(ExitCode::FromGuarded(code))
}
