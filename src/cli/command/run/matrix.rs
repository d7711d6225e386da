//! `scenario run --matrix`: a run of each combination of the values in the `[matrix]`, each by this program
//! itself with these values on its command line. So a run is the same alone and beside others.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::matrix_table::{MatrixRun, MatrixTable, RanCombination};
use super::{load_for_run, run_guarded};
use crate::cli::args::{ClockArg, RunArgs};
use crate::cli::command::cli_error::CliError;
use crate::cli::command::log_path::new_log_paths;
use crate::cli::command::{report_diagnostics, report_error, report_files, write_stderr};
use crate::cli::exit_code::ExitCode;
use crate::io::guard::lifeline::Lifeline;
use crate::io::side_by_side::{EndedRun, run_side_by_side};
use crate::report::junit_xml;
use scenario_core::scenario::{LoadedScenario, combinations};
use scenario_log::sanitize::sanitize_lines;

/// The name of the axis that is the seed.
const SEED: &str = "seed";

/// The longest part of a log's name that tells the combination, in characters.
const MAX_SUFFIX: usize = 120;

/// Mentions the matrix of a file in a run that does not use it.
pub(super) fn report_unused_matrix(arguments: &RunArgs, loaded: &LoadedScenario) {
    let count = combinations(&loaded.matrix).len();
    if count > 0 && !arguments.quiet {
        let runs = if count == 1 { "1 combination".to_owned() } else { format!("{count} combinations") };
        write_stderr(&format!("note: the [matrix] of this file has {runs}; `--matrix` runs them all\n"));
    }
}

/// Runs every combination. The exit code is that of the worst run.
pub(super) fn run_matrix(
    arguments: &RunArgs,
    loaded: &LoadedScenario,
    lifeline: Option<Lifeline>,
) -> Result<ExitCode, CliError> {
    let combinations = combinations(&loaded.matrix);
    if combinations.is_empty() {
        return Err(CliError::usage(
            "this file has no matrix: add [matrix] with lists of values, such as seed = [1, 2]",
        ));
    }
    check_options(arguments, loaded)?;
    if lifeline.is_none() {
        check_combinations(arguments, &combinations)?;
        report_diagnostics(&loaded.sources, &loaded.warnings, None);
        if let Some(exit) = run_guarded(arguments, loaded) {
            return Ok(exit);
        }
    }
    let runs = plan_runs(arguments, loaded, combinations)?;
    let mut kept = report_files::scenario_files(loaded);
    runs.iter().for_each(|run| kept.add(&run.log, "a log of the matrix"));
    let junit =
        arguments.junit.as_deref().map(|path| report_files::open("--junit", path, &kept)).transpose()?;
    let is_guarded = lifeline.is_some();
    let mut table = MatrixTable::new(&runs, arguments.quiet);
    let commands = runs.iter().map(|run| run_arguments(arguments, run)).collect();
    let signal = run_side_by_side(commands, arguments.jobs.into(), lifeline, |ended| {
        report_output(&runs[ended.index], &ended);
        table.add(RanCombination::read(ended.index, ended.code, &runs[ended.index].log));
    });
    let signal = signal.map_err(|error| CliError::refused(format_args!("cannot start a run: {error}")))?;
    write_stderr(&table.render(&runs));
    if let Some(output) = junit {
        let xml = junit_xml::render_xml(&loaded.scenario.name, table.junit_suites(&runs));
        report_files::write_junit(output, xml)?;
    }
    Ok(match signal {
        Some(signal) if is_guarded => ExitCode::SignalledUnderGuard(signal),
        Some(signal) => ExitCode::Signalled(signal),
        None => worst_exit(&table.codes()),
    })
}

/// The code of a run that could not be made goes before that of a run that did not pass.
fn worst_exit(codes: &[u8]) -> ExitCode {
    match codes.iter().find(|code| **code > 1) {
        Some(code) => ExitCode::FromGuarded(*code),
        None if codes.contains(&1) => ExitCode::Failed,
        None => ExitCode::Passed,
    }
}

/// Checks that no option gives a value of the matrix.
fn check_options(arguments: &RunArgs, loaded: &LoadedScenario) -> Result<(), CliError> {
    let is_axis = |name: &str| loaded.matrix.iter().any(|axis| axis.name == name);
    if arguments.seed.is_some() && is_axis(SEED) {
        return Err(CliError::usage("the matrix has seeds of its own: leave `--seed` out"));
    }
    match arguments.variables.vars.iter().find(|(name, _)| is_axis(name)) {
        Some((name, _)) => Err(CliError::usage(format_args!(
            "the matrix has values of `{name}`: leave `--var {name}=…` out"
        ))),
        None => Ok(()),
    }
}

/// The values of variables of a run: those of the command line, and those of the combination.
fn vars_of(arguments: &RunArgs, values: &[(String, String)]) -> Vec<(String, String)> {
    let own = values.iter().filter(|(name, _)| name != SEED);
    arguments.variables.vars.iter().chain(own).cloned().collect()
}

/// Loads each combination, so that nothing is started if one of them is wrong.
fn check_combinations(arguments: &RunArgs, combinations: &[Vec<(String, String)>]) -> Result<(), CliError> {
    for values in combinations {
        if let Err(failure) = load_for_run(arguments, &vars_of(arguments, values)) {
            let run = MatrixRun { values: values.clone(), log: PathBuf::new() };
            report_error(format_args!("the matrix has a combination that cannot be run: {}", run.label()));
            report_diagnostics(&failure.sources, &failure.diagnostics, None);
            return Err(CliError::already_reported(ExitCode::Usage));
        }
    }
    Ok(())
}

/// The runs with their logs, of which none exists unless it may be written over.
fn plan_runs(
    arguments: &RunArgs,
    loaded: &LoadedScenario,
    combinations: Vec<Vec<(String, String)>>,
) -> Result<Vec<MatrixRun>, CliError> {
    let suffixes: Vec<String> =
        combinations.iter().enumerate().map(|(n, values)| suffix(n, values)).collect();
    let logs = match &arguments.log {
        Some(log) => suffixes.iter().map(|suffix| with_suffix(log, suffix)).collect(),
        None => new_log_paths(&loaded.scenario.name, &suffixes)?,
    };
    if let Some(log) = logs.iter().find(|log| !arguments.force && log.exists()) {
        return Err(CliError::refused(format_args!(
            "{} exists already: choose another `--log`, or add `--force`",
            log.display()
        )));
    }
    Ok(combinations.into_iter().zip(logs).map(|(values, log)| MatrixRun { values, log }).collect())
}

/// The part of a log's name that tells the combination: `users-50-seed-1`. A long one is its number.
fn suffix(index: usize, values: &[(String, String)]) -> String {
    let words: Vec<String> = values.iter().map(|(name, value)| format!("{name}-{value}")).collect();
    let safe = |c: char| if c.is_ascii_alphanumeric() || "_.-".contains(c) { c } else { '-' };
    let suffix: String = words.join("-").chars().map(safe).collect();
    let is_plain = words.join("-") == suffix && suffix.chars().count() <= MAX_SUFFIX;
    if is_plain {
        suffix
    } else {
        format!("{}-{}", suffix.chars().take(MAX_SUFFIX).collect::<String>(), index + 1)
    }
}

/// A path whose name has a suffix before its extension.
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{suffix}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// The command line of one run.
fn run_arguments(arguments: &RunArgs, run: &MatrixRun) -> Vec<OsString> {
    let mut words: Vec<OsString> = ["run", "--quiet", "--log"].map(OsString::from).to_vec();
    words.push(run.log.clone().into());
    let mut option = |name: &str, value: String| words.extend([name.into(), value.into()]);
    for (name, value) in vars_of(arguments, &run.values) {
        option("--var", format!("{name}={value}"));
    }
    let seed = run.values.iter().find(|(name, _)| name == SEED).map(|(_, seed)| seed.clone());
    if let Some(seed) = seed.or_else(|| arguments.seed.map(|seed| seed.to_string())) {
        option("--seed", seed);
    }
    match arguments.clock {
        ClockArg::Virtual => option("--clock", "virtual".to_owned()),
        ClockArg::Real => option("--speed", arguments.speed.to_string()),
    }
    for (name, ids) in [("--only", &arguments.only), ("--skip", &arguments.skip)] {
        if !ids.is_empty() {
            option(name, ids.join(","));
        }
    }
    let flags = [("--force", arguments.force), ("--precise", arguments.precise)];
    words.extend(flags.into_iter().filter(|(_, is_set)| *is_set).map(|(flag, _)| flag.into()));
    words.push("--".into());
    words.push(arguments.file.clone().into());
    words
}

/// Shows what a run said that did not pass.
fn report_output(run: &MatrixRun, ended: &EndedRun) {
    if ended.code != 0 && !ended.stderr.is_empty() {
        write_stderr(&format!("{}:\n{}", run.label(), sanitize_lines(&ended.stderr)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_named_after_its_combination() {
        let values =
            |value: &str| vec![("users".to_owned(), value.to_owned()), ("seed".to_owned(), "1".to_owned())];
        assert_eq!(suffix(0, &values("50")), "users-50-seed-1");
        assert_eq!(suffix(3, &values("a b/c")), "users-a-b-c-seed-1-4");
        assert_eq!(with_suffix(Path::new("logs/a.jsonl"), "x-1"), Path::new("logs/a-x-1.jsonl"));
        assert_eq!(with_suffix(Path::new("a"), "x-1"), Path::new("a-x-1"));
        assert_eq!(worst_exit(&[0, 1, 0]), ExitCode::Failed);
        assert_eq!(worst_exit(&[0, 1, 4]).code(), 4);
        assert_eq!(worst_exit(&[0, 0]), ExitCode::Passed);
    }
}
