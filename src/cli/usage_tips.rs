//! Tips for command lines that cannot be parsed: the command that was meant, and our word for an option of
//! other tools. They take the place of the parser's own guesses where these mislead.

use std::path::Path;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Our way to what an option of other tools does: the option, the commands that it is for (none: all), and the
/// tip.
const OTHER_OPTIONS: &[(&[&str], &[&str], &str)] = &[
    (&["--format", "--json"], &["run"], "`--log -` writes the log to standard output as JSON Lines"),
    (&["--json"], &[], "`--format json`, where a command has it"),
    (
        &["--verbose", "-v"],
        &["run"],
        "a run shows every event already; `--quiet` shows only errors and warnings",
    ),
    (&["--verbose", "-v", "--debug"], &[], "there is no such option; everything is shown already"),
    (&["--silent", "-s"], &["run"], "`--quiet` shows only errors and warnings"),
    (&["--dry-run", "-n"], &["run"], "`scenario plan FILE` shows what would happen, and runs nothing"),
    (&["--output", "--html"], &["run"], "`--report FILE` writes the report as one HTML file"),
    (&["--output-file", "--log-file", "--out"], &["run"], "`--log PATH` names the log"),
    (&["--no-log"], &["run"], "`--log /dev/null` keeps no log"),
    (&["--port", "-p", "--listen"], &["run", "play"], "`--serve 127.0.0.1:8080` serves the live page"),
    (&["--env", "-e", "--set", "--define", "-D"], &[], "`--var NAME=VALUE` sets a variable"),
    (&["--timeout", "--duration"], &["run"], "`time_limit = \"1m\"` in the file limits a run"),
    (&["--fail-fast", "--bail"], &["run"], "`abort = true` on an expectation ends the run when it fails"),
    (&["--file", "-f"], &[], "the file stands alone: `scenario COMMAND FILE`"),
    (&["--exit-code"], &["run"], "the exit code always says whether the run passed"),
];

/// Puts our tips into an error of the parser. `arguments` are those of the process, without its name.
pub(super) fn improve(error: &mut clap::Error, arguments: &[String]) {
    let tip = match error.kind() {
        ErrorKind::InvalidSubcommand => command_tip(arguments),
        ErrorKind::UnknownArgument => {
            let option = match error.get(ContextKind::InvalidArg) {
                Some(ContextValue::String(option)) => option.clone(),
                _ => return,
            };
            let name = option.split(['=', ' ']).next().unwrap_or_default().to_owned();
            // The parser's advice to pass an option as a value never helps here.
            error.remove(ContextKind::Suggested);
            option_tip(arguments.first().map(String::as_str), &name)
        }
        _ => None,
    };
    if let Some(tip) = tip {
        error.remove(ContextKind::SuggestedArg);
        error.remove(ContextKind::SuggestedSubcommand);
        // It has the option that was guessed.
        error.remove(ContextKind::Usage);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(tip)]));
    }
}

fn option_tip(command: Option<&str>, option: &str) -> Option<String> {
    let is_for =
        |commands: &[&str]| commands.is_empty() || command.is_some_and(|one| commands.contains(&one));
    let row = OTHER_OPTIONS.iter().find(|(names, commands, _)| names.contains(&option) && is_for(commands));
    row.map(|(.., tip)| (*tip).to_owned())
}

/// The command for a file that stands where a command should.
fn command_tip(arguments: &[String]) -> Option<String> {
    let file = arguments.iter().find(|argument| !argument.starts_with('-'))?;
    let extension = Path::new(file).extension().and_then(|extension| extension.to_str());
    let command = match extension {
        Some("toml") => "run",
        Some("jsonl") => "report",
        _ if file.contains('/') && Path::new(file).is_file() => "run",
        _ => return None,
    };
    Some(format!("did you mean `scenario {command} {file}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Cli;
    use clap::Parser;

    fn message(arguments: &str) -> String {
        let arguments: Vec<String> = arguments.split(' ').map(str::to_owned).collect();
        let all = std::iter::once("scenario".to_owned()).chain(arguments.clone());
        let mut error = Cli::try_parse_from(all).expect_err("it is wrong");
        improve(&mut error, &arguments);
        error.to_string()
    }

    #[test]
    fn a_file_without_a_command_gets_one() {
        assert!(message("smoke.toml").contains("did you mean `scenario run smoke.toml`?"));
        assert!(message("runs/a.jsonl").contains("did you mean `scenario report runs/a.jsonl`?"));
        assert!(message("rum a.toml").contains("some similar subcommands exist: 'runs', 'run'"));
    }

    #[test]
    fn options_of_other_tools_get_our_words() {
        for (line, tip) in [
            ("run a.toml --format json", "`--log -` writes the log"),
            ("run a.toml --verbose", "shows every event already"),
            ("run a.toml -v", "shows every event already"),
            ("run a.toml --dry-run", "`scenario plan FILE`"),
            ("check a.toml --verbose", "everything is shown already"),
            ("run a.toml --port 80", "`--serve 127.0.0.1:8080`"),
            ("run a.toml --env A=b", "`--var NAME=VALUE`"),
        ] {
            let message = message(line);
            assert!(message.contains(tip), "{line}: {message}");
            assert!(!message.contains("--force") && !message.contains("as a value"), "{line}: {message}");
        }
        assert!(message("run a.toml --quite").contains("'--quiet'"));
        assert!(!message("run a.toml --zzz").contains("as a value"));
    }
}
