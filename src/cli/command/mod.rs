//! The commands, each in its own file, and what they share: loading, errors and output.

mod check;
mod cli_error;
mod complete;
mod completions;
mod diff;
mod explore;
mod extract;
mod fetch;
mod github;
mod html_report;
mod init;
mod log_errors;
mod log_path;
mod plan;
mod plan_steps;
mod play;
mod players;
mod pty_child;
mod replay;
mod report;
mod report_files;
mod run;
mod runs;
mod schema;
mod serve;
mod watch;

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{ErrorKind, Write};
use std::path::Path;

use anstream::stream::RawStream;

use crate::cli::args::{Cli, CliCommand, ClockArg, ColorArg, VariableArgs};
use crate::cli::command::github::GitHubAnnotator;
use crate::cli::exit_code::ExitCode;
use crate::cli::scenario_files::DiskFiles;
use crate::io::orphan_reaper::OrphanReaper;
use crate::io::stderr;
use crate::terminal::diagnostics;
use scenario_core::diagnostic::{Diagnostic, SourceFiles};
use scenario_core::engine::effect::RunVerdict;
use scenario_core::engine::random;
use scenario_core::engine::random::LargeSeedWarning;
use scenario_core::scenario::model::Scenario;
use scenario_core::scenario::{LoadedScenario, ScenarioError, ScenarioOptions, load_scenario};
use scenario_log::event::ClockKind;
use scenario_log::sanitize::{sanitize, sanitize_lines};

/// Fills in what the command line leaves out, and executes the command.
pub(crate) fn complete_and_dispatch(mut command: CliCommand) -> ExitCode {
    match complete::complete(&mut command) {
        Ok(()) => dispatch(command),
        Err(message) => {
            report_error(message);
            ExitCode::Usage
        }
    }
}

/// Executes a command.
fn dispatch(command: CliCommand) -> ExitCode {
    let _reaper = if has_own_children(&command) { None } else { OrphanReaper::start_if_needed() };
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
        CliCommand::Runs(arguments) => runs::runs(&arguments),
        CliCommand::Schema(arguments) => schema::schema(&arguments),
        CliCommand::Players(arguments) => players::players(&arguments),
        CliCommand::Fetch(arguments) => fetch::fetch(&arguments),
        CliCommand::Init(arguments) => init::init(&arguments),
        CliCommand::Completions(arguments) => completions::print_completions(&arguments),
        CliCommand::Man => completions::print_man(),
        CliCommand::PtyChild(arguments) => pty_child::pty_child(&arguments),
        CliCommand::Prepared(arguments) => pty_child::prepared(&arguments),
    }
}

/// Whether a command starts processes, and so waits for its children itself.
fn has_own_children(command: &CliCommand) -> bool {
    match command {
        CliCommand::Run(run) => run.watch || run.clock == ClockArg::Real,
        // It becomes another program.
        CliCommand::PtyChild(_) | CliCommand::Prepared(_) => true,
        _ => false,
    }
}

/// Loads a scenario for a clock. Its errors and warnings go to standard error.
fn load_or_report(
    file: &Path,
    variables: &VariableArgs,
    clock: ClockKind,
) -> Result<LoadedScenario, ExitCode> {
    match load_quietly(file, variables, clock) {
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

/// The same, without writing errors and warnings.
fn load_quietly(
    file: &Path,
    variables: &VariableArgs,
    clock: ClockKind,
) -> Result<LoadedScenario, ScenarioError> {
    load_scenario(file, &DiskFiles, &ScenarioOptions { vars: &variables.vars, env: &env_var, clock })
}

/// Writes diagnostics to standard error, and as annotations for GitHub if it takes them.
fn report_diagnostics(sources: &SourceFiles, diagnostics: &[Diagnostic], github: Option<&GitHubAnnotator>) {
    write_stderr(&diagnostics::render_text(sources, diagnostics, stderr_has_color()));
    if let Some(github) = github {
        github.write_diagnostics(sources, diagnostics);
    }
}

/// The seed of a run: from the command line, else from the scenario, else a random one.
fn choose_seed(given: Option<u64>, scenario: &Scenario) -> Result<u64, ExitCode> {
    warn_of_large_seed(given);
    given.or(scenario.seed).map_or_else(random::random_seed, Ok).map_err(|error| {
        report_error(format_args!("cannot draw a seed: {error}"));
        ExitCode::Refused
    })
}

/// Warns of a seed of the command line that many programs read from a log as another number.
fn warn_of_large_seed(given: Option<u64>) {
    if let Some(LargeSeedWarning { message, help }) = given.and_then(random::large_seed_warning) {
        write_stderr(&format!("warning: {message}\nhelp: {help}\n"));
    }
}

/// The exit code for the verdict of a run.
fn verdict_exit_code(verdict: RunVerdict) -> ExitCode {
    match verdict {
        RunVerdict::Passed => ExitCode::Passed,
        RunVerdict::InternalError => ExitCode::InternalError,
        RunVerdict::Failed | RunVerdict::Interrupted(None) => ExitCode::Failed,
        RunVerdict::Interrupted(Some(signal)) => ExitCode::Signalled(signal),
    }
}

/// A variable of the environment, for `${env:NAME}`.
fn env_var(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Makes `--color` count for everything that is shown from now on.
pub(crate) fn choose_color(cli: &Cli) {
    match cli.color {
        _ if cli.no_color => anstream::ColorChoice::Never.write_global(),
        ColorArg::Auto => {}
        ColorArg::Always => anstream::ColorChoice::Always.write_global(),
        ColorArg::Never => anstream::ColorChoice::Never.write_global(),
    }
}

/// Whether standard error takes colours.
fn stderr_has_color() -> bool {
    has_color(&std::io::stderr())
}

/// Whether a standard stream takes colours.
fn has_color(stream: &impl RawStream) -> bool {
    if anstream::ColorChoice::global() == anstream::ColorChoice::Always {
        return true;
    }
    // In CI the library takes a dumb terminal for one with colours, and that is wrong there too.
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    let is_wanted = anstream::AutoStream::choice(stream) != anstream::ColorChoice::Never;
    is_wanted && !is_dumb && stream.is_terminal()
}

/// Writes text to standard error. A closed standard error does not stop the program.
fn write_stderr(text: &str) {
    stderr::write(text.as_bytes());
}

/// Writes an error to standard error, in the style of the diagnostics. It is one line: control characters
/// (in a path, in an argument) are escaped.
fn report_error(error: impl Display) {
    let error = sanitize(&error.to_string());
    let style = anstyle::AnsiColor::Red.on_default().effects(anstyle::Effects::BOLD);
    if stderr_has_color() {
        write_stderr(&format!("{style}error{style:#}: {error}\n"));
    } else {
        write_stderr(&format!("error: {error}\n"));
    }
}

/// Writes an error of the command line, which repeats arguments as they are. A closed standard error does
/// not change the exit code.
pub(crate) fn report_usage_error(error: &clap::Error) {
    let plain = error.render().to_string();
    match sanitize_lines(&plain) {
        Cow::Borrowed(_) => drop(error.print()),
        Cow::Owned(sanitized) => write_stderr(&sanitized),
    }
}

/// Reports a fault of the program itself.
pub(crate) fn report_internal_error(what: &str) {
    report_error(format_args!("`scenario` itself has a fault: {what}"));
    write_stderr("help: please report it, with this message and the log if there is one\n");
}

/// Prints a result on standard output.
fn print_stdout(text: &str) -> ExitCode {
    let mut stdout = std::io::stdout().lock();
    stdout_exit_code(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))
}

/// The exit code for the result of printing. A reader that has closed the pipe (`| head`) is not an error.
pub(crate) fn stdout_exit_code(result: std::io::Result<()>) -> ExitCode {
    match result {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            report_error(format_args!("cannot write to standard output: {error}"));
            ExitCode::Refused
        }
        _ => ExitCode::Passed,
    }
}
