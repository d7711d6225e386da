//! `scenario init`: a first scenario that runs.

use std::fs::File;
use std::io::{ErrorKind, Write};

use crate::cli::args::InitArgs;
use crate::cli::command::{report_error, write_stderr};
use crate::cli::exit_code::ExitCode;
use scenario_log::name;

/// The first scenario; `NAME` is put in.
const FIRST_SCENARIO: &str = include_str!("first.toml");

pub(super) fn init(arguments: &InitArgs) -> ExitCode {
    let name = arguments.name.strip_suffix(".toml").unwrap_or(&arguments.name);
    if let Some(fault) = name::name_error(name) {
        report_error(format_args!("`{name}` cannot be a scenario's name: {fault}"));
        return ExitCode::Usage;
    }
    let path = format!("{name}.toml");
    let text = FIRST_SCENARIO.replace("NAME", name);
    match File::create_new(&path).and_then(|mut file| file.write_all(text.as_bytes())) {
        Ok(()) => {
            write_stderr(&format!("wrote {path}; run it with: scenario run {path}\n"));
            ExitCode::Passed
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            report_error(format_args!("{path} exists already; `scenario init NAME` writes another"));
            ExitCode::Refused
        }
        Err(error) => {
            report_error(format_args!("cannot write {path}: {error}"));
            ExitCode::Refused
        }
    }
}
