//! The texts of the help that are longer than a line: the list of commands, and examples of each.

/// The help of the program: the commands of every day first. A test compares it with the commands.
pub(super) const TEMPLATE: &str = "\
{about-with-newline}
{usage-heading} {usage}

Every day:
  init         Write a first scenario, ready to run
  check        Check scenarios, and report all errors and warnings; run nothing
  run          Run a scenario
  report       Show the summary of a logged run: its figures and its faults
  replay       Replay logs: decide every event again and compare it; start no program

More:
  plan         Show what a run would do, and when; run nothing
  play         Play a logged run on the terminal or in a browser, at its own speed
  diff         Compare the logs of two runs, and show where they first differ
  extract      Print a scenario that does by itself what people typed in a logged run
  explore      Count the outcomes of a scenario, by many seeds or by every order of its steps
  runs         List the logged runs, or delete old ones
  fetch        Fetch URLs, all at once or one after the other
  players      Play one preset of players, and print its moves
  schema       Print the JSON Schema of scenario files or of the log's events
  completions  Print a completion script for a shell
  man          Print the manual page
  help         Print this message or the help of the given subcommand(s)

Options:
{options}{after-help}";

/// After the help of the program.
pub(super) const PROGRAM: &str = "\
Exit codes: 0 the result is as expected, 1 the result is not as expected, 2 wrong usage or an
invalid scenario, 3 a replay or a diff found a difference, 4 the system refused a file, a port or
the like, 5 a log cannot be used, 129, 130 and 143 ended by SIGHUP, SIGINT and SIGTERM.

A first scenario: scenario init && scenario run first.toml";

pub(super) const RUN: &str = "\
Examples:
  scenario run first.toml
  scenario run --clock virtual --seed 7 first.toml       in no time, with this seed
  scenario run --log - --quiet first.toml | jq .event    the log as JSON Lines
  scenario run -o report.html first.toml                 with a report as one HTML file

Without FILE it runs scenario.toml. Where an option is not given, SCENARIO_SEED sets the seed,
SCENARIO_VAR_NAME the variable NAME, and SCENARIO_LOG_DIR the folder of the log.";

pub(super) const CHECK: &str = "\
Examples:
  scenario check first.toml
  scenario check .                              every scenario of this folder
  scenario check --format json *.toml | jq .    for an editor or a script";

pub(super) const REPORT: &str = "\
Examples:
  scenario report                               of the newest log below runs/
  scenario report @2 -o report.html             of the one before, as one HTML file
  scenario report --format json run.jsonl | jq .outcome";

pub(super) const REPLAY: &str = "\
Examples:
  scenario replay golden/*.jsonl                in CI: exit code 3 if anything is different
  scenario replay @last --against new.toml      would the new scenario have done the same?";

pub(super) const PLAN: &str = "\
Examples:
  scenario plan first.toml
  scenario plan --seed 7 --format json first.toml | jq .likely";

pub(super) const EXPLORE: &str = "\
Examples:
  scenario explore race.toml                    every order of its steps, or else 1000 seeds
  scenario explore --seeds 5000 race.toml
  scenario explore --exhaustive --log w.jsonl race.toml    with the log of one run for each outcome";

pub(super) const DIFF: &str = "\
Examples:
  scenario diff @2 @last                        the newest run and the one before
  scenario diff --level summary a.jsonl b.jsonl";

pub(super) const INIT: &str = "\
Examples:
  scenario init                                 writes first.toml
  scenario init lesson                          writes lesson.toml
  scenario init --list                          the templates
  scenario init stack                           writes stack.toml from the template of this name
  scenario init shop --template load            writes shop.toml from the template load";

pub(super) const RUNS: &str = "\
Examples:
  scenario runs                                 the logs below runs/, the newest first: @last, @2, @3
  scenario runs prune --keep 20                 deletes all but the 20 newest";

pub(super) const COMPLETIONS: &str = "\
Where the script goes:
  bash   scenario completions bash > ~/.local/share/bash-completion/completions/scenario
  zsh    scenario completions zsh > ~/.zfunc/_scenario
         (and in ~/.zshrc, before compinit: fpath+=~/.zfunc)
  fish   scenario completions fish > ~/.config/fish/completions/scenario.fish
Then start a new shell.";

pub(super) const MAN: &str = "\
Where the page goes:
  mkdir -p ~/.local/share/man/man1
  scenario man > ~/.local/share/man/man1/scenario.1";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Cli;
    use clap::CommandFactory;

    #[test]
    fn the_list_of_commands_is_that_of_the_commands() {
        let mut wanted: Vec<String> = Cli::command()
            .get_subcommands()
            .filter(|command| !command.is_hide_set())
            .map(|command| {
                let about = command.get_about().map(ToString::to_string).unwrap_or_default();
                format!("  {:<12} {about}", command.get_name())
            })
            .collect();
        wanted.push(format!("  {:<12} Print this message or the help of the given subcommand(s)", "help"));
        let mut listed: Vec<String> = TEMPLATE
            .lines()
            .filter(|line| line.starts_with("  ") && !line.contains('{'))
            .map(str::to_owned)
            .collect();
        wanted.sort_unstable();
        listed.sort_unstable();
        assert_eq!(listed, wanted);
    }
}
