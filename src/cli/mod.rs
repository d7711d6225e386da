//! The command line: parses the arguments, wires the parts of the program together and shows their results.
//! Decides nothing about a run.

pub mod exit_code;
pub mod scenario_files;

pub mod args;
mod command;
mod help_texts;
pub mod hidden_args;
mod names;
mod usage_tips;

use std::process::ExitCode;

use crate::io::signals::start;

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    use clap::Parser;
    start::unblock_all();
    crate::io::panics::install_hook(command::report_internal_error);
    let cli = match crate::cli::args::Cli::try_parse() {
        Ok(cli) => cli,
        Err(mut error) => {
            let arguments: Vec<String> =
                std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
            usage_tips::improve(&mut error, &arguments);
            if error.use_stderr() {
                command::report_usage_error(&error);
                return ExitCode::from(crate::cli::exit_code::ExitCode::Usage.code());
            }
            // Help and version are results, so they go to standard output.
            return ExitCode::from(command::stdout_exit_code(error.print()).code());
        }
    };
    command::choose_color(&cli);
    let exit = command::complete_and_dispatch(cli.command);
    if let Some(signal) = exit.deadly_signal() {
        start::die_of(signal);
    }
    ExitCode::from(exit.code())
}
