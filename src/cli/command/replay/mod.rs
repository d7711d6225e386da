//! `scenario replay`: replays logs, one after the other, and shows what was found in each.

mod against;
mod annotations;
mod exit_codes;
mod output;

use std::path::Path;
use std::time::{Duration, Instant};

use crate::cli::args::{ReplayArgs, ReplayFormat};
use crate::cli::command::cli_error::CliError;
use crate::cli::command::github::GitHubAnnotator;
use crate::cli::command::{env_var, report_diagnostics, report_files};
use crate::cli::exit_code::ExitCode;
use crate::cli::scenario_files::DiskFiles;
use crate::io::log_file;
use crate::io::log_file::OpenLogError;
use crate::replay::outcome::{ReplayFinding, ReplayResult};
use crate::replay::{EventCallback, replay_with_expectations};
use crate::report::feed::LogEvent;
use crate::report::junit_cases::JunitCases;
use crate::report::output_file::OutputFile;
use scenario_core::scenario::model::Scenario;
use scenario_core::scenario::{
    LoadedExpectations, LoadedScenario, ScenarioOptions, load_expectations, load_scenario,
};
use scenario_log::event::{ClockKind, REDACTED};
use scenario_log::reader::{LogReadError, TruncatedEnd};

/// One log with its result.
struct ReplayedLog<'a> {
    log: &'a Path,
    replayed: ReplayResult,
    took: Duration,
    /// The test cases of the logged run; empty without `--junit`.
    junit_cases: JunitCases,
}

/// The files of the command line, read and opened once for all logs.
struct ReplaySetup<'a> {
    arguments: &'a ReplayArgs,
    github: Option<GitHubAnnotator>,
    /// The scenario of `--against`.
    against: Option<LoadedScenario>,
    junit: Option<OutputFile>,
}

pub(super) fn replay(arguments: &ReplayArgs) -> ExitCode {
    ReplaySetup::new(arguments).and_then(ReplaySetup::run).unwrap_or_else(CliError::report)
}

impl<'a> ReplaySetup<'a> {
    fn new(arguments: &'a ReplayArgs) -> Result<ReplaySetup<'a>, CliError> {
        if let Some(misuse) = find_misuse(arguments) {
            return Err(CliError::usage(misuse));
        }
        let github = GitHubAnnotator::detect(arguments.github);
        let read = |file: &Path| read_against(file, arguments, github.as_ref());
        let against = arguments.against.as_deref().map(read).transpose()?;
        let junit = report_files::open_replay_junit(arguments, against.as_ref())?;
        Ok(ReplaySetup { arguments, github, against, junit })
    }

    fn run(self) -> Result<ExitCode, CliError> {
        let allow_incomplete = self.arguments.allow_incomplete;
        let mut cases = Vec::new();
        for log in &self.arguments.logs {
            let (case, expecting) = self.replay_log(log, cases.is_empty())?;
            let printed = output::show_log_result(&case, self.arguments);
            if printed != ExitCode::Passed {
                return Ok(printed);
            }
            if let Some(github) = &self.github {
                let against = self.against.as_ref();
                annotations::annotate(github, &case, against, expecting.as_ref(), allow_incomplete);
            }
            cases.push(case);
        }
        if let Some(output) = self.junit {
            report_files::write_junit(output, output::render_test_cases(&cases, self.arguments, true))?;
        }
        let printed = output::show_conclusion(&cases, self.arguments)?;
        let codes = cases.iter().map(|case| exit_codes::log_exit_code(&case.replayed, allow_incomplete));
        let worst = codes.max_by_key(|exit| exit.code()).unwrap_or(ExitCode::Passed);
        Ok(if printed == ExitCode::Passed { worst } else { printed })
    }

    /// Replays one log. The warnings of `--expect` are shown with the first.
    fn replay_log<'l>(
        &self,
        log: &'l Path,
        is_first: bool,
    ) -> Result<(ReplayedLog<'l>, Option<LoadedExpectations>), CliError> {
        let started = Instant::now();
        let mut junit_cases = JunitCases::default();
        let mut on_event = |logged: &LogEvent<'_, '_>| junit_cases.on_event(logged);
        let on_event = self.junit.as_ref().map(|_| &mut on_event as EventCallback<'_>);
        let mut expecting = None;
        let replayed = match log_file::open_log(log) {
            Ok(bytes) => {
                let expectations = |scenario: &Scenario| -> Result<_, CliError> {
                    expecting = load_expected(self.arguments, scenario, is_first, self.github.as_ref())?;
                    Ok(expecting.as_ref().map_or(Vec::new(), |loaded| loaded.expectations.clone()))
                };
                let with_ports = self
                    .against
                    .as_ref()
                    .and_then(|own| against::with_logged_ports(own, self.arguments, log));
                let against = with_ports.as_ref().or(self.against.as_ref()).map(|loaded| &loaded.scenario);
                replay_with_expectations(bytes, against, expectations, on_event)?
            }
            Err(error) => unopened_result(&error, self.arguments.allow_incomplete),
        };
        let replayed = ReplayResult { must_pass: self.arguments.passed, ..replayed };
        Ok((ReplayedLog { log, replayed, took: started.elapsed(), junit_cases }, expecting))
    }
}

/// The message for the first combination of options that makes no sense.
fn find_misuse(arguments: &ReplayArgs) -> Option<&'static str> {
    if arguments.against.is_none() && arguments.expect.is_none() && !arguments.variables.vars.is_empty() {
        return Some("`--var` is for the files of `--against` and `--expect`; a logged scenario is whole");
    }
    let is_on_stdout = arguments.junit.as_deref().is_some_and(|junit| junit.as_os_str() == "-");
    if is_on_stdout && arguments.format != ReplayFormat::Human {
        return Some("standard output cannot be the `--format` and the `--junit`");
    }
    let files = arguments.logs.iter().chain(&arguments.against).chain(&arguments.expect);
    (files.filter(|file| file.as_os_str() == "-").count() > 1)
        .then_some("standard input can be read once only: one `-`")
}

/// The result for a log that cannot be opened. With `allow_incomplete`, one that is not there was cut short
/// before its first line.
fn unopened_result(error: &OpenLogError, allow_incomplete: bool) -> ReplayResult {
    let finding = match allow_incomplete && error.is_missing() {
        true => ReplayFinding::CutShort(TruncatedEnd { last_line: 0, whole_bytes: 0, trailing: None }),
        false => ReplayFinding::Unreadable(LogReadError::Io(error.to_string())),
    };
    let (run, end) = (None, None);
    ReplayResult {
        run,
        events: 0,
        unknown_lines: 0,
        end,
        must_pass: false,
        expectations: Vec::new(),
        finding,
    }
}

/// The options for reading scenario files. A replay starts nothing, so a secret may be missing from the
/// environment: the log has it redacted anyway.
fn read_options(arguments: &ReplayArgs) -> ScenarioOptions<'_> {
    let secret: &dyn Fn(&str) -> Option<String> =
        &|name: &str| env_var(name).or_else(|| Some(REDACTED.to_owned()));
    ScenarioOptions { vars: &arguments.variables.vars, env: secret, clock: ClockKind::Real }
}

/// Loads the expectations of `--expect` for a run of this scenario. Their warnings are shown once.
fn load_expected(
    arguments: &ReplayArgs,
    scenario: &Scenario,
    is_first: bool,
    github: Option<&GitHubAnnotator>,
) -> Result<Option<LoadedExpectations>, CliError> {
    let Some(file) = &arguments.expect else { return Ok(None) };
    match load_expectations(file, &DiskFiles, &read_options(arguments), scenario) {
        Ok(expecting) => {
            if is_first {
                report_diagnostics(&expecting.sources, &expecting.warnings, github);
            }
            Ok(Some(expecting))
        }
        Err(failure) => {
            report_diagnostics(&failure.sources, &failure.diagnostics, github);
            Err(CliError::already_reported(ExitCode::Usage))
        }
    }
}

/// Loads the scenario of `--against`, which replaces the logged one.
fn read_against(
    file: &Path,
    arguments: &ReplayArgs,
    github: Option<&GitHubAnnotator>,
) -> Result<LoadedScenario, CliError> {
    match load_scenario(file, &DiskFiles, &read_options(arguments)) {
        Ok(loaded) => {
            report_diagnostics(&loaded.sources, &loaded.warnings, github);
            Ok(loaded)
        }
        Err(failure) => {
            report_diagnostics(&failure.sources, &failure.diagnostics, github);
            Err(CliError::already_reported(ExitCode::Usage))
        }
    }
}
