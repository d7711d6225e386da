//! `scenario replay`: replays logs, one after the other, and says what was found in each.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::cli::args::{Replay, ReplayFormat};
use crate::cli::command::github::GitHub;
use crate::cli::command::{colors, environment, print, report_files, tell, tell_diagnostics, tell_error};
use crate::cli::exit_code::ExitCode;
use crate::cli::scenario_files::Disk;
use crate::io::log_file;
use crate::io::log_file::writer::Refusal;
use crate::replay::outcome::{Finding, Replayed};
use crate::replay::report::{cause, different, expectations, json, junit, summary, verdict};
use crate::replay::{Ear, replay_expecting};
use crate::report::annotations::of_expected;
use crate::report::feed::Told;
use crate::report::github::Annotation;
use crate::report::junit_cases::Cases;
use crate::report::output_file::Output;
use scenario_core::scenario::model::Scenario;
use scenario_core::scenario::{Expecting, Loaded, Options, load, load_expectations};
use scenario_log::event::{ClockKind, REDACTED};
use scenario_log::reader::Unreadable;
use scenario_log::sanitize::visible;

/// One log with what came of it.
struct Case<'a> {
    log: &'a Path,
    replayed: Replayed,
    took: Duration,
    /// What the logged run is made of.
    run: Cases,
}

pub(super) fn replay(arguments: &Replay) -> ExitCode {
    if let Some(fault) = misuse(arguments) {
        tell_error(fault);
        return ExitCode::Usage;
    }
    let github = GitHub::asked(arguments.github);
    let read = |file: &Path| read_against(file, arguments, github.as_ref());
    let against = match arguments.against.as_deref().map(read).transpose() {
        Ok(against) => against,
        Err(exit) => return exit,
    };
    let junit = report_files::junit_of_replay(arguments);
    let shown = junit.and_then(|junit| replay_all(arguments, against.as_ref(), junit, github.as_ref()));
    shown.unwrap_or_else(|Refusal(refusal)| {
        tell_error(refusal);
        ExitCode::Refused
    })
}

fn replay_all(
    arguments: &Replay,
    against: Option<&Loaded>,
    junit: Option<Output>,
    github: Option<&GitHub>,
) -> Result<ExitCode, Refusal> {
    let mut cases = Vec::new();
    for log in &arguments.logs {
        let started = Instant::now();
        let mut run = Cases::default();
        let mut ear = |told: &Told<'_, '_>| run.take(told);
        let ear = junit.as_ref().map(|_| &mut ear as Ear<'_>);
        let mut expecting = None;
        let replayed = match log_file::open(log) {
            Ok(bytes) => {
                let expectations = |scenario: &Scenario| {
                    expecting = expected_by(arguments, scenario, cases.is_empty(), github)?;
                    Ok(expecting.as_ref().map_or(Vec::new(), |one| one.expectations.clone()))
                };
                let against = against.map(|loaded| &loaded.scenario);
                match replay_expecting(bytes, against, expectations, ear) {
                    Ok(replayed) => replayed,
                    Err(exit) => return Ok(exit),
                }
            }
            Err(error) => refused(error),
        };
        let case = Case { log, replayed, took: started.elapsed(), run };
        let shown = show(&case, arguments);
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
    let shown = conclude(&cases, arguments);
    let worst = cases.iter().map(|case| exit_of(&case.replayed, arguments)).max_by_key(|e| e.code());
    Ok(if shown == ExitCode::Passed { worst.unwrap_or(ExitCode::Passed) } else { shown })
}

/// What cannot go together.
fn misuse(arguments: &Replay) -> Option<&'static str> {
    if arguments.against.is_none() && arguments.expect.is_none() && !arguments.reading.vars.is_empty() {
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

fn refused(error: String) -> Replayed {
    let finding = Finding::Unreadable(Unreadable::Refused(error));
    Replayed { run: None, events: 0, unknown: 0, ended: None, expected: Vec::new(), finding }
}

/// How files are read here. Nothing is started with them, so secrets need not be there: in a log they
/// are redacted anyway.
fn reading(arguments: &Replay) -> Options<'_> {
    let secret: &dyn Fn(&str) -> Option<String> =
        &|name: &str| environment(name).or_else(|| Some(REDACTED.to_owned()));
    Options { vars: &arguments.reading.vars, env: secret, clock: ClockKind::Real }
}

/// What the file of `--expect` expects of a run of this scenario. Its warnings are shown with the first
/// log.
fn expected_by(
    arguments: &Replay,
    scenario: &Scenario,
    is_first: bool,
    github: Option<&GitHub>,
) -> Result<Option<Expecting>, ExitCode> {
    let Some(file) = &arguments.expect else { return Ok(None) };
    match load_expectations(file, &Disk, &reading(arguments), scenario) {
        Ok(expecting) => {
            if is_first {
                tell_diagnostics(&expecting.sources, &expecting.warnings, github);
            }
            Ok(Some(expecting))
        }
        Err(failure) => {
            tell_diagnostics(&failure.sources, &failure.diagnostics, github);
            Err(ExitCode::Usage)
        }
    }
}

/// Reads the scenario that is to stand in the place of the logged one.
fn read_against(file: &Path, arguments: &Replay, github: Option<&GitHub>) -> Result<Loaded, ExitCode> {
    match load(file, &Disk, &reading(arguments)) {
        Ok(loaded) => {
            tell_diagnostics(&loaded.sources, &loaded.warnings, github);
            Ok(loaded)
        }
        Err(failure) => {
            tell_diagnostics(&failure.sources, &failure.diagnostics, github);
            Err(ExitCode::Usage)
        }
    }
}

/// Tells GitHub what was found in a log: at the entry of today's scenario that a difference comes from,
/// at the expectation that is missed, else at the line of the log.
fn annotate(
    github: &GitHub,
    case: &Case<'_>,
    arguments: &Replay,
    (against, expecting): (Option<&Loaded>, Option<&Expecting>),
) {
    let Case { replayed, .. } = case;
    if let Some(Expecting { expectations, sources, .. }) = expecting {
        github.tell(sources, &of_expected(expectations, &replayed.expected).collect::<Vec<_>>());
    }
    if exit_of_finding(&replayed.finding, arguments) == ExitCode::Passed {
        return;
    }
    let log = case.log.to_string_lossy();
    let said = verdict(&log, replayed, false);
    let line = match &replayed.finding {
        Finding::Different(divergence) => {
            let cause = cause(divergence).map(|cause| format!("\ncause: {cause}")).unwrap_or_default();
            let said = format!("{}{cause}", said.trim_end());
            if let Some(Loaded { scenario, sources, .. }) = against {
                let entry =
                    divergence.origin.as_ref().and_then(|origin| scenario.timeline.get(origin.index?));
                let place = entry.map(|entry| entry.place).unwrap_or_default();
                return github.tell(sources, &[Annotation::error(place, "replay", said)]);
            }
            return github.of_line(&log, divergence.logged.line, ("replay", &said));
        }
        Finding::Unreadable(Unreadable::Damaged { line, .. }) => *line,
        _ => 1,
    };
    github.of_line(&log, line, ("replay", said.trim_end()));
}

/// Shows one log as soon as it was replayed.
fn show(case: &Case<'_>, arguments: &Replay) -> ExitCode {
    let log = case.log.to_string_lossy();
    match arguments.format {
        ReplayFormat::Json => print(&format!("{}\n", json::json(&log, &case.replayed))),
        ReplayFormat::Junit => ExitCode::Passed,
        ReplayFormat::Human => {
            if let Finding::Different(divergence) = &case.replayed.finding {
                tell(&different(&log, divergence, &again(case, arguments), colors()));
            }
            tell(&verdict(&log, &case.replayed, colors()));
            tell(&expectations(&case.replayed, colors()));
            match &case.replayed.finding {
                Finding::Unreadable(unreadable) => {
                    if let Some(help) = unreadable.help() {
                        tell(&format!("help: {}\n", visible(help)));
                    }
                }
                Finding::CutShort(_) if !arguments.allow_incomplete => {
                    tell("help: `--allow-incomplete` takes logs that were cut short\n");
                }
                _ => {}
            }
            ExitCode::Passed
        }
    }
}

/// What is said once all logs were replayed.
fn conclude(cases: &[Case<'_>], arguments: &Replay) -> ExitCode {
    match arguments.format {
        ReplayFormat::Human if cases.len() > 1 => {
            tell(&summary(&cases.iter().map(|case| &case.replayed.finding).collect::<Vec<_>>()));
            ExitCode::Passed
        }
        ReplayFormat::Human | ReplayFormat::Json => ExitCode::Passed,
        ReplayFormat::Junit => match test_cases(cases, arguments, false) {
            Ok(report) => print(&report),
            Err(error) => {
                tell_error(format_args!("cannot make the report: {error}"));
                ExitCode::Refused
            }
        },
    }
}

/// The JUnit report, with or without what the runs are made of.
fn test_cases(cases: &[Case<'_>], arguments: &Replay, with_runs: bool) -> Result<String, String> {
    let names: Vec<_> = cases.iter().map(|case| case.log.to_string_lossy()).collect();
    let cases = cases.iter().zip(&names).map(|(case, log)| junit::Case {
        log,
        replayed: &case.replayed,
        took: case.took,
        is_failure: exit_of_finding(&case.replayed.finding, arguments) != ExitCode::Passed,
        again: again(case, arguments),
        run: with_runs.then_some(&case.run),
    });
    junit::junit(&cases.collect::<Vec<_>>())
}

fn exit_of(replayed: &Replayed, arguments: &Replay) -> ExitCode {
    match exit_of_finding(&replayed.finding, arguments) {
        ExitCode::Passed if replayed.expected.iter().any(|expected| !expected.ok) => ExitCode::Failed,
        other => other,
    }
}

fn exit_of_finding(finding: &Finding, arguments: &Replay) -> ExitCode {
    match finding {
        Finding::Same => ExitCode::Passed,
        Finding::CutShort(_) if arguments.allow_incomplete => ExitCode::Passed,
        Finding::Different(_) => ExitCode::Different,
        Finding::Unreadable(Unreadable::Refused(_)) => ExitCode::Refused,
        Finding::CutShort(_) | Finding::Unreadable(_) => ExitCode::BadLog,
    }
}

/// The commands that show more of a difference: the run once more, and what is different in it.
fn again(case: &Case<'_>, arguments: &Replay) -> String {
    let log = word(case.log);
    let clock = match &case.replayed.run {
        Some(run) if run.clock == ClockKind::Virtual => " --clock virtual",
        _ => "",
    };
    let (first, scenario) = match (&arguments.against, &case.replayed.run) {
        (Some(file), Some(run)) => (String::new(), format!("{} --seed {}", word(file), run.seed)),
        _ => (format!("      scenario extract {log} > again.toml\n"), "again.toml".to_owned()),
    };
    format!(
        "{first}      scenario run {scenario}{clock} --log again.jsonl\n      scenario diff {log} again.jsonl"
    )
}

/// A path as a word of a shell.
fn word(path: &Path) -> String {
    let text = visible(&path.to_string_lossy());
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_./-+,:@%=".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}
