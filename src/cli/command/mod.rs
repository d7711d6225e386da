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

use crate::cli::args::{Command, Reading};
use crate::cli::command::github::GitHub;
use crate::cli::exit_code::ExitCode;
use crate::cli::scenario_files::Disk;
use crate::terminal::diagnostics;
use scenario_core::diagnostic::{Diagnostic, Sources};
use scenario_core::engine::random;
use scenario_core::scenario::model::Scenario;
use scenario_core::scenario::{Failure, Loaded, Options, load};
use scenario_log::event::ClockKind;
use scenario_log::sanitize::visible;

/// Carries a command out.
pub(crate) fn run(command: Command) -> ExitCode {
    match command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Check(arguments) => check::check(&arguments),
        Command::Plan(arguments) => plan::plan(&arguments),
        Command::Replay(arguments) => replay::replay(&arguments),
        Command::Explore(arguments) => explore::explore(&arguments),
        Command::Extract(arguments) => extract::extract(&arguments),
        Command::Diff(arguments) => diff::diff(&arguments),
        Command::Play(arguments) => play::play(&arguments),
        Command::Report(arguments) => report::report(&arguments),
        Command::Schema(arguments) => schema::schema(&arguments),
        Command::Players(arguments) => players::players(&arguments),
        Command::Fetch(arguments) => fetch::fetch(&arguments),
        Command::Init(arguments) => init::init(&arguments),
        Command::Completions(arguments) => crate::cli::command::completions::completions(&arguments),
        Command::Man => crate::cli::command::completions::man(),
        Command::OnTerminal(arguments) => crate::cli::command::pty_child::on_terminal(&arguments),
    }
}

/// Reads a scenario for a clock. What is wrong with it, and what is only odd, is told on standard
/// error.
fn read(file: &Path, reading: &Reading, clock: ClockKind) -> Result<Loaded, ExitCode> {
    match read_quietly(file, reading, clock) {
        Ok(loaded) => {
            tell_diagnostics(&loaded.sources, &loaded.warnings, None);
            Ok(loaded)
        }
        Err(failure) => {
            tell_diagnostics(&failure.sources, &failure.diagnostics, None);
            Err(ExitCode::Usage)
        }
    }
}

/// The same, and nothing is told.
fn read_quietly(file: &Path, reading: &Reading, clock: ClockKind) -> Result<Loaded, Failure> {
    load(file, &Disk, &Options { vars: &reading.vars, env: &environment, clock })
}

/// Tells what is wrong or odd in files, to whoever listens.
fn tell_diagnostics(sources: &Sources, diagnostics: &[Diagnostic], github: Option<&GitHub>) {
    tell(&diagnostics::human(sources, diagnostics, colors()));
    if let Some(github) = github {
        github.diagnostics(sources, diagnostics);
    }
}

/// The seed of a run: the one of the command line, else the scenario's, else one that is drawn.
fn seed_of(given: Option<u64>, scenario: &Scenario) -> Result<u64, ExitCode> {
    given.or(scenario.seed).map_or_else(random::fresh_seed, Ok).map_err(|error| {
        tell_error(format_args!("no seed can be drawn: {error}"));
        ExitCode::Refused
    })
}

/// A variable of the environment, for `${env:NAME}`.
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Whether standard error takes colours.
fn colors() -> bool {
    colors_of(&std::io::stderr())
}

/// Whether a standard stream takes colours.
fn colors_of(stream: &impl RawStream) -> bool {
    // In CI the library takes a dumb terminal for one with colours; it has none there either.
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    let is_wanted = anstream::AutoStream::choice(stream) != anstream::ColorChoice::Never;
    is_wanted && !is_dumb && stream.is_terminal()
}

/// Tells people something. A standard error that is closed is no reason to stop.
fn tell(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Tells people what went wrong, in the manner of the diagnostics. It is one line: what a terminal
/// would act on (in a path, in an argument) is shown as an escape.
fn tell_error(error: impl Display) {
    let error = visible(&error.to_string());
    let style = anstyle::AnsiColor::Red.on_default().effects(anstyle::Effects::BOLD);
    if colors() {
        tell(&format!("{style}error{style:#}: {error}\n"));
    } else {
        tell(&format!("error: {error}\n"));
    }
}

/// Tells that the program itself has a fault.
pub(crate) fn tell_fault(what: &str) {
    tell_error(format_args!("`scenario` itself has a fault: {what}"));
    tell("help: please report it, with this message and the log if there is one\n");
}

/// Prints a result on standard output.
fn print(text: &str) -> ExitCode {
    let mut stdout = std::io::stdout().lock();
    printed(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))
}

/// What it means how the printing of a result went. A reader that has seen enough (`| head`) is no
/// error.
pub(crate) fn printed(result: std::io::Result<()>) -> ExitCode {
    match result {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            tell_error(format_args!("cannot write to standard output: {error}"));
            ExitCode::Refused
        }
        _ => ExitCode::Passed,
    }
}
