//! Fills in what a command line leaves out: the scenario of the folder, the newest log, the values that the
//! environment gives.

use std::path::{Path, PathBuf};

use crate::cli::args::{CliCommand, VariableArgs, parse_seed};
use crate::cli::command::write_stderr;
use crate::cli::names;
use scenario_log::name;
use scenario_log::sanitize::sanitize;

/// The variable of the environment for `--seed`.
const SEED_VARIABLE: &str = "SCENARIO_SEED";

/// The prefix of the environment's variables for `--var`.
const VARIABLE_PREFIX: &str = "SCENARIO_VAR_";

/// Completes a command.
///
/// # Errors
/// The message, if something that is needed cannot be found.
pub(super) fn complete(command: &mut CliCommand) -> Result<(), String> {
    match command {
        CliCommand::Run(run) => {
            find_scenario("run", &mut run.file)?;
            add_variables(&mut run.variables);
            take_seed(&mut run.seed)
        }
        CliCommand::Plan(plan) => {
            find_scenario("plan", &mut plan.file)?;
            add_variables(&mut plan.variables);
            take_seed(&mut plan.seed)
        }
        CliCommand::Explore(explore) => {
            find_scenario("explore", &mut explore.file)?;
            add_variables(&mut explore.variables);
            Ok(())
        }
        CliCommand::Check(check) => {
            add_variables(&mut check.variables);
            Ok(())
        }
        CliCommand::Report(report) => find_log(&mut report.log, names::find_log_or_newest),
        CliCommand::Play(play) => find_log(&mut play.log, names::find_log_or_newest),
        CliCommand::Extract(extract) => find_log(&mut extract.log, names::find_log),
        CliCommand::Diff(diff) => {
            find_log(&mut diff.left, names::find_log)?;
            find_log(&mut diff.right, names::find_log)
        }
        CliCommand::Replay(replay) => {
            if replay.logs.is_empty() {
                replay.logs.push(PathBuf::new());
            }
            replay.logs.iter_mut().try_for_each(|log| find_log(log, names::find_log))
        }
        CliCommand::Schema(_)
        | CliCommand::Players(_)
        | CliCommand::Fetch(_)
        | CliCommand::Init(_)
        | CliCommand::Runs(_)
        | CliCommand::Completions(_)
        | CliCommand::Man
        | CliCommand::PtyChild(_)
        | CliCommand::Prepared(_) => Ok(()),
    }
}

fn find_scenario(command: &str, file: &mut PathBuf) -> Result<(), String> {
    if file.as_os_str().is_empty() {
        *file = names::usual_scenario(command)?;
    }
    Ok(())
}

/// Finds a log, and says which it is if the command line does not.
fn find_log(log: &mut PathBuf, find: fn(&Path) -> Result<(PathBuf, bool), String>) -> Result<(), String> {
    if log.as_path() == Path::new("-") {
        return Ok(());
    }
    let (path, is_short) = find(log)?;
    if is_short {
        write_stderr(&format!("log: {}\n", sanitize(&path.to_string_lossy())));
    }
    *log = path;
    Ok(())
}

/// Adds the variables that the environment gives. Those of the command line go before them.
fn add_variables(variables: &mut VariableArgs) {
    let given = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?.strip_prefix(VARIABLE_PREFIX)?.to_owned();
        name::name_error(&name).is_none().then_some((name, value.into_string().ok()?))
    });
    let mut all: Vec<(String, String)> = given.collect();
    all.sort_unstable();
    all.append(&mut variables.vars);
    variables.vars = all;
}

/// Takes the seed of the environment, if the command line has none.
fn take_seed(seed: &mut Option<u64>) -> Result<(), String> {
    let Some(text) = std::env::var_os(SEED_VARIABLE).filter(|text| seed.is_none() && !text.is_empty()) else {
        return Ok(());
    };
    let text = text.to_string_lossy();
    *seed = Some(
        parse_seed(&text).map_err(|wanted| format!("{SEED_VARIABLE} is `{text}`; it must be {wanted}"))?,
    );
    Ok(())
}
