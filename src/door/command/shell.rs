//! `scenario completions` and `scenario man`: what a packager installs beside the binary.

use clap::CommandFactory;

use crate::door::cli::{Cli, Completions};
use crate::door::command::{print, tell_error};
use crate::words::exit_code::ExitCode;

pub(super) fn completions(arguments: &Completions) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "scenario", &mut script);
    print(&String::from_utf8_lossy(&script))
}

pub(super) fn man() -> ExitCode {
    let mut page = Vec::new();
    if let Err(error) = clap_mangen::Man::new(Cli::command()).render(&mut page) {
        tell_error(format_args!("cannot make the manual page: {error}"));
        return ExitCode::Refused;
    }
    print(&String::from_utf8_lossy(&page))
}
