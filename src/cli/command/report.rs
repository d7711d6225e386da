//! `scenario report`: makes reports of a run from its log.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use crate::cli::args::{OutputFormat, ReportArgs as Arguments};
use crate::cli::command::log_errors::{report_log_error, report_truncated_log, report_unopened_log};
use crate::cli::command::{has_color, print_stdout, report_error, report_files};
use crate::cli::exit_code::ExitCode;
use crate::io::log_file;
use crate::io::log_file::kept_files::KeptFiles;
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
    let given = report_files::given_paths([
        ("--output", output),
        ("--junit", junit),
        ("--trace", trace),
        ("--csv", csv),
    ]);
    let on_stdout = given.iter().filter(|(_, path)| path.as_os_str() == "-").count();
    if on_stdout > 1 {
        report_error("standard output can take one report: one `-`");
        return ExitCode::Usage;
    }
    match write_reports(arguments, &given, on_stdout == 0) {
        Ok(exit) => exit,
        Err(RefusedError(refusal)) => {
            report_error(refusal);
            ExitCode::Refused
        }
    }
}

/// The reports that are made of the log beside the summary.
#[derive(Default)]
struct ReportOutputs {
    html: Option<HtmlReport<OutputFile>>,
    junit: Option<(JunitCases, OutputFile)>,
    trace: Option<TraceReport<OutputFile>>,
    csv: Option<CsvReport<OutputFile>>,
}

impl ReportOutputs {
    /// Opens the files of all reports. None of them may be the log, or the same file as another.
    fn open(arguments: &Arguments, given: &[(&'static str, &Path)]) -> Result<ReportOutputs, RefusedError> {
        let mut outputs = ReportOutputs::default();
        let mut kept = KeptFiles::default();
        kept.add(&arguments.log, "the log");
        for (option, path) in given {
            let output = report_files::open(option, path, &kept)?;
            match *option {
                "--output" => outputs.html = Some(HtmlReport::new(output)),
                "--junit" => outputs.junit = Some((JunitCases::default(), output)),
                "--trace" => outputs.trace = Some(TraceReport::new(output)),
                _ => outputs.csv = Some(CsvReport::new(output)),
            }
            if path.as_os_str() != "-" {
                kept.add(path, option);
            }
        }
        Ok(outputs)
    }

    /// Writes everything that is not written yet.
    fn finish(self, metrics: &RunMetrics, log: &Path) -> Result<(), ReportError> {
        if let Some(html) = self.html {
            html.finish(metrics, &public_log_name(log))?;
        }
        if let Some((cases, mut output)) = self.junit {
            let xml = cases.render_junit(None)?;
            output.write_all(xml.as_bytes()).and_then(|()| output.flush())?;
        }
        self.trace.map_or(Ok(()), TraceReport::finish)?;
        Ok(self.csv.map_or(Ok(()), CsvReport::finish)?)
    }
}

/// The name of a log on a page that others may read: without the folders of this machine.
pub(super) fn public_log_name(log: &Path) -> String {
    let name = log.file_name().filter(|name| *name != "-");
    name.map_or_else(|| "log.jsonl".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// Reads the log once, and makes all reports of it.
fn write_reports(
    arguments: &Arguments,
    given: &[(&'static str, &Path)],
    has_summary: bool,
) -> Result<ExitCode, RefusedError> {
    let path = &arguments.log;
    let mut reader = match log_file::open_log(path) {
        Ok(log) => LogReader::new(log),
        Err(error) => return Ok(report_unopened_log(&error, arguments.allow_incomplete)),
    };
    let mut outputs = ReportOutputs::open(arguments, given)?;
    let mut metrics = RunMetrics::default();
    let mut consumers: Vec<&mut dyn EventConsumer> = vec![&mut metrics];
    consumers.extend(outputs.html.as_mut().map(|html| html as &mut dyn EventConsumer));
    consumers.extend(outputs.junit.as_mut().map(|(cases, _)| cases as &mut dyn EventConsumer));
    consumers.extend(outputs.trace.as_mut().map(|trace| trace as &mut dyn EventConsumer));
    consumers.extend(outputs.csv.as_mut().map(|csv| csv as &mut dyn EventConsumer));
    let fed = feed::feed(&mut reader, &mut consumers);
    let unwritten = |error: ReportError| RefusedError(format!("cannot write the report: {error}"));
    match fed {
        Ok(()) => {}
        Err(FeedError::Read(unreadable)) => return Ok(report_log_error(path, &unreadable)),
        Err(FeedError::Write(error)) => return Err(unwritten(error.into())),
    }
    outputs.finish(&metrics, path).map_err(unwritten)?;
    let is_empty = metrics.events == 0;
    let printed =
        if is_empty || !has_summary { ExitCode::Passed } else { print_summary(&metrics, arguments.format)? };
    Ok(match reader.truncated_end() {
        _ if printed != ExitCode::Passed => printed,
        Some(cut) => report_truncated_log(path, cut, arguments.allow_incomplete),
        None => ExitCode::Passed,
    })
}

/// Prints the summary.
fn print_summary(metrics: &RunMetrics, format: OutputFormat) -> Result<ExitCode, RefusedError> {
    match format {
        OutputFormat::Human => Ok(print_stdout(&summary::render_text(metrics, stdout_style()))),
        OutputFormat::Json => json::render_json(metrics)
            .map(|json| print_stdout(&json))
            .map_err(|error| RefusedError(error.to_string())),
    }
}

/// The style that standard output can show. A file or a pipe gets the same style everywhere.
fn stdout_style() -> SummaryStyle {
    let stdout = io::stdout();
    let charset =
        if stdout.is_terminal() && !is_unicode() { ChartCharset::Ascii } else { ChartCharset::Blocks };
    SummaryStyle { color: has_color(&stdout), charset }
}

/// Whether the terminal shows Unicode. It does unless the environment's locale has another encoding.
fn is_unicode() -> bool {
    let value = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(value);
    locale.is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}
