//! The output of `scenario replay`: text, JSON or JUnit, and the commands that show more of a difference.

use std::io;
use std::path::Path;

use crate::cli::args::{ReplayArgs, ReplayFormat};
use crate::cli::command::cli_error::CliError;
use crate::cli::command::replay::ReplayedLog;
use crate::cli::command::replay::exit_codes::finding_exit_code;
use crate::cli::command::{print_stdout, stderr_has_color, write_stderr};
use crate::cli::exit_code::ExitCode;
use crate::replay::outcome::ReplayFinding;
use crate::replay::report::{
    json, junit, render_divergence, render_expectations, render_summary, render_verdict,
};
use scenario_log::event::ClockKind;
use scenario_log::sanitize::sanitize;

/// Shows the result of one log, as soon as it is replayed. The exit code is that of printing.
pub(super) fn show_log_result(case: &ReplayedLog<'_>, arguments: &ReplayArgs) -> ExitCode {
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
                ReplayFinding::CutShort(cut) if !arguments.allow_incomplete && cut.last_line > 0 => {
                    write_stderr("help: `--allow-incomplete` takes logs that were cut short\n");
                }
                _ => {}
            }
            ExitCode::Passed
        }
    }
}

/// Shows what belongs to all logs, after the last one. The exit code is that of printing.
pub(super) fn show_conclusion(
    cases: &[ReplayedLog<'_>],
    arguments: &ReplayArgs,
) -> Result<ExitCode, CliError> {
    match arguments.format {
        ReplayFormat::Human if cases.len() > 1 => {
            write_stderr(&render_summary(
                &cases.iter().map(|case| &case.replayed.finding).collect::<Vec<_>>(),
            ));
            Ok(ExitCode::Passed)
        }
        ReplayFormat::Human | ReplayFormat::Json => Ok(ExitCode::Passed),
        ReplayFormat::Junit => {
            let report = render_test_cases(cases, arguments, false)
                .map_err(|error| CliError::refused(format_args!("cannot make the report: {error}")))?;
            Ok(print_stdout(&report))
        }
    }
}

/// The JUnit report, with or without the test cases of the logged runs.
pub(super) fn render_test_cases(
    cases: &[ReplayedLog<'_>],
    arguments: &ReplayArgs,
    with_runs: bool,
) -> io::Result<String> {
    let names: Vec<_> = cases.iter().map(|case| case.log.to_string_lossy()).collect();
    let cases = cases.iter().zip(&names).map(|(case, log)| junit::ReplayCase {
        log,
        replayed: &case.replayed,
        took: case.took,
        is_failure: finding_exit_code(&case.replayed, arguments.allow_incomplete) != ExitCode::Passed,
        rerun_commands: rerun_commands(case, arguments),
        junit_cases: with_runs.then_some(&case.junit_cases),
    });
    junit::render_junit(&cases.collect::<Vec<_>>())
}

/// The commands that show more of a difference: run the scenario again, and compare the logs.
fn rerun_commands(case: &ReplayedLog<'_>, arguments: &ReplayArgs) -> String {
    let log = shell_word(case.log);
    let clock = match &case.replayed.run {
        Some(run) if run.clock == ClockKind::Virtual => " --clock virtual",
        _ => "",
    };
    let (extract, scenario) = match (&arguments.against, &case.replayed.run) {
        (Some(file), Some(run)) => (String::new(), format!("{} --seed {}", shell_word(file), run.seed)),
        _ => (format!("      scenario extract {log} > again.toml\n"), "again.toml".to_owned()),
    };
    format!(
        "{extract}      scenario run {scenario}{clock} --log again.jsonl\n      scenario diff {log} again.jsonl"
    )
}

/// A path as one word of a shell, quoted if that is needed.
fn shell_word(path: &Path) -> String {
    let text = sanitize(&path.to_string_lossy());
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_./-+,:@%=".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}
