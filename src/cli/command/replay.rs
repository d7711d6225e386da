//! `scenario replay`: replays logs, one after the other, and says what was found in each.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::cli::args::{ReplayArgs, ReplayFormat};
use crate::cli::command::github::GitHubAnnotator;
use crate::cli::command::{
    env_var, print_stdout, report_diagnostics, report_error, report_files, stderr_has_color, write_stderr,
};
use crate::cli::exit_code::ExitCode;
use crate::cli::scenario_files::DiskFiles;
use crate::io::log_file;
use crate::io::log_file::writer::RefusedError;
use crate::replay::outcome::{ReplayFinding, ReplayResult};
use crate::replay::report::{
    describe_cause, json, junit, render_divergence, render_expectations, render_summary, render_verdict,
};
use crate::replay::{EventCallback, replay_with_expectations};
use crate::report::feed::LogEvent;
use crate::report::github_annotations::GitHubAnnotation;
use crate::report::junit_cases::JunitCases;
use crate::report::output_file::OutputFile;
use crate::report::run_annotations::expectation_annotations;
use scenario_core::scenario::model::Scenario;
use scenario_core::scenario::{
    LoadedExpectations, LoadedScenario, ScenarioOptions, load_expectations, load_scenario,
};
use scenario_log::event::{ClockKind, REDACTED};
use scenario_log::reader::LogReadError;
use scenario_log::sanitize::sanitize;

/// One log with what came of it.
struct ReplayedLog<'a> {
    log: &'a Path,
    replayed: ReplayResult,
    took: Duration,
    /// What the logged run is made of.
    junit_cases: JunitCases,
}

pub(super) fn replay(arguments: &ReplayArgs) -> ExitCode {
    if let Some(fault) = find_misuse(arguments) {
        report_error(fault);
        return ExitCode::Usage;
    }
    let github = GitHubAnnotator::detect(arguments.github);
    let read = |file: &Path| read_against(file, arguments, github.as_ref());
    let against = match arguments.against.as_deref().map(read).transpose() {
        Ok(against) => against,
        Err(exit) => return exit,
    };
    let junit = report_files::open_replay_junit(arguments);
    let shown = junit.and_then(|junit| replay_all(arguments, against.as_ref(), junit, github.as_ref()));
    shown.unwrap_or_else(|RefusedError(refusal)| {
        report_error(refusal);
        ExitCode::Refused
    })
}

fn replay_all(
    arguments: &ReplayArgs,
    against: Option<&LoadedScenario>,
    junit: Option<OutputFile>,
    github: Option<&GitHubAnnotator>,
) -> Result<ExitCode, RefusedError> {
    let mut cases = Vec::new();
    for log in &arguments.logs {
        let started = Instant::now();
        let mut run = JunitCases::default();
        let mut ear = |told: &LogEvent<'_, '_>| run.on_event(told);
        let ear = junit.as_ref().map(|_| &mut ear as EventCallback<'_>);
        let mut expecting = None;
        let replayed = match log_file::open_log(log) {
            Ok(bytes) => {
                let expectations = |scenario: &Scenario| {
                    expecting = load_expected(arguments, scenario, cases.is_empty(), github)?;
                    Ok(expecting.as_ref().map_or(Vec::new(), |one| one.expectations.clone()))
                };
                let against = against.map(|loaded| &loaded.scenario);
                match replay_with_expectations(bytes, against, expectations, ear) {
                    Ok(replayed) => replayed,
                    Err(exit) => return Ok(exit),
                }
            }
            Err(error) => refused_result(error),
        };
        let case = ReplayedLog { log, replayed, took: started.elapsed(), junit_cases: run };
        let shown = show_log_result(&case, arguments);
        if shown != ExitCode::Passed {
            return Ok(shown);
        }
        if let Some(github) = github {
            annotate(github, &case, arguments, (against, expecting.as_ref()));
        }
        cases.push(case);
    }
    if let Some(output) = junit {
        report_files::write_junit(output, test_cases(&cases, arguments, true))?;
    }
    let shown = show_conclusion(&cases, arguments);
    let worst = cases.iter().map(|case| case_exit_code(&case.replayed, arguments)).max_by_key(|e| e.code());
    Ok(if shown == ExitCode::Passed { worst.unwrap_or(ExitCode::Passed) } else { shown })
}

/// What cannot go together.
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

fn refused_result(error: String) -> ReplayResult {
    let finding = ReplayFinding::Unreadable(LogReadError::Io(error));
    ReplayResult { run: None, events: 0, unknown_lines: 0, end: None, expectations: Vec::new(), finding }
}

/// How files are read here. Nothing is started with them, so secrets need not be there: in a log they
/// are redacted anyway.
fn read_options(arguments: &ReplayArgs) -> ScenarioOptions<'_> {
    let secret: &dyn Fn(&str) -> Option<String> =
        &|name: &str| env_var(name).or_else(|| Some(REDACTED.to_owned()));
    ScenarioOptions { vars: &arguments.variables.vars, env: secret, clock: ClockKind::Real }
}

/// What the file of `--expect` expects of a run of this scenario. Its warnings are shown with the first
/// log.
fn load_expected(
    arguments: &ReplayArgs,
    scenario: &Scenario,
    is_first: bool,
    github: Option<&GitHubAnnotator>,
) -> Result<Option<LoadedExpectations>, ExitCode> {
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
            Err(ExitCode::Usage)
        }
    }
}

/// Reads the scenario that is to stand in the place of the logged one.
fn read_against(
    file: &Path,
    arguments: &ReplayArgs,
    github: Option<&GitHubAnnotator>,
) -> Result<LoadedScenario, ExitCode> {
    match load_scenario(file, &DiskFiles, &read_options(arguments)) {
        Ok(loaded) => {
            report_diagnostics(&loaded.sources, &loaded.warnings, github);
            Ok(loaded)
        }
        Err(failure) => {
            report_diagnostics(&failure.sources, &failure.diagnostics, github);
            Err(ExitCode::Usage)
        }
    }
}

/// Tells GitHub what was found in a log: at the entry of today's scenario that a difference comes from,
/// at the expectation that is missed, else at the line of the log.
fn annotate(
    github: &GitHubAnnotator,
    case: &ReplayedLog<'_>,
    arguments: &ReplayArgs,
    (against, expecting): (Option<&LoadedScenario>, Option<&LoadedExpectations>),
) {
    let ReplayedLog { replayed, .. } = case;
    if let Some(LoadedExpectations { expectations, sources, .. }) = expecting {
        github.write_annotations(
            sources,
            &expectation_annotations(expectations, &replayed.expectations).collect::<Vec<_>>(),
        );
    }
    if finding_exit_code(&replayed.finding, arguments) == ExitCode::Passed {
        return;
    }
    let log = case.log.to_string_lossy();
    let said = render_verdict(&log, replayed, false);
    let line = match &replayed.finding {
        ReplayFinding::Different(divergence) => {
            let cause =
                describe_cause(divergence).map(|cause| format!("\ncause: {cause}")).unwrap_or_default();
            let said = format!("{}{cause}", said.trim_end());
            if let Some(LoadedScenario { scenario, sources, .. }) = against {
                let entry =
                    divergence.origin.as_ref().and_then(|origin| scenario.timeline.get(origin.index?));
                let place = entry.map(|entry| entry.place).unwrap_or_default();
                return github.write_annotations(sources, &[GitHubAnnotation::error(place, "replay", said)]);
            }
            return github.write_line_error(&log, divergence.logged.line, ("replay", &said));
        }
        ReplayFinding::Unreadable(LogReadError::Damaged { line, .. }) => *line,
        _ => 1,
    };
    github.write_line_error(&log, line, ("replay", said.trim_end()));
}

/// Shows one log as soon as it was replayed.
fn show_log_result(case: &ReplayedLog<'_>, arguments: &ReplayArgs) -> ExitCode {
    let log = case.log.to_string_lossy();
    match arguments.format {
        ReplayFormat::Json => print_stdout(&format!("{}\n", json::render_json(&log, &case.replayed))),
        ReplayFormat::Junit => ExitCode::Passed,
        ReplayFormat::Human => {
            if let ReplayFinding::Different(divergence) = &case.replayed.finding {
                write_stderr(&render_divergence(
                    &log,
                    divergence,
                    &rerun_commands(case, arguments),
                    stderr_has_color(),
                ));
            }
            write_stderr(&render_verdict(&log, &case.replayed, stderr_has_color()));
            write_stderr(&render_expectations(&case.replayed, stderr_has_color()));
            match &case.replayed.finding {
                ReplayFinding::Unreadable(unreadable) => {
                    if let Some(help) = unreadable.help() {
                        write_stderr(&format!("help: {}\n", sanitize(help)));
                    }
                }
                ReplayFinding::CutShort(_) if !arguments.allow_incomplete => {
                    write_stderr("help: `--allow-incomplete` takes logs that were cut short\n");
                }
                _ => {}
            }
            ExitCode::Passed
        }
    }
}

/// What is said once all logs were replayed.
fn show_conclusion(cases: &[ReplayedLog<'_>], arguments: &ReplayArgs) -> ExitCode {
    match arguments.format {
        ReplayFormat::Human if cases.len() > 1 => {
            write_stderr(&render_summary(
                &cases.iter().map(|case| &case.replayed.finding).collect::<Vec<_>>(),
            ));
            ExitCode::Passed
        }
        ReplayFormat::Human | ReplayFormat::Json => ExitCode::Passed,
        ReplayFormat::Junit => match test_cases(cases, arguments, false) {
            Ok(report) => print_stdout(&report),
            Err(error) => {
                report_error(format_args!("cannot make the report: {error}"));
                ExitCode::Refused
            }
        },
    }
}

/// The JUnit report, with or without what the runs are made of.
fn test_cases(cases: &[ReplayedLog<'_>], arguments: &ReplayArgs, with_runs: bool) -> std::io::Result<String> {
    let names: Vec<_> = cases.iter().map(|case| case.log.to_string_lossy()).collect();
    let cases = cases.iter().zip(&names).map(|(case, log)| junit::ReplayCase {
        log,
        replayed: &case.replayed,
        took: case.took,
        is_failure: finding_exit_code(&case.replayed.finding, arguments) != ExitCode::Passed,
        rerun_commands: rerun_commands(case, arguments),
        junit_cases: with_runs.then_some(&case.junit_cases),
    });
    junit::render_junit(&cases.collect::<Vec<_>>())
}

fn case_exit_code(replayed: &ReplayResult, arguments: &ReplayArgs) -> ExitCode {
    match finding_exit_code(&replayed.finding, arguments) {
        ExitCode::Passed if replayed.expectations.iter().any(|expected| !expected.ok) => ExitCode::Failed,
        other => other,
    }
}

fn finding_exit_code(finding: &ReplayFinding, arguments: &ReplayArgs) -> ExitCode {
    match finding {
        ReplayFinding::Same => ExitCode::Passed,
        ReplayFinding::CutShort(_) if arguments.allow_incomplete => ExitCode::Passed,
        ReplayFinding::Different(_) => ExitCode::Different,
        ReplayFinding::Unreadable(LogReadError::Io(_)) => ExitCode::Refused,
        ReplayFinding::CutShort(_) | ReplayFinding::Unreadable(_) => ExitCode::UnusableLog,
    }
}

/// The commands that show more of a difference: the run once more, and what is different in it.
fn rerun_commands(case: &ReplayedLog<'_>, arguments: &ReplayArgs) -> String {
    let log = shell_word(case.log);
    let clock = match &case.replayed.run {
        Some(run) if run.clock == ClockKind::Virtual => " --clock virtual",
        _ => "",
    };
    let (first, scenario) = match (&arguments.against, &case.replayed.run) {
        (Some(file), Some(run)) => (String::new(), format!("{} --seed {}", shell_word(file), run.seed)),
        _ => (format!("      scenario extract {log} > again.toml\n"), "again.toml".to_owned()),
    };
    format!(
        "{first}      scenario run {scenario}{clock} --log again.jsonl\n      scenario diff {log} again.jsonl"
    )
}

/// A path as a word of a shell.
fn shell_word(path: &Path) -> String {
    let text = sanitize(&path.to_string_lossy());
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_./-+,:@%=".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}
