//! The HTML report of a run that has just ended: `scenario run --report`.

use std::path::Path;

use crate::cli::command::report::public_log_name;
use crate::io::log_file;
use crate::io::log_file::writer::RefusedError;
use crate::report::feed;
use crate::report::feed::{EventConsumer, FeedError};
use crate::report::html::HtmlReport;
use crate::report::metrics::RunMetrics;
use crate::report::output_file::OutputFile;
use scenario_log::reader::LogReader;

/// Writes the report of a log.
pub(super) fn write_html_report(log: &Path, output: OutputFile) -> Result<(), RefusedError> {
    let unwritten = |error: String| RefusedError(format!("cannot write the `--report`: {error}"));
    let bytes = log_file::open_log(log).map_err(|error| unwritten(error.to_string()))?;
    let mut reader = LogReader::new(bytes);
    let (mut metrics, mut html) = (RunMetrics::default(), HtmlReport::new(output));
    let mut consumers: Vec<&mut dyn EventConsumer> = vec![&mut metrics, &mut html];
    feed::feed(&mut reader, &mut consumers).map_err(|error| match error {
        FeedError::Read(error) => unwritten(error.to_string()),
        FeedError::Write(error) => unwritten(error.to_string()),
    })?;
    html.finish(&metrics, &public_log_name(log)).map_err(|error| unwritten(error.to_string()))
}
