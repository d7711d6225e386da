//! `scenario init`: a first scenario that runs.

use std::fs::File;
use std::io::{ErrorKind, Write};

use crate::cli::args::InitArgs;
use crate::cli::command::{print_stdout, report_error, write_stderr};
use crate::cli::exit_code::ExitCode;
use scenario_log::name;

/// The templates by name, each with what it shows; `NAME` is put in.
const TEMPLATES: [(&str, &str, &str); 6] = [
    ("first", "players on a timeline", include_str!("templates/first.toml")),
    ("stack", "programs that wait for each other", include_str!("templates/stack.toml")),
    ("load", "HTTP load at a rate, and what is expected of it", include_str!("templates/load.toml")),
    ("fetch", "requests that use values of earlier answers", include_str!("templates/fetch.toml")),
    ("lock", "threads with a lock, for `scenario explore`", include_str!("templates/lock.toml")),
    ("world", "players in a world, for the live page", include_str!("templates/world.toml")),
];

/// A valid name made of the words of another text: `My lesson` becomes `my-lesson`.
fn name_from_words(text: &str) -> String {
    let letters = text.split(|c: char| !(c.is_ascii_alphanumeric() || "_.".contains(c)));
    let words: Vec<String> = letters.filter(|word| !word.is_empty()).map(str::to_ascii_lowercase).collect();
    let name: String = words.join("-").chars().take(name::MAX_NAME_LEN).collect();
    if name.is_empty() { "my-scenario".to_owned() } else { name }
}

pub(super) fn init(arguments: &InitArgs) -> ExitCode {
    if arguments.list {
        let rows = TEMPLATES.iter().map(|(name, what, _)| format!("{name:<6} {what}\n"));
        return print_stdout(&rows.collect::<String>());
    }
    let name = arguments.name.strip_suffix(".toml").unwrap_or(&arguments.name);
    if let Some(fault) = name::name_error(name) {
        let try_this = name_from_words(name);
        report_error(format_args!(
            "`{name}` cannot be a scenario's name: {fault}; try `scenario init {try_this}`"
        ));
        return ExitCode::Usage;
    }
    let path = format!("{name}.toml");
    let template = arguments.template.as_deref();
    let found = TEMPLATES.iter().find(|(known, ..)| *known == template.unwrap_or(name));
    let Some((.., text)) = found.or(TEMPLATES.first().filter(|_| template.is_none())) else {
        let all: Vec<&str> = TEMPLATES.iter().map(|(known, ..)| *known).collect();
        let wanted = template.unwrap_or_default();
        report_error(format_args!("there is no template `{wanted}`; there are: {}", all.join(", ")));
        return ExitCode::Usage;
    };
    let text = text.replace("NAME", name);
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
