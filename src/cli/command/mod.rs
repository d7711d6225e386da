//! The commands, a file each.

mod check;
mod completions;
mod diff;
mod explore;
mod extract;
mod fetch;
mod github;
mod init;
mod log_errors;
mod log_path;
mod plan;
mod play;
mod players;
mod pty_child;
mod replay;
mod report;
mod report_files;
mod run;
mod schema;
mod serve;
mod watch;

use std::fmt::Display;
use std::io::{ErrorKind, Write};
use std::path::Path;

use anstream::stream::RawStream;

use crate::cli::args::{CliCommand, VariableArgs};
use crate::cli::command::github::GitHubAnnotator;
use crate::cli::exit_code::ExitCode;
use crate::cli::scenario_files::DiskFiles;
use crate::terminal::diagnostics;
use scenario_core::diagnostic::{Diagnostic, SourceFiles};
use scenario_core::engine::random;
use scenario_core::scenario::model::Scenario;
use scenario_core::scenario::{LoadedScenario, ScenarioError, ScenarioOptions, load_scenario};
use scenario_log::event::ClockKind;
use scenario_log::sanitize::sanitize;

/// Carries a command out.
pub(crate) fn dispatch(command: CliCommand) -> ExitCode {
    match command {
        CliCommand::Run(arguments) => run::run(&arguments),
        CliCommand::Check(arguments) => check::check(&arguments),
        CliCommand::Plan(arguments) => plan::plan(&arguments),
        CliCommand::Replay(arguments) => replay::replay(&arguments),
        CliCommand::Explore(arguments) => explore::explore(&arguments),
        CliCommand::Extract(arguments) => extract::extract(&arguments),
        CliCommand::Diff(arguments) => diff::diff(&arguments),
        CliCommand::Play(arguments) => play::play(&arguments),
        CliCommand::Report(arguments) => report::report(&arguments),
        CliCommand::Schema(arguments) => schema::schema(&arguments),
        CliCommand::Players(arguments) => players::players(&arguments),
        CliCommand::Fetch(arguments) => fetch::fetch(&arguments),
        CliCommand::Init(arguments) => init::init(&arguments),
        CliCommand::Completions(arguments) => crate::cli::command::completions::print_completions(&arguments),
        CliCommand::Man => crate::cli::command::completions::print_man(),
        CliCommand::PtyChild(arguments) => crate::cli::command::pty_child::pty_child(&arguments),
    }
}

/// Reads a scenario for a clock. What is wrong with it, and what is only odd, is told on standard
/// error.
fn load_or_report(file: &Path, reading: &VariableArgs, clock: ClockKind) -> Result<LoadedScenario, ExitCode> {
    match load_quietly(file, reading, clock) {
        Ok(loaded) => {
            report_diagnostics(&loaded.sources, &loaded.warnings, None);
            Ok(loaded)
        }
        Err(failure) => {
            report_diagnostics(&failure.sources, &failure.diagnostics, None);
            Err(ExitCode::Usage)
        }
    }
}

/// The same, and nothing is told.
fn load_quietly(
    file: &Path,
    reading: &VariableArgs,
    clock: ClockKind,
) -> Result<LoadedScenario, ScenarioError> {
    load_scenario(file, &DiskFiles, &ScenarioOptions { vars: &reading.vars, env: &env_var, clock })
}

/// Tells what is wrong or odd in files, to whoever listens.
fn report_diagnostics(sources: &SourceFiles, diagnostics: &[Diagnostic], github: Option<&GitHubAnnotator>) {
    write_stderr(&diagnostics::render_text(sources, diagnostics, stderr_has_color()));
    if let Some(github) = github {
        github.write_diagnostics(sources, diagnostics);
    }
}

/// The seed of a run: the one of the command line, else the scenario's, else one that is drawn.
fn choose_seed(given: Option<u64>, scenario: &Scenario) -> Result<u64, ExitCode> {
    given.or(scenario.seed).map_or_else(random::random_seed, Ok).map_err(|error| {
        report_error(format_args!("no seed can be drawn: {error}"));
        ExitCode::Refused
    })
}

/// A variable of the environment, for `${env:NAME}`.
fn env_var(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Whether standard error takes colours.
fn stderr_has_color() -> bool {
    has_color(&std::io::stderr())
}

/// Whether a standard stream takes colours.
fn has_color(stream: &impl RawStream) -> bool {
    // In CI the library takes a dumb terminal for one with colours; it has none there either.
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    let is_wanted = anstream::AutoStream::choice(stream) != anstream::ColorChoice::Never;
    is_wanted && !is_dumb && stream.is_terminal()
}

/// Tells people something. A standard error that is closed is no reason to stop.
fn write_stderr(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Tells people what went wrong, in the manner of the diagnostics. It is one line: what a terminal
/// would act on (in a path, in an argument) is shown as an escape.
fn report_error(error: impl Display) {
    let error = sanitize(&error.to_string());
    let style = anstyle::AnsiColor::Red.on_default().effects(anstyle::Effects::BOLD);
    if stderr_has_color() {
        write_stderr(&format!("{style}error{style:#}: {error}\n"));
    } else {
        write_stderr(&format!("error: {error}\n"));
    }
}

/// Tells that the program itself has a fault.
pub(crate) fn report_internal_error(what: &str) {
    report_error(format_args!("`scenario` itself has a fault: {what}"));
    write_stderr("help: please report it, with this message and the log if there is one\n");
}

/// Prints a result on standard output.
fn print_stdout(text: &str) -> ExitCode {
    let mut stdout = std::io::stdout().lock();
    stdout_exit_code(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))
}

/// What it means how the printing of a result went. A reader that has seen enough (`| head`) is no
/// error.
pub(crate) fn stdout_exit_code(result: std::io::Result<()>) -> ExitCode {
    match result {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            report_error(format_args!("cannot write to standard output: {error}"));
            ExitCode::Refused
        }
        _ => ExitCode::Passed,
    }
}
