//! `--watch`: repeats a command whenever the files of its scenario change.

use crate::cli::args::RunArgs;
use crate::cli::command::cli_error::CliError;
use crate::cli::command::github::GitHubAnnotator;
use crate::cli::command::serve::LastingPage;
use crate::cli::command::{env_var, report_diagnostics, report_error, serve, write_stderr};
use crate::cli::exit_code::ExitCode;
use crate::cli::scenario_files::RecordingFiles;
use crate::io::file_watch::{FileWatchList, FileWatcher};
use crate::io::guard;
use crate::io::guard::GuardedExit;
use crate::io::log_file::writer::RefusedError;
use crate::run::web_publisher::WebPublisher;
use crate::web::page::{LivePage, PageView};
use scenario_core::diagnostic::{Diagnostic, Severity};
use scenario_core::scenario::{ScenarioError, ScenarioOptions, load_scenario};
use scenario_log::signal::Signal;
use scenario_log::time::Moment;

/// The notice of a watch that waits.
pub(super) const WATCH_NOTICE: &str = "waits for a change; Ctrl-C ends";

/// Runs a scenario again and again, each time in a new process, until a signal comes.
pub(super) fn run_watching(arguments: &RunArgs) -> ExitCode {
    let github = GitHubAnnotator::detect(arguments.github);
    let page = match LastingPage::find(&arguments.serving) {
        Ok(page) => page,
        Err(error) => return CliError::from(error).report(),
    };
    let variables = page.as_ref().map(LastingPage::variables);
    let variables: Vec<_> = variables.into_iter().flatten().collect();
    let run_once = |watcher: &mut FileWatcher| {
        let files = RecordingFiles::default();
        let options =
            ScenarioOptions { vars: &arguments.variables.vars, env: &env_var, clock: arguments.clock.into() };
        let loaded = load_scenario(&arguments.file, &files, &options);
        let changes = files.changes();
        if let Err(failure) = loaded {
            report_diagnostics(&failure.sources, &failure.diagnostics, github.as_ref());
            let Some(page) = &page else { return Ok(changes) };
            return match serve_errors(page, &failure, watcher, &changes) {
                Ok(Some(signal)) => Err(ExitCode::Signalled(signal)),
                Ok(None) => Ok(changes),
                Err(RefusedError(error)) => {
                    report_error(format_args!("the page cannot be served: {error}"));
                    Ok(changes)
                }
            };
        }
        let Some(GuardedExit { code, death_message }) = guard::guard(None, Some(&changes), &variables) else {
            report_error("`--watch` starts the program again and again, which cannot be done here");
            return Err(ExitCode::Refused);
        };
        if let Some(message) = death_message {
            report_error(message);
        }
        match watcher.take_end_signal() {
            // The run had ended before, and its page stayed.
            Some(signal) if code <= ExitCode::Failed.code() => Err(ExitCode::Signalled(signal)),
            Some(_) => Err(ExitCode::FromGuarded(code)),
            None => Ok(changes),
        }
    };
    repeat_on_change(arguments.quiet, run_once)
}

/// Serves a page that shows the errors of a scenario, until a file changes, which gives `None`, or a signal
/// comes.
fn serve_errors(
    page: &LastingPage,
    failure: &ScenarioError,
    watcher: &mut FileWatcher,
    changes: &FileWatchList,
) -> Result<Option<Signal>, RefusedError> {
    let (server, link) = page.serve()?;
    serve::report_link(&link);
    write_stderr(&format!("           {WATCH_NOTICE}\n"));
    let errors = failure.diagnostics.iter().filter(|found| found.severity == Severity::Error);
    let errors: Vec<String> = errors.map(|error| one_line(failure, error)).collect();
    let file = failure.sources.get(0).map_or("the scenario", |file| &*file.name);
    let mut shown = LivePage::for_errors(file, &errors);
    let mut publisher = WebPublisher::new(server);
    publisher.refuse_actions();
    let view = PageView {
        t: Moment::ZERO,
        is_clock_running: false,
        progress: None,
        readers: (0, 0),
        playback: None,
    };
    let signal = watcher.wait_for_change_beside(changes, async {
        loop {
            publisher.publish(&mut shown, view);
            publisher.next_action().await;
        }
    });
    publisher.close(signal.is_none());
    Ok(signal)
}

/// An error with its place, in one line.
fn one_line(failure: &ScenarioError, error: &Diagnostic) -> String {
    let place = error.place.map(|place| format!("{}: ", failure.sources.locate(place))).unwrap_or_default();
    format!("{place}{}", error.message)
}

/// Repeats a command until it returns an exit code, or a signal ends it. Each time the command returns the
/// files whose changes start it again.
pub(super) fn repeat_on_change(
    is_quiet: bool,
    mut run_once: impl FnMut(&mut FileWatcher) -> Result<FileWatchList, ExitCode>,
) -> ExitCode {
    let mut watcher = match FileWatcher::new() {
        Ok(watcher) => watcher,
        Err(error) => {
            report_error(format_args!("cannot receive signals: {error}"));
            return ExitCode::Refused;
        }
    };
    loop {
        let changes = match run_once(&mut watcher) {
            Ok(changes) => changes,
            Err(exit) => return exit,
        };
        let show = |text: &str| {
            if !is_quiet {
                write_stderr(text)
            }
        };
        // A run with a page has waited for the change itself.
        if !changes.have_changed() {
            show(&format!("           {WATCH_NOTICE}\n"));
        }
        if let Some(signal) = watcher.wait_for_change(&changes) {
            return ExitCode::Signalled(signal);
        }
        show("           it has changed\n");
    }
}
