//! `scenario report`: what came of a run, from its log.

use std::io::{self, IsTerminal};

use crate::door::cli::{Format, Report as Arguments};
use crate::door::command::logs::{tell_cut, tell_unreadable};
use crate::door::command::{colors_of, print, tell_error};
use crate::paper::log::reader::Reader;
use crate::paper::log::source;
use crate::paper::report::figures::Figures;
use crate::paper::report::summary::{self, Charset, Look, json};
use crate::paper::report::told::{self, Untold};
use crate::words::exit_code::ExitCode;

pub(super) fn report(arguments: &Arguments) -> ExitCode {
    let path = &arguments.log;
    let mut reader = match source::open(path) {
        Ok(source) => Reader::new(source),
        Err(fault) => return refused(fault),
    };
    let mut figures = Figures::default();
    match told::tell(&mut reader, &mut [&mut figures]) {
        Ok(()) => {}
        Err(Untold::Unreadable(unreadable)) => return tell_unreadable(path, &unreadable),
        Err(Untold::Unwritten(_, error)) => return refused(error.to_string()),
    }
    let printed = if figures.events == 0 { ExitCode::Passed } else { show(&figures, arguments.format) };
    match reader.cut() {
        _ if printed != ExitCode::Passed => printed,
        Some(cut) => tell_cut(path, cut, arguments.allow_incomplete && figures.events > 0),
        None => ExitCode::Passed,
    }
}

fn refused(fault: String) -> ExitCode {
    tell_error(fault);
    ExitCode::Refused
}

/// Prints the summary.
fn show(figures: &Figures, format: Format) -> ExitCode {
    match format {
        Format::Human => print(&summary::text(figures, look())),
        Format::Json => json::json(figures).map_or_else(refused, |json| print(&json)),
    }
}

/// What standard output can show. Where it is no terminal, the same everywhere.
fn look() -> Look {
    let stdout = io::stdout();
    let charset = if stdout.is_terminal() && !is_unicode() { Charset::Ascii } else { Charset::Blocks };
    Look { color: colors_of(&stdout), charset }
}

/// Whether the terminal's characters are Unicode, as far as the environment says otherwise.
fn is_unicode() -> bool {
    let value = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(value);
    locale.is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}
