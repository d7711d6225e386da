//! The door: the command line. It wires the parts together, renders what they say, and decides
//! nothing.

pub mod cli;
mod command;

use std::process::ExitCode;

/// Runs the program: what `main` is.
#[must_use]
pub fn enter() -> ExitCode {
    use clap::Parser;
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output and are no error; a closed pipe is none either.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    ExitCode::from(command::run(cli.command).code())
}
