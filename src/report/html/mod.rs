//! A run as one page of HTML, to be opened in a browser and sent to others. It needs no network and no
//! other file, and can be read without its script.
//!
//! # How it works
//!
//! `collect` takes the events, beside the [metrics](crate::report::metrics) of all reports. It keeps no
//! more than the page has room for, and counts the rest. `page` puts the metrics, `charts` and `tables`
//! into the template `page.html`, which escapes every text, with the style `page.css`. `timeline_json`
//! gives the script (`script/`) the data of the timeline. A content policy in the page allows this style
//! and this script by their hashes, and nothing else.

mod charts;
mod collect;
mod lanes;
pub(crate) mod marks;
mod page;
mod sample;
mod source_rows;
mod steps;
mod tables;
pub(crate) mod text;
mod timeline_json;

use std::io::{self, Write};

use crate::report::error::ReportError;
use crate::report::feed::{EventConsumer, LogEvent};
use crate::report::html::collect::CollectedReport;
use crate::report::metrics::RunMetrics;
use crate::report::origins::SourceOrigin;
use scenario_log::event::Source;

/// Collects what the page shows, and writes the page.
#[derive(Debug)]
pub struct HtmlReport<W> {
    output: W,
    collected: CollectedReport,
}

impl<W: Write> HtmlReport<W> {
    /// A page that will be written to `to`.
    pub fn new(to: W) -> HtmlReport<W> {
        HtmlReport { output: to, collected: CollectedReport::default() }
    }

    /// Writes the page. `figures` are the metrics of the same log, and `log` is its name in the commands
    /// that the page shows.
    ///
    /// # Errors
    /// If the page cannot be made, or the system refuses to write it.
    pub fn finish(mut self, metrics: &RunMetrics, log: &str) -> Result<(), ReportError> {
        let page = page::render_page(metrics, self.collected, log)?;
        self.output.write_all(page.as_bytes())?;
        Ok(self.output.flush()?)
    }
}

impl<W: Write> EventConsumer for HtmlReport<W> {
    fn consume(&mut self, logged: &LogEvent<'_, '_>, _bytes: &[u8]) -> io::Result<()> {
        self.collected.on_event(logged);
        Ok(())
    }

    fn consume_unended(&mut self, source: Source, origin: &SourceOrigin) -> io::Result<()> {
        self.collected.end_open(source, origin);
        Ok(())
    }
}
