//! `scenario report`: what came of a run, from its log.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use crate::cli::args::{Format, Report as Arguments};
use crate::cli::command::log_errors::{tell_cut, tell_unreadable};
use crate::cli::command::{colors_of, print, report_files, tell_error};
use crate::cli::exit_code::ExitCode;
use crate::io::log_file;
use crate::io::log_file::writer::Refusal;
use crate::report::csv::Csv;
use crate::report::feed;
use crate::report::feed::{Hear, Untold};
use crate::report::html::Html;
use crate::report::junit_cases::Cases;
use crate::report::metrics::Figures;
use crate::report::output_file::Output;
use crate::report::summary;
use crate::report::summary::{Charset, Look, json};
use crate::report::trace::Trace;
use scenario_log::reader::Reader;

pub(super) fn report(arguments: &Arguments) -> ExitCode {
    let Arguments { output, junit, trace, csv, .. } = arguments;
    let named =
        report_files::named([("--output", output), ("--junit", junit), ("--trace", trace), ("--csv", csv)]);
    let on_stdout = named.iter().filter(|(_, path)| path.as_os_str() == "-").count();
    if on_stdout > 1 {
        tell_error("standard output can take one report: one `-`");
        return ExitCode::Usage;
    }
    match reported(arguments, &named, on_stdout == 0) {
        Ok(exit) => exit,
        Err(Refusal(refusal)) => {
            tell_error(refusal);
            ExitCode::Refused
        }
    }
}

/// What is made of the log beside the summary.
#[derive(Default)]
struct Made {
    html: Option<Html<Output>>,
    junit: Option<(Cases, Output)>,
    trace: Option<Trace<Output>>,
    csv: Option<Csv<Output>>,
}

impl Made {
    /// Opens all that is to be written; none of it is the log, or the same file as another.
    fn open(arguments: &Arguments, named: &[(&'static str, &Path)]) -> Result<Made, Refusal> {
        let mut made = Made::default();
        let mut others = vec![(arguments.log.as_path(), "the log")];
        for (option, path) in named {
            let output = report_files::open(option, path, &others)?;
            match *option {
                "--output" => made.html = Some(Html::new(output)),
                "--junit" => made.junit = Some((Cases::default(), output)),
                "--trace" => made.trace = Some(Trace::new(output)),
                _ => made.csv = Some(Csv::new(output)),
            }
            others.push((path, option));
        }
        Ok(made)
    }

    /// Writes what is left to be written.
    fn finish(self, figures: &Figures, log: &Path) -> Result<(), String> {
        if let Some(html) = self.html {
            html.finish(figures, &called(log))?;
        }
        if let Some((cases, mut output)) = self.junit {
            let xml = cases.junit(None)?;
            output
                .write_all(xml.as_bytes())
                .and_then(|()| output.flush())
                .map_err(|error| error.to_string())?;
        }
        let trace = self.trace.map_or(Ok(()), Trace::finish);
        trace.and_then(|()| self.csv.map_or(Ok(()), Csv::finish)).map_err(|error| error.to_string())
    }
}

/// How a log is called on a page that goes to others: without the folders of this machine.
fn called(log: &Path) -> String {
    let name = log.file_name().filter(|name| *name != "-");
    name.map_or_else(|| "log.jsonl".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// Reads the log, and has everything made of it.
fn reported(
    arguments: &Arguments,
    named: &[(&'static str, &Path)],
    is_shown: bool,
) -> Result<ExitCode, Refusal> {
    let path = &arguments.log;
    let mut reader = Reader::new(log_file::open(path).map_err(Refusal)?);
    let mut made = Made::open(arguments, named)?;
    let mut figures = Figures::default();
    let mut listeners: Vec<&mut dyn Hear> = vec![&mut figures];
    listeners.extend(made.html.as_mut().map(|html| html as &mut dyn Hear));
    listeners.extend(made.junit.as_mut().map(|(cases, _)| cases as &mut dyn Hear));
    listeners.extend(made.trace.as_mut().map(|trace| trace as &mut dyn Hear));
    listeners.extend(made.csv.as_mut().map(|csv| csv as &mut dyn Hear));
    let told = feed::tell(&mut reader, &mut listeners);
    let unwritten = |error| Refusal(format!("cannot write the report: {error}"));
    match told {
        Ok(()) => {}
        Err(Untold::Unreadable(unreadable)) => return Ok(tell_unreadable(path, &unreadable)),
        Err(Untold::Unwritten(error)) => return Err(unwritten(error.to_string())),
    }
    made.finish(&figures, path).map_err(unwritten)?;
    let is_empty = figures.events == 0;
    let printed = if is_empty || !is_shown { ExitCode::Passed } else { show(&figures, arguments.format)? };
    Ok(match reader.cut() {
        _ if printed != ExitCode::Passed => printed,
        Some(cut) => tell_cut(path, cut, arguments.allow_incomplete && !is_empty),
        None => ExitCode::Passed,
    })
}

/// Prints the summary.
fn show(figures: &Figures, format: Format) -> Result<ExitCode, Refusal> {
    match format {
        Format::Human => Ok(print(&summary::text(figures, look()))),
        Format::Json => json::json(figures).map(|json| print(&json)).map_err(Refusal),
    }
}

/// What standard output can show. Where it is no terminal, the same everywhere.
fn look() -> Look {
    let stdout = io::stdout();
    let charset = if stdout.is_terminal() && !is_unicode() { Charset::Ascii } else { Charset::Blocks };
    Look { color: colors_of(&stdout), charset }
}

/// Whether the terminal's characters are Unicode, as far as the environment does not say otherwise.
fn is_unicode() -> bool {
    let value = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(value);
    locale.is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}
