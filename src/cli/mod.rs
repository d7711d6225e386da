//! The door: the command line. It wires the parts together, renders what they say, and decides
//! nothing.

pub mod exit_code;
pub mod scenario_files;

pub mod args;
mod command;

use std::process::ExitCode;

/// Runs the program: what `main` is.
#[must_use]
pub fn main() -> ExitCode {
    use clap::Parser;
    crate::io::panics::install_hook(command::report_internal_error);
    let cli = match crate::cli::args::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            if error.use_stderr() {
                // A standard error that is closed changes nothing.
                let _ = error.print();
                return ExitCode::from(crate::cli::exit_code::ExitCode::Usage.code());
            }
            // Help and version are results that were asked for.
            return ExitCode::from(command::stdout_exit_code(error.print()).code());
        }
    };
    ExitCode::from(command::dispatch(cli.command).code())
}
