//! `scenario report`: what came of a run, from its log.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use crate::cli::args::{OutputFormat, ReportArgs as Arguments};
use crate::cli::command::log_errors::{report_log_error, report_truncated_log};
use crate::cli::command::{has_color, print_stdout, report_error, report_files};
use crate::cli::exit_code::ExitCode;
use crate::io::log_file;
use crate::io::log_file::writer::RefusedError;
use crate::report::csv::CsvReport;
use crate::report::error::ReportError;
use crate::report::feed;
use crate::report::feed::{EventConsumer, FeedError};
use crate::report::html::HtmlReport;
use crate::report::junit_cases::JunitCases;
use crate::report::metrics::RunMetrics;
use crate::report::output_file::OutputFile;
use crate::report::summary;
use crate::report::summary::{ChartCharset, SummaryStyle, json};
use crate::report::trace::TraceReport;
use scenario_log::reader::LogReader;

pub(super) fn report(arguments: &Arguments) -> ExitCode {
    let Arguments { output, junit, trace, csv, .. } = arguments;
    let named = report_files::given_paths([
        ("--output", output),
        ("--junit", junit),
        ("--trace", trace),
        ("--csv", csv),
    ]);
    let on_stdout = named.iter().filter(|(_, path)| path.as_os_str() == "-").count();
    if on_stdout > 1 {
        report_error("standard output can take one report: one `-`");
        return ExitCode::Usage;
    }
    match write_reports(arguments, &named, on_stdout == 0) {
        Ok(exit) => exit,
        Err(RefusedError(refusal)) => {
            report_error(refusal);
            ExitCode::Refused
        }
    }
}

/// What is made of the log beside the summary.
#[derive(Default)]
struct ReportOutputs {
    html: Option<HtmlReport<OutputFile>>,
    junit: Option<(JunitCases, OutputFile)>,
    trace: Option<TraceReport<OutputFile>>,
    csv: Option<CsvReport<OutputFile>>,
}

impl ReportOutputs {
    /// Opens all that is to be written; none of it is the log, or the same file as another.
    fn open(arguments: &Arguments, named: &[(&'static str, &Path)]) -> Result<ReportOutputs, RefusedError> {
        let mut made = ReportOutputs::default();
        let mut others = vec![(arguments.log.as_path(), "the log")];
        for (option, path) in named {
            let output = report_files::open(option, path, &others)?;
            match *option {
                "--output" => made.html = Some(HtmlReport::new(output)),
                "--junit" => made.junit = Some((JunitCases::default(), output)),
                "--trace" => made.trace = Some(TraceReport::new(output)),
                _ => made.csv = Some(CsvReport::new(output)),
            }
            others.push((path, option));
        }
        Ok(made)
    }

    /// Writes what is left to be written.
    fn finish(self, figures: &RunMetrics, log: &Path) -> Result<(), ReportError> {
        if let Some(html) = self.html {
            html.finish(figures, &public_log_name(log))?;
        }
        if let Some((cases, mut output)) = self.junit {
            let xml = cases.render_junit(None)?;
            output.write_all(xml.as_bytes()).and_then(|()| output.flush())?;
        }
        self.trace.map_or(Ok(()), TraceReport::finish)?;
        Ok(self.csv.map_or(Ok(()), CsvReport::finish)?)
    }
}

/// How a log is called on a page that goes to others: without the folders of this machine.
fn public_log_name(log: &Path) -> String {
    let name = log.file_name().filter(|name| *name != "-");
    name.map_or_else(|| "log.jsonl".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// Reads the log, and has everything made of it.
fn write_reports(
    arguments: &Arguments,
    named: &[(&'static str, &Path)],
    is_shown: bool,
) -> Result<ExitCode, RefusedError> {
    let path = &arguments.log;
    let mut reader = LogReader::new(log_file::open_log(path).map_err(RefusedError)?);
    let mut made = ReportOutputs::open(arguments, named)?;
    let mut figures = RunMetrics::default();
    let mut listeners: Vec<&mut dyn EventConsumer> = vec![&mut figures];
    listeners.extend(made.html.as_mut().map(|html| html as &mut dyn EventConsumer));
    listeners.extend(made.junit.as_mut().map(|(cases, _)| cases as &mut dyn EventConsumer));
    listeners.extend(made.trace.as_mut().map(|trace| trace as &mut dyn EventConsumer));
    listeners.extend(made.csv.as_mut().map(|csv| csv as &mut dyn EventConsumer));
    let told = feed::feed(&mut reader, &mut listeners);
    let unwritten = |error: ReportError| RefusedError(format!("cannot write the report: {error}"));
    match told {
        Ok(()) => {}
        Err(FeedError::Read(unreadable)) => return Ok(report_log_error(path, &unreadable)),
        Err(FeedError::Write(error)) => return Err(unwritten(error.into())),
    }
    made.finish(&figures, path).map_err(unwritten)?;
    let is_empty = figures.events == 0;
    let printed =
        if is_empty || !is_shown { ExitCode::Passed } else { print_summary(&figures, arguments.format)? };
    Ok(match reader.truncated_end() {
        _ if printed != ExitCode::Passed => printed,
        Some(cut) => report_truncated_log(path, cut, arguments.allow_incomplete && !is_empty),
        None => ExitCode::Passed,
    })
}

/// Prints the summary.
fn print_summary(figures: &RunMetrics, format: OutputFormat) -> Result<ExitCode, RefusedError> {
    match format {
        OutputFormat::Human => Ok(print_stdout(&summary::render_text(figures, stdout_style()))),
        OutputFormat::Json => json::render_json(figures)
            .map(|json| print_stdout(&json))
            .map_err(|error| RefusedError(error.to_string())),
    }
}

/// What standard output can show. Where it is no terminal, the same everywhere.
fn stdout_style() -> SummaryStyle {
    let stdout = io::stdout();
    let charset =
        if stdout.is_terminal() && !is_unicode() { ChartCharset::Ascii } else { ChartCharset::Blocks };
    SummaryStyle { color: has_color(&stdout), charset }
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
